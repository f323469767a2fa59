"""The zones on disk: one folder a stage and name, one complete version at a time, written whole or not at all.

    zones/restricted/{raw,classified,consented}/<dataset>/<version>/…      encrypted Parquet
    zones/pseudonymized/{pseudonymized,protected}/<name>/<version>/…       encrypted Parquet
    zones/released/<release>/<policy version>/…                             plain, signed, immutable (`package.py`)

A version is written beside the last one and becomes current by the replacement of one small file; a crash or a full
disk leaves the last version as it was. `stage.json` of a version says what it was made from, so that a second run
knows what is fresh. Not here: what a stage computes.
"""

import contextlib
import errno
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import pyarrow as pa

from anonymization.tables import (
    AnyTable,
    EventTable,
    GenotypeTable,
    PersonTable,
    ReferenceTable,
    RegisterTable,
)
from pipelines.encryption import Vault
from pipelines.engines import ROW_GROUP_ROWS, stream_rows
from policies.errors import DataError, IntegrityError, NijiError, Place
from policies.model import DatasetPolicy, TablePolicy
from policies.vocabulary import TableKind

_CURRENT = "CURRENT"
_META = "stage.json"
_SAMPLES = ".samples"


class Stage(StrEnum):
    """The stages whose rows are kept on disk."""

    RAW = "raw"
    CLASSIFIED = "classified"
    CONSENTED = "consented"
    PSEUDONYMIZED = "pseudonymized"
    PROTECTED = "protected"
    VALIDATED = "validated"

    @property
    def zone(self) -> str:
        """The zone that the stage's rows lie in."""
        restricted = {Stage.RAW, Stage.CLASSIFIED, Stage.CONSENTED}
        return "restricted" if self in restricted else "pseudonymized"


@dataclass(frozen=True, slots=True)
class Version:
    """One complete version of a stage: what it was made from, the digest that names it, and its facts (counts, names)."""

    folder: Path
    inputs: str
    data_version: str
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables of this version, by name."""
        files = sorted(self.folder.glob("*.parquet"))
        return tuple(file.stem for file in files if not file.stem.endswith(_SAMPLES))


class Zones:
    """Reads and writes the versions of all stages below one folder."""

    def __init__(self, root: Path, vault: Vault) -> None:
        self.root = root
        self._vault = vault

    def __repr__(self) -> str:
        return f"Zones({str(self.root)!r})"

    def current(self, stage: Stage, name: str) -> Version | None:
        """Return the current version of a stage, or None where there is none.

        Raises:
            IntegrityError: The folder is there but its description cannot be read.
        """
        place = self._place(stage, name)
        pointer = place / _CURRENT
        if not pointer.exists():
            return None
        folder = place / pointer.read_text("ascii").strip()
        try:
            meta = json.loads((folder / _META).read_text("utf-8"))
            return Version(folder, meta["inputs"], meta["data_version"], meta["facts"])
        except (OSError, ValueError, KeyError):
            raise IntegrityError(
                "storage.broken-version",
                what=f"the current version of {stage.value}/{name} cannot be read",
                why="files were moved or changed by hand",
                fix=f"remove {place} and run the pipeline again",
            ) from None

    def require(self, stage: Stage, name: str) -> Version:
        """Return the current version of a stage.

        Raises:
            DataError: The stage was never made.
        """
        version = self.current(stage, name)
        if version is None:
            raise DataError(
                "storage.not-made",
                what=f"{stage.value}/{name} was not made yet",
                why="a stage reads what the stage before it wrote",
                fix=f"materialize {stage.value}/{name} first, for example `niji run {name}`",
            )
        return version

    @contextmanager
    def write(self, stage: Stage, name: str) -> Iterator["Draft"]:
        """Open a new version; `Draft.finish` makes it current, anything else leaves no trace.

        Raises:
            DataError: `storage.no-space` or `storage.cannot-write`, when the disk refuses.
        """
        place = self._place(stage, name)
        with _disk_errors(place):
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder = place / f".{secrets.token_hex(8)}.part"
            folder.mkdir(mode=0o700)
        draft = Draft(folder, self._vault)
        try:
            with _disk_errors(place):
                yield draft
                draft.close()
                if draft.finished is None:
                    return
                self._publish(place, draft)
        finally:
            draft.abandon()
            shutil.rmtree(folder, ignore_errors=True)

    def note(self, version: Version, name: str, body: Mapping[str, Any]) -> None:
        """Write a small JSON file beside a version's tables (a check's verdict); replaced whole."""
        _write_text(version.folder / f"{name}.json", json.dumps(body, ensure_ascii=False, sort_keys=True))

    def read_note(self, version: Version, name: str) -> Mapping[str, Any] | None:
        """Read what `note` wrote, or None."""
        path = version.folder / f"{name}.json"
        if not path.exists():
            return None
        found: Mapping[str, Any] = json.loads(path.read_text("utf-8"))
        return found

    def redate(self, version: Version) -> None:
        """Give a current version's files the time of now: when they were written tells how long the work took."""
        for path in (
            *version.folder.iterdir(),
            version.folder,
            version.folder.parent / _CURRENT,
            version.folder.parent,
        ):
            os.utime(path)

    def rows(self, version: Version, table: str, *, engine: Any) -> Any:
        """Return a stored table as an Ibis table of `engine`; rows stay on disk until they are asked for."""
        known_as = f"{table}_{secrets.token_hex(4)}"
        engine.con.register(known_as, self._vault.dataset(version.folder / f"{table}.parquet"))
        return engine.table(known_as)

    def arrow(self, version: Version, table: str, *, columns: Sequence[str] | None = None) -> pa.Table:
        """Return a stored table in memory, or some of its columns."""
        stored = self._vault.dataset(version.folder / f"{table}.parquet")
        return stored.to_table() if columns is None else stored.to_table(columns=list(columns))

    def head(self, version: Version, table: str) -> pa.Table:
        """Return a stored table's columns, without rows."""
        return self._vault.dataset(version.folder / f"{table}.parquet").schema.empty_table()

    def samples(self, version: Version, table: str) -> tuple[str, ...]:
        """Return the samples of a stored genotype table."""
        return tuple(self.arrow(version, f"{table}{_SAMPLES}").column("sample").to_pylist())

    def tables(self, version: Version, dataset: DatasetPolicy, *, engine: Any) -> dict[str, AnyTable]:
        """Return all tables of a dataset's version under their stage types."""
        found: dict[str, AnyTable] = {}
        for name in version.tables:
            policy = dataset.table(name)
            if policy is not None:
                found[name] = self._table(version, policy, engine)
        return found

    def _table(self, version: Version, policy: TablePolicy, engine: Any) -> AnyTable:
        if policy.kind is TableKind.GENOTYPE:
            return GenotypeTable(policy, self.arrow(version, policy.name), self.samples(version, policy.name))
        rows = self.rows(version, policy.name, engine=engine)
        if policy.kind is TableKind.PERSON:
            return PersonTable(policy, rows)
        if policy.kind is TableKind.EVENT:
            return EventTable(policy, rows)
        return RegisterTable(policy, rows) if policy.kind is TableKind.REGISTER else ReferenceTable(policy, rows)

    def _place(self, stage: Stage, name: str) -> Path:
        return self.root / stage.zone / stage.value / name

    def _publish(self, place: Path, draft: "Draft") -> None:
        inputs, data_version, facts = draft.finished or ("", "", {})
        body = {"inputs": inputs, "data_version": data_version, "facts": dict(facts)}
        _write_text(draft.folder / _META, json.dumps(body, ensure_ascii=False, sort_keys=True))
        name = secrets.token_hex(8)
        pointer = place / _CURRENT
        # The last version stays until the next one comes: another process may be reading it.
        kept = {name, pointer.read_text("ascii").strip() if pointer.exists() else ""}
        draft.folder.rename(place / name)
        _write_text(pointer, name)
        for old in place.iterdir():
            if old.is_dir() and old.name not in kept and not old.name.startswith("."):
                shutil.rmtree(old, ignore_errors=True)


class Draft:
    """A version being written."""

    def __init__(self, folder: Path, vault: Vault) -> None:
        self.folder = folder
        self.finished: tuple[str, str, Mapping[str, Any]] | None = None
        self._vault = vault
        self._writers: dict[str, Any] = {}

    def write_batches(self, table: str, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> int:
        """Stream record batches into a table; returns the number of rows."""
        rows = 0
        writer = self._vault.writer(self.folder / f"{table}.parquet", schema)
        self._writers[table] = writer
        for batch in batches:
            rows += batch.num_rows
            writer.write_batch(batch)
        writer.close()
        del self._writers[table]
        return rows

    def write_table(self, table: str, rows: Any) -> int:
        """Write an Arrow table or an Ibis expression, this one in pieces as the engine gives them; returns the rows."""
        if isinstance(rows, pa.Table):
            return self.write_batches(table, rows.schema, iter(rows.to_batches(max_chunksize=ROW_GROUP_ROWS)))
        with closing(stream_rows(rows)) as pieces:
            batches = (batch for piece in pieces for batch in piece.to_batches())
            return self.write_batches(table, rows.as_table().schema().to_pyarrow(), batches)

    def write_stage_table(self, name: str, table: AnyTable) -> int:
        """Write a table of a stage type, genotypes with their samples; returns the number of rows."""
        if isinstance(table, GenotypeTable):
            self.write_samples(name, table.samples)
            return self.write_table(name, table.sites)
        return self.write_table(name, table.rows)

    def written(self, table: str, *, engine: Any) -> Any:
        """Return a table that this draft has written as an Ibis table of `engine`, read back from the disk."""
        known_as = f"{table}_{secrets.token_hex(4)}"
        engine.con.register(known_as, self._vault.dataset(self.folder / f"{table}.parquet"))
        return engine.table(known_as)

    def write_samples(self, name: str, samples: tuple[str, ...]) -> None:
        """Write which samples a genotype table has, encrypted like everything else."""
        self.write_table(f"{name}{_SAMPLES}", pa.table({"sample": pa.array(samples, pa.string())}))

    def finish(self, *, inputs: str, data_version: str, facts: Mapping[str, Any]) -> None:
        """Say that the version is complete."""
        self.finished = (inputs, data_version, facts)

    def close(self) -> None:
        """Close what is still open, so that the folder can be moved or removed."""
        for writer in self._writers.values():
            writer.close()
        self._writers.clear()

    def abandon(self) -> None:
        """Close what is still open, whatever the disk says: on a full disk, closing a file fails once more."""
        for writer in self._writers.values():
            with contextlib.suppress(OSError):
                writer.close()
        self._writers.clear()


def _write_text(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with part.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _disk_errors(place: Path) -> Iterator[None]:
    """Turn what the disk says into a coded error; nothing else passes through here changed."""
    try:
        yield
    except NijiError:
        raise
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
        raise DataError(
            "storage.no-space" if full else "storage.cannot-write",
            what="the disk is full" if full else "a file cannot be written",
            why="a stage is written whole or not at all; what was there before is as it was",
            fix="free space in the home, and run again" if full else "let this account write in the home's zones",
            where=Place(str(place)),
        ) from None
