"""Rank swapping (データ交換、スワップ): values are exchanged between rows of nearby ranks.

Source: Moore, Controlled data-swapping techniques for masking public use microdata sets, U.S. Bureau of the Census,
    Statistical Research Division RR 96/04, 1996; Dalenius, Reiss, Data-swapping, JSPI 6(1):73–85, 1982.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from anonymization.evidence import Statement
from anonymization.perturbation.arrays import Floats, Ints, refused, require_finite
from anonymization.perturbation.people import person_codes
from anonymization.perturbation.randomness import Draws

GUARANTEE = Statement(
    ja="列の値の分布(各値の件数)はそのまま保たれ、値の順位は全体の{percent}%を超えて動かない。",
    en="The column's own distribution is kept exactly, and no value moves by more than {percent} % of the ranks.",
)
NOT_GUARANTEED = Statement(
    ja="交換の幅が狭いと値は元に近いままであり、幅を知る者は候補を絞れる。列間の関係は弱まる。k-匿名性も差分プライバシーも与えない。",
    en="With a narrow range values stay near their own, and who knows the range narrows the candidates (Nin, Herranz, Torra"
    " 2008). Relations between columns weaken. It gives neither k-anonymity nor differential privacy.",
)


def rank_swap(values: Floats, *, percent: float, draws: Draws, people: npt.NDArray[Any] | None = None) -> Floats:
    """Exchange each value with one whose rank is at most `percent` of all ranks away.

    From the lowest rank on, a value that is not yet exchanged takes a partner by lot among the free ones above it within
    the range, of another person where one is free. Ties are ranked by lot. Missing values are not exchanged.

    Args:
        values: N numbers, NaN missing.
        percent: The range in percent of the rows that have a value, above 0 and at most 100.
        draws: Where chance is from.
        people: The person of each row; None: every row is a person.

    Returns:
        The same numbers in another order.

    Raises:
        UsageError: The percentage is out of range, or so small that no two ranks are near enough.
        DataError: Infinite numbers.

    Guarantee: see `GUARANTEE`.
    Not guaranteed: see `NOT_GUARANTEED`. A value without a free partner stays where it is.
    """
    require_finite(values, name="the column")
    known = np.flatnonzero(~np.isnan(values))
    reach = int(known.size * percent / 100) if 0 < percent <= 100 else 0
    if reach < 1:
        raise refused(
            "the range of ranks reaches no other row",
            why="nothing would be exchanged",
            fix="write a greater percentage, at most 100",
        )
    shuffled = known[draws.order(known.size)]
    ranked = shuffled[np.argsort(values[shuffled], kind="stable")]
    partner = _partners(person_codes(people, values.size)[ranked], reach, draws)
    swapped = values.copy()
    swapped[ranked] = values[ranked[partner]]
    return swapped


def _partners(people: Ints, reach: int, draws: Draws) -> Ints:
    """Return, for each rank, the rank whose value it takes; the result is its own inverse."""
    size = people.size
    partner = np.arange(size, dtype=np.int64)
    free = np.ones(size, dtype=np.bool_)
    lots = draws.uniform(size)
    for rank in range(size):
        if not free[rank]:
            continue
        free[rank] = False
        window = slice(rank + 1, min(size, rank + reach + 1))
        open_ranks = np.flatnonzero(free[window]) + rank + 1
        others = open_ranks[people[open_ranks] != people[rank]]
        chosen = others if others.size else open_ranks
        if not chosen.size:
            continue
        other = int(chosen[int(lots[rank] * chosen.size)])
        free[other] = False
        partner[rank], partner[other] = other, rank
    return partner
