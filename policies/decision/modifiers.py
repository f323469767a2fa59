"""Every DUO modifier of a policy, answered: met, not met, or a person must look because a fact is missing.

A modifier only adds points, so adding one never lets in what was refused without it. Facts come from the policy
(`purposes.conditions`) and the request; where the policy lacks one, the answer is a question, never a yes.

Source: GA4GH DUO, definitions of the terms, release of 2021-02-23.
"""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from policies.decision.duo import BY_ID, HEADINGS, DuoKind, DuoTerm, citation
from policies.decision.months import months_between
from policies.decision.uses import IntendedUse, Undertaking
from policies.decision.verdict import Point, Verdict, ask
from policies.decision.view import RequestView
from policies.model.strictness import Text
from policies.rules.view import Parameters
from policies.vocabulary import RecipientKind, TermsClause

_Answer = bool | None
"""Met, not met, or not known."""


def modifiers_are_met(view: RequestView, _: Parameters) -> Iterator[Point]:
    """Answer every modifier that the policy names, each once; an unknown code is a question."""
    for duo in dict.fromkeys(view.release.purposes.duo):
        term = BY_ID.get(duo)
        if term is None:
            text = HEADINGS.get(duo) or Text(ja="未知のコード", en="a code that DUO does not have")
            yield ask("modifier", f"{duo} は条件として読めません({text.ja})", f"{duo} says no condition: {text.en}")
        elif term.kind is DuoKind.MODIFIER:
            yield _answered(term, _ANSWERS[term.code](view))


def _answered(term: DuoTerm, answer: _Answer) -> Point:
    texts = {
        True: (f"条件「{term.label.ja}」を満たします", f"`{term.label.en}` is met"),
        False: (f"条件「{term.label.ja}」を満たしません", f"`{term.label.en}` is not met"),
        None: (f"条件「{term.label.ja}」は人の確認が必要です", f"whether `{term.label.en}` is met, a person must see"),
    }
    verdict = {True: Verdict.ADMIT, False: Verdict.REFUSE, None: Verdict.ASK}[answer]
    ja, en = texts[answer]
    return Point(f"modifier.{term.code}", verdict, Text(ja=ja, en=en), term.id, citation(term))


def _is_company(view: RequestView) -> bool:
    # Somebody who is not listed is not known to be without profit.
    return view.recipient is None or view.recipient.kind in {RecipientKind.COMPANY, RecipientKind.NGMI_USER}


def _ethics_approval(view: RequestView) -> _Answer:
    approval, on = view.request.ethics, view.on
    if approval is None:
        return False
    if approval.approved_on is not None and approval.approved_on > on:
        return False
    if approval.expires_on is None:
        return None
    return approval.expires_on >= on


def _uses_without(*closed: IntendedUse) -> Callable[[RequestView], _Answer]:
    def answer(view: RequestView) -> _Answer:
        return not set(closed) & set(view.request.uses) if view.request.uses else None

    return answer


def _genetic(view: RequestView) -> _Answer:
    return IntendedUse.GENETIC_STUDY in view.request.uses if view.request.uses else None


def _no_ancestry(view: RequestView) -> _Answer:
    return view.request.duo != "DUO:0000011" and IntendedUse.ANCESTRY_RESEARCH not in view.request.uses


def _place(view: RequestView) -> _Answer:
    countries = view.conditions.countries
    if not countries:
        return None
    return all(place in countries for place in (view.country, view.recipient and view.recipient.country))


def _publication_day(view: RequestView) -> _Answer:
    day, planned = view.conditions.publish_after, view.request.publishes_on
    if day is None:
        return None
    if planned is not None and planned < day:
        return False
    return view.on >= day or planned is not None or Undertaking.HOLD_PUBLICATION in view.request.undertakings


def _time(view: RequestView) -> _Answer:
    until, months = view.conditions.until, view.conditions.months
    if until is None and months is None:
        return None
    start, end = max(view.request.period_from, view.on), view.request.period_to
    return (until is None or end <= until) and (months is None or months_between(start, end) <= months)


def _users(view: RequestView) -> _Answer:
    approved, named = view.conditions.users, view.request.users
    return bool(named) and set(named) <= set(approved) if approved else None


def _project(view: RequestView) -> _Answer:
    return view.request.project in view.conditions.projects if view.conditions.projects else None


def _study_type(view: RequestView) -> _Answer:
    return view.request.study_type in view.conditions.study_types if view.conditions.study_types else None


def _institution(view: RequestView) -> _Answer:
    # Without a list of its own, the approved institutions are the release's recipients.
    listed = view.conditions.institutions
    return view.recipient is not None and (not listed or view.recipient.id in listed)


def _partner(view: RequestView) -> _Answer:
    if Undertaking.COLLABORATE not in view.request.undertakings:
        return False
    return view.request.partner == view.conditions.partner if view.conditions.partner else None


def _care(view: RequestView) -> _Answer:
    # The term says what is allowed besides; it opens nothing here, because care is always seen by a person.
    return None if IntendedUse.CLINICAL_CARE in view.request.uses else True


_ANSWERS: Mapping[str, Callable[[RequestView], _Answer]] = MappingProxyType(
    {
        "RS": _study_type,
        "NMDS": _uses_without(IntendedUse.METHODS_DEVELOPMENT, IntendedUse.ALGORITHM_TRAINING),
        "GSO": _genetic,
        "NPUNCU": lambda view: not (view.request.is_commercial or _is_company(view)),
        "PUB": lambda view: TermsClause.PUBLISH_RESULTS in view.request.accepted_terms,
        "COL": _partner,
        "IRB": _ethics_approval,
        "GS": _place,
        "MOR": _publication_day,
        "TS": _time,
        "US": _users,
        "PS": _project,
        "IS": _institution,
        "RTN": lambda view: Undertaking.RETURN_DATA in view.request.undertakings,
        "CC": _care,
        "NPOA": _no_ancestry,
        "NPU": lambda view: not _is_company(view),
        "NCU": lambda view: not view.request.is_commercial,
    }
)
