"""Laws of the decision: order does not count, prohibitions win, conditions only narrow, permissions add no way in."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from policies.decision.decide import decide, judge
from policies.decision.duo import TERMS, DuoKind
from policies.decision.mondo_files import shipped_diseases
from policies.decision.request import AccessRequest
from policies.decision.rules import rules_of
from policies.decision.uses import PROHIBITIONS, IntendedUse, Undertaking
from policies.decision.verdict import Decision, Verdict, strictest
from policies.decision.view import RequestView, listed_recipient
from policies.library import PolicyLibrary
from policies.model import ReleasePolicy
from policies.vocabulary import ProhibitedUse, TermsClause
from tests.support import catalog_builders
from tests.support.access_requests import BASE, DAY, EHDS, NBDC, asking

LIBRARY: PolicyLibrary = catalog_builders.library()
DISEASES = shipped_diseases()
RANK = {Verdict.ADMIT: 0, Verdict.ASK: 1, Verdict.REFUSE: 2}
PERMISSIONS = [term.id for term in TERMS if term.kind is DuoKind.PERMISSION]
MODIFIERS = [term.id for term in TERMS if term.kind is DuoKind.MODIFIER]
MONDO = sorted(DISEASES.parents)

days = st.integers(-40, 4500).map(lambda more: DAY + timedelta(days=more))
requests = st.fixed_dictionaries(
    {},
    optional={
        "recipient": st.sampled_from(["R-001", "R-002", "R-009"]),
        "country": st.sampled_from(["JP", "US"]),
        "duo": st.sampled_from([*PERMISSIONS, "DUO:0000046"]),
        "mondo": st.lists(st.sampled_from(MONDO), max_size=2).map(tuple),
        "ehds53": st.sampled_from("abcdef"),
        "is_commercial": st.booleans(),
        "uses": st.lists(st.sampled_from(list(IntendedUse)), max_size=3).map(tuple),
        "users": st.lists(st.sampled_from(["r-hayashi", "r-mori"]), unique=True, max_size=2).map(tuple),
        "ethics": st.sampled_from([None, {"committee_no": "E"}, {"committee_no": "E", "expires_on": date(2027, 1, 1)}]),
        "period_to": days,
        "security": st.sampled_from(["type1", "type2"]),
        "accepted_prohibitions": st.sampled_from([tuple(ProhibitedUse), ()]),
        "accepted_terms": st.sampled_from([tuple(TermsClause), ()]),
        "undertakings": st.lists(st.sampled_from(list(Undertaking)), unique=True).map(tuple),
        "wants_opted_out": st.booleans(),
    },
).map(lambda changes: asking(**changes))
codes = st.lists(st.sampled_from(MODIFIERS), unique=True, max_size=4)
conditions = st.fixed_dictionaries(
    {},
    optional={
        "countries": st.just(["JP"]),
        "months": st.integers(1, 24),
        "publish_after": st.just("2027-04-01"),
        "users": st.just(["r-hayashi", "r-mori"]),
        "projects": st.just(["p-1"]),
        "study_types": st.just(["gwas"]),
        "partner": st.just("aoba"),
        "embargo_until": st.sampled_from(["2026-11-30", "2027-01-01"]),
    },
)


def policy(duo: list[str], facts: dict[str, Any], packs: tuple[str, ...] = ()) -> ReleasePolicy:
    words = {"ja": "研究", "en": "research"}
    asked = {"duo": duo, "mondo": ["MONDO:0005148"], "ehds53": ["e"], "text": words, "conditions": facts or None}
    return catalog_builders.release(rule_packs=[*BASE, *packs], purposes=asked)


def said(request: AccessRequest, release: ReleasePolicy) -> Decision:
    return decide(request, release, library=LIBRARY, on=DAY, diseases=DISEASES)


@given(requests, st.sampled_from(PERMISSIONS), codes, conditions, st.randoms())
def test_order_does_not_count(
    request_: AccessRequest, permission: str, modifiers: list[str], facts: dict[str, Any], chance: Any
) -> None:
    release = policy([permission, *modifiers], facts, (EHDS, NBDC))
    first = said(request_, release)
    duo, packs, uses = [list(each) for each in ([permission, *modifiers], release.rule_packs, request_.uses)]
    for each in (duo, packs, uses):
        chance.shuffle(each)
    other = release.model_copy(
        update={"rule_packs": tuple(packs), "purposes": release.purposes.model_copy(update={"duo": tuple(duo)})}
    )
    second = said(request_.model_copy(update={"uses": tuple(uses)}), other)
    assert second.verdict is first.verdict
    assert set(second.reasons) == set(first.reasons)
    rules = list(rules_of(release, LIBRARY))
    chance.shuffle(rules)
    view = RequestView(request_, release, listed_recipient(request_, release), DAY, DISEASES)
    assert strictest(each.verdict for each in judge(view, rules)) is first.verdict


@given(requests, st.sampled_from(PERMISSIONS), codes, conditions, st.sampled_from(sorted(PROHIBITIONS)))
def test_a_prohibited_use_is_refused_whatever_is_permitted(
    request_: AccessRequest, permission: str, modifiers: list[str], facts: dict[str, Any], use: IntendedUse
) -> None:
    asked = request_.model_copy(update={"uses": (*request_.uses, use)})
    for packs in ((), (EHDS,), (EHDS, NBDC)):
        assert said(asked, policy([permission, *modifiers], facts, packs)).verdict is Verdict.REFUSE


@given(requests, codes, conditions, st.lists(st.sampled_from(PERMISSIONS), min_size=1, max_size=3))
def test_an_added_permission_admits_nothing(
    request_: AccessRequest, modifiers: list[str], facts: dict[str, Any], permissions: list[str]
) -> None:
    before = said(request_, policy([permissions[0], *modifiers], facts))
    after = said(request_, policy([*permissions, *modifiers], facts))
    if len(permissions) > 1:
        assert after.verdict is not Verdict.ADMIT
    if before.verdict is Verdict.REFUSE:
        assert after.verdict is not Verdict.ADMIT


@given(requests, st.sampled_from(PERMISSIONS), codes, st.sampled_from(MODIFIERS), conditions)
def test_an_added_modifier_only_narrows(
    request_: AccessRequest, permission: str, modifiers: list[str], more: str, facts: dict[str, Any]
) -> None:
    before = said(request_, policy([permission, *modifiers], facts))
    after = said(request_, policy([permission, *modifiers, more], facts))
    assert RANK[after.verdict] >= RANK[before.verdict]


@given(requests, st.sampled_from(PERMISSIONS), codes, conditions, st.sampled_from([EHDS, NBDC]))
def test_an_added_pack_only_narrows(
    request_: AccessRequest, permission: str, modifiers: list[str], facts: dict[str, Any], pack: str
) -> None:
    before = said(request_, policy([permission, *modifiers], facts))
    after = said(request_, policy([permission, *modifiers], facts, (pack,)))
    assert RANK[after.verdict] >= RANK[before.verdict]
    assert set(before.reasons) <= set(after.reasons)


@given(requests, st.sampled_from(PERMISSIONS), codes, conditions)
def test_to_admit_takes_every_reason(
    request_: AccessRequest, permission: str, modifiers: list[str], facts: dict[str, Any]
) -> None:
    found = said(request_, policy([permission, *modifiers], facts))
    assert found.verdict is strictest(each.verdict for each in found.reasons)
    is_admitted = found.verdict is Verdict.ADMIT
    assert is_admitted == all(each.verdict is Verdict.ADMIT for each in found.reasons)


@given(requests, st.sampled_from(PERMISSIONS), codes)
def test_what_is_not_known_is_never_admitted(request_: AccessRequest, permission: str, modifiers: list[str]) -> None:
    needing = {"DUO:0000012", "DUO:0000020", "DUO:0000022", "DUO:0000024", "DUO:0000025", "DUO:0000026", "DUO:0000027"}
    if needing & set(modifiers):
        assert said(request_, policy([permission, *modifiers], {})).verdict is not Verdict.ADMIT


@given(requests, st.sampled_from(PERMISSIONS))
def test_a_pack_without_a_date_carries_nothing(request_: AccessRequest, permission: str) -> None:
    pack = LIBRARY.rulepacks["house@2026-11-01"].model_copy(update={"in_force_from": None})
    library = replace(LIBRARY, rulepacks={**LIBRARY.rulepacks, pack.id: pack})
    release = policy([permission], {})
    assert decide(request_, release, library=library, on=DAY, diseases=DISEASES).verdict is Verdict.REFUSE
