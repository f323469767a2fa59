"""Which engine computes, and how its results are taken: DuckDB on one machine, Spark where it was asked for."""

from collections.abc import Generator, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import ibis
import pyarrow as pa
from ibis.backends.duckdb.converter import DuckDBPyArrowData

from policies.errors import DataError

ROW_GROUP_ROWS = 131_072
"""Rows held at a time while a result is written, and rows of a stored row group."""


def open_engine(spill: Path, *, memory_limit: str) -> Any:
    """Open an in-memory DuckDB for one stage, through Ibis.

    Args:
        spill: Where it writes what does not fit in memory; inside the restricted zone.
        memory_limit: Most memory it takes, for example `2GB`.

    Returns:
        An Ibis backend. It loads no extension and opens no file or network by itself.
    """
    spill.mkdir(mode=0o700, parents=True, exist_ok=True)
    engine = ibis.duckdb.connect()
    for statement in (
        "SET temp_directory = '" + str(spill).replace("'", "''") + "'",
        f"SET memory_limit = '{memory_limit}'",
        "SET autoinstall_known_extensions = false",
        "SET autoload_known_extensions = false",
        "SET preserve_insertion_order = true",
    ):
        engine.con.execute(statement)
    return engine


def stream_rows(expression: Any, *, spool: Path | None = None, rows: int = ROW_GROUP_ROWS) -> Generator[pa.Table]:
    """Compute an expression and give its rows in order, a piece at a time, never all of them in Python.

    Pieces have exactly `rows` rows, the last one fewer, so that a file written from them does not depend on how an
    engine cuts its results. The engine takes no other work until the last piece was taken or the iterator is closed.

    Args:
        expression: An Ibis table of any engine, or of tables in memory alone.
        spool: For Spark: a folder that is not there yet, where the result lies for so long. DuckDB needs none.
        rows: Rows of a piece.

    Yields:
        Arrow tables in the expression's types, the same as `to_pyarrow` gives; none for a table without rows.

    Raises:
        DataError: `engine.no-memory`, or `engine.failed` where a value cannot be computed.

    Ibis 12 itself cannot: its `to_pyarrow_batches` calls a method that DuckDB 2.0 no longer has.
    """
    table = expression.as_table()
    engine = table._find_backend(use_default=True)
    batches = engine.batches(table, spool=spool) if engine.name == "pyspark" else _batches(engine, table, rows=rows)
    with closing(batches):
        yield from in_pieces(batches, rows)


def _batches(engine: Any, table: Any, *, rows: int) -> Generator[pa.RecordBatch]:
    engine._run_pre_execute_hooks(table)
    try:
        reader = engine.con.sql(engine.compile(table)).to_arrow_reader(rows)
        with closing(reader):
            while (batch := _next(reader)) is not None:
                cast = table.__pyarrow_result__(pa.Table.from_batches([batch]), data_mapper=DuckDBPyArrowData)
                yield from cast.to_batches()
    except (duckdb.Error, pa.ArrowException) as error:
        raise failed(is_memory="Out of Memory" in str(error)) from None


def _next(reader: Any) -> pa.RecordBatch | None:
    try:
        return reader.read_next_batch()
    except StopIteration:
        return None
    except (OSError, duckdb.Error, pa.ArrowException) as error:
        # DuckDB's error comes through Arrow as one of input and output, and would pass for the disk's.
        raise failed(is_memory="Out of Memory" in str(error)) from None


def failed(*, is_memory: bool) -> DataError:
    """Return the error of an engine that could not go on, without its words."""
    return DataError(
        "engine.no-memory" if is_memory else "engine.failed",
        what="the engine ran out of memory and of room to spill" if is_memory else "the engine could not compute a row",
        why="its own message may quote a value, so it is not repeated here; nothing half-written stays",
        fix="raise the memory limit, or free space where it spills"
        if is_memory
        else "look for values that a cast or a treatment cannot take",
    )


def in_pieces(batches: Iterable[pa.RecordBatch], rows: int = ROW_GROUP_ROWS) -> Generator[pa.Table]:
    """Cut record batches of any size into tables of exactly `rows` rows, the last one of fewer."""
    waiting: list[pa.RecordBatch] = []
    held = 0
    for batch in batches:
        rest = batch
        while held + rest.num_rows >= rows:
            taken = rows - held
            yield pa.Table.from_batches([*waiting, rest.slice(0, taken)]).combine_chunks()
            rest, waiting, held = rest.slice(taken), [], 0
        if rest.num_rows:
            waiting.append(rest)
            held += rest.num_rows
    if waiting:
        yield pa.Table.from_batches(waiting).combine_chunks()
