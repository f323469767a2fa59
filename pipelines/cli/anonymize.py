"""`niji anonymize`: one table file in, one k-anonymous table file out, with evidence."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from policies.errors import DataError, IntegrityError, Place, UsageError

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa

    from anonymization.evidence import CheckResult
    from anonymization.generalize import Generalized
    from anonymization.hierarchy import Hierarchy
    from anonymization.search.problem import Progress, SearchProgress
    from pipelines.cli.table_files import TableFile
    from policies.model.sensitive import DistinctL

ROW = "__niji_row"
PLAIN_STEP = 100
"""Without a terminal, progress is one line every so many checks."""


def anonymize(  # noqa: PLR0913, PLR0917 - one parameter an option, as the design lists them
    table: Annotated[Path, typer.Argument(help="The table: .csv, .csv.gz or .parquet.")],
    output: Annotated[Path, typer.Option(help="Where the anonymized table goes: .csv, .csv.gz or .parquet.")],
    quasi: Annotated[str, typer.Option(help="Quasi-identifiers, separated by commas.")],
    hierarchies: Annotated[Path, typer.Option(help="Folder of hierarchies: COLUMN.csv or …_COLUMN.csv.")],
    k: Annotated[int, typer.Option(min=2, help="The least number of people in a class.")],
    l: Annotated[list[str] | None, typer.Option("--l", help="COLUMN=L: distinct l-diversity; repeatable.")] = None,
    suppression_limit: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Share of the rows that may be suppressed.")
    ] = 0.02,
    person: Annotated[str | None, typer.Option(help="The column that names the person; k then counts people.")] = None,
    keep: Annotated[str, typer.Option(help="Further columns that leave as they are, separated by commas.")] = "",
    evidence: Annotated[Path | None, typer.Option(help="Where the evidence goes, as JSON.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the evidence as JSON.")] = False,
) -> None:
    """Generalize and suppress with the least loss until every class holds k people.

    Only quasi-identifiers, sensitive columns and the columns of --keep leave; all others, the person's too, do not.
    """
    from anonymization.generalize import generalize_table
    from anonymization.quasi import QuasiIdentifier
    from pipelines.cli.table_files import read_table_file, require_suffix, write_table_file

    require_suffix(output)
    names = split_names(quasi)
    criteria = [_criterion(text) for text in l or []]
    found = read_hierarchies(hierarchies, names)
    read = read_table_file(table)
    if output.exists() and output.samefile(table):
        raise _same_file(output)
    kept = tuple(dict.fromkeys([*names, *(criterion.column for criterion in criteria), *split_names(keep)]))
    source = _source(read.table, kept, person)
    with _progress() as progress:
        result = generalize_table(
            source,
            quasi_identifiers=[QuasiIdentifier(name, found[name].hierarchy) for name in names],
            k=k,
            sensitive=criteria,
            suppression_limit=suppression_limit,
            person=person,
            progress=progress,
        )
    # Sorted by what is published, so that the order of the source says nothing about anybody.
    published = result.rows.order_by(list(kept)).to_pyarrow()
    settings = _Settings(read, found, tuple(criteria), kept, person, k, suppression_limit)
    checks = _recount(published, result, settings)
    record = _evidence(result, settings, checks)
    # Evidence first: evidence without its table harms nobody, a table without evidence must not be.
    if evidence is not None:
        _write_json(evidence, record)
    write_table_file(published.select(kept), output, delimiter=read.delimiter or ",")
    if as_json:
        typer.echo(json.dumps(record, ensure_ascii=False, indent=2))
    else:
        _show(result, output, evidence)


@dataclass(frozen=True, slots=True)
class HierarchyFile:
    """A hierarchy that was read, the name of its file and its SHA-256."""

    hierarchy: "Hierarchy" = field(repr=False)
    file: str
    digest: str


@dataclass(frozen=True, slots=True)
class _Settings:
    """What was asked, for recount and evidence."""

    read: "TableFile"
    hierarchies: Mapping[str, HierarchyFile]
    sensitive: tuple["DistinctL", ...]
    kept: tuple[str, ...]
    person: str | None
    k: int
    suppression_limit: float


def split_names(text: str) -> list[str]:
    """Return the column names in a comma-separated list; blanks around names are not part of them."""
    return [name.strip() for name in text.split(",") if name.strip()]


def read_hierarchies(folder: Path, columns: list[str]) -> dict[str, HierarchyFile]:
    """Read the hierarchy of each column from `COLUMN.csv`, or else from the one file that ends in `_COLUMN.csv`.

    Raises:
        UsageError: No folder, or none or several files for a column.
        PolicyError: A file is no hierarchy.
    """
    import hashlib

    from anonymization.hierarchy import read_arx_layout

    if not folder.is_dir():
        raise UsageError(
            "usage.no-such-folder",
            what=f"there is no folder '{folder}'",
            why="the hierarchies are read from it",
            fix="check the path",
            where=Place(str(folder)),
        )
    found = {}
    for column in columns:
        path = _hierarchy_path(folder, column)
        content = path.read_bytes()
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise UsageError(
                "usage.hierarchy-encoding",
                what=f"the hierarchy file '{path.name}' is not UTF-8",
                why="a label read in the wrong encoding covers no value",
                fix="convert it to UTF-8",
                where=Place(str(path)),
            ) from None
        digest = "sha256:" + hashlib.sha256(content).hexdigest()
        found[column] = HierarchyFile(read_arx_layout(column, text), path.name, digest)
    return found


def _hierarchy_path(folder: Path, column: str) -> Path:
    exact = [path for path in folder.iterdir() if path.name == f"{column}.csv"]
    ending = sorted(path for path in folder.iterdir() if path.name.endswith(f"_{column}.csv"))
    candidates = exact or ending
    if len(candidates) == 1:
        return candidates[0]
    several = f"{len(candidates)} files of '{folder}' end in '_{column}.csv'"
    raise UsageError(
        "usage.hierarchy-missing" if not candidates else "usage.hierarchy-ambiguous",
        what=several if candidates else f"no file of '{folder}' is the hierarchy of column '{column}'",
        why="every quasi-identifier is generalized along its hierarchy",
        fix=f"name the file '{column}.csv', or make it the only one that ends in '_{column}.csv'",
        where=Place(str(folder)),
    )


def _criterion(text: str) -> "DistinctL":
    from policies.model.sensitive import DistinctL

    column, _, number = text.rpartition("=")
    if not column or not number.isdecimal() or int(number) < 2:
        raise UsageError(
            "usage.l",
            what="--l is not of the form COLUMN=L with L of 2 or more",
            why="l-diversity needs the sensitive column and the number of values",
            fix="write for example --l diagnosis=3",
        )
    return DistinctL(column=column, l=int(number))


def _same_file(output: Path) -> UsageError:
    return UsageError(
        "usage.output-is-input",
        what="--output is the table itself",
        why="the source would be lost",
        fix="write to another file",
        where=Place(str(output)),
    )


def _source(table: "pa.Table", kept: tuple[str, ...], person: str | None) -> "ibis.Table":
    import ibis

    wanted = list(dict.fromkeys([*kept, *([person] if person else [])]))
    absent = [name for name in wanted if name not in table.column_names]
    if absent:
        raise DataError(
            "data.column-missing",
            what=f"the table has no column {', '.join(repr(name) for name in absent)}",
            why="every column that is named must be there",
            fix="check the spelling against the table's header",
        )
    if person is not None and person in kept:
        raise UsageError(
            "usage.person-leaves",
            what=f"the person column '{person}' is also to be published",
            why="whoever names the person cannot leave",
            fix="name it only in --person",
        )
    return ibis.memtable(_numbered(table, wanted))


def _numbered(table: "pa.Table", columns: list[str]) -> "pa.Table":
    import pyarrow as pa

    return table.select(columns).append_column(ROW, pa.array(range(table.num_rows), pa.int64()))


def _recount(published: "pa.Table", result: "Generalized", settings: _Settings) -> tuple["CheckResult", ...]:
    import ibis

    from anonymization.recount import SourceRows, recount

    checks = recount(
        ibis.memtable(published),
        quasi_identifiers=list(settings.hierarchies),
        k=settings.k,
        sensitive=settings.sensitive,
        person=settings.person,
        source=SourceRows(
            rows=ibis.memtable(_numbered(settings.read.table, list(settings.hierarchies))),
            row_id=ROW,
            hierarchies={name: item.hierarchy for name, item in settings.hierarchies.items()},
            levels=result.node,
        ),
    )
    failed = [check for check in checks if not check.passed]
    if failed:
        raise IntegrityError(
            "integrity.recount",
            what="; ".join(check.what for check in failed),
            why="the independent recount does not find what the search claims, so nothing is written",
            fix="report this with the version and the settings; the table must not be released",
        )
    return checks


def _evidence(result: "Generalized", settings: _Settings, checks: tuple["CheckResult", ...]) -> dict[str, object]:
    names = list(settings.hierarchies)
    return {
        "schema": "niji/anonymize-evidence/v1",
        "loss": result.loss,
        "node": result.node,
        "classes": result.classes,
        "suppressed_records": result.suppressed_records,
        "records": result.records,
        "people": result.people,
        "k": result.k_reached,
        "checks": result.checks,
        "gap": result.gap,
        "metric": result.metric,
        "k_required": settings.k,
        "l_required": {criterion.column: criterion.l for criterion in settings.sensitive},
        "suppression_limit": settings.suppression_limit,
        "records_out": result.records - result.suppressed_records,
        "person": settings.person,
        "missing_values": "own_category",
        "columns": list(settings.kept),
        "dropped_columns": [name for name in settings.read.table.column_names if name not in settings.kept],
        "table": settings.read.digest,
        "hierarchies": {
            name: {"file": settings.hierarchies[name].file, "digest": settings.hierarchies[name].digest}
            for name in names
        },
        "class_sizes": result.class_sizes.as_json(),
        "recount": [check.as_json() for check in checks],
        "certificate": {
            "is_complete": result.certificate.is_complete,
            "checks": [
                {"node": list(check.node), "suppressed": check.suppressed, "loss": check.loss, "valid": check.is_valid}
                for check in result.certificate.checks
            ],
        },
    }


def _write_json(path: Path, record: dict[str, object]) -> None:
    from pipelines.cli.table_files import write_whole

    text = json.dumps(record, ensure_ascii=False, indent=2) + "\n"
    write_whole(path, lambda temporary: _write_text(temporary, text))


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


@contextmanager
def _progress() -> Iterator["Progress"]:
    """Show the search on standard error: a live line on a terminal, a plain line every hundred checks otherwise."""
    if not sys.stderr.isatty():
        yield _plain_line
        return
    from rich.console import Console

    with Console(stderr=True).status("counting distinct tuples") as status:
        yield lambda step: status.update(_words(step))


def _plain_line(step: "SearchProgress") -> None:
    if step.checks % PLAIN_STEP == 0:
        print(_words(step), file=sys.stderr)


def _words(step: "SearchProgress") -> str:
    best = "none yet" if step.incumbent is None else f"{step.incumbent:.6f}"
    gap = "" if step.gap is None else f", gap {step.gap:.6f}"
    return f"searching: {step.checks:,} nodes checked, {step.open_nodes:,} open, best loss {best}{gap}"


def _show(result: "Generalized", output: Path, evidence: Path | None) -> None:
    from rich.console import Console
    from rich.table import Table

    shown = Table(title=f"Loss {result.loss:.6f}, {'proven best' if result.gap == 0 else f'gap {result.gap:.6f}'}")
    shown.add_column("quasi-identifier")
    shown.add_column("level", justify="right")
    shown.add_column("of", justify="right")
    for column, level in result.node.items():
        heights = {attribute.column: attribute.levels[-1] for attribute in result.problem.histogram.attributes}
        shown.add_row(column, str(level), str(heights[column]))
    console = Console(markup=False, highlight=False)
    console.print(shown)
    console.print(
        f"{result.classes:,} classes of {result.k_reached:,} people or more; "
        f"{result.suppressed_records:,} of {result.records:,} rows suppressed; {result.checks:,} nodes checked"
    )
    console.print(f"table:    {output}", soft_wrap=True)
    if evidence is not None:
        console.print(f"evidence: {evidence}", soft_wrap=True)
