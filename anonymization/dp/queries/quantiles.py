"""Quantiles on a public grid, all from one noisy histogram of it: signed cumulative counts, made to rise, read at p·n.

One histogram answers every probability and every group at the price of one vector; an exponential mechanism is paid
for each. The error is one of ranks, and is carried to the edges outward (`low_95`, `high_95`).
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from anonymization.dp.queries.grid import key_columns
from anonymization.dp.queries.histogram import BIN, binned_frame, edges_of
from anonymization.dp.queries.kind import Columns, Kind, Noisy
from anonymization.dp.queries.mean import enough_rows
from anonymization.dp.queries.prepare import with_bin, with_columns
from anonymization.dp.query_plan import Z_95, Expected, Frame, NoisePart, QueryPlan
from policies.model.method import DpQuery

Floats = npt.NDArray[np.float64]


def _prepare(rows: Any, query: QueryPlan, key: bytes) -> Any:
    del key
    asked = query.question
    column = asked.value or ""
    rows = with_columns(rows, query, [column, *(each.column for each in asked.by)])
    return with_bin(rows, column, edges_of(asked).values, label=BIN, clamp=True)


def rank_error(sigma: float, *, below: int, bins: int, probability: float) -> float:
    """Return the 95 % error in rows of "rows below edge `below`, less p times all rows", of `bins` noisy bins.

    The noise of the bins below counts 1 - p times, that of the bins above p times, all independent.
    """
    return Z_95 * sigma * math.sqrt(below * (1 - probability) ** 2 + (bins - below) * probability**2)


def _expect(query: DpQuery, frame: Frame, parts: tuple[NoisePart, ...]) -> Expected:
    del frame
    bins = len(edges_of(query).values) - 1
    worst = max(
        rank_error(parts[0].sigma, below=below, bins=bins, probability=float(probability))
        for probability in query.probabilities or ()
        for below in (0, bins)
    )
    return Expected(worst, "the rank of a quantile, in rows, wherever on the grid it lies")


def rising(cumulative: Sequence[float]) -> Floats:
    """Return the non-decreasing sequence nearest to `cumulative` in squares (pool adjacent violators)."""
    blocks: list[tuple[float, int]] = []
    for number in cumulative:
        total, size = float(number), 1
        while blocks and blocks[-1][0] * size > total * blocks[-1][1]:
            total, size = total + blocks[-1][0], size + blocks[-1][1]
            blocks.pop()
        blocks.append((total, size))
    return np.concatenate([np.full(size, total / size) for total, size in blocks])


def _at(cumulative: Floats, edges: Floats, rank: float) -> tuple[int, float]:
    """Return the bin in which the rank is reached, and the value there, linear within the bin."""
    place = min(int(np.searchsorted(cumulative, rank, side="left")), len(cumulative) - 1)
    below = float(cumulative[place - 1]) if place else 0.0
    inside = float(cumulative[place]) - below
    share = min(max((rank - below) / inside, 0.0), 1.0) if inside > 0 else 0.5
    return place, float(edges[place] + share * (edges[place + 1] - edges[place]))


def _of_group(counts: Sequence[int], edges: Floats, probability: float, *, sigma: float) -> tuple[float | None, ...]:
    """Return value, low, high and rank error of one quantile; all but the error null where the group is too small."""
    bins, total = len(counts), float(sum(counts))
    if total < enough_rows(Z_95 * sigma * math.sqrt(bins)):
        return None, None, None, None
    cumulative = np.clip(rising(np.cumsum(counts).tolist()), 0.0, total)
    rank = probability * total
    place, value = _at(cumulative, edges, rank)
    error = max(
        rank_error(sigma, below=below, bins=bins, probability=probability) for below in (place, min(place + 1, bins))
    )
    low, _ = _at(cumulative, edges, max(rank - error, 0.0))
    high, _ = _at(cumulative, edges, min(rank + error, total))
    return value, float(edges[low]), float(edges[high + 1]), error


def _answer(query: QueryPlan, noisy: Noisy) -> Columns:
    asked = query.question
    edges = np.array([float(edge) for edge in edges_of(asked).values])
    wanted = [float(probability) for probability in asked.probabilities or ()]
    bins, counts, sigma = len(edges) - 1, noisy["rows"], query.parts[0].sigma
    groups = [counts[start:stop] for start, stop in pairwise(range(0, len(counts) + 1, bins))]
    found = [_of_group(group, edges, probability, sigma=sigma) for group in groups for probability in wanted]
    value, low, high, error = ([row[place] for row in found] for place in range(4))
    return key_columns(asked.by, each=len(wanted)) | {
        "probability": pa.array(wanted * len(groups), pa.float64()),
        "noisy_count": pa.array([sum(group) for group in groups for _ in wanted], pa.int64()),
        "value": pa.array(value, pa.float64()),
        "low_95": pa.array(low, pa.float64()),
        "high_95": pa.array(high, pa.float64()),
        "error_95": pa.array(error, pa.float64()),
    }


QUANTILES = Kind(binned_frame, _expect, _answer, _prepare)
