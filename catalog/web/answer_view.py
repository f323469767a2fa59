"""How a plan and an answer look: figures with their error bars, each as an Inline-SVG bar of our own making.

Everything shown was planned from the policy, or drawn and paid for. Not here: HTML (`templates/`), addresses (`questions.py`).
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from anonymization.dp.plan import DpPlan
from catalog.access import State
from catalog.dp_questions import Asked
from catalog.ledger_scopes import rho_text
from catalog.ledger_views import AccountView, Forecast
from catalog.question_desk import SeenQuestion

BAR_WIDTH = 200
BAR_HEIGHT = 18
_EDGE = 4.0


@dataclass(frozen=True, slots=True)
class ShownAccount:
    """An account that a question would be charged to: `kind` is lifetime, year, release or researcher."""

    kind: str
    cap: str
    left: str
    after: str
    is_short: bool


@dataclass(frozen=True, slots=True)
class ShownPlan:
    """A plan before anything is asked; `is_own` says that the researcher's own account is among those shown."""

    asked: Asked
    planned: DpPlan
    foreseen: Forecast
    is_own: bool

    @property
    def rho(self) -> str:
        """The loss of the answer if it is drawn."""
        return rho_text(self.planned.charge_micro)

    @property
    def is_answered(self) -> bool:
        """Whether the question was answered on the data that are published: then it costs nothing."""
        return self.foreseen.answer_digest is not None

    @property
    def is_short(self) -> bool:
        """Whether an account does not cover it."""
        return bool(self.foreseen.short)

    @property
    def error_95(self) -> float:
        """The expected 95 % error, in natural units."""
        return self.planned.queries[0].error_95

    @property
    def cells(self) -> int:
        """How many figures the answer would have, before any reading."""
        return self.planned.queries[0].cells

    @property
    def accounts(self) -> tuple[ShownAccount, ...]:
        """The accounts that would be charged, as they stand and as they would stand after it."""
        return tuple(_account(one, self.foreseen) for one in self.foreseen.accounts)


@dataclass(frozen=True, slots=True)
class ShownAnswer:
    """A filed question as its owner sees it."""

    seen: SeenQuestion

    @property
    def standing(self) -> str:
        """Where it stands: a state of its request, `waiting` or `answered` under a permit that holds, else `ended`."""
        state = self.seen.request.state
        if state is State.APPROVED and not self.seen.is_usable:
            return "ended"
        if state is State.APPROVED:
            return "waiting" if self.seen.answer is None else "answered"
        return state.value

    @property
    def comment(self) -> str:
        """What the decider wrote to the applicant, with a return, a rejection or a revocation."""
        last = self.seen.request.history[-1]
        return last.comment if self.standing in {"returned", "rejected", "revoked"} else ""

    @property
    def asked(self) -> Asked:
        """The question."""
        return self.seen.filed.asked

    @property
    def table(self) -> "ShownTable | None":
        """The answer as a table, once it is there."""
        return ShownTable(tuple(self.seen.answer["answer"])) if self.seen.answer else None

    def said(self, part: str, language: str) -> str:
        """Return what is said beside the answer: `guarantee` or `not_guaranteed`."""
        answer = self.seen.answer or {}
        return str(answer.get(part, {}).get(language, ""))

    def entry(self, language: str) -> Mapping[str, Any]:
        """Return the entry of the answer in the form of the registry."""
        answer = self.seen.answer or {}
        found: Mapping[str, Any] = answer.get("card", {}).get(language, {})
        return found

    @property
    def as_text(self) -> str:
        """The whole answer for machines."""
        return json.dumps(self.seen.answer, ensure_ascii=False, indent=2)


@dataclass(frozen=True, slots=True)
class ShownTable:
    """The rows of an answer: the keys, what each row is of, the value with its 95 % error, and a bar for the eye."""

    rows: Sequence[Mapping[str, Any]]

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns that say what a row is of: keys, bins, ranks, terms, margins; no noisy figure."""
        names = tuple(self.rows[0]) if self.rows else ()
        figures = {"value", "error_95", "low_95", "high_95", "sampling_error_95"}
        return tuple(name for name in names if name not in figures and not name.startswith("noisy"))

    @property
    def has_value(self) -> bool:
        """Whether rows have a value; ranks without counts have none."""
        return bool(self.rows) and "value" in self.rows[0]

    def bar(self, row: Mapping[str, Any]) -> tuple[float, float, float, float] | None:
        """Return the left end, the point, the right end and the zero of a row's bar, in pixels; None without a value."""
        span = self._span()
        low, value, high = _ends(row)
        if span is None or value is None or low is None or high is None:
            return None
        left, width = span[0], span[1] - span[0]
        places = [_EDGE + (BAR_WIDTH - 2 * _EDGE) * (number - left) / width for number in (low, value, high, 0.0)]
        return (places[0], places[1], places[2], places[3])

    def _span(self) -> tuple[float, float] | None:
        ends = [number for row in self.rows for number in _ends(row) if number is not None]
        if not ends:
            return None
        low, high = min(0.0, *ends), max(0.0, *ends)
        return (low, high) if high > low else (low, low + 1.0)


def _ends(row: Mapping[str, Any]) -> tuple[float | None, float | None, float | None]:
    value, error = row.get("value"), row.get("error_95")
    if value is None:
        return None, None, None
    low, high = row.get("low_95"), row.get("high_95")
    if low is None or high is None:
        error = error if error is not None and math.isfinite(error) else 0.0
        low, high = value - error, value + error
    return float(low), float(value), float(high)


def _account(view: AccountView, foreseen: Forecast) -> ShownAccount:
    after = view.left_micro - foreseen.charged_micro
    return ShownAccount(
        kind=view.scope.split("/")[2],
        cap=rho_text(view.cap_micro),
        left=rho_text(view.left_micro),
        after=rho_text(max(0, after)),
        is_short=view.is_short_of(foreseen.charged),
    )
