"""Correlation error: how strongly two columns go together, in the source and in the release.

Two columns of numbers by Pearson's r, a label taken for the mean of the numbers under it; any others by Cramér's V of
the values and of the labels, as who has the release would work it out. A missing value is a category for V and left out
of r; a label that says nothing (the root) is left out of both.

Source: Cramér, Mathematical Methods of Statistics, 1946, section 21.9; sdcMicro's correlations before and after.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from anonymization.hierarchy import ROOT
from anonymization.loss import FloatArray
from anonymization.quasi import IntArray
from anonymization.utility.compared import Compared
from anonymization.utility.marginals import LARGEST, table_of


@dataclass(frozen=True, slots=True)
class Association:
    """The strength of a pair of columns, by `pearson` (-1 to 1) or `cramer` (0 to 1); None where a column is constant."""

    columns: tuple[str, str]
    by: str
    before: float | None
    after: float | None

    @property
    def error(self) -> float | None:
        """The difference; what cannot be seen in the release any more is an association of 0."""
        return None if self.before is None else abs(self.before - (self.after or 0.0))


def associations(compared: Compared) -> tuple[Association, ...]:
    """Return the strength of every pair of quasi-identifiers, before and after; pairs of too many combinations left out."""
    found = []
    numbers = [attribute.numbers() for attribute in compared.attributes]
    for j, k in combinations(range(len(compared.attributes)), 2):
        one, other = compared.attributes[j], compared.attributes[k]
        if len(one.points) * len(other.points) > LARGEST:
            continue
        first, second = numbers[j], numbers[k]
        if first is not None and second is not None:
            before = pearson(first[compared.source[j]], second[compared.source[k]], compared.rows)
            after = pearson(_means(compared, j, first), _means(compared, k, second), compared.class_rows)
        else:
            shape = (len(one.points), len(other.points))
            before = cramer(table_of(compared.source[j], compared.source[k], compared.rows, shape))
            after = _published_cramer(compared, j, k)
        by = "pearson" if first is not None and second is not None else "cramer"
        found.append(Association((one.column, other.column), by, before, after))
    return tuple(found)


def pearson(x: FloatArray, y: FloatArray, rows: IntArray) -> float | None:
    """Return Pearson's r of weighted pairs, those with a missing number left out; None where either is constant."""
    known = ~(np.isnan(x) | np.isnan(y))
    weights = rows[known].astype(np.float64)
    if not weights.sum():
        return None
    x, y = x[known] - np.average(x[known], weights=weights), y[known] - np.average(y[known], weights=weights)
    spread = float(np.sqrt((weights * x * x).sum() * (weights * y * y).sum()))
    return float((weights * x * y).sum() / spread) if spread > 1e-12 else None


def cramer(table: FloatArray) -> float | None:
    """Return Cramér's V of a contingency table, without bias correction; None where either side has one value."""
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    least = min(table.shape) - 1
    if least < 1:
        return None
    total = table.sum()
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / total
    return float(np.sqrt(((table - expected) ** 2 / expected).sum() / (total * least)))


def _means(compared: Compared, j: int, numbers: FloatArray) -> FloatArray:
    attribute = compared.attributes[j]
    filled = np.where(np.isnan(numbers), 0.0, numbers)
    means = attribute.shares() @ filled
    empty = np.array([label is None or label == ROOT for label in attribute.labels], bool)
    return np.where(empty, np.nan, means)[compared.class_labels(j)]


def _published_cramer(compared: Compared, j: int, k: int) -> float | None:
    one, other = compared.attributes[j], compared.attributes[k]
    shape = (len(one.labels), len(other.labels))
    table = table_of(compared.class_labels(j), compared.class_labels(k), compared.class_rows, shape)
    rows = [label != ROOT for label in one.labels]
    columns = [label != ROOT for label in other.labels]
    return cramer(table[rows][:, columns])
