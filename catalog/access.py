"""The life of an access request: its form, its states, and who may move it.

A pure table-driven state machine: (request, event) → request. A permit comes out of exactly one event, an approval
by a compliance officer who is neither applicant nor co-investigator. Storing, clocks and notices are elsewhere
(`store.py`, the pipelines); the decision on what a form says is `policies/decision`.
"""

from dataclasses import dataclass, field, replace
from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from catalog.sealing import fingerprint, parse_public_key
from policies.decision.request import (
    DUO_ID,
    MONDO_ID,
    RECIPIENT_ID,
    VERSION,
    AccessRequest,
    EthicsApproval,
    VariableName,
)
from policies.decision.uses import IntendedUse, Undertaking
from policies.decision.verdict import Decision, Reason, Verdict
from policies.errors import NotPermittedError
from policies.model.use_conditions import Country, Word
from policies.vocabulary import Labelled, ProhibitedUse, TermsClause

UserId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,99}$")]
Words = Annotated[str, StringConstraints(min_length=1, max_length=4000, strip_whitespace=True)]


class State(Labelled):
    """Where a request stands."""

    DRAFT = "draft", "下書き", "draft"
    SUBMITTED = "submitted", "提出済み", "submitted"
    RETURNED = "returned", "差戻し", "returned"
    APPROVED = "approved", "承認", "approved"
    REJECTED = "rejected", "不承認", "rejected"
    CLOSED = "closed", "終了", "closed"
    REVOKED = "revoked", "取消し", "revoked"
    EXPIRED = "expired", "期限切れ", "expired"

    @property
    def is_terminal(self) -> bool:
        """Whether nothing can happen to the request any more."""
        return self in {State.REJECTED, State.CLOSED, State.REVOKED, State.EXPIRED}


class EventKind(Labelled):
    """What can happen to a request."""

    SUBMIT = "submit", "提出", "submit"
    RETURN = "return", "差戻し", "return"
    APPROVE = "approve", "承認", "approve"
    REJECT = "reject", "不承認", "reject"
    CLOSE = "close", "終了", "close"
    REVOKE = "revoke", "取消し", "revoke"
    EXPIRE = "expire", "期限切れ", "expire"


class Role(Labelled):
    """What somebody is to the platform; a person may be several."""

    RESEARCHER = "researcher", "研究者", "researcher"
    COMPLIANCE = "compliance", "コンプライアンス担当", "compliance officer"
    STEWARD = "steward", "データスチュワード", "data steward"
    SYSTEM = "system", "システム", "system"


TRANSITIONS: dict[tuple[State, EventKind], tuple[State, frozenset[Role]]] = {
    (State.DRAFT, EventKind.SUBMIT): (State.SUBMITTED, frozenset({Role.RESEARCHER})),
    (State.RETURNED, EventKind.SUBMIT): (State.SUBMITTED, frozenset({Role.RESEARCHER})),
    (State.SUBMITTED, EventKind.RETURN): (State.RETURNED, frozenset({Role.COMPLIANCE, Role.STEWARD})),
    (State.SUBMITTED, EventKind.APPROVE): (State.APPROVED, frozenset({Role.COMPLIANCE})),
    (State.SUBMITTED, EventKind.REJECT): (State.REJECTED, frozenset({Role.COMPLIANCE})),
    (State.DRAFT, EventKind.CLOSE): (State.CLOSED, frozenset({Role.RESEARCHER})),
    (State.SUBMITTED, EventKind.CLOSE): (State.CLOSED, frozenset({Role.RESEARCHER})),
    (State.RETURNED, EventKind.CLOSE): (State.CLOSED, frozenset({Role.RESEARCHER})),
    (State.APPROVED, EventKind.CLOSE): (State.CLOSED, frozenset({Role.RESEARCHER, Role.COMPLIANCE})),
    (State.APPROVED, EventKind.REVOKE): (State.REVOKED, frozenset({Role.COMPLIANCE, Role.STEWARD})),
    (State.APPROVED, EventKind.EXPIRE): (State.EXPIRED, frozenset({Role.SYSTEM})),
}
"""State × event → next state, and the roles that may bring it about; what is not here is refused."""

VIA_PORTAL = "filed in the portal, which has no log-in: who the applicant is was not checked"
"""What is written beside a submission that nobody vouched for; its approval must say how the applicant was recognized."""

_APPLICANTS_OWN = frozenset({EventKind.SUBMIT})
_NEVER_OWN = frozenset({EventKind.RETURN, EventKind.APPROVE, EventKind.REJECT, EventKind.REVOKE})
_NEED_WORDS = frozenset({EventKind.RETURN, EventKind.REJECT, EventKind.REVOKE})


class RequestForm(BaseModel):
    """What an applicant writes; outside input, so strict, frozen, and never quoted in errors.

    `accepted_prohibitions` lists the uses the applicant undertakes to refrain from. `recipient_public_key` is the
    Crypt4GH text form. `answer` is what is asked for: rows, or statistics only (a data request,
    EHDS art. 69). The period is inclusive on both ends.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    release: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
    release_version: Annotated[str, StringConstraints(pattern=VERSION)]
    applicant: UserId
    institution: Words
    recipient: Annotated[str, StringConstraints(pattern=RECIPIENT_ID)]
    co_investigators: tuple[UserId, ...] = ()
    purpose: Words
    duo: Annotated[str, StringConstraints(pattern=DUO_ID)]
    mondo: Annotated[str, StringConstraints(pattern=MONDO_ID)] | None = None
    ehds53: Literal["a", "b", "c", "d", "e", "f"]
    commercial: bool
    benefit: Words | None = None
    uses: tuple[IntendedUse, ...] = ()
    country: Country | None = None
    project: Word | None = None
    study_type: Word | None = None
    partner: Word | None = None
    variables: tuple[VariableName, ...] = ()
    minimum_reason: Words | None = None
    answer: Literal["rows", "statistics"] = "rows"
    pseudonymized_reason: Words | None = None
    own_data: Words | None = None
    ethics_approval: Words | None = None
    ethics_approved_on: date | None = None
    ethics_expires_on: date | None = None
    period_from: date
    period_to: date
    delete_by: date | None = None
    publishes_on: date | None = None
    safeguards: Words | None = None
    security: Literal["type1", "type2"]
    accepted_prohibitions: tuple[ProhibitedUse, ...]
    accepted_terms: tuple[TermsClause, ...] = ()
    undertakings: tuple[Undertaking, ...] = ()
    recipient_public_key: Annotated[str, Field(repr=False)]

    @property
    def people(self) -> frozenset[str]:
        """Everybody named in the form: none of them may decide on it."""
        return frozenset({self.applicant, *self.co_investigators})

    @property
    def request(self) -> AccessRequest:
        """What the form asks for, as the record that is decided; everybody named in the form is a user of the data."""
        committee = self.ethics_approval
        return AccessRequest(
            **{name: getattr(self, name) for name in _SAME},
            is_commercial=self.commercial,
            mondo=(self.mondo,) if self.mondo else (),
            users=tuple(dict.fromkeys((self.applicant, *self.co_investigators))),
            ethics=EthicsApproval(
                committee_no=committee, approved_on=self.ethics_approved_on, expires_on=self.ethics_expires_on
            )
            if committee
            else None,
        )


_SAME = frozenset(RequestForm.model_fields) & frozenset(AccessRequest.model_fields) - {"mondo"}
"""The fields that form and record have in common; the others are named in `RequestForm.request`."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, with the roles that the identity provider (or the command line's operator) vouches for."""

    id: str
    roles: frozenset[Role]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that somebody wants to happen to a request."""

    kind: EventKind
    actor: Actor
    on: date
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Permit:
    """The right of one recipient to one extract of one release, until a day, under one key.

    `key_fingerprint` pins the recipient's key of the approval: a later key needs a new permit.
    """

    id: str
    request_id: str
    release: str
    release_version: str
    recipient: str
    institution: str
    purpose: str
    issued_on: date
    valid_from: date
    expires_on: date
    decided_by: str
    key_fingerprint: str
    prohibited_uses: tuple[ProhibitedUse, ...]
    is_active: bool = True

    def as_json(self) -> dict[str, object]:
        """Return the permit as plain JSON values, as it lies in the extract."""
        return {
            "format": "niji/permit/v1",
            "id": self.id,
            "request_id": self.request_id,
            "release": self.release,
            "release_version": self.release_version,
            "recipient": self.recipient,
            "institution": self.institution,
            "purpose": self.purpose,
            "issued_on": self.issued_on.isoformat(),
            "valid_from": self.valid_from.isoformat(),
            "expires_on": self.expires_on.isoformat(),
            "decided_by": self.decided_by,
            "key_fingerprint": self.key_fingerprint,
            "prohibited_uses": [use.value for use in self.prohibited_uses],
        }


@dataclass(frozen=True, slots=True)
class Happened:
    """One event that did happen: who, when, from which state to which."""

    kind: EventKind
    actor: str
    on: date
    before: State
    after: State
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """A request with its history; `permit` is there exactly since the approval."""

    id: str
    form: RequestForm
    state: State = State.DRAFT
    history: tuple[Happened, ...] = ()
    permit: Permit | None = field(default=None)


def blank_form(release: str, version: str) -> dict[str, object]:
    """Return a form made out for a release, to be filled in; its empty places are refused until they are.

    `accepted_prohibitions`, `accepted_terms` and `undertakings` are empty on purpose: undertaking something takes an act.
    """
    return {
        "release": release,
        "release_version": version,
        "applicant": "",
        "institution": "",
        "recipient": "",
        "co_investigators": [],
        "purpose": "",
        "duo": "DUO:0000006",
        "mondo": None,
        "ehds53": "e",
        "commercial": False,
        "benefit": None,
        "uses": [],
        "country": "JP",
        "project": None,
        "study_type": None,
        "partner": None,
        "variables": [],
        "minimum_reason": None,
        "answer": "rows",
        "pseudonymized_reason": None,
        "own_data": None,
        "ethics_approval": None,
        "ethics_approved_on": None,
        "ethics_expires_on": None,
        "period_from": "",
        "period_to": "",
        "delete_by": None,
        "publishes_on": None,
        "security": "type1",
        "safeguards": None,
        "accepted_prohibitions": [],
        "accepted_terms": [],
        "undertakings": [],
        "recipient_public_key": "",
    }


def draft(request_id: str, form: RequestForm) -> Request:
    """Return a new request; its key is read once, so that a wrong one is refused on the first day.

    Raises:
        DataError: The recipient's key is not a Crypt4GH public key.
    """
    parse_public_key(form.recipient_public_key)
    return Request(request_id, form)


def apply_event(request: Request, event: Event, *, decision: Decision | None = None) -> Request:
    """Return the request after `event`, or refuse it.

    Args:
        request: The request as it stands; not changed.
        event: What shall happen.
        decision: What the release policy says of the form on the day of the event; needed to approve.

    Raises:
        NotPermittedError: The state does not allow the event, the actor lacks the role, decides on an own request,
            gives no reason where one is owed, or the decision forbids the approval.

    Guarantee: a permit exists only after an approval by a compliance officer who is not named in the form.
    """
    after = _next_state(request, event)
    _hold_roles_apart(request, event)
    if event.kind in _NEED_WORDS and not event.comment.strip():
        raise _refused(
            "reason-missing",
            f"`{event.kind.value}` came without a reason",
            "the applicant has a right to know why",
            "write a comment",
        )
    permit = request.permit
    if event.kind is EventKind.APPROVE:
        _hold_identity(request, event)
        _hold_decision(event, decision)
        permit = _permit(request, event)
    if event.kind is EventKind.EXPIRE and (permit is None or event.on <= permit.expires_on):
        raise _refused("not-yet", "the permit's last day is not over", "a permit holds to its last day", "wait")
    if permit is not None and after is not State.APPROVED:
        permit = replace(permit, is_active=False)
    step = Happened(event.kind, event.actor.id, event.on, request.state, after, event.comment.strip())
    return replace(request, state=after, history=(*request.history, step), permit=permit)


def amend(request: Request, form: RequestForm) -> Request:
    """Return a draft or returned request with a new form; the applicant and the release stay.

    Raises:
        NotPermittedError: The request is being decided or is decided, or another person's or release's form.
    """
    same = (form.applicant, form.release) == (request.form.applicant, request.form.release)
    if request.state not in {State.DRAFT, State.RETURNED} or not same:
        raise _refused(
            "not-amendable",
            f"a request in state `{request.state.value}` was to be changed, or its applicant or release",
            "what a reviewer looks at must not change under the reviewer's eyes",
            "ask the reviewer to return it, or make a new request",
        )
    return replace(draft(request.id, form), state=request.state, history=request.history)


def require_usable(permit: Permit, *, on: date, recipient_public_key: bytes | None = None) -> None:
    """Refuse unless the permit holds on that day, for that key.

    Raises:
        NotPermittedError: Not begun, expired, revoked, closed, or another key than the approved one.
    """
    if not permit.is_active:
        raise _refused(
            "permit-ended",
            "the permit was revoked, closed or ended",
            "an ended permit gives no data",
            "ask the compliance officer, or make a new request",
        )
    if not permit.valid_from <= on <= permit.expires_on:
        raise _refused(
            "permit-expired",
            f"the permit holds from {permit.valid_from} to {permit.expires_on}, not on {on}",
            "data are given only while the permit holds",
            "make a new request",
        )
    if recipient_public_key is not None and fingerprint(recipient_public_key) != permit.key_fingerprint:
        raise _refused(
            "permit-key",
            "the recipient's key is not the one that was approved",
            "the permit names the key's fingerprint; another key could be another person's",
            "use the approved key, or make a new request with the new one",
        )


def _next_state(request: Request, event: Event) -> State:
    found = TRANSITIONS.get((request.state, event.kind))
    if found is None:
        allowed = sorted(kind.value for state, kind in TRANSITIONS if state is request.state)
        raise _refused(
            "state",
            f"a request in state `{request.state.value}` cannot take `{event.kind.value}`",
            "the state does not lead there",
            f"possible now: {', '.join(allowed) or 'nothing, it is final'}",
        )
    after, roles = found
    if not roles & event.actor.roles:
        raise _refused(
            "role",
            f"`{event.kind.value}` was asked for by somebody without the role",
            f"it takes: {', '.join(sorted(role.value for role in roles))}",
            "let somebody with that role do it",
        )
    return after


def _hold_roles_apart(request: Request, event: Event) -> None:
    if event.kind in _NEVER_OWN and event.actor.id in request.form.people:
        raise _refused(
            "own-request",
            "somebody named in the request was to decide on it",
            "four eyes: applicant and decider are different people",
            "let another compliance officer decide",
        )
    own = event.actor.id == request.form.applicant
    researcher_only = event.kind is EventKind.CLOSE and Role.COMPLIANCE not in event.actor.roles
    if (event.kind in _APPLICANTS_OWN or researcher_only) and not own:
        raise _refused(
            "not-applicant",
            f"`{event.kind.value}` was asked for by somebody else than the applicant",
            "a request is its applicant's",
            "let the applicant do it",
        )


def _hold_identity(request: Request, event: Event) -> None:
    is_unchecked = any(step.comment == VIA_PORTAL for step in request.history)
    if is_unchecked and not event.comment.strip():
        raise _refused(
            "applicant-unchecked",
            "the request was filed in the portal, and the approval does not say how the applicant was recognized",
            "the portal has no log-in: anybody can write any name, and a permit charges that person's quota",
            "ask the applicant on a way that you know, and write in the comment how",
        )


def _hold_decision(event: Event, decision: Decision | None) -> None:
    if decision is None or decision.verdict is Verdict.REFUSE:
        reasons = "; ".join(_said(reason) for reason in decision.refusals) if decision else "not decided"
        raise _refused(
            "release-policy",
            f"the release policy does not allow this request: {reasons}",
            "a person cannot approve what the signed policy forbids",
            "return or reject it, or change the policy first",
        )
    if decision.verdict is Verdict.ASK and not event.comment.strip():
        raise _refused(
            "looked-at",
            f"{len(decision.questions)} points need a person's eyes, and the approval says nothing about them",
            "the machine could not decide: " + "; ".join(_said(reason) for reason in decision.questions),
            "write in the comment how each was settled",
        )


def _said(reason: Reason) -> str:
    return f"{reason.text.en} ({reason.rule})"


def _permit(request: Request, event: Event) -> Permit:
    form = request.form
    return Permit(
        id=f"permit-{request.id.removeprefix('request-')}",
        request_id=request.id,
        release=form.release,
        release_version=form.release_version,
        recipient=form.recipient,
        institution=form.institution,
        purpose=form.purpose,
        issued_on=event.on,
        valid_from=max(event.on, form.period_from),
        expires_on=form.period_to,
        decided_by=event.actor.id,
        key_fingerprint=fingerprint(parse_public_key(form.recipient_public_key)),
        prohibited_uses=form.accepted_prohibitions,
    )


def _refused(code: str, what: str, why: str, fix: str) -> NotPermittedError:
    return NotPermittedError(f"access.{code}", what=what, why=why, fix=fix)
