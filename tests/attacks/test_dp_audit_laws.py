"""Audit of the two mechanisms by themselves: the law of the noise, fresh draws, and who is named under private keys.

Each check is also run on a planted fault and must turn red there. `tests/attacks/test_dp_audit.py` audits whole queries.
"""

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from scipy import stats

from anonymization.dp.bounding import bounded_cells
from anonymization.dp.mechanism import draw, sigma_for
from anonymization.dp.threshold import ThresholdPlan, draw_present, plan_threshold
from policies.errors import PolicyError
from tests.support.dp_methods import BOUNDING_KEY, REGIONS, Row, planned, query, visits

ALPHA = 1e-6
DELTA = Decimal("0.01")
Noise = Callable[[Sequence[int], float], list[int]]


def exact_noise(cells: Sequence[int], sigma: float) -> list[int]:
    return draw(cells, sigma=sigma, sensitivity=1.0, rho_micro=math.ceil(1_000_000 / (2 * sigma**2)) + 1)


def halved_noise(cells: Sequence[int], sigma: float) -> list[int]:
    return draw(cells, sigma=sigma / 2, sensitivity=0.5, rho_micro=math.ceil(1_000_000 / (2 * sigma**2)) + 1)


def seeded_noise(cells: Sequence[int], sigma: float) -> list[int]:
    chance = random.Random(7)
    return [cell + round(chance.gauss(0, sigma)) for cell in cells]


# --- the law of the noise


def law_p_value(noise: Noise, sigma: float) -> float:
    """Chi-square of 20,000 draws against the discrete Gaussian law, tails pooled to at least 20 expected draws."""
    drawn = np.asarray(noise([0] * 20_000, sigma))
    reach = math.ceil(8 * sigma)
    points = np.arange(-reach, reach + 1)
    law = np.exp(-(points.astype(float) ** 2) / (2 * sigma**2))
    law *= len(drawn) / law.sum()
    inner = points[law >= 20]
    expected = [law[points < inner[0]].sum(), *law[law >= 20], law[points > inner[-1]].sum()]
    seen = [(drawn < inner[0]).sum(), *((drawn == point).sum() for point in inner), (drawn > inner[-1]).sum()]
    return float(stats.chisquare(seen, expected).pvalue)


@pytest.mark.parametrize("sigma", [0.7, 3.0, 20.9])
def test_the_noise_follows_the_discrete_gaussian_law(sigma: float) -> None:
    assert law_p_value(exact_noise, sigma) > ALPHA


def rounded_noise(cells: Sequence[int], sigma: float) -> list[int]:
    return [int(x) for x in np.rint(np.random.default_rng(5).normal(0, sigma, len(cells)))]


@pytest.mark.parametrize(("fault", "sigma"), [(halved_noise, 3.0), (rounded_noise, 0.7)])
def test_the_law_shows_halved_noise_and_rounded_floats(fault: Noise, sigma: float) -> None:
    assert law_p_value(fault, sigma) < ALPHA


# --- fresh draws


def repeats(noise: Noise) -> bool:
    return noise([5] * 200, 20.0) == noise([5] * 200, 20.0)


def test_two_draws_differ_and_a_fixed_seed_is_found() -> None:
    # Seeding what a program could seed changes nothing: the noise does not come from there.
    random.seed(1)
    np.random.seed(1)
    first = exact_noise([5] * 200, 20.0)
    random.seed(1)
    np.random.seed(1)
    assert exact_noise([5] * 200, 20.0) != first
    assert not repeats(exact_noise)
    assert repeats(seeded_noise)


# --- private keys: who is named


def threshold_plan(*, cells: int = 1, bound: int = 1, rho: int = 500_000, delta: Decimal = DELTA) -> ThresholdPlan:
    return plan_threshold(cells_per_person=cells, cell_bound=bound, rho_micro=rho, delta=delta)


def tail(sigma: float, reach: int) -> float:
    """P(noise >= reach) of the discrete law, summed point by point."""
    points = range(-math.ceil(40 * sigma) - 1, math.ceil(40 * sigma) + 2)
    law = {point: math.exp(-(point**2) / (2 * sigma**2)) for point in points}
    return sum(weight for point, weight in law.items() if point >= reach) / sum(law.values())


PLANS = [
    threshold_plan(),
    threshold_plan(cells=20, rho=22_893, delta=Decimal("0.0000005")),
    threshold_plan(cells=10, bound=3, rho=1_000, delta=Decimal("0.00000001")),
    threshold_plan(cells=3, bound=7, rho=3_000_000, delta=Decimal("0.000001")),
]


@pytest.mark.parametrize("plan", PLANS)
def test_delta_covers_the_exact_chance_that_cells_of_one_person_are_named(plan: ThresholdPlan) -> None:
    one = tail(plan.sigma, plan.threshold + 1 - plan.cell_bound)
    assert 1 - (1 - one) ** plan.cells_per_person <= plan.mapped_delta <= plan.delta
    assert Fraction(plan.sensitivity) ** 2 >= plan.cells_per_person * plan.cell_bound**2


def test_naming_counts_at_the_threshold_would_break_delta() -> None:
    # opendp issue 2922: the library names them, and its δ leaves them out.
    plan = threshold_plan()
    assert tail(plan.sigma, plan.threshold - plan.cell_bound) > plan.mapped_delta


def named_chance(named: Callable[[Mapping[int, int]], Mapping[int, int]]) -> tuple[float, float]:
    """Bound the chance that a cell held by one person is named; 20,000 such cells are as many runs."""
    runs = 20_000
    hits = len(named(dict.fromkeys(range(runs), 1)))
    low = stats.beta.ppf(ALPHA, hits, runs - hits + 1) if hits else 0.0
    return float(low), float(stats.beta.ppf(1 - ALPHA, hits + 1, runs - hits))


def test_a_cell_of_one_person_is_named_no_more_often_than_delta() -> None:
    # A scale at which δ is nearly spent, so that the test would see a threshold one too low.
    plan = threshold_plan(rho=5_000)
    low, high = named_chance(lambda cells: draw_present(cells, plan))
    assert low <= plan.mapped_delta
    assert high > plan.mapped_delta / 2


def test_the_presence_test_finds_a_threshold_that_is_off_or_too_low() -> None:
    plan = threshold_plan(rho=5_000)
    everyone = replace(plan, threshold=2, delta=Decimal("0.999"))
    lower = replace(plan, threshold=plan.threshold - 5, delta=Decimal("0.999"))
    for fault in (everyone, lower):
        low, _ = named_chance(lambda cells, fault=fault: draw_present(cells, fault))  # type: ignore[misc]
        assert low > plan.delta


def test_counts_at_the_threshold_are_not_named_and_large_ones_are() -> None:
    plan = threshold_plan()
    drawn = draw_present(dict.fromkeys(range(2_000), plan.threshold), plan)
    assert min(drawn.values()) > plan.threshold
    assert 0 < len(drawn) < 2_000
    assert list(drawn) == sorted(drawn)
    assert draw_present({3: 1_000, 1: 900, 2: 1}, plan).keys() == {1, 3}
    assert draw_present({}, plan) == {}


@pytest.mark.parametrize(
    "changes",
    [{"sigma": 0.5}, {"threshold": 2}, {"sensitivity": 0.5}, {"rho_micro": 1}, {"delta": Decimal("1e-12")}],
)
def test_a_plan_that_was_tampered_with_is_refused_before_a_draw(changes: dict[str, object]) -> None:
    with pytest.raises(PolicyError) as refused:
        draw_present({1: 1_000}, replace(threshold_plan(), **changes))  # type: ignore[arg-type]
    assert refused.value.code == "dp.loss-above-plan"


def test_cells_of_nobody_are_refused() -> None:
    with pytest.raises(PolicyError) as refused:
        draw_present({1: 5, 2: 0}, threshold_plan())
    assert refused.value.code == "dp.empty-cell-named"


@pytest.mark.parametrize(
    "changes", [{"cells": 0}, {"bound": 0}, {"rho": 0}, {"delta": Decimal(0)}, {"delta": Decimal(1)}]
)
def test_plans_out_of_range_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(PolicyError) as refused:
        threshold_plan(**changes)  # type: ignore[arg-type]
    assert refused.value.code == "dp.threshold-range"


def test_delta_of_the_threshold_and_of_the_conversion_add_up() -> None:
    plan = threshold_plan(cells=20, rho=22_893, delta=Decimal("0.0000005"))
    # Reference section 3.2: ρ = 0.0229, δ/2 for each, gives σ = 20.9, threshold 115, ε = 1.
    assert (round(plan.sigma, 1), plan.threshold) == (20.9, 115)
    assert 0.99 < plan.epsilon(delta=Decimal("0.000001")) <= 1.001
    with pytest.raises(PolicyError) as refused:
        plan.epsilon(delta=plan.delta)
    assert refused.value.code == "dp.delta-spent"


# --- the whole path, end to end


CROWD: list[Row] = [(f"p{n}", region, year, 6.0) for n in range(20) for region in REGIONS for year in (2023, 2024)]


def test_thirty_whole_runs_spread_as_the_plan_says() -> None:
    asked = planned([query("people", cells=3)], rho="0.5").queries[0]
    part = asked.parts[0]
    runs = []
    for number in range(30):
        cells = bounded_cells(visits(CROWD), asked, key=BOUNDING_KEY)["people"].tolist()
        assert sum(cells) == 60, number
        noisy = draw(cells, sigma=part.sigma, sensitivity=part.sensitivity, rho_micro=part.rho_micro)
        runs.append(np.asarray(noisy) - cells)
    spread = float((np.asarray(runs) ** 2).sum()) / part.sigma**2
    low, high = stats.chi2.ppf([ALPHA / 2, 1 - ALPHA / 2], 30 * asked.cells)
    assert low < spread < high
    # Half the noise would be outside: the test can fail.
    assert spread / 4 < low


def test_the_scale_is_that_of_the_sensitivity() -> None:
    for cells in (1, 5, 20):
        sigma = sigma_for(math.sqrt(cells), rho_micro=100_000)
        assert sigma == pytest.approx(math.sqrt(cells / 0.2))
