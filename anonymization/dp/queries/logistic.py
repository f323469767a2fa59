"""A logistic regression of a binary outcome from one noisy table of outcome by predictors on their public grids.

That table holds all that the likelihood of the gridded model needs. The slopes solve its score equation with the signed noisy
counts put in: the score is linear in them, so noise of mean zero moves the solution about the true one, and nothing is
held at zero first, which would pull it to one side. There is no answer where noise rules: too few rows, or a curvature of
the likelihood that its own noise could have made.

Not quadratic moments, as PASS-GLM has them: they hold the difference of risks and not the odds. Without any noise, with
|xᵀθ| up to R = 4, they miss slopes by +51 % (outcome in half of the rows, weak predictors) to -90 % (outcome in 2 of 100);
fitted to each group's own level and spread they still miss those of skewed predictors by 20 to 60 % (see DECISIONS). Not objective
perturbation: it is proved for an exact minimum, which no floating-point optimizer returns.

Source: Fienberg, Rinaldo, Yang, PSD 2010 (log-linear models of noisy tables); Huggins, Adams, Broderick, NeurIPS 2017 (PASS-GLM).
"""

import math
from collections.abc import Sequence
from itertools import pairwise, product
from math import prod
from typing import Any

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from anonymization.dp.queries.grid import key_columns
from anonymization.dp.queries.kind import Columns, Kind, Noisy
from anonymization.dp.queries.mean import enough_rows
from anonymization.dp.queries.moments import Variable, variables_of
from anonymization.dp.queries.prepare import whole_units, with_columns
from anonymization.dp.queries.regression import INTERCEPT, REGRESSION_ROWS
from anonymization.dp.query_plan import Z_95, Expected, Frame, NoisePart, QueryPlan, asked_with
from policies.errors import PolicyError
from policies.model.dp_queries import Outcome
from policies.model.method import DpQuery, PublicKeys

PROFILE = "__profile"
MAX_PROFILES = 20_000
"""Combinations of predictor values; each adds its noise to every slope."""
CLEAR = 4.0
"""The least curvature must be so many times its own noise; from there on the stated error holds (measured)."""
_ROUNDS = 50
_TOLERANCE = 1e-9

Floats = npt.NDArray[np.float64]


def outcome_of(query: DpQuery) -> Outcome:
    """Return the outcome and its public codes; the policy model refuses a logistic regression without it."""
    return asked_with(query.outcome, query.name)


def levels_of(variable: Variable) -> int:
    """Return how many values a predictor has on its public grid."""
    return variable.units.high - variable.units.low + 1


def profiles_of(variables: Sequence[Variable]) -> Floats:
    """Return the design: a constant and the predictors on ±1 scales, one row a combination, the last predictor fastest."""
    scaled = [
        [(unit - each.units.center) / each.units.half for unit in range(each.units.low, each.units.high + 1)]
        for each in variables
    ]
    return np.array([(1.0, *values) for values in product(*scaled)])


def _frame(query: DpQuery) -> Frame:
    outcome = outcome_of(query)
    profiles = prod(levels_of(each) for each in variables_of(query))
    if profiles > MAX_PROFILES:
        raise PolicyError(
            "dp.too-many-cells",
            what=f"the predictors of query '{query.name}' have {profiles:,} combinations, more than {MAX_PROFILES:,}",
            why="a logistic regression is read from a noisy table of outcome by all of them",
            fix="give the clips of the predictors coarser grids, or ask for fewer predictors",
        )
    cells = PublicKeys(column=PROFILE, values=tuple(str(place) for place in range(2 * profiles)), source=outcome.source)
    by = (*query.by, cells)
    return Frame(
        by=by,
        cells_per_person=min(query.bounds.cells_per_person, Frame(by, 1).cells),
        rows_per_person_per_cell=query.bounds.rows_per_person_per_cell,
    )


def _prepare(rows: Any, query: QueryPlan, key: bytes) -> Any:
    """Give each row the number of its combination, doubled, plus one for an event; rows that lack a part count nowhere."""
    del key
    asked = query.question
    outcome, variables = outcome_of(asked), variables_of(asked)
    columns = [outcome.column, *(each.column for each in variables), *(each.column for each in asked.by)]
    rows = with_columns(rows, query, columns)
    code = rows[outcome.column].cast("string")
    happened: Any = ibis.cases((code.isin(list(outcome.event)), 1), (code.isin(list(outcome.no_event)), 0))
    place: Any = ibis.literal(0, "int64")
    for each in variables:
        level = whole_units(rows[each.column], each.units) + (each.units.center - each.units.low)
        place = place * levels_of(each) + level
    rows = rows.mutate(__place=place * 2 + happened)
    rows = rows.filter(rows["__place"].notnull())
    return rows.mutate(**{PROFILE: rows["__place"].cast("string")}).drop("__place")


def _expect(query: DpQuery, frame: Frame, parts: tuple[NoisePart, ...]) -> Expected:
    del frame
    variables = variables_of(query)
    design = profiles_of(variables)
    squares = (design**2).mean(axis=0)[1:]
    # At odds of one both counts of a profile enter its score at a half, and a row adds a quarter of z² to the curvature.
    scores = parts[0].sigma * np.sqrt(len(design) * squares / 2)
    errors = Z_95 * scores / (REGRESSION_ROWS * squares / 4)
    worst = max(float(error) / each.half for error, each in zip(errors, variables, strict=True))
    return Expected(
        worst,
        f"a slope (of the log odds) from {REGRESSION_ROWS:,} rows whose predictors are spread evenly and half have the event",
    )


def logistic(counts: Floats, design: Floats, *, sigma: float) -> tuple[Floats, Floats, Floats] | None:
    """Solve the score equation, and say how the solution moves with the noise and with the sample.

    Args:
        counts: Signed counts: a row for each row of `design`, without and with the event.
        design: A constant and predictors.
        sigma: Scale of the noise of one count.

    Returns:
        Coefficients, their covariance from the noise, and from the sample (rows taken as independent); or nothing where
        Newton's steps do not settle, or where the curvature is not clear of its noise.
    """
    found = np.zeros(design.shape[1])
    for _ in range(_ROUNDS):
        chance = 1 / (1 + np.exp(-np.clip(design @ found, -30, 30)))
        curvature = (design.T * (counts.sum(axis=1) * chance * (1 - chance))) @ design
        if not _is_clear(curvature, design, chance, sigma):
            return None
        score = design.T @ (counts[:, 1] - counts.sum(axis=1) * chance)
        step = np.linalg.solve(curvature, score)
        # Never farther than one at a time: far out a step of Newton overshoots.
        found = found + step / max(1.0, float(np.abs(step).max()))
        if float(np.abs(step).max()) < _TOLERANCE:
            inverse = np.linalg.inv(curvature)
            noise = (design.T * (chance**2 + (1 - chance) ** 2)) @ design
            return found, sigma**2 * inverse @ noise @ inverse, inverse
    return None


def _is_clear(curvature: Floats, design: Floats, chance: Floats, sigma: float) -> bool:
    """Return whether the flattest direction is curved by more than noise: `CLEAR` times the noise of its own curvature."""
    least, directions = np.linalg.eigh(curvature)
    along = (design @ directions[:, 0]) ** 2 * chance * (1 - chance)
    noise = sigma * math.sqrt(2 * float(along @ along))
    return bool(least[0] > max(CLEAR * noise, 1e-9))


def _natural(variables: Sequence[Variable]) -> Floats:
    """Return what turns coefficients on ±1 scales into those of natural units."""
    turned = np.diag([1.0, *(1 / each.half for each in variables)])
    turned[0, 1:] = [-each.center / each.half for each in variables]
    return turned


def _of_group(counts: Floats, variables: Sequence[Variable], *, sigma: float) -> list[tuple[float | None, ...]]:
    """Return value, error by noise and error by sample of each term; all null where there is no answer."""
    design = profiles_of(variables)
    none: list[tuple[float | None, ...]] = [(None, None, None)] * design.shape[1]
    if float(counts.sum()) < enough_rows(Z_95 * sigma * math.sqrt(counts.size)):
        return none
    solved = logistic(counts, design, sigma=sigma)
    if solved is None:
        return none
    turned = _natural(variables)
    value = turned @ solved[0]
    noise, sample = (Z_95 * np.sqrt(np.diag(turned @ spread @ turned.T)) for spread in solved[1:])
    return [(float(one), float(two), float(three)) for one, two, three in zip(value, noise, sample, strict=True)]


def _answer(query: QueryPlan, noisy: Noisy) -> Columns:
    asked = query.question
    variables = variables_of(asked)
    terms = [INTERCEPT, *(each.column for each in variables)]
    size = 2 * prod(levels_of(each) for each in variables)
    vector = noisy["rows"]
    groups = [
        np.array(vector[start:stop], dtype=np.float64).reshape(-1, 2)
        for start, stop in pairwise(range(0, len(vector) + 1, size))
    ]
    found = [row for group in groups for row in _of_group(group, variables, sigma=query.parts[0].sigma)]
    value, error, sample = ([row[place] for row in found] for place in range(3))
    return key_columns(asked.by, each=len(terms)) | {
        "term": pa.array(terms * len(groups), pa.string()),
        "noisy_count": pa.array([int(group.sum()) for group in groups for _ in terms], pa.int64()),
        "noisy_events": pa.array([int(group[:, 1].sum()) for group in groups for _ in terms], pa.int64()),
        "value": pa.array(value, pa.float64()),
        "error_95": pa.array(error, pa.float64()),
        "sampling_error_95": pa.array(sample, pa.float64()),
    }


LOGISTIC_REGRESSION = Kind(_frame, _expect, _answer, _prepare)
