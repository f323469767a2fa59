"""Logistic regression from a noisy table: against the maximum of the likelihood of the rows, errors that hold, refusals."""

import math
import random

import numpy as np
import pytest

from anonymization.dp.queries.logistic import logistic
from anonymization.dp.release import noisy_table, query_cells
from policies.errors import PolicyError
from tests.support.dp_methods import BOUNDING_KEY, planned
from tests.support.dp_questions import DAYS, Row, question, table

INTERCEPT, SLOPE = -1.2, 0.03
DESIGN = np.column_stack([np.ones(5), np.linspace(-1, 1, 5)])


def patients(count: int) -> list[Row]:
    """Make people who die with log odds -1.2 + 0.03 · days, days on the public grid of 25."""
    chance = random.Random(11)
    rows: list[Row] = []
    for number in range(count):
        days = 25.0 * chance.randrange(5)
        died = chance.random() < 1 / (1 + math.exp(-(INTERCEPT + SLOPE * days)))
        rows.append((f"p{number}", "north", days, 7.0, "died" if died else "left"))
    return rows


def likeliest(rows: list[Row]) -> np.ndarray:
    """Return intercept and slope at the maximum of the likelihood of the rows, by plain ascent in each direction."""
    design = np.array([(1.0, row[2]) for row in rows])
    events = np.array([row[4] == "died" for row in rows], float)
    found = np.zeros(2)
    for _ in range(100):
        chance = 1 / (1 + np.exp(-design @ found))
        found = found + np.linalg.solve((design.T * chance * (1 - chance)) @ design, design.T @ (events - chance))
    return found


def test_cells_hold_each_row_at_its_combination_and_outcome() -> None:
    rows = [*patients(60), ("x", "north", None, 7.0, "died"), ("y", "north", 500.0, 7.0, "unknown")]
    plan = planned([question("logistic_regression", by=[])]).queries[0]
    expected = np.zeros(10, int)
    for row in rows[:60]:
        expected[2 * int(row[2] / 25) + (row[4] == "died")] += 1  # type: ignore[operator]  # all have days
    assert query_cells(table(rows), plan, key=BOUNDING_KEY)["rows"].tolist() == expected.tolist()


def test_slopes_are_near_the_likeliest_of_the_rows() -> None:
    rows = patients(6_000)
    plan = planned([question("logistic_regression", by=[])], rho="1").queries[0]
    found = noisy_table(plan, query_cells(table(rows), plan, key=BOUNDING_KEY)).to_pydict()
    assert found["term"] == ["intercept", "days"]
    for value, error, truth, sample in zip(
        found["value"], found["error_95"], likeliest(rows), found["sampling_error_95"], strict=True
    ):
        assert abs(value - truth) < 4 * error
        assert error < sample  # at this size noise is not what one should worry about


def test_without_noise_it_is_the_maximum_of_the_likelihood() -> None:
    rows = patients(2_000)
    counts = np.zeros((5, 2))
    for row in rows:
        counts[int(row[2] / 25), int(row[4] == "died")] += 1  # type: ignore[operator]  # all have days
    solved = logistic(counts, DESIGN, sigma=1e-9)
    assert solved is not None
    truth = likeliest(rows)
    assert solved[0] == pytest.approx([truth[0] + 50 * truth[1], 50 * truth[1]], rel=1e-6)


def test_the_error_of_a_slope_is_that_of_repeated_noise() -> None:
    draws = np.random.default_rng(3)
    chance = 1 / (1 + np.exp(-DESIGN @ [0.3, 0.8]))
    counts = np.column_stack([400 * (1 - chance), 400 * chance])
    found = [logistic(counts + draws.normal(0, 5, counts.shape), DESIGN, sigma=5.0) for _ in range(1_500)]
    slopes = np.array([solved[0] for solved in found if solved is not None])
    assert len(slopes) == len(found)
    said = logistic(counts, DESIGN, sigma=5.0)
    assert said is not None
    assert np.sqrt(np.diag(said[1])) == pytest.approx(slopes.std(axis=0), rel=0.1)
    # Noise of mean zero moves the solution to no side.
    assert slopes.mean(axis=0) == pytest.approx([0.3, 0.8], abs=4 * float(slopes.std()) / math.sqrt(len(slopes)))


@pytest.mark.parametrize("rows", [0, 30])
def test_where_noise_rules_there_is_no_answer(rows: int) -> None:
    plan = planned([question("logistic_regression", by=[])], rho="0.01").queries[0]
    found = noisy_table(plan, query_cells(table(patients(rows)), plan, key=BOUNDING_KEY)).to_pydict()
    assert found["value"] == found["error_95"] == found["sampling_error_95"] == [None, None]


def test_too_many_combinations_of_predictors_are_refused() -> None:
    fine = {**DAYS, "grid": "0.01"}
    with pytest.raises(PolicyError) as caught:
        planned(
            [question("logistic_regression", by=[], predictors=[{"column": "days", "clip": {**fine, "high": "300"}}])]
        )
    assert caught.value.code == "dp.too-many-cells"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"event": ["died"], "no_event": ["died"]}, "twice"),
        ({"event": []}, "at least 1"),
        ({"column": "days"}, "is the outcome"),
    ],
)
def test_an_outcome_that_makes_no_sense_is_refused(changed: dict[str, object], words: str) -> None:
    asked = question("logistic_regression")
    asked["outcome"] = {**asked["outcome"], **changed}  # type: ignore[dict-item]  # a mapping, as the helper wrote it
    with pytest.raises(ValueError, match=words):
        planned([asked])
