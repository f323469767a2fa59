"""Which combinations of levels the peeling tries: all of them where they are few, a stated selection where they are many."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from anonymization.quasi import IntArray
from anonymization.recoding.trees import LabelTree

TRIED_NODES = 20_000
"""At most so many nodes are tried; each costs a pass over the rows that are left."""

Climb = tuple[int, ...]
"""The level of a quasi-identifier at each of the common steps from the bottom to the top."""


@dataclass(frozen=True, slots=True)
class Nodes:
    """The nodes to try, one a row of `levels`; `lattice` counts all there are.

    Where only some are tried, all quasi-identifiers climb together, from the bottom to the top in common steps: a node is
    tried if all its levels lie within `window` steps of each other, and those of each `tied` group at the same step.
    """

    levels: IntArray
    lattice: int
    window: int
    tied: tuple[tuple[int, ...], ...]


def choose_nodes(trees: tuple[LabelTree, ...], *, most: int = TRIED_NODES) -> Nodes:
    """Return at most `most` nodes, the bottom and the top among them.

    Where not all can be tried, those are that treat the quasi-identifiers evenly: the widest window that is affordable; where
    even two steps are too many, the quasi-identifiers with the fewest labels are tied.
    """
    heights = [len(tree.at) for tree in trees]
    lattice, steps = math.prod(heights), max(heights)
    climbs = [_climb(height, steps) for height in heights]
    groups: list[tuple[int, ...]] = [(j,) for j in range(len(trees))]
    window = steps
    while window > 2 and _number(climbs, groups, window) > most:
        window -= 1
    while len(groups) > 1 and _number(climbs, groups, window) > most:
        detail = sorted(groups, key=lambda group: (max(len(trees[j].texts) for j in group), group))
        groups = sorted([*detail[2:], tuple(sorted(detail[0] + detail[1]))])
    listed = [_in_window(climbs, groups, range(low, low + window)) for low in range(steps - window + 1)]
    levels = np.unique(np.concatenate(listed), axis=0)
    return Nodes(levels, lattice, window, tuple(group for group in groups if len(group) > 1))


def _climb(height: int, steps: int) -> Climb:
    return tuple(round(step * (height - 1) / max(steps - 1, 1)) for step in range(steps))


def _number(climbs: Sequence[Climb], groups: Sequence[tuple[int, ...]], window: int) -> int:
    """Return how many nodes all windows list, those in several counted in each."""
    lows = range(len(climbs[0]) - window + 1)
    return sum(math.prod(len(_ways(climbs, group, range(low, low + window))) for group in groups) for low in lows)


def _ways(climbs: Sequence[Climb], group: tuple[int, ...], steps: range) -> list[Climb]:
    """Return the levels that a group has at these steps, each combination once."""
    return sorted({tuple(climbs[j][step] for j in group) for step in steps})


def _in_window(climbs: Sequence[Climb], groups: Sequence[tuple[int, ...]], steps: range) -> IntArray:
    ways = [_ways(climbs, group, steps) for group in groups]
    rest = np.arange(math.prod(len(found) for found in ways))
    levels = np.zeros((len(rest), len(climbs)), np.int64)
    for group, found in zip(groups, ways, strict=True):
        rest, choice = np.divmod(rest, len(found))
        levels[:, list(group)] = np.array(found, np.int64)[choice]
    return levels
