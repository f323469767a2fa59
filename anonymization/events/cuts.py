"""The least coarsening of codes that leaves no usable combination: a cut of the tree, and labels of it that are not published.

Every code below a node of the cut is published as that node (full-subtree recoding), so a reader knows what a label covers; a
suppressed label is published of nobody. Here: what a solution is and costs, and the exact search. Larger inputs: `greedy_cuts`.
"""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import count

from anonymization.events.code_tree import TOP, CodeTree, IntArray
from anonymization.events.combinations import Knowledge, Offence, offences
from anonymization.events.holdings import BoolArray, Holdings, view_of

EXACT_STATES = 400
EXACT_ENTRIES = 2_000
"""Up to these the optimum is searched; the work is counted, not timed, so the same data give the same release."""


@dataclass(frozen=True, slots=True)
class CodeProblem:
    """Codes of one group of people, what an attacker may know, and how many entries may be suppressed."""

    holdings: Holdings
    tree: CodeTree = field(repr=False)
    knowledge: Knowledge
    suppressible: int


@dataclass(frozen=True, slots=True)
class Recoded:
    """What each code is published as (`TOP`: not at all), and the entries that are removed one by one.

    `cost` is the sum over all entries of their label's share, 1 for a suppressed one; `suppressed` counts those, unknown codes included.
    """

    published: IntArray = field(repr=False)
    cost: float
    suppressed: int
    removed: BoolArray | None = field(default=None, repr=False)
    is_optimal: bool = False


def recoded(problem: CodeProblem, published: IntArray, removed: BoolArray | None = None) -> Recoded:
    """Return a choice with what it costs."""
    nodes = published[problem.holdings.codes]
    gone = nodes == TOP
    if removed is not None:
        gone = gone | removed
    outside = problem.holdings.outside
    cost = float(problem.tree.share[nodes[~gone]].sum()) + int(gone.sum()) + outside
    return Recoded(published, cost, int(gone.sum()) + outside, removed)


def first_offence(problem: CodeProblem, choice: Recoded) -> Offence | None:
    """Return what fails under a choice, None if nothing does."""
    return next(offences(view_of(problem.holdings, choice.published, choice.removed), problem.knowledge), None)


def exact_cut(problem: CodeProblem) -> Recoded | None:
    """Find the cheapest cut and set of suppressed labels that leave no usable combination.

    A combination that fails goes on failing while none of its labels changes; so each is tried in turn, coarser or suppressed for
    good. Choices are taken in the order of their cost, which only grows: the first without a failing combination is the optimum.

    Returns:
        The optimum, with `is_optimal`; None if there is none within the limit, or the work is more than `EXACT_STATES`.
    """
    tree, holdings = problem.tree, problem.holdings
    if len(holdings.codes) > EXACT_ENTRIES:
        return None
    order = count()
    first = recoded(problem, tree.leaves.copy())
    waiting = [(first.cost, next(order), first)]
    seen = {first.published.tobytes()}
    for _ in range(EXACT_STATES):
        if not waiting:
            return None
        _, _, choice = heapq.heappop(waiting)
        if choice.suppressed > problem.suppressible:
            continue
        offence = first_offence(problem, choice)
        if offence is None:
            return replace(choice, is_optimal=True)
        for published in _ways_out(problem, choice, offence):
            key = published.tobytes()
            if key not in seen:
                seen.add(key)
                found = recoded(problem, published)
                heapq.heappush(waiting, (found.cost, next(order), found))
    return None


def _ways_out(problem: CodeProblem, choice: Recoded, offence: Offence) -> Iterator[IntArray]:
    tree = problem.tree
    nodes = view_of(problem.holdings, choice.published).nodes
    for label in (*offence.prefix, int(offence.labels[0])):
        node = int(nodes[label])
        yield suppressed_label(tree, choice.published, node)
        up = int(tree.parent[node])
        # A label that was suppressed stays: it was chosen to be part of the cut.
        if up != TOP and (choice.published[tree.start[up] : tree.stop[up]] != TOP).all():
            yield merged_into(tree, choice.published, up)


def merged_into(tree: CodeTree, published: IntArray, node: int) -> IntArray:
    """Return the choice in which every code below `node` is published as it."""
    changed = published.copy()
    changed[tree.start[node] : tree.stop[node]] = node
    return changed


def suppressed_label(tree: CodeTree, published: IntArray, node: int) -> IntArray:
    """Return the choice in which no code below `node` is published."""
    changed = published.copy()
    changed[tree.start[node] : tree.stop[node]] = TOP
    return changed
