"""Rules of stage `requested` in the packs: each with a request that breaks it and a corrected twin."""

import re
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from policies.check import check
from policies.decision.decide import decide
from policies.decision.rules import REQUEST_CHECKS
from policies.decision.verdict import Decision, Verdict
from policies.decision.view import Circumstances
from policies.load import PACKAGED, load_library
from policies.model import Rule
from policies.vocabulary import Severity, TermsClause
from tests.support import catalog_builders
from tests.support.access_requests import DAY, EHDS, NBDC, NGMI, asking, decided, purposes
from tests.support.rule_pairs import pair

ADMIT, ASK, REFUSE = Verdict.ADMIT, Verdict.ASK, Verdict.REFUSE


def refused_by(found: Decision) -> set[str]:
    return {reason.rule for reason in found.refusals}


def shipped_rule(rule: str) -> Rule:
    found = [each for pack in load_library(PACKAGED).rulepacks.values() for each in pack.rules if each.id == rule]
    return found[0]


def held_by(found: Decision, rule: str) -> set[Verdict]:
    """The verdicts of the reasons that a pack's rule gave, told apart by its citation."""
    return {each.verdict for each in found.reasons if each.citation == shipped_rule(rule).citation}


@pytest.mark.parametrize("pack", [EHDS, NBDC])
def test_a_fitting_request_passes_every_pack(pack: str) -> None:
    found = decided(packs=(pack,))
    assert found.verdict is ADMIT, [str(each.text.en) for each in (*found.refusals, *found.questions)]
    requested = [each for each in load_library(PACKAGED).rulepacks[pack].rules if each.stage == "requested"]
    assert requested
    assert {each.id for each in requested} <= {reason.rule for reason in found.reasons} | {
        "EHDS-63",
        "EHDS-69",
        "EHDS-53",
    }


def test_every_requested_rule_of_the_shipped_packs_names_a_check() -> None:
    library = load_library(PACKAGED)
    requested = [rule for pack in library.rulepacks.values() for rule in pack.rules if rule.stage == "requested"]
    assert len(requested) >= 10
    assert {rule.check for rule in requested} <= set(REQUEST_CHECKS)


def test_a_rule_that_names_no_check_is_found_and_refuses() -> None:
    library = catalog_builders.library()
    pack = library.rulepacks["house@2026-11-01"]
    lost = shipped_rule("EHDS-53").model_copy(update={"id": "HOUSE-99", "check": "no_such_check"})
    library = replace(
        library,
        rulepacks={**library.rulepacks, pack.id: pack.model_copy(update={"rules": (*pack.rules, lost)})},
    )
    release = library.releases["admissions-microdata"]
    found = decide(asking(), release, library=library, on=DAY)
    assert refused_by(found) == {"HOUSE-99"}
    assert [each.rule for each in check(library, on=DAY) if "no_such_check" in each.what] == ["policy.unknown-check"]


def test_a_hold_rule_asks_and_a_warning_stops_nothing() -> None:
    library = catalog_builders.library()
    pack = library.rulepacks["house@2026-11-01"]
    found = {}
    for severity in (Severity.BLOCK, Severity.HOLD, Severity.WARN):
        rule = shipped_rule("EHDS-66").model_copy(update={"id": "HOUSE-99", "severity": severity})
        changed = pack.model_copy(update={"rules": (*pack.rules, rule)})
        one = replace(library, rulepacks={**library.rulepacks, pack.id: changed})
        request = asking(minimum_reason=None)
        found[severity] = decide(request, one.releases["admissions-microdata"], library=one, on=DAY).verdict
    assert found == {Severity.BLOCK: REFUSE, Severity.HOLD: ASK, Severity.WARN: ADMIT}


@pair(rule="EHDS-53")
def test_statistics_offices_alone_ask_for_official_statistics() -> None:
    open_to_all = {"purposes": {**purposes("DUO:0000006")["purposes"], "ehds53": ["c", "e"]}}
    found = decided(under=open_to_all, packs=(EHDS,), ehds53="c")
    assert refused_by(found) == {"EHDS-53"}
    assert decided(under=open_to_all, packs=(EHDS,), ehds53="e").verdict is ADMIT


@pair(rule="EHDS-54", violation="V12")
@pytest.mark.parametrize("use", ["insurance_or_credit_decision", "marketing", "employment_decision"])
def test_underwriting_and_marketing_are_no_research(use: str) -> None:
    assert refused_by(decided(packs=(EHDS,), uses=("research", use))) == {"EHDS-54"}
    assert decided(packs=(EHDS,), uses=("research",)).verdict is ADMIT


def test_commercial_use_of_non_commercial_data_is_refused() -> None:
    under = purposes("DUO:0000006", "DUO:0000046")
    assert refused_by(decided(under=under, is_commercial=True)) == {"DUO:0000046"}
    assert decided(under=under).verdict is ADMIT


@pair(rule="EHDS-61")
@pytest.mark.parametrize("clause", ["no_onward_transfer", "no_identification", "publish_results", "report_findings"])
def test_the_duties_of_users_are_accepted(clause: str) -> None:
    without = tuple(each for each in TermsClause if each.value != clause)
    assert "EHDS-61" in refused_by(decided(packs=(EHDS,), accepted_terms=without))
    assert decided(packs=(EHDS,)).verdict is ADMIT


@pair(rule="EHDS-63")
def test_who_broke_a_permit_is_shut_out() -> None:
    out = Circumstances(excluded=frozenset({"R-001"}))
    assert refused_by(decided(packs=(EHDS,), circumstances=out)) == {"EHDS-63"}
    others = Circumstances(excluded=frozenset({"R-002"}))
    assert decided(packs=(EHDS,), circumstances=others).verdict is ADMIT


@pair(rule="EHDS-66")
@pytest.mark.parametrize("missing", ["minimum_reason", "pseudonymized_reason"])
def test_data_of_persons_need_a_reason(missing: str) -> None:
    rows = {"output_category": "personal_data"}
    assert "EHDS-66" in refused_by(decided(under=rows, packs=(EHDS,), **{missing: None}))
    assert decided(under=rows, packs=(EHDS,)).verdict is ADMIT
    assert decided(packs=(EHDS,), pseudonymized_reason=None).verdict is ADMIT


@pair(rule="EHDS-67")
@pytest.mark.parametrize("missing", ["users", "benefit", "uses", "safeguards"])
def test_an_application_says_all_that_it_must(missing: str) -> None:
    empty: Any = () if missing in {"users", "uses"} else None
    assert refused_by(decided(packs=(EHDS,), **{missing: empty})) == {"EHDS-67"}
    assert decided(packs=(EHDS,)).verdict is ADMIT


def test_data_brought_in_are_seen_by_a_person() -> None:
    found = decided(packs=(EHDS,), own_data="a registry of our own")
    assert found.verdict is ASK
    assert {reason.rule for reason in found.questions} == {"EHDS-67"}


@pair(rule="EHDS-68", violation="V26")
def test_a_permit_is_for_ten_years_and_data_go_within_six_months() -> None:
    long = {"retention": {"extract_months": 120, "delete_within_days": 180}}
    approval = {"committee_no": "E", "expires_on": date(2040, 3, 31)}
    assert decided(under=long, packs=(EHDS,), period_to=date(2036, 11, 30), ethics=approval).verdict is ADMIT
    assert "EHDS-68" in refused_by(decided(under=long, packs=(EHDS,), period_to=date(2036, 12, 1)))
    end = {"period_to": date(2027, 11, 30)}
    assert decided(under=long, packs=(EHDS,), **end, delete_by=date(2028, 5, 28)).verdict is ADMIT
    kept = decided(under=long, packs=(EHDS,), **end, delete_by=date(2028, 6, 1))
    assert "EHDS-68" in refused_by(kept)


@pair(rule="EHDS-69")
def test_a_statistical_question_brings_no_rows() -> None:
    both = {"delivery": ["statistic", "extract"]}
    assert refused_by(decided(under=both, packs=(EHDS,), answer="statistics")) == {"EHDS-69"}
    assert decided(under=both, packs=(EHDS,), answer="statistics", variables=()).verdict is ADMIT


@pair(rule="EHDS-71")
def test_who_opted_out_stays_out() -> None:
    assert refused_by(decided(packs=(EHDS,), wants_opted_out=True)) == {"EHDS-71"}
    assert decided(packs=(EHDS,)).verdict is ADMIT
    office = {"id": "R-001", "name": {"ja": "省", "en": "M"}, "kind": "government", "country": "JP"}
    asked = decided(under={"recipients": [office]}, packs=(EHDS,), wants_opted_out=True)
    assert asked.verdict is ASK


@pair(rule="NBDC-04")
@pytest.mark.parametrize("clause", ["research_only", "no_identification", "cite_accession", "latest_version"])
def test_users_of_nbdc_data_accept_its_terms(clause: str) -> None:
    without = tuple(each for each in TermsClause if each.value != clause)
    assert refused_by(decided(packs=(NBDC,), accepted_terms=without)) == {"NBDC-04"}
    assert decided(packs=(NBDC,)).verdict is ADMIT


@pair(rule="NGMI-10")
@pytest.mark.parametrize("use", ["education", "policy_making"])
def test_a_certified_user_works_in_research_and_development(use: str) -> None:
    under = {"output_category": "pseudonymized_ngmi", "provision_basis": "ngmi_pseudo_36"}
    assert refused_by(decided(under=under, packs=(NGMI,), uses=("research", use))) == {"NGMI-10"}
    assert decided(under=under, packs=(NGMI,), uses=("research", "product_development")).verdict is ADMIT
    assert decided(under=under, packs=(NGMI,), uses=()).verdict is ASK


def test_the_reasons_of_a_pack_carry_its_citation() -> None:
    found = decided(packs=(EHDS,), uses=("research",), users=())
    (reason,) = found.refusals
    assert reason.citation == shipped_rule("EHDS-67").citation
    assert re.search(r"67", reason.citation.en)
