"""Positive disclosure-recursive (c, l)-diversity: some values may become known, the others are held as recursively."""

from dataclasses import dataclass, field

import numpy as np

from anonymization.criteria.criterion import BoolArray, ClassCounts
from anonymization.criteria.least_cut import TOLERANCE
from anonymization.loss import FloatArray
from anonymization.quasi import IntArray
from anonymization.sensitive import SensitiveCounts


@dataclass(frozen=True, slots=True)
class PositiveRecursiveCLDiversity:
    """In every class, the most frequent value of `column` that may not become known is still not too likely.

    Values of `disclosable` may become known (that a test was normal, say); the others are protected. With r the rows of
    the most frequent protected value, and the rows of all other values in falling order o1 >= o2 >= ...: r is 0, or
    r < c * (o_(l-1) + o_l + ...). In the paper's words, with y the place of that value among all: r_y < c * (r_l + ... +
    r_m) where y <= l - 1, and else r_y < c * (r_(l-1) + ... + r_m - r_y); ties make no difference. With nothing
    disclosable this is recursive (c, l)-diversity, but for a class in which no value is known: it holds nothing to protect.

    Two passing classes merge into a passing one: for a protected value s, the tail above is the least that is left of
    the other values when any l - 2 of them are excluded, and the least of a sum is no less than the sum of the leasts. (It
    is least for the most frequent one, so the condition holds for every protected value of a class.) So what finer classes
    publish of a class passes together. Of all choices of rows that pass, one keeps every disclosable row, since more
    of them only adds to tails, and cuts the protected values at one height: raising others to the height of the highest
    kept adds to its tail, too. c * tail - height is concave in the height and not negative at 0, so where a height
    passes, all below do, and halving finds the highest.

    Guarantee: after l - 2 values are excluded, no protected value is too likely.
    Not guaranteed: anything about disclosable values, or against an attacker who can exclude more.

    Source: Machanavajjhala et al., l-diversity, ACM TKDD 1(1), 2007, definition 4.3.
    """

    column: str
    c: float
    l: int
    disclosable: frozenset[str] = field(repr=False)
    monotone: bool = False

    @property
    def name(self) -> str:
        """The model with its parameters; of the values only how many there are."""
        return (
            f"recursive ({self.c}, {self.l})-diversity of {self.column} ({len(self.disclosable)} value(s) disclosable)"
        )

    def failing(self, classes: ClassCounts) -> BoolArray:
        """Return True for each class with too frequent a protected value."""
        known = classes.sensitive[self.column].known()
        return ~self._is_diverse(known, known.rows, len(classes.rows))

    def reached(self, classes: ClassCounts) -> FloatArray:
        """Return the c that must be passed for each class to meet the model; 0 without protected values."""
        known = classes.sensitive[self.column].known()
        first, tail = self._first_and_tail(known, known.rows, len(classes.rows))
        return np.where(first == 0, 0.0, np.where(tail > 0, first / np.maximum(tail, 1.0), np.inf))

    def least_lost(self, classes: ClassCounts) -> IntArray:
        """Return how many protected rows of each class must go before the rest can pass."""
        known, groups = classes.sensitive[self.column].known(), len(classes.rows)
        is_protected = self._is_protected(known)
        low, high = np.zeros(groups, np.int64), known.rows.max(initial=0) + np.zeros(groups, np.int64) + 1
        for _ in range(int(high.max(initial=0)).bit_length()):
            middle = (low + high) // 2  # height 0 keeps no protected row, and passes
            rows = np.where(is_protected, np.minimum(known.rows, middle[known.groups]), known.rows)
            holds = self._is_diverse(known, rows, groups)
            low, high = np.where(holds, middle, low), np.where(holds, high, middle)
        cut = np.where(is_protected, np.maximum(known.rows - low[known.groups], 0), 0)
        return np.bincount(known.groups, weights=cut, minlength=groups).astype(np.int64)

    def _is_protected(self, known: SensitiveCounts) -> BoolArray:
        by_code = np.array([label not in self.disclosable for label in known.labels], np.bool_)
        return np.asarray(by_code[known.values], np.bool_)

    def _is_diverse(self, known: SensitiveCounts, rows: IntArray, groups: int) -> BoolArray:
        first, tail = self._first_and_tail(known, rows, groups)
        return np.asarray((first == 0) | (first < self.c * tail - TOLERANCE))

    def _first_and_tail(self, known: SensitiveCounts, rows: IntArray, groups: int) -> tuple[IntArray, FloatArray]:
        """Return the rows of the most frequent protected value of each class, and of all others from the (l-1)-th on."""
        is_open = ~self._is_protected(known)
        order = np.lexsort((-rows, is_open, known.groups))  # the most frequent protected value of each class first
        of_group = known.groups[order]
        is_first = np.ones(len(order), np.bool_)
        is_first[1:] = of_group[1:] != of_group[:-1]
        leads = order[is_first & ~is_open[order]]
        first = np.zeros(groups, np.int64)
        first[known.groups[leads]] = rows[leads]
        others = rows.copy()
        others[leads] = 0  # last among the others, where it adds nothing
        order = np.lexsort((-others, known.groups))
        of_group = known.groups[order]
        place = np.arange(len(order)) - np.searchsorted(of_group, np.arange(groups))[of_group]
        in_tail = np.where(place >= self.l - 2, others[order], 0)
        tail: FloatArray = np.bincount(of_group, weights=in_tail, minlength=groups).astype(float)
        return first, tail
