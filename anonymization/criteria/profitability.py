"""Publishing pays: the game between who publishes and who attacks, by what is left of the data and what a finding costs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from anonymization.coding import AnyInt
from anonymization.criteria.criterion import BoolArray, ClassCounts
from anonymization.criteria.least_cut import TOLERANCE
from anonymization.loss import FloatArray
from anonymization.population import people_of
from anonymization.quasi import CodedAttribute, IntArray


@dataclass(frozen=True, slots=True)
class PublishingPays:
    """In every class, publishing a record brings more than it costs, against an attacker who attacks where that pays.

    A record brings `benefit` times the share of its information that is left. The attacker attacks if `gain` times the
    chance of finding the person is more than `cost`; then publishing costs `loss` times that chance. The chance is one
    divided by the people of the class (prosecutor) or of the population (`is_journalist`). The share that is lost of a
    class is log(c1 * ... * cm) / log(d1 * ... * dm), cj the leaves under its label of attribute j and dj all of them.

    It lies between two models that are monotone: a class of fewer people than loss / benefit, where an attack pays,
    fails however much of its information is left, and so does every finer class of its people, which are fewer; where no
    attack pays, a class passes unless nothing is left of it. So the bound is the first, and nothing follows from a class
    that fails by what it has lost: finer ones lose less. Two passing classes may merge into one that lost too much.

    Guarantee: by these four numbers, the publisher does not lose by any published record.
    Not guaranteed: that nobody is attacked or found; where `loss` is below `benefit`, people alone in their class may be
    published.

    Source: Wan et al., A game theoretic framework for analyzing re-identification risk, PLoS ONE 10(3):e0120592, 2015, with
    the entropy-based loss of ARX 3.9 (ProfitabilityProsecutor, ProfitabilityJournalist).
    """

    gain: float
    cost: float
    benefit: float
    loss: float
    is_journalist: bool = False
    monotone: bool = False

    @property
    def name(self) -> str:
        """The model with its parameters."""
        attacker = "journalist" if self.is_journalist else "prosecutor"
        numbers = f"gain {self.gain:g}, cost {self.cost:g}, benefit {self.benefit:g}, loss {self.loss:g}"
        return f"publishing pays ({attacker}, {numbers})"

    def failing(self, classes: ClassCounts) -> BoolArray:
        """Return True for each class of which a record does not bring more than it costs."""
        return np.asarray(self.reached(classes) <= TOLERANCE * self.benefit)

    def reached(self, classes: ClassCounts) -> FloatArray:
        """Return what publishing a record of each class brings; minus infinity for a class of nobody."""
        if classes.lost is None:
            msg = "the counts of this model must say what each class has lost"
            raise ValueError(msg)
        return self._payout(classes, classes.lost)

    def least_lost(self, classes: ClassCounts) -> IntArray:
        """Return all rows of each class that would fail even if it had lost nothing."""
        best = self._payout(classes, np.zeros(len(classes.rows)))
        return np.where(best <= TOLERANCE * self.benefit, classes.rows, 0)

    def _payout(self, classes: ClassCounts, lost: FloatArray) -> FloatArray:
        among = (people_of(classes) if self.is_journalist else classes.people).astype(float)
        is_attacked = self.gain > self.cost * among
        harm = np.where(is_attacked, self.loss / np.maximum(among, 1.0), 0.0)
        return np.where(among > 0, self.benefit * (1.0 - lost) - harm, -np.inf)


def share_lost(attributes: Sequence[CodedAttribute], node: Sequence[int], codes: Sequence[AnyInt]) -> FloatArray:
    """Return the share of its information that each class has lost, from 0 to 1.

    Args:
        attributes: The quasi-identifiers.
        node: The index of the level of each.
        codes: The label codes of the classes, one array an attribute.
    """
    whole = sum(float(np.log(attribute.domain)) for attribute in attributes)
    lost = np.zeros(len(codes[0]))
    for attribute, level, labels in zip(attributes, node, codes, strict=True):
        lost += np.log(attribute.covered[level].astype(float))[labels]
    return lost / whole if whole > 0 else lost
