"""Marginal error: how far the distribution of one column, or of two together, is from that of the source.

The release's rows are spread evenly over the values under their labels; the distance is the total variation, the largest
difference that any event in it can have. Both are shares of their own rows, so that leaving rows out counts only as far
as it distorts.
"""

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from anonymization.loss import FloatArray
from anonymization.utility.compared import Compared
from anonymization.utility.coverage import ComparedAttribute

LARGEST = 4_000_000
"""Two columns with more combinations of values than this are left out: most of their cells would be empty."""


@dataclass(frozen=True, slots=True)
class Marginal:
    """The distribution of an attribute over its points, before and after; shares of all rows, of published rows."""

    attribute: ComparedAttribute
    before: FloatArray
    after: FloatArray

    @property
    def error(self) -> float:
        """The total variation, 0 to 1."""
        return float(np.abs(self.before - self.after).sum() / 2)


@dataclass(frozen=True, slots=True)
class MarginalError:
    """Total variations, 0 to 1: of each attribute, and of pairs; `skipped` pairs have too many combinations."""

    one_way: dict[str, float]
    two_way_mean: float | None
    two_way_max: float | None
    skipped: int


def marginals(compared: Compared) -> tuple[Marginal, ...]:
    """Return each attribute's distribution before and after."""
    found = []
    total = max(int(compared.class_rows.sum()), 1)
    for j, attribute in enumerate(compared.attributes):
        before = np.bincount(compared.source[j], weights=compared.rows, minlength=len(attribute.points))
        labels = np.bincount(compared.class_labels(j), weights=compared.class_rows, minlength=len(attribute.labels))
        found.append(Marginal(attribute, before / compared.records, labels @ attribute.shares() / total))
    return tuple(found)


def marginal_error(compared: Compared) -> MarginalError:
    """Return the error of all one-way and two-way marginals."""
    errors, skipped = [], 0
    for j, k in combinations(range(len(compared.attributes)), 2):
        if len(compared.attributes[j].points) * len(compared.attributes[k].points) > LARGEST:
            skipped += 1
        else:
            errors.append(_pair_error(compared, j, k))
    return MarginalError(
        one_way={one.attribute.column: one.error for one in marginals(compared)},
        two_way_mean=float(np.mean(errors)) if errors else None,
        two_way_max=float(np.max(errors)) if errors else None,
        skipped=skipped,
    )


def _pair_error(compared: Compared, j: int, k: int) -> float:
    one, other = compared.attributes[j], compared.attributes[k]
    before = table_of(compared.source[j], compared.source[k], compared.rows, (len(one.points), len(other.points)))
    labels = table_of(
        compared.class_labels(j), compared.class_labels(k), compared.class_rows, (len(one.labels), len(other.labels))
    )
    after = one.shares().T @ labels @ other.shares()
    total = max(float(labels.sum()), 1.0)
    return float(np.abs(before / compared.records - after / total).sum() / 2)


def table_of(rows: Any, columns: Any, weights: Any, shape: tuple[int, int]) -> FloatArray:
    """Return the contingency table of two codes."""
    counts = np.bincount(rows * shape[1] + columns, weights=weights, minlength=shape[0] * shape[1])
    return counts.reshape(shape).astype(np.float64)
