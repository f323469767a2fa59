"""The classes while they still change: which rows of which tuple are in which class, its labels, and what it costs."""

import math
from collections.abc import Iterable, Mapping, Sequence
from copy import copy

import numpy as np

from anonymization.criteria.criterion import BoolArray
from anonymization.loss import FloatArray
from anonymization.quasi import IntArray
from anonymization.recoding.judge import Judge
from anonymization.recoding.trees import LabelTree

PACK_LABELS = 1_000
"""Quasi-identifiers are looked up together up to so many combinations of labels."""
Content = dict[int, int]
"""A class: how many rows of which tuple are in it."""


class Groups:
    """Classes of rows, each published at the lowest labels that all its rows have in common.

    Mutable: the memory of the improvement. A part is the rows of one tuple in one class. `labels[j][c]`, `rows[c]` and
    `cost[c]` (of one row) belong to class c; an empty class has no rows. A tuple that is in no class stands alone, is
    suppressed (`is_lost`) and costs 1 a row.
    """

    def __init__(
        self, codes: Sequence[IntArray], *, trees: tuple[LabelTree, ...], judge: Judge, class_of: IntArray
    ) -> None:
        self.trees = trees
        self.packs = _packs(trees)
        self.judge = judge
        self.leaves: IntArray = np.stack(
            [tree.at[0][column] for tree, column in zip(trees, codes, strict=True)], axis=1
        )
        classes = int(class_of.max()) + 1
        lost = np.flatnonzero(class_of < 0)
        of_tuple = class_of.copy()
        of_tuple[lost] = classes + np.arange(len(lost))
        self.size = classes + len(lost)
        self.is_lost: BoolArray = np.arange(self.size) >= classes
        self.contents: list[Content] = [{} for _ in range(self.size)]
        tuple_rows = judge.problem.histogram.rows
        for at, (place, rows) in enumerate(zip(of_tuple.tolist(), tuple_rows.tolist(), strict=True)):
            self.contents[place][at] = rows
        self.rows: IntArray = np.bincount(of_tuple, weights=tuple_rows, minlength=self.size).astype(np.int64)
        self.labels: IntArray = _common_labels(self.leaves, trees, of_tuple, self.size)
        self.cost: FloatArray = self._costs(self.labels)
        self.cost[self.is_lost] = 1.0
        self._tables = [None if tree.table is None else tree.table.tolist() for tree in trees]
        self._label_costs: list[list[float]] = [tree.cost.tolist() for tree in trees]

    def read_with(self, trees: tuple[LabelTree, ...]) -> "Groups":
        """Return a copy whose classes have the labels of other trees over the same leaves."""
        other = copy(self)
        other.trees, other.packs = trees, _packs(trees)
        other._tables = [None if tree.table is None else tree.table.tolist() for tree in trees]
        other._label_costs = [tree.cost.tolist() for tree in trees]
        other.contents = [dict(content) for content in self.contents]
        other.rows, other.is_lost = self.rows.copy(), self.is_lost.copy()
        other.labels, other.cost = self.labels.copy(), self.cost.copy()
        for place, content in enumerate(other.contents):
            if content and not other.is_lost[place]:
                labels = other.labels_in_common(content)
                other.labels[:, place], other.cost[place] = labels, other.cost_at(labels)
        return other

    @property
    def total(self) -> float:
        """The mean cost of a row."""
        return float((self.cost * self.rows).sum() / self.rows.sum())

    def labels_in_common(self, tuples: Iterable[int]) -> list[int]:
        """Return the lowest labels above all of some tuples."""
        first, *others = (self.leaves[at].tolist() for at in tuples)
        found: list[int] = first
        for leaf in others:
            for j, (one, other) in enumerate(zip(found, leaf, strict=True)):
                if one != other:
                    table = self._tables[j]
                    found[j] = table[one][other] if table is not None else self._join(j, one, other)
        return found

    def cost_at(self, labels: Sequence[int]) -> float:
        """Return the cost of a row published at `labels`."""
        total = 0.0
        for costs, label in zip(self._label_costs, labels, strict=True):
            total += costs[label]
        return total / len(labels)

    def _join(self, j: int, one: int, other: int) -> int:
        return int(self.trees[j].join(np.array([one]), np.array([other]))[0])

    def _costs(self, labels: IntArray) -> FloatArray:
        total = np.zeros(labels.shape[1])
        for tree, of_class in zip(self.trees, labels, strict=True):
            total += tree.cost[of_class]
        return total / len(self.trees)

    def try_change(self, changed: Mapping[int, Content], made: Sequence[Content], *, least_gain: float) -> bool:
        """Give classes new contents and make new ones, if that costs less and every class then meets the models.

        Args:
            changed: The whole new content of each class that changes; empty for one that is dissolved.
            made: The contents of new classes.
            least_gain: What must be gained, in rows' cost; below it nothing is changed.

        Returns:
            Whether it was done.
        """
        news = [*changed.values(), *made]
        labels = [self.labels_in_common(content) if content else [] for content in news]
        costs = [self.cost_at(label) if label else 0.0 for label in labels]
        rows = [sum(content.values()) for content in news]
        before = sum(float(self.cost[place]) * int(self.rows[place]) for place in changed)
        after = sum(cost * number for cost, number in zip(costs, rows, strict=True))
        if after > before - least_gain or not self._all_meet([content for content in news if content]):
            return False
        places = [*changed, *self._new_places(len(made))]
        for place, content, label, cost, number in zip(places, news, labels, costs, rows, strict=True):
            self.contents[place] = content
            self.rows[place], self.cost[place] = number, cost
            self.is_lost[place] = False
            if label:
                self.labels[:, place] = label
        return True

    def _all_meet(self, contents: Sequence[Content]) -> bool:
        if self.judge.counts_rows:
            return all(sum(content.values()) >= self.judge.least_rows for content in contents)
        tuples = np.array([at for content in contents for at in content], np.int64)
        group_of = np.repeat(np.arange(len(contents)), [len(content) for content in contents])
        return not self.judge.failing(tuples, group_of, len(contents)).any()

    def _new_places(self, number: int) -> range:
        first = self.size
        self.size += number
        if self.size > len(self.rows):
            more = max(self.size, len(self.rows) // 4)
            self.rows = np.append(self.rows, np.zeros(more, np.int64))
            self.cost = np.append(self.cost, np.zeros(more))
            self.is_lost = np.append(self.is_lost, np.zeros(more, np.bool_))
            self.labels = np.append(self.labels, np.zeros((len(self.labels), more), np.int64), axis=1)
        self.contents.extend({} for _ in range(number))
        return range(first, self.size)


def _packs(trees: tuple[LabelTree, ...]) -> tuple[tuple[int, ...], ...]:
    """Divide the quasi-identifiers so that those of a pack have few combinations of labels."""
    packs: list[list[int]] = []
    for j in sorted(range(len(trees)), key=lambda j: (-trees[j].nothing, j)):
        size = trees[j].nothing
        fits = (pack for pack in packs if size * math.prod(trees[i].nothing for i in pack) <= PACK_LABELS)
        pack = next(fits, None) if trees[j].table is not None else None
        if pack is None:
            packs.append([j])
        else:
            pack.append(j)
    return tuple(map(tuple, packs))


def _common_labels(leaves: IntArray, trees: tuple[LabelTree, ...], of_tuple: IntArray, size: int) -> IntArray:
    """Return the lowest labels above all tuples of each class, for classes numbered without a gap."""
    order = np.argsort(of_tuple, kind="stable")
    starts = np.searchsorted(of_tuple[order], np.arange(size))
    labels = np.empty((len(trees), size), np.int64)
    for j, tree in enumerate(trees):
        found = np.full(size, tree.nothing, np.int64)
        for i in reversed(range(len(tree.at))):
            above = tree.up[leaves[order, j], i]
            least, most = np.minimum.reduceat(above, starts), np.maximum.reduceat(above, starts)
            found = np.where((least == most) & (least != tree.nothing), least, found)
        labels[j] = found
    return labels
