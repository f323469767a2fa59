"""The rows that `niji anonymize` is about: where they lie while it works, with a number for each."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipelines.cli.anonymize.workspace import InMemory, PlainParquet, Stored, Workspace
from pipelines.cli.table_streams import TableHead, row_batches

if TYPE_CHECKING:
    import pyarrow as pa

ROW = "__niji_row"
_ROW_NUMBER = "file_row_number"
"""How DuckDB names the number of a row of a Parquet file; a file may have a column of that name."""


@dataclass(frozen=True, slots=True)
class SourceTable:
    """The named columns of a table file and `ROW`, as an Ibis table and as what a recount reads anew."""

    head: TableHead
    rows: Any = field(repr=False)
    stored: Stored = field(repr=False)


def read_source(head: TableHead, columns: list[str], space: Workspace) -> SourceTable:
    """Make columns of a file known to the engine, without holding its rows.

    Parquet is read where it lies. Delimited text, and Parquet that DuckDB reads in another way than Arrow, is copied into
    the workspace, encrypted. Types that DuckDB does not give back as they are, are held in memory.

    Raises:
        DataError: Unreadable, cut off, not UTF-8, or ragged rows.
    """
    import pyarrow as pa

    schema = pa.schema([head.schema.field(name) for name in columns])
    stored: Stored
    if not all(_is_kept_by_engine(item.type) for item in schema):
        batches = [batch for piece in _numbered(head, columns) for batch in piece.to_batches()]
        stored = InMemory(pa.Table.from_batches(batches, _with_row(schema)))
    elif _is_read_in_place(head, columns):
        stored = PlainParquet(head.path, (*columns, ROW), ROW)
    else:
        stored = space.write(_numbered(head, columns), _with_row(schema))
    return SourceTable(head, space.table(stored), stored)


def _with_row(schema: "pa.Schema") -> "pa.Schema":
    import pyarrow as pa

    return schema.append(pa.field(ROW, pa.int64()))


def _numbered(head: TableHead, columns: list[str]) -> Iterator["pa.Table"]:
    import pyarrow as pa

    from pipelines.engines import in_pieces

    first = 0
    for piece in in_pieces(row_batches(head, columns)):
        yield piece.append_column(_with_row(pa.schema([])).field(ROW), pa.array(range(first, first + piece.num_rows)))
        first += piece.num_rows


def _is_kept_by_engine(kind: "pa.DataType") -> bool:
    import pyarrow as pa

    kinds = pa.types
    tests = (
        kinds.is_string,
        kinds.is_boolean,
        kinds.is_integer,
        kinds.is_float64,
        kinds.is_decimal128,
        kinds.is_date32,
    )
    return kind == pa.timestamp("us") or any(test(kind) for test in tests)


def _is_read_in_place(head: TableHead, columns: list[str]) -> bool:
    """Whether DuckDB finds in a file what Arrow does: no dictionary types, names that differ by more than case."""
    import pyarrow.parquet as pq

    if head.delimiter is not None or set("*?[") & set(str(head.path)):
        return False
    types = pq.read_schema(head.path)
    names = [name.lower() for name in types.names]
    return (
        len(set(names)) == len(names)
        and _ROW_NUMBER not in names
        and all(types.field(name).type == head.schema.field(name).type for name in columns)
    )
