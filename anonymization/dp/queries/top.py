"""The most frequent of a list of public keys, read off noisy counts of people.

The counts tell how far apart the ranks are. Only the first ones are published; the error holds for all keys at once,
because the highest noise is what gets picked. Who needs the keys alone, of people in many cells, asks `most_frequent`.
"""

from statistics import NormalDist

import pyarrow as pa

from anonymization.dp.queries.grid import key_columns
from anonymization.dp.queries.kind import Columns, Kind, Noisy
from anonymization.dp.query_plan import Expected, Frame, NoisePart, QueryPlan, asked_with
from policies.errors import PolicyError
from policies.model.method import DpQuery


def first_of(query: DpQuery) -> int:
    """Return how many ranks are asked for; the policy model refuses a question of ranks without it."""
    return asked_with(query.top, query.name)


def ranked_frame(query: DpQuery) -> Frame:
    """Lay a question of ranks on its keys; people are counted.

    Raises:
        PolicyError: There are more ranks than keys.
    """
    cells = Frame(query.by, 1).cells
    if first_of(query) > cells:
        raise PolicyError(
            "dp.top-beyond-keys",
            what=f"query '{query.name}' asks for the first {first_of(query)} of {cells} keys",
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
    first = sorted(range(len(counts)), key=lambda place: (-counts[place], place))[: first_of(query.question)]
    picked = pa.array(first, pa.int64())
    return {name: column.take(picked) for name, column in key_columns(query.by).items()} | {
        "rank": pa.array(range(1, len(first) + 1), pa.int64()),
        "noisy": pa.array([counts[place] for place in first], pa.int64()),
        "value": pa.array([max(0, counts[place]) for place in first], pa.int64()),
        "error_95": pa.array([query.error_95] * len(first), pa.float64()),
    }


TOP = Kind(ranked_frame, _expect, _answer)
