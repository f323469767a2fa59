"""Text → declared types, a column at a time; a row with a cell that does not fit is left out and listed.

Nothing is repaired: no trimming, no full-width digits, no `12.0` for a whole number, no day made up for a month.
Null is the empty string and the policy's `null_values`, whatever the type.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from anonymization.japan.eras import parse_wareki
from pipelines.sources.quarantine import Reason
from policies.errors import PolicyError
from policies.model.dataset import Column, TablePolicy
from policies.vocabulary import ColumnRole, ColumnType

Mask = NDArray[np.bool_]

ARROW_TYPES = {
    ColumnType.STRING: pa.string(),
    ColumnType.INTEGER: pa.int64(),
    ColumnType.DECIMAL: pa.float64(),
    ColumnType.DATE: pa.date32(),
    ColumnType.TIMESTAMP: pa.timestamp("us"),
    ColumnType.BOOLEAN: pa.bool_(),
}

_INTEGER = r"^-?[0-9]+$"
_DECIMAL = r"^-?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$"
_SAFE_DIGITS = 18  # every whole number of 18 digits fits into 64 bits
_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})", re.ASCII)
_SLASH = re.compile(r"(\d{4})/(\d{1,2})/(\d{1,2})", re.ASCII)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}.*", re.ASCII)
_BOOLEANS = {
    "0": False,
    "1": True,
    "false": False,
    "true": True,
    "False": False,
    "True": True,
    "FALSE": False,
    "TRUE": True,
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row of the batch that does not fit, and the first column to blame."""

    row: int
    reason: Reason
    column: str


@dataclass(frozen=True, slots=True)
class Converted:
    """The rows that fit, typed, and the rows that do not."""

    batch: pa.RecordBatch
    refused: tuple[Refusal, ...]


def arrow_schema(table: TablePolicy) -> pa.Schema:
    """Return the Arrow schema of a table of cells, columns in policy order.

    Raises:
        PolicyError: `policy.type-not-in-source`: lists and alleles can only come from variant calls.
    """
    fields = []
    for column in table.columns:
        kind = ARROW_TYPES.get(column.type)
        if kind is None:
            raise PolicyError(
                "policy.type-not-in-source",
                what=f"column '{column.name}' of table '{table.name}' has type '{column.type.value}'",
                why="lists and alleles can be read from variant calls only",
                fix="declare another type, or another source format",
            )
        fields.append(pa.field(column.name, kind))
    return pa.schema(fields)


def convert(
    cells: Sequence[pa.Array], *, columns: Sequence[Column], schema: pa.Schema, null_values: Sequence[str] = ()
) -> Converted:
    """Convert one string array a column to the declared types.

    Args:
        cells: N strings (or nulls) for each of `columns`.
        columns: The declared columns, in the order of `cells`.
        schema: Their Arrow schema, from `arrow_schema`.
        null_values: Texts that mean null, besides the empty string.

    Returns:
        The rows whose every cell fits, in order, and one `Refusal` for each other row, by row number.
    """
    nulls = pa.array(["", *null_values], pa.string())
    rows = len(cells[0])
    blame = np.full(rows, -1, dtype=np.int32)
    reasons: list[tuple[Reason, str]] = []
    arrays = []
    for text, column in zip(cells, columns, strict=True):
        values, faults = _convert_column(text, column, nulls)
        arrays.append(values)
        for reason, mask in faults:
            if mask.any():
                blame[mask & (blame < 0)] = len(reasons)
                reasons.append((reason, column.name))
    batch = pa.RecordBatch.from_arrays(arrays, schema=schema)
    if not reasons:
        return Converted(batch, ())
    bad = np.flatnonzero(blame >= 0)
    refused = tuple(Refusal(int(row), *reasons[blame[row]]) for row in bad)
    return Converted(batch.filter(pa.array(blame < 0)), refused)


Fault = tuple[Reason, Mask]


def _convert_column(text: pa.Array, column: Column, nulls: pa.Array) -> tuple[pa.Array, list[Fault]]:
    is_null = _mask(pc.is_in(text, value_set=nulls)) | _mask(text.is_null())
    if is_null.any():
        text = pc.if_else(pa.array(is_null), pa.scalar(None, pa.string()), text)
    faults: list[Fault] = []
    if column.required or column.role is ColumnRole.PERSON_KEY:
        faults.append((Reason.MISSING_REQUIRED, is_null))
    values, wrong = _PARSERS[column.type](text, column)
    faults.extend(wrong)
    if column.allowed is not None:
        known = _mask(pc.is_in(text, value_set=pa.array(column.allowed, pa.string())))
        faults.append((Reason.NOT_ALLOWED, ~known & ~is_null))
    if column.type in (ColumnType.INTEGER, ColumnType.DECIMAL):
        faults.extend(_range_faults(values, column))
    return values, faults


def _mask(array: pa.Array) -> Mask:
    result: Mask = np.asarray(pc.fill_null(array, False).to_numpy(zero_copy_only=False), dtype=np.bool_)
    return result


def _range_faults(values: pa.Array, column: Column) -> list[Fault]:
    faults: list[Fault] = []
    if column.minimum is not None:
        faults.append((Reason.OUT_OF_RANGE, _mask(pc.less(values, column.minimum))))
    if column.maximum is not None:
        faults.append((Reason.OUT_OF_RANGE, _mask(pc.greater(values, column.maximum))))
    return faults


def _matching(text: pa.Array, pattern: str) -> tuple[pa.Array, Mask]:
    """Blank what does not match, and say which cells those are."""
    matches = pc.fill_null(pc.match_substring_regex(text, pattern), True)
    wrong = ~_mask(matches)
    return (pc.if_else(matches, text, pa.scalar(None, pa.string())) if wrong.any() else text), wrong


def _string(text: pa.Array, column: Column) -> tuple[pa.Array, list[Fault]]:
    return text, []


def _integer(text: pa.Array, column: Column) -> tuple[pa.Array, list[Fault]]:
    text, wrong = _matching(text, _INTEGER)
    faults: list[Fault] = [(Reason.NOT_AN_INTEGER, wrong)]
    long = _mask(pc.greater(pc.utf8_length(text), _SAFE_DIGITS))
    if long.any():
        big = np.zeros(len(text), dtype=np.bool_)
        for row in np.flatnonzero(long):
            digits = text[int(row)].as_py().lstrip("-0")
            big[row] = len(digits) > 19 or not -(2**63) <= int(text[int(row)].as_py()) < 2**63
        text = pc.if_else(pa.array(big), pa.scalar(None, pa.string()), text)
        faults.append((Reason.OUT_OF_RANGE, big))
    return pc.cast(text, pa.int64()), faults


def _decimal(text: pa.Array, column: Column) -> tuple[pa.Array, list[Fault]]:
    text, wrong = _matching(text, _DECIMAL)
    values = pc.cast(text, pa.float64())
    infinite = _mask(pc.is_inf(values))
    return values, [(Reason.NOT_A_NUMBER, wrong), (Reason.OUT_OF_RANGE, infinite)]


def _by_distinct(text: pa.Array, parse: Callable[[str], object], kind: pa.DataType) -> tuple[pa.Array, Mask]:
    """Parse each distinct text once; what parses to None is wrong."""
    encoded = text.dictionary_encode()
    parsed = pa.array([parse(item) for item in encoded.dictionary.to_pylist()], kind)
    values = parsed.take(encoded.indices)
    return values, _mask(values.is_null()) & ~_mask(text.is_null())


def _day(match: re.Match[str] | None) -> date | None:
    if match is None:
        return None
    try:
        return date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        return None


def _iso(text: str) -> date | None:
    return _day(_ISO.fullmatch(text))


def _omop(text: str) -> date | None:
    """Return the day of an ISO date or date-time, as written; the zone does not move it."""
    if len(text) == 10:
        return _iso(text)
    if not _MOMENT.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text).date()
    except ValueError:
        return None


_CALENDARS: dict[str, Callable[[str], date | None]] = {
    "iso": _iso,
    "slash": lambda text: _day(_SLASH.fullmatch(text)),
    "compact": lambda text: _day(_COMPACT.fullmatch(text)),
    "omop": _omop,
    "wareki": parse_wareki,
}


def _date(text: pa.Array, column: Column) -> tuple[pa.Array, list[Fault]]:
    calendars = [_CALENDARS[name] for name in column.date_calendars]

    def parse(item: str) -> date | None:
        for calendar in calendars:
            day = calendar(item)
            if day is not None:
                return day
        return None

    values, wrong = _by_distinct(text, parse, pa.date32())
    return values, [(Reason.NOT_A_DATE, wrong)]


def _moment(text: str) -> datetime | None:
    if not _MOMENT.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None


def _timestamp(text: pa.Array, column: Column) -> tuple[pa.Array, list[Fault]]:
    values, wrong = _by_distinct(text, _moment, pa.timestamp("us"))
    return values, [(Reason.NOT_A_TIMESTAMP, wrong)]


def _boolean(text: pa.Array, column: Column) -> tuple[pa.Array, list[Fault]]:
    values, wrong = _by_distinct(text, _BOOLEANS.get, pa.bool_())
    return values, [(Reason.NOT_A_BOOLEAN, wrong)]


_PARSERS: dict[ColumnType, Callable[[pa.Array, Column], tuple[pa.Array, list[Fault]]]] = {
    ColumnType.STRING: _string,
    ColumnType.INTEGER: _integer,
    ColumnType.DECIMAL: _decimal,
    ColumnType.DATE: _date,
    ColumnType.TIMESTAMP: _timestamp,
    ColumnType.BOOLEAN: _boolean,
}
