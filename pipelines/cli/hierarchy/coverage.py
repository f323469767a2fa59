"""`niji hierarchy coverage`: which values of a table a hierarchy does not know."""

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.column_checks import require_usable_columns
from pipelines.cli.output_paths import require_apart
from policies.errors import DataError, Place

if TYPE_CHECKING:
    from anonymization.hierarchies.coverage import Coverage


def coverage(
    file: Annotated[Path, typer.Argument(help="Rows (.csv), an artifact (.json) or a policy (.yaml).")],
    table: Annotated[Path, typer.Argument(help="The table: .csv, .csv.gz or .parquet.")],
    column: Annotated[str, typer.Option(help="The column of the table.")],
    person: Annotated[str | None, typer.Option(help="The column that names the person, to count people.")] = None,
    report: Annotated[
        Path | None, typer.Option(help="A CSV file for the unseen values themselves; it stays where the data are.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Count the values, rows and people of a column that a hierarchy knows and does not know; exit code 11 if any.

    Small counts are not shown, and no value is. A report file lists the values: it holds personal data and stays inside.
    """
    from anonymization.hierarchies.coverage import coverage as count
    from pipelines.cli.hierarchy_files import read_hierarchy
    from pipelines.cli.table_files import read_table_file

    require_apart({"--report": report}, read=[file, table])
    read = read_hierarchy(file)
    rows = read_table_file(table).table
    for name in [column, *([person] if person else [])]:
        if name not in rows.column_names:
            raise _absent(name, table)
    require_usable_columns(rows.schema, [column], whole=(), table=table)
    found = count(rows, column, read.hierarchy, person=person)
    if report is not None:
        _write_report(report, found)
    record = _record(found, read.hierarchy.on_unseen)
    if as_json:
        typer.echo(json.dumps(record, ensure_ascii=False, indent=2))
    else:
        _show(record, report)
    if not found.is_whole:
        raise DataError(
            "data.unseen-value",
            what=f"hierarchy '{found.hierarchy}' does not know every value of column '{column}'",
            why=f"a release would {_FATE[read.hierarchy.on_unseen]}",
            fix="add the values to the hierarchy (--report lists them), or correct them at the source",
            where=Place(str(table)),
        )


_FATE = {
    "refuse": "be refused",
    "suppress": "lose the rows that hold them",
    "other": "publish them all under one label",
}


def _absent(name: str, table: Path) -> DataError:
    return DataError(
        "data.column-missing",
        what=f"the table has no column '{name}'",
        why="it is to be counted",
        fix="check the spelling against the table's header",
        where=Place(str(table)),
    )


def _record(found: "Coverage", on_unseen: str) -> dict[str, Any]:
    from anonymization.disclosure import Room, disclose_count

    counts = {
        name: disclose_count(getattr(found, name), room=Room.STEWARD).text
        for name in ("rows", "people", "rows_missing", "rows_unseen", "people_unseen")
        if getattr(found, name) is not None
    }
    return {
        "column": found.column,
        "hierarchy": found.hierarchy,
        "on_unseen": on_unseen,
        "is_whole": found.is_whole,
        "values": found.values,
        "values_unseen": found.values_unseen,
        **counts,
        "leaves": found.leaves,
        "leaves_unused": found.leaves_unused,
        "labels_by_level": list(found.labels_by_level),
    }


def _show(record: dict[str, Any], report: Path | None) -> None:
    known = record["values"] - record["values_unseen"]
    typer.echo(f"{record['column']}: {known:,} of {record['values']:,} values are in hierarchy {record['hierarchy']}")
    people = f", people {record['people_unseen']} of {record['people']}" if "people" in record else ""
    typer.echo(f"unseen: rows {record['rows_unseen']} of {record['rows']}{people}; on_unseen: {record['on_unseen']}")
    typer.echo(f"missing: rows {record['rows_missing']}")
    typer.echo("labels in use, level by level: " + ", ".join(f"{number:,}" for number in record["labels_by_level"]))
    typer.echo(f"values of the hierarchy that no row holds: {record['leaves_unused']:,} of {record['leaves']:,}")
    if report is not None:
        typer.echo(f"unseen values: {report} (personal data; keep it where the table is)")


def _write_report(path: Path, found: "Coverage") -> None:
    from pipelines.cli.table_files import write_whole

    def write(temporary: Path) -> None:
        with temporary.open("w", encoding="utf-8", newline="") as stream:
            lines = csv.writer(stream)
            lines.writerow(["value", "rows", "people"])
            lines.writerows((value, rows, "" if people is None else people) for value, rows, people in found.unseen)

    write_whole(path, write)
    path.chmod(0o600)
