"""The ambiguity metric: how many source tuples a published row may stand for."""

import numpy as np

from anonymization.utility.compared import Compared


def ambiguity(compared: Compared) -> float:
    """Return the mean over rows of the number of value combinations under its labels: 1 nothing generalized.

    A missing value is one of the values where the column has any; a suppressed row may be every combination.

    Source: Goldberger, Tassa, Efficient anonymizations with enhanced utility, Trans. Data Privacy 3(2), 2010; the sum
    over rows is what ARX 3.9 `QualityModelRowOrientedAmbiguity` gives.
    """
    total = np.ones(len(compared.rows))
    kept = compared.kept
    for attribute, codes in zip(compared.attributes, compared.published, strict=True):
        points = np.asarray(attribute.under.sum(axis=1)).ravel()
        width = np.full(len(codes), float(attribute.size))
        width[kept] = points[codes[kept]]
        total *= width
    return float((total * compared.rows).sum() / compared.records)
