"""PRAM: categories change by lot with known probabilities, so that frequencies can be estimated without bias.

Source: Gouweleeuw, Kooiman, Willenborg, de Wolf, Post randomisation for statistical disclosure control: theory and
    implementation, Journal of Official Statistics 14(4):463–478, 1998.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from anonymization.evidence import Statement
from anonymization.perturbation.arrays import Floats, Ints, refused
from anonymization.perturbation.information_loss import Measures, coded_loss
from anonymization.perturbation.people import once_per_person, person_codes
from anonymization.perturbation.randomness import Draws

GUARANTEE = Statement(
    ja="各値は公表した推移確率で変わり得る。不変PRAMでは件数の期待値は元の件数に等しく、推移行列から度数を偏りなく推定できる。",
    en="Every value may have been changed, with the published probabilities. Under invariant PRAM expected counts are the"
    " original ones, and frequencies can be estimated without bias from the matrix.",
)
NOT_GUARANTEED = Statement(
    ja="多くの値はそのまま残る。稀な値は、公開された値が本物である確率が高いことがある。k-匿名性も差分プライバシーも主張しない。",
    en="Most values stay as they were, and a rare published value may well be true. Neither k-anonymity nor differential"
    " privacy is claimed.",
)
_LARGEST_CONDITION = 1e12


@dataclass(frozen=True, slots=True)
class PostRandomized:
    """Codes after PRAM, with the matrix (row: before, column: after) that estimates need, and what it changed."""

    codes: Ints = field(repr=False)
    matrix: Floats
    loss: Measures


def base_matrix(size: int, *, retain: float) -> Floats:
    """Return the matrix that keeps a category with the probability `retain`, and spreads the rest evenly.

    Raises:
        UsageError: Fewer than two categories, or a probability outside (0, 1].
    """
    if size < 2 or not 0 < retain <= 1:
        raise refused(
            "PRAM is asked for one category, or with a probability outside 0 and 1",
            why="a category changes into another with what is left to 1",
            fix="write a probability such as 0.8, for a column of two categories or more",
        )
    matrix = np.full((size, size), (1 - retain) / (size - 1))
    np.fill_diagonal(matrix, retain)
    return matrix


def invariant_matrix(counts: Floats, matrix: Floats, *, alpha: float = 1.0) -> Floats:
    """Return the matrix that leaves `counts` unchanged on average: PRAM followed by its reversal in proportion to the counts.

    Args:
        counts: How often each of C categories occurs, all above 0.
        matrix: C times C probabilities, each row adds up to 1.
        alpha: How much of the change is kept: alpha · R + (1 - alpha) · I stays invariant; 1 all of it.

    Raises:
        UsageError: No matrix of probabilities, an empty category, or alpha outside (0, 1].

    Guarantee: `counts @ result == counts` (up to floating point).
    """
    require_matrix(matrix, counts.size)
    if counts.min(initial=1) <= 0 or not 0 < alpha <= 1:
        raise refused(
            "a category has no rows, or alpha is outside 0 and 1",
            why="the change is reversed in proportion to the rows of each category",
            fix="leave empty categories out, and write alpha above 0 and at most 1",
        )
    joint = counts[:, None] * matrix
    reached = joint.sum(axis=0)
    back = np.divide(joint, reached, out=np.zeros_like(joint), where=reached > 0).T
    return np.asarray(alpha * (matrix @ back) + (1 - alpha) * np.eye(counts.size), dtype=np.float64)


def require_matrix(matrix: Floats, size: int) -> None:
    """Refuse what is no square matrix of probabilities whose rows add up to 1.

    Raises:
        UsageError: It is not.
    """
    if matrix.shape != (size, size) or matrix.min(initial=0) < 0 or not np.allclose(matrix.sum(axis=1), 1, atol=1e-9):
        raise refused(
            f"the transition matrix is not {size} times {size} probabilities whose rows add up to 1",
            why="each row says what becomes of one category",
            fix="write a row and a column for each category, in the same order",
        )


def post_randomize(
    codes: Ints, matrix: Floats, *, draws: Draws, people: npt.NDArray[Any] | None = None
) -> PostRandomized:
    """Change each code by lot, by its row of the matrix; a person's equal codes change alike. Missing codes (-1) stay.

    Args:
        codes: N codes 0 … C - 1, -1 missing.
        matrix: C times C probabilities.
        draws: Where chance is from.
        people: The person of each row; None: every row is a person.

    Raises:
        UsageError: The matrix does not fit the codes.

    Guarantee: see `GUARANTEE`. Not guaranteed: see `NOT_GUARANTEED`; where a person has many rows, counts of rows vary more
        than independent draws would let them, because that person's rows change together.
    """
    require_matrix(matrix, max(int(codes.max(initial=-1)) + 1, matrix.shape[0]))
    numbers, pairs = once_per_person(person_codes(people, codes.size), codes)
    lots = draws.uniform(pairs)[numbers]
    # The last category with a probability ends its row at exactly 1, whatever the sums of floating point say.
    ends = np.cumsum(matrix, axis=1)
    ends /= ends[:, -1:]
    changed = codes.copy()
    for code in range(matrix.shape[0]):
        rows = np.flatnonzero(codes == code)
        changed[rows] = np.searchsorted(ends[code], lots[rows], side="right")
    return PostRandomized(changed, matrix, coded_loss(codes, changed))


def estimate_counts(published: Floats, matrix: Floats) -> Floats:
    """Estimate without bias how often each category occurred before: the counts times the inverse of the matrix.

    Estimates may be negative, or no whole numbers; rounding them would bias them.

    Raises:
        UsageError: The matrix does not fit, or cannot be inverted.
    """
    require_matrix(matrix, published.size)
    if np.linalg.cond(matrix) > _LARGEST_CONDITION:
        raise refused(
            "the transition matrix cannot be inverted",
            why="different original counts have the same expectation",
            fix="retain more, or use a smaller alpha",
        )
    return np.asarray(np.linalg.solve(matrix.T, published), dtype=np.float64)
