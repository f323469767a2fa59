"""Faults of policy files that no rule pack names: each with its code and line; the fixture passes them all."""

from datetime import date
from pathlib import Path

import pytest

from policies.check import check
from policies.findings import Finding, is_ok
from policies.load import read_library
from policies.vocabulary import Severity
from tests.support import policy_files as fixture
from tests.support.policy_files import AGE, CELLS, CLINIC, COHORT, CONTROLLED, MICRODATA, SEX, STATISTICS

ON = date(2026, 12, 15)
SEX_LINE = "      - {name: sex, treat: {op: generalize, hierarchy: sex, level: search}, rule: APPI-25}\n"
CONSENTS = """\
  - dataset: cohort
    table: consents
    columns:
      - {name: patient_no, treat: {op: drop_column}, rule: APPI-23}
      - {name: decision, treat: {op: drop_column}, rule: APPI-23}
      - {name: decided_on, treat: {op: drop_column}, rule: APPI-23}
method: {kind"""


def findings_of(folder: Path, file: str, *edits: tuple[str, str], on: date = ON) -> tuple[Finding, ...]:
    root = fixture.write_policies(folder, {file: edits})
    return check(read_library(root), on=on)


# (code, file, edits, text on the line that is named)
CASES = [
    # Deny by default.
    ("column-not-listed", MICRODATA, ((SEX_LINE, ""),), "columns:"),
    ("unknown-column", MICRODATA, (("{name: weight_kg", "{name: weight"),), "name: weight,"),
    ("unknown-table", CELLS, (("    table: patients", "    table: patient"),), "table: patient"),
    ("unknown-dataset", CELLS, (("  - dataset: clinic\n    table: patients", "  - dataset: clinics\n    table: patients"),), "dataset: clinics"),
    ("duplicate-column", MICRODATA, ((SEX_LINE, SEX_LINE * 2),), "name: sex"),
    ("duplicate-table", CELLS, (("    table: patients", "    table: admissions"),), "- dataset: clinic"),
    ("duplicate-output-name", MICRODATA, (("name: outcome, treat", "name: outcome, as: weight_kg, treat"),), "as: weight_kg"),
    ("duplicate-output-name", MICRODATA, (("name: outcome, treat", "name: outcome, as: sex, treat"),), "name: sex"),
    ("register-leaves", CONTROLLED, (("method: {kind", CONSENTS),), "table: consents"),
    ("identifier-leaves", CONTROLLED, (), "phenotype"),
    # Rule packs.
    ("unknown-rule-pack", CELLS, (("cells-ndb@3]", "cells-ndb@9]"),), "rule_packs"),
    ("rule-pack-twice", CELLS, (("cells-ndb@3]", "cells-ndb@3, cells-ndb@3]"),), "rule_packs"),
    ("rule-pack-missing", CELLS, (("appi@2026-06-14, ", ""),), "rule_packs"),
    ("rule-pack-missing", CELLS, ((", cells-ndb@3", ""),), "rule_packs"),
    ("unknown-rule", CELLS, (("{op: aggregate_only}, rule: APPI-05", "{op: aggregate_only}, rule: NGMI-07"),), "NGMI-07"),
    # Dates.
    ("review-order", CELLS, (("review_due: 2027-11-30", "review_due: 2026-11-30"),), "review_due"),
    ("review-overdue", CELLS, (("effective_from: 2026-12-01", "effective_from: 2026-01-01"), ("review_due: 2027-11-30", "review_due: 2026-12-14")), "review_due"),
    ("not-yet-effective", CELLS, (("effective_from: 2026-12-01", "effective_from: 2027-01-01"),), "effective_from"),
    ("ethics-expired", CONTROLLED, (("expires_on: 2028-03-31", "expires_on: 2026-12-14"),), "ethics"),
    # Suite, method, uses, recipients.
    ("unknown-suite", CELLS, (("suite: plain", "suite: plainer"),), "quality"),
    ("suite-dimension", CELLS, (("[completeness, uniqueness]", "[completeness, timeliness]"),), "quality"),
    ("method-category", CELLS, (("output_category: statistics", "output_category: anonymized_appi"),), "method"),
    ("prohibited-uses", STATISTICS, (("marketing, onward_transfer", "marketing"),), "prohibited_uses"),
    ("prohibited-uses", CELLS, (("reidentify, ", ""),), "prohibited_uses"),
    ("open-delivery", CONTROLLED, (("delivery: [extract]", "delivery: [open]"),), "delivery"),
    ("open-delivery", CONTROLLED, (("kind: academic", "kind: public"),), "R-001"),
    ("duplicate-recipient", CELLS, (("delivery:", "  - {id: R-001, name: {ja: 甲, en: A}, kind: academic, country: JP}\ndelivery:"),), "recipients"),
    # Treatments.
    ("treatment-type", MICRODATA, (("{op: to_prefecture}", "{op: to_age, at: admit_date}"),), "address"),
    ("treatment-type", MICRODATA, (("[{op: top_code, limit: 120}, {op: bottom_code, limit: 30}, {op: round, to: 5}]", "{op: truncate_date, to: year}"),), "weight_kg"),
    ("treatment-type", MICRODATA, (("{op: truncate_date, to: quarter}", "[{op: truncate_date, to: quarter}, {op: round, to: 5}]"),), "admit_date"),
    ("treatment-order", MICRODATA, (("{name: note, treat: {op: drop_column}", "{name: note, treat: [{op: keep, reason: for nobody}, {op: drop_column}]"),), "note"),
    ("treatment-order", CELLS, (("[{op: to_prefecture}, {op: aggregate_only}]", "[{op: aggregate_only}, {op: to_prefecture}]"),), "address"),
    ("treatment-order", MICRODATA, (("{op: round, to: 5}", "{op: microaggregate, min_persons: 10}, {op: round, to: 5}"),), "weight_kg"),
    ("perturbed-elsewhere", STATISTICS, (("weight_kg, treat: {op: aggregate_only}", "weight_kg, treat: [{op: round_randomly, to: 5}, {op: aggregate_only}]"),), "weight_kg"),
    ("perturbed-model", MICRODATA, (("sensitive: [{column: outcome, l: 3}]", "sensitive: [{column: weight_kg, l: 3}]"), ("{op: round, to: 5}", "{op: round_randomly, to: 5}")), "weight_kg"),
    ("treatment-bounds", MICRODATA, (("{op: round, to: 5}", "{op: add_noise, sd: 1, low: 120, high: 30}"),), "weight_kg"),
    ("treatment-within", MICRODATA, (("{op: round, to: 5}", "{op: microaggregate, min_persons: 10, within: [admit_date]}"),), "weight_kg"),
    ("treatment-date", MICRODATA, (("at: admit_date", "at: outcome"),), "birth_date"),
    ("treatment-date", MICRODATA, (("since: admit_date", "since: diagnosed_on"),), "diagnosed_on"),
    ("unknown-hierarchy", MICRODATA, (("hierarchy: sex", "hierarchy: sexes"),), "name: sex"),
    ("hierarchy-level", MICRODATA, (("hierarchy: sex, level: search", "hierarchy: sex, level: 2"),), "name: sex"),
    ("hierarchy-level", MICRODATA, (("min_persons: 10", "min_persons: 10, start_level: 5"),), "icd10"),
    ("search-level", CELLS, (("{name: sex, treat: {op: aggregate_only}", "{name: sex, treat: {op: generalize, hierarchy: sex, level: search}"),), "name: sex"),
    ("pseudonymize-scope", CONTROLLED, (("{name: patient_no, treat: {op: pseudonymize, method: hmac, scope: project}", "{name: patient_no, treat: {op: pseudonymize, method: hmac, scope: release}"),), "patient_no"),
    ("data-dependent-treatment", STATISTICS, (("{name: sex, treat: {op: aggregate_only}", "{name: sex, treat: [{op: roll_up_rare, hierarchy: sex, min_persons: 10}, {op: aggregate_only}]"),), "name: sex"),
    ("column-gone", CELLS, (("{name: insurer_no, treat: {op: drop_column}", "{name: insurer_no, treat: {op: aggregate_only}"),), "insurer_no"),
    ("table-not-connected", MICRODATA, (), "table: diagnoses"),
    ("different-projects", CONTROLLED, (("  - dataset: cohort\n    table: samples", "  - dataset: clinic\n    table: samples"),), "tables:"),
    # Hierarchies.
    ("hierarchy", AGE, (("widths: [5, 10]", "widths: [1, 5]"),), "levels"),
    ("hierarchy", SEX, (("['2', '*']", "['2', all]"),), "levels"),
    ("hierarchy", AGE, (("widths: [5, 10]", "widths: [5, 12]"),), "levels"),
    ("hierarchy", AGE, (("low: 0, high: 120", "low: 120, high: 0"),), "levels"),
    ("hierarchy", AGE, (("top_from: 90", "top_from: 130"),), "levels"),
    ("hierarchy", AGE, (("{kind: intervals, low: 0, high: 120, widths: [5, 10], top_from: 90}", "{kind: prefix, lengths: [1, 3]}"),), "levels"),
    ("hierarchy", AGE, (("{kind: intervals, low: 0, high: 120, widths: [5, 10], top_from: 90}", "{kind: date, first_year: 2020, last_year: 2019}"),), "levels"),
    ("hierarchy", AGE, (("{kind: intervals, low: 0, high: 120, widths: [5, 10], top_from: 90}", "{kind: file, path: age.csv}"),), "levels"),
    ("hierarchy", SEX, (("['2', '*']", "['1', '*']"),), "levels"),
    ("hierarchy", SEX, (("['2', '*']", "['2']"),), "levels"),
    ("hierarchy", SEX, (("['1', '*'], ['2', '*']", "['1', a, x, '*'], ['2', a, y, '*']"),), "levels"),
    # Datasets.
    ("duplicate-table", CLINIC, (("name: diagnoses", "name: admissions"),), "name: admissions"),
    ("duplicate-column", CLINIC, (("{name: insurer_no", "{name: my_number"),), "my_number"),
    ("unknown-reference", CLINIC, (("references: patients.patient_no", "references: patients.patient"),), "references: patients.patient"),
    ("contradicting-class", CLINIC, (("class: quasi_identifier, role: quasi_identifier, type: date", "class: [quasi_identifier, ordinary], role: quasi_identifier, type: date"),), "birth_date"),
    ("contradicting-range", CLINIC, (("unit: kg", "unit: kg, minimum: 300, maximum: 1"),), "weight_kg"),
    ("person-key", CLINIC, (("{name: patient_no, ja: 患者番号, class: linkage_code, role: person_key, required: true}", "{name: patient_no, ja: 患者番号, class: linkage_code, role: record_key}"),), "columns:"),
    ("person-key", CLINIC, (("  - name: diagnoses\n    kind: event", "  - name: diagnoses\n    kind: reference"),), "kind: reference"),
    ("samples-table", COHORT, (("    samples: samples\n", ""),), "name: variants"),
    ("register", CLINIC, (("table: optouts, decision", "table: diagnoses, decision"),), "register:"),
    ("register", CLINIC, (("decided_on: decided_on", "decided_on: decided"),), "register:"),
    ("register", CLINIC, (("withdrawn: [撤回]", "withdrawn: [停止]"),), "register:"),
]  # fmt: skip

EXTRA = {
    "table-not-connected": {CLINIC: [("role: foreign_key, references: admissions.admission_id", "role: foreign_key")]},
    "identifier-leaves": {
        COHORT: [
            ("phenotype, ja: 表現型, class: special_care", "phenotype, ja: 表現型, class: [special_care, free_text]")
        ]
    },
}


@pytest.mark.parametrize(
    ("code", "file", "edits", "line"), CASES, ids=[f"{n}-{case[0]}" for n, case in enumerate(CASES)]
)
def test_fault_is_named_with_its_line(
    code: str, file: str, edits: tuple[tuple[str, str], ...], line: str, tmp_path: Path
) -> None:
    root = fixture.write_policies(tmp_path, {file: edits, **EXTRA.get(code, {})})
    findings = check(read_library(root), on=ON)
    lines = (root / file).read_text(encoding="utf-8").splitlines()
    hits = [each for each in findings if each.rule == f"policy.{code}" and each.place.file == str(root / file)]
    assert hits, [f"{each.rule} {each.place.line} {each.what}" for each in findings]
    assert any(line in lines[each.place.line - 1] for each in hits), [each.place for each in hits]


def test_one_missing_column_is_one_finding(tmp_path: Path) -> None:
    (finding,) = findings_of(tmp_path, CELLS, ("      - {name: note, treat: {op: drop_column}, rule: APPI-21}\n", ""))
    assert finding.rule == "policy.column-not-listed"
    assert "deny by default" in finding.why
    assert "{name: note, treat: {op: drop_column}" in finding.fix


def test_v22_column_that_is_gone_is_refused(tmp_path: Path) -> None:
    findings = findings_of(tmp_path, CLINIC, ("{name: weight_kg,", "{name: weight,"))
    assert {each.rule for each in findings if each.place.file.endswith("admissions.yaml")} >= {
        "policy.unknown-column",
        "policy.column-not-listed",
    }
    assert any("did you mean 'weight'" in each.fix for each in findings)


def test_pack_is_relied_on_only_while_in_force(tmp_path: Path) -> None:
    early = findings_of(tmp_path, CELLS, on=date(2026, 6, 13))
    assert "policy.rule-pack-not-in-force" in {each.rule for each in early}


@pytest.mark.parametrize(
    "in_force",
    ["in_force_from: null", "in_force_from: 2028-07-16", "in_force_from: 2020-01-01\nin_force_to: 2026-12-14"],
)
def test_v16_law_not_in_force_carries_nothing(tmp_path: Path, in_force: str) -> None:
    pack = f"""\
schema: niji/rulepack/v1
id: appi@2028-07-16
title: {{ja: 改正法, en: Amended act}}
{in_force}
is_law: true
rules:
  - {{id: APPI-99, citation: {{ja: なし, en: none yet}}, text: {{ja: 統計, en: Statistics}}, evidence: {{ja: 記録, en: A record}}, severity: BLOCK, check: later, confidence: S, stage: protected}}
"""
    changes = {
        CELLS: [
            ("appi@2026-06-14", "appi@2028-07-16"),
            ("{op: aggregate_only}, rule: APPI-05", "{op: aggregate_only}, rule: APPI-99"),
        ]
    }
    root = fixture.write_policies(tmp_path, changes, extra={"rulepacks/appi@2028-07-16.yaml": pack})
    findings = [each for each in check(read_library(root), on=ON) if each.rule == "policy.rule-pack-not-in-force"]
    assert [each.place.file for each in findings] == [str(root / CELLS)]


def test_pack_that_names_no_check_is_refused(tmp_path: Path) -> None:
    pack = """\
schema: niji/rulepack/v1
id: local@1
title: {ja: 院内, en: Local}
in_force_from: 2026-01-01
is_law: false
rules:
  - {id: LOCAL-1, citation: {ja: なし, en: none}, text: {ja: 院内, en: Local}, evidence: {ja: 記録, en: A record}, severity: WARN, check: wishful, confidence: G, stage: policy}
  - {id: LOCAL-1, citation: {ja: なし, en: none}, text: {ja: 院内, en: Local}, evidence: {ja: 記録, en: A record}, severity: WARN, check: later, confidence: G, stage: raw}
"""
    root = fixture.write_policies(tmp_path, extra={"rulepacks/local@1.yaml": pack})
    found = [(each.rule, each.place.line) for each in check(read_library(root), on=ON)]
    assert found == [("policy.unknown-check", 7), ("policy.duplicate-rule", 8)]


def test_release_not_yet_effective_is_held_not_refused(tmp_path: Path) -> None:
    (finding,) = findings_of(tmp_path, CELLS, on=date(2026, 11, 30))[:1]
    assert finding.severity is Severity.HOLD
    assert is_ok(findings_of(tmp_path, CELLS, on=date(2026, 11, 30)))


def test_broken_dataset_is_reported_once_not_through_its_releases(tmp_path: Path) -> None:
    findings = findings_of(tmp_path, CLINIC, ("acquisition_basis: own_care", "acquisition_basis: own_car"))
    assert [(each.rule, Path(each.place.file).name) for each in findings] == [("policy.invalid-value", "clinic.yaml")]


def test_check_of_one_file_reports_that_file(tmp_path: Path) -> None:
    root = fixture.write_policies(tmp_path, {CELLS: [("min_cell: 10", "min_cell: 5")], MICRODATA: [("k: 12", "k: 3")]})
    library = read_library(root)
    assert {each.rule for each in check(library, on=ON, paths=[root / CELLS])} == {"CELL-NDB-1", "CELL-HOUSE"}
    assert {each.rule for each in check(library, on=ON, paths=[root / "releases"])} >= {"CELL-NDB-1", "CONS-01"}
    assert check(library, on=ON, paths=[root / "datasets"]) == ()


def test_finding_is_shown_in_three_lines_and_as_json(tmp_path: Path) -> None:
    finding, _ = findings_of(tmp_path, MICRODATA, ("k: 12", "k: 3"))
    head, what, why, fix = str(finding).splitlines()
    assert head.startswith(str(tmp_path / MICRODATA) + ":")
    assert head.endswith("  CONS-01  BLOCK")
    assert (what[:6], why[:5], fix[:5]) == ("what: ", "why: ", "fix: ")
    assert list(finding.as_json()) == ["rule", "severity", "file", "line", "column", "what", "why", "fix"]
