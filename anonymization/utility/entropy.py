"""Non-uniform entropy: the bits that are needed to guess a cell's value from its published label."""

import numpy as np

from anonymization.loss import FloatArray
from anonymization.quasi import IntArray
from anonymization.utility.compared import Compared


def nonuniform_entropy(compared: Compared) -> dict[str, float]:
    """Return by attribute the bits lost, over those of a column that says nothing: 0 unchanged, 1 all lost.

    A row published as g loses log2(rows of g / rows of its value), both counted over the whole column generalized to
    the level of g; a row that is suppressed loses, on top, the bits between its label and nothing among those
    that are suppressed with it, as Prasser et al. count rows of several levels. A column with one value has nothing
    to lose, and is 0.

    Source: De Waal, Willenborg, Information loss through global recoding and local suppression, Netherlands Official
    Statistics 14, 1999; Prasser, Bild, Kuhn, MIE 2016; ARX 3.9 `QualityModelColumnOrientedNonUniformEntropy`.
    """
    found = {}
    for j, attribute in enumerate(compared.attributes):
        most = _bits(compared, j, whole=True)
        found[attribute.column] = _bits(compared, j, whole=False) / most if most else 0.0
    return found


def _bits(compared: Compared, j: int, *, whole: bool) -> float:
    """Return the bits lost at attribute j; `whole` as if every row were suppressed."""
    attribute, rows = compared.attributes[j], compared.rows.astype(np.float64)
    points = compared.source[j]
    if whole:
        return _stage(points, np.zeros_like(points), rows)
    codes = compared.published[j]
    heights = np.full(len(codes), attribute.height)
    kept = compared.kept
    heights[kept] = attribute.heights[codes[kept]]
    lost, finer = 0.0, points
    for level in sorted({*heights.tolist()}):
        left = heights >= level
        coarser = attribute.ladder[level][points]
        lost += _stage(finer[left], coarser[left], rows[left])
        finer = coarser
    return lost


def _stage(finer: IntArray, coarser: IntArray, rows: FloatArray) -> float:
    """Return the bits by which rows are less certain after their labels became coarser."""
    below, above = np.bincount(finer, weights=rows), np.bincount(coarser, weights=rows)
    return float((rows * np.log2(above[coarser] / below[finer])).sum())
