"""Layered peeling: every group of rows that a cheap node makes large enough becomes a class, and leaves.

Costs are tried in layers, from nothing up. In a layer every node is tried on the rows that it would give a cost of that
layer; groups that meet the models are published there and taken out, so that later, costlier nodes see only what is left.

Source: reference/anonymization.md section 5.3 (layered peeling); layers by the cost of each row instead of each node.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from anonymization.criteria.criterion import BoolArray
from anonymization.loss import FloatArray
from anonymization.quasi import IntArray
from anonymization.recoding.judge import Judge
from anonymization.recoding.nodes import Nodes
from anonymization.recoding.trees import LabelTree

LAYERS: tuple[float, ...] = (
    *(step / 100 for step in range(11)),
    *(round(0.1 + 0.0375 * step, 4) for step in range(1, 9)),
    *(round(0.4 + 0.15 * step, 2) for step in range(1, 5)),
)
"""The upper ends of the layers, as shares of what can be lost; fine where most rows are."""
BUCKETS = 1 << 13
TABLED_BYTES = 200_000_000
"""Tables of keys and costs of several quasi-identifiers together may hold so much; else they are held one by one."""
PART_WAYS = 40
"""So many combinations of levels may be tabled together."""
Summed = TypeVar("Summed", IntArray, FloatArray)


@dataclass(frozen=True, slots=True)
class Peeled:
    """The class of each tuple, numbered from 0; -1 for tuples that no tried node puts into a class.

    `tried` counts the passes over the rows left, `used` the nodes that made a class.
    """

    class_of: IntArray
    classes: int
    tried: int
    used: int


def peel(
    codes: Sequence[IntArray],
    *,
    trees: tuple[LabelTree, ...],
    nodes: Nodes,
    judge: Judge,
    report: Callable[[float, int], None] | None = None,
) -> Peeled:
    """Group tuples into classes that meet the models, cheapest first.

    Args:
        codes: The leaf codes of the tuples, one array a quasi-identifier.
        trees: The labels of each quasi-identifier.
        nodes: What is tried.
        judge: The models.
        report: Told the layer and the rows left after each layer.
    """
    rows = judge.problem.histogram.rows
    class_of = np.full(len(rows), -1, np.int64)
    classes = tried = 0
    used: set[int] = set()
    below = -1.0
    for layer in LAYERS:
        left = np.flatnonzero(class_of < 0)
        if int(rows[left].sum()) < judge.least_rows:
            break
        tables = _Tables(codes, trees=trees, parts=_parts(nodes.levels, len(left)), left=left)
        taken = np.zeros(len(left), np.bool_)
        for node in tables.nodes_between(below, layer):
            tried += 1
            cost = tables.costs(node)
            here = np.flatnonzero((cost > below) & (cost <= layer) & ~taken)
            found, group_of, groups = _groups(tables.keys(node, here), left[here], judge)
            if groups:
                taken[here[found]] = True
                class_of[left[here[found]]] = classes + group_of
                classes += groups
                used.add(node)
        if report is not None:
            report(layer, int(rows[left[~taken]].sum()))
        below = layer
    return Peeled(class_of, classes, tried, len(used))


def _groups(keys: IntArray, tuples: IntArray, judge: Judge) -> tuple[IntArray, IntArray, int]:
    """Return which places hold tuples of groups that meet the models, their groups from 0, and how many there are."""
    weights = judge.problem.histogram.rows[tuples]
    # Most keys are in too small a group; a count of key remainders, which cannot miss a large one, finds most of these.
    remainder = keys & (BUCKETS - 1)
    may = np.flatnonzero(np.bincount(remainder, weights=weights, minlength=BUCKETS)[remainder] >= judge.least_rows)
    if not len(may):
        return may, may, 0
    distinct, number = np.unique(keys[may], return_inverse=True)
    large = np.bincount(number, weights=weights[may], minlength=len(distinct)) >= judge.least_rows
    if large.any() and not judge.counts_rows:
        may, number, large = _kept(may, number, large)
        large = ~judge.failing(tuples[may], number, len(large))
    found, group_of, large = _kept(may, number, large)
    return found, group_of, len(large)


def _kept(places: IntArray, number: IntArray, is_kept: BoolArray) -> tuple[IntArray, IntArray, BoolArray]:
    """Keep the places of the groups that are kept, and number these anew."""
    chosen = is_kept[number]
    renumbered = np.cumsum(is_kept) - 1
    return places[chosen], renumbered[number[chosen]], is_kept[is_kept]


class _Tables:
    """Keys and costs of the tuples left, for the levels of several quasi-identifiers together.

    A key is a sum of one scrambled number a label: equal labels give equal keys. That different ones never do is not needed:
    two groups taken for one would be published at the labels that they have in common.
    """

    def __init__(
        self, codes: Sequence[IntArray], *, trees: tuple[LabelTree, ...], parts: "tuple[_Part, ...]", left: IntArray
    ) -> None:
        self._parts = parts
        self._keys: list[list[IntArray]] = []
        self._costs: list[list[FloatArray]] = []
        self._least = np.zeros(len(parts[0].way))
        self._most = np.zeros(len(parts[0].way))
        for part in parts:
            labels = {j: [at[codes[j][left]] for at in trees[j].at] for j in part.attributes}
            keys = {j: [_scrambled(j, len(trees[j].texts))[found] for found in labels[j]] for j in labels}
            costs = {j: [trees[j].cost[found] / len(trees) for found in labels[j]] for j in labels}
            self._keys.append([_sum([keys[j][i] for j, i in way]) for way in part.ways])
            self._costs.append([_sum([costs[j][i] for j, i in way]) for way in part.ways])
            self._least += np.array([cost.min() for cost in self._costs[-1]])[list(part.way)]
            self._most += np.array([cost.max() for cost in self._costs[-1]])[list(part.way)]

    def nodes_between(self, below: float, layer: float) -> list[int]:
        """Return the nodes that give any tuple left a cost of the layer, cheapest first."""
        found = np.flatnonzero((self._least <= layer + 1e-12) & (self._most > below - 1e-12))
        order = np.argsort((self._least + self._most)[found], kind="stable")
        return [int(node) for node in found[order]]

    def costs(self, node: int) -> FloatArray:
        """Return the cost of each tuple left at a node."""
        return np.asarray(_sum([costs[part.way[node]] for costs, part in zip(self._costs, self._parts, strict=True)]))

    def keys(self, node: int, places: IntArray) -> IntArray:
        """Return the keys of some of the tuples left at a node."""
        return np.asarray(
            _sum([keys[part.way[node]][places] for keys, part in zip(self._keys, self._parts, strict=True)])
        )


@dataclass(frozen=True, slots=True)
class _Part:
    """Some quasi-identifiers whose levels are tabled together.

    `ways` lists the (quasi-identifier, level) pairs of each combination; node n has the combination `way[n]`.
    """

    attributes: tuple[int, ...]
    ways: tuple[tuple[tuple[int, int], ...], ...]
    way: tuple[int, ...]


def _parts(levels: IntArray, tuples: int) -> tuple[_Part, ...]:
    """Divide the quasi-identifiers into parts, as far as memory allows tables of them together."""
    groups: list[list[int]] = []
    ways = [len(np.unique(levels[:, j])) for j in range(levels.shape[1])]
    budget = TABLED_BYTES // (16 * max(tuples, 1))
    for j in range(levels.shape[1]):
        together = math.prod(ways[i] for i in (*groups[-1], j)) if groups else ways[j]
        others = sum(math.prod(ways[i] for i in group) for group in groups[:-1])
        if groups and together <= PART_WAYS and others + together + sum(ways[j + 1 :]) <= budget:
            groups[-1].append(j)
        else:
            groups.append([j])
    return tuple(_part(levels, group) for group in groups)


def _part(levels: IntArray, group: list[int]) -> _Part:
    key = np.zeros(len(levels), np.int64)
    for j in group:
        key = key * (int(levels[:, j].max()) + 1) + levels[:, j]
    _, first, way = np.unique(key, return_index=True, return_inverse=True)
    ways = tuple(tuple((j, int(levels[row, j])) for j in group) for row in first.tolist())
    return _Part(tuple(group), ways, tuple(way.tolist()))


def _sum(arrays: Sequence[Summed]) -> Summed:
    if len(arrays) == 1:
        return arrays[0]
    total = arrays[0] + arrays[1]
    for array in itertools.islice(arrays, 2, None):
        total += array
    return total


def _scrambled(attribute: int, size: int) -> IntArray:
    """Return one well-mixed number a label (Steele et al., SplitMix, OOPSLA 2014), the same on every run."""
    with np.errstate(over="ignore"):
        x = (np.arange(size, dtype=np.uint64) + np.uint64(attribute << 40) + np.uint64(1)) * np.uint64(
            0x9E3779B97F4A7C15
        )
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return (x ^ (x >> np.uint64(31))).astype(np.int64)
