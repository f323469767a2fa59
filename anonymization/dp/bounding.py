"""Contribution bounding: what one person may change, decided by that person's rows alone. Runs in the engine.

Which cells and rows of a person count is chosen by a keyed hash, so the choice is the same for any order or partition
of the rows, is repeatable, and favors no key. The hash's key is a secret: an expression built here must not be logged.
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from anonymization.dp.choice import fits_in_bits, kept_pairs, keyed, people_by_bits
from anonymization.dp.plan import Quantity, QueryPlan, Units
from policies.errors import DataError, PolicyError

PERSON = "__person"
RECORD = "__record"
MIN_KEY_BYTES = 16

Cells = Mapping[Quantity, npt.NDArray[np.int64]]
"""For each noisy vector of a query its cells, full public grid, in the order of the declared keys."""


class TreatedRows(Protocol):
    """A treated table of a release: `rows` holds the output columns, `__person`, and `__record` where there is one."""

    @property
    def rows(self) -> ibis.Table:
        """The rows as an Ibis expression."""
        ...


def bounded_cells(table: TreatedRows, query: QueryPlan, *, key: bytes) -> Cells:
    """Count or sum a query's cells after bounding each person's contribution.

    A row counts only if every grouping value, as text, is one of the declared keys: null and undeclared values count in
    no cell. For sums and means, rows without a value (null, NaN) do not count; values are clipped to the public range
    and rounded to the grid before they are summed. Of a person's rows in a cell the first
    `query.rows_per_person_per_cell` by keyed hash count, of the person's cells the first `query.cells_per_person`.

    Args:
        table: Treated rows.
        query: The plan of the query.
        key: Secret, at least 16 bytes; the same key gives the same choice. Never shown.

    Returns:
        int64 vectors of `query.cells` cells: `people`, `rows` or `sum` (grid units from the center), as planned.

    Raises:
        PolicyError: A column of the query is not in the table, or the key is too short.
        DataError: A row names no person, or the engine could not compute the cells.

    Guarantee: adding or removing one person changes at most `cells_per_person` cells of a vector, each by at most the
        `cell_bound` of its part, whatever that person's rows are; no other person's choice changes.
    Not guaranteed: anything before noise is drawn; these cells are raw results and stay in the restricted zone.

    Source: reference design "patient-level bounds by keyed hash"; L0/L∞ bounding after Wilson et al., PoPETs 2020(2).
    """
    found = engine_cells(table.rows, query, key, _cells_expression)
    return {part.quantity: _scatter(found, part.quantity, query.cells) for part in query.parts}


def bounded_sizes(table: TreatedRows, query: QueryPlan, *, key: bytes) -> dict[int, dict[int, int]]:
    """Count a query's people by cell and by the number of cells that they count in, bounded as by `bounded_cells`.

    Returns:
        For each cell that holds someone: people by their number of cells, 1 … `query.cells_per_person`.

    Raises:
        PolicyError: A column of the query is not in the table, or the key is too short.
        DataError: A row names no person, or the engine could not compute the cells.

    Guarantee: a person is counted once in each of m ≤ `cells_per_person` cells, under m; no other person's counts change.
    Not guaranteed: anything before noise is drawn.
    """
    found = engine_cells(table.rows, query, key, _sizes_expression)
    cells: dict[int, dict[int, int]] = {}
    for cell, size, people in zip(*(found[name].to_pylist() for name in ("cell", "size", "people")), strict=True):
        cells.setdefault(cell, {})[size] = people
    return cells


def engine_cells(
    rows: ibis.Table, query: QueryPlan, key: bytes, expression: Callable[[ibis.Table, QueryPlan, str], ibis.Table]
) -> pa.Table:
    """Check key, columns and people, and let the engine count the cells of an expression of (rows, query, subkey).

    Raises:
        PolicyError: A column of the query is not in the table, or the key is too short.
        DataError: A row names no person, or the engine could not compute the cells.
    """
    if len(key) < MIN_KEY_BYTES:
        raise PolicyError(
            "dp.weak-key",
            what=f"the key that chooses contributions is shorter than {MIN_KEY_BYTES} bytes",
            why="who can guess the key can predict which rows count",
            fix="take the key from the key store",
        )
    _check_columns(rows, query)
    subkey = hmac.new(key, f"niji/dp/bounding/v2/{query.name}".encode(), hashlib.sha256).hexdigest()
    nameless, found = _run(rows, query, lambda: expression(rows, query, subkey))
    if nameless:
        raise DataError(
            "dp.row-without-person",
            what=f"{nameless} rows of table '{query.table}' name no person",
            why="contributions are bounded per person; rows of nobody would all count as one",
            fix="refuse rows without a person key at ingest",
        )
    return found


def _run(rows: ibis.Table, query: QueryPlan, build: Callable[[], ibis.Table]) -> tuple[int, pa.Table]:
    try:
        nameless = int(rows.filter(rows[PERSON].isnull()).count().to_pyarrow().as_py())
        found = build().to_pyarrow() if not nameless else pa.table({})
    except Exception:  # noqa: BLE001 - an engine's own error may quote values, or the expression with its key
        raise DataError(
            "dp.engine-failed",
            what=f"the engine could not count the cells of query '{query.name}'",
            why="its own message may quote data, so it is not repeated here",
            fix="check that the value column is numeric and that the engine has memory and disk",
        ) from None
    return nameless, found


def _check_columns(rows: ibis.Table, query: QueryPlan) -> None:
    keys = [*(key.column for key in query.by), *(key.column for key in query.private)]
    wanted = [PERSON, *keys, *([query.value] if query.value else [])]
    missing = [column for column in wanted if column not in rows.columns]
    if missing:
        raise PolicyError(
            "dp.unknown-column",
            what=f"query '{query.name}' uses columns that table '{query.table}' has not: {', '.join(missing)}",
            why="cells are counted on the treated output columns",
            fix="name output columns of the release's table",
        )


def _cells_expression(rows: ibis.Table, query: QueryPlan, subkey: str) -> ibis.Table:
    placed = _placed(rows, query)
    limit = query.cells_per_person
    once = query.statistic == "people" or (query.units is None and query.rows_per_person_per_cell == 1)
    if once and fits_in_bits(query.cells):
        found = people_by_bits(placed, cells=query.cells, limit=limit, subkey=subkey)
        return found.select("cell", people=found["people"].cast("int64"), rows=found["people"].cast("int64"))
    if once:
        pairs = placed.select("person", "cell").distinct().mutate(rows=ibis.literal(1, "int64"))
    elif query.units is None:
        pairs = placed.group_by("person", "cell").agg(rows=placed.count())
        pairs = pairs.mutate(rows=ibis.least(pairs["rows"], query.rows_per_person_per_cell))
    else:
        pairs = _summed(placed, query, subkey)
    kept = kept_pairs(pairs, limit=limit, subkey=subkey) if limit < query.cells else pairs
    sums = {"people": kept.count(), "rows": kept["rows"].sum()}
    if "units" in kept.columns:
        sums["sum"] = kept["units"].sum()
    cells = kept.group_by("cell").agg(**sums)
    return cells.mutate(**{name: cells[name].cast("int64") for name in sums})


def _sizes_expression(rows: ibis.Table, query: QueryPlan, subkey: str) -> ibis.Table:
    pairs = _placed(rows, query).select("person", "cell").distinct()
    if query.cells_per_person < query.cells:
        pairs = kept_pairs(pairs, limit=query.cells_per_person, subkey=subkey)
    sizes = pairs.group_by("person").agg(size=pairs.count())
    sized = pairs.inner_join(sizes, "person")
    return sized.group_by("cell", "size").agg(people=sized.count())


def _placed(rows: ibis.Table, query: QueryPlan) -> ibis.Table:
    """Give each countable row its cell's number in the public grid; rows in no cell are gone."""
    person = rows[PERSON]
    # Whole numbers are grouped as they are, which is faster; for everything else its text is the person.
    columns: dict[str, Any] = {"person": person if person.type().is_integer() else person.cast("string")}
    if query.units is not None and query.value is not None:
        columns["value"] = rows[query.value].cast("float64")
        columns["record"] = (rows[RECORD].cast("string") if RECORD in rows.columns else ibis.null("string")).fill_null(
            ""
        )
    columns |= {f"key{index}": rows[key.column].cast("string") for index, key in enumerate(query.by)}
    placed = rows.select(**columns)
    if query.units is not None:
        placed = placed.filter(placed["value"].notnull() & ~placed["value"].isnan())
        placed = placed.mutate(units=_grid_units(placed["value"], query.units)).drop("value")
    cell: Any = ibis.literal(0, "int64")
    for index, key in enumerate(query.by):
        lookup = ibis.memtable(
            pa.table(
                {
                    f"value{index}": pa.array(key.values, pa.string()),
                    f"place{index}": pa.array(range(len(key.values)), pa.int64()),
                }
            )
        )
        placed = placed.inner_join(lookup, [(f"key{index}", f"value{index}")])
        cell = cell * len(key.values) + placed[f"place{index}"]
        placed = placed.mutate(cell=cell).drop(f"key{index}", f"value{index}", f"place{index}")
        cell = placed["cell"]
    return placed if query.by else placed.mutate(cell=cell)


def _grid_units(value: Any, units: Units) -> Any:
    # Clipped twice: before the division so that no infinity reaches the cast, after it so that rounding stays inside.
    low, high = float(units.low * units.grid), float(units.high * units.grid)
    inside = ibis.greatest(ibis.least(value, high), low)
    whole = (inside / float(units.grid)).round().cast("int64")
    return ibis.greatest(ibis.least(whole, units.high), units.low) - units.center


def _summed(placed: ibis.Table, query: QueryPlan, subkey: str) -> ibis.Table:
    """Sum the rows of each person in each cell; of too many the first by keyed hash. Equal rows are interchangeable."""
    pairs = placed.group_by("person", "cell").agg(rows=placed.count(), units=placed["units"].sum())
    # Most people have few rows in a cell, and hashing one costs more than counting it.
    full = pairs.filter(pairs["rows"] > query.rows_per_person_per_cell).select("person", "cell")
    crowded = placed.semi_join(full, ["person", "cell"])
    what = [crowded["cell"].cast("string"), crowded["record"], crowded["units"].cast("string")]
    ranked = crowded.mutate(order=keyed(subkey, "row", crowded["person"].cast("string"), *what))
    window = ibis.window(group_by=["person", "cell"], order_by=["order"])
    ranked = ranked.mutate(rank=ibis.row_number().over(window))
    ranked = ranked.filter(ranked["rank"] < query.rows_per_person_per_cell)
    cut = ranked.group_by("person", "cell").agg(rows=ranked.count(), units=ranked["units"].sum())
    return pairs.filter(pairs["rows"] <= query.rows_per_person_per_cell).union(cut)


def _scatter(found: pa.Table, quantity: Quantity, cells: int) -> npt.NDArray[np.int64]:
    vector = np.zeros(cells, dtype=np.int64)
    vector[found["cell"].to_numpy()] = found[quantity].to_numpy()
    return vector
