"""What the independent recount says to its engine: a connection of its own, its tables, quoted names.

Rows are copied into the engine, or lie where it reads them piece by piece (`NamedRows`), so that a table need not fit
into memory.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ibis


@dataclass(frozen=True, slots=True)
class NamedRows:
    """Rows that a DuckDB connection knows by name, for example a view on a file; nothing is copied.

    The connection is the recount's own: nothing that made the release may have used it. It is closed after the recount.
    """

    connection: Any = field(repr=False)
    name: str
    columns: tuple[str, ...]


def connect() -> Any:
    """Open an engine in memory that shares nothing with the one that made the release."""
    import duckdb

    return duckdb.connect(":memory:")


# Results are read to their end (`fetchall`): DuckDB refuses other work on a connection with an unfinished result.
def load(connection: Any, name: str, rows: "ibis.Table | NamedRows", columns: Sequence[str]) -> None:
    """Make columns of a table, each once, known to the engine as `name`: copied, or a view where they lie there already."""
    if isinstance(rows, NamedRows):
        names = ", ".join(quoted(column) for column in dict.fromkeys(columns))
        connection.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS SELECT {names} FROM {quoted(rows.name)}")
        return
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
