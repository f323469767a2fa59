"""The release policy: what leaves, to whom, on which article, treated how."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, field_validator

from policies.model.certification import Certification
from policies.model.custody import Custody
from policies.model.method import Method
from policies.model.provision import EquivalentMeasures, InfringementAssessment, JointUse
from policies.model.strictness import ColumnName, Name, PolicyModel, Text
from policies.model.terms import Hipaa, Screening, Supervision, Terms
from policies.model.treatment import Treatment
from policies.model.use_conditions import UseConditions
from policies.vocabulary import (
    ContractItem,
    Delivery,
    FutureBasis,
    InformedConsent,
    OutputCategory,
    ProhibitedUse,
    ProvisionBasis,
    QualityDimension,
    RecipientKind,
)

RULE_ID = r"^[A-Z][A-Z0-9]*(?:-[A-Z0-9]+)+$"


class ReleaseColumn(PolicyModel):
    """The fate of one column of a dataset: its treatment, and the rule that the treatment serves.

    `treat` takes one operation or a list, applied in order. `as` renames the column on its way out.
    """

    name: ColumnName
    treat: Annotated[tuple[Treatment, ...], Field(min_length=1)]
    rule: Annotated[str, Field(pattern=RULE_ID)]
    as_: Annotated[ColumnName | None, Field(alias="as")] = None

    @field_validator("treat", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        # Strict loading takes no list where a tuple is meant, once a validator has run.
        return (value,) if isinstance(value, dict) else tuple(value) if isinstance(value, list) else value

    @property
    def output_name(self) -> str:
        """The name under which the column leaves."""
        return self.as_ or self.name

    @property
    def leaves(self) -> bool:
        """Whether the column is in the output in any row-level form."""
        return all(step.op not in {"drop_column", "reject_at_landing", "aggregate_only"} for step in self.treat)


class ReleaseTable(PolicyModel):
    """One table of a dataset in this release; every column of it is listed."""

    dataset: Name
    table: Name
    columns: Annotated[tuple[ReleaseColumn, ...], Field(min_length=1)]

    def column(self, name: str) -> ReleaseColumn | None:
        """Return the entry for the source column `name`, or None."""
        return next((column for column in self.columns if column.name == name), None)


class Recipient(PolicyModel):
    """Somebody who may receive the release."""

    id: Annotated[str, Field(pattern=r"^[A-Z]+-\d+$")]
    name: Text
    kind: RecipientKind
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    contract: str | None = None
    security: Literal["type1", "type2"] | None = None
    safeguard: str | None = None
    certification: Certification | None = None
    contract_states: tuple[ContractItem, ...] | None = None
    screening: Screening | None = None
    equivalent_measures: EquivalentMeasures | None = None


class Purposes(PolicyModel):
    """What the data may be used for: DUO ids, EHDS article 53 letters, a sentence for people.

    `conditions` holds the facts that some DUO modifiers need (`model/use_conditions.py`).
    """

    duo: Annotated[tuple[Annotated[str, Field(pattern=r"^DUO:\d{7}$")], ...], Field(min_length=1)]
    mondo: tuple[Annotated[str, Field(pattern=r"^MONDO:\d{7}$")], ...] = ()
    ehds53: tuple[Literal["a", "b", "c", "d", "e", "f"], ...] = ()
    text: Text
    conditions: UseConditions | None = None


class Ethics(PolicyModel):
    """The ethics approval a release rests on, and how people take part in the study."""

    committee_no: Annotated[str, Field(min_length=1)]
    approved_on: date
    expires_on: date
    ic_type: InformedConsent | None = None


class Publication(PolicyModel):
    """The public notice of anonymized information (APPI 43(3)(4), Rules 36-37)."""

    created_on: date
    items_url: Annotated[str, Field(min_length=4)]
    items_published_on: date
    method: Text
    label_ja: str


class Quality(PolicyModel):
    """Which suite judges the release, and which dimensions it must speak about."""

    suite: Name
    dimensions: Annotated[tuple[QualityDimension, ...], Field(min_length=1)]


class Retention(PolicyModel):
    """How long things are kept (APPI-15, APPI-33; EHDS-73)."""

    extract_months: Annotated[int, Field(ge=1, le=120)]
    delete_within_days: Annotated[int, Field(ge=1, le=180)]
    ledger_years: Annotated[int, Field(ge=1)] = 3
    recipient_record_years: Annotated[int, Field(ge=1)] | None = None
    access_log_years: Annotated[int, Field(ge=1)] | None = None


class CatalogText(PolicyModel):
    """What the catalog says beyond the policy: keywords, coverage, themes."""

    keywords: Annotated[tuple[Text, ...], Field(min_length=1)]
    spatial: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "JPN"
    temporal_from: date | None = None
    temporal_to: date | None = None
    health_category: Literal["EHRS", "GENETIC", "CLAIMS", "REGISTRY", "COHORT", "OTHER"]
    min_typical_age: int | None = None
    max_typical_age: int | None = None


class ReleasePolicy(PolicyModel):
    """What leaves; one file a release, signed by steward and compliance officer."""

    schema_: Annotated[Literal["niji/release/v1"], Field(alias="schema")]
    id: Name
    version: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")]
    title: Text
    description: Text
    output_category: OutputCategory
    provision_basis: ProvisionBasis
    rule_packs: Annotated[tuple[str, ...], Field(min_length=1)]
    effective_from: date
    review_due: date
    tables: Annotated[tuple[ReleaseTable, ...], Field(min_length=1)]
    method: Method
    quality: Quality
    purposes: Purposes
    prohibited_uses: Annotated[tuple[ProhibitedUse, ...], Field(min_length=1)]
    recipients: Annotated[tuple[Recipient, ...], Field(min_length=1)]
    delivery: Annotated[tuple[Delivery, ...], Field(min_length=1)]
    ethics: Ethics | None = None
    publication: Publication | None = None
    retention: Retention
    catalog: CatalogText
    terms: Terms | None = None
    custody: Custody | None = None
    joint_use: JointUse | None = None
    infringement_assessment: InfringementAssessment | None = None
    future_bases: tuple[FutureBasis, ...] | None = None
    supervision: Supervision | None = None
    hipaa: Hipaa | None = None

    @property
    def datasets(self) -> tuple[str, ...]:
        """The datasets this release draws on, each once, in the order written."""
        return tuple(dict.fromkeys(table.dataset for table in self.tables))

    def table(self, name: str) -> ReleaseTable | None:
        """Return the release table called `name`, or None."""
        return next((table for table in self.tables if table.table == name), None)
