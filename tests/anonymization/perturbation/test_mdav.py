"""Groups of rows: sizes, people, blocks, and distances of mixed data."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymization.perturbation.mdav import mdav, v_mdav
from anonymization.perturbation.people import people_by_label
from anonymization.perturbation.space import Euclidean, Gower
from policies.errors import DataError, UsageError


def naive_mdav(points: np.ndarray, k: int) -> list[int]:
    """MDAV from the paper's text, with lists; ties go to the first row."""

    def apart(row: int, point: list[float]) -> float:
        return sum((a - b) ** 2 for a, b in zip(points[row], point, strict=True))

    def middle(rows: list[int]) -> list[float]:
        return list(points[np.array(rows)].mean(axis=0))

    def take(rows: list[int], start: int) -> list[int]:
        others = sorted((row for row in rows if row != start), key=lambda row: apart(row, points[start]))
        return [start, *others[: k - 1]]

    left, labels, group = list(range(len(points))), [-1] * len(points), 0
    while len(left) >= 2 * k:
        first = max(left, key=lambda row: apart(row, middle(left)))
        second = max(left, key=lambda row: apart(row, points[first]))
        for start in (first, second) if len(left) >= 3 * k else (first,):
            taken = take(left, start)
            for row in taken:
                labels[row] = group
            left = [row for row in left if row not in taken]
            group += 1
    for row in left:
        labels[row] = group
    return labels


def partition(labels: np.ndarray) -> set[frozenset[int]]:
    return {frozenset(np.flatnonzero(labels == label).tolist()) for label in np.unique(labels)}


@given(
    rows=st.lists(st.tuples(st.integers(-1000, 1000), st.integers(-1000, 1000)), min_size=2, max_size=40, unique=True),
    k=st.integers(2, 5),
)
def test_groups_are_those_of_the_paper(rows: list[tuple[int, int]], k: int) -> None:
    # Irrational factors, so that no two distances are equal and ties decide nothing.
    points = np.array(rows, dtype=np.float64) * [1.0, np.sqrt(2)] + np.arange(len(rows))[:, None] * 1e-4
    if len(rows) < k:
        return
    labels = mdav(Euclidean(points), k=k, people=np.arange(len(rows)))
    assert partition(labels) == partition(np.array(naive_mdav(points, k)))


@given(
    rows=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 12)), min_size=6, max_size=60),
    k=st.integers(2, 4),
    block=st.sampled_from([None, 8]),
)
def test_every_group_has_k_people_and_nobody_is_left(
    rows: list[tuple[int, int, int]], k: int, block: int | None
) -> None:
    table = np.array(rows)
    people = table[:, 2]
    space = Euclidean(table[:, :2].astype(np.float64))
    if np.unique(people).size < k:
        with pytest.raises(DataError, match="people"):
            mdav(space, k=k, people=people, block_rows=block)
        return
    for labels in (mdav(space, k=k, people=people, block_rows=block), v_mdav(space, k=k, people=people)):
        assert labels.min() == 0
        assert people_by_label(labels, people).min() >= k


@given(size=st.integers(4, 80), k=st.integers(2, 4), block=st.sampled_from([None, 10]), seed=st.integers(0, 99))
def test_sizes_are_between_k_and_2k(size: int, k: int, block: int | None, seed: int) -> None:
    points = np.sin(np.arange(size * 2).reshape(size, 2) * (seed + 1.7))
    sizes = np.bincount(mdav(Euclidean(points), k=k, people=np.arange(size), block_rows=block))
    assert k <= sizes.min()
    assert sizes.max() <= 2 * k - 1


def test_variable_size_finds_clusters_that_fixed_size_cuts() -> None:
    # Two far clusters of 5 and 4: groups of exactly 3 must mix or cut them, V-MDAV keeps them whole.
    points = np.array([[0.0], [0.1], [0.2], [0.3], [0.45], [9.0], [9.1], [9.2], [9.35]])
    labels = v_mdav(Euclidean(points), k=3, people=np.arange(9), gamma=1.1)
    assert partition(labels) == {frozenset(range(5)), frozenset(range(5, 9))}


def test_gower_counts_missing_as_a_category_of_its_own() -> None:
    space = Gower.of(np.array([[0.0], [10.0], [np.nan], [np.nan]]), np.array([[0], [0], [1], [-1]]))
    rows = np.arange(4)
    assert space.from_row(rows, 0).tolist() == [0.0, 0.5, 1.0, 1.0]
    assert space.from_row(rows, 2).tolist() == [1.0, 1.0, 0.0, 0.5]


def test_k_of_one_is_refused() -> None:
    with pytest.raises(UsageError, match="k is 1"):
        mdav(Euclidean(np.zeros((3, 1))), k=1, people=np.arange(3))
