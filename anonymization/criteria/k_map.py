"""k-map: k-anonymity of the population that a release was taken from."""

from dataclasses import dataclass

from anonymization.criteria.criterion import BoolArray, ClassCounts, whole_classes
from anonymization.loss import FloatArray
from anonymization.population import people_of
from anonymization.quasi import IntArray


@dataclass(frozen=True, slots=True)
class KMapping:
    """At least `k` people of the population have the quasi-identifier values of every class.

    Guarantee: who knows a person of the population, and not whether the person is in the release, finds at least k people
    that a record may be of.
    Not guaranteed: anything against who knows that the person is in the release; that is what k-anonymity says.

    Source: El Emam & Dankar, Protecting privacy using k-anonymity, JAMIA 15(5):627-637, 2008.
    """

    k: int
    monotone: bool = True

    @property
    def name(self) -> str:
        """The model with its parameter."""
        return f"{self.k}-map"

    def failing(self, classes: ClassCounts) -> BoolArray:
        """Return True for each class with fewer than k people of the population."""
        return people_of(classes) < self.k

    def reached(self, classes: ClassCounts) -> FloatArray:
        """Return the people of the population of each class."""
        return people_of(classes).astype(float)

    def least_lost(self, classes: ClassCounts) -> IntArray:
        """Return all rows of each failing class."""
        return whole_classes(self.failing(classes), classes)
