"""The types of columns in this package, and the refusals that all methods share."""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from policies.errors import DataError, UsageError

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Bools: TypeAlias = npt.NDArray[np.bool_]


def refused(what: str, *, why: str, fix: str) -> UsageError:
    """Return the error of a parameter that makes no sense."""
    return UsageError("usage.perturbation", what=what, why=why, fix=fix)


def require_k(k: int) -> None:
    """Refuse a k that hides nobody.

    Raises:
        UsageError: k is below 2.
    """
    if k < 2:
        raise refused(f"k is {k}", why="a group of one is that person", fix="write k of 2 or more")


def too_few(found: int, k: int, *, of: str) -> DataError:
    """Return the error of data in which fewer than k people could share a value."""
    return DataError(
        "data.too-few-people",
        what=f"{of} has {found} people, and each of its values is to stand for at least {k}",
        why="a group of fewer people than k does not hide them",
        fix="lower k, leave the rows or the column out, or do not divide the table so finely",
    )


def require_finite(values: Floats, *, name: str) -> None:
    """Refuse infinite numbers: no mean, rank or distance is defined with them. NaN is a missing value.

    Raises:
        DataError: `data.not-finite`.
    """
    wrong = int(np.isinf(values).sum())
    if wrong:
        raise DataError(
            "data.not-finite",
            what=f"'{name}' holds {wrong} infinite numbers",
            why="no mean, rank or distance is defined with them",
            fix="correct them at the source, or make them missing",
        )
