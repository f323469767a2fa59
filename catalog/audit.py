"""The audit log: who did what to which thing, each entry bound to the one before by its digest.

Entries hold names and counts, never a value of a person. A checkpoint signs the number of entries and the last
digest; a checkpoint kept outside this machine shows that the end of the log was not cut off.
Not here: what must be logged (the callers know), and the privacy ledger (`ledger.py`).
"""

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from sqlalchemy import Column, Engine, Integer, MetaData, String, Table, Text, func, insert, select
from sqlalchemy.exc import DatabaseError
from sqlalchemy.exc import IntegrityError as AlreadyThere

from catalog.database import open_engine, reading
from catalog.keys import PublicKeys, Signer, is_signed_by
from catalog.manifest import canonical
from policies.canonical import pre_authentication
from policies.errors import DataError, IntegrityError, NijiError, Place

FORMAT = "niji/audit/v1"
CHECKPOINT_TYPE = "application/vnd.niji.audit-checkpoint.v1+json"
GENESIS = "sha256:" + "0" * 64
_WORD = re.compile(r"^[\w .,:;@/+()=-]{0,200}$")
_RETRIES = 50

Detail = str | int | bool | None

_metadata = MetaData()
_events = Table(
    "audit_events",
    _metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", String(32), nullable=False),
    Column("actor", String(200), nullable=False),
    Column("action", String(200), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("details", Text, nullable=False),
    Column("previous", String(80), nullable=False),
    Column("digest", String(80), nullable=False, unique=True),
)
_checkpoints = Table(
    "audit_checkpoints",
    _metadata,
    Column("count", Integer, primary_key=True, autoincrement=False),
    Column("head", String(80), nullable=False),
    Column("at", String(32), nullable=False),
    Column("key_id", String(80), nullable=False),
    Column("signature", String(200), nullable=False),
)


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One entry; `digest` covers all other fields, `previous` is the digest of the entry before."""

    seq: int
    at: str
    actor: str
    action: str
    subject: str
    details: Mapping[str, Detail]
    previous: str
    digest: str

    def as_json(self) -> dict[str, object]:
        """Return the entry as plain JSON values."""
        return {**asdict(self), "details": dict(self.details)}


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A signed statement that the log had `count` entries and ended with `head`."""

    count: int
    head: str
    at: str
    key_id: str
    signature: str

    def as_json(self) -> dict[str, object]:
        """Return the checkpoint as plain JSON values, to be printed or kept elsewhere."""
        return {"format": FORMAT, **asdict(self)}

    @classmethod
    def from_json(cls, body: Mapping[str, object]) -> "Checkpoint":
        """Read a checkpoint that was kept elsewhere.

        Raises:
            DataError: It is not one.
        """
        try:
            count = int(str(body["count"]))
            return cls(count, str(body["head"]), str(body["at"]), str(body["key_id"]), str(body["signature"]))
        except (KeyError, ValueError):
            raise DataError(
                "audit.checkpoint-unreadable",
                what="a file is not a checkpoint of the audit log",
                why="its count, head, time, key id or signature is missing",
                fix="give the file that `niji audit checkpoint --output` wrote",
            ) from None


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What `verify` found: how many entries hold, and up to which of them a signature vouches."""

    events: int
    head: str
    checkpoints: int
    signed_up_to: int


class AuditLog:
    """An append-only log in one table of a database; `open` is the only way in."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._clock = clock

    @classmethod
    def open(cls, location: Path | str, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> "AuditLog":
        """Open the log at a SQLite path or a SQLAlchemy URL; make its tables where they are missing."""
        engine = open_engine(location)
        _metadata.create_all(engine)
        return cls(engine, clock)

    def append(
        self, *, actor: str, action: str, subject: str, details: Mapping[str, Detail] | None = None
    ) -> AuditEvent:
        """Add one entry and return it.

        Args:
            actor: Who: a user id, or `system`.
            action: What was done, dotted: `request.approve`.
            subject: To what: an id of a release, a request, a permit.
            details: Names and counts; short plain words, whole numbers, yes or no.

        Raises:
            DataError: A field is not a short plain word: values of people do not belong in the log.
        """
        body = dict(details or {})
        _refuse_values(actor, action, subject, body)
        for _ in range(_RETRIES):
            try:
                return self._append_once(actor, action, subject, body)
            except AlreadyThere:
                continue  # another process took this number; the chain is read again
        raise IntegrityError(
            "audit.contended",
            what=f"an entry could not be added in {_RETRIES} tries",
            why="other processes took every number; without its entry the act must not happen",
            fix="try again",
        )

    def _append_once(self, actor: str, action: str, subject: str, details: Mapping[str, Detail]) -> AuditEvent:
        with self._engine.begin() as connection:
            newest = select(_events.c.seq, _events.c.digest).order_by(_events.c.seq.desc()).limit(1)
            last = connection.execute(newest).first()
            seq, previous = (last.seq + 1, last.digest) if last else (1, GENESIS)
            at = self._clock().astimezone(UTC).isoformat(timespec="milliseconds")
            event = _event(seq, at, (actor, action, subject), details, previous)
            connection.execute(insert(_events).values(**{**asdict(event), "details": _text(details)}))
        return event

    def events(self, *, subject: str | None = None, newest_first: bool = False) -> Iterator[AuditEvent]:
        """Yield the entries in order, or the newest first; all or those of one subject."""
        query = select(_events).order_by(_events.c.seq.desc() if newest_first else _events.c.seq)
        if subject is not None:
            query = query.where(_events.c.subject == subject)
        with reading(self._engine) as connection:
            for row in connection.execute(query):
                details = json.loads(row.details)
                yield AuditEvent(row.seq, row.at, row.actor, row.action, row.subject, details, row.previous, row.digest)

    def checkpoint(self, signer: Signer) -> Checkpoint:
        """Sign the log as it stands, keep the checkpoint in the log's database, and return it."""
        with self._engine.begin() as connection:
            last = connection.execute(
                select(_events.c.seq, _events.c.digest).order_by(_events.c.seq.desc()).limit(1)
            ).first()
            count, head = (last.seq, last.digest) if last else (0, GENESIS)
            known = connection.execute(select(_checkpoints).where(_checkpoints.c.count == count)).first()
            if known is not None:
                return Checkpoint(*known)
            at = self._clock().astimezone(UTC).isoformat(timespec="milliseconds")
            signature = b64encode(signer.sign(_checkpoint_bytes(count, head, at))).decode("ascii")
            made = Checkpoint(count, head, at, signer.key_id, signature)
            connection.execute(insert(_checkpoints).values(**asdict(made)))
        return made

    def verify(self, public_keys: PublicKeys, *, anchors: tuple[Checkpoint, ...] = ()) -> AuditReport:
        """Recompute the chain, and check every checkpoint and every anchor kept elsewhere.

        Raises:
            IntegrityError: An entry or a checkpoint was altered, removed or added; the message names its number.

        Guarantee: entries up to the last checkpoint are those that were signed.
        Not guaranteed: entries after the last checkpoint; the checkpoint kept elsewhere closes that gap.
        """
        try:
            heads = self._recomputed()
            with reading(self._engine) as connection:
                kept = [Checkpoint(*row) for row in connection.execute(select(_checkpoints))]
                total = connection.execute(select(func.count()).select_from(_events)).scalar_one()
        except (DatabaseError, ValueError, TypeError, KeyError):
            raise _altered(0, "the audit log is unreadable") from None
        for checkpoint in (*kept, *anchors):
            _hold(checkpoint, heads, public_keys)
        signed = max((checkpoint.count for checkpoint in (*kept, *anchors)), default=0)
        return AuditReport(total, heads[-1], len(kept), signed)

    def _recomputed(self) -> list[str]:
        heads = [GENESIS]
        for number, event in enumerate(self.events(), start=1):
            expected = _event(number, event.at, (event.actor, event.action, event.subject), event.details, heads[-1])
            if event != expected:
                raise _altered(number, "an entry of the audit log does not fit the one before it")
            heads.append(event.digest)
        return heads


def _event(seq: int, at: str, who: tuple[str, str, str], details: Mapping[str, Detail], previous: str) -> AuditEvent:
    actor, action, subject = who
    body = {"format": FORMAT, "seq": seq, "at": at, "actor": actor, "action": action, "subject": subject}
    digest = sha256(canonical({**body, "details": dict(details), "previous": previous})).hexdigest()
    return AuditEvent(seq, at, actor, action, subject, dict(details), previous, f"sha256:{digest}")


def _text(details: Mapping[str, Detail]) -> str:
    return canonical(dict(details)).decode("utf-8")


def _checkpoint_bytes(count: int, head: str, at: str) -> bytes:
    return pre_authentication(CHECKPOINT_TYPE, canonical({"format": FORMAT, "count": count, "head": head, "at": at}))


def _hold(checkpoint: Checkpoint, heads: list[str], public_keys: PublicKeys) -> None:
    public = public_keys.get(checkpoint.key_id)
    try:
        signature = b64decode(checkpoint.signature, validate=True)
    except ValueError:
        signature = b""
    message = _checkpoint_bytes(checkpoint.count, checkpoint.head, checkpoint.at)
    if public is None or not is_signed_by(public, signature, message):
        raise _altered(checkpoint.count, "a checkpoint of the audit log is not signed by a trusted key")
    if not 0 <= checkpoint.count < len(heads) or heads[checkpoint.count] != checkpoint.head:
        raise _altered(checkpoint.count, "the audit log is not the one that a checkpoint signed")


def _refuse_values(actor: str, action: str, subject: str, details: Mapping[str, Detail]) -> None:
    words = [actor, action, subject, *details, *(value for value in details.values() if isinstance(value, str))]
    kinds = all(value is None or isinstance(value, (str, int)) for value in details.values())
    if not kinds or not all(_WORD.match(word) for word in words) or not (actor and action and subject):
        raise DataError(
            "audit.not-a-name",
            what="an audit entry was given something that is not a short name, a whole number, or yes or no",
            why="the log is kept for years and read by many; values of people do not belong in it",
            fix="log ids, names and counts only",
        )


def _altered(number: int, what: str) -> NijiError:
    return IntegrityError(
        "audit.altered",
        what=f"{what} (entry {number})",
        why="the log proves what was done only while its chain holds",
        fix="keep the file as evidence, compare it with the last backup, and tell the compliance officer",
        where=Place("audit.sqlite"),
    )
