"""The Spark engine, an optional extra: Ibis' own backend, held to what DuckDB does with the same expression.

Here: where the two differ in what reaches a table (the text of a number with decimals, whether "not a number" is a
missing value, how small tables and results pass), and how a session is opened. Imported only when it was asked for.
The release must be the same byte for byte, so a difference is mended here, once, and nowhere else.
"""

import os
import shutil
import sys
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import sqlglot.expressions as sge
from ibis.backends.pyspark import Backend
from ibis.backends.sql.compilers.base import SQLGlotCompiler
from ibis.backends.sql.compilers.pyspark import PySparkCompiler
from pyspark import cloudpickle
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as spark_functions

from pipelines import number_text
from policies.errors import Place, UsageError

_TEXT_OF_DOUBLE = "niji_text_of_double"


class SparkCompiler(PySparkCompiler):  # type: ignore[misc]  # Ibis ships no types
    """Ibis' compiler for Spark, with DuckDB's meaning of numbers with decimals."""

    __slots__ = ()

    def visit_Cast(self, op: Any, *, arg: Any, to: Any) -> Any:  # noqa: N802 - Ibis' name
        """Cast; a number with decimals becomes the text that DuckDB gives it."""
        if to.is_string() and op.arg.dtype.is_float64():
            return self.f.anon[_TEXT_OF_DOUBLE](arg)
        return super().visit_Cast(op, arg=arg, to=to)

    def visit_TryCast(self, op: Any, *, arg: Any, to: Any) -> Any:  # noqa: N802 - Ibis' name
        """Cast or give null; 2⁶³ is no 64-bit number, though Spark takes it for the largest."""
        cast = super().visit_TryCast(op, arg=arg, to=to)
        if not (to.is_int64() and op.arg.dtype.is_floating()):
            return cast
        return self.if_(arg < sge.convert(2.0**63), cast, sge.null())

    # Ibis takes "not a number" for missing on Spark alone; on DuckDB it is a value.
    visit_IsNull = SQLGlotCompiler.visit_IsNull  # noqa: N815 - Ibis' name
    visit_NotNull = SQLGlotCompiler.visit_NotNull  # noqa: N815 - Ibis' name


class SparkEngine(Backend):  # type: ignore[misc]  # Ibis ships no types
    """Ibis' backend for Spark; small tables and results pass as Arrow, never through a dataframe that changes types."""

    compiler = SparkCompiler()
    is_ours = False
    """Whether the session was started for this engine, and ends with it."""

    def close(self) -> None:
        """End the session, if it was started here."""
        if self.is_ours:
            self.disconnect()

    def _register_in_memory_table(self, op: Any) -> None:
        self._session.createDataFrame(op.data.to_pyarrow(op.schema)).createOrReplaceTempView(op.name)

    def register(self, name: str, table: pa.Table) -> None:
        """Make an Arrow table known by name.

        Raises:
            UsageError: `engine.spark-type`, for a column of a type that Spark does not hold as it is.
        """
        _require_types(table.schema)
        self._session.createDataFrame(table).createOrReplaceTempView(name)

    def parquet(self, path: Path, *, row_id: str, columns: Sequence[str] | None = None) -> Any:
        """Return a Parquet file as an Ibis table, with the number of each row in the file, from 0, as `row_id`.

        Args:
            path: The file.
            row_id: The name of the number.
            columns: The columns to take; None takes all.

        Raises:
            UsageError: `engine.spark-type`, for a column of a type that Spark does not hold as it is.
        """
        schema = pq.read_schema(path)
        taken = list(schema.names if columns is None else columns)
        _require_types(pa.schema([schema.field(name) for name in taken]), path)
        found = self._session.read.parquet(path.resolve().as_uri())
        number = spark_functions.col("_metadata.row_index").alias(row_id)
        name = f"niji_file_{len(self.list_tables())}"
        found.select(*(spark_functions.col(_as_name(column)) for column in taken), number).createOrReplaceTempView(name)
        return self.table(name)

    def frame(self, expression: Any) -> DataFrame:
        """Return an expression as a Spark dataframe; nothing is computed yet."""
        self._run_pre_execute_hooks(expression)
        return self._session.sql(self.compile(expression.as_table()))

    def to_pyarrow(self, expr: Any, /, **_: Any) -> Any:
        """Compute an expression; the result as Arrow, in the types that the expression has."""
        computed = self.frame(expr).toArrow()
        return expr.__pyarrow_result__(computed.cast(expr.as_table().schema().to_pyarrow()))

    def batches(self, expression: Any, *, spool: Path) -> Generator[pa.RecordBatch]:
        """Compute an expression and give its rows in order, without holding them: they lie in `spool` for so long.

        Args:
            expression: A table.
            spool: A folder that is not there yet; removed at the end.
        """
        schema = expression.schema().to_pyarrow()
        try:
            self.frame(expression).write.option("compression", "zstd").parquet(spool.resolve().as_uri())
            # Sorted rows lie in files by range; the files' names count the ranges.
            for part in sorted(spool.glob("part-*.parquet")):
                with pq.ParquetFile(part) as file:
                    for batch in file.iter_batches():
                        yield batch.cast(schema)
        finally:
            shutil.rmtree(spool, ignore_errors=True)


def _as_name(column: str) -> str:
    """Return a column name as Spark reads one: whatever is in it is no path into a structure."""
    return "`" + column.replace("`", "``") + "`"


def _require_types(schema: pa.Schema, path: Path | None = None) -> None:
    kept = pa.types
    passes = (
        kept.is_string,
        kept.is_large_string,
        kept.is_boolean,
        kept.is_signed_integer,
        kept.is_float64,
        kept.is_decimal128,
        kept.is_date32,
        lambda kind: kind == pa.timestamp("us"),
    )
    changed = [item.name for item in schema if not any(test(item.type) for test in passes)]
    if changed:
        raise UsageError(
            "engine.spark-type",
            what=f"Spark does not hold the type of {', '.join(repr(name) for name in changed)} as it is",
            why="both engines must give the same release; Spark would round, widen or rename such values",
            fix="write text, whole signed numbers, doubles, decimals, dates or microseconds, or use `--engine duckdb`",
            where=Place(str(path)) if path else None,
        )


def open_spark(spill: Path, *, memory_limit: str, settings: Mapping[str, str] | None = None) -> SparkEngine:
    """Open Spark, where this process runs unless `spark-submit` or Spark's own settings say otherwise.

    Args:
        spill: Where it writes what does not fit in memory, encrypted; inside the restricted zone.
        memory_limit: Memory of the driver, for example `2GB`.
        settings: Spark's own settings over ours, for example `spark.master`.

    Raises:
        UsageError: `engine.java-missing`.
    """
    require_java()
    spill.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    ours = {
        "spark.driver.memory": memory_limit.lower().removesuffix("b"),
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.io.encryption.enabled": "true",
        "spark.local.dir": str(spill),
        # An executor's message of a failed cast quotes the value.
        "spark.log.level": "OFF",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": str(2 * (os.cpu_count() or 1)),
        "spark.sql.warehouse.dir": str(spill / "warehouse"),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }
    builder = SparkSession.builder.appName("niji")
    for name, value in {**ours, **(settings or {})}.items():
        builder = builder.config(name, value)
    is_ours = SparkSession.getActiveSession() is None
    engine = engine_on(builder.getOrCreate())
    engine.is_ours = is_ours
    return engine


def engine_on(session: SparkSession) -> SparkEngine:
    """Return an engine on a session that is open already, for example a cluster's."""
    # Sent whole, so that executors need no Niji.
    cloudpickle.register_pickle_by_value(number_text)
    session.udf.register(_TEXT_OF_DOUBLE, spark_functions.udf(number_text.text_or_null, returnType="string"))
    # Looked up for what it does: Ibis sets its options for Spark when its own backend is first named.
    _ = ibis.pyspark.name
    engine: SparkEngine = SparkEngine().connect(session)
    return engine


def require_java() -> None:
    """Refuse to go on without a Java runtime.

    Raises:
        UsageError: `engine.java-missing`.
    """
    home = os.environ.get("JAVA_HOME")
    if shutil.which("java", path=f"{home}/bin" if home else None) is None:
        raise UsageError(
            "engine.java-missing",
            what="Spark needs a Java runtime, and none was found",
            why="Spark is a Java program; Niji starts it, and does not bring it",
            fix="install Java 17 or 21 (on Debian: apt install default-jre-headless) or set JAVA_HOME; "
            "or leave out `--engine spark`",
        )
