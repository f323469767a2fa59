"""The entries of the privacy ledger: their tables, their chain, and what a replay of them must give.

Belongs here: the record format and its verification. Does not: what may be charged (see `ledger`).
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from hashlib import sha256
from typing import TypeVar

from sqlalchemy import BigInteger, Column, Connection, Integer, MetaData, Row, String, Table, Text, select

from catalog.ledger_scopes import Loss, lifetime_scope, population_of, release_scope, researcher_scope, year_scope
from catalog.manifest import canonical
from policies.errors import IntegrityError, Place

FORMAT = "niji/ledger/v1"
GENESIS = "sha256:" + "0" * 64

metadata = MetaData()
entries = Table(
    "ledger_entries",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", String(40), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("body", Text, nullable=False),
    Column("previous", String(80), nullable=False),
    Column("digest", String(80), nullable=False, unique=True),
)
budgets = Table(
    "ledger_budgets",
    metadata,
    Column("scope", String(200), primary_key=True),
    Column("cap_micro", BigInteger, nullable=False),
    Column("spent_micro", BigInteger, nullable=False),
    Column("delta_cap_units", BigInteger),
    Column("delta_spent_units", BigInteger, nullable=False, server_default="0"),
)
charges = Table(
    "ledger_charges",
    metadata,
    Column("charge_id", String(40), primary_key=True),
    Column("query_hash", String(80), nullable=False, index=True),
    Column("snapshot", String(80), nullable=False),
    Column("release", String(100), nullable=False),
    Column("state", String(20), nullable=False),
    Column("answer_digest", String(80)),
)
charge_scopes = Table(
    "ledger_charge_scopes",
    metadata,
    Column("charge_id", String(40), primary_key=True),
    Column("scope", String(200), primary_key=True),
    Column("amount_micro", BigInteger, nullable=False),
    Column("delta_units", BigInteger, nullable=False, server_default="0"),
)
heads = Table(
    "ledger_heads",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("digest", String(80), nullable=False),
    Column("key_id", String(80), nullable=False),
    Column("signature", String(200), nullable=False),
)

Json = None | bool | int | str | list["Json"] | dict[str, "Json"]


class EntryKind(StrEnum):
    """What an entry records; `anchor` names the anchors that hold the ledger against an older copy from then on."""

    CAP = "cap"
    CHARGE = "charge"
    RELEASE = "release"
    BURN = "burn"
    ANCHOR = "anchor"


class ChargeState(StrEnum):
    """Where a charge stands; every state is spent."""

    RESERVED = "reserved"
    RELEASED = "released"
    BURNED = "burned"


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One entry; `digest` covers all other fields, `previous` is the digest of the entry before."""

    seq: int
    at: str
    kind: EntryKind
    body: Mapping[str, Json]
    previous: str
    digest: str

    def as_json(self) -> dict[str, object]:
        """Return the entry as plain JSON values."""
        return {**asdict(self), "kind": self.kind.value, "body": dict(self.body)}

    def as_row(self) -> dict[str, object]:
        """Return the entry as a row of `ledger_entries`."""
        return {**asdict(self), "kind": self.kind.value, "body": canonical(dict(self.body)).decode("utf-8")}


def make_entry(seq: int, at: str, kind: EntryKind, body: Mapping[str, Json], *, previous: str) -> LedgerEntry:
    """Bind an entry to the one before it."""
    content = {"format": FORMAT, "seq": seq, "at": at, "kind": kind.value, "body": dict(body), "previous": previous}
    return LedgerEntry(seq, at, kind, dict(body), previous, f"sha256:{sha256(canonical(content)).hexdigest()}")


def read_entries(connection: Connection, *, kind: EntryKind | None = None) -> Iterator[LedgerEntry]:
    """Yield the entries in order, all or those of one kind, as they are stored; the chain is not checked.

    Raises:
        IntegrityError: An entry is unreadable.
    """
    query = select(entries).order_by(entries.c.seq)
    for row in connection.execute(query if kind is None else query.where(entries.c.kind == kind.value)):
        try:
            entry = LedgerEntry(row.seq, row.at, EntryKind(row.kind), json.loads(row.body), row.previous, row.digest)
        except (ValueError, TypeError):
            raise altered(f"entry {row.seq} of the privacy ledger is unreadable") from None
        yield entry


def chained_entries(connection: Connection) -> list[LedgerEntry]:
    """Read the entries and check that each fits the one before.

    Raises:
        IntegrityError: Names the first entry that does not.
    """
    found: list[LedgerEntry] = []
    previous = GENESIS
    for number, row in enumerate(connection.execute(select(entries).order_by(entries.c.seq)), start=1):
        found.append(_linked(row, number, previous))
        previous = found[-1].digest
    return found


def _linked(row: Row[tuple[object, ...]], number: int, previous: str) -> LedgerEntry:
    try:
        body = json.loads(str(row.body))
        entry = make_entry(number, str(row.at), EntryKind(str(row.kind)), body, previous=previous)
    except (ValueError, TypeError, AttributeError):
        raise altered(f"entry {number} of the privacy ledger is unreadable") from None
    if tuple(row) != tuple(entry.as_row().values()):
        raise altered(f"entry {number} of the privacy ledger does not fit the one before it")
    return entry


@dataclass(slots=True)
class Balance:
    """What the entries add up to; must equal the tables that charges are decided on.

    δ stands in an entry only where there is any, so that entries from before thresholds read the same. `applied` is what every charge was to each account that it could have been charged to, also where there was none: an
    account that is opened later, such as a year's whose cap is declared in June, begins with what it would have held.
    """

    caps: dict[str, int] = field(default_factory=dict)
    delta_caps: dict[str, int] = field(default_factory=dict)
    losses: dict[str, Loss] = field(default_factory=dict)
    charges: dict[str, tuple[str, str, str, str, str | None]] = field(default_factory=dict)
    amounts: dict[tuple[str, str], Loss] = field(default_factory=dict)
    applied: dict[str, Loss] = field(default_factory=dict)

    @property
    def spent(self) -> dict[str, int]:
        """What each account has spent, in micro-ρ."""
        return {scope: loss.rho_micro for scope, loss in self.losses.items()}


def replay(chain: list[LedgerEntry]) -> Balance:
    """Add the entries up, from nothing.

    Raises:
        IntegrityError: An entry is about a charge that no entry made.
    """
    balance = Balance()
    for entry in chain:
        body = entry.body
        if entry.kind is EntryKind.CAP:
            scope = str(body["scope"])
            balance.caps[scope] = _whole(body["cap_micro"])
            if "delta_cap_units" in body:
                balance.delta_caps[scope] = _whole(body["delta_cap_units"])
            balance.losses.setdefault(scope, balance.applied.get(scope, Loss(0)))
        elif entry.kind is EntryKind.CHARGE:
            _replay_charge(balance, entry)
        elif entry.kind is not EntryKind.ANCHOR:
            _replay_end(balance, entry)
    return balance


def _replay_charge(balance: Balance, entry: LedgerEntry) -> None:
    body = entry.body
    charge_id = str(body["charge_id"])
    about = (str(body["query_hash"]), str(body["snapshot"]), str(body["release"]))
    balance.charges[charge_id] = (*about, ChargeState.RESERVED.value, None)
    for scope, loss in charged_losses(entry).items():
        balance.amounts[charge_id, scope] = loss
        balance.losses[scope] = balance.losses.get(scope, Loss(0)) + loss
    for scope, loss in _applied(entry).items():
        balance.applied[scope] = balance.applied.get(scope, Loss(0)) + loss


def charged_losses(entry: LedgerEntry) -> dict[str, Loss]:
    """Return what an entry charges to each account; nothing unless it is a charge.

    Raises:
        IntegrityError: An amount is not a whole number.
    """
    scopes, deltas = entry.body.get("scopes"), entry.body.get("delta_scopes")
    own = deltas if isinstance(deltas, dict) else {}
    charged = scopes if isinstance(scopes, dict) else {}
    return {scope: Loss(_whole(amount), _whole(own.get(scope, 0))) for scope, amount in charged.items()}


def _applied(entry: LedgerEntry) -> dict[str, Loss]:
    """Return what a charge is to each account that it could be charged to: what it was, else what the lifetime was."""
    researcher, charged = entry.body.get("researcher"), charged_losses(entry)
    found = dict(charged)
    for population in (name for name in map(population_of, charged) if name is not None):
        amount = charged[lifetime_scope(population)]
        found.setdefault(year_scope(population, year_of(entry.at)), amount)
        found.setdefault(release_scope(population, str(entry.body["release"])), amount)
        if researcher is not None:
            found.setdefault(researcher_scope(population, str(researcher)), amount)
    return found


def year_of(at: str) -> int:
    """Return the calendar year, in UTC, of an entry's time.

    Raises:
        IntegrityError: The time is not one that an entry has.
    """
    if not at[:4].isdecimal():
        raise altered("an entry of the privacy ledger has no readable time")
    return int(at[:4])


def _replay_end(balance: Balance, entry: LedgerEntry) -> None:
    charge_id = str(entry.body["charge_id"])
    known = balance.charges.get(charge_id)
    if known is None:
        raise altered(f"entry {entry.seq} of the privacy ledger ends a charge that was never made")
    if entry.kind is EntryKind.RELEASE:
        balance.charges[charge_id] = (*known[:3], ChargeState.RELEASED.value, str(entry.body["answer_digest"]))
    else:
        balance.charges[charge_id] = (*known[:3], ChargeState.BURNED.value, None)


def check_balance(connection: Connection, balance: Balance) -> None:
    """Compare a replay with the tables that charges are decided on.

    Raises:
        IntegrityError: Names the first scope or charge whose stored state differs.
    """
    stored = {row.scope: tuple(row)[1:] for row in connection.execute(select(budgets))}
    replayed = {}
    for scope, cap in balance.caps.items():
        loss = balance.losses.get(scope, Loss(0))
        replayed[scope] = (cap, loss.rho_micro, balance.delta_caps.get(scope), loss.delta_units)
    _same(stored, replayed, "budget")
    made = {row.charge_id: tuple(row)[1:] for row in connection.execute(select(charges))}
    _same(made, dict(balance.charges), "charge")
    rows = connection.execute(select(charge_scopes))
    amounts = {(row.charge_id, row.scope): Loss(row.amount_micro, row.delta_units) for row in rows}
    _same(amounts, balance.amounts, "amount of charge")


_Key = TypeVar("_Key")


def _same(stored: Mapping[_Key, object], replayed: Mapping[_Key, object], what: str) -> None:
    for key in sorted({*stored, *replayed}, key=str):
        if stored.get(key) != replayed.get(key):
            name = key[0] if isinstance(key, tuple) else key
            raise altered(f"the stored {what} '{name}' is not what the ledger's entries add up to")


def altered(what: str) -> IntegrityError:
    """Return the error for a ledger that was changed other than by this code."""
    return IntegrityError(
        "ledger.altered",
        what=what,
        why="the ledger bounds what a population has lost only while its chain holds",
        fix="stop publishing for its populations, keep the file as evidence, and tell the compliance officer",
        where=Place("ledger.sqlite"),
    )


def _whole(value: Json) -> int:
    if not isinstance(value, int):
        raise altered("an amount of the privacy ledger is not a whole number")
    return value
