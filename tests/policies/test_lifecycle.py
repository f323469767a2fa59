"""Where a policy stands: step by step to active, back to draft with an edit, suspended by a lapse, never by fewer than four."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policies.approvals import SIGNING, AcceptedHold
from policies.errors import NijiError, NotPermittedError, PolicyError, UsageError
from policies.findings import Finding
from policies.lifecycle import chosen_signatures, state_of
from policies.roles import Act, PolicyStatus, Role
from policies.signing import Intent
from policies.vocabulary import Severity
from tests.support import policy_files
from tests.support.rule_pairs import pair
from tests.support.signatures import DATASET, ON, PEOPLE, RELEASE, Office, open_office

CELLS, CLINIC = "cells", "clinic"
STEPS = {
    Role.AUTHOR: PolicyStatus.CHECKED,
    Role.DATA_STEWARD: PolicyStatus.REVIEWED,
    Role.COMPLIANCE_OFFICER: PolicyStatus.REVIEWED,
    Role.KEY_CUSTODIAN: PolicyStatus.ACTIVE,
}


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return open_office(tmp_path)


def said(office: Office, kind=RELEASE, name: str = CELLS, *, on: date = ON) -> str:
    state = office.state(kind, name, on=on)
    assert all(reason.ja and reason.en for reason in state.reasons)
    assert bool(state.reasons) != state.is_active
    return "; ".join(reason.en for reason in state.reasons)


def refused(office: Office, role: Role, *, by: str | None = None, kind=RELEASE, name: str = CELLS, **more) -> str:
    intent = Intent(SIGNING[role], role, by or PEOPLE[role], **more)
    before = dict(office.records)
    with pytest.raises(NijiError) as error:
        office.act(kind, name, intent)
    assert office.records == before
    return error.value.code


def test_four_signatures_lead_step_by_step_to_active(office: Office) -> None:
    office.approve(DATASET, CLINIC)
    assert office.state(RELEASE, CELLS).status is PolicyStatus.DRAFT
    assert said(office) == "nobody has signed it yet"
    for role, status in STEPS.items():
        office.sign(RELEASE, CELLS, role)
        state = office.state(RELEASE, CELLS)
        assert state.status is status
        assert state.signatures[-1].by == PEOPLE[role]
        assert (state.next_step is None) == state.is_active
    assert [one.role for one in state.signatures] == list(Role)
    assert [one.record for one in state.signatures] == [record.digest for record in office.records[RELEASE, CELLS]]


def test_custodian_may_approve_before_the_compliance_officer(office: Office) -> None:
    for role in (Role.AUTHOR, Role.DATA_STEWARD, Role.KEY_CUSTODIAN, Role.COMPLIANCE_OFFICER):
        office.sign(DATASET, CLINIC, role)
    assert office.state(DATASET, CLINIC).is_active


def test_release_is_not_active_while_a_dataset_is_not(office: Office) -> None:
    for role in PEOPLE:
        office.sign(RELEASE, CELLS, role)
    state = office.state(RELEASE, CELLS)
    assert state.status is PolicyStatus.SUSPENDED
    assert "dataset 'clinic' is draft" in said(office)
    office.approve(DATASET, CLINIC)
    assert office.state(RELEASE, CELLS).is_active


@pytest.mark.parametrize("role", [Role.DATA_STEWARD, Role.COMPLIANCE_OFFICER, Role.KEY_CUSTODIAN])
def test_nobody_signs_before_those_whom_they_follow(office: Office, role: Role) -> None:
    assert refused(office, role) == "policy.out-of-order"
    if role is not Role.DATA_STEWARD:
        office.sign(RELEASE, CELLS, Role.AUTHOR)
        assert refused(office, role) == "policy.out-of-order"


@pair(rule="policy.same-person", violation="V17")
def test_author_who_approves_is_refused_and_somebody_else_is_not(office: Office) -> None:
    office.enrol("u-both", Role.AUTHOR, Role.DATA_STEWARD, Role.COMPLIANCE_OFFICER)
    office.sign(DATASET, CLINIC, Role.AUTHOR, by="u-both")
    assert refused(office, Role.DATA_STEWARD, by="u-both", kind=DATASET, name=CLINIC) == "policy.same-person"
    office.sign(DATASET, CLINIC, Role.DATA_STEWARD)
    assert refused(office, Role.COMPLIANCE_OFFICER, by="u-both", kind=DATASET, name=CLINIC) == "policy.same-person"
    office.sign(DATASET, CLINIC, Role.COMPLIANCE_OFFICER)
    office.sign(DATASET, CLINIC, Role.KEY_CUSTODIAN)
    assert office.state(DATASET, CLINIC).is_active


def test_approval_by_the_author_does_not_count_even_if_it_was_taken_in(office: Office) -> None:
    office.enrol("u-both", Role.AUTHOR, Role.COMPLIANCE_OFFICER)
    office.sign(DATASET, CLINIC, Role.AUTHOR, by="u-both")
    office.sign(DATASET, CLINIC, Role.DATA_STEWARD)
    draft = office.prepare(
        DATASET, CLINIC, Intent(Act.APPROVE, Role.COMPLIANCE_OFFICER, PEOPLE[Role.COMPLIANCE_OFFICER])
    )
    submitted = office.records[DATASET, CLINIC][0].statement
    office.force(DATASET, CLINIC, draft.model_copy(update={"by": "u-both", "key_id": submitted.key_id}))
    office.sign(DATASET, CLINIC, Role.KEY_CUSTODIAN)
    state = office.state(DATASET, CLINIC)
    assert state.status is PolicyStatus.REVIEWED
    assert "u-both signed as author already" in said(office, DATASET, CLINIC)


@pair(rule="policy.not-active", violation="V17")
def test_signature_over_an_older_hash_is_void_and_holds_again_when_the_edit_is_taken_back(office: Office) -> None:
    office.approve(RELEASE, CELLS)
    assert office.state(RELEASE, CELLS).is_active
    office.edit(policy_files.CELLS, "min_cell: 10", "min_cell: 12")
    state = office.state(RELEASE, CELLS)
    assert state.status is PolicyStatus.DRAFT
    assert state.signatures == ()
    assert "changed since it was signed on 2026-12-15 (version 1.0.0): release/cells" in said(office)
    office.edit(policy_files.CELLS, "min_cell: 12", "min_cell: 10")
    assert office.state(RELEASE, CELLS).is_active


@pytest.mark.parametrize(
    ("file", "old", "new", "part"),
    [
        (policy_files.CLINIC, "ja: 架空の診療データ", "ja: 架空の診療のデータ", "dataset/clinic"),
        (policy_files.SUITE, '"name": "plain"', '"name": "plainer"', "suite/plain"),
    ],
)
def test_edit_of_what_a_release_rests_on_is_named(office: Office, file: str, old: str, new: str, part: str) -> None:
    office.approve(RELEASE, CELLS)
    office.edit(file, old, new)
    assert office.state(RELEASE, CELLS).status is PolicyStatus.DRAFT
    assert part in said(office)


def test_comment_voids_nothing(office: Office) -> None:
    office.approve(RELEASE, CELLS)
    office.edit(policy_files.CELLS, "id: cells", "id: cells  # a remark")
    assert office.state(RELEASE, CELLS).is_active


def test_approval_of_one_version_says_nothing_of_the_next(office: Office) -> None:
    office.approve(RELEASE, CELLS)
    office.edit(policy_files.CELLS, "version: 1.0.0", "version: 1.1.0")
    assert office.state(RELEASE, CELLS).status is PolicyStatus.DRAFT
    # Even a statement that claims the new version over the old digest counts for nothing.
    for record in office.records[RELEASE, CELLS]:
        office.force(
            RELEASE, CELLS, record.statement.model_copy(update={"version": "1.1.0", "at": "2026-12-15T23:00:00Z"})
        )
    assert office.state(RELEASE, CELLS).status is PolicyStatus.DRAFT


@pair(rule="policy.changed-meanwhile", violation="V17")
def test_what_was_read_is_signed_or_nothing(office: Office) -> None:
    digest = office.state(DATASET, CLINIC).digest
    office.edit(policy_files.CLINIC, "ja: 架空の診療データ", "ja: 架空の診療のデータ")
    assert refused(office, Role.AUTHOR, kind=DATASET, name=CLINIC, digest=digest) == "policy.changed-meanwhile"
    now = office.state(DATASET, CLINIC).digest
    office.act(DATASET, CLINIC, Intent(Act.SUBMIT, Role.AUTHOR, PEOPLE[Role.AUTHOR], digest=now))
    assert office.state(DATASET, CLINIC).status is PolicyStatus.CHECKED


def test_what_the_check_blocks_is_not_signed(office: Office) -> None:
    office.edit(policy_files.CELLS, "min_cell: 10", "min_cell: 5")
    with pytest.raises(PolicyError) as error:
        office.sign(RELEASE, CELLS, Role.AUTHOR)
    assert error.value.code == "policy.check-blocks"
    assert "CELL-" in error.value.what
    assert "the check refuses it today" in said(office)


def test_same_signature_twice_is_refused(office: Office) -> None:
    office.approve(DATASET, CLINIC)
    for role in PEOPLE:
        assert refused(office, role, kind=DATASET, name=CLINIC) == "policy.signed-already"


def test_roles_and_keys_are_those_of_the_register(office: Office) -> None:
    assert refused(office, Role.AUTHOR, by=PEOPLE[Role.DATA_STEWARD]) == "policy.role-not-held"
    assert refused(office, Role.AUTHOR, by="u-nobody") == "policy.signer-unknown"
    with pytest.raises(PolicyError) as error:
        office.act(
            RELEASE, CELLS, Intent(Act.RETIRE, Role.DATA_STEWARD, PEOPLE[Role.DATA_STEWARD], reason="not mine to do")
        )
    assert error.value.code == "policy.wrong-role"
    office.enrol("u-later", Role.AUTHOR, since=ON + timedelta(days=1))
    office.enrol("u-over", Role.AUTHOR, until=ON - timedelta(days=1))
    for person in ("u-later", "u-over"):
        assert refused(office, Role.AUTHOR, by=person) == "policy.signer-not-valid"
    office.revoke(PEOPLE[Role.AUTHOR], ON)
    with pytest.raises(NotPermittedError):
        office.sign(RELEASE, CELLS, Role.AUTHOR)


def test_revoked_key_keeps_what_it_signed_before(office: Office) -> None:
    office.approve(DATASET, CLINIC)
    office.revoke(PEOPLE[Role.DATA_STEWARD], ON + timedelta(days=1))
    assert office.state(DATASET, CLINIC, on=ON + timedelta(days=9)).is_active


def test_key_that_was_stolen_since_an_earlier_day_loses_what_it_signed_since(office: Office) -> None:
    office.approve(DATASET, CLINIC)
    office.revoke(PEOPLE[Role.DATA_STEWARD], ON)
    state = office.state(DATASET, CLINIC)
    assert state.status is PolicyStatus.CHECKED
    assert "u-steward was not entitled" in said(office, DATASET, CLINIC)
    office.enrol("u-new", Role.DATA_STEWARD)
    office.sign(DATASET, CLINIC, Role.DATA_STEWARD, by="u-new")
    for role in (Role.COMPLIANCE_OFFICER, Role.KEY_CUSTODIAN):
        office.sign(DATASET, CLINIC, role)
    assert office.state(DATASET, CLINIC).is_active


def test_clock_that_went_back_neither_signs_nor_counts(office: Office) -> None:
    office.approve(DATASET, CLINIC)
    yesterday = ON - timedelta(days=1)
    state = office.state(DATASET, CLINIC, on=yesterday)
    assert state.status is PolicyStatus.DRAFT
    assert "the clock was set back" in said(office, DATASET, CLINIC, on=yesterday)
    office.edit(policy_files.CLINIC, "ja: 架空の診療データ", "ja: 架空の診療のデータ")
    for day, at in ((yesterday, None), (ON, "2026-12-14T00:00:00Z")):
        with pytest.raises(PolicyError) as error:
            office.act(DATASET, CLINIC, Intent(Act.SUBMIT, Role.AUTHOR, PEOPLE[Role.AUTHOR]), on=day, at=at)
        assert error.value.code == "policy.clock-back"


# --- HOLD


def held(office: Office, rule: str, count: int = 1) -> list[Finding]:
    place = office.library.place_of(DATASET, CLINIC, "title")
    return [Finding(rule, Severity.HOLD, place, f"matter {n}", "why", "fix") for n in range(count)]


@pytest.fixture
def holding(office: Office, monkeypatch: pytest.MonkeyPatch) -> Office:
    """An office whose dataset always has two HOLD findings of one rule."""
    for module in ("policies.signing", "policies.lifecycle"):
        monkeypatch.setattr(f"{module}.check", lambda _library, *, on: tuple(held(office, "ETH-99", 2)))
    office.sign(DATASET, CLINIC, Role.AUTHOR)
    office.sign(DATASET, CLINIC, Role.DATA_STEWARD)
    return office


def approval(**accepted: str) -> Intent:
    named = {rule.replace("_", "-"): reason for rule, reason in accepted.items()}
    return Intent(Act.APPROVE, Role.COMPLIANCE_OFFICER, PEOPLE[Role.COMPLIANCE_OFFICER], accepted=named)


@pair(rule="policy.hold-not-accepted")
def test_every_hold_is_accepted_by_name_with_a_reason(holding: Office) -> None:
    with pytest.raises(PolicyError) as error:
        holding.act(DATASET, CLINIC, approval())
    assert error.value.code == "policy.hold-not-accepted"
    assert "ETH-99 (2)" in error.value.what
    with pytest.raises(PolicyError) as error:
        holding.act(DATASET, CLINIC, approval(ETH_99="the committee was asked", ETH_98="nothing there"))
    assert error.value.code == "policy.nothing-to-accept"
    record = holding.act(DATASET, CLINIC, approval(ETH_99="the committee was asked"))
    assert [(hold.rule, hold.findings) for hold in record.statement.accepted_holds] == [("ETH-99", 2)]
    holding.sign(DATASET, CLINIC, Role.KEY_CUSTODIAN)
    assert holding.state(DATASET, CLINIC).is_active


def test_only_the_compliance_officer_accepts(holding: Office) -> None:
    custodian = Intent(
        Act.APPROVE, Role.KEY_CUSTODIAN, PEOPLE[Role.KEY_CUSTODIAN], accepted={"ETH-99": "it is all right"}
    )
    with pytest.raises(PolicyError) as error:
        holding.act(DATASET, CLINIC, custodian)
    assert error.value.code == "policy.nothing-to-accept"


def test_hold_that_comes_later_suspends_until_it_is_accepted(holding: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    holding.act(DATASET, CLINIC, approval(ETH_99="the committee was asked"))
    holding.sign(DATASET, CLINIC, Role.KEY_CUSTODIAN)
    later = [*held(holding, "ETH-99", 2), *held(holding, "DP-99")]
    for module in ("policies.signing", "policies.lifecycle"):
        monkeypatch.setattr(f"{module}.check", lambda _library, *, on: tuple(later))
    state = holding.state(DATASET, CLINIC)
    assert state.status is PolicyStatus.SUSPENDED
    assert "1 HOLD findings of DP-99" in said(holding, DATASET, CLINIC)
    holding.act(DATASET, CLINIC, approval(ETH_99="the committee was asked", DP_99="the account was reset"))
    assert holding.state(DATASET, CLINIC).is_active


def test_approval_that_leaves_a_hold_open_does_not_count(holding: Office) -> None:
    good = holding.prepare(DATASET, CLINIC, approval(ETH_99="the committee was asked"))
    one = (AcceptedHold(rule="ETH-99", findings=1, reason="only one of two"),)
    holding.force(DATASET, CLINIC, good.model_copy(update={"accepted_holds": one}))
    assert holding.state(DATASET, CLINIC).status is PolicyStatus.REVIEWED
    assert "leaves a HOLD finding open" in said(holding, DATASET, CLINIC)


def test_signature_given_while_the_check_blocked_does_not_count(office: Office) -> None:
    good = office.prepare(DATASET, CLINIC, Intent(Act.SUBMIT, Role.AUTHOR, PEOPLE[Role.AUTHOR]))
    blocked = good.check.model_copy(update={"block": 1})
    office.force(DATASET, CLINIC, good.model_copy(update={"check": blocked}))
    assert office.state(DATASET, CLINIC).status is PolicyStatus.DRAFT
    assert "while the check refused the policy" in said(office, DATASET, CLINIC)


# --- lapses, suspension, retirement


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("cells", "review of the policy"),
        ("numbers", "period of the privacy budget"),
        ("rows", "ethics approval"),
    ],
)
def test_each_thing_that_lapses_suspends_on_the_day_after(office: Office, name: str, word: str) -> None:
    office.approve(RELEASE, name)
    term = next(term for term in office.state(RELEASE, name).terms if term.what.en == word)
    assert term.to_on is not None
    before, after = (
        office.state(RELEASE, name, on=term.to_on),
        office.state(RELEASE, name, on=term.to_on + timedelta(days=1)),
    )
    assert f"{word} ended on {term.to_on}" not in "; ".join(reason.en for reason in before.reasons)
    assert after.status is PolicyStatus.SUSPENDED
    assert f"{word} ended on {term.to_on}" in "; ".join(reason.en for reason in after.reasons)


def test_rule_pack_that_is_no_longer_in_force_suspends(office: Office) -> None:
    office.approve(RELEASE, CELLS)
    library = office.library
    packs = dict(library.rulepacks)
    name = next(name for name in library.release(CELLS).rule_packs if name.startswith("house"))
    packs[name] = packs[name].model_copy(update={"in_force_to": ON})
    from dataclasses import replace

    office._loaded = replace(library, rulepacks=packs)
    # The pack's text changed, so this is a draft first; signed anew, it lapses with the pack.
    assert f"rulepack/{name}" in said(office)
    for role in PEOPLE:
        office.sign(RELEASE, CELLS, role)
    assert office.state(RELEASE, CELLS).is_active
    assert f"rule pack {name} ended on {ON}" in said(office, on=ON + timedelta(days=1))


def test_release_that_is_not_yet_effective_is_approved_and_waits(office: Office) -> None:
    first = office.library.release(CELLS).effective_from
    early = first - timedelta(days=7)
    holds = {"policy.not-yet-effective": "it is published on its first day"}
    state = office.state(RELEASE, CELLS, on=early)
    office.approve(DATASET, CLINIC, on=early)
    for role in (Role.AUTHOR, Role.DATA_STEWARD):
        office.sign(RELEASE, CELLS, role, on=early)
    officer = Intent(Act.APPROVE, Role.COMPLIANCE_OFFICER, PEOPLE[Role.COMPLIANCE_OFFICER], accepted=holds)
    blocked = [one for one in state.reasons if "the check refuses" in one.en]
    assert blocked == []
    office.act(RELEASE, CELLS, officer, on=early)
    office.sign(RELEASE, CELLS, Role.KEY_CUSTODIAN, on=early)
    assert office.state(RELEASE, CELLS, on=early).status is PolicyStatus.APPROVED
    assert f"begins on {first}" in said(office, on=early)
    assert office.state(RELEASE, CELLS, on=first).is_active


@pytest.mark.parametrize("role", [Role.DATA_STEWARD, Role.COMPLIANCE_OFFICER, Role.KEY_CUSTODIAN])
def test_whoever_answers_for_it_may_suspend_and_only_compliance_lets_it_go_on(office: Office, role: Role) -> None:
    office.approve(RELEASE, CELLS)
    office.stop(RELEASE, CELLS, Act.SUSPEND, role)
    state = office.state(RELEASE, CELLS)
    assert state.status is PolicyStatus.SUSPENDED
    assert "because: a reason for tests" in said(office)
    with pytest.raises(PolicyError) as error:
        office.stop(RELEASE, CELLS, Act.SUSPEND, role)
    assert error.value.code == "policy.suspended-already"
    for other in (Role.DATA_STEWARD, Role.KEY_CUSTODIAN):
        with pytest.raises(PolicyError) as error:
            office.stop(RELEASE, CELLS, Act.RESUME, other)
        assert error.value.code == "policy.wrong-role"
    office.stop(RELEASE, CELLS, Act.RESUME, Role.COMPLIANCE_OFFICER)
    assert office.state(RELEASE, CELLS).is_active
    with pytest.raises(PolicyError) as error:
        office.stop(RELEASE, CELLS, Act.RESUME, Role.COMPLIANCE_OFFICER)
    assert error.value.code == "policy.not-suspended"


def test_edit_does_not_escape_a_suspension(office: Office) -> None:
    office.approve(RELEASE, CELLS)
    office.stop(RELEASE, CELLS, Act.SUSPEND, Role.DATA_STEWARD)
    office.edit(policy_files.CELLS, "min_cell: 10", "min_cell: 12")
    assert office.state(RELEASE, CELLS).status is PolicyStatus.DRAFT
    assert "suspended by u-steward" in said(office)
    for role in PEOPLE:
        office.sign(RELEASE, CELLS, role)
    assert office.state(RELEASE, CELLS).status is PolicyStatus.SUSPENDED


def test_suspended_dataset_suspends_its_releases(office: Office) -> None:
    office.approve(RELEASE, CELLS)
    office.stop(DATASET, CLINIC, Act.SUSPEND, Role.DATA_STEWARD)
    assert office.state(RELEASE, CELLS).status is PolicyStatus.SUSPENDED
    assert "dataset 'clinic' is suspended" in said(office)


def test_retired_policy_does_not_come_back(office: Office) -> None:
    office.approve(RELEASE, CELLS)
    office.stop(RELEASE, CELLS, Act.RETIRE, Role.COMPLIANCE_OFFICER)
    assert office.state(RELEASE, CELLS).status is PolicyStatus.RETIRED
    office.edit(policy_files.CELLS, "version: 1.0.0", "version: 2.0.0")
    assert office.state(RELEASE, CELLS).status is PolicyStatus.RETIRED
    assert refused(office, Role.AUTHOR) == "policy.retired"
    with pytest.raises(PolicyError) as error:
        office.stop(RELEASE, CELLS, Act.RESUME, Role.COMPLIANCE_OFFICER)
    assert error.value.code == "policy.retired"


def test_stopping_needs_a_reason(office: Office) -> None:
    office.approve(RELEASE, CELLS)
    for act in (Act.SUSPEND, Act.RETIRE):
        with pytest.raises(UsageError) as error:
            office.act(RELEASE, CELLS, Intent(act, Role.COMPLIANCE_OFFICER, PEOPLE[Role.COMPLIANCE_OFFICER]))
        assert error.value.code == "policy.no-reason"


@pytest.mark.parametrize(
    "reason", ["short", "two\nlines of text", "a line and its end\n", "x" * 501, "a bell \x07 rings"]
)
def test_reason_is_one_line_of_some_length(office: Office, reason: str) -> None:
    with pytest.raises(UsageError) as error:
        office.act(RELEASE, CELLS, Intent(Act.SUSPEND, Role.DATA_STEWARD, PEOPLE[Role.DATA_STEWARD], reason=reason))
    assert error.value.code == "policy.reason-unfit"
    assert refused(office, Role.COMPLIANCE_OFFICER, accepted={"ETH-99": reason}) == "policy.reason-unfit"


def test_state_is_the_same_from_findings_given_or_asked(office: Office) -> None:
    from policies.check import check

    office.approve(RELEASE, CELLS)
    given = state_of(
        office.library, RELEASE, CELLS, approvals=office.approvals(), on=ON, findings=check(office.library, on=ON)
    )
    assert given == office.state(RELEASE, CELLS)


def test_state_as_json_has_what_a_table_shows(office: Office) -> None:
    office.approve(RELEASE, CELLS)
    body = office.state(RELEASE, CELLS).as_json()
    assert body["status"] == "active"
    assert [one["by"] for one in body["signatures"]] == list(PEOPLE.values())
    assert body["lapses_on"] == str(office.library.release(CELLS).review_due)


# --- the law: no fewer than four people, whatever they do in whatever order

_PEOPLE = ("u-a", "u-b", "u-c")
_ACTS = st.lists(st.tuples(st.sampled_from(_PEOPLE), st.sampled_from(list(Role))), max_size=14)


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Office:
    """Three people who hold every role."""
    office = open_office(tmp_path_factory.mktemp("crowd"), people=False)
    for person in (*_PEOPLE, "u-d"):
        office.enrol(person, *Role)
    return office


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=_ACTS)
def test_three_people_never_reach_active(crowd: Office, acts: list[tuple[str, Role]]) -> None:
    office = crowd.copy()
    for person, role in acts:
        try:
            office.sign(DATASET, CLINIC, role, by=person)
        except NijiError:
            continue
    assert not office.state(DATASET, CLINIC).is_active


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=_ACTS)
def test_three_people_never_reach_active_even_if_the_platform_takes_everything_in(
    crowd: Office, acts: list[tuple[str, Role]]
) -> None:
    office = crowd.copy()
    template = office.prepare(DATASET, CLINIC, Intent(Act.SUBMIT, Role.AUTHOR, "u-d"), at="2026-12-15T00:00:00Z")
    for person, role in acts:
        entry = office.signers.current(person, on=ON)
        assert entry is not None
        body = {"by": person, "key_id": entry.key_id, "role": role, "act": SIGNING[role]}
        office.force(DATASET, CLINIC, template.model_copy(update=body))
    assert not office.state(DATASET, CLINIC).is_active


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    acts=st.permutations(
        [
            ("u-a", Role.AUTHOR),
            ("u-b", Role.DATA_STEWARD),
            ("u-c", Role.COMPLIANCE_OFFICER),
            ("u-d", Role.KEY_CUSTODIAN),
        ]
    )
)
def test_four_people_reach_active_exactly_in_an_order_that_fits(crowd: Office, acts: list[tuple[str, Role]]) -> None:
    office = crowd.copy()
    for person, role in acts:
        try:
            office.sign(DATASET, CLINIC, role, by=person)
        except NijiError:
            continue
    order = [role for _, role in acts]
    fits = order[:2] == [Role.AUTHOR, Role.DATA_STEWARD]
    assert office.state(DATASET, CLINIC).is_active == fits


def test_chosen_signatures_are_by_different_people(crowd: Office) -> None:
    office = crowd.copy()
    template = office.prepare(DATASET, CLINIC, Intent(Act.SUBMIT, Role.AUTHOR, "u-d"))
    told = [template.model_copy(update={"by": "u-a", "role": role, "act": SIGNING[role]}) for role in Role]
    chosen, refusals = chosen_signatures(told)
    assert list(chosen) == [Role.AUTHOR]
    assert len(refusals) == 3
