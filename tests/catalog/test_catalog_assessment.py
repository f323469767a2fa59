import csv
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from catalog.assessment import Assessment, Verdict, assess, months_between
from catalog.duo import BY_ID, TERMS, is_inside
from policies.vocabulary import ProhibitedUse

DAY = date(2026, 12, 1)


def _points(found: Assessment) -> dict[str, Verdict]:
    return {reason.code: reason.verdict for reason in found.reasons}


def _assess(build: Any, holder: Any, /, *, release: dict[str, Any] | None = None, **form: Any) -> Assessment:
    return assess(build.form(holder.text, **form), build.release(**(release or {})), on=DAY)


def test_a_fitting_request_is_admitted(build: Any, recipient: Any) -> None:
    found = _assess(build, recipient)
    assert found.verdict is Verdict.ADMIT
    assert all(reason.text.ja and reason.text.en for reason in found.reasons)


@pytest.mark.parametrize(
    ("code", "form"),
    [
        ("release", {"release_version": "2.0.0"}),
        ("recipient", {"recipient": "R-999"}),
        ("purpose", {"duo": "DUO:0000042"}),
        ("purpose", {"duo": "DUO:0000011"}),
        ("purpose", {"duo": "DUO:0000021"}),
        ("ehds53", {"ehds53": "d"}),
        ("modifier.IRB", {"ethics_approval": None}),
        ("prohibited-uses", {"accepted_prohibitions": (ProhibitedUse.REIDENTIFY,)}),
        ("period", {"period_to": date(2028, 12, 2)}),
        ("period", {"period_to": date(2026, 11, 30)}),
        ("period", {"period_from": date(2027, 12, 1)}),
    ],
)
def test_each_point_is_refused_by_itself(build: Any, recipient: Any, code: str, form: dict[str, Any]) -> None:
    found = _assess(build, recipient, **form)
    assert [reason.code for reason in found.refusals] == [code]
    assert found.verdict is Verdict.REFUSE


def test_the_longest_period_is_admitted(build: Any, recipient: Any) -> None:
    assert _assess(build, recipient, period_to=date(2028, 11, 30)).verdict is Verdict.ADMIT
    assert _assess(build, recipient, period_from=date(2020, 1, 1)).verdict is Verdict.ADMIT


@pytest.mark.parametrize(
    ("code", "release"),
    [
        ("delivery", {"delivery": ["open", "statistic"]}),
        ("in-force", {"effective_from": "2026-12-02"}),
        ("ethics", {"ethics": {"committee_no": "E", "approved_on": "2025-01-01", "expires_on": "2026-11-30"}}),
    ],
)
def test_the_release_must_allow_it(build: Any, recipient: Any, code: str, release: dict[str, Any]) -> None:
    assert _points(_assess(build, recipient, release=release))[code] is Verdict.REFUSE


def test_security_must_be_what_was_agreed(build: Any, recipient: Any) -> None:
    agreed = [
        {"id": "R-001", "name": {"ja": "北", "en": "N"}, "kind": "academic", "country": "JP", "security": "type2"}
    ]
    assert _points(_assess(build, recipient, release={"recipients": agreed}))["security"] is Verdict.REFUSE
    assert (
        _points(_assess(build, recipient, release={"recipients": agreed}, security="type2"))["security"]
        is Verdict.ADMIT
    )


def _purposes(*duo: str, mondo: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"purposes": {"duo": duo, "mondo": mondo, "text": {"ja": "研究", "en": "research"}}}


@pytest.mark.parametrize("modifier", ["DUO:0000018", "DUO:0000045", "DUO:0000046"])
def test_commercial_use_and_companies(build: Any, recipient: Any, modifier: str) -> None:
    release = _purposes("DUO:0000006", modifier)
    code = f"modifier.{BY_ID[modifier].code}"
    assert _points(_assess(build, recipient, release=release))[code] is Verdict.ADMIT
    commercial = _points(_assess(build, recipient, release=release, commercial=True))[code]
    company = _points(_assess(build, recipient, release=release, recipient="R-002"))[code]
    assert commercial is (Verdict.ADMIT if modifier == "DUO:0000045" else Verdict.REFUSE)
    assert company is (Verdict.ADMIT if modifier == "DUO:0000046" else Verdict.REFUSE)


@pytest.mark.parametrize("modifier", ["DUO:0000012", "DUO:0000020", "DUO:0000026", "DUO:0000099"])
def test_what_the_machine_cannot_know_a_person_must_look_at(build: Any, recipient: Any, modifier: str) -> None:
    found = _assess(build, recipient, release=_purposes("DUO:0000006", modifier))
    assert found.verdict is Verdict.ASK
    assert len(found.questions) == 1


def test_diseases(build: Any, recipient: Any) -> None:
    same = _purposes("DUO:0000007", mondo=("MONDO:0005148",))
    assert _assess(build, recipient, release=same).verdict is Verdict.ADMIT
    assert _assess(build, recipient, release=same, mondo="MONDO:0005015").verdict is Verdict.ASK
    assert _assess(build, recipient, release=same, duo="DUO:0000006").verdict is Verdict.REFUSE


def test_two_permissions_are_a_question(build: Any, recipient: Any) -> None:
    assert _assess(build, recipient, release=_purposes("DUO:0000006", "DUO:0000011")).verdict is Verdict.ASK


def test_a_recipient_abroad_without_safeguard_is_a_question(build: Any, recipient: Any) -> None:
    abroad = {"id": "R-001", "name": {"ja": "北", "en": "N"}, "kind": "academic", "country": "DE"}
    assert _assess(build, recipient, release={"recipients": [abroad]}).verdict is Verdict.ASK
    with_safeguard = {**abroad, "safeguard": "SCC"}
    assert _assess(build, recipient, release={"recipients": [with_safeguard]}).verdict is Verdict.ADMIT


def test_an_overdue_policy_is_a_question(build: Any, recipient: Any) -> None:
    assert _assess(build, recipient, release={"review_due": "2026-11-30"}).verdict is Verdict.ASK


def test_inclusion_of_permissions() -> None:
    nres, gru, hmb, ds, poa = "DUO:0000004", "DUO:0000042", "DUO:0000006", "DUO:0000007", "DUO:0000011"
    assert is_inside(hmb, gru)
    assert is_inside(ds, hmb)
    assert is_inside(ds, gru)
    assert is_inside(poa, gru)
    assert not is_inside(poa, hmb)
    assert not is_inside(gru, hmb)
    assert not is_inside(hmb, ds)
    assert all(is_inside(term, nres) for term in (nres, gru, hmb, ds, poa))
    assert not is_inside("DUO:9999999", nres)


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


@pytest.mark.shared
def test_our_terms_are_those_of_duo(shared_data: Path) -> None:
    with (shared_data / "standards" / "ga4gh-duo" / "duo.csv").open(encoding="utf-8") as file:
        official = {row["id"]: row for row in csv.DictReader(file)}
    assert {term.id for term in TERMS} == {key for key, row in official.items() if row["shorthand"]}
    for term in TERMS:
        assert term.code == official[term.id]["shorthand"]
        assert term.label.en == official[term.id]["label"].replace(" ,", ",")
        assert term.kind.value in official[term.id]["description"]


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
