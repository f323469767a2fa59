"""The best groups of one column of numbers: no other division into groups of at least k people loses less.

Source: Hansen, Mukherjee, A polynomial algorithm for optimal univariate microaggregation, IEEE TKDE 15(4):1043–1044, 2003.
"""

import numpy as np

from anonymization.perturbation.arrays import Floats, Ints, require_k, too_few
from anonymization.perturbation.people import count_people


def optimal_groups(values: Floats, *, k: int, people: Ints, split_ties: bool = False) -> Ints:
    """Divide the known values, in their order, into groups of at least k people with the least sum of squared errors.

    A shortest path over the sorted values: an arc is a group that cannot be divided again. Where people have several rows,
    a group is long enough when k different people are in it.

    Args:
        values: N numbers, NaN missing.
        k: The least number of people in a group.
        people: The person of each row, as a number.
        split_ties: Whether equal values may fall in two groups. If not, the published value is a function of the source
            value, so equal people stay equal; if so, the loss may be less, and ties are divided in the order of the rows.

    Returns:
        The group of each row in the order of the values, 0 … G - 1; -1 where the value is missing.

    Raises:
        UsageError: k is below 2.
        DataError: Fewer than k people have a value.

    Guarantee: every group has at least k people; no division into groups that are intervals of the sorted rows (or of the
        distinct values) loses less. Where every row is a person and ties are split, no division whatever does.
    """
    require_k(k)
    labels = np.full(values.size, -1, dtype=np.int64)
    known = np.flatnonzero(~np.isnan(values))
    having = count_people(people[known])
    if having < k:
        raise too_few(having, k, of="a column")
    order = known[np.argsort(values[known], kind="stable")]
    ordered = values[order]
    is_new = np.ones(order.size, dtype=np.bool_)
    if not split_ties:
        is_new[1:] = ordered[1:] != ordered[:-1]
    starts = np.append(np.flatnonzero(is_new), order.size)
    latest = _latest_starts(people[order], starts, k)
    labels[order] = _shortest_path(ordered, starts, latest)
    return labels


def _latest_starts(people: Ints, starts: Ints, k: int) -> Ints:
    """Return, for each end of units 0 … U, the latest unit at which a group of k people that ends there may start; -1: none."""
    numbers = np.unique(people, return_inverse=True)[1].reshape(people.size)
    held = np.zeros(int(numbers.max()) + 1, dtype=np.int64)
    latest = np.full(starts.size, -1, dtype=np.int64)
    inside, first = 0, 0
    for unit in range(starts.size - 1):
        for number in numbers[starts[unit] : starts[unit + 1]]:
            inside += held[number] == 0
            held[number] += 1
        while inside >= k:
            gone = numbers[starts[first] : starts[first + 1]]
            for number in gone:
                held[number] -= 1
                inside -= held[number] == 0
            first += 1
        # One unit more than that was let go, so the group that begins one unit before still holds k people.
        latest[unit + 1] = first - 1
    return latest


def _shortest_path(ordered: Floats, starts: Ints, latest: Ints) -> Ints:
    """Return the group of each sorted row on the cheapest way from the first value to the last."""
    # Centered, because sums of squares of large numbers that differ little cancel.
    centered = ordered - ordered.mean()
    sums = np.append(0.0, np.cumsum(centered))[starts]
    squares = np.append(0.0, np.cumsum(centered**2))[starts]
    cost = np.full(starts.size, np.inf)
    cost[0] = 0.0
    came_from = np.zeros(starts.size, dtype=np.int64)
    for end in range(1, starts.size):
        last = int(latest[end])
        if last < 0:
            continue
        # A group that starts before the latest start of the latest start falls into two that cost no more.
        begin = np.arange(int(latest[last]) + 1, last + 1)
        rows = starts[end] - starts[begin]
        within = squares[end] - squares[begin] - (sums[end] - sums[begin]) ** 2 / rows
        total = cost[begin] + np.maximum(within, 0.0)
        best = int(total.argmin())
        cost[end], came_from[end] = total[best], begin[best]
    edges = [starts.size - 1]
    while edges[-1] > 0:
        edges.append(int(came_from[edges[-1]]))
    cuts = starts[np.array(edges[::-1])]
    return np.repeat(np.arange(cuts.size - 1, dtype=np.int64), np.diff(cuts))
