"""Attack: subtract shown cells from margins, and solve the table's equations; it breaks a naive table and not ours."""

import numpy as np
import pytest

from anonymization.small_cells import hide_small_cells, with_margins
from tests.support.table_attack import linear_intervals

CELLS = np.array([[3, 40, 25], [50, 60, 9], [70, 80, 0], [12, 7, 33]])
MIN_CELL = 10


def published(counts, hidden):
    return np.where(hidden, -1, counts)


def naive(cells):
    counts = with_margins(cells)
    return counts, (counts > 0) & (counts < MIN_CELL)


def narrowest(counts, hidden):
    """The width that the attacker narrows the worst-protected hidden number to; None if all are without bound."""
    found = linear_intervals(published(counts, hidden), floor=1)
    widths = [high - low for low, high in found.values() if high is not None]
    return min(widths) if widths else None


def test_hiding_only_small_cells_is_broken_by_subtraction():
    counts, hidden = naive(CELLS)
    assert narrowest(counts, hidden) == 0
    # By hand: the margin of the first row less its two shown cells.
    assert counts[0, 3] - counts[0, 1] - counts[0, 2] == 3


def test_our_table_leaves_every_hidden_number_wide():
    done = hide_small_cells(CELLS, min_cell=MIN_CELL, zero_allowed=True, margins=True)
    assert done.hidden.any()
    assert narrowest(done.counts, done.hidden) >= MIN_CELL


@pytest.mark.parametrize("seed", range(12))
def test_random_tables_resist_the_linear_program(seed):
    generator = np.random.default_rng(seed)
    cells = generator.poisson(14, size=(int(generator.integers(2, 7)), int(generator.integers(2, 6))))
    done = hide_small_cells(cells, min_cell=MIN_CELL, zero_allowed=True, margins=True)
    width = narrowest(done.counts, done.hidden)
    assert width is None or width >= MIN_CELL


def test_no_line_gives_a_hidden_number_away():
    done = hide_small_cells(CELLS, min_cell=MIN_CELL, zero_allowed=True, margins=True)
    for hidden in (*done.hidden, *done.hidden.T):
        assert hidden.sum() != 1


@pytest.mark.parametrize("cells", [[[3], [30], [40]], [[3], [4], [40], [50]], [[9], [9], [9], [20]]])
def test_one_way_tables_resist_subtraction_from_the_total(cells):
    done = hide_small_cells(np.array(cells), min_cell=MIN_CELL, zero_allowed=True, margins=True)
    shown = done.hidden[:, 0]
    assert shown[:-1].sum() >= 2 or shown[-1]
    width = narrowest(done.counts, done.hidden)
    assert width is None or width >= MIN_CELL
