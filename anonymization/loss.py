"""The loss metric: how much of the information in the quasi-identifiers a release gives up, from 0 to 1.

The share of a label is the part of its hierarchy's leaves that it covers. For attribute j, T_j sums the shares of the
published records and 1 for each suppressed one; v_j = (T_j - N/D_j) / (N - N/D_j), cut to ten decimals;
Loss = prod (1 + v_j)^(1/d) - 1.

Sums are kept as whole numbers (T_j times D_j), so they do not depend on the order of summation.

Source: ARX 3.9.2, metric "Loss" with geometric mean, gs-factor 0.5, weights 1; reference/anonymization.md section 4.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from anonymization.quasi import IntArray

FloatArray = npt.NDArray[np.float64]
METRIC = "loss: geometric mean, suppression counts 1, cut to 10 decimals (ARX 3.9 Loss)"
DECIMALS = 1e10


@dataclass(frozen=True, slots=True)
class GeometricLoss:
    """The metric for a table of `records` rows whose hierarchies have `domains` leaves, one an attribute.

    `dimensions` is d, the number of quasi-identifiers of the release; a part of them has fewer `domains`.
    """

    records: int
    domains: tuple[int, ...]
    dimensions: int

    def factors(self, attribute: int, numerators: IntArray) -> FloatArray:
        """Return (1 + v_j)^(1/d) for each sum T_j * D_j; a hierarchy of one leaf has nothing to lose."""
        domain = self.domains[attribute]
        if domain == 1:
            return np.ones(len(numerators))
        share = (numerators - self.records) / float(self.records * (domain - 1))
        cut = np.floor(np.maximum(share, 0.0) * DECIMALS) / DECIMALS
        powers: FloatArray = (1.0 + cut) ** (1.0 / self.dimensions)
        return powers

    def of(self, numerators: Sequence[int]) -> float:
        """Return the loss of a release from its sums T_j * D_j, one an attribute."""
        product = 1.0
        for attribute, numerator in enumerate(numerators):
            product *= float(self.factors(attribute, np.array([numerator], np.int64))[0])
        return product - 1.0

    def over(self, numerators: Sequence[IntArray]) -> FloatArray:
        """Return the loss of every combination of one sum an attribute, as an array with one axis an attribute.

        The product is taken in the order of the attributes, as in `of`, so equal sums give equal losses to the bit.
        """
        product = np.ones(())
        for attribute, sums in enumerate(numerators):
            product = np.multiply.outer(product, self.factors(attribute, sums))
        return np.asarray(product - 1.0)
