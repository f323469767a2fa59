"""What a decision is made of: verdicts, the points that checks yield, reasons with rule and citation, the whole.

Belongs here: the records and how points weigh. Does not: any check.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from policies.model.strictness import Text
from policies.vocabulary import Labelled, Severity


class Verdict(Labelled):
    """What the machine says of a point, or of the whole request."""

    ADMIT = "admit", "可", "admit"
    ASK = "ask", "要確認", "a person must look"
    REFUSE = "refuse", "不可", "refuse"


_STRICTNESS = {Verdict.ADMIT: 0, Verdict.ASK: 1, Verdict.REFUSE: 2}


def strictest(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the strictest of some verdicts; nothing said admits nothing, so none gives a question."""
    return max(verdicts, key=_STRICTNESS.__getitem__, default=Verdict.ASK)


@dataclass(frozen=True, slots=True)
class Point:
    """What a check says of one thing; `rule` and `citation` only where it rests on another source than its rule."""

    code: str
    verdict: Verdict
    text: Text
    rule: str = ""
    citation: Text | None = None


@dataclass(frozen=True, slots=True)
class Reason:
    """One point of a decision: its code, the verdict on it, a sentence, the rule it serves and where that is written."""

    code: str
    verdict: Verdict
    text: Text
    rule: str
    citation: Text

    def as_json(self) -> dict[str, object]:
        """Return the reason as plain JSON values."""
        return {
            "code": self.code,
            "verdict": self.verdict.value,
            "rule": self.rule,
            "citation": {"ja": self.citation.ja, "en": self.citation.en},
            "ja": self.text.ja,
            "en": self.text.en,
        }


@dataclass(frozen=True, slots=True)
class Decision:
    """All points of one request on one day; refused if one point is, asked if one is and none is refused."""

    reasons: tuple[Reason, ...]
    on: date | None = None

    @property
    def verdict(self) -> Verdict:
        """The verdict on the whole: the strictest of the points; without any point, a question."""
        return strictest(reason.verdict for reason in self.reasons)

    @property
    def refusals(self) -> tuple[Reason, ...]:
        """The points that forbid an approval."""
        return tuple(reason for reason in self.reasons if reason.verdict is Verdict.REFUSE)

    @property
    def questions(self) -> tuple[Reason, ...]:
        """The points that a person must settle."""
        return tuple(reason for reason in self.reasons if reason.verdict is Verdict.ASK)

    def as_json(self) -> dict[str, object]:
        """Return verdict and reasons as plain JSON values."""
        return {
            "verdict": self.verdict.value,
            "on": self.on.isoformat() if self.on else None,
            "reasons": [reason.as_json() for reason in self.reasons],
        }


def admit(code: str, ja: str, en: str) -> Point:
    """Return a point that stands in nobody's way."""
    return Point(code, Verdict.ADMIT, Text(ja=ja, en=en))


def ask(code: str, ja: str, en: str) -> Point:
    """Return a point that a person must look at."""
    return Point(code, Verdict.ASK, Text(ja=ja, en=en))


def refuse(code: str, ja: str, en: str) -> Point:
    """Return a point that forbids an approval."""
    return Point(code, Verdict.REFUSE, Text(ja=ja, en=en))


def hold(code: str, holds: bool, *, yes: tuple[str, str], no: tuple[str, str]) -> Point:
    """Return an admitting point if something holds, a refusing one if not; the texts are (Japanese, English)."""
    return admit(code, *yes) if holds else refuse(code, *no)


def weighed(verdict: Verdict, severity: Severity) -> Verdict:
    """Return what a point weighs under a rule: HOLD asks where BLOCK refuses, WARN is said and stops nothing."""
    if severity is Severity.WARN:
        return Verdict.ADMIT
    if severity is Severity.HOLD and verdict is Verdict.REFUSE:
        return Verdict.ASK
    return verdict
