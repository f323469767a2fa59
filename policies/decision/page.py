"""A decision in words: a verdict, then every reason with its rule and where that is written."""

from collections.abc import Iterator

from policies.decision.verdict import Decision, Verdict
from policies.sentences import Bilingual, Language, say

_HEADS: dict[Verdict, Bilingual] = {
    Verdict.ADMIT: ("提供できます", "ADMIT: the request fits the policy"),
    Verdict.ASK: ("人による確認が必要です", "ASK: a person must look"),
    Verdict.REFUSE: ("提供できません", "REFUSE: the request does not fit the policy"),
}


def verdict_line(decision: Decision, *, language: Language) -> str:
    """Return the verdict as one line, with the day."""
    on = decision.on.isoformat() if decision.on else ""
    head = say(_HEADS[decision.verdict], language)
    return f"{head}({on})" if language == "ja" else f"{head} ({on})"


def reason_lines(decision: Decision, *, language: Language) -> Iterator[str]:
    """Yield every reason as one line, the strictest first: verdict, code, sentence, rule, citation."""
    for verdict in (Verdict.REFUSE, Verdict.ASK, Verdict.ADMIT):
        for reason in decision.reasons:
            if reason.verdict is verdict:
                text, citation = say((reason.text.ja, reason.text.en), language), reason.citation
                source = f"{reason.rule}: {say((citation.ja, citation.en), language)}"
                label = say((verdict.ja, verdict.value), language)
                yield f"[{label}] {reason.code}: {text} ({source})"
