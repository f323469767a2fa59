"""Take costly classes apart where their rows lose less elsewhere, the costliest first, within a budget of work.

The budget counts comparisons of a row with a class or another row, not time: the result is the same on every run.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from anonymization.quasi import IntArray
from anonymization.recoding.groups import Content, Groups
from anonymization.recoding.plan import (
    Build,
    Joins,
    Seeds,
    Spare,
    builds,
    join_prices,
    prices_of_joining,
    seeds_of,
    spare_of,
)

BATCH_CLASSES = 64
"""So many classes are planned at once; more is quicker, but plans grow stale as others are carried out."""
BATCH_PRICES = 20_000_000
"""So many prices are held at once; where there are many classes, fewer are planned together."""
HOUSES = 200
"""A row that may not be suppressed is offered to so many classes, the cheapest first."""
SPARE_BATCHES = 4
"""The rows that classes can spare are listed anew after so many batches."""
LEAST_COST = 0.02
"""Classes that cost less a row than this are left alone."""
LEAST_GAIN = 1e-9
"""Less than this is no gain: sums of shares in double precision."""


@dataclass(frozen=True, slots=True)
class Improved:
    """What was done: comparisons made, classes looked at, and changes carried out."""

    comparisons: int
    looked_at: int
    changes: int


def improve(groups: Groups, *, budget: int, report: Callable[[float], None] | None = None) -> Improved:
    """Change `groups` for the better until the budget is spent or a whole round changes nothing.

    Args:
        groups: The classes; changed.
        budget: Comparisons at most; the last batch may pass it by its own.
        report: Told the mean cost of a row after each batch.
    """
    comparisons = looked_at = changes = 0
    while True:
        in_round = 0
        order = _costliest(groups)
        together = _batch_size(groups)
        for number, start in enumerate(range(0, len(order), together)):
            if comparisons >= budget:
                return Improved(comparisons, looked_at, changes + in_round)
            if number % SPARE_BATCHES == 0:
                spare = spare_of(groups)
            batch = order[start : start + together]
            done, compared = _improve_batch(groups, batch[groups.rows[batch] > 0], spare)
            in_round, comparisons, looked_at = in_round + done, comparisons + compared, looked_at + len(batch)
            if report is not None:
                report(groups.total)
        changes += in_round
        if not in_round:
            return Improved(comparisons, looked_at, changes)


def _batch_size(groups: Groups) -> int:
    """Return how many classes to plan at once: each has about as many seeds as a class needs rows."""
    prices_a_class = 2 * groups.size * groups.judge.least_rows
    return max(1, min(BATCH_CLASSES, BATCH_PRICES // max(prices_a_class, 1)))


def _costliest(groups: Groups) -> IntArray:
    cost = groups.cost[: groups.size]
    order = np.argsort(-cost, kind="stable")
    return order[(cost[order] >= LEAST_COST) & (groups.rows[order] > 0)]


def _improve_batch(groups: Groups, batch: IntArray, spare: Spare) -> tuple[int, int]:
    seeds = seeds_of(groups, batch)
    if not len(seeds.tuples):
        return 0, 0
    joins = join_prices(groups, seeds)
    built = builds(groups, seeds, spare=spare, joins=joins)
    done = 0
    for place in batch.tolist():
        members = np.flatnonzero(seeds.owners == place).tolist()
        done += _take_apart(groups, place, _Offers(seeds, spare, joins, built, members))
    return done, len(seeds.tuples) * (groups.size + len(spare.tuples))


@dataclass(frozen=True, slots=True)
class _Offers:
    """What the tuples of one class could do: `members` are their places among the seeds."""

    seeds: Seeds
    spare: Spare
    joins: Joins
    built: list[Build | None]
    members: list[int]


def _take_apart(groups: Groups, place: int, offers: _Offers) -> bool:
    """Dissolve a class if its tuples are cheaper elsewhere; else let a tuple go that is; return whether it was done."""
    planned = {int(offers.seeds.tuples[member]): int(offers.seeds.rows[member]) for member in offers.members}
    if groups.contents[place] != planned:
        return False  # it changed since the batch was planned
    chosen, joining, price = _best_mix(offers)
    worth = float(groups.cost[place]) * int(groups.rows[place])
    if price < worth - LEAST_GAIN:
        changed: dict[int, Content] = {place: {}}
        made = [_content(groups, build, offers, changed) for build in chosen]
        if all(content is not None for content in made):
            for member in joining:
                _move(groups, changed, offers, member)
            contents = [content for content in made if content is not None]
            if groups.try_change(changed, contents, least_gain=LEAST_GAIN):
                return True
    return _let_one_go(groups, place, offers)


def _best_mix(offers: _Offers) -> tuple[list[Build], list[int], float]:
    """Choose new classes as long as one is cheaper than letting its seeds join others; return them, the rest and the price."""
    alone = offers.joins.price
    homeless = set(offers.members)
    ranked = []
    for member in offers.members:
        build = offers.built[member]
        if build is not None:
            gain = sum(float(alone[seed]) for seed in build.seeds) - build.cost
            if gain > 0:
                ranked.append((-gain, member, build))
    chosen = []
    for _, _, build in sorted(ranked, key=lambda entry: entry[:2]):
        if homeless.issuperset(build.seeds):
            chosen.append(build)
            homeless.difference_update(build.seeds)
    joining = sorted(homeless)
    price = sum(build.cost for build in chosen) + sum(float(alone[member]) for member in joining)
    return chosen, joining, price


def _content(groups: Groups, build: Build, offers: _Offers, changed: dict[int, Content]) -> Content | None:
    """Return the rows of a new class and take the spare ones from where they are; None if they are there no more."""
    content = {int(offers.seeds.tuples[seed]): int(offers.seeds.rows[seed]) for seed in build.seeds}
    for index, rows in build.spare:
        owner, at = int(offers.spare.owners[index]), int(offers.spare.tuples[index])
        left = changed.setdefault(owner, dict(groups.contents[owner]))
        if left.get(at, 0) < rows:
            return None
        left[at] -= rows
        if not left[at]:
            del left[at]
        content[at] = content.get(at, 0) + rows
    return content


def _move(groups: Groups, changed: dict[int, Content], offers: _Offers, member: int) -> None:
    target, at = int(offers.joins.target[member]), int(offers.seeds.tuples[member])
    content = changed.setdefault(target, dict(groups.contents[target]))
    content[at] = content.get(at, 0) + int(offers.seeds.rows[member])


def _let_one_go(groups: Groups, place: int, offers: _Offers) -> bool:
    """Let the tuple go whose leaving gains most, if the class can do without it."""
    content = groups.contents[place]
    free = int(groups.rows[place]) - groups.judge.least_rows
    best: tuple[float, int] | None = None
    for member in offers.members:
        at, rows = int(offers.seeds.tuples[member]), int(offers.seeds.rows[member])
        if rows > free or content.get(at) != rows or len(content) == 1:
            continue
        rest = groups.cost_at(groups.labels_in_common(other for other in content if other != at))
        gain = float(groups.cost[place]) * int(groups.rows[place]) - rest * (int(groups.rows[place]) - rows)
        gain -= float(offers.joins.price[member])
        if gain > LEAST_GAIN and (best is None or gain > best[0]):
            best = (gain, member)
    if best is None:
        return False
    changed: dict[int, Content] = {
        place: {at: rows for at, rows in content.items() if at != offers.seeds.tuples[best[1]]}
    }
    _move(groups, changed, offers, best[1])
    return groups.try_change(changed, [], least_gain=LEAST_GAIN)


def house_lost(groups: Groups, *, most: int) -> None:
    """Have lost tuples join classes, at whatever cost, until at most `most` rows are lost or no class can take more."""
    for place in np.flatnonzero(groups.is_lost[: groups.size] & (groups.rows[: groups.size] > 0)).tolist():
        if int(groups.rows[groups.is_lost].sum()) <= most:
            return
        seeds = seeds_of(groups, np.array([place]))
        prices = prices_of_joining(groups, seeds)[0]
        for target in np.argsort(prices, kind="stable")[:HOUSES].tolist():
            if not np.isfinite(prices[target]):
                break
            content = dict(groups.contents[target])
            for at, rows in groups.contents[place].items():
                content[at] = content.get(at, 0) + rows
            if groups.try_change({place: {}, target: content}, [], least_gain=-np.inf):
                break
