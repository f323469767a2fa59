"""What the independent recount says to its engine: a connection of its own, tables copied into it, quoted names."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ibis


def connect() -> Any:
    """Open an engine in memory that shares nothing with the one that made the release."""
    import duckdb

    return duckdb.connect(":memory:")


# Results are read to their end (`fetchall`): DuckDB refuses other work on a connection with an unfinished result.
def load(connection: Any, name: str, rows: "ibis.Table", columns: Sequence[str]) -> None:
    """Copy columns of a table, each once, into the engine under `name`."""
    register(connection, name, rows.select(*dict.fromkeys(columns)).to_pyarrow())


def register(connection: Any, name: str, rows: Any) -> None:
    """Copy an Arrow table into the engine under `name`, in the place of what was there."""
    connection.register("arriving", rows)
    connection.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM arriving")
    connection.unregister("arriving")


def quoted(column: str) -> str:
    """Return a column name as an SQL identifier."""
    return '"' + column.replace('"', '""') + '"'


def as_written(connection: Any, table: str, column: str, *, alias: str) -> str:
    """Return the SQL for a value as hierarchies write it: a whole number without decimals, null for null."""
    kinds = connection.execute(f"SELECT column_name, column_type FROM (DESCRIBE {table})").fetchall()
    kind = next(str(kind) for name, kind in kinds if str(name) == column)
    text = f"CAST({alias}.{quoted(column)} AS VARCHAR)"
    return f"regexp_replace({text}, '\\.0+$', '')" if kind.startswith(("DOUBLE", "FLOAT", "DECIMAL")) else text
