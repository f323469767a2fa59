"""Distinct l-diversity."""

from dataclasses import dataclass

from anonymization.criteria.criterion import BoolArray, ClassCounts, whole_classes
from anonymization.loss import FloatArray
from anonymization.quasi import IntArray


@dataclass(frozen=True, slots=True)
class DistinctLDiversity:
    """Every class holds at least `l` values of `column`; a missing value is none of them.

    Guarantee: nobody's value follows with certainty from the class, and l - 1 values must be excluded to learn it.
    Not guaranteed: anything about probability: one value may hold nearly all of a class.

    Source: Machanavajjhala et al., l-diversity, ACM TKDD 1(1), 2007.
    """

    column: str
    l: int
    monotone: bool = True

    @property
    def name(self) -> str:
        """The model with its parameters."""
        return f"distinct {self.l}-diversity of {self.column}"

    def failing(self, classes: ClassCounts) -> BoolArray:
        """Return True for each class of fewer than l values."""
        return classes.sensitive[self.column].distinct(len(classes.rows)) < self.l

    def reached(self, classes: ClassCounts) -> FloatArray:
        """Return the number of values of each class."""
        return classes.sensitive[self.column].distinct(len(classes.rows)).astype(float)

    def least_lost(self, classes: ClassCounts) -> IntArray:
        """Return all rows of each failing class."""
        return whole_classes(self.failing(classes), classes)
