"""Average re-identification risk: the marketer's."""

import math
from dataclasses import dataclass

import numpy as np

from anonymization.criteria.criterion import BoolArray, ClassCounts
from anonymization.criteria.least_cut import TOLERANCE


@dataclass(frozen=True, slots=True)
class AverageReidentification:
    """Over the published records, one divided by the people of the record's class is at most `most` on the average.

    When classes merge, no record's class has fewer people, so the average only falls. Publishing more may add small
    classes, so it may rise.

    Guarantee: who links every record at random with somebody of its class is right for at most that share of them.
    Not guaranteed: anything about a single record; that is what k says.

    Source: El Emam, Guide to the De-Identification of Personal Health Information, CRC Press 2013 (marketer risk).
    """

    most: float
    monotone_in_generalization: bool = True
    monotone_in_suppression: bool = False

    @property
    def name(self) -> str:
        """The model with its parameter."""
        return f"average risk of at most {self.most:g}"

    def failing_by(self, counts: ClassCounts, kept: BoolArray) -> bool:
        """Return True if the average over the published records is above the limit."""
        return self._mean(counts, kept) > self.most + TOLERANCE

    def nearest(self, counts: ClassCounts, kept: BoolArray) -> str | None:
        """Return the average that is reached."""
        return f"an average risk of {math.ceil(self._mean(counts, kept) * 1e4) / 1e4:g}"

    def _mean(self, counts: ClassCounts, kept: BoolArray) -> float:
        rows, people = counts.rows[kept], counts.people[kept]
        return float(np.sum(rows / people) / np.sum(rows))
