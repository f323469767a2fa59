"""Whether any node of the lattice, taken for the whole table, loses less than what local recoding reached."""

from dataclasses import dataclass

from anonymization.search.bounds import Bounds
from anonymization.search.classes import ClassStore
from anonymization.search.lattice import make_lattice
from anonymization.search.order import Order
from anonymization.search.problem import Check, Problem


@dataclass(frozen=True, slots=True)
class Challenge:
    """The best valid node of those that lose less than what was to be beaten; None when none does. And the checks it took."""

    best: Check | None
    checks: int


def challenge(problem: Problem, loss: float) -> Challenge:
    """Search the lattice for nodes that lose less than `loss`.

    Few checks are needed where the loss is small: most nodes lose more by their labels alone.

    Guarantee: `best` None proves that every valid node loses at least `loss`.
    """
    lattice = make_lattice(problem.shape)
    bounds, store, order = Bounds(problem, lattice), ClassStore(problem), Order(problem, lattice)
    bounds.best = Check(lattice.top, 0, is_valid=True, loss=loss, classes=0, stuck=0, penalties=())
    to_beat, checks = bounds.best, 0
    while True:
        # A tie with what was reached is no better, whatever its place in the lattice.
        candidates = bounds.candidates()
        if bounds.best is to_beat:
            candidates &= bounds.lower < loss
        if not candidates.any():
            return Challenge(None if bounds.best is to_beat else bounds.best, checks)
        check = store.check(order.next_node(bounds, candidates))
        checks += 1
        bounds.add(check)
        order.learn(check)
