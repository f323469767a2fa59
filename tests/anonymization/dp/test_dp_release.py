"""The noisy tables: full public grid, signed noise, stated post-processing, the right noise law."""

import math
from collections import Counter
from dataclasses import replace
from decimal import Decimal

import ibis
import numpy as np
import pytest
from scipy import stats

from anonymization.dp.mechanism import draw
from anonymization.dp.plan import QueryPlan
from anonymization.dp.release import answer_digest, measure, noisy_table
from anonymization.evidence import Evidence
from anonymization.tables import NoisyAggregate
from policies.errors import PolicyError
from tests.support.dp_methods import (
    BOUNDING_KEY,
    REGIONS,
    VISITS_TABLE,
    Row,
    any_release,
    method,
    planned,
    query,
    visits,
)

PEOPLE: list[Row] = [(f"p{n}", "north", 2023, 6.0) for n in range(200)] + [("p1", "south", 2024, 7.0)]


def answer(*statistics: str, rows: list[Row] = PEOPLE, rho: str = "0.5") -> NoisyAggregate:
    share = str(Decimal(1) / len(statistics))
    asked = [query(statistic, name=f"{statistic}-visits", share=share) for statistic in statistics]
    release = any_release(method(asked, rho=rho), tables=[VISITS_TABLE])
    return measure(release, {"visits": visits(rows)}, plan=planned(asked, rho=rho), bounding_key=BOUNDING_KEY)


def test_every_declared_combination_is_there_in_order_also_without_rows() -> None:
    table = answer("people", rows=[]).tables["people-visits"]
    assert table.column("region").to_pylist() == [region for region in REGIONS for _ in range(2)]
    assert table.column("year").to_pylist() == ["2023", "2024"] * 3
    assert table.column_names == ["region", "year", "noisy", "value", "error_95"]


def test_each_cell_has_its_own_count() -> None:
    table = answer("people").tables["people-visits"]
    noisy = table.column("noisy").to_pylist()
    assert noisy[0] == pytest.approx(200, abs=12)
    assert all(abs(count) < 15 for count in noisy[1:])


def test_counts_are_released_signed_and_shown_at_least_zero() -> None:
    shown = [answer("people", rows=[]).tables["people-visits"] for _ in range(6)]
    noisy = [count for table in shown for count in table.column("noisy").to_pylist()]
    value = [count for table in shown for count in table.column("value").to_pylist()]
    assert min(noisy) < 0
    assert value == [max(0, count) for count in noisy]


def test_sums_are_in_natural_units() -> None:
    table = answer("sum").tables["sum-visits"]
    row = table.to_pylist()[0]
    assert row["noisy"] == pytest.approx(1200, abs=6 * row["error_95"])
    assert row["noisy"] * 10 == pytest.approx(round(row["noisy"] * 10))


def test_means_are_shown_only_where_the_noisy_count_is_large_enough() -> None:
    rows = answer("mean", rho="1").tables["mean-visits"].to_pylist()
    assert rows[0]["value"] == pytest.approx(6.0, abs=0.5)
    assert rows[0]["value"] == pytest.approx(9 + rows[0]["noisy_sum"] / rows[0]["noisy_count"])
    assert rows[0]["error_95"] > 0
    for row in rows[1:]:
        assert row["value"] is None
        assert row["error_95"] is None


def test_means_of_a_plan_without_a_clip_are_refused() -> None:
    (plan,) = planned([query("mean")]).queries
    cells = {"sum": np.zeros(6, dtype=np.int64), "rows": np.zeros(6, dtype=np.int64)}
    with pytest.raises(PolicyError):
        noisy_table(replace(plan, units=None), cells)


def evidence() -> Evidence:
    return answer("people", "mean").evidence


def test_evidence_states_unit_bounds_and_losses_and_no_count_of_people() -> None:
    found = evidence()
    assert (found.people_in, found.people_out, found.records_in, found.records_out) == (None,) * 4
    assert (found.rho, found.delta) == ("0.5", 1e-8)
    assert found.epsilon is not None
    for name in ("unit", "neighbouring", "mechanism", "bounding", "post_processing"):
        assert found.parameters[name]
    assert all(check.passed for check in found.checks)
    assert {check.rule for check in found.checks} == {"DP-01", "DP-02"}


def test_statements_say_the_error_in_both_languages() -> None:
    guarantee = evidence().guarantee
    assert "±" in guarantee.ja
    assert "people-visits" in guarantee.en
    assert "rho=0.5" in guarantee.en


def test_every_draw_is_fresh() -> None:
    digests = {answer_digest(answer("people")) for _ in range(4)}
    assert len(digests) == 4


def test_a_missing_table_is_refused_before_any_draw() -> None:
    asked = [query("people")]
    release = any_release(method(asked), tables=[VISITS_TABLE])
    with pytest.raises(PolicyError) as caught:
        measure(release, {}, plan=planned(asked), bounding_key=BOUNDING_KEY)
    assert caught.value.code == "dp.unknown-table"


def test_a_plan_with_a_smaller_scale_is_not_drawn() -> None:
    part = planned([query("people")]).queries[0].part("people")
    with pytest.raises(PolicyError) as caught:
        draw([0], sigma=part.sigma / 2, sensitivity=part.sensitivity, rho_micro=part.rho_micro)
    assert caught.value.code == "dp.loss-above-plan"


def test_noise_follows_the_discrete_gaussian_law() -> None:
    plan: QueryPlan = planned([query("people", cells=1)], rho="0.5").queries[0]
    part = plan.part("people")
    sample = Counter(draw([0] * 20_000, sigma=part.sigma, sensitivity=part.sensitivity, rho_micro=part.rho_micro))
    support = range(-40, 41)
    weights = [math.exp(-(x**2) / (2 * part.sigma**2)) for x in support]
    expected = {x: 20_000 * weight / sum(weights) for x, weight in zip(support, weights, strict=True)}
    inner = [x for x in support if expected[x] >= 20]
    observed = [sample[x] for x in inner]
    wanted = [expected[x] for x in inner]
    rest = 20_000 - sum(wanted)
    chi = stats.chisquare([*observed, 20_000 - sum(observed)], [*wanted, rest])
    # A right sampler fails this once in a million runs.
    assert chi.pvalue > 1e-6


def test_rows_may_come_from_any_engine_expression() -> None:
    rows = visits(PEOPLE)
    filtered = replace(rows, rows=rows.rows.filter(ibis._.year == 2024))
    asked = [query("people")]
    release = any_release(method(asked), tables=[VISITS_TABLE])
    table = measure(release, {"visits": filtered}, plan=planned(asked), bounding_key=BOUNDING_KEY).tables["visits"]
    assert abs(table.column("noisy").to_pylist()[0]) < 60
