"""Kullback-Leibler divergence: how far the distribution that a release suggests is from that of the source."""

import numpy as np

from anonymization.utility.compared import Compared


def divergence(compared: Compared) -> float:
    """Return the divergence in bits: 0 where the release says as much about each combination as the source.

    Each class is spread evenly over the combinations under its labels, and the suppressed rows over all; a source tuple
    is expected from the classes that its own rows are in. Where classes overlap (local recoding) others expect it
    too, so that the true divergence is smaller.

    Source: Kifer, Gehrke, Injecting utility into anonymized datasets, SIGMOD 2006. ARX 3.9's measure of this name sums
    over rows in place of tuples, which its own source doubts; it is not this one.
    """
    records = compared.records
    _, tuples = np.unique(np.stack(compared.source, axis=1), axis=0, return_inverse=True)
    tuples = tuples.ravel()
    share = np.bincount(tuples, weights=compared.rows) / records
    rows, kept = compared.class_rows, compared.kept
    # Areas as logarithms: with thirty attributes their product passes what a number holds.
    area, whole = np.zeros(len(rows)), 0.0
    for j, attribute in enumerate(compared.attributes):
        area += np.log2(np.asarray(attribute.under.sum(axis=1)).ravel()[compared.class_labels(j)])
        whole += float(np.log2(attribute.size))
    pairs = np.unique(np.stack([tuples[kept], compared.classes[kept]], axis=1), axis=0)
    density = np.log2(rows / records) - area
    expected = np.full(len(share), -np.inf)
    np.logaddexp2.at(expected, pairs[:, 0], density[pairs[:, 1]])
    if compared.suppressed:
        expected = np.logaddexp2(expected, np.log2(compared.suppressed / records) - whole)
    return max(float((share * (np.log2(share) - expected)).sum()), 0.0)
