"""What is ruled out: a lower bound on the loss of every node, tightened by each check.

Before any check, a node's loss is at least that of its generalization alone. A check of a node adds to every node
below it: the records that the models say are lost here (`Criterion.least_lost`) are suppressed there too. A check that
fails a model of the whole release may rule out every node below (`Problem.is_final`).
"""

import numpy as np

from anonymization.criteria.criterion import BoolArray
from anonymization.loss import FloatArray
from anonymization.quasi import IntArray
from anonymization.search.lattice import Lattice, above, below
from anonymization.search.problem import Check, Node, Problem


class Bounds:
    """Lower bounds of all nodes, the best valid node so far, and the nodes that could still beat it.

    `lower` is inf where no release is allowed. `least` and `most` bound the records a node suppresses.
    """

    def __init__(self, problem: Problem, lattice: Lattice) -> None:
        self._problem = problem
        self._lattice = lattice
        self.base: FloatArray = problem.loss.over(problem.base_sums)
        self.lower: FloatArray = self.base.copy()
        self.least: IntArray = np.full(lattice.shape, problem.histogram.unseen_records, np.int64)
        self.most: IntArray = np.full(lattice.shape, problem.histogram.records, np.int64)
        self.is_checked: BoolArray = np.zeros(lattice.shape, np.bool_)
        self.best: Check | None = None
        self._all_monotone = all(criterion.monotone for criterion in problem.criteria)

    @property
    def incumbent(self) -> float:
        """The loss of the best valid node; inf before there is one."""
        return np.inf if self.best is None else self.best.loss

    def candidates(self) -> BoolArray:
        """Return the nodes that could still beat the best one: less loss, or as much and an earlier rank."""
        if self.best is None:
            return np.isfinite(self.lower)
        rank = self._lattice.rank
        ties = (self.lower == self.best.loss) & (rank < rank[self.best.node])
        open_nodes: BoolArray = ((self.lower < self.best.loss) | ties) & ~self.is_checked
        return open_nodes

    def add(self, check: Check) -> None:
        """Take in the result of a check."""
        self._rule_out_below(check)
        self.is_checked[check.node] = True
        self.lower[check.node] = check.loss if check.is_valid else np.inf
        self.least[check.node] = self.most[check.node] = check.suppressed
        if self._all_monotone:
            upward = above(check.node)
            np.minimum(self.most[upward], check.suppressed, out=self.most[upward])
        if check.is_valid and self._beats(check.node, check.loss):
            self.best = check

    def _rule_out_below(self, check: Check) -> None:
        box = below(check.node)
        np.maximum(self.least[box], check.stuck, out=self.least[box])
        if check.rules_out_below or not self._problem.is_allowed(check.stuck):
            self.lower[box] = np.inf
            return
        np.maximum(self.lower[box], penalized(self._problem, check), out=self.lower[box])

    def _beats(self, node: Node, loss: float) -> bool:
        if self.best is None or loss < self.best.loss:
            return True
        rank = self._lattice.rank
        return loss == self.best.loss and bool(rank[node] < rank[self.best.node])


def penalized(problem: Problem, check: Check) -> FloatArray:
    """Return a lower bound of the loss of every node below a checked one, by what its stuck records cost there."""
    sums = [base[: len(extra)] + extra for base, extra in zip(problem.base_sums, check.penalties, strict=True)]
    return problem.loss.over(sums)
