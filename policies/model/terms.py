"""What binds a recipient beyond the purpose: terms, screening, supervision, the ways of 45 CFR 164.514."""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from policies.model.strictness import PolicyModel, Text
from policies.vocabulary import TermsClause


class Terms(PolicyModel):
    """The terms that a recipient accepts, and which clauses are in them."""

    version: Annotated[str, Field(min_length=1)]
    url: str
    clauses: Annotated[tuple[TermsClause, ...], Field(min_length=1)]


class Screening(PolicyModel):
    """What was found about a recipient before data go there; a covered person falls under 28 CFR 202."""

    checked_on: date
    covered_person: bool


class Supervision(PolicyModel):
    """Who looks at results before they leave the facility of a certified user (NGMI Rules 42(iii))."""

    supervisor: Text
    role: Literal["maker", "user", "third_party"]
    ticket_for_each_result: bool


class ExpertDetermination(PolicyModel):
    """An expert's report that the risk is very small (45 CFR 164.514(b)(1)); it holds for its scope and until it expires."""

    expert: Text
    method: Text
    scope: Annotated[str, Field(min_length=1)]
    report: Annotated[str, Field(min_length=4)]
    determined_on: date
    expires_on: date


class Hipaa(PolicyModel):
    """In which of its two ways a release is de-identified under HIPAA.

    `no_actual_knowledge` names who states that nothing is known by which a person could be found (164.514(b)(2)(ii)).
    """

    way: Literal["safe_harbor", "expert_determination"]
    no_actual_knowledge: str | None = None
    expert: ExpertDetermination | None = None

    @model_validator(mode="after")
    def _way_has_its_paper(self) -> Self:
        if (self.way == "expert_determination") != (self.expert is not None):
            msg = "`expert` is written exactly when the way is expert_determination"
            raise ValueError(msg)
        if self.way == "safe_harbor" and not self.no_actual_knowledge:
            msg = "`safe_harbor` names in `no_actual_knowledge` who states it"
            raise ValueError(msg)
        return self
