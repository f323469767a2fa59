"""Several margins of one table of people, in one noisy vector, and made consistent with each other after the noise.

A person's cells are chosen once in the full table, so that all margins count the same contributions. The values are the
margins of one table of non-negative numbers nearest to the noisy ones in squares; the noisy ones are published too.

Source: Barak et al., PODS 2007 (consistency costs nothing: post-processing).
"""

from itertools import pairwise, product
from math import prod
from typing import Any

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from anonymization.dp.queries.counts import expect_each_cell, is_clamped
from anonymization.dp.queries.grid import key_columns
from anonymization.dp.queries.kind import Columns, Kind, Noisy
from anonymization.dp.queries.prepare import among_keys, first_contributions, subkey_of, with_columns
from anonymization.dp.query_plan import Frame, QueryPlan
from policies.errors import PolicyError
from policies.model.method import DpQuery, PublicKeys

MARGIN = "__margin"
MAX_JOINT = 50_000
"""Cells of the full table behind the margins, which consistency is sought in."""
_SEPARATOR = "\x1f"
_ROUNDS = 5_000
_TOLERANCE = 1e-7

Floats = npt.NDArray[np.float64]


def margins_of(query: DpQuery) -> tuple[tuple[PublicKeys, ...], ...]:
    """Return the keys of each margin, in the order of `by`."""
    return tuple(tuple(key for key in query.by if key.column in margin) for margin in query.marginals or ())


def is_consistent(query: DpQuery) -> bool:
    """Return whether the margins are made consistent; the default is that they are."""
    return query.post_processing is None or "consistency" in query.post_processing


def _frame(query: DpQuery) -> Frame:
    joint = prod(len(key.values) for key in query.by)
    if is_consistent(query) and joint > MAX_JOINT:
        raise PolicyError(
            "dp.too-many-cells",
            what=f"the table behind the margins of query '{query.name}' has {joint:,} cells, more than {MAX_JOINT:,}",
            why="consistent margins are those of one table, which has to be found",
            fix="ask for the margins in several queries, or declare `post_processing: [clamp0]`",
        )
    cells = [
        _label(place, values)
        for place, keys in enumerate(margins_of(query))
        for values in product(*(key.values for key in keys))
    ]
    sizes = [prod(len(key.values) for key in keys) for keys in margins_of(query)]
    return Frame(
        by=(PublicKeys(column=MARGIN, values=tuple(cells), source="; ".join(key.source for key in query.by)),),
        cells_per_person=sum(min(query.bounds.cells_per_person, size) for size in sizes),
    )


def _label(place: int, values: tuple[str, ...]) -> str:
    return _SEPARATOR.join((str(place), *values))


def _prepare(rows: Any, query: QueryPlan, key: bytes) -> Any:
    asked = query.question
    rows = with_columns(rows, query, [each.column for each in asked.by])
    rows = first_contributions(
        among_keys(rows, asked.by),
        asked.by,
        (),
        cells=asked.bounds.cells_per_person,
        per_cell=1,
        subkey=subkey_of(key, query),
    )
    margins = ibis.memtable(
        pa.table({"__place": pa.array(range(len(margins_of(asked))), pa.int64())}),
    )
    each = rows.cross_join(margins)
    labels = [
        (each["__place"] == place, _joined(each, place, [key.column for key in keys]))
        for place, keys in enumerate(margins_of(asked))
    ]
    return each.mutate(**{MARGIN: ibis.cases(*labels)}).drop("__place")


def _joined(rows: Any, place: int, columns: list[str]) -> Any:
    text: Any = ibis.literal(str(place))
    for column in columns:
        text = text + ibis.literal(_SEPARATOR) + rows[column].cast("string")
    return text


def consistent(
    noisy: list[Floats], shape: tuple[int, ...], axes: list[tuple[int, ...]], *, clamped: bool
) -> list[Floats]:
    """Return the margins nearest to `noisy` in squares that are margins of one table, of non-negative cells if `clamped`.

    Accelerated projected gradients (Beck & Teboulle 2009) from an even table; the step is exact: the even table is the
    direction in which the margins move most.

    Args:
        noisy: One flat vector for each margin.
        shape: Sizes of the full table.
        axes: The axes that each margin keeps, rising.
        clamped: Whether cells may not be negative.
    """
    wanted = [vector.reshape([shape[axis] for axis in kept]) for vector, kept in zip(noisy, axes, strict=True)]
    gone = [tuple(axis for axis in range(len(shape)) if axis not in kept) for kept in axes]
    step = 1 / sum(prod(shape) / margin.size for margin in wanted)
    mean = float(np.mean([margin.sum() for margin in wanted]))
    table = np.full(shape, max(mean, 0.0) / prod(shape))
    ahead, momentum = table.copy(), 1.0
    for _ in range(_ROUNDS):
        slope = np.zeros(shape)
        for margin, axis in zip(wanted, gone, strict=True):
            slope += np.expand_dims(ahead.sum(axis=axis) - margin, axis)
        moved = ahead - step * slope
        if clamped:
            moved = np.maximum(moved, 0.0)
        following = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        ahead = moved + (momentum - 1) / following * (moved - table)
        done = float(np.abs(moved - table).max()) <= _TOLERANCE * max(1.0, float(np.abs(moved).max()))
        table, momentum = moved, following
        if done:
            break
    return [table.sum(axis=axis).ravel() for axis in gone]


def _values(query: QueryPlan, parts: list[Floats]) -> list[float]:
    asked, clamped = query.question, is_clamped(query)
    if not is_consistent(asked):
        vector = np.concatenate(parts)
        return [float(number) for number in (np.maximum(vector, 0.0) if clamped else vector)]
    shape = tuple(len(key.values) for key in asked.by)
    columns = [key.column for key in asked.by]
    axes = [tuple(columns.index(key.column) for key in keys) for keys in margins_of(asked)]
    return [float(number) for part in consistent(parts, shape, axes, clamped=clamped) for number in part]


def _answer(query: QueryPlan, noisy: Noisy) -> Columns:
    asked, counts = query.question, noisy["rows"]
    margins = margins_of(asked)
    sizes = [prod(len(key.values) for key in keys) for keys in margins]
    starts = [0, *np.cumsum(sizes).tolist()]
    laid = [key_columns(keys) for keys in margins]
    columns: Columns = {
        "margin": pa.array(
            [
                " × ".join(key.column for key in keys)
                for keys, size in zip(margins, sizes, strict=True)
                for _ in range(size)
            ],
            pa.string(),
        )
    }
    for key in asked.by:
        pieces = [part.get(key.column, pa.nulls(size, pa.string())) for part, size in zip(laid, sizes, strict=True)]
        columns[key.column] = pa.concat_arrays(pieces)
    parts = [np.array(counts[start:stop], dtype=np.float64) for start, stop in pairwise(starts)]
    return columns | {
        "noisy": pa.array(counts, pa.int64()),
        "value": pa.array(_values(query, parts), pa.float64()),
        "error_95": pa.array([query.error_95] * len(counts), pa.float64()),
    }


MARGINALS = Kind(_frame, expect_each_cell, _answer, _prepare)
