"""Dates of visits as a trajectory: how many people a few known dates single out, and how coarse dates must be so that few are.

A point is a date at the granularity of a hierarchy's level. Whoever knows `points` dates of somebody (all, if there are fewer) singles
that record out if the records that have all of them are of no other person.
"""

import hashlib
import math
from dataclasses import dataclass, field

import numpy as np

from anonymization.events.cells import without_offences
from anonymization.events.code_tree import TOP, CodeTree, IntArray
from anonymization.events.combinations import Knowledge, count_people, gather
from anonymization.events.cuts import CodeProblem
from anonymization.events.holdings import BoolArray, Holdings, View, view_of
from policies.errors import DataError

EXACT_COMBINATIONS = 300_000
"""Up to so many combinations of the points of all records all are counted; above, a sample of records is tried."""

SAMPLED_RECORDS = 2_000
TRIES = 5
"""Combinations tried of each record of a sample."""

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Uniqueness:
    """The share of people singled out by `points` of their dates, the mean over the dates that could be known.

    `error` is 0 where every combination was counted; of a sample it is the half-width within which the true share lies with a
    probability of at least 95 % (Hoeffding). `singled_out` counts the records with at least one such combination among those looked at.
    """

    share: float
    error: float
    singled_out: int
    records: int

    @property
    def upper(self) -> float:
        """The share that is not exceeded, but for the stated error."""
        return min(self.share + self.error, 1.0)


def uniqueness(view: View, points: int) -> Uniqueness:
    """Measure how unique trajectories are; records without a date are left out.

    Source: de Montjoye, Hidalgo, Verleysen & Blondel, Unique in the Crowd, Scientific Reports 3:1376, 2013. There one combination a person is
    drawn; here all are counted while they are few.
    """
    lengths = np.diff(view.record_start)
    held = np.flatnonzero(lengths)
    if not len(held):
        return Uniqueness(0.0, 0.0, 0, 0)
    sizes = np.minimum(lengths[held], points)
    choices = np.array([math.comb(int(n), int(s)) for n, s in zip(lengths[held], sizes, strict=True)], np.float64)
    if choices.sum() <= EXACT_COMBINATIONS:
        alone = _alone(view, points, lengths)
        shares = alone[held] / choices
        return Uniqueness(float(shares.mean()), 0.0, int((alone[held] > 0).sum()), len(held))
    return _sampled(view, points, held)


def _alone(view: View, points: int, lengths: IntArray) -> IntArray:
    """Count for each record its combinations of `points` points (of all, if it has fewer) that no other person has."""
    alone = np.zeros(len(lengths), np.int64)
    waiting: list[tuple[int, int, IntArray]] = [(0, -1, np.arange(len(lengths)))]
    while waiting:
        depth, last, records = waiting.pop()
        owners, labels = gather(view, records)
        later = labels > last
        owners, labels = owners[later], labels[later]
        if not len(labels):
            continue
        found, compact = np.unique(labels, return_inverse=True)
        people = count_people(view, owners, compact, len(found))
        is_whole = (lengths[owners] == depth + 1) | (depth + 1 == points)
        np.add.at(alone, owners[is_whole & (people[compact] == 1)], 1)
        if depth + 1 < points:
            order = np.argsort(compact, kind="stable")
            bounds = np.searchsorted(compact[order], np.arange(len(found) + 1))
            for number, label in enumerate(found.tolist()):
                waiting.append((depth + 1, label, owners[order[bounds[number] : bounds[number + 1]]]))
    return alone


def _sampled(view: View, points: int, held: IntArray) -> Uniqueness:
    """Try some combinations of some records; which ones follows a digest of their place, so every run tries the same."""
    chosen = sorted(held.tolist(), key=_digest)[:SAMPLED_RECORDS]
    shares = []
    for record in chosen:
        own = view.labels[view.record_start[record] : view.record_start[record + 1]].tolist()
        tries = [
            _is_alone(view, sorted(own, key=lambda point: _digest(record, turn, point))[:points])
            for turn in range(TRIES)
        ]
        shares.append(sum(tries) / TRIES)
    error = math.sqrt(math.log(2 / (1 - CONFIDENCE)) / (2 * len(chosen)))
    return Uniqueness(float(np.mean(shares)), error, sum(share > 0 for share in shares), len(chosen))


def _digest(*numbers: int) -> bytes:
    return hashlib.blake2b(repr(numbers).encode(), digest_size=8).digest()


def _is_alone(view: View, points: list[int]) -> bool:
    records = view.records_of(points[0])
    for point in points[1:]:
        records = np.intersect1d(records, view.records_of(point), assume_unique=True)
    return len(np.unique(view.people[records])) == 1


@dataclass(frozen=True, slots=True)
class ProtectedDates:
    """The label of each entry (None: suppressed), the level they are at, and the uniqueness before and after."""

    labels: list[str | None] = field(repr=False)
    level: int
    before: Uniqueness
    after: Uniqueness
    entries: int
    suppressed: int


def protect_dates(
    holdings: Holdings, tree: CodeTree, *, points: int, most: float, suppression_limit: float
) -> ProtectedDates:
    """Choose the finest granularity at which few enough people are singled out; at the coarsest remove single dates.

    Args:
        holdings: Which record has which dates.
        tree: The tree of these dates; its levels are the granularities.
        points: How many dates of somebody an attacker may know.
        most: The share of people that may be singled out, 0 to 1.
        suppression_limit: The share of dates that may be removed where the coarsest granularity is not enough.

    Guarantee: At the published granularity the uniqueness given `points` points is at most `most` (its upper bound, where it is sampled).
    Not guaranteed: Anything for the people who are still singled out, or against who knows more dates, or intervals.

    Raises:
        DataError: Not even the coarsest granularity does, within the limit; the nearest share that would is named.
    """
    before = uniqueness(view_of(holdings, tree.leaves), points)
    found = before
    for level in sorted(set(tree.level.tolist())):
        nodes = tree.climb(level)
        found = uniqueness(view_of(holdings, nodes), points)
        if found.upper <= most:
            return _dates(holdings, tree, nodes, level, (before, found))
    nodes, level = tree.climb(int(tree.level.max(initial=0))), int(tree.level.max(initial=0))
    removed = without_offences(CodeProblem(holdings, tree, Knowledge(points, 2), holdings.entries), nodes)
    limit = int(suppression_limit * holdings.entries + 1e-9)
    after = uniqueness(view_of(holdings, nodes, removed.removed), points)
    if removed.suppressed > limit:
        raise DataError(
            "data.trajectory-unique",
            what=f"{found.share:.4f} of the people are singled out by {points} of their dates at the coarsest granularity",
            why=f"at most {most:g} may be; {removed.suppressed} of {holdings.entries} dates would have to go besides",
            fix=f"write `max_uniqueness: {_up(found.upper):g}`, or `suppression_limit: {_up(removed.suppressed / holdings.entries):g}`",
        )
    return _dates(holdings, tree, nodes, level, (before, after), removed.removed)


def _up(share: float) -> float:
    return math.ceil(share * 1000) / 1000


def _dates(
    holdings: Holdings,
    tree: CodeTree,
    nodes: IntArray,
    level: int,
    measured: tuple[Uniqueness, Uniqueness],
    removed: BoolArray | None = None,
) -> ProtectedDates:
    gone = np.zeros(len(holdings.codes), bool) if removed is None else removed
    published = np.where(gone, TOP, nodes[holdings.codes])
    labels = [tree.labels[node] if node != TOP else None for node in published.tolist()]
    suppressed = int(gone.sum()) + holdings.outside
    return ProtectedDates(labels, level, measured[0], measured[1], holdings.entries, suppressed)
