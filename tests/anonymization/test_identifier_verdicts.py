"""Findings against the policy: what is declared passes, what is not is named, and a false alarm is accepted with care."""

from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError

from anonymization.identifier_verdicts import Verdict, judge, my_number_rows, undeclared_identifiers
from anonymization.identifiers import scan
from anonymization.japan.check_digits import INSURER_NUMBER, MY_NUMBER, RESIDENT_CODE
from policies.model import Column, TablePolicy
from policies.model.scan import FalseAlarm, IdentifierKind
from tests.support.rule_pairs import pair

K = IdentifierKind
VECTOR = "123456789018"
TODAY = date(2026, 12, 15)


def policy(**columns: dict) -> TablePolicy:
    listed = [
        Column.model_validate({"name": name, "ja": name, "role": "attribute", "class": "ordinary"} | given)
        for name, given in columns.items()
    ]
    source = {"format": "delimited", "path": "a.csv", "encoding": "utf-8"}
    titled = {"name": "visits", "kind": "event", "title": {"ja": "受診", "en": "visits"}}
    return TablePolicy.model_validate({**titled, "source": source, "columns": listed})


def alarm(column: str, kind: IdentifierKind, **changes: object) -> FalseAlarm:
    said = {"ja": "試薬のロット番号である", "en": "These are lot numbers of reagents"}
    days = {"accepted_on": date(2026, 11, 1), "expires_on": date(2027, 10, 31)}
    return FalseAlarm.model_validate(
        {"table": "visits", "column": column, "kind": kind, "reason": said, "by": "S. Tanaka", **days, **changes}
    )


def verdicts(table: pa.Table, declared: TablePolicy, *alarms: FalseAlarm, on: date | None = TODAY) -> dict:
    judged = judge(scan(table), declared, false_alarms=alarms, on=on)
    return {(one.column, one.kind): one.verdict for one in judged if one.verdict not in (Verdict.CHANCE, Verdict.FEW)}


def right_numbers(scheme, width: int, count: int, *, seed: int = 2) -> list[str]:
    digits = np.random.default_rng(seed).integers(0, 10, (count, width - 1)).tolist()
    return [body + scheme.compute(body) for body in ("".join(map(str, row)) for row in digits)]


def insurers(count: int) -> list[str]:
    return [body + INSURER_NUMBER.compute(body) for body in (f"0104{serial:03d}" for serial in range(count))]


PHONES = pa.table({"contact": ["022-123-4567", "090-1234-5678", "03-1234-5678", None]})


def test_an_undeclared_phone_blocks_and_a_declared_one_does_not():
    checks = undeclared_identifiers(scan(PHONES), policy(contact={}))
    failed = next(check for check in checks if check.name == "identifiers:visits.contact:phone")
    assert (failed.passed, failed.blocking, failed.rule) == (False, True, "APPI-21")
    assert "022" not in failed.what
    declared = policy(contact={"class": "direct_identifier", "role": "identifier"})
    assert verdicts(PHONES, declared) == {("contact", K.PHONE): Verdict.DECLARED}
    assert all(check.passed for check in undeclared_identifiers(scan(PHONES), declared))


def test_free_text_may_hold_anything_but_a_my_number_and_a_resident_code():
    note = policy(note={"class": "free_text", "role": "free_text"})
    told = pa.table({"note": ["鈴木様 022-123-4567 基礎年金番号1234-567890"] * 5})
    assert set(verdicts(told, note).values()) == {Verdict.DECLARED}
    number = pa.table({"note": ["経過良好", f"個人番号 {VECTOR}"]})
    assert verdicts(number, note) == {("note", K.MY_NUMBER): Verdict.BLOCK}
    resident = pa.table({"note": ["経過良好", "住民票コード 24727059608"]})
    assert verdicts(resident, note) == {("note", K.RESIDENT_CODE): Verdict.BLOCK}


@pair(rule="APPI-03")
def test_an_insurer_number_with_the_insured_number_is_a_code_and_must_be_declared():
    numbers = [str(number) for number in range(100, 130)]
    table = pa.table({"payer": insurers(30), "insured_symbol": ["若12"] * 30, "insured_number": numbers})
    undeclared = verdicts(table, policy(payer={}, insured_symbol={}, insured_number={}))
    assert undeclared == {
        ("payer", K.INSURER_NUMBER): Verdict.BLOCK,
        ("insured_symbol", K.INSURED_NUMBER): Verdict.BLOCK,
        ("insured_number", K.INSURED_NUMBER): Verdict.BLOCK,
    }
    code = {"class": "identification_code", "code": "health_insurance", "role": "identifier"}
    declared = policy(payer=code, insured_symbol=code, insured_number=code)
    assert set(verdicts(table, declared).values()) == {Verdict.DECLARED}


def test_an_insured_number_without_an_insurer_waits_for_a_person():
    table = pa.table({"insured_number": [str(number) for number in range(100, 130)]})
    assert verdicts(table, policy(insured_number={})) == {("insured_number", K.INSURED_NUMBER): Verdict.HOLD}


def test_the_declared_label_is_evidence_too():
    table = pa.table({"x1": ["1234567890", "0987654321"]})
    assert verdicts(table, policy(x1={})) == {}
    assert verdicts(table, policy(x1={"ja": "基礎年金番号"})) == {("x1", K.BASIC_PENSION): Verdict.BLOCK}
    assert verdicts(pa.table({"x1": [9012345678]}), policy(x1={"en": "phone"})) == {("x1", K.PHONE): Verdict.BLOCK}


def test_a_key_may_be_a_patient_number_and_no_shadow_of_an_insurer_is_one():
    table = pa.table({"no": insurers(30)})
    assert (
        verdicts(table, policy(no={"ja": "患者番号", "class": "linkage_code"}))["no", K.PATIENT_NUMBER]
        is Verdict.DECLARED
    )
    assert verdicts(table, policy(no={})) == {("no", K.INSURER_NUMBER): Verdict.BLOCK}


@pair(rule="APPI-04", violation="V18")
def test_a_my_number_in_running_text_stops_the_landing_and_a_number_that_chance_explains_does_not():
    note = policy(note={"class": "free_text", "role": "free_text"})
    text = pa.table({"note": ["経過良好"] * 50 + [f"書類に{VECTOR}とあり"]})
    (found,) = [one for one in judge(scan(text), note) if one.verdict is Verdict.BLOCK]
    assert (found.stops_landing, found.check.rule, found.check.blocking) == (True, "APPI-04", True)
    assert VECTOR not in found.check.what
    assert my_number_rows(text).to_pylist() == [False] * 50 + [True]
    corrected = pa.table({"note": ["経過良好"] * 50 + ["書類に個人番号の記載あり"]})
    assert not [one for one in judge(scan(corrected), note) if one.stops_landing]


# --- false alarms


def requests(count: int = 400) -> pa.Table:
    digits = np.random.default_rng(6).integers(0, 10, (count, 12)).tolist()
    return pa.table({"note": [f"依頼{''.join(map(str, row))}受領" for row in digits]})


NOTE = policy(note={"class": "free_text", "role": "free_text"})


def test_twelve_digit_numbers_in_text_are_accepted_while_chance_explains_them():
    assert verdicts(requests(), NOTE) == {("note", K.MY_NUMBER): Verdict.BLOCK}
    assert verdicts(requests(), NOTE, alarm("note", K.MY_NUMBER)) == {("note", K.MY_NUMBER): Verdict.ACCEPTED}


@pytest.mark.parametrize(
    "more",
    [
        [f"依頼{number}受領" for number in right_numbers(MY_NUMBER, 12, 60)],
        [f"マイナンバー {VECTOR}"],
    ],
    ids=["more than chance", "a label"],
)
def test_a_my_number_that_chance_does_not_explain_cannot_be_accepted(more):
    table = pa.table({"note": [*requests(100)["note"].to_pylist(), *more]})
    judged = judge(scan(table), NOTE, false_alarms=[alarm("note", K.MY_NUMBER)], on=TODAY)
    (found,) = [one for one in judged if one.kind is K.MY_NUMBER]
    assert found.verdict is Verdict.BLOCK
    assert "cannot be accepted" in found.check.what


def test_too_few_numbers_cannot_be_accepted_either():
    table = pa.table({"note": [f"書類に{VECTOR}とあり"]})
    assert verdicts(table, NOTE, alarm("note", K.MY_NUMBER))["note", K.MY_NUMBER] is Verdict.BLOCK
    resident = pa.table({"note": [f"書類に{number}とあり" for number in right_numbers(RESIDENT_CODE, 11, 40)]})
    assert verdicts(resident, NOTE, alarm("note", K.RESIDENT_CODE))["note", K.RESIDENT_CODE] is Verdict.BLOCK


@pytest.mark.parametrize(
    ("changes", "on", "verdict"),
    [
        ({}, TODAY, Verdict.ACCEPTED),
        ({}, date(2027, 10, 31), Verdict.ACCEPTED),
        ({}, date(2027, 11, 1), Verdict.BLOCK),
        ({"accepted_on": date(2026, 12, 16)}, TODAY, Verdict.BLOCK),
        ({}, None, Verdict.BLOCK),
    ],
    ids=["in force", "last day", "expired", "not yet", "no day"],
)
def test_a_false_alarm_counts_only_on_its_days(changes, on, verdict):
    found = verdicts(PHONES, policy(contact={}), alarm("contact", K.PHONE, **changes), on=on)
    assert found == {("contact", K.PHONE): verdict}


def test_an_accepted_alarm_is_reported_with_who_and_until_when():
    checks = undeclared_identifiers(
        scan(PHONES), policy(contact={}), false_alarms=[alarm("contact", K.PHONE)], on=TODAY
    )
    kept = next(check for check in checks if check.name == "identifiers:visits.contact:phone")
    assert kept.passed
    assert "S. Tanaka" in kept.what
    assert "2027-10-31" in kept.what
    assert kept.measured["verdict"] == "accepted"


def test_an_alarm_that_matches_nothing_is_stale_and_one_of_another_table_is_not_ours():
    table = pa.table({"contact": ["a", "b"]})
    assert verdicts(table, policy(contact={}), alarm("contact", K.PHONE)) == {("contact", K.PHONE): Verdict.STALE}
    assert verdicts(table, policy(contact={}), alarm("contact", K.PHONE, table="labs")) == {}
    checks = undeclared_identifiers(scan(table), policy(contact={}), false_alarms=[alarm("contact", K.PHONE)], on=TODAY)
    (stale,) = [check for check in checks if check.name.startswith("false_alarm:")]
    assert (stale.passed, stale.blocking) == (False, False)


@pytest.mark.parametrize(
    "days",
    [
        {"expires_on": date(2026, 11, 1)},
        {"expires_on": date(2027, 11, 3)},
        {"expires_on": date(2026, 10, 1)},
        {"by": ""},
    ],
    ids=["no day", "over a year", "backwards", "nobody"],
)
def test_a_false_alarm_has_a_person_and_ends_within_a_year(days):
    with pytest.raises(ValidationError):
        alarm("contact", K.PHONE, **days)


# --- the report


def test_the_report_of_a_column_says_rate_chance_and_verdict_and_hides_small_counts():
    checks = undeclared_identifiers(scan(requests()), NOTE)
    column = next(check for check in checks if check.name == "identifiers:visits.note:my_number")
    assert column.measured["verdict"] == "block"
    assert column.measured["rows_scanned"] == column.measured["distinct"] == 400
    assert column.measured["expected_ratio"] == pytest.approx(0.1, abs=0.02)
    assert column.measured["hit_ratio"] == pytest.approx(0.1, abs=0.05)
    assert column.measured["p_value"] > 1e-3
    few = undeclared_identifiers(scan(pa.table({"note": ["a"] * 90 + [f"番号{VECTOR}です"]})), NOTE)
    small = next(check for check in few if check.name == "identifiers:visits.note:my_number")
    assert small.measured["rows_hit"] == "<10"
    assert "hit_ratio" not in small.measured


def test_every_table_leaves_a_summary_of_each_rule():
    checks = undeclared_identifiers(scan(pa.table({"a": ["x"]})), policy(a={}))
    assert [(check.rule, check.passed, check.blocking) for check in checks] == [
        ("APPI-03", True, False),
        ("APPI-04", True, False),
        ("APPI-21", True, False),
    ]
    failed = undeclared_identifiers(scan(PHONES), policy(contact={}))
    assert {check.rule: check.passed for check in failed[:3]} == {"APPI-03": True, "APPI-04": True, "APPI-21": False}


def test_a_column_called_after_a_person_must_be_declared_whatever_it_holds():
    table = pa.table({"患者番号": ["P1", "P2"], "氏名": ["架空1", "架空2"]})
    assert verdicts(table, policy(患者番号={}, 氏名={})) == {
        ("患者番号", K.PATIENT_NUMBER): Verdict.BLOCK,
        ("氏名", K.NAME): Verdict.HOLD,
    }
