"""The accounts that one charge touches: a population's lifetime, a year, a release, a researcher. Names, caps and units.

The guarantee is the lifetime account's: researchers may work together, or have two names, and years add up. The other
accounts are quotas inside it. A year is a calendar year in UTC, by the ledger's clock, never by a date in a policy.
A loss is ρ, and δ where keys are private: the chance that a threshold fails. The δ that converts ρ to ε is not spent: it
belongs to a figure. Both are whole units, rounded up. Not here: what was spent (`ledger_entries`), how a charge is decided
(`ledger`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from fractions import Fraction
from math import ceil

from policies.errors import PolicyError

MICRO = 1_000_000
"""Micro-ρ in one ρ; every account is in whole micro-ρ."""
DELTA_UNITS = 10**15
"""Units of δ in 1; every account is in whole units of 10⁻¹⁵."""
_NAME = re.compile(r"^[\w][\w.@+:=-]{0,99}$")


@dataclass(frozen=True, slots=True)
class Loss:
    """What is charged to an account, or is its cap: micro-ρ, and units of δ of thresholds."""

    rho_micro: int
    delta_units: int = 0

    def __add__(self, other: "Loss") -> "Loss":
        """Return both losses together: under zCDP with a δ of its own, each part adds up."""
        return Loss(self.rho_micro + other.rho_micro, self.delta_units + other.delta_units)


@dataclass(frozen=True, slots=True)
class Scopes:
    """What a question is charged to, in micro-ρ and units of δ; all of it in one transaction, or nothing.

    `cap_micro` is the population's lifetime cap. A further cap that is None says nothing: the account is charged if one
    is on record, under its recorded cap. So a release that is silent about the year does not pass by the year's cap.
    A cap of δ is one of thresholds; it is recorded when it is first declared, and one on record holds as that of ρ does.
    `release` names the release, or the kind of interactive question. `sources` are names of what the people were read from
    (`pipelines.source_names`): one that was charged for another population refuses the charge.
    """

    population: str
    cap_micro: int
    release: str
    researcher: str | None = None
    year_cap_micro: int | None = None
    release_cap_micro: int | None = None
    researcher_cap_micro: int | None = None
    delta_cap_units: int | None = None
    year_delta_cap_units: int | None = None
    release_delta_cap_units: int | None = None
    researcher_delta_cap_units: int | None = None
    sources: tuple[str, ...] = ()

    def caps(self, *, year: int) -> Mapping[str, int | None]:
        """Return the declared cap of every account that applies, the lifetime first.

        Raises:
            PolicyError: A name is not one that an account can have.
        """
        for name in (self.population, self.release, self.researcher):
            if name is not None and not _NAME.match(name):
                raise PolicyError(
                    "budget.account-name",
                    what="an account was asked for under a name that is not one",
                    why="accounts are told apart by their names: letters, digits and . @ + : = - _, at most 100",
                    fix="use the id of the release and of the researcher",
                )
        caps: dict[str, int | None] = {
            lifetime_scope(self.population): self.cap_micro,
            year_scope(self.population, year): self.year_cap_micro,
            release_scope(self.population, self.release): self.release_cap_micro,
        }
        if self.researcher is not None:
            caps[researcher_scope(self.population, self.researcher)] = self.researcher_cap_micro
        return caps

    def delta_caps(self, *, year: int) -> Mapping[str, int | None]:
        """Return the declared cap of δ of every account that applies, in the order of `caps`."""
        declared = (
            self.delta_cap_units,
            self.year_delta_cap_units,
            self.release_delta_cap_units,
            self.researcher_delta_cap_units,
        )
        return dict(zip(self.caps(year=year), declared, strict=False))


def lifetime_scope(population: str) -> str:
    """Return the name of a population's lifetime account."""
    return f"population/{population}/lifetime"


def population_of(scope: str) -> str | None:
    """Return the population whose lifetime account this is; None for any other account."""
    middle = scope.removeprefix("population/").removesuffix("/lifetime")
    return middle if scope == lifetime_scope(middle) else None


def year_scope(population: str, year: int) -> str:
    """Return the name of a population's account of one calendar year."""
    return f"population/{population}/year/{year:04d}"


def release_scope(population: str, release: str) -> str:
    """Return the name of the account of one release: all its versions, all snapshots."""
    return f"population/{population}/release/{release}"


def researcher_scope(population: str, researcher: str) -> str:
    """Return the name of a researcher's quota on one population."""
    return f"population/{population}/researcher/{researcher}"


def micro_of(rho: Decimal | Fraction) -> int:
    """Return a loss in whole micro-ρ, rounded up: what is charged is never less than what is lost.

    A cap is not a loss: round it down.
    """
    if isinstance(rho, Decimal):
        return int((rho * MICRO).to_integral_value(rounding=ROUND_CEILING))
    return ceil(rho * MICRO)


def delta_units_of(delta: Decimal) -> int:
    """Return a δ in whole units, rounded up: what is charged is never less than what is lost. A cap is rounded down."""
    return int((delta * DELTA_UNITS).to_integral_value(rounding=ROUND_CEILING))


def delta_of(units: int) -> Decimal:
    """Return units of δ as an exact decimal."""
    return Decimal(units) / DELTA_UNITS


def delta_text(units: int) -> str:
    """Return units of δ as an exact decimal in scientific notation, such as `5e-10`; nothing is `0`."""
    return f"{delta_of(units).normalize():e}" if units else "0"


def rho_text(micro: int) -> str:
    """Return micro-ρ as an exact decimal in ρ, such as `0.05`."""
    return format((Decimal(micro) / MICRO).normalize(), "f")
