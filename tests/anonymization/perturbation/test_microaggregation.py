"""Values from groups: the optimum of one column, missing values, and k by recount."""

from collections import defaultdict
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymization.perturbation.microaggregation import Aggregate, Grouping, Settings, aggregated, microaggregate
from anonymization.perturbation.people import people_by_label
from anonymization.perturbation.univariate import optimal_groups
from policies.errors import DataError, UsageError


def partitions(rows: list[int]) -> Iterator[list[list[int]]]:
    if not rows:
        yield []
        return
    first, rest = rows[0], rows[1:]
    for found in partitions(rest):
        yield [[first], *found]
        for place in range(len(found)):
            yield [*found[:place], [first, *found[place]], *found[place + 1 :]]


def sse(values: np.ndarray, groups: list[list[int]]) -> float:
    return float(sum(((values[group] - values[group].mean()) ** 2).sum() for group in groups))


def sse_of(values: np.ndarray, labels: np.ndarray) -> float:
    return sse(values, [np.flatnonzero(labels == label).tolist() for label in np.unique(labels)])


@given(values=st.lists(st.integers(-20, 20), min_size=4, max_size=8), k=st.integers(2, 3))
def test_no_partition_whatever_loses_less(values: list[int], k: int) -> None:
    column = np.array(values, dtype=np.float64)
    labels = optimal_groups(column, k=k, people=np.arange(column.size), split_ties=True)
    allowed = (found for found in partitions(list(range(column.size))) if min(map(len, found)) >= k)
    assert sse_of(column, labels) == pytest.approx(min(sse(column, found) for found in allowed), abs=1e-9)


@given(rows=st.lists(st.tuples(st.integers(0, 12), st.integers(0, 5)), min_size=3, max_size=14), k=st.integers(2, 3))
def test_no_interval_of_values_with_k_people_loses_less(rows: list[tuple[int, int]], k: int) -> None:
    column, people = (np.array(part) for part in zip(*rows, strict=True))
    values = column.astype(np.float64)
    distinct = np.unique(values)
    best = np.inf
    for cuts in range(2 ** (distinct.size - 1)):
        group_of = np.cumsum([0, *(cuts >> bit & 1 for bit in range(distinct.size - 1))])
        labels = group_of[np.searchsorted(distinct, values)]
        if people_by_label(labels, people).min() >= k:
            best = min(best, sse_of(values, labels))
    if not np.isfinite(best):
        with pytest.raises(DataError, match="people"):
            optimal_groups(values, k=k, people=people)
        return
    labels = optimal_groups(values, k=k, people=people)
    assert people_by_label(labels, people).min() >= k
    assert sse_of(values, labels) == pytest.approx(best, abs=1e-9)


def recounted(columns: list[np.ndarray], people: np.ndarray) -> int:
    """The fewest people who share a combination of published values, a missing value one of its own; in plain Python."""
    holders: dict[tuple[str, ...], set[int]] = defaultdict(set)
    for row, person in enumerate(people.tolist()):
        holders[tuple(str(column[row]) for column in columns)].add(person)
    return min(map(len, holders.values()))


@given(
    rows=st.lists(
        st.tuples(st.integers(0, 30) | st.none(), st.integers(0, 5), st.integers(-1, 3), st.integers(0, 9)),
        min_size=8,
        max_size=40,
    ),
    k=st.integers(2, 4),
    grouping=st.sampled_from([Grouping.MDAV, Grouping.V_MDAV]),
)
def test_all_columns_together_are_k_anonymous_by_recount(
    rows: list[tuple[int | None, int, int, int]], k: int, grouping: Grouping
) -> None:
    a, b, c, people = (np.array([np.nan if x is None else x for x in part], float) for part in zip(*rows, strict=True))
    who, codes = people.astype(np.int64), {"c": c.astype(np.int64)}
    if np.unique(who).size < k:
        return
    mixed = microaggregate({"a": a, "b": b}, codes=codes, k=k, people=who, settings=Settings(grouping))
    assert recounted([*mixed.numbers.values(), *mixed.codes.values()], who) >= k
    assert mixed.least_people >= k
    missing = np.isnan(a)
    patterns = [who[rows] for rows in (missing, ~missing) if rows.any()]
    if min(np.unique(some).size for some in patterns) < k:
        with pytest.raises(DataError, match="miss the same"):
            microaggregate({"a": a, "b": b}, k=k, people=who, settings=Settings(grouping))
        return
    plain = microaggregate({"a": a, "b": b}, k=k, people=who, settings=Settings(grouping))
    assert recounted(list(plain.numbers.values()), who) >= k


@given(values=st.lists(st.floats(-1e6, 1e6), min_size=4, max_size=60), k=st.integers(2, 4))
def test_means_keep_sums_and_stay_in_the_range(values: list[float], k: int) -> None:
    column = np.array(values)
    for grouping in Grouping:
        found = microaggregate({"x": column}, k=k, settings=Settings(grouping)).numbers["x"]
        assert found.sum() == pytest.approx(column.sum(), abs=1e-6 * max(1.0, np.abs(column).sum()))
        assert column.min() <= found.min()
        assert found.max() <= column.max()


def test_medians_and_modes_occur_and_missing_stays_missing() -> None:
    values, labels = np.array([1.0, 2.0, 9.0, 9.0, np.nan, np.nan, 5.0]), np.array([0, 0, 0, 0, 1, 1, 1])
    assert aggregated(values, labels, how=Aggregate.MEDIAN).tolist()[:4] == [2.0] * 4
    assert aggregated(values, labels, how=Aggregate.MODE).tolist()[:4] == [9.0] * 4
    assert np.isnan(aggregated(values, labels)[4:]).all()


def test_a_univariate_column_leaves_missing_values_missing() -> None:
    found = microaggregate({"x": np.array([1.0, 2.0, np.nan])}, k=2, settings=Settings(Grouping.UNIVARIATE))
    assert found.numbers["x"].tolist()[:2] == [1.5, 1.5]
    assert np.isnan(found.numbers["x"][2])
    assert found.loss["x"]["emptied"] == 0


def test_codes_cannot_be_grouped_in_their_order() -> None:
    with pytest.raises(UsageError, match="codes"):
        microaggregate({}, codes={"c": np.zeros(4, np.int64)}, k=2, settings=Settings(Grouping.UNIVARIATE))


def test_infinite_numbers_are_refused() -> None:
    with pytest.raises(DataError, match="infinite"):
        microaggregate({"x": np.array([1.0, np.inf, 2.0])}, k=2)
