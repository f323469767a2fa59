"""Rounding of single numbers: to the nearest multiple, or to one of the two neighbors by an unbiased lot.

Source: Willenborg, de Waal, Elements of Statistical Disclosure Control, LNS 155, Springer 2001, 9.2; Nargundkar, Saveland,
    Random rounding to prevent statistical disclosure, Proc. ASA Social Statistics Section, 382–385, 1972.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from anonymization.evidence import Statement
from anonymization.perturbation.arrays import Floats, refused, require_finite
from anonymization.perturbation.people import once_per_person, person_codes
from anonymization.perturbation.randomness import Draws

GUARANTEE = Statement(
    ja="公開する値はすべて{base}の倍数であり、元の値との差は{base}未満である。無作為な丸めの期待値は元の値に等しい。",
    en="Every published value is a multiple of {base} and less than {base} from the original. The expected value of random"
    " rounding is the original.",
)
NOT_GUARANTEED = Statement(
    ja="倍数を共有する人の数は保証しない。丸めた値の合計は丸めた合計と一致しないことがある。",
    en="Nothing is promised of how many people share a multiple. Rounded parts need not add up to the rounded total.",
)


def round_to_base(values: Floats, *, base: float) -> Floats:
    """Round to the nearest multiple of `base`; ties go to the even multiple, missing values stay missing.

    Raises:
        UsageError: The base is not above 0.
    """
    _require_base(base)
    return np.rint(values / base) * base


def round_randomly(values: Floats, *, base: float, draws: Draws, people: npt.NDArray[Any] | None = None) -> Floats:
    """Round to the multiple below or above, to the one above with the probability of the rest over the base.

    A multiple stays what it is. Equal values of one person are rounded alike, so that repeats cannot be averaged.

    Args:
        values: N numbers, NaN missing.
        base: The base, above 0.
        draws: Where chance is from.
        people: The person of each row; None: every row is a person.

    Raises:
        UsageError: The base is not above 0.
        DataError: Infinite numbers.

    Guarantee: each value moves by less than `base`, and by 0 on average.
    """
    _require_base(base)
    require_finite(values, name="the column")
    below = np.floor(values / base)
    rest = values / base - below
    numbers, pairs = once_per_person(person_codes(people, values.size), np.unique(values, return_inverse=True)[1])
    # 1 - 2⁻⁵³ and below: a rest of 0 is never lifted, because no draw is below 0.
    up = draws.uniform(pairs)[numbers] < rest
    return np.where(np.isnan(values), np.nan, (below + up) * base)


def _require_base(base: float) -> None:
    if not 0 < base < np.inf:
        raise refused("the base of the rounding is not above 0", why="it has no multiples", fix="write such as 0.5")
