"""Fast text: whole columns of numbers, dates and joined lines as Arrow strings, without a Python loop over rows."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Ints = NDArray[np.int64]

FIRST_DAY = np.datetime64("1905-01-01", "D")
"""The first day of the date table: before the oldest patient's birth."""
_DAYS = 47_000  # to 2033


@cache
def _padded(width: int) -> pa.Array:
    return pa.array([f"{number:0{width}d}" for number in range(10**width)])


@cache
def _iso_days() -> pa.Array:
    days = FIRST_DAY + np.arange(_DAYS)
    return pa.array(np.datetime_as_string(days).tolist())


@cache
def _decimals() -> tuple[pa.Array, tuple[int, ...]]:
    tables = [[f"{number / 10**digits:.{digits}f}" for number in range(limit)] for digits, limit in _DECIMAL_LIMITS]
    starts = np.cumsum([0, *(len(table) for table in tables)])[:-1]
    return pa.array([text for table in tables for text in table]), tuple(int(start) for start in starts)


_DECIMAL_LIMITS = ((0, 40_000), (1, 60_000), (2, 10_000))


def digits(numbers: Ints, width: int) -> pa.Array:
    """Write numbers with leading zeros, `width` of 1 to 9; a number that needs more loses its high digits."""
    if width <= 4:
        return _padded(width).take(pa.array(numbers % 10**width))
    return concat(digits(numbers // 10**4, width - 4), digits(numbers, 4))


def plain(numbers: Ints) -> pa.Array:
    """Write numbers without leading zeros."""
    return pa.array(numbers).cast(pa.string())


def iso_dates(days: Ints) -> pa.Array:
    """Write days (counted from `FIRST_DAY`) as `2021-04-05`."""
    return _iso_days().take(pa.array(days))


def decimals(scaled: Ints, places: Ints | int) -> pa.Array:
    """Write fixed-point numbers: `scaled` 123 with 1 place is `12.3`; places 0, 1 or 2, clipped to the table."""
    table, starts = _decimals()
    at = np.broadcast_to(np.asarray(places, dtype=np.int64), scaled.shape)
    limits = np.array([limit for _, limit in _DECIMAL_LIMITS], dtype=np.int64)[at]
    return table.take(pa.array(np.array(starts, dtype=np.int64)[at] + np.clip(scaled, 0, limits - 1)))


def pick(choices: Sequence[str] | pa.Array, index: Ints) -> pa.Array:
    """Return the choice at each index."""
    return (choices if isinstance(choices, pa.Array) else pa.array(choices, type=pa.string())).take(pa.array(index))


def concat(*parts: Any, between: str = "") -> pa.Array:
    """Join columns and constants row by row; a null becomes the empty string."""
    return pc.binary_join_element_wise(*parts, between, null_handling="replace", null_replacement="")


def choose(mask: NDArray[np.bool_], yes: Any, no: Any) -> pa.Array:
    """Return `yes` where the mask is true, else `no`; either may be a constant or None for null."""
    return pc.if_else(
        pa.array(mask),
        *(pa.scalar(side, pa.string()) if side is None or isinstance(side, str) else side for side in (yes, no)),
    )


def scatter(rows: int, pieces: Sequence[tuple[Ints, pa.Array]]) -> pa.Array:
    """Put each piece's values at its row numbers; rows that no piece names are null."""
    at = np.full(rows, -1, dtype=np.int64)
    start = 0
    for where, values in pieces:
        at[where] = start + np.arange(len(values))
        start += len(values)
    if not pieces:
        return pa.nulls(rows, pa.string())
    return pa.concat_arrays([values for _, values in pieces]).take(pa.array(at, mask=at < 0))


def text_of(lines: pa.Array) -> bytes:
    """Return the bytes of all lines one after the other; each line already ends as it should."""
    array = lines if isinstance(lines, pa.StringArray) else lines.cast(pa.string())
    if len(array) == 0:
        return b""
    _, offsets, data = array.buffers()
    span = np.frombuffer(offsets, dtype=np.int32)
    return bytes(memoryview(data)[span[array.offset] : span[array.offset + len(array)]])
