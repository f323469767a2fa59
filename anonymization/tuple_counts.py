"""What the engine counts: the distinct tuples of a table. Here: the statements, and the check of what they return.

A column comes back as text, or, where DuckDB reads it from files, as its place in the hierarchy's leaves: the leaves are
looked up while a file's own dictionary is at hand, and small numbers are grouped, not texts. A wrong code would hit
the wrong label with no other sign (trap 1 of the reference), so the values of each such column are counted
once more by themselves, as text, and both counts must agree.

Leaves are bound as parameters: a statement holds names of columns only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from anonymization.coding import AnyInt
from anonymization.quasi import QuasiIdentifier
from anonymization.recount_sql import quoted
from policies.errors import IntegrityError

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa

ROWS = "__niji_rows"
PERSON = "__niji_person"
MOST_LEAVES = 256
"""Leaves are looked up one after the other, so long hierarchies are coded after the GROUP BY."""


@dataclass(frozen=True, slots=True)
class TupleCounts:
    """The distinct tuples with their rows: one row each, `ROWS` rows of the table.

    Quasi-identifiers in `coded` are leaf codes (the code after the last leaf for a missing value), the others text.
    Sensitive columns are text, the person is as in the table.
    """

    table: "pa.Table" = field(repr=False)
    coded: Mapping[str, AnyInt] = field(repr=False)


def as_text(column: Any) -> Any:
    """Return an Ibis column as the text that hierarchies speak of: a whole number has no decimals, a date is ISO."""
    kind = column.type()
    if kind.is_string():
        return column
    if kind.is_floating() or kind.is_decimal():
        whole = column.try_cast("int64")  # null for what is no number or too large, where a cast would fail
        is_whole = whole.notnull() & (whole.cast(kind) == column)
        return is_whole.ifelse(whole.cast("string"), column.cast("string"))
    return column.cast("string")


def count_tuples(
    rows: "ibis.Table", quasi_identifiers: Sequence[QuasiIdentifier], *, sensitive: Sequence[str], person: str | None
) -> TupleCounts:
    """Count the rows of each distinct tuple of quasi-identifiers, sensitive values and person.

    Raises:
        IntegrityError: The codes of a column do not add up to its values (`integrity.codes`).
    """
    engine = _duckdb_of(rows)
    leaves = {} if engine is None else _candidates(rows, quasi_identifiers)
    if engine is None or not leaves:
        return TupleCounts(_in_text(rows, quasi_identifiers, sensitive=sensitive, person=person).to_pyarrow(), {})
    values = _count_values(engine, f"({engine.compile(rows)})", tuple(leaves))
    # A value that the hierarchy does not know has no code; such a column is counted as text.
    leaves = {name: known for name, known in leaves.items() if set(values[name]) - {None} <= set(known)}
    table = _in_codes(engine, rows, quasi_identifiers, leaves=leaves, sensitive=sensitive, person=person)
    weights = table.column(ROWS).to_numpy().astype(float)
    coded = {name: _codes(table.column(name), known, values[name], weights) for name, known in leaves.items()}
    return TupleCounts(table, coded)


def _in_text(
    rows: "ibis.Table", quasi_identifiers: Sequence[QuasiIdentifier], *, sensitive: Sequence[str], person: str | None
) -> "ibis.Table":
    keys = {name: as_text(rows[name]) for name in (*(quasi.column for quasi in quasi_identifiers), *sensitive)}
    if person is not None:
        keys[PERSON] = rows[person]
    narrow = rows.select(**keys)
    return narrow.group_by(list(keys)).aggregate(**{ROWS: narrow.count()})


def _duckdb_of(rows: "ibis.Table") -> Any | None:
    """Return Ibis' backend if the table is one that DuckDB reads from somewhere, else None.

    A table in memory has no dictionaries, and is counted at once; other engines group by text.
    """
    from ibis.expr import operations

    node = rows.op()
    tables = node.find(operations.PhysicalTable)
    is_plain = all(isinstance(table, operations.DatabaseTable) for table in tables) and not node.find(
        operations.ScalarUDF
    )
    sources = {id(table.source): table.source for table in tables} if is_plain else {}
    found = next(iter(sources.values()), None)
    return found if len(sources) == 1 and found is not None and found.name == "duckdb" else None


def _candidates(rows: "ibis.Table", quasi_identifiers: Sequence[QuasiIdentifier]) -> dict[str, tuple[str, ...]]:
    """Return the columns that may be coded by the engine, with the leaves of their hierarchies."""
    chosen = {}
    for quasi in quasi_identifiers:
        hierarchy = quasi.hierarchy
        if hierarchy is None or hierarchy.rule is not None or hierarchy.on_unseen == "other":
            continue
        if len(hierarchy.leaves) <= MOST_LEAVES and rows[quasi.column].type().is_string():
            chosen[quasi.column] = hierarchy.leaves
    return chosen


def _count_values(engine: Any, source: str, columns: Sequence[str]) -> dict[str, dict[str | None, int]]:
    """Count the rows of each value of each column, as text; one statement for all columns."""
    counts = [
        f"SELECT {place} AS place, {quoted(name)} AS value, COUNT(*) AS number FROM {source} GROUP BY {quoted(name)}"
        for place, name in enumerate(columns)
    ]
    table = engine.con.sql(" UNION ALL ".join(counts)).to_arrow_table()
    found: dict[str, dict[str | None, int]] = {name: {} for name in columns}
    for place, value, number in zip(*(column.to_pylist() for column in table.columns), strict=True):
        found[columns[place]][value] = number
    return found


def _in_codes(
    engine: Any,
    rows: "ibis.Table",
    quasi_identifiers: Sequence[QuasiIdentifier],
    *,
    leaves: Mapping[str, tuple[str, ...]],
    sensitive: Sequence[str],
    person: str | None,
) -> "pa.Table":
    """Count the tuples with the place of each value among its leaves, from 1; null for a missing value."""
    texts = [quasi.column for quasi in quasi_identifiers if quasi.column not in leaves]
    plain = rows.select(
        **{name: rows[name] for name in leaves},
        **{name: as_text(rows[name]) for name in (*texts, *sensitive)},
        **({} if person is None else {PERSON: rows[person]}),
    )
    keys = [
        f"CAST(list_position(CAST(${number} AS VARCHAR[]), {quoted(name)}) AS SMALLINT) AS {quoted(name)}"
        for number, name in enumerate(leaves, 1)
    ]
    keys += [quoted(name) for name in plain.columns if name not in leaves]
    statement = f"SELECT {', '.join(keys)}, COUNT(*) AS {ROWS} FROM ({engine.compile(plain)}) GROUP BY ALL"
    return engine.con.sql(statement, params=[list(known) for known in leaves.values()]).to_arrow_table()


def _codes(column: "pa.ChunkedArray", leaves: Sequence[str], values: Mapping[str | None, int], weights: Any) -> AnyInt:
    codes: AnyInt = column.fill_null(len(leaves) + 1).to_numpy() - np.int16(1)
    counted = np.bincount(codes, weights=weights, minlength=len(leaves) + 1)
    expected = [values.get(leaf, 0) for leaf in (*leaves, None)]
    if not np.array_equal(counted, np.array(expected, float)):
        raise IntegrityError(
            "integrity.codes",
            what="the codes of a quasi-identifier do not add up to its values",
            why="a wrong code would put rows under a label that is not theirs",
            fix="see that the table does not change while it is read; else report this with the engine's version",
        )
    return codes
