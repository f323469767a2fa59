"""OpenDP's discrete Gaussian on vectors of whole numbers: its loss, its draws, its conversion to (ε, δ).

Belongs here: the calls of OpenDP for vectors. Does not: sensitivities (see `plan`), seeds (there are none), OpenDP's Polars planner
(it has open privacy bugs). OpenDP is imported inside functions because the import takes seconds.

Source: Canonne, Kamath, Steinke, The Discrete Gaussian for Differential Privacy, NeurIPS 2020; Bun & Steinke, TCC 2016.
"""

import math
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from anonymization.dp.library import core
from policies.errors import PolicyError

MICRO = 1_000_000
"""Micro-ρ in one ρ; all accounting is in whole micro-ρ."""

_SIGMA_STEPS = 1_000


def _measurement(sigma: float) -> Any:
    dp = core()
    space = (dp.vector_domain(dp.atom_domain(T="i64")), dp.l2_distance(T="f64"))
    return space >> dp.m.then_gaussian(sigma)


def distance_at_least(squared: int) -> float:
    """Return the smallest float whose square is at least `squared`, so that a sensitivity is never rounded down."""
    distance = math.sqrt(squared)
    while Fraction(distance) ** 2 < squared:
        distance = math.nextafter(distance, math.inf)
    return distance


def loss_of(sigma: float, *, sensitivity: float) -> Fraction:
    """Return the ρ that OpenDP's own map gives for noise of scale `sigma` at L2 distance `sensitivity`."""
    return Fraction(float(_measurement(sigma).map(sensitivity)))


def sigma_for(sensitivity: float, *, rho_micro: int) -> float:
    """Return the smallest usable scale whose loss by OpenDP's map is at most `rho_micro` micro-ρ.

    Args:
        sensitivity: L2 sensitivity, already rounded up.
        rho_micro: The planned loss; at least 1.

    Raises:
        PolicyError: The map never comes down to the plan (a bound too large for the mechanism's arithmetic).
    """
    planned = Fraction(rho_micro, MICRO)
    sigma = sensitivity / math.sqrt(2 * rho_micro / MICRO)
    for _ in range(_SIGMA_STEPS):
        if loss_of(sigma, sensitivity=sensitivity) <= planned:
            return sigma
        sigma = math.nextafter(sigma, math.inf)
    raise PolicyError(
        "dp.no-scale",
        what="no noise scale meets the planned loss",
        why="the loss that the mechanism reports stays above the plan, so the release would cost more than it says",
        fix="make the bounds of the query smaller, or its share of ρ larger",
    )


def draw(cells: Sequence[int], *, sigma: float, sensitivity: float, rho_micro: int) -> list[int]:
    """Add discrete Gaussian noise to a vector of whole numbers, once.

    Args:
        cells: The bounded cells, in grid order.
        sigma: Scale of the noise.
        sensitivity: L2 sensitivity of `cells` to one person.
        rho_micro: The loss that the ledger was charged for this draw.

    Returns:
        As many whole numbers, in the same order; they may be negative.

    Raises:
        PolicyError: The mechanism's loss is above `rho_micro`; nothing was drawn.

    Guarantee: ρ-zCDP with ρ = `rho_micro` / 1e6, if `sensitivity` bounds the L2 change that one person makes.
    Not guaranteed: anything about a caller who draws twice from the same cells and charges once.
    """
    measurement = _measurement(sigma)
    if Fraction(float(measurement.map(sensitivity))) > Fraction(rho_micro, MICRO):
        raise PolicyError(
            "dp.loss-above-plan",
            what="the mechanism would lose more than was charged",
            why="the loss that its map returns is above the planned share",
            fix="make the plan again from the policy; do not change its scale",
        )
    return [int(value) for value in measurement([int(value) for value in cells])]


def epsilon_of(rho_micro: int, *, delta: Decimal) -> float:
    """Return the ε at `delta` of a loss of `rho_micro` micro-ρ, for display only; rounded up.

    Source: OpenDP `make_zCDP_to_approxDP`; Bun & Steinke 2016, tightened by Canonne et al. 2020, proposition 7.
    """
    dp = core()
    distance = math.nextafter(math.sqrt(2 * rho_micro / MICRO), math.inf)
    converted: Any = dp.c.make_zCDP_to_approxDP(_measurement(1.0))
    curve = converted.map(distance)
    return math.ceil(float(curve.epsilon(float(delta))) * 10_000) / 10_000
