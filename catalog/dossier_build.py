"""Fill a dossier from what is known of a release: policies, answers, evidence, records. Pure: no file, no clock.

Every count of people or rows passes the disclosure gate's public room here; beside differential privacy none is told
at all (rule DP-04). Not here: gathering the facts (`pipelines/stages/dossier.py`), the form (`dossier.py`).
"""

import calendar
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from babel.dates import format_date

from anonymization.disclosure import Room, disclose_count
from anonymization.evidence import CheckResult, Evidence, Scalar
from catalog import dossier as form
from catalog.check_figures import found_words
from catalog.check_titles import Names, names_of, title_of_result
from catalog.dossier_columns import column_entries
from catalog.dossier_risk import risk_lines
from catalog.dp_card import DpCard
from catalog.dp_card_build import CardFacts, build_card
from catalog.parameter_words import country
from catalog.records import CatalogRecord, Organization
from policies.answers import MOST_FIGURES, RuleAnswer, StageAnswer, Verdict
from policies.library import PolicyLibrary
from policies.model import DatasetPolicy, ReleasePolicy
from policies.model.method import PrivateMethod
from policies.model.release import CatalogText, Recipient
from policies.model.strictness import Text
from policies.sentences import Language
from policies.vocabulary import QualityDimension, Severity
from policies.words import release_words

_SCHEMA_COUNTS = frozenset(
    {
        "columns",
        "columns_scanned",
        "delete_within_days",
        "dimensions",
        "documents",
        "extract_months",
        "keys_looked_for",
        "least_records",
        "ledger_years",
        "max_shift_days",
        "min_allele_count",
        "min_cell",
        "queries",
        "releases_compared",
        "sharing",
        "tables",
    }
)
"""Measured figures that count parts of policy and package, not people or rows; they are shown as they are."""
_LEFT_OUT = frozenset({"k", "l", "charged_micro_rho", "mapped_micro_rho"})
"""Figures that other parts of the dossier show with their meaning, or that tell what a class really holds."""


@dataclass(frozen=True, slots=True)
class Consented:
    """How many people a dataset's register left, exact; None where the stage did not say."""

    people_in: int | None
    people_out: int | None


@dataclass(frozen=True, slots=True)
class Charged:
    """The charge of a differentially private release in the ledger (ρ as exact decimal text)."""

    charge_id: str
    rho_cap: str
    rho_charged: str
    entry_digests: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a release when its dossier is built; counts in `evidence`, `checks`, `consent` are exact.

    `sources` maps dataset → digest over its source files; `keys` are (kind, name); `policies` are the files that the
    folder will hold; `built_at` is UTC.
    """

    library: PolicyLibrary
    release: ReleasePolicy
    record: CatalogRecord
    evidence: Evidence
    answers: Sequence[RuleAnswer]
    checks: Sequence[tuple[str, CheckResult]]
    consent: Mapping[str, Consented]
    sources: Mapping[str, str]
    inputs: str
    charged: Charged | None
    keys: Sequence[tuple[str, str]]
    policies: Sequence[form.PolicyEntry]
    policies_digest: str
    approvals: form.Approvals
    code_version: str
    on: date
    built_at: datetime


def assemble(facts: Facts) -> form.Dossier:
    """Fill the dossier.

    Guarantee: no exact count of people or rows, no value of a person, no key; every rule of the packs has its answer.
    Not guaranteed: that the facts belong together; they are gathered from one deployment at one time.
    """
    release, library = facts.release, facts.library
    return form.Dossier(
        subject=_subject(release),
        holders=tuple(_holder(library.dataset(name)) for name in release.datasets),
        summary=_summary(facts),
        approvals=facts.approvals,
        evidence=facts.record.evidence,
        packs=_packs(facts.answers),
        rules=tuple(_rule(one) for one in facts.answers),
        checks=tuple(_checks(facts)),
        columns=tuple(column_entries(release, library, facts.checks)),
        risk=risk_lines(release, facts.evidence, facts.checks, names=names_of(library, release)),
        ledger=_ledger(facts),
        consent=tuple(_consent(facts, name) for name in release.datasets),
        publication=_publication(facts),
        recipients=tuple(_recipient(each) for each in release.recipients),
        custody=tuple(_custody(facts.keys)),
        lineage=_lineage(facts),
        quality=_quality(facts),
        retention=_retention(facts),
        words=_words(facts),
        card=_card(facts),
    )


def stage_answer(stage: str, check: CheckResult, *, is_private: bool, names: Names | None = None) -> StageAnswer:
    """Return a check as an answer may quote it: its counts passed the gate.

    Args:
        stage: The stage that left it.
        check: The check, with exact counts.
        is_private: Whether the release is differentially private, so that no count is told.
        names: What tables and columns are called in words.
    """
    shown = measured(check.measured, is_private=is_private)
    return StageAnswer(
        stage,
        check.name,
        check.passed,
        shown,
        title=title_of_result(check, names),
        found=found_words(shown, most=MOST_FIGURES),
    )


def measured(figures: Mapping[str, Scalar], *, is_private: bool) -> dict[str, str]:
    """Return the figures of a check that anybody may see: whole numbers through the gate; no shares, no words."""
    shown = {}
    for name, value in figures.items():
        if name in _LEFT_OUT or not isinstance(value, int) or isinstance(value, bool):
            continue
        if name in _SCHEMA_COUNTS:
            shown[name] = f"{value:,}"
        elif not is_private:
            shown[name] = disclose_count(value, room=Room.PUBLIC).text
    return shown


def _subject(release: ReleasePolicy) -> form.Subject:
    return form.Subject(
        id=release.id,
        version=release.version,
        title=release.title,
        description=release.description,
        category=form.Term.of(release.output_category),
        basis=form.Term.of(release.provision_basis),
        delivery=tuple(form.Term.of(each) for each in release.delivery),
        purpose=release.purposes.text,
        prohibited_uses=tuple(form.Term.of(each) for each in release.prohibited_uses),
    )


def _holder(dataset: DatasetPolicy) -> form.Holder:
    controller = dataset.controller
    return form.Holder(
        dataset=dataset.id,
        title=dataset.title,
        organization=Organization(
            name=controller.name,
            type=controller.type,
            contact_name=controller.contact.name,
            email=controller.contact.email,
            url=controller.contact.url,
        ),
        kind=form.Term.of(controller.type),
        acquisition=form.Term.of(dataset.acquisition_basis),
    )


def _summary(facts: Facts) -> form.Summary:
    counts = Counter(one.verdict for one in facts.answers)
    return form.Summary(
        rules=len(facts.answers),
        applicable=len(facts.answers) - counts[Verdict.NOT_APPLICABLE],
        kept=counts[Verdict.KEPT],
        accepted=counts[Verdict.ACCEPTED],
        held=counts[Verdict.HELD],
        broken=counts[Verdict.BROKEN],
        unanswered=counts[Verdict.UNANSWERED],
        open_points=tuple(_open_points(facts)),
    )


def _open_points(facts: Facts) -> Iterator[Text]:
    for one in facts.answers:
        if one.is_open:
            yield Text(
                ja=f"{one.rule}({one.clause.severity.ja}): {one.how.ja}",
                en=f"{one.rule} ({one.clause.severity.value}): {one.how.en}",
            )
    if not facts.approvals.is_signed:
        yield facts.approvals.said


def _packs(answers: Sequence[RuleAnswer]) -> tuple[form.PackEntry, ...]:
    packs = {one.pack.id: one.pack for one in answers}
    return tuple(
        form.PackEntry(
            id=pack.id, title=pack.title, in_force_from=pack.in_force_from, is_law=pack.is_law, profile=pack.profile
        )
        for pack in packs.values()
    )


def _rule(one: RuleAnswer) -> form.RuleEntry:
    clause = one.clause
    return form.RuleEntry(
        id=clause.id,
        pack=one.pack.id,
        is_law=one.pack.is_law,
        profile=one.pack.profile,
        citation=clause.citation,
        text=clause.text,
        severity=Severity(clause.severity),
        confidence=clause.confidence,
        stage=clause.stage,
        check=clause.check,
        parameters=dict(clause.parameters),
        verdict=form.Term.of(one.verdict),
        how=one.how,
        where=one.where,
    )


def _checks(facts: Facts) -> Iterator[form.CheckEntry]:
    names = names_of(facts.library, facts.release)
    is_private = isinstance(facts.release.method, PrivateMethod)
    for stage, check in facts.checks:
        shown = measured(check.measured, is_private=is_private)
        yield form.CheckEntry(
            stage=stage,
            name=check.name,
            rule=check.rule,
            passed=check.passed,
            blocking=check.blocking,
            dimension=check.dimension,
            measured=shown,
            title=title_of_result(check, names),
            found=found_words(shown),
        )


def _words(facts: Facts) -> tuple[form.Meaning, ...]:
    datasets = {name: facts.library.dataset(name) for name in facts.release.datasets}
    pairs = zip(release_words(facts.release, datasets, "ja"), release_words(facts.release, datasets, "en"), strict=True)
    return tuple(form.Meaning(term=Text(ja=ja[0], en=en[0]), meaning=Text(ja=ja[1], en=en[1])) for ja, en in pairs)


def _ledger(facts: Facts) -> form.LedgerExtract | None:
    method, charged = facts.release.method, facts.charged
    if not isinstance(method, PrivateMethod) or charged is None:
        return None
    return form.LedgerExtract(
        population=method.budget.population,
        rho_cap=charged.rho_cap,
        rho_charged=charged.rho_charged,
        epsilon=facts.evidence.epsilon,
        delta=facts.evidence.delta,
        period_from=method.budget.period_from,
        period_to=method.budget.period_to,
        charge_id=charged.charge_id,
        entry_digests=charged.entry_digests,
    )


def _card(facts: Facts) -> DpCard | None:
    method, charged = facts.release.method, facts.charged
    if not isinstance(method, PrivateMethod) or charged is None:
        return None
    return build_card(
        CardFacts(
            release=facts.release,
            budget=method.budget,
            datasets=[facts.library.dataset(name) for name in facts.release.datasets],
            evidence=facts.evidence,
            checks=facts.checks,
            charge_id=charged.charge_id,
            rho_cap=charged.rho_cap,
            rho_charged=charged.rho_charged,
            code_version=facts.code_version,
            published_on=facts.record.issued,
        )
    )


def _consent(facts: Facts, name: str) -> form.ConsentEntry:
    consent = facts.library.dataset(name).consent
    found = facts.consent.get(name)
    told = None if isinstance(facts.release.method, PrivateMethod) else found
    before, after = (told.people_in, told.people_out) if told else (None, None)
    removed = before - after if before is not None and after is not None else None
    return form.ConsentEntry(
        dataset=name,
        basis=form.Term.of(consent.basis),
        register_table=consent.register_.table if consent.register_ else None,
        notice_on=consent.waiting.notice_on if consent.waiting else None,
        wait_days=consent.waiting.wait_days if consent.waiting else None,
        people_before=_count(before),
        people_removed=_count(removed),
        people_after=_count(after),
        is_applied=found is not None,
    )


def _count(people: int | None) -> str | None:
    return None if people is None else disclose_count(people, room=Room.PUBLIC).text


def _publication(facts: Facts) -> form.PublicationEntry:
    notice = facts.release.publication
    return form.PublicationEntry(
        items_url=notice.items_url if notice else None,
        items_published_on=notice.items_published_on if notice else None,
        created_on=notice.created_on if notice else None,
        label_ja=notice.label_ja if notice else None,
        published_on=facts.record.issued,
        dossier_built_at=facts.built_at,
        catalog_id=facts.record.id,
    )


def _recipient(each: Recipient) -> form.RecipientEntry:
    return form.RecipientEntry(
        id=each.id,
        name=each.name,
        kind=form.Term.of(each.kind),
        country=each.country,
        contract=each.contract,
        safeguard=each.safeguard,
        security=each.security,
        certification=each.certification.id if each.certification else None,
    )


_CUSTODY: Mapping[str, Text] = {
    "pseudonym": Text(
        ja="仮名化の鍵(鍵保管庫の外に出ない)", en="pseudonyms and date shifts; never leaves the key store"
    ),
    "storage": Text(ja="制限区域の暗号化", en="encryption of the restricted zones"),
    "bounding": Text(
        ja="寄与の上限を選ぶ鍵(差分プライバシー)", en="choice of bounded contributions (differential privacy)"
    ),
    "signing": Text(ja="署名(公開鍵はこのフォルダにある)", en="signatures; the public key lies in this folder"),
    "escrow": Text(ja="抽出データの予備の受取鍵", en="second recipient of sealed extracts"),
}


def _custody(keys: Sequence[tuple[str, str]]) -> Iterator[form.CustodyEntry]:
    other = Text(ja="その他", en="other")
    for kind, name in keys:
        yield form.CustodyEntry(kind=kind, name=name, purpose=_CUSTODY.get(kind, other))


def _lineage(facts: Facts) -> form.Lineage:
    library = facts.library
    return form.Lineage(
        policies=tuple(facts.policies),
        policies_digest=facts.policies_digest,
        inputs_digest=facts.inputs,
        sources=tuple(
            form.SourceEntry(
                dataset=name,
                digest=facts.sources[name],
                tables=tuple(table.name for table in library.dataset(name).tables),
            )
            for name in facts.release.datasets
            if name in facts.sources
        ),
        code_version=facts.code_version,
        randomness=Text(
            ja="乱数はオペレーティングシステムから得ており、種(シード)は存在しない",
            en="randomness comes from the operating system; there is no seed",
        ),
        package_manifest=facts.record.manifest_digest,
    )


def _quality(facts: Facts) -> form.QualityLabel:
    wanted = facts.release.quality.dimensions
    found = [check for _, check in facts.checks if check.dimension is not None]
    return form.QualityLabel(
        suite=facts.release.quality.suite,
        documentation=Text(
            ja="変数の一覧と処理内容はカタログのデータ辞書にある",
            en="variables and treatments are in the catalog's data dictionary",
        ),
        dimensions=tuple(
            form.QualityLine(
                dimension=form.Term.of(one),
                checks=sum(check.dimension is one for check in found),
                passed=sum(check.dimension is one and check.passed for check in found),
            )
            for one in QualityDimension
            if one in wanted
        ),
        coverage=_coverage(facts.release.catalog),
        access=Text(ja=facts.record.access.ja, en=facts.record.access.en),
        modifications=facts.record.provenance,
    )


def _coverage(catalog: CatalogText) -> Text:
    """Say of where and when the data are; a catalog's period may be open at either end."""
    ja, en = (f"{country(catalog.spatial, one)}" for one in _LANGUAGES)
    if catalog.temporal_from is None and catalog.temporal_to is None:
        return Text(ja=f"地域: {ja}", en=f"area: {en}")
    days = {
        one: [
            format_date(day, format="long", locale=one) if day else ""
            for day in (catalog.temporal_from, catalog.temporal_to)
        ]
        for one in _LANGUAGES
    }
    return Text(
        ja=f"地域: {ja}、期間: {'〜'.join(days['ja'])}", en=f"area: {en}, period: {' to '.join(days['en']).strip()}"
    )


_LANGUAGES: tuple[Language, ...] = ("ja", "en")


def _retention(facts: Facts) -> form.Retention:
    kept = facts.release.retention
    last = _months_later(facts.record.issued, kept.extract_months) + timedelta(days=kept.delete_within_days)
    return form.Retention(
        extract_months=kept.extract_months,
        delete_within_days=kept.delete_within_days,
        ledger_years=kept.ledger_years,
        review_due=facts.release.review_due,
        delete_by=last,
    )


def _months_later(day: date, months: int) -> date:
    """Return the same day `months` later, or the last day of that month."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
