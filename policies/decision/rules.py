"""The register of checks on a request, and the rules that hold for every request whatever the packs say.

A rule of stage `requested` in a rule pack names one of these checks. A check takes the view of a request and the
parameters of its rule, and yields points; it reads no file and no clock. A pack adds reasons, it never takes one away:
the standing rules below run besides the packs, with their full weight.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from policies.applies import applicable_rules
from policies.decision import application, modifiers, parties, period, prohibitions, purpose
from policies.decision.verdict import Point
from policies.decision.view import RequestView
from policies.library import PolicyLibrary
from policies.model import ReleasePolicy
from policies.model.strictness import Text
from policies.rules.view import Parameters
from policies.vocabulary import Severity

RequestCheck = Callable[[RequestView, Parameters], Iterator[Point]]

REQUEST_CHECKS: Mapping[str, RequestCheck] = MappingProxyType(
    {
        "request_names_this_release": application.request_names_this_release,
        "delivery_is_offered": application.delivery_is_offered,
        "variables_are_released": application.variables_are_released,
        "data_are_necessary": application.data_are_necessary,
        "application_is_complete": application.application_is_complete,
        "answer_is_statistical": application.answer_is_statistical,
        "opt_outs_are_honored": application.opt_outs_are_honored,
        "terms_are_accepted": application.terms_are_accepted,
        "use_stays_within_research": application.use_stays_within_research,
        "recipient_is_listed": parties.recipient_is_listed,
        "security_suffices": parties.security_suffices,
        "country_is_safe": parties.country_is_safe,
        "user_is_not_excluded": parties.user_is_not_excluded,
        "users_are_named": parties.users_are_named,
        "purpose_is_inside": purpose.purpose_is_inside,
        "ehds_purpose_is_open": purpose.ehds_purpose_is_open,
        "care_is_seen_by_a_person": purpose.care_is_seen_by_a_person,
        "modifiers_are_met": modifiers.modifiers_are_met,
        "uses_are_not_prohibited": prohibitions.uses_are_not_prohibited,
        "prohibited_uses_are_renounced": prohibitions.prohibited_uses_are_renounced,
        "policy_is_valid": period.policy_is_valid,
        "own_approval_holds": period.own_approval_holds,
        "period_is_allowed": period.period_is_allowed,
        "permit_is_short": period.permit_is_short,
        "embargo_is_over": period.embargo_is_over,
    }
)
"""Checks of requests, by the name that a rule pack's `check:` uses."""


@dataclass(frozen=True, slots=True)
class RequestRule:
    """One rule as it is asked of a request: from a pack, or standing."""

    id: str
    citation: Text
    check: str
    severity: Severity = Severity.BLOCK
    parameters: Parameters = field(default_factory=lambda: MappingProxyType({}))


def _standing(rule: str, check: str, ja: str, en: str) -> RequestRule:
    return RequestRule(rule, Text(ja=ja, en=en), check)


STANDING: tuple[RequestRule, ...] = (
    _standing(
        "policy.release", "request_names_this_release", "公開ポリシーの id と版", "release policy, `id` and `version`"
    ),
    _standing("policy.delivery", "delivery_is_offered", "公開ポリシー delivery", "release policy, `delivery`"),
    _standing(
        "policy.validity", "policy_is_valid", "公開ポリシーの期間と承認", "release policy, its dates and approvals"
    ),
    _standing("policy.recipients", "recipient_is_listed", "公開ポリシー recipients", "release policy, `recipients`"),
    _standing(
        "NBDC-02", "security_suffices", "NBDCヒトデータ取扱いセキュリティガイドライン", "NBDC security guidelines"
    ),
    _standing("APPI-14", "country_is_safe", "個人情報保護法28条", "APPI art. 28"),
    _standing("EHDS-63", "user_is_not_excluded", "EHDS規則63条3項", "Regulation (EU) 2025/327 art. 63(3)"),
    _standing("APPI-07", "purpose_is_inside", "個人情報保護法17条・18条", "APPI arts. 17, 18"),
    _standing("EHDS-53", "ehds_purpose_is_open", "EHDS規則53条", "Regulation (EU) 2025/327 art. 53"),
    _standing("house.care", "care_is_seen_by_a_person", "機関内規則: 診療での利用", "house rule: use in care"),
    _standing("policy.purposes", "modifiers_are_met", "公開ポリシー purposes", "release policy, `purposes`"),
    _standing("EHDS-54", "uses_are_not_prohibited", "EHDS規則54条", "Regulation (EU) 2025/327 art. 54"),
    _standing(
        "APPI-20", "prohibited_uses_are_renounced", "公開ポリシー prohibited_uses", "release policy, `prohibited_uses`"
    ),
    _standing("policy.variables", "variables_are_released", "公開ポリシー tables", "release policy, `tables`"),
    _standing("policy.retention", "period_is_allowed", "公開ポリシー retention", "release policy, `retention`"),
    _standing("EHDS-68", "permit_is_short", "EHDS規則68条12項", "Regulation (EU) 2025/327 art. 68(12)"),
    _standing(
        "policy.embargo", "embargo_is_over", "公開ポリシー purposes.conditions", "release policy, `embargo_until`"
    ),
    _standing(
        "house.ethics", "own_approval_holds", "機関内規則: 倫理審査の有効期間", "house rule: validity of approvals"
    ),
    _standing("policy.terms", "terms_are_accepted", "公開ポリシー terms", "release policy, `terms`"),
    _standing("EHDS-71", "opt_outs_are_honored", "EHDS規則71条", "Regulation (EU) 2025/327 art. 71"),
    _standing("EHDS-69", "answer_is_statistical", "EHDS規則69条", "Regulation (EU) 2025/327 art. 69"),
)
"""What holds for every request. EHDS is not binding in Japan; its rules are here as house rules."""


def rules_of(release: ReleasePolicy, library: PolicyLibrary) -> tuple[RequestRule, ...]:
    """Return every rule that a request for a release is held against: the standing ones, then those of its packs."""
    asked = (rule for rule in applicable_rules(release, library) if rule.stage == "requested")
    packed = (
        RequestRule(rule.id, rule.citation, rule.check, rule.severity, MappingProxyType(dict(rule.parameters)))
        for rule in asked
    )
    return (*STANDING, *packed)


def points_of(view: RequestView, rules: Sequence[RequestRule]) -> Iterator[tuple[RequestRule, Point]]:
    """Run the checks of some rules; a rule without a check yields nothing, the caller refuses it."""
    for rule in rules:
        if rule.check in REQUEST_CHECKS:
            for point in REQUEST_CHECKS[rule.check](view, rule.parameters):
                yield rule, point
