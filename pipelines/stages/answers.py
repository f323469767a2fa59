"""The answer to every rule of a release as a deployment stands, and the gate: no release goes out past an open BLOCK rule."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from catalog.check_titles import names_of
from catalog.dossier_build import stage_answer
from pipelines.deployment import Deployment
from pipelines.stages.rule_evidence import checks_by_rule
from policies.answers import CaseCount, RuleAnswer, Signed, StageAnswer, Verdict, answer
from policies.approvals import Statement, unaccepted_holds
from policies.check import check
from policies.decision.cases import FOLDER, check_cases
from policies.errors import Place, PolicyError
from policies.findings import Finding
from policies.library import PolicyKind, PolicyLibrary
from policies.lifecycle import findings_of
from policies.model import ReleasePolicy
from policies.model.method import PrivateMethod
from policies.model.strictness import Text
from policies.roles import Role

Policies = tuple[PolicyKind, str]


def answers_of(deployment: Deployment, release: ReleasePolicy) -> tuple[RuleAnswer, ...]:
    """Answer every rule of a release from its policies, what the stages left, and who signed; today.

    Raises:
        IntegrityError: Records of approvals or of stages do not hold.
    """
    findings = check(deployment.library, on=deployment.settings.on)
    return answer(
        deployment.library,
        release.id,
        on=deployment.settings.on,
        findings=findings,
        checks=_stage_answers(deployment, release),
        cases=decision_cases(deployment.library, release.id),
        signed=_signed(deployment, release, findings),
    )


def refuse_open(release: ReleasePolicy, answers: Iterable[RuleAnswer], *, file: Path) -> None:
    """Refuse a release while a BLOCK rule that applies is not answered, or is broken.

    Raises:
        PolicyError: `rule.unanswered` or `rule.broken`; names each rule with what is missing.
    """
    open_ones = [one for one in answers if one.stops]
    if not open_ones:
        return
    broken = [one for one in open_ones if one.verdict is Verdict.BROKEN]
    listed = "; ".join(f"{one.rule} ({one.how.en} / {one.how.ja})" for one in broken or open_ones)
    kind = "broken" if broken else "not answered"
    raise PolicyError(
        "rule.broken" if broken else "rule.unanswered",
        what=f"{len(broken or open_ones)} rules of release '{release.id}' are {kind}: {listed}",
        why="a release goes out with every applicable clause kept, and shown to be kept",
        fix="run the stages that are named again; if a stage says nothing of a rule, the rule pack names a check it lacks",
        where=Place(str(file)),
    )


def decision_cases(library: PolicyLibrary, release: str) -> CaseCount:
    """Decide the cases of a release anew, and count those that are decided as their folder says."""
    decided = check_cases(library, paths=[library.root / FOLDER / release])
    right = sum(one.decision.verdict is one.expected for one in decided.decided)
    return CaseCount(right=right, wrong=len(decided.files) - right)


def signed_statements(deployment: Deployment, release: ReleasePolicy) -> dict[Policies, tuple[Statement, ...]]:
    """Return the statements that count today of a release and its datasets, in the order of the roles.

    Raises:
        IntegrityError: Records of approvals do not hold.
    """
    found = {}
    policies = [(PolicyKind.RELEASE, release.id), *((PolicyKind.DATASET, name) for name in release.datasets)]
    for kind, name in policies:
        chosen = {one.record for one in deployment.state(kind, name).signatures}
        records = deployment.approvals.book.of(kind, name).records
        found[kind, name] = tuple(one.statement for one in records if one.record.digest in chosen)
    return found


def signer_of(statement: Statement) -> Text:
    """Name a signer by role and id."""
    return Text(ja=f"{statement.role.ja} {statement.by}", en=f"{statement.role.en} {statement.by}")


def _stage_answers(deployment: Deployment, release: ReleasePolicy) -> dict[str, tuple[StageAnswer, ...]]:
    is_private = isinstance(release.method, PrivateMethod)
    names = names_of(deployment.library, release)
    return {
        rule: tuple(stage_answer(stage, found, is_private=is_private, names=names) for stage, found in pairs)
        for rule, pairs in checks_by_rule(deployment, release.id).items()
    }


def _signed(deployment: Deployment, release: ReleasePolicy, findings: Sequence[Finding]) -> Signed:
    statements = signed_statements(deployment, release)
    roles = {one.role for one in statements[PolicyKind.RELEASE, release.id]}
    accepted: dict[str, Text] = {}
    for (kind, name), said in statements.items():
        accepted |= _accepted(said, findings_of(deployment.library, kind, name, findings=findings))
    return Signed(roles=tuple(Text(ja=role.ja, en=role.en) for role in Role if role in roles), accepted=accepted)


def _accepted(said: Sequence[Statement], findings: Sequence[Finding]) -> Mapping[str, Text]:
    """Return by rule who accepted it; a rule with more findings than were accepted is not accepted."""
    return {
        hold.rule: signer_of(statement)
        for statement in said
        if statement.role is Role.COMPLIANCE_OFFICER
        for hold in statement.accepted_holds
        if hold.rule not in unaccepted_holds(findings, statement.accepted_holds)
    }
