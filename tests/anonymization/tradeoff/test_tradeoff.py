"""The numbers of a frontier are those of the releases themselves; more privacy never loses less; fronts are unbeaten."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymization.dp.plan import plan
from anonymization.genome.release import protect_allele_frequencies
from anonymization.microdata import protect_microdata
from anonymization.small_cells import protect_small_cells
from anonymization.tradeoff.alleles import allele_alternatives, current_alleles
from anonymization.tradeoff.alternative import Alternative, combinations, pareto
from anonymization.tradeoff.cells import cell_alternatives
from anonymization.tradeoff.noise import default_noise, noise_alternatives
from anonymization.tradeoff.rows import default_rows, method_with, row_alternatives
from policies.errors import DataError, UsageError
from policies.model.method import Microdata
from tests.support.dp_methods import method as dp_method
from tests.support.dp_methods import query as dp_query
from tests.support.hospital_tables import (
    drop,
    hierarchies,
    microdata_release,
    patients_columns,
    release,
    release_table,
    samples_columns,
    sources,
    treated,
)

GRID = {"k": (2, 3, 5), "suppression_limit": (0.0, 0.2, 0.5)}


@pytest.fixture(scope="module")
def source():
    return sources()


def evidence_of(protect):
    """Return the evidence of a release that is made for real, or the code of its refusal."""
    try:
        return protect().evidence
    except DataError as error:
        return error.code


def alternatives(source, grid, **method):
    made = microdata_release(**method)
    return list(row_alternatives(made, source, hierarchies=hierarchies(), grid=grid))


# --- differential: a frontier's numbers are those of the release, run for real ---


@pytest.mark.parametrize("sensitive", [[], [{"column": "department", "l": 2}]])
def test_microdata_alternatives_are_what_a_run_would_make(source, sensitive) -> None:
    made = microdata_release(sensitive=sensitive, max_record_risk=1.0)
    grid = {"k": (2, 5), "suppression_limit": (0.0, 0.5), "l": (2, 3)} if sensitive else GRID
    found = list(row_alternatives(made, source, hierarchies=hierarchies(), grid=grid))
    assert isinstance(made.method, Microdata)
    possible = 0
    for one in found:
        changed = made.model_copy(update={"method": method_with(made.method, one.parameters)})
        real = evidence_of(lambda changed=changed: protect_microdata(changed, source, hierarchies=hierarchies()))
        if isinstance(real, str):
            assert (one.risk, one.cost, one.why) == (None, None, real)
            continue
        possible += 1
        after = real.measured["risk_after"]
        assert (one.figures["k"], one.cost) == (real.k, real.loss)
        assert one.figures["people_out"] == real.people_out
        assert one.figures["records_out"] == real.records_out
        assert one.figures["records_suppressed"] == real.measured["suppressed_records"]
        assert one.figures["classes"] == real.measured["classes"]
        assert one.risk == after["prosecutor"]["max"]
        assert one.figures["risk_mean"] == pytest.approx(after["marketer"])
    assert possible >= 3
    assert possible < len(found)


def counts_release(min_cell: int):
    columns = [drop(column["name"]) for column in patients_columns() if column["name"] != "sex"]
    columns.append(treated("sex", {"op": "aggregate_only"}))
    return release(
        [release_table("patients", columns)],
        {"kind": "small_cells", "table": "patients", "by": ["sex"], "min_cell": min_cell},
        output_category="statistics",
        provision_basis="statistics_only",
    )


def test_cell_alternatives_are_what_a_run_would_make(source) -> None:
    found = list(cell_alternatives(counts_release(3), source, hierarchies={}, grid={"min_cell": (3, 4, 5, 6, 20)}))
    assert {one.why for one in found} == {None, "data.nothing-to-show"}
    for one in found:
        changed = counts_release(int(one.parameters["min_cell"]))
        real = evidence_of(lambda changed=changed: protect_small_cells(changed, source, hierarchies={}))
        if isinstance(real, str):
            assert one.why == real
            continue
        assert (one.cost, one.figures["hidden_cells"]) == (real.loss, real.measured["hidden_cells"])


def frequencies_release(**method):
    return release(
        [
            release_table("samples", samples_columns(), dataset_id="cohort"),
            release_table("genotypes", [treated("genotypes", {"op": "aggregate_only"})], dataset_id="cohort"),
        ],
        {
            "kind": "allele_frequencies",
            "table": "genotypes",
            "min_allele_count": 1,
            "complement_floor": False,
            "membership_false_positive_rate": 0.05,
            "membership_max_power": 0.9,
            "over_bound": "refuse",
            "approved_by": "test",
            **method,
        },
        output_category="statistics",
        provision_basis="statistics_only",
    )


@pytest.mark.parametrize("over_bound", ["refuse", "thin"])
def test_allele_alternatives_are_what_a_run_would_make(source, over_bound: str) -> None:
    made = frequencies_release(over_bound=over_bound)
    grid = {"min_allele_count": (1, 3, 5, 9), "membership_max_power": (0.2, 0.4, 0.9)}
    for one in allele_alternatives(made, source, grid=grid):
        changed = frequencies_release(over_bound=over_bound, **one.parameters)
        real = evidence_of(lambda changed=changed: protect_allele_frequencies(changed, source))
        if isinstance(real, str):
            assert one.why == real
            continue
        assert one.figures["sites"] == real.records_out
        assert one.risk == real.measured["power_bound"]
        assert one.cost == 1 - real.records_out / real.records_in
    assert current_alleles(made.method) == {"min_allele_count": 1, "membership_max_power": 0.9}


def test_noise_alternatives_are_the_plans_and_draw_nothing() -> None:
    method = dp_method([dp_query("people", share="0.5"), dp_query("mean", name="hba1c", share="0.5")])
    noisy = counts_release(3).model_copy(update={"method": method})
    found = list(noise_alternatives(noisy, grid=default_noise(method)))
    assert found[0].is_current
    assert found[0].cost == 1.0
    for one in found:
        budget = method.budget.model_copy(update={"release_rho": Decimal(str(one.parameters["release_rho"]))})
        real = plan(method.model_copy(update={"budget": budget}), policy_digest="x", snapshot_digest="y")
        assert one.risk == real.epsilon
        assert {f"error_95.{query.name}": query.error_95 for query in real.queries}.items() <= one.figures.items()
    by_risk = sorted(found, key=lambda one: one.risk or 0)
    assert [one.cost for one in by_risk] == sorted((one.cost for one in found), reverse=True)


# --- laws ---


def test_larger_k_never_loses_less_at_the_same_limit(source) -> None:
    grid = {"k": (2, 3, 4, 5, 6, 8), "suppression_limit": (0.0, 0.1, 0.3, 0.5)}
    found = alternatives(source, grid)
    for limit in grid["suppression_limit"]:
        row = [one for one in found[1:] if one.parameters["suppression_limit"] == limit]
        row = sorted(
            [*row, *(one for one in found[:1] if one.parameters["suppression_limit"] == limit)],
            key=lambda one: one.parameters["k"],
        )
        losses = [float("inf") if one.cost is None else one.cost for one in row]
        assert losses == sorted(losses)


def test_larger_limit_never_loses_more_at_the_same_k(source) -> None:
    found = alternatives(source, {"k": (2, 3), "suppression_limit": (0.0, 0.1, 0.2, 0.4, 0.5)})
    for k in (2, 3):
        row = sorted(
            (one for one in found if one.parameters["k"] == k), key=lambda one: one.parameters["suppression_limit"]
        )
        losses = [float("inf") if one.cost is None else one.cost for one in row]
        assert losses == sorted(losses, reverse=True)


def test_fixed_level_never_loses_less_than_the_search(source) -> None:
    found = alternatives(source, {"level.age": ("search", 0, 1, 2, 3)})
    searched = next(one for one in found if one.parameters.get("level.age") == "search")
    assert searched.cost is not None
    fixed = [one for one in found if one.parameters.get("level.age") not in {None, "search"}]
    assert len(fixed) == 4
    assert all(one.cost is None or one.cost >= searched.cost for one in fixed)
    assert searched.cost in {one.cost for one in fixed}


def test_column_without_levels_cannot_be_fixed(source) -> None:
    with pytest.raises(UsageError) as refused:
        alternatives(source, {"level.sex": (1,)})
    assert refused.value.code == "frontier.no-level"


points = st.lists(
    st.one_of(
        st.builds(lambda r, c: Alternative({}, r, c), st.floats(0, 1), st.floats(0, 1)),
        st.builds(lambda: Alternative({}, None, None, why="data.no-solution")),
    ),
    max_size=12,
)


@given(points)
@settings(max_examples=200)
def test_front_is_what_nothing_beats_and_beats_all_else(found: list[Alternative]) -> None:
    best = pareto(found)
    front = [one for one, is_best in zip(found, best, strict=True) if is_best]
    for one, is_best in zip(found, best, strict=True):
        if one.risk is None:
            assert not is_best
            continue
        beaten = [
            other
            for other in front
            if other.risk <= one.risk and other.cost <= one.cost and (other.risk, other.cost) != (one.risk, one.cost)
        ]
        assert is_best == (not beaten)
    assert bool(front) == any(one.risk is not None for one in found)


def test_current_policy_comes_first_and_once() -> None:
    method = microdata_release().method
    grid = default_rows(method)
    tried = combinations(grid, current={"k": method.k, "suppression_limit": method.suppression_limit})
    assert tried[0] == {"k": 2, "suppression_limit": 0.5}
    assert len(tried) == len({tuple(one.items()) for one in tried}) == 6 * 6
    with pytest.raises(UsageError) as refused:
        combinations({"k": tuple(range(2, 500))}, current={"k": 2})
    assert refused.value.code == "frontier.too-many"
