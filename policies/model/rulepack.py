"""A rule pack: clauses of one regime as dated data; the checks they name are functions in `policies/rules/`."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from policies.model.method import MethodKind
from policies.model.release import RULE_ID
from policies.model.strictness import PolicyModel, Text
from policies.vocabulary import ControllerType, Delivery, OutputCategory, ProvisionBasis, Severity

RunStage = Literal[
    "raw", "classified", "consented", "pseudonymized", "protected", "validated", "published", "extracted"
]
"""The stages of a run, in the words of the asset keys."""

RuleStage = Literal["policy", "requested"] | RunStage
"""When a rule is checked: on the policy files, on a request for access, or by a stage of a run."""


class AppliesTo(PolicyModel):
    """To which releases a rule speaks; an empty list asks nothing, several lists must all fit."""

    categories: tuple[OutputCategory, ...] = ()
    methods: tuple[MethodKind, ...] = ()
    bases: tuple[ProvisionBasis, ...] = ()
    controllers: tuple[ControllerType, ...] = ()
    deliveries: tuple[Delivery, ...] = ()


class Rule(PolicyModel):
    """One clause: where it is written, what it says, to what it applies, and the check that holds it.

    `confidence`: L read in the statute, S in an official or secondary page, G general knowledge. `stage` says when
    `check` runs: a rule of stage `policy` or `requested` names a function, a rule of a run's stage is kept only if that
    stage leaves a check result that carries the rule's id. `recounted_at` names a stage that must leave one besides.
    `evidence` says what the dossier shows to prove it.
    """

    id: Annotated[str, Field(pattern=RULE_ID)]
    citation: Text
    text: Text
    severity: Severity
    check: str
    parameters: dict[str, int | float | str | bool | tuple[str, ...]] = Field(default_factory=dict)
    applies_to: AppliesTo = AppliesTo()
    evidence: Text
    confidence: Literal["L", "S", "G"]
    stage: RuleStage
    recounted_at: RunStage | None = None


class RulePack(PolicyModel):
    """The rules of one regime, in force from a date; packs not in force cannot be relied on.

    `profile` names what is followed by choice, such as `ehds_alignment`: it binds nobody here, and is shown as such.
    """

    schema_: Annotated[Literal["niji/rulepack/v1"], Field(alias="schema")]
    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*@[0-9][0-9a-z.-]*$")]
    title: Text
    in_force_from: date | None
    in_force_to: date | None = None
    is_law: bool
    profile: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")] | None = None
    rules: Annotated[tuple[Rule, ...], Field(min_length=1)]

    def rule(self, rule_id: str) -> Rule | None:
        """Return the rule with that id, or None."""
        return next((rule for rule in self.rules if rule.id == rule_id), None)
