"""Which combinations of labels an attacker could use: those that too few people hold, or that tell too much of those who do.

Combinations are extended one label at a time, and only while they are held by enough people (Apriori): what contains a combination
that fails is not looked at. Memory follows the entries of one combination, not the number of combinations.

Sources: Terrovitis, Mamoulis & Kalnis, Privacy-preserving anonymization of set-valued data, PVLDB 1(1), 2008 (kᵐ); Mohammed, Fung, Hung &
Lee, Anonymizing healthcare data, KDD 2009 (LKC).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from anonymization.events.code_tree import IntArray
from anonymization.events.holdings import BoolArray, View


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What must hold of every combination of up to `size` labels that occurs: at least `k` people, confidence at most `most`.

    The confidence is the share of the records with the combination that have one sensitive value; None asks nothing.
    """

    size: int
    k: int
    most: float | None = None


@dataclass(frozen=True, slots=True)
class Offence:
    """Combinations that fail, all of `prefix` and one label more: entry i is record `records[i]`, which holds `labels[i]` beside it."""

    prefix: tuple[int, ...]
    records: IntArray = field(repr=False)
    labels: IntArray = field(repr=False)


def offences(view: View, knowledge: Knowledge) -> Iterator[Offence]:
    """Yield what fails, single labels first; nothing is yielded that contains a combination that fails."""
    singles = _failing(view, view.owners, view.labels, knowledge)
    if singles.any():
        wrong = singles[view.labels]
        yield Offence((), view.owners[wrong], view.labels[wrong])
    if knowledge.size == 1:
        return
    for label in np.flatnonzero(~singles):
        yield from _extended(view, knowledge, (int(label),), view.records_of(int(label)), singles)


def _extended(
    view: View, knowledge: Knowledge, prefix: tuple[int, ...], records: IntArray, barred: BoolArray
) -> Iterator[Offence]:
    """Yield the failing combinations of a prefix and a later label, then those of its extensions."""
    owners, labels = gather(view, records)
    later = (labels > prefix[-1]) & ~barred[labels]
    owners, labels = owners[later], labels[later]
    if not len(labels):
        return
    found, compact = _numbered(labels, view.size)
    failing = _failing(view, owners, compact, knowledge, count=len(found))
    if failing.any():
        wrong = failing[compact]
        yield Offence(prefix, owners[wrong], labels[wrong])
    if len(prefix) + 1 >= knowledge.size:
        return
    below = barred.copy()
    below[found[failing]] = True
    order = np.argsort(compact, kind="stable")
    bounds = np.searchsorted(compact[order], np.arange(len(found) + 1))
    for number in np.flatnonzero(~failing):
        holders = owners[order[bounds[number] : bounds[number + 1]]]
        yield from _extended(view, knowledge, (*prefix, int(found[number])), holders, below)


def _numbered(labels: IntArray, size: int) -> tuple[IntArray, IntArray]:
    """Return the distinct labels, sorted, and each label's place among them; by counting where that is quicker."""
    if len(labels) * 8 < size:
        found, places = np.unique(labels, return_inverse=True)
        return found, places
    is_there = np.bincount(labels, minlength=size) > 0
    return np.flatnonzero(is_there), (np.cumsum(is_there) - 1)[labels]


def gather(view: View, records: IntArray) -> tuple[IntArray, IntArray]:
    """Return all (record, label) entries of `records`, record by record."""
    first, lengths = view.record_start[records], view.record_start[records + 1] - view.record_start[records]
    total = int(lengths.sum())
    places = np.arange(total) + np.repeat(first - (np.cumsum(lengths) - lengths), lengths)
    return np.repeat(records, lengths), view.labels[places]


def _failing(
    view: View, owners: IntArray, labels: IntArray, knowledge: Knowledge, *, count: int | None = None
) -> BoolArray:
    """Return for each label whether the records that stand beside it fail."""
    size = view.size if count is None else count
    rows = np.bincount(labels, minlength=size)
    people = rows if view.one_record_each else count_people(view, owners, labels, size)
    failing = (people < knowledge.k) & (rows > 0)
    if knowledge.most is not None:
        values = view.sensitive[owners]
        for value in np.unique(values[values >= 0]):
            held = np.bincount(labels[values == value], minlength=size)
            failing |= held > knowledge.most * rows + 1e-9
    return np.asarray(failing, bool)


def count_people(view: View, owners: IntArray, labels: IntArray, size: int) -> IntArray:
    """Return for each label the number of distinct people among the records beside it."""
    span = int(view.people.max(initial=0)) + 1
    distinct = np.unique(labels * span + view.people[owners])
    return np.bincount(distinct // span, minlength=size).astype(np.int64)
