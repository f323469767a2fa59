"""Consent: the latest decision counts, the more restrictive on one day, and nothing of a dropped person is left."""

from copy import deepcopy
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymization.classify import classify
from anonymization.consent import keep_consenting
from anonymization.tables import Classified, RegisterTable
from policies.errors import DataError, PolicyError
from tests.support.hospital_tables import (
    ON,
    OPT_OUT,
    admissions_policy,
    admissions_rows,
    cohort_rows,
    column_of,
    everything,
    memtable,
    person,
    raw_admissions,
    raw_cohort,
)


def _with_decisions(decisions, *, opt_in=False):
    """Classify a dataset whose register holds `decisions`: (person number, code, day)."""
    rows = deepcopy(cohort_rows() if opt_in else admissions_rows())
    rows["consents" if opt_in else "optouts"] = {
        "patient_no": [person(number) for number, _, _ in decisions],
        "decision": [code for _, code, _ in decisions],
        "decided_on": [day for _, _, day in decisions],
    }
    return classify((raw_cohort if opt_in else raw_admissions)(rows))


def _people(consented, table="patients"):
    return set(column_of(consented.tables[table].rows, "patient_no"))


def test_an_objector_is_dropped_everywhere_and_the_register_is_gone():
    consented = keep_consenting(classify(raw_admissions()), on=ON)
    assert (consented.people_in, consented.people_out) == (10, 9)
    assert set(consented.tables) == {"patients", "admissions", "diagnoses"}
    assert person(10) not in everything(consented.tables).replace("P0010's", "")
    assert person(9) in _people(consented)


def test_opt_in_keeps_only_people_with_a_decision():
    consented = keep_consenting(_with_decisions([(3, "同意", date(2023, 4, 1))], opt_in=True), on=ON)
    assert _people(consented, "samples") == {person(3)}
    assert (consented.people_in, consented.people_out) == (6, 1)


def test_withdrawn_samples_leave_the_genotypes_and_sites_stay():
    classified = classify(raw_cohort())
    consented = keep_consenting(classified, on=ON)
    before, after = classified.tables["genotypes"], consented.tables["genotypes"]
    assert after.samples == before.samples[:-1]
    assert after.sites.num_rows == before.sites.num_rows
    for old, new in zip(before.sites.to_pylist(), after.sites.to_pylist(), strict=True):
        assert new["gt"] == old["gt"][: 5 * old["ploidy"]]
        assert new["phased"] == old["phased"][:5]


def test_a_decision_after_the_day_does_not_count():
    data = _with_decisions([(1, "停止", ON), (2, "停止", ON + timedelta(days=1))])
    kept = _people(keep_consenting(data, on=ON))
    assert person(1) not in kept
    assert person(2) in kept


def test_the_more_restrictive_of_one_day_wins():
    day = date(2026, 1, 1)
    for order in ([(1, "停止", day), (1, "撤回", day)], [(1, "撤回", day), (1, "停止", day)]):
        assert person(1) not in _people(keep_consenting(_with_decisions(order), on=ON))


CODES = {"同意": True, "不同意": False, "同意撤回": False}


@given(
    st.lists(st.tuples(st.integers(3, 8), st.sampled_from(sorted(CODES)), st.integers(-5, 5)), min_size=1, max_size=25)
)
def test_only_people_whose_every_latest_decision_allows_are_kept(drawn):
    decisions = [(number, code, ON + timedelta(days=offset)) for number, code, offset in drawn]
    consented = keep_consenting(_with_decisions(decisions, opt_in=True), on=ON)
    expected = set()
    for number in range(3, 9):
        mine = [(day, CODES[code]) for who, code, day in decisions if who == number and day <= ON]
        last = max((day for day, _ in mine), default=None)
        if mine and all(allows for day, allows in mine if day == last):
            expected.add(person(number))
    assert _people(consented, "samples") == expected
    assert len(consented.tables["genotypes"].samples) == len(expected)


@pytest.mark.parametrize(
    ("decision", "code"),
    [
        ((1, "保留", date(2026, 1, 1)), "data.unknown-decision"),
        ((1, None, date(2026, 1, 1)), "data.unknown-decision"),
        ((1, "停止", None), "data.incomplete-decision"),
    ],
    ids=["unknown", "null", "undated"],
)
def test_a_decision_that_is_not_understood_is_refused(decision, code):
    with pytest.raises(DataError) as refused:
        keep_consenting(_with_decisions([decision]), on=ON)
    assert refused.value.code == code
    assert "保留" not in str(refused.value)


def test_an_empty_register_is_refused_under_opt_in_only():
    with pytest.raises(DataError) as refused:
        keep_consenting(_with_decisions([], opt_in=True), on=ON)
    assert refused.value.code == "data.register-empty"
    assert keep_consenting(_with_decisions([]), on=ON).people_out == 10


def test_a_missing_register_is_refused():
    rows = admissions_rows()
    rows.pop("optouts")
    with pytest.raises(DataError) as refused:
        keep_consenting(classify(raw_admissions(rows)), on=ON)
    assert refused.value.code == "data.register-missing"


@pytest.mark.parametrize(("days", "refused"), [(9, True), (10, False)])
def test_nothing_is_used_inside_the_waiting_period(days, refused):
    consent = {**OPT_OUT, "waiting": {"notice_on": ON, "wait_days": 10}}
    data = classify(raw_admissions(consent=consent))
    on = ON + timedelta(days=days)
    if refused:
        with pytest.raises(PolicyError) as stopped:
            keep_consenting(data, on=on)
        assert stopped.value.code == "consent.waiting-period"
    else:
        assert keep_consenting(data, on=on).people_out == 9


def test_where_no_consent_is_needed_everybody_stays():
    policy = admissions_policy(consent={"basis": "not_required", "reason": "public data"})
    rows = {name: values for name, values in admissions_rows().items() if name != "optouts"}
    data = classify(raw_admissions(rows, consent={"basis": "not_required", "reason": "public data"}))
    assert data.dataset == policy
    consented = keep_consenting(data, on=ON)
    assert (consented.people_in, consented.people_out) == (10, 10)


def test_a_register_is_never_in_the_result_whatever_it_is_called():
    data = classify(raw_admissions())
    more = {**data.tables, "old_register": memtable(data.dataset, "optouts", admissions_rows()["optouts"])}
    consented = keep_consenting(Classified(data.dataset, more), on=ON)
    assert not any(isinstance(table, RegisterTable) for table in consented.tables.values())
