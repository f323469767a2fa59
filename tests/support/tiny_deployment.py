"""A deployment small enough to run in seconds: a clinic of 90 people with two releases, a survey of 7 people with none.

`write_deployment` makes one from nothing, with every policy signed by the demo persons; whoever changes a policy signs it
again (`tests/support/signing.py`). `published_home` gives a copy of one that was run already; a process runs it
once, and each test may change its copy as it likes.
"""

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Literal

import dagster as dg
import pytest

from catalog.access import Actor, Event, EventKind, Permit, RequestForm, Role
from catalog.sealing import write_key_pair
from catalog.secret import Passphrase
from pipelines.deployment import Deployment, open_deployment
from pipelines.run import run
from pipelines.settings import Settings
from policies.vocabulary import TermsClause
from tests.support.signing import sign_policies

ON = date(2026, 12, 15)
LATER = date(2026, 12, 16)
PASSPHRASE = Passphrase("a passphrase for tests")
PEOPLE = 90
OPTED_OUT = 3
SURVEYED = 7
ANSWER_SECONDS = 0.25
"""Slots of noisy numbers; real ones, but short, so that tests do not wait."""

CLINIC = "datasets/clinic.yaml"
SURVEY = "datasets/survey.yaml"
CELLS = "releases/clinic-cells.yaml"
NUMBERS = "releases/clinic-numbers.yaml"
CELLS_SUITE = "quality/cells.json"
NUMBERS_SUITE = "quality/numbers.json"

_DATASET = """\
schema: niji/dataset/v1
id: {name}
version: 1.0.0
title: {{ja: 架空の{name}, en: Made-up {name}}}
description: {{ja: 試験用, en: For tests}}
controller:
  name: {{ja: 学校法人 試験病院, en: Test Hospital}}
  type: private_academic
  contact: {{name: {{ja: 窓口, en: Desk}}, email: desk@example.jp}}
  measures_url: https://example.jp/measures
purpose_of_use: {{text: {{ja: 診療と医学研究, en: Care and medical research}}, duo: "DUO:0000006", url: "https://example.jp/purpose", published_on: "2020-04-01"}}
incident_desk: {{officer: {{ja: 責任者, en: Privacy officer}}, reachable_at: desk@example.jp, plan_url: "https://example.jp/plan"}}
deceased_included: true
steward: {{team: "team:stewards", email: steward@example.jp}}
acquisition_basis: own_care
project: {name}
population: {name}
"""

_RELEASE = """\
schema: niji/release/v1
id: {name}
version: 1.0.0
title: {{ja: 試験の表 {name}, en: Table {name}}}
description: {{ja: 試験用, en: For tests}}
output_category: statistics
provision_basis: statistics_only
rule_packs: [appi@2026-06-14, house@2026-11-01, cells-ndb@3]
effective_from: "2026-12-01"
review_due: "2027-11-30"
quality: {{suite: {suite}, dimensions: [completeness, uniqueness]}}
purposes: {{duo: ["DUO:0000006", "DUO:0000021"], ehds53: [e], text: {{ja: 医学研究, en: Medical research}}}}
prohibited_uses: [reidentify, link_persons, contact_subject, insurance_or_credit_decision, employment_decision, marketing, onward_transfer]
recipients:
  - {{id: R-001, name: {{ja: 北辰大学, en: Hokushin University}}, kind: academic, country: JP, contract: C-31}}
delivery: [{delivery}]
retention: {{extract_months: 24, delete_within_days: 30, ledger_years: 3, access_log_years: 3}}
custody:
  vault: vault-a
  roles: [{{ja: 鍵管理者, en: key custodian}}, {{ja: 副鍵管理者, en: deputy key custodian}}]
  access_log: log of the vault
  artefacts: [{{what: key, kept: vault}}, {{what: noise, kept: never_stored}}]
  reviewed_on: "2026-11-01"
catalog: {{keywords: [{{ja: 入院, en: admission}}], health_category: EHRS}}
tables:
  - dataset: clinic
    table: patients
    columns:
      - {{name: patient_no, treat: {{op: aggregate_only}}, rule: APPI-23}}
      - {{name: name_kanji, treat: {{op: drop_column}}, rule: APPI-21}}
      - {{name: sex, treat: {{op: aggregate_only}}, rule: APPI-25}}
      - {{name: ward, treat: {{op: aggregate_only}}, rule: APPI-25}}
"""


def _suite(name: str, table: str, unique: tuple[str, ...]) -> str:
    once = ("expect_column_values_to_be_unique", {"column": unique[0]})
    if len(unique) > 1:
        once = ("expect_compound_columns_to_be_unique", {"column_list": list(unique)})
    entries = [
        ("expect_column_values_to_not_be_null", {"column": "sex"}, "completeness"),
        (*once, "uniqueness"),
    ]
    said = [{"type": kind, "kwargs": k, "meta": {"dimension": what, "table": table}} for kind, k, what in entries]
    return json.dumps({"name": name, "expectations": said}, indent=1)


FILES: Mapping[str, str] = {
    CLINIC: _DATASET.format(name="clinic")
    + """\
consent:
  basis: opt_out
  register: {table: optouts, decision: decision, decided_on: decided_on, refused: [停止], withdrawn: [撤回]}
tables:
  - name: patients
    kind: person
    title: {ja: 患者, en: Patients}
    source: {format: delimited, path: patients.csv, encoding: utf-8}
    columns:
      - {name: patient_no, ja: 患者番号, en: patient number, class: linkage_code, role: person_key, required: true}
      - {name: name_kanji, ja: 氏名, en: name, class: direct_identifier, role: identifier}
      - {name: sex, ja: 性別, en: sex, class: quasi_identifier, role: quasi_identifier}
      - {name: ward, ja: 病棟, en: ward, class: special_care, role: sensitive}
  - name: optouts
    kind: register
    title: {ja: 停止の求め, en: Opt-outs}
    source: {format: delimited, path: optouts.csv, encoding: utf-8}
    columns:
      - {name: patient_no, ja: 患者番号, class: linkage_code, role: person_key, required: true}
      - {name: decision, ja: 意思, class: ordinary, role: decision, required: true}
      - {name: decided_on, ja: 日付, class: ordinary, role: event_date, type: date, required: true}
""",
    SURVEY: _DATASET.format(name="survey")
    + """\
consent: {basis: not_required, reason: an example without people to object}
tables:
  - name: answers
    kind: person
    title: {ja: 回答, en: Answers}
    source: {format: delimited, path: answers.csv, encoding: utf-8}
    columns:
      - {name: person, ja: 回答者, en: person, class: linkage_code, role: person_key, required: true}
      - {name: answer, ja: 回答, en: answer, class: special_care, role: sensitive}
""",
    CELLS: _RELEASE.format(name="clinic-cells", suite="cells", delivery="open, extract")
    + "method: {kind: small_cells, table: patients, by: [sex, ward], min_cell: 10}\n",
    NUMBERS: _RELEASE.format(name="clinic-numbers", suite="numbers", delivery="statistic")
    + """\
method:
  kind: dp_statistics
  unit: person
  neighbouring: add_remove
  accountant: zcdp
  mechanism: discrete_gaussian
  budget: {population: clinic, population_rho_cap: '0.3', release_rho: '0.25', delta: '0.00000001', population_delta_cap: '0.00000003', people_at_most: 1000, period_from: "2026-12-01", period_to: "2027-11-30", approved_by: privacy officer, approved_on: "2026-11-10"}
  queries:
    - name: people-by-sex
      title: {ja: 性別の人数, en: People by sex}
      statistic: people
      table: patients
      by: [{column: sex, values: ['1', '2'], source: the code list}]
      bounds: {cells_per_person: 1, source: a person has one of each in the register}
      rho_share: '0.5'
    - name: people-by-ward
      title: {ja: 病棟別の人数, en: People by ward}
      statistic: people
      table: patients
      by: []
      private_keys: {columns: [{column: ward, max_length: 8}], threshold_delta: '0.00000001', source: wards are named by each clinic}
      bounds: {cells_per_person: 1, source: a person has one of each in the register}
      rho_share: '0.5'
  exact_beside: [{release: clinic-cells, why: {ja: 正確な件数の表, en: a table of exact counts}}]
""",
    CELLS_SUITE: _suite("cells", "patients", ("sex", "ward")),
    NUMBERS_SUITE: _suite("numbers", "people-by-sex", ("sex",)),
}
"""The policies folder: relative path → text."""

RELEASES = ("clinic-cells", "clinic-numbers")


_SIGNED: list[tempfile.TemporaryDirectory[str]] = []


def write_deployment(home: Path) -> Settings:
    """Write policies, signatures and sources of the tiny deployment below a home, and return its settings.

    The first call of a process signs; later ones copy, with the keys, what was signed then.
    """
    if not _SIGNED:
        _SIGNED.append(tempfile.TemporaryDirectory(prefix="niji-tiny-"))
        sign_policies(_write_files(Path(_SIGNED[0].name) / "home"))
    shutil.copytree(Path(_SIGNED[0].name) / "home", home, dirs_exist_ok=True)
    return settings_of(home)


def _write_files(home: Path) -> Settings:
    for file, text in FILES.items():
        write(home / "policies" / file, text)
    people = [f"P{n:04},架空{n},{n % 2 + 1},{'ABC'[n % 3]}" for n in range(PEOPLE)]
    write(home / "landing" / "patients.csv", "\n".join(["patient_no,name_kanji,sex,ward", *people, ""]))
    out = [f"P{n:04},停止,2026-11-0{n + 1}" for n in range(OPTED_OUT)]
    write(home / "landing" / "optouts.csv", "\n".join(["patient_no,decision,decided_on", *out, ""]))
    answers = [f"Q{n},yes" for n in range(SURVEYED)]
    write(home / "landing" / "answers.csv", "\n".join(["person,answer", *answers, ""]))
    return settings_of(home)


def settings_of(home: Path, *, on: date = ON) -> Settings:
    """Return the settings of a tiny deployment."""
    return Settings(home, home / "policies", home / "landing", PASSPHRASE, fixed_day=on, answer_seconds=ANSWER_SECONDS)


def write(path: Path, text: str) -> Path:
    """Write a file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def change(settings: Settings, file: str, *replacements: tuple[str, str]) -> None:
    """Change a policy file in place; each text replaced must be found exactly once."""
    path = settings.policies / file
    text = path.read_text("utf-8")
    for old, new in replacements:
        if text.count(old) != 1:
            raise ValueError(f"{old!r} is {text.count(old)} times in {file}, not once")
        text = text.replace(old, new)
    path.write_text(text, "utf-8")


_RUN_ONCE: list[Path] = []


def published_home(factory: pytest.TempPathFactory, target: Path) -> Settings:
    """Copy the home of a deployment that was run to the end; the first call of a process runs it."""
    if not _RUN_ONCE:
        home = factory.mktemp("tiny") / "home"
        run(write_deployment(home))
        _RUN_ONCE.append(home)
    shutil.copytree(_RUN_ONCE[0], target, dirs_exist_ok=True)
    return settings_of(target)


class Steps:
    """A reporter that remembers how each step ended."""

    def __init__(self) -> None:
        self.ended: dict[str, str] = {}

    def started(self, what: str) -> None:
        """Say nothing."""

    def progressed(self, what: str, detail: str) -> None:
        """Say nothing."""

    def finished(self, what: str, detail: str) -> None:
        """Remember."""
        self.ended[what] = detail

    @property
    def made(self) -> set[str]:
        """The stages that were made anew."""
        return {what for what, detail in self.ended.items() if detail == "made"}


def approve(
    deployment: Deployment,
    *,
    release: str = "clinic-cells",
    until: date = date(2027, 6, 30),
    on: date = ON,
    answer: Literal["rows", "statistics"] = "rows",
) -> Permit:
    """Ask for a release, let an officer approve, and return the permit."""
    keys = deployment.settings.home / "recipient"
    if not keys.with_name("recipient.pub").exists():
        write_key_pair(keys)
    policy = deployment.library.release(release)
    form = RequestForm(
        release=release,
        release_version=policy.version,
        applicant="researcher.aoki",
        institution="北辰大学",
        recipient="R-001",
        purpose="慢性腎臓病の研究",
        duo="DUO:0000006",
        ehds53="e",
        commercial=False,
        answer=answer,
        ethics_approval="ERC-2026-1",
        ethics_expires_on=date(2030, 3, 31),
        period_from=on,
        period_to=until,
        security="type2",
        accepted_prohibitions=policy.prohibited_uses,
        accepted_terms=tuple(TermsClause),
        recipient_public_key=keys.with_name("recipient.pub").read_text("ascii"),
    )
    request = deployment.desk.submit(form, on=on)
    officer = Actor("officer.mori", frozenset({Role.COMPLIANCE}))
    permit = deployment.desk.decide(
        request.id, Event(EventKind.APPROVE, officer, on), library=deployment.library
    ).permit
    if permit is None:
        raise LookupError(release)
    return permit


def reopened(settings: Settings) -> Deployment:
    """Open the deployment anew, as the next process would."""
    return open_deployment(settings)


def metadata_of(events: Sequence[Any], *key: str) -> Mapping[str, dg.MetadataValue]:
    """Return the metadata of the last materialization of an asset among Dagster events."""
    found = [
        event.step_materialization_data.materialization.metadata
        for event in events
        if event.is_step_materialization and event.asset_key == dg.AssetKey(list(key))
    ]
    return found[-1]
