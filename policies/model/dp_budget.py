"""The account that a differentially private release is charged to, and what exact output stands beside it."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from policies.model.strictness import Exact, Name, PolicyModel, Text

DeltaCap = Annotated[Exact, Field(gt=Decimal(0), lt=Decimal("0.001"))]
"""A cap of the δ of thresholds."""


class DpBudget(PolicyModel):
    """The account that a release is charged to; one per population, across releases (rule DP-01).

    Losses are ρ of zero-concentrated differential privacy (Bun & Steinke 2016); `delta` only converts to (ε, δ) for
    display. `population_rho_cap` is the lifetime cap of the population, and the guarantee. The other caps are quotas inside
    it: of a calendar year (UTC), of all versions and snapshots of this release, of one researcher's own questions. What
    is not written is not capped by this policy; an account on record is charged all the same. `people_at_most` is a
    public number of people, never counted from the data; with it, δ is held below 1/n. The caps of δ are of the thresholds of
    private keys, whose δ adds up as ρ does; the δ that converts ρ is part of a figure and is not spent.
    """

    population: Name
    population_rho_cap: Annotated[Exact, Field(gt=Decimal(0), le=Decimal(10))]
    release_rho: Annotated[Exact, Field(gt=Decimal(0), le=Decimal(1))]
    year_rho_cap: Annotated[Exact, Field(gt=Decimal(0), le=Decimal(10))] | None = None
    all_versions_rho_cap: Annotated[Exact, Field(gt=Decimal(0), le=Decimal(10))] | None = None
    researcher_rho_cap: Annotated[Exact, Field(gt=Decimal(0), le=Decimal(10))] | None = None
    population_delta_cap: DeltaCap | None = None
    year_delta_cap: DeltaCap | None = None
    all_versions_delta_cap: DeltaCap | None = None
    people_at_most: Annotated[int, Field(ge=1)] | None = None
    delta: Annotated[Exact, Field(gt=Decimal(0), lt=Decimal("0.001"))]
    period_from: date
    period_to: date
    basis: Literal["institutional_choice"] = "institutional_choice"
    approved_by: Annotated[str, Field(min_length=1)]
    approved_on: date | None = None

    @model_validator(mode="after")
    def _delta_is_capped_with_rho(self) -> Self:
        pairs = ((self.year_delta_cap, self.year_rho_cap), (self.all_versions_delta_cap, self.all_versions_rho_cap))
        if any(delta is not None and rho is None for delta, rho in pairs):
            msg = "a cap of δ needs the cap of ρ of the same account: `year_rho_cap`, `all_versions_rho_cap`"
            raise ValueError(msg)
        return self


class ExactOutput(PolicyModel):
    """Something exact about the same people that leaves beside noisy numbers, outside their guarantee (rule DP-04)."""

    release: Name
    why: Text
