"""Targeted record swapping: households at risk exchange their place with similar households of another area.

Source: Shlomo, Tudor, Groom, Data swapping for protecting census tables, PSD 2010, LNCS 6344:41–51; Office for National
    Statistics, Statistical disclosure control for 2011 UK Census.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from anonymization.evidence import Statement
from anonymization.perturbation.arrays import Ints, refused, require_k
from anonymization.perturbation.people import person_codes
from anonymization.perturbation.randomness import Draws

GUARANTEE = Statement(
    ja="世帯は一体で動き、交換相手は類似項目がすべて一致する。地域別・類似項目別の件数は変わらない。",
    en="Households move whole, partners agree in every similarity column, so counts by area and similarity profile stay.",
)
NOT_GUARANTEED = Statement(
    ja="相手のない世帯は動かない(件数を記録する)。k-匿名性は保証しない。",
    en="A household without a partner stays (their number is reported). k-anonymity is not promised.",
)


@dataclass(frozen=True, slots=True)
class RecordSwap:
    """The area of each row after swapping, and how many households were at risk, were moved, and found no partner."""

    areas: Ints = field(repr=False)
    at_risk: int
    moved: int
    without_partner: int


def swap_records(
    areas: Ints, keys: Ints, similar: Ints, *, k: int, draws: Draws, households: npt.NDArray[Any] | None = None
) -> RecordSwap:
    """Exchange the areas of households of which a row's keys are rarer than k in its area.

    Args:
        areas: The area of each of N rows, the same in a household.
        keys: N rows times columns of codes whose combinations within an area say who is at risk.
        similar: N rows times columns of codes in which the partner's household must agree, as the household's sorted rows.
        k: A household is at risk if fewer than k households of its area hold one of its key combinations.
        draws: Where chance is from.
        households: The household of each row; None: every row is one.

    Raises:
        UsageError: k is below 2, or a household lies in two areas.
    """
    require_k(k)
    homes = person_codes(households, areas.size)
    count = int(homes.max(initial=-1)) + 1
    place = np.zeros(count, dtype=np.int64)
    place[homes] = areas
    if (place[homes] != areas).any():
        raise refused("a household lies in two areas", why="it moves whole", fix="correct the household column")
    risky = np.zeros(count, dtype=np.bool_)
    risky[homes[_rare_rows(areas, keys, homes, k)]] = True
    profile = _profiles(similar, homes, count)
    new_place, moved, alone = place.copy(), 0, 0
    free = np.ones(count, dtype=np.bool_)
    order = draws.order(count)
    by_profile = {number: order[profile[order] == number] for number in np.unique(profile[risky])}
    for home in order[risky[order]]:
        if not free[home]:
            continue
        alike = by_profile[profile[home]]
        partners = alike[free[alike] & (place[alike] != place[home])]
        if not partners.size:
            alone += 1
            continue
        # Another household at risk is preferred: one exchange then moves two of them.
        preferred = partners[risky[partners]]
        partner = int((preferred if preferred.size else partners)[0])
        new_place[home], new_place[partner] = place[partner], place[home]
        free[home] = free[partner] = False
        moved += 2
    return RecordSwap(new_place[homes], int(risky.sum()), moved, alone)


def _rare_rows(areas: Ints, keys: Ints, homes: Ints, k: int) -> Ints:
    combined = np.unique(np.column_stack([areas, keys]), axis=0, return_inverse=True)[1].reshape(-1)
    pairs = np.unique(np.stack([combined, homes]), axis=1)
    return np.flatnonzero(np.bincount(pairs[0])[combined] < k)


def _profiles(similar: Ints, homes: Ints, count: int) -> Ints:
    """Number the households by the sorted rows of their similarity columns; the number of people is thereby equal, too."""
    rows = np.unique(similar, axis=0, return_inverse=True)[1].reshape(-1)
    order = np.lexsort((rows, homes))
    pieces = np.split(rows[order], np.flatnonzero(np.diff(homes[order])) + 1)
    numbers: dict[bytes, int] = {}
    found = [numbers.setdefault(piece.astype(np.int64).tobytes(), len(numbers)) for piece in pieces]
    return np.array(found[:count], dtype=np.int64)
