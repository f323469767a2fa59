"""A numeric column counted in bins on public edges, empty bins included; values outside all bins count nowhere."""

from typing import Any

import pyarrow as pa

from anonymization.dp.queries.counts import count_columns, expect_each_cell
from anonymization.dp.queries.grid import key_columns
from anonymization.dp.queries.kind import Columns, Kind, Noisy
from anonymization.dp.queries.prepare import with_bin, with_columns
from anonymization.dp.query_plan import Frame, QueryPlan, asked_with
from policies.model.dp_queries import PublicEdges
from policies.model.method import DpQuery, PublicKeys

BIN = "__bin"


def bin_keys(edges: PublicEdges) -> PublicKeys:
    """Return the bins as one more public key of the engine's grid."""
    return PublicKeys(
        column=BIN, values=tuple(str(place) for place in range(len(edges.values) - 1)), source=edges.source
    )


def edges_of(query: DpQuery) -> PublicEdges:
    """Return the public edges of a query; the policy model refuses a question of bins without them."""
    return asked_with(query.edges, query.name)


def binned_frame(query: DpQuery) -> Frame:
    """Lay a question on its keys and bins; a person counts in at most the declared number of bins of all groups."""
    by = (*query.by, bin_keys(edges_of(query)))
    return Frame(
        by=by,
        cells_per_person=min(query.bounds.cells_per_person, Frame(by, 1).cells),
        rows_per_person_per_cell=query.bounds.rows_per_person_per_cell,
    )


def bounds_columns(edges: PublicEdges, *, times: int) -> Columns:
    """Return `low` and `high` of each bin, for `times` groups."""
    numbers = [float(edge) for edge in edges.values]
    return {
        "low": pa.array(numbers[:-1] * times, pa.float64()),
        "high": pa.array(numbers[1:] * times, pa.float64()),
    }


def _prepare(rows: Any, query: QueryPlan, key: bytes) -> Any:
    del key
    asked = query.question
    column = asked.value or ""
    rows = with_columns(rows, query, [column, *(each.column for each in asked.by)])
    return with_bin(rows, column, edges_of(asked).values, label=BIN, clamp=False)


def _answer(query: QueryPlan, noisy: Noisy) -> Columns:
    asked = query.question
    edges = edges_of(asked)
    bins = len(edges.values) - 1
    columns = key_columns(asked.by, each=bins) | bounds_columns(edges, times=query.cells // bins)
    return columns | count_columns(query, list(noisy["rows"]))


HISTOGRAM = Kind(binned_frame, expect_each_cell, _answer, _prepare)
