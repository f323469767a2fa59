"""What holds of the rules together; each rule alone is held to its pair (`test_policy_pairs.py`)."""

from datetime import date
from pathlib import Path

import pytest

from policies.check import check
from policies.findings import Finding, is_ok
from policies.load import load_library
from policies.rules import DATASET_CHECKS, RELEASE_CHECKS
from policies.vocabulary import Severity
from tests.support import policy_files as fixture
from tests.support.policy_files import ALLELES, CLINIC, COHORT, CONTROLLED, MICRODATA, STATISTICS

ON = date(2026, 12, 15)

CONTROLLER = "type: private_academic"
RECIPIENT = "kind: academic, country: JP, contract: C-31"


def findings_of(folder: Path, changes: fixture.Changes | None = None) -> tuple[Finding, ...]:
    """Write the fixture with changes, and check it."""
    return check(load_library(fixture.write_policies(folder, changes)), on=ON)


def test_fixture_policies_pass_every_rule(tmp_path: Path) -> None:
    findings = findings_of(tmp_path)
    assert findings == ()
    assert is_ok(findings)


def test_packs_and_checks_name_each_other(tmp_path: Path) -> None:
    library = load_library(fixture.write_policies(tmp_path))
    rules = [rule for pack in library.rulepacks.values() for rule in pack.rules if rule.stage == "policy"]
    assert {rule.check for rule in rules} == {*RELEASE_CHECKS, *DATASET_CHECKS}


def test_rule_ids_are_unique_over_all_packs(tmp_path: Path) -> None:
    library = load_library(fixture.write_policies(tmp_path))
    ids = [rule.id for pack in library.rulepacks.values() for rule in pack.rules]
    assert len(ids) == len(set(ids))


def test_the_five_items_of_rules_34_are_there(tmp_path: Path) -> None:
    pack = load_library(fixture.write_policies(tmp_path)).rulepacks["appi@2026-06-14"]
    items = {
        rule.citation.en.split("Rules 34(")[1].split(")")[0]: rule.id
        for rule in pack.rules
        if "Rules 34(" in rule.citation.en
    }
    assert items == {"i": "APPI-21", "ii": "APPI-22", "iii": "APPI-23", "iv": "APPI-24", "v": "APPI-25"}


def test_house_rules_are_not_law(tmp_path: Path) -> None:
    packs = load_library(fixture.write_policies(tmp_path)).rulepacks
    assert packs["appi@2026-06-14"].is_law
    assert [name for name, pack in packs.items() if pack.is_law and name.startswith(("house", "cells-"))] == []


def test_genome_of_a_small_cohort_waits_for_a_person(tmp_path: Path) -> None:
    findings = findings_of(tmp_path, {ALLELES: [("min_allele_count: 10", "min_allele_count: 2")]})
    assert [each.severity for each in findings] == [Severity.HOLD]
    assert is_ok(findings)


@pytest.mark.parametrize(
    ("country", "extra", "named"),
    [
        ("GB", "", ""),
        ("US", ", safeguard: information sheet v2", ", foreign: [US]"),
        ("US", ", equivalent_measures: {system: CBPR certificate 12, checked_on: 2026-10-01}", ""),
    ],
)
def test_foreign_recipient_passes_by_designation_consent_or_measures(
    tmp_path: Path, country: str, extra: str, named: str
) -> None:
    new = f"kind: academic, country: {country}, contract: C-31{extra}"
    text = [("third_party: true, commercial: false", f"third_party: true, commercial: false{named}")]
    assert findings_of(tmp_path, {CONTROLLED: [(RECIPIENT, new)], COHORT: text}) == ()


@pytest.mark.parametrize(
    ("k", "risk", "passes"),
    [
        (10, "0.1", True),
        (10, "0.09", False),
        (11, "0.09", False),
        (12, "0.09", True),
        (2, "0.5", True),
        (3, "0.33", False),
    ],
)
def test_k_and_risk_agree_exactly(tmp_path: Path, k: int, risk: str, passes: bool) -> None:
    edits = [("k: 12", f"k: {k}"), ("max_record_risk: 0.09", f"max_record_risk: {risk}")]
    found = [each for each in findings_of(tmp_path, {MICRODATA: edits}) if each.rule == "CONS-01"]
    assert (found == []) is passes
    assert not found or (f"k: {12 if risk == '0.09' else 4}" in found[0].fix)


def test_releases_of_one_population_share_its_cap(tmp_path: Path) -> None:
    second = fixture.changed(
        STATISTICS, ("id: numbers", "id: numbers-2"), ("release_rho: '0.25'", "release_rho: '0.8'")
    )
    root = fixture.write_policies(tmp_path, extra={"releases/numbers-2.yaml": second})
    findings = check(load_library(root), on=ON)
    assert [each.rule for each in findings] == ["DP-01", "DP-01"]


def test_one_dataset_has_one_population(tmp_path: Path) -> None:
    second = fixture.changed(STATISTICS, ("id: numbers", "id: numbers-2"), ("population: clinic", "population: other"))
    root = fixture.write_policies(tmp_path, extra={"releases/numbers-2.yaml": second})
    assert {each.rule for each in check(load_library(root), on=ON)} == {"DP-01"}


def test_public_hospital_uses_article_116(tmp_path: Path) -> None:
    changes = {
        MICRODATA: [
            ("output_category: anonymized_appi", "output_category: anonymized_admin"),
            ("provision_basis: anonymized_43", "provision_basis: admin_anonymized_116"),
        ],
        CLINIC: [(CONTROLLER, "type: public_hospital_58_2")],
    }
    assert findings_of(tmp_path, changes) == ()
