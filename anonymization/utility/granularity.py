"""Granularity: the share of an attribute's values that a published label covers; and Loss, which is made of it.

Source: Iyengar, Transforming data to satisfy privacy constraints, KDD 2002; ARX 3.9 `QualityModelColumnOrientedLoss`
(granularity) and its metric Loss (reference/anonymization.md, section 4).
"""

import math
from collections.abc import Mapping

import numpy as np

from anonymization.loss import DECIMALS
from anonymization.utility.compared import Compared


def numerators(compared: Compared) -> list[int]:
    """Return for each attribute the leaves that its rows cover, in all; a suppressed row covers every leaf."""
    sums = []
    for attribute, codes in zip(compared.attributes, compared.published, strict=True):
        covered = np.full(len(codes), attribute.domain, np.int64)
        kept = compared.kept
        covered[kept] = attribute.leaves[codes[kept]]
        sums.append(int((covered * compared.rows).sum()))
    return sums


def granularity(compared: Compared) -> dict[str, float]:
    """Return by attribute the mean share of the values that a row's label covers: 1/domain unchanged, 1 nothing said.

    A missing value covers one leaf's worth until it is at the root; a suppressed row counts 1.
    """
    sums = zip(compared.attributes, numerators(compared), strict=True)
    return {one.column: total / (one.domain * compared.records) for one, total in sums}


def loss(compared: Compared) -> float:
    """Return the metric that the search minimizes, worked out from the published labels: 0 nothing lost, 1 all."""
    product = 1.0
    for lost in _lost(compared).values():
        # Cut as ARX does, so that the two ways of working it out give the same number.
        product *= (1.0 + math.floor(lost * DECIMALS) / DECIMALS) ** (1.0 / len(compared.attributes))
    return product - 1.0


def arithmetic_loss(compared: Compared, *, weights: Mapping[str, float] | None = None) -> float:
    """Return the mean over attributes of the granularity above that of an unchanged column, 0 to 1.

    Args:
        compared: Before and after.
        weights: How much each attribute matters, by column; 1 where none is given.
    """
    named = weights or {}
    lost = _lost(compared)
    given = {column: named.get(column, 1.0) for column in lost}
    most = sum(given.values())
    return sum(given[column] * value for column, value in lost.items()) / most if most else 0.0


def _lost(compared: Compared) -> dict[str, float]:
    """Return v_j by attribute: the granularity above that of an unchanged column."""
    found = {}
    for attribute, total in zip(compared.attributes, numerators(compared), strict=True):
        most = compared.records * (attribute.domain - 1)
        found[attribute.column] = max((total - compared.records) / most, 0.0) if most else 0.0
    return found
