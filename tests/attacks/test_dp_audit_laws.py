"""Audit of the mechanisms by themselves: the law of the noise, fresh draws, what they lose, who is named under private keys.

What is planted and must turn red is in `test_dp_audit_faults.py`; `test_dp_audit.py` attacks whole statistics.
"""

import math
import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from scipy import stats

from anonymization.dp.mechanism import draw, epsilon_of, sigma_for
from anonymization.dp.synthetic.selection import choice_loss, noisy_max, scale_for
from anonymization.dp.threshold import ThresholdPlan, draw_present, plan_threshold
from policies.errors import PolicyError
from tests.support.audit_report import line
from tests.support.dp_accountant import (
    epsilon_at,
    epsilon_of_gaussian,
    exact_loss,
    loss_of_choice,
    loss_of_gaussian,
    tail,
)
from tests.support.dp_faults import run_check

ALPHA = 1e-6
DELTA = Decimal("0.01")

Note = Callable[[str, Any], None]


# --- the law of the noise, and what it loses


@pytest.mark.parametrize("statistic", ["people", "sum", "mean", "regression"])
def test_released_less_bounded_follows_the_discrete_gaussian_law(statistic: str, record_property: Note) -> None:
    found = run_check("law", statistic)
    record_property("audit", line(f"law: {statistic}", claim=found.claim, found=found.found, is_red=found.is_red))
    assert not found.is_red


def test_global_seeds_do_not_reach_the_noise() -> None:
    draws = []
    for _ in range(2):
        random.seed(1)
        np.random.seed(1)
        draws.append(draw([5] * 200, sigma=20.0, sensitivity=1.0, rho_micro=1_251))
    assert draws[0] != draws[1]


@pytest.mark.parametrize(("difference", "sigma"), [(1, 0.7), (2, 3.0), (3, 20.9)])
def test_the_law_summed_point_by_point_loses_what_the_formula_says(difference: int, sigma: float) -> None:
    # The discrete law has no atoms that lose more: D_α = α d²/2σ² holds exactly for whole numbers.
    summed = loss_of_gaussian(difference, sigma)
    assert summed == pytest.approx(float(exact_loss([difference], sigma)), rel=1e-12)


@pytest.mark.parametrize("squared", [1, 2, 20, 2 * 240**2])
@pytest.mark.parametrize("rho_micro", [1, 22_893, 333_333, 1_000_000])
def test_a_scale_loses_no_more_than_planned_and_wastes_nothing(squared: int, rho_micro: int) -> None:
    sigma = sigma_for(math.nextafter(math.sqrt(squared), math.inf), rho_micro=rho_micro)
    lost = Fraction(squared) / (2 * Fraction(sigma) ** 2) * 1_000_000
    assert rho_micro * Fraction(999_999, 1_000_000) < lost <= rho_micro


@pytest.mark.parametrize(
    ("rho_micro", "delta"), [(1_000_000, "0.1"), (500_000, "0.00000001"), (22_893, "0.0000005"), (50_000, "1e-8")]
)
def test_the_stated_epsilon_is_that_of_a_second_conversion_and_never_below_the_true_one(
    rho_micro: int, delta: str
) -> None:
    stated = epsilon_of(rho_micro, delta=Decimal(delta))
    assert stated == pytest.approx(epsilon_at(rho_micro / 1e6, float(delta)), abs=2e-4)
    assert stated > epsilon_of_gaussian(rho_micro / 1e6, float(delta))


# --- choosing the highest score


def test_a_choice_loses_no_more_than_planned() -> None:
    for rho_micro in (1_000, 125_000, 1_000_000):
        scale = scale_for(rho_micro)
        lost = max(loss_of_choice(scale, scores) for scores in ([0, 0], [0, 0, 0], [2, 0, 1], [-3, 1, 0, 0]))
        assert 0.5 * rho_micro < lost * 1e6 <= rho_micro
        assert choice_loss(scale) * 1_000_000 <= rho_micro


def test_a_choice_follows_the_law_of_the_exponential_mechanism(record_property: Note) -> None:
    scores, scale, runs = [0, 1, 2, 4], 2.0, 3_000
    weights = np.exp(np.array(scores) / scale)
    seen = np.bincount([noisy_max(scores, scale=scale, rho_micro=125_000) for _ in range(runs)], minlength=4)
    found = float(stats.chisquare(seen, runs * weights / weights.sum()).pvalue)
    record_property(
        "audit", line("law: noisy max", claim=f"p > {ALPHA:g}", found=f"p = {found:.2g}", is_red=found < ALPHA)
    )
    assert found > ALPHA
    # At half the scale it would choose too sharply: the test can fail.
    sharp = np.exp(2 * np.array(scores) / scale)
    assert stats.chisquare(seen, runs * sharp / sharp.sum()).pvalue < ALPHA


# --- private keys: who is named


def threshold_plan(*, cells: int = 1, bound: int = 1, rho: int = 500_000, delta: Decimal = DELTA) -> ThresholdPlan:
    return plan_threshold(cells_per_person=cells, cell_bound=bound, rho_micro=rho, delta=delta)


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
