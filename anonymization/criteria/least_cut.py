"""How many rows must go from a class before the rest can meet a model, whichever rows they are.

Why that bounds the search: in the models that use this, two classes that pass merge into one that passes. So if a class
is divided into finer ones, the union of those that pass, passes; what is in the others is at least the least number
of rows whose removal lets the rest pass. Both functions return a number that is never too large.
"""

from collections.abc import Callable

import numpy as np

from anonymization.loss import FloatArray
from anonymization.quasi import IntArray
from anonymization.sensitive import SensitiveCounts

STEPS = 22
"""Halvings of the number of rows; what is left of the uncertainty only makes the bound smaller."""
TOLERANCE = 1e-9
"""Distances are compared up to this: they are sums of shares in double precision."""


def least_removed(rows: IntArray, reaches: Callable[[FloatArray], FloatArray], limit: float) -> IntArray:
    """Return for each class the least number of rows to remove before `reaches` can be at most `limit`.

    Args:
        rows: The rows of each class.
        reaches: For a number of removed rows a class, a lower bound of the measure that the best choice of rows can
            reach; not increasing in that number.
        limit: What the measure must not pass.
    """
    low, high = np.full(len(rows), -1.0), rows.astype(float)
    for _ in range(STEPS):
        middle = np.maximum((low + high) / 2.0, 0.0)
        fails = reaches(middle) > limit + TOLERANCE
        low, high = np.where(fails, middle, low), np.where(fails, high, middle)
    # What fails at `low` fails for every smaller number, so at least the next whole number must go.
    return np.where(low < 0, 0, np.floor(low) + 1).astype(np.int64)


def surplus(counts: SensitiveCounts, caps: FloatArray, rows: FloatArray, removed: FloatArray) -> FloatArray:
    """Return the share of a class that exceeds its values' caps, after the best choice of `removed` rows has gone.

    Args:
        counts: The classes.
        caps: For each value code the share of a class that it may hold.
        rows: The rows of each class.
        removed: How many go from each class; fractions of a row are allowed, which only helps.
    """
    left = rows - removed
    over = np.maximum(counts.rows - caps[counts.values] * left[counts.groups], 0.0)
    total = np.bincount(counts.groups, weights=over, minlength=len(rows))
    return np.asarray(np.maximum(total - removed, 0.0) / np.maximum(left, 1e-300))


def least_truncated(
    counts: SensitiveCounts,
    groups: int,
    passes: Callable[[IntArray, IntArray], "np.ndarray[tuple[int], np.dtype[np.bool_]]"],
) -> IntArray:
    """Return for each class how many rows must go before `passes` can hold, where evenness is what it asks for.

    Of all choices of so many rows, taking them from the most frequent values leaves the most even rest. So a height is
    sought below which every value is cut.

    Args:
        counts: The classes; missing values are not among them.
        groups: The number of classes.
        passes: For a height a class and the counts cut at it, whether the model holds; True for smaller heights too.
    """
    highest = np.zeros(groups, np.int64)
    np.maximum.at(highest, counts.groups, counts.rows)
    low, high = np.zeros(groups, np.int64), highest + 1  # passes at low (or never), fails at high (or was never cut)
    for _ in range(int(highest.max(initial=0) + 1).bit_length()):
        middle = (low + high) // 2
        holds = passes(middle, np.minimum(counts.rows, middle[counts.groups]))
        low, high = np.where(holds, middle, low), np.where(holds, high, middle)
    cut = np.bincount(counts.groups, weights=np.maximum(counts.rows - high[counts.groups], 0), minlength=groups).astype(
        np.int64
    )
    # The best choice of `cut` rows does not pass, so one more must go; where nothing was cut, nothing may need to.
    return np.where(high > highest, 0, np.minimum(cut + 1, counts.totals(groups)))
