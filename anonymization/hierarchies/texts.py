"""Texts: characters hidden from one side, and values by how frequent they are in public.

Neither looks at the data: redaction goes by the length, frequency by the counts of the policy.
"""

from functools import partial

from anonymization.hierarchy import ROOT, Rule
from policies.model.ladders import FrequencyLevels, RedactionLevels


def redaction_rule(levels: RedactionLevels) -> Rule:
    """Return the rule that hides the characters of a text, level by level; a text longer than `length` is unknown."""
    return partial(_redacted, levels=levels)


def redaction_domain(levels: RedactionLevels) -> tuple[int, ...] | None:
    """Return how many texts a label stands for at each level, if the alphabet is declared: its size to the hidden places.

    Source: ARX 3.9, DomainShareRedaction.
    """
    if levels.alphabet is None:
        return None
    return tuple(levels.alphabet**hidden for hidden in (0, *levels.hidden, levels.length))


def _redacted(value: str, *, levels: RedactionLevels) -> tuple[str, ...] | None:
    if len(value) > levels.length:
        return None
    adjust = value.ljust if levels.align == "left" else value.rjust
    text = adjust(levels.length, levels.pad)
    return (value, *(_hide(text, hidden, levels) for hidden in levels.hidden), ROOT)


def _hide(text: str, hidden: int, levels: RedactionLevels) -> str:
    mask = levels.character * hidden
    return text[: len(text) - hidden] + mask if levels.from_side == "right" else mask + text[hidden:]


def frequency_rows(levels: FrequencyLevels) -> list[tuple[str, ...]]:
    """Return a row for each value: itself, at each level itself or `other`, `*`; the most frequent first.

    Values that are equally frequent stay or go together: which of them should stay, nothing public says.
    """
    ranked = sorted(levels.counts, key=lambda value: (-levels.counts[value], value))
    kept = [_frequent(ranked, levels, keep) for keep in levels.keep]
    return [(value, *(value if value in stay else levels.other for stay in kept), ROOT) for value in ranked]


def _frequent(ranked: list[str], levels: FrequencyLevels, keep: int) -> frozenset[str]:
    if keep >= len(ranked):
        return frozenset(ranked)
    first_out = levels.counts[ranked[keep]]
    return frozenset(value for value in ranked[:keep] if levels.counts[value] > first_out)
