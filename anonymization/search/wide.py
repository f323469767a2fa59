"""The search where the lattice is too large to list: a good node soon, and an honest gap.

Two moves share a budget of checks. Descending from the top gives a valid node; climbing from the bottom, least bound
first, raises the loss below which nothing can be. What is left between the two is the gap.
"""

import heapq
from dataclasses import dataclass, field

import numpy as np

from anonymization.quasi import IntArray
from anonymization.search.classes import ClassStore
from anonymization.search.problem import Certificate, Check, Node, Problem, Progress, SearchProgress

BUDGET_CHECKS = 3_000
"""Nodes checked at most; a check costs about one pass over the distinct tuples."""
BUDGET_VISITS = 200_000
"""Nodes looked at by the climb at most, most of them settled by a bound alone."""


def search_wide(
    problem: Problem, *, progress: Progress | None = None, budget_checks: int = BUDGET_CHECKS
) -> Certificate | None:
    """Find a valid node of little loss, and how much less any other could have; None when the top is not valid.

    Guarantee: the node meets all models; no node has less loss than `loss - gap`.
    Not guaranteed: that the node is the best, unless `gap` is 0.
    """
    search = _Wide(problem, progress, budget_checks)
    if not search.descend():
        return None
    bound = search.climb()
    best = search.best
    if best is None:
        return None
    gap = max(best.loss - bound, 0.0)
    return Certificate(best.node, best.loss, gap, is_complete=False, checks=tuple(search.checks))


@dataclass(slots=True)
class _Wide:
    """The state of one wide search."""

    problem: Problem
    progress: Progress | None
    budget_checks: int
    checks: list[Check] = field(default_factory=list)
    best: Check | None = None
    bound: float = 0.0
    _store: ClassStore = field(init=False)
    _done: dict[Node, Check] = field(default_factory=dict)
    _stuck_nodes: list[Node] = field(default_factory=list)
    _stuck_matrix: IntArray = field(default_factory=lambda: np.zeros((0, 0), np.int64))

    def __post_init__(self) -> None:
        self._store = ClassStore(self.problem)

    @property
    def has_budget(self) -> bool:
        return len(self.checks) < self.budget_checks

    def descend(self) -> bool:
        """Lower one level at a time from the top, always to the valid child of least bound; False if the top fails."""
        node = tuple(size - 1 for size in self.problem.shape)
        if not self._check(node).is_valid:
            return False
        while self.has_budget:
            children = sorted((self.base_loss(child), child) for child in _children(node))
            found = next((child for _, child in children if self._within_budget(child)), None)
            if found is None:
                break
            node = found
        return True

    def _within_budget(self, node: Node) -> bool:
        return len(self.checks) < self.budget_checks and self._check(node).is_valid

    def climb(self) -> float:
        """Settle nodes from the bottom, least bound first; return the loss below which no open node can be."""
        bottom = (0,) * len(self.problem.shape)
        heap = [(self.base_loss(bottom), bottom)]
        seen = {bottom}
        visits = 0
        while heap:
            self.bound, node = heap[0]
            if self.best is not None and self.bound >= self.best.loss:
                return self.best.loss
            if not self.has_budget or visits >= BUDGET_VISITS:
                return self.bound
            heapq.heappop(heap)
            visits += 1
            if self._settles_all_above(node):
                continue
            for parent in _parents(node, self.problem.shape):
                if parent not in seen:
                    seen.add(parent)
                    heapq.heappush(heap, (self.base_loss(parent), parent))
        return self.best.loss if self.best is not None else self.bound

    def base_loss(self, node: Node) -> float:
        """Return the loss of the generalization alone."""
        return self.problem.loss.of([int(sums[i]) for sums, i in zip(self.problem.base_sums, node, strict=True)])

    def _settles_all_above(self, node: Node) -> bool:
        if self._is_ruled_out(node):
            return False
        check = self._check(node)
        # Nothing above a node that suppresses only what must be suppressed can have less loss than it.
        return check.is_valid and check.suppressed == self.problem.histogram.unseen_records

    def _is_ruled_out(self, node: Node) -> bool:
        if self.best is None or not self._stuck_nodes:
            return False
        above = np.flatnonzero((self._stuck_matrix >= np.array(node)).all(axis=1))
        if not len(above):
            return False
        check = max((self._done[self._stuck_nodes[i]] for i in above), key=lambda check: check.stuck)
        if not self.problem.is_allowed(check.stuck):
            return True
        sums = [
            int(base[i] + extra[i])
            for base, extra, i in zip(self.problem.base_sums, check.penalties, node, strict=True)
        ]
        return self.problem.loss.of(sums) >= self.best.loss

    def _check(self, node: Node) -> Check:
        known = self._done.get(node)
        if known is not None:
            return known
        check = self._store.check(node)
        self.checks.append(check)
        self._done[node] = check
        if check.stuck:
            self._stuck_nodes.append(node)
            self._stuck_matrix = np.array(self._stuck_nodes, np.int64)
        if check.is_valid and (self.best is None or (check.loss, sum(node), node) < _order(self.best)):
            self.best = check
        self._report()
        return check

    def _report(self) -> None:
        if self.progress is None:
            return
        incumbent = None if self.best is None else self.best.loss
        gap = None if incumbent is None else max(incumbent - self.bound, 0.0)
        open_nodes = int(np.prod([float(size) for size in self.problem.shape])) - len(self.checks)
        self.progress(SearchProgress(incumbent, self.bound, gap, len(self.checks), open_nodes))


def _order(check: Check) -> tuple[float, int, Node]:
    return check.loss, sum(check.node), check.node


def _children(node: Node) -> list[Node]:
    return [(*node[:j], level - 1, *node[j + 1 :]) for j, level in enumerate(node) if level > 0]


def _parents(node: Node, shape: tuple[int, ...]) -> list[Node]:
    return [(*node[:j], level + 1, *node[j + 1 :]) for j, level in enumerate(node) if level + 1 < shape[j]]
