"""The privacy ledger: what each population has already lost, charged before any noise is drawn. Losses are micro-ρ.

`Ledger.reserve` charges all accounts of a question in one transaction, or none; `Reservation.settle` records its stored
answer. A charge is `reserved` until then (`released`) or until it is given up (`burned`); all three are spent, so a crash
loses budget, never privacy. A question that was answered before is not charged again: its stored answer is published.
Caps change only by a recorded event. Every entry is bound to the one before by its digest, and to anchors elsewhere.

Composition is a filter: zCDP losses of adaptively chosen questions add up, so a charge is granted while the sum stays
within the cap; the sum is converted to (ε, δ) once, for display (`anonymization.dp.mechanism.epsilon_of`).

On SQLAlchemy Core, not on the driver itself: PostgreSQL runs the same statements, and locks the entries' table where
SQLite takes its write lock. Not here: how a loss is computed (`anonymization.dp.plan`), who may ask.

Source: reference design "ledger" (integer micro-units, scopes charged together, states, hash chain); rules DP-01, DP-03;
Feldman & Zrnic 2021 and Whitehouse et al. 2023 (filters under fully adaptive composition).
"""

import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, insert, select, text, update

from catalog.database import open_engine, reading
from catalog.ledger_anchor import Anchor, Mark
from catalog.ledger_entries import (
    ChargeState,
    EntryKind,
    Json,
    budgets,
    charge_scopes,
    charges,
    entries,
    make_entry,
    year_of,
)
from catalog.ledger_errors import (
    anchor_missing,
    answered_meanwhile,
    cap_differs,
    no_amount,
    not_reserved,
    nothing_to_reconcile,
    over_cap,
    restored,
    unexplained,
)
from catalog.ledger_heads import Signer, sign_head
from catalog.ledger_reading import (
    LedgerReader,
    anchor_kinds,
    digest_at,
    earlier,
    guarded,
    last_entry,
    read_accounts,
    stored_answer,
)
from catalog.ledger_schema import upgrade
from catalog.ledger_scopes import Scopes, lifetime_scope
from catalog.ledger_views import AccountView

RECONCILED = "reconcile"
"""The release that a reconciliation's charge names."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """A charge; `answer_digest` is set exactly when it is released, and then the stored answer is to be published.

    After `settle` or `burn` ask the ledger for the state: this object says what it was when it was returned.
    """

    charge_id: str
    state: ChargeState
    answer_digest: str | None
    ledger: "Ledger" = field(repr=False, compare=False)

    @property
    def is_answered(self) -> bool:
        """Whether the question was answered before, on the same data; nothing was charged and nothing may be drawn."""
        return self.state is ChargeState.RELEASED

    def settle(self, answer_digest: str) -> None:
        """Record that the answer is stored; see `Ledger.settle`."""
        self.ledger.settle(self.charge_id, answer_digest)

    def burn(self) -> None:
        """Give the charge up; it stays spent; see `Ledger.burn`."""
        self.ledger.burn(self.charge_id)


@dataclass(slots=True)
class _Writing:
    """One transaction, and the accounts that it changed."""

    connection: Connection
    touched: set[str] = field(default_factory=set)
    is_appended: bool = False

    def mark(self) -> Mark:
        return Mark(last_entry(self.connection)[0], read_accounts(self.connection), frozenset(self.touched))


class Ledger(LedgerReader):
    """A ledger in one database, safe for any number of processes; `open` is the only way in."""

    def __init__(
        self, engine: Engine, signing: Signer | None, clock: Callable[[], datetime], anchors: Sequence[Anchor]
    ) -> None:
        super().__init__(engine, clock)
        self._signing = signing
        self._anchors = tuple(anchors)

    @classmethod
    def open(
        cls,
        location: Path | str,
        signing: Signer | None = None,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        anchors: Sequence[Anchor] = (),
        is_held: bool = True,
    ) -> "Ledger":
        """Open the ledger at a SQLite path or a SQLAlchemy URL; make it where it is missing, mode 0600.

        A ledger of an older form is brought to the newest; no entry changes.

        Args:
            location: The file, or the URL of a server.
            signing: Signs the head after every entry, so that a rewritten ledger is recognized.
            clock: Gives the time of an entry.
            anchors: Where the head is kept as well.
            is_held: Whether the ledger is held against its anchors now; false only to reconcile it.

        Raises:
            IntegrityError: An anchor names an entry that the ledger has not: it was restored, or is another one.
            DataError: The database cannot be opened.
        """
        if isinstance(location, Path):
            location.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(location, os.O_CREAT | os.O_RDWR, 0o600))
        engine = open_engine(location)
        ledger = cls(engine, signing, clock, anchors)
        with guarded("be opened"):
            upgrade(engine)
            if is_held:
                with reading(engine) as connection:
                    ledger._hold(connection)
        return ledger

    def reserve(self, scopes: Scopes, rho_micro: int, *, query_hash: str, snapshot: str) -> Reservation:
        """Charge all accounts of a question in one transaction, before anything is drawn.

        Args:
            scopes: The accounts; one that is not on record is opened where a cap is declared for it, and begins with
                what earlier charges would have been to it.
            rho_micro: The loss that the mechanism's own map returns, in micro-ρ, rounded up (`ledger_scopes.micro_of`).
            query_hash: Names the question: policy, bounds, keys, loss.
            snapshot: Names the data that it is asked of. New data of the same people are charged to the same accounts.

        Returns:
            A new charge in state `reserved`; or, if the same question was answered on the same snapshot, that charge in
            state `released` with the digest of its stored answer, and nothing is charged.

        Raises:
            BudgetError: An account has less left than is asked, or its recorded cap is not the declared one.
            PolicyError: The amount is not a whole number above zero, or a name is not one.
            IntegrityError: The ledger is older than one of its anchors.

        Guarantee: committed and on disk when this returns; no account is ever above its cap.
        Not guaranteed: that a caller draws only once for a charge.
        """
        if type(rho_micro) is not int or rho_micro <= 0:
            raise no_amount()
        with self._writing("be charged") as writing:
            connection = writing.connection
            caps = scopes.caps(year=year_of(self._now(connection)))
            answered = stored_answer(connection, scopes, query_hash, snapshot)
            if answered is not None:
                return Reservation(*answered, self)
            charged = [
                scope for scope, cap in caps.items() if self._spend(writing, scope, cap, rho_micro, scopes.release)
            ]
            charge_id = secrets.token_hex(16)
            about: dict[str, str] = {"query_hash": query_hash, "snapshot": snapshot, "release": scopes.release}
            who = {} if scopes.researcher is None else {"researcher": scopes.researcher}
            self._record(writing, charge_id, about, dict.fromkeys(charged, rho_micro), who)
        return Reservation(charge_id, ChargeState.RESERVED, None, self)

    def settle(self, charge_id: str, answer_digest: str) -> None:
        """Record that the answer of a reserved charge is stored; a repeat with the same digest changes nothing.

        Raises:
            IntegrityError: There is no such reserved charge, it was settled with another answer, or another answer of
                the same question was settled meanwhile (burn this one and publish that).
        """
        with self._writing("be settled") as writing:
            connection = writing.connection
            row = connection.execute(select(charges).where(charges.c.charge_id == charge_id).with_for_update()).first()
            if row is not None and row.state == ChargeState.RELEASED.value and row.answer_digest == answer_digest:
                return
            if row is None or row.state != ChargeState.RESERVED.value:
                raise not_reserved(charge_id)
            released = charges.c.state == ChargeState.RELEASED.value
            same = (charges.c.query_hash == row.query_hash) & (charges.c.snapshot == row.snapshot)
            if connection.execute(select(charges.c.charge_id).where(released & same)).first() is not None:
                raise answered_meanwhile()
            new = {"state": ChargeState.RELEASED.value, "answer_digest": answer_digest}
            connection.execute(update(charges).where(charges.c.charge_id == charge_id).values(**new))
            self._append(writing, EntryKind.RELEASE, {"charge_id": charge_id, "answer_digest": answer_digest})

    def burn(self, charge_id: str) -> None:
        """Give a reserved charge up; it stays spent, because its noise may have been seen.

        Raises:
            IntegrityError: There is no such reserved charge.
        """
        with self._writing("be written") as writing:
            reserved = (charges.c.charge_id == charge_id) & (charges.c.state == ChargeState.RESERVED.value)
            burned = update(charges).where(reserved).values(state=ChargeState.BURNED.value)
            if writing.connection.execute(burned).rowcount != 1:
                raise not_reserved(charge_id)
            self._append(writing, EntryKind.BURN, {"charge_id": charge_id})

    def set_cap(self, population: str, *, cap_micro_rho: int, by: str, reason: str, scope: str | None = None) -> None:
        """Change a cap, with who decided it and why; a lower cap than is spent leaves nothing.

        Args:
            population: The population.
            cap_micro_rho: The new cap in micro-ρ.
            by: Who decided.
            reason: Why.
            scope: The account, by its full name; the lifetime account if left out. A new one begins with what earlier
                charges would have been to it.

        Raises:
            PolicyError: The cap is negative, the account is of another population, or nobody or no reason is named.
        """
        name = scope or lifetime_scope(population)
        is_own = name.startswith(f"population/{population}/")
        if cap_micro_rho < 0 or not is_own or not by.strip() or not reason.strip():
            raise unexplained()
        with self._writing("be changed") as writing:
            self._cap(writing, name, cap_micro_rho, {"by": by, "reason": reason})

    def reconcile(self, *, by: str, reason: str) -> dict[str, int]:
        """Bring a restored ledger to what its anchors remember: all that is missing counts as spent.

        The chain goes on from the restored end: recorded are the missing accounts, one burned charge of the missing
        losses, and who decided it. The anchors are set to the new head. Answers of the lost charges stay published, and
        are no longer on record: asking them again is charged.

        Returns:
            What was counted as spent, by account, in micro-ρ; empty if only the anchors were missing.

        Raises:
            PolicyError: Nobody or no reason is named, or the ledger fits its anchors.
            IntegrityError: The restored ledger's own chain does not hold.
        """
        if not by.strip() or not reason.strip():
            raise unexplained()
        if self._fits():
            raise nothing_to_reconcile()
        self.verify()
        decision = {"by": by, "reason": reason}
        with self._writing("be reconciled", is_reset=True) as writing:
            missing: dict[str, int] = {}
            known = {one.scope: one for one in read_accounts(writing.connection)}
            for scope, kept in sorted(self._kept().items()):
                if scope not in known or known[scope].cap_micro != kept.cap_micro:
                    self._cap(writing, scope, kept.cap_micro, decision)
                spent = _account(writing.connection, scope).spent_micro
                if kept.spent_micro > spent:
                    missing[scope] = kept.spent_micro - spent
            self._count_lost(writing, missing, decision)
            kinds: list[Json] = [anchor.kind for anchor in self._anchors]
            self._append(writing, EntryKind.ANCHOR, {"kinds": kinds, **decision})
        return missing

    @contextmanager
    def _writing(self, doing: str, *, is_reset: bool = False) -> Iterator[_Writing]:
        """Open a transaction that waits for all others, and keep its head in the anchors when it is on disk."""
        with guarded(doing), self._engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                # Numbers of entries follow each other, so writers do too; readers go on.
                connection.execute(text("SET LOCAL synchronous_commit TO on"))
                connection.execute(text("LOCK TABLE ledger_entries IN EXCLUSIVE MODE"))
            if not is_reset:
                self._hold(connection)
            writing = _Writing(connection)
            yield writing
            mark = writing.mark() if self._anchors and writing.is_appended else None
        if mark is not None:  # only after the commit: an anchor is never ahead of its ledger
            with guarded("be anchored"):
                for anchor in self._anchors:
                    anchor.advance(mark, is_reset=is_reset)

    def _hold(self, connection: Connection) -> None:
        named = anchor_kinds(connection) if self._anchors else frozenset()
        for anchor in self._anchors:
            kept = anchor.head()
            if kept is None and anchor.kind in named:
                raise anchor_missing(anchor.kind)
            if kept is not None and digest_at(connection, kept.entries) != kept.digest:
                raise restored(last_entry(connection)[0].entries, kept.entries)

    def _begin_anchors(self, connection: Connection) -> None:
        committed = Mark(last_entry(connection)[0], ())
        for anchor in self._anchors:
            if anchor.head() is None:
                anchor.advance(committed)

    def _fits(self) -> bool:
        with guarded("be read"), reading(self._engine) as connection:
            named = anchor_kinds(connection)
            heads = [(anchor.kind, anchor.head()) for anchor in self._anchors]
            return all(
                kind not in named if kept is None else digest_at(connection, kept.entries) == kept.digest
                for kind, kept in heads
            )

    def _kept(self) -> dict[str, AccountView]:
        """Return the accounts by their anchors; where two differ, the one that spent more."""
        found: dict[str, AccountView] = {}
        for anchor in self._anchors:
            for scope, kept in anchor.accounts().items():
                if scope not in found or kept.spent_micro > found[scope].spent_micro:
                    found[scope] = kept
        return found

    def _count_lost(self, writing: _Writing, missing: dict[str, int], decision: dict[str, str]) -> None:
        if not missing:
            return
        for scope, amount in missing.items():
            changed = update(budgets).where(budgets.c.scope == scope)
            writing.connection.execute(changed.values(spent_micro=budgets.c.spent_micro + amount))
        charge_id = secrets.token_hex(16)
        about = {"query_hash": f"{RECONCILED}:{charge_id}", "snapshot": RECONCILED, "release": RECONCILED}
        self._record(writing, charge_id, about, missing, decision)
        burned = update(charges).where(charges.c.charge_id == charge_id).values(state=ChargeState.BURNED.value)
        writing.connection.execute(burned)
        self._append(writing, EntryKind.BURN, {"charge_id": charge_id})

    def _record(
        self, writing: _Writing, charge_id: str, about: dict[str, str], amounts: dict[str, int], more: dict[str, str]
    ) -> None:
        connection, state = writing.connection, ChargeState.RESERVED.value
        connection.execute(insert(charges).values(charge_id=charge_id, state=state, **about))
        rows = [{"charge_id": charge_id, "scope": scope, "amount_micro": amount} for scope, amount in amounts.items()]
        connection.execute(insert(charge_scopes), rows)
        writing.touched.update(amounts)
        scopes: dict[str, Json] = {**amounts}
        self._append(writing, EntryKind.CHARGE, {"charge_id": charge_id, **about, "scopes": scopes, **more})

    def _spend(self, writing: _Writing, scope: str, cap: int | None, asked: int, release: str) -> bool:
        """Charge one account, and say whether there is one."""
        account = _account(writing.connection, scope) if _has_account(writing.connection, scope) else None
        if account is None and cap is None:
            return False
        if account is None and cap is not None:
            self._cap(writing, scope, cap, {"by": f"release {release}", "reason": "first charge"})
            account = _account(writing.connection, scope)
        elif account is not None and cap is not None and account.cap_micro != cap:
            raise cap_differs(scope, cap, account.cap_micro)
        within = (budgets.c.scope == scope) & (budgets.c.spent_micro + asked <= budgets.c.cap_micro)
        charged = update(budgets).where(within).values(spent_micro=budgets.c.spent_micro + asked)
        if writing.connection.execute(charged).rowcount != 1:
            raise over_cap(account or AccountView(scope, cap or 0, 0), asked)
        return True

    def _cap(self, writing: _Writing, scope: str, cap: int, decision: dict[str, str]) -> None:
        changed = writing.connection.execute(update(budgets).where(budgets.c.scope == scope).values(cap_micro=cap))
        if changed.rowcount == 0:
            spent = earlier(writing.connection, scope)
            writing.connection.execute(insert(budgets).values(scope=scope, cap_micro=cap, spent_micro=spent))
        writing.touched.add(scope)
        self._append(writing, EntryKind.CAP, {"scope": scope, "cap_micro": cap, **decision})

    def _append(self, writing: _Writing, kind: EntryKind, body: dict[str, Json]) -> None:
        connection = writing.connection
        wanted = frozenset(anchor.kind for anchor in self._anchors)
        if kind is not EntryKind.ANCHOR and wanted and not wanted <= (named := anchor_kinds(connection)):
            # They must know a head before an entry says that they do: other processes miss an anchor that is named.
            self._begin_anchors(connection)
            kinds: list[Json] = [*sorted(wanted | named)]
            self._append(writing, EntryKind.ANCHOR, {"kinds": kinds})
        head, _ = last_entry(connection)
        entry = make_entry(head.entries + 1, self._now(connection), kind, body, previous=head.digest)
        connection.execute(insert(entries).values(**entry.as_row()))
        writing.is_appended = True
        if self._signing is not None:
            sign_head(connection, entry, signing=self._signing)


def _has_account(connection: Connection, scope: str) -> bool:
    return connection.execute(select(budgets.c.scope).where(budgets.c.scope == scope)).first() is not None


def _account(connection: Connection, scope: str) -> AccountView:
    row = connection.execute(select(budgets).where(budgets.c.scope == scope).with_for_update()).one()
    return AccountView(row.scope, row.cap_micro, row.spent_micro)
