"""What the ledger shows: an account, a forecast, the head. Figures of the account only; none of them depends on data.

Not here: how they are read (`ledger`), how they are drawn (`ledger_chart`).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from catalog.ledger_entries import ChargeState
from catalog.ledger_scopes import rho_text


@dataclass(frozen=True, slots=True)
class LedgerHead:
    """The number of entries and the last digest; kept elsewhere, it shows a ledger restored from an old backup."""

    entries: int
    digest: str


@dataclass(frozen=True, slots=True)
class AccountView:
    """One account in micro-ρ under its full name."""

    scope: str
    cap_micro: int
    spent_micro: int

    @property
    def left_micro(self) -> int:
        """What may still be charged; never below zero, also after the cap was lowered."""
        return max(0, self.cap_micro - self.spent_micro)

    def as_json(self) -> dict[str, object]:
        """Return the account as plain JSON values; ρ as exact decimal text."""
        return {
            "account": self.scope,
            "rho_cap": rho_text(self.cap_micro),
            "rho_spent": rho_text(self.spent_micro),
            "rho_left": rho_text(self.left_micro),
        }


@dataclass(frozen=True, slots=True)
class BudgetView:
    """One population's lifetime account in micro-ρ; `spent_micro` is reserved + released + burned.

    `accounts` are the others of the same population: years, releases, researchers, in order of name.
    """

    population: str
    cap_micro: int
    spent_micro: int
    by_state_micro: Mapping[ChargeState, int]
    charges: Mapping[ChargeState, int]
    accounts: tuple[AccountView, ...] = ()

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

    @property
    def short(self) -> tuple[AccountView, ...]:
        """The accounts that do not cover the charge; empty means that it would be granted."""
        return tuple(one for one in self.accounts if one.spent_micro + self.charged_micro > one.cap_micro)

    def as_json(self) -> dict[str, object]:
        """Return the forecast as plain JSON values; ρ as exact decimal text."""
        return {
            "rho_charged": rho_text(self.charged_micro),
            "is_answered": self.answer_digest is not None,
            "is_granted": not self.short,
            "accounts": [
                {**one.as_json(), "rho_left_after": rho_text(max(0, one.left_micro - self.charged_micro))}
                for one in self.accounts
            ],
        }
