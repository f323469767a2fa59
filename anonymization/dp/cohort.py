"""The cohort of a query: the rows whose public keys have the values that it names, chosen row by row before bounding.

A row stays or goes by its own values alone, so adding or removing one person still adds or removes that person's rows
and nobody else's: what `bounding` promises afterwards holds of the cohort as it does of the whole table.
"""

from typing import Any

from anonymization.dp.queries.prepare import among_keys, with_columns
from anonymization.dp.query_plan import QueryPlan


def cohort_rows(rows: Any, query: QueryPlan) -> Any:
    """Keep the rows of a query's cohort; all of them where it names none.

    A row whose value is null or not a declared one is in no cohort.

    Args:
        rows: Treated rows.
        query: The plan of the query.

    Raises:
        PolicyError: A column of the cohort is not in the table.
    """
    where = query.asked.where if query.asked else None
    if not where:
        return rows
    return among_keys(with_columns(rows, query, [key.column for key in where]), where)
