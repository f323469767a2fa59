"""The card of a differentially private release: an entry of the DP Deployments Registry, and a checklist of hazards.

Here is the form and nothing else; `dp_card_build` and `dp_checklist` fill it, `dp_card_files` writes it. Names, types
and closed choices of an entry are those of the registry, so that an entry can be handed in as it is; its words are in
one language, so there is one entry a language.

Source: DP Deployments Registry, `schemas/deployments-schema.yaml` of opendp/deployments-registry-data at commit
057e5d81; NIST SP 800-226, Guidelines for Evaluating Differential Privacy Guarantees, March 2025.
"""

from typing import Annotated, Literal

from pydantic import Field

from catalog.records import RecordModel
from policies.model.strictness import Text
from policies.sentences import Language
from policies.vocabulary import Labelled

REGISTRY_SCHEMA = "opendp/deployments-registry-data@057e5d81"
"""The form of the registry's entries that is written here."""

Filled = Annotated[str, Field(min_length=1)]
Day = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]


class Curator(RecordModel):
    """Who publishes; the registry has three kinds."""

    data_curator_name: Filled
    data_curator_type: Literal["Government", "Industry", "Nonprofit"]


class Basic(RecordModel):
    """What is published, by whom, what for."""

    name: Filled
    data_curators: Annotated[tuple[Curator, ...], Field(min_length=1)]
    description: Filled
    intended_use: Filled
    data_product_type: Literal["Summary statistics", "Synthetic data"]
    data_product_region: Filled
    data_product_sector: Literal["Healthcare"] = "Healthcare"
    publication_date: Day


class DpVariant(RecordModel):
    """Which definition holds, of which data; what is published beside it without noise."""

    variant_name: Literal["Pure DP", "Approximate DP", "Zero-concentrated DP", "Renyi DP", "Custom"]
    data_domain: Filled
    unprotected_quantities: Filled


class PrivacyParameters(RecordModel):
    """The loss: ρ as it was charged, and the (ε, δ) that follows from it."""

    epsilon: Annotated[float, Field(gt=0)]
    delta: Annotated[float, Field(gt=0, lt=1)]
    rho: Annotated[float, Field(gt=0)]


class PrivacyLoss(RecordModel):
    """Of whom something is lost, and how much at most."""

    privacy_unit: Filled
    privacy_unit_details: Filled
    privacy_parameters: PrivacyParameters
    privacy_parameters_details: Filled


class DeploymentModel(RecordModel):
    """Who is trusted with what, and how often something is released."""

    model_name: Literal["Central"] = "Central"
    trust_assumptions: Filled
    release_type: Literal["One release", "Many releases"]
    release_type_details: Filled
    data_source_type: Literal["Static", "Dynamic"]
    data_source_type_details: Filled
    access_type: Literal["Interactive", "Non-interactive"]
    access_type_details: Filled


class Implementation(RecordModel):
    """How it was done, and why so."""

    preprocessing_and_hyperparameter_tuning: Filled
    mechanisms: Filled
    composition: Filled
    post_processing: Filled
    justification: Filled
    utility: Filled
    additional_information: Filled


class Misc(RecordModel):
    """A source that is no publication: the signed dossier."""

    title: Filled
    author: Filled
    note: Filled


class Evidence(RecordModel):
    """One source, of a kind that the registry knows."""

    evidence_source_type: Literal["Authorized organizational attestation"] = "Authorized organizational attestation"
    misc: Misc


class EvidenceSources(RecordModel):
    """The sources by name; the dossier that the entry lies in is the one that every release has."""

    dossier: Evidence


class Administrative(RecordModel):
    """The state of the entry in the registry; only its board changes it from a draft."""

    evidence_sources: EvidenceSources
    status: Literal["Draft"] = "Draft"
    registry_authors: Annotated[tuple[Filled, ...], Field(min_length=1)]
    tier: Literal[3] = 3


class Deployment(RecordModel):
    """An entry's parts, in the registry's order."""

    basic: Basic
    dp_variant: DpVariant
    privacy_loss: PrivacyLoss
    deployment_model: DeploymentModel
    implementation: Implementation
    administrative: Administrative


class RegistryEntry(RecordModel):
    """One entry of the registry, in one language, with every field of the third tier."""

    url_slug: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    deployment: Deployment


class Level(Labelled):
    """Where in the pyramid of SP 800-226 a hazard lies; each level rests on those below it."""

    GUARANTEE = "guarantee", "保証(ε と単位)", "guarantee: epsilon and unit"
    ALGORITHM = "algorithm", "アルゴリズムと有用性", "algorithms, utility and bias"
    BASE = "base", "実装・信頼・データの保護", "implementation, trust and security of the data"


class Standing(Labelled):
    """How a release stands to a hazard."""

    PROVEN = "proven", "対策済み(証拠あり)", "met, with proof"
    STATED = "stated", "残るため明示", "remains, and is said"
    FAILED = "failed", "検査が不合格", "a check failed"


class HazardLine(RecordModel):
    """One hazard and the answer to it; `proofs` are checks of this dossier, rules, policy fields or tests of Niji."""

    id: Annotated[str, Field(pattern=r"^H\d{2}$")]
    level: Level
    hazard: Text
    standing: Standing
    answer: Text
    proofs: Annotated[tuple[Filled, ...], Field(min_length=1)]


class DpCard(RecordModel):
    """The card of one release: an entry in each language, and the checklist."""

    registry_schema: str = REGISTRY_SCHEMA
    ja: RegistryEntry
    en: RegistryEntry
    checklist: Annotated[tuple[HazardLine, ...], Field(min_length=1)]

    def entry(self, language: Language) -> RegistryEntry:
        """Return the entry in a language."""
        return self.ja if language == "ja" else self.en
