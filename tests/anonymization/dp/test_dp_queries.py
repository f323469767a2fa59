"""The closed vocabulary: cells against a second implementation, one person's change, errors that hold, answers."""

import math
import random
from collections import Counter, defaultdict
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymization.dp.plan import plan
from anonymization.dp.queries.marginals import consistent
from anonymization.dp.queries.quantiles import rising
from anonymization.dp.queries.regression import slopes
from anonymization.dp.queries.survival import survival_curve
from anonymization.dp.release import measure, noisy_table, query_cells
from anonymization.release_checks.noisy import recount_noisy
from policies.errors import PolicyError
from tests.support.dp_methods import BOUNDING_KEY, REGIONS, VISITS_TABLE, any_release, method, planned
from tests.support.dp_questions import SPECIAL, Row, question, table

STATISTICS = sorted(SPECIAL)


def cells_of(statistic: str, rows: list[Row], *, cells: int = 1, per_cell: int = 1) -> np.ndarray:
    plan = planned([question(statistic, cells=cells, rows=per_cell)]).queries[0]
    (vector,) = query_cells(table(rows), plan, key=BOUNDING_KEY).values()
    return vector


rows_of_people = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c"]),
        st.sampled_from([*REGIONS, "elsewhere"]),
        st.sampled_from([None, -5.0, 0.0, 24.9, 50.0, 100.0, 500.0, math.nan]),
        st.sampled_from([None, 1.0, 3.0, 6.94, 15.0, 99.0, math.nan, math.inf]),
        st.sampled_from(["died", "left", "unknown"]),
    ),
    max_size=8,
)


@pytest.mark.parametrize("statistic", STATISTICS)
@given(rows=rows_of_people, cells=st.integers(1, 3), per_cell=st.integers(1, 2))
@settings(max_examples=3, deadline=None)
def test_one_person_moves_no_more_than_the_noise_covers(
    statistic: str, rows: list[Row], cells: int, per_cell: int
) -> None:
    plan = planned([question(statistic, cells=cells, rows=per_cell)]).queries[0]
    (part,) = plan.parts
    everybody = query_cells(table(rows), plan, key=BOUNDING_KEY)[part.quantity]
    without = query_cells(table([row for row in rows if row[0] != "a"]), plan, key=BOUNDING_KEY)[part.quantity]
    change = [int(number) for number in everybody - without]
    assert sum(number**2 for number in change) <= part.sensitivity**2
    assert sum(number != 0 for number in change) <= plan.cells_per_person


def people(count: int) -> list[Row]:
    """Make people with one row each, inside all bounds; the outcome falls with the days."""
    made = random.Random(7)
    rows: list[Row] = []
    for number in range(count):
        days = float(made.randrange(0, 130))
        value = round(8 - 0.03 * (min(days, 100.0) - 50) + made.uniform(-1, 1), 1)
        rows.append((f"p{number}", made.choice(REGIONS), days, value, made.choice(["died", "left", "left"])))
    return rows


PEOPLE = people(3_000)


def test_histogram_cells_are_those_of_a_second_implementation() -> None:
    counted = Counter((row[1], sum(row[3] >= edge for edge in (5, 7, 9))) for row in PEOPLE)  # type: ignore[operator]
    assert cells_of("histogram", PEOPLE).tolist() == [
        counted[region, place] for region in REGIONS for place in range(4)
    ]


def test_survival_cells_are_those_of_a_second_implementation() -> None:
    def state(row: Row) -> str:
        place = next(
            (place for place, (low, high) in enumerate([(0, 25), (25, 50), (50, 101)]) if low <= row[2] < high), None
        )  # type: ignore[operator]
        return "beyond" if place is None else f"{place}{row[4][0]}"

    counted = Counter((row[1], state(row)) for row in PEOPLE)
    states = ["0d", "0l", "1d", "1l", "2d", "2l", "beyond"]
    assert cells_of("survival", PEOPLE).tolist() == [counted[region, each] for region in REGIONS for each in states]


def test_margins_are_those_of_a_second_implementation() -> None:
    joint = Counter((row[1], row[4]) for row in PEOPLE)
    expected = [joint[region, what] for region in REGIONS for what in ("died", "left")]
    expected += [joint[region, "died"] + joint[region, "left"] for region in REGIONS]
    expected += [sum(joint[region, what] for region in REGIONS) for what in ("died", "left")]
    assert cells_of("marginals", PEOPLE).tolist() == expected


def test_moments_are_those_of_a_second_implementation() -> None:
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for row in PEOPLE:
        z = round(row[3] * 10) - 90  # type: ignore[operator]
        sums[row[1]] = [old + new for old, new in zip(sums[row[1]], (60 * 60, 60 * z, z * z), strict=True)]
    assert cells_of("variance", PEOPLE).tolist() == [number for region in REGIONS for number in sums[region]]


def test_a_persons_extra_rows_count_only_up_to_the_bounds() -> None:
    many: list[Row] = [("p", region, float(day), 6.0, "left") for region in REGIONS for day in range(20)]
    assert cells_of("variance", many, cells=2, per_cell=3).reshape(3, 3)[:, 0].sum() == 2 * 3 * 60 * 60
    assert cells_of("histogram", many, cells=2, per_cell=3).sum() == 6
    assert cells_of("marginals", many, cells=1).sum() == 3


def answer(statistic: str, *, rho: str = "1", **changed: object) -> dict[str, list[object]]:
    plan = planned([question(statistic, **changed)], rho=rho).queries[0]
    made = noisy_table(plan, query_cells(table(PEOPLE), plan, key=BOUNDING_KEY))
    return {name: made.column(name).to_pylist() for name in made.column_names}


def test_variance_regression_and_quantiles_are_near_the_truth_of_the_rows() -> None:
    north = np.array([(min(row[2], 100), row[3]) for row in PEOPLE if row[1] == "north"], dtype=float)  # type: ignore[type-var]
    spread = answer("variance")
    assert abs(spread["value"][0] - north[:, 1].var()) < 4 * spread["error_95"][0]  # type: ignore[operator]
    fitted = answer("regression")
    slope, intercept = np.polyfit(north[:, 0], north[:, 1], 1)
    assert fitted["term"][:2] == ["intercept", "days"]
    assert abs(fitted["value"][0] - intercept) < 4 * fitted["error_95"][0]  # type: ignore[operator]
    assert abs(fitted["value"][1] - slope) < 4 * fitted["error_95"][1]  # type: ignore[operator]
    median = answer(
        "quantiles", edges={"values": [str(edge / 10) for edge in range(30, 151, 5)], "source": "guideline"}
    )
    assert median["low_95"][1] <= np.quantile(north[:, 1], 0.5) <= median["high_95"][1]  # type: ignore[operator]


def test_a_curve_is_kaplan_meiers_where_noise_is_small() -> None:
    # 21 at risk, 3 die; 17 at risk after one left, 2 die: 18/21 · 15/17.
    curve, errors = survival_curve(np.array([3.0, 2.0]), np.array([21.0, 17.0]), sigma=1e-6)
    assert curve == pytest.approx([18 / 21, 18 / 21 * 15 / 17])
    assert 0 < errors[0] < errors[1] < 1e-6  # type: ignore[operator]
    few, _ = survival_curve(np.array([3.0, 2.0]), np.array([21.0, 17.0]), sigma=5.0)
    assert few == [None, None]


def test_the_error_of_a_curve_is_that_of_repeated_noise() -> None:
    events, censored, beyond = np.array([40.0, 30.0, 20.0]), np.array([10.0, 60.0, 5.0]), 300.0
    draws = np.random.default_rng(1)

    def curve(e: np.ndarray, c: np.ndarray, b: float) -> tuple[list[float | None], list[float | None]]:
        return survival_curve(e, np.cumsum((e + c)[::-1])[::-1] + b, sigma=3.0)

    ends = [
        curve(events + draws.normal(0, 3, 3), censored + draws.normal(0, 3, 3), beyond + draws.normal(0, 3))[0][2]
        for _ in range(3_000)
    ]
    stated = curve(events, censored, beyond)[1][2]
    assert stated == pytest.approx(1.96 * float(np.std(np.array(ends, dtype=float))), rel=0.1)


def test_the_error_of_a_slope_is_that_of_repeated_noise() -> None:
    draws = np.random.default_rng(2)
    moments = np.array([[500.0, 40.0, 90.0], [40.0, 160.0, 70.0], [90.0, 70.0, 120.0]])
    found = []
    for _ in range(3_000):
        noise = draws.normal(0, 2, (3, 3))
        found.append(slopes(moments + np.triu(noise) + np.triu(noise, 1).T, 2.0)[0])
    assert slopes(moments, 2.0)[1] == pytest.approx(1.96 * np.std(found, axis=0), rel=0.1)
    assert slopes(moments, 0.0)[0] == pytest.approx(np.linalg.solve(moments[:2, :2], moments[:2, 2]))


@given(st.lists(st.integers(-50, 50), min_size=1, max_size=12))
@settings(max_examples=50, deadline=None)
def test_rising_is_the_nearest_rising_sequence(numbers: list[int]) -> None:
    found = rising(numbers)
    assert (np.diff(found) >= -1e-9).all()
    # The min-max formula of isotonic regression (Robertson et al. 1988, 1.4.4).
    oracle = [
        max(
            min(float(np.mean(numbers[low : high + 1])) for high in range(place, len(numbers)))
            for low in range(place + 1)
        )
        for place in range(len(numbers))
    ]
    assert found == pytest.approx(oracle)


def test_consistent_margins_agree_are_nearest_and_never_negative() -> None:
    draws = np.random.default_rng(3)
    joint = draws.uniform(0, 40, (3, 4, 2))
    axes = [(0, 1), (1, 2), (0,), ()]
    noisy = [
        (joint.sum(axis=tuple({0, 1, 2} - set(kept))) + draws.normal(0, 5)).ravel()
        + draws.normal(0, 5, joint.sum(axis=tuple({0, 1, 2} - set(kept))).size)
        for kept in axes
    ]
    made = consistent(noisy, (3, 4, 2), axes, clamped=True)
    assert min(part.min() for part in made) >= 0
    assert made[0].reshape(3, 4).sum(axis=1) == pytest.approx(made[2], abs=1e-3)
    assert made[0].reshape(3, 4).sum(axis=0) == pytest.approx(made[1].reshape(4, 2).sum(axis=1), abs=1e-3)
    assert made[2].sum() == pytest.approx(made[3][0], abs=1e-3)
    # The least-squares answer of an independent solver, where the floor does not bind.
    matrix = np.concatenate([_margin(kept) for kept in axes])
    free = consistent(noisy, (3, 4, 2), axes, clamped=False)
    solved = matrix @ np.linalg.lstsq(matrix, np.concatenate(noisy), rcond=None)[0]
    assert np.concatenate(free) == pytest.approx(solved, abs=1e-2)


def _margin(kept: tuple[int, ...]) -> np.ndarray:
    gone = tuple({0, 1, 2} - set(kept))
    return np.array([np.eye(24)[place].reshape(3, 4, 2).sum(axis=gone).ravel() for place in range(24)]).T


def test_margins_keep_their_raw_numbers_beside_the_values() -> None:
    shown = answer("marginals")
    assert shown["margin"] == ["region × outcome"] * 6 + ["region"] * 3 + ["outcome"] * 2
    assert shown["region"][9:] == [None, None]
    assert all(isinstance(number, int) for number in shown["noisy"])
    assert sum(shown["value"][:6]) == pytest.approx(sum(shown["value"][9:]), abs=1e-2)  # type: ignore[arg-type]
    raw = answer("marginals", post_processing=[])
    assert raw["value"] == raw["noisy"]


def test_top_shows_only_the_first_ranks() -> None:
    shown = answer("top", top=2)
    assert shown["rank"] == [1, 2]
    assert shown["noisy"] == sorted(shown["noisy"], reverse=True)  # type: ignore[type-var]
    with pytest.raises(PolicyError, match="ranks") as refused:
        planned([question("top", top=4)])
    assert refused.value.code == "dp.top-beyond-keys"


@pytest.mark.parametrize("statistic", STATISTICS)
def test_an_error_is_said_before_the_run_and_what_it_is_of(statistic: str) -> None:
    plan = planned([question(statistic)]).queries[0]
    shown = plan.as_json()
    assert shown["error_95"] > 0  # type: ignore[operator]
    assert shown["error_95_for"]
    assert sum(part.loss_micro for part in plan.parts) <= 50_000


def test_a_column_that_the_table_lacks_is_named() -> None:
    for statistic in ("histogram", "quantiles", "variance"):
        plan = planned([question(statistic, value="nowhere")]).queries[0]
        with pytest.raises(PolicyError) as refused:
            query_cells(table(PEOPLE[:1]), plan, key=BOUNDING_KEY)
        assert refused.value.code == "dp.unknown-column"


@pytest.mark.parametrize("statistic", STATISTICS)
def test_the_recount_passes_the_answer_and_finds_a_missing_row_or_an_exact_column(statistic: str) -> None:
    asked = method([question(statistic)], rho="1")
    release = any_release(asked.model_dump(mode="json", exclude_none=True), tables=[VISITS_TABLE])
    made = plan(asked, policy_digest="sha256:00", snapshot_digest="sha256:11")
    honest = measure(release, {"visits": table(PEOPLE[:50])}, plan=made, bounding_key=BOUNDING_KEY)
    assert [check.name for check in recount_noisy(honest) if not check.passed] == []
    (shown,) = honest.tables.values()
    for tampered, found in ((shown.slice(1), "keys"), (shown.append_column("exact", shown["error_95"]), "columns")):
        failed = [
            check.name for check in recount_noisy(replace(honest, tables={statistic: tampered})) if not check.passed
        ]
        assert failed == [f"recount.{found}.{statistic}"]
    assert honest.evidence.parameters["queries"][0]["error_95_for"]  # type: ignore[index]
