"""A linear regression from noisy moments, with a ridge where the noise would rule; errors are those of the noise only.

Source: Wang, Revisiting differentially private linear regression, UAI 2018 (ridge as large as the noise asks).
"""

import math

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from anonymization.dp.queries.grid import key_columns
from anonymization.dp.queries.kind import Columns, Kind, Noisy
from anonymization.dp.queries.mean import enough_rows
from anonymization.dp.queries.moments import (
    Variable,
    moment_frame,
    moment_matrices,
    pairs_of,
    prepare_moments,
    variables_of,
)
from anonymization.dp.query_plan import Z_95, Expected, Frame, NoisePart, QueryPlan
from policies.model.method import DpQuery

INTERCEPT = "intercept"
REGRESSION_ROWS = 1_000
"""The error of a slope before the run is stated for a group of so many rows, its predictors spread evenly."""

Floats = npt.NDArray[np.float64]


def _expect(query: DpQuery, frame: Frame, parts: tuple[NoisePart, ...]) -> Expected:
    *predictors, outcome = variables_of(query)
    largest = frame.units.high if frame.units else 1
    # An evenly spread predictor has variance 1/3 on ±1, so a slope's noise is that of one moment by n/3.
    slope = Z_95 * parts[0].sigma / largest * 3 / REGRESSION_ROWS
    worst = max(slope * outcome.half / predictor.half for predictor in predictors)
    return Expected(
        worst, f"a slope from {REGRESSION_ROWS:,} rows whose predictors are spread evenly over their ranges"
    )


def ridge(matrix: Floats, noise: float) -> float:
    """Return what is added to the diagonal of XᵀX so that its least eigenvalue is at least the size of its noise.

    The largest eigenvalue of symmetric noise of scale σ in d dimensions is about 2σ√d.
    """
    least = float(np.linalg.eigvalsh(matrix)[0])
    return max(0.0, 2 * noise * math.sqrt(len(matrix)) - least)


def slopes(moments: Floats, noise: float) -> tuple[Floats, Floats]:
    """Return the coefficients on ±1 scales and their 95 % errors from the noise, by the delta method.

    Args:
        moments: Symmetric moments of constant, predictors and, last, outcome.
        noise: Scale of the noise of one moment.
    """
    inner, outer = moments[:-1, :-1], moments[:-1, -1]
    inverse = np.linalg.inv(inner + ridge(inner, noise) * np.eye(len(inner)))
    found = inverse @ outer
    squares = (inverse**2).sum(axis=1)
    for low, high in pairs_of(len(inner) - 1):
        # One noisy moment stands at (low, high) and (high, low): it moves the coefficients by -A⁻¹ E b.
        moved = inverse[:, low] * found[high]
        if low != high:
            moved = moved + inverse[:, high] * found[low]
        squares = squares + moved**2
    return found, Z_95 * noise * np.sqrt(squares)


def _natural(scaled: Floats, variables: tuple[Variable, ...]) -> Floats:
    """Return intercept and slopes in natural units; linear in `scaled`."""
    *predictors, outcome = variables
    steep = np.array([scaled[place] * outcome.half / each.half for place, each in enumerate(predictors, 1)])
    centers = np.array([each.center for each in predictors])
    return np.concatenate([[outcome.center + scaled[0] * outcome.half - float(steep @ centers)], steep])


def _errors(scaled: Floats, variables: tuple[Variable, ...]) -> Floats:
    *predictors, outcome = variables
    steep = np.array([scaled[place] * outcome.half / each.half for place, each in enumerate(predictors, 1)])
    # The intercept's error adds those of its parts, as if they were of one sign: outward.
    farthest = float(steep @ np.abs([each.center for each in predictors]))
    return np.concatenate([[scaled[0] * outcome.half + farthest], steep])


def _answer(query: QueryPlan, noisy: Noisy) -> Columns:
    variables = variables_of(query.question)
    matrices, noise = moment_matrices(query, noisy["sum"])
    terms = [INTERCEPT, *(each.column for each in variables[:-1])]
    value: list[float | None] = []
    error: list[float | None] = []
    for matrix in matrices:
        if matrix[0, 0] < enough_rows(2 * Z_95 * noise * math.sqrt(len(terms))):
            value.extend([None] * len(terms))
            error.extend([None] * len(terms))
            continue
        found, errors = slopes(matrix, noise)
        value.extend(float(number) for number in _natural(found, variables))
        error.extend(float(number) for number in _errors(errors, variables))
    return key_columns(query.question.by, each=len(terms)) | {
        "term": pa.array(terms * len(matrices), pa.string()),
        "noisy_count": pa.array([float(matrix[0, 0]) for matrix in matrices for _ in terms], pa.float64()),
        "value": pa.array(value, pa.float64()),
        "error_95": pa.array(error, pa.float64()),
    }


REGRESSION = Kind(moment_frame, _expect, _answer, prepare_moments)
