"""δ-presence: how likely it is that somebody of the population is in the release at all."""

from dataclasses import dataclass

import numpy as np

from anonymization.criteria.criterion import BoolArray, ClassCounts
from anonymization.criteria.least_cut import TOLERANCE
from anonymization.loss import FloatArray
from anonymization.population import people_of, people_outside
from anonymization.quasi import IntArray


@dataclass(frozen=True, slots=True)
class DeltaPresence:
    """In every class, the people of the release are a share of `least` to `most` of the population's.

    Where a class fails by being too full, at most `most` times the population's people can be published of it, however it
    is divided: shares of parts add up to no more. A class that is too empty may have parts that are not, so nothing
    follows from that.

    Guarantee: who knows a person's quasi-identifiers is at most `most` sure that the person is in the release.
    Not guaranteed: anything about people whom the population table does not hold. `least` is kept by `EveryoneCounted`,
    together with this.

    Source: Nergiz, Atzori & Clifton, Hiding the presence of individuals from shared databases, ACM SIGMOD 2007.
    """

    least: float
    most: float
    monotone: bool = False

    @property
    def name(self) -> str:
        """The model with its parameters."""
        return f"({self.least:g}, {self.most:g})-presence"

    def failing(self, classes: ClassCounts) -> BoolArray:
        """Return True for each class whose share is out of the range."""
        share = self.reached(classes)
        return np.asarray((share > self.most + TOLERANCE) | (share < self.least - TOLERANCE))

    def reached(self, classes: ClassCounts) -> FloatArray:
        """Return the share of each class; infinite where the population has nobody."""
        people, population = classes.people.astype(float), people_of(classes)
        return np.where(population > 0, people / np.maximum(population, 1), np.inf)

    def least_lost(self, classes: ClassCounts) -> IntArray:
        """Return by how many people each class is too full: at least a row of each of them."""
        allowed = np.floor(self.most * people_of(classes) + TOLERANCE).astype(np.int64)
        lost: IntArray = np.minimum(np.maximum(classes.people - allowed, 0), classes.rows)
        return lost


@dataclass(frozen=True, slots=True)
class EveryoneCounted:
    """The other half of δ-presence where `least` is above 0: no class of the population is without published people.

    A class that is suppressed, or that nobody of the table is in, tells that its people are not in the release.

    Source: as `DeltaPresence`.
    """

    least: float
    monotone_in_generalization: bool = True
    monotone_in_suppression: bool = True

    @property
    def name(self) -> str:
        """The model with its parameter."""
        return f"presence of at least {self.least:g} in every class of the population"

    def failing_by(self, counts: ClassCounts, kept: BoolArray) -> bool:
        """Return True if a class with people of the population is not published, or people are in no class."""
        return bool((people_of(counts)[~kept] > 0).any()) or people_outside(counts) > 0

    def nearest(self, counts: ClassCounts, kept: BoolArray) -> str | None:
        """Return nothing: a share of nobody meets only 0, which asks nothing."""
        return None
