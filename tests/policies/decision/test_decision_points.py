"""Each point of a decision: one request that passes it, one that it stops."""

from datetime import date
from typing import Any

import pytest

from policies.decision.duo import EHDS53
from policies.decision.months import months_between
from policies.decision.rules import REQUEST_CHECKS, STANDING
from policies.decision.uses import PROHIBITIONS, IntendedUse
from policies.decision.verdict import Decision, Verdict, strictest, weighed
from policies.decision.view import Circumstances
from policies.vocabulary import ProhibitedUse, Severity
from tests.support.access_requests import DAY, decided, purposes, strict

ADMIT, ASK, REFUSE = Verdict.ADMIT, Verdict.ASK, Verdict.REFUSE


def test_a_fitting_request_is_admitted_with_reasons_in_both_languages() -> None:
    found = decided()
    assert found.verdict is ADMIT, strict(found)
    for reason in found.reasons:
        assert reason.text.ja
        assert reason.text.en
        assert reason.rule
        assert reason.citation.ja
        assert reason.citation.en


def test_nothing_said_is_a_question() -> None:
    assert Decision(()).verdict is ASK
    assert strictest([]) is ASK


@pytest.mark.parametrize(
    ("code", "request_"),
    [
        ("release", {"release_version": "2.0.0"}),
        ("release", {"release": "other"}),
        ("recipient", {"recipient": "R-999"}),
        ("recipient-kind", {"recipient_kind": "company"}),
        ("country", {"country": "US"}),
        ("purpose", {"duo": "DUO:0000042"}),
        ("purpose", {"duo": "DUO:0000011"}),
        ("purpose", {"duo": "DUO:0000021"}),
        ("purpose", {"duo": "DUO:0000001"}),
        ("disease", {"mondo": ()}),
        ("ancestry", {"uses": ("research", "ancestry_research")}),
        ("ehds53", {"ehds53": "d"}),
        ("ehds53", {"ehds53": None}),
        ("ehds53-public", {"ehds53": "a"}),
        ("modifier.IRB", {"ethics": None}),
        ("prohibited-use", {"uses": ("research", "marketing")}),
        ("prohibited-uses", {"accepted_prohibitions": (ProhibitedUse.REIDENTIFY,)}),
        ("variables", {"variables": ("stays.patient_no",)}),
        ("variables", {"variables": ("stays.admit_date", "nowhere.nothing")}),
        ("period", {"period_to": date(2028, 12, 2)}),
        ("period", {"period_to": date(2026, 11, 30)}),
        ("period", {"period_from": date(2027, 12, 1)}),
        ("deletion", {"delete_by": date(2027, 12, 31)}),
        ("opted-out", {"wants_opted_out": True}),
        ("delivery", {"answer": "statistics", "variables": ()}),
    ],
)
def test_each_point_refuses_by_itself(code: str, request_: dict[str, Any]) -> None:
    found = decided(**request_)
    assert strict(found) == {code: REFUSE}
    assert found.verdict is REFUSE


@pytest.mark.parametrize(
    "request_",
    [
        {"period_to": date(2028, 11, 30)},
        {"period_from": date(2020, 1, 1)},
        {"recipient_kind": "academic", "country": "JP"},
        {"delete_by": date(2027, 12, 30)},
        {"variables": ()},
        {"uses": ("research", "product_development", "algorithm_training")},
        {"duo": "DUO:0000006", "mondo": ()},
    ],
)
def test_what_is_within_the_bounds_is_admitted(request_: dict[str, Any]) -> None:
    assert strict(decided(**request_)) == {}


@pytest.mark.parametrize(
    ("code", "verdict", "release"),
    [
        ("delivery", REFUSE, {"delivery": ["open", "statistic"]}),
        ("in-force", REFUSE, {"effective_from": "2026-12-02"}),
        ("ethics", REFUSE, {"ethics": {"committee_no": "E", "approved_on": "2025-01-01", "expires_on": "2026-11-30"}}),
        ("ethics", REFUSE, {"ethics": {"committee_no": "E", "approved_on": "2026-12-02", "expires_on": "2030-01-01"}}),
        ("review", ASK, {"review_due": "2026-11-30"}),
        ("embargo", REFUSE, purposes("DUO:0000006", embargo_until="2026-12-01")),
    ],
)
def test_the_release_must_allow_it(code: str, verdict: Verdict, release: dict[str, Any]) -> None:
    assert strict(decided(under=release)) == {code: verdict}


def test_an_embargo_ends_with_its_last_day() -> None:
    assert strict(decided(under=purposes("DUO:0000006", embargo_until="2026-11-30"))) == {}


def _recipient(**changes: Any) -> dict[str, Any]:
    body = {"id": "R-001", "name": {"ja": "北", "en": "N"}, "kind": "academic", "country": "JP", "security": "type1"}
    return {"recipients": [{**body, **changes}]}


def test_security_must_be_what_was_agreed() -> None:
    assert strict(decided(under=_recipient(security="type2"))) == {"security": REFUSE}
    assert strict(decided(under=_recipient(security="type2"), security="type2")) == {}
    assert strict(decided(under=_recipient(security=None))) == {}


def test_a_recipient_abroad_without_safeguard_is_a_question() -> None:
    assert strict(decided(under=_recipient(country="DE"))) == {"abroad": ASK}
    assert strict(decided(under=_recipient(country="DE", safeguard="SCC"))) == {}
    assert strict(decided(under=_recipient(country="DE", safeguard="SCC"), country="US")) == {"country": REFUSE}


def test_a_recipient_listed_twice_is_nobody() -> None:
    twice = [*_recipient()["recipients"], *_recipient(kind="company")["recipients"]]
    assert decided(under={"recipients": twice}).verdict is REFUSE


@pytest.mark.parametrize("letter", ["a", "b", "c"])
def test_purposes_of_public_bodies_are_theirs_alone(letter: str) -> None:
    open_to_all = {"purposes": {**purposes("DUO:0000006")["purposes"], "ehds53": list(EHDS53)}}
    assert strict(decided(under=open_to_all, ehds53=letter)) == {"ehds53-public": REFUSE}
    assert strict(decided(under={**open_to_all, **_recipient(kind="government")}, ehds53=letter)) == {}


def test_a_policy_without_letters_asks_for_none() -> None:
    assert strict(decided(under=purposes("DUO:0000006"), ehds53=None)) == {}
    assert strict(decided(under=purposes("DUO:0000006"), ehds53="b")) == {"ehds53-public": REFUSE}


@pytest.mark.parametrize("use", sorted(PROHIBITIONS), ids=str)
def test_no_prohibited_use_passes_under_any_policy(use: IntendedUse) -> None:
    for release in (purposes("DUO:0000004"), {"prohibited_uses": ["reidentify"]}):
        found = decided(under=release, uses=("research", use.value))
        assert "prohibited-use" in strict(found)
        (reason,) = {each.rule: each for each in found.refusals}.values()
        assert reason.rule == PROHIBITIONS[use].rule
        assert reason.citation == PROHIBITIONS[use].citation


def test_every_use_that_a_policy_can_prohibit_can_be_said_in_a_form() -> None:
    assert {use.value for use in ProhibitedUse} <= {use.value for use in PROHIBITIONS}


def test_two_permissions_are_a_question_and_no_way_in() -> None:
    assert strict(decided(under=purposes("DUO:0000006", "DUO:0000011"))) == {"purpose": ASK}
    assert strict(decided(under=purposes("DUO:0000006", "DUO:0000006"))) == {"purpose": ASK}
    assert strict(decided(under=purposes("DUO:0000007", "DUO:0000011"), duo="DUO:0000042")) == {"purpose": REFUSE}
    assert strict(decided(under=purposes("DUO:0000021"))) == {"purpose": ASK}


def test_use_in_care_is_seen_by_a_person() -> None:
    assert strict(decided(uses=("research", "clinical_care"))) == {"clinical-care": ASK}


@pytest.mark.parametrize(
    ("ethics", "expected"),
    [
        ({"committee_no": "E", "expires_on": date(2027, 11, 30)}, {}),
        ({"committee_no": "E", "approved_on": DAY, "expires_on": date(2027, 11, 30)}, {}),
        ({"committee_no": "E", "expires_on": date(2027, 11, 29)}, {"own-ethics": ASK}),
        ({"committee_no": "E", "approved_on": DAY, "expires_on": DAY}, {"own-ethics": ASK}),
        ({"committee_no": "E"}, {"modifier.IRB": ASK}),
        ({"committee_no": "E", "expires_on": date(2026, 11, 30)}, {"modifier.IRB": REFUSE, "own-ethics": REFUSE}),
        ({"committee_no": "E", "approved_on": date(2026, 12, 2)}, {"modifier.IRB": REFUSE, "own-ethics": REFUSE}),
    ],
)
def test_an_approval_holds_from_its_first_to_its_last_day(ethics: dict[str, Any], expected: dict[str, Verdict]) -> None:
    assert strict(decided(ethics=ethics)) == expected


def test_an_expired_approval_refuses_even_where_none_is_asked_for() -> None:
    over = {"committee_no": "E", "expires_on": date(2026, 11, 30)}
    assert strict(decided(under=purposes("DUO:0000006"), ethics=over)) == {"own-ethics": REFUSE}
    assert strict(decided(under=purposes("DUO:0000006"), ethics=None)) == {}


def test_circumstances() -> None:
    assert strict(decided(circumstances=Circumstances(policy_is_active=False))) == {"active": REFUSE}
    assert strict(decided(circumstances=Circumstances(policy_is_active=True))) == {}
    for shut_out in ("R-001", "r-mori"):
        assert strict(decided(circumstances=Circumstances(excluded=frozenset({shut_out})))) == {"excluded": REFUSE}
    assert strict(decided(circumstances=Circumstances(excluded=frozenset({"R-777"})))) == {}


@pytest.mark.parametrize("pack", ["appi-2026@2026-07-17", "no-such-pack@1"])
def test_a_pack_that_is_not_in_force_carries_no_permit(pack: str) -> None:
    assert strict(decided(packs=(pack,))) == {"rule-pack": REFUSE}


def test_a_period_that_begins_after_the_review_is_a_question() -> None:
    until = {"ethics": {"committee_no": "E", "expires_on": date(2040, 1, 1)}}
    assert strict(decided(period_from=date(2027, 10, 31), period_to=date(2028, 1, 1), **until)) == {}
    assert strict(decided(period_from=date(2027, 11, 1), period_to=date(2028, 1, 1), **until)) == {"start": ASK}


def test_a_statistical_answer_names_no_columns() -> None:
    both = {"delivery": ["statistic", "extract"]}
    assert strict(decided(under=both, answer="statistics", variables=())) == {}
    assert strict(decided(under=both, answer="statistics")) == {"rows": REFUSE}


@pytest.mark.parametrize(
    ("start", "end", "months"),
    [
        (date(2026, 4, 1), date(2026, 4, 30), 1),
        (date(2026, 4, 1), date(2026, 5, 1), 2),
        (date(2026, 1, 31), date(2026, 2, 28), 1),
        (date(2026, 12, 1), date(2028, 11, 30), 24),
        (date(2026, 12, 1), date(2028, 12, 1), 25),
    ],
)
def test_months_of_a_period(start: date, end: date, months: int) -> None:
    assert months_between(start, end) == months


def test_every_standing_rule_has_its_check_and_blocks() -> None:
    assert {rule.check for rule in STANDING} <= set(REQUEST_CHECKS)
    assert {rule.severity for rule in STANDING} == {Severity.BLOCK}
    assert len({(rule.id, rule.check) for rule in STANDING}) == len(STANDING)


def test_hold_asks_where_block_refuses_and_warn_stops_nothing() -> None:
    assert [weighed(REFUSE, each) for each in (Severity.BLOCK, Severity.HOLD, Severity.WARN)] == [REFUSE, ASK, ADMIT]
    assert [weighed(ASK, each) for each in (Severity.BLOCK, Severity.HOLD, Severity.WARN)] == [ASK, ASK, ADMIT]
    assert weighed(ADMIT, Severity.HOLD) is ADMIT
