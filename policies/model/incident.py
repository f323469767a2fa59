"""Leaks: who answers for them, and which clocks run (APPI 26, Rules 7-8; NGMI Act 26, Rules 22-23)."""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from policies.model.strictness import PolicyModel, Text


class Incident(PolicyModel):
    """One leak, loss or damage, or the suspicion of one; it is open until `final_report_on`.

    No number of people is written: whether there are more than 1,000 decides, and a policy file is read by many.

    `encryption`: `keys_safe` claims the exemption for data that nobody can read, and says so; `keys_lost` and `none` do
    not. Null dates have not happened yet.
    """

    id: Annotated[str, Field(pattern=r"^INC-\d{4}-\d{3}$")]
    noticed_on: date
    special_care: bool
    property_damage: bool
    malicious: bool
    over_1000_people: bool
    encryption: Literal["none", "keys_lost", "keys_safe"]
    first_report_on: date | None = None
    final_report_on: date | None = None
    people_told_on: date | None = None

    @model_validator(mode="after")
    def _reports_follow(self) -> Self:
        reported = [day for day in (self.first_report_on, self.final_report_on, self.people_told_on) if day is not None]
        if any(day < self.noticed_on for day in reported):
            msg = "a report cannot stand before the day the incident was noticed"
            raise ValueError(msg)
        return self

    @property
    def is_reportable(self) -> bool:
        """Whether the APPI wants a report (Rules 7): special care, property damage, malice, more than 1,000 people."""
        is_of_a_kind = self.special_care or self.property_damage or self.malicious or self.over_1000_people
        return is_of_a_kind and self.encryption != "keys_safe"


class IncidentDesk(PolicyModel):
    """Who answers when data leak, and what has happened so far; the clocks themselves are in the rule packs."""

    officer: Text
    reachable_at: Annotated[str, Field(min_length=4)]
    plan_url: str
    incidents: tuple[Incident, ...] = ()
