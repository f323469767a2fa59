"""Replacing the values of a column by way of a small mapping table, and reading a column's distinct values.

Everything that must be done to values in Python (keyed hashes, random ids, hierarchy labels, prefectures) is done once
for each distinct value and joined back, so the rows themselves stay in the engine.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import ibis
import pyarrow as pa

_FROM = "__niji_from"
_TO = "__niji_to"


def distinct_values(rows: ibis.Table, column: str) -> list[Any]:
    """Return the distinct values of `column` that are not null, in no particular order."""
    values = rows.filter(rows[column].notnull()).select(rows[column]).distinct()
    return list(values.to_pyarrow().column(0).to_pylist())


def count_rows(rows: ibis.Table) -> int:
    """Return the number of rows."""
    return int(rows.count().to_pyarrow().as_py())


def count_distinct(rows: ibis.Table, column: str) -> int:
    """Return the number of distinct values of `column`; nulls are not counted."""
    return int(rows[column].nunique().to_pyarrow().as_py())


def count_nulls(rows: ibis.Table, column: str) -> int:
    """Return how many rows have no value in `column`."""
    return count_rows(rows.filter(rows[column].isnull()))


def value_table(values: Sequence[object], *, like: ibis.Value) -> ibis.Table:
    """Return `values` as a table of one column, typed as the column `like`, so that joins compare like with like.

    The column is called `__niji_from`; see `keep_values` and `drop_values` for its use.
    """
    return ibis.memtable(pa.table({_FROM: pa.array(values, type=like.type().to_pyarrow())}))


def keep_values(rows: ibis.Table, column: str, values: Sequence[object]) -> ibis.Table:
    """Keep the rows whose `column` is one of `values`; nulls go."""
    listed = value_table(values, like=rows[column])
    return rows.semi_join(listed, rows[column] == listed[_FROM])


def drop_values(rows: ibis.Table, column: str, values: Sequence[object]) -> ibis.Table:
    """Drop the rows whose `column` is one of `values`; nulls stay."""
    listed = value_table(values, like=rows[column])
    return rows.anti_join(listed, rows[column] == listed[_FROM])


def replace_values(
    rows: ibis.Table, column: str, mapping: Mapping[Any, object], *, to_type: pa.DataType | None = None
) -> ibis.Table:
    """Replace each value of `column` by what `mapping` gives; values that are not in it, and nulls, become null.

    Args:
        rows: Any table. Not changed; column order is kept, row order is not promised.
        column: The column to replace.
        mapping: Old value → new value (None for null).
        to_type: The Arrow type of the new column.

    Returns:
        A table of as many rows.
    """
    return attach_values(rows, column, mapping, output=column, to_type=to_type)


def attach_values(
    rows: ibis.Table,
    column: str,
    mapping: Mapping[Any, object],
    *,
    output: str,
    to_type: pa.DataType | None = None,
) -> ibis.Table:
    """Like `replace_values`, but the new values go to the column `output`, and `column` stays as it is."""
    source_type = rows[column].type().to_pyarrow()
    known = ibis.memtable(
        pa.table(
            {
                _FROM: pa.array(list(mapping), type=source_type),
                _TO: pa.array(list(mapping.values()), type=to_type or pa.string()),
            }
        )
    )
    joined = rows.left_join(known, rows[column] == known[_FROM])
    kept = [joined[_TO].name(output) if name == output else joined[name] for name in rows.columns]
    return joined.select(kept if output in rows.columns else [*kept, joined[_TO].name(output)])
