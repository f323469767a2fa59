from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.access import (
    TRANSITIONS,
    Actor,
    Event,
    EventKind,
    Request,
    RequestForm,
    Role,
    State,
    amend,
    apply_event,
    blank_form,
    draft,
    require_usable,
)
from catalog.sealing import parse_public_key
from policies.decision.verdict import Decision, Reason, Verdict
from policies.errors import DataError, NijiError, NotPermittedError
from policies.model.strictness import Text

DAY = date(2026, 12, 1)
PEOPLE = ("r-hayashi", "r-mori", "c-abe", "c-ito", "s-ueda")
WORDS = Text(ja="確認", en="look")


def _decided(verdict: Verdict) -> Decision:
    return Decision((Reason("x", verdict, WORDS, "APPI-07", WORDS),))


ADMITTED = _decided(Verdict.ADMIT)
ASKED = _decided(Verdict.ASK)
REFUSED = _decided(Verdict.REFUSE)
APPLICANT = Actor("r-hayashi", frozenset({Role.RESEARCHER}))
OFFICER = Actor("c-abe", frozenset({Role.COMPLIANCE}))


@pytest.fixture
def request_(build: Any, recipient: Any) -> Request:
    return draft("request-1", build.form(recipient.text))


def _submitted(request: Request) -> Request:
    return apply_event(request, Event(EventKind.SUBMIT, APPLICANT, DAY))


def _approved(request: Request) -> Request:
    return apply_event(_submitted(request), Event(EventKind.APPROVE, OFFICER, DAY), decision=ADMITTED)


events = st.builds(
    Event,
    st.sampled_from(EventKind),
    st.builds(Actor, st.sampled_from(PEOPLE), st.frozensets(st.sampled_from(Role))),
    st.integers(0, 800).map(lambda days: DAY + timedelta(days=days)),
    st.sampled_from(["", "because"]),
)
steps = st.lists(st.tuples(events, st.sampled_from([None, ADMITTED, ASKED, REFUSED])), max_size=25)


@given(steps)
def test_no_path_leads_to_a_permit_without_a_decision_by_another_person(
    build: Any, recipient: Any, path: list[tuple[Event, Decision | None]]
) -> None:
    request = draft("request-1", build.form(recipient.text))
    for event, decision in path:
        try:
            after = apply_event(request, event, decision=decision)
        except NotPermittedError:
            continue
        assert not request.state.is_terminal
        assert after.history[:-1] == request.history
        if event.kind is EventKind.APPROVE:
            assert Role.COMPLIANCE in event.actor.roles
            assert event.actor.id not in request.form.people
            assert decision in {ADMITTED, ASKED}
        request = after
    approvals = [step for step in request.history if step.kind is EventKind.APPROVE]
    assert (request.permit is not None) == (len(approvals) == 1)
    if request.permit is not None:
        assert request.permit.decided_by not in request.form.people
        assert request.permit.is_active == (request.state is State.APPROVED)


@given(events)
def test_terminal_states_stay_terminal(build: Any, recipient: Any, event: Event) -> None:
    for state in (State.REJECTED, State.CLOSED, State.REVOKED, State.EXPIRED):
        assert not [key for key in TRANSITIONS if key[0] is state]
        with pytest.raises(NotPermittedError):
            apply_event(Request("request-1", build.form(recipient.text), state), event, decision=ADMITTED)


def test_every_state_is_reached_and_every_other_leads_on() -> None:
    reached = {State.DRAFT} | {after for after, _ in TRANSITIONS.values()}
    assert reached == set(State)
    assert {state for state, _ in TRANSITIONS} == {state for state in State if not state.is_terminal}


def test_the_plain_way_ends_in_a_permit(request_: Request, recipient: Any) -> None:
    approved = _approved(request_)
    assert approved.state is State.APPROVED
    assert approved.permit is not None
    assert approved.permit.expires_on == date(2027, 11, 30)
    require_usable(approved.permit, on=DAY, recipient_public_key=recipient.key)
    assert "key" not in str(approved.form).replace("key_fingerprint", "")


@pytest.mark.parametrize("who", ["r-hayashi", "r-mori"])
@pytest.mark.parametrize("kind", [EventKind.APPROVE, EventKind.REJECT, EventKind.RETURN])
def test_nobody_named_in_the_form_decides(request_: Request, who: str, kind: EventKind) -> None:
    judge = Event(kind, Actor(who, frozenset(Role)), DAY, "because")
    with pytest.raises(NotPermittedError, match=r"access\.own-request") as caught:
        apply_event(_submitted(request_), judge, decision=ADMITTED)
    assert caught.value.exit_code == 12


def test_only_compliance_approves(request_: Request) -> None:
    for role in (Role.RESEARCHER, Role.STEWARD, Role.SYSTEM):
        with pytest.raises(NotPermittedError, match=r"access\.role"):
            apply_event(
                _submitted(request_),
                Event(EventKind.APPROVE, Actor("x-1", frozenset({role})), DAY),
                decision=ADMITTED,
            )


def test_an_approval_needs_a_decision_that_does_not_refuse(request_: Request) -> None:
    approve = Event(EventKind.APPROVE, OFFICER, DAY)
    for decision in (None, REFUSED):
        with pytest.raises(NotPermittedError, match=r"access\.release-policy"):
            apply_event(_submitted(request_), approve, decision=decision)
    with pytest.raises(NotPermittedError, match=r"access\.looked-at"):
        apply_event(_submitted(request_), approve, decision=ASKED)
    looked = Event(EventKind.APPROVE, OFFICER, DAY, "the disease lies below the one named")
    assert apply_event(_submitted(request_), looked, decision=ASKED).state is State.APPROVED


def test_return_reject_and_revoke_owe_a_reason(request_: Request) -> None:
    for kind in (EventKind.RETURN, EventKind.REJECT):
        with pytest.raises(NotPermittedError, match=r"access\.reason-missing"):
            apply_event(_submitted(request_), Event(kind, OFFICER, DAY, "  "))
    with pytest.raises(NotPermittedError, match=r"access\.reason-missing"):
        apply_event(_approved(request_), Event(EventKind.REVOKE, OFFICER, DAY))


def test_only_the_applicant_submits_and_withdraws(request_: Request) -> None:
    stranger = Actor("r-sato", frozenset({Role.RESEARCHER}))
    with pytest.raises(NotPermittedError, match=r"access\.not-applicant"):
        apply_event(request_, Event(EventKind.SUBMIT, stranger, DAY))
    with pytest.raises(NotPermittedError, match=r"access\.not-applicant"):
        apply_event(_submitted(request_), Event(EventKind.CLOSE, stranger, DAY))
    assert apply_event(_submitted(request_), Event(EventKind.CLOSE, APPLICANT, DAY)).state is State.CLOSED


def test_a_permit_ends_only_after_its_last_day(request_: Request) -> None:
    system = Actor("system", frozenset({Role.SYSTEM}))
    approved = _approved(request_)
    with pytest.raises(NotPermittedError, match=r"access\.not-yet"):
        apply_event(approved, Event(EventKind.EXPIRE, system, date(2027, 11, 30)))
    assert apply_event(approved, Event(EventKind.EXPIRE, system, date(2027, 12, 1))).state is State.EXPIRED


@pytest.mark.parametrize("day", [DAY - timedelta(days=1), date(2027, 12, 1)])
def test_a_permit_outside_its_days_is_refused(request_: Request, day: date) -> None:
    permit = _approved(request_).permit
    assert permit is not None
    with pytest.raises(NotPermittedError, match=r"access\.permit-expired"):
        require_usable(permit, on=day)


def test_an_ended_permit_and_another_key_are_refused(request_: Request) -> None:
    permit = _approved(request_).permit
    assert permit is not None
    with pytest.raises(NotPermittedError, match=r"access\.permit-key"):
        require_usable(permit, on=DAY, recipient_public_key=b"\x09" + bytes(31))
    for kind in (EventKind.REVOKE, EventKind.CLOSE):
        ended = apply_event(_approved(request_), Event(kind, OFFICER, DAY, "because")).permit
        assert ended is not None
        with pytest.raises(NotPermittedError, match=r"access\.permit-ended"):
            require_usable(ended, on=DAY)


def test_a_permit_does_not_begin_before_its_period(build: Any, recipient: Any) -> None:
    later = draft("request-2", build.form(recipient.text, period_from=date(2027, 1, 1)))
    permit = _approved(later).permit
    assert permit is not None
    with pytest.raises(NotPermittedError):
        require_usable(permit, on=date(2026, 12, 31))
    require_usable(permit, on=date(2027, 1, 1))


def test_a_returned_request_is_amended_by_its_applicant_only(build: Any, request_: Request, recipient: Any) -> None:
    better = build.form(recipient.text, purpose="より明確な目的")
    returned = apply_event(_submitted(request_), Event(EventKind.RETURN, OFFICER, DAY, "unclear"))
    amended = amend(returned, better)
    assert amended.form.purpose == "より明確な目的"
    assert amended.history == returned.history
    with pytest.raises(NotPermittedError, match=r"access\.not-amendable"):
        amend(_submitted(request_), better)
    with pytest.raises(NotPermittedError, match=r"access\.not-amendable"):
        amend(returned, build.form(recipient.text, applicant="r-sato"))


def test_a_wrong_key_is_refused_on_the_first_day(build: Any) -> None:
    with pytest.raises(DataError, match=r"sealing\.public-key"):
        draft("request-1", build.form("not a key"))


def test_a_blank_form_is_refused_until_filled_in(recipient: Any) -> None:
    body = blank_form("admissions", "1.0.0")
    assert set(body) == set(RequestForm.model_fields)
    with pytest.raises(ValueError, match="validation error"):
        RequestForm.model_validate(body)
    assert parse_public_key(recipient.text)


def test_refusals_name_no_key(request_: Request, recipient: Any) -> None:
    permit = _approved(request_).permit
    assert permit is not None
    with pytest.raises(NijiError) as caught:
        require_usable(permit, on=DAY, recipient_public_key=b"\x09" + bytes(31))
    assert recipient.text.splitlines()[1] not in str(caught.value)
