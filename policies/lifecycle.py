"""Where a policy stands: derived from signatures, digests, the check and the day; never stored, so never out of date.

Belongs here: which signatures count, and what they add up to. Does not: whether a signature is genuine (`approvals`),
the sentences people read (`lifecycle_words`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from policies import lifecycle_words as words
from policies.approvals import SIGNING, Approvals, Statement, summarize, unaccepted_holds
from policies.canonical import digests, foundations, policy_digest
from policies.check import check
from policies.files import real_path
from policies.findings import Finding, is_ok
from policies.lapses import Term, terms_of
from policies.library import PolicyKind, PolicyLibrary
from policies.model.strictness import Text
from policies.roles import Act, PolicyStatus, Role

Policies = tuple[PolicyKind, str]
AllApprovals = Mapping[Policies, Approvals]
"""The verified records by policy; a policy that is not in it has none."""

_ORDER = (Role.AUTHOR, Role.DATA_STEWARD, Role.COMPLIANCE_OFFICER, Role.KEY_CUSTODIAN)
_REACHED = (PolicyStatus.DRAFT, PolicyStatus.CHECKED, PolicyStatus.REVIEWED)


@dataclass(frozen=True, slots=True)
class Signed:
    """A signature that counts today: who signed as what on which day, and the digest of the record."""

    role: Role
    by: str
    on: date
    record: str


@dataclass(frozen=True, slots=True)
class PolicyState:
    """Where one policy stands on one day, why, and what to do next.

    `signatures` are those that count over the current digest. `terms` is everything the policy rests on for a time, the
    earliest end first. `digest` is what the next signature would bind.
    """

    kind: PolicyKind
    name: str
    version: str
    status: PolicyStatus
    digest: str
    reasons: tuple[Text, ...] = ()
    next_step: Text | None = None
    signatures: tuple[Signed, ...] = ()
    terms: tuple[Term, ...] = field(default=(), repr=False)

    @property
    def is_active(self) -> bool:
        """Whether pipelines may run on it."""
        return self.status is PolicyStatus.ACTIVE

    @property
    def next_lapse(self) -> Term | None:
        """What ends first, or None where nothing ends."""
        return next((term for term in self.terms if term.to_on is not None), None)

    def as_json(self) -> dict[str, object]:
        """Return the state as plain JSON values."""
        lapse = self.next_lapse
        return {
            "kind": self.kind.value,
            "id": self.name,
            "version": self.version,
            "status": self.status.value,
            "digest": self.digest,
            "reasons": [reason.model_dump() for reason in self.reasons],
            "next": self.next_step.model_dump() if self.next_step else None,
            "signatures": [
                {"role": one.role.value, "by": one.by, "on": one.on.isoformat(), "record": one.record}
                for one in self.signatures
            ],
            "lapses_on": lapse.to_on.isoformat() if lapse and lapse.to_on is not None else None,
            "lapses": lapse.what.model_dump() if lapse else None,
        }


def state_of(
    library: PolicyLibrary,
    kind: PolicyKind,
    name: str,
    *,
    approvals: AllApprovals,
    on: date,
    findings: Sequence[Finding] | None = None,
) -> PolicyState:
    """Say where a release or a dataset stands.

    Args:
        library: All policies.
        kind: Release or dataset.
        name: Its id.
        approvals: Verified records, also those of a release's datasets.
        on: The day.
        findings: What `check` says of the library on that day; asked here if not given.

    Returns:
        The state. Active means: submitted by its author, reviewed by a data steward, approved by a compliance officer
        and a key custodian, four different people, over the very digest that it has now; every HOLD finding accepted
        by name; nothing blocked, lapsed or not yet begun; no suspension in effect; for a release, all datasets active.

    Raises:
        PolicyError: `policy.unknown-…`: there is no such policy.
    """
    known = check(library, on=on) if findings is None else findings
    policy = library.release(name) if kind is PolicyKind.RELEASE else library.dataset(name)
    current = _Current(library, kind, name, policy.version, policy_digest(library, kind, name), on)
    mine = findings_of(library, kind, name, findings=known)
    counted, doubts = _counted(approvals.get((kind, name)), on)
    chosen, refusals = chosen_signatures(said for said, _ in counted if _is_over(said, current))
    signatures = tuple(
        Signed(role, said.by, said.on, record)
        for role in _ORDER
        for said, record in counted
        if chosen.get(role) is said
    )
    reached = _reached(chosen)
    stop = _stopped(counted)
    if stop is not None and stop.act is Act.RETIRE:
        status, reasons = PolicyStatus.RETIRED, [words.stopped_by(stop)]
    elif reached is not PolicyStatus.APPROVED:
        status = reached
        reasons = [*_unsigned(current, counted, chosen), *refusals, *_blocked(mine)]
        reasons += [words.stopped_by(stop)] if stop else []
    else:
        status, reasons = _standing(current, mine, chosen[Role.COMPLIANCE_OFFICER], stop, approvals, known)
    terms = terms_of(library, kind, name)
    shown = tuple(dict.fromkeys([*doubts, *reasons]))
    step = words.next_step(status, chosen)
    return PolicyState(kind, name, policy.version, status, current.digest, shown, step, signatures, terms)


def findings_of(
    library: PolicyLibrary, kind: PolicyKind, name: str, *, findings: Iterable[Finding]
) -> tuple[Finding, ...]:
    """Return the findings that a signature of a policy is about: in its own file, and in what only it answers for.

    A release answers for its suite, hierarchies and rule packs; its datasets answer for themselves.
    """
    wanted = {(kind, name)}
    if kind is PolicyKind.RELEASE:
        wanted |= {key for key in foundations(library.release(name)) if key[0] is not PolicyKind.DATASET}
    files = {real_path(library.files[key]) for key in wanted if key in library.files}
    return tuple(one for one in findings if one.place.file and real_path(Path(one.place.file)) in files)


def chosen_signatures(statements: Iterable[Statement]) -> tuple[dict[Role, Statement], list[Text]]:
    """Choose the signatures that count among those over one digest, in the order they were made.

    Guarantee: the statements chosen are by different people; nobody who submitted signed in another role; a review
    follows a submission, an approval follows a review; nothing was submitted that the check blocked.

    Returns:
        The last counting statement of each role, and why others do not count.
    """
    chosen: dict[Role, Statement] = {}
    roles: dict[str, Role] = {}
    refusals: list[Text] = []
    for said in statements:
        if SIGNING.get(said.role) is not said.act:
            continue
        needed = {Role.AUTHOR: None, Role.DATA_STEWARD: Role.AUTHOR}.get(said.role, Role.DATA_STEWARD)
        if roles.setdefault(said.by, said.role) is not said.role:
            refusals.append(words.same_person(said, roles[said.by]))
        elif needed is not None and needed not in chosen:
            refusals.append(words.too_early(said, needed))
        elif said.check.block:
            refusals.append(words.signed_though_blocked(said))
        elif said.act is Act.APPROVE and said.role is Role.COMPLIANCE_OFFICER and not _has_accepted(said):
            refusals.append(words.hold_left_open(said))
        else:
            chosen[said.role] = said
    return chosen, refusals


@dataclass(frozen=True, slots=True)
class _Current:
    library: PolicyLibrary
    kind: PolicyKind
    name: str
    version: str
    digest: str
    on: date

    def parts(self) -> dict[str, str]:
        if self.kind is PolicyKind.RELEASE:
            return digests(self.library, release=self.name)
        return {f"{self.kind.value}/{self.name}": self.digest}


def parts_of(library: PolicyLibrary, kind: PolicyKind, name: str) -> dict[str, str]:
    """Return the digests of everything that a signature of a policy binds, by `kind/id`."""
    return _Current(library, kind, name, "", policy_digest(library, kind, name), date.min).parts()


def _is_over(said: Statement, current: _Current) -> bool:
    return (said.digest, said.version) == (current.digest, current.version)


def _counted(approvals: Approvals | None, on: date) -> tuple[list[tuple[Statement, str]], list[Text]]:
    counted: list[tuple[Statement, str]] = []
    doubts: list[Text] = []
    for judged in approvals.records if approvals else ():
        said = judged.statement
        if not judged.is_entitled:
            doubts.append(words.not_entitled(said))
        elif said.on > on:
            doubts.append(words.dated_later(said, on))
        else:
            counted.append((said, judged.record.digest))
    return counted, doubts


def _has_accepted(said: Statement) -> bool:
    return sum(hold.findings for hold in said.accepted_holds) >= said.check.hold


def _reached(chosen: Mapping[Role, Statement]) -> PolicyStatus:
    if all(role in chosen for role in _ORDER):
        return PolicyStatus.APPROVED
    return _REACHED[(Role.AUTHOR in chosen) + (Role.DATA_STEWARD in chosen)]


def _stopped(counted: Sequence[tuple[Statement, str]]) -> Statement | None:
    """Return the retirement, or the suspension that nobody lifted; both hold whatever the digest is."""
    stop: Statement | None = None
    for said, _ in counted:
        if said.act is Act.RETIRE:
            return said
        if said.act is Act.SUSPEND:
            stop = said
        elif said.act is Act.RESUME:
            stop = None
    return stop


def _unsigned(
    current: _Current, counted: Sequence[tuple[Statement, str]], chosen: Mapping[Role, Statement]
) -> list[Text]:
    older = [said for said, _ in counted if said.role in SIGNING and not _is_over(said, current)]
    if chosen:
        return [words.waits_for([role for role in _ORDER if role not in chosen])]
    if not older:
        return [words.nobody_signed()]
    last, parts = older[-1], current.parts()
    changed = sorted(key for key in {*parts, *last.parts} if parts.get(key) != last.parts.get(key))
    return [words.edited(last, current.version, changed)]


def _blocked(findings: Iterable[Finding]) -> list[Text]:
    found = tuple(findings)
    return [] if is_ok(found) else [words.blocked(summarize(found).block, _first_block(found))]


def _first_block(findings: Iterable[Finding]) -> str:
    return next(finding.rule for finding in findings if not is_ok([finding]))


def _standing(
    current: _Current,
    mine: Sequence[Finding],
    approval: Statement,
    stop: Statement | None,
    approvals: AllApprovals,
    known: Sequence[Finding],
) -> tuple[PolicyStatus, list[Text]]:
    """Say where a policy stands that all four have signed."""
    terms = terms_of(current.library, current.kind, current.name)
    lapsed = [words.stopped_by(stop)] if stop else []
    lapsed += [words.lapsed(term) for term in terms if term.is_over(current.on)]
    lapsed += _blocked(mine)
    lapsed += [words.new_hold(rule, count) for rule, count in unaccepted_holds(mine, approval.accepted_holds).items()]
    if current.kind is PolicyKind.RELEASE:
        for name in current.library.release(current.name).datasets:
            below = state_of(
                current.library, PolicyKind.DATASET, name, approvals=approvals, on=current.on, findings=known
            )
            lapsed += [] if below.is_active else [words.rests_on(below.name, below.status, below.reasons)]
    waiting = [words.not_begun(term) for term in terms if not term.is_begun(current.on)]
    if lapsed:
        return PolicyStatus.SUSPENDED, [*lapsed, *waiting]
    return (PolicyStatus.APPROVED, waiting) if waiting else (PolicyStatus.ACTIVE, [])
