"""Junction trees: which groups of columns must be held together so that marginals over cliques can be worked out exactly.

Knows sizes and cliques, never data. Source: Koller & Friedman, Probabilistic Graphical Models, 2009, chapters 9 and 10.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Clique = tuple[int, ...]
"""Places of columns, ascending."""


@dataclass(frozen=True, slots=True)
class Tree:
    """Maximal groups of columns in an order in which every group comes after its parent.

    `parents[i]` is the place of the parent of `nodes[i]`, -1 for the first; `separators[i]` is what they share, which may
    be nothing. Every clique lies inside some node, and the nodes that hold a column are connected.
    """

    nodes: tuple[Clique, ...]
    parents: tuple[int, ...]
    separators: tuple[Clique, ...]

    def home(self, clique: Clique) -> int | None:
        """Return the place of the smallest node that holds all of `clique`, None if there is none."""
        holding = [place for place, node in enumerate(self.nodes) if set(clique) <= set(node)]
        return min(holding, key=lambda place: len(self.nodes[place]), default=None)


def cells_of(clique: Iterable[int], sizes: Sequence[int]) -> int:
    """Return the number of cells of a clique."""
    return math.prod(sizes[place] for place in clique)


def junction_tree(sizes: Sequence[int], cliques: Iterable[Clique]) -> Tree:
    """Triangulate by always removing the column whose removal joins the fewest cells; then span by widest separators."""
    nodes = _maximal_groups(sizes, cliques)
    order, parents, left = [nodes[0]], [-1], nodes[1:]
    while left:
        parent, node = max(
            ((place, node) for node in left for place in range(len(order))),
            key=lambda pair: len(set(order[pair[0]]) & set(pair[1])),
        )
        order.append(node)
        parents.append(parent)
        left.remove(node)
    shared = tuple(
        () if parent < 0 else tuple(sorted(set(node) & set(order[parent])))
        for node, parent in zip(order, parents, strict=True)
    )
    return Tree(nodes=tuple(order), parents=tuple(parents), separators=shared)


def tree_cells(sizes: Sequence[int], cliques: Iterable[Clique]) -> int:
    """Return how many cells the nodes of the junction tree of `cliques` hold together: the memory of a model."""
    return sum(cells_of(node, sizes) for node in _maximal_groups(sizes, cliques))


def _maximal_groups(sizes: Sequence[int], cliques: Iterable[Clique]) -> list[Clique]:
    near: dict[int, set[int]] = {place: {place} for place in range(len(sizes))}
    for clique in cliques:
        for place in clique:
            near[place] |= set(clique)
    groups: list[set[int]] = []
    while near:
        chosen = min(near, key=lambda place: (cells_of(near[place], sizes), place))
        group = near.pop(chosen)
        for place in group - {chosen}:
            near[place] = (near[place] | group) - {chosen}
        if not any(group <= found for found in groups):
            groups.append(group)
    return [tuple(sorted(group)) for group in groups]
