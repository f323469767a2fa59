"""Microaggregation (ミクロアグリゲーション): each value becomes the aggregate of a group of at least k people.

Belongs here: values from groups, and what that promises. The groups are made by `mdav` and `univariate`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from anonymization.evidence import Statement
from anonymization.perturbation.arrays import Floats, Ints, refused, require_finite, require_k, too_few
from anonymization.perturbation.information_loss import Measures, coded_loss, numeric_loss
from anonymization.perturbation.mdav import mdav, v_mdav
from anonymization.perturbation.people import count_people, people_by_label, person_codes
from anonymization.perturbation.space import Euclidean, Gower, middle_number, most_frequent
from anonymization.perturbation.univariate import optimal_groups

GUARANTEE = Statement(
    ja="まとめて集約した列の値の組合せは、どれも{k}人以上(行数ではなく人数)に共通する。準識別子のすべてをまとめて集約すればk-匿名である。",
    en="Every combination of values of the columns aggregated together is shared by at least {k} people (not rows)."
    " If they are all the quasi-identifiers, the table is k-anonymous.",
)
NOT_GUARANTEED = Statement(
    ja="別々に集約した列の組合せには何も保証しない。集団に共通する機微な値は隠れない。"
    "一人の行が多い集団の平均は、その人の値に近いことがある。差分プライバシーではない。",
    en="Nothing is promised of columns that were aggregated apart from each other. A sensitive value that a whole group shares"
    " is not hidden. The mean of a group in which one person has most rows is near that person's. This is not differential privacy.",
)


class Aggregate(StrEnum):
    """What a group's numbers become; codes become their mode."""

    MEAN = "mean"
    MEDIAN = "median"
    MODE = "mode"


class Grouping(StrEnum):
    """How groups are made."""

    MDAV = "mdav"
    V_MDAV = "v_mdav"
    UNIVARIATE = "univariate"


@dataclass(frozen=True, slots=True)
class Settings:
    """How to microaggregate.

    Attributes:
        grouping: The method; `univariate` takes each column on its own and is optimal there.
        aggregate: What numbers become. The mean keeps sums; the (lower) median and the mode are values that occur.
        gamma: How eagerly groups of V-MDAV grow.
        block_rows: Where MDAV cuts the table first; None: nowhere.
        split_ties: Whether equal values of a column may be published as different ones (univariate).
    """

    grouping: Grouping = Grouping.MDAV
    aggregate: Aggregate = Aggregate.MEAN
    gamma: float = 0.2
    block_rows: int | None = None
    split_ties: bool = False


@dataclass(frozen=True, slots=True)
class Microaggregated:
    """Aggregated columns with what they cost. `groups` are the rows' groups by column, -1 where a value was missing."""

    numbers: Mapping[str, Floats] = field(repr=False)
    codes: Mapping[str, Ints] = field(repr=False)
    groups: Mapping[str, Ints] = field(repr=False)
    least_people: int
    group_count: int
    loss: Mapping[str, Measures]
    guarantee: Statement
    not_guaranteed: Statement = NOT_GUARANTEED


def microaggregate(
    numbers: Mapping[str, Floats],
    *,
    k: int,
    codes: Mapping[str, Ints] | None = None,
    people: npt.NDArray[Any] | None = None,
    settings: Settings | None = None,
) -> Microaggregated:
    """Replace the values of all columns by aggregates of groups of at least k people.

    Numbers alone are divided by their standard deviations and grouped by Euclidean distance; rows with the same columns
    missing form groups of their own, and stay missing there. With codes, Gower's distance compares the rows, medians and
    modes stand in the middle, and a value is missing in all rows of a group in which most miss it. `univariate` groups each
    column on its own, and leaves missing values missing.

    Args:
        numbers: Columns of N numbers, NaN missing. Not changed.
        k: The least number of people in a group.
        codes: Columns of N codes 0 … C - 1, -1 missing; not with `univariate`.
        people: The person of each row; None: every row is a person.
        settings: See `Settings`.

    Returns:
        The columns under their names, groups, and the information loss of each column.

    Raises:
        UsageError: k is below 2; no column; codes with `univariate`.
        DataError: Fewer than k people, or fewer than k people who miss the same columns; infinite numbers.

    Guarantee: see `GUARANTEE`. Sums, and so means, of numbers are preserved by `mean` wherever no value is missing.
    Not guaranteed: see `NOT_GUARANTEED`. Variances shrink.

    Source: Domingo-Ferrer, Torra, DMKD 11(2):195–212, 2005.
    """
    asked, coded = settings or Settings(), codes or {}
    require_k(k)
    sizes = {column.size for column in (*numbers.values(), *coded.values())}
    if len(sizes) != 1:
        raise refused("there is no column, or columns differ in length", why="rows are grouped", fix="name columns")
    for name, values in numbers.items():
        require_finite(values, name=name)
    who = person_codes(people, sizes.pop())
    groups = _groups(numbers, coded, k, who, asked)
    new_numbers = {name: aggregated(values, groups[name], how=asked.aggregate) for name, values in numbers.items()}
    new_codes = {name: _modes(values, groups[name]) for name, values in coded.items()}
    held = [people_by_label(labels, who) for labels in groups.values()]
    least = int(min(counts.min() for counts in held))
    return Microaggregated(
        numbers=new_numbers,
        codes=new_codes,
        groups=groups,
        least_people=least,
        group_count=int(held[0].size),
        loss={
            **{name: numeric_loss(values, new_numbers[name]) for name, values in numbers.items()},
            **{name: coded_loss(values, new_codes[name]) for name, values in coded.items()},
        },
        guarantee=Statement(ja=GUARANTEE.ja.format(k=k), en=GUARANTEE.en.format(k=k)),
    )


def _groups(
    numbers: Mapping[str, Floats], coded: Mapping[str, Ints], k: int, people: Ints, asked: Settings
) -> dict[str, Ints]:
    if asked.grouping is Grouping.UNIVARIATE:
        if coded:
            raise refused("a column of codes is to be grouped in its order", why="codes have none", fix="use mdav")
        return {
            name: optimal_groups(values, k=k, people=people, split_ties=asked.split_ties)
            for name, values in numbers.items()
        }
    if coded:
        space = Gower.of(_matrix(list(numbers.values()), people.size), np.stack(list(coded.values()), axis=1))
        labels = _multivariate(space, k, people, asked)
    else:
        labels = _by_pattern(_matrix(list(numbers.values()), people.size), k, people, asked)
    return dict.fromkeys([*numbers, *coded], labels)


def _matrix(columns: list[Floats], rows: int) -> Floats:
    return np.stack(columns, axis=1) if columns else np.zeros((rows, 0))


def _multivariate(space: Euclidean | Gower, k: int, people: Ints, asked: Settings) -> Ints:
    if asked.grouping is Grouping.V_MDAV:
        return v_mdav(space, k=k, people=people, gamma=asked.gamma)
    return mdav(space, k=k, people=people, block_rows=asked.block_rows)


def _by_pattern(matrix: Floats, k: int, people: Ints, asked: Settings) -> Ints:
    """Group the rows of each pattern of missing values on their own, at one scale."""
    with np.errstate(invalid="ignore"):
        scale = np.nan_to_num(np.nanstd(matrix, axis=0)) if (~np.isnan(matrix)).any() else np.ones(matrix.shape[1])
    scale[scale == 0] = 1.0
    patterns, which = np.unique(np.isnan(matrix), axis=0, return_inverse=True)
    labels = np.full(matrix.shape[0], -1, dtype=np.int64)
    groups = 0
    for number, missing in enumerate(patterns):
        rows = np.flatnonzero(which.reshape(-1) == number)
        having = count_people(people[rows])
        if having < k:
            what = f"a set of rows that miss the same {int(missing.sum())} of {missing.size} columns"
            raise too_few(having, k, of=what)
        points = matrix[rows][:, ~missing] / scale[~missing]
        found = _multivariate(Euclidean(points), k, people[rows], asked) if points.shape[1] else np.zeros_like(rows)
        labels[rows] = found + groups
        groups += int(found.max()) + 1
    return labels


def aggregated(values: Floats, labels: Ints, *, how: Aggregate = Aggregate.MEAN) -> Floats:
    """Return the aggregate of each row's group; missing where the row has no group, or where most of its group is missing.

    Args:
        values: N numbers, NaN missing.
        labels: The group of each row, -1 for none.
        how: The mean, the lower median or the mode of the known values.
    """
    result = np.full(values.size, np.nan)
    order = np.argsort(labels, kind="stable")
    order = order[np.searchsorted(labels[order], 0) :]
    cuts = np.flatnonzero(np.diff(labels[order])) + 1
    for rows in np.split(order, cuts) if order.size else []:
        group = values[rows]
        known = group[~np.isnan(group)]
        if 2 * known.size > group.size:
            result[rows] = _one(known, how)
    return result


def _one(known: Floats, how: Aggregate) -> float:
    if how is Aggregate.MEDIAN:
        return middle_number(known)
    if how is Aggregate.MODE:
        found, counts = np.unique(known, return_counts=True)
        return float(found[int(counts.argmax())])
    low, high = float(known.min()), float(known.max())
    # The mean of equal values must be that value, and no mean may leave its group's range by rounding.
    return min(max(float(known.mean()), low), high)


def _modes(codes: Ints, labels: Ints) -> Ints:
    result = np.full(codes.size, -1, dtype=np.int64)
    order = np.argsort(labels, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(labels[order])) + 1) if order.size else []:
        result[rows] = most_frequent(codes[rows])
    return result
