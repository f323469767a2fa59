"""At landing: a My Number or a resident code stops everything and is logged; known false alarms are judged day by day."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from pipelines.deployment import open_deployment
from pipelines.settings import Settings
from pipelines.stages.classified import make_classified
from pipelines.stages.raw import make_raw
from pipelines.storage import Stage
from policies.errors import DataError
from tests.support.rule_pairs import pair
from tests.support.signing import sign_policies
from tests.support.tiny_deployment import CLINIC, settings_of, write, write_deployment

MY_NUMBER = "123456789018"
RESIDENT_CODE = "24727059608"
_ALARM = """
false_alarms:
  - table: patients
    column: ward
    kind: {kind}
    reason: {{ja: 病棟の物品番号, en: Stock numbers of the ward}}
    by: S. Tanaka
    accepted_on: "2026-12-01"
    expires_on: "2027-03-31"
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return write_deployment(tmp_path / "home")


def with_wards(settings: Settings, wards: list[str]) -> None:
    people = [f"P{n:04},架空{n},{n % 2 + 1},{ward}" for n, ward in enumerate(wards)]
    write(settings.landing / "patients.csv", "\n".join(["patient_no,name_kanji,sex,ward", *people, ""]))


def accept(settings: Settings, kind: str) -> None:
    path = settings.policies / CLINIC
    path.write_text(path.read_text("utf-8") + _ALARM.format(kind=kind), "utf-8")
    sign_policies(settings)


def land(settings: Settings):
    deployment = open_deployment(settings)
    make_raw(deployment, "clinic")
    return make_classified(deployment, "clinic")


def random_numbers(width: int, count: int) -> list[str]:
    digits = np.random.default_rng(8).integers(0, 10, (count, width)).tolist()
    return ["".join(map(str, row)) for row in digits]


@pair(rule="APPI-04", violation="V18")
@pytest.mark.parametrize(
    ("text", "code"),
    [
        (f"A {MY_NUMBER[:4]}‐{MY_NUMBER[4:8]}‐{MY_NUMBER[8:]}と記載", "data.my-number"),
        (f"個人番号{MY_NUMBER}", "data.my-number"),
        (f"住民票コード{RESIDENT_CODE}", "data.resident-code"),
        (f"転入届{RESIDENT_CODE}より", "data.resident-code"),
    ],
)
def test_a_forbidden_number_stops_the_landing_without_a_trace_of_it(settings, text, code):
    with_wards(settings, [*["A"] * 50, text])
    deployment = open_deployment(settings)
    with pytest.raises(DataError) as refused:
        make_raw(deployment, "clinic")
    assert refused.value.code == code
    assert "<10 rows" in refused.value.what
    assert deployment.zones.current(Stage.RAW, "clinic") is None
    (event,) = [one for one in deployment.audit.events() if one.action == "landing.quarantine"]
    assert (event.actor, event.subject) == ("system", "clinic")
    kept = b"".join(
        path.read_bytes() for path in settings.home.rglob("*") if path.is_file() and "landing" not in path.parts
    )
    for number in (MY_NUMBER, RESIDENT_CODE, MY_NUMBER[:4] + "‐" + MY_NUMBER[4:8]):
        assert number.encode() not in kept
        assert number not in str(refused.value)
    with_wards(settings, ["A"] * 51)
    assert land(settings).counts["rows"] > 0


def test_an_undeclared_identifier_lands_and_stops_at_classification(settings):
    with_wards(settings, ["022-123-4567"] * 40)
    deployment = open_deployment(settings)
    make_raw(deployment, "clinic")
    with pytest.raises(DataError) as refused:
        make_classified(deployment, "clinic")
    assert refused.value.code == "data.undeclared-identifier"
    assert "identifiers:patients.ward:phone" in refused.value.what
    assert "022" not in str(refused.value)


@pair(rule="APPI-03")
def test_an_accepted_false_alarm_lets_the_data_pass_until_it_expires(settings):
    with_wards(settings, ["022-123-4567"] * 40)
    accept(settings, "phone")
    landed = land(settings)
    kept = {check["name"]: check for check in landed.version.facts["findings"]}
    accepted = kept["identifiers:patients.ward:phone"]
    assert (accepted["passed"], accepted["measured"]["verdict"]) == (True, "accepted")
    with pytest.raises(DataError) as refused:
        land(settings_of(settings.home, on=date(2027, 4, 1)))
    assert refused.value.code == "data.undeclared-identifier"


def test_ordinary_twelve_digit_numbers_in_text_can_be_accepted_and_my_numbers_cannot(settings):
    ordinary = [f"物品{number}使用" for number in random_numbers(12, 90)]
    with_wards(settings, ordinary)
    with pytest.raises(DataError, match=r"data\.my-number"):
        land(settings)
    accept(settings, "my_number")
    assert land(settings).version.facts["rows"]["patients"] == 90
    with_wards(settings, [*ordinary, f"個人番号{MY_NUMBER}"])
    with pytest.raises(DataError, match=r"data\.my-number"):
        land(settings)


def test_the_report_of_every_column_is_kept_as_evidence(settings):
    with_wards(settings, ["A"] * 40)
    findings = land(settings).version.facts["findings"]
    rules = {check["rule"] for check in findings if check["name"].startswith("identifiers:patients")}
    assert {"APPI-03", "APPI-04", "APPI-21", "APPI-23"} <= rules
    assert all(check["passed"] for check in findings)
