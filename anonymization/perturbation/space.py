"""How far rows are apart, and what lies in their middle: for numbers, and for numbers with categories.

Source: Domingo-Ferrer, Torra, Ordinal, continuous and heterogeneous k-anonymity through microaggregation, Data Mining and
    Knowledge Discovery 11(2):195–212, 2005; Gower, A general coefficient of similarity, Biometrics 27(4):857–871, 1971.
"""

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from anonymization.perturbation.arrays import Floats, Ints


class Space(Protocol):
    """Rows among which there are distances and middles."""

    @property
    def size(self) -> int:
        """The number of rows."""
        ...

    def from_middle(self, rows: Ints, of: Ints) -> Floats:
        """Return how far each of `rows` is from the middle of the rows `of`; only the order of the numbers counts."""
        ...

    def from_row(self, rows: Ints, row: int) -> Floats:
        """Return how far each of `rows` is from one row, in the same measure."""
        ...

    def coordinates(self) -> Floats:
        """Return rows times dimensions, for cutting the table into blocks of neighbors."""
        ...


@dataclass(frozen=True, slots=True)
class Euclidean:
    """Numbers without missing values; the middle is the mean, the distance is squared."""

    points: Floats = field(repr=False)

    @property
    def size(self) -> int:
        """The number of rows."""
        return int(self.points.shape[0])

    def from_middle(self, rows: Ints, of: Ints) -> Floats:
        """Return squared distances from the mean of the rows `of`."""
        return self._from(rows, self.points[of].mean(axis=0))

    def from_row(self, rows: Ints, row: int) -> Floats:
        """Return squared distances from one row."""
        return self._from(rows, self.points[row])

    def coordinates(self) -> Floats:
        """Return the points."""
        return self.points

    def _from(self, rows: Ints, point: Floats) -> Floats:
        apart = self.points[rows] - point
        return np.asarray(np.einsum("ij,ij->i", apart, apart), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Gower:
    """Numbers and categories; the distance is the mean over the columns of |x - y| / range, or of x ≠ y.

    A missing value is 0 from a missing one and 1 from any other. The middle is the median and the mode.
    """

    numbers: Floats = field(repr=False)
    codes: Ints = field(repr=False)
    ranges: Floats

    @classmethod
    def of(cls, numbers: Floats, codes: Ints) -> "Gower":
        """Make the space of rows times columns of numbers (NaN missing) and rows times columns of codes (-1 missing)."""
        spans = np.ones(numbers.shape[1])
        for column in range(numbers.shape[1]):
            known = numbers[~np.isnan(numbers[:, column]), column]
            spans[column] = float(np.ptp(known)) or 1.0 if known.size else 1.0
        return cls(numbers, codes, spans)

    @property
    def size(self) -> int:
        """The number of rows."""
        return int(self.numbers.shape[0])

    def from_middle(self, rows: Ints, of: Ints) -> Floats:
        """Return Gower's distance from medians and modes of the rows `of`."""
        numbers = np.array([middle_number(self.numbers[of, column]) for column in range(self.numbers.shape[1])])
        codes = np.array([most_frequent(self.codes[of, column]) for column in range(self.codes.shape[1])])
        return self._from(rows, numbers.astype(np.float64), codes.astype(np.int64))

    def from_row(self, rows: Ints, row: int) -> Floats:
        """Return Gower's distance from one row."""
        return self._from(rows, self.numbers[row], self.codes[row])

    def coordinates(self) -> Floats:
        """Return the numbers over their ranges and the codes as numbers; missing values as their column's first."""
        return np.hstack([np.nan_to_num(self.numbers) / self.ranges, self.codes.astype(np.float64)])

    def _from(self, rows: Ints, numbers: Floats, codes: Ints) -> Floats:
        apart = np.abs(self.numbers[rows] - numbers) / self.ranges
        one_missing = np.isnan(self.numbers[rows]) != np.isnan(numbers)
        apart = np.where(one_missing, 1.0, np.nan_to_num(apart, nan=0.0))
        columns = self.numbers.shape[1] + self.codes.shape[1]
        return np.asarray((apart.sum(axis=1) + (self.codes[rows] != codes).sum(axis=1)) / columns, dtype=np.float64)


def middle_number(values: Floats) -> float:
    """Return the lower median of the known values; missing where most are. It is a value that occurs."""
    known = np.sort(values[~np.isnan(values)])
    return float(known[(known.size - 1) // 2]) if 2 * known.size > values.size else float("nan")


def most_frequent(codes: Ints) -> int:
    """Return the most frequent code, missing (-1) a code like others; the least of several."""
    return int(np.bincount(codes + 1).argmax()) - 1
