"""The account that a differentially private release is charged to, and what exact output stands beside it."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from policies.model.strictness import Exact, Name, PolicyModel, Text


class DpBudget(PolicyModel):
    """The account that a release is charged to; one per population, across releases (rule DP-01).

    Losses are ρ of zero-concentrated differential privacy (Bun & Steinke 2016); `delta` only converts to (ε, δ) for
    display. `population_rho_cap` is the lifetime cap of the population, and the guarantee. The other caps are quotas inside
    it: of a calendar year (UTC), of all versions and snapshots of this release, of one researcher's own questions. What
    is not written is not capped by this policy; an account on record is charged all the same. `people_at_most` is a
    public number of people, never counted from the data; with it, δ is held below 1/n.
    """

    population: Name
    population_rho_cap: Annotated[Exact, Field(gt=Decimal(0), le=Decimal(10))]
    release_rho: Annotated[Exact, Field(gt=Decimal(0), le=Decimal(1))]
    year_rho_cap: Annotated[Exact, Field(gt=Decimal(0), le=Decimal(10))] | None = None
    all_versions_rho_cap: Annotated[Exact, Field(gt=Decimal(0), le=Decimal(10))] | None = None
    researcher_rho_cap: Annotated[Exact, Field(gt=Decimal(0), le=Decimal(10))] | None = None
    people_at_most: Annotated[int, Field(ge=1)] | None = None
    delta: Annotated[Exact, Field(gt=Decimal(0), lt=Decimal("0.001"))]
    period_from: date
    period_to: date
    basis: Literal["institutional_choice"] = "institutional_choice"
    approved_by: Annotated[str, Field(min_length=1)]
    approved_on: date | None = None


class ExactOutput(PolicyModel):
    """Something exact about the same people that leaves beside noisy numbers, outside their guarantee (rule DP-04)."""

    release: Name
    why: Text
