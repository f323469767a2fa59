"""A small valid policies folder as text: one clinical dataset, one genome cohort, five releases, one of each method.

Tests write it with `write_policies`, changed in one place (`{file: [(old, new)]}`), and see what is refused.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

Changes = Mapping[str, Sequence[tuple[str, str]]]

CLINIC = "datasets/clinic.yaml"
COHORT = "datasets/cohort.yaml"
MICRODATA = "releases/admissions.yaml"
STATISTICS = "releases/numbers.yaml"
CELLS = "releases/cells.yaml"
ALLELES = "releases/frequencies.yaml"
CONTROLLED = "releases/rows.yaml"
AGE = "hierarchies/age.yaml"
SEX = "hierarchies/sex.yaml"
SUITE = "quality/plain.json"

_DATASET_HEAD = """\
schema: niji/dataset/v1
id: {name}
version: 1.0.0
title: {{ja: 架空の診療データ, en: Made-up care data}}
description: {{ja: 試験用, en: For tests}}
controller:
  name: {{ja: 学校法人 試験病院, en: Test Hospital}}
  type: private_academic
  contact: {{name: {{ja: 窓口, en: Desk}}, email: desk@example.jp}}
  measures_url: https://example.jp/measures
steward: {{team: "team:stewards", email: steward@example.jp}}
purpose_of_use: {{text: {{ja: 診療と医学研究, en: Care and medical research}}, duo: "DUO:0000006", url: "https://example.jp/purpose", published_on: 2020-04-01}}
incident_desk: {{officer: {{ja: 責任者, en: Privacy officer}}, reachable_at: desk@example.jp, plan_url: "https://example.jp/plan"}}
deceased_included: true
"""

_CLINIC = (
    _DATASET_HEAD.format(name="clinic")
    + """\
acquisition_basis: own_care
consent:
  basis: opt_out
  register: {table: optouts, decision: decision, decided_on: decided_on, refused: [停止], withdrawn: [撤回]}
project: clinic
population: clinic
tables:
  - name: patients
    kind: person
    title: {ja: 患者, en: Patients}
    source: {format: delimited, path: patients.csv, encoding: cp932}
    columns:
      - {name: patient_no, ja: 患者番号, class: linkage_code, role: person_key, required: true}
      - {name: name_kanji, ja: 氏名, class: direct_identifier, role: identifier}
      - {name: my_number, ja: 個人番号, class: identification_code, code: my_number, role: identifier}
      - {name: insurer_no, ja: 保険者番号, class: identification_code, code: health_insurance, role: identifier}
      - {name: sex, ja: 性別, class: quasi_identifier, role: quasi_identifier}
      - {name: birth_date, ja: 生年月日, class: quasi_identifier, role: quasi_identifier, type: date}
      - {name: address, ja: 住所, class: [direct_identifier, quasi_identifier], role: quasi_identifier}
      - {name: city, ja: 市区町村, class: quasi_identifier, role: quasi_identifier, meaning: municipality}
      - {name: insurer_kind, ja: 保険者種別, class: quasi_identifier, role: quasi_identifier, meaning: insurer_type}
      - {name: birth_weight, ja: 出生時体重, class: unusual_candidate, role: attribute, type: integer, unit: g, meaning: birth_weight}
  - name: admissions
    kind: event
    title: {ja: 入院, en: Admissions}
    source: {format: delimited, path: admissions.csv, encoding: utf-8-bom}
    columns:
      - {name: admission_id, ja: 入院番号, class: linkage_code, role: record_key, required: true}
      - {name: patient_no, ja: 患者番号, class: linkage_code, role: person_key, references: patients.patient_no}
      - {name: admit_date, ja: 入院日, class: quasi_identifier, role: event_date, type: date}
      - {name: outcome, ja: 転帰, class: special_care, role: sensitive}
      - {name: weight_kg, ja: 体重, class: unusual_candidate, role: attribute, type: decimal, unit: kg}
      - {name: facility, ja: 施設, class: quasi_identifier, role: quasi_identifier, meaning: institution}
      - {name: drug, ja: 医薬品, class: special_care, role: attribute, meaning: drug}
      - {name: death_hour, ja: 死亡時刻, class: unusual_candidate, role: attribute, type: integer, unit: h, meaning: time_of_death}
      - {name: note, ja: 経過記録, class: free_text, role: free_text}
  - name: diagnoses
    kind: event
    title: {ja: 傷病, en: Diagnoses}
    source: {format: delimited, path: diagnoses.csv, encoding: utf-8}
    columns:
      - {name: admission_id, ja: 入院番号, class: linkage_code, role: foreign_key, references: admissions.admission_id}
      - {name: patient_no, ja: 患者番号, class: linkage_code, role: person_key}
      - {name: icd10, ja: 傷病名コード, class: [special_care, unusual_candidate], role: sensitive}
      - {name: diagnosed_on, ja: 診断日, class: quasi_identifier, role: event_date, type: date}
  - name: optouts
    kind: register
    title: {ja: 停止の求め, en: Opt-outs}
    source: {format: delimited, path: optouts.csv, encoding: euc-jp}
    columns:
      - {name: patient_no, ja: 患者番号, class: linkage_code, role: person_key}
      - {name: decision, ja: 意思, class: ordinary, role: decision}
      - {name: decided_on, ja: 日付, class: ordinary, role: event_date, type: date}
"""
)

_COHORT = (
    _DATASET_HEAD.format(name="cohort")
    + """\
acquisition_basis: consent
consent:
  basis: opt_in
  register: {table: consents, decision: decision, decided_on: decided_on, consented: [同意], refused: [不同意]}
  text: {version: IC-1, third_party: true, commercial: false}
project: cohort
tables:
  - name: variants
    kind: genotype
    title: {ja: 変異, en: Variants}
    source: {format: vcf, paths: [cohort.vcf.gz], assembly: GRCh38}
    samples: samples
    columns:
      - {name: chrom, ja: 染色体, class: ordinary, role: attribute}
      - {name: genotypes, ja: 遺伝型, class: identification_code, code: genome_wgs, role: genotype, type: alleles}
  - name: samples
    kind: person
    title: {ja: 検体, en: Samples}
    source: {format: delimited, path: samples.csv, encoding: utf-8}
    columns:
      - {name: sample_id, ja: 検体番号, class: linkage_code, role: sample_key}
      - {name: patient_no, ja: 患者番号, class: linkage_code, role: person_key}
      - {name: phenotype, ja: 表現型, class: special_care, role: sensitive}
  - name: consents
    kind: register
    title: {ja: 同意, en: Consents}
    source: {format: delimited, path: consents.csv, encoding: utf-8}
    columns:
      - {name: patient_no, ja: 患者番号, class: linkage_code, role: person_key}
      - {name: decision, ja: 意思, class: ordinary, role: decision}
      - {name: decided_on, ja: 日付, class: ordinary, role: event_date, type: date}
"""
)

_RELEASE_HEAD = """\
schema: niji/release/v1
id: {name}
version: 1.0.0
title: {{ja: 試験の公開, en: A release for tests}}
description: {{ja: 試験用, en: For tests}}
output_category: {category}
provision_basis: {basis}
rule_packs: [appi@2026-06-14, house@2026-11-01, cells-ndb@3]
effective_from: 2026-12-01
review_due: 2027-11-30
quality: {{suite: plain, dimensions: [completeness, uniqueness]}}
purposes: {{duo: ["DUO:0000006", "DUO:0000021"], ehds53: [e], text: {{ja: 医学研究, en: Medical research}}}}
prohibited_uses: [reidentify, link_persons, contact_subject, insurance_or_credit_decision, employment_decision, marketing, onward_transfer]
recipients:
  - {{id: R-001, name: {{ja: 北辰大学, en: Hokushin University}}, kind: academic, country: JP, contract: C-31}}
delivery: [{delivery}]
retention: {{extract_months: 24, delete_within_days: 30, ledger_years: 3, access_log_years: 3}}
terms: {{version: T-1, url: "https://example.jp/terms", clauses: [no_identification, no_matching, no_contact, no_removed_information]}}
custody:
  vault: vault-a
  roles: [{{ja: 鍵管理者, en: key custodian}}, {{ja: 副鍵管理者, en: deputy key custodian}}]
  access_log: log of the vault
  artefacts: [{{what: key, kept: vault}}, {{what: id_map, kept: never_stored}}, {{what: noise, kept: never_stored}}]
  reviewed_on: 2026-11-01
catalog: {{keywords: [{{ja: 入院, en: admission}}], health_category: EHRS}}
"""

_MICRODATA = (
    _RELEASE_HEAD.format(name="admissions", category="anonymized_appi", basis="anonymized_43", delivery="extract")
    + """\
publication: {created_on: 2026-11-18, items_url: "https://example.jp/items", items_published_on: 2026-11-20, method: {ja: 封緘, en: Sealed}, label_ja: 匿名加工情報}
tables:
  - dataset: clinic
    table: patients
    columns:
      - {name: patient_no, treat: {op: drop_column}, rule: APPI-23}
      - {name: name_kanji, treat: {op: drop_column}, rule: APPI-21}
      - {name: my_number, treat: {op: reject_at_landing}, rule: APPI-04}
      - {name: insurer_no, treat: {op: drop_column}, rule: APPI-22}
      - {name: sex, treat: {op: generalize, hierarchy: sex, level: search}, rule: APPI-25}
      - {name: birth_date, as: age, treat: [{op: to_age, at: admit_date}, {op: generalize, hierarchy: age, level: search}], rule: APPI-24}
      - {name: address, as: prefecture, treat: {op: to_prefecture}, rule: APPI-25}
      - {name: city, treat: {op: drop_column}, rule: APPI-25}
      - {name: insurer_kind, treat: {op: drop_column}, rule: APPI-25}
      - {name: birth_weight, treat: {op: drop_column}, rule: APPI-24}
  - dataset: clinic
    table: admissions
    columns:
      - {name: admission_id, treat: {op: pseudonymize, method: random, scope: release}, rule: APPI-23}
      - {name: patient_no, treat: {op: drop_column}, rule: APPI-23}
      - {name: admit_date, treat: {op: truncate_date, to: quarter}, rule: APPI-25}
      - {name: outcome, treat: {op: keep, reason: "closed list"}, rule: APPI-25}
      - {name: weight_kg, treat: [{op: top_code, limit: 120}, {op: bottom_code, limit: 30}, {op: round, to: 5}], rule: APPI-24}
      - {name: facility, treat: {op: drop_column}, rule: APPI-25}
      - {name: drug, treat: {op: drop_column}, rule: APPI-25}
      - {name: death_hour, treat: {op: drop_column}, rule: APPI-24}
      - {name: note, treat: {op: drop_column}, rule: APPI-21}
  - dataset: clinic
    table: diagnoses
    columns:
      - {name: admission_id, treat: {op: pseudonymize, method: random, scope: release}, rule: APPI-23}
      - {name: patient_no, treat: {op: drop_column}, rule: APPI-23}
      - {name: icd10, treat: {op: roll_up_rare, hierarchy: icd10, min_persons: 10}, rule: APPI-24}
      - {name: diagnosed_on, treat: {op: to_duration_days, since: admit_date}, rule: APPI-25}
method:
  kind: microdata
  record: admissions
  quasi_identifiers: [sex, age, prefecture, admit_date]
  k: 12
  sensitive: [{column: outcome, l: 3}]
  suppression_limit: 0.02
  max_record_risk: 0.09
  approved_by: privacy officer
"""
)

_AGGREGATED = """\
tables:
  - dataset: clinic
    table: patients
    columns:
      - {name: patient_no, treat: {op: aggregate_only}, rule: APPI-23}
      - {name: name_kanji, treat: {op: drop_column}, rule: APPI-21}
      - {name: my_number, treat: {op: reject_at_landing}, rule: APPI-04}
      - {name: insurer_no, treat: {op: drop_column}, rule: APPI-22}
      - {name: sex, treat: {op: aggregate_only}, rule: APPI-25}
      - {name: birth_date, treat: {op: drop_column}, rule: APPI-21}
      - {name: address, as: prefecture, treat: [{op: to_prefecture}, {op: aggregate_only}], rule: APPI-25}
      - {name: city, treat: {op: drop_column}, rule: APPI-25}
      - {name: insurer_kind, treat: {op: drop_column}, rule: APPI-25}
      - {name: birth_weight, treat: {op: drop_column}, rule: APPI-24}
  - dataset: clinic
    table: admissions
    columns:
      - {name: admission_id, treat: {op: drop_column}, rule: APPI-23}
      - {name: patient_no, treat: {op: aggregate_only}, rule: APPI-23}
      - {name: admit_date, as: year, treat: [{op: truncate_date, to: year}, {op: aggregate_only}], rule: APPI-25}
      - {name: outcome, treat: {op: aggregate_only}, rule: APPI-05}
      - {name: weight_kg, treat: {op: aggregate_only}, rule: APPI-24}
      - {name: facility, treat: {op: drop_column}, rule: APPI-25}
      - {name: drug, treat: {op: drop_column}, rule: APPI-25}
      - {name: death_hour, treat: {op: drop_column}, rule: APPI-24}
      - {name: note, treat: {op: drop_column}, rule: APPI-21}
"""

_STATISTICS = (
    _RELEASE_HEAD.format(name="numbers", category="statistics", basis="statistics_only", delivery="statistic")
    + _AGGREGATED
    + """\
method:
  kind: dp_statistics
  unit: person
  neighbouring: add_remove
  accountant: zcdp
  mechanism: discrete_gaussian
  budget: {population: clinic, population_rho_cap: '1', release_rho: '0.25', delta: '0.00000001', period_from: 2026-12-01, period_to: 2027-11-30, approved_by: privacy officer, approved_on: 2026-11-10}
  queries:
    - name: people-by-sex
      title: {ja: 性別の人数, en: People by sex}
      statistic: people
      table: admissions
      by: [{column: sex, values: ['1', '2'], source: the code list}]
      bounds: {cells_per_person: 1, source: a person has one sex in the register}
      rho_share: '0.5'
    - name: weight-by-sex
      title: {ja: 性別の体重, en: Weight by sex}
      statistic: mean
      table: admissions
      by: [{column: sex, values: ['1', '2'], source: the code list}]
      bounds: {cells_per_person: 1, source: a person has one sex in the register}
      value: weight_kg
      clip: {low: '30', high: '120', grid: '1', source: public growth charts}
      rho_share: '0.5'
  exact_beside:
    - {release: admissions, why: {ja: 行データ, en: rows}}
    - {release: cells, why: {ja: 正確な件数の表, en: a table of exact counts}}
"""
)

_CELLS = (
    _RELEASE_HEAD.format(name="cells", category="statistics", basis="statistics_only", delivery="open")
    + _AGGREGATED
    + """\
method: {kind: small_cells, table: admissions, by: [prefecture, year], min_cell: 10}
"""
)

_ALLELES = (
    _RELEASE_HEAD.format(name="frequencies", category="statistics", basis="statistics_only", delivery="extract")
    + """\
tables:
  - dataset: cohort
    table: variants
    columns:
      - {name: chrom, treat: {op: keep, reason: names a site}, rule: APPI-22}
      - {name: genotypes, treat: {op: aggregate_only}, rule: APPI-01}
method:
  kind: allele_frequencies
  table: variants
  min_allele_count: 10
  membership_false_positive_rate: 0.05
  membership_max_power: 0.3
  over_bound: thin
  approved_by: privacy officer
"""
)

_CONTROLLED = (
    _RELEASE_HEAD.format(name="rows", category="personal_data", basis="consent_27_1", delivery="extract")
    + """\
ethics: {committee_no: ERC-2026-1, approved_on: 2026-06-01, expires_on: 2028-03-31}
tables:
  - dataset: cohort
    table: variants
    columns:
      - {name: chrom, treat: {op: keep, reason: names a site}, rule: APPI-08}
      - {name: genotypes, treat: {op: keep, reason: consented to be shared}, rule: APPI-08}
  - dataset: cohort
    table: samples
    columns:
      - {name: sample_id, treat: {op: pseudonymize, method: hmac, scope: project}, rule: APPI-23}
      - {name: patient_no, treat: {op: pseudonymize, method: hmac, scope: project}, rule: APPI-23}
      - {name: phenotype, treat: {op: keep, reason: consented to be shared}, rule: APPI-08}
method: {kind: controlled_rows, environment: sealed_extract}
"""
)

_HIERARCHY = """\
schema: niji/hierarchy/v1
id: {name}
version: 1.0.0
title: {{ja: 階層, en: Hierarchy}}
source: written for tests
on_unseen: refuse
levels: {levels}
"""

_SUITE = """\
{"name": "plain", "expectations": [
  {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "sex"}, "meta": {"dimension": "completeness"}},
  {"type": "expect_column_values_to_be_unique", "kwargs": {"column": "sex"}, "meta": {"dimension": "uniqueness"}}
]}
"""

FILES: Mapping[str, str] = {
    CLINIC: _CLINIC,
    COHORT: _COHORT,
    MICRODATA: _MICRODATA,
    STATISTICS: _STATISTICS,
    CELLS: _CELLS,
    ALLELES: _ALLELES,
    CONTROLLED: _CONTROLLED,
    AGE: _HIERARCHY.format(name="age", levels="{kind: intervals, low: 0, high: 120, widths: [5, 10], top_from: 90}"),
    SEX: _HIERARCHY.format(name="sex", levels="{kind: table, rows: [['1', '*'], ['2', '*']]}"),
    "hierarchies/icd10.yaml": _HIERARCHY.format(name="icd10", levels="{kind: icd10}"),
    SUITE: _SUITE,
}
"""The whole folder: relative path → text."""


def changed(file: str, *replacements: tuple[str, str]) -> str:
    """Return the text of a fixture file with replacements; each must be found exactly once."""
    text = FILES[file]
    for old, new in replacements:
        times = text.count(old)
        if times != 1:
            raise ValueError(f"{old!r} is {times} times in {file}, not once")
        text = text.replace(old, new)
    return text


def write_policies(folder: Path, changes: Changes | None = None, *, extra: Mapping[str, str] | None = None) -> Path:
    """Write the policies folder, with changes and extra files; return it."""
    texts = {file: changed(file, *(changes or {}).get(file, ())) for file in FILES}
    for file, text in {**texts, **(extra or {})}.items():
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("utf-8"))
    return folder


def line_of(text: str, part: str) -> int:
    """Return the number of the first line that holds `part`."""
    return next(number for number, line in enumerate(text.splitlines(), start=1) if part in line)
