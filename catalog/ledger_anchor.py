"""Anchors: where the ledger's newest head is kept a second time, so that an older copy of the ledger is recognized.

An anchor is written after each commit and before the caller is answered, and read before each charge. So it is never
ahead of a ledger that nobody replaced: a ledger without the anchored entry was restored from a backup, or is another.
What the accounts held is kept too, so that a restored ledger can be brought to it (`Ledger.reconcile`).

Not guaranteed: anything when ledger and all anchors are put back together. Keep one where the backup does not reach
(`NIJI_LEDGER_ANCHOR`), or keep the audit log's checkpoint on another machine: the audit log is an anchor as well.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from catalog.audit import AuditLog
from catalog.ledger_views import AccountView, LedgerHead
from policies.errors import DataError, IntegrityError, Place

FORMAT = "niji/ledger-anchor/v1"
_SUBJECT = "privacy-ledger"
_HEAD, _RESET = "ledger.head", "ledger.reconcile"
_RECENT = 64
"""Events looked at for the newest head: processes that commit one after the other may log in another order."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A head and what the accounts held then; `touched` are the accounts that the newest transaction changed."""

    head: LedgerHead
    accounts: tuple[AccountView, ...]
    touched: frozenset[str] = field(default=frozenset(), compare=False)


class Anchor(Protocol):
    """A second place for the head; safe for any number of processes."""

    @property
    def kind(self) -> str:
        """What it is, as the ledger records it: `file`, `audit`."""
        ...

    def head(self) -> LedgerHead | None:
        """Return the newest head that was kept, None if none ever was."""
        ...

    def accounts(self) -> Mapping[str, AccountView]:
        """Return the newest cap and spending of every account that was kept."""
        ...

    def advance(self, mark: Mark, *, is_reset: bool = False) -> None:
        """Keep a head unless a newer one is kept; `is_reset` keeps it in any case, for a ledger that was reconciled."""
        ...


@dataclass(frozen=True, slots=True)
class FileAnchor:
    """The anchor in a file: small, replaced as a whole, its own lock beside it."""

    path: Path
    kind: str = "file"

    def head(self) -> LedgerHead | None:
        """Return the head in the file; see `Anchor`.

        Raises:
            IntegrityError: The file is there and is not an anchor.
        """
        body = self._read()
        return None if body is None else LedgerHead(body[0], body[1])

    def accounts(self) -> Mapping[str, AccountView]:
        """Return the accounts in the file; see `Anchor`."""
        body = self._read()
        return {} if body is None else body[2]

    def advance(self, mark: Mark, *, is_reset: bool = False) -> None:
        """Replace the file; see `Anchor`.

        Raises:
            DataError: It cannot be written. The ledger's entry stands, so what was charged stays spent.
        """
        try:
            with self._locked():
                known = self._read()
                if known is None or is_reset or known[0] < mark.head.entries:
                    self._write(mark)
        except OSError:
            raise DataError(
                "ledger.anchor-unwritable",
                what="the anchor of the privacy ledger could not be written",
                why="without it an older copy of the ledger could not be told from the newest; nothing is drawn",
                fix="check disk and permissions of the anchor, then try again",
                where=Place(self.path.name),
            ) from None

    def _read(self) -> tuple[int, str, dict[str, AccountView]] | None:
        try:
            body = json.loads(self.path.read_text("utf-8"))
            accounts = {str(scope): _held(scope, figures) for scope, figures in body["accounts"].items()}
            return int(body["entries"]), str(body["digest"]), accounts
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            raise IntegrityError(
                "ledger.anchor-unreadable",
                what="the anchor of the privacy ledger cannot be read",
                why="it says which entry of the ledger was the newest",
                fix="restore it from its own backup, or run `niji budget reconcile` after removing it",
                where=Place(self.path.name),
            ) from None

    def _write(self, mark: Mark) -> None:
        accounts = {one.scope: _figures(one) for one in mark.accounts}
        body = {"format": FORMAT, "entries": mark.head.entries, "digest": mark.head.digest, "accounts": accounts}
        draft = self.path.with_name(f"{self.path.name}.new")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(json.dumps(body, sort_keys=True))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.path)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.path.with_name(f"{self.path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)  # given back when the process ends, also when it is killed
            yield
        finally:
            os.close(handle)


@dataclass(frozen=True, slots=True)
class AuditAnchor:
    """The anchor in the audit log, whose own chain and signed checkpoints hold it."""

    log: AuditLog = field(repr=False)
    kind: str = "audit"

    def head(self) -> LedgerHead | None:
        """Return the newest head in the log since it was last reset; see `Anchor`."""
        newest: LedgerHead | None = None
        for number, event in enumerate(self.log.events(subject=_SUBJECT, newest_first=True)):
            known = LedgerHead(int(event.details["entries"] or 0), str(event.details["digest"]))
            if newest is None or known.entries > newest.entries:
                newest = known
            if event.action == _RESET or number >= _RECENT:
                break
        return newest

    def accounts(self) -> Mapping[str, AccountView]:
        """Return what the log says of every account; see `Anchor`."""
        found: dict[str, AccountView] = {}
        for event in self.log.events(subject=_SUBJECT):
            for scope, held in event.details.items():
                if isinstance(held, str) and scope.startswith("population/"):
                    one = _held(scope, [int(number) if number else None for number in held.split("/")])
                    before = found.get(scope, one)
                    most = max(one.delta_spent_units, before.delta_spent_units)
                    spent = max(one.spent_micro, before.spent_micro)
                    found[scope] = replace(one, spent_micro=spent, delta_spent_units=most)
        return found

    def advance(self, mark: Mark, *, is_reset: bool = False) -> None:
        """Add an event; see `Anchor`."""
        held = {
            one.scope: "/".join("" if figure is None else str(figure) for figure in _figures(one))
            for one in mark.accounts
            if one.scope in mark.touched
        }
        details: dict[str, str | int | bool | None] = {**held}
        details |= {"entries": mark.head.entries, "digest": mark.head.digest}
        self.log.append(actor="system", action=_RESET if is_reset else _HEAD, subject=_SUBJECT, details=details)


def _figures(account: AccountView) -> list[int | None]:
    """Return cap and spending, and those of δ where there is any: without, an anchor reads as it did before thresholds."""
    figures: list[int | None] = [account.cap_micro, account.spent_micro]
    has_delta = account.delta_cap_units is not None or account.delta_spent_units > 0
    return [*figures, account.delta_cap_units, account.delta_spent_units] if has_delta else figures


def _held(scope: str, figures: Sequence[int | None]) -> AccountView:
    cap, spent, delta_cap, delta_spent = [*figures, None, 0][:4]
    is_delta_capped = delta_cap is not None
    return AccountView(
        scope, int(cap or 0), int(spent or 0), int(delta_cap or 0) if is_delta_capped else None, int(delta_spent or 0)
    )
