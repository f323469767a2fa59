"""The options of `niji anonymize`, and its steps in their order."""

import json
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.anonymize import local
from pipelines.cli.anonymize.engine import EngineName, require_engine
from pipelines.cli.anonymize.from_release import Asked, read_release, require_asked
from pipelines.cli.anonymize.mapping import require_mappable, write_mapping
from pipelines.cli.anonymize.record import evidence_of, write_evidence
from pipelines.cli.anonymize.search import recounted, search, write_rows
from pipelines.cli.anonymize.settings import Settings, columns_needed, split_names
from pipelines.cli.anonymize.shown import show
from pipelines.cli.anonymize.spend import read_spend
from pipelines.cli.anonymize.worth import Mean, measured, read_worth
from pipelines.cli.anonymize_models import read_models
from pipelines.cli.column_checks import require_usable_columns
from pipelines.cli.hierarchy_files import read_hierarchies
from pipelines.cli.output_paths import require_apart
from pipelines.cli.risk_models import read_risk

Repeated = list[str] | None
"""What an option gives that may be repeated; None where it is not given."""
DEFAULT_LIMIT = 0.02
"""The share of the rows that may be suppressed where nobody says another."""


def anonymize(  # noqa: PLR0913, PLR0917 - one parameter an option, as the design lists them
    table: Annotated[Path, typer.Argument(help="The table: .csv, .csv.gz or .parquet.")],
    output: Annotated[Path, typer.Option(help="Where the anonymized table goes: .csv, .csv.gz or .parquet.")],
    hierarchies: Annotated[
        Path, typer.Option(help="Folder of hierarchies: COLUMN or …_COLUMN with .csv, .json or .yaml.")
    ],
    quasi: Annotated[str | None, typer.Option(help="Quasi-identifiers, separated by commas.")] = None,
    k: Annotated[
        int | None, typer.Option(min=1, help="The least number of people in a class; 1 only beside --risk.")
    ] = None,
    release: Annotated[
        Path | None,
        typer.Option(help="A release policy: its method says quasi-identifiers, k, models, limit and recoding."),
    ] = None,
    l: Annotated[Repeated, typer.Option("--l", help="COLUMN=L: distinct l-diversity; repeatable.")] = None,
    entropy_l: Annotated[Repeated, typer.Option(help="COLUMN=L: entropy l-diversity; repeatable.")] = None,
    recursive_l: Annotated[Repeated, typer.Option(help="COLUMN=C,L: recursive (c, l)-diversity; repeatable.")] = None,
    positive_recursive_l: Annotated[
        Repeated,
        typer.Option(help="COLUMN=C,L,VALUE,…: recursive (c, l)-diversity of all values but those named; repeatable."),
    ] = None,
    t: Annotated[Repeated, typer.Option("--t", help="COLUMN=T: t-closeness; repeatable.")] = None,
    distance: Annotated[
        Repeated,
        typer.Option(help="COLUMN=equal|ordered|hierarchical: how far values are apart for --t; equal without."),
    ] = None,
    alpha: Annotated[Repeated, typer.Option(help="COLUMN=A: the largest share of a value; repeatable.")] = None,
    beta: Annotated[Repeated, typer.Option(help="COLUMN=B[,basic]: enhanced β-likeness; repeatable.")] = None,
    delta: Annotated[Repeated, typer.Option(help="COLUMN=D: δ-disclosure privacy; repeatable.")] = None,
    risk: Annotated[
        Repeated,
        typer.Option(
            help="MODEL=NUMBERS, repeatable: k_map=K, delta_presence=MOST[,LEAST], average_risk=R, sample_uniqueness=S, "
            "population_uniqueness=S,PEOPLE[,ESTIMATOR], no_attack=GAIN,COST[,journalist], "
            "profitability=GAIN,COST,BENEFIT,LOSS[,journalist]."
        ),
    ] = None,
    population: Annotated[
        Path | None, typer.Option(help="People of the population by the same quasi-identifiers: a table.")
    ] = None,
    population_people: Annotated[
        str | None, typer.Option(help="The population's column that counts people; a row is a person without.")
    ] = None,
    suppression_limit: Annotated[
        float | None, typer.Option(min=0.0, max=1.0, help="Share of the rows that may be suppressed; 0.02 without.")
    ] = None,
    person: Annotated[str | None, typer.Option(help="The column that names the person; k then counts people.")] = None,
    keep: Annotated[str, typer.Option(help="Further columns that leave as they are, separated by commas.")] = "",
    recoding: Annotated[
        local.Recoding,
        typer.Option(help="global: one level a column, proven best. local: each class at its own labels, losing less."),
    ] = local.Recoding.GLOBAL,
    effort: Annotated[
        int | None, typer.Option(min=0, help="Comparisons to spend on improving a local recoding; 0: none.")
    ] = None,
    free_cuts: Annotated[
        str,
        typer.Option(help="With --recoding local: whole numbers to publish as intervals of any ends, by commas."),
    ] = "",
    checks: Annotated[
        int | None,
        typer.Option(
            min=1, help="End the search after so many nodes, with the gap to the best; the same on every run."
        ),
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(min=0.0, help="End the search after so many seconds, once there is a release.")
    ] = None,
    metric: Annotated[
        Mean, typer.Option(help="What is least: the mean over columns of what each loses; geometric is ARX's Loss.")
    ] = Mean.GEOMETRIC,
    weights: Annotated[
        Repeated, typer.Option(help="COLUMN=NUMBER: how much a column matters, 1 without; repeatable.")
    ] = None,
    utility: Annotated[
        bool, typer.Option("--utility", help="Measure what the release is still worth; in the evidence, too.")
    ] = False,
    target: Annotated[
        str | None, typer.Option(help="With --utility: the column whose prediction from the others is scored.")
    ] = None,
    engine: Annotated[
        EngineName,
        typer.Option(help="What computes: duckdb, or spark, an extra that streams Parquet only. Same result."),
    ] = EngineName.DUCKDB,
    evidence: Annotated[Path | None, typer.Option(help="Where the evidence goes, as JSON.")] = None,
    export_mapping: Annotated[
        Path | None,
        typer.Option(help="Where the label of each value goes: .json to be applied elsewhere, .csv to read."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the evidence as JSON.")] = False,
) -> None:
    """Generalize and suppress with the least loss until every class holds k people and meets every model.

    Only quasi-identifiers, sensitive columns and the columns of --keep leave; all others, the person's too, do not.
    """
    from pipelines.cli.anonymize.source import read_source
    from pipelines.cli.anonymize.workspace import open_workspace
    from pipelines.cli.table_files import require_suffix
    from pipelines.cli.table_streams import read_head

    require_suffix(output)
    require_engine(engine)
    asked = {"l": l, "entropy-l": entropy_l, "recursive-l": recursive_l, "t": t, "distance": distance}
    asked |= {"positive-recursive-l": positive_recursive_l, "alpha": alpha, "beta": beta, "delta": delta}
    if release is not None:
        said = {**asked, "quasi": quasi, "k": k, "suppression-limit": suppression_limit}
        said["recoding"] = recoding if recoding is not local.Recoding.GLOBAL else None
        given = [f"--{name}" for name, value in said.items() if value is not None]
        of = read_release(release, folder=hierarchies, given=given)
    else:
        names, least = require_asked(quasi, k)
        models = read_models(asked, folder=hierarchies)
        limit = DEFAULT_LIMIT if suppression_limit is None else suppression_limit
        of = Asked(split_names(names), least, models, limit, recoding)
    recoding, models = of.recoding, of.models
    free = tuple(split_names(free_cuts))
    local.require_recoding(recoding, effort=effort, free_cuts=free, utility=utility)
    require_mappable(export_mapping, recoding)
    found_risk = read_risk(risk or (), population=population, people=population_people)
    local.require_no_risk_models(recoding, found_risk.models)
    spend = read_spend(checks, seconds, recoding=recoding)
    worth = read_worth(metric, weights, utility=utility, target=target, is_local=recoding is local.Recoding.LOCAL)
    found = read_hierarchies(hierarchies, of.quasi)
    head = read_head(table)
    require_apart(
        {"--output": output, "--evidence": evidence, "--export-mapping": export_mapping},
        read=[table, population, release],
        folder=hierarchies,
    )
    kept = tuple(dict.fromkeys([*of.quasi, *models.columns, *split_names(keep)]))
    needed = columns_needed(head.columns, kept, person=person, target=worth.target)
    require_usable_columns(
        head.schema, needed, whole=split_names(keep) if output.suffix == ".parquet" else (), table=table
    )
    with open_workspace(output) as space:
        settings = Settings(
            read_source(head, needed, space),
            space,
            found,
            models,
            kept,
            person,
            of.k,
            of.suppression_limit,
            recoding,
            effort,
            found_risk,
            engine,
            spend,
            free,
        )
        result, published = search(settings, how=worth.how(spend))
        record = evidence_of(result, settings, recounted(published, result, settings))
        useful = measured(result, published, settings, worth) if worth.is_measured else None
        if useful is not None:
            record["utility"] = useful.as_json()
        head.require_unchanged()
        # Evidence first: evidence without its table harms nobody, a table without evidence must not be.
        if evidence is not None:
            write_evidence(evidence, record)
        if export_mapping is not None:
            write_mapping(export_mapping, result, settings, record)
        write_rows(published, settings, output)
    if as_json:
        typer.echo(json.dumps(record, ensure_ascii=False, indent=2))
    else:
        show(result, record, output, evidence, utility=useful)
