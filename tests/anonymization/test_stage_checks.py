"""What the stages of a dataset prove: the check passes on what the stage leaves, and fails on each thing that breaks it."""

import hashlib
from dataclasses import replace
from datetime import date, timedelta

import ibis
import pyarrow as pa
import pytest

from anonymization.classify import classify
from anonymization.consent import keep_consenting
from anonymization.pseudonymize import pseudonymize
from anonymization.stage_checks import (
    consent_checks,
    landing_checks,
    pseudonym_checks,
    publication_consent_checks,
)
from anonymization.tables import PersonTable
from anonymization.validate import refuse_failed
from policies.errors import DataError
from policies.model.dataset import Waiting
from tests.support.hospital_tables import (
    KEY,
    ON,
    OPT_IN,
    admissions_policy,
    admissions_rows,
    memtable,
    person,
    pseudonymized,
    raw_admissions,
    raw_cohort,
    sources,
)
from tests.support.rule_pairs import pair


def broken(checks):
    return {check.rule for check in checks if not check.passed}


def kept_people(landed):
    kept = keep_consenting(classify(landed), on=ON)
    return set(kept.tables["patients"].rows.to_pyarrow().column("patient_no").to_pylist())


@pair(rule="APPI-04", violation="V18")
def test_my_number_that_was_landed_is_told_and_none_passes() -> None:
    assert broken(landing_checks(rows=10, rows_with_my_number=1)) == {"APPI-04"}
    assert broken(landing_checks(rows=10, rows_with_my_number=0)) == set()


@pair(rule="NGMI-05", violation="V08")
@pair(rule="EHDS-71")
def test_person_who_objected_and_is_left_is_found_at_consent() -> None:
    landed = raw_admissions()
    register = landed.tables["optouts"]
    kept = kept_people(landed)
    assert person(10) not in kept
    assert broken(consent_checks(landed.dataset, kept, register, on=ON)) == set()
    left = consent_checks(landed.dataset, kept | {person(10)}, register, on=ON)
    assert broken(left) == {"NGMI-05", "APPI-08", "EHDS-71"}
    assert all(person(10) not in str(check.as_json()) for check in left)


@pair(rule="APPI-08")
def test_under_opt_in_who_said_nothing_is_forbidden() -> None:
    landed = raw_cohort()
    register = landed.tables["consents"]
    agreed = {person(number) for number in range(3, 8)}
    assert broken(consent_checks(landed.dataset, agreed, register, on=ON)) == set()
    for stranger in (person(8), person(99)):
        assert "APPI-08" in broken(consent_checks(landed.dataset, agreed | {stranger}, register, on=ON))


def test_of_two_decisions_on_one_day_the_stricter_counts() -> None:
    policy = admissions_policy()
    rows = {
        "patient_no": [person(1), person(1)],
        "decision": ["撤回", "停止"],
        "decided_on": [date(2026, 9, 1), date(2026, 9, 1)],
    }
    for order in (rows, {name: values[::-1] for name, values in rows.items()}):
        register = memtable(policy, "optouts", order)
        assert "NGMI-05" in broken(consent_checks(policy, [person(1)], register, on=ON))


def test_decision_of_a_later_day_does_not_count_yet() -> None:
    policy = admissions_policy()
    tomorrow = ON + timedelta(days=1)
    rows = {"patient_no": [person(1)], "decision": ["停止"], "decided_on": [tomorrow]}
    register = memtable(policy, "optouts", rows)
    assert broken(consent_checks(policy, [person(1)], register, on=ON)) == set()
    assert "NGMI-05" in broken(consent_checks(policy, [person(1)], register, on=tomorrow))


def test_without_its_register_everybody_is_forbidden() -> None:
    assert "APPI-08" in broken(consent_checks(admissions_policy(), [person(1)], None, on=ON))
    free = admissions_policy(consent={"basis": "not_required", "reason": "made up"})
    assert broken(consent_checks(free, [person(1)], None, on=ON)) == set()


@pair(rule="NGMI-03", violation="V08")
def test_use_inside_the_waiting_period_is_found_and_after_it_passes() -> None:
    policy = admissions_policy()
    waiting = Waiting(notice_on=ON - timedelta(days=29), wait_days=30)
    policy = policy.model_copy(update={"consent": policy.consent.model_copy(update={"waiting": waiting})})
    register = memtable(policy, "optouts", admissions_rows()["optouts"])
    assert broken(consent_checks(policy, [person(1)], register, on=ON)) == {"NGMI-03"}
    assert broken(consent_checks(policy, [person(1)], register, on=ON + timedelta(days=1))) == set()


@pair(rule="NGMI-05", violation="V08")
def test_objection_between_pseudonymization_and_publication_is_found_by_pseudonym() -> None:
    landed = raw_admissions()
    people = set(pseudonymized(landed).tables["patients"].rows.to_pyarrow().column("patient_no").to_pylist())
    register = landed.tables["optouts"]
    assert broken(publication_consent_checks(landed.dataset, people, register, key=KEY, on=ON)) == set()
    rows = admissions_rows()["optouts"]
    later = {
        "patient_no": [*rows["patient_no"], person(3)],
        "decision": [*rows["decision"], "停止"],
        "decided_on": [*rows["decided_on"], ON],
    }
    register = memtable(landed.dataset, "optouts", later)
    found = publication_consent_checks(landed.dataset, people, register, key=KEY, on=ON)
    assert broken(found) == {"NGMI-05", "APPI-08", "EHDS-71"}
    assert {check.measured["contradicting"] for check in found} == {1}
    with pytest.raises(DataError, match="NGMI-05") as refused:
        refuse_failed(found, where="published/tiny")
    assert refused.value.code == "data.rule-broken"


def judged(source, landed):
    return pseudonym_checks(source, landed.tables, key_id="0011223344556677", max_shift_days=30)


@pytest.fixture(scope="module")
def landed():
    return raw_admissions()


@pytest.fixture(scope="module")
def honest(landed):
    return pseudonymize(keep_consenting(classify(landed), on=ON), key=KEY, max_shift_days=30)


def with_patients(source, rows: pa.Table):
    table = source.tables["patients"]
    return replace(source, tables={**source.tables, "patients": PersonTable(table.policy, ibis.memtable(rows))})


def test_honest_pseudonyms_pass_every_rule_and_name_their_key(honest, landed) -> None:
    checks = judged(honest, landed)
    assert broken(checks) == set()
    assert {check.rule for check in checks} >= {"APPI-17", "APPI-20", "APPI-34", "APPI-18", "NBDC-03"}
    keyed = next(check for check in checks if check.rule == "APPI-34")
    assert keyed.measured["key_id"] == "0011223344556677"


@pair(rule="APPI-34", violation="V02")
@pytest.mark.parametrize("hashed", ["md5", "sha1", "sha256", "sha512"])
@pytest.mark.parametrize("digits", [32, None])
def test_plain_hash_of_a_patient_number_is_recognized(honest, landed, hashed: str, digits: int | None) -> None:
    rows = honest.tables["patients"].rows.to_pyarrow()
    plain = [hashlib.new(hashed, person(n + 1).encode()).hexdigest()[:digits] for n in range(rows.num_rows)]
    changed = rows.set_column(rows.column_names.index("patient_no"), "patient_no", pa.array(plain))
    assert "APPI-34" in broken(judged(with_patients(honest, changed), landed))
    assert "APPI-34" not in broken(judged(honest, landed))


@pair(rule="NBDC-03")
def test_source_code_that_was_not_replaced_is_recognized(honest, landed) -> None:
    rows = honest.tables["patients"].rows.to_pyarrow()
    same = pa.array([person(n + 1) for n in range(rows.num_rows)])
    changed = rows.set_column(rows.column_names.index("patient_no"), "patient_no", same)
    assert broken(judged(with_patients(honest, changed), landed)) == {"APPI-34", "NBDC-03"}


@pair(rule="APPI-17")
@pair(rule="APPI-20")
@pair(rule="APPI-22")
@pytest.mark.parametrize(
    ("column", "rules"), [("name", {"APPI-17", "APPI-20"}), ("insured_number", {"APPI-17", "APPI-22"})]
)
def test_identifying_column_that_is_left_is_found(honest, landed, column: str, rules: set[str]) -> None:
    rows = honest.tables["patients"].rows.to_pyarrow()
    changed = rows.append_column(column, pa.array(["x"] * rows.num_rows))
    assert broken(judged(with_patients(honest, changed), landed)) == rules
    assert broken(judged(honest, landed)) == set()


@pair(rule="APPI-18", violation="V15")
def test_date_offsets_beside_the_rows_are_found(honest, landed) -> None:
    rows = honest.tables["patients"].rows.to_pyarrow()
    changed = rows.append_column("__niji_shift_days", pa.array([3] * rows.num_rows))
    assert broken(judged(with_patients(honest, changed), landed)) == {"APPI-18"}
    assert broken(judged(honest, landed)) == set()


def test_genotypes_are_no_column_that_pseudonymization_removes() -> None:
    landed = raw_cohort()
    assert OPT_IN["basis"] == "opt_in"
    assert broken(judged(sources()["cohort"], landed)) == set()
