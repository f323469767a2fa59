"""The independent recount of what codes and dates became: every label that leaves covers a code that its record has in the source.

By hand-written SQL over the published strings and the treated source; of `events` nothing is used, of a hierarchy only its rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from anonymization.evidence import CheckKind, CheckResult
from anonymization.hierarchy import Hierarchy
from anonymization.recount_events import PublishedEvents
from anonymization.recount_sql import as_written, connect, quoted, register

EventPair = tuple[str, str]
"""Table and column."""


@dataclass(frozen=True, slots=True)
class SourceCodes:
    """The codes of an event column before they were recoded: a row a code, the first column names the record.

    `owners` gives the id under which each record leaves: its first column is that name, its second the id. Records that do not
    leave are not in it.
    """

    rows: pa.Table = field(repr=False)
    owners: pa.Table = field(repr=False)
    hierarchy: Hierarchy = field(repr=False)


def label_check_name(table: str, column: str) -> str:
    """Return what the check of an event column is called."""
    return f"recount.event_label.{table}.{column}"


def recount_event_labels(
    published: PublishedEvents, sources: Mapping[EventPair, SourceCodes]
) -> tuple[CheckResult, ...]:
    """Hold every published label of an event column against the codes that its record has in the source.

    A record may show a label in no more rows than it has rows whose code lies below that label.

    Args:
        published: The tables as they leave.
        sources: The codes before, by event column.

    Returns:
        A blocking check for each event column, `recount.event_label.<table>.<column>`, in the order of `sources`.
    """
    connection = connect()
    try:
        return tuple(_check(connection, pair, source, published) for pair, source in sources.items())
    finally:
        connection.close()


def _check(connection: Any, pair: EventPair, source: SourceCodes, published: PublishedEvents) -> CheckResult:
    table, column = pair
    _load(connection, pair, source, published)
    wrong = int(
        connection.execute(
            """
            WITH possible AS (
              SELECT c.id, l.label, SUM(c.times) AS times FROM codes AS c JOIN labels AS l ON l.value = c.value GROUP BY ALL
            )
            SELECT COALESCE(SUM(s.times - LEAST(s.times, COALESCE(p.times, 0))), 0)
            FROM shown AS s LEFT JOIN possible AS p ON p.id = s.id AND p.label = s.label
            """
        ).fetchall()[0][0]
    )
    return CheckResult(
        name=f"recount.event_label.{table}.{column}",
        kind=CheckKind.RECOUNT,
        passed=wrong == 0,
        blocking=True,
        what=f"every label of '{column}' in '{table}' covers a code of its record"
        if wrong == 0
        else f"{wrong} labels of '{column}' in '{table}' cover no code of their record",
        rule="APPI-24",
        measured={"wrong_labels": wrong},
    )


def _load(connection: Any, pair: EventPair, source: SourceCodes, published: PublishedEvents) -> None:
    """Make `shown` and `codes`, how often each record has a label or a code, and `labels`, which labels cover a code."""
    table, column = pair
    is_record = table == published.record
    rows = published.records if is_record else published.details[table]
    key = published.record_id if is_record else rows.column_names[0]
    register(connection, "arrived", rows.select(list(dict.fromkeys([key, column]))))
    connection.execute(
        f"CREATE OR REPLACE TABLE shown AS SELECT {quoted(key)} AS id, CAST({quoted(column)} AS VARCHAR) AS label,"
        f" COUNT(*) AS times FROM arrived WHERE {quoted(column)} IS NOT NULL GROUP BY ALL"
    )
    register(connection, "source", pa.table(source.rows.columns, names=["own", "value"]))
    register(connection, "owners", pa.table(source.owners.columns, names=["own", "id"]))
    value = as_written(connection, "source", "value", alias="s")
    connection.execute(
        f"CREATE OR REPLACE TABLE codes AS SELECT o.id, {value} AS value, COUNT(*) AS times"
        f" FROM source AS s JOIN owners AS o ON o.own = s.own WHERE s.value IS NOT NULL GROUP BY ALL"
    )
    values = [value for (value,) in connection.execute("SELECT DISTINCT value FROM codes").fetchall()]
    register(connection, "labels", _labels(source.hierarchy, values))


def _labels(hierarchy: Hierarchy, values: list[str]) -> pa.Table:
    grown = hierarchy.for_values(values)
    pairs = sorted({(leaf, level[place]) for level in grown.labels for place, leaf in enumerate(grown.leaves)})
    return pa.table({"value": [leaf for leaf, _ in pairs], "label": [label for _, label in pairs]})
