"""How a dataset is shared: plans, tiers, public databases in it, findings for the people in it."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from policies.model.strictness import PolicyModel, Text
from policies.vocabulary import AccessTier, PublicDatabase, SharingClass


class AmedConditions(PolicyModel):
    """The eight conditions of data shared through AMED's platform (CANNDs data conditions 1-8).

    Consent to third-party provision (2) is read from `consent.text`; the other seven are here.
    """

    award_no: Annotated[str, Field(min_length=4)]
    metadata_url: str
    principal_investigator: Text
    institution: Text
    database_manager: Text
    dataset_manager: Text
    lawful_and_ethical: Annotated[str, Field(min_length=4)]
    protocol: Annotated[str, Field(min_length=4)]


class Sharing(PolicyModel):
    """The data management plan of a dataset and the tier and security level that the plan chose."""

    access_tier: AccessTier
    security: Literal["type1", "type2"]
    dmp: str | None = None
    repository: str | None = None
    sharing_class: SharingClass | None = None
    embargo_until: date | None = None
    amed: AmedConditions | None = None


class PublicSource(PolicyModel):
    """A public database from which a dataset was made, or with which it was linked, and the approval for it."""

    database: PublicDatabase
    form: Literal["anonymized", "pseudonymized"]
    approval: Annotated[str, Field(min_length=3)]
    stored_in: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]


class IncidentalFindings(PolicyModel):
    """What happens with findings that matter to a person's health (ethics guideline, part 5)."""

    policy: Literal["returned", "returned_on_wish", "not_returned"]
    plan: Annotated[str, Field(min_length=4)]


class UsPersons(PolicyModel):
    """At most how many United States persons are in the data, by kind of bulk data (28 CFR 202); zero where there is none."""

    genomic: Annotated[int, Field(ge=0)]
    other_omics: Annotated[int, Field(ge=0)]
    health: Annotated[int, Field(ge=0)]
    biometric: Annotated[int, Field(ge=0)]
    geolocation: Annotated[int, Field(ge=0)]


class EhdsFacts(PolicyModel):
    """How a dataset follows the European Health Data Space; voluntary in Japan (profile `ehds_alignment`).

    `categories` are the letters of article 51(1). Addresses are where the public finds decisions and conditions.
    """

    categories: Annotated[tuple[Annotated[str, Field(pattern=r"^[a-q]$")], ...], Field(min_length=1)]
    publicly_funded: bool
    described_on: date
    supply_within_days: Annotated[int, Field(ge=1)]
    decisions_url: str
    decisions_within_working_days: Annotated[int, Field(ge=1)]
    conditions_url: str
