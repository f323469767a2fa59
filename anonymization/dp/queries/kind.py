"""What every statistic offers: a frame and an expected error before data, preparation in the engine, an answer after noise."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from anonymization.dp.mechanism import draw
from anonymization.dp.query_plan import Expected, Frame, NoisePart, Quantity, QueryPlan, noise_part
from policies.model.method import DpQuery

Noisy = Mapping[Quantity, Sequence[int]]
"""For each noisy vector of a query its noisy cells, in grid order."""

BoundedCells = Mapping[Quantity, npt.NDArray[np.int64]]
"""For each vector of a query its bounded cells, in grid order; raw results that stay in the restricted zone."""

Columns = dict[str, pa.Array]


def as_they_are(rows: Any, query: QueryPlan, key: bytes) -> Any:
    """Return the rows unchanged: the engine's grid is made of columns that they have."""
    del query, key
    return rows


def gaussian_part(query: DpQuery, frame: Frame, quantity: Quantity, rho_micro: int) -> NoisePart:
    """Plan discrete Gaussian noise on every cell; see `query_plan.noise_part`."""
    return noise_part(quantity, frame, rho_micro=rho_micro, name=query.name)


def gaussian_vectors(query: QueryPlan, cells: BoundedCells) -> Noisy:
    """Draw discrete Gaussian noise on every cell of every vector, empty or not; see `mechanism.draw`."""
    return {
        part.quantity: draw(
            cells[part.quantity].tolist(), sigma=part.sigma, sensitivity=part.sensitivity, rho_micro=part.rho_micro
        )
        for part in query.parts
    }


@dataclass(frozen=True, slots=True)
class Kind:
    """One statistic of the closed vocabulary.

    `prepare` is row-wise or decided by one person's rows alone, so that the bounds of the plan, which
    `bounded_cells` enforces after it, hold whatever it does. `noise` scales a vector's mechanism before data; `draw` is the only step that sees bounded cells: it calls
    the mechanisms that the parts of the plan name, each once, and returns what they return. `answer` sees that only.
    """

    frame: Callable[[DpQuery], Frame]
    expect: Callable[[DpQuery, Frame, tuple[NoisePart, ...]], Expected]
    answer: Callable[[QueryPlan, Noisy], Columns]
    prepare: Callable[[Any, QueryPlan, bytes], Any] = as_they_are
    draw: Callable[[QueryPlan, BoundedCells], Noisy] = gaussian_vectors
    noise: Callable[[DpQuery, Frame, Quantity, int], NoisePart] = gaussian_part
