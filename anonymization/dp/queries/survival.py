"""A survival table on a public time grid: events and censored in each interval from one noisy table, Kaplan-Meier after it.

Source: Kaplan & Meier 1958; the product is post-processing of noisy counts, as in Gondara & Wang, PAKDD 2020.
"""

from itertools import pairwise
from typing import Any

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from anonymization.dp.queries.grid import key_columns
from anonymization.dp.queries.histogram import BIN, bounds_columns, edges_of
from anonymization.dp.queries.kind import Columns, Kind, Noisy
from anonymization.dp.queries.prepare import with_bin, with_columns
from anonymization.dp.query_plan import Z_95, Expected, Frame, NoisePart, QueryPlan, asked_with
from policies.model.dp_queries import Status
from policies.model.method import DpQuery, PublicKeys

STATE = "__state"
BEYOND = "beyond"
Floats = npt.NDArray[np.float64]


def _frame(query: DpQuery) -> Frame:
    edges = edges_of(query)
    states = [f"{place}{what}" for place in range(len(edges.values) - 1) for what in ("e", "c")]
    state = PublicKeys(column=STATE, values=(*states, BEYOND), source=edges.source)
    by = (*query.by, state)
    return Frame(
        by=by,
        cells_per_person=min(query.bounds.cells_per_person, Frame(by, 1).cells),
        rows_per_person_per_cell=query.bounds.rows_per_person_per_cell,
    )


def _status(query: DpQuery) -> Status:
    return asked_with(query.status, query.name)


def _prepare(rows: Any, query: QueryPlan, key: bytes) -> Any:
    del key
    asked = query.question
    status, time = _status(asked), asked.value or ""
    rows = with_columns(rows, query, [time, status.column, *(each.column for each in asked.by)])
    code = rows[status.column].cast("string")
    what = ibis.cases((code.isin(list(status.observed)), "e"), (code.isin(list(status.censored)), "c"))
    rows = rows.mutate(__what=what)
    rows = rows.filter(rows["__what"].notnull())
    horizon = float(edges_of(asked).values[-1])
    number = rows[time].cast("float64")
    # NaN is neither: a time that is not a number counts nowhere.
    late = rows.filter((number > horizon) & ~number.isnan())
    beyond = late.mutate(**{STATE: ibis.literal(BEYOND)}).drop("__what")
    within = with_bin(rows, time, edges_of(asked).values, label=BIN, clamp=False)
    within = within.mutate(**{STATE: within[BIN] + within["__what"]}).drop("__what", BIN)
    return within.union(beyond.select(*within.columns))


def _expect(query: DpQuery, frame: Frame, parts: tuple[NoisePart, ...]) -> Expected:
    del query, frame
    return Expected(parts[0].error_95, "the events or the censored of one interval")


def survival_curve(events: Floats, at_risk: Floats, *, sigma: float) -> tuple[list[float | None], list[float | None]]:
    """Return the share that survives to the end of each interval, and its 95 % error from noise by the delta method.

    Both are null from the first interval on in which fewer are at risk than twice the noise of that number: what
    follows would rest on noise.

    Args:
        events: Noisy events of each interval.
        at_risk: Noisy number at risk at the start of each interval (sum of the cells from it to the end).
        sigma: Scale of the noise of one cell.
    """
    survivors: list[float | None] = []
    errors: list[float | None] = []
    places, share = len(events), 1.0
    # How the logarithm of the curve moves with each noisy cell: events, censored, beyond.
    of_events, of_censored, of_beyond = np.zeros(places), np.zeros(places), 0.0
    for place in range(places):
        noise = sigma * np.sqrt(2 * (places - place) + 1)
        if at_risk[place] < max(10.0, 2 * Z_95 * noise):
            return [*survivors, *[None] * (places - place)], [*errors, *[None] * (places - place)]
        # Half a row is kept at risk, so that one noisy interval does not end the curve.
        died = min(max(float(events[place]), 0.0), float(at_risk[place]) - 0.5)
        left = float(at_risk[place]) - died
        share *= left / float(at_risk[place])
        moved = 1 / left - 1 / float(at_risk[place])
        of_events[place:] += moved
        of_events[place] -= 1 / left
        of_censored[place:] += moved
        of_beyond += moved
        squares = float(of_events @ of_events + of_censored @ of_censored + of_beyond**2)
        survivors.append(share)
        errors.append(Z_95 * sigma * share * squares**0.5)
    return survivors, errors


def _answer(query: QueryPlan, noisy: Noisy) -> Columns:
    asked = query.question
    edges = edges_of(asked)
    places = len(edges.values) - 1
    counts, sigma = noisy["rows"], query.parts[0].sigma
    groups = [counts[start:stop] for start, stop in pairwise(range(0, len(counts) + 1, 2 * places + 1))]
    events: list[int] = []
    censored: list[int] = []
    at_risk: list[int] = []
    value: list[float | None] = []
    error: list[float | None] = []
    for group in groups:
        died, risk = list(group[0:-1:2]), np.cumsum(list(group)[::-1])[::-1][:-1:2]
        events.extend(died)
        censored.extend(group[1:-1:2])
        at_risk.extend(int(number) for number in risk)
        curve, errors = survival_curve(np.array(died, dtype=np.float64), risk.astype(np.float64), sigma=sigma)
        value.extend(curve)
        error.extend(errors)
    return (
        key_columns(asked.by, each=places)
        | bounds_columns(edges, times=len(groups))
        | {
            "noisy_at_risk": pa.array(at_risk, pa.int64()),
            "noisy_events": pa.array(events, pa.int64()),
            "noisy_censored": pa.array(censored, pa.int64()),
            "value": pa.array(value, pa.float64()),
            "error_95": pa.array(error, pa.float64()),
        }
    )


SURVIVAL = Kind(_frame, _expect, _answer, _prepare)
