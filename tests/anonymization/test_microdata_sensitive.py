"""Microdata under models of sensitive columns: promised, reached, recounted when protected and again when validated."""

from dataclasses import replace

import ibis
import pyarrow as pa
import pytest

from anonymization.hierarchy import hierarchy_from_rows
from anonymization.microdata import protect_microdata
from anonymization.release_checks import recount_release
from anonymization.release_checks.surroundings import Surroundings
from anonymization.tradeoff.rows import current_rows, method_with, row_alternatives
from policies.errors import PolicyError
from tests.support.hospital_tables import hierarchies, microdata_release, sources

WARDS = hierarchy_from_rows("wards", [["内科", "内科系", "*"], ["小児科", "内科系", "*"], ["外科", "外科系", "*"]])
KNOWN = {**hierarchies(), "wards": WARDS}
CLOSE = {"model": "t_closeness", "column": "department", "t": 0.4}
TREE = {**CLOSE, "distance": "hierarchical", "hierarchy": "wards"}
MODELS = [
    TREE,
    CLOSE,
    {"model": "entropy_l", "column": "department", "l": 2},
    {"model": "beta_likeness", "column": "department", "beta": 1.5},
]


@pytest.fixture(scope="module")
def source():
    return sources()


@pytest.fixture(scope="module")
def protected(source):
    return protect_microdata(microdata_release(sensitive=MODELS), source, hierarchies=KNOWN)


def test_the_release_says_what_it_promises_and_what_it_reaches(protected):
    evidence = protected.evidence
    assert [each["model"] for each in evidence.parameters["sensitive"]] == [each["model"] for each in MODELS]
    assert evidence.parameters["sensitive"][0]["hierarchy"] == "wards"
    reached = evidence.measured["sensitive"]
    assert all(each["t"] <= 0.4 for each in reached[:2])
    assert reached[2]["l"] >= 2 - 1e-6
    assert reached[3]["beta"] <= 1.5
    names = [check.name for check in evidence.checks]
    assert {
        "recount.t.department",
        "recount.t_closeness_hierarchical.department",
        "recount.entropy_l.department",
        "recount.beta.department",
    } <= set(names)
    assert all(check.passed and check.blocking for check in evidence.checks)
    assert "t-closeness" in evidence.guarantee.en
    assert "t-近接性" in evidence.guarantee.ja
    text = str(evidence.as_json())
    assert not any(value in text for value in ("内科", "外科", "小児科"))


def test_what_leaves_is_compared_with_the_table_made_anew_from_its_sources(protected, source):
    around = Surroundings(min_persons=2, hierarchies=KNOWN)
    checks = {check.name: check for check in recount_release(protected, source, around=around)}
    assert checks["recount.t.department"].passed
    own = {check.name: check for check in protected.evidence.checks}
    for name in ("recount.t.department", "recount.t_closeness_hierarchical.department", "recount.beta.department"):
        assert checks[name].measured == own[name].measured


def test_a_release_whose_sensitive_values_were_moved_is_refused(protected, source):
    rows = protected.tables["admissions"].to_pyarrow()
    moved = rows.set_column(rows.column_names.index("department"), "department", pa.array(["内科"] * rows.num_rows))
    doctored = replace(protected, tables={**protected.tables, "admissions": ibis.memtable(moved)})
    around = Surroundings(min_persons=2, hierarchies=KNOWN)
    failed = {check.name for check in recount_release(doctored, source, around=around) if not check.passed}
    assert {"recount.t.department", "recount.entropy_l.department", "recount.beta.department"} <= failed


def test_without_the_hierarchy_of_its_distance_nothing_is_released_or_recounted(protected, source):
    with pytest.raises(PolicyError) as refused:
        protect_microdata(microdata_release(sensitive=[TREE]), source, hierarchies=hierarchies())
    assert refused.value.code == "policy.unknown-hierarchy"
    with pytest.raises(PolicyError):
        recount_release(protected, source)


def test_a_frontier_changes_l_and_t_where_there_is_one(source):
    release = microdata_release(sensitive=[TREE, {"column": "department", "l": 2}, MODELS[2]])
    current = current_rows(release.method)
    assert (current["l"], current["t"]) == (2, 0.4)
    assert method_with(release.method, current) == release.method
    changed = method_with(release.method, {**current, "l": 3, "t": 0.2}).sensitive
    assert [getattr(model, "t", getattr(model, "l", None)) for model in changed] == [0.2, 3, 2]
    found = list(row_alternatives(release, source, hierarchies=KNOWN, grid={"t": (0.2, 0.4, 0.9)}))
    losses = {one.parameters["t"]: one.cost for one in found if one.cost is not None}
    assert losses[0.9] <= losses[0.4]
    assert losses[0.4] <= losses.get(0.2, 1.0)
