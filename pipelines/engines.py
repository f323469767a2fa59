"""Which engine computes: DuckDB on one machine. Nothing else in the code knows which one runs."""

from pathlib import Path
from typing import Any

import ibis


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
