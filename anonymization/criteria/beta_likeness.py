"""β-likeness, basic and enhanced."""

from dataclasses import dataclass

import numpy as np

from anonymization.criteria.criterion import BoolArray, ClassCounts
from anonymization.criteria.least_cut import TOLERANCE, least_removed, surplus
from anonymization.loss import FloatArray
from anonymization.quasi import IntArray


@dataclass(frozen=True, slots=True)
class BetaLikeness:
    """In every class, the share of each value of `column` exceeds its share q in the table by at most min(β, -ln q) times.

    The basic model (`is_enhanced` False) allows β times whatever q. A missing value is a value of its own.

    Guarantee: the confidence that somebody has a value grows by at most that factor; rare values are protected most.
    Not guaranteed: anything about confidence that falls (negative information).

    Source: Cao & Karras, Publishing microdata with a robust privacy guarantee, PVLDB 5(11), 2012.
    """

    column: str
    beta: float
    is_enhanced: bool = True
    monotone: bool = False

    @property
    def name(self) -> str:
        """The model with its parameter."""
        return f"{'enhanced' if self.is_enhanced else 'basic'} {self.beta}-likeness of {self.column}"

    def failing(self, classes: ClassCounts) -> BoolArray:
        """Return True for each class in which a value's share grew too much."""
        counts = classes.sensitive[self.column]
        is_over = counts.rows > self._caps(classes)[counts.values] * classes.rows[counts.groups] + TOLERANCE
        return np.bincount(counts.groups[is_over], minlength=len(classes.rows)) > 0

    def reached(self, classes: ClassCounts) -> FloatArray:
        """Return the largest relative gain of each class; infinite where the enhanced cap is passed, whatever β."""
        counts = classes.sensitive[self.column]
        share = self._shares(classes)
        here = counts.rows / classes.rows[counts.groups]
        gain = here / share[counts.values] - 1.0
        if self.is_enhanced:
            gain = np.where(gain > -np.log(share[counts.values]) + TOLERANCE, np.inf, gain)
        most = np.zeros(len(classes.rows))
        np.maximum.at(most, counts.groups, gain)
        return most

    def least_lost(self, classes: ClassCounts) -> IntArray:
        """Return how many rows of each class must go before no share has grown too much."""
        counts, caps, rows = classes.sensitive[self.column], self._caps(classes), classes.rows.astype(float)
        return least_removed(classes.rows, lambda removed: surplus(counts, caps, rows, removed), 0.0)

    def _caps(self, classes: ClassCounts) -> FloatArray:
        share = self._shares(classes)
        gain = np.full(len(share), self.beta)
        if self.is_enhanced:
            gain = np.minimum(gain, -np.log(np.maximum(share, 1e-300)))
        return np.asarray(share * (1.0 + gain))

    def _shares(self, classes: ClassCounts) -> FloatArray:
        overall = classes.sensitive[self.column].overall().astype(float)
        return np.asarray(overall / max(float(overall.sum()), 1.0))
