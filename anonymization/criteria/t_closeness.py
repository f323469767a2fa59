"""t-closeness, under three ground distances."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from anonymization.criteria.criterion import BoolArray, ClassCounts
from anonymization.criteria.least_cut import TOLERANCE, least_removed, surplus
from anonymization.hierarchy import Hierarchy
from anonymization.loss import FloatArray
from anonymization.quasi import IntArray
from anonymization.sensitive import SensitiveCounts
from policies.errors import DataError


@dataclass(frozen=True, slots=True)
class Split:
    """The values in groups (`group_of[code]`), and what the total variation between these groups weighs."""

    weight: float
    group_of: IntArray = field(repr=False)


class GroundDistance(Protocol):
    """How far apart two sensitive values are, from 0 to 1.

    The earth mover's distance of every distance here is a weighted sum of total variations between groupings of the
    values (`splits`); so one computation, and one bound, serve all.
    """

    @property
    def name(self) -> str:
        """How evidence calls the distance."""

    def splits(self, labels: Sequence[str]) -> Iterator[Split]:
        """Yield the groupings, for values with these labels and a missing value last."""


@dataclass(frozen=True, slots=True)
class EqualDistance:
    """Any two values are 1 apart; the distance of two distributions is their total variation."""

    name: str = "equal distance"

    def splits(self, labels: Sequence[str]) -> Iterator[Split]:
        """Yield one grouping: every value alone."""
        yield Split(1.0, np.arange(len(labels) + 1))


@dataclass(frozen=True, slots=True)
class OrderedDistance:
    """Values are as far apart as they are in `order`, the ends 1; distance |i - j| / (m - 1).

    A missing value hangs half a unit off the middle of the order: 1 from its ends, never nearer than 1/2 to any value.
    (At 1 from all, the distances would fit no tree, and their earth mover's distance no sum of total variations.)

    Source: Li et al. 2007, section 5.1 (numerical attributes); the place of missing values is ours.
    """

    order: tuple[str, ...] = field(repr=False)
    name: str = "ordered distance"

    def splits(self, labels: Sequence[str]) -> Iterator[Split]:
        """Yield one grouping a gap of the order: what is before it, what is after it; and the missing value alone."""
        rank = {label: place for place, label in enumerate(self.order)}
        places = np.array([_place(rank, label, self.name) for label in labels], np.int64)
        gaps = len(self.order) - 1
        for gap in range(gaps):
            is_after = (places > gap).astype(np.int64)
            if (
                2 * gap + 1 == gaps
            ):  # the middle is in this gap: a missing value is after its one half, before the other
                yield Split(0.5 / gaps, np.append(is_after, 1))
                yield Split(0.5 / gaps, np.append(is_after, 0))
            else:
                yield Split(1.0 / gaps, np.append(is_after, int(2 * gap + 1 < gaps)))
        yield Split(0.5, np.append(np.zeros(len(labels), np.int64), 1))


@dataclass(frozen=True, slots=True)
class HierarchicalDistance:
    """Values are as far apart as the height of their lowest common ancestor, of the hierarchy's height.

    The earth mover's distance over such a tree is the mean over its levels, the root's left out, of the total
    variation between the labels of the level.

    Source: Li et al. 2007, section 5.2 (categorical attributes).
    """

    hierarchy: Hierarchy = field(repr=False)
    name: str = "hierarchical distance"

    def splits(self, labels: Sequence[str]) -> Iterator[Split]:
        """Yield one grouping a level below the root: the labels of that level."""
        place = {leaf: index for index, leaf in enumerate(self.hierarchy.leaves)}
        leaves = [_place(place, label, self.name) for label in labels]
        levels = self.hierarchy.height - 1
        for level in range(levels):
            code: dict[str, int] = {}
            names = self.hierarchy.labels[level]
            groups = [code.setdefault(names[leaf], len(code)) for leaf in leaves]
            yield Split(1.0 / levels, np.array([*groups, len(code)], np.int64))


def _place(places: dict[str, int], label: str, name: str) -> int:
    if label not in places:
        raise DataError(
            "data.sensitive-value",
            what=f"a sensitive value has no place in the {name}",
            why="t-closeness measures how far values are apart",
            fix="add the value to the order or the hierarchy, or use the equal distance",
        )
    return places[label]


@dataclass(frozen=True, slots=True)
class TCloseness:
    """In every class, the distribution of `column` is within `t` of that in the whole table.

    A missing value is a value of its own. The whole table is the one before suppression, and rows are counted.

    Guarantee: learning somebody's class moves what is known about the value by at most `t`, in earth mover's distance.
    Not guaranteed: anything about what the distribution of the whole table tells.

    Source: Li, Li & Venkatasubramanian, t-Closeness, IEEE ICDE 2007.
    """

    column: str
    t: float
    distance: GroundDistance = field(default_factory=EqualDistance)
    monotone: bool = False

    @property
    def name(self) -> str:
        """The model with its parameters."""
        return f"{self.t}-closeness of {self.column} ({self.distance.name})"

    def failing(self, classes: ClassCounts) -> BoolArray:
        """Return True for each class farther than t from the whole table."""
        return self.distances(classes) > self.t + TOLERANCE

    def distances(self, classes: ClassCounts) -> FloatArray:
        """Return the earth mover's distance of each class from the whole table."""
        return self._reached(classes, np.zeros(len(classes.rows)))

    def reached(self, classes: ClassCounts) -> FloatArray:
        """Return the least t that each class would meet."""
        return self.distances(classes)

    def least_lost(self, classes: ClassCounts) -> IntArray:
        """Return how many rows of each class must go before the rest can be within t."""
        return least_removed(classes.rows, lambda removed: self._reached(classes, removed), self.t)

    def _reached(self, classes: ClassCounts, removed: FloatArray) -> FloatArray:
        counts = classes.sensitive[self.column]
        rows = classes.rows.astype(float)
        total = np.zeros(len(rows))
        for split in self.distance.splits(counts.labels):
            grouped = grouped_values(counts, split.group_of)
            overall = grouped.overall()
            total += split.weight * surplus(grouped, overall / max(int(overall.sum()), 1), rows, removed)
        return total


def grouped_values(counts: SensitiveCounts, group_of: IntArray) -> SensitiveCounts:
    """Return the counts after value v became value `group_of[v]`; the groups' names are of no matter."""
    size = int(group_of.max()) + 1
    keys = counts.groups * size + group_of[counts.values]
    distinct, number = np.unique(keys, return_inverse=True)
    groups, values = np.divmod(distinct, size)
    rows = np.bincount(number, weights=counts.rows, minlength=len(distinct)).astype(np.int64)
    outside = counts.outside
    if outside is not None:
        outside = np.bincount(group_of, weights=outside, minlength=size).astype(np.int64)
    return SensitiveCounts(groups, values, rows, ("",) * (size - 1), outside)
