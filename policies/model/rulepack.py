"""A rule pack: clauses of one regime as dated data; the checks they name are functions in `policies/rules/`."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from policies.model.release import RULE_ID
from policies.model.strictness import PolicyModel, Text
from policies.vocabulary import Severity


class Rule(PolicyModel):
    """One clause: where it is written, what it says, what it does, and the check that holds it.

    `confidence`: L read in the statute, S in an official or secondary page, G general knowledge. `stage` says when it
    is checked: on the policy files, or on the data by the stage named.
    """

    id: Annotated[str, Field(pattern=RULE_ID)]
    citation: str
    text: Text
    severity: Severity
    check: str
    parameters: dict[str, int | float | str | bool | tuple[str, ...]] = Field(default_factory=dict)
    confidence: Literal["L", "S", "G"]
    stage: Literal[
        "policy", "raw", "classified", "consented", "pseudonymized", "protected", "validated", "published", "extracted"
    ]


class RulePack(PolicyModel):
    """The rules of one regime, in force from a date; packs not in force cannot be relied on."""

    schema_: Annotated[Literal["niji/rulepack/v1"], Field(alias="schema")]
    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*@[0-9][0-9a-z.-]*$")]
    title: Text
    in_force_from: date | None
    in_force_to: date | None = None
    is_law: bool
    rules: Annotated[tuple[Rule, ...], Field(min_length=1)]

    def rule(self, rule_id: str) -> Rule | None:
        """Return the rule with that id, or None."""
        return next((rule for rule in self.rules if rule.id == rule_id), None)
