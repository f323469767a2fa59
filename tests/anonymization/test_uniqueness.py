"""Estimates of uniqueness: each against its paper by plain sums and fractions, and against populations that are known."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymization.uniqueness import ClassSizes, estimate_uniques, sizes_of
from policies.errors import PolicyError


def sample_of(*people: int) -> ClassSizes:
    return sizes_of(np.array(people, np.int64))


@settings(max_examples=25)
@given(sizes=st.lists(st.integers(1, 6), min_size=1, max_size=12), more=st.integers(1, 200))
def test_zayatz_is_bayes_with_binomial_coefficients(sizes: list[int], more: int) -> None:
    population, sample = sum(sizes) + more, sum(sizes)
    found = estimate_uniques(sample_of(*sizes), population=population, estimator="zayatz").uniques
    alone = sizes.count(1)
    chance = [
        Fraction(size * math.comb(population - size, sample - 1), math.comb(population, sample)) for size in sizes
    ]
    expected = alone * Fraction(population, sample) * sum(c for c, s in zip(chance, sizes, strict=True) if s == 1)
    expected = expected / sum(chance) if alone else Fraction(0)
    if expected <= population:
        assert found == pytest.approx(float(expected), rel=1e-9)


def slopes(sizes: list[int], theta: float, alpha: float) -> tuple[float, float]:
    """The derivatives of Pitman's likelihood, as plain sums (Hoshino 2001, section 3)."""
    people, classes = sum(sizes), len(sizes)
    of_theta = sum(1 / (theta + i * alpha) for i in range(1, classes)) - sum(1 / (theta + i) for i in range(1, people))
    of_alpha = sum(i / (theta + i * alpha) for i in range(1, classes))
    of_alpha -= sum(1 / (i - alpha) for size in sizes for i in range(1, size))
    return of_theta, of_alpha


def test_pitman_uses_the_parameters_at_which_the_likelihood_is_flat() -> None:
    sizes = [1] * 40 + [2] * 15 + [3] * 8 + [5] * 4 + [9] * 3 + [30]
    theta, alpha = 10.0, 0.4
    for _ in range(60):  # Newton's steps with numerical derivatives, by hand
        here = np.array(slopes(sizes, theta, alpha))
        step = 1e-6
        jacobian = np.array(
            [
                (np.array(slopes(sizes, theta + step, alpha)) - here) / step,
                (np.array(slopes(sizes, theta, alpha + step)) - here) / step,
            ]
        ).T
        theta, alpha = (np.array([theta, alpha]) - np.linalg.solve(jacobian, here)).tolist()
    assert slopes(sizes, theta, alpha) == pytest.approx((0, 0), abs=1e-8)
    population = 20_000
    expected = math.gamma(theta + 1) / math.gamma(theta + alpha) * population**alpha
    assert estimate_uniques(sample_of(*sizes), population=population, estimator="pitman").uniques == pytest.approx(
        expected, rel=1e-4
    )


@pytest.mark.parametrize(
    ("estimator", "fraction", "tolerance"), [("snb", 0.3, 0.15), ("snb", 0.6, 0.1), ("zayatz", 0.5, 0.15)]
)
def test_a_population_that_is_as_the_estimator_supposes_is_found_again(
    estimator, fraction: float, tolerance: float
) -> None:
    """Classes of one person and a negative binomial number more, sampled at random: the SNB's own population."""
    random = np.random.default_rng(7)
    population = 1 + random.negative_binomial(0.5, 0.05, 20_000)
    truth = int((population == 1).sum())
    sample = sizes_of(random.binomial(population, fraction).astype(np.int64))
    found = estimate_uniques(sample, population=int(population.sum()), estimator=estimator).uniques
    assert found == pytest.approx(truth, rel=tolerance)


def test_a_population_of_pitmans_formula_is_found_again() -> None:
    """People join a class by Pitman's urn (θ = 50, α = 0.5); a twentieth of them is the sample."""
    random = np.random.default_rng(3)
    theta, alpha, people = 50.0, 0.5, 20_000
    members, sizes = [0], [1]
    draws = random.random((people, 2)).tolist()
    for number in range(1, people):
        if draws[number][0] < (theta + len(sizes) * alpha) / (theta + number):
            members.append(len(sizes))
            sizes.append(1)
            continue
        drawn = members[int(draws[number][1] * number)]
        while random.random() < alpha / sizes[drawn]:  # a class is joined with the chance of its size less α
            drawn = members[int(random.random() * number)]
        members.append(drawn)
        sizes[drawn] += 1
    population = np.array(sizes)
    chosen = random.permutation(people)[: people // 20]
    sample = sizes_of(np.bincount(np.array(members)[chosen], minlength=len(sizes)).astype(np.int64))
    found = estimate_uniques(sample, population=people)
    assert found.estimator == "pitman"
    assert found.uniques == pytest.approx(int((population == 1).sum()), rel=0.35)


@pytest.mark.parametrize(
    ("people", "population", "used"),
    [((1, 1, 2, 3), 70, "pitman"), ((1, 1), 1_000, "zayatz"), ((1, 1, 2, 3), 14, "snb"), ((2, 3), 1_000, "pitman")],
)
def test_the_rule_chooses_by_the_sampling_fraction_and_by_who_has_an_answer(people, population: int, used: str) -> None:
    assert estimate_uniques(sample_of(*people), population=population).estimator == used


def test_the_rule_takes_the_smaller_of_snb_and_zayatz_in_a_large_sample() -> None:
    random = np.random.default_rng(7)
    population = 1 + random.negative_binomial(0.5, 0.05, 5_000)
    sample = sizes_of(random.binomial(population, 0.4).astype(np.int64))
    people = int(population.sum())
    both = [estimate_uniques(sample, population=people, estimator=name).uniques for name in ("snb", "zayatz")]
    assert estimate_uniques(sample, population=people).uniques == min(each for each in both if each is not None)


@pytest.mark.parametrize("estimator", ["dankar", "pitman", "zayatz", "snb"])
def test_certain_cases_are_not_estimated(estimator) -> None:
    assert estimate_uniques(sample_of(2, 2, 5), population=1_000, estimator=estimator).uniques == 0
    assert estimate_uniques(sample_of(1, 2, 5), population=8, estimator=estimator).uniques == 1


@pytest.mark.parametrize("estimator", ["pitman", "snb"])
def test_where_the_equations_have_no_solution_there_is_no_estimate(estimator) -> None:
    assert estimate_uniques(sample_of(1, 1, 1), population=1_000, estimator=estimator).uniques is None


def test_a_population_smaller_than_its_sample_is_refused() -> None:
    with pytest.raises(PolicyError, match=r"policy\.population-size"):
        estimate_uniques(sample_of(1, 2), population=2)
