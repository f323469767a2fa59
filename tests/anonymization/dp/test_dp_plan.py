"""The plan: losses never above the charge, scales from sensitivities, errors said before the run."""

import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymization.dp.mechanism import MICRO, distance_at_least, epsilon_of, loss_of
from anonymization.dp.plan import plan
from policies.errors import PolicyError
from tests.support.dp_methods import method, planned, query


def test_sensitivities_follow_from_the_bounds() -> None:
    people, rows, total, mean = (
        planned([query(statistic, cells=4, rows=3)]).queries[0] for statistic in ("people", "rows", "sum", "mean")
    )
    assert people.part("people").sensitivity == pytest.approx(2)
    assert rows.part("rows").sensitivity == pytest.approx(6)
    assert total.part("sum").sensitivity == pytest.approx(2 * 3 * 150)
    assert mean.part("rows").sensitivity == pytest.approx(6)
    # From the center (9.0) a value is at most 60 grid units away, from zero it is 150.
    assert mean.part("sum").sensitivity == pytest.approx(2 * 3 * 60)


def test_scale_is_sensitivity_over_root_two_rho() -> None:
    part = planned([query("people")], rho="0.05").queries[0].part("people")
    assert part.sigma == pytest.approx(math.sqrt(2) / math.sqrt(2 * 0.05))
    assert part.error_95 == pytest.approx(1.959964 * part.sigma, rel=1e-6)


def test_errors_of_sums_are_in_natural_units() -> None:
    part = planned([query("sum")]).queries[0].part("sum")
    assert part.error_95 == pytest.approx(1.959964 * part.sigma * 0.1, rel=1e-6)


def test_a_person_is_in_no_more_cells_than_there_are() -> None:
    made = planned([query("people", cells=500)]).queries[0]
    assert (made.cells, made.cells_per_person) == (6, 6)


shares = st.lists(st.integers(1, 50), min_size=1, max_size=3)


@given(weights=shares, rho=st.integers(2_000, 1_000_000), cells=st.integers(1, 6), rows=st.integers(1, 9))
@settings(max_examples=20)
def test_losses_by_the_mechanisms_own_map_stay_within_the_charge(
    weights: list[int], rho: int, cells: int, rows: int
) -> None:
    parts = [Fraction(round(10_000 * weight / sum(weights)), 10_000) for weight in weights[:-1]]
    parts.append(1 - sum(parts))
    texts = [str(float(part)) for part in parts]
    kinds = ("people", "mean", "sum")
    asked = [
        query(kinds[place], name=f"q{place}", cells=cells, rows=rows, share=text) for place, text in enumerate(texts)
    ]
    made = planned(asked, rho=str(rho / MICRO))
    every = [part for one in made.queries for part in one.parts]
    assert made.charge_micro == rho
    assert sum(part.rho_micro for part in every) <= made.charge_micro
    for part in every:
        assert loss_of(part.sigma, sensitivity=part.sensitivity) <= Fraction(part.rho_micro, MICRO)
        assert part.loss_micro <= part.rho_micro


@pytest.mark.parametrize("squared", [1, 2, 3, 5, 12, 10**6 + 3, 7 * 10**17 + 1])
def test_sensitivity_is_never_rounded_down(squared: int) -> None:
    assert Fraction(distance_at_least(squared)) ** 2 >= squared
    assert Fraction(math.nextafter(distance_at_least(squared), 0)) ** 2 < squared


def test_a_charge_is_rounded_up_and_a_cap_down() -> None:
    made = planned([query("people")], rho="0.0500001")
    assert made.charge_micro == 50_001
    assert made.cap_micro == 500_000


def test_epsilon_equals_the_reference_figure() -> None:
    # Reference genomics 2.1(4): rho .5 is epsilon 5.22 at delta 1e-6 by OpenDP's conversion.
    made = planned([query("people")], rho="0.5", delta="0.000001")
    assert made.epsilon == pytest.approx(5.2216, abs=2e-4)
    assert made.epsilon >= 5.22153444453017
    assert epsilon_of(1, delta=made.delta) > 0


def test_the_question_has_one_name_for_one_policy() -> None:
    asked = method([query("people")])
    first = plan(asked, policy_digest="sha256:00", snapshot_digest="sha256:11")
    assert plan(asked, policy_digest="sha256:00", snapshot_digest="sha256:22").query_hash == first.query_hash
    assert plan(asked, policy_digest="sha256:01", snapshot_digest="sha256:11").query_hash != first.query_hash
    other = method([query("people", cells=1)])
    assert plan(other, policy_digest="sha256:00", snapshot_digest="sha256:11").query_hash != first.query_hash


def test_the_plan_says_the_error_before_the_run() -> None:
    shown = planned([query("mean")]).as_json()
    (mean,) = shown["queries"]  # type: ignore[misc]
    assert mean["error_95"] > 0
    assert mean["error_95_for"] == "a cell of 100 rows"
    assert shown["rho"] == "0.05"


def repeat_values() -> dict[str, object]:
    asked = query("people")
    asked["by"] = [{"column": "region", "values": ["north", "north"], "source": "codebook"}]
    return asked


def repeat_columns() -> dict[str, object]:
    asked = query("people")
    asked["by"] = [{"column": "region", "values": [name], "source": "codebook"} for name in ("north", "south")]
    return asked


def many_cells() -> dict[str, object]:
    asked = query("people")
    asked["by"] = [
        {"column": column, "values": [str(value) for value in range(500)], "source": "codebook"}
        for column in ("region", "year")
    ]
    return asked


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (repeat_values(), "dp.repeated-key"),
        (repeat_columns(), "dp.repeated-key"),
        (many_cells(), "dp.too-many-cells"),
        (query("sum", clip={"low": "0", "high": "1.05", "grid": "0.1"}), "dp.clip-off-grid"),
        (query("sum", clip={"low": "0", "high": "3000", "grid": "0.000001"}), "dp.grid-too-fine"),
    ],
)
def test_a_query_that_would_leak_or_mislead_is_refused(asked: dict[str, object], code: str) -> None:
    with pytest.raises(PolicyError) as caught:
        planned([asked])
    assert caught.value.code == code


def test_a_share_below_one_micro_rho_is_refused() -> None:
    asked = [query("people", name="a", share="0.999999"), query("people", name="b", share="0.000001")]
    with pytest.raises(PolicyError) as caught:
        planned(asked, rho="0.05")
    assert caught.value.code == "dp.share-too-small"
