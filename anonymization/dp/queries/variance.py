"""A variance from a noisy count, sum and sum of squares of distances from the middle of the range (moments of one column)."""

import math

import pyarrow as pa

from anonymization.dp.queries.grid import key_columns
from anonymization.dp.queries.kind import Columns, Kind, Noisy
from anonymization.dp.queries.mean import enough_rows
from anonymization.dp.queries.moments import moment_frame, moment_matrices, prepare_moments, variables_of
from anonymization.dp.query_plan import REFERENCE_ROWS, Z_95, Expected, Frame, NoisePart, QueryPlan
from policies.model.method import DpQuery


def variance_error(noise: float, *, rows: float, mean: float, variance: float) -> float:
    """Return the 95 % error of Q/n - (S/n)² by the delta method, for equal noise in n, S and Q, all scaled to ±1."""
    of_rows = mean * mean - variance
    return Z_95 * noise * math.sqrt(1 + 4 * mean * mean + of_rows * of_rows) / rows


def _expect(query: DpQuery, frame: Frame, parts: tuple[NoisePart, ...]) -> Expected:
    (variable,) = variables_of(query)
    largest = frame.units.high if frame.units else 1
    worst = max(
        variance_error(parts[0].sigma / largest, rows=REFERENCE_ROWS, mean=mean, variance=1 - mean * mean)
        for mean in (0.0, 0.5, 1.0)
    )
    return Expected(worst * variable.half**2, f"a cell of {REFERENCE_ROWS} rows")


def _answer(query: QueryPlan, noisy: Noisy) -> Columns:
    (variable,) = variables_of(query.question)
    matrices, noise = moment_matrices(query, noisy["sum"])
    square = variable.half**2
    raw: list[float | None] = []
    value: list[float | None] = []
    error: list[float | None] = []
    for matrix in matrices:
        rows, total, squares = (float(number) for number in (matrix[0, 0], matrix[0, 1], matrix[1, 1]))
        spread = squares / rows - (total / rows) ** 2 if rows > 0 else None
        is_shown = spread is not None and rows >= enough_rows(Z_95 * noise)
        shown = min(max(spread, 0.0), 1.0) if spread is not None and is_shown else None
        raw.append(None if spread is None else spread * square)
        value.append(None if shown is None else shown * square)
        mean = min(max(total / rows, -1.0), 1.0) if rows > 0 else 0.0
        error.append(None if shown is None else variance_error(noise, rows=rows, mean=mean, variance=shown) * square)
    return key_columns(query.question.by) | {
        "noisy_count": pa.array([float(matrix[0, 0]) for matrix in matrices], pa.float64()),
        "noisy_sum": pa.array([float(matrix[0, 1]) * variable.half for matrix in matrices], pa.float64()),
        "noisy_squares": pa.array([float(matrix[1, 1]) * square for matrix in matrices], pa.float64()),
        "noisy": pa.array(raw, pa.float64()),
        "value": pa.array(value, pa.float64()),
        "error_95": pa.array(error, pa.float64()),
    }


VARIANCE = Kind(moment_frame, _expect, _answer, prepare_moments)
