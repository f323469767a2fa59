"""The demo's question: a made-up researcher's data request for statistics, approved by an officer, and the question as a file.

It is planned and answered by who tries the demo (`niji dp plan`, `niji dp answer`): answering charges the account, and a
demo should not spend for anybody.
"""

import json
from datetime import timedelta
from pathlib import Path

from catalog.access import Event, EventKind, Request, RequestForm, State
from pipelines.demo.permit import APPLICANT, OFFICER
from pipelines.deployment import Deployment
from policies.decision.uses import IntendedUse
from policies.decision.view import Circumstances
from policies.library import PolicyKind
from policies.vocabulary import TermsClause

RELEASE = "admissions-statistics"
COHORT = {"sex": ["2"], "age": ["60-69", "70-79"]}


def write_demo_question(deployment: Deployment, public_key: str) -> Path:
    """Ask for statistics, approve it, and write a question under that permit; a second run finds both.

    Args:
        deployment: The demo's deployment; its releases are published.
        public_key: The demo recipient's key in its text form.

    Raises:
        NijiError: A step was refused.
    """
    request = _granted(deployment) or _grant(deployment, public_key)
    path = deployment.settings.home / "demo" / "question.json"
    question = {
        "request": request.id,
        "release": RELEASE,
        "statistic": "people",
        "table": "admissions",
        "by": ["department"],
        "where": COHORT,
        "rho": "0.005",
    }
    path.write_text(json.dumps(question, ensure_ascii=False, indent=2) + "\n", "utf-8")
    return path


def _granted(deployment: Deployment) -> Request | None:
    found = deployment.store.requests(state=State.APPROVED)
    mine = (one for one in found if one.form.release == RELEASE and one.form.applicant == APPLICANT)
    return next(mine, None)


def _grant(deployment: Deployment, public_key: str) -> Request:
    today = deployment.settings.on
    release = deployment.library.release(RELEASE)
    form = RequestForm(
        release=RELEASE,
        release_version=release.version,
        applicant=APPLICANT,
        institution="国立大学法人 北辰大学(架空)",
        recipient=release.recipients[0].id,
        purpose="高齢の女性の入院を診療科別に数える研究(デモ)",
        benefit="診療科の病床計画",
        uses=(IntendedUse.RESEARCH,),
        minimum_reason="公開の表に、この集団の診療科別の人数がない",
        safeguards="機関内の閉域環境でのみ扱い、操作を記録する",
        duo="DUO:0000006",
        ehds53="e",
        commercial=False,
        country="JP",
        answer="statistics",
        ethics_approval="ERC-2026-7",
        ethics_approved_on=today - timedelta(days=30),
        ethics_expires_on=today + timedelta(days=1000),
        period_from=today,
        period_to=today + timedelta(days=365),
        security="type2",
        accepted_prohibitions=release.prohibited_uses,
        accepted_terms=tuple(TermsClause),
        recipient_public_key=public_key,
    )
    request = deployment.desk.submit(form, on=today)
    standing = Circumstances(policy_is_active=deployment.state(PolicyKind.RELEASE, RELEASE).is_active)
    event = Event(EventKind.APPROVE, OFFICER, today)
    return deployment.desk.decide(request.id, event, library=deployment.library, circumstances=standing)
