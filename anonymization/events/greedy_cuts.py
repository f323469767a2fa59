"""A good coarsening of codes for inputs too large for the optimum: rounds of the moves that mend most for what they cost."""

from dataclasses import dataclass

import numpy as np

from anonymization.events.code_tree import TOP, CodeTree, FloatArray, IntArray
from anonymization.events.combinations import offences
from anonymization.events.cuts import CodeProblem, Recoded, recoded
from anonymization.events.holdings import View, view_of

MENDED_IN_A_ROUND = 0.3
"""After moves that touch this share of what fails, everything is counted anew."""


@dataclass(frozen=True, slots=True)
class _Moves:
    """Moves a round may make, cheapest for what they mend first: the node, whether it is suppressed, what it touches."""

    nodes: IntArray
    is_suppression: IntArray
    touched: IntArray


def greedy_cut(problem: CodeProblem, *, suppresses_early: bool) -> Recoded | None:
    """Coarsen and suppress until no usable combination is left.

    Args:
        problem: What is asked.
        suppresses_early: Whether a label may be suppressed although it could still be made coarser; else only where it cannot.

    Returns:
        A choice that leaves nothing usable, not proven to be the cheapest; None if the limit does not allow one on this way.
    """
    tree = problem.tree
    published = tree.leaves.copy()
    while True:
        view = view_of(problem.holdings, published)
        failing, combinations = _counted(problem, view)
        if not combinations:
            return recoded(problem, published)
        moves = _moves(problem, published, failing, suppresses_early=suppresses_early)
        changed = _round(problem, published, moves, combinations)
        if changed is None:
            return None
        published = changed


def _counted(problem: CodeProblem, view: View) -> tuple[IntArray, int]:
    """Return for each node in use how many failing combinations it is part of, and how many combinations fail."""
    failing = np.zeros(len(problem.tree.labels), np.int64)
    combinations = 0
    for offence in offences(view, problem.knowledge):
        last = view.nodes[np.unique(offence.labels)]
        failing[last] += 1
        for label in offence.prefix:
            failing[view.nodes[label]] += len(last)
        combinations += len(last)
    return failing, combinations


def _moves(problem: CodeProblem, published: IntArray, failing: IntArray, *, suppresses_early: bool) -> _Moves:
    tree = problem.tree
    entries = problem.holdings.of_codes(tree.size).astype(np.float64)
    share_now = np.where(published == TOP, 1.0, tree.share[np.maximum(published, 0)])
    nodes = np.flatnonzero(failing)
    parents = np.unique(tree.parent[nodes])
    parents = parents[parents != TOP]
    merged = _sums(tree, parents, entries)
    now = _sums(tree, parents, entries * share_now)
    mended = _sums(tree, parents, _of_codes(tree, failing))
    merge_cost = np.maximum(merged * tree.share[parents] - now, 1e-9)
    # A label at the top of its tree can only go; a lower one may, if the caller allows it.
    goes = nodes if suppresses_early else nodes[tree.parent[nodes] == TOP]
    go_cost = np.maximum(_sums(tree, goes, entries) - _sums(tree, goes, entries * share_now), 1e-9)
    ratio = np.concatenate([mended / merge_cost, failing[goes] / go_cost])
    order = np.argsort(-ratio, kind="stable")
    return _Moves(
        np.concatenate([parents, goes])[order],
        np.concatenate([np.zeros(len(parents), np.int64), np.ones(len(goes), np.int64)])[order],
        np.concatenate([mended, failing[goes]])[order].astype(np.int64),
    )


def _of_codes(tree: CodeTree, failing: IntArray) -> FloatArray:
    """Lay a count of each node on the first of its codes, so that sums over runs of codes find it."""
    laid = np.zeros(tree.size, np.float64)
    nodes = np.flatnonzero(failing)
    np.add.at(laid, tree.start[nodes], failing[nodes].astype(np.float64))
    return laid


def _sums(tree: CodeTree, nodes: IntArray, values: FloatArray) -> FloatArray:
    """Return for each node the sum of `values` over its codes."""
    totals = np.concatenate([[0.0], np.cumsum(values)])
    return np.asarray(totals[tree.stop[nodes]] - totals[tree.start[nodes]], np.float64)


def _round(problem: CodeProblem, published: IntArray, moves: _Moves, combinations: int) -> IntArray | None:
    """Carry out moves until enough is touched; None if none is possible."""
    tree = problem.tree
    entries = problem.holdings.of_codes(tree.size)
    left = problem.suppressible - problem.holdings.outside - int(entries[published == TOP].sum())
    changed, touched = published.copy(), 0
    is_touched = np.zeros(tree.size, bool)
    has_moved = False
    for node, goes, mends in zip(moves.nodes, moves.is_suppression, moves.touched, strict=True):
        run = slice(int(tree.start[node]), int(tree.stop[node]))
        if is_touched[run].any():
            continue
        if goes:
            price = int(entries[run].sum())
            if price > left:
                continue
            left -= price
        changed[run] = TOP if goes else node
        is_touched[run] = True
        has_moved = True
        touched += int(mends)
        if touched >= MENDED_IN_A_ROUND * combinations:
            break
    return changed if has_moved else None
