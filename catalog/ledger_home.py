"""The privacy ledger of a home: its database, and the two anchors that hold it.

By default `ledger.sqlite`, `ledger.anchor.json` and the audit log, all in the home. That recognizes a ledger that was put
back alone. Where the whole home is backed up, name an anchor outside of it, or keep the audit log's checkpoints elsewhere.
"""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from catalog.audit import AuditLog
from catalog.keys import PublicKeys
from catalog.ledger import Ledger
from catalog.ledger_anchor import Anchor, AuditAnchor, FileAnchor, Mark
from catalog.ledger_heads import Signer
from catalog.ledger_place import LedgerPlace
from catalog.ledger_views import AccountView, LedgerHead

_AUDIT = "audit.sqlite"


@dataclass(frozen=True, slots=True)
class _Absent:
    """An anchor that is not there; looking at a ledger makes none."""

    kind: str

    def head(self) -> LedgerHead | None:
        return None

    def accounts(self) -> Mapping[str, AccountView]:
        return {}

    def advance(self, mark: Mark, *, is_reset: bool = False) -> None:
        """Keep nothing: who only looks, writes nothing."""


def open_ledger(
    place: LedgerPlace, signing: Signer, *, public_keys: PublicKeys | None = None, is_held: bool = True
) -> Ledger:
    """Open the ledger of a deployment to write to it.

    Args:
        place: Where it lies.
        signing: Signs each head.
        public_keys: With them, the chain, the accounts and the newest signature are checked before the first charge.
        is_held: False only to reconcile; see `Ledger.open`.

    Raises:
        IntegrityError: The ledger was altered, or is older than an anchor.
    """
    anchors = (FileAnchor(place.anchor_file), AuditAnchor(AuditLog.open(place.home / _AUDIT)))
    ledger = Ledger.open(place.location, signing, anchors=anchors, is_held=is_held)
    if public_keys is not None:
        ledger.verify(public_keys=public_keys, only_last_signature=True)
    return ledger


def look_at_ledger(place: LedgerPlace) -> Ledger | None:
    """Open the ledger of a deployment to look at it, its chain checked; None where nothing was ever charged.

    Raises:
        IntegrityError: The ledger was altered, or is older than an anchor, or is gone and was not.
    """
    if not place.is_used:
        return None
    audit = place.home / _AUDIT
    logged: Anchor = AuditAnchor(AuditLog.open(audit)) if audit.exists() else _Absent("audit")
    ledger = Ledger.open(place.location, anchors=(FileAnchor(place.anchor_file), logged))
    ledger.verify()
    return ledger


@contextmanager
def ledger_for_looking(place: LedgerPlace) -> Iterator[Ledger]:
    """Yield the ledger for a forecast: a copy of a file, because opening a database writes beside it.

    Where nothing was ever charged, it is an empty one in memory. Its chain and its anchors hold, as in `look_at_ledger`.
    """
    if place.url is not None or not place.is_used:
        yield look_at_ledger(place) or Ledger.open("sqlite://")
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = LedgerPlace(Path(folder), anchor=place.anchor and Path(folder) / place.anchor_file.name)
        for file in (*place.home.glob("ledger.sqlite*"), *place.home.glob(f"{_AUDIT}*"), place.anchor_file):
            if file.exists():
                shutil.copyfile(file, Path(folder) / file.name)
        yield look_at_ledger(copy) or Ledger.open("sqlite://")
