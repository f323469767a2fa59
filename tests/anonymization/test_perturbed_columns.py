"""Microaggregation, random rounding and noise as treatments of a release: people, tests apart, lots, and the recount."""

from collections import defaultdict
from copy import deepcopy
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymization.microdata import protect_microdata
from anonymization.release_checks.perturbed import perturbed_checks
from anonymization.tables import Pseudonymized
from anonymization.treat import RECORD, treat_tables
from policies.errors import DataError, PolicyError
from tests.support.hospital_tables import (
    MICRODATA,
    admissions_columns,
    admissions_rows,
    column,
    column_of,
    dataset,
    diagnoses_columns,
    drop,
    hierarchies,
    keep,
    memtable,
    patients_columns,
    pseudonymized,
    raw_admissions,
    release,
    release_table,
    sources,
    table,
    treated,
)

MEANS = {"op": "microaggregate", "min_persons": 3, "within": ["test"], "decimals": 1}


def treat(values, people, tests, step, *, method=MICRODATA):
    """Treat column `x` of a table whose rows have a person and a laboratory test."""
    columns = [column("row", "record_key"), column("who", "person_key"), column("test", "attribute")]
    policy = dataset(
        "one",
        [table("events", "event", [*columns, column("x", "attribute", type_="decimal")])],
        {"basis": "not_required", "reason": "test"},
    )
    rows = {
        "row": [f"r{n:05d}" for n in range(len(values))],
        "who": [f"p{n}" for n in people],
        "test": tests,
        "x": values,
    }
    source = Pseudonymized(policy, {"events": memtable(policy, "events", rows)})
    entry = release_table("events", [drop("row"), drop("who"), keep("test"), treated("x", step)], dataset_id="one")
    done = treat_tables(release([entry], {**method}), {"one": source}, hierarchies={})["events"].rows
    return column_of(done.order_by(RECORD), "x")


@settings(max_examples=15)
@given(
    rows=st.lists(
        st.tuples(st.integers(0, 200), st.integers(0, 8), st.sampled_from(["CRP", "Hb"])), min_size=1, max_size=30
    )
)
def test_every_mean_of_a_test_is_that_of_three_people(rows):
    values, people, tests = ([row[at] for row in rows] for at in range(3))
    found = treat([value / 10 for value in values], people, tests, MEANS)
    holders, having = defaultdict(set), defaultdict(set)
    for mean, who, test in zip(found, people, tests, strict=True):
        having[test].add(who)
        if mean is not None:
            holders[test, mean].add(who)
    assert all(len(who) >= 3 for who in holders.values())
    # Nothing is emptied but what fewer than three people have.
    assert {test for (test, _) in holders} == {test for test, who in having.items() if len(who) >= 3}


def test_each_test_has_groups_of_its_own_and_missing_stays_missing():
    values = [1.0, 2.0, 3.0, 100.0, 200.0, 300.0, None, 7.0]
    found = treat(values, range(8), ["a"] * 3 + ["b"] * 3 + ["a", "c"], MEANS)
    assert found == [2.0] * 3 + [200.0] * 3 + [None, None]


def test_lots_round_to_neighbors_and_noise_stays_in_its_bounds():
    values, people = [0.3, 0.3, 0.5, 1.0, None], [1, 1, 2, 3, 4]
    found = treat(values, people, ["a"] * 5, {"op": "round_randomly", "to": "0.5"})
    assert found[0] == found[1]
    assert found[0] in {0.0, 0.5}
    assert found[2:] == [0.5, 1.0, None]
    step = {"op": "add_noise", "sd": "0.1", "low": "0", "high": "1"}
    noisy = treat(values, people, ["a"] * 5, step)
    assert noisy[0] == noisy[1]
    assert all(0 <= value <= 1 and Decimal(str(value)) % Decimal("0.1") == 0 for value in noisy[:4])
    with pytest.raises(DataError) as refused:
        treat([5.0], [1], ["a"], step)
    assert refused.value.code == "data.outside-bounds"


@pytest.mark.parametrize("step", [MEANS, {"op": "round_randomly", "to": "5"}])
def test_changed_values_leave_in_microdata_only(step):
    with pytest.raises(PolicyError) as refused:
        treat([1.0], [1], ["a"], step, method={"kind": "controlled_rows", "environment": "sealed_extract"})
    assert refused.value.code == "policy.perturbed-elsewhere"


def weights(step, **method):
    columns = [treated("weight_kg", step) if entry["name"] == "weight_kg" else entry for entry in admissions_columns()]
    tables = [
        release_table("patients", patients_columns()),
        release_table("admissions", columns),
        release_table("diagnoses", diagnoses_columns()),
    ]
    return release(tables, {**MICRODATA, **method})


def test_a_mean_that_suppression_made_rare_is_averaged_with_its_neighbors():
    rows = deepcopy(admissions_rows())
    step = {"op": "microaggregate", "min_persons": 3, "decimals": 2}
    alike = protect_microdata(weights(step), sources(), hierarchies=hierarchies())
    assert all(check.passed for check in perturbed_checks(alike.release, arrow(alike)))
    # P0008 and P0009 are each alone in their department, so their records are suppressed; their mean is left to two people.
    rows["admissions"]["department"] = [
        f"科{who}" if who in {"P0008", "P0009"} else "内科" for who in rows["admissions"]["patient_no"]
    ]
    policy = weights(step, quasi_identifiers=[*MICRODATA["quasi_identifiers"], "department"])
    changed = {"admissions": pseudonymized(raw_admissions(rows))}
    done = protect_microdata(policy, changed, hierarchies=hierarchies())
    assert done.evidence.measured["suppressed_records"] == 2
    means = column_of(done.tables["admissions"], "weight_kg")
    held = {mean: means.count(mean) for mean in means if mean is not None}
    assert None not in means
    assert min(held.values()) >= 3
    assert all(check.passed for check in perturbed_checks(done.release, arrow(done)))
    # Who is left keeps the weight of all: the means of the groups that were joined lie between those of before.
    before = column_of(alike.tables["admissions"], "weight_kg")
    assert min(before) <= min(held) <= max(held) <= max(before)


def arrow(done):
    return {name: rows.to_pyarrow() for name, rows in done.tables.items()}


@pytest.mark.parametrize(
    ("step", "values"),
    [
        ({"op": "microaggregate", "min_persons": 2}, [1.5, 1.5, 2.5]),
        ({"op": "round_randomly", "to": "0.5"}, [1.5, 0.5, 0.6]),
        ({"op": "add_noise", "sd": "1", "low": "0", "high": "2"}, [0.0, 2.0, 2.1]),
    ],
)
def test_the_recount_finds_a_value_that_breaks_its_promise(step, values):
    policy = weights(step)
    good = pa.table({"id": ["a", "b", "c"], "weight_kg": [1.5, 1.5, 1.5]})
    bad = pa.table({"id": ["a", "b", "c"], "weight_kg": values})
    assert [check.passed for check in perturbed_checks(policy, {"admissions": good})] == [True]
    assert [check.passed for check in perturbed_checks(policy, {"admissions": bad})] == [False]


def test_rows_of_one_record_count_once():
    step = {"op": "microaggregate", "min_persons": 2}
    same = pa.table({"id": ["a", "a"], "weight_kg": [1.5, 1.5]})
    assert [check.passed for check in perturbed_checks(weights(step), {"admissions": same})] == [False]
