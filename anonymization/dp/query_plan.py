"""What a planned query is made of: units, noisy vectors, and the query itself. Public values only."""

import math
from dataclasses import dataclass
from decimal import Decimal
from statistics import NormalDist
from typing import Literal, TypeVar

from anonymization.dp.mechanism import MICRO, distance_at_least, loss_of, sigma_for
from anonymization.dp.threshold import DELTA_UNITS, ThresholdPlan, plan_threshold
from policies.errors import PolicyError
from policies.model.dp_queries import Clip, Statistic
from policies.model.method import DpQuery, PublicKeys
from policies.model.private_keys import PrivateColumn

Z_95 = NormalDist().inv_cdf(0.975)
Z_95_ONE_SIDED = NormalDist().inv_cdf(0.95)
MAX_UNITS = 2**31
"""Largest contribution of one person to one cell, so that the sum over 2^31 people stays inside 64 bits."""
REFERENCE_ROWS = 100
"""The error of a mean depends on how many rows it has; it is stated for a cell of this many."""

Asked = TypeVar("Asked")

Quantity = Literal["people", "rows", "sum"]

MechanismName = Literal["discrete_gaussian", "thresholded_discrete_gaussian", "noisy_max"]
"""What draws the noise of a vector; each is OpenDP's, under zCDP."""


@dataclass(frozen=True, slots=True)
class NoisePart:
    """One noisy vector of a query: what is counted, how far one person moves it, and the noise it gets.

    `cell_bound` is the largest change of one cell in units; `sensitivity` is √(cells per person) · `cell_bound`, rounded
    up; `loss_micro` is the loss by OpenDP's map, rounded up, never above `rho_micro`; `error_95` is in natural units.
    `mechanism` is what draws; `sensitivity` is in the metric of its map (L2, but for `noisy_max`: L∞).
    """

    quantity: Quantity
    cell_bound: int
    sensitivity: float
    rho_micro: int
    sigma: float
    loss_micro: int
    error_95: float
    mechanism: MechanismName = "discrete_gaussian"


@dataclass(frozen=True, slots=True)
class Units:
    """Natural values as whole numbers: `value / grid`, clipped to `low` … `high`, counted from `center`."""

    grid: Decimal
    low: int
    high: int
    center: int

    def natural(self, units: float) -> float:
        """Return `units` in natural units."""
        return float(Decimal(units) * self.grid)

    @property
    def half(self) -> int:
        """The farthest that a value lies from the center, in units."""
        return max(self.high - self.center, self.center - self.low)


@dataclass(frozen=True, slots=True)
class Frame:
    """A question laid on public cells: what the engine groups by, and what one person may add.

    `cells_per_person` bounds the cells of the engine's grid, which may have several for each cell of the question.
    `split` shares the loss among noisy vectors.
    """

    by: tuple[PublicKeys, ...]
    cells_per_person: int
    rows_per_person_per_cell: int = 1
    value: str | None = None
    units: Units | None = None
    split: tuple[Quantity, ...] = ("rows",)

    @property
    def cells(self) -> int:
        """The number of cells of the whole public grid."""
        return math.prod(len(key.values) for key in self.by)


@dataclass(frozen=True, slots=True)
class Expected:
    """The 95 % error that noise will make, in natural units, and what it is the error of.

    `instead` names a statistic that would answer it too, at the same share and bounds, and what the error would be then.
    """

    error_95: float
    of: str = "every cell"
    instead: tuple[Statistic, float] | None = None


@dataclass(frozen=True, slots=True)
class QueryPlan:
    """One query, ready to be bounded and drawn; `cells_per_person` is never above the number of cells.

    `by`, `value` and `cells` are those of the engine's grid: a histogram's has the bins as one key more. `asked` is the
    question as the policy writes it; only statistics beyond counts, sums and means look at it. A query with `private` keys has
    a `threshold`, and no number of cells: 0, because which there are is read from the data; `most_cells` bounds it publicly.
    """

    name: str
    statistic: Statistic
    table: str
    by: tuple[PublicKeys, ...]
    value: str | None
    units: Units | None
    cells: int
    cells_per_person: int
    rows_per_person_per_cell: int
    bounds_source: str
    clip_source: str | None
    parts: tuple[NoisePart, ...]
    error_95: float
    error_for: str = "every cell"
    asked: DpQuery | None = None
    instead: tuple[Statistic, float] | None = None
    private: tuple[PrivateColumn, ...] = ()
    most_cells: int = 0
    threshold: ThresholdPlan | None = None

    @property
    def delta_units(self) -> int:
        """The δ of the query's threshold by OpenDP's own map, in units of 10⁻¹⁵, rounded up; 0 without private keys."""
        return 0 if self.threshold is None else self.threshold.delta_units

    def part(self, quantity: Quantity) -> NoisePart:
        """Return the noisy vector of `quantity`."""
        return next(part for part in self.parts if part.quantity == quantity)

    @property
    def question(self) -> DpQuery:
        """The question as the policy writes it."""
        return asked_with(self.asked, self.name)

    def as_json(self) -> dict[str, object]:
        """Return the plan of this query as plain JSON values; everything in it is public."""
        shown: dict[str, object] = {
            "name": self.name,
            "statistic": self.statistic,
            "table": self.table,
            "by": [
                {"column": key.column.lstrip("_"), "values": len(key.values), "source": key.source} for key in self.by
            ],
            "value": self.value.lstrip("_") if self.value else None,
            "clip": None if self.units is None else units_json(self.units, self.clip_source),
            "cells": self.cells or None,
            "cells_per_person": self.cells_per_person,
            "rows_per_person_per_cell": self.rows_per_person_per_cell,
            "bounds_source": self.bounds_source,
            "noise": [
                {
                    "quantity": part.quantity,
                    "mechanism": part.mechanism,
                    **_scaled_json(part),
                    "rho": micro_text(part.rho_micro),
                    "error_95": part.error_95,
                }
                for part in self.parts
            ],
            "error_95": self.error_95,
            "error_95_for": self.error_for,
        }
        if self.instead is not None:
            shown["instead"] = {"statistic": self.instead[0], "error_95": self.instead[1]}
        return shown | special_json(self.asked) | self._private_json()

    def _private_json(self) -> dict[str, object]:
        if self.threshold is None or self.asked is None or self.asked.private_keys is None:
            return {}
        keys = self.asked.private_keys
        shown: dict[str, object] = {
            "columns": [{"column": key.column, "max_length": key.max_length} for key in self.private],
            "source": keys.source,
            "named_above": self.threshold.threshold,
            "named_in_95_of_100_from": math.ceil(self.threshold.threshold + Z_95_ONE_SIDED * self.threshold.sigma),
            "delta": delta_text(self.delta_units),
            "delta_at_most": f"{keys.threshold_delta.normalize():e}",
            "absent_keys": "mean_nothing",
        }
        return {"private_keys": shown}


def asked_with(what: Asked | None, name: str) -> Asked:
    """Return a part of a question that its statistic needs, such as edges.

    Raises:
        PolicyError: The plan does not carry it.
    """
    if what is None:
        raise PolicyError(
            "dp.question-incomplete",
            what=f"the plan of query '{name}' does not carry the whole question",
            why="edges, margins and predictors are read from it",
            fix="make the plan from the policy",
        )
    return what


def special_json(asked: DpQuery | None) -> dict[str, object]:
    """Return what only some statistics are asked with (edges, margins, …) as plain JSON values."""
    if asked is None:
        return {}
    keys = {"edges", "probabilities", "marginals", "status", "top", "outcome", "predictors", "post_processing", "where"}
    return asked.model_dump(mode="json", include=keys, exclude_none=True)


def _scaled_json(part: NoisePart) -> dict[str, object]:
    """Return sensitivity and scale of a vector under the names that they have for its mechanism."""
    if part.mechanism == "noisy_max":
        return {"linf_sensitivity": part.sensitivity, "scale": part.sigma}
    return {"l2_sensitivity": part.sensitivity, "sigma": part.sigma}


def delta_text(units: int) -> str:
    """Return units of δ as an exact decimal in scientific notation, such as `5e-10`; nothing is `0`."""
    return f"{(Decimal(units) / DELTA_UNITS).normalize():e}" if units else "0"


def micro_text(micro: int) -> str:
    """Return micro-ρ as an exact decimal in ρ, such as `0.05`."""
    return format((Decimal(micro) / MICRO).normalize(), "f")


def units_json(units: Units, source: str | None) -> dict[str, object]:
    """Return a clip as plain JSON values, in natural units."""
    return {
        "low": str(units.low * units.grid),
        "high": str(units.high * units.grid),
        "grid": str(units.grid),
        "center": str(units.center * units.grid),
        "source": source,
    }


def units_of(clip: Clip, name: str, *, centered: bool) -> Units:
    """Turn a clip into whole units; the center is the middle of the range, or zero.

    Raises:
        PolicyError: A bound is no multiple of the grid.
    """
    low, high = clip.low / clip.grid, clip.high / clip.grid
    if low != low.to_integral_value() or high != high.to_integral_value():
        raise PolicyError(
            "dp.clip-off-grid",
            what=f"the clip of query '{name}' does not lie on its grid",
            why="values become whole multiples of the grid; a bound between two multiples would be rounded silently",
            fix="let low and high be multiples of grid",
        )
    # A mean is summed from the middle of its range: half the sensitivity of a sum from zero, or less.
    center = (int(low) + int(high)) // 2 if centered else 0
    return Units(grid=clip.grid, low=int(low), high=int(high), center=center)


def noise_part(quantity: Quantity, frame: Frame, *, rho_micro: int, name: str) -> NoisePart:
    """Scale the noise of one vector from what one person may add, so that the mechanism's own map stays within `rho_micro`.

    Raises:
        PolicyError: One person may add more to a cell than 64-bit sums allow, or no scale meets the loss.
    """
    units = frame.units if quantity == "sum" else None
    per_row = units.half if units else 1
    bound = frame.rows_per_person_per_cell * per_row
    if bound >= MAX_UNITS:
        raise PolicyError(
            "dp.grid-too-fine",
            what=f"one person may add {bound:,} grid units to a cell of query '{name}'",
            why="the sum over many people must stay inside 64-bit whole numbers",
            fix="use a coarser grid, a narrower clip or fewer rows a person",
        )
    sensitivity = distance_at_least(frame.cells_per_person * bound * bound)
    sigma = sigma_for(sensitivity, rho_micro=rho_micro)
    loss = math.ceil(loss_of(sigma, sensitivity=sensitivity) * MICRO)
    natural = float(units.grid) if units else 1.0
    return NoisePart(quantity, bound, sensitivity, rho_micro, sigma, loss, Z_95 * sigma * natural)


def threshold_part(
    query: DpQuery, frame: Frame, quantity: Quantity, *, rho_micro: int
) -> tuple[NoisePart, ThresholdPlan]:
    """Scale noise and threshold of a count by private keys, so that OpenDP's own map stays within ρ and δ.

    Raises:
        PolicyError: The query has no private keys, or no threshold meets the loss.
    """
    keys = asked_with(query.private_keys, query.name)
    bound = frame.rows_per_person_per_cell
    threshold = plan_threshold(
        cells_per_person=frame.cells_per_person, cell_bound=bound, rho_micro=rho_micro, delta=keys.threshold_delta
    )
    part = NoisePart(
        quantity,
        bound,
        threshold.sensitivity,
        rho_micro,
        threshold.sigma,
        threshold.loss_micro,
        Z_95 * threshold.sigma,
        "thresholded_discrete_gaussian",
    )
    return part, threshold


def mean_error(total: NoisePart, count: NoisePart, *, rows: float, from_center: float) -> float:
    """Return the 95 % error of a mean of `rows` rows that lies `from_center` from its center, by the delta method."""
    return math.hypot(total.error_95, count.error_95 * from_center) / rows
