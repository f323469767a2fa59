"""Writing the landing files: block after block, under a temporary name, renamed when whole."""

import contextlib
import gzip
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.demo.text_columns import concat, text_of
from policies.errors import DataError, Place

_GZIP_LEVEL = 1  # Level 6 makes labs a third smaller and takes four times as long.


class LandingFile:
    """One delimited file in the making.

    Args:
        path: Where it will lie; folders are made.
        columns: Its header.
        encoding: A Python codec name; `utf-8-sig` writes the byte-order mark once.
        newline: How lines end.
        quoted: Columns whose non-empty cells are put in quotes.

    The file appears under its name only when the `with` block ends well; otherwise nothing is left.
    """

    def __init__(
        self,
        path: Path,
        columns: Sequence[str],
        *,
        encoding: str = "utf-8",
        newline: str = "\n",
        quoted: Sequence[str] = (),
    ) -> None:
        self.path = path
        self.columns = tuple(columns)
        self.newline = newline
        self.quoted = frozenset(quoted)
        self._encoding = "utf-8" if encoding == "utf-8-sig" else encoding
        self._mark = b"\xef\xbb\xbf" if encoding == "utf-8-sig" else b""
        self._partial = path.with_name(f".{path.name}.partial")
        self._raw: BinaryIO | None = None
        self._sink: BinaryIO | gzip.GzipFile | None = None

    def __enter__(self) -> Self:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._raw = self._partial.open("wb")
        is_packed = self.path.suffix == ".gz"
        self._sink = (
            gzip.GzipFile(filename="", mode="wb", compresslevel=_GZIP_LEVEL, fileobj=self._raw, mtime=0)
            if is_packed
            else self._raw
        )
        self._write(self._mark + (",".join(self.columns) + self.newline).encode(self._encoding))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None and self._sink is not None:
                self._sink.close()
        except OSError as failure:
            self._abandon()
            raise cannot_write(self.path, failure) from None
        if kind is not None:
            self._abandon()
            return
        if self._raw is not None:
            self._raw.close()
        self._partial.replace(self.path)

    def append(
        self, rows: pa.Table, *, dirty: Sequence[Sequence[str]] = (), rng: np.random.Generator | None = None
    ) -> None:
        """Write a block of clean rows, with the dirty ones strewn in between at places that `rng` draws."""
        cells = [self._cells(name, rows[name].combine_chunks()) for name in self.columns]
        lines = concat(*cells[:-1], concat(cells[-1], self.newline), between=",")
        if dirty and rng is not None:
            spoiled = pa.array([self._line(row) for row in dirty], type=pa.string())
            places = np.sort(rng.integers(0, len(lines) + 1, len(spoiled)))
            order = np.insert(np.arange(len(lines)), places, len(lines) + np.arange(len(spoiled)))
            lines = pa.concat_arrays([lines, spoiled]).take(pa.array(order))
        data = text_of(lines)
        self._write(data if self._encoding == "utf-8" else data.decode("utf-8").encode(self._encoding))

    def _cells(self, name: str, values: pa.Array) -> pa.Array:
        if name not in self.quoted:
            return values
        # A null becomes an empty cell; what was written is quoted, with quotes inside doubled.
        doubled = pc.replace_substring(values, '"', '""')
        return pc.if_else(values.is_valid(), pc.binary_join_element_wise('"', doubled, '"', ""), "")

    def _line(self, cells: Sequence[str]) -> str:
        named = zip(self.columns, cells, strict=False)
        written = [
            '"' + cell.replace('"', '""') + '"' if cell and name in self.quoted else cell for name, cell in named
        ]
        return ",".join(written) + self.newline

    def _write(self, data: bytes) -> None:
        if self._sink is None:
            msg = "a landing file is written inside its with block"
            raise RuntimeError(msg)
        try:
            self._sink.write(data)
        except OSError as failure:
            raise cannot_write(self.path, failure) from None

    def _abandon(self) -> None:
        for open_file in (self._sink, self._raw):
            if open_file is not None:
                with contextlib.suppress(OSError):
                    open_file.close()
        self._partial.unlink(missing_ok=True)


def cannot_write(path: Path, failure: OSError) -> DataError:
    """Return the error for a file that cannot be written (a full disk, a folder without permission)."""
    return DataError(
        "demo.cannot-write",
        what=f"the demo file {path.name} could not be written: {failure.strerror or type(failure).__name__}",
        why="a half-written landing file would be read as if it were whole; it was removed",
        fix="make room on the disk or choose another folder, and run again",
        where=Place(path.name),
    )
