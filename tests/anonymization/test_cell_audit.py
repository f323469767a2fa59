"""The audit's intervals are those of the linear program, and hiding more only widens them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from anonymization.cell_audit import HiddenNetwork, Interval, hidden_intervals
from anonymization.small_cells import with_margins
from tests.support.table_attack import linear_intervals

TABLES = arrays.arrays(np.int64, st.tuples(st.integers(1, 4), st.integers(1, 4)), elements=st.integers(1, 12))


@st.composite
def hidden_tables(draw):
    counts = with_margins(draw(TABLES))
    hidden = draw(arrays.arrays(np.bool_, counts.shape))
    return counts, hidden


@given(hidden_tables(), st.integers(0, 1))
def test_intervals_are_those_of_the_linear_program(table, floor):
    counts, hidden = table
    found = {(i.row, i.column): (i.low, i.high) for i in hidden_intervals(counts, hidden, floor=floor)}
    assert found == linear_intervals(np.where(hidden, -1, counts), floor=floor)


@given(hidden_tables(), st.integers(1, 20))
def test_wide_means_as_wide_as_the_interval_says(table, width):
    counts, hidden = table
    network = HiddenNetwork(counts, hidden, floor=1)
    for place in np.argwhere(hidden):
        at = (int(place[0]), int(place[1]))
        found = network.interval(at).width
        assert network.is_wide(at, width=width) == (found is None or found >= width)


@given(hidden_tables(), st.data())
def test_hiding_more_only_widens(table, data):
    counts, hidden = table
    more = hidden | data.draw(arrays.arrays(np.bool_, counts.shape))
    before = hidden_intervals(counts, hidden, floor=1)
    after = {(i.row, i.column): i for i in hidden_intervals(counts, more, floor=1)}
    for interval in before:
        wider = after[interval.row, interval.column]
        assert wider.low <= interval.low
        assert wider.high is None or (interval.high is not None and wider.high >= interval.high)


@pytest.mark.parametrize(
    ("hide", "expected"),
    [
        ([(0, 0)], [Interval(0, 0, 3, 3)]),
        ([(0, 0), (0, 2)], [Interval(0, 0, 3, 3), Interval(0, 2, 13, 13)]),
        ([(0, 0), (0, 1), (1, 0), (1, 1)], [Interval(0, 0, 1, 12), Interval(0, 1, 1, 12), Interval(1, 0, 11, 22), Interval(1, 1, 9, 20)]),
    ],
    ids=["alone", "with-its-margin", "a-rectangle"],
)  # fmt: skip
def test_known_intervals(hide, expected):
    counts = with_margins(np.array([[3, 10], [20, 11]]))
    hidden = np.zeros(counts.shape, dtype=bool)
    for place in hide:
        hidden[place] = True
    assert list(hidden_intervals(counts, hidden, floor=1)) == expected


def test_a_table_with_everything_hidden_is_without_bound():
    counts = with_margins(np.array([[3, 10], [20, 11]]))
    assert all(i.width is None for i in hidden_intervals(counts, np.ones(counts.shape, dtype=bool), floor=0))
