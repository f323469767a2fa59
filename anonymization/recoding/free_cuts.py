"""Free cuts: a class reads `27-31` where the hierarchy could only say `20-39`.

A tree of labels is widened by the intervals between any two of the whole numbers that occur. What two labels have in common is
then the interval from the lowest to the highest, so classes are made of intervals in the improvement, too, not only relabeled.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from anonymization.hierarchy import ROOT, Hierarchy
from anonymization.loss import FloatArray
from anonymization.quasi import CodedAttribute, IntArray
from anonymization.recoding.trees import LabelTree, Ranges
from anonymization.search.problem import Problem
from policies.errors import PolicyError

MOST_VALUES = 1_000
"""Intervals are listed between any two values that occur, so there may be at most so many."""
_WHOLE = re.compile(r"0|[1-9][0-9]{0,14}")
_INTERVAL = re.compile(r"(0|[1-9][0-9]{0,14})-(0|[1-9][0-9]{0,14})")


def with_free_cuts(problem: Problem, trees: tuple[LabelTree, ...], columns: Sequence[str]) -> tuple[LabelTree, ...]:
    """Return the trees, those of `columns` widened by intervals.

    An interval `low-high` stands for the leaves of the hierarchy from `low` to `high`, and loses what they are of all leaves.
    It is never published for a value in an open class (`90+`, or any label that is no number and no interval): there, and
    for a missing value, the labels of the hierarchy stay; and `*` where an interval says no more. Everywhere else two values or
    more read `low-high`, even where a label of the hierarchy says as much: so a text means what it says, also where the
    hierarchy names its classes loosely (adult's `20-24` is 21 to 25).

    Raises:
        PolicyError: `policy.free-cuts`: a column is no quasi-identifier with a hierarchy of whole numbers whose classes are
            ranges, or has a fixed level or too many values; `policy.label-ambiguous`: a label of the hierarchy that may be
            published reads like a number or an interval that it is not.
    """
    histogram = problem.histogram
    place = {attribute.column: j for j, attribute in enumerate(histogram.attributes)}
    widened = list(trees)
    for column in columns:
        if column not in place:
            raise _refused(f"'{column}' is not a quasi-identifier", "name quasi-identifiers only")
        j = place[column]
        attribute, hierarchy = histogram.attributes[j], histogram.hierarchies[j]
        _require_free(attribute, hierarchy)
        widened[j] = _widened(trees[j], attribute, hierarchy, np.unique(histogram.codes[j]))
    return tuple(widened)


def _require_free(attribute: CodedAttribute, hierarchy: Hierarchy) -> None:
    column = attribute.column
    if attribute.is_plain or len(attribute.levels) < hierarchy.height:
        raise _refused(
            f"'{column}' has no hierarchy, or a fixed level", "give it a hierarchy and leave its level to the search"
        )
    if hierarchy.domain is not None or not all(map(_WHOLE.fullmatch, hierarchy.leaves)):
        raise _refused(f"the values of '{column}' are not all whole numbers", "leave the column out")
    if hierarchy.labels[0] != hierarchy.leaves:
        raise _refused(f"a value of '{column}' is written in two ways", "write each number in one way")
    order = np.argsort(np.array(hierarchy.leaves, np.int64), kind="stable").tolist()
    numbers = [int(hierarchy.leaves[leaf]) for leaf in order]
    for labels in hierarchy.labels[:-1]:
        runs = _runs([labels[leaf] for leaf in order])
        if len({text for text, _, _ in runs}) < len(runs):
            raise _refused(f"a class of the hierarchy of '{column}' is no range of numbers", "leave the column out")
        for text, first, last in runs:
            if any(_is_open(hierarchy, leaf) for leaf in order[first : last + 1]) or _WHOLE.fullmatch(text):
                _require_meant(column, text, numbers, first, last)


def _runs(texts: Sequence[str]) -> list[tuple[str, int, int]]:
    """Return each run of one text with its first and last place."""
    starts = [0, *(i for i in range(1, len(texts)) if texts[i] != texts[i - 1]), len(texts)]
    return [(texts[start], start, end - 1) for start, end in pairwise(starts)]


def _require_meant(column: str, text: str, numbers: Sequence[int], first: int, last: int) -> None:
    """Refuse a text that reads like a number or an interval of other leaves than those it stands for."""
    bounds = _bounds(text)
    if bounds is None:
        return
    low, high = bounds
    begins = numbers[first] >= low and (first == 0 or numbers[first - 1] < low)
    ends = numbers[last] <= high and (last == len(numbers) - 1 or numbers[last + 1] > high)
    if not (begins and ends):
        raise PolicyError(
            "policy.label-ambiguous",
            what=f"a label of the hierarchy of '{column}' reads like an interval of other values than those it stands for",
            why="with free cuts intervals are published beside the hierarchy's labels, and nobody could tell which is meant",
            fix="name the labels by their first and last value, or leave the column out of the free cuts",
        )


def _bounds(text: str) -> tuple[int, int] | None:
    if _WHOLE.fullmatch(text):
        return int(text), int(text)
    found = _INTERVAL.fullmatch(text)
    return None if found is None else (int(found[1]), int(found[2]))


def _widened(tree: LabelTree, attribute: CodedAttribute, hierarchy: Hierarchy, present: IntArray) -> LabelTree:
    leaves = [code for code in present.tolist() if code != attribute.missing]
    if len(leaves) > MOST_VALUES:
        raise _refused(
            f"'{attribute.column}' has more than {MOST_VALUES:,} values", "round them, or leave the column out"
        )
    leaves.sort(key=lambda code: int(hierarchy.leaves[code]))
    every = np.sort(np.array(hierarchy.leaves, np.int64))
    numbers = np.array([hierarchy.leaves[code] for code in leaves], np.int64)
    rank = np.searchsorted(every, numbers)
    is_open = np.array([_is_open(hierarchy, code) for code in leaves], np.int64)
    if len(leaves) < len(present):  # a missing value has the last place
        leaves.append(attribute.missing)
        rank, is_open = np.append(rank, len(every)), np.append(is_open, 1)
    before = np.append(0, np.cumsum(is_open))
    low, high = np.triu_indices(len(leaves))
    ends = tree.at[0][np.array(leaves, np.int64)]
    above = np.asarray(tree.join(ends[low], ends[high]))
    covered = rank[high] - rank[low] + 1
    is_all = np.array([text == ROOT for text in tree.texts])[above]
    is_free = (before[high + 1] == before[low]) & (low < high) & (~is_all | (covered < attribute.domain))
    return _with_intervals(tree, attribute, numbers, (low, high), above, covered, is_free)


def _with_intervals(
    tree: LabelTree,
    attribute: CodedAttribute,
    numbers: IntArray,
    ends: tuple[IntArray, IntArray],
    above: IntArray,
    covered: IntArray,
    is_free: "np.ndarray[tuple[int], np.dtype[np.bool_]]",
) -> LabelTree:
    """Number the intervals after the labels of the tree; every pair of ends has an interval or the tree's label."""
    low, high = ends
    old = tree.nothing
    label = np.where(is_free, old + np.cumsum(is_free) - 1, above)
    size = old + int(is_free.sum())
    places = int(high.max()) + 1
    lowest, highest = np.full(size + 1, places, np.int64), np.full(size + 1, -1, np.int64)
    np.minimum.at(lowest, label, low)
    np.maximum.at(highest, label, high)
    is_unused = highest < 0  # such labels stand at no class, but must be safe to look up
    lowest[is_unused], highest[is_unused] = 0, places - 1
    of = np.full((places, places), size, np.int64)
    of[low, high] = label
    texts = [f"{numbers[i]}-{numbers[j]}" for i, j in zip(low[is_free], high[is_free], strict=True)]
    loss: FloatArray = (covered[is_free] - 1.0) / max(attribute.domain - 1, 1)
    moved = [np.where(codes == old, size, codes) for codes in tree.at]
    return replace(
        tree,
        texts=(*tree.texts[:-1], *texts, None),
        covered=np.concatenate([tree.covered[:-1], covered[is_free], tree.covered[-1:]]),
        cost=np.concatenate([tree.cost[:-1], loss, tree.cost[-1:]]),
        at=tuple(moved),
        level_of=np.concatenate([tree.level_of[:-1], tree.level_of[above[is_free]], tree.level_of[-1:]]),
        up=np.full((size + 1, tree.up.shape[1]), size, np.int64),
        table=None,
        ranges=Ranges(of, lowest, highest),
    )


def _is_open(hierarchy: Hierarchy, leaf: int) -> bool:
    """Say whether a leaf lies in a class that the hierarchy does not name by its ends."""
    return any(labels[leaf] != ROOT and _bounds(labels[leaf]) is None for labels in hierarchy.labels)


def _refused(what: str, fix: str) -> PolicyError:
    return PolicyError(
        "policy.free-cuts",
        what=f"free cuts are not possible: {what}",
        why="an interval needs whole numbers, and a hierarchy that says how wide it may become",
        fix=fix,
    )
