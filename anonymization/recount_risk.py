"""The independent recount of risk models: classes and population counted anew in SQL, over published strings.

Shares no code with the criteria that the search judges by, but for one thing: an estimate of uniqueness is worked out
from the recounted class sizes by `uniqueness`, because an estimate has no second truth. Not here: k, labels, rows
(`recount`), sensitive columns (`recount_sensitive`).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from anonymization.evidence import CheckKind, CheckResult, Scalar
from anonymization.hierarchy import ROOT, Hierarchy
from anonymization.population import Population
from anonymization.recount_payout import add_lost_shares, least_payout
from anonymization.recount_sql import as_written, load, quoted, register
from anonymization.risk_models import AskedRisk
from anonymization.uniqueness import estimate_uniques, sizes_of
from policies.errors import PolicyError
from policies.model.risk_models import (
    AverageRisk,
    KMap,
    NoAttack,
    PopulationUniqueness,
    Presence,
    Profitability,
    RiskModel,
    SampleUniqueness,
)

TOLERANCE = 1e-8
"""Shares are quotients in double precision; a difference below this is none. Wider than that of the search."""
_DIGITS = 6


def check_name(model: RiskModel) -> str:
    """Return the name of a model's check: `recount.k_map`, `recount.average_risk`, ..."""
    return f"recount.{model.model}"


def check_risks(
    connection: Any,
    keys: Sequence[str],
    asked: AskedRisk,
    *,
    person: str | None,
    hierarchies: Mapping[str, Hierarchy],
    levels: Mapping[str, int] | None,
) -> tuple[CheckResult, ...]:
    """Recount the risk models over the published classes.

    Args:
        connection: Holds `published`.
        keys: The quasi-identifiers; nulls compare equal.
        asked: The models and the population.
        person: The column of `published` that names the person; None when every row is another person.
        hierarchies: By quasi-identifier; one without is published as it is.
        levels: The level of each quasi-identifier with a hierarchy, by which the population's values are generalized.

    Returns:
        A blocking check for each model: what the worst class, or the release, reaches.

    Raises:
        PolicyError: `policy.recount-without-levels`: a population was to be generalized, or what classes have lost was to be
            counted, and the levels are not known.
    """
    if not asked.models:
        return ()
    _make_classes(connection, keys, person)
    if asked.weighs_loss or asked.population is not None:
        if levels is None or any(column not in levels for column in hierarchies):
            raise _no_levels()
        if asked.population is not None:
            extra = [asked.population.people] if asked.population.people is not None else []
            load(connection, "population", asked.population.rows, [*keys, *extra])
        if asked.weighs_loss:
            tables = ("source", "population") if asked.population is not None else ("source",)
            add_lost_shares(connection, keys, tables, hierarchies=hierarchies, levels=levels)
        if asked.population is not None:
            _make_population(connection, keys, asked.population, hierarchies=hierarchies, levels=levels)
    return tuple(_check(connection, model) for model in asked.models)


def _make_classes(connection: Any, keys: Sequence[str], person: str | None) -> None:
    """Make `classes`: the published label of each quasi-identifier as text, rows and people."""
    people = f"COUNT(DISTINCT {quoted(person)})" if person else "COUNT(*)"
    labels = ", ".join(f"{as_written(connection, 'published', key, alias='p')} AS {quoted(key)}" for key in keys)
    connection.execute(
        f"""
        CREATE OR REPLACE TABLE classes AS
        SELECT {labels}, COUNT(*) AS class_rows, {people} AS class_people,
               0.0::DOUBLE AS class_lost FROM published AS p
        GROUP BY {", ".join(f"p.{quoted(key)}" for key in keys)}
        """
    )


def _make_population(
    connection: Any,
    keys: Sequence[str],
    population: Population,
    *,
    hierarchies: Mapping[str, Hierarchy],
    levels: Mapping[str, int],
) -> None:
    """Make `held`: the people of the population in each published class, and `unheld`: how many are in none."""
    joins, labels, known = [], [], []
    for number, key in enumerate(keys):
        value, hierarchy = as_written(connection, "population", key, alias="s"), hierarchies.get(key)
        if hierarchy is None:
            labels.append(f"{value} AS {quoted(key)}")
            continue
        texts = connection.execute(f"SELECT DISTINCT {value} FROM population AS s").fetchall()
        _load_labels(connection, f"labels_{number}", hierarchy, levels[key], [text for (text,) in texts])
        joins.append(f"LEFT JOIN labels_{number} AS h{number} ON h{number}.value IS NOT DISTINCT FROM {value}")
        labels.append(f"h{number}.label AS {quoted(key)}")
        known.append(f"h{number}.is_known")
    counted = f"SUM(CAST(s.{quoted(population.people)} AS BIGINT))" if population.people is not None else "COUNT(*)"
    is_known = " AND ".join(["true", *known])
    connection.execute(
        f"""
        CREATE OR REPLACE TABLE people_of_labels AS
        SELECT {", ".join(labels)}, COALESCE({is_known}, false) AS in_hierarchies, {counted} AS people
        FROM population AS s {" ".join(joins)} GROUP BY ALL
        """
    )
    same = " AND ".join(f"g.{quoted(key)} IS NOT DISTINCT FROM c.{quoted(key)}" for key in keys)
    connection.execute(
        f"""
        CREATE OR REPLACE TABLE held AS
        SELECT c.class_rows, c.class_people, c.class_lost, COALESCE(SUM(g.people), 0) AS population
        FROM (SELECT ROW_NUMBER() OVER () AS class, * FROM classes) AS c
        LEFT JOIN people_of_labels AS g ON g.in_hierarchies AND {same}
        GROUP BY c.class, c.class_rows, c.class_people, c.class_lost
        """
    )
    connection.execute(
        """
        CREATE OR REPLACE TABLE unheld AS
        SELECT (SELECT COALESCE(SUM(people), 0) FROM people_of_labels) - (SELECT COALESCE(SUM(population), 0) FROM held)
               AS people
        """
    )


def _load_labels(connection: Any, name: str, hierarchy: Hierarchy, level: int, texts: Sequence[str | None]) -> None:
    import pyarrow as pa

    grown = hierarchy.for_values(text for text in texts if text is not None)
    values: list[str | None] = [*grown.leaves, None]
    labels: list[str | None] = [*grown.labels[level], ROOT if level == grown.height - 1 else None]
    table = {"value": pa.array(values, pa.string()), "label": pa.array(labels, pa.string())}
    register(connection, name, pa.table({**table, "is_known": pa.array([True] * len(values), pa.bool_())}))


def _check(connection: Any, model: RiskModel) -> CheckResult:
    match model:
        case KMap():
            return _k_map(connection, model)
        case Presence():
            return _presence(connection, model)
        case NoAttack():
            return _no_attack(connection, model)
        case Profitability():
            return _profitability(connection, model)
    return _check_together(connection, model)


def _check_together(connection: Any, model: AverageRisk | SampleUniqueness | PopulationUniqueness) -> CheckResult:
    match model:
        case AverageRisk():
            sql = "SELECT SUM(class_rows / class_people) / SUM(class_rows) FROM classes"
            return _share(connection, model, sql, "the average risk of a published record")
        case SampleUniqueness():
            sql = "SELECT SUM(class_rows) FILTER (WHERE class_people = 1) / SUM(class_rows) FROM classes"
            return _share(connection, model, sql, "the share of records of people alone in their class")
        case PopulationUniqueness():
            return _population_uniqueness(connection, model)


def _k_map(connection: Any, model: KMap) -> CheckResult:
    least, short = connection.execute(
        "SELECT COALESCE(MIN(population), 0), COUNT(*) FILTER (WHERE population < ?) FROM held", [model.k]
    ).fetchall()[0]
    return _result(
        model,
        failed=int(short),
        what=f"at least {model.k} people of the population have the values of every class",
        measured={"k": int(least)},
    )


def _presence(connection: Any, model: Presence) -> CheckResult:
    least, most, failed = connection.execute(
        """
        SELECT MIN(class_people / NULLIF(population, 0)), MAX(class_people / NULLIF(population, 0)),
               COUNT(*) FILTER (WHERE population = 0 OR class_people > (? + ?) * population
                                      OR class_people < (? - ?) * population)
        FROM held
        """,
        [model.most, TOLERANCE, model.least, TOLERANCE],
    ).fetchall()[0]
    unheld = int(connection.execute("SELECT people FROM unheld").fetchall()[0][0]) if model.least > 0 else 0
    return _result(
        model,
        failed=int(failed) + unheld,
        what=f"of the population's people with the values of a class, a share of {model.least:g} to {model.most:g} is in it",
        measured={"least": _rounded(least), "most": _rounded(most)},
    )


def _no_attack(connection: Any, model: NoAttack) -> CheckResult:
    table, column = ("held", "population") if model.attacker == "journalist" else ("classes", "class_people")
    least, failed = connection.execute(
        f"SELECT COALESCE(MIN({column}), 0), COUNT(*) FILTER (WHERE {column} = 0 OR ? >= ? * {column}) FROM {table}",
        [model.gain, model.cost],
    ).fetchall()[0]
    return _result(
        model,
        failed=int(failed),
        what=f"an attack by the {model.attacker} costs more than it brings in every class",
        measured={"hidden_among": int(least)},
    )


def _profitability(connection: Any, model: Profitability) -> CheckResult:
    least, failed = least_payout(connection, model)
    return _result(
        model,
        failed=failed,
        what=f"publishing a record of any class brings more than the {model.attacker} costs",
        measured={"payout": _rounded(least)},
    )


def _share(connection: Any, model: AverageRisk | SampleUniqueness, sql: str, what: str) -> CheckResult:
    reached = float(connection.execute(sql).fetchall()[0][0] or 0.0)
    return _result(
        model,
        failed=int(reached > model.most + TOLERANCE),
        what=f"{what} is at most {model.most:g}",
        measured={"reached": _rounded(reached)},
    )


def _population_uniqueness(connection: Any, model: PopulationUniqueness) -> CheckResult:
    people = [int(row[0]) for row in connection.execute("SELECT class_people FROM classes").fetchall()]
    found = estimate_uniques(sizes_of(np.array(people, np.int64)), population=model.people, estimator=model.estimator)
    share = None if found.uniques is None else found.uniques / model.people
    return _result(
        model,
        failed=int(share is None or share > model.most + TOLERANCE),
        what=f"at most an estimated share of {model.most:g} of the population is unique in it",
        measured={"reached": _rounded(share), "estimator": found.estimator},
    )


def _result(model: RiskModel, *, failed: int, what: str, measured: Mapping[str, Scalar]) -> CheckResult:
    return CheckResult(
        name=check_name(model),
        kind=CheckKind.RECOUNT,
        passed=failed == 0,
        blocking=True,
        what=what if failed == 0 else f"does not hold: {what}",
        measured={**measured, "failing": failed},
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), _DIGITS)


def _no_levels() -> PolicyError:
    return PolicyError(
        "policy.recount-without-levels",
        what="a model of a release was to be recounted without the levels it was generalized to",
        why="the population's people must be generalized as the table was, and what is lost is counted by level",
        fix="pass the levels; with local recoding there are none, and no such model can be asked for",
    )
