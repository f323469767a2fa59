"""The membership bound against its golden values, and the attacks against the bound. Source: reference genomics 2.1."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymization.genome.membership import (
    effective_sites,
    gaussian_cap,
    homer_statistic,
    likelihood_ratio,
    max_sites,
    membership_bound,
    power_at,
    power_bound,
)
from policies.errors import PolicyError


@pytest.mark.parametrize(
    ("rate", "power", "ratio"), [(0.05, 0.95, 10.822), (0.001, 0.95, 22.421), (1e-6, 0.9, 36.421), (0.1, 0.5, 1.642)]
)
def test_sites_per_person_equal_the_golden_values(rate: float, power: float, ratio: float) -> None:
    allowed = max_sites(1_000_000, false_positive_rate=rate, max_power=power)
    assert allowed / 1_000_000 == pytest.approx(ratio, abs=6e-4)


@pytest.mark.parametrize(
    ("rho", "at_05", "at_001"),
    [
        (0.005, 0.061, 0.0014),
        (0.05, 0.092, 0.0028),
        (0.125, 0.126, 0.0048),
        (0.5, 0.260, 0.0183),
        (1, 0.409, 0.0469),
        (2, 0.639, 0.1378),
    ],
)
def test_gaussian_cap_equals_the_golden_values(rho: float, at_05: float, at_001: float) -> None:
    assert gaussian_cap(rho, false_positive_rate=0.05) == pytest.approx(at_05, abs=6e-4)
    assert gaussian_cap(rho, false_positive_rate=0.001) == pytest.approx(at_001, abs=6e-5)


@given(
    people=st.integers(1, 100_000),
    rate=st.floats(1e-6, 0.5),
    power=st.floats(1e-6, 0.999),
)
def test_the_most_sites_keep_the_bound_and_one_more_does_not(people: int, rate: float, power: float) -> None:
    allowed = max_sites(people, false_positive_rate=rate, max_power=power)
    if allowed:
        assert power_bound(allowed, people=people, false_positive_rate=rate) <= power + 1e-9
    if power > rate:
        assert power_bound(allowed + 1, people=people, false_positive_rate=rate) > power - 1e-9
    assert membership_bound(allowed, people=people, false_positive_rate=rate, max_power=power).holds
    assert not membership_bound(allowed + 1, people=people, false_positive_rate=rate, max_power=power).holds


def test_no_site_gives_the_attacker_the_false_positive_rate_only() -> None:
    assert power_bound(0, people=10, false_positive_rate=0.05) == pytest.approx(0.05)
    assert max_sites(10, false_positive_rate=0.05, max_power=0.04) == 0


@pytest.mark.parametrize(
    ("sites", "people", "rate"), [(1, 0, 0.05), (-1, 5, 0.05), (1, 5, 0.0), (1, 5, 1.0)]
)  # fmt: skip
def test_parameters_outside_the_formula_are_refused(sites: int, people: int, rate: float) -> None:
    with pytest.raises(PolicyError):
        power_bound(sites, people=people, false_positive_rate=rate)


def cohort(people: int, sites: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return members and non-members (targets x sites), released and reference frequencies."""
    generator = np.random.default_rng(seed)
    reference = generator.uniform(0.05, 0.95, sites)
    members = generator.binomial(2, reference, (people, sites))
    others = generator.binomial(2, reference, (people, sites))
    return members, others, members.mean(axis=0) / 2, reference


@pytest.mark.parametrize(("people", "sites"), [(100, 10), (200, 100), (400, 400), (500, 2_000), (1_000, 300)])
def test_attacks_on_a_simulated_cohort_stay_under_the_bound(people: int, sites: int) -> None:
    bound = power_bound(sites, people=people, false_positive_rate=0.05)
    powers = {"lr": [], "homer": []}  # type: ignore[var-annotated]
    for seed in range(8):
        members, others, released, reference = cohort(people, sites, seed)
        for name, attack in (("lr", likelihood_ratio), ("homer", homer_statistic)):
            inside, outside = attack(members, released, reference), attack(others, released, reference)
            powers[name].append(power_at(inside, outside, false_positive_rate=0.05))
    # The bound is asymptotic; the mean of eight cohorts has a standard error of about 0.01.
    assert np.mean(powers["lr"]) <= bound + 0.03
    assert np.mean(powers["homer"]) <= bound + 0.03
    # The attack is a real one: it comes near the bound it cannot pass.
    assert np.mean(powers["lr"]) >= bound - 0.06


def test_missing_calls_make_the_attack_stronger_as_the_weights_say() -> None:
    people, sites = 400, 400
    measured, bounds = [], []
    for seed in range(8):
        members, others, _, reference = cohort(people, sites, seed)
        called = people // 4
        # At each site only a quarter of the pool was called; the target is among the called people.
        inside = members[:called]
        released = inside.mean(axis=0) / 2
        scores = [likelihood_ratio(g, released, reference) for g in (inside, others)]
        measured.append(power_at(*scores, false_positive_rate=0.05))
        weight = effective_sites(np.full(sites, 2 * called), people=people)
        bounds.append(power_bound(weight, people=people, false_positive_rate=0.05))
    assert np.mean(measured) > power_bound(sites, people=people, false_positive_rate=0.05) + 0.1
    assert np.mean(measured) <= np.mean(bounds) + 0.04


def test_sites_of_all_people_weigh_one_each() -> None:
    assert effective_sites(np.full(7, 200), people=100) == 7
    assert effective_sites(np.array([200, 100, 300, 150]), people=100) == 6
    assert effective_sites(np.zeros(0, dtype=np.int64), people=100) == 0


def test_a_floor_does_not_stop_the_attack_and_fewer_sites_do() -> None:
    members, others, released, reference = cohort(100, 4_000, 3)
    common = np.minimum(members.sum(axis=0), 200 - members.sum(axis=0)) >= 20
    floored = [likelihood_ratio(g[:, common], released[common], reference[common]) for g in (members, others)]
    assert power_at(*floored, false_positive_rate=0.05) > 0.9
    few = slice(0, max_sites(100, false_positive_rate=0.05, max_power=0.2))
    cut = [likelihood_ratio(g[:, few], released[few], reference[few]) for g in (members, others)]
    assert power_at(*cut, false_positive_rate=0.05) < 0.4


def test_sites_that_say_nothing_do_not_break_the_attacks() -> None:
    g = np.array([[0, 1, 2], [2, 1, 0]])
    released, reference = np.array([0.0, 0.5, 1.0]), np.array([0.1, 0.5, 0.9])
    assert np.isfinite(likelihood_ratio(g, released, reference)).all()
    assert homer_statistic(np.ones((2, 3)), reference, reference).tolist() == [0, 0]
