"""No attack pays: the game between who publishes and who attacks, where the attacker does best by staying away."""

from dataclasses import dataclass

import numpy as np

from anonymization.criteria.criterion import BoolArray, ClassCounts, whole_classes
from anonymization.loss import FloatArray
from anonymization.population import people_of
from anonymization.quasi import IntArray


@dataclass(frozen=True, slots=True)
class AttackDoesNotPay:
    """In every class, `gain` times the chance of finding a person is less than the `cost` of trying.

    The prosecutor's chance is one divided by the people of the class, the journalist's (`is_journalist`) one divided by
    those of the population. So it is k-anonymity or k-map with the least whole number above gain / cost.

    Guarantee: an attacker who knows the quasi-identifiers, and whose gain and cost are these, loses by attacking anybody.
    Not guaranteed: anything against an attacker with other reasons.

    Source: Wan et al., A game theoretic framework for analyzing re-identification risk, PLoS ONE 10(3):e0120592, 2015;
    the no-attack variant, as ARX 3.9 has it.
    """

    gain: float
    cost: float
    is_journalist: bool = False
    monotone: bool = True

    @property
    def name(self) -> str:
        """The model with its parameters."""
        attacker = "journalist" if self.is_journalist else "prosecutor"
        return f"no attack pays ({attacker}, gain {self.gain:g}, cost {self.cost:g})"

    def failing(self, classes: ClassCounts) -> BoolArray:
        """Return True for each class in which an attack pays, or makes no difference."""
        return np.asarray(self._hidden_among(classes) * self.cost <= self.gain)

    def reached(self, classes: ClassCounts) -> FloatArray:
        """Return the least gain, at this cost, from which on an attack on each class would pay."""
        return np.asarray(self._hidden_among(classes) * self.cost)

    def least_lost(self, classes: ClassCounts) -> IntArray:
        """Return all rows of each failing class."""
        return whole_classes(self.failing(classes), classes)

    def _hidden_among(self, classes: ClassCounts) -> FloatArray:
        return (people_of(classes) if self.is_journalist else classes.people).astype(float)
