"""Requests and decisions for tests: a request that fits, its changes, and what is decided of it."""

from datetime import date
from functools import cache
from typing import Any

from policies.decision.decide import decide
from policies.decision.mondo import Diseases
from policies.decision.mondo_files import shipped_diseases
from policies.decision.request import AccessRequest
from policies.decision.verdict import Decision, Verdict
from policies.decision.view import Circumstances
from policies.library import PolicyLibrary
from policies.vocabulary import ProhibitedUse, TermsClause
from tests.support import catalog_builders

DAY = date(2026, 12, 1)
EHDS, NBDC, NGMI = "ehds-alignment@2025-327", "nbdc@8", "ngmi@2026-06-01"
BASE = ("appi@2026-06-14", "house@2026-11-01")


def asking(**changes: Any) -> AccessRequest:
    """A request that fits the release of `catalog_builders` and every pack, with changes."""
    body: dict[str, Any] = {
        "release": "admissions-microdata",
        "release_version": "1.0.0",
        "recipient": "R-001",
        "users": ("r-hayashi", "r-mori"),
        "purpose": "糖尿病の入院経過の研究",
        "benefit": "重症化の予防",
        "duo": "DUO:0000007",
        "mondo": ("MONDO:0005148",),
        "ehds53": "e",
        "is_commercial": False,
        "uses": ("research",),
        "variables": ("stays.icd10", "stays.hba1c"),
        "minimum_reason": "経過を見るため",
        "pseudonymized_reason": "同じ人の経過を追うため",
        "ethics": {"committee_no": "ERC-2026-7", "approved_on": date(2026, 4, 1), "expires_on": date(2030, 3, 31)},
        "period_from": DAY,
        "period_to": date(2027, 11, 30),
        "security": "type1",
        "safeguards": "閉域環境",
        "accepted_prohibitions": tuple(ProhibitedUse),
        "accepted_terms": tuple(TermsClause),
    }
    return AccessRequest.model_validate({**body, **changes})


@cache
def _shipped() -> PolicyLibrary:
    return catalog_builders.library()


def decided(
    *,
    under: dict[str, Any] | None = None,
    packs: tuple[str, ...] = (),
    diseases: Diseases | None = None,
    circumstances: Circumstances | None = None,
    **request: Any,
) -> Decision:
    """Decide a request under a release; `under` and the keywords are changes of what fits."""
    policy = catalog_builders.release(**{"rule_packs": [*BASE, *packs], **(under or {})})
    return decide(
        asking(**request),
        policy,
        library=_shipped(),
        on=DAY,
        diseases=diseases or shipped_diseases(),
        circumstances=circumstances,
    )


def purposes(*duo: str, mondo: tuple[str, ...] = (), **conditions: Any) -> dict[str, Any]:
    """The part of a release that says what for: DUO ids, diseases, the facts of modifiers."""
    body: dict[str, Any] = {"duo": duo, "mondo": mondo, "text": {"ja": "研究", "en": "research"}}
    return {"purposes": {**body, "conditions": conditions} if conditions else body}


def strict(decision: Decision) -> dict[str, Verdict]:
    """Everything that refuses or asks, by its code."""
    return {each.code: each.verdict for each in (*decision.questions, *decision.refusals)}
