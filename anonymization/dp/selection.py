"""Which of several public candidates scores highest, and nothing else: OpenDP's noisy maximum under zCDP.

Belongs here: its loss, its scale, its draw, its stated error. Does not: scores, and that one person changes them by no more
than is said (see `queries.most_frequent`).

Source: McSherry & Talwar, FOCS 2007 (exponential mechanism); Durfee & Rogers, NeurIPS 2019 (k highest of one Gumbel
draw are k rounds of it, each without the ones before); Cesar & Rogers, ALT 2021 (its zCDP).
"""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from anonymization.dp.library import core
from anonymization.dp.mechanism import MICRO
from policies.errors import PolicyError

_STEPS = 1_000


def selection_loss(scale: float, *, count: int, sensitivity: int) -> Fraction:
    """Return the ρ that OpenDP's own map gives for the `count` highest of scores that one person only raises, by `sensitivity` at most."""
    return Fraction(float(_measurement(scale, count).map(sensitivity)))


def selection_scale(*, count: int, sensitivity: int, rho_micro: int) -> float:
    """Return the smallest usable scale whose loss by OpenDP's map is at most `rho_micro` micro-ρ.

    Args:
        count: How many candidates are chosen.
        sensitivity: How far one person raises a score (L∞).
        rho_micro: The planned loss; at least 1.

    Raises:
        PolicyError: The map never comes down to the plan.
    """
    planned = Fraction(rho_micro, MICRO)
    scale = sensitivity * math.sqrt(count * MICRO / (8 * rho_micro))
    for _ in range(_STEPS):
        if selection_loss(scale, count=count, sensitivity=sensitivity) <= planned:
            return scale
        scale = math.nextafter(scale, math.inf)
    raise PolicyError(
        "dp.no-scale",
        what="no noise scale meets the planned loss",
        why="the loss that the mechanism reports stays above the plan, so the release would cost more than it says",
        fix="make the bounds of the query smaller, or its share of ρ larger",
    )


def select(scores: Sequence[int], *, scale: float, count: int, sensitivity: int, rho_micro: int) -> list[int]:
    """Return the places of the `count` scores that are highest after noise, the highest first; drawn once.

    Args:
        scores: Whole numbers, one a candidate.
        scale: Scale of the choice: one candidate is e times as likely as another whose score is `scale` lower.
        count: How many places; not above the number of scores.
        sensitivity: How far one person raises a score (L∞).
        rho_micro: The loss that the ledger was charged for this draw.

    Raises:
        PolicyError: There are fewer scores than places, or the mechanism's loss is above `rho_micro`; nothing was drawn.

    Guarantee: ρ-zCDP with ρ = `rho_micro` / 1e6, if adding one person lowers no score and raises each by at most `sensitivity`.
    Not guaranteed: anything for scores that one person may raise here and lower there: their loss is four times as large.
    """
    if not 0 < count <= len(scores) or selection_loss(scale, count=count, sensitivity=sensitivity) > Fraction(
        rho_micro, MICRO
    ):
        raise PolicyError(
            "dp.loss-above-plan",
            what="the choice would lose more than was charged, or asks for more places than there are",
            why="the loss that its map returns is above the planned share",
            fix="make the plan again from the policy; do not change its scale",
        )
    return [int(place) for place in _measurement(scale, count)([int(score) for score in scores])]


def selection_error(scale: float, *, candidates: int, count: int) -> float:
    """Return how far below the best one left each chosen score may lie in 95 of 100 cases, for all `count` at once.

    The worst case is the one that all others score as low as that: their joint chance, of weights exp(score / scale),
    is then 0.05 / count. Because of those before, the best one left at rank j is at least the true j-th.
    """
    failing = 0.05 / count
    others = candidates - 1
    return scale * max(0.0, math.log(others * (1 - failing) / failing)) if others else 0.0


def _measurement(scale: float, count: int) -> Any:
    dp = core()
    # Monotonic: infinite distance unless all scores move in one direction.
    space = (dp.vector_domain(dp.atom_domain(T="i64")), dp.linf_distance(T="i64", monotonic=True))
    return space >> dp.m.then_noisy_top_k(dp.zero_concentrated_divergence(), k=count, scale=scale)
