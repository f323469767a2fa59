"""`niji risk`: the re-identification risk of a table as it is."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from pipelines.cli.anonymize.settings import split_names
from pipelines.cli.column_checks import require_usable_columns
from pipelines.cli.risk_words import Measured, headings, lines, title
from policies.errors import UsageError
from policies.sentences import Language

if TYPE_CHECKING:
    import ibis

    from anonymization.population import Population
    from anonymization.uniqueness import Uniqueness

EXAMPLES = (
    "Examples: niji risk patients.csv --quasi age,sex,area --person patient_no  ·  "
    "niji risk patients.csv --quasi age,sex,area --population census.csv --population-people people  ·  "
    "niji risk patients.csv --quasi age,sex,area --population-size 1200000 --suda 3 --language ja"
)
"""What --help shows."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is to be measured beside the class sizes."""

    quasi: list[str]
    person: str | None
    threshold: float
    population_size: int | None
    missing: str
    suda: int | None
    discover: list[str]


def risk(  # noqa: PLR0913, PLR0917 - one parameter an option, as the design lists them
    table: Annotated[Path, typer.Argument(help="The table: .csv, .csv.gz or .parquet.")],
    quasi: Annotated[str, typer.Option(help="Quasi-identifiers, separated by commas.")],
    sensitive: Annotated[
        list[str] | None, typer.Option(help="A column an attacker wants to learn; repeatable.")
    ] = None,
    person: Annotated[str | None, typer.Option(help="The column that names the person; k then counts people.")] = None,
    population: Annotated[
        Path | None, typer.Option(help="People of the population by the same quasi-identifiers: a table.")
    ] = None,
    population_people: Annotated[
        str | None, typer.Option(help="The population's column that counts people; a row is a person without.")
    ] = None,
    population_size: Annotated[
        int | None, typer.Option(min=1, help="People of the population: estimates who is unique in it.")
    ] = None,
    threshold: Annotated[float, typer.Option(help="Above which risk a record is at risk.")] = 0.2,
    missing: Annotated[
        Literal["own_category", "wild_card"],
        typer.Option(help="wild_card: measure also with missing values that match every value (counts rows)."),
    ] = "own_category",
    suda: Annotated[
        int | None, typer.Option(min=1, help="Find records that up to so many quasi-identifiers single out (SUDA2).")
    ] = None,
    discover: Annotated[
        str, typer.Option(help="Columns, separated by commas: which sets of them tell people apart?")
    ] = "",
    language: Annotated[Language, typer.Option(help="The language of the words.")] = "en",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure how far the quasi-identifiers single people out."""
    import ibis

    from anonymization.risk import risk as measure
    from pipelines.cli.table_files import read_table_file

    asked = _Asked(split_names(quasi), person, threshold, population_size, missing, suda, split_names(discover))
    read = read_table_file(table).table
    named = [*asked.quasi, *(sensitive or []), *([person] if person else []), *asked.discover]
    require_usable_columns(read.schema, dict.fromkeys(named), whole=(), table=table)
    rows = ibis.memtable(read)
    report = measure(
        rows,
        quasi_identifiers=asked.quasi,
        sensitive=sensitive or [],
        person=person,
        population=_population(population, population_people),
        threshold=threshold,
    )
    found = _more(rows, Measured(report), asked)
    if as_json:
        typer.echo(json.dumps(found.as_json(), ensure_ascii=False, indent=2))
    else:
        _show(found, language)


def _population(path: Path | None, people: str | None) -> "Population | None":
    import ibis

    from anonymization.population import Population
    from pipelines.cli.table_files import read_table_file

    if path is not None:
        return Population(ibis.memtable(read_table_file(path).table), people)
    if people is not None:
        raise UsageError(
            "usage.population-people",
            what="--population-people is given without --population",
            why="it names a column of the population table",
            fix="give the table, or leave the column out",
        )
    return None


def _more(rows: "ibis.Table", found: Measured, asked: _Asked) -> Measured:
    """Measure what was asked for beside the class sizes."""
    from anonymization.risks.discovery import discover
    from anonymization.risks.missing import MissingValues, missing_values, wild_card_risk
    from anonymization.risks.records import read_records
    from anonymization.risks.suda import DIS_FRACTION, suda

    report, people = found.report, asked.population_size
    wild = singled = sets = None
    if missing_values(asked.missing) is MissingValues.WILD_CARD:
        wild = wild_card_risk(read_records(rows, asked.quasi, person=asked.person), threshold=asked.threshold)
    if asked.suda is not None:
        fraction = DIS_FRACTION if people is None else min(report.people / people, 0.99)
        records = read_records(rows, asked.quasi, person=asked.person)
        singled = suda(records, most_size=asked.suda, fraction=fraction)
    if asked.discover:
        sets = discover(read_records(rows, asked.discover, person=asked.person))
    estimates = None if people is None else _estimates(found, people)
    return Measured(report, people, estimates, wild, singled, sets)


def _estimates(found: Measured, people: int) -> "dict[str, Uniqueness]":
    import numpy as np

    from anonymization.uniqueness import ClassSizes, estimate_uniques

    spectrum = found.report.spectrum
    sample = ClassSizes(np.array(spectrum.sizes, np.int64), np.array(spectrum.classes, np.int64))
    return {
        "dankar": estimate_uniques(sample, population=people, estimator="dankar"),
        "pitman": estimate_uniques(sample, population=people, estimator="pitman"),
        "zayatz": estimate_uniques(sample, population=people, estimator="zayatz"),
        "snb": estimate_uniques(sample, population=people, estimator="snb"),
    }


def _show(found: Measured, language: Language) -> None:
    from rich.console import Console
    from rich.table import Table

    shown = Table(title=title(found.report, language))
    for heading, justify in zip(headings(language), ("left", "right", "left"), strict=True):
        shown.add_column(heading, justify=justify)  # type: ignore[arg-type]  # the three words are among rich's
    for line in lines(found, language):
        shown.add_row(*line)
    Console(markup=False, highlight=False).print(shown)
