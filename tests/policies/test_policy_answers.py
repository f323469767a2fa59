"""Every rule of a release gets an answer: what it rests on, and what leaves it open."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import cache

import pytest

from policies.answers import CaseCount, RuleAnswer, Signed, StageAnswer, Verdict, answer
from policies.applies import applicable_rules
from policies.check import check
from policies.errors import Place, PolicyError
from policies.findings import Finding
from policies.library import PolicyKind, PolicyLibrary
from policies.load import PACKAGED, load_library
from policies.model import Rule
from policies.model.strictness import Text
from policies.vocabulary import Severity

ON = date(2026, 12, 15)
RELEASE = "admissions-anonymized"
PACK = "appi@2026-06-14"


@cache
def library() -> PolicyLibrary:
    return load_library(PACKAGED)


@cache
def findings() -> tuple[Finding, ...]:
    return check(library(), on=ON)


def proofs() -> dict[str, tuple[StageAnswer, ...]]:
    """What the stages would leave if each did its part."""
    return {
        rule.id: tuple(
            StageAnswer(stage, "made_up", passed=True, measured={"rows": "90+"})
            for stage in dict.fromkeys((rule.stage, rule.recounted_at))
            if stage not in {"policy", "requested", "extracted", None}
        )
        for rule in applicable_rules(library().release(RELEASE), library())
    }


def answers(
    *,
    of: PolicyLibrary | None = None,
    found: Sequence[Finding] | None = None,
    checks: Mapping[str, Sequence[StageAnswer]] | None = None,
    on: date = ON,
    signed: Signed | None = None,
    cases: CaseCount = CaseCount(right=3),  # noqa: B008 - frozen
) -> dict[str, RuleAnswer]:
    said = answer(
        of or library(),
        RELEASE,
        on=on,
        findings=findings() if found is None else found,
        checks=proofs() if checks is None else checks,
        cases=cases,
        signed=signed,
    )
    return {one.rule: one for one in said}


def finding(rule: str, severity: Severity, *, kind: PolicyKind = PolicyKind.RELEASE, name: str = RELEASE) -> Finding:
    return Finding(rule, severity, library().place_of(kind, name, "method"), "what", "why", "fix")


def with_rule(**changes: object) -> tuple[PolicyLibrary, Rule]:
    """Change the first rule of the APPI pack that the policy files answer for this release."""
    pack = library().rulepacks[PACK]
    asked = {rule.id for rule in applicable_rules(library().release(RELEASE), library())}
    old = next(rule for rule in pack.rules if rule.stage == "policy" and rule.recounted_at is None and rule.id in asked)
    new = old.model_copy(update=changes)
    rules = tuple(new if rule is old else rule for rule in pack.rules)
    packs = {**library().rulepacks, PACK: pack.model_copy(update={"rules": rules})}
    return replace(library(), rulepacks=packs), new


def test_every_rule_of_every_listed_pack_has_exactly_one_answer() -> None:
    said = answer(library(), RELEASE, on=ON, findings=findings(), checks=proofs())
    listed = [rule.id for pack in library().release(RELEASE).rule_packs for rule in library().rulepacks[pack].rules]
    assert [one.rule for one in said] == listed
    assert len(said) > 40


def test_with_every_stage_done_nothing_is_open() -> None:
    said = answers()
    assert [(one.rule, one.verdict) for one in said.values() if one.is_open] == []
    asked = {rule.id for rule in applicable_rules(library().release(RELEASE), library())}
    assert {rule for rule, one in said.items() if one.verdict is Verdict.KEPT} == asked


def test_every_answer_speaks_both_languages_and_names_a_place() -> None:
    for one in answers().values():
        assert one.how.ja
        assert one.how.en
        assert one.how.ja != one.how.en
        assert one.where
        assert str(PACKAGED) not in one.how.ja + one.how.en + one.where, "places are relative: no machine's path"


def test_a_kept_policy_rule_points_to_the_columns_that_name_it() -> None:
    one = answers()["APPI-21"]
    assert one.where.startswith("releases/admissions-anonymized.yaml:")
    line = int(one.where.split(":")[1].split(" ")[0])
    text = library().file_of(PolicyKind.RELEASE, RELEASE).read_text("utf-8").splitlines()
    assert "APPI-21" in text[line - 1]


def test_a_blocking_finding_breaks_its_rule_and_names_file_and_line() -> None:
    one = answers(found=[finding("APPI-24", Severity.BLOCK)])["APPI-24"]
    assert (one.verdict, one.stops) == (Verdict.BROKEN, True)
    assert one.where.startswith("releases/admissions-anonymized.yaml:")


def test_a_finding_in_another_release_says_nothing_of_this_one() -> None:
    other = finding("APPI-24", Severity.BLOCK, name="diagnoses-by-region")
    assert answers(found=[other])["APPI-24"].verdict is Verdict.KEPT


def test_a_finding_in_a_dataset_it_draws_on_counts() -> None:
    inside = finding("APPI-05", Severity.BLOCK, kind=PolicyKind.DATASET, name="admissions")
    outside = finding("APPI-05", Severity.BLOCK, kind=PolicyKind.DATASET, name="cohort")
    assert answers(found=[inside])["APPI-05"].verdict is Verdict.BROKEN
    assert answers(found=[outside])["APPI-05"].verdict is Verdict.KEPT


def test_a_finding_without_a_file_counts_for_every_release() -> None:
    lost = Finding("APPI-24", Severity.BLOCK, Place(), "what", "why", "fix")
    assert answers(found=[lost])["APPI-24"].verdict is Verdict.BROKEN


def test_a_hold_waits_until_somebody_accepts_it_by_name() -> None:
    found = [finding("APPI-24", Severity.HOLD)]
    held = answers(found=found)["APPI-24"]
    assert (held.verdict, held.is_open, held.stops) == (Verdict.HELD, True, False)
    by = Text(ja="法令遵守責任者 u-1", en="compliance officer u-1")
    accepted = answers(found=found, signed=Signed(accepted={"APPI-24": by}))["APPI-24"]
    assert (accepted.verdict, accepted.is_open) == (Verdict.ACCEPTED, False)
    assert "u-1" in accepted.how.ja
    assert "u-1" in accepted.how.en


def test_accepting_one_rule_accepts_no_other_and_no_block() -> None:
    by = Text(ja="責任者", en="officer")
    found = [finding("APPI-24", Severity.HOLD), finding("APPI-24", Severity.BLOCK), finding("APPI-25", Severity.HOLD)]
    said = answers(found=found, signed=Signed(accepted={"APPI-24": by}))
    assert said["APPI-24"].verdict is Verdict.BROKEN
    assert said["APPI-25"].verdict is Verdict.HELD


def test_a_stage_rule_is_kept_only_if_its_stage_left_a_check() -> None:
    said = answers()["APPI-03"]
    assert said.verdict is Verdict.KEPT
    assert "rows 90+" in said.how.en, "the measured counts are quoted"
    silent = answers(checks={})["APPI-03"]
    assert (silent.verdict, silent.stops) == (Verdict.UNANSWERED, True)
    assert "classified" in silent.how.en
    assert "classified" in silent.how.ja


def test_a_check_of_another_stage_does_not_answer() -> None:
    elsewhere = {"APPI-03": (StageAnswer("validated", "made_up", passed=True),)}
    assert answers(checks=elsewhere)["APPI-03"].verdict is Verdict.UNANSWERED


def test_a_rule_that_is_recounted_needs_both_stages() -> None:
    changed, rule = with_rule(recounted_at="validated")
    assert answers(of=changed, checks={})[rule.id].verdict is Verdict.UNANSWERED
    both = {rule.id: (StageAnswer("validated", "again", passed=True),)}
    one = answers(of=changed, checks=both)[rule.id]
    assert one.verdict is Verdict.KEPT
    assert "validated/again" in one.where
    assert ".yaml" in one.where


def test_a_failed_check_breaks_its_rule_even_where_the_policy_alone_would_do() -> None:
    failed = {**proofs(), "APPI-24": (StageAnswer("validated", "again", passed=False),)}
    one = answers(checks=failed)["APPI-24"]
    assert (one.verdict, one.stops) == (Verdict.BROKEN, True)
    assert "validated/again" in one.where


def test_one_failed_check_among_many_breaks_the_rule() -> None:
    mixed = (StageAnswer("classified", "a", passed=True), StageAnswer("classified", "b", passed=False))
    assert answers(checks={**proofs(), "APPI-03": mixed})["APPI-03"].verdict is Verdict.BROKEN


@pytest.mark.parametrize("severity", [Severity.HOLD, Severity.WARN])
def test_what_does_not_block_never_stops_a_release(severity: Severity) -> None:
    changed, rule = with_rule(severity=severity, stage="validated")
    failed = {rule.id: (StageAnswer("validated", "again", passed=False),)}
    for checks in (failed, {}):
        one = answers(of=changed, checks=checks)[rule.id]
        assert one.is_open
        assert not one.stops


def test_a_failed_hold_check_can_be_accepted() -> None:
    changed, rule = with_rule(severity=Severity.HOLD, stage="validated")
    failed = {rule.id: (StageAnswer("validated", "again", passed=False),)}
    by = Text(ja="責任者", en="officer")
    assert answers(of=changed, checks=failed)[rule.id].verdict is Verdict.HELD
    assert (
        answers(of=changed, checks=failed, signed=Signed(accepted={rule.id: by}))[rule.id].verdict is Verdict.ACCEPTED
    )


@pytest.mark.parametrize(
    ("conditions", "words"),
    [
        ({"categories": ("statistics",)}, "category"),
        ({"methods": ("dp_statistics",)}, "method"),
        ({"bases": ("consent_27_1",)}, "basis"),
        ({"controllers": ("ngmi_processor",)}, "holder"),
        ({"deliveries": ("open",)}, "delivery"),
    ],
)
def test_a_rule_that_does_not_apply_says_which_condition_does_not_fit(
    conditions: Mapping[str, tuple[str, ...]], words: str
) -> None:
    pack_rule = library().rulepacks[PACK].rules[0]
    applies_to = type(pack_rule.applies_to).model_validate(conditions)
    changed, rule = with_rule(applies_to=applies_to)
    one = answers(of=changed)[rule.id]
    assert (one.verdict, one.is_open) == (Verdict.NOT_APPLICABLE, False)
    assert words in one.how.en
    assert "対象" in one.how.ja


def test_a_pack_that_is_not_in_force_answers_nothing() -> None:
    early = answers(on=date(2026, 1, 1))
    said = {one.verdict for one in early.values() if one.pack.id == PACK}
    assert said == {Verdict.UNANSWERED, Verdict.NOT_APPLICABLE}


def test_a_request_rule_is_asked_at_each_request_and_counts_its_cases() -> None:
    changed, rule = with_rule(stage="requested", check="purpose_is_inside")
    one = answers(of=changed)[rule.id]
    assert (one.verdict, one.where) == (Verdict.KEPT, "requested/purpose_is_inside")
    assert "3 decision cases" in one.how.en
    assert "3 件" in one.how.ja


def test_a_case_decided_otherwise_than_its_folder_says_holds_the_request_rules() -> None:
    changed, rule = with_rule(stage="requested", check="purpose_is_inside")
    one = answers(of=changed, cases=CaseCount(right=3, wrong=1))[rule.id]
    assert (one.verdict, one.is_open) == (Verdict.HELD, True)
    assert "1 decision cases" in one.how.en


@pytest.mark.parametrize("stage", ["requested", "policy"])
def test_a_rule_whose_check_is_not_there_is_not_answered(stage: str) -> None:
    changed, rule = with_rule(stage=stage, check="nobody_wrote_this")
    one = answers(of=changed)[rule.id]
    assert (one.verdict, one.stops) == (Verdict.UNANSWERED, True)


def test_an_extract_rule_is_asked_at_each_extract_and_broken_by_one_that_failed() -> None:
    changed, rule = with_rule(stage="extracted")
    assert answers(of=changed)[rule.id].verdict is Verdict.KEPT
    failed = {rule.id: (StageAnswer("extracted", "delivery", passed=False),)}
    assert answers(of=changed, checks=failed)[rule.id].verdict is Verdict.BROKEN


def test_signed_policies_are_said_to_be_signed() -> None:
    roles = (Text(ja="データ管理者", en="data steward"),)
    assert "signed policy files" in answers(signed=Signed(roles=roles))["APPI-21"].how.en
    assert "signed" not in answers()["APPI-21"].how.en


def test_an_unknown_release_is_refused() -> None:
    with pytest.raises(PolicyError, match="unknown-release"):
        answer(library(), "nobody", on=ON, findings=(), checks={})


@pytest.mark.parametrize("count", [1, 2, 12])
def test_many_checks_are_told_in_one_line(count: int) -> None:
    many = tuple(StageAnswer("classified", f"scan{n}", passed=True, measured={"rows": "10+"}) for n in range(count))
    one = answers(checks={**proofs(), "APPI-03": many})["APPI-03"]
    assert "scan0" in one.how.en
    assert ("more" in one.how.en) is (count > 1)
    assert len(one.how.en) < 200
