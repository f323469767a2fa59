"""Events and households in policy files: what fits passes, what does not is named at its line, in words, with a direction."""

from datetime import date
from pathlib import Path

import pytest

from policies.check import check
from policies.compare import compare
from policies.direction import Direction
from policies.explain import explain
from policies.findings import Finding
from policies.library import PolicyKind
from policies.load import load_release, read_library
from tests.support import policy_files as fixture

ON = date(2026, 12, 15)
RARE = "treat: {op: roll_up_rare, hierarchy: icd10, min_persons: 10}"
SEARCHED = "treat: {op: generalize, hierarchy: icd10, level: search}"
LIMIT = "  suppression_limit: 0.02\n"
CODES = "codes: [{table: diagnoses, column: icd10}], suppression_limit: 0.1"
KM = f"{{model: km, name: both, m: 2, k: 10, {CODES}}}"
LKC = f"{{model: lkc, name: both, l: 2, k: 10, c: 0.8, sensitive: outcome, values: [dead], {CODES}}}"
DROPPED = "{name: patient_no, treat: {op: drop_column}, rule: APPI-23}\n      - {name: name_kanji"
CITY = "class: quasi_identifier, role: quasi_identifier, meaning: municipality"


def written(folder: Path, *, codes: str = KM, treat: str = SEARCHED, more: str = "") -> Path:
    block = f"  events:\n    codes: [{codes}]\n{more}" if codes else more
    return fixture.write_policies(folder, {fixture.MICRODATA: [(RARE, treat), (LIMIT, LIMIT + block)]})


def findings_of(root: Path) -> list[Finding]:
    return [each for each in check(read_library(root), on=ON) if each.place.file.endswith("admissions.yaml")]


@pytest.mark.parametrize("codes", [KM, LKC], ids=["km", "lkc"])
def test_codes_that_fit_pass_every_rule(tmp_path: Path, codes: str) -> None:
    assert [str(each) for each in findings_of(written(tmp_path, codes=codes))] == []


# (codes, treatment of the column, what the finding says)
REFUSED = [
    (KM.replace("icd10", "icd9"), RARE, "no output column"),
    (KM, RARE, "not left to the search"),
    ("", SEARCHED, "level is searched"),
    (KM.replace("k: 10", "k: 5"), SEARCHED, "of 5 people"),
    (LKC.replace("sensitive: outcome", "sensitive: facility"), SEARCHED, "sensitive column 'facility'"),
]


@pytest.mark.parametrize(("codes", "treat", "says"), REFUSED, ids=[says for _, _, says in REFUSED])
def test_codes_that_do_not_fit_are_refused(tmp_path: Path, codes: str, treat: str, says: str) -> None:
    found = findings_of(written(tmp_path, codes=codes, treat=treat))
    assert any(says in each.what for each in found), [each.what for each in found]


@pytest.mark.parametrize("judged", ["sensitive", "quasi-identifier", "lkc"])
def test_a_column_that_classes_are_judged_by_is_no_event_column(tmp_path: Path, judged: str) -> None:
    outcome = "codes: [{table: admissions, column: outcome}], suppression_limit: 0.1"
    codes = (LKC if judged == "lkc" else KM).replace(CODES, outcome)
    root = written(tmp_path, codes=codes)
    file = root / fixture.MICRODATA
    text = file.read_text(encoding="utf-8")
    assert "  sensitive: [{column: outcome, l: 3}]\n" in text
    if judged != "sensitive":
        text = text.replace("  sensitive: [{column: outcome, l: 3}]\n", "")
    if judged == "quasi-identifier":
        text = text.replace("quasi_identifiers: [", "quasi_identifiers: [outcome, ")
    file.write_text(text, encoding="utf-8")
    found = findings_of(root)
    assert any("what was counted would not leave" in each.what for each in found), [each.what for each in found]


def test_a_trajectory_is_of_dates(tmp_path: Path) -> None:
    dates = "    trajectories: [{table: admissions, column: outcome, points: 2, max_uniqueness: 0.1}]\n"
    found = findings_of(written(tmp_path, more=dates))
    assert any("is no date" in each.what for each in found)


def test_a_household_is_named_by_a_key_of_the_person(tmp_path: Path) -> None:
    named = "  household: {table: patients, column: city}\n"
    root = written(tmp_path / "no", more=named)
    assert any("does not name the household" in each.what for each in findings_of(root))
    edits = {
        fixture.MICRODATA: [(LIMIT, LIMIT + named)],
        "datasets/clinic.yaml": [(CITY, "class: linkage_code, role: household_key")],
    }
    root = fixture.write_policies(tmp_path / "yes", edits)
    assert not [each.what for each in findings_of(root) if "household" in each.what]


def test_the_key_of_a_person_may_leave_as_a_random_id_where_a_record_is_a_person(tmp_path: Path) -> None:
    random = DROPPED.replace("{op: drop_column}", "{op: pseudonymize, method: random, scope: release}", 1)
    kept = fixture.write_policies(tmp_path / "kept", {fixture.MICRODATA: [(DROPPED, random)]})
    assert any("would link the records" in each.what for each in findings_of(kept))
    edits = [(DROPPED, random), ("record: admissions", "record: patients")]
    people = findings_of(fixture.write_policies(tmp_path / "people", {fixture.MICRODATA: edits}))
    assert not [each.what for each in people if "'patients.patient_no'" in each.what or "names no key" in each.what]
    # An admission's own id would be a second key beside the person's.
    assert any("would link the records" in each.what and "admission_id" in each.what for each in people)


def test_the_page_says_what_an_attacker_may_know(tmp_path: Path) -> None:
    root = written(tmp_path, codes=LKC)
    library = read_library(root)
    release = load_release(root / fixture.MICRODATA)
    english, japanese = explain(release, library, language="en"), explain(release, library, language="ja")
    assert "up to 2 codes of diagnoses.icd10" in english
    assert "at most 80%" in english
    assert "符号を2個まで知る者" in japanese


@pytest.mark.parametrize(
    ("old", "new", "direction"),
    [
        ("m: 2", "m: 1", Direction.LOOSER),
        ("k: 10", "k: 20", Direction.STRICTER),
        ("suppression_limit: 0.1", "suppression_limit: 0.3", Direction.LOOSER),
        ("m: 2", "m: 2, knows: class_and_codes", Direction.STRICTER),
        ("m: 2", "m: 2, repeated_codes: keep", Direction.LOOSER),
    ],
)
def test_each_change_has_its_direction(tmp_path: Path, old: str, new: str, direction: Direction) -> None:
    before = load_release(written(tmp_path / "before") / fixture.MICRODATA)
    after = load_release(written(tmp_path / "after", codes=KM.replace(old, new)) / fixture.MICRODATA)
    changes = compare(PolicyKind.RELEASE, "admissions", old=before, new=after).changes
    assert {change.direction for change in changes} == {direction}
