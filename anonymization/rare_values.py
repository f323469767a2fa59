"""Values that became rare again because records were removed, and leave as nothing."""

from collections.abc import Mapping

import ibis

from anonymization.key_maps import distinct_values
from anonymization.treat import PERSON


def without_rare(rows: ibis.Table, rare: Mapping[str, int]) -> ibis.Table:
    """Empty the cells whose value has become rare because records were suppressed (セル削除, rule APPI-24)."""
    for name, min_persons in rare.items():
        if name in rows.columns:
            people = rows.group_by(name).aggregate(people=rows[PERSON].nunique())
            common = distinct_values(people.filter(people.people >= min_persons), name)
            kept = rows[name].isin(common) if common else ibis.literal(False)
            rows = rows.mutate(**{name: kept.ifelse(rows[name], ibis.null(rows[name].type()))})
    return rows
