"""From the labels of one level to those above, and what they cost: worked out once, looked up at every check."""

from collections.abc import Sequence

import numpy as np

from anonymization.coding import AnyInt, narrow
from anonymization.quasi import CodedAttribute, IntArray


class LabelMaps:
    """The maps between the levels of each attribute. Mutable: a memory, which changes no result."""

    def __init__(self, attributes: Sequence[CodedAttribute]) -> None:
        self.attributes = attributes
        self._maps: dict[tuple[int, int, int], AnyInt] = {}
        self._costs: dict[tuple[int, int, int], IntArray] = {}

    def between(self, j: int, low: int, high: int) -> AnyInt:
        """Return for each label of the low level of attribute j the label of the high level above it."""
        known = self._maps.get((j, low, high))
        if known is None:
            attribute = self.attributes[j]
            mapped = np.zeros(attribute.sizes[low], np.int64)
            mapped[attribute.label_of[low]] = attribute.label_of[high]
            known = self._maps[j, low, high] = narrow(mapped, attribute.sizes[high])
        return known

    def cost(self, j: int, low: int, high: int) -> IntArray:
        """Return what losing a row costs at the high level, for each label of the low level."""
        known = self._costs.get((j, low, high))
        if known is None:
            attribute = self.attributes[j]
            known = self._costs[j, low, high] = attribute.domain - attribute.covered[high][self.between(j, low, high)]
        return known
