"""Which sets of attributes tell people apart, so that they should be quasi-identifiers: distinction and separation.

Source: Motwani & Xu, Efficient algorithms for masking and finding quasi-identifiers, SIAM SDM 2008 (α-distinction,
α-separation), as ARX 3.9 reports them.
"""

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from anonymization.risks.records import Records
from policies.errors import PolicyError

MOST_SIZE = 3
MOST_SETS = 2_000
"""So many sets of each size are looked at; above, only sets that grow from the best of the size before."""
SHOWN = 20


@dataclass(frozen=True, slots=True)
class AttributeSet:
    """A set of attributes: `distinction` is classes by records, `separation` the share of pairs of records that differ."""

    attributes: tuple[str, ...]
    distinction: float
    separation: float

    def as_json(self) -> dict[str, object]:
        """Return the set as plain JSON values."""
        return {"attributes": list(self.attributes), "distinction": self.distinction, "separation": self.separation}


@dataclass(frozen=True, slots=True)
class Discovered:
    """The sets that were looked at, by falling separation, then distinction, then fewer attributes.

    `is_complete` says that every set of up to `most_size` attributes was looked at.
    """

    sets: tuple[AttributeSet, ...]
    most_size: int
    is_complete: bool

    def as_json(self, shown: int = SHOWN) -> dict[str, object]:
        """Return the first `shown` sets, and every single attribute, as plain JSON values."""
        return {
            "max_size": self.most_size,
            "complete": self.is_complete,
            "sets_measured": len(self.sets),
            "single": [one.as_json() for one in self.sets if len(one.attributes) == 1],
            "sets": [one.as_json() for one in self.sets[:shown]],
        }


def discover(records: Records, *, most_size: int = MOST_SIZE, most_sets: int = MOST_SETS) -> Discovered:
    """Measure sets of up to `most_size` attributes.

    All of a size are looked at while they are few; else those that add one attribute to the best of the size before.

    Args:
        records: The table, with every attribute that may be a quasi-identifier.
        most_size: The largest set.
        most_sets: How many sets of one size are looked at.

    Raises:
        PolicyError: `policy.discovery`: a size or number below 1.
    """
    count = len(records.columns)
    size = min(most_size, count)
    if size < 1 or most_sets < 1:
        raise PolicyError(
            "policy.discovery",
            what=f"sets of up to {most_size} attributes were asked for, {most_sets} of each size",
            why="there is none below 1",
            fix="ask for 1 or more",
        )
    measured: list[AttributeSet] = []
    best: list[tuple[int, ...]] = []
    is_complete = True
    for number in range(1, size + 1):
        sets: Iterable[tuple[int, ...]] = itertools.combinations(range(count), number)
        if number > 1 and math.comb(count, number) > most_sets:
            is_complete = False
            sets = _grown(best, count, most_sets)
        found = sorted(((_measure(records, each), each) for each in sets), key=lambda pair: _rank(pair[0]))
        measured.extend(one for one, _ in found)
        best = [each for _, each in found]
    return Discovered(tuple(sorted(measured, key=_rank)), size, is_complete)


def _grown(best: list[tuple[int, ...]], count: int, most_sets: int) -> list[tuple[int, ...]]:
    """Return sets of one attribute more, from the best sets on."""
    grown: dict[tuple[int, ...], None] = {}
    for each in best:
        for j in range(count):
            if j not in each:
                grown[tuple(sorted((*each, j)))] = None
        if len(grown) >= most_sets:
            break
    return list(grown)[:most_sets]


def _rank(one: AttributeSet) -> tuple[float, float, int, tuple[str, ...]]:
    return -one.separation, -one.distinction, len(one.attributes), one.attributes


def _measure(records: Records, attributes: tuple[int, ...]) -> AttributeSet:
    number, count = records.numbered(attributes)
    held = np.bincount(number, weights=records.weight, minlength=count)
    total = records.total
    alike = float((held * (held - 1)).sum())
    separation = 1.0 - alike / (total * (total - 1)) if total > 1 else 1.0
    return AttributeSet(tuple(records.columns[j] for j in attributes), count / total, separation)
