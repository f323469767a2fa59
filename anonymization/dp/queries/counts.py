"""People, rows and sums by public keys: one noisy vector, held at 0 or more where that is declared."""

import pyarrow as pa

from anonymization.dp.queries.grid import key_columns
from anonymization.dp.queries.kind import Columns, Kind, Noisy
from anonymization.dp.query_plan import Expected, Frame, NoisePart, QueryPlan, units_of
from policies.model.method import DpQuery


def is_clamped(query: QueryPlan) -> bool:
    """Return whether noisy counts are held at 0 or more before they are called values; the default is that they are."""
    declared = query.asked.post_processing if query.asked else None
    return declared is None or "clamp0" in declared


def _frame(query: DpQuery) -> Frame:
    cells = Frame(query.by, 1).cells
    return Frame(
        by=query.by,
        # A person cannot be in more cells than there are: the tighter bound costs nothing.
        cells_per_person=min(query.bounds.cells_per_person, cells),
        rows_per_person_per_cell=1 if query.statistic == "people" else query.bounds.rows_per_person_per_cell,
        value=query.value,
        units=units_of(query.clip, query.name, centered=False) if query.clip else None,
        split=("people" if query.statistic == "people" else "sum" if query.statistic == "sum" else "rows",),
    )


def expect_each_cell(query: DpQuery, frame: Frame, parts: tuple[NoisePart, ...]) -> Expected:
    """Return the error of one noisy cell."""
    del query, frame
    return Expected(parts[0].error_95)


def _counted(query: QueryPlan, noisy: Noisy) -> Columns:
    counts = noisy[query.parts[0].quantity]
    return key_columns(query.by) | count_columns(query, list(counts))


def count_columns(query: QueryPlan, counts: list[int]) -> Columns:
    """Return `noisy`, `value` and `error_95` of noisy counts."""
    floor = is_clamped(query)
    return {
        "noisy": pa.array(counts, pa.int64()),
        "value": pa.array([max(0, count) if floor else count for count in counts], pa.int64()),
        "error_95": pa.array([query.parts[0].error_95] * len(counts), pa.float64()),
    }


def _summed(query: QueryPlan, noisy: Noisy) -> Columns:
    units = query.units
    natural = [units.natural(total) if units else float(total) for total in noisy["sum"]]
    never_negative = units is not None and units.low >= 0
    return key_columns(query.by) | {
        "noisy": pa.array(natural, pa.float64()),
        "value": pa.array([max(0.0, total) if never_negative else total for total in natural], pa.float64()),
        "error_95": pa.array([query.error_95] * len(natural), pa.float64()),
    }


COUNT = Kind(_frame, expect_each_cell, _counted)
SUM = Kind(_frame, expect_each_cell, _summed)
