"""Where `niji anonymize` keeps rows while it works: a private folder beside the output, and an engine that spills there.

Rows that are copied lie in it encrypted, under a key that is nowhere but in this process; what the engine spills is
readable by the same user, as the source is. The folder goes when the command ends, whatever ends it; one that a killed
process left is removed by the next run beside it.
"""

import fcntl
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pipelines.cli.table_files import cannot_write, unreadable

if TYPE_CHECKING:
    import pyarrow as pa

    from anonymization.recount_sql import NamedRows
    from pipelines.encryption import Vault

MEMORY_LIMIT = "1GB"
"""Most that the engine holds of rows at a time; Arrow's pieces come on top."""
_PREFIX, _LOCK = ".niji-work-", "lock"
_KEY_BYTES = 32


class Stored(Protocol):
    """Rows that an engine can read without holding them."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns."""

    def register(self, connection: Any, name: str) -> None:
        """Make the rows known to a DuckDB connection as `name`."""


@dataclass(frozen=True, slots=True)
class Encrypted:
    """Rows in an encrypted file of the workspace."""

    path: Path
    columns: tuple[str, ...]
    schema: "pa.Schema" = field(repr=False)
    vault: "Vault" = field(repr=False)

    def register(self, connection: Any, name: str) -> None:
        """Make the rows known to a DuckDB connection as `name`."""
        connection.register(name, self.vault.dataset(self.path))

    def pieces(self, columns: list[str], *, rows: int) -> Iterator["pa.Table"]:
        """Give columns in the order of the rows, so many rows at a time."""
        import pyarrow as pa

        from pipelines.engines import ROW_GROUP_ROWS, in_pieces

        found = self.vault.dataset(self.path).to_batches(
            columns=columns, batch_size=ROW_GROUP_ROWS, batch_readahead=2, fragment_readahead=1
        )
        # Parquet has its own name for the items of a list.
        schema = pa.schema([self.schema.field(name) for name in columns])
        yield from in_pieces((batch.cast(schema) for batch in found), rows)


@dataclass(frozen=True, slots=True)
class PlainParquet:
    """Rows in the Parquet file that was given, with their number in it as `row_id`."""

    path: Path
    columns: tuple[str, ...]
    row_id: str

    def register(self, connection: Any, name: str) -> None:
        """Make the rows known to a DuckDB connection as `name`."""
        from anonymization.recount_sql import quoted

        taken = ", ".join(quoted(column) for column in self.columns if column != self.row_id)
        file = "'" + str(self.path).replace("'", "''") + "'"
        connection.execute(
            f"CREATE VIEW {quoted(name)} AS SELECT {taken}, file_row_number AS {quoted(self.row_id)} "
            f"FROM read_parquet({file}, file_row_number = true, hive_partitioning = false)"
        )


@dataclass(frozen=True, slots=True)
class InMemory:
    """Rows with columns of types that the engine would not give back as they are, so Arrow holds them."""

    table: "pa.Table" = field(repr=False)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(self.table.column_names)

    def register(self, connection: Any, name: str) -> None:
        """Make the rows known to a DuckDB connection as `name`."""
        connection.register(name, self.table)


class Workspace:
    """A private folder, its key, and the engine that makes the release."""

    def __init__(self, folder: Path, output: Path) -> None:
        from catalog.secret import Secret
        from pipelines.encryption import Vault
        from pipelines.engines import open_engine

        self.folder = folder
        self._output = output
        self._vault = Vault(Secret(secrets.token_bytes(_KEY_BYTES)))
        self.engine = open_engine(folder / "spill", memory_limit=MEMORY_LIMIT)

    def write(self, pieces: Iterable["pa.Table"], schema: "pa.Schema") -> Encrypted:
        """Keep rows encrypted, piece by piece.

        Raises:
            DataError: The disk is full (`output.cannot-write`).
        """
        path = self.folder / f"{secrets.token_hex(4)}.parquet"
        try:
            with self._vault.writer(path, schema) as writer:
                for piece in pieces:
                    writer.write_table(piece)
        except OSError as error:
            raise cannot_write(self._output, error) from None
        return Encrypted(path, tuple(schema.names), schema, self._vault)

    def table(self, stored: Stored) -> Any:
        """Return stored rows as an Ibis table of the engine."""
        import ibis

        if isinstance(stored, InMemory):
            return ibis.memtable(stored.table)
        name = f"niji_{secrets.token_hex(4)}"
        stored.register(self.engine.con, name)
        return self.engine.table(name)

    @contextmanager
    def recounting(self, *many: Stored) -> Iterator[list["NamedRows"]]:
        """Lend stored rows to a recount, in an engine of its own."""
        from anonymization.recount_sql import NamedRows
        from pipelines.engines import open_engine

        engine = open_engine(self.folder / "recount", memory_limit=MEMORY_LIMIT)
        with closing(engine.con) as connection:
            for number, stored in enumerate(many):
                stored.register(connection, f"niji_stored_{number}")
            yield [NamedRows(connection, f"niji_stored_{n}", stored.columns) for n, stored in enumerate(many)]


@contextmanager
def open_workspace(output: Path) -> Iterator[Workspace]:
    """Open a workspace beside an output, for as long as the command takes.

    Raises:
        DataError: The folder cannot be written or has no room (`output.cannot-write`).
    """
    with ExitStack() as stack:
        try:
            _remove_abandoned(output.parent)
            folder = _new_folder(output.parent, stack)
            space = Workspace(folder, output)
        except OSError as error:
            raise cannot_write(output, error) from None
        stack.callback(space.engine.con.close)
        yield space


def _new_folder(beside: Path, stack: ExitStack) -> Path:
    """Make a private folder whose lock this process holds until it ends, however it ends."""
    while True:
        folder = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix=_PREFIX, dir=beside, ignore_cleanup_errors=True))
        )
        handle = os.open(folder / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
        stack.callback(os.close, handle)
        fcntl.flock(handle, fcntl.LOCK_EX)
        # Another run may have taken the folder for an abandoned one before the lock was held.
        if os.fstat(handle).st_nlink:
            return folder


@contextmanager
def engine_errors(source: Path) -> Iterator[None]:
    """Turn what the engine says into a coded error: its words may quote a value.

    Raises:
        DataError: `engine.no-memory` or `data.unreadable`.
    """
    import duckdb

    from pipelines.engines import failed

    try:
        yield
    except duckdb.OutOfMemoryException:
        raise failed(is_memory=True) from None
    except duckdb.Error:
        raise unreadable(source, "the engine cannot read the file, or has no room to spill") from None


def _remove_abandoned(folder: Path) -> None:
    """Remove the workspaces of processes that were killed; nobody holds their lock."""
    for found in folder.glob(f"{_PREFIX}*"):
        try:
            handle = os.open(found / _LOCK, os.O_RDWR)
        except OSError:
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            continue
        else:
            shutil.rmtree(found, ignore_errors=True)
        finally:
            os.close(handle)
