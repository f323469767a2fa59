"""Reading the privacy ledger: its accounts, its history, its head, a forecast, and whether its chain holds.

Not here: whatever writes (`ledger`).
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy import Connection, Engine, select
from sqlalchemy.exc import DBAPIError

from catalog.database import reading
from catalog.keys import PublicKeys
from catalog.ledger_entries import (
    GENESIS,
    ChargeState,
    EntryKind,
    LedgerEntry,
    altered,
    budgets,
    chained_entries,
    charge_scopes,
    charged_losses,
    charges,
    check_balance,
    entries,
    read_entries,
    replay,
    year_of,
)
from catalog.ledger_errors import cap_differs, delta_cap_differs, no_amount, unknown_population, unwritable
from catalog.ledger_heads import check_heads
from catalog.ledger_scopes import Loss, Scopes, lifetime_scope, population_of
from catalog.ledger_views import AccountView, BudgetView, Forecast, LedgerHead


class LedgerReader:
    """What a ledger shows; every method reads one moment and waits for nobody."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._clock = clock

    def populations(self) -> tuple[str, ...]:
        """Return the populations that have an account, in order of name."""
        with guarded("be read"), reading(self._engine) as connection:
            scopes = connection.execute(select(budgets.c.scope).order_by(budgets.c.scope)).scalars()
            return tuple(name for name in map(population_of, scopes) if name is not None)

    def show(self, population: str) -> BudgetView:
        """Return a population's lifetime account, and the other accounts of the same people.

        Raises:
            BudgetError: The population has no account yet.
        """
        scope = lifetime_scope(population)
        joined = charge_scopes.join(charges, charges.c.charge_id == charge_scopes.c.charge_id)
        amounts = select(charges.c.state, charge_scopes.c.amount_micro).select_from(joined)
        with guarded("be read"), reading(self._engine) as connection:
            all_accounts = {one.scope: one for one in read_accounts(connection)}
            made = connection.execute(amounts.where(charge_scopes.c.scope == scope)).all()
        if scope not in all_accounts:
            raise unknown_population(population)
        by_state: Counter[ChargeState] = Counter()
        for row in made:
            by_state[ChargeState(row.state)] += row.amount_micro
        counts = Counter(ChargeState(row.state) for row in made)
        own = all_accounts.pop(scope)
        others = tuple(one for name, one in all_accounts.items() if name.startswith(f"population/{population}/"))
        delta = (own.delta_cap_units, own.delta_spent_units)
        return BudgetView(population, own.cap_micro, own.spent_micro, dict(by_state), dict(counts), others, *delta)

    def forecast(
        self, scopes: Scopes, rho_micro: int, *, query_hash: str, snapshot: str, delta_units: int = 0
    ) -> Forecast:
        """Say what `reserve` would charge, and to which accounts; nothing is written.

        Raises:
            BudgetError: A recorded cap is not the declared one.
            PolicyError: An amount is not a whole number above zero (δ: or zero), or a name is not one.
        """
        asked = checked_loss(rho_micro, delta_units)
        with guarded("be read"), reading(self._engine) as connection:
            answered = stored_answer(connection, scopes, query_hash, snapshot)
            year = year_of(self._now(connection))
            delta_caps = scopes.delta_caps(year=year)
            met = (_met(connection, scope, (cap, delta_caps[scope])) for scope, cap in scopes.caps(year=year).items())
            found = tuple(account for account in met if account is not None)
        due = Loss(0) if answered else asked
        return Forecast(due.rho_micro, answered[2] if answered else None, found, due.delta_units)

    def history(self) -> tuple[LedgerEntry, ...]:
        """Return all entries in order; see `verify` for whether they hold."""
        with guarded("be read"), reading(self._engine) as connection:
            return tuple(read_entries(connection))

    def head(self) -> LedgerHead:
        """Return the head, to be kept outside this machine as an anchor for `verify`."""
        with guarded("be read"), reading(self._engine) as connection:
            return last_entry(connection)[0]

    def verify(
        self,
        *,
        public_keys: PublicKeys | None = None,
        anchors: Sequence[LedgerHead] = (),
        only_last_signature: bool = False,
    ) -> None:
        """Recompute the chain, replay it against the accounts, and check the signed and the kept heads.

        Args:
            public_keys: The keys that may sign; with it every stored head must be signed and the last entry must have
                one. Without it signatures are not looked at.
            anchors: Heads that were kept elsewhere.
            only_last_signature: Check the newest signature only, which covers everything before it.

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
                known = {0: GENESIS, **{entry.seq: entry.digest for entry in chain}}
                if public_keys is not None:
                    check_heads(connection, known, public_keys=public_keys, only_last=only_last_signature)
        except (DBAPIError, KeyError):
            raise altered("the privacy ledger is unreadable") from None
        for anchor in anchors:
            if known.get(anchor.entries) != anchor.digest:
                raise altered(f"the privacy ledger is not the one whose entry {anchor.entries} was kept elsewhere")

    def _now(self, connection: Connection) -> str:
        """Return the time of the next entry: never before the last one's, so a clock set back opens no past year."""
        at = self._clock().astimezone(UTC).isoformat(timespec="milliseconds")
        return max(at, last_entry(connection)[1])


def checked_loss(rho_micro: int, delta_units: int) -> Loss:
    """Return what is asked as a loss.

    Raises:
        PolicyError: ρ is not a whole number above zero, or δ not one of zero or more.
    """
    if type(rho_micro) is not int or rho_micro <= 0 or type(delta_units) is not int or delta_units < 0:
        raise no_amount()
    return Loss(rho_micro, delta_units)


def is_first_delta_cap(account: AccountView, caps: tuple[int | None, int | None]) -> bool:
    """Return whether a cap of δ is declared for an account that has none on record.

    Raises:
        BudgetError: A recorded cap is not the declared one.
    """
    cap, delta_cap = caps
    if cap is not None and account.cap_micro != cap:
        raise cap_differs(account.scope, cap, account.cap_micro)
    recorded = account.delta_cap_units
    if delta_cap is not None and recorded is not None and recorded != delta_cap:
        raise delta_cap_differs(account.scope, delta_cap, recorded)
    return delta_cap is not None and recorded is None


def _met(connection: Connection, scope: str, caps: tuple[int | None, int | None]) -> AccountView | None:
    """Return an account as a charge would meet it; None where there is none and none would be opened."""
    cap, delta_cap = caps
    row = connection.execute(select(budgets).where(budgets.c.scope == scope)).first()
    if row is not None:
        account = AccountView(*row)
        return replace(account, delta_cap_units=delta_cap) if is_first_delta_cap(account, caps) else account
    if cap is None:
        return None
    spent = earlier(connection, scope)
    return AccountView(scope, cap, spent.rho_micro, delta_cap, spent.delta_units)


def stored_answer(
    connection: Connection, scopes: Scopes, query_hash: str, snapshot: str
) -> tuple[str, ChargeState, str] | None:
    """Return the charge that answered this question on this data for this population, if one did."""
    same = (charges.c.query_hash == query_hash) & (charges.c.snapshot == snapshot)
    own = charge_scopes.c.scope == lifetime_scope(scopes.population)
    joined = charges.join(charge_scopes, charges.c.charge_id == charge_scopes.c.charge_id)
    released = select(charges).select_from(joined).where(same & own & (charges.c.state == ChargeState.RELEASED.value))
    row = connection.execute(released).first()
    return None if row is None else (row.charge_id, ChargeState.RELEASED, row.answer_digest)


def charged_as(connection: Connection, scopes: Scopes) -> str | None:
    """Return another population that one of the sources was charged for, if there is one.

    Raises:
        IntegrityError: An entry is unreadable.
    """
    wanted = set(scopes.sources)
    for entry in read_entries(connection, kind=EntryKind.CHARGE) if wanted else ():
        named = entry.body.get("sources")
        if isinstance(named, list) and wanted & set(map(str, named)):
            others = {population_of(scope) for scope in charged_losses(entry)} - {None, scopes.population}
            if others:
                return min(str(other) for other in others)
    return None


def last_entry(connection: Connection) -> tuple[LedgerHead, str]:
    """Return the head and the time of its entry."""
    newest = select(entries.c.seq, entries.c.digest, entries.c.at).order_by(entries.c.seq.desc()).limit(1)
    row = connection.execute(newest).first()
    return (LedgerHead(0, GENESIS), "") if row is None else (LedgerHead(row.seq, row.digest), row.at)


def digest_at(connection: Connection, number: int) -> str | None:
    """Return the digest of an entry by its number, None if there is none."""
    if number == 0:
        return GENESIS
    return connection.execute(select(entries.c.digest).where(entries.c.seq == number)).scalar_one_or_none()


def anchor_kinds(connection: Connection) -> frozenset[str]:
    """Return the anchors that the newest entry about them names."""
    about = list(read_entries(connection, kind=EntryKind.ANCHOR))
    kinds = about[-1].body.get("kinds") if about else None
    return frozenset(str(kind) for kind in kinds) if isinstance(kinds, list) else frozenset()


def earlier(connection: Connection, scope: str) -> Loss:
    """Return what the charges so far would have been to an account that is only now opened."""
    return replay(list(read_entries(connection))).applied.get(scope, Loss(0))


def read_accounts(connection: Connection) -> tuple[AccountView, ...]:
    """Return every account, in order of name."""
    rows = connection.execute(select(budgets).order_by(budgets.c.scope))
    return tuple(AccountView(*row) for row in rows)


@contextmanager
def guarded(doing: str) -> Iterator[None]:
    """Turn a database's own errors into one that a person can mend; nothing was committed."""
    try:
        yield
    except DBAPIError:
        raise unwritable(doing) from None
