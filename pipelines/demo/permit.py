"""The demo's permit: a made-up researcher asks for the controlled release, an officer approves, the extract is sealed.

The recipient's secret key lies in the demo's own folder only because the demo plays the recipient, too.
"""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from catalog.access import Actor, Event, EventKind, Request, RequestForm, Role, State
from catalog.extracts import verify_extract
from catalog.sealing import write_key_pair
from pipelines.deployment import Deployment
from pipelines.stages.extracted import build_permitted
from policies.decision.uses import IntendedUse
from policies.decision.view import Circumstances
from policies.library import PolicyKind
from policies.vocabulary import TermsClause

RELEASE = "cohort-controlled"
APPLICANT = "researcher.aoki"
OFFICER = Actor("officer.mori", frozenset({Role.COMPLIANCE}))


@dataclass(frozen=True, slots=True)
class DemoExtract:
    """Where the demo's extract and its recipient's keys lie."""

    permit_id: str
    folder: Path
    secret_key: Path
    public_key: Path
    files: int


def deliver_demo_extract(deployment: Deployment) -> DemoExtract:
    """Ask, approve, build and verify the extract of the controlled release; a second run finds it there.

    Raises:
        NijiError: A step was refused.
    """
    keys = deployment.settings.home / "demo" / "recipient"
    request = _granted(deployment) or _grant(deployment, keys)
    permit = request.permit
    if permit is None:
        raise LookupError(RELEASE)  # an approved request has a permit; `access.apply_event` makes both at once
    folder = deployment.settings.home / "outbox" / permit.id
    if not folder.exists():
        build_permitted(deployment, permit.id)
    extract = verify_extract(folder, deployment.keys.signing_keys())
    return DemoExtract(
        permit.id, folder, keys.with_name("recipient.sec"), keys.with_name("recipient.pub"), len(extract.manifest.files)
    )


def _granted(deployment: Deployment) -> Request | None:
    found = deployment.store.requests(state=State.APPROVED)
    mine = (one for one in found if one.form.release == RELEASE and one.form.applicant == APPLICANT)
    return next(mine, None)


def _grant(deployment: Deployment, keys: Path) -> Request:
    today = deployment.settings.on
    release = deployment.library.release(RELEASE)
    keys.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not keys.with_name("recipient.pub").exists():
        write_key_pair(keys)
    form = RequestForm(
        release=RELEASE,
        release_version=release.version,
        applicant=APPLICANT,
        institution="国立大学法人 北辰大学(架空)",
        recipient=release.recipients[0].id,
        purpose="慢性腎臓病の遺伝要因と入院経過の関連を調べる研究(デモ)",
        benefit="慢性腎臓病の重症化予防",
        uses=(IntendedUse.RESEARCH, IntendedUse.GENETIC_STUDY),
        minimum_reason="遺伝型と入院経過を同じ人について見る必要がある",
        pseudonymized_reason="匿名加工では遺伝型と経過を対応させられない",
        safeguards="機関内の閉域環境でのみ扱い、操作を記録する",
        duo="DUO:0000006",
        ehds53="e",
        commercial=False,
        ethics_approval=release.ethics.committee_no if release.ethics else None,
        ethics_approved_on=release.ethics.approved_on if release.ethics else None,
        ethics_expires_on=release.ethics.expires_on if release.ethics else None,
        period_from=today,
        period_to=today + timedelta(days=365),
        security="type2",
        accepted_prohibitions=release.prohibited_uses,
        accepted_terms=tuple(TermsClause),
        recipient_public_key=keys.with_name("recipient.pub").read_text("ascii"),
    )
    request = deployment.desk.submit(form, on=today)
    standing = Circumstances(policy_is_active=deployment.state(PolicyKind.RELEASE, RELEASE).is_active)
    event = Event(EventKind.APPROVE, OFFICER, today)
    return deployment.desk.decide(request.id, event, library=deployment.library, circumstances=standing)
