"""Which engine computes a command's table."""

import importlib.util
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from policies.errors import UsageError

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa

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
def rows_on(engine: EngineName, table: "pa.Table", *, beside: Path) -> Iterator["ibis.Table"]:
    """Lend a table's rows as an Ibis table of an engine; for Spark, what spills lies encrypted in the folder `beside`.

    Raises:
        UsageError: `engine.spark-type`, for a column of a type that Spark does not hold as it is.
    """
    import ibis

    if engine is EngineName.DUCKDB:
        yield ibis.memtable(table)
        return
    from pipelines.spark import open_spark

    with tempfile.TemporaryDirectory(prefix=".niji-", dir=beside) as spill:
        spark = open_spark(Path(spill), memory_limit=SPARK_MEMORY)
        try:
            spark.register("niji_rows", table)
            yield spark.table("niji_rows")
        finally:
            spark.close()
