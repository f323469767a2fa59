"""What chance alone does to check digits: a sample of the distinct numbers of a column, and the test on it.

Of random numbers about one in ten has a right check digit, so a share of right ones proves nothing until it is held
against what chance gives. The test counts distinct numbers: one number in a thousand rows is one trial, not a thousand.

    expected = sum over the numbers of shares[last digit] / n        (shares: `CheckDigit.shares`)
    p        = P[X >= right], X ~ Binomial(n, expected)

The expected share is conditional on the digits that stand in the check place: in a column whose numbers all end in 0,
two in eleven are right by chance, not one in ten. Source: the one-sided exact binomial test (Clopper and Pearson,
Biometrika 26, 1934); k minimum values: Bar-Yossef et al., RANDOM 2002.
"""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from anonymization.japan.check_digits import CheckDigit

KEPT = 4096
"""How many distinct numbers a sample keeps. Up to here everything is exact; above it is a uniform sample."""

_MIX = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


@dataclass(frozen=True, slots=True)
class Chance:
    """How a share of right check digits compares with chance: `p_value` is the chance of so many or more."""

    distinct: int
    right: int
    expected_ratio: float
    p_value: float

    @property
    def right_ratio(self) -> float:
        """The share of distinct numbers with a right check digit; 0 of none."""
        return self.right / self.distinct if self.distinct else 0.0


@dataclass(frozen=True, slots=True)
class NumberSample:
    """A uniform sample of the distinct numbers of a column: those with the smallest scrambled values.

    Keeps, of each, the scrambled value, the digit in the check place and whether it is right; never the number, though the
    scrambling is no secret. So it lives only while a table is scanned, is not printed and never written.
    """

    scrambled: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, dtype=np.uint64), repr=False)
    digit: NDArray[np.uint8] = field(default_factory=lambda: np.zeros(0, dtype=np.uint8), repr=False)
    right: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=bool), repr=False)

    def __eq__(self, other: object) -> bool:
        """Compare what was kept."""
        if not isinstance(other, NumberSample):
            return NotImplemented
        return np.array_equal(self.scrambled, other.scrambled) and np.array_equal(self.right, other.right)

    __hash__ = None  # type: ignore[assignment]  # arrays do not hash

    def plus(self, later: "NumberSample") -> "NumberSample":
        """Return the sample of both columns' numbers together."""
        if not len(later.scrambled):
            return self
        if not len(self.scrambled):
            return later
        return _smallest(
            np.concatenate([self.scrambled, later.scrambled]),
            np.concatenate([self.digit, later.digit]),
            np.concatenate([self.right, later.right]),
        )

    def distinct(self) -> int:
        """Return how many distinct numbers there are; above `KEPT` an estimate with an error of about 2 %."""
        if len(self.scrambled) < KEPT:
            return len(self.scrambled)
        return round((KEPT - 1) / (float(self.scrambled[-1]) / 2**64))

    def chance(self, scheme: CheckDigit) -> Chance:
        """Hold the share of right check digits against what the scheme gives by chance."""
        n, right = len(self.scrambled), int(self.right.sum())
        if n == 0:
            return Chance(0, 0, 0.0, 1.0)
        expected = float(scheme.shares()[self.digit].mean())
        return Chance(n, right, expected, binomial_tail(right, trials=n, ratio=expected))


def sample_of(numbers: NDArray[np.int64], scheme: CheckDigit, right: NDArray[np.bool_]) -> NumberSample:
    """Sample the distinct rows of `numbers` (N, digits), of which `right` says whether the check digit is right."""
    if not len(numbers):
        return NumberSample()
    place = 10 ** np.arange(numbers.shape[1] - 1, -1, -1, dtype=np.int64)
    scrambled = _scramble((numbers @ place).astype(np.uint64))
    return _smallest(scrambled, numbers[:, scheme.position].astype(np.uint8), right)


def _smallest(scrambled: NDArray[np.uint64], digit: NDArray[np.uint8], right: NDArray[np.bool_]) -> NumberSample:
    values, at = np.unique(scrambled, return_index=True)
    kept = at[:KEPT]
    return NumberSample(values[:KEPT], digit[kept], right[kept])


def _scramble(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spread numbers evenly over 64 bits, one to one (splitmix64: Steele et al., OOPSLA 2014)."""
    with np.errstate(over="ignore"):
        mixed = numbers + _MIX[0]
        mixed = (mixed ^ (mixed >> np.uint64(30))) * _MIX[1]
        mixed = (mixed ^ (mixed >> np.uint64(27))) * _MIX[2]
    spread: NDArray[np.uint64] = mixed ^ (mixed >> np.uint64(31))
    return spread


def binomial_tail(successes: int, *, trials: int, ratio: float) -> float:
    """Return P[X >= successes] of a binomial variable with `trials` and success share `ratio` (0 to 1)."""
    if successes <= 0:
        return 1.0
    if successes > trials or ratio <= 0:
        return 0.0
    if ratio >= 1:
        return 1.0
    counts = np.arange(successes, trials + 1)
    logs = np.array([math.lgamma(trials + 1) - math.lgamma(k + 1) - math.lgamma(trials - k + 1) for k in counts])
    logs += counts * math.log(ratio) + (trials - counts) * math.log1p(-ratio)
    top = logs.max()
    return float(min(1.0, math.exp(top) * np.exp(logs - top).sum()))
