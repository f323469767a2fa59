"""Recursive (c, l)-diversity."""

from dataclasses import dataclass

import numpy as np

from anonymization.criteria.criterion import BoolArray, ClassCounts
from anonymization.criteria.least_cut import TOLERANCE, least_truncated
from anonymization.loss import FloatArray
from anonymization.quasi import IntArray
from anonymization.sensitive import SensitiveCounts


@dataclass(frozen=True, slots=True)
class RecursiveCLDiversity:
    """In every class, the most frequent value of `column` is rarer than `c` times all values from the l-th on together.

    With r1 >= r2 >= ... the rows of the values: r1 < c * (r_l + ... + r_m), and at least l values. Missing values are not
    counted.

    Guarantee: after l - 2 values are excluded, the most frequent value left is still not too likely.
    Not guaranteed: anything against an attacker who can exclude more.

    Source: Machanavajjhala et al., l-diversity, ACM TKDD 1(1), 2007, definition 4.2.
    """

    column: str
    c: float
    l: int
    monotone: bool = False

    @property
    def name(self) -> str:
        """The model with its parameters."""
        return f"recursive ({self.c}, {self.l})-diversity of {self.column}"

    def failing(self, classes: ClassCounts) -> BoolArray:
        """Return True for each class with too frequent a value."""
        known = classes.sensitive[self.column].known()
        return ~self._is_diverse(known, known.rows, len(classes.rows))

    def reached(self, classes: ClassCounts) -> FloatArray:
        """Return the c that must be passed for each class to meet the model; infinite below l values."""
        known = classes.sensitive[self.column].known()
        first, tail = self._first_and_tail(known, known.rows, len(classes.rows))
        return np.where(tail > 0, first / np.maximum(tail, 1.0), np.inf)

    def least_lost(self, classes: ClassCounts) -> IntArray:
        """Return how many rows of each class must go before the rest can pass."""
        known, size = classes.sensitive[self.column].known(), len(classes.rows)
        least = least_truncated(known, size, lambda _, rows: self._is_diverse(known, rows, size))
        return np.where(known.distinct(size) < self.l, classes.rows, least)

    def _is_diverse(self, known: SensitiveCounts, rows: IntArray, groups: int) -> BoolArray:
        first, tail = self._first_and_tail(known, rows, groups)
        return np.asarray((first < self.c * tail - TOLERANCE) & (first > 0))

    def _first_and_tail(self, known: SensitiveCounts, rows: IntArray, groups: int) -> tuple[IntArray, FloatArray]:
        """Return the rows of the most frequent value of each class, and those of all values from the l-th on."""
        order = np.lexsort((-rows, known.groups))
        of_group, sorted_rows = known.groups[order], rows[order]
        starts = np.searchsorted(of_group, np.arange(groups))
        rank = np.arange(len(of_group)) - starts[of_group]
        first = np.zeros(groups, np.int64)
        np.maximum.at(first, of_group, sorted_rows)
        in_tail = np.where(rank >= self.l - 1, sorted_rows, 0)
        tail: FloatArray = np.bincount(of_group, weights=in_tail, minlength=groups).astype(float)
        return first, tail
