"""`niji hierarchy apply`: the mapping of a release, applied to another table."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from pipelines.cli.output_paths import require_apart
from policies.errors import DataError, Place, UsageError

if TYPE_CHECKING:
    import pyarrow as pa

    from anonymization.hierarchies.mapping import Applied, MappingArtifact
    from pipelines.cli.table_files import TableFile


def apply(
    mapping: Annotated[Path, typer.Argument(help="The mapping, as --export-mapping wrote it.")],
    table: Annotated[Path, typer.Argument(help="The table: .csv, .csv.gz or .parquet.")],
    output: Annotated[Path, typer.Option(help="Where the labels go: .csv, .csv.gz or .parquet.")],
    on_unseen: Annotated[
        Literal["refuse", "suppress", "other"] | None,
        typer.Option(help="What happens to values the mapping does not know; as its hierarchies say, without."),
    ] = None,
    k: Annotated[
        int | None, typer.Option(min=2, help="Count anew, and write only if every class has k people.")
    ] = None,
    person: Annotated[str | None, typer.Option(help="The column that names the person; k then counts people.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Publish the columns of a mapping under the labels that the release gave them; no other column leaves.

    The mapping guarantees no k: other rows are other people. With --k they are counted by the independent recount.
    """
    from anonymization.hierarchies.mapping import apply_mapping, read_mapping
    from pipelines.cli.hierarchy_files import read_json
    from pipelines.cli.table_files import read_table_file, require_suffix, write_table_file

    require_suffix(output)
    if not mapping.is_file():
        raise _no_file(mapping)
    read_map = read_mapping(read_json(mapping))
    read = read_table_file(table)
    require_apart({"--output": output}, read=[table, mapping])
    names = [column.column for column in read_map.columns]
    if person in names:
        raise UsageError(
            "usage.person-leaves",
            what=f"the person column '{person}' is one of the mapping's",
            why="whoever names the person cannot leave",
            fix="name the column that tells people apart",
        )
    applied = apply_mapping(read.table, read_map, on_unseen=on_unseen, beside=[person] if person else [])
    reached = None if k is None else _recounted(applied.table, names, k=k, person=person)
    # Sorted, so that the order of the source says nothing.
    published = applied.table.select(names).sort_by([(name, "ascending") for name in names])
    write_table_file(published, output, delimiter=read.delimiter or ",")
    record = _record(applied, read_map, read, k=k, reached=reached)
    typer.echo(json.dumps(record, ensure_ascii=False, indent=2) if as_json else _words(record, names, output))


def _no_file(path: Path) -> UsageError:
    return UsageError(
        "usage.no-such-file",
        what=f"there is no file '{path}'",
        why="the mapping is read from it",
        fix="check the path",
        where=Place(str(path)),
    )


def _recounted(published: "pa.Table", names: list[str], *, k: int, person: str | None) -> int:
    """Return the people of the smallest class; refuse the table if they are fewer than k."""
    import ibis

    from anonymization.recount import recount

    checks = recount(ibis.memtable(published), quasi_identifiers=names, k=k, person=person)
    failed = [check for check in checks if not check.passed]
    if failed:
        raise DataError(
            "data.k-not-held",
            what="; ".join(check.what for check in failed),
            why="the labels held k in the release, among other people; nothing is written",
            fix="anonymize this table by itself, or export a mapping of coarser levels",
        )
    return min(int(str(check.measured["k"])) for check in checks if check.name == "recount.k")


def _record(
    applied: "Applied", mapping: "MappingArtifact", read: "TableFile", *, k: int | None, reached: int | None
) -> dict[str, Any]:
    return {
        "schema": "niji/applied-mapping/v1",
        "mapping": mapping.digest,
        "release": mapping.release,
        "table": read.digest,
        "hierarchies": {column.column: column.digest for column in mapping.columns},
        "levels": {column.column: column.level for column in mapping.columns},
        "records_out": applied.table.num_rows,
        "suppressed_records": applied.suppressed,
        "unseen_values": {
            name: {"values": values, "rows": rows} for name, (values, rows) in applied.unseen.items() if values
        },
        "k_required": k,
        "k": reached,
    }


def _words(record: dict[str, Any], names: list[str], output: Path) -> str:
    lines = [
        f"{record['records_out']:,} rows written, {record['suppressed_records']:,} suppressed: {output}",
        *(
            f"{name}: {count['values']:,} values in {count['rows']:,} rows that the mapping does not know"
            for name, count in record["unseen_values"].items()
        ),
    ]
    if record["k"] is None:
        lines.append("no k is claimed: these are other people than in the release; count them with --k, or with")
        lines.append(f"  niji risk {output} --quasi {','.join(names)}")
    else:
        lines.append(f"every class has {record['k']:,} people or more, by the recount")
    return "\n".join(lines)
