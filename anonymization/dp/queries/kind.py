"""What every statistic offers: a frame and an expected error before data, preparation in the engine, an answer after noise."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from anonymization.dp.query_plan import Expected, Frame, NoisePart, Quantity, QueryPlan
from policies.model.method import DpQuery

Noisy = Mapping[Quantity, Sequence[int]]
"""For each noisy vector of a query its noisy cells, in grid order."""

Columns = dict[str, pa.Array]


def as_they_are(rows: Any, query: QueryPlan, key: bytes) -> Any:
    """Return the rows unchanged: the engine's grid is made of columns that they have."""
    del query, key
    return rows


@dataclass(frozen=True, slots=True)
class Kind:
    """One statistic of the closed vocabulary.

    `prepare` is row-wise or decided by one person's rows alone, so that the bounds of the plan, which
    `bounded_cells` enforces after it, hold whatever it does. `answer` sees noisy cells only.
    """

    frame: Callable[[DpQuery], Frame]
    expect: Callable[[DpQuery, Frame, tuple[NoisePart, ...]], Expected]
    answer: Callable[[QueryPlan, Noisy], Columns]
    prepare: Callable[[Any, QueryPlan, bytes], Any] = as_they_are
