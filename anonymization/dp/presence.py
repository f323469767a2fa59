"""Counts of people whose keys are private, drawn as two noisy vectors: one decides which cells are named, both are the count.

Belongs here: the plan of such a release and its draw. Does not: bounding (see `bounding`), and one vector (see `threshold`).

Noise hides what a person in K cells changes, √K; a person in m cells changes √m and leaves the rest unused. Here that rest
speaks for naming. In each of m cells a person adds, in units of 1/5g of a person, with s = ⌊g√(K/m − 1)⌋,

    naming: 4g + 3s        rest: 3g − 4s        so that 4·naming + 3·rest = 25g, and m·(naming² + rest²) ≤ 25g²K.

For every m the two vectors together thus lose no more than one vector of counts does for K cells at the same noise, and
(4·naming + 3·rest)/25g is the count with just the noise of that one vector. But `naming` says more of a person in few cells:
below 0.9 K cells more than the count would, and smaller cells pass the threshold. Where everybody is in K cells it says 4/5.

Source: Bun & Steinke, TCC 2016 (losses of one pair of neighbors add up); Gopi et al., Differentially Private Set Union, ICML
2020 (people in few cells weigh more); OpenDP `make_gaussian_threshold`; Canonne, Kamath, Steinke, NeurIPS 2020 (noise).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from statistics import NormalDist

from anonymization.dp.conversion import rho_for
from anonymization.dp.mechanism import MICRO, distance_at_least, draw, epsilon_of, loss_of
from anonymization.dp.threshold import draw_above, threshold_loss
from policies.errors import PolicyError

GRAINS = 1_000
"""g above: whole numbers a fifth of a person; s is rounded down by less than one of them, which costs nothing to see."""
MOST_CELLS = 1_000
_PERSON = 25 * GRAINS
_SPLITS = 10
_STEPS = 100
_SMALLEST_DELTA = Decimal("1e-15")

CellsBySize = Mapping[int, Mapping[int, int]]
"""For each cell that holds someone: how many people, by the number of cells that they count in; raw results."""


@dataclass(frozen=True, slots=True)
class PresencePlan:
    """A release of counts under private keys before it is run; public, and free.

    `sigma` and `threshold` are in units of 1/5g of a person, `error` is the standard deviation of a named count, in people.
    `rho_micro` and `delta` are what the release is planned to lose, `mapped_delta` is the δ by OpenDP's own map.
    """

    cells_per_person: int
    sigma: float
    threshold: int
    rho_micro: int
    delta: Decimal
    mapped_delta: float

    @property
    def error(self) -> float:
        """Standard deviation of the noise of a count, in people."""
        return self.sigma / (5 * GRAINS)

    def named_above(self, cells: int) -> float:
        """Return how many people, each in `cells` cells, a cell must hold to be named half of the time."""
        return self.threshold / weights(cells, self.cells_per_person)[0]

    def epsilon(self, *, delta: Decimal) -> float:
        """Return the ε of this release at `delta` in all: what `delta` leaves above the threshold's own converts ρ.

        Raises:
            PolicyError: `delta` leaves nothing.
        """
        if delta <= self.delta:
            raise PolicyError(
                "dp.delta-spent",
                what="the threshold takes all of δ, so none is left to convert ρ to ε",
                why="δ of the threshold and δ of the conversion add up",
                fix="give the threshold a smaller δ than the release has",
            )
        return epsilon_of(self.rho_micro, delta=delta - self.delta)


def weights(cells: int, cells_per_person: int) -> tuple[int, int]:
    """Return what a person who counts in `cells` cells adds to each of them: to the naming vector, and to the rest."""
    spare = math.isqrt(GRAINS * GRAINS * (cells_per_person - cells) // cells)
    return 4 * GRAINS + 3 * spare, 3 * GRAINS - 4 * spare


def plan_presence(*, cells_per_person: int, rho_micro: int, delta: Decimal) -> PresencePlan:
    """Find the smallest noise scale, then the smallest threshold, that keep to `rho_micro` and `delta`.

    Args:
        cells_per_person: Cells that one person may count in (K), each once; at most 1,000.
        rho_micro: Loss in micro-ρ of both vectors together; at least 1.
        delta: Chance that the threshold may fail for one person; between 1e-15 and 1, both excluded.

    Raises:
        PolicyError: A bound, the loss or δ is outside its range, or OpenDP's maps never come down to the plan.

    Guarantee: for a person in any number of cells up to K, the losses that OpenDP's own maps give for the two vectors add
        up to at most `rho_micro`, and δ is at most `delta`, compared exactly.
    Not guaranteed: that a cell is named, however large it is; the chance is stated by the noise.
    """
    if not (1 <= cells_per_person <= MOST_CELLS and rho_micro >= 1 and _SMALLEST_DELTA < delta < 1):
        raise PolicyError(
            "dp.threshold-range",
            what=f"a bound is not between 1 and {MOST_CELLS:,}, ρ is below 1 unit, or δ is not between 1e-15 and 1",
            why="such a plan promises nothing, or cannot be kept",
            fix="write bounds and micro-ρ of at least 1, and a δ well below one in the number of people",
        )
    sigma = 5 * GRAINS * math.sqrt(cells_per_person / (2 * rho_micro / MICRO))
    for _ in range(_STEPS):
        if _largest_loss(sigma, cells_per_person) <= Fraction(rho_micro, MICRO):
            break
        # A billionth of a billionth is too little to see and enough for what the maps round up.
        sigma *= 1 + 1e-14
    threshold = _lowest_threshold(sigma, cells_per_person, delta)
    plan = PresencePlan(cells_per_person, sigma, threshold, rho_micro, delta, 0.0)
    mapped = _check_loss(plan)
    return PresencePlan(cells_per_person, sigma, threshold, rho_micro, delta, mapped)


def plan_presence_within(
    epsilon: Decimal, delta: Decimal, *, cells_per_person: int, people: int | None = None
) -> PresencePlan:
    """Share (ε, δ) between threshold and conversion, in tenths of δ, so that the lowest counts are named.

    Raises:
        PolicyError: ε or δ is outside its range (see `rho_for`), or the bound is (see `plan_presence`).

    Guarantee: `plan.epsilon(delta=delta)` is at most `epsilon`.
    """
    rho_for(epsilon, delta=delta, people=people)  # refuses what is out of range before δ is shared
    plans = []
    for part in range(1, _SPLITS):
        own = delta * part / _SPLITS
        rho_micro = rho_for(epsilon, delta=delta - own)
        plans.append(plan_presence(cells_per_person=cells_per_person, rho_micro=rho_micro, delta=own))
    return min(plans, key=lambda plan: plan.threshold)


def draw_people(cells: CellsBySize, plan: PresencePlan) -> dict[int, int]:
    """Add discrete Gaussian noise, name the cells above the threshold, and return their counts, once.

    Args:
        cells: People by cell and by the number of cells that they count in, after bounding; cells of nobody are left out.
        plan: The plan that was charged, its δ with it.

    Returns:
        Noisy counts of people by cell number, in the order of the numbers; the noise has `plan.error`.

    Raises:
        PolicyError: A cell holds nobody, a person is in no cell or in more than planned, or the mechanisms would lose more
            than planned; nothing was drawn.

    Guarantee: (ρ, δ) of the plan as approximate zCDP, if one person is counted at most once in each of m ≤
        `plan.cells_per_person` cells, in each of them under m, and nothing else changes with that person.
    Not guaranteed: anything about a caller who draws twice from the same cells and charges once.
    """
    _check_cells(cells, plan)
    _check_loss(plan)
    table = [(0, 0), *(weights(size, plan.cells_per_person) for size in range(1, plan.cells_per_person + 1))]
    naming = {cell: sum(table[size][0] * people for size, people in sizes.items()) for cell, sizes in cells.items()}
    named = draw_above(naming, sigma=plan.sigma, threshold=plan.threshold)
    if not named:
        return {}
    # The rest is asked of named cells only: which they are is known by then, and 0 stands for a cell of nobody.
    rest = [sum(table[size][1] * people for size, people in cells[cell].items()) for cell in named]
    farthest = max(distance_at_least(size * table[size][1] ** 2) for size in range(1, plan.cells_per_person + 1))
    loss = math.ceil(loss_of(plan.sigma, sensitivity=farthest) * MICRO)
    noisy = draw(rest, sigma=plan.sigma, sensitivity=farthest, rho_micro=loss)
    return {
        cell: round(Fraction(4 * first + 3 * second, _PERSON))
        for (cell, first), second in zip(named.items(), noisy, strict=True)
    }


def _check_cells(cells: CellsBySize, plan: PresencePlan) -> None:
    sizes = {size for found in cells.values() for size in found}
    counts = [people for found in cells.values() for people in found.values()]
    is_empty = any(not found for found in cells.values()) or any(people < 1 for people in counts)
    if is_empty or not all(1 <= size <= plan.cells_per_person for size in sizes):
        raise PolicyError(
            "dp.empty-cell-named",
            what="a cell of nobody, or a person in no cell or in too many, was handed over for a release with private keys",
            why="a cell that no person is in must not be there to be named, and who is in too many cells is not hidden",
            fix="leave out the cells of nobody, and bound the cells of each person as planned",
        )


def _largest_loss(sigma: float, cells_per_person: int) -> Fraction:
    """Return the largest loss of the two vectors together, over all that one person may be."""
    return max(_loss(sigma, size, cells_per_person) for size in range(1, cells_per_person + 1))


def _loss(sigma: float, size: int, cells_per_person: int) -> Fraction:
    # Both vectors are drawn from the same pair of neighbors, who differ by a person in `size` cells: their losses add up.
    losses = [
        loss_of(sigma, sensitivity=distance_at_least(size * weight * weight))
        for weight in weights(size, cells_per_person)
        if weight
    ]
    return sum(losses, Fraction(0))


def _delta(sigma: float, threshold: int, size: int, cells_per_person: int) -> Fraction:
    naming = weights(size, cells_per_person)[0]
    distance = (size, distance_at_least(size * naming * naming), float(naming))
    return threshold_loss(sigma, threshold, distance)[1]


def _lowest_threshold(sigma: float, cells_per_person: int, delta: Decimal) -> int:
    """Find the lowest threshold whose δ is small enough for a person in any number of cells; the hardest are tried first."""

    def about(size: int) -> float:
        return weights(size, cells_per_person)[0] - sigma * NormalDist().inv_cdf(float(delta) / size)

    planned, threshold = Fraction(delta), 0
    for size in sorted(range(1, cells_per_person + 1), key=about, reverse=True):
        low = max(threshold, weights(size, cells_per_person)[0] + 1)
        if _delta(sigma, low, size, cells_per_person) <= planned:
            threshold = low
            continue
        high = math.ceil(about(size) + sigma)
        while high - low > 1:
            middle = (low + high) // 2
            is_enough = _delta(sigma, middle, size, cells_per_person) <= planned
            low, high = (low, middle) if is_enough else (middle, high)
        threshold = high
    return threshold


def _check_loss(plan: PresencePlan) -> float:
    """Return the δ by OpenDP's map; refuse a plan that would lose more than it says."""
    sizes = range(1, plan.cells_per_person + 1)
    delta = max(_delta(plan.sigma, plan.threshold, size, plan.cells_per_person) for size in sizes)
    loss = _largest_loss(plan.sigma, plan.cells_per_person)
    if loss > Fraction(plan.rho_micro, MICRO) or delta > Fraction(plan.delta):
        raise PolicyError(
            "dp.loss-above-plan",
            what="the mechanisms would lose more than was charged",
            why="the loss that their maps return, in ρ or in δ, is above the plan",
            fix="make the plan again; do not change its scale or threshold",
        )
    return float(delta)
