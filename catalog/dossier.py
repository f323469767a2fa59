"""The dossier of a release: the evidence pack that compliance asks for, as one strict record (`dossier.json`).

Here is the form and nothing else; `dossier_build` fills it, `dossier_page` shows it, `dossier_folder` writes and signs
it, `dossier_verify` reads it back. Everything in it may be read by anybody: counts are texts that went through the
disclosure gate's public room, or None beside differential privacy; there is no cell value, key or row identifier.
The form is version `v1`; a later form gets a later name, and old dossiers stay as they are.

Source: the parts are those of the evidence pack per release that the compliance reference lists (section 4.5).
"""

import json
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from catalog.dp_card import DpCard
from catalog.records import EvidenceSummary, Organization, RecordModel
from policies.model.strictness import Text
from policies.vocabulary import Labelled, QualityDimension, Severity

FORMAT = "niji/dossier/v1"
SCHEMA_FILE = Path(__file__).parent / "schema" / "dossier-v1.json"

Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
Parameter = int | float | str | bool | tuple[str, ...]


class Term(RecordModel):
    """A word of a closed vocabulary with its labels."""

    value: str
    label: Text

    @classmethod
    def of(cls, member: Labelled) -> "Term":
        """Return the term of a member."""
        return cls(value=member.value, label=Text(ja=member.ja, en=member.en))


class Subject(RecordModel):
    """What the dossier is about: one version of one release."""

    id: str
    version: str
    title: Text
    description: Text
    category: Term
    basis: Term
    delivery: tuple[Term, ...]
    purpose: Text
    prohibited_uses: tuple[Term, ...]


class Holder(RecordModel):
    """Who holds a dataset that the release draws on, and how the data were acquired."""

    dataset: str
    title: Text
    organization: Organization
    kind: Term
    acquisition: Term


class PackEntry(RecordModel):
    """A rule pack that the release is held against; house rules are not law, a profile is followed by choice."""

    id: str
    title: Text
    in_force_from: date | None
    is_law: bool
    profile: str | None


class RuleEntry(RecordModel):
    """One rule and its answer; `where` is a place in a policy file, or a check of this dossier (`stage/name`)."""

    id: str
    pack: str
    is_law: bool
    profile: str | None
    citation: Text
    text: Text
    severity: Severity
    confidence: Literal["L", "S", "G"]
    stage: str
    check: str
    parameters: dict[str, Parameter]
    verdict: Term
    how: Text
    where: str


class CheckEntry(RecordModel):
    """One check that a stage of the run made; `measured` are counts as the public may see them.

    `title` says as a clause what it confirms, `found` says the counts in words; dossiers of the first version have neither.
    """

    stage: str
    name: str
    rule: str | None
    passed: bool
    blocking: bool
    dimension: QualityDimension | None
    measured: dict[str, str]
    title: Text | None = None
    found: Text | None = None


class ColumnEntry(RecordModel):
    """One column of the sources: what it is by law, what became of it, for which rule; how the scanner judged it.

    `is_counted` is true of one that leaves in numbers only, as a table's key or as what is counted.
    """

    dataset: str
    table: str
    name: str
    label: Text
    classes: tuple[Term, ...]
    role: Term
    leaves: bool
    output_name: str
    treatment: Text
    rule: str
    scan: Text
    table_title: Text | None = None
    is_counted: bool = False


class RiskLine(RecordModel):
    """One figure of risk, before and after; texts, because counts pass the disclosure gate."""

    name: Text
    before: str
    after: str
    note: Text | None = None


class LedgerExtract(RecordModel):
    """What the release cost the privacy account of its population (ρ as exact decimal text)."""

    population: str
    rho_cap: str
    rho_charged: str
    epsilon: float | None
    delta: float | None
    period_from: date
    period_to: date
    charge_id: str
    entry_digests: tuple[Digest, ...]


class ConsentEntry(RecordModel):
    """How a dataset's register was applied; counts are texts, None where they may not be told."""

    dataset: str
    basis: Term
    register_table: str | None
    notice_on: date | None
    wait_days: int | None
    people_before: str | None
    people_removed: str | None
    people_after: str | None
    is_applied: bool


class PublicationEntry(RecordModel):
    """The public notice, and when the release and this dossier were made."""

    items_url: str | None
    items_published_on: date | None
    created_on: date | None
    label_ja: str | None
    published_on: date
    dossier_built_at: datetime
    catalog_id: str


class RecipientEntry(RecordModel):
    """Who may receive the release: ids of contract and certification, not their text."""

    id: str
    name: Text
    kind: Term
    country: str
    contract: str | None
    safeguard: str | None
    security: str | None
    certification: str | None = None


class CustodyEntry(RecordModel):
    """One key of the deployment that the release rests on: its use and name, never its bytes."""

    kind: str
    name: str
    purpose: Text


class PolicyEntry(RecordModel):
    """One policy file in this folder, in canonical form; `digest` is what signatures name."""

    kind: str
    id: str
    digest: Digest
    path: str
    levels_path: str | None = None


class SourceEntry(RecordModel):
    """The data that a release was made from: one digest a dataset, over the bytes of all its source files."""

    dataset: str
    digest: Digest
    tables: tuple[str, ...]


class Lineage(RecordModel):
    """From what, by which code: policies, source data, code version, seeds (there are none), the package."""

    policies: tuple[PolicyEntry, ...]
    policies_digest: Digest
    inputs_digest: Digest
    sources: tuple[SourceEntry, ...]
    code_version: str
    randomness: Text
    package_manifest: Digest | None


class QualityLine(RecordModel):
    """One dimension of the quality label, and how many checks of it were made and passed."""

    dimension: Term
    checks: int
    passed: int


class QualityLabel(RecordModel):
    """The data quality label after Regulation (EU) 2025/327 art. 78(3); alignment, not binding in Japan."""

    suite: str
    documentation: Text
    dimensions: tuple[QualityLine, ...]
    coverage: Text
    access: Text
    modifications: Text


class Retention(RecordModel):
    """How long extracts may be kept, and the day by which everything of this release is reviewed or deleted."""

    extract_months: int
    delete_within_days: int
    ledger_years: int
    review_due: date
    delete_by: date


class SignatureEntry(RecordModel):
    """One signature on a policy that the release rests on; people are named by id."""

    kind: str
    policy: str
    role: Term
    signer: str
    key_id: str
    on: date
    digest: Digest
    accepted: tuple[str, ...] = ()


class Approvals(RecordModel):
    """Who signed. The records lie in `approvals/` as they were made, the signers' keys in `signers.json`."""

    is_signed: bool
    said: Text
    signatures: tuple[SignatureEntry, ...] = ()


class Meaning(RecordModel):
    """A term that the dossier uses, explained for a reader who has seen neither the policies nor a paper."""

    term: Text
    meaning: Text


class Summary(RecordModel):
    """How many rules stand how, and what is still open."""

    rules: int
    applicable: int
    kept: int
    accepted: int
    held: int
    broken: int
    unanswered: int
    open_points: tuple[Text, ...]


class Dossier(RecordModel):
    """Everything that answers for one version of one release."""

    schema_: Annotated[Literal["niji/dossier/v1"], Field(alias="schema")] = "niji/dossier/v1"
    subject: Subject
    holders: Annotated[tuple[Holder, ...], Field(min_length=1)]
    summary: Summary
    approvals: Approvals
    evidence: EvidenceSummary
    packs: Annotated[tuple[PackEntry, ...], Field(min_length=1)]
    rules: Annotated[tuple[RuleEntry, ...], Field(min_length=1)]
    checks: tuple[CheckEntry, ...]
    columns: Annotated[tuple[ColumnEntry, ...], Field(min_length=1)]
    risk: tuple[RiskLine, ...]
    ledger: LedgerExtract | None
    consent: tuple[ConsentEntry, ...]
    publication: PublicationEntry
    recipients: tuple[RecipientEntry, ...]
    custody: tuple[CustodyEntry, ...]
    lineage: Lineage
    quality: QualityLabel
    retention: Retention
    words: tuple[Meaning, ...] = ()
    card: DpCard | None = None

    def as_json(self) -> bytes:
        """Return the dossier as it is written: UTF-8, sorted keys, two spaces, one newline at the end."""
        body = self.model_dump(mode="json", by_alias=True)
        return (json.dumps(body, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode("utf-8")


def json_schema() -> str:
    """Return the JSON Schema of `dossier.json`; the file `schema/dossier-v1.json` is a copy of it."""
    body = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:niji:schema:dossier:v1",
        **Dossier.model_json_schema(by_alias=True, mode="serialization"),
    }
    return json.dumps(body, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
