"""The plan of a differentially private release: cells, bounds, scales, losses, expected errors. Reads no data.

Everything here follows from the policy alone, so it can be shown, reviewed and charged before a row is read.
"""

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from statistics import NormalDist
from typing import Literal

from anonymization.dp.mechanism import MICRO, distance_at_least, epsilon_of, loss_of, sigma_for
from policies.errors import PolicyError
from policies.model.method import Clip, DpQuery, DpStatistics, PublicKeys

Z_95 = NormalDist().inv_cdf(0.975)
MAX_CELLS = 200_000
"""Cells of one query; a discrete Gaussian draw takes about 13 µs."""
MAX_UNITS = 2**31
"""Largest contribution of one person to one cell, so that the sum over 2^31 people stays inside 64 bits."""
REFERENCE_ROWS = 100
"""The error of a mean depends on how many rows it has; it is stated for a cell of this many."""

Statistic = Literal["people", "rows", "sum", "mean"]
Quantity = Literal["people", "rows", "sum"]


@dataclass(frozen=True, slots=True)
class NoisePart:
    """One noisy vector of a query: what is counted, how far one person moves it, and the noise it gets.

    `cell_bound` is the largest change of one cell in units; `sensitivity` is √(cells per person) · `cell_bound`, rounded
    up; `loss_micro` is the loss by OpenDP's map, rounded up, never above `rho_micro`; `error_95` is in natural units.
    """

    quantity: Quantity
    cell_bound: int
    sensitivity: float
    rho_micro: int
    sigma: float
    loss_micro: int
    error_95: float


@dataclass(frozen=True, slots=True)
class Units:
    """Natural values as whole numbers: `value / grid`, clipped to `low` … `high`, counted from `center`."""

    grid: Decimal
    low: int
    high: int
    center: int

    def natural(self, units: int) -> float:
        """Return `units` in natural units."""
        return float(units * self.grid)


@dataclass(frozen=True, slots=True)
class QueryPlan:
    """One query, ready to be bounded and drawn; `cells_per_person` is never above the number of cells."""

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

    def part(self, quantity: Quantity) -> NoisePart:
        """Return the noisy vector of `quantity`."""
        return next(part for part in self.parts if part.quantity == quantity)

    def as_json(self) -> dict[str, object]:
        """Return the plan of this query as plain JSON values; everything in it is public."""
        return {
            "name": self.name,
            "statistic": self.statistic,
            "table": self.table,
            "by": [{"column": key.column, "values": len(key.values), "source": key.source} for key in self.by],
            "value": self.value,
            "clip": None if self.units is None else _units_json(self.units, self.clip_source),
            "cells": self.cells,
            "cells_per_person": self.cells_per_person,
            "rows_per_person_per_cell": self.rows_per_person_per_cell,
            "bounds_source": self.bounds_source,
            "noise": [
                {
                    "quantity": part.quantity,
                    "l2_sensitivity": part.sensitivity,
                    "sigma": part.sigma,
                    "rho": micro_text(part.rho_micro),
                    "error_95": part.error_95,
                }
                for part in self.parts
            ],
            "error_95": self.error_95,
            "error_95_for": f"a cell of {REFERENCE_ROWS} rows" if self.statistic == "mean" else "every cell",
        }


@dataclass(frozen=True, slots=True)
class DpPlan:
    """A whole release before it is run: what it is charged, and what each query will be worth.

    `query_hash` names the question (policy digest, bounds, keys, losses); together with `snapshot_digest` it is what
    the ledger recognizes a repeat by. A changed policy is a new question and is charged again.
    """

    population: str
    charge_micro: int
    cap_micro: int
    delta: Decimal
    epsilon: float
    policy_digest: str
    snapshot_digest: str
    query_hash: str
    queries: tuple[QueryPlan, ...]

    def as_json(self) -> dict[str, object]:
        """Return the plan as plain JSON values; everything in it is public."""
        return {
            "population": self.population,
            "rho": micro_text(self.charge_micro),
            "population_rho_cap": micro_text(self.cap_micro),
            "delta": str(self.delta),
            "epsilon": self.epsilon,
            "query_hash": self.query_hash,
            "queries": [query.as_json() for query in self.queries],
        }


def micro_text(micro: int) -> str:
    """Return micro-ρ as an exact decimal in ρ, such as `0.05`."""
    return format((Decimal(micro) / MICRO).normalize(), "f")


def plan(method: DpStatistics, *, policy_digest: str, snapshot_digest: str) -> DpPlan:
    """Plan a release: share the loss, derive each scale from its sensitivity, and say the error to expect.

    The charge is the policy's ρ rounded up to whole micro-ρ, shares and cap are rounded down, so the parts never sum to
    more than what is charged. A mean splits its share evenly between its sum and its count.

    Args:
        method: The method of the release policy.
        policy_digest: Digest of the release policy.
        snapshot_digest: Digest of the data that will be read; not part of `query_hash`.

    Raises:
        PolicyError: Keys repeat, a clip does not lie on its grid, a share is below one micro-ρ, or there are too many
            cells.

    Guarantee: the sum of the losses by OpenDP's own map is at most `charge_micro`.
    Not guaranteed: that the budget has room; the ledger says so when it is charged.

    Source: Bun & Steinke 2016 (losses add); L2 sensitivity √K · bound for K cells a person.
    """
    charge = _micro(method.budget.release_rho, up=True)
    queries = tuple(_query(query, share_micro=_share(query, method.budget.release_rho)) for query in method.queries)
    planned = sum(part.rho_micro for query in queries for part in query.parts)
    lost = sum(part.loss_micro for query in queries for part in query.parts)
    if planned > charge or lost > charge:
        raise PolicyError(
            "dp.plan-above-charge",
            what="the queries would lose more than the release is charged",
            why=f"planned {planned}, mapped {lost}, charged {charge} micro-ρ",
            fix="let the rho_share of all queries sum to 1",
        )
    return DpPlan(
        population=method.budget.population,
        charge_micro=charge,
        cap_micro=_micro(method.budget.population_rho_cap, up=False),
        delta=method.budget.delta,
        epsilon=epsilon_of(charge, delta=method.budget.delta),
        policy_digest=policy_digest,
        snapshot_digest=snapshot_digest,
        query_hash=_hash(method, policy_digest, charge, queries),
        queries=queries,
    )


def _micro(rho: Decimal, *, up: bool) -> int:
    return int((rho * MICRO).to_integral_value(rounding=ROUND_CEILING if up else ROUND_FLOOR))


def _share(query: DpQuery, release_rho: Decimal) -> int:
    share = _micro(query.rho_share * release_rho, up=False)
    needed = 2 if query.statistic == "mean" else 1
    if share < needed:
        raise PolicyError(
            "dp.share-too-small",
            what=f"query '{query.name}' gets less than {needed} micro-ρ",
            why="losses are accounted in whole micro-ρ, and a mean needs one for its sum and one for its count",
            fix="raise its rho_share, or release_rho",
        )
    return share


def _query(query: DpQuery, *, share_micro: int) -> QueryPlan:
    _check_keys(query.by, query.name)
    cells = math.prod(len(key.values) for key in query.by)
    if cells > MAX_CELLS:
        raise PolicyError(
            "dp.too-many-cells",
            what=f"query '{query.name}' has {cells:,} cells, more than {MAX_CELLS:,}",
            why="every cell gets its own noise, empty or not",
            fix="group by fewer columns, or by coarser keys",
        )
    units = None if query.clip is None else _units(query.clip, query.name, centered=query.statistic == "mean")
    rows = 1 if query.statistic == "people" else query.bounds.rows_per_person_per_cell
    # A person cannot be in more cells than there are: the tighter bound costs nothing.
    person_cells = min(query.bounds.cells_per_person, cells)
    parts = tuple(
        _part(quantity, person_cells, rows, share, units, query.name)
        for quantity, share in _split(query.statistic, share_micro)
    )
    return QueryPlan(
        name=query.name,
        statistic=query.statistic,
        table=query.table,
        by=query.by,
        value=query.value,
        units=units,
        cells=cells,
        cells_per_person=person_cells,
        rows_per_person_per_cell=rows,
        bounds_source=query.bounds.source,
        clip_source=query.clip.source if query.clip else None,
        parts=parts,
        error_95=_query_error(parts, units),
    )


def _check_keys(by: Sequence[PublicKeys], name: str) -> None:
    # A repeated key would count a row twice in the join, which doubles the true sensitivity.
    columns = [key.column for key in by]
    repeated = [key.column for key in by if len(set(key.values)) != len(key.values)]
    if len(set(columns)) != len(columns) or repeated:
        raise PolicyError(
            "dp.repeated-key",
            what=f"query '{name}' repeats a grouping column or a value of one",
            why="a row that falls in two cells at once moves the release more than its noise covers",
            fix="write each grouping column and each of its values once",
        )


def _units(clip: Clip, name: str, *, centered: bool) -> Units:
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


def _split(statistic: Statistic, share_micro: int) -> tuple[tuple[Quantity, int], ...]:
    if statistic == "mean":
        return (("sum", share_micro // 2), ("rows", share_micro - share_micro // 2))
    return ((statistic, share_micro),)


def _part(quantity: Quantity, cells: int, rows: int, share: int, units: Units | None, name: str) -> NoisePart:
    per_row = 1
    if quantity == "sum" and units is not None:
        per_row = max(abs(units.low - units.center), abs(units.high - units.center))
    bound = rows * per_row
    if bound >= MAX_UNITS:
        raise PolicyError(
            "dp.grid-too-fine",
            what=f"one person may add {bound:,} grid units to a cell of query '{name}'",
            why="the sum over many people must stay inside 64-bit whole numbers",
            fix="use a coarser grid, a narrower clip or fewer rows a person",
        )
    sensitivity = distance_at_least(cells * bound * bound)
    sigma = sigma_for(sensitivity, rho_micro=share)
    loss = math.ceil(loss_of(sigma, sensitivity=sensitivity) * MICRO)
    natural = float(units.grid) if quantity == "sum" and units is not None else 1.0
    return NoisePart(quantity, bound, sensitivity, share, sigma, loss, Z_95 * sigma * natural)


def _query_error(parts: tuple[NoisePart, ...], units: Units | None) -> float:
    if len(parts) == 1:
        return parts[0].error_95
    return mean_error(parts[0], parts[1], rows=REFERENCE_ROWS, from_center=_half_range(units))


def _half_range(units: Units | None) -> float:
    return 0.0 if units is None else max(units.high - units.center, units.center - units.low) * float(units.grid)


def mean_error(total: NoisePart, count: NoisePart, *, rows: float, from_center: float) -> float:
    """Return the 95 % error of a mean of `rows` rows that lies `from_center` from its center, by the delta method."""
    return math.hypot(total.error_95, count.error_95 * from_center) / rows


def _hash(method: DpStatistics, policy_digest: str, charge: int, queries: Sequence[QueryPlan]) -> str:
    question = {
        "schema": "niji/dp-question/v1",
        "policy": policy_digest,
        "population": method.budget.population,
        "neighbouring": method.neighbouring,
        "mechanism": method.mechanism,
        "charge_micro": charge,
        "queries": [
            {
                "name": query.name,
                "statistic": query.statistic,
                "table": query.table,
                "by": [[key.column, list(key.values)] for key in query.by],
                "value": query.value,
                "units": None if query.units is None else _units_json(query.units, None),
                "cells_per_person": query.cells_per_person,
                "rows_per_person_per_cell": query.rows_per_person_per_cell,
                "parts": [[part.quantity, part.rho_micro] for part in query.parts],
            }
            for query in queries
        ],
    }
    text = json.dumps(question, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _units_json(units: Units, source: str | None) -> dict[str, object]:
    return {
        "low": str(units.low * units.grid),
        "high": str(units.high * units.grid),
        "grid": str(units.grid),
        "center": str(units.center * units.grid),
        "source": source,
    }
