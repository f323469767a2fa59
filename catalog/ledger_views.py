"""What the ledger shows: an account, a forecast, the head. Figures of the account only; none of them depends on data.

Not here: how they are read (`ledger`), how they are drawn (`ledger_chart`).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from catalog.ledger_entries import ChargeState
from catalog.ledger_scopes import Loss, delta_text, rho_text


@dataclass(frozen=True, slots=True)
class LedgerHead:
    """The number of entries and the last digest; kept elsewhere, it shows a ledger restored from an old backup."""

    entries: int
    digest: str


@dataclass(frozen=True, slots=True)
class AccountView:
    """One account in micro-ρ and units of δ under its full name; a cap of δ that is None was never declared."""

    scope: str
    cap_micro: int
    spent_micro: int
    delta_cap_units: int | None = None
    delta_spent_units: int = 0

    @property
    def left_micro(self) -> int:
        """What may still be charged; never below zero, also after the cap was lowered."""
        return max(0, self.cap_micro - self.spent_micro)

    @property
    def spent(self) -> Loss:
        """What is spent, ρ and δ."""
        return Loss(self.spent_micro, self.delta_spent_units)

    def is_short_of(self, asked: Loss) -> bool:
        """Return whether the account does not cover a loss; a loss without δ asks nothing of the cap of δ."""
        has_delta = asked.delta_units == 0 or self.delta_cap_units is None
        is_delta_short = not has_delta and self.delta_spent_units + asked.delta_units > (self.delta_cap_units or 0)
        return self.spent_micro + asked.rho_micro > self.cap_micro or is_delta_short

    def as_json(self) -> dict[str, object]:
        """Return the account as plain JSON values; ρ as exact decimal text."""
        return {
            "account": self.scope,
            "rho_cap": rho_text(self.cap_micro),
            "rho_spent": rho_text(self.spent_micro),
            "rho_left": rho_text(self.left_micro),
            **_delta_json(self.delta_cap_units, self.delta_spent_units),
        }


def _delta_json(cap: int | None, spent: int) -> dict[str, object]:
    """Return δ of thresholds as plain JSON values; the δ that converts ρ is no part of it."""
    left = None if cap is None else delta_text(max(0, cap - spent))
    return {
        "threshold_delta_cap": None if cap is None else delta_text(cap),
        "threshold_delta_spent": delta_text(spent),
        "threshold_delta_left": left,
    }


@dataclass(frozen=True, slots=True)
class BudgetView:
    """One population's lifetime account in micro-ρ and units of δ; `spent_micro` is reserved + released + burned.

    `accounts` are the others of the same population: years, releases, researchers, in order of name.
    """

    population: str
    cap_micro: int
    spent_micro: int
    by_state_micro: Mapping[ChargeState, int]
    charges: Mapping[ChargeState, int]
    accounts: tuple[AccountView, ...] = ()
    delta_cap_units: int | None = None
    delta_spent_units: int = 0

    @property
    def left_micro(self) -> int:
        """What may still be charged; never below zero, also after the cap was lowered."""
        return max(0, self.cap_micro - self.spent_micro)

    @property
    def spent(self) -> Loss:
        """What is spent, ρ and δ."""
        return Loss(self.spent_micro, self.delta_spent_units)

    def as_json(self) -> dict[str, object]:
        """Return the account as plain JSON values; ρ as exact decimal text."""
        return {
            "population": self.population,
            "rho_cap": rho_text(self.cap_micro),
            "rho_spent": rho_text(self.spent_micro),
            "rho_left": rho_text(self.left_micro),
            **_delta_json(self.delta_cap_units, self.delta_spent_units),
            "rho_by_state": {state.value: rho_text(self.by_state_micro.get(state, 0)) for state in ChargeState},
            "charges": {state.value: self.charges.get(state, 0) for state in ChargeState},
            "accounts": [account.as_json() for account in self.accounts],
        }


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a question would be charged and leave; nothing was charged.

    `answer_digest` is set if it was answered before on the same snapshot: then `charged_micro` is 0. `accounts` are the
    accounts that would be charged, as they stand before.
    """

    charged_micro: int
    answer_digest: str | None
    accounts: tuple[AccountView, ...]
    charged_delta_units: int = 0

    @property
    def charged(self) -> Loss:
        """What would be charged, ρ and δ."""
        return Loss(self.charged_micro, self.charged_delta_units)

    @property
    def short(self) -> tuple[AccountView, ...]:
        """The accounts that do not cover the charge; empty means that it would be granted."""
        return tuple(one for one in self.accounts if one.is_short_of(self.charged))

    def as_json(self) -> dict[str, object]:
        """Return the forecast as plain JSON values; ρ as exact decimal text."""
        return {
            "rho_charged": rho_text(self.charged_micro),
            "threshold_delta_charged": delta_text(self.charged_delta_units),
            "is_answered": self.answer_digest is not None,
            "is_granted": not self.short,
            "accounts": [
                {**one.as_json(), "rho_left_after": rho_text(max(0, one.left_micro - self.charged_micro))}
                for one in self.accounts
            ],
        }
