"""Noise (ノイズ付加): random numbers are added to numbers. This is NOT differential privacy, and makes no such claim.

Source: Kim, A method for limiting disclosure in microdata based on random noise and transformation, Proc. ASA Survey
    Research Methods, 370–374, 1986; Brand, Microdata protection through noise addition, LNCS 2316:97–116, 2002.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from anonymization.evidence import Statement
from anonymization.perturbation.arrays import Floats, refused, require_finite
from anonymization.perturbation.people import once_per_person, person_codes
from anonymization.perturbation.randomness import Draws
from policies.errors import DataError

GUARANTEE = Statement(
    ja="ノイズは平均0で、公表した大きさを持つ(範囲を定めたときは範囲内に切断した正規分布)。",
    en="The noise has the published size and a mean of 0 (where bounds are given, it is normal noise cut to them).",
)
NOT_GUARANTEED = Statement(
    ja="差分プライバシーではない。外れ値は外れ値のまま残り、同じ値を何度も公開すれば平均で元に戻る。範囲の端では偏る。",
    en="This is not differential privacy. Outliers remain outliers, several releases of one value can be averaged, and near a"
    " bound the noise is biased.",
)


def add_noise(values: Floats, *, sd: float, draws: Draws, people: npt.NDArray[Any] | None = None) -> Floats:
    """Add normal noise of the standard deviation `sd` to each known value; a person's equal values get the same noise.

    Raises:
        UsageError: The standard deviation is not above 0.
        DataError: Infinite numbers.

    Guarantee: variances grow by sd² on average, means stay on average. Not guaranteed: see `NOT_GUARANTEED`.
    """
    _require_size(sd)
    require_finite(values, name="the column")
    numbers, pairs = _pairs(values, people)
    return values + sd * draws.normal(pairs)[numbers]


def add_bounded_noise(
    values: Floats, *, sd: float, low: float, high: float, draws: Draws, people: npt.NDArray[Any] | None = None
) -> Floats:
    """Add normal noise cut so that the result lies between `low` and `high`; a person's equal values get the same noise.

    Raises:
        UsageError: The standard deviation is not above 0, or the bounds are none.
        DataError: Infinite numbers, or values outside the bounds, whose noise could only push them inward.

    Guarantee: every published value lies between the bounds. Not guaranteed: a mean of 0 of the noise near the bounds.
    """
    _require_size(sd)
    require_finite(values, name="the column")
    if not low < high:
        raise refused("the bounds of the noise are none", why="nothing lies between", fix="write the lower one first")
    outside = int(((values < low) | (values > high)).sum())
    if outside:
        raise DataError(
            "data.outside-bounds",
            what=f"{outside} values lie outside the bounds of the noise",
            why="noise that must push a value inward says that it was outside",
            fix="code the extremes first, or widen the bounds",
        )
    numbers, pairs = _pairs(values, people)
    first = np.zeros(pairs)
    first[numbers] = np.where(np.isnan(values), low, values)
    noise = sd * draws.truncated((low - first) / sd, (high - first) / sd)
    return np.where(np.isnan(values), np.nan, np.clip(values + noise[numbers], low, high))


def add_correlated_noise(values: Floats, *, share: float, draws: Draws, keep_covariance: bool = False) -> Floats:
    """Add noise with the covariance of the columns times `share`, so that correlations stay as they are on average (Kim).

    Args:
        values: N rows times C columns; rows with a missing value stay as they are where it is missing.
        share: The covariance of the noise over that of the data, above 0.
        draws: Where chance is from.
        keep_covariance: Shrink the sum towards the means by √(1 + share), which restores means and covariances on average
            (Kim's transformation; sdcMicro calls a like one `correlated2`).

    Raises:
        UsageError: The share is not above 0.
        DataError: Infinite numbers.

    Guarantee: correlations are kept on average; with `keep_covariance` covariances and means, too.
    Not guaranteed: see `NOT_GUARANTEED`; that subgroups keep their own covariances.
    """
    _require_size(share)
    for column in range(values.shape[1]):
        require_finite(values[:, column], name="a column")
    whole = values[~np.isnan(values).any(axis=1)]
    if whole.shape[0] < 2:
        raise refused("fewer than two rows are complete", why="they have no covariance", fix="take fewer columns")
    covariance = np.atleast_2d(np.cov(whole, rowvar=False))
    # The symmetric root exists for columns that depend on each other, too, where Cholesky's does not.
    sizes, directions = np.linalg.eigh(covariance)
    root = directions * np.sqrt(np.clip(sizes, 0, None)) @ directions.T
    plain = draws.normal(values.size).reshape(values.shape)
    noisy = values + np.sqrt(share) * plain @ root
    if not keep_covariance:
        return np.asarray(noisy, dtype=np.float64)
    means = np.nanmean(values, axis=0)
    return np.asarray(means + (noisy - means) / np.sqrt(1 + share), dtype=np.float64)


def _pairs(values: Floats, people: npt.NDArray[Any] | None) -> tuple[npt.NDArray[np.int64], int]:
    codes = np.unique(values, return_inverse=True)[1].reshape(values.size).astype(np.int64)
    return once_per_person(person_codes(people, values.size), codes)


def _require_size(size: float) -> None:
    if not 0 < size < np.inf:
        raise refused("the size of the noise is not above 0", why="nothing would be added", fix="write such as 0.1")
