"""What a policy rests on for a time only: reviews, ethics approvals, certifications, budget periods, rule packs.

Every date field of a policy model is named here as a first day, a last day, or neither, by its name alone: a new model
with a last day that follows the names suspends its policies by itself. A test holds that no date field is forgotten.
A known false alarm of the scanner suspends nothing: after its last day the alarm itself counts again.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from policies.applies import packs_of
from policies.library import PolicyKind, PolicyLibrary
from policies.model.scan import FalseAlarm
from policies.model.strictness import PolicyModel, Text

FIRST_DAYS = frozenset({"effective_from", "valid_from", "period_from", "in_force_from"})
LAST_DAYS = frozenset({"review_due", "expires_on", "valid_to", "period_to", "in_force_to", "until"})
NEITHER = frozenset(
    {
        "accepted_on",
        "approved_on",
        "assessed_on",
        "checked_on",
        "counted_on",
        "created_on",
        "described_on",
        "determined_on",
        "embargo_until",
        "filed_on",
        "final_report_on",
        "first_provided_on",
        "first_report_on",
        "items_published_on",
        "noticed_on",
        "notice_on",
        "notified_on",
        "people_told_on",
        "publish_after",
        "published_on",
        "reviewed_on",
        "temporal_from",
        "temporal_to",
    }
)
"""Dates of acts and of what the data cover: rules judge them, they do not run out."""

_WORDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "effective_from": ("公開の開始日", "first day of the release"),
        "review_due": ("見直し期限", "review of the policy"),
        "conditions": ("利用条件の期限", "time limit of use"),
        "expert": ("専門家による判定", "expert determination"),
        "ethics": ("倫理審査の承認", "ethics approval"),
        "budget": ("プライバシー予算の期間", "period of the privacy budget"),
        "certification": ("認定", "certification"),
        "contract": ("契約", "contract"),
        "rulepack": ("規則パック", "rule pack"),
    }
)


@dataclass(frozen=True, slots=True)
class Term:
    """One thing that holds from a day to a day, both included; null has no end on that side."""

    what: Text
    where: str
    from_on: date | None
    to_on: date | None

    def is_begun(self, on: date) -> bool:
        """Return whether the first day is there."""
        return self.from_on is None or self.from_on <= on

    def is_over(self, on: date) -> bool:
        """Return whether the last day is past."""
        return self.to_on is not None and self.to_on < on


def terms_of(library: PolicyLibrary, kind: PolicyKind, name: str) -> tuple[Term, ...]:
    """Return everything that a release or a dataset rests on for a time; the earliest end first.

    Rule packs are those that a release lists. What a release's datasets rest on is theirs: they suspend themselves.
    """
    if kind is PolicyKind.RELEASE:
        release = library.release(name)
        found = [*_terms(release, ())]
        for pack in packs_of(release, library):
            ja, en = _WORDS["rulepack"]
            what = Text(ja=f"{ja} {pack.id}", en=f"{en} {pack.id}")
            found.append(Term(what, f"rule_packs.{pack.id}", pack.in_force_from or date.max, pack.in_force_to))
    else:
        found = [*_terms(library.dataset(name), ())]
    return tuple(sorted(found, key=lambda term: (term.to_on or date.max, term.where)))


def _terms(model: PolicyModel, path: tuple[str, ...]) -> Iterator[Term]:
    if isinstance(model, FalseAlarm):
        return
    first = {field: getattr(model, field) for field in type(model).model_fields if field in FIRST_DAYS}
    last = {field: getattr(model, field) for field in type(model).model_fields if field in LAST_DAYS}
    if len(first) == len(last) == 1 and not path:
        yield from (_term((*path, field), day, None) for field, day in first.items() if day)
        yield from (_term((*path, field), None, day) for field, day in last.items() if day)
    elif first or last:
        begin, end = next(iter(first.values()), None), next(iter(last.values()), None)
        if begin or end:
            yield _term((*path, next(iter(last or first))), begin, end)
    for field in type(model).model_fields:
        yield from _inside(getattr(model, field), (*path, field.rstrip("_")))


def _inside(value: object, path: tuple[str, ...]) -> Iterator[Term]:
    if isinstance(value, PolicyModel):
        yield from _terms(value, path)
    elif isinstance(value, tuple):
        for index, each in enumerate(value):
            yield from _inside(each, (*path, str(getattr(each, "id", index))))


def _term(path: tuple[str, ...], begin: date | None, end: date | None) -> Term:
    keys = (key for part in reversed(path) for key in (part, part.removesuffix("s")))
    named = next((_WORDS[key] for key in keys if key in _WORDS), None)
    where = ".".join(path)
    ja, en = named or (f"{where} の有効期間", f"the term of {where}")
    return Term(Text(ja=ja, en=en), where, begin, end)
