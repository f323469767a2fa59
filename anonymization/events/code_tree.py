"""The codes at hand as a forest: which label stands for which codes, and what it costs.

Codes are numbered so that every label stands for a run of them; a hierarchy's levels become nodes, and a level that says
of the codes at hand no more and no less than the one below it is left out.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from anonymization.hierarchy import ROOT, Hierarchy, require_level
from policies.errors import DataError

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

TOP = -1
"""The parent of a label above which is only the root; also what a code that is not published is published as."""


@dataclass(frozen=True, slots=True)
class CodeTree:
    """Labels (nodes) over codes 0 … n - 1.

    Node i stands for the codes from `start[i]` up to, not including, `stop[i]`, and is published as `labels[i]`. `parent` is the next node
    that stands for more codes at hand, `TOP` if there is none below the root. `share` is what publishing it costs: the part of the other
    leaves of its hierarchy that it cannot be told from, 0 for a leaf, 1 for the root (NCP). `leaves` is each code's finest node, `level` the
    level of its hierarchy. `places[column, code text]` is the number of a code; a code that is not in it is unknown.

    Source of the cost: Xu et al., Utility-based anonymization using local recoding, KDD 2006; Terrovitis et al., PVLDB 1(1), 2008, 3.
    """

    start: IntArray
    stop: IntArray
    parent: IntArray
    share: FloatArray
    level: IntArray
    leaves: IntArray
    labels: tuple[str, ...] = field(repr=False)
    places: dict[tuple[int, str], int] = field(repr=False)

    @property
    def size(self) -> int:
        """The number of codes."""
        return len(self.leaves)

    def restricted(self, codes: IntArray) -> "CodeTree":
        """Return the tree of some of the codes, numbered anew in their order; it knows no texts."""
        start, stop = np.searchsorted(codes, self.start).tolist(), np.searchsorted(codes, self.stop).tolist()
        runs = (
            ((first, last), label, level, share)
            for first, last, label, level, share in zip(
                start, stop, self.labels, self.level.tolist(), self.share.tolist(), strict=True
            )
            if first < last
        )
        return _forest(runs, len(codes), {})

    def climb(self, level: int) -> IntArray:
        """Return for each code its finest node of at least `level`, or its highest."""
        nodes = self.leaves.copy()
        while True:
            up = self.parent[nodes]
            moved = (up != TOP) & (self.level[np.maximum(up, 0)] <= level)
            if not moved.any():
                return nodes
            nodes = np.where(moved, up, nodes)


def build_code_tree(columns: Sequence[tuple[Hierarchy, Sequence[str]]], *, start_level: int = 0) -> CodeTree:
    """Build the forest of the codes of one or more columns; codes of different columns are different codes.

    Args:
        columns: For each column its hierarchy and the values that it holds, in any order, repeated or not.
        start_level: The finest level that may be published; in a hierarchy with fewer levels, its last below the root.

    Raises:
        DataError: A value has no place in a hierarchy that refuses unknown values.
    """
    costs: list[dict[tuple[int, str], float]] = []
    places: dict[tuple[int, str], int] = {}
    spellings: dict[tuple[int, tuple[str, ...]], list[tuple[int, str]]] = {}
    for number, (hierarchy, values) in enumerate(columns):
        found, cost = _paths(hierarchy, values, start_level)
        costs.append(cost)
        for value, path in found.items():
            spellings.setdefault((number, path), []).append((number, value))
    paths = sorted(spellings)
    for code, key in enumerate(paths):
        places.update(dict.fromkeys(spellings[key], code))
    return _forest(_runs(paths, costs), len(paths), places)


def _paths(
    hierarchy: Hierarchy, values: Sequence[str], start_level: int
) -> tuple[dict[str, tuple[str, ...]], dict[tuple[int, str], float]]:
    """Return each value's labels below the root, highest first, and the cost of each label of each level."""
    first = min(start_level, max(hierarchy.height - 2, 0))
    require_level(hierarchy, first)
    wanted = sorted(set(values))
    grown = hierarchy.for_values(wanted)
    place = {leaf: number for number, leaf in enumerate(grown.leaves)}
    unknown = sum(value not in place for value in wanted)
    if unknown and hierarchy.on_unseen == "refuse":
        raise DataError(
            "data.unseen-value",
            what=f"{unknown} distinct codes are not in the hierarchy '{hierarchy.name}'",
            why="a code without a place in the tree cannot be rolled up",
            fix="add the codes to the hierarchy, or let it suppress what it does not know (`on_unseen: suppress`)",
        )
    own = [number for number, leaf in enumerate(grown.leaves) if grown.labels[0][number] == leaf]
    others = max(len(own) - 1, 1)
    cost = {
        (level, label): (count - 1) / others
        for level in range(first, hierarchy.height)
        for label, count in Counter(grown.labels[level][number] for number in own).items()
    }
    found: dict[str, tuple[str, ...]] = {}
    for value in wanted:
        if value in place:
            labels = [grown.labels[level][place[value]] for level in range(first, max(hierarchy.height - 1, 1))]
            path = tuple(reversed(labels))
            if ROOT not in path:
                found[value] = path
            elif ROOT not in labels[:1]:
                # A ragged tree is filled up with its root: what is below it counts.
                found[value] = tuple(label for label in path if label != ROOT)
    return found, {key: min(each, 1.0) for key, each in cost.items()}


Run = tuple[tuple[int, int], str, int, float]
"""The codes a label stands for, the label, its level, its cost."""


def _forest(runs: Iterable[Run], size: int, places: dict[tuple[int, str], int]) -> CodeTree:
    """Make a tree of runs of codes; of several runs that are alike the lowest level stands."""
    nodes: dict[tuple[int, int], Run] = {}
    for run in sorted(runs, key=lambda run: (run[0][1] - run[0][0], run[2])):
        nodes.setdefault(run[0], run)
    kept = list(nodes.values())
    spans = np.array([run[0] for run in kept], np.int64).reshape(-1, 2)
    parent = np.full(len(kept), TOP, np.int64)
    leaves, latest = np.full(size, TOP, np.int64), np.full(size, TOP, np.int64)
    for node, (start, stop) in enumerate(spans.tolist()):  # smallest first: what covered a code last lies just below
        below = latest[start:stop]
        parent[below[below != TOP]] = node
        leaves[start:stop] = np.where(below == TOP, node, leaves[start:stop])
        latest[start:stop] = node
    return CodeTree(
        start=spans[:, 0],
        stop=spans[:, 1],
        parent=parent,
        share=np.array([run[3] for run in kept], np.float64),
        level=np.array([run[2] for run in kept], np.int64),
        leaves=leaves,
        labels=tuple(run[1] for run in kept),
        places=places,
    )


def _runs(paths: Sequence[tuple[int, tuple[str, ...]]], costs: Sequence[dict[tuple[int, str], float]]) -> Iterator[Run]:
    """Yield for each label of each depth the codes it stands for, its level and its cost."""
    deepest = max((len(path) for _, path in paths), default=0)
    for depth in range(1, deepest + 1):
        at = 0
        for key, members in groupby(paths, key=lambda each: (each[0], each[1][:depth])):
            count = sum(1 for _ in members)
            number, prefix = key
            if len(prefix) == depth:
                level = _level(costs[number], prefix[-1], depth)
                yield (at, at + count), prefix[-1], level, costs[number][level, prefix[-1]]
            at += count


def _level(cost: dict[tuple[int, str], float], label: str, depth: int) -> int:
    """Return the level whose label this is: the one that many levels below the root."""
    height = max(level for level, _ in cost) + 1
    level = height - 1 - depth
    # In a ragged tree the depth says less than the label: take the nearest level that has it.
    return min((found for found, name in cost if name == label), key=lambda found: abs(found - level))
