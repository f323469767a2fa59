"""Numbers and ordered lists: intervals between free cuts, neighbours joined level by level, open classes at the ends.

A label of a higher level is made from the first and the last interval that it joins, never from a formula of its own, so
it covers exactly what its parts cover. (Where both are worked out apart, what a user is shown and what is applied can
differ: ARX issues 306 and 353.) The number of levels follows from the policy alone, whatever the data hold (ARX
issue 362).
"""

import re
from bisect import bisect_right
from collections.abc import Sequence
from decimal import Decimal

from anonymization.hierarchy import ROOT
from policies.model.ladders import OrderLevels, RangeLevels

_WHOLE = re.compile(r"[+-]?[0-9]{1,30}")
_DECIMAL = re.compile(r"[+-]?[0-9]{1,30}(?:\.[0-9]{1,30})?(?:[eE][+-]?[0-9]{1,2})?")


def joined(count: int, factors: Sequence[int], *, snap: bool) -> list[list[int]]:
    """Join `count` neighbours by each of `factors` in turn; return the number of each one's group, level by level.

    With `snap`, a last group of fewer parts than the factor joins the group before it, if there is one.
    """
    groups = list(range(count))
    found = []
    for factor in factors:
        parts = groups[-1] + 1
        last = max(parts // factor - 1, 0) if snap else parts
        groups = [min(group // factor, last) for group in groups]
        found.append(groups)
    return found


def spans(groups: Sequence[int]) -> list[tuple[int, int]]:
    """Return the first and the last member of each group of neighbours."""
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    for place, group in enumerate(groups):
        first.setdefault(group, place)
        last[group] = place
    return [(first[group], last[group]) for group in sorted(first)]


class RangeRule:
    """From a number to its labels at every level; None for what is no number, or lies outside cuts that refuse it.

    A number is known by its value: `007` and `7.0` are second spellings of `7`.
    """

    def __init__(self, levels: RangeLevels) -> None:
        self._levels = levels
        self._cuts = _cuts(levels)
        whole = levels.numbers == "whole"
        label = _whole_label if whole else _decimal_label
        count = len(self._cuts) - 1
        every = [list(range(count)), *joined(count, levels.repeats, snap=levels.snap)]
        self._labels = []
        for groups in every:
            made = [label(self._cuts[first], self._cuts[last + 1]) for first, last in spans(groups)]
            self._labels.append([made[group] for group in groups])
        low, high = _number(self._cuts[0]), _number(self._cuts[-1])
        self._below = f"<{low}"
        self._above = f"{high}+" if whole else f">={high}"

    def __call__(self, value: str) -> tuple[str, ...] | None:
        """Return the labels of a number, level 0 first."""
        form = _WHOLE if self._levels.numbers == "whole" else _DECIMAL
        if not form.fullmatch(value):
            return None
        number = Decimal(value)
        place = bisect_right(self._cuts, number) - 1
        height = len(self._labels)
        if place < 0:
            between = (self._below,) * height if self._levels.below == "code" else None
        elif place >= len(self._cuts) - 1:
            between = (self._above,) * height if self._levels.above == "code" else None
        else:
            between = tuple(labels[place] for labels in self._labels)
        return None if between is None else (_number(number), *between, ROOT)


def range_rows(levels: RangeLevels) -> list[tuple[str, ...]]:
    """Return a row for each whole number between the cuts; of decimals there is no list, they are known by rule."""
    if levels.numbers == "decimal":
        return []
    rule = RangeRule(levels)
    numbers = range(int(levels.cuts[0]), int(levels.cuts[-1]))
    return [row for row in (rule(str(number)) for number in numbers) if row is not None]


def order_rows(levels: OrderLevels) -> list[tuple[str, ...]]:
    """Return a row for each value: itself, the first and last of its neighbours at each level, `*`."""
    by_level = []
    for groups in joined(len(levels.values), levels.fan_outs, snap=levels.snap):
        made = [_span_label(levels.values[first], levels.values[last]) for first, last in spans(groups)]
        by_level.append([made[group] for group in groups])
    return [(value, *(labels[place] for labels in by_level), ROOT) for place, value in enumerate(levels.values)]


def _cuts(levels: RangeLevels) -> tuple[Decimal, ...]:
    if levels.width is None:
        return levels.cuts
    count = int((levels.cuts[-1] - levels.cuts[0]) / levels.width)
    return tuple(levels.cuts[0] + levels.width * number for number in range(count + 1))


def _number(number: Decimal) -> str:
    """Write a number without exponent, sign of zero or needless zeros."""
    plain = number.normalize() + 0
    return format(plain if plain else Decimal(0), "f")


def _whole_label(low: Decimal, after: Decimal) -> str:
    return f"{int(low)}-{int(after) - 1}"


def _decimal_label(low: Decimal, after: Decimal) -> str:
    return f"[{_number(low)}, {_number(after)})"


def _span_label(first: str, last: str) -> str:
    return first if first == last else f"{first}–{last}"
