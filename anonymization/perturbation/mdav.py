"""MDAV: groups of at least k people who are near each other, of fixed or of variable size.

Source: Domingo-Ferrer, Mateo-Sanz, IEEE TKDE 14(1):189–201, 2002; MDAV-generic in Domingo-Ferrer, Torra, DMKD 11(2), 2005;
    Solanas, Martínez-Ballesté, V-MDAV: a multivariate microaggregation with variable group size, COMPSTAT 2006; Solanas,
    Martínez-Ballesté, Domingo-Ferrer, Mateo-Sanz, A 2ᵈ-tree-based blocking method for microaggregating very large data
    sets, ARES 2006 (ours cuts one dimension at a time).
"""

import numpy as np

from anonymization.perturbation.arrays import Floats, Ints, refused, require_k, too_few
from anonymization.perturbation.people import count_people, first_of_k_people
from anonymization.perturbation.space import Space


def mdav(space: Space, *, k: int, people: Ints, block_rows: int | None = None) -> Ints:
    """Divide all rows into groups of at least k people by maximum distance to the average vector.

    While there are rows: the row farthest from the middle takes its nearest rows until k people are together, then the
    row farthest from that one does the same. Costs grow with rows² / k; `block_rows` cuts the table first.

    Args:
        space: N rows and their distances.
        k: The least number of people in a group.
        people: The person of each row, as a number.
        block_rows: Cut the table into blocks of neighbors of at most so many rows, each divided on its own; None: not.

    Returns:
        The group of each row, 0 … G - 1.

    Raises:
        UsageError: k is below 2.
        DataError: There are fewer than k people.

    Guarantee: every group has at least k people. Where every row is a person, a group has k … 2k - 1 rows.
    Not guaranteed: the least loss; that is NP-hard for more than one column.
    """
    require_k(k)
    everyone = count_people(people)
    if everyone < k:
        raise too_few(everyone, k, of="the table")
    labels = np.full(space.size, -1, dtype=np.int64)
    groups = 0
    for block in _blocks(space, people, k=k, block_rows=block_rows):
        groups = _divide(space, block, people, k, labels=labels, groups=groups)
    return labels


class _Free:
    """The rows that are in no group yet, and how many people they are; kept, because counting anew costs more than MDAV."""

    def __init__(self, rows: Ints, people: Ints) -> None:
        self.rows = rows
        self.people = people
        self._held = np.bincount(people[rows])
        self.present = int((self._held > 0).sum())

    def take(self, places: Ints) -> Ints:
        """Take rows out by their places, and return them."""
        taken = self.rows[places]
        kept = np.ones(self.rows.size, dtype=np.bool_)
        kept[places] = False
        self.rows = self.rows[kept]
        owners, counts = np.unique(self.people[taken], return_counts=True)
        self._held[owners] -= counts
        self.present -= int((self._held[owners] == 0).sum())
        return taken


def _divide(space: Space, rows: Ints, people: Ints, k: int, *, labels: Ints, groups: int) -> int:
    """Label the rows of one block from `groups` on, and return the next free label."""
    free = _Free(rows, people)
    by_rows = free.present == rows.size
    while free.present >= 3 * k:
        extreme = _farthest(free.rows, space.from_middle(free.rows, free.rows))
        away = _farthest(free.rows, space.from_row(free.rows, extreme))
        _take(space, free, extreme, k, labels=labels, group=groups)
        # With several rows a person the far row may have been taken already; then the next farthest begins.
        if labels[away] >= 0:
            away = _farthest(free.rows, space.from_row(free.rows, extreme))
        _take(space, free, away, k, labels=labels, group=groups + 1)
        groups += 2
    while free.present >= k and (free.present >= 2 * k or (not by_rows and free.rows.size >= 2 * free.present)):
        extreme = _farthest(free.rows, space.from_middle(free.rows, free.rows))
        _take(space, free, extreme, k, labels=labels, group=groups)
        groups += 1
    if free.present >= k:
        labels[free.rows] = groups
        return groups + 1
    _join_nearest(space, free.rows, rows, labels)
    return groups


def _take(space: Space, free: _Free, start: int, k: int, *, labels: Ints, group: int) -> None:
    """Give the nearest rows of k people to the group of `start`."""
    left = free.rows
    apart = space.from_row(left, start)
    # The start is its own nearest row, also where others are at the same place.
    apart[left == start] = -1.0
    near = np.arange(left.size)
    if left.size > 8 * k:
        near = np.argpartition(apart, 4 * k)[: 4 * k]
        if np.unique(free.people[left[near]]).size < k:
            near = np.arange(left.size)
    near = near[np.argsort(apart[near], kind="stable")]
    count = first_of_k_people(free.people[left[near]], k)
    labels[free.take(near[:count])] = group


def _farthest(rows: Ints, apart: Floats) -> int:
    return int(rows[int(apart.argmax())])


def _join_nearest(space: Space, left: Ints, rows: Ints, labels: Ints) -> None:
    """Give each row that is left to the group of the nearest row that has one."""
    if not left.size:
        return
    placed = rows[labels[rows] >= 0]
    found = labels[placed]
    joined = [int(found[int(space.from_row(placed, int(row)).argmin())]) for row in left]
    labels[left] = joined


def v_mdav(space: Space, *, k: int, people: Ints, gamma: float = 0.2) -> Ints:
    """Divide all rows into groups of at least k people whose size follows where the rows lie.

    A group grows to at most 2k - 1 people while the next row is nearer to it than `gamma` times to any other free row.

    Args:
        space: N rows and their distances.
        k: The least number of people in a group.
        people: The person of each row, as a number.
        gamma: How eagerly a group grows; 0: never. The authors advise 0.2 for scattered and 1.1 for clustered data.

    Raises:
        UsageError: k is below 2, or gamma is negative.
        DataError: There are fewer than k people.

    Guarantee: every group has at least k people. Not guaranteed: an upper size, because rows left over join the nearest
        group; the least loss. Costs grow with the square of the rows.
    """
    require_k(k)
    if not gamma >= 0:
        raise refused("gamma is negative", why="a group cannot shrink", fix="write 0 or more, for example 0.2")
    everyone = count_people(people)
    if everyone < k:
        raise too_few(everyone, k, of="the table")
    rows = np.arange(space.size, dtype=np.int64)
    labels = np.full(space.size, -1, dtype=np.int64)
    # From the farthest to the nearest, as seen from the middle of the whole table, which V-MDAV computes once.
    outside_in = rows[np.argsort(-space.from_middle(rows, rows), kind="stable")]
    free, groups = _Free(rows, people), 0
    for start in outside_in:
        if labels[start] >= 0:
            continue
        if free.present < k:
            break
        _take(space, free, int(start), k, labels=labels, group=groups)
        _grow(space, free, k, gamma, labels=labels, group=groups)
        groups += 1
    _join_nearest(space, free.rows, rows, labels)
    return labels


def _grow(space: Space, free: _Free, k: int, gamma: float, *, labels: Ints, group: int) -> None:
    members = np.flatnonzero(labels == group)
    if not free.rows.size:
        return
    inside = np.min([space.from_row(free.rows, int(member)) for member in members], axis=0)
    while free.rows.size > 1 and count_people(free.people[members]) < 2 * k - 1:
        place = int(inside.argmin())
        candidate = int(free.rows[place])
        outside = space.from_row(np.delete(free.rows, place), candidate).min()
        if not np.sqrt(inside[place]) < gamma * np.sqrt(outside):
            break
        labels[free.take(np.array([place]))] = group
        members = np.append(members, candidate)
        inside = np.minimum(np.delete(inside, place), space.from_row(free.rows, candidate))


def _blocks(space: Space, people: Ints, *, k: int, block_rows: int | None) -> list[Ints]:
    """Cut the rows at the median of the widest dimension until no block is too large; none has fewer than 2k people."""
    waiting = [np.arange(space.size, dtype=np.int64)]
    if block_rows is None:
        return waiting
    points = space.coordinates()
    done: list[Ints] = []
    while waiting:
        rows = waiting.pop()
        if rows.size <= max(block_rows, 2 * k):
            done.append(rows)
            continue
        widest = int(points[rows].std(axis=0).argmax())
        ordered = rows[np.argsort(points[rows, widest], kind="stable")]
        halves = (np.sort(ordered[: rows.size // 2]), np.sort(ordered[rows.size // 2 :]))
        if min(count_people(people[half]) for half in halves) < 2 * k:
            done.append(rows)
        else:
            waiting.extend(halves)
    return done
