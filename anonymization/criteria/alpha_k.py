"""(α, k)-anonymity: the part that α adds to k-anonymity."""

from dataclasses import dataclass

import numpy as np

from anonymization.criteria.criterion import BoolArray, ClassCounts
from anonymization.criteria.least_cut import TOLERANCE, least_removed, surplus
from anonymization.loss import FloatArray
from anonymization.quasi import IntArray


@dataclass(frozen=True, slots=True)
class AlphaFrequency:
    """In every class, no value of `column` holds more than the share `alpha` of the rows; a missing value may.

    With k-anonymity beside it this is the general (α, k)-anonymity model.

    Guarantee: nobody's value can be inferred from the class with more than `alpha` confidence.
    Not guaranteed: anything against knowledge from elsewhere of how frequent values are.

    Source: Wong et al., (α, k)-anonymity, ACM KDD 2006, section 2 (general model).
    """

    column: str
    alpha: float
    monotone: bool = False

    @property
    def name(self) -> str:
        """The model with its parameter."""
        return f"share of a value of {self.column} at most {self.alpha}"

    def failing(self, classes: ClassCounts) -> BoolArray:
        """Return True for each class in which a value is too frequent."""
        return np.asarray(self._most(classes) > self.alpha * classes.rows + TOLERANCE)

    def reached(self, classes: ClassCounts) -> FloatArray:
        """Return the largest share of a value in each class."""
        return np.asarray(self._most(classes) / np.maximum(classes.rows, 1))

    def least_lost(self, classes: ClassCounts) -> IntArray:
        """Return how many rows of each class must go before no value is too frequent."""
        counts = classes.sensitive[self.column]
        caps = np.full(counts.size, self.alpha)
        caps[counts.missing] = 1.0
        rows = classes.rows.astype(float)
        return least_removed(classes.rows, lambda removed: surplus(counts, caps, rows, removed), 0.0)

    def _most(self, classes: ClassCounts) -> IntArray:
        """Return the rows of the most frequent known value of each class."""
        known = classes.sensitive[self.column].known()
        most = np.zeros(len(classes.rows), np.int64)
        np.maximum.at(most, known.groups, known.rows)
        return most
