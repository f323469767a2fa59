"""The loss metric: how much of the information in the quasi-identifiers a release gives up, from 0 to 1.

The share of a label is the part of its hierarchy's leaves that it covers. For attribute j, T_j sums the shares of the
published records and 1 for each suppressed one; v_j = (T_j - N/D_j) / (N - N/D_j), cut to ten decimals. With weights w_j
that sum to 1, the geometric Loss is prod (1 + v_j)^w_j - 1, and the arithmetic one is sum w_j v_j.

Sums are kept as whole numbers (T_j times D_j), so they do not depend on the order of summation. A further metric is a
class here that combines the v_j so that no less of one ever makes more of the whole: the bounds of the search ask no more.

Source: ARX 3.9.2, metric "Loss" with geometric mean, gs-factor 0.5, weights 1; reference/anonymization.md section 4.
Weights and the arithmetic mean are ours (ARX multiplies its factors by the weights instead).
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from anonymization.quasi import IntArray
from policies.errors import PolicyError
from policies.model.loss import LeastLoss

FloatArray = npt.NDArray[np.float64]
METRIC = "loss: geometric mean, suppression counts 1, cut to 10 decimals (ARX 3.9 Loss)"
DECIMALS = 1e10


class Mean(StrEnum):
    """How the losses of the attributes become one."""

    GEOMETRIC = "geometric"
    ARITHMETIC = "arithmetic"


@dataclass(frozen=True, slots=True)
class Metric:
    """What the search makes least: the mean, and how much each column matters (1 where it is not named; 0 for not at all)."""

    mean: Mean = Mean.GEOMETRIC
    weights: Mapping[str, float] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """How evidence calls the metric."""
        if self.mean is Mean.GEOMETRIC and not self.weights:
            return METRIC
        weighed = ", ".join(f"{column} {weight:g}" for column, weight in sorted(self.weights.items()))
        return (
            f"loss: {self.mean} mean, suppression counts 1, cut to 10 decimals"
            f"{'; weights: ' + weighed + ', else 1' if weighed else ''}"
        )

    def of_table(self, records: int, domains: Mapping[str, int]) -> "Loss":
        """Return the metric for a table of `records` rows whose columns have hierarchies of `domains` leaves.

        Raises:
            PolicyError: A weight that is negative or not a number, of no such column, or all weights 0.
        """
        weights = [self.weights.get(column, 1.0) for column in domains]
        if (
            set(self.weights) - set(domains)
            or not all(0.0 <= weight < np.inf for weight in weights)
            or not any(weights)
        ):
            raise PolicyError(
                "policy.weights",
                what="the weights of the loss do not fit the quasi-identifiers",
                why="a weight is a number of at least 0 for a quasi-identifier, and one of them must be more than 0",
                fix="weigh quasi-identifiers only, 2 for twice as much as the others, 0 for not at all",
            )
        shares = tuple(weight / sum(weights) for weight in weights)
        kind = GeometricLoss if self.mean is Mean.GEOMETRIC else ArithmeticLoss
        return kind(records, tuple(domains.values()), shares)


GEOMETRIC = Metric()
"""The metric of ARX, without weights."""


def metric_of(asked: LeastLoss | None) -> Metric:
    """Return the metric that a policy asks for; that of ARX where it asks for none."""
    if asked is None:
        return GEOMETRIC
    return Metric(Mean(asked.mean), {one.column: one.weight for one in asked.weights})


@dataclass(frozen=True, slots=True)
class Loss(ABC):
    """The metric for a table of `records` rows whose hierarchies have `domains` leaves, one an attribute.

    `shares[j]` is the weight of attribute j; those of a whole release sum to 1, those of a part of it to less.
    """

    records: int
    domains: tuple[int, ...]
    shares: tuple[float, ...]

    def lost(self, attribute: int, numerators: IntArray) -> FloatArray:
        """Return v_j for each sum T_j * D_j; a hierarchy of one leaf has nothing to lose."""
        domain = self.domains[attribute]
        if domain == 1:
            return np.zeros(len(numerators))
        share = (numerators - self.records) / float(self.records * (domain - 1))
        return np.asarray(np.floor(np.maximum(share, 0.0) * DECIMALS) / DECIMALS)

    @abstractmethod
    def of(self, numerators: Sequence[int]) -> float:
        """Return the loss of a release from its sums T_j * D_j, one an attribute."""

    def part(self, attributes: Sequence[int]) -> "Loss":
        """Return what some of the attributes contribute."""
        return replace(
            self,
            domains=tuple(self.domains[j] for j in attributes),
            shares=tuple(self.shares[j] for j in attributes),
        )

    @abstractmethod
    def over(self, numerators: Sequence[IntArray]) -> FloatArray:
        """Return the loss of every combination of one sum an attribute, as an array with one axis an attribute.

        Attributes are combined in their order, as in `of`, so equal sums give equal losses to the bit.
        """

    @abstractmethod
    def joined(self, losses: Sequence[float]) -> float:
        """Return the loss of the whole from those of its parts."""

    @abstractmethod
    def additive(self, loss: FloatArray) -> FloatArray:
        """Return losses on a scale on which those of the attributes add up."""

    @abstractmethod
    def slopes(self, attribute: int, left: FloatArray) -> FloatArray:
        """Return by how much the additive scale rises with v_j, where the share `left` of it is not lost yet."""


@dataclass(frozen=True, slots=True)
class GeometricLoss(Loss):
    """The geometric mean: prod (1 + v_j)^w_j - 1."""

    def of(self, numerators: Sequence[int]) -> float:
        """Return the loss of a release from its sums T_j * D_j, one an attribute."""
        product = 1.0
        for attribute, numerator in enumerate(numerators):
            product *= float(self._factors(attribute, np.array([numerator], np.int64))[0])
        return product - 1.0

    def over(self, numerators: Sequence[IntArray]) -> FloatArray:
        """Return the loss of every combination of one sum an attribute."""
        product = np.ones(())
        for attribute, sums in enumerate(numerators):
            product = np.multiply.outer(product, self._factors(attribute, sums))
        return np.asarray(product - 1.0)

    def joined(self, losses: Sequence[float]) -> float:
        """Return the loss of the whole from those of its parts."""
        product = 1.0
        for loss in losses:
            product *= 1.0 + loss
        return product - 1.0

    def additive(self, loss: FloatArray) -> FloatArray:
        """Return losses on a scale on which those of the attributes add up."""
        return np.asarray(np.log1p(loss))

    def slopes(self, attribute: int, left: FloatArray) -> FloatArray:
        """Return by how much the additive scale rises with v_j."""
        return self.shares[attribute] * left / (2.0 - left)

    def _factors(self, attribute: int, numerators: IntArray) -> FloatArray:
        powers: FloatArray = (1.0 + self.lost(attribute, numerators)) ** self.shares[attribute]
        return powers


@dataclass(frozen=True, slots=True)
class ArithmeticLoss(Loss):
    """The arithmetic mean: sum w_j v_j."""

    def of(self, numerators: Sequence[int]) -> float:
        """Return the loss of a release from its sums T_j * D_j, one an attribute."""
        total = 0.0
        for attribute, numerator in enumerate(numerators):
            total += float(self._terms(attribute, np.array([numerator], np.int64))[0])
        return total

    def over(self, numerators: Sequence[IntArray]) -> FloatArray:
        """Return the loss of every combination of one sum an attribute."""
        total = np.zeros(())
        for attribute, sums in enumerate(numerators):
            total = np.add.outer(total, self._terms(attribute, sums))
        return np.asarray(total)

    def joined(self, losses: Sequence[float]) -> float:
        """Return the loss of the whole from those of its parts."""
        return float(sum(losses))

    def additive(self, loss: FloatArray) -> FloatArray:
        """Return losses on a scale on which those of the attributes add up."""
        return loss

    def slopes(self, attribute: int, left: FloatArray) -> FloatArray:
        """Return by how much the additive scale rises with v_j."""
        return self.shares[attribute] * left

    def _terms(self, attribute: int, numerators: IntArray) -> FloatArray:
        return self.shares[attribute] * self.lost(attribute, numerators)
