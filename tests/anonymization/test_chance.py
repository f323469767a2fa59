"""The test against chance: the binomial tail, the expected share, and a sample of distinct numbers that adds up."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from anonymization.chance import KEPT, NumberSample, binomial_tail, sample_of
from anonymization.japan.check_digits import INSURER_NUMBER, MY_NUMBER


def numbers_of(values: list[int], width: int = 12) -> np.ndarray:
    return np.array([[int(digit) for digit in f"{value:0{width}d}"] for value in values]).reshape(-1, width)


def sample(values: list[int]) -> NumberSample:
    numbers = numbers_of(values)
    return sample_of(numbers, MY_NUMBER, MY_NUMBER.verify_digits(numbers))


@given(st.integers(1, 4000), st.floats(0, 1), st.floats(0.01, 0.9))
def test_the_tail_is_that_of_the_binomial_distribution(trials, share, ratio):
    successes = round(share * trials)
    expected = float(binom.sf(successes - 1, trials, ratio))
    assert binomial_tail(successes, trials=trials, ratio=ratio) == pytest.approx(expected, rel=1e-6, abs=1e-280)


@pytest.mark.parametrize(
    ("successes", "trials", "ratio", "tail"),
    [(0, 0, 0.1, 1.0), (0, 5, 0.1, 1.0), (6, 5, 0.1, 0.0), (1, 5, 0.0, 0.0), (5, 5, 1.0, 1.0)],
)
def test_the_edges_of_the_tail(successes, trials, ratio, tail):
    assert binomial_tail(successes, trials=trials, ratio=ratio) == tail


def test_a_number_in_many_rows_is_one_trial():
    assert sample([5] * 1000 + [6]).distinct() == 2


@given(st.lists(st.integers(0, 10**12 - 1), max_size=60), st.integers(0, 60))
def test_samples_of_two_parts_are_the_sample_of_the_whole(values, at):
    assert sample(values[:at]).plus(sample(values[at:])) == sample(values)


def test_a_large_column_is_sampled_evenly():
    rng = np.random.default_rng(3)
    whole = NumberSample()
    for _ in range(10):
        numbers = rng.integers(0, 10, (20_000, 12))
        whole = whole.plus(sample_of(numbers, MY_NUMBER, MY_NUMBER.verify_digits(numbers)))
    assert len(whole.scrambled) == KEPT
    assert whole.distinct() == pytest.approx(200_000, rel=0.06)
    chance = whole.chance(MY_NUMBER)
    assert chance.expected_ratio == pytest.approx(0.1, abs=0.004)
    assert chance.right_ratio == pytest.approx(0.1, abs=0.02)
    assert chance.p_value > 1e-3


def test_what_chance_expects_depends_on_the_digits_that_are_there():
    """Numbers that all end in 0 are right twice as often: 2 in 11."""
    rng = np.random.default_rng(4)
    numbers = rng.integers(0, 10, (3000, 12))
    numbers[:, -1] = 0
    chance = sample_of(numbers, MY_NUMBER, MY_NUMBER.verify_digits(numbers)).chance(MY_NUMBER)
    assert chance.expected_ratio == pytest.approx(2 / 11)
    assert chance.p_value > 1e-3
    numbers[:, -1] = 7
    chance = sample_of(numbers, MY_NUMBER, MY_NUMBER.verify_digits(numbers)).chance(MY_NUMBER)
    assert chance.expected_ratio == pytest.approx(1 / 11)


def test_numbers_that_are_all_right_are_no_chance():
    numbers = np.random.default_rng(5).integers(0, 10, (50, 8))
    numbers[:, -1] = INSURER_NUMBER.formula(numbers[:, :-1])
    chance = sample_of(numbers, INSURER_NUMBER, INSURER_NUMBER.verify_digits(numbers)).chance(INSURER_NUMBER)
    assert (chance.right, chance.distinct) == (50, 50)
    assert chance.p_value == pytest.approx(1e-50)


def test_an_empty_sample_says_nothing_and_a_sample_prints_no_number():
    chance = NumberSample().chance(MY_NUMBER)
    assert (chance.distinct, chance.p_value, chance.right_ratio) == (0, 1.0, 0.0)
    assert repr(sample([123456789018])) == "NumberSample()"
