"""The privacy ledger: what each population has already lost, charged before any noise is drawn. Losses are micro-ρ.

A charge is `reserved` until its answer is stored (`released`) or given up (`burned`); all three are spent, so a crash
loses budget, never privacy. A question that was answered before is not charged again: its stored answer is published.
Caps change only by a recorded event. Every entry is bound to the one before by its digest.

On SQLAlchemy Core, not on the driver itself: production runs the same statements on PostgreSQL, where `FOR UPDATE`
takes the place of SQLite's write lock. Not here: how a loss is computed (`anonymization.dp.plan`), who may ask.

Source: reference design "ledger" (integer micro-units, scopes charged together, states, hash chain); rules DP-01, DP-03.
"""

import os
import secrets
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, Engine, insert, select, update
from sqlalchemy.exc import DatabaseError

from catalog.database import open_engine, reading
from catalog.keys import PublicKeys, is_signed_by
from catalog.ledger_entries import (
    GENESIS,
    ChargeState,
    EntryKind,
    Json,
    LedgerEntry,
    altered,
    budgets,
    chained_entries,
    charge_scopes,
    charges,
    check_balance,
    entries,
    heads,
    make_entry,
    metadata,
    read_entries,
    replay,
)
from catalog.manifest import canonical
from policies.canonical import pre_authentication
from policies.errors import BudgetError, DataError, IntegrityError, NijiError, PolicyError

HEAD_TYPE = "application/vnd.niji.ledger-head.v1+json"
MICRO = 1_000_000


class Signer(Protocol):
    """Signs the head of the ledger; `catalog.keys.Signer` is one."""

    @property
    def key_id(self) -> str:
        """The id of the public key that checks the signature."""
        ...

    def sign(self, message: bytes, /) -> bytes:
        """Return the signature of `message`."""
        ...


@dataclass(frozen=True, slots=True)
class ChargeRequest:
    """What a release asks of a population's lifetime account, in micro-ρ.

    `query_hash` names the question and `snapshot` the data it was asked of. `quotas` are further accounts, scope →
    cap, that the same amount is charged to in the same transaction (a year's, a researcher's).
    """

    population: str
    cap_micro_rho: int
    amount_micro_rho: int
    query_hash: str
    snapshot: str
    release: str
    quotas: tuple[tuple[str, int], ...] = ()

    @property
    def scopes(self) -> dict[str, int]:
        """All accounts that are charged, with their caps."""
        return {lifetime_scope(self.population): self.cap_micro_rho, **dict(self.quotas)}


@dataclass(frozen=True, slots=True)
class Charge:
    """A charge; `answer_digest` is set exactly when it is released, and then the stored answer is to be published."""

    charge_id: str
    state: ChargeState
    answer_digest: str | None


@dataclass(frozen=True, slots=True)
class BudgetView:
    """One population's account in micro-ρ; `spent_micro` is reserved + released + burned."""

    population: str
    cap_micro: int
    spent_micro: int
    by_state_micro: Mapping[ChargeState, int]
    charges: Mapping[ChargeState, int]

    @property
    def left_micro(self) -> int:
        """What may still be charged; never below zero, also after the cap was lowered."""
        return max(0, self.cap_micro - self.spent_micro)

    def as_json(self) -> dict[str, object]:
        """Return the account as plain JSON values; ρ as exact decimal text."""
        return {
            "population": self.population,
            "rho_cap": rho_text(self.cap_micro),
            "rho_spent": rho_text(self.spent_micro),
            "rho_left": rho_text(self.left_micro),
            "rho_by_state": {state.value: rho_text(self.by_state_micro.get(state, 0)) for state in ChargeState},
            "charges": {state.value: self.charges.get(state, 0) for state in ChargeState},
        }


@dataclass(frozen=True, slots=True)
class LedgerHead:
    """The number of entries and the last digest; kept elsewhere, it shows a ledger restored from an old backup."""

    entries: int
    digest: str


def lifetime_scope(population: str) -> str:
    """Return the scope of a population's lifetime account."""
    return f"population/{population}/lifetime"


def rho_text(micro: int) -> str:
    """Return micro-ρ as an exact decimal in ρ, such as `0.05`."""
    return format((Decimal(micro) / MICRO).normalize(), "f")


class Ledger:
    """A ledger in one database, safe for any number of processes; `open` is the only way in."""

    def __init__(self, engine: Engine, signing: Signer | None, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._signing = signing
        self._clock = clock

    @classmethod
    def open(
        cls,
        location: Path | str,
        signing: Signer | None = None,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> "Ledger":
        """Open the ledger at a SQLite path or a SQLAlchemy URL; make it where it is missing, mode 0600.

        Args:
            location: The file, or the URL of a server.
            signing: Signs the head after every entry, so that a rewritten ledger is recognized.
            clock: Gives the time of an entry.
        """
        if isinstance(location, Path):
            location.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(location, os.O_CREAT | os.O_RDWR, 0o600))
        engine = open_engine(location)
        with _guarded("open"), engine.begin() as connection:
            metadata.create_all(connection)
        return cls(engine, signing, clock)

    def charge(self, request: ChargeRequest) -> Charge:
        """Charge all accounts of a request in one transaction, before anything is drawn.

        Args:
            request: What is asked.

        Returns:
            A new charge in state `reserved`; or, if the same question was answered on the same snapshot, that charge in
            state `released` with the digest of its stored answer, and nothing is charged.

        Raises:
            BudgetError: An account has less left than is asked, or its recorded cap is not the one of the request.
            PolicyError: The amount is not above zero.

        Guarantee: committed and on disk when this returns; no account is ever above its cap.
        Not guaranteed: that a caller draws only once for a charge.
        """
        if request.amount_micro_rho <= 0:
            raise PolicyError(
                "budget.no-amount",
                what="a charge of nothing was asked",
                why="every release that draws noise costs at least one micro-ρ",
                fix="charge what the plan says",
            )
        with _guarded("charge"), self._engine.begin() as connection:
            answered = _answered(connection, request)
            if answered is not None:
                return answered
            for scope, cap in request.scopes.items():
                self._spend(connection, scope, cap, request)
            charge_id = secrets.token_hex(16)
            about = {"query_hash": request.query_hash, "snapshot": request.snapshot, "release": request.release}
            state = ChargeState.RESERVED
            connection.execute(insert(charges).values(charge_id=charge_id, state=state.value, **about))
            for scope in request.scopes:
                row = {"charge_id": charge_id, "scope": scope, "amount_micro": request.amount_micro_rho}
                connection.execute(insert(charge_scopes).values(**row))
            amounts: dict[str, Json] = dict.fromkeys(request.scopes, request.amount_micro_rho)
            self._append(connection, EntryKind.CHARGE, {"charge_id": charge_id, **about, "scopes": amounts})
        return Charge(charge_id, state, None)

    def settle(self, charge_id: str, answer_digest: str) -> None:
        """Record that the answer of a reserved charge is stored; a repeat with the same digest changes nothing.

        Raises:
            IntegrityError: There is no such reserved charge, it was settled with another answer, or another answer of
                the same question was settled meanwhile (burn this one and publish that).
        """
        with _guarded("settle"), self._engine.begin() as connection:
            row = connection.execute(select(charges).where(charges.c.charge_id == charge_id).with_for_update()).first()
            if row is not None and row.state == ChargeState.RELEASED.value and row.answer_digest == answer_digest:
                return
            if row is None or row.state != ChargeState.RESERVED.value:
                raise _not_reserved(charge_id)
            released = charges.c.state == ChargeState.RELEASED.value
            same = (charges.c.query_hash == row.query_hash) & (charges.c.snapshot == row.snapshot)
            if connection.execute(select(charges.c.charge_id).where(released & same)).first() is not None:
                raise IntegrityError(
                    "ledger.answered-meanwhile",
                    what="another run answered the same question first",
                    why="a question has one published answer, or its noise could be averaged away",
                    fix="burn this charge and publish the stored answer",
                )
            new = {"state": ChargeState.RELEASED.value, "answer_digest": answer_digest}
            connection.execute(update(charges).where(charges.c.charge_id == charge_id).values(**new))
            self._append(connection, EntryKind.RELEASE, {"charge_id": charge_id, "answer_digest": answer_digest})

    def burn(self, charge_id: str) -> None:
        """Give a reserved charge up; it stays spent, because its noise may have been seen.

        Raises:
            IntegrityError: There is no such reserved charge.
        """
        with _guarded("burn"), self._engine.begin() as connection:
            reserved = (charges.c.charge_id == charge_id) & (charges.c.state == ChargeState.RESERVED.value)
            changed = connection.execute(update(charges).where(reserved).values(state=ChargeState.BURNED.value))
            if changed.rowcount != 1:
                raise _not_reserved(charge_id)
            self._append(connection, EntryKind.BURN, {"charge_id": charge_id})

    def set_cap(self, population: str, *, cap_micro_rho: int, by: str, reason: str) -> None:
        """Change a population's lifetime cap, with who decided it and why; a lower cap than is spent leaves nothing.

        Raises:
            PolicyError: The cap is negative, or nobody or no reason is named.
        """
        if cap_micro_rho < 0 or not by.strip() or not reason.strip():
            raise PolicyError(
                "budget.cap-unexplained",
                what="a cap was set without a decision behind it",
                why="a lifetime cap is a decision of named people (rule DP-06)",
                fix="give a cap of at least 0, who decided it, and the reason",
            )
        scope = lifetime_scope(population)
        with _guarded("set-cap"), self._engine.begin() as connection:
            self._cap(connection, scope, cap_micro_rho, {"by": by, "reason": reason})

    def populations(self) -> tuple[str, ...]:
        """Return the populations that have an account, in order of name."""
        with _guarded("be read"), reading(self._engine) as connection:
            scopes = connection.execute(select(budgets.c.scope).order_by(budgets.c.scope)).scalars()
            ends = [scope for scope in scopes if scope == lifetime_scope(_middle(scope))]
        return tuple(_middle(scope) for scope in ends)

    def show(self, population: str) -> BudgetView:
        """Return a population's lifetime account.

        Raises:
            BudgetError: The population has no account yet.
        """
        scope = lifetime_scope(population)
        joined = charge_scopes.join(charges, charges.c.charge_id == charge_scopes.c.charge_id)
        amounts = select(charges.c.state, charge_scopes.c.amount_micro).select_from(joined)
        with _guarded("be read"), reading(self._engine) as connection:
            budget = connection.execute(select(budgets).where(budgets.c.scope == scope)).first()
            made = connection.execute(amounts.where(charge_scopes.c.scope == scope)).all()
        if budget is None:
            raise BudgetError(
                "budget.unknown-population",
                what=f"population '{population}' has no account",
                why="an account is opened by the first charge, or by setting its cap",
                fix="check the name; `niji budget show` lists all accounts",
            )
        by_state: Counter[ChargeState] = Counter()
        for row in made:
            by_state[ChargeState(row.state)] += row.amount_micro
        counts = Counter(ChargeState(row.state) for row in made)
        return BudgetView(population, budget.cap_micro, budget.spent_micro, dict(by_state), dict(counts))

    def history(self) -> tuple[LedgerEntry, ...]:
        """Return all entries in order; see `verify` for whether they hold."""
        with _guarded("be read"), reading(self._engine) as connection:
            return tuple(read_entries(connection))

    def head(self) -> LedgerHead:
        """Return the head, to be kept outside this machine as an anchor for `verify`."""
        with _guarded("be read"), reading(self._engine) as connection:
            seq, digest = _last(connection)
        return LedgerHead(seq, digest)

    def verify(self, *, public_keys: PublicKeys | None = None, anchors: Sequence[LedgerHead] = ()) -> None:
        """Recompute the chain, replay it against the accounts, and check the signed and the kept heads.

        Args:
            public_keys: The keys that may sign; with it every stored head must be signed and the last entry must have
                one. Without it signatures are not looked at.
            anchors: Heads that were kept elsewhere.

        Raises:
            IntegrityError: Names the first entry, account or charge that does not hold.

        Guarantee: with signed heads or an anchor, nothing up to that head was changed, removed or added by anybody
            without the signing key.
        Not guaranteed: with neither, that the whole file was not replaced by another whole ledger.
        """
        try:
            with reading(self._engine) as connection:
                chain = chained_entries(connection)
                check_balance(connection, replay(chain))
                signed = connection.execute(select(heads).order_by(heads.c.seq)).all()
        except (DatabaseError, KeyError):
            raise altered("the privacy ledger is unreadable") from None
        known = {0: GENESIS, **{entry.seq: entry.digest for entry in chain}}
        for anchor in anchors:
            if known.get(anchor.entries) != anchor.digest:
                raise altered(f"the privacy ledger is not the one whose entry {anchor.entries} was kept elsewhere")
        if public_keys is None:
            return
        for row in signed:
            _check_head(row.seq, row.digest, row.key_id, row.signature, public_keys)
            if known.get(row.seq) != row.digest:
                raise altered(f"entry {row.seq} of the privacy ledger is not the one that was signed")
        if chain and (not signed or signed[-1].seq != chain[-1].seq):
            raise altered(f"entry {chain[-1].seq} of the privacy ledger has no signed head")

    def _spend(self, connection: Connection, scope: str, cap: int, request: ChargeRequest) -> None:
        row = connection.execute(select(budgets).where(budgets.c.scope == scope).with_for_update()).first()
        if row is None:
            self._cap(connection, scope, cap, {"by": f"release {request.release}", "reason": "first charge"})
        elif row.cap_micro != cap:
            raise BudgetError(
                "budget.cap-differs",
                what=f"the policy says a cap of ρ={rho_text(cap)} for '{scope}', the ledger ρ={rho_text(row.cap_micro)}",
                why="a cap changes only by a recorded decision, never because a policy file was edited",
                fix="correct the policy, or record the decision with `niji budget set-cap`",
            )
        spent = 0 if row is None else int(row.spent_micro)
        asked = request.amount_micro_rho
        if spent + asked > cap:
            raise BudgetError(
                "budget.over-cap",
                what=f"'{scope}' has ρ={rho_text(max(0, cap - spent))} left and ρ={rho_text(asked)} is asked",
                why=f"cap ρ={rho_text(cap)}, spent ρ={rho_text(spent)}, asked ρ={rho_text(asked)}; spent loss never returns",
                fix="ask less (smaller release_rho), publish a stored answer, or decide on another cap by name",
            )
        connection.execute(update(budgets).where(budgets.c.scope == scope).values(spent_micro=spent + asked))

    def _cap(self, connection: Connection, scope: str, cap: int, decision: Mapping[str, str]) -> None:
        changed = connection.execute(update(budgets).where(budgets.c.scope == scope).values(cap_micro=cap))
        if changed.rowcount == 0:
            connection.execute(insert(budgets).values(scope=scope, cap_micro=cap, spent_micro=0))
        self._append(connection, EntryKind.CAP, {"scope": scope, "cap_micro": cap, **decision})

    def _append(self, connection: Connection, kind: EntryKind, body: Mapping[str, Json]) -> None:
        seq, previous = _last(connection)
        at = self._clock().astimezone(UTC).isoformat(timespec="milliseconds")
        entry = make_entry(seq + 1, at, kind, body, previous=previous)
        connection.execute(insert(entries).values(**entry.as_row()))
        if self._signing is not None:
            signature = b64encode(self._signing.sign(_head_bytes(entry.seq, entry.digest))).decode("ascii")
            row = {"seq": entry.seq, "digest": entry.digest, "key_id": self._signing.key_id, "signature": signature}
            connection.execute(insert(heads).values(**row))


def _answered(connection: Connection, request: ChargeRequest) -> Charge | None:
    same = (charges.c.query_hash == request.query_hash) & (charges.c.snapshot == request.snapshot)
    released = select(charges).where(same & (charges.c.state == ChargeState.RELEASED.value))
    row = connection.execute(released).first()
    return None if row is None else Charge(row.charge_id, ChargeState.RELEASED, row.answer_digest)


def _last(connection: Connection) -> tuple[int, str]:
    newest = select(entries.c.seq, entries.c.digest).order_by(entries.c.seq.desc()).limit(1)
    row = connection.execute(newest).first()
    return (0, GENESIS) if row is None else (row.seq, row.digest)


def _middle(scope: str) -> str:
    return scope.removeprefix("population/").removesuffix("/lifetime")


def _head_bytes(seq: int, digest: str) -> bytes:
    return pre_authentication(HEAD_TYPE, canonical({"entries": seq, "digest": digest}))


def _check_head(seq: int, digest: str, key_id: str, signature: str, public_keys: PublicKeys) -> None:
    public = public_keys.get(key_id)
    try:
        raw = b64decode(signature, validate=True)
    except ValueError:
        raw = b""
    if public is None or not is_signed_by(public, raw, _head_bytes(seq, digest)):
        raise altered(f"the head at entry {seq} of the privacy ledger is not signed by a trusted key")


def _not_reserved(charge_id: str) -> NijiError:
    return IntegrityError(
        "ledger.not-reserved",
        what=f"charge {charge_id} is not waiting for an answer",
        why="only a reserved charge can be settled or burned, once",
        fix="look at `niji budget history`; charge anew if there is no answer",
    )


@contextmanager
def _guarded(doing: str) -> Iterator[None]:
    """Turn a database's own errors into one that a person can mend; nothing was committed."""
    try:
        yield
    except DatabaseError:
        raise DataError(
            "ledger.unwritable",
            what=f"the privacy ledger could not {doing}",
            why="it is locked, full, read-only or not a ledger; without its entry nothing may be drawn",
            fix="check disk, permissions and other runs, then try again",
        ) from None
