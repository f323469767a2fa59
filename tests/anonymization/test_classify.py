"""Classify: declared is what is there, keys are keys, and what points nowhere is refused or counted."""

from copy import deepcopy

import pytest

from anonymization.classify import classify
from anonymization.evidence import CheckKind, CheckResult
from anonymization.tables import Raw
from policies.errors import DataError, PolicyError
from policies.model import DatasetPolicy
from tests.support.hospital_tables import (
    CANARY,
    admissions_policy,
    admissions_rows,
    cohort_rows,
    column_of,
    genotypes,
    memtable,
    person,
    raw_admissions,
    raw_cohort,
)


def _rows():
    return deepcopy(admissions_rows())


def _without_person(rows, number):
    kept = [row for row, key in enumerate(rows["patients"]["patient_no"]) if key != person(number)]
    rows["patients"] = {name: [values[row] for row in kept] for name, values in rows["patients"].items()}
    return rows


def test_a_hospital_as_declared_is_accepted():
    classified = classify(raw_admissions())
    assert {finding.name: finding.passed for finding in classified.findings} == {
        "columns_declared": True,
        "person_keys": True,
        "rows_without_person": True,
    }
    assert classified.findings[2].measured["rows_removed"] == 0


def test_a_cohort_as_declared_is_accepted():
    assert classify(raw_cohort()).tables["genotypes"].samples == tuple(cohort_rows()["samples"]["sample_id"])


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda rows: rows["patients"].update(extra=["x"] * 10), "data.undeclared-column"),
        (lambda rows: rows["patients"].pop("sex"), "data.missing-column"),
        (lambda rows: rows["patients"]["patient_no"].__setitem__(1, person(1)), "data.duplicate-person"),
        (lambda rows: rows["patients"]["patient_no"].__setitem__(1, None), "data.null-person-key"),
        (lambda rows: rows["admissions"]["patient_no"].__setitem__(1, None), "data.null-person-key"),
        (lambda rows: rows["admissions"]["patient_no"].__setitem__(1, person(99)), "data.orphan-rows"),
        (lambda rows: rows["diagnoses"]["admission_id"].__setitem__(1, "A999999999"), "data.orphan-rows"),
        (lambda rows: rows.pop("diagnoses"), "data.missing-table"),
    ],
    ids=["extra", "missing", "twice", "null-person", "null-event", "orphan", "orphan-detail", "no-table"],
)
def test_what_is_not_as_declared_is_refused(spoil, code):
    rows = _rows()
    spoil(rows)
    with pytest.raises(DataError) as refused:
        classify(raw_admissions(rows))
    assert refused.value.code == code
    assert CANARY not in str(refused.value)
    assert "P00" not in str(refused.value)


def test_a_column_of_another_type_is_refused():
    landed = raw_admissions()
    rows = landed.tables["admissions"].rows.mutate(weight_kg=landed.tables["admissions"].rows.weight_kg.cast("string"))
    tables = {
        **landed.tables,
        "admissions": type(landed.tables["admissions"])(landed.tables["admissions"].policy, rows),
    }
    with pytest.raises(DataError) as refused:
        classify(Raw(landed.dataset, tables))
    assert refused.value.code == "data.column-type"


def test_a_table_that_nobody_declared_is_refused():
    landed = raw_admissions()
    with pytest.raises(DataError) as refused:
        classify(Raw(landed.dataset, {**landed.tables, "more": landed.tables["patients"]}))
    assert refused.value.code == "data.undeclared-table"


def test_a_table_of_the_wrong_kind_is_refused():
    landed = raw_admissions()
    policy = landed.dataset
    wrong = memtable(policy, "patients", admissions_rows()["patients"])
    with pytest.raises(DataError) as refused:
        classify(Raw(policy, {**landed.tables, "admissions": wrong.__class__(policy.table("admissions"), wrong.rows)}))
    assert refused.value.code == "data.table-kind"


def test_rows_of_people_put_aside_at_landing_are_removed_and_counted():
    rows = _without_person(_rows(), 1)
    classified = classify(raw_admissions(rows), quarantined={"patients": 1})
    finding = next(found for found in classified.findings if found.name == "rows_without_person")
    assert finding.measured["rows_removed.admissions"] == 2
    assert finding.measured["rows_removed.diagnoses"] == 3
    for name in ("admissions", "diagnoses"):
        assert person(1) not in column_of(classified.tables[name].rows, "patient_no")
    assert len(column_of(classified.tables["admissions"].rows, "patient_no")) == 10


def test_more_missing_people_than_were_put_aside_are_refused():
    rows = _without_person(_without_person(_rows(), 1), 2)
    with pytest.raises(DataError) as refused:
        classify(raw_admissions(rows), quarantined={"patients": 1})
    assert refused.value.code == "data.orphan-rows"


def test_details_of_a_record_put_aside_are_removed():
    rows = _rows()
    rows["admissions"] = {name: values[:-1] for name, values in rows["admissions"].items()}
    classified = classify(raw_admissions(rows), quarantined={"admissions": 1})
    assert len(column_of(classified.tables["diagnoses"].rows, "icd10")) == 12


def test_samples_of_people_put_aside_leave_the_genotypes():
    rows = cohort_rows()
    rows["samples"] = {name: values[1:] for name, values in rows["samples"].items()}
    landed = raw_cohort(rows)
    every = genotypes(cohort_rows()["samples"]["sample_id"])
    classified = classify(Raw(landed.dataset, {**landed.tables, "genotypes": every}), quarantined={"samples": 1})
    assert classified.tables["genotypes"].samples == every.samples[1:]
    with pytest.raises(DataError):
        classify(Raw(landed.dataset, {**landed.tables, "genotypes": every}))


def _scan(*, passed, blocking):
    return CheckResult("scan.note", CheckKind.RULE, passed, blocking, "identifiers in 'note'")


def test_a_blocking_scan_finding_stops_the_stage():
    with pytest.raises(DataError) as refused:
        classify(raw_admissions(), scans=[_scan(passed=False, blocking=True)])
    assert refused.value.code == "data.undeclared-identifier"


def test_other_scan_findings_are_recorded():
    for scan in (_scan(passed=True, blocking=True), _scan(passed=False, blocking=False)):
        assert scan in classify(raw_admissions(), scans=[scan]).findings


def _policy(change):
    plain = admissions_policy().model_dump(by_alias=True, mode="json")
    change(plain)
    return DatasetPolicy.model_validate(plain)


def test_an_event_table_without_a_person_is_refused():
    def change(plain):
        plain["tables"][1]["columns"][1]["role"] = "attribute"

    policy = _policy(change)
    landed = Raw(policy, {name: memtable(policy, name, rows) for name, rows in admissions_rows().items()})
    with pytest.raises(PolicyError) as refused:
        classify(landed)
    assert refused.value.code == "policy.no-person-key"


def test_a_reference_to_nothing_is_refused():
    def change(plain):
        plain["tables"][2]["columns"][0]["references"] = "admissions.gone"

    policy = _policy(change)
    landed = Raw(policy, {name: memtable(policy, name, rows) for name, rows in admissions_rows().items()})
    with pytest.raises(PolicyError) as refused:
        classify(landed)
    assert refused.value.code == "policy.unknown-reference"
