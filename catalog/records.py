"""The catalog record: everything others may know about a published release, in both languages.

A frozen model that is stored as JSON, shown by the portal and exported as DCAT; `describe` (in `describe.py`) is the
only way to make one. Counts of people are texts that went through the disclosure gate's public room.
"""

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from catalog.wording import MethodKind
from policies.model.strictness import Text
from policies.vocabulary import (
    ColumnType,
    ControllerType,
    Delivery,
    Labelled,
    OutputCategory,
    ProhibitedUse,
    ProvisionBasis,
    RecipientKind,
)


class RecordModel(BaseModel):
    """A frozen, strict part of a record."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class AccessRights(Labelled):
    """Who may have the data; the values of the EU authority table that HealthDCAT-AP uses."""

    PUBLIC = "public", "公開", "open"
    RESTRICTED = "restricted", "条件付き", "on conditions"
    NON_PUBLIC = "non_public", "審査制", "by permit"


class HealthCategory(Labelled):
    """What kind of health data; the categories of Regulation (EU) 2025/327 art. 51(1)."""

    EHRS = "EHRS", "電子カルテ", "electronic health records"
    GENETIC = "GENETIC", "ゲノム", "human genetic data"
    CLAIMS = "CLAIMS", "レセプト・診療報酬", "claims and administrative data"
    REGISTRY = "REGISTRY", "レジストリ", "registry"
    COHORT = "COHORT", "研究コホート", "research cohort"
    OTHER = "OTHER", "その他", "other"


class Organization(RecordModel):
    """Who publishes, with the way to reach them."""

    name: Text
    type: ControllerType
    contact_name: Text
    email: str
    url: str | None = None


class ColumnRecord(RecordModel):
    """One column of a published table."""

    name: str
    ja: str
    en: str
    type: ColumnType
    unit: str | None = None
    code_system: str | None = None
    treatment: Text


class TableRecord(RecordModel):
    """One published table; a file is named where the package says which."""

    name: str
    title: Text
    columns: Annotated[tuple[ColumnRecord, ...], Field(min_length=1)]


class EvidenceSummary(RecordModel):
    """What the evidence says in public: figures of the policy and of the loss, verdicts by name, never a count of people.

    `k` is the floor that the policy promises, not the smallest class met: that one is a figure of the data.
    """

    method: MethodKind
    explanation: Text
    guarantee: Text
    not_guaranteed: Text
    k: int | None = None
    epsilon: float | None = None
    delta: float | None = None
    rho: str | None = None
    loss: float | None = None
    checks_passed: int
    checks_total: int
    checks: tuple[str, ...]


class FileRecord(RecordModel):
    """One file of the distribution; `size_bytes` is rounded up to one significant digit."""

    path: str
    format: Literal["PARQUET", "CSV", "JSON", "MARKDOWN", "VCF", "OTHER"]
    size_bytes: int


class CatalogRecord(RecordModel):
    """One version of one release, as the catalog shows it."""

    schema_: Annotated[Literal["niji/record/v1"], Field(alias="schema")] = "niji/record/v1"
    id: str
    release: str
    version: str
    title: Text
    description: Text
    keywords: tuple[Text, ...]
    publisher: Organization
    output_category: OutputCategory
    provision_basis: ProvisionBasis
    access: AccessRights
    delivery: tuple[Delivery, ...]
    duo: tuple[str, ...]
    mondo: tuple[str, ...]
    ehds53: tuple[str, ...]
    purpose: Text
    prohibited_uses: tuple[ProhibitedUse, ...]
    recipient_kinds: tuple[RecipientKind, ...]
    health_category: HealthCategory
    issued: date
    modified: date
    spatial: str
    temporal_from: date | None = None
    temporal_to: date | None = None
    min_typical_age: int | None = None
    max_typical_age: int | None = None
    people_out: str | None
    tables: Annotated[tuple[TableRecord, ...], Field(min_length=1)]
    evidence: EvidenceSummary
    policy_digest: str
    manifest_digest: str | None
    dossier_digest: str | None = None
    files: tuple[FileRecord, ...]
    extract_months: int
    delete_within_days: int
    provenance: Text
    review_body: Text

    def as_json(self) -> dict[str, object]:
        """Return the record as plain JSON values."""
        return self.model_dump(mode="json", by_alias=True)

    @property
    def is_open(self) -> bool:
        """Whether everybody may download the files."""
        return Delivery.OPEN in self.delivery
