"""Values that became rare again because records were removed: they leave as nothing, or, of means, joined with their neighbors."""

from collections.abc import Mapping

import ibis

from anonymization.key_maps import distinct_values
from anonymization.perturbed_columns import Place, microaggregated
from anonymization.treat import PERSON
from policies.model.treatment import Microaggregate


def without_rare(
    rows: ibis.Table,
    rare: Mapping[str, int],
    *,
    within: Mapping[str, tuple[str, ...]] | None = None,
    means: Mapping[str, Microaggregate] | None = None,
) -> ibis.Table:
    """Empty the cells whose value has become rare because records were suppressed (セル削除, rule APPI-24).

    Args:
        rows: Treated rows with their person.
        rare: Column → how many people a value needs.
        within: Column → columns beside which its values are counted, each combination on its own.
        means: Microaggregated columns: a mean that fewer people share now is averaged with the nearest others, by the same
            grouping, so that a removed record does not empty the cells of its whole group. What has too few people even
            then is emptied.
    """
    for name, step in (means or {}).items():
        if name in rows.columns:
            rows = microaggregated(Place(rows, name, PERSON, name), step, beside=step.within)
    for name, min_persons in rare.items():
        beside = (within or {}).get(name, ())
        if name in rows.columns and beside:
            rows = _without_rare_beside(rows, name, min_persons, beside)
        elif name in rows.columns:
            people = rows.group_by(name).aggregate(people=rows[PERSON].nunique())
            common = distinct_values(people.filter(people.people >= min_persons), name)
            kept = rows[name].isin(common) if common else ibis.literal(False)
            rows = rows.mutate(**{name: kept.ifelse(rows[name], ibis.null(rows[name].type()))})
    return rows


def _without_rare_beside(rows: ibis.Table, name: str, min_persons: int, beside: tuple[str, ...]) -> ibis.Table:
    """Empty the values of a column that too few people share beside equal values of others; missing values count as equal."""
    keys = [rows[column] for column in (*beside, name)]
    people = ibis.window(group_by=keys)
    shared = rows[PERSON].nunique().over(people) >= min_persons
    return rows.mutate(**{name: shared.ifelse(rows[name], ibis.null(rows[name].type()))})
