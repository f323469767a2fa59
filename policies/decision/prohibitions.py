"""Uses that nobody may have: refused whatever a policy permits, and renounced by whoever asks."""

from collections.abc import Iterator

from policies.decision.uses import PROHIBITIONS
from policies.decision.verdict import Point, Verdict, admit, hold
from policies.decision.view import RequestView
from policies.model.strictness import Text
from policies.rules.view import Parameters, words


def uses_are_not_prohibited(view: RequestView, parameters: Parameters) -> Iterator[Point]:
    """EHDS-54: no intended use is prohibited; one that is refuses the whole, whatever else the request says.

    Parameter `prohibited`: what a pack prohibits beyond `uses.PROHIBITIONS`; a pack cannot take one from there.
    """
    further = words(parameters, "prohibited") if "prohibited" in parameters else ()
    found = [use for use in dict.fromkeys(view.request.uses) if use in PROHIBITIONS or use.value in further]
    for use in found:
        text = Text(ja=f"禁止された利用です: {use.ja}", en=f"the use is prohibited: {use.en}")
        source = PROHIBITIONS.get(use)
        where = (source.rule, source.citation) if source else ("", None)
        yield Point("prohibited-use", Verdict.REFUSE, text, *where)
    if not found:
        yield admit("prohibited-use", "禁止された利用は申請されていません", "no prohibited use is asked for")


def prohibited_uses_are_renounced(view: RequestView, _: Parameters) -> Iterator[Point]:
    """APPI-20: the applicant undertakes to refrain from every use that the policy prohibits."""
    missing = [use for use in view.release.prohibited_uses if use not in view.request.accepted_prohibitions]
    yield hold(
        "prohibited-uses",
        not missing,
        yes=("禁止される利用をすべて承諾しています", "every prohibited use is renounced"),
        no=(
            "承諾のない禁止事項: " + "、".join(use.ja for use in missing),
            "prohibited uses not renounced: " + ", ".join(use.en for use in missing),
        ),
    )
