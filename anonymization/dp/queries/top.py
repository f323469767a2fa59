"""The most frequent of a list of public keys, read off noisy counts of people.

The counts cost what selection alone would for people in few cells, and they tell how far apart the ranks are. Only the first ones are
published; the error holds for all keys at once, because the highest noise is what gets picked.
"""

from statistics import NormalDist

import pyarrow as pa

from anonymization.dp.queries.grid import key_columns
from anonymization.dp.queries.kind import Columns, Kind, Noisy
from anonymization.dp.query_plan import Expected, Frame, NoisePart, QueryPlan
from policies.errors import PolicyError
from policies.model.method import DpQuery


def _frame(query: DpQuery) -> Frame:
    cells = Frame(query.by, 1).cells
    if query.top is not None and query.top > cells:
        raise PolicyError(
            "dp.top-beyond-keys",
            what=f"query '{query.name}' asks for the first {query.top} of {cells} keys",
            why="there are no more ranks than public keys",
            fix=f"write `top: {cells}` or less",
        )
    return Frame(by=query.by, cells_per_person=min(query.bounds.cells_per_person, cells), split=("people",))


def _expect(query: DpQuery, frame: Frame, parts: tuple[NoisePart, ...]) -> Expected:
    del query
    # Bonferroni: each of the cells stays within with a probability of 1 - 0.05 / cells.
    z = NormalDist().inv_cdf(1 - 0.025 / frame.cells)
    return Expected(z * parts[0].sigma, "all keys at once")


def _answer(query: QueryPlan, noisy: Noisy) -> Columns:
    counts = noisy["people"]
    first = sorted(range(len(counts)), key=lambda place: (-counts[place], place))[: query.question.top]
    picked = pa.array(first, pa.int64())
    return {name: column.take(picked) for name, column in key_columns(query.by).items()} | {
        "rank": pa.array(range(1, len(first) + 1), pa.int64()),
        "noisy": pa.array([counts[place] for place in first], pa.int64()),
        "value": pa.array([max(0, counts[place]) for place in first], pa.int64()),
        "error_95": pa.array([query.error_95] * len(first), pa.float64()),
    }


TOP = Kind(_frame, _expect, _answer)
