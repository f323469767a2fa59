"""Rows of text → one typed record batch; what does not fit goes to quarantine with its line."""

from collections.abc import Sequence

import pyarrow as pa

from pipelines.sources.quarantine import Quarantine, Reason
from pipelines.sources.values import arrow_schema, convert
from policies.model.dataset import TablePolicy

Cells = Sequence[str | None]


class BatchMaker:
    """Makes the record batches of one table.

    Args:
        table: What the columns are.
        quarantine: Where refused rows are listed.
        null_values: Texts that mean null, besides the empty string.
    """

    def __init__(self, table: TablePolicy, *, quarantine: Quarantine, null_values: Sequence[str] = ()) -> None:
        self.schema = arrow_schema(table)
        self._columns = table.columns
        self._quarantine = quarantine
        self._null_values = null_values

    def make(
        self, files: str | Sequence[str], lines: Sequence[int], rows: Sequence[Cells], *, may_hold_nul: bool = True
    ) -> pa.RecordBatch:
        """Convert `rows`, one cell a policy column, to a record batch.

        Args:
            files: The name of the file that may be shown; or one name a row.
            lines: The line of each row.
            rows: N rows, each with one text or None a column of the policy, in policy order.
            may_hold_nul: False if the caller knows that no cell holds a NUL.

        Returns:
            The rows that fit; it may be empty.
        """
        if not rows:
            return pa.RecordBatch.from_pylist([], schema=self.schema)
        places = _Places(files, lines)
        if may_hold_nul:
            places, rows = self._without(places, rows, Reason.NUL_BYTE)
        try:
            cells = _columns_of(rows, len(self._columns))
        except UnicodeEncodeError:
            # Bytes that do not decode arrive as lone surrogates, which Arrow refuses.
            places, rows = self._without(places, rows, Reason.UNDECODABLE)
            cells = _columns_of(rows, len(self._columns))
        converted = convert(cells, columns=self._columns, schema=self.schema, null_values=self._null_values)
        for refusal in converted.refused:
            file, line = places.of(refusal.row)
            self._quarantine.add(file, line, refusal.reason, column=refusal.column)
        return converted.batch

    def _without(self, places: "_Places", rows: Sequence[Cells], reason: Reason) -> tuple["_Places", Sequence[Cells]]:
        is_bad = _holds_nul if reason is Reason.NUL_BYTE else _is_undecodable
        kept = []
        for number, row in enumerate(rows):
            index = next((index for index, cell in enumerate(row) if cell is not None and is_bad(cell)), None)
            if index is None:
                kept.append(number)
            else:
                file, line = places.of(number)
                self._quarantine.add(file, line, reason, column=self._columns[index].name)
        return places.only(kept), [rows[number] for number in kept]


class _Places:
    """Where each row lies."""

    def __init__(self, files: str | Sequence[str], lines: Sequence[int]) -> None:
        self._files = files
        self._lines = lines

    def of(self, row: int) -> tuple[str, int]:
        """Return file and line of a row."""
        return (self._files if isinstance(self._files, str) else self._files[row]), self._lines[row]

    def only(self, rows: Sequence[int]) -> "_Places":
        """Return the places of some of the rows."""
        files = self._files if isinstance(self._files, str) else [self._files[row] for row in rows]
        return _Places(files, [self._lines[row] for row in rows])


def _columns_of(rows: Sequence[Cells], width: int) -> list[pa.Array]:
    if not rows:
        return [pa.array([], pa.string()) for _ in range(width)]
    return [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]


def _holds_nul(cell: str) -> bool:
    return "\0" in cell


def _is_undecodable(cell: str) -> bool:
    try:
        cell.encode()
    except UnicodeEncodeError:
        return True
    return False
