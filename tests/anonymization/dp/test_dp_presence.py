"""Two noisy vectors for private keys: what they cost for every person there may be, what they name, what they count."""

import math
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from statistics import NormalDist

import numpy as np
import pytest

from anonymization.dp.bounding import bounded_cells, bounded_sizes
from anonymization.dp.presence import GRAINS, PresencePlan, draw_people, plan_presence, plan_presence_within, weights
from anonymization.dp.threshold import plan_threshold
from policies.errors import PolicyError
from tests.support.dp_methods import BOUNDING_KEY, REGIONS, Row, planned, query, visits

DELTA = Decimal("0.0000005")


@pytest.fixture(scope="module")
def twenty() -> PresencePlan:
    return plan_presence(cells_per_person=20, rho_micro=22_893, delta=DELTA)


@pytest.mark.parametrize("most", [1, 2, 3, 20, 997])
def test_no_person_moves_both_vectors_by_more_than_one_vector_of_counts_for_k_cells(most: int) -> None:
    for cells in range(1, most + 1):
        naming, rest = weights(cells, most)
        assert cells * (naming**2 + rest**2) <= 25 * GRAINS**2 * most
        assert 4 * naming + 3 * rest == 25 * GRAINS


def test_the_loss_is_that_of_one_vector_by_an_independent_formula(twenty: PresencePlan) -> None:
    """The zCDP of discrete Gaussian noise is Δ²/2σ² (Canonne, Kamath, Steinke 2020, theorem 4), summed over both vectors."""
    for cells in range(1, 21):
        naming, rest = weights(cells, 20)
        exact = Fraction(cells * (naming**2 + rest**2)) / (2 * Fraction(twenty.sigma) ** 2)
        assert exact <= Fraction(22_893, 1_000_000)
    alone = plan_threshold(cells_per_person=20, cell_bound=1, rho_micro=22_893, delta=DELTA)
    assert twenty.error == pytest.approx(alone.sigma, rel=1e-9)


def test_the_chance_that_one_person_s_cells_are_named_is_at_most_delta_for_every_number_of_cells(
    twenty: PresencePlan,
) -> None:
    tails = []
    for cells in range(1, 21):
        beyond = (twenty.threshold - weights(cells, 20)[0]) / twenty.sigma
        tails.append(cells * NormalDist().cdf(-beyond))
    # The union over cells is what the map takes; at this scale the discrete law is the normal one to six digits.
    assert max(tails) <= float(DELTA) * 1.0001
    assert max(tails) > 0.95 * float(DELTA)
    assert twenty.mapped_delta <= float(DELTA)


def test_smaller_cells_are_named_where_people_are_in_few_cells(twenty: PresencePlan) -> None:
    alone = plan_threshold(cells_per_person=20, cell_bound=1, rho_micro=22_893, delta=DELTA)
    named = [twenty.named_above(cells) for cells in range(1, 21)]
    assert named == sorted(named)
    assert named[5] < 0.6 * alone.threshold
    assert alone.threshold < named[-1] < 1.26 * alone.threshold


def test_counts_of_named_cells_are_unbiased_whoever_is_in_them_and_have_the_noise_of_the_plan(
    twenty: PresencePlan,
) -> None:
    # Far above the threshold, so that being named is no selection.
    cells = {cell: {1: 400, 20: 600} if cell % 2 else {7: 1_000} for cell in range(2_000)}
    noisy = draw_people(cells, twenty)
    assert list(noisy) == list(range(2_000))
    errors = np.array(list(noisy.values())) - 1_000
    assert abs(errors.mean()) < 6 * twenty.error / math.sqrt(2_000)
    # A variance of 2,000 normal draws is off by 1/√1,000 of itself.
    assert abs(errors.var() / twenty.error**2 - 1) < 6 / math.sqrt(1_000)


def test_a_cell_below_the_threshold_is_not_named_and_nobody_s_cells_come_last() -> None:
    plan = plan_presence(cells_per_person=2, rho_micro=900_000, delta=Decimal("0.000001"))
    assert draw_people({9: {1: 1}, 4: {2: 500}, 7: {1: 300, 2: 1}}, plan).keys() == {4, 7}
    assert draw_people({}, plan) == draw_people({9: {1: 1}}, plan) == {}


@pytest.mark.parametrize("cells", [1, 3])
def test_a_person_who_is_alone_is_named_no_more_often_than_delta(cells: int) -> None:
    """As the audit of one vector: at a δ that can be sampled, 6,000 people each alone in their cells."""
    plan = plan_presence(cells_per_person=3, rho_micro=100_000, delta=Decimal("0.02"))
    named = draw_people({cell: {cells: 1} for cell in range(6_000 * cells)}, plan)
    people = len({cell // cells for cell in named})
    # 120 at most are meant; five standard deviations of a binomial are 55. The worst case must be near, or nothing is tested.
    assert people < 175
    assert people > (60 if cells == 3 else 0)


def test_a_cell_of_nobody_or_of_a_person_in_too_many_cells_is_refused(twenty: PresencePlan) -> None:
    for cells in ({1: {}}, {1: {3: 0}}, {1: {21: 5}}, {1: {0: 5}}):
        with pytest.raises(PolicyError) as refused:
            draw_people(cells, twenty)
        assert refused.value.code == "dp.empty-cell-named"


def test_a_plan_that_would_lose_more_than_it_says_is_not_drawn(twenty: PresencePlan) -> None:
    for changed in (
        replace(twenty, sigma=twenty.sigma * 0.999),
        replace(twenty, threshold=twenty.threshold - 500),
        replace(twenty, rho_micro=twenty.rho_micro - 20),
        replace(twenty, delta=twenty.delta * Decimal("0.99")),
    ):
        with pytest.raises(PolicyError) as refused:
            draw_people({1: {3: 900}}, changed)
        assert refused.value.code == "dp.loss-above-plan"


def test_bounds_and_losses_outside_their_ranges_are_refused(twenty: PresencePlan) -> None:
    for cells, rho, delta in ((0, 9, "0.1"), (1_001, 9, "0.1"), (5, 0, "0.1"), (5, 9, "0"), (5, 9, "1")):
        with pytest.raises(PolicyError) as refused:
            plan_presence(cells_per_person=cells, rho_micro=rho, delta=Decimal(delta))
        assert refused.value.code == "dp.threshold-range"
    with pytest.raises(PolicyError) as spent:
        twenty.epsilon(delta=DELTA)
    assert spent.value.code == "dp.delta-spent"


def test_a_plan_within_epsilon_and_delta_keeps_to_both() -> None:
    plan = plan_presence_within(Decimal(1), Decimal("0.000001"), cells_per_person=3)
    assert 0.999 < plan.epsilon(delta=Decimal("0.000001")) <= 1
    assert plan.delta < Decimal("0.000001")


def test_people_are_counted_by_cell_and_by_the_number_of_cells_that_they_keep() -> None:
    rows: list[Row] = [("p1", region, year, None) for region in REGIONS for year in (2023, 2024)]
    rows += [("p2", "north", 2023, None)] * 5 + [("p3", "south", 2023, None), ("p3", "nowhere", 2023, None)]
    asked = planned([query("people", cells=2)]).queries[0]
    sizes = bounded_sizes(visits(rows), asked, key=BOUNDING_KEY)
    cells = bounded_cells(visits(rows), asked, key=BOUNDING_KEY)["people"]
    assert {cell: sum(found.values()) for cell, found in sizes.items()} == {
        cell: int(people) for cell, people in enumerate(cells) if people
    }
    people = {size: sum(found.get(size, 0) for found in sizes.values()) / size for size in (1, 2)}
    # p2 and p3 are in one declared cell each, p1 in two of six.
    assert people == {1: 2, 2: 1}
