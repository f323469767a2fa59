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


def _divide(space: Space, rows: Ints, people: Ints, k: int, *, labels: Ints, groups: int) -> int:
    """Label the rows of one block from `groups` on, and return the next free label."""
    left = rows
    by_rows = count_people(people[rows]) == rows.size
    while (present := left.size if by_rows else count_people(people[left])) >= 3 * k:
        extreme = _farthest(left, space.from_middle(left, left))
        away = _farthest(left, space.from_row(left, extreme))
        left, groups = _take(space, left, people, extreme, k, labels=labels, group=groups)
        # With several rows a person the far row may have been taken already; then the next farthest begins.
        if labels[away] >= 0:
            away = _farthest(left, space.from_row(left, extreme))
        left, groups = _take(space, left, people, away, k, labels=labels, group=groups)
    while present >= k and (present >= 2 * k or (not by_rows and left.size >= 2 * present)):
        extreme = _farthest(left, space.from_middle(left, left))
        left, groups = _take(space, left, people, extreme, k, labels=labels, group=groups)
        present = count_people(people[left])
    if present >= k:
        labels[left] = groups
        return groups + 1
    _join_nearest(space, left, rows, labels)
    return groups


def _take(space: Space, left: Ints, people: Ints, start: int, k: int, *, labels: Ints, group: int) -> tuple[Ints, int]:
    """Give the nearest rows of k people to the group of `start`."""
    apart = space.from_row(left, start)
    # The start is its own nearest row, also where others are at the same place.
    apart[left == start] = -1.0
    if left.size > 8 * k:
        near = np.argpartition(apart, 4 * k)[: 4 * k]
        near = near[np.argsort(apart[near], kind="stable")]
        count = first_of_k_people(people[left[near]], k)
        if np.unique(people[left[near[:count]]]).size < k:
            near = np.argsort(apart, kind="stable")
            count = first_of_k_people(people[left[near]], k)
    else:
        near = np.argsort(apart, kind="stable")
        count = first_of_k_people(people[left[near]], k)
    labels[left[near[:count]]] = group
    kept = np.ones(left.size, dtype=np.bool_)
    kept[near[:count]] = False
    return left[kept], group + 1


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
    left, groups = rows, 0
    for start in outside_in:
        if labels[start] >= 0:
            continue
        if count_people(people[left]) < k:
            break
        left, groups = _take(space, left, people, int(start), k, labels=labels, group=groups)
        left = _grow(space, left, people, k, gamma, labels=labels, group=groups - 1)
    _join_nearest(space, left, rows, labels)
    return labels


def _grow(space: Space, left: Ints, people: Ints, k: int, gamma: float, *, labels: Ints, group: int) -> Ints:
    members = np.flatnonzero(labels == group)
    inside = np.min([space.from_row(left, int(member)) for member in members], axis=0) if left.size else np.zeros(0)
    while left.size > 1 and count_people(people[members]) < 2 * k - 1:
        place = int(inside.argmin())
        candidate = int(left[place])
        others = np.delete(left, place)
        if not np.sqrt(inside[place]) < gamma * np.sqrt(space.from_row(others, candidate).min()):
            break
        labels[candidate] = group
        members = np.append(members, candidate)
        left = others
        inside = np.minimum(np.delete(inside, place), space.from_row(left, candidate))
    return left


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
