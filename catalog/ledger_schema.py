"""Bring a ledger's tables to the form that this code works with, without losing an entry.

The steps are Alembic's (`migrations/versions`); a ledger from before they were numbered counts as being at the first.
Not here: what the tables mean (`ledger_entries`).
"""

from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, select, text
from sqlalchemy import column as sql_column
from sqlalchemy import table as sql_table

from catalog.database import reading
from policies.errors import IntegrityError, Place

VERSION = "0003"
FIRST = "0001"
_KNOWN = (FIRST, "0002", VERSION)
_VERSIONS = sql_table("ledger_version", sql_column("version_num"))
_LOCK = 0x6E696A69  # "niji"; PostgreSQL's advisory locks have numbers for names


def upgrade(engine: Engine) -> None:
    """Make the tables, or bring them to the newest form, in one transaction; several processes may do so at once.

    Raises:
        IntegrityError: The tables are of a form that a newer version of Niji made.
    """
    with reading(engine) as connection:
        if _version(connection) == VERSION:
            return
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK})
        _upgrade(connection, _version(connection))


def _version(connection: Connection) -> str | None:
    """Return the number of the form, None where there are no tables."""
    tables = inspect(connection)
    if tables.has_table("ledger_version"):
        found = connection.execute(select(_VERSIONS.c.version_num)).scalar_one_or_none()
        if found not in _KNOWN:
            raise IntegrityError(
                "ledger.newer",
                what="the privacy ledger has a form that this version does not know",
                why="a newer version of Niji wrote it; reading it with an older one could miss what was spent",
                fix="run the newer version",
                where=Place("ledger.sqlite"),
            )
        return str(found)
    return FIRST if tables.has_table("ledger_entries") else None


def _upgrade(connection: Connection, found: str | None) -> None:
    if found == VERSION:
        return
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    if found == FIRST and not inspect(connection).has_table("ledger_version"):
        command.stamp(config, FIRST)
    command.upgrade(config, VERSION)
