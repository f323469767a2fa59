"""k-anonymity, counted in people."""

from dataclasses import dataclass

from anonymization.criteria.criterion import BoolArray, ClassCounts, whole_classes
from anonymization.loss import FloatArray
from anonymization.quasi import IntArray


@dataclass(frozen=True, slots=True)
class KAnonymity:
    """Every class holds at least `k` persons.

    Guarantee: a person known to be in the release by the quasi-identifiers alone is one of at least k.
    Not guaranteed: that the k persons differ in what an attacker wants to learn (see `distinct_l`), nor anything
    against an attacker who knows more than the quasi-identifiers.

    Source: Sweeney, k-anonymity, IJUFKS 10(5):557-570, 2002.
    """

    k: int
    monotone: bool = True

    @property
    def name(self) -> str:
        """The model with its parameter."""
        return f"{self.k}-anonymity"

    def failing(self, classes: ClassCounts) -> BoolArray:
        """Return True for each class of fewer than k persons."""
        return classes.people < self.k

    def reached(self, classes: ClassCounts) -> FloatArray:
        """Return the people of each class."""
        return classes.people.astype(float)

    def least_lost(self, classes: ClassCounts) -> IntArray:
        """Return all rows of each failing class."""
        return whole_classes(self.failing(classes), classes)
