"""A distribution over coded people that fits noisy marginals: exact inference on a junction tree, entropic mirror descent.

Post-processing only: nothing here sees a person. Source: McKenna, Sheldon, Miklau, Graphical-model based estimation and
inference for differential privacy, ICML 2019 (Private-PGM, of which this is the mirror-descent variant in numpy).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from anonymization.dp.synthetic.domain import Codes, Floats
from anonymization.dp.synthetic.tree import Clique, Tree, cells_of, junction_tree
from anonymization.perturbation.randomness import Draws
from policies.errors import PolicyError

ITERATIONS = 400
_GROWTH = 1.25
_LEAST_STEP = 1e-30


@dataclass(frozen=True, slots=True)
class Measured:
    """One noisy marginal: the counts over a clique's cells (shape by its columns), and the scale of their noise."""

    clique: Clique
    counts: Floats
    sigma: float


@dataclass(frozen=True, slots=True)
class Model:
    """A fitted distribution: one probability table for each node of a junction tree, calibrated with its neighbors.

    `total` is the number of people that the noisy marginals speak of; `potentials` lets a later fit start from here.
    """

    sizes: tuple[int, ...]
    tree: Tree
    beliefs: tuple[Floats, ...]
    total: float
    potentials: dict[Clique, Floats]

    def marginal(self, clique: Clique) -> Floats:
        """Return the probabilities over any columns, measured together or not; they sum to 1.

        Variable elimination over p(first node) · Π p(node | separator), the smallest product first.
        """
        home = self.tree.home(clique)
        if home is not None:
            return _sum_to(self.beliefs[home], self.tree.nodes[home], clique)
        factors = [(node, self._conditional(place)) for place, node in enumerate(self.tree.nodes)]
        factors = self._without_barren(factors, clique)
        hidden = {place for node, _ in factors for place in node} - set(clique)
        while hidden:
            column = min(hidden, key=lambda place: cells_of(_touched(factors, place), self.sizes))
            scope = tuple(sorted(_touched(factors, column) - {column}))
            joined = _product([factor for factor in factors if column in factor[0]], scope)
            factors = [factor for factor in factors if column not in factor[0]] + [(scope, joined)]
            hidden.remove(column)
        return _product(factors, clique)

    def sample(self, rows: int) -> Codes:
        """Draw `rows` people independently, rows x columns of codes; cells of probability 0 are never drawn."""
        codes = np.zeros((rows, len(self.sizes)), dtype=np.int64)
        for node, shared, belief in zip(self.tree.nodes, self.tree.separators, self.beliefs, strict=True):
            new = tuple(place for place in node if place not in shared)
            if not new:
                continue
            flat = np.transpose(belief, [node.index(place) for place in (*shared, *new)]).ravel()
            given = _number(codes, shared, self.sizes)
            drawn = _draw_given(flat, given, cells_of(new, self.sizes))
            for place, values in zip(new, np.unravel_index(drawn, [self.sizes[p] for p in new]), strict=True):
                codes[:, place] = values
        return codes

    def _conditional(self, place: int) -> Floats:
        node, shared, belief = self.tree.nodes[place], self.tree.separators[place], self.beliefs[place]
        if not shared:
            return belief
        below = _spread(_sum_to(belief, node, shared), shared, node)
        return np.divide(belief, below, out=np.zeros_like(belief), where=below > 0)

    def _without_barren(self, factors: list[tuple[Clique, Floats]], clique: Clique) -> list[tuple[Clique, Floats]]:
        """Drop nodes below which nothing is asked: the columns that only they hold sum to 1."""
        wanted, kept = set(clique), []
        for place in range(len(factors) - 1, -1, -1):
            node = set(self.tree.nodes[place]) - set(self.tree.separators[place])
            if node & wanted or place == 0:
                wanted |= set(self.tree.nodes[place])
                kept.append(factors[place])
        return kept[::-1]


def fit(
    sizes: Sequence[int],
    measured: Sequence[Measured],
    *,
    zeros: Sequence[tuple[Clique, Floats]] = (),
    start: Model | None = None,
    iterations: int = ITERATIONS,
) -> Model:
    """Find the distribution of greatest entropy whose marginals are nearest to the noisy ones, weighted by 1/σ².

    Args:
        sizes: Codes of each column.
        measured: Noisy marginals, every column in one or more.
        zeros: Impossible cells: a clique, and 0 where its cells cannot be.
        start: An earlier fit of some of the same marginals.
        iterations: Steps at most; a fit that no longer improves ends earlier.

    Returns:
        The model; cells of `zeros` have probability 0 exactly.

    Raises:
        PolicyError: The impossible combinations leave no possible person.

    Source: McKenna et al. 2019, algorithm 1; steps by Armijo's rule.
    """
    total = people_in(measured)
    cliques = [one.clique for one in measured]
    tree = junction_tree(sizes, [*cliques, *(clique for clique, _ in zeros)])
    fixed = _fixed(sizes, tree, zeros)
    before = start.potentials if start else {}
    theta = {clique: before.get(clique, np.zeros([sizes[p] for p in clique])) for clique in dict.fromkeys(cliques)}
    beliefs = _calibrate(tree, _gather(tree, fixed, theta))
    found, slopes = _loss(tree, beliefs, measured, total)
    step = 1.0 / (total * sum(1 / one.sigma**2 for one in measured))
    for _ in range(iterations):
        tried = {clique: theta[clique] - step * slope for clique, slope in slopes.items()}
        moved = _calibrate(tree, _gather(tree, fixed, tried))
        value, gradient = _loss(tree, moved, measured, total)
        gain = _gain(tree, (beliefs, moved), slopes, total)
        if found - value >= 0.5 * gain >= 0:
            is_settled = found - value < 1e-7 * max(found, 1.0)
            theta, beliefs, found, slopes, step = tried, moved, value, gradient, step * _GROWTH
            if is_settled:
                break
        else:
            step *= 0.5
            if step < _LEAST_STEP:
                break
    return Model(tuple(sizes), tree, tuple(beliefs), total, theta)


def people_in(measured: Sequence[Measured]) -> float:
    """Return the number of people that noisy marginals speak of: their sums, weighted by inverse variance; at least 1."""
    weights = np.array([1 / (one.counts.size * one.sigma**2) for one in measured])
    return max(1.0, float(weights @ [one.counts.sum() for one in measured] / weights.sum()))


def _fixed(sizes: Sequence[int], tree: Tree, zeros: Sequence[tuple[Clique, Floats]]) -> list[Floats]:
    made = [np.zeros([sizes[place] for place in node]) for node in tree.nodes]
    for clique, allowed in zeros:
        for place, node in enumerate(tree.nodes):
            if set(clique) <= set(node):
                made[place] = made[place] + _spread(np.where(allowed > 0, 0.0, -np.inf), clique, node)
    return made


def _gather(tree: Tree, fixed: Sequence[Floats], theta: dict[Clique, Floats]) -> list[Floats]:
    made = [table.copy() for table in fixed]
    for clique, values in theta.items():
        home = tree.home(clique)
        if home is not None:
            made[home] += _spread(values, clique, tree.nodes[home])
    return made


def _calibrate(tree: Tree, tables: list[Floats]) -> list[Floats]:
    """Turn log potentials into probabilities that agree on every separator: messages up to the first node, then down."""
    sent: dict[int, Floats] = {}
    for place in range(len(tree.nodes) - 1, 0, -1):
        shared, parent = tree.separators[place], tree.parents[place]
        sent[place] = _log_sum_to(tables[place], tree.nodes[place], shared)
        tables[parent] = tables[parent] + _spread(sent[place], shared, tree.nodes[parent])
    whole = float(_log_sum_to(tables[0], tree.nodes[0], ()))
    if not np.isfinite(whole):
        raise PolicyError(
            "dp.synthetic-nobody-possible",
            what="the impossible combinations leave no possible person",
            why="every row that could be drawn is declared impossible",
            fix="declare fewer combinations impossible",
        )
    tables[0] = tables[0] - whole
    for place in range(1, len(tree.nodes)):
        node, shared, parent = tree.nodes[place], tree.separators[place], tree.parents[place]
        above = _log_sum_to(tables[parent], tree.nodes[parent], shared)
        known = np.isfinite(sent[place])
        ratio = np.subtract(above, sent[place], out=np.full(np.shape(above), -np.inf), where=known)
        tables[place] = tables[place] + _spread(ratio, shared, node)
    return [np.exp(table) for table in tables]


def _loss(
    tree: Tree, beliefs: Sequence[Floats], measured: Sequence[Measured], total: float
) -> tuple[float, dict[Clique, Floats]]:
    value, slopes = 0.0, dict[Clique, Floats]()
    for one in measured:
        home = tree.home(one.clique)
        if home is None:
            continue
        off = total * _sum_to(beliefs[home], tree.nodes[home], one.clique) - one.counts
        value += 0.5 * float((off * off).sum()) / one.sigma**2
        slopes[one.clique] = slopes.get(one.clique, 0.0) + off / one.sigma**2
    return value, slopes


def _gain(
    tree: Tree, beliefs: tuple[Sequence[Floats], Sequence[Floats]], slopes: dict[Clique, Floats], total: float
) -> float:
    gain = 0.0
    for clique, slope in slopes.items():
        home = tree.home(clique)
        if home is not None:
            before, after = (_sum_to(tables[home], tree.nodes[home], clique) for tables in beliefs)
            gain += total * float((slope * (before - after)).sum())
    return gain


def _sum_to(table: Floats, node: Clique, clique: Clique) -> Floats:
    summed: Floats = table.sum(axis=tuple(axis for axis, place in enumerate(node) if place not in clique))
    return summed


def _log_sum_to(table: Floats, node: Clique, clique: Clique) -> Floats:
    axes = tuple(axis for axis, place in enumerate(node) if place not in clique)
    if not axes:
        return table
    top = table.max(axis=axes, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    scaled = np.exp(table - top).sum(axis=axes)
    with np.errstate(divide="ignore"):
        summed: Floats = np.log(scaled) + top.squeeze(axes)
    return summed


def _spread(table: Floats, clique: Clique, node: Clique) -> Floats:
    """Lay a table over `clique` out so that it broadcasts over `node`; both are ascending."""
    sizes = dict(zip(clique, np.shape(table), strict=True))
    return np.reshape(table, [sizes.get(place, 1) for place in node])


def _touched(factors: Sequence[tuple[Clique, Floats]], column: int) -> set[int]:
    return {place for scope, _ in factors if column in scope for place in scope}


def _product(factors: Sequence[tuple[Clique, Floats]], scope: Clique) -> Floats:
    operands: list[Any] = [part for clique, table in factors for part in (table, list(clique))]
    joined: Floats = np.einsum(*operands, list(scope), optimize="greedy")
    return joined


def _number(codes: Codes, columns: Clique, sizes: Sequence[int]) -> Codes:
    numbers = np.zeros(len(codes), dtype=np.int64)
    for place in columns:
        numbers = numbers * sizes[place] + codes[:, place]
    return numbers


def _draw_given(flat: Floats, given: Codes, width: int) -> Codes:
    """Draw for each row a place in its group of `width` probabilities, by the inverse of the running sum."""
    running = np.concatenate(([0.0], np.cumsum(flat)))
    low, high = running[given * width], running[(given + 1) * width]
    # Rounding may reach the group's end, which is the start of the next group: stay below it.
    aim = np.minimum(low + Draws().uniform(len(given)) * (high - low), np.nextafter(high, -np.inf))
    places: Codes = np.searchsorted(running, aim, side="right") - 1 - given * width
    return places
