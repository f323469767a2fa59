"""What a release carries to prove itself: parameters, risks, losses, checks. Never a value of a person.

Counts of people in evidence are exact; whoever shows them outside the restricted zone passes them through
`anonymization.disclosure` first.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from policies.vocabulary import QualityDimension

Scalar = str | int | float | bool | None


class CheckKind(StrEnum):
    """Who speaks: the quality suite, the independent recount, an attack, a rule of a rule pack."""

    QUALITY = "quality"
    RECOUNT = "recount"
    ATTACK = "attack"
    RULE = "rule"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check's verdict, in words and counts; `rule` is the id of the rule it holds, if any."""

    name: str
    kind: CheckKind
    passed: bool
    blocking: bool
    what: str
    rule: str | None = None
    dimension: QualityDimension | None = None
    measured: Mapping[str, Scalar] = field(default_factory=dict)

    def as_json(self) -> dict[str, object]:
        """Return the check as plain JSON values."""
        return {
            "name": self.name,
            "kind": self.kind.value,
            "passed": self.passed,
            "blocking": self.blocking,
            "what": self.what,
            "rule": self.rule,
            "dimension": self.dimension.value if self.dimension else None,
            "measured": dict(self.measured),
        }

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> "CheckResult":
        """Read what `as_json` wrote."""
        dimension = body["dimension"]
        return cls(
            name=body["name"],
            kind=CheckKind(body["kind"]),
            passed=body["passed"],
            blocking=body["blocking"],
            what=body["what"],
            rule=body["rule"],
            dimension=QualityDimension(dimension) if dimension else None,
            measured=dict(body["measured"]),
        )


def rule_check(
    rule: str,
    name: str,
    wrong: int,
    what: str,
    measured: Mapping[str, Scalar] | None = None,
    *,
    is_blocking: bool = True,
) -> CheckResult:
    """Return the verdict of a rule: it passes when nothing contradicts `what`.

    Args:
        rule: The rule's id.
        name: What the check is called.
        wrong: How many things contradict.
        what: What holds if there are none.
        measured: Further figures.
        is_blocking: Whether a contradiction stops the release.
    """
    wrong = int(wrong)  # a count of numpy's would not become JSON
    return CheckResult(
        name=name,
        kind=CheckKind.RULE,
        passed=wrong == 0,
        blocking=is_blocking,
        what=what if wrong == 0 else f"{wrong} contradict: {what}",
        rule=rule,
        measured={"contradicting": wrong, **(measured or {})},
    )


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence in both languages, for people who read the evidence."""

    ja: str
    en: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """The record of one protected release.

    `people_in` and `people_out` count persons before and after (None where the number itself is protected, as for
    differentially private tables); `records_*` count rows or cells. `loss` is the method's own information loss
    (0 nothing lost, 1 all lost; None where it has none). `k` and `rho`/`epsilon`/`delta` are what was reached or spent.
    `parameters` are publishable settings of the method; `measured` are further figures by name. `steward` is for the
    steward's room alone: what is worked out from the source, such as how useful the release is, never leaves it.
    """

    method: str
    people_in: int | None
    people_out: int | None
    records_in: int | None
    records_out: int | None
    guarantee: Statement
    not_guaranteed: Statement
    k: int | None = None
    epsilon: float | None = None
    delta: float | None = None
    rho: str | None = None
    loss: float | None = None
    parameters: Mapping[str, object] = field(default_factory=dict)
    measured: Mapping[str, object] = field(default_factory=dict)
    checks: tuple[CheckResult, ...] = ()
    steward: Mapping[str, object] = field(default_factory=dict)

    def as_json(self) -> dict[str, object]:
        """Return the evidence as plain JSON values, keys in a fixed order."""
        return {
            "method": self.method,
            "people_in": self.people_in,
            "people_out": self.people_out,
            "records_in": self.records_in,
            "records_out": self.records_out,
            "k": self.k,
            "epsilon": self.epsilon,
            "delta": self.delta,
            "rho": self.rho,
            "loss": self.loss,
            "guarantee": {"ja": self.guarantee.ja, "en": self.guarantee.en},
            "not_guaranteed": {"ja": self.not_guaranteed.ja, "en": self.not_guaranteed.en},
            "parameters": dict(self.parameters),
            "measured": dict(self.measured),
            "checks": [check.as_json() for check in self.checks],
            "steward": dict(self.steward),
        }

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> "Evidence":
        """Read what `as_json` wrote."""
        plain = {name: body[name] for name in _PLAIN_FIELDS}
        return cls(
            **plain,
            guarantee=Statement(**body["guarantee"]),
            not_guaranteed=Statement(**body["not_guaranteed"]),
            checks=tuple(CheckResult.from_json(check) for check in body["checks"]),
            steward=body.get("steward", {}),
        )


_PLAIN_FIELDS = (
    "method",
    "people_in",
    "people_out",
    "records_in",
    "records_out",
    "k",
    "epsilon",
    "delta",
    "rho",
    "loss",
    "parameters",
    "measured",
)
