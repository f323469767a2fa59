"""Open a database: SQLite by path, or any SQLAlchemy URL (PostgreSQL in production).

Not here: tables and queries.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from policies.errors import IntegrityError, Place, UsageError

_DAMAGED = frozenset({sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT})


def open_engine(location: Path | str) -> Engine:
    """Return an engine for a SQLite file (a path) or for a URL.

    SQLite runs with a write-ahead log, foreign keys, full durability, and takes the write lock when a transaction
    begins, so that read-then-write transactions of two processes follow each other.

    Raises:
        UsageError: The URL is not one that SQLAlchemy knows.

    The first connection raises IntegrityError where a SQLite file is damaged, or is something else.
    """
    if isinstance(location, Path):
        location.parent.mkdir(parents=True, exist_ok=True)
        return _sqlite(f"sqlite:///{location}")
    try:
        url = make_url(location)
        if url.get_backend_name() == "sqlite":
            return _sqlite(location)
        if url.drivername == "postgresql":
            url = url.set(drivername="postgresql+psycopg")  # the driver that is pinned, not SQLAlchemy's default
        return create_engine(url, hide_parameters=True, pool_pre_ping=True)
    except (ArgumentError, ImportError):
        # The URL may hold a password, so it is not quoted.
        raise UsageError(
            "store.url",
            what="the database address is not one that can be opened here",
            why="its form or its driver is unknown",
            fix="give a path, or a URL such as postgresql+psycopg://host/niji with the driver installed",
        ) from None


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Yield a connection that only reads: it does not wait for writers, nor they for it, and sees one moment."""
    options: dict[str, Any] = {"read_only": True}
    if engine.dialect.name == "postgresql":
        # Otherwise each statement sees a moment of its own, and two tables would not fit together.
        options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with engine.connect().execution_options(**options) as connection:
        yield connection


def _sqlite(url: str) -> Engine:
    engine = create_engine(url, hide_parameters=True, connect_args={"timeout": 30, "check_same_thread": False})
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _on_begin)
    return engine


def _on_connect(connection: Any, _record: object) -> None:
    # The driver's own BEGIN comes too late (at the first write); transactions are begun below.
    connection.isolation_level = None
    cursor = connection.cursor()
    try:
        cursor.execute("PRAGMA journal_mode=WAL")
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode not in _DAMAGED:
            raise
        path = next(row[2] for row in cursor.execute("PRAGMA database_list"))
        raise _damaged(path) from None
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA busy_timeout=30000")
    cursor.close()


def _damaged(path: str) -> IntegrityError:
    return IntegrityError(
        "store.damaged",
        what="a file of the home is no database any more",
        why="records that cannot be read prove nothing, so nothing goes on without them",
        fix="keep the file as evidence, restore it from the backup, and tell the data steward",
        where=Place(path),
    )


def _on_begin(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN" if connection.get_execution_options().get("read_only") else "BEGIN IMMEDIATE")
