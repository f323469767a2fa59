"""One check: the equivalence classes of a node, rolled up from the smallest stored table that can give them."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from anonymization.coding import AnyInt, combine_codes, narrow, number_keys
from anonymization.criteria.criterion import BoolArray, ClassCounts
from anonymization.criteria.k_anonymity import KAnonymity
from anonymization.criteria.profitability import PublishingPays, share_lost
from anonymization.criteria.table_criterion import TableCriterion
from anonymization.histogram import Histogram, Pairs
from anonymization.loss import FloatArray
from anonymization.quasi import IntArray
from anonymization.search.entropy import entropies
from anonymization.search.label_maps import LabelMaps
from anonymization.search.problem import Check, Node, Problem
from anonymization.sensitive import SensitiveCounts

STORED_TUPLES_RATIO = 6
"""Stored class tables may together hold so many times the tuples of the table itself."""
STORED_TABLES = 400
"""More stored tables than this cost more to look through than they save."""
LARGE_TUPLES = 50_000
"""From a table of more tuples than this, a node is counted by way of one that other nodes can be counted from, too."""


@dataclass(frozen=True, slots=True)
class ClassTable:
    """The equivalence classes at a node: label codes, rows, people and sensitive values of each; as `Histogram`."""

    node: Node
    codes: tuple[AnyInt, ...]
    rows: IntArray
    loyal: IntArray
    shared: Pairs | None
    sensitive: dict[str, SensitiveCounts]

    def counts(self) -> ClassCounts:
        """Return what the models look at."""
        size = len(self.rows)
        people = self.loyal
        if self.shared is not None:
            people = people + np.bincount(self.shared.tuples, minlength=size)
        return ClassCounts(self.rows, people, self.sensitive)


@dataclass(slots=True)
class ClassStore:
    """Class tables of checked nodes, kept so that a coarser node is counted from fewer tuples than the table has.

    Mutable: the search's memory. Which table a node is rolled up from changes its cost, never its result.
    """

    problem: Problem
    tables: list[ClassTable] = field(default_factory=list)
    _nodes: IntArray = field(default_factory=lambda: np.zeros((0, 0), np.int64))
    _sizes: IntArray = field(default_factory=lambda: np.zeros(0, np.int64))
    _held: int = 0
    _detail: list[FloatArray] = field(default_factory=list)
    _maps: LabelMaps = field(init=False)

    def __post_init__(self) -> None:
        self._maps = LabelMaps(self.problem.histogram.attributes)
        self._keep(bottom_table(self.problem.histogram))
        self._held = 0  # the table itself is not counted against what may be stored

    def check(self, node: Node) -> Check:
        """Check one node: group, ask the models, and work out the exact loss."""
        source = self._source(node)
        if len(source.rows) > LARGE_TUPLES:
            source = self._halfway(source, node)
        table, index = roll_up(source, node, self._maps)
        check = evaluate(self.problem, table, Finer(source, index, self._maps))
        if 2 * len(table.rows) <= len(source.rows):
            self._make_room(len(table.rows))
            self._keep(table)
        return check

    def _source(self, node: Node) -> ClassTable:
        usable = np.flatnonzero((self._nodes <= np.array(node)).all(axis=1))
        return self.tables[int(usable[np.argmin(self._sizes[usable])])]

    def _halfway(self, source: ClassTable, node: Node) -> ClassTable:
        """Return, and keep, the table that only lifts the attribute whose lifting loses the most detail.

        Many nodes share that level of it, and are then counted from far fewer tuples than the whole table has.
        """
        if not self._detail:
            self._detail = [entropies(self.problem, j) for j in range(len(node))]
        lost = [detail[low] - detail[high] for detail, low, high in zip(self._detail, source.node, node, strict=True)]
        most = int(np.argmax(lost))
        between = (*source.node[:most], node[most], *source.node[most + 1 :])
        if between in {node, source.node}:
            return source
        table, _ = roll_up(source, between, self._maps)
        if 4 * len(table.rows) <= 3 * len(source.rows):
            self._make_room(len(table.rows))
            self._keep(table)
            return table
        return source

    def _keep(self, table: ClassTable) -> None:
        self.tables.append(table)
        self._held += len(table.rows)
        self._reindex()

    def _make_room(self, size: int) -> None:
        most = STORED_TUPLES_RATIO * len(self.problem.histogram.rows)
        while len(self.tables) > 1 and (self._held + size > most or len(self.tables) >= STORED_TABLES):
            self._held -= len(self.tables.pop(1).rows)

    def _reindex(self) -> None:
        self._nodes = np.array([table.node for table in self.tables], np.int64)
        self._sizes = np.array([len(table.rows) for table in self.tables], np.int64)


def bottom_table(histogram: Histogram) -> ClassTable:
    """Return the classes at the lowest levels that may be chosen; finer classes than these are never asked for."""
    labels = tuple(
        narrow(attribute.label_of[0], attribute.sizes[0])[codes]
        for attribute, codes in zip(histogram.attributes, histogram.codes, strict=True)
    )
    tuples = ClassTable(
        (0,) * len(labels), labels, histogram.rows, histogram.loyal, histogram.shared, histogram.sensitive
    )
    if all(np.array_equal(attribute.label_of[0], np.arange(attribute.sizes[0])) for attribute in histogram.attributes):
        return tuples  # the lowest labels are the values themselves, so each tuple is a class
    table, _ = _merge(tuples, tuples.node, labels, [attribute.sizes[0] for attribute in histogram.attributes])
    return table


@dataclass(frozen=True, slots=True)
class Finer:
    """The classes that others were made from: class c went into class `index[c]`."""

    table: ClassTable
    index: IntArray
    maps: LabelMaps


def roll_up(source: ClassTable, node: Node, maps: LabelMaps) -> tuple[ClassTable, IntArray]:
    """Merge the classes of `source` into those of a node that generalizes it; return them and where each class went."""
    codes = []
    for j, (labels, low, high) in enumerate(zip(source.codes, source.node, node, strict=True)):
        codes.append(labels if low == high else maps.between(j, low, high).take(labels))
    return _merge(source, node, codes, [attribute.sizes[i] for attribute, i in zip(maps.attributes, node, strict=True)])


def _merge(
    source: ClassTable, node: Node, codes: Sequence[AnyInt], sizes: Sequence[int]
) -> tuple[ClassTable, IntArray]:
    keys, space = combine_codes(codes, sizes)
    index, count = number_keys(keys, space)
    member = np.empty(count, np.int64)
    member[index] = np.arange(len(index))  # any member of a class has its labels
    rows = _total(index, source.rows, count)
    table = ClassTable(
        node=node,
        codes=tuple(column.take(member) for column in codes),
        rows=rows,
        loyal=rows if source.loyal is source.rows else _total(index, source.loyal, count),
        shared=None if source.shared is None else _merge_pairs(source.shared, index),
        sensitive={name: counts.merged(index) for name, counts in source.sensitive.items()},
    )
    return table, index


def _merge_pairs(pairs: Pairs, index: IntArray) -> Pairs:
    merged = np.unique(index[pairs.tuples] * pairs.size + pairs.things)
    tuples, things = np.divmod(merged, pairs.size)
    return Pairs(tuples, things, pairs.size)


def _total(index: IntArray, weights: IntArray, count: int) -> IntArray:
    return np.bincount(index, weights=weights, minlength=count).astype(np.int64)


def evaluate(problem: Problem, table: ClassTable, finer: Finer) -> Check:
    """Ask the models about the classes of `table`.

    The penalties are worked out on the classes that they were made from, which are finer and so give tighter bounds.
    """
    histogram = problem.histogram
    counts = counts_of(problem, table)
    failing = failing_classes(problem, counts)
    lost = least_lost(problem, counts)
    suppressed = int(table.rows[failing].sum()) + histogram.unseen_records
    is_allowed = problem.is_allowed(suppressed)
    refused = failed_together(problem, counts, ~failing) if is_allowed else ()
    penalties = _penalties(table, finer, lost)
    if np.array_equal(lost > 0, failing) and bool((lost[failing] == table.rows[failing]).all()):
        added = [int(extra[-1]) for extra in penalties]  # what is lost for good is just what is suppressed
    else:
        added = _cost_of(problem, table, failing)
    sums = [int(base[level]) + more for base, level, more in zip(problem.base_sums, table.node, added, strict=True)]
    return Check(
        node=table.node,
        suppressed=suppressed,
        is_valid=is_allowed and not refused,
        loss=problem.loss.of(sums),
        classes=len(table.rows) - int(failing.sum()),
        stuck=int(lost.sum()) + histogram.unseen_records,
        penalties=penalties,
        rules_out_below=any(problem.is_final(criterion, suppressed) for criterion in refused),
    )


def counts_of(problem: Problem, table: ClassTable) -> ClassCounts:
    """Return what the models of a problem look at."""
    counts = table.counts()
    if not any(isinstance(criterion, PublishingPays) for criterion in problem.criteria):
        return counts
    return replace(counts, lost=share_lost(problem.histogram.attributes, table.node, table.codes))


def _cost_of(problem: Problem, table: ClassTable, failing: BoolArray) -> list[int]:
    """Return what suppressing the failing classes adds to the sum of each attribute."""
    weights = table.rows[failing]
    added = []
    for j, attribute in enumerate(problem.histogram.attributes):
        cost = attribute.domain - attribute.covered[table.node[j]][table.codes[j][failing]]
        added.append(int((cost * weights).sum()))
    return added


def failed_together(problem: Problem, counts: ClassCounts, kept: BoolArray) -> tuple[TableCriterion, ...]:
    """Return the models of the whole release that the published classes fail."""
    return tuple(criterion for criterion in problem.table_criteria if criterion.failing_by(counts, kept))


def failing_classes(problem: Problem, counts: ClassCounts) -> BoolArray:
    """Return which classes fail any model."""
    failing = np.zeros(len(counts.rows), np.bool_)
    for criterion in problem.criteria:
        failing |= criterion.failing(counts)
    return failing


def least_lost(problem: Problem, counts: ClassCounts) -> IntArray:
    """Return for each class how many of its rows no finer node can publish, by the strictest of the models."""
    lost = np.zeros(len(counts.rows), np.int64)
    for criterion in problem.criteria:
        np.maximum(lost, criterion.least_lost(counts), out=lost)
    # What is left must itself be a class: fewer rows than k can never hold k people.
    least_rows = max((criterion.k for criterion in problem.criteria if isinstance(criterion, KAnonymity)), default=1)
    return np.where(counts.rows - lost < least_rows, counts.rows, lost)


def _penalties(table: ClassTable, finer: Finer, lost: IntArray) -> tuple[IntArray, ...]:
    """Return what the lost rows at least cost, by attribute and level up to the node.

    Of a class that is lost whole, each row costs what its own label covers; of one that is lost in part, it is not known
    which rows, and each is taken to cost what the cheapest does.
    """
    source, index, maps = finer.table, finer.index, finer.maps
    is_whole = lost >= table.rows
    is_part = (lost > 0) & ~is_whole
    whole = np.flatnonzero(is_whole.take(index))
    part = np.flatnonzero(is_part.take(index)) if is_part.any() else whole[:0]
    penalties = []
    weights = source.rows.take(whole).astype(float)
    for j, attribute in enumerate(maps.attributes):
        start = source.node[j]
        found = np.bincount(source.codes[j].take(whole), weights=weights, minlength=attribute.sizes[start])
        labels = found.astype(np.int64)
        at_level = np.zeros(table.node[j] + 1, np.int64)
        for level in range(start, table.node[j] + 1):
            cost = maps.cost(j, start, level)
            at_level[level] = int(labels @ cost)
            if len(part):
                cheapest = np.full(len(lost), attribute.domain, np.int64)
                np.minimum.at(cheapest, index[part], cost[source.codes[j][part]])
                at_level[level] += int((cheapest * lost)[is_part].sum())
        at_level[:start] = at_level[start]  # a finer label costs at least as much to lose
        penalties.append(at_level)
    return tuple(penalties)
