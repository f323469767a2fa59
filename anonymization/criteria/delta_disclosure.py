"""δ-disclosure privacy."""

import math
from dataclasses import dataclass

import numpy as np

from anonymization.criteria.criterion import BoolArray, ClassCounts
from anonymization.criteria.least_cut import TOLERANCE, least_removed, surplus
from anonymization.loss import FloatArray
from anonymization.quasi import IntArray


@dataclass(frozen=True, slots=True)
class DeltaDisclosure:
    """In every class, the share p of each value of `column` is near its share q in the table: |ln (p/q)| < δ.

    So every value of the table is in every class. A missing value is a value of its own.

    Guarantee: what is believed about anybody's value changes by less than a factor e^δ, up or down.
    Not guaranteed: usefulness; the model is strict.

    Source: Brickell & Shmatikov, The cost of privacy, ACM KDD 2008, definition 4.
    """

    column: str
    delta: float
    monotone: bool = False

    @property
    def name(self) -> str:
        """The model with its parameter."""
        return f"{self.delta}-disclosure privacy of {self.column}"

    def failing(self, classes: ClassCounts) -> BoolArray:
        """Return True for each class in which a share is too far from the table's."""
        return np.asarray(self.reached(classes) >= self.delta - TOLERANCE)

    def reached(self, classes: ClassCounts) -> FloatArray:
        """Return the δ that must be passed for each class to meet the model; infinite where a value of the table is not there."""
        counts, share = classes.sensitive[self.column], self._shares(classes)
        ratio = counts.rows / (classes.rows[counts.groups] * share[counts.values])
        most = np.zeros(len(classes.rows))
        np.maximum.at(most, counts.groups, np.abs(np.log(ratio)))
        present = np.bincount(counts.groups, minlength=len(classes.rows))
        return np.where(present < (share > 0).sum(), np.inf, most)

    def least_lost(self, classes: ClassCounts) -> IntArray:
        """Return how many rows of each class must go: those too many of a value, and those too many for a rare one."""
        counts, share, rows = classes.sensitive[self.column], self._shares(classes), classes.rows.astype(float)
        caps = share * math.exp(self.delta)
        upper = least_removed(classes.rows, lambda removed: surplus(counts, caps, rows, removed), 0.0)
        most = np.full(len(rows), np.inf)
        np.minimum.at(most, counts.groups, counts.rows * math.exp(self.delta) / share[counts.values])
        present = np.bincount(counts.groups, minlength=len(rows))
        most[present < (share > 0).sum()] = 0.0
        lower: IntArray = np.ceil(rows - most - TOLERANCE).clip(min=0).astype(np.int64)
        return np.maximum(upper, lower)

    def _shares(self, classes: ClassCounts) -> FloatArray:
        overall = classes.sensitive[self.column].overall().astype(float)
        return np.asarray(overall / max(float(overall.sum()), 1.0))
