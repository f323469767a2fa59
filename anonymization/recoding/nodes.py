"""Which combinations of levels the peeling tries: all of them where they are few, a stated selection where they are many."""

import math
from dataclasses import dataclass

import numpy as np

from anonymization.quasi import IntArray
from anonymization.recoding.trees import LabelTree

TRIED_NODES = 20_000
"""At most so many nodes are tried; each costs a pass over the rows that are left."""


@dataclass(frozen=True, slots=True)
class Nodes:
    """The nodes to try, one a row of `levels`, and what they were chosen from.

    `lattice` counts all nodes; `is_selection` says that only some are tried: some levels are left out (`steps` lists those
    kept, by quasi-identifier), and quasi-identifiers of one of the `tied` groups go up together.
    """

    levels: IntArray
    lattice: int
    steps: tuple[tuple[int, ...], ...]
    tied: tuple[tuple[int, ...], ...]

    @property
    def is_selection(self) -> bool:
        """Whether some nodes of the lattice are not tried."""
        return len(self.levels) < self.lattice


def choose_nodes(trees: tuple[LabelTree, ...], *, most: int = TRIED_NODES) -> Nodes:
    """Return at most `most` nodes; the lowest and the highest level of each quasi-identifier are always among its steps.

    First the levels between are thinned, where most are left; then the quasi-identifiers with the fewest labels are tied.
    """
    steps = [list(range(len(tree.at))) for tree in trees]
    while math.prod(map(len, steps)) > most and max(map(len, steps)) > 2:
        longest = max(range(len(steps)), key=lambda j: (len(steps[j]), -j))
        del steps[longest][len(steps[longest]) // 2]
    tied: list[tuple[int, ...]] = [(j,) for j in range(len(trees))]
    while _ways(steps, tied) > most:
        by_detail = sorted(tied, key=lambda group: (max(len(trees[j].texts) for j in group), group))
        tied = [group for group in tied if group not in by_detail[:2]]
        tied.append(tuple(sorted(by_detail[0] + by_detail[1])))
    tied.sort()
    ways = [_climbs(steps, group) for group in tied]
    chosen = np.indices([len(climbs) for climbs in ways]).reshape(len(ways), -1)
    levels = np.zeros((chosen.shape[1], len(trees)), np.int64)
    for group, climbs, step in zip(tied, ways, chosen, strict=True):
        levels[:, list(group)] = np.array(climbs, np.int64)[step]
    lattice = math.prod(len(tree.at) for tree in trees)
    return Nodes(levels, lattice, tuple(map(tuple, steps)), tuple(group for group in tied if len(group) > 1))


def _ways(steps: list[list[int]], tied: list[tuple[int, ...]]) -> int:
    return math.prod(max(len(steps[j]) for j in group) for group in tied)


def _climbs(steps: list[list[int]], group: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Return how a group goes up: at each step, every member is as far up its own levels."""
    number = max(len(steps[j]) for j in group)
    return [
        tuple(steps[j][0 if number == 1 else round(step * (len(steps[j]) - 1) / (number - 1))] for j in group)
        for step in range(number)
    ]
