"""Which node to check next: the one expected to settle the most open nodes.

Two ways a check settles nodes. If it suppresses many records, every node below suppresses them too, and those that
could not afford so many are out. If it suppresses few, it becomes the best node, and all that cannot beat it are out.
How many records a node suppresses is predicted by a ridge regression on the checks so far, from the entropy of the
attributes at its levels. The prediction decides the order only; the result is exact whatever it says.
"""

import numpy as np

from anonymization.criteria.base import BoolArray
from anonymization.loss import FloatArray
from anonymization.search.bounds import Bounds
from anonymization.search.lattice import Lattice
from anonymization.search.problem import Check, Node, Problem

THRESHOLDS = 8
RIDGE = 1.0


class Order:
    """A learned order over the nodes of a lattice."""

    def __init__(self, problem: Problem, lattice: Lattice) -> None:
        self._problem = problem
        self._lattice = lattice
        self._entropies = [_entropies(problem, j) for j in range(len(lattice.shape))]
        self._features: list[FloatArray] = []
        self._targets: list[float] = []
        self._levels = [self._prior(j) for j in range(len(lattice.shape))]
        self._spread = 2.0
        self._share_left = [
            1.0 - sums / float(problem.histogram.records * attribute.domain)
            for sums, attribute in zip(problem.base_sums, problem.histogram.attributes, strict=True)
        ]

    def learn(self, check: Check) -> None:
        """Take in a check and fit the prediction anew."""
        self._features.append(self._row(check.node))
        self._targets.append(self._logit(check.suppressed) - self._prior_at(check.node))
        rows = np.array(self._features)
        residuals = np.array(self._targets)
        penalty = np.full(rows.shape[1], RIDGE)
        penalty[:2] = 0.05
        weights = np.linalg.solve(rows.T @ rows + np.diag(penalty), rows.T @ residuals)
        errors = residuals - rows @ weights
        self._spread = max(0.5, float(np.sqrt((errors @ errors + 4.0) / (len(errors) + 1))))
        self._levels = self._with_weights(weights)

    def next_node(self, bounds: Bounds, candidates: BoolArray) -> Node:
        """Return the node whose check is expected to settle the most candidates."""
        predicted = self._predicted()
        affordable = self._affordable(bounds)
        gain = self._gain_by_failing(bounds, candidates, predicted, affordable)
        gain += self._gain_by_success(bounds, candidates, predicted, affordable)
        gain[bounds.is_checked] = -1.0
        best = int(np.argmax(gain))
        if gain.reshape(-1)[best] <= 0.0:
            best = int(np.argmin(np.where(candidates, bounds.lower, np.inf)))
        return self._lattice.node(best)

    def _logit(self, suppressed: float) -> float:
        rest = max(self._problem.histogram.records - suppressed, 0.0)
        return float(np.log((suppressed + 0.5) / (rest + 0.5)))

    def _logits(self, suppressed: FloatArray) -> FloatArray:
        rest = np.maximum(self._problem.histogram.records - suppressed, 0.0)
        return np.asarray(np.log((suppressed + 0.5) / (rest + 0.5)))

    def _prior(self, j: int) -> FloatArray:
        # A class holds about records * exp(-entropy) rows; where that nears the size the models ask for, half fail.
        offset = np.log(max(self._problem.histogram.records / 10.0, 1.0)) / len(self._lattice.shape)
        return np.asarray(1.2 * (self._entropies[j] - offset))

    def _prior_at(self, node: Node) -> float:
        return float(sum(self._prior(j)[level] for j, level in enumerate(node)))

    def _row(self, node: Node) -> FloatArray:
        marks = [np.eye(size)[level] for size, level in zip(self._lattice.shape, node, strict=True)]
        entropy = sum(self._entropies[j][level] for j, level in enumerate(node))
        return np.concatenate([[1.0, entropy], *marks])

    def _with_weights(self, weights: FloatArray) -> list[FloatArray]:
        levels, start = [], 2
        for j, size in enumerate(self._lattice.shape):
            own = self._prior(j) + weights[1] * self._entropies[j] + weights[start : start + size]
            levels.append(own + weights[0] / len(self._lattice.shape))
            start += size
        return levels

    def _predicted(self) -> FloatArray:
        total = np.zeros(())
        for levels in self._levels:
            total = np.add.outer(total, levels)
        return np.asarray(total)

    def _affordable(self, bounds: Bounds) -> FloatArray:
        """Return about how many suppressed records each node can afford before it cannot beat the best one."""
        forbidden = self._problem.may_suppress + 1.0
        if bounds.best is None:
            return np.full(self._lattice.shape, forbidden)
        slope = np.zeros(())
        for left in self._share_left:
            slope = np.add.outer(slope, left / (2.0 - left))
        room = np.log1p(bounds.incumbent) - np.log1p(bounds.base)
        per_record = slope / (len(self._lattice.shape) * self._problem.histogram.records)
        return np.asarray(np.clip(room / np.maximum(per_record, 1e-300), 1.0, forbidden))

    def _gain_by_failing(
        self, bounds: Bounds, candidates: BoolArray, predicted: FloatArray, affordable: FloatArray
    ) -> FloatArray:
        needs = affordable[candidates]
        steps = np.unique(np.ceil(np.quantile(needs, np.linspace(0.0, 1.0, THRESHOLDS + 1)[1:])))
        gain = np.zeros(self._lattice.shape)
        low = -np.inf
        for step in steps:
            settled = (candidates & (affordable > low) & (affordable <= step)).astype(np.float64)
            for axis in range(settled.ndim):
                np.cumsum(settled, axis=axis, out=settled)
            gain += settled * self._chance_at_least(float(step), bounds, predicted)
            low = step
        return gain

    def _chance_at_least(self, suppressed: float, bounds: Bounds, predicted: FloatArray) -> FloatArray:
        score = (predicted - self._logit(suppressed - 0.5)) / self._spread
        chance = 1.0 / (1.0 + np.exp(np.clip(-1.7 * score, -50.0, 50.0)))
        chance[bounds.least >= suppressed] = 1.0
        chance[bounds.most < suppressed] = 0.0
        return np.asarray(chance)

    def _gain_by_success(
        self, bounds: Bounds, candidates: BoolArray, predicted: FloatArray, affordable: FloatArray
    ) -> FloatArray:
        score = (self._logits(affordable) - predicted) / self._spread
        chance = 1.0 / (1.0 + np.exp(np.clip(-1.7 * score, -50.0, 50.0)))
        chance[bounds.least >= affordable] = 0.0
        lower = np.sort(bounds.lower[candidates])
        expected = self._problem.histogram.records / (1.0 + np.exp(np.clip(-predicted, -50.0, 50.0)))
        ratio = np.clip(expected / affordable, 0.0, 1.0)
        top = bounds.incumbent if bounds.best is not None else 1.0
        start = np.where(candidates, bounds.lower, top)
        beaten = len(lower) - np.searchsorted(lower, start + (top - start) * ratio)
        return np.asarray(np.where(candidates, chance * beaten, 0.0))


def _entropies(problem: Problem, j: int) -> FloatArray:
    """Return the entropy in nats of attribute j's labels at each of its levels."""
    attribute = problem.histogram.attributes[j]
    values = []
    for level in range(len(attribute.levels)):
        labels = attribute.label_of[level][problem.histogram.codes[j]]
        weight = np.bincount(labels, weights=problem.histogram.rows, minlength=attribute.sizes[level])
        share = weight[weight > 0] / max(weight.sum(), 1.0)
        values.append(float(-(share * np.log(share)).sum()))
    return np.array(values)
