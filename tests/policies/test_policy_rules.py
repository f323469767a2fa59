"""Every rule of every pack: one case that passes (the fixture as it is), and one or more that are refused at their line."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from policies.check import check
from policies.findings import Finding, is_ok
from policies.load import load_library
from policies.rules import DATASET_CHECKS, RELEASE_CHECKS
from policies.vocabulary import Severity
from tests.support import policy_files as fixture
from tests.support.policy_files import ALLELES, CELLS, CLINIC, COHORT, CONTROLLED, MICRODATA, STATISTICS

ON = date(2026, 12, 15)

Edit = tuple[str, str]


@dataclass(frozen=True)
class Refused:
    """A rule, where it is broken, and the line that is named."""

    rule: str
    name: str
    file: str
    edits: tuple[Edit, ...]
    line: str
    others: tuple[tuple[str, tuple[Edit, ...]], ...] = ()


CONTROLLER = "type: private_academic"
RECIPIENT = "kind: academic, country: JP, contract: C-31"
CATEGORY = "output_category: personal_data"
BASIS = "provision_basis: consent_27_1"
GENOTYPES = "{name: genotypes, treat: {op: keep, reason: consented to be shared}, rule: APPI-08}"
QUASI = "quasi_identifiers: [sex, age, prefecture, admit_date]"
SEX = "{name: sex, treat: {op: generalize, hierarchy: sex, level: search}, rule: APPI-25}"
NAME = "{name: name_kanji, treat: {op: drop_column}, rule: APPI-21}"
MY_NUMBER = "{name: my_number, treat: {op: reject_at_landing}, rule: APPI-04}"
INSURER = "{name: insurer_no, treat: {op: drop_column}, rule: APPI-22}"
KEEP = "{op: keep, reason: asked for by researchers}"


def keep(entry: str) -> Edit:
    """Change an entry's drop into a keep."""
    return entry, entry.replace("{op: drop_column}", KEEP).replace("{op: reject_at_landing}", KEEP)


CASES = [
    # Identifiers.
    Refused(
        "APPI-01",
        "genome-rows-pseudonymized",
        CONTROLLED,
        ((CATEGORY, "output_category: pseudonymized_appi"),),
        "genotypes",
    ),
    Refused(
        "APPI-01", "genome-rows-anonymized", CONTROLLED, ((CATEGORY, "output_category: anonymized_appi"),), "genotypes"
    ),
    Refused(
        "APPI-04",
        "my-number-dropped",
        MICRODATA,
        ((MY_NUMBER, MY_NUMBER.replace("reject_at_landing", "drop_column")),),
        "my_number",
    ),
    Refused(
        "APPI-17",
        "phenotype-is-damaging",
        CONTROLLED,
        ((CATEGORY, "output_category: pseudonymized_appi"),),
        "phenotype",
        (
            (
                COHORT,
                (
                    (
                        "phenotype, ja: 表現型, class: special_care",
                        "phenotype, ja: 表現型, class: [special_care, property_damage]",
                    ),
                ),
            ),
        ),
    ),
    Refused("APPI-21", "name-kept", MICRODATA, (keep(NAME),), "name_kanji"),
    Refused("APPI-21", "address-kept", MICRODATA, (("treat: {op: to_prefecture}", f"treat: {KEEP}"),), "name: address"),
    Refused(
        "APPI-21",
        "note-kept",
        MICRODATA,
        (("{name: note, treat: {op: drop_column}", f"{{name: note, treat: {KEEP}"),),
        "name: note",
    ),
    Refused(
        "APPI-21",
        "exact-birth-date",
        MICRODATA,
        (
            (
                "[{op: to_age, at: admit_date}, {op: generalize, hierarchy: age, level: search}]",
                "{op: date_shift, max_days: 30}",
            ),
        ),
        "birth_date",
    ),
    Refused("APPI-22", "insurer-kept", MICRODATA, (keep(INSURER),), "insurer_no"),
    Refused("APPI-22", "genotypes-in-statistics", ALLELES, (("{op: aggregate_only}", KEEP),), "genotypes"),
    Refused(
        "APPI-23",
        "key-kept",
        CONTROLLED,
        (
            (
                "{name: patient_no, treat: {op: pseudonymize, method: hmac, scope: project}",
                f"{{name: patient_no, treat: {KEEP}",
            ),
        ),
        "patient_no",
    ),
    Refused(
        "APPI-23",
        "keyed-pseudonym-in-anonymized",
        MICRODATA,
        (
            (
                "      - {name: admission_id, treat: {op: pseudonymize, method: random, scope: release}, rule: APPI-23}\n      - {name: patient_no, treat: {op: drop_column}, rule: APPI-23}\n      - {name: admit_date",
                "      - {name: admission_id, treat: {op: pseudonymize, method: hmac, scope: project}, rule: APPI-23}\n      - {name: patient_no, treat: {op: drop_column}, rule: APPI-23}\n      - {name: admit_date",
            ),
        ),
        "method: hmac",
    ),
    Refused(
        "APPI-23",
        "key-in-statistics",
        CELLS,
        (
            (
                "{name: admission_id, treat: {op: drop_column}",
                "{name: admission_id, treat: {op: pseudonymize, method: random, scope: release}",
            ),
        ),
        "admission_id",
    ),
    Refused(
        "APPI-23",
        "person-key-in-anonymized",
        MICRODATA,
        (
            (
                "{name: patient_no, treat: {op: drop_column}, rule: APPI-23}\n      - {name: admit_date",
                "{name: patient_no, treat: {op: pseudonymize, method: random, scope: release}, rule: APPI-23}\n      - {name: admit_date",
            ),
        ),
        "patient_no",
    ),
    # What stands out.
    Refused(
        "APPI-24",
        "unusual-kept",
        MICRODATA,
        (("[{op: top_code, limit: 120}, {op: bottom_code, limit: 30}]", KEEP),),
        "weight_kg",
    ),
    Refused(
        "APPI-24",
        "age-without-top",
        MICRODATA,
        (("hierarchy: age, level: search}], rule", "hierarchy: open-age, level: search}], rule"),),
        "birth_date",
    ),
    Refused("APPI-24", "rare-is-five", MICRODATA, (("min_persons: 10", "min_persons: 5"),), "icd10"),
    Refused(
        "APPI-25",
        "quasi-identifier-not-counted",
        MICRODATA,
        ((QUASI, "quasi_identifiers: [age, prefecture, admit_date]"),),
        "name: sex",
    ),
    Refused(
        "APPI-25",
        "exact-date-in-detail",
        MICRODATA,
        (("{op: to_duration_days, since: admit_date}", "{op: date_shift, max_days: 30}"),),
        "diagnosed_on",
    ),
    Refused(
        "APPI-25",
        "exact-date-called-ordinary",
        MICRODATA,
        (("{op: to_duration_days, since: admit_date}", KEEP),),
        "diagnosed_on",
        ((CLINIC, (("診断日, class: quasi_identifier", "診断日, class: ordinary"),)),),
    ),
    Refused("CELL-NDB-1", "cell-of-five", CELLS, (("min_cell: 10", "min_cell: 5"),), "min_cell"),
    Refused("CONS-01", "V27-k-10-risk-009", MICRODATA, (("k: 12", "k: 10"),), "k: 10"),
    Refused("CONS-05", "rare-alleles", ALLELES, (("min_allele_count: 10", "min_allele_count: 2"),), "min_allele_count"),
    Refused(
        "CONS-05",
        "powerful-attack",
        ALLELES,
        (("membership_max_power: 0.3", "membership_max_power: 0.9"),),
        "membership_max_power",
    ),
    # Who, to whom, on which article.
    Refused(
        "APPI-05",
        "nothing-special",
        COHORT,
        (("phenotype, ja: 表現型, class: special_care", "phenotype, ja: 表現型, class: ordinary"),),
        "tables:",
    ),
    Refused(
        "APPI-06",
        "operator-claims-academic",
        CLINIC,
        (("acquisition_basis: own_care", "acquisition_basis: academic_20_2_5"), (CONTROLLER, "type: private_operator")),
        "acquisition_basis",
    ),
    Refused(
        "APPI-06",
        "consent-without-register",
        CLINIC,
        (("acquisition_basis: own_care", "acquisition_basis: consent"),),
        "basis: opt_out",
    ),
    Refused("APPI-06", "maker-gives-no-care", CLINIC, ((CONTROLLER, "type: ngmi_anon_maker"),), "acquisition_basis"),
    Refused(
        "APPI-06",
        "received-with-names",
        CLINIC,
        (("acquisition_basis: own_care", "acquisition_basis: received_anonymized"),),
        "name_kanji",
    ),
    Refused(
        "APPI-08", "consent-not-registered", CONTROLLED, (), BASIS, ((COHORT, (("basis: opt_in", "basis: opt_out"),)),)
    ),
    Refused(
        "APPI-08",
        "no-paper",
        CONTROLLED,
        ((BASIS, "provision_basis: public_health_27_1_3"), (", contract: C-31", "")),
        "R-001",
    ),
    Refused(
        "APPI-10",
        "not-academic",
        CONTROLLED,
        ((BASIS, "provision_basis: academic_joint_27_1_6"),),
        "academic_joint_27_1_6",
        ((COHORT, ((CONTROLLER, "type: private_operator"),)),),
    ),
    Refused(
        "APPI-10",
        "no-agreement",
        CONTROLLED,
        ((BASIS, "provision_basis: academic_joint_27_1_6"), (", contract: C-31", "")),
        "R-001",
    ),
    Refused(
        "APPI-11",
        "V06-company-as-academic",
        CONTROLLED,
        (
            (BASIS, "provision_basis: academic_recipient_27_1_7"),
            (RECIPIENT, "kind: company, country: JP, contract: C-40"),
        ),
        "R-001",
    ),
    Refused(
        "APPI-12", "V07-opt-out-of-special-care", CONTROLLED, ((BASIS, "provision_basis: opt_out_27_2"),), "phenotype"
    ),
    Refused(
        "APPI-14",
        "abroad-without-safeguard",
        CONTROLLED,
        ((RECIPIENT, "kind: academic, country: US, contract: C-31"),),
        "R-001",
    ),
    Refused(
        "APPI-19",
        "V05-pseudonymized-to-company",
        CONTROLLED,
        (
            (CATEGORY, "output_category: pseudonymized_appi"),
            (BASIS, "provision_basis: outsourcing_27_5_1"),
            (RECIPIENT, "kind: company, country: JP"),
        ),
        "R-001",
    ),
    Refused(
        "APPI-19", "pseudonymized-on-consent", CONTROLLED, ((CATEGORY, "output_category: pseudonymized_appi"),), BASIS
    ),
    Refused(
        "APPI-31",
        "V13-national-university-on-43",
        MICRODATA,
        (),
        "provision_basis",
        ((CLINIC, ((CONTROLLER, "type: appended_table_2"),)),),
    ),
    Refused(
        "CONS-04",
        "anonymized-on-consent",
        MICRODATA,
        (("provision_basis: anonymized_43", "provision_basis: consent_27_1"),),
        "provision_basis",
    ),
    Refused(
        "CONS-04",
        "hospital-makes-ngmi",
        MICRODATA,
        (
            ("output_category: anonymized_appi", "output_category: anonymized_ngmi"),
            ("provision_basis: anonymized_43", "provision_basis: ngmi_optout_52"),
        ),
        "output_category",
    ),
    # Notice.
    Refused(
        "APPI-27",
        "no-publication",
        MICRODATA,
        (
            (
                'publication: {created_on: 2026-11-18, items_url: "https://example.jp/items", items_published_on: 2026-11-20, method: {ja: 封緘, en: Sealed}, label_ja: 匿名加工情報}\n',
                "",
            ),
        ),
        "schema:",
    ),
    Refused(
        "APPI-27", "published-late", MICRODATA, (("created_on: 2026-11-18", "created_on: 2026-11-01"),), "publication"
    ),
    Refused(
        "APPI-28",
        "published-after-effect",
        MICRODATA,
        (
            ("created_on: 2026-11-18", "created_on: 2026-12-02"),
            ("items_published_on: 2026-11-20", "items_published_on: 2026-12-03"),
        ),
        "publication",
    ),
    Refused(
        "APPI-28", "label-is-vague", MICRODATA, (("label_ja: 匿名加工情報", "label_ja: 匿名化済み"),), "publication"
    ),
    # Consistency.
    Refused(
        "CONS-02",
        "V28-quasi-identifier-not-declared",
        MICRODATA,
        ((QUASI, "quasi_identifiers: [sex, age, post_code, admit_date]"),),
        "quasi_identifiers",
    ),
    Refused(
        "CONS-02",
        "quasi-identifier-dropped",
        MICRODATA,
        ((SEX, "{name: sex, treat: {op: drop_column}, rule: APPI-25}"),),
        "quasi_identifiers",
    ),
    Refused(
        "CONS-02",
        "quasi-identifier-exact-date",
        MICRODATA,
        (("{op: truncate_date, to: quarter}", "{op: date_shift, max_days: 30}"),),
        "quasi_identifiers",
    ),
    Refused(
        "CONS-02",
        "quasi-identifier-is-a-key",
        MICRODATA,
        ((QUASI, "quasi_identifiers: [sex, age, prefecture, admit_date, admission_id]"),),
        "quasi_identifiers",
    ),
    Refused(
        "CONS-02",
        "quasi-identifier-twice",
        MICRODATA,
        ((QUASI, "quasi_identifiers: [sex, sex, age, prefecture, admit_date]"),),
        "quasi_identifiers",
    ),
    Refused(
        "CONS-02",
        "sensitive-is-quasi",
        MICRODATA,
        (("sensitive: [{column: outcome, l: 2}]", "sensitive: [{column: sex, l: 2}]"),),
        "sensitive:",
    ),
    Refused(
        "CONS-02",
        "sensitive-is-not-there",
        MICRODATA,
        (("sensitive: [{column: outcome, l: 2}]", "sensitive: [{column: note, l: 2}]"),),
        "sensitive:",
    ),
    Refused("CONS-02", "no-record-table", MICRODATA, (("record: admissions", "record: visits"),), "record: visits"),
    Refused("CONS-02", "cells-by-unknown", CELLS, (("by: [prefecture, year]", "by: [prefecture, month]"),), "method:"),
    Refused("CONS-02", "cells-of-unknown-table", CELLS, (("table: admissions, by", "table: visits, by"),), "method:"),
    Refused("CONS-02", "sum-of-text", STATISTICS, (("value: weight_kg", "value: outcome"),), "value: outcome"),
    Refused(
        "CONS-02",
        "frequencies-of-samples",
        ALLELES,
        (("  table: variants\n  min", "  table: samples\n  min"),),
        "  table: samples",
    ),
    Refused(
        "CONS-02",
        "genotypes-dropped",
        ALLELES,
        (("{name: genotypes, treat: {op: aggregate_only}", "{name: genotypes, treat: {op: drop_column}"),),
        "table: variants",
    ),
    Refused(
        "CONS-03",
        "two-permissions",
        CELLS,
        (('["DUO:0000006", "DUO:0000021"]', '["DUO:0000006", "DUO:0000042"]'),),
        "purposes",
    ),
    Refused(
        "CONS-03", "disease-without-name", CELLS, (('["DUO:0000006", "DUO:0000021"]', '["DUO:0000007"]'),), "purposes"
    ),
    Refused(
        "CONS-03",
        "unknown-term",
        CELLS,
        (('["DUO:0000006", "DUO:0000021"]', '["DUO:0000006", "DUO:0099999"]'),),
        "purposes",
    ),
    Refused(
        "CONS-03",
        "company-under-non-commercial",
        CELLS,
        (('["DUO:0000006", "DUO:0000021"]', '["DUO:0000006", "DUO:0000046"]'), ("kind: academic", "kind: company")),
        "R-001",
    ),
    # Budget.
    Refused(
        "DP-01", "spent-above-cap", STATISTICS, (("population_rho_cap: '1'", "population_rho_cap: '0.2'"),), "budget:"
    ),
    Refused("DP-02", "period-reversed", STATISTICS, (("period_to: 2027-11-30", "period_to: 2026-11-30"),), "budget:"),
    Refused(
        "DP-02",
        "effective-outside-period",
        STATISTICS,
        (("period_from: 2026-12-01", "period_from: 2027-01-01"),),
        "budget:",
    ),
    Refused("DP-02", "clip-off-grid", STATISTICS, (("grid: '1'", "grid: '7'"),), "clip:"),
    Refused(
        "DP-02",
        "public-value-twice",
        STATISTICS,
        (
            (
                "      by: [{column: sex, values: ['1', '2'], source: the code list}]\n      bounds: {cells_per_person: 1, source: a person has one sex in the register}\n      rho_share",
                "      by: [{column: sex, values: ['1', '2', '2'], source: the code list}]\n      bounds: {cells_per_person: 1, source: a person has one sex in the register}\n      rho_share",
            ),
        ),
        "'2', '2'",
    ),
    Refused(
        "DP-02",
        "more-cells-than-there-are",
        STATISTICS,
        (
            (
                "bounds: {cells_per_person: 1, source: a person has one sex in the register}\n      value",
                "bounds: {cells_per_person: 3, source: a person has one sex in the register}\n      value",
            ),
        ),
        "cells_per_person: 3",
    ),
]

OPEN_AGE = fixture.FILES[fixture.AGE].replace("id: age", "id: open-age").replace(", top_from: 90", "")


def findings_of(folder: Path, changes: fixture.Changes | None = None) -> tuple[Finding, ...]:
    """Write the fixture with changes, and check it."""
    root = fixture.write_policies(folder, changes, extra={"hierarchies/open-age.yaml": OPEN_AGE})
    return check(load_library(root), on=ON)


def test_fixture_policies_pass_every_rule(tmp_path: Path) -> None:
    findings = findings_of(tmp_path)
    assert findings == ()
    assert is_ok(findings)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}-{case.name}")
def test_broken_rule_is_named_with_its_line(case: Refused, tmp_path: Path) -> None:
    findings = findings_of(tmp_path, {case.file: case.edits, **dict(case.others)})
    hits = [each for each in findings if each.rule == case.rule and each.place.file == str(tmp_path / case.file)]
    assert hits, [f"{each.rule} {each.place.line} {each.what}" for each in findings]
    lines = (tmp_path / case.file).read_text(encoding="utf-8").splitlines()
    assert any(case.line in lines[each.place.line - 1] for each in hits), [each.place for each in hits]
    assert all(each.place.column >= 1 and each.what and each.why and each.fix for each in hits)


def test_every_rule_of_stage_policy_has_a_refused_case(tmp_path: Path) -> None:
    library = load_library(fixture.write_policies(tmp_path))
    rules = {rule.id for pack in library.rulepacks.values() for rule in pack.rules if rule.stage == "policy"}
    assert rules - {case.rule for case in CASES} == set()


def test_packs_and_checks_name_each_other(tmp_path: Path) -> None:
    library = load_library(fixture.write_policies(tmp_path))
    rules = [rule for pack in library.rulepacks.values() for rule in pack.rules if rule.stage == "policy"]
    assert sorted(rule.check for rule in rules) == sorted({*RELEASE_CHECKS, *DATASET_CHECKS})


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
    assert {name: pack.is_law for name, pack in packs.items()} == {
        "appi@2026-06-14": True,
        "house@2026-11-01": False,
        "cells-ndb@3": False,
    }


def test_genome_of_a_small_cohort_waits_for_a_person(tmp_path: Path) -> None:
    findings = findings_of(tmp_path, {ALLELES: [("min_allele_count: 10", "min_allele_count: 2")]})
    assert [each.severity for each in findings] == [Severity.HOLD]
    assert is_ok(findings)


@pytest.mark.parametrize(
    ("country", "extra"), [("GB", ""), ("US", ", safeguard: information sheet v2 with consent IC-3.1")]
)
def test_foreign_recipient_passes_by_designation_or_safeguard(tmp_path: Path, country: str, extra: str) -> None:
    new = f"kind: academic, country: {country}, contract: C-31{extra}"
    assert findings_of(tmp_path, {CONTROLLED: [(RECIPIENT, new)]}) == ()


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
