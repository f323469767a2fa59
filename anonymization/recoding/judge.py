"""Whether classes made of whole tuples meet every model, without grouping the rest of the table."""

from dataclasses import dataclass, field

import numpy as np

from anonymization.criteria.criterion import BoolArray, ClassCounts
from anonymization.criteria.k_anonymity import KAnonymity
from anonymization.histogram import Histogram
from anonymization.quasi import IntArray
from anonymization.search.problem import Problem
from anonymization.sensitive import SensitiveCounts


@dataclass(frozen=True, slots=True)
class _Entries:
    """Entries of a long table by tuple: those of tuple t are `order[starts[t]:starts[t + 1]]`."""

    order: IntArray
    starts: IntArray

    def of(self, tuples: IntArray) -> tuple[IntArray, IntArray]:
        """Return the entries of `tuples`, and for each the place in `tuples` it belongs to."""
        first, number = self.starts[tuples], self.starts[tuples + 1] - self.starts[tuples]
        place = np.repeat(np.arange(len(tuples)), number)
        offset = np.arange(len(place)) - np.repeat(np.cumsum(number) - number, number)
        return self.order[first[place] + offset], place


@dataclass(frozen=True, slots=True)
class Judge:
    """The models of a problem, asked about some classes.

    `least_rows` is what no class can do with less of. `counts_rows` says that k-anonymity is the only model and every row a
    person: then `least_rows` is all there is to ask, and the rows of one tuple may go to several classes.
    """

    problem: Problem
    least_rows: int
    counts_rows: bool
    _shared: _Entries | None = field(repr=False)
    _sensitive: dict[str, tuple[_Entries, IntArray]] = field(repr=False)

    def failing(self, tuples: IntArray, group_of: IntArray, groups: int) -> BoolArray:
        """Return which groups of whole tuples fail a model: tuple `tuples[i]` is in group `group_of[i]`."""
        rows = _total(group_of, self.problem.histogram.rows[tuples], groups)
        return self.verdict(tuples, group_of, groups, rows)[1]

    def verdict(self, tuples: IntArray, group_of: IntArray, groups: int, rows: IntArray) -> tuple[IntArray, BoolArray]:
        """Return the people of each group, and which groups fail a model.

        Args:
            tuples: The tuples in the groups; whole, unless `counts_rows`.
            group_of: The group of each.
            groups: How many groups there are.
            rows: The rows of each group.
        """
        if self.counts_rows:
            return rows, rows < self.least_rows
        histogram = self.problem.histogram
        people = _total(group_of, histogram.loyal[tuples], groups)
        if histogram.shared is not None and self._shared is not None:
            entries, place = self._shared.of(tuples)
            pairs = np.unique(group_of[place] * histogram.shared.size + histogram.shared.things[entries])
            people += np.bincount(pairs // histogram.shared.size, minlength=groups)
        sensitive = {name: self._counted(name, tuples, group_of, groups) for name in self._sensitive}
        counts = ClassCounts(rows, people, sensitive)
        failing = np.zeros(groups, np.bool_)
        for criterion in self.problem.criteria:
            failing |= criterion.failing(counts)
        return people, failing

    def _counted(self, name: str, tuples: IntArray, group_of: IntArray, groups: int) -> SensitiveCounts:
        """Count a sensitive column in the groups; all other rows of the table are outside of them."""
        every = self.problem.histogram.sensitive[name]
        by_tuple, overall = self._sensitive[name]
        entries, place = by_tuple.of(tuples)
        keys, number = np.unique(group_of[place] * every.size + every.values[entries], return_inverse=True)
        rows = np.bincount(number, weights=every.rows[entries], minlength=len(keys)).astype(np.int64)
        of_group, values = np.divmod(keys, every.size)
        outside = overall - np.bincount(values, weights=rows, minlength=every.size).astype(np.int64)
        return SensitiveCounts(of_group, values, rows, every.labels, outside)


def make_judge(problem: Problem) -> Judge:
    """Prepare to ask the models of a problem about any classes."""
    histogram = problem.histogram
    size = len(histogram.rows)
    least = max((criterion.k for criterion in problem.criteria if isinstance(criterion, KAnonymity)), default=1)
    is_only_k = all(isinstance(criterion, KAnonymity) for criterion in problem.criteria)
    return Judge(
        problem=problem,
        least_rows=least,
        counts_rows=is_only_k and _is_row_a_person(histogram),
        _shared=None if histogram.shared is None else _entries(histogram.shared.tuples, size),
        _sensitive={
            name: (_entries(counts.groups, size), counts.overall()) for name, counts in histogram.sensitive.items()
        },
    )


def _is_row_a_person(histogram: Histogram) -> bool:
    return histogram.shared is None and bool((histogram.loyal == histogram.rows).all())


def _entries(tuples: IntArray, size: int) -> _Entries:
    order = np.argsort(tuples, kind="stable")
    return _Entries(order, np.searchsorted(tuples[order], np.arange(size + 1)))


def _total(index: IntArray, weights: IntArray, count: int) -> IntArray:
    return np.bincount(index, weights=weights, minlength=count).astype(np.int64)
