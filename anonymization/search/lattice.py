"""The lattice of all combinations of levels as one flat array, with its boxes."""

from dataclasses import dataclass, field

import numpy as np

from anonymization.quasi import IntArray
from anonymization.search.problem import Node


@dataclass(frozen=True, slots=True)
class Lattice:
    """All nodes of `shape`; `rank` orders them by height, then lexicographically, and breaks ties of loss."""

    shape: tuple[int, ...]
    rank: IntArray = field(repr=False)

    @property
    def top(self) -> Node:
        """The most general node."""
        return tuple(size - 1 for size in self.shape)

    def node(self, index: int) -> Node:
        """Return the node at a flat index."""
        return tuple(int(level) for level in np.unravel_index(index, self.shape))

    def index(self, node: Node) -> int:
        """Return the flat index of a node."""
        return int(np.ravel_multi_index(node, self.shape))


def make_lattice(shape: tuple[int, ...]) -> Lattice:
    """List the nodes of a shape."""
    height = np.zeros((), np.int64)
    for size in shape:
        height = np.add.outer(height, np.arange(size, dtype=np.int64))
    order = np.argsort(height.reshape(-1), kind="stable")
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return Lattice(shape, rank.reshape(shape))


def below(node: Node) -> tuple[slice, ...]:
    """Return the box of the node and everything it generalizes."""
    return tuple(slice(0, level + 1) for level in node)


def above(node: Node) -> tuple[slice, ...]:
    """Return the box of the node and everything that generalizes it."""
    return tuple(slice(level, None) for level in node)
