"""Rules of the ethics guideline for research on people (人を対象とする生命科学・医学系研究に関する倫理指針; ETH-01 ... 05)."""

from collections.abc import Iterator

from policies.model import DatasetPolicy, Recipient
from policies.places import Key
from policies.rules.view import DatasetView, Parameters, Problem, ReleaseView, listed, number, words
from policies.vocabulary import (
    ConsentBasis,
    IdentificationCode,
    InformedConsent,
    OutputCategory,
    ProvisionBasis,
    RecipientKind,
)

_ABOUT_PEOPLE = frozenset(
    {OutputCategory.PERSONAL_DATA, OutputCategory.PSEUDONYMIZED_APPI, OutputCategory.PSEUDONYMIZED_NGMI}
)
_CONSENTED = frozenset({InformedConsent.WRITTEN_IC, InformedConsent.ORAL_IC, InformedConsent.APPROPRIATE_CONSENT})
_IC: tuple[Key, ...] = ("ethics", "ic_type")


def terms_are_statutory(view: ReleaseView, parameters: Parameters) -> Iterator[Problem]:
    """ETH-01: what leaves is called by its statutory name; 「匿名化」 has none."""
    release, retired = view.release, words(parameters, "retired_terms")
    texts: list[tuple[tuple[Key, ...], str]] = [
        (("title", "ja"), release.title.ja),
        (("description", "ja"), release.description.ja),
        (("purposes", "text", "ja"), release.purposes.text.ja),
    ]
    for fate in view.fates:
        texts.extend((fate.keys, step.reason) for step in fate.column.treat if step.op == "keep")
    for keys, text in texts:
        found = [term for term in retired if term in text]
        if found:
            what = f"the text says {listed(found)}, which the guideline no longer uses"
            yield Problem(what, f"write the statutory term, here 「{view.category.ja}」", keys)


def consent_ladder_is_climbed(view: ReleaseView, _: Parameters) -> Iterator[Problem]:
    """ETH-02: an approval and a kind of consent stand behind data about people, and the text covers the recipients."""
    release = view.release
    if view.category not in _ABOUT_PEOPLE:
        return
    if release.ethics is None or release.ethics.ic_type is None:
        what = "no ethics approval says how people take part in the study"
        yield Problem(what, "write `ethics` with `ic_type`", ("ethics",))
        return
    kind = release.ethics.ic_type
    if release.provision_basis is ProvisionBasis.CONSENT_27_1 and kind not in _CONSENTED:
        what = f"the release rests on consent, and the approval is for '{kind.value}'"
        yield Problem(what, "correct `ic_type`, or the basis", _IC)
    if kind is InformedConsent.NOTICE_OPT_OUT:
        yield from _posters(view)
    if kind in _CONSENTED:
        yield from _texts(view)


def _posters(view: ReleaseView) -> Iterator[Problem]:
    for dataset in view.datasets.values():
        poster = dataset.consent.poster
        if poster is None or poster.published_on > view.release.effective_from:
            what = f"no public notice for '{dataset.id}' stands before the release (オプトアウト文書)"
            yield Problem(what, "write `consent.poster` with its address and date in the dataset", _IC)


def _consented(view: ReleaseView) -> list[DatasetPolicy]:
    return [dataset for dataset in view.datasets.values() if dataset.consent.basis is ConsentBasis.OPT_IN]


def _texts(view: ReleaseView) -> Iterator[Problem]:
    for dataset in _consented(view):
        text = dataset.consent.text
        if text is None or not text.third_party:
            what = f"the consent text of '{dataset.id}' does not speak of third parties"
            yield Problem(what, "write `consent.text` of the dataset as people signed it", ("provision_basis",))
            continue
        for index, recipient in enumerate(view.release.recipients):
            if recipient.kind is RecipientKind.COMPANY and not text.commercial:
                what = f"recipient {recipient.id} is a company, and text {text.version} does not speak of companies"
                yield Problem(what, "remove it, or ask people again", ("recipients", index, "kind"))


def foreign_provision_is_approved(view: ReleaseView, _: Parameters) -> Iterator[Problem]:
    """ETH-04: provision abroad has the committee's approval, and the consent text names the country."""
    if view.category not in _ABOUT_PEOPLE:
        return
    for index, recipient in enumerate(view.release.recipients):
        if recipient.country != "JP":
            yield from _abroad(view, recipient, ("recipients", index, "country"))


def _abroad(view: ReleaseView, recipient: Recipient, keys: tuple[Key, ...]) -> Iterator[Problem]:
    if view.release.ethics is None:
        what = f"recipient {recipient.id} is abroad, and no committee approved"
        yield Problem(what, "write `ethics`", keys)
    for dataset in _consented(view):
        if dataset.consent.text is None or recipient.country not in dataset.consent.text.foreign:
            what = f"recipient {recipient.id} is in {recipient.country}, which the consent text of '{dataset.id}' does not name"
            yield Problem(what, "remove it, or ask people again", keys)


def study_records_are_kept(view: ReleaseView, parameters: Parameters) -> Iterator[Problem]:
    """ETH-03: provider and recipient keep the records of a provision for their years."""
    retention = view.release.retention
    provider, recipient = number(parameters, "provider_years"), number(parameters, "recipient_years_after_study")
    if view.category not in _ABOUT_PEOPLE:
        return
    if retention.ledger_years < provider:
        what = f"the provider keeps records less than {provider} years"
        yield Problem(what, f"write `ledger_years: {provider}` or more", ("retention", "ledger_years"))
    if retention.recipient_record_years is None or retention.recipient_record_years < recipient:
        what = f"recipients are not bound to keep records {recipient} years after the study"
        fix = f"write `recipient_record_years: {recipient}`, and put it into the contract"
        yield Problem(what, fix, ("retention",))


def findings_have_a_plan(view: DatasetView, _: Parameters) -> Iterator[Problem]:
    """ETH-05: a dataset with genome data says what happens with findings that matter to a person's health."""
    genomes = {code for code in IdentificationCode if code.value.startswith("genome_")}
    has_genome = any(column.code in genomes for table in view.dataset.data_tables for column in table.columns)
    if has_genome and view.dataset.incidental_findings is None:
        what = "nothing is said about findings that matter to a person's health (偶発的所見)"
        yield Problem(what, "write `incidental_findings` with policy and plan", ())
