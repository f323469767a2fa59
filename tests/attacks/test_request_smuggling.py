"""Attacks on the decision: say one thing and mean another. Each request must fail, none may be mended in silence."""

import json
import unicodedata
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from catalog.access import RequestForm
from policies.decision.cases import check_cases
from policies.decision.files import load_request
from policies.decision.request import AccessRequest, RequestFile
from policies.decision.uses import PROHIBITIONS
from policies.decision.verdict import Verdict
from policies.errors import PolicyError
from policies.load import read_library
from tests.support import catalog_builders, policy_files
from tests.support.access_requests import DAY, asking, decided, purposes, strict

FULL_WIDTH = str.maketrans("0123456789", "\uff10\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18\uff19")
ARABIC = str.maketrans("0123456789", "\u0660\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668\u0669")
REFUSE, ADMIT = Verdict.REFUSE, Verdict.ADMIT


def _variants(text: str) -> list[str]:
    return [
        text.lower(),
        text.translate(FULL_WIDTH),
        text.translate(ARABIC),
        text.replace(":", "\uff1a").replace("-", "\u2010"),
        f" {text}",
        f"{text}\n",
        f"{text}\u200b",
        f"{text},{text}",
        text.replace("DUO", "\uff24UO").replace("MONDO", "\uff2dONDO").replace("R-", "\uff32-"),
    ]


@pytest.mark.parametrize("name", ["duo", "recipient", "release_version", "release"])
def test_an_id_has_one_spelling(name: str) -> None:
    text = str(getattr(asking(), name))
    for variant in _variants(text):
        if variant == text:
            continue
        with pytest.raises(ValidationError):
            asking(**{name: variant})


def test_a_disease_has_one_spelling() -> None:
    for variant in _variants("MONDO:0005148"):
        with pytest.raises(ValidationError):
            asking(mondo=(variant,))


def test_what_looks_alike_after_folding_is_not_alike() -> None:
    variant = "R-001".translate(FULL_WIDTH)
    assert unicodedata.normalize("NFKC", variant) == "R-001"
    body = json.loads(catalog_builders.form("x").model_dump_json())
    for field, value in (("recipient", variant), ("duo", "DUO:0000006".translate(ARABIC))):
        with pytest.raises(ValidationError):
            RequestForm.model_validate({**body, field: value})


@pytest.mark.parametrize("key", ["verdict", "approved", "policy_is_active", "excluded", "on", "commercial", "schema"])
def test_a_request_cannot_bring_its_own_circumstances(key: str) -> None:
    with pytest.raises(ValidationError):
        AccessRequest.model_validate({**asking().model_dump(), key: True})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("is_commercial", "no"),
        ("is_commercial", 0),
        ("is_commercial", None),
        ("uses", "research"),
        ("accepted_prohibitions", "all"),
        ("accepted_terms", ["everything"]),
        ("period_to", "never"),
        ("period_to", "9999-99-99"),
        ("security", "type9"),
        ("mondo", "MONDO:0005148"),
    ],
)
def test_a_file_cannot_say_it_in_another_type(tmp_path: Path, field: str, value: Any) -> None:
    body = {**asking().model_dump(mode="json"), "schema": "niji/request/v1", field: value}
    path = tmp_path / "request.yaml"
    path.write_text("\n".join(f"{key}: {json.dumps(each, ensure_ascii=False)}" for key, each in body.items()), "utf-8")
    with pytest.raises(PolicyError) as caught:
        load_request(path, catalog_builders.release())
    assert caught.value.where.line > 0
    assert "糖尿病" not in str(caught.value)


def test_a_key_written_twice_is_refused(tmp_path: Path) -> None:
    body = {**asking(uses=("marketing",)).model_dump(mode="json"), "schema": "niji/request/v1"}
    lines = [f"{key}: {json.dumps(each, ensure_ascii=False)}" for key, each in body.items()]
    path = tmp_path / "request.yaml"
    path.write_text("\n".join([*lines, "uses: [research]"]), "utf-8")
    with pytest.raises(PolicyError, match="duplicate"):
        load_request(path, catalog_builders.release())


def test_a_use_hidden_among_many_is_seen() -> None:
    harmless = ["research", "education", "product_development"] * 20
    for use in PROHIBITIONS:
        for place in (0, 30, 60):
            hidden = [*harmless[:place], use.value, *harmless[place:]]
            assert decided(uses=hidden, under=purposes("DUO:0000004")).verdict is REFUSE


def test_a_prohibition_renounced_twice_does_not_stand_for_another() -> None:
    twice = ("reidentify", "reidentify", "link_persons")
    assert "prohibited-uses" in strict(decided(accepted_prohibitions=twice))


def test_a_recipient_of_another_release_is_nobody_here() -> None:
    only = [{"id": "R-005", "name": {"ja": "他", "en": "O"}, "kind": "academic", "country": "JP"}]
    assert strict(decided(under={"recipients": only})) == {"recipient": REFUSE}


def test_the_request_for_another_release_is_not_decided_under_this_one() -> None:
    assert strict(decided(release="admissions-open")) == {"release": REFUSE}
    assert strict(decided(release_version="1.0.1")) == {"release": REFUSE}


def test_duplicate_codes_do_not_make_a_permission_of_two() -> None:
    hmb, ds = "DUO:0000006", "DUO:0000007"
    assert decided(under=purposes(hmb, hmb)).verdict is not ADMIT
    assert decided(under=purposes(ds, ds, mondo=("MONDO:0005148",))).verdict is not ADMIT


@given(st.integers(-3, 3), st.integers(-3, 3))
def test_dates_have_no_gap_at_their_borders(before: int, after: int) -> None:
    """A day outside any period is refused, a day inside is not, whatever else is on its border."""
    starts, ends = DAY + timedelta(days=before), DAY + timedelta(days=after)
    approval = {"committee_no": "E", "approved_on": starts, "expires_on": ends}
    found = decided(ethics=approval)
    assert (found.verdict is not REFUSE) == (starts <= DAY <= ends)
    in_force = decided(under={"effective_from": starts.isoformat()})
    assert (in_force.verdict is ADMIT) == (starts <= DAY)
    asked = decided(period_to=ends, period_from=min(starts, ends))
    assert (asked.verdict is ADMIT) == (ends >= DAY)


@pytest.mark.parametrize("day", [date.min, date(1, 12, 31), date.max])
def test_days_at_the_end_of_time_are_decided_not_crashed(day: date) -> None:
    for name in ("period_from", "period_to", "delete_by", "publishes_on"):
        assert decided(**{name: day}).verdict in set(Verdict)
    everything = {"period_from": day, "period_to": day, "delete_by": day}
    assert decided(**everything).verdict is not ADMIT


def test_a_case_outside_its_folder_is_not_followed(tmp_path: Path) -> None:
    policy_files.write_policies(tmp_path / "policies")
    outside = tmp_path / "outside.yaml"
    outside.write_text("schema: niji/case/v1\n", "utf-8")
    folder = tmp_path / "policies" / "cases" / "rows" / "allow"
    folder.mkdir(parents=True)
    (folder / "link.yaml").symlink_to(outside)
    found = check_cases(read_library(tmp_path / "policies"))
    assert found.decided == ()
    assert found.findings


def test_the_form_and_the_record_say_the_same() -> None:
    """No field of a form is lost on its way to the decision."""
    record, form = set(AccessRequest.model_fields), set(RequestForm.model_fields)
    renamed = {"commercial", "ethics_approval", "ethics_approved_on", "ethics_expires_on"}
    beside = {"applicant", "institution", "co_investigators", "recipient_public_key"}
    assert form - record == renamed | beside
    assert record - form == {"is_commercial", "ethics", "users", "recipient_kind", "wants_opted_out"}
    assert set(RequestFile.model_fields) - record == {"schema_"}
    asked = catalog_builders.form("x", commercial=True, uses=("marketing",), country="US").request
    assert (asked.is_commercial, asked.uses, asked.country) == (True, ("marketing",), "US")
    assert asked.users == ("r-hayashi", "r-mori")
    assert catalog_builders.form("x", answer="statistics").request.answer == "statistics"
