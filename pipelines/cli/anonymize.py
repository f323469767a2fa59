"""`niji anonymize`: one table file in, one k-anonymous table file out, with evidence."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli import anonymize_local as local
from pipelines.cli.anonymize_models import AskedModels, read_models
from pipelines.cli.hierarchy_files import HierarchyFile, read_hierarchies
from policies.errors import DataError, IntegrityError, Place, UsageError

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa
    from rich.console import Console

    from anonymization.evidence import CheckResult
    from anonymization.generalize import Generalized
    from anonymization.recoding.local import LocallyRecoded
    from anonymization.search.problem import Progress, SearchProgress
    from pipelines.cli.table_files import TableFile

ROW = "__niji_row"
PLAIN_STEP = 100
"""Without a terminal, progress is one line every so many checks."""
Repeated = list[str] | None
"""What an option gives that may be repeated; None where it is not given."""


def anonymize(  # noqa: PLR0913, PLR0917 - one parameter an option, as the design lists them
    table: Annotated[Path, typer.Argument(help="The table: .csv, .csv.gz or .parquet.")],
    output: Annotated[Path, typer.Option(help="Where the anonymized table goes: .csv, .csv.gz or .parquet.")],
    quasi: Annotated[str, typer.Option(help="Quasi-identifiers, separated by commas.")],
    hierarchies: Annotated[Path, typer.Option(help="Folder of hierarchies: COLUMN.csv or …_COLUMN.csv.")],
    k: Annotated[int, typer.Option(min=2, help="The least number of people in a class.")],
    l: Annotated[Repeated, typer.Option("--l", help="COLUMN=L: distinct l-diversity; repeatable.")] = None,
    entropy_l: Annotated[Repeated, typer.Option(help="COLUMN=L: entropy l-diversity; repeatable.")] = None,
    recursive_l: Annotated[Repeated, typer.Option(help="COLUMN=C,L: recursive (c, l)-diversity; repeatable.")] = None,
    t: Annotated[Repeated, typer.Option("--t", help="COLUMN=T: t-closeness; repeatable.")] = None,
    distance: Annotated[
        Repeated,
        typer.Option(help="COLUMN=equal|ordered|hierarchical: how far values are apart for --t; equal without."),
    ] = None,
    alpha: Annotated[Repeated, typer.Option(help="COLUMN=A: the largest share of a value; repeatable.")] = None,
    beta: Annotated[Repeated, typer.Option(help="COLUMN=B[,basic]: enhanced β-likeness; repeatable.")] = None,
    delta: Annotated[Repeated, typer.Option(help="COLUMN=D: δ-disclosure privacy; repeatable.")] = None,
    suppression_limit: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Share of the rows that may be suppressed.")
    ] = 0.02,
    person: Annotated[str | None, typer.Option(help="The column that names the person; k then counts people.")] = None,
    keep: Annotated[str, typer.Option(help="Further columns that leave as they are, separated by commas.")] = "",
    recoding: Annotated[
        local.Recoding,
        typer.Option(help="global: one level a column, proven best. local: each class at its own labels, losing less."),
    ] = local.Recoding.GLOBAL,
    effort: Annotated[
        int | None, typer.Option(min=0, help="Comparisons to spend on improving a local recoding; 0: none.")
    ] = None,
    evidence: Annotated[Path | None, typer.Option(help="Where the evidence goes, as JSON.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the evidence as JSON.")] = False,
) -> None:
    """Generalize and suppress with the least loss until every class holds k people and meets every model.

    Only quasi-identifiers, sensitive columns and the columns of --keep leave; all others, the person's too, do not.
    """
    from pipelines.cli.table_files import read_table_file, require_suffix, write_table_file

    require_suffix(output)
    local.require_recoding(recoding, effort=effort)
    asked = {"l": l, "entropy-l": entropy_l, "recursive-l": recursive_l, "t": t, "distance": distance}
    models = read_models({**asked, "alpha": alpha, "beta": beta, "delta": delta}, folder=hierarchies)
    names = split_names(quasi)
    found = read_hierarchies(hierarchies, names)
    read = read_table_file(table)
    if output.exists() and output.samefile(table):
        raise _same_file(output)
    kept = tuple(dict.fromkeys([*names, *models.columns, *split_names(keep)]))
    settings = _Settings(read, found, models, kept, person, k, suppression_limit, recoding, effort)
    result, published = _recode(settings)
    record = _evidence(result, settings, _recount(published, result, settings))
    # Evidence first: evidence without its table harms nobody, a table without evidence must not be.
    if evidence is not None:
        _write_json(evidence, record)
    write_table_file(published.select(kept), output, delimiter=read.delimiter or ",")
    if as_json:
        typer.echo(json.dumps(record, ensure_ascii=False, indent=2))
    else:
        _show(result, record["models"], output, evidence)


@dataclass(frozen=True, slots=True)
class _Settings:
    """What was asked, for recount and evidence."""

    read: "TableFile"
    hierarchies: Mapping[str, HierarchyFile]
    sensitive: AskedModels
    kept: tuple[str, ...]
    person: str | None
    k: int
    suppression_limit: float
    recoding: local.Recoding
    effort: int | None


def _recode(settings: _Settings) -> tuple["Generalized | LocallyRecoded", "pa.Table"]:
    """Search, and return the result with its rows; they are sorted, so that the order of the source says nothing."""
    from anonymization.generalize import generalize_table
    from anonymization.quasi import QuasiIdentifier

    rows = _source(settings.read.table, settings.kept, settings.person)
    asked: dict[str, Any] = {
        "quasi_identifiers": [QuasiIdentifier(name, item.hierarchy) for name, item in settings.hierarchies.items()],
        "k": settings.k,
        "sensitive": settings.sensitive.models,
        "suppression_limit": settings.suppression_limit,
        "person": settings.person,
    }
    result: Generalized | LocallyRecoded
    if settings.recoding is local.Recoding.LOCAL:
        result = local.recode(rows, **asked, effort=settings.effort)
    else:
        with _progress() as progress:
            result = generalize_table(rows, **asked, progress=progress)
    return result, result.rows.order_by(list(settings.kept)).to_pyarrow()


def split_names(text: str) -> list[str]:
    """Return the column names in a comma-separated list; blanks around names are not part of them."""
    return [name.strip() for name in text.split(",") if name.strip()]


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


def _recount(
    published: "pa.Table", result: "Generalized | LocallyRecoded", settings: _Settings
) -> tuple["CheckResult", ...]:
    import ibis

    from anonymization.generalize import Generalized
    from anonymization.recount import SourceRows, recount

    checks = recount(
        ibis.memtable(published),
        quasi_identifiers=list(settings.hierarchies),
        k=settings.k,
        sensitive=settings.sensitive.models,
        person=settings.person,
        source=SourceRows(
            rows=ibis.memtable(_numbered(settings.read.table, [*settings.hierarchies, *settings.sensitive.columns])),
            row_id=ROW,
            hierarchies={name: item.hierarchy for name, item in settings.hierarchies.items()},
            levels=result.node if isinstance(result, Generalized) else None,
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


def _evidence(
    result: "Generalized | LocallyRecoded", settings: _Settings, checks: tuple["CheckResult", ...]
) -> dict[str, Any]:
    from anonymization.generalize import Generalized
    from policies.model.sensitive import DistinctL

    return {
        "schema": "niji/anonymize-evidence/v1",
        **(_of_search(result) if isinstance(result, Generalized) else local.evidence_of(result)),
        "classes": result.classes,
        "suppressed_records": result.suppressed_records,
        "records": result.records,
        "people": result.people,
        "k": result.k_reached,
        "k_required": settings.k,
        "l_required": {model.column: model.l for model in settings.sensitive.models if isinstance(model, DistinctL)},
        "models": _models(settings.sensitive, checks),
        "suppression_limit": settings.suppression_limit,
        "records_out": result.records - result.suppressed_records,
        "person": settings.person,
        "missing_values": "own_category",
        "columns": list(settings.kept),
        "dropped_columns": [name for name in settings.read.table.column_names if name not in settings.kept],
        "table": settings.read.digest,
        "hierarchies": {
            name: {"file": item.file, "digest": item.digest}
            for name, item in {**settings.hierarchies, **settings.sensitive.files}.items()
        },
        "class_sizes": result.class_sizes.as_json(),
        "recount": [check.as_json() for check in checks],
    }


def _of_search(result: "Generalized") -> dict[str, Any]:
    """Return what only a globally recoded table has to say for itself."""
    return {
        "recoding": local.Recoding.GLOBAL.value,
        "loss": result.loss,
        "metric": result.metric,
        "node": result.node,
        "checks": result.checks,
        "gap": result.gap,
        "certificate": {
            "is_complete": result.certificate.is_complete,
            "checks": [
                {"node": list(check.node), "suppressed": check.suppressed, "loss": check.loss, "valid": check.is_valid}
                for check in result.certificate.checks
            ],
        },
    }


def _models(asked: AskedModels, checks: tuple["CheckResult", ...]) -> list[dict[str, Any]]:
    """Return each model with its parameters and what the worst class reaches, by the recount."""
    from anonymization.recount_sensitive import reached_of
    from anonymization.sensitive_models import record_of
    from policies.model.sensitive import parameters_of

    reached = reached_of(asked.models, checks)
    return [
        {
            **parameters_of(record_of(model)),
            "reached": {name: each[name] for name in each if name not in {"model", "column"}},
        }
        for model, each in zip(asked.models, reached, strict=True)
    ]


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


def _show(
    result: "Generalized | LocallyRecoded", models: list[dict[str, Any]], output: Path, evidence: Path | None
) -> None:
    from rich.console import Console

    from anonymization.generalize import Generalized

    console = Console(markup=False, highlight=False)
    if isinstance(result, Generalized):
        _show_levels(result, console)
    else:
        local.show(result, console)
    console.print(
        f"{result.classes:,} classes of {result.k_reached:,} people or more; "
        f"{result.suppressed_records:,} of {result.records:,} rows suppressed"
    )
    for model in models:
        figures = ", ".join(
            f"{name} {figure}" for name, figure in model["reached"].items() if not name.startswith("classes_")
        )
        console.print(f"{model['column']}: {model['model']}, the worst class reaches {figures}")
    console.print(f"table:    {output}", soft_wrap=True)
    if evidence is not None:
        console.print(f"evidence: {evidence}", soft_wrap=True)


def _show_levels(result: "Generalized", console: "Console") -> None:
    from rich.table import Table

    shown = Table(title=f"Loss {result.loss:.6f}, {'proven best' if result.gap == 0 else f'gap {result.gap:.6f}'}")
    shown.add_column("quasi-identifier")
    shown.add_column("level", justify="right")
    shown.add_column("of", justify="right")
    for column, level in result.node.items():
        heights = {attribute.column: attribute.levels[-1] for attribute in result.problem.histogram.attributes}
        shown.add_row(column, str(level), str(heights[column]))
    console.print(shown)
    console.print(f"{result.checks:,} nodes checked")
