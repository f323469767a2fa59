"""How much an attribute tells at each of its levels: the entropy of its labels."""

import numpy as np

from anonymization.loss import FloatArray
from anonymization.search.problem import Problem


def entropies(problem: Problem, j: int) -> FloatArray:
    """Return the entropy in nats of attribute j's labels at each of its levels, over the rows."""
    attribute = problem.histogram.attributes[j]
    leaves = problem.marginals[j]
    values = []
    for level in range(len(attribute.levels)):
        weight = np.bincount(attribute.label_of[level], weights=leaves, minlength=attribute.sizes[level])
        share = weight[weight > 0] / max(weight.sum(), 1.0)
        values.append(float(-(share * np.log(share)).sum()))
    return np.array(values)
