"""Decide a request: (policy, request, day) → admit, refuse, or a person must look, with every reason.

A pure function. The machine's verdict is a barrier where it refuses, a list of questions where it cannot know, and a
proposal to the compliance officer where it admits.
"""

from collections.abc import Iterator, Sequence
from datetime import date

from policies.decision.mondo import Diseases
from policies.decision.request import AccessRequest
from policies.decision.rules import REQUEST_CHECKS, RequestRule, points_of, rules_of
from policies.decision.verdict import Decision, Point, Reason, Verdict, refuse, weighed
from policies.decision.view import Circumstances, RequestView, listed_recipient
from policies.library import PolicyLibrary
from policies.model import ReleasePolicy
from policies.model.strictness import Text
from policies.rules.conditions import is_in_force

_NO_DISEASES = Diseases({})


def decide(
    request: AccessRequest,
    release: ReleasePolicy,
    *,
    library: PolicyLibrary,
    on: date,
    diseases: Diseases | None = None,
    circumstances: Circumstances | None = None,
) -> Decision:
    """Decide a request for a release on a day.

    Args:
        request: What is asked for.
        release: The policy asked under.
        library: Where the release's rule packs and datasets are.
        on: The day of the decision.
        diseases: What is known of diseases; none if not given, so that only equal ids are known to lie inside.
        circumstances: What only the platform knows; nothing if not given.

    Guarantee: the verdict does not depend on the order of rules, packs, codes or uses. A reason that refuses refuses the
    whole: no permission, modifier or pack that is added takes it away. What a check cannot know is a question.
    Not guaranteed: that what the applicant writes is true.
    """
    view = RequestView(
        request=request,
        release=release,
        recipient=listed_recipient(request, release),
        on=on,
        diseases=diseases or _NO_DISEASES,
        circumstances=circumstances or Circumstances(),
        datasets={name: library.datasets[name] for name in release.datasets if name in library.datasets},
    )
    reasons = [*_packs(release, library, on=on), *judge(view, rules_of(release, library))]
    return Decision(tuple(dict.fromkeys(reasons)), on)


def judge(view: RequestView, rules: Sequence[RequestRule]) -> Iterator[Reason]:
    """Yield what the rules say of a request; a rule whose check is not there refuses, for nobody would hold it."""
    for rule, point in points_of(view, rules):
        yield _reason(rule, point)
    for rule in rules:
        if rule.check not in REQUEST_CHECKS:
            unknown = refuse("unknown-check", "この規則を確かめる検査がありません", "there is no check for this rule")
            yield _reason(rule, unknown)


def _reason(rule: RequestRule, point: Point) -> Reason:
    return Reason(
        code=point.code,
        verdict=weighed(point.verdict, rule.severity),
        text=point.text,
        rule=point.rule or rule.id,
        citation=point.citation or rule.citation,
    )


def _packs(release: ReleasePolicy, library: PolicyLibrary, *, on: date) -> Iterator[Reason]:
    for name in dict.fromkeys(release.rule_packs):
        if not is_in_force(library, name, on=on):
            yield Reason(
                "rule-pack",
                Verdict.REFUSE,
                Text(
                    ja=f"規則集 {name} はこの日に施行されていません",
                    en=f"the rule pack {name} is not there, or not in force on this day",
                ),
                "policy.rule-packs",
                Text(ja="公開ポリシー rule_packs", en="release policy, `rule_packs`"),
            )
