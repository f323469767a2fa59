"""Rules of law that is enacted and not in force, or in force later: nothing may rest on it before its day."""

from collections.abc import Iterator

from policies.rules.view import Parameters, Problem, ReleaseView, words
from policies.vocabulary import ProhibitedUse


def exception_is_in_force(view: ReleaseView, parameters: Parameters) -> Iterator[Problem]:
    """APPI26-01: a release that lists the pack of an amendment relies on it; before its day that is refused."""
    regime = words(parameters, "regime")
    for index, name in enumerate(view.release.rule_packs):
        pack = view.library.rulepacks.get(name)
        if pack is None or name.split("@", 1)[0] not in regime:
            continue
        if pack.in_force_from is None or view.on < pack.in_force_from:
            what = f"the release relies on '{name}', which is enacted and not in force (未施行)"
            yield Problem(what, "take it out, and rest on the law in force", ("rule_packs", index))


def statistics_exception_has_conditions(view: ReleaseView, _: Parameters) -> Iterator[Problem]:
    """APPI26-02: the exception for making statistics asks publication, a written agreement, and no onward provision."""
    release = view.release
    if release.publication is None:
        yield Problem("nothing is published about the provision", "write `publication`", ("rule_packs",))
    for index, recipient in enumerate(release.recipients):
        if not recipient.contract:
            yield Problem(
                f"recipient {recipient.id} has no written agreement", "write `contract`", ("recipients", index)
            )
    if ProhibitedUse.ONWARD_TRANSFER not in release.prohibited_uses:
        yield Problem("onward provision is not prohibited", "prohibit `onward_transfer`", ("prohibited_uses",))
