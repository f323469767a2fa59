"""The tiny deployment with a release of synthetic people: patients with their visits, made features, judged by paid criteria."""

import json
from collections.abc import Sequence
from pathlib import Path

from pipelines.settings import Settings
from tests.support import tiny_deployment as tiny
from tests.support.signing import sign_policies

RELEASE = "clinic-synthetic"
STRICT = "clinic-strict"
TABLE = "made-up-patients"
FILE = f"releases/{RELEASE}.yaml"
LOOSE = "at_most: '1.5', source: house rule 12"

METHOD = f"""\
method:
  kind: dp_synthetic
  unit: person
  neighbouring: add_remove
  accountant: zcdp
  mechanism: discrete_gaussian
  budget: {{population: clinic, population_rho_cap: '1', release_rho: '0.6', delta: '0.00000001', period_from: "2026-12-01", period_to: "2027-11-30", approved_by: privacy officer, approved_on: "2026-11-10"}}
  name: {TABLE}
  title: {{ja: 架空の患者, en: Made-up patients}}
  table: patients
  columns:
    - {{kind: labels, column: sex, values: ['1', '2'], source: the code list}}
    - {{kind: labels, column: ward, values: [A, B, C], source: the list of wards}}
    - {{kind: numbers, column: visits, title: {{ja: 受診回数, en: visits}}, edges: ['0', '1', '3', '6'], grid: '1', source: house rule 4, feature: {{table: visits, of: rows}}}}
    - {{kind: numbers, column: last_year, title: {{ja: 最後の受診年, en: last year}}, edges: ['2020', '2023', '2026'], grid: '1', source: the period, feature: {{table: visits, of: greatest, value: year}}}}
    - {{kind: labels, column: has_x, title: {{ja: Xの有無, en: has X}}, values: ['no', 'yes'], source: ICD-10, feature: {{table: visits, of: has, value: code, codes: [X1, X2]}}}}
  impossible:
    - {{columns: [visits, has_x], combinations: [['[0, 1)', 'yes']], source: who never came has no code}}
  cliques: [[sex, ward], [visits, has_x]]
  cliques_source: the protocol's table 1
  columns_share: '0.4'
  cliques_share: '0.3'
  acceptance_share: '0.3'
  acceptance:
    - {{criterion: marginals, groups: [[sex], [ward]], {LOOSE}}}
    - {{criterion: conditional_means, of: visits, by: [sex], {LOOSE}}}
    - {{criterion: regression, of: visits, on: [sex, has_x], {LOOSE}}}
    - {{criterion: faithfulness, columns: [sex, ward, has_x], differing_at_most: 1, {LOOSE}}}
    - {{criterion: face_privacy, columns: [sex], rows_at_least: 2, at_most: '0.5', source: house rule 12}}
"""

_VISITS = """\
  - dataset: clinic
    table: visits
    columns:
      - {name: patient_no, treat: {op: aggregate_only}, rule: APPI-23}
      - {name: came_on, as: year, treat: [{op: truncate_date, to: year}, {op: aggregate_only}], rule: APPI-25}
      - {name: code, treat: {op: aggregate_only}, rule: APPI-25}
"""

_EVENTS = """\
  - name: visits
    kind: event
    title: {ja: 受診, en: Visits}
    source: {format: delimited, path: visits.csv, encoding: utf-8}
    columns:
      - {name: patient_no, ja: 患者番号, en: patient number, class: linkage_code, role: person_key, required: true, references: patients.patient_no}
      - {name: came_on, ja: 受診日, en: day, class: quasi_identifier, role: quasi_identifier, type: date}
      - {name: code, ja: 符号, en: code, class: special_care, role: sensitive}
"""


def write_policies_of(folder: Path) -> Path:
    """Write the policies of a clinic whose one release is of synthetic people; nothing is signed."""
    opt_outs = "  - name: optouts\n"
    tiny.write(folder / tiny.CLINIC, tiny.FILES[tiny.CLINIC].replace(opt_outs, _EVENTS + opt_outs))
    tiny.write(folder / FILE, policy_of())
    tiny.write(folder / "quality/synthetic.json", json.dumps(_SUITE))
    return folder


def write_synthetic(home: Path) -> Settings:
    """Write the deployment with two releases, one of which asks for more than its rows can keep, and sign it."""
    settings = tiny.write_deployment(home)
    for gone in (tiny.NUMBERS, tiny.NUMBERS_SUITE, tiny.CELLS, tiny.CELLS_SUITE, tiny.SURVEY):
        (settings.policies / gone).unlink()
    write_policies_of(settings.policies)
    strict = (("groups: [[sex], [ward]], at_most: '1.5'", "groups: [[sex], [ward]], at_most: '0.01'"),)
    tiny.write(
        settings.policies / f"releases/{STRICT}.yaml",
        policy_of((RELEASE, STRICT), ("rho: '0.6'", "rho: '0.3'"), *strict),
    )
    tiny.write(settings.landing / "visits.csv", "\n".join(["patient_no,came_on,code", *_visits(), ""]))
    sign_policies(settings)
    return settings


def policy_of(*changes: tuple[str, str]) -> str:
    """Return the release policy, with texts of it replaced."""
    text = tiny.FILES[tiny.NUMBERS].partition("method:")[0] + _VISITS + METHOD
    for old, new in (
        ("clinic-numbers", RELEASE),
        ("output_category: statistics", "output_category: synthetic"),
        ("suite: numbers", "suite: synthetic"),
        ("delivery: [statistic]", "delivery: [open]"),
        ("dimensions: [completeness, uniqueness]", "dimensions: [completeness, validity]"),
        *changes,
    ):
        if old not in text:
            raise ValueError(f"{old!r} is not in the release")
        text = text.replace(old, new)
    return text


_SUITE = {
    "name": "synthetic",
    "expectations": [
        {
            "type": "expect_column_values_to_not_be_null",
            "kwargs": {"column": "has_x"},
            "meta": {"dimension": "completeness", "table": TABLE},
        },
        {
            "type": "expect_column_values_to_be_in_set",
            "kwargs": {"column": "ward", "value_set": ["A", "B", "C"]},
            "meta": {"dimension": "validity", "table": TABLE},
        },
    ],
}


def _visits() -> Sequence[str]:
    return [
        f"P{n:04},{2020 + (n + k) % 6}-03-0{k + 1},{'X1' if (n + k) % 4 == 0 else 'Y'}"
        for n in range(tiny.PEOPLE)
        for k in range(n % 5)
    ]
