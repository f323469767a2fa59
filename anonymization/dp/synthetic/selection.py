"""Choose which marginal to measure next: where the model is farthest off, by OpenDP's noisy maximum under zCDP.

The score of a candidate is the L1 distance between its counts and the model's expected counts, rounded to whole people,
less a public allowance for noise. One person moves one cell of a marginal by one, so each score by at most one; the model
comes from earlier draws. Source: McKenna et al., AIM, PVLDB 15(11), 2022 (without weights, so that the bound is one).
"""

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import combinations
from typing import Any

import numpy as np

from anonymization.dp.library import core
from anonymization.dp.mechanism import MICRO
from anonymization.dp.synthetic.domain import Codes, Domain
from anonymization.dp.synthetic.model import Model
from anonymization.dp.synthetic.people import count_cells
from anonymization.dp.synthetic.tree import Clique, cells_of, tree_cells
from policies.errors import PolicyError


def noisy_max(scores: Sequence[int], *, scale: float, rho_micro: int) -> int:
    """Return the place of a score that is large, drawn once.

    Raises:
        PolicyError: The mechanism's loss is above `rho_micro`; nothing was drawn.

    Guarantee: ρ-zCDP with ρ = `rho_micro` / 1e6, if one person changes each score by at most 1.
    """
    if choice_loss(scale) > Fraction(rho_micro, MICRO):
        raise PolicyError(
            "dp.loss-above-plan",
            what="the choice would lose more than was charged",
            why="the loss that its map returns is above the planned share",
            fix="make the plan again; do not change its scale",
        )
    return int(_choice(scale)([int(score) for score in scores]))


def scale_for(rho_micro: int) -> float:
    """Return the smallest usable scale whose loss by OpenDP's map is at most `rho_micro` micro-ρ for scores that move by 1."""
    scale = math.sqrt(MICRO / (2 * rho_micro))
    while choice_loss(scale) > Fraction(rho_micro, MICRO):
        scale = math.nextafter(scale, math.inf)
    return scale


def choice_loss(scale: float) -> Fraction:
    """Return the ρ that OpenDP's own map gives for scores that move by at most 1."""
    return Fraction(float(_choice(scale).map(1)))


def candidates(domain: Domain, known: Sequence[Clique], *, most_columns: int, max_cells: int) -> Iterator[Clique]:
    """Yield the cliques that no known clique holds and that keep the model within `max_cells`; follows from public facts."""
    for width in range(2, most_columns + 1):
        for clique in combinations(range(len(domain.columns)), width):
            is_new = not any(set(clique) <= set(one) for one in known)
            if is_new and tree_cells(domain.sizes, [*known, clique]) <= max_cells:
                yield clique


def score(codes: Codes, model: Model, clique: Clique, *, domain: Domain, sigma: float) -> int:
    """Return how far the model's expected counts are from the counts, less the error that measuring would bring."""
    counts = np.array(count_cells(codes, clique, domain))
    expected = np.rint(model.total * model.marginal(clique)).astype(np.int64).ravel()
    allowance = round(math.sqrt(2 / math.pi) * sigma * cells_of(clique, domain.sizes))
    return int(np.abs(counts - expected).sum()) - allowance


def _choice(scale: float) -> Any:
    dp = core()
    space = (dp.vector_domain(dp.atom_domain(T="i64")), dp.linf_distance(T="i64"))
    return space >> dp.m.then_noisy_max(dp.zero_concentrated_divergence(), scale=scale)
