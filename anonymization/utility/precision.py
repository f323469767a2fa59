"""Precision: how low in their hierarchies the cells of a release stand.

Source: Sweeney, Achieving k-anonymity privacy protection using generalization and suppression, IJUFKS 10(5):571-588,
2002: Prec = 1 - sum of (level of the cell / levels of its hierarchy) / number of cells. A label's level is the lowest at
which it stands, and a suppressed row is at the root, as in ARX 3.9 `QualityModelColumnOrientedPrecision`.
"""

from collections.abc import Mapping

import numpy as np

from anonymization.utility.compared import Compared


def generalization_intensity(compared: Compared) -> dict[str, float]:
    """Return by attribute the mean height of its cells: 0 unchanged, 1 all at the root or suppressed.

    A missing value is unchanged until it is published at the root.
    """
    found = {}
    for attribute, codes in zip(compared.attributes, compared.published, strict=True):
        height = np.ones(len(codes))
        kept = compared.kept
        height[kept] = attribute.heights[codes[kept]] / max(attribute.height, 1)
        found[attribute.column] = float((height * compared.rows).sum() / compared.records)
    return found


def precision(compared: Compared, *, weights: Mapping[str, float] | None = None) -> float:
    """Return Sweeney's precision: 1 nothing generalized, 0 everything at the root.

    Args:
        compared: Before and after.
        weights: How much each attribute matters, by column; 1 where none is given.
    """
    named = weights or {}
    intensity = generalization_intensity(compared)
    given = {column: named.get(column, 1.0) for column in intensity}
    most = sum(given.values())
    return 1.0 - sum(given[column] * value for column, value in intensity.items()) / most if most else 1.0
