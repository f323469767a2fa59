"""Which node to check next: the one expected to settle the most open nodes.

Two ways a check settles nodes. If it suppresses many records, every node below suppresses them too, and those that
could not afford so many are out. If it suppresses few, it becomes the best node, and all that cannot beat it are out.
How many records a node suppresses is predicted by a ridge regression on the checks so far, from the entropy of the
attributes at its levels. The prediction decides the order only; the result is exact whatever it says.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from anonymization.criteria.criterion import BoolArray
from anonymization.loss import FloatArray
from anonymization.quasi import IntArray
from anonymization.search.bounds import Bounds
from anonymization.search.entropy import entropies
from anonymization.search.lattice import Lattice, above, below
from anonymization.search.problem import Check, Node, Problem

THRESHOLDS = 8
RIDGE = 1.0
NODES_PER_PLAN = 2_200
TUPLES_PER_NODE = 8
MOST_PLANNED = 16
"""A look at all nodes can cost more than a check of one, so it plans one choice more for every so many nodes, up to a limit;
for the more nodes, the more tuples there are, because a check then costs more, and a better choice saves more."""


class Order:
    """A learned order over the nodes of a lattice."""

    def __init__(self, problem: Problem, lattice: Lattice) -> None:
        self._problem = problem
        self._lattice = lattice
        self._entropies = [entropies(problem, j) for j in range(len(lattice.shape))]
        self._starts = 2 + np.concatenate([[0], np.cumsum(lattice.shape)[:-1]]).astype(np.int64)
        self._features: FloatArray = np.zeros((0, 2 + sum(lattice.shape)))
        self._targets: list[float] = []
        self._priors = [self._prior(j) for j in range(len(lattice.shape))]
        self._levels = self._priors
        self._nodes_per_plan = max(NODES_PER_PLAN, len(problem.histogram.rows) // TUPLES_PER_NODE)
        self._spread = 2.0
        self._planned: list[Node] = []
        self._share_left = [
            1.0 - sums / float(problem.histogram.records * attribute.domain)
            for sums, attribute in zip(problem.base_sums, problem.histogram.attributes, strict=True)
        ]

    def learn(self, check: Check) -> None:
        """Take in a check and fit the prediction anew."""
        number = len(self._targets)
        if number == len(self._features):
            self._features = np.concatenate([self._features, np.zeros((64 + number, self._features.shape[1]))])
        self._fill(self._features[number], check.node)
        self._targets.append(self._logit(check.suppressed) - self._prior_at(check.node))
        rows = self._features[: number + 1]
        residuals = np.array(self._targets)
        penalty = np.full(rows.shape[1], RIDGE)
        penalty[:2] = 0.05
        weights = np.linalg.solve(rows.T @ rows + np.diag(penalty), rows.T @ residuals)
        errors = residuals - rows @ weights
        self._spread = max(0.5, float(np.sqrt((errors @ errors + 4.0) / (len(errors) + 1))))
        self._levels = self._with_weights(weights)

    def next_node(self, bounds: Bounds, candidates: BoolArray) -> Node:
        """Return the node whose check is expected to settle the most candidates.

        Only the box that holds the candidates is looked at: a node above it settles no more than its projection into
        the box, and is less likely to. In large lattices one look serves several choices.
        """
        while self._planned:
            node = self._planned.pop()
            if not bounds.is_checked[node] and bool(candidates[below(node)].any()):
                return node
        gain, corner = self._gain(bounds, candidates)
        self._planned = _best_incomparable(gain, corner, 1 + gain.size // self._nodes_per_plan)
        if self._planned:
            return self._planned.pop()
        least = np.where(candidates, bounds.lower, np.inf)
        return self._lattice.node(int(np.argmin(least)))

    def _gain(self, bounds: Bounds, candidates: BoolArray) -> tuple[FloatArray, Node]:
        """Return the expected gain of each node in the box of the candidates, and the box's lowest corner."""
        box = _box_of(candidates)
        view = _View(candidates[box], bounds.lower[box], bounds.base[box], bounds.least[box], bounds.most[box])
        predicted = _outer_sum([levels[side] for levels, side in zip(self._levels, box, strict=True)])
        affordable = self._affordable(bounds, box)
        gain = self._gain_by_failing(view, predicted, affordable)
        gain += self._gain_by_success(view, predicted, affordable, bounds)
        gain[bounds.is_checked[box]] = 0.0
        return gain, tuple(int(side.start) for side in box)

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
        return float(sum(prior[level] for prior, level in zip(self._priors, node, strict=True)))

    def _fill(self, row: FloatArray, node: Node) -> None:
        row[0] = 1.0
        row[1] = sum(self._entropies[j][level] for j, level in enumerate(node))
        row[self._starts + np.array(node)] = 1.0

    def _with_weights(self, weights: FloatArray) -> list[FloatArray]:
        levels, start = [], 2
        for j, size in enumerate(self._lattice.shape):
            own = self._priors[j] + weights[1] * self._entropies[j] + weights[start : start + size]
            levels.append(own + weights[0] / len(self._lattice.shape))
            start += size
        return levels

    def _affordable(self, bounds: Bounds, box: tuple[slice, ...]) -> FloatArray:
        """Return about how many suppressed records each node can afford before it cannot beat the best one."""
        forbidden = self._problem.may_suppress + 1.0
        if bounds.best is None:
            return np.full(bounds.base[box].shape, forbidden)
        loss = self._problem.loss
        slopes = [loss.slopes(j, left[side]) for j, (left, side) in enumerate(zip(self._share_left, box, strict=True))]
        room = loss.additive(np.array(bounds.incumbent)) - loss.additive(bounds.base[box])
        per_record = _outer_sum(slopes) / self._problem.histogram.records
        return np.asarray(np.clip(room / np.maximum(per_record, 1e-300), 1.0, forbidden))

    def _gain_by_failing(self, view: "_View", predicted: FloatArray, affordable: FloatArray) -> FloatArray:
        needs = affordable[view.candidates]
        steps = np.unique(np.ceil(np.quantile(needs, np.linspace(0.0, 1.0, THRESHOLDS + 1)[1:])))
        group = np.searchsorted(steps, affordable)
        group[~view.candidates] = len(steps)
        settled = _count_below((group[..., None] == np.arange(len(steps))).astype(np.float32))
        gain = np.zeros(view.candidates.shape)
        for number, step in enumerate(steps):
            gain += settled[..., number] * self._chance_at_least(float(step), view, predicted)
        return gain

    def _chance_at_least(self, suppressed: float, view: "_View", predicted: FloatArray) -> FloatArray:
        score = (predicted - self._logit(suppressed - 0.5)) / self._spread
        chance = 1.0 / (1.0 + np.exp(np.clip(-1.7 * score, -50.0, 50.0)))
        chance[view.least >= suppressed] = 1.0
        chance[view.most < suppressed] = 0.0
        return np.asarray(chance)

    def _gain_by_success(
        self, view: "_View", predicted: FloatArray, affordable: FloatArray, bounds: Bounds
    ) -> FloatArray:
        score = (self._logits(affordable) - predicted) / self._spread
        chance = 1.0 / (1.0 + np.exp(np.clip(-1.7 * score, -50.0, 50.0)))
        chance[view.least >= affordable] = 0.0
        lower = np.sort(view.lower[view.candidates])
        expected = self._problem.histogram.records / (1.0 + np.exp(np.clip(-predicted, -50.0, 50.0)))
        ratio = np.clip(expected / affordable, 0.0, 1.0)
        top = bounds.incumbent if bounds.best is not None else 1.0
        start = np.where(view.candidates, view.lower, top)
        beaten = len(lower) - np.searchsorted(lower, start + (top - start) * ratio)
        return np.asarray(np.where(view.candidates, chance * beaten, 0.0))


@dataclass(frozen=True, slots=True)
class _View:
    """The bounds inside the box that is looked at."""

    candidates: BoolArray
    lower: FloatArray
    base: FloatArray
    least: IntArray
    most: IntArray


def _box_of(candidates: BoolArray) -> tuple[slice, ...]:
    """Return the smallest box that holds all candidates.

    The axes are halved until one is left: a look at few long axes costs much less than one at many short ones.
    """
    if candidates.ndim == 1:
        used = np.flatnonzero(candidates)
        return (slice(int(used[0]), int(used[-1]) + 1),)
    front, back = candidates.shape[: candidates.ndim // 2], candidates.shape[candidates.ndim // 2 :]
    flat = candidates.reshape(math.prod(front), math.prod(back))
    rows, columns = np.asarray(flat.any(axis=1)), np.asarray(flat.any(axis=0))
    return _box_of(rows.reshape(front)) + _box_of(columns.reshape(back))


def _count_below(marks: np.ndarray) -> np.ndarray:
    """Sum each mark of a lattice over the node and everything below it; the last axis tells the marks apart.

    Axes of a lattice are short, so adding its slices to each other is much faster than a cumulative sum along them.
    """
    for axis, size in enumerate(marks.shape[:-1]):
        inner = math.prod(marks.shape[axis + 1 :])
        slices = marks.reshape(-1, size, inner)
        for level in range(1, size):
            slices[:, level] += slices[:, level - 1]
    return marks


def _best_incomparable(gain: FloatArray, corner: Node, count: int) -> list[Node]:
    """Return up to `count` nodes of most gain, none above or below another, best last."""
    left = gain.copy() if count > 1 else gain
    chosen: list[Node] = []
    for _ in range(min(count, MOST_PLANNED)):
        index = int(np.argmax(left))
        if left.reshape(-1)[index] <= 0.0:
            break
        local = tuple(int(level) for level in np.unravel_index(index, gain.shape))
        chosen.append(tuple(low + level for low, level in zip(corner, local, strict=True)))
        if count > 1:
            left[below(local)] = 0.0
            left[above(local)] = 0.0
    return chosen[::-1]


def _outer_sum(parts: Sequence[FloatArray]) -> FloatArray:
    total = np.zeros(())
    for part in parts:
        total = np.add.outer(total, part)
    return np.asarray(total)
