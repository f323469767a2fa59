"""Population uniqueness: the estimated share of a population that is unique in it by the published labels."""

import math
from dataclasses import dataclass

from anonymization.criteria.criterion import BoolArray, ClassCounts
from anonymization.criteria.least_cut import TOLERANCE
from anonymization.uniqueness import estimate_uniques, sizes_of
from policies.model.risk_models import Estimator


@dataclass(frozen=True, slots=True)
class UniqueInPopulation:
    """By an estimate from the published classes, at most the share `most` of the `population` is unique in it.

    Where the estimator has no answer, the release fails. An estimate may rise or fall when classes merge, so neither flag
    is set, and every node that could be the best is asked.

    Guarantee: none; it is an estimate, and as good as its assumption that the release is a simple random sample.
    Not guaranteed: anything about the people who are unique.

    Source: Dankar et al., Estimating the re-identification risk of clinical data sets, BMC Med. Inform. Decis. Mak.
    12:66, 2012; the estimators are in `anonymization.uniqueness`.
    """

    most: float
    population: int
    estimator: Estimator
    monotone_in_generalization: bool = False
    monotone_in_suppression: bool = False

    @property
    def name(self) -> str:
        """The model with its parameters."""
        return f"population uniqueness of at most {self.most:g} ({self.estimator}, {self.population} people)"

    def failing_by(self, counts: ClassCounts, kept: BoolArray) -> bool:
        """Return True if the estimate is above the limit, or there is none."""
        share = self._share(counts, kept)
        return share is None or share > self.most + TOLERANCE

    def nearest(self, counts: ClassCounts, kept: BoolArray) -> str | None:
        """Return the share that is reached."""
        share = self._share(counts, kept)
        return None if share is None else f"a population uniqueness of {math.ceil(share * 1e6) / 1e6:g}"

    def _share(self, counts: ClassCounts, kept: BoolArray) -> float | None:
        sample = sizes_of(counts.people[kept])
        uniques = estimate_uniques(sample, population=self.population, estimator=self.estimator).uniques
        return None if uniques is None else uniques / self.population
