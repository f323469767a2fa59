"""The labels of one quasi-identifier as a tree: what two of them have in common, and what each costs.

A locally recoded column holds labels of several levels side by side, so a label must mean the same wherever it
stands. A label is therefore known by what is published: the same text at two levels is one label, and stands for all the
values that it stands for at any of them (ICD-10 `E11`, which is a value and the category above it, is the category).
"""

from dataclasses import dataclass, field

import numpy as np

from anonymization.hierarchy import ROOT, Hierarchy
from anonymization.loss import FloatArray
from anonymization.quasi import CodedAttribute, IntArray
from policies.errors import PolicyError

TABLED_LABELS = 2_000
"""Up to so many labels, what any two have in common is tabled; beyond, it is worked out level by level."""


@dataclass(frozen=True, slots=True)
class Ranges:
    """The labels of a column of numbers with free cuts: `of[i][j]` unites the i-th to the j-th value that occurs.

    `low[x]` and `high[x]` are the first and the last value of label x.
    """

    of: IntArray = field(repr=False)
    low: IntArray = field(repr=False)
    high: IntArray = field(repr=False)

    def join(self, left: IntArray, right: IntArray) -> IntArray:
        """Return the label from the lowest to the highest value of both, element by element."""
        low, high = np.minimum(self.low[left], self.low[right]), np.maximum(self.high[left], self.high[right])
        return np.asarray(self.of[low, high])


@dataclass(frozen=True, slots=True)
class LabelTree:
    """The labels that may be published for the values a column holds.

    Label x is published as `texts[x]` (None: missing), `covered[x]` leaves of the hierarchy are under it, and `cost[x]` is
    that as a share of what can be lost, from 0 for one leaf to 1 for all. The last label, `nothing`, stands for two
    values that no allowed level unites; its cost is infinite.

    `at[i][code]` is the label of a leaf code at the i-th allowed level, `level_of[x]` the lowest of these levels at which
    x is published, and `up[x][i]` the label above x at the i-th level. `table[x][y]` is the lowest label above both, where it
    is tabled. With `ranges` (free cuts) labels are intervals, too, and these say what two have in common; `up` is empty.
    """

    column: str
    texts: tuple[str | None, ...] = field(repr=False)
    covered: IntArray
    cost: FloatArray
    at: tuple[IntArray, ...]
    level_of: IntArray
    up: IntArray
    table: IntArray | None = field(repr=False)
    ranges: Ranges | None = field(default=None, repr=False)

    @property
    def nothing(self) -> int:
        """The label that no two values without a common label get."""
        return len(self.texts) - 1

    def join(self, left: IntArray, right: IntArray) -> IntArray:
        """Return the lowest label above both, element by element, with numpy's broadcasting."""
        if self.ranges is not None:
            return self.ranges.join(left, right)
        if self.table is not None:
            return np.asarray(self.table[left, right])
        return _join(self.up, left, right, self.nothing)

    def costs_of_joining(self, label: IntArray, others: IntArray) -> FloatArray:
        """Return what each of `others` costs after it joined each of `label`: one row a label."""
        return np.asarray(self.cost[self.join(label[:, None], others[None, :])])


def make_tree(attribute: CodedAttribute, hierarchy: Hierarchy, codes: IntArray) -> LabelTree:
    """Return the tree of the labels of the leaf codes that occur.

    Raises:
        PolicyError: `policy.label-ambiguous`: one text stands for different values at different levels.
    """
    present = np.unique(codes)
    texts, number, covered, level_of, chains = _labels(attribute, hierarchy, present)
    size = len(texts)
    at = []
    for chain in chains:
        places = np.full(attribute.missing + 1, size, np.int64)
        places[present] = chain
        at.append(places)
    up = np.full((size + 1, len(chains)), size, np.int64)
    for i, chain in enumerate(chains):
        for low in range(i + 1):
            up[chains[low], i] = chain
    root = number.get(ROOT)
    if root is not None:  # below the last level too, `*` says nothing
        up[root, level_of[root] :] = root
    span = max(attribute.domain - 1, 1)
    cost = np.append((np.array(covered, float) - 1.0) / span, np.inf)
    if attribute.domain == 1:
        cost[:-1] = 0.0
    everyone = np.arange(size + 1)
    joined = _join(up, everyone[:, None], everyone[None, :], size) if size < TABLED_LABELS else None
    return LabelTree(
        column=attribute.column,
        texts=(*texts, None),
        covered=np.array([*covered, attribute.domain], np.int64),
        cost=cost,
        at=tuple(at),
        level_of=np.array([*level_of, len(chains) - 1], np.int64),
        up=up,
        table=joined,
    )


def _labels(
    attribute: CodedAttribute, hierarchy: Hierarchy, present: IntArray
) -> tuple[list[str | None], dict[str | None, int], list[int], list[int], list[IntArray]]:
    """Number the labels by their text, level by level; return also the label of each present code at each level."""
    texts: list[str | None] = []
    number: dict[str | None, int] = {}
    covered: list[int] = []
    level_of: list[int] = []
    chains = []
    for i, level in enumerate(attribute.levels):
        codes_at = attribute.label_of[i]
        chain = np.empty(len(present), np.int64)
        for place, code in enumerate(present.tolist()):
            is_root = level == hierarchy.height - 1
            text = ROOT if is_root else None if code == attribute.missing else hierarchy.labels[level][code]
            leaves = attribute.domain if text == ROOT else int(attribute.covered[i][codes_at[code]])
            label = number.setdefault(text, len(texts))
            if label == len(texts):
                texts.append(text)
                covered.append(leaves)
                level_of.append(i)
            covered[label] = max(covered[label], leaves)
            chain[place] = label
        chains.append(chain)
    _require_nested_meanings(attribute, hierarchy, number)
    return texts, number, covered, level_of, chains


def _require_nested_meanings(attribute: CodedAttribute, hierarchy: Hierarchy, number: dict[str | None, int]) -> None:
    """Refuse a text whose values at one level are not among those at another; `*` always stands for all."""
    meaning: dict[str, set[int]] = {}
    for level in attribute.levels:
        members: dict[str, set[int]] = {}
        for leaf, text in enumerate(hierarchy.labels[level]):
            if text in number and text != ROOT:
                members.setdefault(text, set()).add(leaf)
        for text, leaves in members.items():
            known = meaning.setdefault(text, leaves)
            if not (known <= leaves or leaves <= known):
                raise _ambiguous(attribute.column)
            meaning[text] = known | leaves


def _ambiguous(column: str) -> PolicyError:
    return PolicyError(
        "policy.label-ambiguous",
        what=f"a label of the hierarchy of '{column}' stands for different values at different levels",
        why="local recoding publishes labels of several levels in one column, and nobody could tell which is meant",
        fix="give labels of different levels different names, or use global recoding",
    )


def _join(up: IntArray, left: IntArray, right: IntArray, nothing: int) -> IntArray:
    found = np.full(np.broadcast_shapes(np.shape(left), np.shape(right)), nothing, np.int64)
    for i in reversed(range(up.shape[1])):
        above, also = up[left, i], up[right, i]
        found = np.where((above == also) & (above != nothing), above, found)
    return found
