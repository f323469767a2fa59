"""Sample uniqueness: the share of records of people who are alone in their class."""

import math
from dataclasses import dataclass

import numpy as np

from anonymization.criteria.criterion import BoolArray, ClassCounts
from anonymization.criteria.least_cut import TOLERANCE


@dataclass(frozen=True, slots=True)
class UniqueInSample:
    """At most the share `most` of the published records is of a person who is alone in the class.

    When classes merge, nobody comes to be alone. Publishing more may add people who are. Below k = 2 only; above it,
    nobody is alone.

    Guarantee: all records but that share are of people who are not the only one with their values in the release.
    Not guaranteed: anything about the people who are.

    Source: Skinner & Elliot, A measure of disclosure risk for microdata, J. R. Statist. Soc. B 64(4), 2002.
    """

    most: float
    monotone_in_generalization: bool = True
    monotone_in_suppression: bool = False

    @property
    def name(self) -> str:
        """The model with its parameter."""
        return f"sample uniqueness of at most {self.most:g}"

    def failing_by(self, counts: ClassCounts, kept: BoolArray) -> bool:
        """Return True if more than that share of the published records is of people who are alone."""
        return self._share(counts, kept) > self.most + TOLERANCE

    def nearest(self, counts: ClassCounts, kept: BoolArray) -> str | None:
        """Return the share that is reached."""
        return f"a sample uniqueness of {math.ceil(self._share(counts, kept) * 1e4) / 1e4:g}"

    def _share(self, counts: ClassCounts, kept: BoolArray) -> float:
        rows = counts.rows[kept]
        return float(np.sum(rows[counts.people[kept] == 1]) / np.sum(rows))
