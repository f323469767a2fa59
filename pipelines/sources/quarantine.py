"""Rows that did not fit: which file, which line, which reason. Never the value.

Reason codes are stable; a new one is added here, in `Reason`.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

import pyarrow as pa

SCHEMA = pa.schema(
    [
        pa.field("file", pa.string(), nullable=False),
        pa.field("line", pa.int64(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("column", pa.string()),
    ]
)


class Reason(StrEnum):
    """Why a row was refused."""

    WRONG_FIELD_COUNT = "wrong_field_count"
    BAD_QUOTING = "bad_quoting"
    BLANK_LINE = "blank_line"
    NUL_BYTE = "nul_byte"
    UNDECODABLE = "undecodable"
    MISSING_REQUIRED = "missing_required"
    NOT_ALLOWED = "not_allowed"
    OUT_OF_RANGE = "out_of_range"
    NOT_AN_INTEGER = "not_an_integer"
    NOT_A_NUMBER = "not_a_number"
    NOT_A_DATE = "not_a_date"
    NOT_A_TIMESTAMP = "not_a_timestamp"
    NOT_A_BOOLEAN = "not_a_boolean"
    BAD_JSON = "bad_json"
    BAD_RESOURCE = "bad_resource"
    NOT_A_SCALAR = "not_a_scalar"
    PATH_NEEDS_INDEX = "path_needs_index"
    BAD_GENOTYPE = "bad_genotype"
    NO_GENOTYPE = "no_genotype"


@dataclass(frozen=True, slots=True)
class QuarantinedRow:
    """A refused row.

    `file` is the name that may be shown: relative to the landing folder, or `folder/#n` for a file found through a
    wildcard. `line` counts from 1, headers included; in a bundle it is the number of the entry; 0 is the whole file.
    `column` is the first column that did not fit, if one is to blame.
    """

    file: str
    line: int
    reason: Reason
    column: str | None = None


class Quarantine:
    """The refused rows of one table: exact counts, and where each row lies.

    Counts are always exact. Places are kept for the first `keep` rows only, so that a file that is wrong throughout
    cannot fill the memory.
    """

    def __init__(self, *, keep: int = 1_000_000) -> None:
        self._keep = keep
        self._rows: list[QuarantinedRow] = []
        self._counts: Counter[Reason] = Counter()

    def add(self, file: str, line: int, reason: Reason, *, column: str | None = None) -> None:
        """Record one refused row."""
        self._counts[reason] += 1
        if len(self._rows) < self._keep:
            self._rows.append(QuarantinedRow(file, line, reason, column))

    def clear(self) -> None:
        """Forget everything; a reader that starts again calls it."""
        self._rows.clear()
        self._counts.clear()

    @property
    def rows(self) -> tuple[QuarantinedRow, ...]:
        """The refused rows whose place was kept, in the order they were met."""
        return tuple(self._rows)

    @property
    def counts(self) -> Mapping[Reason, int]:
        """How many rows were refused for each reason."""
        return MappingProxyType(dict(sorted(self._counts.items())))

    @property
    def total(self) -> int:
        """How many rows were refused."""
        return self._counts.total()

    def summary(self) -> str:
        """Say the counts in words: `not_a_date 3, out_of_range 1`."""
        return ", ".join(f"{reason.value} {count}" for reason, count in self.counts.items())

    def as_table(self) -> pa.Table:
        """Return the kept places as Arrow: file, line, reason, column."""
        return pa.table(
            {
                "file": [row.file for row in self._rows],
                "line": [row.line for row in self._rows],
                "reason": [row.reason.value for row in self._rows],
                "column": [row.column for row in self._rows],
            },
            schema=SCHEMA,
        )

    def __len__(self) -> int:
        return self.total

    def __iter__(self) -> Iterator[QuarantinedRow]:
        return iter(self.rows)
