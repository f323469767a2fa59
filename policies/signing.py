"""What may be signed: a statement is made here, or refused with the reason; the bytes are signed elsewhere.

Pure. Every refusal here is made once more by `lifecycle`, which would not count the signature: this file spares people
a signature that is worth nothing, the other keeps a forged one from counting.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from policies.approvals import (
    GENESIS,
    REASON_FORM,
    REASON_LENGTH,
    ROLES_OF,
    SIGNING,
    AcceptedHold,
    Statement,
    summarize,
    unaccepted_holds,
)
from policies.check import check
from policies.errors import NotPermittedError, PolicyError, UsageError
from policies.findings import Finding, is_ok
from policies.library import PolicyKind, PolicyLibrary
from policies.lifecycle import AllApprovals, PolicyState, findings_of, parts_of, state_of
from policies.roles import Act, PolicyStatus, Role
from policies.signers import SignerEntry, Signers, signer_unknown
from policies.vocabulary import Severity


@dataclass(frozen=True, slots=True)
class Intent:
    """What somebody wants to sign.

    `accepted` gives a reason for each HOLD rule that a compliance officer accepts. `digest` is what the signer read; None
    signs what is there. `reason` is needed to suspend, resume or retire.
    """

    act: Act
    role: Role
    by: str
    accepted: Mapping[str, str] = field(default_factory=dict)
    reason: str | None = None
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class Desk:
    """What a signature is judged with: all policies, all records, the register, the day and the moment."""

    library: PolicyLibrary
    approvals: AllApprovals
    signers: Signers
    on: date
    at: str


def prepare(desk: Desk, kind: PolicyKind, name: str, *, intent: Intent, key_id: str) -> Statement:
    """Make the statement that a person is about to sign, or refuse it.

    Args:
        desk: What the signature is judged with.
        kind: Release or dataset.
        name: The policy's id.
        intent: What is to be signed, by whom, in which role.
        key_id: The key that will sign.

    Returns:
        The statement, following the last record of the policy.

    Raises:
        NotPermittedError: `policy.signer-not-valid`, `policy.wrong-key`, `policy.role-not-held`.
        PolicyError: `policy.signer-unknown`, `policy.wrong-role`, `policy.changed-meanwhile`, `policy.clock-back`,
            `policy.retired`, `policy.not-suspended`, `policy.suspended-already`, `policy.check-blocks`,
            `policy.same-person`, `policy.out-of-order`, `policy.signed-already`, `policy.hold-not-accepted`,
            `policy.nothing-to-accept`.
        UsageError: `policy.no-reason`, `policy.reason-unfit`.
    """
    library, on = desk.library, desk.on
    findings = check(library, on=on)
    mine = findings_of(library, kind, name, findings=findings)
    state = state_of(library, kind, name, approvals=desk.approvals, on=on, findings=findings)
    _hold_words(intent)
    _hold_signer(desk.signers, intent, key_id=key_id, on=on)
    if intent.digest is not None and intent.digest != state.digest:
        raise _changed_meanwhile(state)
    records = desk.approvals[kind, name].records if (kind, name) in desk.approvals else ()
    last = records[-1].statement if records else None
    if last is not None and (on < last.on or desk.at < last.at):
        raise _refused(
            "clock-back",
            f"the last record of {kind.value} '{name}' is dated {last.on.isoformat()}, after {on.isoformat()}",
            "records are in the order of their days; a clock that went back would let old enrolments sign",
            "set the clock right",
        )
    if intent.act in {SIGNING[role] for role in SIGNING}:
        accepted = _hold_signature(state, intent, mine)
    else:
        accepted = ()
        _hold_stop(state, intent, [judged.statement for judged in records if judged.is_entitled])
    return Statement(
        kind="release" if kind is PolicyKind.RELEASE else "dataset",
        id=name,
        version=state.version,
        digest=state.digest,
        parts=parts_of(library, kind, name),
        act=intent.act,
        role=intent.role,
        by=intent.by,
        key_id=key_id,
        on=on,
        at=desk.at,
        accepted_holds=accepted,
        check=summarize(mine),
        reason=intent.reason,
        previous=records[-1].record.digest if records else GENESIS,
    )


def _hold_words(intent: Intent) -> None:
    given = [reason for reason in (intent.reason, *intent.accepted.values()) if reason]
    if all(REASON_FORM.fullmatch(reason) and REASON_LENGTH[0] <= len(reason) <= REASON_LENGTH[1] for reason in given):
        return
    raise UsageError(
        "policy.reason-unfit",
        what=f"a reason has fewer than {REASON_LENGTH[0]} or more than {REASON_LENGTH[1]} characters, or a line break",
        why="it is one sentence in a record that is kept and shown",
        fix="say it in one line",
    )


def _hold_signer(signers: Signers, intent: Intent, *, key_id: str, on: date) -> None:
    entry = signers.current(intent.by, on=on)
    if entry is None:
        known: list[SignerEntry] = [one for one in signers.register.signers if one.person == intent.by]
        if not known:
            raise signer_unknown(intent.by)
        raise _not_permitted(
            "signer-not-valid",
            f"the key of '{intent.by}' is not valid on {on.isoformat()}",
            "it is revoked, its last day is past, or its first day is to come",
            "let the platform enrol a new key (`niji policy signer add`)",
        )
    if entry.key_id != key_id:
        raise _not_permitted(
            "wrong-key",
            f"the key given is not the one that '{intent.by}' is enrolled with",
            "a signature counts only under the person's own enrolled key",
            "name the folder of the right key with --keys",
        )
    if intent.role not in entry.roles:
        held = ", ".join(role.value for role in entry.roles)
        raise _not_permitted(
            "role-not-held",
            f"'{intent.by}' is enrolled as {held}, not as {intent.role.value}",
            "people sign only in the roles that the platform gave them",
            "let somebody sign who holds the role",
        )
    if intent.role not in ROLES_OF[intent.act]:
        allowed = ", ".join(sorted(role.value for role in ROLES_OF[intent.act]))
        raise _refused(
            "wrong-role",
            f"a {intent.role.value} does not {intent.act.value} a policy",
            "each act belongs to a role",
            f"let one of these sign: {allowed}",
        )


def _hold_signature(state: PolicyState, intent: Intent, mine: Sequence[Finding]) -> tuple[AcceptedHold, ...]:
    what = f"{state.kind.value} '{state.name}'"
    if state.status is PolicyStatus.RETIRED:
        raise _retired(what)
    if not is_ok(mine):
        first = next(finding for finding in mine if finding.severity is Severity.BLOCK)
        raise PolicyError(
            "policy.check-blocks",
            what=f"the check refuses {what}: {first.rule}, {first.what}",
            why=first.why,
            fix=f"{first.fix}; `niji policy check` lists everything",
            where=first.place,
        )
    signed = {one.role: one.by for one in state.signatures}
    other = next((role for role, by in signed.items() if by == intent.by and role is not intent.role), None)
    if other is not None:
        raise _refused(
            "same-person",
            f"'{intent.by}' signed {what} as {other.value} already, and cannot sign it as {intent.role.value}",
            "author, data steward, compliance officer and key custodian of a policy are four people",
            f"let another {intent.role.value} sign",
        )
    needed = {Role.AUTHOR: None, Role.DATA_STEWARD: Role.AUTHOR}.get(intent.role, Role.DATA_STEWARD)
    if needed is not None and needed not in signed:
        raise _refused(
            "out-of-order",
            f"{what} is not signed by its {needed.en} as it stands now",
            "the author submits, the steward reviews, then compliance officer and key custodian approve; "
            "a signature over an older digest is worth nothing",
            f"let the {needed.en} sign first",
        )
    return _accepted(state, intent, mine, signed)


def _accepted(
    state: PolicyState, intent: Intent, mine: Sequence[Finding], signed: Mapping[Role, str]
) -> tuple[AcceptedHold, ...]:
    what = f"{state.kind.value} '{state.name}'"
    holds = unaccepted_holds(mine, ()) if intent.role is Role.COMPLIANCE_OFFICER else {}
    strange = sorted(set(intent.accepted) - set(holds))
    if strange:
        raise _refused(
            "nothing-to-accept",
            f"there is no HOLD finding of {', '.join(strange)[:200]} that a {intent.role.value} could accept",
            "an acceptance names what was found, and only a compliance officer accepts",
            "leave it out; `niji policy check` lists the findings",
        )
    missing = [f"{rule} ({count})" for rule, count in holds.items() if rule not in intent.accepted]
    if missing:
        raise _refused(
            "hold-not-accepted",
            f"HOLD findings of {what} wait for a named person: {', '.join(missing)}",
            "HOLD means that a compliance officer decides, rule by rule, and says why",
            "add --accept RULE=REASON for each, or mend what was found",
        )
    if intent.role in signed and not (holds and state.status is PolicyStatus.SUSPENDED):
        raise _refused(
            "signed-already",
            f"{what} is signed by '{signed[intent.role]}' as {intent.role.value} already, over this very digest",
            "a second signature would add nothing",
            "see `niji policy status` for whose signature is missing",
        )
    return tuple(AcceptedHold(rule=rule, findings=count, reason=intent.accepted[rule]) for rule, count in holds.items())


def _hold_stop(state: PolicyState, intent: Intent, said: Sequence[Statement]) -> None:
    what = f"{state.kind.value} '{state.name}'"
    if state.status is PolicyStatus.RETIRED:
        raise _retired(what)
    if not intent.reason:
        raise UsageError(
            "policy.no-reason",
            what=f"no reason is given to {intent.act.value} {what}",
            why="whoever reads the records later wants to know why",
            fix="give it with --reason",
        )
    stops = [one.act for one in said if one.act in {Act.SUSPEND, Act.RESUME}]
    is_suspended = bool(stops) and stops[-1] is Act.SUSPEND
    if intent.act is Act.SUSPEND and is_suspended:
        raise _refused(
            "suspended-already", f"{what} is suspended already", "a second suspension adds nothing", "resume it"
        )
    if intent.act is Act.RESUME and not is_suspended:
        raise _refused(
            "not-suspended",
            f"nobody suspended {what}",
            "what has lapsed is renewed and signed, not resumed",
            "see `niji policy status` for what it waits for",
        )


def _changed_meanwhile(state: PolicyState) -> PolicyError:
    return _refused(
        "changed-meanwhile",
        f"{state.kind.value} '{state.name}' is not what you read: its digest is now {state.digest}",
        "a signature binds what its signer read; an older hash is worth nothing",
        "read it again (`niji policy explain`), and sign what is there now",
    )


def _retired(what: str) -> PolicyError:
    return _refused(
        "retired", f"{what} is retired", "a retired policy does not come back", "write a new policy with another id"
    )


def _refused(code: str, what: str, why: str, fix: str) -> PolicyError:
    return PolicyError(f"policy.{code}", what=what, why=why, fix=fix)


def _not_permitted(code: str, what: str, why: str, fix: str) -> NotPermittedError:
    return NotPermittedError(f"policy.{code}", what=what, why=why, fix=fix)
