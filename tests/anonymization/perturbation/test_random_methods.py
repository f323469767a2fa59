"""Swapping, PRAM, noise, rounding, coding: what each keeps, what it bounds, and what it refuses."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymization.perturbation.coding import Limits, code_extremes, limits_from_data
from anonymization.perturbation.controlled_rounding import round_table
from anonymization.perturbation.information_loss import correlation_change, linked_share, numeric_loss
from anonymization.perturbation.noise import add_bounded_noise, add_correlated_noise, add_noise
from anonymization.perturbation.pram import base_matrix, estimate_counts, invariant_matrix, post_randomize
from anonymization.perturbation.randomness import Draws
from anonymization.perturbation.rounding import round_randomly, round_to_base
from anonymization.perturbation.swapping import rank_swap
from anonymization.perturbation.targeted import swap_records
from policies.errors import DataError, UsageError
from tests.support.perturbation_draws import seeded


@given(
    values=st.lists(st.integers(0, 30) | st.none(), min_size=3, max_size=80),
    percent=st.sampled_from([5.0, 20.0, 100.0]),
    seed=st.integers(0, 99),
)
def test_swapping_keeps_the_column_and_bounds_the_ranks(values: list[int | None], percent: float, seed: int) -> None:
    column = np.array([np.nan if value is None else value for value in values])
    known = column[~np.isnan(column)]
    reach = int(known.size * percent / 100)
    if not reach:
        with pytest.raises(UsageError, match="range"):
            rank_swap(column, percent=percent, draws=seeded(seed))
        return
    found = rank_swap(column, percent=percent, draws=seeded(seed))
    assert (np.isnan(found) == np.isnan(column)).all()
    assert sorted(found[~np.isnan(found)]) == sorted(known)
    ordered = np.sort(known)
    for before, after in zip(known, found[~np.isnan(found)], strict=True):
        # Tied values have no rank of their own: the nearest of their ranks must be within the range.
        low, high = sorted((before, after))
        gap = np.searchsorted(ordered, high, "left") - (np.searchsorted(ordered, low, "right") - 1)
        assert gap <= reach


def test_nobody_swaps_with_himself_where_others_are_near() -> None:
    people = np.repeat(np.arange(50), 2)
    values = np.repeat(np.arange(50.0), 2)
    found = rank_swap(values, percent=10, draws=seeded(), people=people)
    assert (found != values).mean() > 0.9


@given(counts=st.lists(st.integers(1, 500), min_size=2, max_size=6), retain=st.sampled_from([0.5, 0.8, 0.95]))
def test_the_invariant_matrix_keeps_the_counts(counts: list[int], retain: float) -> None:
    base = base_matrix(len(counts), retain=retain)
    matrix = invariant_matrix(np.array(counts, float), base, alpha=0.7)
    assert matrix.sum(axis=1) == pytest.approx(np.ones(len(counts)))
    assert np.array(counts) @ matrix == pytest.approx(np.array(counts))
    # The same in fractions, from the paper again: R = P·Q, Q the reversal by Bayes' rule, and exactly invariant.
    size, t = len(counts), [Fraction(count) for count in counts]
    keep = Fraction(str(retain))
    p = [[keep if i == j else (1 - keep) / (size - 1) for j in range(size)] for i in range(size)]
    after = [sum(t[i] * p[i][j] for i in range(size)) for j in range(size)]
    q = [[t[i] * p[i][j] / after[j] for i in range(size)] for j in range(size)]
    alpha = Fraction(7, 10)
    r = [
        [alpha * sum(p[i][m] * q[m][j] for m in range(size)) + (1 - alpha) * (i == j) for j in range(size)]
        for i in range(size)
    ]
    assert [sum(t[i] * r[i][j] for i in range(size)) for j in range(size)] == t
    assert matrix == pytest.approx(np.array([[float(x) for x in row] for row in r]))


def test_frequencies_are_estimated_without_bias() -> None:
    codes = np.repeat(np.arange(3), [600, 300, 100])
    matrix = base_matrix(3, retain=0.7)
    found = [
        estimate_counts(np.bincount(post_randomize(codes, matrix, draws=seeded(seed)).codes, minlength=3), matrix)
        for seed in range(200)
    ]
    # The standard error of the mean of 200 estimates is below 2.5 rows.
    assert np.mean(found, axis=0) == pytest.approx([600, 300, 100], abs=9)


def test_a_persons_equal_codes_change_alike_and_missing_stays() -> None:
    people, codes = np.repeat(np.arange(300), 4), np.tile([0, 0, 1, -1], 300)
    found = post_randomize(codes, base_matrix(2, retain=0.5), draws=seeded(), people=people).codes.reshape(300, 4)
    assert (found[:, 0] == found[:, 1]).all()
    assert (found[:, 3] == -1).all()
    assert 90 < (found[:, 0] == 1).sum() < 210


def test_a_matrix_that_cannot_be_undone_is_refused() -> None:
    with pytest.raises(UsageError, match="inverted"):
        estimate_counts(np.array([3.0, 4.0]), base_matrix(2, retain=0.5))
    with pytest.raises(UsageError, match="add up to 1"):
        post_randomize(np.array([0, 1]), np.array([[0.5, 0.2], [0, 1.0]]), draws=seeded())
    with pytest.raises(UsageError, match="one category"):
        base_matrix(1, retain=0.9)


def test_noise_has_the_size_that_was_asked() -> None:
    values = np.linspace(0, 10, 20_000)
    noise = add_noise(values, sd=2.0, draws=seeded()) - values
    assert noise.mean() == pytest.approx(0, abs=0.05)
    assert noise.std() == pytest.approx(2.0, rel=0.02)


def test_repeats_of_a_person_cannot_be_averaged() -> None:
    people = np.repeat(np.arange(10), 100)
    noise = add_noise(np.full(1000, 5.0), sd=1.0, draws=seeded(), people=people).reshape(10, 100)
    assert (noise == noise[:, :1]).all()
    assert np.unique(noise[:, 0]).size == 10


def test_bounded_noise_stays_inside_and_refuses_what_is_outside() -> None:
    values = np.array([0.0, 1.0, 99.0, 100.0, np.nan] * 200)
    found = add_bounded_noise(values, sd=30.0, low=0.0, high=100.0, draws=seeded())
    assert np.nanmin(found) >= 0
    assert np.nanmax(found) <= 100
    assert np.isnan(found[4])
    with pytest.raises(DataError, match="outside"):
        add_bounded_noise(values, sd=1.0, low=0.5, high=100.0, draws=seeded())


def test_correlated_noise_keeps_correlations_and_plain_noise_does_not() -> None:
    x = np.linspace(-1, 1, 5_000)
    table = np.column_stack([x, 3 * x + 0.2 * np.sin(1000 * x)])
    kim = add_correlated_noise(table, share=0.5, draws=seeded())
    plain = np.column_stack([add_noise(column, sd=column.std() * 0.7, draws=seeded()) for column in table.T])
    own = np.column_stack(
        [add_noise(column, sd=column.std() * 0.7, draws=seeded(s)) for s, column in enumerate(table.T)]
    )
    assert correlation_change(table, kim) == pytest.approx(0, abs=0.01)
    assert correlation_change(table, own) > 0.2
    assert np.cov(kim.T) == pytest.approx(1.5 * np.cov(table.T), rel=0.08)
    kept = add_correlated_noise(table, share=0.5, draws=seeded(), keep_covariance=True)
    assert np.cov(kept.T) == pytest.approx(np.cov(table.T), rel=0.08)
    assert plain.shape == table.shape


@given(values=st.lists(st.integers(-50, 50), min_size=1, max_size=40), seed=st.integers(0, 99))
def test_random_rounding_moves_less_than_the_base(values: list[int], seed: int) -> None:
    column = np.array(values, float)
    found = round_randomly(column, base=5, draws=seeded(seed))
    assert (found % 5 == 0).all()
    assert (np.abs(found - column) < 5).all()
    assert (found[column % 5 == 0] == column[column % 5 == 0]).all()
    assert (round_to_base(column, base=5) % 5 == 0).all()
    assert (np.abs(round_to_base(column, base=5) - column) <= 2.5).all()


def test_random_rounding_is_unbiased() -> None:
    found = round_randomly(np.full(50_000, 1.0), base=5, draws=seeded())
    assert found.mean() == pytest.approx(1.0, abs=0.04)


@given(
    table=st.lists(st.lists(st.integers(0, 40), min_size=3, max_size=3), min_size=1, max_size=5),
    base=st.sampled_from([3, 5, 10]),
    seed=st.integers(0, 99),
)
def test_controlled_rounding_adds_up(table: list[list[int]], base: int, seed: int) -> None:
    counts = np.array(table)
    found = round_table(counts, base=base, draws=seeded(seed))
    sides = [(counts, found), (counts.sum(0), found.sum(0)), (counts.sum(1), found.sum(1)), (counts.sum(), found.sum())]
    for before, after in sides:
        assert (np.asarray(after) % base == 0).all()
        assert (np.abs(np.asarray(after) - before) < base).all()


def test_controlled_rounding_is_unbiased() -> None:
    counts = np.array([[1, 2, 7], [4, 4, 11]])
    found = np.mean([round_table(counts, base=5, draws=seeded(seed)) for seed in range(2000)], axis=0)
    assert found == pytest.approx(counts, abs=0.25)


def test_codes_lie_within_public_limits_that_name_their_source() -> None:
    values = np.array([1.0, 5.0, 120.0, np.nan])
    assert code_extremes(values, Limits(None, 90, "PPC guideline")).tolist()[:3] == [1.0, 5.0, 90.0]
    with pytest.raises(UsageError, match="source"):
        code_extremes(values, Limits(0, 90, " "))
    with pytest.raises(UsageError, match="below"):
        code_extremes(values, Limits(90, 0, "house"))


@given(rows=st.lists(st.tuples(st.integers(0, 50), st.integers(0, 15)), min_size=10, max_size=60))
def test_limits_from_data_are_shared_by_k_people(rows: list[tuple[int, int]]) -> None:
    values, people = (np.array(part) for part in zip(*rows, strict=True))
    column = values.astype(float)
    enough = np.ceil(0.05 * column.size)
    lows = [v for v in column if (column <= v).sum() >= enough and np.unique(people[column <= v]).size >= 3]
    highs = [v for v in column if (column >= v).sum() >= enough and np.unique(people[column >= v]).size >= 3]
    if np.unique(people).size < 6 or min(lows) >= max(highs):
        with pytest.raises(DataError, match="people"):
            limits_from_data(column, low_share=0.05, high_share=0.05, k=3, people=people)
        return
    limits = limits_from_data(column, low_share=0.05, high_share=0.05, k=3, people=people)
    assert (limits.low, limits.high) == (min(lows), max(highs))
    found = code_extremes(column, limits)
    assert np.unique(people[found == limits.low]).size >= 3
    assert np.unique(people[found == limits.high]).size >= 3


def test_record_swaps_keep_households_and_profiles() -> None:
    homes = np.repeat(np.arange(60), 2)
    areas = np.repeat(np.arange(60) % 3, 2)
    similar = np.tile([[0], [1]], (60, 1))
    keys = np.column_stack([homes % 7])
    found = swap_records(areas, keys, similar, k=3, draws=seeded(), households=homes)
    assert found.moved > 0
    assert found.at_risk > 0
    assert (found.areas[::2] == found.areas[1::2]).all()
    assert np.bincount(found.areas).tolist() == np.bincount(areas).tolist()


def test_a_household_without_a_like_one_elsewhere_stays() -> None:
    areas, similar = np.array([0, 1, 1]), np.array([[5], [6], [7]])
    found = swap_records(areas, np.array([[0], [1], [2]]), similar, k=2, draws=seeded())
    assert (found.moved, found.without_partner) == (0, 3)
    assert found.areas.tolist() == areas.tolist()


def test_loss_figures_against_their_definitions() -> None:
    before, after = np.array([1.0, 2.0, 3.0, 6.0]), np.array([1.5, 1.5, 4.5, 4.5])
    found = numeric_loss(before, after)
    assert found["sse"] == pytest.approx(0.25 + 0.25 + 2.25 + 2.25)
    assert found["sse_share"] == pytest.approx(5.0 / 14.0)
    assert found["il1s"] == pytest.approx(1.0 / (np.sqrt(2) * before.std(ddof=1)))
    assert found["mean_change"] == 0


def test_linkage_falls_where_rows_are_grouped() -> None:
    table = np.linspace(0, 1, 20)[:, None]
    assert linked_share(table, table) == 1.0
    assert linked_share(table, np.repeat(table.reshape(-1, 4).mean(axis=1), 4)[:, None]) <= 0.5


def test_draws_do_not_repeat_and_tell_nothing() -> None:
    one, other = Draws(), Draws()
    assert one.uniform(4).tolist() != other.uniform(4).tolist()
    assert repr(one) == "<secret>"
    assert sorted(one.order(50).tolist()) == list(range(50))
    assert {seeded(s).below(3) for s in range(60)} == {0, 1, 2}
    tails = seeded().truncated(np.full(500, 6.0), np.full(500, 7.0))
    assert (tails >= 6).all()
    assert (tails <= 7).all()
