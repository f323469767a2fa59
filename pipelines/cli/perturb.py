"""`niji perturb`: one table in, one perturbed table out, with what it cost and what it does not promise."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.output_paths import require_apart
from policies.errors import IntegrityError, Place, UsageError

if TYPE_CHECKING:
    from anonymization.evidence import CheckResult
    from anonymization.perturbation.steps import Step
    from anonymization.perturbation.table import PerturbedTable
    from pipelines.cli.table_files import TableFile

Repeated = list[str] | None
"""What an option gives that may be repeated; None where it is not given."""

EPILOG = (
    "Examples: niji perturb labs.csv --output out.csv --microaggregate value --grouping univariate --k 10 --person patient  ·  "
    "niji perturb people.parquet --output out.parquet --microaggregate height,weight --k 5 --pram smoker=0.8 --keep sex"
)


def perturb(  # noqa: PLR0913, PLR0917 - one parameter an option
    table: Annotated[Path, typer.Argument(help="The table: .csv, .csv.gz or .parquet.")],
    output: Annotated[Path, typer.Option(help="Where the perturbed table goes: .csv, .csv.gz or .parquet.")],
    microaggregate: Annotated[
        Repeated, typer.Option(help="Columns aggregated together, separated by commas; repeatable.")
    ] = None,
    categories: Annotated[
        str, typer.Option(help="Those of --microaggregate that hold categories (Gower's distance, modes).")
    ] = "",
    k: Annotated[int | None, typer.Option(min=2, help="The least number of people in a group.")] = None,
    grouping: Annotated[
        str, typer.Option(help="mdav, v_mdav, or univariate: each column on its own, optimal.")
    ] = "mdav",
    aggregate: Annotated[str, typer.Option(help="What numbers of a group become: mean, median or mode.")] = "mean",
    block_rows: Annotated[
        int | None, typer.Option(min=50, help="Cut the table into blocks of so many rows first (large tables).")
    ] = None,
    top: Annotated[Repeated, typer.Option(help="COLUMN=LIMIT: numbers above become the limit; repeatable.")] = None,
    bottom: Annotated[Repeated, typer.Option(help="COLUMN=LIMIT: numbers below become the limit; repeatable.")] = None,
    limit_source: Annotated[str, typer.Option(help="Where the limits of --top and --bottom are from.")] = "",
    round_to: Annotated[Repeated, typer.Option("--round", help="COLUMN=BASE: to the nearest multiple.")] = None,
    round_randomly: Annotated[
        Repeated, typer.Option(help="COLUMN=BASE: to a neighboring multiple by lot, unbiased.")
    ] = None,
    swap: Annotated[Repeated, typer.Option(help="COLUMN=PERCENT: exchange values of ranks so near.")] = None,
    pram: Annotated[
        Repeated, typer.Option(help="COLUMN=RETAIN[,ALPHA]: change categories by lot, counts kept on average.")
    ] = None,
    noise: Annotated[
        Repeated, typer.Option(help="COLUMN=SD[,LOW,HIGH]: add normal noise. Not differential privacy.")
    ] = None,
    correlated_noise: Annotated[
        Repeated, typer.Option(help="COLUMN,COLUMN…=SHARE: noise with the columns' own covariance times the share.")
    ] = None,
    person: Annotated[
        str | None, typer.Option(help="The column that names the person; groups then count people.")
    ] = None,
    keep: Annotated[str, typer.Option(help="Further columns that leave as they are, separated by commas.")] = "",
    decimals: Annotated[int, typer.Option(min=0, max=12, help="Decimals of published numbers, at most.")] = 6,
    evidence: Annotated[Path | None, typer.Option(help="Where the evidence goes, as JSON.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the evidence as JSON.")] = False,
) -> None:
    """Perturb columns of numbers and categories, recount what was promised, and say what it cost.

    Only columns that are named leave; the person's never does. Chance is the system's and cannot be repeated.
    """
    from pipelines.cli.anonymize import split_names
    from pipelines.cli.table_files import read_table_file, require_suffix

    require_suffix(output)
    coded = split_names(categories)
    how = {"grouping": grouping, "aggregate": aggregate, "block_rows": block_rows}
    steps = [
        *_limits(top, bottom, limit_source),
        *_microaggregations(microaggregate, coded, k, how),
        *_single(round_to, round_randomly, swap),
        *_random(pram, noise, correlated_noise),
    ]
    read = read_table_file(table)
    require_apart({"--output": output, "--evidence": evidence}, read=[table])
    _carry_out(read, steps, output, person, split_names(keep), decimals, (evidence, as_json))


def _carry_out(
    read: "TableFile",
    steps: "Sequence[Step]",
    output: Path,
    person: str | None,
    keep: Sequence[str],
    decimals: int,
    shown: tuple[Path | None, bool],
) -> None:
    """Perturb, recount, write: evidence first, because a table without it must not be."""
    from anonymization.perturbation.table import perturb_table
    from anonymization.recount_perturbation import recount_perturbed
    from pipelines.cli.anonymize.record import write_evidence
    from pipelines.cli.table_files import write_table_file

    result = perturb_table(read.table, steps, person=person, keep=keep, decimals=decimals)
    checks = recount_perturbed(read.table, result.table, steps, person=person, decimals=decimals)
    failed = [check for check in checks if not check.passed]
    if failed:
        raise IntegrityError(
            "integrity.recount",
            what="; ".join(check.what for check in failed),
            why="the independent recount does not find what the methods promise, so nothing is written",
            fix="report this with the version and the options; with few --decimals, allow more",
        )
    record = _evidence(read, result, steps, person, keep, checks)
    evidence, as_json = shown
    if evidence is not None:
        write_evidence(evidence, record)
    ordered = result.table.sort_by([(name, "ascending") for name in result.table.column_names])
    write_table_file(ordered, output, delimiter=read.delimiter or ",")
    if as_json:
        typer.echo(json.dumps(record, ensure_ascii=False, indent=2))
    else:
        _show(record, output, evidence)


def _limits(top: Repeated, bottom: Repeated, source: str) -> "Iterator[Step]":
    from anonymization.perturbation.coding import Limits
    from anonymization.perturbation.steps import CodeExtremes

    highs, lows = (
        {name: _figures(text, "a number", [1])[0] for name, text in _pairs(given, option)}
        for given, option in ((top, "--top"), (bottom, "--bottom"))
    )
    for name in dict.fromkeys([*highs, *lows]):
        yield CodeExtremes(name, Limits(lows.get(name), highs.get(name), source))


def _microaggregations(given: Repeated, coded: Sequence[str], k: int | None, how: dict[str, Any]) -> "Iterator[Step]":
    from anonymization.perturbation.microaggregation import Aggregate, Grouping, Settings
    from anonymization.perturbation.steps import Microaggregate
    from pipelines.cli.anonymize import split_names

    if not given:
        return
    if k is None:
        raise _usage("--microaggregate is given without --k", "a group has a least size", "add such as --k 5")
    settings = Settings(
        grouping=_choice(Grouping, how["grouping"], "--grouping"),
        aggregate=_choice(Aggregate, how["aggregate"], "--aggregate"),
        block_rows=how["block_rows"],
    )
    named = [split_names(text) for text in given]
    stray = sorted(set(coded) - {name for names in named for name in names})
    if stray:
        raise _usage(
            f"--categories names {', '.join(stray)}, which --microaggregate does not",
            "it says which of those columns hold categories",
            "name the column in both, or in neither",
        )
    for names in named:
        numbers, codes = (tuple(n for n in names if (n in coded) is is_code) for is_code in (False, True))
        yield Microaggregate(numbers, k, codes, settings)


def _single(nearest: Repeated, randomly: Repeated, swap: Repeated) -> "Iterator[Step]":
    from anonymization.perturbation.steps import RoundTo, SwapRanks

    for name, text in _pairs(nearest, "--round"):
        yield RoundTo(name, _figures(text, "a number", [1])[0])
    for name, text in _pairs(randomly, "--round-randomly"):
        yield RoundTo(name, _figures(text, "a number", [1])[0], randomly=True)
    for name, text in _pairs(swap, "--swap"):
        yield SwapRanks(name, _figures(text, "a number", [1])[0])


def _random(pram: Repeated, noise: Repeated, correlated: Repeated) -> "Iterator[Step]":
    from anonymization.perturbation.steps import AddCorrelatedNoise, AddNoise, PostRandomize
    from pipelines.cli.anonymize import split_names

    for name, text in _pairs(pram, "--pram"):
        retain, *alpha = _figures(text, "one or two numbers", [1, 2])
        yield PostRandomize(name, retain, alpha[0] if alpha else 1.0)
    for name, text in _pairs(noise, "--noise"):
        sd, *bounds = _figures(text, "one or three numbers", [1, 3])
        yield AddNoise(name, sd, (bounds[0], bounds[1]) if bounds else None)
    for names, text in _pairs(correlated, "--correlated-noise"):
        yield AddCorrelatedNoise(tuple(split_names(names)), _figures(text, "a number", [1])[0])


def _pairs(given: Repeated, option: str) -> Iterator[tuple[str, str]]:
    for text in given or ():
        name, sign, figures = text.rpartition("=")
        if not sign or not name.strip():
            raise _usage(
                f"{option} is not of the form COLUMN=FIGURE", "each column has its own", f"see {option} --help"
            )
        yield name.strip(), figures


def _figures(text: str, wanted: str, counts: Sequence[int]) -> list[float]:
    try:
        found = [float(part) for part in text.split(",")]
    except ValueError:
        found = []
    if len(found) not in counts:
        raise _usage(f"{wanted} should follow '='", "the method needs it", "write such as COLUMN=0.5")
    return found


def _choice(kind: Callable[[str], Any], text: str, option: str) -> Any:
    try:
        return kind(text)
    except ValueError:
        raise _usage(
            f"{option} does not know this word", "each word is a method", f"see the help of {option}"
        ) from None


def _usage(what: str, why: str, fix: str, path: Path | None = None) -> UsageError:
    return UsageError("usage.perturb", what=what, why=why, fix=fix, where=Place(str(path)) if path else None)


def _evidence(
    read: "TableFile",
    result: "PerturbedTable",
    steps: "Sequence[Step]",
    person: str | None,
    keep: Sequence[str],
    checks: "Sequence[CheckResult]",
) -> dict[str, object]:
    """Return the evidence as JSON: counts, names, figures and digests, never a value of a person."""
    from anonymization.perturbation.steps import promise_of

    said = []
    for step, record in zip(sorted(steps, key=lambda one: one.op != "code_extremes"), result.steps, strict=True):
        holds, does_not = promise_of(step)
        said.append(
            {
                **record,
                "guarantee": {"ja": holds.ja, "en": holds.en},
                "not_guaranteed": {"ja": does_not.ja, "en": does_not.en},
            }
        )
    return {
        "schema": "niji/perturb-evidence/v1",
        "records": read.table.num_rows,
        "person": person,
        "counted": "people" if person else "rows",
        "columns": result.table.column_names,
        "kept_columns": list(keep),
        "dropped_columns": [name for name in read.table.column_names if name not in result.table.column_names],
        "steps": said,
        "information_loss": {name: dict(figures) for name, figures in result.loss.items()},
        "together": dict(result.together),
        "randomness": "the system's generator, not repeatable",
        "differential_privacy": False,
        "table": read.digest,
        "recount": [check.as_json() for check in checks],
    }


def _show(record: dict[str, Any], output: Path, evidence: Path | None) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(markup=False, highlight=False)
    shown = Table(title=f"{record['records']:,} rows perturbed")
    for heading in ("column", "rows changed", "SSE/SST", "IL1s", "distance of the marginals"):
        shown.add_column(heading, justify="left" if heading == "column" else "right")
    for name, loss in record["information_loss"].items():
        figures = (loss.get(key) for key in ("sse_share", "il1s", "marginal_distance"))
        shown.add_row(name, f"{loss['changed_share']:.1%}", *("" if x is None else f"{x:.4f}" for x in figures))
    console.print(shown)
    linked = record["together"]["linked_share"]
    if linked is not None:
        console.print(
            f"{linked:.1%} of the rows are nearest to their own original (who holds all originals finds them)."
        )
    for step in record["steps"]:
        console.print(f"{step['op']}: {step['guarantee']['en']} Not guaranteed: {step['not_guaranteed']['en']}")
    console.print(f"written: {output}" + (f", evidence: {evidence}" if evidence else ""))
