"""Entropy l-diversity."""

import math
from dataclasses import dataclass

import numpy as np

from anonymization.criteria.criterion import BoolArray, ClassCounts
from anonymization.criteria.least_cut import TOLERANCE, least_truncated
from anonymization.loss import FloatArray
from anonymization.quasi import IntArray
from anonymization.sensitive import SensitiveCounts


@dataclass(frozen=True, slots=True)
class EntropyLDiversity:
    """In every class, the entropy of `column` is at least ln `l`; missing values are not counted.

    Guarantee: on the average over a class, guessing its values is as hard as among l equally frequent ones.
    Not guaranteed: that no single value is much more likely than 1/l.

    Source: Machanavajjhala et al., l-diversity, ACM TKDD 1(1), 2007, definition 4.1 (Shannon's entropy).
    """

    column: str
    l: float
    monotone: bool = False

    @property
    def name(self) -> str:
        """The model with its parameters."""
        return f"entropy {self.l}-diversity of {self.column}"

    def failing(self, classes: ClassCounts) -> BoolArray:
        """Return True for each class whose entropy is below ln l."""
        known = classes.sensitive[self.column].known()
        return ~self._is_even(known, known.rows, len(classes.rows))

    def reached(self, classes: ClassCounts) -> FloatArray:
        """Return e to the entropy of each class; 0 for one without a known value."""
        known = classes.sensitive[self.column].known()
        entropy, totals = self._entropies(known, known.rows, len(classes.rows))
        return np.where(totals > 0, np.exp(entropy), 0.0)

    def least_lost(self, classes: ClassCounts) -> IntArray:
        """Return how many rows of each class must go before the rest can have the entropy."""
        known, size = classes.sensitive[self.column].known(), len(classes.rows)
        least = least_truncated(known, size, lambda _, rows: self._is_even(known, rows, size))
        return np.where(known.distinct(size) < self.l, classes.rows, least)

    def _is_even(self, known: SensitiveCounts, rows: IntArray, groups: int) -> BoolArray:
        entropy, totals = self._entropies(known, rows, groups)
        return np.asarray((entropy >= math.log(self.l) - TOLERANCE) & (totals > 0))

    def _entropies(self, known: SensitiveCounts, rows: IntArray, groups: int) -> tuple[FloatArray, FloatArray]:
        totals: FloatArray = np.bincount(known.groups, weights=rows, minlength=groups).astype(float)
        share = rows / np.maximum(totals[known.groups], 1.0)
        terms = np.where(share > 0, -share * np.log(np.maximum(share, 1e-300)), 0.0)
        entropy: FloatArray = np.bincount(known.groups, weights=terms, minlength=groups).astype(float)
        return entropy, totals
