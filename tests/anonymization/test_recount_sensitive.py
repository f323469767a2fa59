"""The recount of each model of sensitive values is its definition, and finds what is doctored."""

import math

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymization.evidence import CheckKind, CheckResult
from anonymization.recount import SourceRows, recount
from anonymization.recount_sensitive import check_name, reached_of
from anonymization.sensitive_models import AskedModel, record_of, with_hierarchies
from policies.errors import PolicyError
from policies.model.sensitive import Closeness, DistinctL
from tests.support.sensitive_definitions import GROUNDS, LABELS, TREE, asked, rule_of, transport

MODELS = asked()
Classes = list[list[str | None]]


def published(classes: Classes) -> ibis.Table:
    rows = [(str(number), value) for number, one in enumerate(classes) for value in one]
    return ibis.memtable(
        pa.table(
            {"q": pa.array([row[0] for row in rows], pa.string()), "s": pa.array([row[1] for row in rows], pa.string())}
        )
    )


def recounted(classes: Classes, *models: AskedModel, table: list[str | None] | None = None) -> dict[str, CheckResult]:
    whole = table if table is not None else [value for one in classes for value in one]
    source = SourceRows(ibis.memtable(pa.table({"s": pa.array(whole, pa.string())})), row_id=None)
    checks = recount(published(classes), quasi_identifiers=["q"], k=1, sensitive=models, source=source)
    return {check.name: check for check in checks}


value = st.sampled_from([*LABELS, None])
classes_of_values = st.lists(st.lists(value, min_size=1, max_size=6), min_size=1, max_size=4)


@settings(max_examples=10)
@given(classes=classes_of_values, suppressed=st.lists(value, max_size=3))
def test_each_model_is_its_definition(classes: Classes, suppressed: list[str | None]) -> None:
    # All four numbers are in the table, so that the numeric order is the listed one; some rows were suppressed.
    table = [*(each for one in classes for each in one), *suppressed, *LABELS]
    found = recounted(classes, *MODELS.values(), table=table)
    for model in MODELS.values():
        check = found[check_name(model)]
        assert check.blocking
        assert check.kind is CheckKind.RECOUNT
        record = record_of(model)
        if isinstance(record, Closeness):
            farthest = max(transport(one, table, GROUNDS[record.distance]) for one in classes)
            assert check.measured["t"] == pytest.approx(farthest, abs=2e-6)
            assert check.passed == (farthest <= record.t + 1e-8)
        else:
            failing = sum(not rule_of(model)(one, table) for one in classes)
            assert check.passed == (failing == 0)
            assert failing in check.measured.values()


EVEN = [["1", "2", "3", "10"], ["10", "3", "2", "1"]]
"""Two classes that are the table in small: every model holds."""
DOCTORED = {
    "distinct": [["1", "1", "1", "1"], *EVEN],
    "entropy": [["1", "1", "1", "2"], *EVEN],
    "recursive": [["1", "1", "1", "2"], *EVEN],
    "positive": [["1", "1", "1", "2"], *EVEN],
    "t-equal": [["1", "1", "2", "2"], *EVEN],
    "t-listed": [["1", "1", "2", "2"], *EVEN],
    "t-numeric": [["1", "1", "2", "2"], *EVEN],
    "t-tree": [["1", "1", "2", "2"], *EVEN],
    "alpha": [["1", "1", "1", "2"], *EVEN],
    "beta": [["1", "1", "1", "2"], *EVEN],
    "beta-basic": [["1", "1", "1", "2"], *EVEN],
    "delta": [["1", "2", "3"], *EVEN],
}


@pytest.mark.parametrize("name", MODELS)
def test_a_doctored_table_is_found_out(name: str) -> None:
    model = MODELS[name]
    check = recounted(EVEN, model, table=[*LABELS, *LABELS])[check_name(model)]
    assert check.passed
    check = recounted(DOCTORED[name], model, table=[*LABELS] * 3)[check_name(model)]
    assert not check.passed
    assert check.blocking
    assert 1 in check.measured.values()


def test_what_is_near_under_one_distance_is_far_under_another() -> None:
    table = [*LABELS] * 2
    near, far = [["1", "1", "2", "2"], ["3", "3", "10", "10"]], [["1", "1", "10", "10"], ["2", "2", "3", "3"]]
    found = {
        name: (recounted(near, model, table=table), recounted(far, model, table=table))
        for name, model in MODELS.items()
        if name in {"t-equal", "t-listed", "t-tree"}
    }
    figures = {name: [one[check_name(MODELS[name])].measured["t"] for one in pair] for name, pair in found.items()}
    assert figures == {
        "t-equal": [0.5, 0.5],
        "t-listed": [0.333333, 0.166667],
        "t-tree": [0.5, 0.25],
    }


def test_a_value_that_the_table_does_not_have_fails_every_comparison() -> None:
    model = MODELS["beta"]
    check = recounted([["1", "2", "3", "10"]], model, table=["1", "2", "3"])[check_name(model)]
    assert not check.passed
    assert check.measured["beta"] is None


def test_missing_values_diversify_nothing_and_are_a_value_of_their_own() -> None:
    distinct, tree = MODELS["distinct"], MODELS["t-tree"]
    classes: Classes = [["1", None, None], ["1", "2", "3"]]
    assert not recounted(classes, distinct)[check_name(distinct)].passed
    only_missing = recounted([[None, None], ["1", "2"]], tree)[check_name(tree)]
    assert only_missing.measured["t"] == 0.5


def test_a_comparison_without_the_table_before_suppression_is_refused() -> None:
    with pytest.raises(PolicyError) as refused:
        recount(published(EVEN), quasi_identifiers=["q"], k=2, sensitive=[MODELS["t-equal"]])
    assert refused.value.code == "policy.recount-without-source"
    own = [model for name, model in MODELS.items() if name in {"distinct", "entropy", "recursive", "alpha"}]
    assert all(check.passed for check in recount(published(EVEN), quasi_identifiers=["q"], k=2, sensitive=own))


def test_a_value_without_a_place_is_refused_and_not_named() -> None:
    for model in (MODELS["t-listed"], MODELS["t-tree"], MODELS["t-numeric"]):
        with pytest.raises(PolicyError) as refused:
            recounted([["1", "elsewhere"], ["2", "3"]], model)
        assert refused.value.code == "policy.recount-without-place"
        assert "elsewhere" not in str(refused.value)


def test_a_distance_without_its_hierarchy_is_refused() -> None:
    bare = Closeness(model="t_closeness", column="s", t=0.2, distance="hierarchical", hierarchy="s")
    with pytest.raises(PolicyError) as refused:
        recounted(EVEN, bare)
    assert refused.value.code == "policy.unknown-hierarchy"
    with pytest.raises(PolicyError) as refused:
        with_hierarchies([bare], {})
    assert refused.value.code == "policy.unknown-hierarchy"
    assert with_hierarchies([bare], {"s": TREE})[0].column == "s"


def test_numbers_are_recounted_as_hierarchies_write_them() -> None:
    """A column of floats: 1.0 is the value 1 of the hierarchy and of the order."""
    table = pa.table({"q": ["a"] * 4, "s": pa.array([1.0, 2.0, 3.0, 10.0])})
    models = [MODELS[name] for name in ("t-tree", "t-listed", "t-numeric")]
    source = SourceRows(ibis.memtable(table), row_id=None)
    checks = recount(ibis.memtable(table), quasi_identifiers=["q"], k=2, sensitive=models, source=source)
    assert all(check.passed for check in checks)


def test_evidence_says_what_the_worst_class_reaches() -> None:
    models = [MODELS["entropy"], MODELS["t-equal"], MODELS["beta-basic"]]
    found = recounted([["1", "1", "2", "2"], ["3", "3", "10", "10"]], *models)
    reached = reached_of(models, list(found.values()))
    assert [(each["model"], each["column"]) for each in reached] == [
        ("entropy_l", "s"),
        ("t_closeness", "s"),
        ("beta_likeness", "s"),
    ]
    assert reached[0]["l"] == pytest.approx(math.exp(math.log(2)), abs=1e-6)
    assert (reached[1]["t"], reached[2]["beta"]) == (0.5, 1.0)


def test_models_of_a_column_have_checks_of_their_own() -> None:
    names = [check_name(model) for model in MODELS.values() if model is not MODELS["t-numeric"]]
    assert len(set(names)) == len(names)
    assert check_name(DistinctL(column="s", l=3)) == "recount.l.s"
