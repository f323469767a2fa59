"""The terms of DUO against the official files, their order, and every modifier: met, not met, not known."""

import csv
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from policies.decision.duo import BY_ID, HEADINGS, TERMS, DuoKind, is_inside
from policies.decision.modifiers import _ANSWERS
from policies.decision.verdict import Verdict
from tests.support.access_requests import decided, purposes, strict

ADMIT, ASK, REFUSE = Verdict.ADMIT, Verdict.ASK, Verdict.REFUSE
NRES, GRU, HMB, DS, POA = "DUO:0000004", "DUO:0000042", "DUO:0000006", "DUO:0000007", "DUO:0000011"
BY_CODE = {term.code: term.id for term in TERMS}


def test_inclusion_of_permissions() -> None:
    assert is_inside(HMB, GRU)
    assert is_inside(DS, HMB)
    assert is_inside(DS, GRU)
    assert is_inside(POA, GRU)
    assert not is_inside(POA, HMB)
    assert not is_inside(GRU, HMB)
    assert not is_inside(HMB, DS)
    assert all(is_inside(term, NRES) for term in (NRES, GRU, HMB, DS, POA))
    assert not is_inside("DUO:9999999", NRES)


def test_every_modifier_has_an_answer() -> None:
    assert set(_ANSWERS) == {term.code for term in TERMS if term.kind is DuoKind.MODIFIER}
    assert len(TERMS) + len(HEADINGS) == 25


CONDITIONS: list[tuple[str, dict[str, Any], dict[str, Any], Verdict]] = [
    # code, facts of the policy, changes of the request, verdict on the modifier
    ("IRB", {}, {}, ADMIT),
    ("IRB", {}, {"ethics": None}, REFUSE),
    ("NCU", {}, {}, ADMIT),
    ("NCU", {}, {"is_commercial": True}, REFUSE),
    ("NCU", {}, {"recipient": "R-002"}, ADMIT),
    ("NPU", {}, {"is_commercial": True}, ADMIT),
    ("NPU", {}, {"recipient": "R-002"}, REFUSE),
    ("NPU", {}, {"recipient": "R-003"}, REFUSE),
    ("NPUNCU", {}, {}, ADMIT),
    ("NPUNCU", {}, {"is_commercial": True}, REFUSE),
    ("NPUNCU", {}, {"recipient": "R-002"}, REFUSE),
    ("PUB", {}, {}, ADMIT),
    ("PUB", {}, {"accepted_terms": ("research_only",)}, REFUSE),
    ("COL", {}, {"undertakings": ("collaborate",)}, ASK),
    ("COL", {"partner": "aoba"}, {}, REFUSE),
    ("COL", {"partner": "aoba"}, {"undertakings": ("collaborate",)}, REFUSE),
    ("COL", {"partner": "aoba"}, {"undertakings": ("collaborate",), "partner": "aoba"}, ADMIT),
    ("GS", {}, {}, ASK),
    ("GS", {"countries": ("JP",)}, {}, ADMIT),
    ("GS", {"countries": ("DE",)}, {}, REFUSE),
    ("GS", {"countries": ("JP",)}, {"country": "US"}, REFUSE),
    ("GS", {"countries": ("US",)}, {"country": "US"}, REFUSE),
    ("MOR", {}, {}, ASK),
    ("MOR", {"publish_after": "2027-04-01"}, {}, REFUSE),
    ("MOR", {"publish_after": "2027-04-01"}, {"undertakings": ("hold_publication",)}, ADMIT),
    ("MOR", {"publish_after": "2027-04-01"}, {"publishes_on": date(2027, 3, 31)}, REFUSE),
    ("MOR", {"publish_after": "2027-04-01"}, {"publishes_on": date(2027, 4, 1)}, ADMIT),
    ("MOR", {"publish_after": "2026-12-01"}, {}, ADMIT),
    ("TS", {}, {}, ASK),
    ("TS", {"months": 12}, {}, ADMIT),
    ("TS", {"months": 12}, {"period_to": date(2027, 12, 1)}, REFUSE),
    ("TS", {"until": "2027-11-30"}, {}, ADMIT),
    ("TS", {"until": "2027-11-29"}, {}, REFUSE),
    ("US", {}, {}, ASK),
    ("US", {"users": ("r-hayashi", "r-mori")}, {}, ADMIT),
    ("US", {"users": ("r-hayashi",)}, {}, REFUSE),
    ("US", {"users": ("r-hayashi",)}, {"users": ()}, REFUSE),
    ("PS", {}, {"project": "p-1"}, ASK),
    ("PS", {"projects": ("p-1",)}, {"project": "p-1"}, ADMIT),
    ("PS", {"projects": ("p-1",)}, {"project": "p-2"}, REFUSE),
    ("PS", {"projects": ("p-1",)}, {}, REFUSE),
    ("IS", {}, {}, ADMIT),
    ("IS", {}, {"recipient": "R-003"}, REFUSE),
    ("IS", {"institutions": ("R-002",)}, {}, REFUSE),
    ("IS", {"institutions": ("R-001",)}, {}, ADMIT),
    ("RTN", {}, {}, REFUSE),
    ("RTN", {}, {"undertakings": ("return_data",)}, ADMIT),
    ("RS", {}, {"study_type": "gwas"}, ASK),
    ("RS", {"study_types": ("gwas",)}, {"study_type": "gwas"}, ADMIT),
    ("RS", {"study_types": ("gwas",)}, {"study_type": "survey"}, REFUSE),
    ("NMDS", {}, {}, ADMIT),
    ("NMDS", {}, {"uses": ()}, ASK),
    ("NMDS", {}, {"uses": ("research", "methods_development")}, REFUSE),
    ("NMDS", {}, {"uses": ("algorithm_training",)}, REFUSE),
    ("GSO", {}, {"uses": ()}, ASK),
    ("GSO", {}, {}, REFUSE),
    ("GSO", {}, {"uses": ("genetic_study",)}, ADMIT),
    ("CC", {}, {}, ADMIT),
    ("CC", {}, {"uses": ("clinical_care",)}, ASK),
    ("NPOA", {}, {}, ADMIT),
    ("NPOA", {}, {"duo": POA}, REFUSE),
    ("NPOA", {}, {"uses": ("ancestry_research",)}, REFUSE),
]


@pytest.mark.parametrize(
    ("code", "facts", "request_", "verdict"),
    CONDITIONS,
    ids=[f"{code}-{verdict.value}-{index}" for index, (code, _, _, verdict) in enumerate(CONDITIONS)],
)
def test_a_modifier_is_met_not_met_or_not_known(
    code: str, facts: dict[str, Any], request_: dict[str, Any], verdict: Verdict
) -> None:
    found = decided(under=purposes(HMB, BY_CODE[code], **facts), **request_)
    (point,) = [each for each in found.reasons if each.code == f"modifier.{code}"]
    assert point.verdict is verdict
    assert point.rule == BY_CODE[code]
    if verdict is not ADMIT:
        assert found.verdict is not ADMIT


def test_every_modifier_is_answered_with_yes_and_with_no_or_a_question() -> None:
    answered = {code: {verdict for name, _, _, verdict in CONDITIONS if name == code} for code in _ANSWERS}
    assert {code for code, verdicts in answered.items() if ADMIT not in verdicts or len(verdicts) < 2} == set()


@pytest.mark.parametrize("code", ["DUO:0000099", "DUO:0000017", "DUO:0000001"])
def test_a_code_that_says_no_condition_is_a_question(code: str) -> None:
    assert strict(decided(under=purposes(HMB, code))) == {"modifier": ASK}


def test_a_modifier_written_twice_is_answered_once() -> None:
    found = decided(under=purposes(HMB, BY_CODE["IRB"], BY_CODE["IRB"]))
    assert [each.code for each in found.reasons].count("modifier.IRB") == 1


@pytest.mark.shared
def test_our_terms_are_those_of_duo(shared_data: Path) -> None:
    with (shared_data / "standards" / "ga4gh-duo" / "duo.csv").open(encoding="utf-8") as file:
        official = {row["id"]: row for row in csv.DictReader(file)}
    assert {term.id for term in TERMS} | set(HEADINGS) == set(official)
    assert {term.id for term in TERMS} == {key for key, row in official.items() if row["shorthand"]}
    for term in TERMS:
        assert term.code == official[term.id]["shorthand"]
        assert term.label.en == official[term.id]["label"].replace(" ,", ",")
        assert term.kind.value in official[term.id]["description"]
    assert set(BY_ID) == {term.id for term in TERMS}


@pytest.mark.shared
def test_our_japanese_labels_are_those_of_duo(shared_data: Path) -> None:
    from rdflib import Graph, URIRef
    from rdflib.namespace import RDFS

    graph = Graph().parse(shared_data / "standards" / "ga4gh-duo" / "duo-japanese.owl", format="xml")
    checked = 0
    for term in TERMS:
        labels = {str(label) for label in graph.objects(URIRef(term.iri), RDFS.label) if label.language == "ja"}
        if labels:
            assert term.label.ja in labels
            checked += 1
    assert checked >= 15
