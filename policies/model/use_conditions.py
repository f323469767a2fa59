"""The facts that data use modifiers need: which countries, until when, which people, projects and studies."""

from datetime import date
from typing import Annotated

from pydantic import Field, StringConstraints

from policies.model.strictness import PolicyModel

Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
Word = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,99}$")]
"""An id that people write by hand: a user, a project, a type of study."""


class UseConditions(PolicyModel):
    """What a purpose's modifiers mean for this release; a modifier whose fact is missing is a question for a person.

    `countries`: where data may be used (GS). `until`, `months`: the last day and the longest time of use (TS).
    `publish_after`: the first day on which results may be published (MOR). `users`, `projects`, `institutions`,
    `study_types`: who and what for (US, PS, IS, RS); institutions are ids of recipients. `partner`: the recipient or
    group with whom users must work (COL). `embargo_until`: the last day on which nothing is given at all.
    """

    countries: tuple[Country, ...] = ()
    until: date | None = None
    months: Annotated[int, Field(ge=1, le=120)] | None = None
    publish_after: date | None = None
    users: tuple[Word, ...] = ()
    projects: tuple[Word, ...] = ()
    institutions: tuple[Word, ...] = ()
    study_types: tuple[Word, ...] = ()
    partner: Word | None = None
    embargo_until: date | None = None
