"""Faults of a release's conditions: rule packs, dates, suite, method, uses, recipients."""

import datetime
from collections import Counter
from collections.abc import Iterator, Sequence

from policies.library import PolicyKind, PolicyLibrary
from policies.model.method import AlleleFrequencies, ControlledRows, DpStatistics, DpSynthetic, Microdata, SmallCells
from policies.places import Key
from policies.rules.regimes import needed_regimes
from policies.rules.view import ANONYMIZED, PSEUDONYMIZED, Fault, ReleaseView
from policies.vocabulary import Delivery, OutputCategory, ProhibitedUse, RecipientKind, Severity

_METHODS: dict[OutputCategory, tuple[type, ...]] = {
    **dict.fromkeys(ANONYMIZED, (Microdata,)),
    **dict.fromkeys(PSEUDONYMIZED, (ControlledRows,)),
    OutputCategory.PERSONAL_DATA: (ControlledRows,),
    OutputCategory.STATISTICS: (DpStatistics, SmallCells, AlleleFrequencies),
    OutputCategory.SYNTHETIC: (DpSynthetic,),
}
"""Which methods make which category; what is not here is refused."""


def condition_faults(view: ReleaseView) -> Iterator[Fault]:
    """Check everything of a release that is not a column."""
    yield from _packs(view)
    yield from _future(view)
    yield from _cited_rules(view)
    yield from _dates(view)
    yield from _suite(view)
    yield from _method(view)
    yield from _people(view)


def _packs(view: ReleaseView) -> Iterator[Fault]:
    release, why = view.release, "a release is judged by the packs it lists, in force on the day"
    for index, name in enumerate(release.rule_packs):
        keys: tuple[Key, ...] = ("rule_packs", index)
        if name in release.rule_packs[:index] or regime_of(name) in map(regime_of, release.rule_packs[:index]):
            what = f"the regime '{regime_of(name)}' is listed twice"
            yield Fault("rule-pack-twice", what, "one regime has one text on one day", "keep one", keys)
        pack = view.library.rulepacks.get(name)
        if pack is None:
            if not view.library.is_broken(PolicyKind.RULEPACK, name):
                known = ", ".join(sorted(view.library.rulepacks))
                yield Fault("unknown-rule-pack", f"there is no rule pack '{name}'", why, f"use one of {known}", keys)
        elif not is_in_force(view.library, name, on=view.on):
            what = f"rule pack '{name}' is not in force on {view.on.isoformat()}"
            yield Fault("rule-pack-not-in-force", what, why, "list the pack that is", keys)
    listed_regimes = set(map(regime_of, release.rule_packs))
    for regime, fact in needed_regimes(view).items():
        if regime not in listed_regimes:
            what = f"no rule pack of {regime} is listed"
            yield Fault("rule-pack-missing", what, fact, "list it", ("rule_packs",))


def _future(view: ReleaseView) -> Iterator[Fault]:
    for index, basis in enumerate(view.release.future_bases or ()):
        what = f"the release names a basis that is not in force: {basis.en} ({basis.ja})"
        why = "what is enacted and not in force permits nothing; rule packs of its day will say what it asks"
        fix = "keep the draft, and rest the release on the law in force"
        yield Fault("future-basis", what, why, fix, ("future_bases", index))


def regime_of(pack: str) -> str:
    """Return the regime of a rule pack's id: what stands before its date or edition."""
    return pack.split("@", 1)[0]


def is_in_force(library: PolicyLibrary, pack: str, *, on: datetime.date) -> bool:
    """Return whether a rule pack of the library is in force on a day; a pack without a date never is."""
    found = library.rulepacks.get(pack)
    if found is None or found.in_force_from is None or on < found.in_force_from:
        return False
    return found.in_force_to is None or on <= found.in_force_to


def _cited_rules(view: ReleaseView) -> Iterator[Fault]:
    packs = [view.library.rulepacks[name] for name in view.release.rule_packs if name in view.library.rulepacks]
    if len(packs) != len(view.release.rule_packs):
        return
    known = {rule.id for pack in packs for rule in pack.rules}
    for fate in view.fates:
        if fate.column.rule not in known:
            what = f"{fate.name} cites {fate.column.rule}, which no listed rule pack has"
            fix = "cite a rule of the listed packs, or list its pack"
            yield Fault("unknown-rule", what, "a treatment serves a rule that can be read", fix, (*fate.keys, "rule"))


def _dates(view: ReleaseView) -> Iterator[Fault]:
    release, on = view.release, view.on
    why = "an approval holds for its time only"
    if release.review_due <= release.effective_from:
        what = "the review is due before the release is effective"
        yield Fault("review-order", what, why, "correct the dates", ("review_due",))
    elif release.review_due < on:
        yield Fault("review-overdue", "the review of this release is overdue", why, "review it", ("review_due",))
    if on < release.effective_from:
        what = f"the release is not effective before {release.effective_from.isoformat()}"
        fix = "publish it on that day or later"
        yield Fault("not-yet-effective", what, why, fix, ("effective_from",), Severity.HOLD)
    ethics = release.ethics
    if ethics is not None and not ethics.approved_on <= on <= ethics.expires_on:
        what = "the ethics approval does not cover the day"
        yield Fault("ethics-expired", what, why, "have it renewed", ("ethics", "expires_on"))


def _suite(view: ReleaseView) -> Iterator[Fault]:
    quality, why = view.release.quality, "a release is judged by the suite that it names"
    suite = view.library.suites.get(quality.suite)
    if suite is None:
        if not view.library.is_broken(PolicyKind.SUITE, quality.suite):
            what = f"there is no quality suite '{quality.suite}'"
            fix = f"write quality/{quality.suite}.json"
            yield Fault("unknown-suite", what, why, fix, ("quality", "suite"))
        return
    covered = dimensions_of(suite)
    missing = [dimension.value for dimension in quality.dimensions if dimension.value not in covered]
    if missing:
        what = f"suite '{quality.suite}' has no expectation about {', '.join(missing)}"
        fix = 'tag expectations with `"meta": {"dimension": "…"}`, or do not list the dimension'
        yield Fault("suite-dimension", what, why, fix, ("quality", "dimensions"))


def dimensions_of(suite: object) -> frozenset[str]:
    """Return the quality dimensions that the expectations of a suite are tagged with (`meta.dimension`)."""
    expectations = suite.get("expectations") if isinstance(suite, dict) else None
    metas = [each.get("meta") for each in expectations or () if isinstance(each, dict)]
    return frozenset(str(meta["dimension"]) for meta in metas if isinstance(meta, dict) and "dimension" in meta)


def _method(view: ReleaseView) -> Iterator[Fault]:
    release = view.release
    allowed = _METHODS[release.output_category]
    if not isinstance(release.method, allowed):
        what = f"method '{release.method.kind}' does not make {release.output_category.en}"
        fix = "correct `output_category` or `method.kind`"
        yield Fault("method-category", what, "a category is a promise that its method keeps", fix, ("method", "kind"))
    if isinstance(release.method, ControlledRows):
        yield from _environment(release.method, release.delivery)
    projects = {dataset.project for dataset in view.datasets.values()}
    if isinstance(release.method, ControlledRows) and len(projects) > 1:
        what = f"the datasets belong to {len(projects)} projects"
        why = "pseudonyms of different projects do not agree, so people cannot be found in both"
        fix = "give the datasets the same `project`, if the same people may be linked"
        yield Fault("different-projects", what, why, fix, ("tables",))


def _environment(method: ControlledRows, delivery: Sequence[Delivery]) -> Iterator[Fault]:
    """Check that rows which stay in an environment are delivered there, and nowhere else."""
    stays = method.environment == "secure_environment"
    wrong = Delivery.EXTRACT if stays else Delivery.SECURE_ENVIRONMENT
    if wrong in delivery or (stays and Delivery.SECURE_ENVIRONMENT not in delivery):
        what = f"the rows are in a {method.environment}, and the delivery is another"
        why = "rows that stay in an environment are not handed out as well"
        fix = "write the same in `method.environment` and `delivery`"
        yield Fault("environment-delivery", what, why, fix, ("delivery",))


def _people(view: ReleaseView) -> Iterator[Fault]:
    release = view.release
    is_personal = release.output_category in PSEUDONYMIZED | {OutputCategory.PERSONAL_DATA}
    is_open = Delivery.OPEN in release.delivery
    for index, recipient in enumerate(release.recipients):
        if is_personal and recipient.kind is RecipientKind.PUBLIC:
            what = f"recipient {recipient.id} is the public"
            yield Fault("open-delivery", what, "the rows are about people", "remove it", ("recipients", index, "kind"))
    if is_personal and is_open:
        what = "personal data are delivered openly"
        yield Fault("open-delivery", what, "the rows are about people", "use `extract`", ("delivery",))
    repeated = [name for name, times in Counter(each.id for each in release.recipients).items() if times > 1]
    if repeated:
        what = f"recipients are listed twice: {', '.join(repeated)}"
        yield Fault("duplicate-recipient", what, "an id is one recipient", "keep one", ("recipients",))
    may_pass_on = {ProhibitedUse.ONWARD_TRANSFER} if is_open else set()
    missing = [use for use in ProhibitedUse if use not in release.prohibited_uses and use not in may_pass_on]
    if missing:
        what = f"prohibited uses are missing: {', '.join(missing)}"
        why = "no release allows them (APPI 41(7)(8), 43(5), 45; EHDS 54)"
        yield Fault("prohibited-uses", what, why, "list them", ("prohibited_uses",))
