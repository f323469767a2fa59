"""A person table with its event tables as one release: codes and dates hold after the join, in people, and are counted anew."""

from collections import defaultdict
from dataclasses import replace
from datetime import date, timedelta

import ibis
import pyarrow as pa
import pytest

from anonymization import microdata_events
from anonymization.hierarchy import build_hierarchy, hierarchy_from_rows
from anonymization.microdata import protect_microdata
from anonymization.release_checks import recount_release
from anonymization.release_checks.surroundings import Surroundings
from anonymization.tables import Anonymized
from policies.errors import DataError, PolicyError
from policies.model import DatasetPolicy, HierarchyPolicy
from policies.model.method import Microdata
from tests.support.event_definitions import is_km, mean_uniqueness
from tests.support.hospital_tables import (
    MICRODATA,
    OPT_OUT,
    OPTOUTS,
    column,
    dataset,
    drop,
    keep,
    pseudonymized,
    raw,
    release,
    release_table,
    stored,
    table,
    text,
    treated,
)

PEOPLE = 24
RANDOM_ID = {"op": "pseudonymize", "method": "random", "scope": "release"}
DATES = {
    "schema": "niji/hierarchy/v1",
    "id": "visit-date",
    "version": "1.0.0",
    "title": text("visit date"),
    "source": "day, month, quarter, year",
    "on_unseen": "refuse",
    "levels": {"kind": "date", "first_year": 2023, "last_year": 2025},
}
KM = {
    "model": "km",
    "name": "diagnoses",
    "codes": [{"table": "visits", "column": "icd10"}],
    "m": 2,
    "k": 3,
    "suppression_limit": 0.5,
}


def clinic() -> DatasetPolicy:
    """People with a family, and visits with a code and a day, of which nothing but the person's key says whose."""
    people = [
        column("patient_no", "person_key", "linkage_code"),
        column("sex", "quasi_identifier", "quasi_identifier"),
        column("ward", "sensitive", "special_care"),
        column("family_no", "household_key", "linkage_code"),
    ]
    visits = [
        column("patient_no", "person_key", "linkage_code", references="patients.patient_no"),
        column("icd10", "sensitive", ["special_care", "unusual_candidate"]),
        column("visited_on", "event_date", "quasi_identifier", "date"),
    ]
    tables = [table("patients", "person", people), table("visits", "event", visits), OPTOUTS]
    return dataset("clinic", tables, dict(OPT_OUT))


def rows(people: int = PEOPLE) -> dict[str, dict[str, list[object]]]:
    """Half the people in families of two; common and rare diagnoses, one person with the rarest."""
    numbers = [f"P{n:04d}" for n in range(people)]
    codes = ("E11.9", "E11.2", "I10", "J45.0", "J45.9")
    visits = [
        (n, codes[(n + turn) % (2 + n % 4)], date(2024, 1 + (turn * 2 + n % 3) % 12, 1 + (n * 7 + turn) % 27))
        for n in range(people)
        for turn in range(3)
    ]
    visits.append((0, "C95.1", date(2024, 5, 5)))
    return {
        "patients": {
            "patient_no": numbers,
            "sex": ["12"[n % 2] for n in range(people)],
            "ward": ["AB"[n // 2 % 2] for n in range(people)],
            "family_no": [f"F{n // 2 % 3}" if n < people // 2 else None for n in range(people)],
        },
        "visits": {
            "patient_no": [numbers[n] for n, _, _ in visits],
            "icd10": [code for _, code, _ in visits],
            "visited_on": [day for _, _, day in visits],
        },
        "optouts": {"patient_no": [], "decision": [], "decided_on": []},
    }


def known():
    codes = [
        ["E11.2", "E11", "IV", "*"],
        ["E11.9", "E11", "IV", "*"],
        ["I10", "I10", "IX", "*"],
        ["J45.0", "J45", "X", "*"],
        ["J45.9", "J45", "X", "*"],
        ["C95.1", "C95", "II", "*"],
    ]
    return {
        "icd10": hierarchy_from_rows("icd10", codes),
        "visit-date": build_hierarchy(HierarchyPolicy.model_validate(DATES)),
    }


def clinic_release(**method):
    searched = {"op": "generalize", "level": "search"}
    patients = [treated("patient_no", RANDOM_ID, **{"as": "person_id"}), keep("sex"), keep("ward"), drop("family_no")]
    visits = [
        treated("patient_no", RANDOM_ID, **{"as": "person_id"}),
        treated("icd10", {**searched, "hierarchy": "icd10"}),
        treated("visited_on", {**searched, "hierarchy": "visit-date"})
        if method.get("dates", True)
        else drop("visited_on"),
    ]
    method.pop("dates", None)
    asked = {**MICRODATA, "record": "patients", "quasi_identifiers": ["sex"], **method}
    tables = [
        release_table("patients", patients, dataset_id="clinic"),
        release_table("visits", visits, dataset_id="clinic"),
    ]
    return release(tables, asked)


def protect(source=None, **method) -> Anonymized:
    found = {"clinic": stored(pseudonymized(raw(clinic(), source or rows())))}
    return protect_microdata(clinic_release(**method), found, hierarchies=known())


def sets_of(done: Anonymized, name: str) -> list[set[str]]:
    records = done.tables["patients"].to_pyarrow().column("person_id").to_pylist()
    held = defaultdict(set)
    for row in done.tables["visits"].to_pyarrow().to_pylist():
        if row[name] is not None:
            held[row["person_id"]].add(row[name])
    return [held[record] for record in records]


@pytest.mark.parametrize("suppress", ["codes", "entries"])
@pytest.mark.parametrize("knows", ["codes", "class_and_codes"])
def test_every_pair_of_published_codes_is_of_k_people_after_the_join(suppress, knows):
    asked = {**KM, "suppress": suppress, "knows": knows}
    done = protect(dates=False, events={"codes": [asked]})
    records = done.tables["patients"].to_pyarrow().to_pylist()
    sets = sets_of(done, "icd10")
    groups = {row["sex"] for row in records} if knows == "class_and_codes" else {None}
    for group in groups:
        inside = [held for held, row in zip(sets, records, strict=True) if group in {None, row["sex"]}]
        assert is_km(inside, range(len(inside)), k=3, m=2)
    assert any(sets)
    assert not any("C95" in label for held in sets for label in held)
    check = next(each for each in done.evidence.checks if each.name == "recount.codes.diagnoses")
    assert check.passed
    assert check.measured["least_people"] >= 3
    assert done.evidence.measured["events"][0]["entries"] == 1 + len({(n, code) for n, code in _held()})


def _held():
    visits = rows()["visits"]
    return [pair for pair in zip(visits["patient_no"], visits["icd10"], strict=True) if pair[1] != "C95.1"]


def test_a_label_is_published_once_a_person_unless_repeats_are_kept():
    once = protect(dates=False, events={"codes": [KM]}).tables["visits"].to_pyarrow()
    assert once.num_rows == len({(row["person_id"], row["icd10"]) for row in once.to_pylist()})
    kept = protect(dates=False, events={"codes": [{**KM, "repeated_codes": "keep"}]}).tables["visits"].to_pyarrow()
    assert kept.num_rows > once.num_rows


def test_dates_become_as_coarse_as_few_enough_people_need():
    dates = {"table": "visits", "column": "visited_on", "points": 2, "max_uniqueness": 0.1}
    done = protect(events={"codes": [{**KM, "repeated_codes": "keep"}], "trajectories": [dates]})
    sets = sets_of(done, "visited_on")
    assert mean_uniqueness(sets, range(len(sets)), 2) <= 0.1
    said = done.evidence.measured["events"][1]
    assert said["uniqueness_before"] > 0.1 >= said["uniqueness"]
    assert any(each.name == "recount.trajectory.visits.visited_on" and each.passed for each in done.evidence.checks)


def test_lkc_bounds_what_known_codes_tell_of_the_ward():
    lkc = {key: value for key, value in KM.items() if key != "m"}
    lkc |= {"model": "lkc", "l": 1, "c": 0.75, "sensitive": "ward", "values": ["A", "B"]}
    done = protect(dates=False, events={"codes": [lkc]})
    check = next(each for each in done.evidence.checks if each.name == "recount.codes.diagnoses")
    assert check.measured["confidence"] <= 0.75
    records = done.tables["patients"].to_pyarrow().to_pylist()
    sets = sets_of(done, "icd10")
    for code in set().union(*sets):
        wards = [row["ward"] for row, held in zip(records, sets, strict=True) if code in held]
        assert max(wards.count(ward) for ward in "AB") / len(wards) <= 0.75


def test_people_of_one_family_do_not_make_a_class():
    source = rows()
    source["patients"]["sex"] = ["9" if family == "F0" else "1" for family in source["patients"]["family_no"]]
    household = {"table": "patients", "column": "family_no"}
    alone = protect(source, dates=False, events={"codes": [KM]}, k=2)
    assert "9" in alone.tables["patients"].to_pyarrow().column("sex").to_pylist()
    together = protect(source, dates=False, events={"codes": [KM]}, k=2, household=household)
    assert "9" not in together.tables["patients"].to_pyarrow().column("sex").to_pylist()
    assert together.evidence.parameters["counted"] == "households"
    assert together.evidence.people_in == PEOPLE
    assert "family_no" not in together.tables["patients"].columns


def test_what_leaves_is_counted_anew_and_a_changed_code_is_found():
    done = protect(dates=False, events={"codes": [KM]})
    sources = {"clinic": stored(pseudonymized(raw(clinic(), rows())))}
    around = Surroundings(hierarchies=known())
    fine = {check.name: check.passed for check in recount_release(done, sources, around=around)}
    assert fine["recount.codes.diagnoses"]
    assert fine["recount.events_in_people"]
    assert any(each.name == "recount.event_label.visits.icd10" and each.passed for each in done.evidence.checks)
    assert fine["recount.details.visits"]
    visits = done.tables["visits"].to_pyarrow()
    codes = ["C95.1", *visits.column("icd10").to_pylist()[1:]]
    changed = visits.set_column(visits.column_names.index("icd10"), "icd10", pa.array(codes, pa.string()))
    forged = replace(done, tables={**done.tables, "visits": ibis.memtable(changed)})
    found = {check.name: check.passed for check in recount_release(forged, sources, around=around)}
    assert not found["recount.codes.diagnoses"]
    for gone in ("recount.codes.diagnoses", "recount.event_label.visits.icd10"):
        left = tuple(check for check in done.evidence.checks if check.name != gone)
        silent = replace(done, evidence=replace(done.evidence, checks=left))
        said = {check.name: check.passed for check in recount_release(silent, sources, around=around)}
        assert not said["recount.events_in_people"]


def test_a_label_that_its_record_does_not_have_stops_the_release(monkeypatch):
    real = microdata_events.protect_events

    def swapped(events, rows, *, k):
        """Sort the codes over the visits: every code keeps as many visits, but they are others'."""
        done = real(events, rows, k=k)
        visits = done.rows.details["visits"]
        codes = pa.array(sorted(visits.column("icd10").to_pylist()), pa.string())
        forged = visits.set_column(visits.column_names.index("icd10"), "icd10", codes)
        return replace(done, rows=done.rows.with_table("visits", forged))

    monkeypatch.setattr(microdata_events, "protect_events", swapped)
    with pytest.raises(DataError) as caught:
        protect(dates=False, events={"codes": [{**KM, "m": 1, "repeated_codes": "keep"}]})
    assert "recount.event_label.visits.icd10" in caught.value.what


@pytest.mark.parametrize("place", ["quasi-identifier", "sensitive"])
def test_a_column_that_classes_are_judged_by_holds_no_events(place):
    wards = {**KM, "name": "wards", "codes": [{"table": "patients", "column": "ward"}]}
    events = {"codes": [KM, wards]}
    asked = (
        {"quasi_identifiers": ["sex", "ward"]}
        if place == "quasi-identifier"
        else {"sensitive": [{"column": "ward", "l": 2}]}
    )
    with pytest.raises(PolicyError) as caught:
        protect(dates=False, events=events, **asked)
    assert caught.value.code == "policy.event-column-judged-twice"


def test_codes_that_are_missing_are_left_out():
    source = rows()
    source["visits"]["icd10"][1] = None
    done = protect(source, dates=False, events={"codes": [KM]})
    assert done.tables["visits"].to_pyarrow().column("icd10").null_count == 0


@pytest.mark.parametrize("person", [None, "P9999"], ids=["nobody", "unknown"])
def test_an_event_of_nobody_or_of_somebody_unknown_is_refused(person):
    source = rows()
    source["visits"]["patient_no"][0] = person
    with pytest.raises(DataError):
        protect(source, dates=False, events={"codes": [KM]})


def test_a_person_table_without_events_is_released_all_the_same():
    source = rows()
    source["visits"] = {name: [] for name in source["visits"]}
    done = protect(source, dates=False, events={"codes": [KM]})
    assert done.tables["visits"].to_pyarrow().num_rows == 0
    assert done.tables["patients"].to_pyarrow().num_rows == PEOPLE


def test_an_impossible_limit_is_refused_and_names_the_nearest():
    with pytest.raises(DataError) as caught:
        protect(dates=False, events={"codes": [{**KM, "k": 20, "suppression_limit": 0.0}]})
    assert caught.value.code == "data.codes-not-protected"
    assert "suppression_limit" in caught.value.fix
    assert "C95" not in str(caught.value)


def test_a_column_that_does_not_leave_cannot_hold_events():
    events = {"codes": [{**KM, "codes": [{"table": "visits", "column": "nothing"}]}]}
    with pytest.raises(PolicyError):
        protect(dates=False, events=events)


@pytest.mark.parametrize(
    "events",
    [
        {},
        {"codes": [KM, {**KM, "name": "again"}]},
        {"codes": [{**KM, "m": 0}]},
        {"codes": [{**KM, "m": 5}]},
        {"codes": [{**KM, "k": 1}]},
        {"trajectories": [{"table": "visits", "column": "visited_on", "points": 0, "max_uniqueness": 0.1}]},
    ],
    ids=["nothing", "a column twice", "m zero", "m five", "k one", "no points"],
)
def test_events_that_say_nothing_are_no_policy(events):
    with pytest.raises(ValueError, match="validation error"):
        Microdata.model_validate({**MICRODATA, "events": events})


def test_days_stay_where_nobody_is_singled_out_by_them():
    source = rows()
    source["visits"]["visited_on"] = [date(2024, 3, 1) + timedelta(days=1)] * len(source["visits"]["visited_on"])
    dates = {"table": "visits", "column": "visited_on", "points": 3, "max_uniqueness": 0.0}
    done = protect(source, events={"codes": [{**KM, "repeated_codes": "keep"}], "trajectories": [dates]})
    assert done.evidence.measured["events"][1]["level"] == 0
