"""Top and bottom coding (トップコーディング・ボトムコーディング): numbers beyond a limit become the limit.

Source: Hundepool et al., Statistical Disclosure Control, Wiley 2012, 3.2.2; PPC guideline on anonymized information,
    appendix 1 (トップ(ボトム)コーディング).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from anonymization.evidence import Statement
from anonymization.perturbation.arrays import Floats, refused, require_finite, require_k, too_few
from anonymization.perturbation.people import count_people, person_codes

GUARANTEE = Statement(
    ja="公開する値はすべて下限から上限の間にある。",
    en="No published value is below the bottom limit or above the top limit.",
)
NOT_GUARANTEED = Statement(
    ja="限界の内側の値はそのままであり、珍しい値の組合せは残る。データの分位から決めた限界は、それ自体が人の値である。",
    en="Values between the limits are unchanged, and rare combinations remain. A limit taken from the data's quantiles is"
    " itself somebody's value.",
)


@dataclass(frozen=True, slots=True)
class Limits:
    """The least and the greatest number that may be published; `source` says where they are from, for people to check."""

    low: float | None
    high: float | None
    source: str


def code_extremes(values: Floats, limits: Limits) -> Floats:
    """Replace numbers beyond the limits by the limits; missing values stay missing.

    Raises:
        UsageError: Neither limit is given, the low one is not below the high one, or nobody says where they are from.
    """
    if limits.low is None and limits.high is None:
        raise refused("no limit is given", why="nothing would be coded", fix="give a bottom limit, a top limit or both")
    if limits.low is not None and limits.high is not None and limits.low >= limits.high:
        raise refused("the bottom limit is not below the top limit", why="one value would be left", fix="swap them")
    if not limits.source.strip():
        raise refused("the limits have no source", why="a reviewer cannot judge them", fix="say where they are from")
    return np.clip(values, limits.low, limits.high)


def limits_from_data(
    values: Floats, *, low_share: float, high_share: float, k: int, people: npt.NDArray[Any] | None = None
) -> Limits:
    """Choose limits beyond which lie given shares of the values, moved inward until k people are at or beyond each.

    Args:
        values: N numbers, NaN missing.
        low_share: The share at the bottom, 0 for no bottom limit.
        high_share: The share at the top, 0 for no top limit.
        k: The least number of people who share a limit afterwards.
        people: The person of each row; None: every row is a person.

    Raises:
        UsageError: The shares are none, or leave no middle.
        DataError: Too few people have a value for two limits.

    Guarantee: each limit will be shared by at least k people.
    Not guaranteed: that the limits say nothing. They are values of people in the data, other data give others, and two
        releases of growing data can be compared. A release therefore takes public limits, unless its policy says otherwise.
    """
    require_k(k)
    require_finite(values, name="the column")
    if not (low_share >= 0 and high_share >= 0 and 0 < low_share + high_share < 1):
        raise refused("the shares to be coded are none, or all", why="a middle must stay", fix="write such as 0.01")
    known = np.flatnonzero(~np.isnan(values))
    who = person_codes(people, values.size)[known]
    having = count_people(who)
    if having < 2 * k:
        raise too_few(having, 2 * k, of="a column")
    order = np.argsort(values[known], kind="stable")
    ordered, owners = values[known][order], who[order]
    low = _limit(ordered, owners, low_share, k) if low_share else None
    high = -_limit(-ordered[::-1], owners[::-1], high_share, k) if high_share else None
    if low is not None and high is not None and low >= high:
        raise too_few(having, 2 * k, of="a column with few different values")
    return Limits(low, high, f"quantiles of the data, each shared by at least {k} people")


def _limit(ordered: Floats, owners: npt.NDArray[np.int64], share: float, k: int) -> float:
    """Return the least value at or below which the share and k people lie."""
    firsts = np.sort(np.unique(owners, return_index=True)[1])
    return float(ordered[max(int(np.ceil(share * ordered.size)) - 1, int(firsts[k - 1]))])
