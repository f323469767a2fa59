"""The privacy ledger: what each population has already lost, charged before any noise is drawn: micro-ρ, and δ of thresholds.

`Ledger.reserve` charges all accounts of a question in one transaction, or none; `Reservation.settle` records its stored
answer. A charge is `reserved` until then (`released`) or until it is given up (`burned`); all three are spent, so a crash
loses budget, never privacy. A question that was answered before is not charged again: its stored answer is published.
Caps change only by a recorded event. Every entry is bound to the one before by its digest, and to anchors elsewhere.

Composition is a filter: losses of adaptively chosen questions under approximate zCDP add up, ρ and δ each, so a charge is
granted while both sums stay within their caps; the sum of ρ is converted to (ε, δ) once, for display, and the δ of thresholds
is added to that of the conversion (`catalog.ledger_total`).

On SQLAlchemy Core, not on the driver itself: PostgreSQL runs the same statements, and locks the entries' table where
SQLite takes its write lock. Not here: how a loss is computed (`anonymization.dp.plan`), who may ask.

Source: reference design "ledger" (integer micro-units, scopes charged together, states, hash chain); rules DP-01, DP-03;
Bun & Steinke 2016, section 8 (δ-approximate ρ-zCDP composes by both sums);
Feldman & Zrnic 2021 and Whitehouse et al. 2023 (filters under fully adaptive composition).
"""

import os
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import ColumnElement, Connection, Engine, insert, select, text, update

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
    not_reserved,
    nothing_to_reconcile,
    other_population,
    over_cap,
    over_delta_cap,
    restored,
    unexplained,
    unknown_population,
)
from catalog.ledger_heads import Signer, sign_head
from catalog.ledger_reading import (
    LedgerReader,
    anchor_kinds,
    charged_as,
    checked_loss,
    digest_at,
    earlier,
    guarded,
    is_first_delta_cap,
    last_entry,
    read_accounts,
    stored_answer,
)
from catalog.ledger_schema import upgrade
from catalog.ledger_scopes import Loss, Scopes, lifetime_scope
from catalog.ledger_views import AccountView

_Caps = tuple[int | None, int | None]
"""The caps of ρ and of δ that are declared for an account; None says nothing of it."""
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

    def reserve(
        self, scopes: Scopes, rho_micro: int, *, query_hash: str, snapshot: str, delta_units: int = 0
    ) -> Reservation:
        """Charge all accounts of a question in one transaction, before anything is drawn.

        Args:
            scopes: The accounts; one that is not on record is opened where a cap is declared for it, and begins with
                what earlier charges would have been to it.
            rho_micro: The loss that the mechanism's own map returns, in micro-ρ, rounded up (`ledger_scopes.micro_of`).
            query_hash: Names the question: policy, bounds, keys, loss.
            snapshot: Names the data that it is asked of. New data of the same people are charged to the same accounts.
            delta_units: The δ of its thresholds by the mechanism's own map, in units of 10⁻¹⁵, rounded up.

        Returns:
            A new charge in state `reserved`; or, if the same question was answered on the same snapshot, that charge in
            state `released` with the digest of its stored answer, and nothing is charged.

        Raises:
            BudgetError: An account has less ρ or δ left than is asked, its recorded cap is not the declared one, or a
                source was charged for another population.
            PolicyError: An amount is not a whole number above zero (δ: or zero), or a name is not one.
            IntegrityError: The ledger is older than one of its anchors.

        Guarantee: committed and on disk when this returns; no account is ever above its cap.
        Not guaranteed: that a caller draws only once for a charge.
        """
        asked = checked_loss(rho_micro, delta_units)
        with self._writing("be charged") as writing:
            connection = writing.connection
            year = year_of(self._now(connection))
            caps, delta_caps = scopes.caps(year=year), scopes.delta_caps(year=year)
            other = charged_as(connection, scopes)
            if other is not None:
                raise other_population(scopes.population, other)
            answered = stored_answer(connection, scopes, query_hash, snapshot)
            if answered is not None:
                return Reservation(*answered, self)
            charged = [
                scope
                for scope, cap in caps.items()
                if self._open_account(writing, scope, (cap, delta_caps[scope]), release=scopes.release)
            ]
            for scope in charged:
                _spend(connection, scope, asked)
            charge_id = secrets.token_hex(16)
            about: dict[str, str] = {"query_hash": query_hash, "snapshot": snapshot, "release": scopes.release}
            more: dict[str, Json] = {} if scopes.researcher is None else {"researcher": scopes.researcher}
            more |= {"sources": list(scopes.sources)} if scopes.sources else {}
            self._record(writing, charge_id, about, dict.fromkeys(charged, asked), more)
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

    def set_cap(
        self,
        population: str,
        *,
        cap_micro_rho: int | None = None,
        by: str,
        reason: str,
        scope: str | None = None,
        delta_cap_units: int | None = None,
    ) -> None:
        """Change a cap, with who decided it and why; a lower cap than is spent leaves nothing.

        Args:
            population: The population.
            cap_micro_rho: The new cap in micro-ρ; left out, that on record stays.
            by: Who decided.
            reason: Why.
            scope: The account, by its full name; the lifetime account if left out. A new one begins with what earlier
                charges would have been to it.
            delta_cap_units: The new cap of the δ of thresholds; left out, that on record stays.

        Raises:
            PolicyError: A cap is negative or none is given, the account is of another population, or nobody or no
                reason is named.
            BudgetError: Only δ is given, for an account that there is not.
        """
        name = scope or lifetime_scope(population)
        given = [cap for cap in (cap_micro_rho, delta_cap_units) if cap is not None]
        is_own = name.startswith(f"population/{population}/")
        if not given or min(given) < 0 or not is_own or not by.strip() or not reason.strip():
            raise unexplained()
        with self._writing("be changed") as writing:
            if cap_micro_rho is None and not _has_account(writing.connection, name):
                raise unknown_population(population)
            cap = _account(writing.connection, name).cap_micro if cap_micro_rho is None else cap_micro_rho
            self._cap(writing, name, (cap, delta_cap_units), {"by": by, "reason": reason})

    def reconcile(self, *, by: str, reason: str) -> dict[str, Loss]:
        """Bring a restored ledger to what its anchors remember: all that is missing counts as spent.

        The chain goes on from the restored end: recorded are the missing accounts, one burned charge of the missing
        losses, and who decided it. The anchors are set to the new head. Answers of the lost charges stay published, and
        are no longer on record: asking them again is charged.

        Returns:
            What was counted as spent, by account; empty if only the anchors were missing.

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
            missing: dict[str, Loss] = {}
            known = {one.scope: one for one in read_accounts(writing.connection)}
            for scope, kept in sorted(self._kept().items()):
                if scope not in known or _caps(known[scope]) != _caps(kept):
                    self._cap(writing, scope, _caps(kept), decision)
                lost = _missing(_account(writing.connection, scope).spent, kept.spent)
                if lost != Loss(0):
                    missing[scope] = lost
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
                held = found.get(scope, kept)
                newest = kept if kept.spent_micro >= held.spent_micro else held
                most = max(kept.delta_spent_units, held.delta_spent_units)
                found[scope] = replace(newest, delta_spent_units=most)
        return found

    def _count_lost(self, writing: _Writing, missing: dict[str, Loss], decision: dict[str, str]) -> None:
        if not missing:
            return
        for scope, amount in missing.items():
            writing.connection.execute(update(budgets).where(budgets.c.scope == scope).values(**_more(amount)))
        charge_id = secrets.token_hex(16)
        about = {"query_hash": f"{RECONCILED}:{charge_id}", "snapshot": RECONCILED, "release": RECONCILED}
        self._record(writing, charge_id, about, missing, decision)
        burned = update(charges).where(charges.c.charge_id == charge_id).values(state=ChargeState.BURNED.value)
        writing.connection.execute(burned)
        self._append(writing, EntryKind.BURN, {"charge_id": charge_id})

    def _record(
        self,
        writing: _Writing,
        charge_id: str,
        about: dict[str, str],
        amounts: dict[str, Loss],
        more: Mapping[str, Json],
    ) -> None:
        connection, state = writing.connection, ChargeState.RESERVED.value
        connection.execute(insert(charges).values(charge_id=charge_id, state=state, **about))
        rows = [
            {"charge_id": charge_id, "scope": scope, "amount_micro": one.rho_micro, "delta_units": one.delta_units}
            for scope, one in amounts.items()
        ]
        connection.execute(insert(charge_scopes), rows)
        writing.touched.update(amounts)
        scopes: dict[str, Json] = {scope: one.rho_micro for scope, one in amounts.items()}
        deltas: dict[str, Json] = {scope: one.delta_units for scope, one in amounts.items() if one.delta_units}
        # Nothing is written of a δ that there is not: such entries stay as they were before thresholds.
        body: dict[str, Json] = {"scopes": scopes, **({"delta_scopes": deltas} if deltas else {})}
        self._append(writing, EntryKind.CHARGE, {"charge_id": charge_id, **about, **body, **more})

    def _open_account(self, writing: _Writing, scope: str, caps: _Caps, *, release: str) -> bool:
        """Open an account where its cap is declared, and say whether there is one; its recorded caps are the declared ones."""
        cap, delta_cap = caps
        decision = {"by": f"release {release}", "reason": "first charge"}
        if not _has_account(writing.connection, scope):
            if cap is not None:
                self._cap(writing, scope, (cap, delta_cap), decision)
            return cap is not None
        account = _account(writing.connection, scope)
        if is_first_delta_cap(account, caps):
            self._cap(writing, scope, (account.cap_micro, delta_cap), {**decision, "reason": "first cap of delta"})
        return True

    def _cap(self, writing: _Writing, scope: str, caps: tuple[int, int | None], decision: dict[str, str]) -> None:
        cap, delta_cap = caps
        new = {"cap_micro": cap} if delta_cap is None else {"cap_micro": cap, "delta_cap_units": delta_cap}
        changed = writing.connection.execute(update(budgets).where(budgets.c.scope == scope).values(**new))
        if changed.rowcount == 0:
            spent = earlier(writing.connection, scope)
            begun = {"spent_micro": spent.rho_micro, "delta_spent_units": spent.delta_units}
            writing.connection.execute(insert(budgets).values(scope=scope, **new, **begun))
        writing.touched.add(scope)
        self._append(writing, EntryKind.CAP, {"scope": scope, **new, **decision})

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
    return AccountView(*connection.execute(select(budgets).where(budgets.c.scope == scope).with_for_update()).one())


def _spend(connection: Connection, scope: str, asked: Loss) -> None:
    """Charge one account, if it covers ρ and δ; the database itself compares, so that no other charge comes between."""
    within = (budgets.c.scope == scope) & (budgets.c.spent_micro + asked.rho_micro <= budgets.c.cap_micro)
    if asked.delta_units:
        room = budgets.c.delta_spent_units + asked.delta_units <= budgets.c.delta_cap_units
        within &= budgets.c.delta_cap_units.is_(None) | room
    if connection.execute(update(budgets).where(within).values(**_more(asked))).rowcount != 1:
        account = _account(connection, scope)
        is_rho_short = account.spent_micro + asked.rho_micro > account.cap_micro
        raise over_cap(account, asked.rho_micro) if is_rho_short else over_delta_cap(account, asked.delta_units)


def _more(loss: Loss) -> dict[str, ColumnElement[int]]:
    return {
        "spent_micro": budgets.c.spent_micro + loss.rho_micro,
        "delta_spent_units": budgets.c.delta_spent_units + loss.delta_units,
    }


def _caps(account: AccountView) -> tuple[int, int | None]:
    return account.cap_micro, account.delta_cap_units


def _missing(spent: Loss, kept: Loss) -> Loss:
    return Loss(max(0, kept.rho_micro - spent.rho_micro), max(0, kept.delta_units - spent.delta_units))
