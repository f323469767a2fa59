"""Removing single entries: only the people whose codes together would point to them lose one, the code stays for others.

Much less is lost than by taking a code from everybody. The price: who knows all codes of somebody finds one of them missing, and the
entries that are gone are not gone at random.
"""

from dataclasses import replace

import numpy as np

from anonymization.events.code_tree import IntArray
from anonymization.events.combinations import Offence, offences
from anonymization.events.cuts import CodeProblem, Recoded, recoded
from anonymization.events.greedy_cuts import greedy_cut
from anonymization.events.holdings import BoolArray, View, view_of


def best_with_cells(problem: CodeProblem) -> Recoded:
    """Coarsen codes to each level in turn, remove entries until no usable combination is left, and take the cheapest.

    Returns:
        The cheapest choice within the limit; if none is, the one that suppresses least.
    """
    unlimited = replace(problem, suppressible=problem.holdings.entries)
    found = [without_offences(problem, published) for published in _starts(unlimited)]
    within = [choice for choice in found if choice.suppressed <= problem.suppressible]
    if within:
        return min(within, key=lambda choice: choice.cost)
    return min(found, key=lambda choice: (choice.suppressed, choice.cost))


def _starts(problem: CodeProblem) -> list[IntArray]:
    """Return the codes at each level, labels that too few people hold alone rolled up or gone."""
    tree = problem.tree
    single = replace(problem, knowledge=replace(problem.knowledge, size=1))
    starts = []
    for level in sorted(set(tree.level.tolist())) or [0]:
        # Where labels are climbed first, the tree begins there.
        climbed = replace(single, tree=replace(tree, leaves=tree.climb(level)))
        choice = greedy_cut(climbed, suppresses_early=False)
        if choice is not None:
            starts.append(choice.published)
    return starts


def without_offences(problem: CodeProblem, published: IntArray) -> Recoded:
    """Remove entries until no combination fails under `published`; removing makes others rarer, so it is counted again."""
    removed = np.zeros(len(problem.holdings.codes), bool)
    while True:
        view = view_of(problem.holdings, published, removed)
        marked = np.zeros(len(view.labels), bool)
        for offence in offences(view, problem.knowledge):
            _mark(view, offence, marked)
        if not marked.any():
            return recoded(problem, published, removed)
        there = view.entry >= 0
        removed[there] |= marked[view.entry[there]]


def _mark(view: View, offence: Offence, marked: BoolArray) -> None:
    """Mark, of each failing combination, the entries of the label that most records hold: it can spare them best."""
    rows = np.diff(view.label_start)
    prefix = max(offence.prefix, key=lambda label: (int(rows[label]), label), default=-1)
    # Without a prefix the label itself is marked.
    chosen = np.where((rows[offence.labels] > rows[prefix]) | (prefix < 0), offence.labels, prefix)
    count = max(view.size, 1)
    keys = view.owners * count + view.labels  # sorted by record, then by label
    places = np.searchsorted(keys, offence.records * count + chosen)
    marked[places] = True
