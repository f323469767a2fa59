"""The search where the lattice is too large to list: a good node soon, and an honest gap.

The node comes from a descent from the top and an exchange of levels. Models that are not monotone may fail at the top and
be met below it; then a first release is looked for downwards, where the fewest records would be suppressed. The bound
comes from parts: the quasi-identifiers are divided into groups small enough for the exact search. A release that meets a
monotone model still meets it when columns are left out, so each group of a valid node is itself valid, and the losses of the
groups' optima join to a bound that no node of the whole lattice can pass below.
"""

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from anonymization.histogram import Histogram
from anonymization.search.classes import ClassStore
from anonymization.search.effort import UNLIMITED, Effort
from anonymization.search.optimal import search_all
from anonymization.search.problem import Certificate, Check, Node, Part, Problem, Progress, SearchProgress

BUDGET_CHECKS = 1_000
"""Nodes checked at most; a check costs about one pass over the distinct tuples."""
PART_NODES = 20_000
"""The largest lattice of a part: its exact search takes seconds."""
PART_ATTRIBUTES = 32
"""The most quasi-identifiers of a part, whose lattice is an array with an axis for each."""


def search_wide(
    problem: Problem,
    *,
    progress: Progress | None = None,
    effort: Effort = UNLIMITED,
    part_nodes: int = PART_NODES,
) -> Certificate | None:
    """Find a valid node of little loss, and how much less any other could have; None when none was found.

    Where all models are monotone, None says that there is none: the top is not valid.

    Guarantee: the node meets all models; no node has less loss than `loss - gap`.
    Not guaranteed: that the node is the best, unless `gap` is 0.
    """
    if effort.most_checks is None:
        effort = replace(effort, most_checks=BUDGET_CHECKS)
    search = _Wide(problem, progress, effort)
    if not search.seek():
        return None
    search.descend()
    parts = []
    for group in groups_of(problem, part_nodes):
        certificate = search_all(project(problem, group), effort=effort)
        if certificate is None:
            return None  # what no part of the table can meet, the whole cannot
        parts.append(Part(group, certificate))
    search.bound = bound_of(problem, parts)
    search.exchange()
    best = search.best
    if best is None:
        return None
    gap = max(best.loss - search.bound, 0.0)
    return Certificate(best.node, best.loss, gap, is_complete=False, checks=tuple(search.checks), parts=tuple(parts))


def groups_of(problem: Problem, most_nodes: int) -> list[tuple[int, ...]]:
    """Divide the quasi-identifiers into groups of at most `most_nodes` nodes, the most detailed ones together."""
    by_detail = sorted(range(len(problem.shape)), key=lambda j: (-len(np.unique(problem.histogram.codes[j])), j))
    groups: list[list[int]] = []
    for j in by_detail:
        fits = groups and len(groups[-1]) < PART_ATTRIBUTES
        if fits and math.prod(problem.shape[i] for i in (*groups[-1], j)) <= most_nodes:
            groups[-1].append(j)
        else:
            groups.append([j])
    return [tuple(sorted(group)) for group in groups]


def project(problem: Problem, attributes: Sequence[int]) -> Problem:
    """Return the problem of some quasi-identifiers alone, with the monotone models only.

    Its losses are the factors that these quasi-identifiers contribute to the whole problem's loss.
    """
    histogram = problem.histogram
    narrow = Histogram(
        attributes=tuple(histogram.attributes[j] for j in attributes),
        hierarchies=tuple(histogram.hierarchies[j] for j in attributes),
        codes=tuple(histogram.codes[j] for j in attributes),
        rows=histogram.rows,
        loyal=histogram.loyal,
        shared=histogram.shared,
        sensitive=histogram.sensitive,
        records=histogram.records,
        people=histogram.people,
        unseen_records=histogram.unseen_records,
    )
    return Problem(
        histogram=narrow,
        criteria=tuple(criterion for criterion in problem.criteria if criterion.monotone),
        may_suppress=problem.may_suppress,
        loss=problem.loss.part(attributes),
        base_sums=tuple(problem.base_sums[j] for j in attributes),
        marginals=tuple(problem.marginals[j] for j in attributes),
    )


def bound_of(problem: Problem, parts: Sequence[Part]) -> float:
    """Return the loss below which no node can be, from the bounds of the parts."""
    return problem.loss.joined([part.certificate.loss - part.certificate.gap for part in parts])


@dataclass(slots=True)
class _Wide:
    """The state of one wide search."""

    problem: Problem
    progress: Progress | None
    effort: Effort
    checks: list[Check] = field(default_factory=list)
    best: Check | None = None
    bound: float = 0.0
    _store: ClassStore = field(init=False)
    _done: dict[Node, Check] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._store = ClassStore(self.problem)

    def seek(self) -> bool:
        """Find a first valid node: the top, or where it fails, one below; False if none was found.

        Of the nodes looked at, the one that suppresses the fewest records is lowered next.
        """
        top = self._check(tuple(size - 1 for size in self.problem.shape))
        if top.is_valid or top.rules_out_below or not self.problem.is_allowed(top.stuck):
            return top.is_valid
        waiting = [(top.suppressed, 0.0, top.node)]
        while waiting:
            for child in _lowered(heapq.heappop(waiting)[2]):
                if child in self._done:
                    continue
                if self._is_spent():
                    return False
                check = self._check(child)
                if check.is_valid:
                    return True
                if not check.rules_out_below and self.problem.is_allowed(check.stuck):
                    heapq.heappush(waiting, (check.suppressed, check.loss, child))
        return False

    def descend(self) -> None:
        """Lower one level at a time from the best node, always to the valid child of least bound."""
        if self.best is None:
            return
        node = self.best.node
        while True:
            children = sorted((self._base_loss(child), child) for child in _lowered(node))
            found = next((child for _, child in children if self._is_affordable(child)), None)
            if found is None:
                return
            node = found

    def exchange(self) -> None:
        """Lower one level and raise another as long as that loses less, within the budget."""
        improved = True
        while improved and self.best is not None:
            at = self.best
            around = {higher for lower in _lowered(at.node) for higher in _raised(lower, self.problem.shape)}
            around.update(_lowered(at.node))
            nearby = sorted((self._base_loss(node), node) for node in around - {at.node})
            for loss, node in nearby:
                if loss >= self.best.loss or self._is_spent():
                    break
                self._check(node)
            improved = self.best is not at

    def _is_affordable(self, node: Node) -> bool:
        return not self._is_spent() and self._check(node).is_valid

    def _is_spent(self) -> bool:
        return self.effort.is_spent(len(self.checks))

    def _base_loss(self, node: Node) -> float:
        """Return the loss of the generalization alone."""
        return self.problem.loss.of([int(sums[i]) for sums, i in zip(self.problem.base_sums, node, strict=True)])

    def _check(self, node: Node) -> Check:
        known = self._done.get(node)
        if known is not None:
            return known
        check = self._store.check(node)
        self.checks.append(check)
        self._done[node] = check
        if check.is_valid and (self.best is None or _order(check) < _order(self.best)):
            self.best = check
        self._report()
        return check

    def _report(self) -> None:
        if self.progress is None:
            return
        incumbent = None if self.best is None else self.best.loss
        gap = None if incumbent is None else max(incumbent - self.bound, 0.0)
        open_nodes = math.prod(self.problem.shape) - len(self.checks)
        self.progress(SearchProgress(incumbent, self.bound, gap, len(self.checks), open_nodes))


def _order(check: Check) -> tuple[float, int, Node]:
    return check.loss, sum(check.node), check.node


def _lowered(node: Node) -> list[Node]:
    return [(*node[:j], level - 1, *node[j + 1 :]) for j, level in enumerate(node) if level > 0]


def _raised(node: Node, shape: tuple[int, ...]) -> list[Node]:
    return [(*node[:j], level + 1, *node[j + 1 :]) for j, level in enumerate(node) if level + 1 < shape[j]]
