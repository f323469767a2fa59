"""The exact search: check nodes until none is left that could beat the best."""

import numpy as np

from anonymization.search.bounds import Bounds
from anonymization.search.classes import ClassStore
from anonymization.search.effort import UNLIMITED, Effort
from anonymization.search.lattice import make_lattice
from anonymization.search.order import Order
from anonymization.search.problem import Certificate, Check, Problem, Progress, SearchProgress


def search_all(problem: Problem, *, progress: Progress | None = None, effort: Effort = UNLIMITED) -> Certificate | None:
    """Find the valid node of least loss, and prove it; None when no node is valid.

    Where `effort` ends the search before its proof, the best node so far is the answer, with the gap that is left.

    Ties of loss go to the lowest node, then to the lexicographically first. The result depends on the histogram only.

    Guarantee: no node of the lattice that meets all models within the suppression limit has less loss, up to `gap`.
    Not guaranteed: that no better release exists outside the lattice (other recodings, other hierarchies).
    """
    lattice = make_lattice(problem.shape)
    bounds = Bounds(problem, lattice)
    store = ClassStore(problem)
    order = Order(problem, lattice)
    checks: list[Check] = []
    node = lattice.top
    while True:
        check = store.check(node)
        checks.append(check)
        bounds.add(check)
        order.learn(check)
        candidates = bounds.candidates()
        remaining = int(candidates.sum())
        if progress is not None:
            progress(_progress(bounds, candidates, len(checks), remaining))
        if not remaining or (bounds.best is not None and effort.is_spent(len(checks))):
            break
        node = order.next_node(bounds, candidates)
    if bounds.best is None:
        return None
    gap = max(bounds.best.loss - float(bounds.lower[candidates].min()), 0.0) if remaining else 0.0
    return Certificate(bounds.best.node, bounds.best.loss, gap, is_complete=not remaining, checks=tuple(checks))


def _progress(bounds: Bounds, candidates: np.ndarray, checks: int, remaining: int) -> SearchProgress:
    incumbent = None if bounds.best is None else bounds.best.loss
    lowest = float(bounds.lower[candidates].min()) if remaining else bounds.incumbent
    gap = None if incumbent is None else max(incumbent - lowest, 0.0)
    return SearchProgress(incumbent, lowest, gap, checks, remaining)
