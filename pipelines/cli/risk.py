"""`niji risk`: the re-identification risk of a table as it is."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from anonymization.risk import RiskReport


def risk(
    table: Annotated[Path, typer.Argument(help="The table: .csv, .csv.gz or .parquet.")],
    quasi: Annotated[str, typer.Option(help="Quasi-identifiers, separated by commas.")],
    sensitive: Annotated[
        list[str] | None, typer.Option(help="A column an attacker wants to learn; repeatable.")
    ] = None,
    person: Annotated[str | None, typer.Option(help="The column that names the person; k then counts people.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure how far the quasi-identifiers single people out."""
    import ibis

    from anonymization.risk import risk as measure
    from pipelines.cli.anonymize import split_names
    from pipelines.cli.table_files import read_table_file

    read = read_table_file(table)
    report = measure(
        ibis.memtable(read.table),
        quasi_identifiers=split_names(quasi),
        sensitive=sensitive or [],
        person=person,
    )
    if as_json:
        typer.echo(json.dumps(report.as_json(), ensure_ascii=False, indent=2))
    else:
        _show(report)


def _show(report: "RiskReport") -> None:
    from rich.console import Console
    from rich.table import Table

    unit = "people" if report.person else "rows"
    shown = Table(title="Risk against an attacker who knows " + ", ".join(report.quasi_identifiers))
    shown.add_column("measure")
    shown.add_column("value", justify="right")
    shown.add_column("in words")
    rows = [
        ("k", f"{report.k:,}", f"{unit} in the smallest class"),
        ("unique", f"{report.uniques:,}", f"{unit} alone in their class"),
        ("classes", f"{report.spectrum.class_count:,}", f"of {report.records:,} rows, {report.people:,} people"),
        ("prosecutor, worst", f"{report.prosecutor.max:.4f}", "chance to find a person known to be in the table"),
        ("prosecutor, mean", f"{report.prosecutor.mean:.4f}", "the same for an average row"),
        ("at risk", f"{report.prosecutor.at_risk:.4f}", "share of rows with a chance above 0.2"),
        ("journalist, worst", f"{report.journalist.max:.4f}", "upper bound: no population table was given"),
        ("marketer", f"{report.marketer:.4f}", "share of rows linked rightly by guessing in the class"),
    ]
    for item in report.sensitive:
        rows.append((f"l of {item.column}", f"{item.l:,}", "distinct values in the poorest class"))
        rows.append((f"t of {item.column}", f"{item.t:.4f}", "largest distance of a class from the table"))
    for row in rows:
        shown.add_row(*row)
    Console(markup=False, highlight=False).print(shown)
