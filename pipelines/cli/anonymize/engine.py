"""Which engine computes a command's table."""

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING

from pipelines.cli.anonymize.workspace import PlainParquet, Workspace
from policies.errors import UsageError

if TYPE_CHECKING:
    import ibis

    from pipelines.cli.anonymize.source import SourceTable

SPARK_MEMORY = "2GB"


class EngineName(StrEnum):
    """The engines; both give the same release byte for byte."""

    DUCKDB = "duckdb"
    SPARK = "spark"


def require_engine(engine: EngineName) -> None:
    """Refuse an engine that is not installed, before anything is read.

    Raises:
        UsageError: `engine.spark-missing` or `engine.java-missing`.
    """
    if engine is EngineName.DUCKDB:
        return
    if importlib.util.find_spec("pyspark") is None:
        raise UsageError(
            "engine.spark-missing",
            what="Spark is not installed",
            why="it is an extra: a third of a gigabyte that one machine seldom needs",
            fix="run `make spark`, or install niji with its extra `spark`; or leave out `--engine spark`",
        )
    from pipelines.spark import require_java

    require_java()


@contextmanager
def rows_on(engine: EngineName, source: "SourceTable", space: Workspace) -> Iterator["ibis.Table"]:
    """Lend a table's rows as an Ibis table of an engine; Spark reads Parquet where it lies, and holds other tables.

    Raises:
        UsageError: `engine.spark-type`, for a column of a type that Spark does not hold as it is.
    """
    if engine is EngineName.DUCKDB:
        yield source.rows
        return
    from pipelines.cli.anonymize.source import ROW
    from pipelines.spark import open_spark

    spark = open_spark(space.folder / "spark", memory_limit=SPARK_MEMORY)
    try:
        if isinstance(source.stored, PlainParquet):
            columns = [name for name in source.stored.columns if name != ROW]
            yield spark.parquet(source.stored.path, row_id=ROW, columns=columns)
        else:
            spark.register("niji_rows", source.rows.to_pyarrow())
            yield spark.table("niji_rows")
    finally:
        spark.close()
