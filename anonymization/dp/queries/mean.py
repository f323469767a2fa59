"""A mean as a noisy sum of distances from the middle of its range, by a noisy count; half of the loss each."""

import pyarrow as pa

from anonymization.dp.queries.grid import key_columns
from anonymization.dp.queries.kind import Columns, Kind, Noisy
from anonymization.dp.query_plan import REFERENCE_ROWS, Expected, Frame, NoisePart, QueryPlan, mean_error, units_of
from policies.errors import PolicyError
from policies.model.method import DpQuery

MIN_MEAN_ROWS = 10.0
"""A mean is shown only if its noisy count is at least this, and at least twice the 95 % error of the count."""


def enough_rows(count_error: float) -> float:
    """Return the noisy count from which a figure of a group is shown."""
    return max(MIN_MEAN_ROWS, 2 * count_error)


def _frame(query: DpQuery) -> Frame:
    return Frame(
        by=query.by,
        cells_per_person=min(query.bounds.cells_per_person, Frame(query.by, 1).cells),
        rows_per_person_per_cell=query.bounds.rows_per_person_per_cell,
        value=query.value,
        units=units_of(query.clip, query.name, centered=True) if query.clip else None,
        split=("sum", "rows"),
    )


def _expect(query: DpQuery, frame: Frame, parts: tuple[NoisePart, ...]) -> Expected:
    del query
    half = 0.0 if frame.units is None else frame.units.half * float(frame.units.grid)
    error = mean_error(parts[0], parts[1], rows=REFERENCE_ROWS, from_center=half)
    return Expected(error, f"a cell of {REFERENCE_ROWS} rows")


def _answer(query: QueryPlan, noise: Noisy) -> Columns:
    units, total, count = query.units, query.part("sum"), query.part("rows")
    if units is None:
        raise PolicyError(
            "dp.mean-without-clip",
            what=f"query '{query.name}' has no clip",
            why="a mean is a noisy sum of clipped values by a noisy count",
            fix="write its clip",
        )
    center, low, high = (units.natural(point) for point in (units.center, units.low, units.high))
    enough = enough_rows(count.error_95)
    noisy: list[float | None] = []
    value: list[float | None] = []
    error: list[float | None] = []
    for distance, rows in zip(noise["sum"], noise["rows"], strict=True):
        ratio = center + units.natural(distance) / rows if rows > 0 else None
        shown = None if ratio is None or rows < enough else min(max(ratio, low), high)
        noisy.append(ratio)
        value.append(shown)
        error.append(None if shown is None else mean_error(total, count, rows=rows, from_center=abs(shown - center)))
    return key_columns(query.by) | {
        "noisy_sum": pa.array([units.natural(distance) for distance in noise["sum"]], pa.float64()),
        "noisy_count": pa.array(noise["rows"], pa.int64()),
        "noisy": pa.array(noisy, pa.float64()),
        "value": pa.array(value, pa.float64()),
        "error_95": pa.array(error, pa.float64()),
    }


MEAN = Kind(_frame, _expect, _answer)
