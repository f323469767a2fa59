"""The worked examples keep every rule, the packs hold together, and what is followed by choice never looks like law."""

import shutil
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.applies import applicable_rules
from policies.check import check
from policies.load import load_library
from policies.model.certification import Certification
from policies.model.incident import Incident
from policies.rules.conditions import is_in_force
from policies.vocabulary import CertificationKind, Severity
from tests.support.rule_pairs import WORKED

ON = date(2026, 12, 15)
MINE = (
    "ngmi",
    "ethics",
    "amed",
    "nbdc",
    "hipaa",
    "us-bulk",
    "ehds-alignment",
    "gdpr",
    "wp216",
    "healthdcat-ap",
    "appi-2026",
    "appi-penalties",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(WORKED, tmp_path / "policies")
    return tmp_path / "policies"


def edit(folder: Path, file: str, old: str, new: str) -> None:
    path = folder / file
    text = path.read_text("utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), "utf-8")


def rules_of(folder: Path, *, on: date = ON) -> set[str]:
    return {each.rule for each in check(load_library(folder), on=on)}


def test_worked_examples_keep_every_rule_without_a_single_finding(folder: Path) -> None:
    assert [str(each) for each in check(load_library(folder), on=ON)] == []


def test_the_certified_maker_is_held_against_every_rule_of_the_act(folder: Path) -> None:
    library = load_library(folder)
    spoken = {
        rule.id
        for name in ("ngmi-anonymized", "ngmi-pseudonymized")
        for rule in applicable_rules(library.release(name), library)
    }
    assert {f"NGMI-{number:02}" for number in range(1, 19)} <= spoken


def test_every_row_of_the_reference_is_a_rule(folder: Path) -> None:
    packs = load_library(folder).rulepacks
    ids = {rule.id for name, pack in packs.items() if name.split("@")[0] in MINE for rule in pack.rules}
    expected = {f"NGMI-{number:02}" for number in range(1, 19)}
    expected |= {f"ETH-{number:02}" for number in range(1, 6)} | {f"HIPAA-{number:02}" for number in range(1, 6)}
    expected |= {f"AMED-{number:02}" for number in range(1, 5)} | {f"NBDC-{number:02}" for number in range(1, 5)}
    expected |= {f"EHDS-{number}" for number in (51, 53, 54, 57, 58, 60, 61, 63, 66, 67, 68, 69, 71, 73, 77, 78)}
    expected |= {"XFER-01", "GDPR-01", "WP216-01", "HDCAT-01", "APPI26-01", "APPI26-02", "APPI26-03"}
    assert ids == expected


def test_every_rule_says_what_proves_it_in_both_languages(folder: Path) -> None:
    packs = load_library(folder).rulepacks
    rules = [rule for name, pack in packs.items() if name.split("@")[0] in MINE for rule in pack.rules]
    assert [rule.id for rule in rules if rule.evidence is None] == []
    assert [rule.id for rule in rules if rule.text.ja == rule.text.en] == []


def test_only_statutes_of_japan_are_law_and_what_is_followed_by_choice_is_a_profile(folder: Path) -> None:
    packs = {name.split("@")[0]: pack for name, pack in load_library(folder).rulepacks.items()}
    mine = {name: pack for name, pack in packs.items() if name in MINE}
    assert {name for name, pack in mine.items() if pack.is_law} == {"ngmi", "appi-2026", "appi-penalties"}
    foreign = {name for name, pack in mine.items() if pack.profile is not None}
    assert foreign == {"hipaa", "us-bulk", "ehds-alignment", "gdpr", "wp216", "healthdcat-ap"}
    assert packs["ehds-alignment"].profile == "ehds_alignment"


def test_the_amendment_of_2026_is_in_force_on_no_day(folder: Path) -> None:
    library = load_library(folder)
    for day in (ON, date(2028, 7, 16), date(2099, 1, 1)):
        assert not is_in_force(library, "appi-2026@2026-07-17", on=day)
    assert not is_in_force(library, "appi-penalties@2027-01-17", on=date(2027, 1, 16))
    assert is_in_force(library, "appi-penalties@2027-01-17", on=date(2027, 1, 17))


@pytest.mark.parametrize(
    ("file", "old", "pack"),
    [
        ("releases/ngmi-anonymized.yaml", ", ngmi@2026-06-01", "ngmi"),
        ("releases/ngmi-pseudonymized.yaml", ", ngmi@2026-06-01", "ngmi"),
        ("releases/study-rows.yaml", ", ethics@2023-03-27", "ethics"),
        ("releases/study-rows.yaml", ", amed@2024-04-01", "amed"),
        ("releases/study-rows.yaml", ", nbdc@8", "nbdc"),
        ("releases/study-rows.yaml", ", hipaa@2013-03-26", "hipaa"),
        ("releases/study-rows.yaml", ", us-bulk@2025-04-08", "us-bulk"),
        ("releases/study-rows.yaml", ", ehds-alignment@2025-327", "ehds-alignment"),
    ],
)
def test_a_fact_of_a_regime_calls_up_its_pack(folder: Path, file: str, old: str, pack: str) -> None:
    edit(folder, file, old, "")
    (found,) = [each for each in check(load_library(folder), on=ON) if each.rule == "policy.rule-pack-missing"]
    assert pack in found.what
    assert found.severity is Severity.BLOCK


def test_statistics_held_by_a_certified_maker_need_the_pack_too(folder: Path) -> None:
    for file in ("releases/ngmi-anonymized.yaml",):
        edit(folder, file, "output_category: anonymized_ngmi", "output_category: anonymized_appi")
        edit(folder, file, "provision_basis: ngmi_optout_52", "provision_basis: anonymized_43")
        edit(folder, file, ", ngmi@2026-06-01", "")
    assert "policy.rule-pack-missing" in rules_of(folder)


def test_a_lapsed_user_is_refused_from_the_day_after(folder: Path) -> None:
    edit(folder, "releases/ngmi-pseudonymized.yaml", "valid_to: 2029-05-31", "valid_to: 2027-03-31")
    assert "NGMI-09" not in rules_of(folder, on=date(2027, 3, 31))
    assert "NGMI-09" in rules_of(folder, on=date(2027, 4, 1))


def test_certification_must_hold_on_the_first_day_of_the_release_and_not_only_today(folder: Path) -> None:
    edit(folder, "releases/ngmi-pseudonymized.yaml", "effective_from: 2026-12-01", "effective_from: 2027-06-01")
    edit(folder, "releases/ngmi-pseudonymized.yaml", "valid_to: 2029-05-31", "valid_to: 2027-03-31")
    assert "NGMI-09" in rules_of(folder)


def test_an_expert_takes_the_place_of_safe_harbor_and_safe_harbor_never_carries_a_genome(folder: Path) -> None:
    file = "releases/study-rows.yaml"
    text = (folder / file).read_text("utf-8")
    start, end = text.index("hipaa:\n"), text.index("custody:\n")
    harbor = "hipaa: {way: safe_harbor, no_actual_knowledge: privacy officer}\n"
    (folder / file).write_text(text[:start] + harbor + text[end:], "utf-8")
    assert {"HIPAA-01", "HIPAA-05"} <= rules_of(folder)


@pytest.mark.parametrize(
    ("levels", "level", "passes"),
    [
        ("{kind: prefix, lengths: [3, 2]}", "2", True),
        ("{kind: prefix, lengths: [3, 2]}", "1", False),
        ("{kind: prefix, lengths: [3, 2]}", "search", False),
        ("{kind: table, rows: [['03601', '000', '*'], ['10001', '100', '*']]}", "1", True),
        ("{kind: table, rows: [['03601', '036', '*'], ['10001', '100', '*']]}", "1", False),
        ("{kind: table, rows: [['10001', '10001', '*'], ['10002', '10002', '*']]}", "1", False),
        ("{kind: table, rows: [['20500', '205', '*'], ['10001', '100', '*']]}", "1", False),
    ],
)
def test_a_zip_code_is_judged_by_what_its_hierarchy_writes(folder: Path, levels: str, level: str, passes: bool) -> None:
    edit(folder, "hierarchies/zip.yaml", "{kind: prefix, lengths: [3, 2]}", levels)
    edit(folder, "releases/study-anonymized.yaml", "hierarchy: zip, level: 2", f"hierarchy: zip, level: {level}")
    assert ("HIPAA-02" not in rules_of(folder)) is passes


@given(
    start=st.dates(date(2020, 1, 1), date(2030, 1, 1)),
    days=st.integers(0, 2000),
    offset=st.integers(-2500, 2500),
)
def test_a_certification_covers_its_days_and_no_other(start: date, days: int, offset: int) -> None:
    end = date.fromordinal(start.toordinal() + days)
    held = Certification(id="NINTEI-1", kind=CertificationKind.ANONYMIZED_MAKER, valid_from=start, valid_to=end)
    assert held.covers(date.fromordinal(start.toordinal() + offset)) is (0 <= offset <= days)


@given(facts=st.tuples(st.booleans(), st.booleans(), st.booleans(), st.booleans()))
def test_a_leak_that_nobody_can_read_is_not_reportable_and_any_other_of_a_kind_is(
    facts: tuple[bool, bool, bool, bool],
) -> None:
    named = dict(zip(("special_care", "property_damage", "malicious", "over_1000_people"), facts, strict=True))
    for state in ("none", "keys_lost", "keys_safe"):
        leak = Incident.model_validate(
            {"id": "INC-2026-001", "noticed_on": date(2026, 1, 1), "encryption": state, **named}
        )
        assert leak.is_reportable is (any(facts) and state != "keys_safe")
