"""Tables as files of the command line, piece by piece: what a file is, its rows in order, and a file written from them.

The result is that of `table_files`, which holds a table whole, byte for byte; how many rows there are does not matter
to memory. A file is looked at before (`TableHead`), and must be the same afterwards (`require_unchanged`).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.cli.table_files import (
    as_table_error,
    delimited_options,
    digest_of,
    head_of,
    require_suffix,
    unreadable,
    write_whole,
)
from policies.errors import DataError, Place

if TYPE_CHECKING:
    import pyarrow as pa

OUTPUT_ROWS = 1_048_576
"""Rows of a row group of a Parquet file that is written; one is held at a time."""


@dataclass(frozen=True, slots=True)
class TableHead:
    """A table file before its rows are read: columns and types, delimiter (None for Parquet), SHA-256 of the file."""

    path: Path
    schema: "pa.Schema"
    delimiter: str | None
    digest: str
    _state: tuple[int, ...] = field(repr=False)

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return list(self.schema.names)

    def require_unchanged(self) -> None:
        """Refuse a file that was written to since it was looked at: it is read more than once.

        Raises:
            DataError: `data.changed`.
        """
        if not self.path.is_file() or _state(self.path) != self._state:
            raise DataError(
                "data.changed",
                what="the table's file changed while it was read",
                why="what was counted and what would be written might be rows of two different tables",
                fix="run again when nothing writes to it",
                where=Place(str(self.path)),
            )


def _state(path: Path) -> tuple[int, ...]:
    found = path.stat()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def read_head(path: Path) -> TableHead:
    """Look at a table's file.

    Raises:
        UsageError: No such file, or an unknown ending.
        DataError: Unreadable, cut off, not UTF-8 in the header, or a column name twice.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    _, header = head_of(path)
    state = _state(path)
    if header is not None:
        delimiter, columns = header
        return TableHead(path, pa.schema([(name, pa.string()) for name in columns]), delimiter, digest_of(path), state)
    try:
        schema = pq.read_schema(path)
    except (pa.ArrowException, OSError):
        raise unreadable(path, "the file is not Parquet, or is cut off") from None
    return TableHead(path, plain_schema(schema), None, digest_of(path), state)


def plain_schema(schema: "pa.Schema") -> "pa.Schema":
    """Return a schema with the values' type in place of a dictionary's, and without metadata."""
    import pyarrow as pa

    return pa.schema(
        [
            pa.field(item.name, item.type.value_type if pa.types.is_dictionary(item.type) else item.type)
            for item in schema
        ]
    )


def row_batches(head: TableHead, columns: list[str]) -> Iterator["pa.RecordBatch"]:
    """Give the rows of a file in order, some at a time.

    Raises:
        DataError: Unreadable, cut off, not UTF-8, or ragged rows; perhaps after the first rows were given.
    """
    return _parquet_batches(head, columns) if head.delimiter is None else _delimited_batches(head, columns)


def _parquet_batches(head: TableHead, columns: list[str]) -> Iterator["pa.RecordBatch"]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([head.schema.field(name) for name in columns])
    try:
        with pq.ParquetFile(head.path) as file:
            for batch in file.iter_batches(columns=columns):
                yield batch.select(columns).cast(schema)
    except (pa.ArrowException, OSError):
        raise unreadable(head.path, "the file is not Parquet, or is cut off") from None


def _delimited_batches(head: TableHead, columns: list[str]) -> Iterator["pa.RecordBatch"]:
    import pyarrow as pa
    from pyarrow import csv

    options, ragged = delimited_options(head.delimiter or ",", head.columns)
    try:
        with csv.open_csv(head.path, **options) as reader:
            for batch in reader:
                yield batch.select(columns)
    except (pa.ArrowException, OSError, EOFError) as error:
        raise as_table_error(head.path, error) from None
    ragged.require_none(head.path, len(head.columns))


def write_table_pieces(pieces: Iterable["pa.Table"], path: Path, *, schema: "pa.Schema", delimiter: str) -> None:
    """Write a table from its pieces under a temporary name and rename it, so that nothing half-written is ever at `path`.

    Args:
        pieces: Tables of `schema`, one after the other; for Parquet each but the last of `OUTPUT_ROWS` rows.
        path: Where the file goes.
        schema: The columns.
        delimiter: Of delimited text.

    Raises:
        UsageError: An unknown ending.
        DataError: The file cannot be written, or the format cannot hold a column.
    """
    suffix = require_suffix(path)

    def write(temporary: Path) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        if suffix == ".parquet":
            with pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
                for piece in pieces:
                    writer.write_table(piece, row_group_size=OUTPUT_ROWS)
            return
        # The stream is named: Arrow would compress by the temporary name, which has no ending.
        with pa.OSFile(str(temporary), "wb") as plain:
            if suffix == ".csv.gz":
                with pa.CompressedOutputStream(plain, "gzip") as packed:
                    _write_delimited(pieces, packed, schema, delimiter)
            else:
                _write_delimited(pieces, plain, schema, delimiter)

    write_whole(path, write)


def _write_delimited(pieces: Iterable["pa.Table"], stream: object, schema: "pa.Schema", delimiter: str) -> None:
    from pyarrow import csv

    options = csv.WriteOptions(delimiter=delimiter, quoting_style="needed")
    with csv.CSVWriter(stream, schema, write_options=options) as writer:
        for piece in pieces:
            writer.write_table(piece)
