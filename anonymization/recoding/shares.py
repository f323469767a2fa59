"""Which rows of which tuple are in which class, when nothing changes any more."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from anonymization.quasi import IntArray
from anonymization.recoding.groups import Groups


@dataclass(frozen=True, slots=True)
class Shares:
    """Entry i: class `classes[i]` has `rows[i]` rows of tuple `tuples[i]`, from its row number `first[i]` on."""

    tuples: IntArray
    classes: IntArray
    rows: IntArray
    first: IntArray

    def apart(self) -> tuple["Shares", "Shares"]:
        """Return the entries of tuples that are in one class whole, and those of divided tuples."""
        _, number, times = np.unique(self.tuples, return_inverse=True, return_counts=True)
        is_whole = times[number] == 1 if len(times) else np.zeros(0, np.bool_)
        return self._chosen(is_whole), self._chosen(~is_whole)

    def _chosen(self, which: "np.ndarray[tuple[int], np.dtype[np.bool_]]") -> "Shares":
        return Shares(self.tuples[which], self.classes[which], self.rows[which], self.first[which])


@dataclass(frozen=True, slots=True)
class Classes:
    """The published classes: `labels[j][c]` is the label of class c in quasi-identifier j, and the rows of each."""

    labels: IntArray
    shares: Shares


def settle(groups: Groups) -> Classes:
    """Return the classes as they will be published: two of the same labels are one. Lost rows are in none."""
    published = [place for place in range(groups.size) if groups.rows[place] and not groups.is_lost[place]]
    labels, class_of = np.unique(groups.labels[:, published], axis=1, return_inverse=True)
    number = dict(zip(published, class_of.reshape(-1).tolist(), strict=True))
    rows: dict[tuple[int, int], int] = {}
    for place in published:
        for at, count in groups.contents[place].items():
            rows[at, number[place]] = rows.get((at, number[place]), 0) + count
    return Classes(labels, _numbered(sorted(rows), rows))


def _numbered(keys: Sequence[tuple[int, int]], rows: dict[tuple[int, int], int]) -> Shares:
    columns = np.array([(at, place, rows[at, place]) for at, place in keys], np.int64).reshape(-1, 3).T
    tuples, classes, counts = columns
    before = np.cumsum(counts) - counts
    starts = np.searchsorted(tuples, tuples)
    return Shares(tuples, classes, counts, before - before[starts] if len(tuples) else before)
