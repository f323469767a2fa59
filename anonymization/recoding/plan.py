"""Which moves might lose less: for many classes at once, how their rows would fare elsewhere.

A costly class can be taken apart: each of its tuples joins another class, or becomes the seed of a new one, together with
others of the class and with rows that large classes can spare. Here prices are worked out on the classes as they are;
`improve` makes the moves one after the other and looks again whether each still pays.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from anonymization.criteria.criterion import BoolArray
from anonymization.loss import FloatArray
from anonymization.quasi import IntArray
from anonymization.recoding.groups import Groups

Prices = npt.NDArray[np.float32]
"""Prices to choose by; what is then carried out is worked out anew in double precision."""
CANDIDATES = 48
"""So many of the rows that others can spare are looked at for a new class: those cheapest to have with its seed."""
SHARE = 12
"""Of so many spare parts, one may become a candidate."""


@dataclass(frozen=True, slots=True)
class Seeds:
    """The tuples of the classes that may be taken apart: seed i has `rows[i]` rows in class `owners[i]`."""

    tuples: IntArray
    rows: IntArray
    owners: IntArray


@dataclass(frozen=True, slots=True)
class Spare:
    """Rows that their class can do without: up to `rows[i]` of tuple `tuples[i]` from class `owners[i]`."""

    tuples: IntArray
    rows: IntArray
    owners: IntArray


@dataclass(frozen=True, slots=True)
class Joins:
    """For each seed the class that it joins most cheaply, and what that costs: its own rows and the others' loss."""

    price: FloatArray
    target: IntArray


@dataclass(frozen=True, slots=True)
class Build:
    """A new class around a seed: the seeds that go into it, the spare parts with their rows, and what it costs.

    The cost is that of all its rows, less what the spare rows cost where they are.
    """

    cost: float
    seeds: tuple[int, ...]
    spare: tuple[tuple[int, int], ...]


def seeds_of(groups: Groups, classes: IntArray) -> Seeds:
    """Return the tuples of some classes."""
    found = [(at, rows, place) for place in classes.tolist() for at, rows in groups.contents[place].items()]
    columns = np.array(found, np.int64).reshape(-1, 3).T
    return Seeds(columns[0], columns[1], columns[2])


def spare_of(groups: Groups) -> Spare:
    """Return the rows that large classes can do without, one tuple at a time."""
    judge = groups.judge
    large = np.flatnonzero((groups.rows[: groups.size] > judge.least_rows) & ~groups.is_lost[: groups.size])
    found = []
    for place in large.tolist():
        free = int(groups.rows[place]) - judge.least_rows
        for at, rows in groups.contents[place].items():
            if judge.counts_rows:
                found.append((at, min(rows, free), place))
            elif rows <= free:
                found.append((at, rows, place))
    columns = np.array(found, np.int64).reshape(-1, 3).T
    return Spare(columns[0], columns[1], columns[2])


def prices_of_joining(groups: Groups, seeds: Seeds) -> Prices:
    """Work out what it costs each seed to join each class: its own rows, and what the others lose more; one row a seed.

    A seed cannot join its own class, an empty one, or a lost tuple.
    """
    size = groups.size
    joined = _costs(groups, groups.leaves[seeds.tuples], groups.labels[:, :size])
    there = groups.rows[:size].astype(np.float32)
    joined *= there + seeds.rows[:, None].astype(np.float32)
    joined -= (groups.cost[:size] * there).astype(np.float32)
    joined[:, groups.is_lost[:size] | (there == 0)] = np.inf
    joined[np.arange(len(joined)), seeds.owners] = np.inf
    return joined


def join_prices(groups: Groups, seeds: Seeds) -> Joins:
    """Work out for each seed the cheapest class to join."""
    price = prices_of_joining(groups, seeds)
    best = price.argmin(axis=1)
    return Joins(price[np.arange(len(best)), best].astype(float), best)


def _costs(groups: Groups, leaves: IntArray, labels: IntArray) -> Prices:
    """Return what a row costs when the labels of column c of `labels` also cover row s of `leaves`: one row a seed.

    Quasi-identifiers of few labels are looked up together, in a table of all their combinations.
    """
    total = np.zeros((len(leaves), labels.shape[1]), np.float32)
    found = np.empty_like(total)
    for pack in groups.packs:
        table, where = _joining(groups, pack[0], leaves, labels)
        for j in pack[1:]:
            more, also = _joining(groups, j, leaves, labels)
            table = (table[:, :, None] + more[:, None, :]).reshape(len(leaves), -1)
            where = where * more.shape[1] + also
        np.take(table, where, axis=1, out=found, mode="clip")
        total += found
    return total


def _joining(groups: Groups, j: int, leaves: IntArray, labels: IntArray) -> tuple[Prices, IntArray]:
    """Return a table of what joining costs each row of `leaves` in quasi-identifier j, and where in it `labels` are."""
    tree = groups.trees[j]
    if tree.table is not None:
        others, where = np.arange(tree.nothing), labels[j]
    else:
        others, where = np.unique(labels[j], return_inverse=True)
    cost = tree.costs_of_joining(leaves[:, j], others) / len(groups.trees)
    return cost.astype(np.float32), where


def builds(groups: Groups, seeds: Seeds, *, spare: Spare, joins: Joins) -> list[Build | None]:
    """Work out for each seed the new class that grows around it by what costs least, row by row.

    None where none can, or where its seeds had better join other classes.
    """
    candidates = _candidates(groups, seeds, spare=spare, joins=joins)
    return _Growth(groups, seeds, candidates, joins.price).run()


@dataclass(frozen=True, slots=True)
class _Candidates:
    """What may join each seed, one row a seed: spare parts, then the other seeds of its class.

    `value` is what a row costs where it is, `step` how many rows come at once, `times` how often, `owners` whose spare rows
    they are and `free` how many that class can do without. `index` is the place among the spare parts or the seeds.
    """

    leaves: IntArray
    value: FloatArray
    step: IntArray
    times: IntArray
    owners: IntArray
    free: IntArray
    index: IntArray
    is_spare: BoolArray


def _candidates(groups: Groups, seeds: Seeds, *, spare: Spare, joins: Joins) -> _Candidates:
    near = _nearest(groups, seeds, spare)
    friends, is_friend = _friends(seeds)
    number, most = len(seeds.tuples), near.shape[1]
    by_row = groups.judge.counts_rows
    alone = np.minimum(joins.price / seeds.rows, 1.0)  # at worst a row is suppressed
    value = np.concatenate([groups.cost[spare.owners][near], alone[friends]], axis=1)
    is_spare = np.concatenate([np.ones((number, most), np.bool_), np.zeros(friends.shape, np.bool_)], axis=1)
    spare_rows = spare.rows[near]
    step = np.concatenate([np.ones_like(spare_rows) if by_row else spare_rows, seeds.rows[friends]], axis=1)
    times = np.concatenate([spare_rows if by_row else np.ones_like(spare_rows), is_friend.astype(np.int64)], axis=1)
    owners = np.concatenate([spare.owners[near], np.full(friends.shape, -1)], axis=1)
    free = np.concatenate(
        [(groups.rows - groups.judge.least_rows)[spare.owners[near]], np.full(friends.shape, 1 << 40)], axis=1
    )
    times[owners == seeds.owners[:, None]] = 0  # its own class is taken apart, and can spare nothing
    leaves = groups.leaves[np.concatenate([spare.tuples[near], seeds.tuples[friends]], axis=1)]
    return _Candidates(
        leaves=leaves,
        value=value,
        step=step,
        times=times,
        owners=owners,
        free=free,
        index=np.concatenate([near, friends], axis=1),
        is_spare=is_spare,
    )


def _nearest(groups: Groups, seeds: Seeds, spare: Spare) -> IntArray:
    """Return for each seed the spare parts that cost least to have with it, as places in `spare`."""
    if not len(spare.tuples):
        return np.zeros((len(seeds.tuples), 0), np.int64)
    joined = _costs(groups, groups.leaves[seeds.tuples], groups.leaves[spare.tuples].T)
    joined *= (seeds.rows[:, None] + 1).astype(np.float32)
    joined -= groups.cost[spare.owners].astype(np.float32)
    width = joined.shape[1] // SHARE
    if width <= CANDIDATES:
        return _cheapest(joined, min(CANDIDATES, joined.shape[1]))
    # The best of each stride, and of these the best: much quicker than to sort them all, and nearly the same.
    strides = joined[:, : width * SHARE].reshape(len(joined), SHARE, width)
    chosen = _cheapest(strides.min(axis=1), CANDIDATES)
    within = np.take_along_axis(strides, chosen[:, None, :], axis=2).argmin(axis=1)
    return np.asarray(within * width + chosen)


def _cheapest(price: Prices, number: int) -> IntArray:
    """Return the places of the `number` lowest prices of each row, in order; of equal ones the first, on every machine."""
    # Positive floats order as their bits do; with the place below them, no two keys are equal.
    keys = (price + np.float32(2.0)).astype(np.float32).view(np.int32).astype(np.int64) << 32
    keys |= np.arange(price.shape[1])
    lowest = np.partition(keys, number - 1, axis=1)[:, :number] if number < price.shape[1] else keys
    return np.asarray(np.sort(lowest, axis=1) & 0xFFFFFFFF)


def _friends(seeds: Seeds) -> tuple[IntArray, BoolArray]:
    """Return for each seed the other seeds of its class, and which of the places are used."""
    _, start, number = np.unique(seeds.owners, return_index=True, return_counts=True)
    width = int(number.max())
    of_class = np.searchsorted(np.sort(start), np.arange(len(seeds.owners)), side="right") - 1
    first, many = np.sort(start)[of_class], number[np.argsort(start)][of_class]
    places = first[:, None] + np.arange(width)
    is_friend = (np.arange(width) < many[:, None]) & (places != np.arange(len(seeds.owners))[:, None])
    return np.where(is_friend, places, 0), is_friend


class _Growth:
    """New classes that grow around all seeds at once, one candidate a step."""

    def __init__(self, groups: Groups, seeds: Seeds, candidates: _Candidates, alone: FloatArray) -> None:
        self._alone = alone
        self._groups = groups
        self._seeds = seeds
        self._from = candidates
        self._labels = groups.leaves[seeds.tuples].copy()
        self._rows = seeds.rows.copy()
        self._spent = np.zeros(len(seeds.rows))
        self._times = candidates.times.copy()
        self._free = candidates.free.copy()
        self._taken = np.zeros(candidates.times.shape, np.int64)
        self._open = self._rows < groups.judge.least_rows

    def run(self) -> list[Build | None]:
        """Let all grow until each is large enough or can grow no more."""
        while self._open.any():
            self._step(np.flatnonzero(self._open))
        labels = self._labels
        cost = np.zeros(len(labels))
        for j, tree in enumerate(self._groups.trees):
            cost += tree.cost[labels[:, j]]
        cost = cost / len(self._groups.trees) * self._rows - self._spent
        worth = self._alone + np.where(self._from.is_spare, 0.0, self._from.value * self._taken).sum(axis=1)
        pays = (self._rows >= self._groups.judge.least_rows) & (cost < worth)
        return [self._build(i, float(cost[i])) if pays[i] else None for i in range(len(cost))]

    def _step(self, active: IntArray) -> None:
        offered = self._from
        cost = np.zeros((len(active), offered.value.shape[1]))
        for j, tree in enumerate(self._groups.trees):
            cost += tree.cost[tree.join(self._labels[active, j][:, None], offered.leaves[active, :, j])]
        cost /= len(self._groups.trees)
        step = offered.step[active]
        price = cost * (self._rows[active][:, None] + step) - offered.value[active] * step
        price[(self._times[active] <= 0) | (self._free[active] < step)] = np.inf
        if not price.shape[1]:
            self._open[active] = False
            return
        best = price.argmin(axis=1)
        can = np.isfinite(price[np.arange(len(active)), best])
        self._open[active[~can]] = False
        self._take(active[can], best[can])

    def _take(self, rows: IntArray, best: IntArray) -> None:
        offered = self._from
        step = offered.step[rows, best]
        for j, tree in enumerate(self._groups.trees):
            self._labels[rows, j] = tree.join(self._labels[rows, j], offered.leaves[rows, best, j])
        self._rows[rows] += step
        spare = offered.is_spare[rows, best]
        self._spent[rows] += np.where(spare, offered.value[rows, best] * step, 0.0)
        self._times[rows, best] -= 1
        self._taken[rows, best] += step
        same_owner = (offered.owners[rows] == offered.owners[rows, best][:, None]) & spare[:, None]
        self._free[rows] -= np.where(same_owner, step[:, None], 0)
        self._open[rows] = self._rows[rows] < self._groups.judge.least_rows

    def _build(self, i: int, cost: float) -> Build:
        taken = np.flatnonzero(self._taken[i])
        places, spare = self._from.index[i, taken].tolist(), self._from.is_spare[i, taken].tolist()
        rows = self._taken[i, taken].tolist()
        friends = tuple(place for place, is_spare in zip(places, spare, strict=True) if not is_spare)
        lent = tuple((place, number) for place, number, is_spare in zip(places, rows, spare, strict=True) if is_spare)
        return Build(cost, (i, *friends), lent)
