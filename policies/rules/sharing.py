"""Rules on plans, tiers and security of shared data (AMED-01 ... 04, NBDC-01 ... 03), and on bulk transfer (XFER-01)."""

from collections.abc import Iterator

from policies.model import DatasetPolicy
from policies.model.method import ControlledRows, Microdata
from policies.model.sharing import Sharing
from policies.places import Key
from policies.rules.view import PSEUDONYMIZED, DatasetView, Parameters, Problem, ReleaseView, number, words
from policies.vocabulary import (
    AccessTier,
    ColumnRole,
    ConsentBasis,
    Delivery,
    IdentificationCode,
    OutputCategory,
    RecipientKind,
    SharingClass,
)

_LEVELS = {None: 0, "type1": 1, "type2": 2}
_BULK = ("genomic", "other_omics", "health", "biometric", "geolocation")


def plan_is_made(view: DatasetView, _: Parameters) -> Iterator[Problem]:
    """AMED-01: a data management plan names repository and sharing class, and what leaves fits the class."""
    sharing, keys = view.dataset.sharing, ("sharing",)
    if sharing is None:
        yield Problem("no data management plan is named (DMP)", "write `sharing`", keys)
        return
    for name in ("dmp", "repository", "sharing_class"):
        if getattr(sharing, name) is None:
            yield Problem(f"the data management plan has no `{name}`", "write what the plan says", keys)
    for release in view.library.releases.values():
        if view.dataset.id in release.datasets:
            yield from _class_fits(sharing, release.id, Delivery.OPEN in release.delivery, release.method.kind)


def _class_fits(sharing: Sharing, release: str, is_open: bool, method: str) -> Iterator[Problem]:
    keys = ("sharing", "sharing_class")
    if sharing.sharing_class is SharingClass.CLOSED:
        what = f"the plan keeps the data closed (非公開), and release '{release}' draws on them"
        yield Problem(what, "have the plan changed, or take the dataset out", keys)
    elif is_open and method == "microdata" and sharing.sharing_class is not SharingClass.UNRESTRICTED:
        what = f"the plan restricts the data, and release '{release}' gives its rows openly"
        yield Problem(what, "have the plan changed, or use `extract`", keys)


def consent_follows_model_text(view: DatasetView, _: Parameters) -> Iterator[Problem]:
    """AMED-02: consent for new specimens and data is asked with the programme's model text."""
    consent = view.dataset.consent
    if consent.basis is not ConsentBasis.OPT_IN:
        return
    if consent.text is None or not consent.text.model_text:
        what = "the consent text does not say which model text it follows (説明文書用モデル文案)"
        yield Problem(what, "write `consent.text` with `version` and `model_text`", ("consent",))


def conditions_are_met(view: DatasetView, _: Parameters) -> Iterator[Problem]:
    """AMED-03: the eight conditions of data shared through AMED's platform are met, one of them by the consent text."""
    if view.dataset.sharing is None or view.dataset.sharing.amed is None:
        what = "the eight conditions of sharing are not stated"
        yield Problem(what, "write `sharing.amed`", ("sharing",))
    text = view.dataset.consent.text
    if text is None or not (text.third_party and text.commercial):
        what = "no consent text speaks of provision to third parties for academic and commercial use"
        yield Problem(what, "share otherwise, or ask people again", ("consent",))


def genomes_stay_in_environment(view: ReleaseView, _: Parameters) -> Iterator[Problem]:
    """AMED-04 (house): genome rows are used inside a secure environment, and companies are screened first."""
    rows = [fate for fate in view.fates if fate.leaves and _is_genome(fate.source.code, fate.source.role)]
    if not rows:
        return
    for index, way in enumerate(view.release.delivery):
        if way is not Delivery.SECURE_ENVIRONMENT:
            what = f"{rows[0].name} holds genome data and leaves by '{way.value}'"
            fix = "write `delivery: [secure_environment]`, or release allele frequencies"
            yield Problem(what, fix, ("delivery", index))
    for index, recipient in enumerate(view.release.recipients):
        if recipient.kind is RecipientKind.COMPANY and recipient.screening is None:
            what = f"recipient {recipient.id} is a company that nobody screened"
            yield Problem(what, "write its `screening`", ("recipients", index))


def _is_genome(code: IdentificationCode | None, role: ColumnRole) -> bool:
    return role is ColumnRole.GENOTYPE or (code is not None and code.value.startswith("genome_"))


def _shared(view: ReleaseView) -> Iterator[tuple[DatasetPolicy, Sharing]]:
    return ((one, one.sharing) for one in view.datasets.values() if one.sharing is not None)


def tier_fits_delivery(view: ReleaseView, _: Parameters) -> Iterator[Problem]:
    """NBDC-01: every dataset has an access tier, and nothing leaves more openly than its tier."""
    for dataset in view.datasets.values():
        if dataset.sharing is None:
            yield Problem(f"dataset '{dataset.id}' has no access tier", "write its `sharing.access_tier`", ("tables",))
    gives_rows = isinstance(view.release.method, (Microdata, ControlledRows))
    for dataset, sharing in _shared(view):
        if sharing.access_tier is AccessTier.ON_HOLD:
            what = f"dataset '{dataset.id}' is on hold (公開待機)"
            yield Problem(what, "wait, or have the tier changed", ("tables",))
        elif (
            gives_rows and Delivery.OPEN in view.release.delivery and sharing.access_tier is not AccessTier.UNRESTRICTED
        ):
            what = f"rows of dataset '{dataset.id}' leave openly, and its tier is {sharing.access_tier.en}"
            yield Problem(what, "use `extract`", ("delivery",))


def security_is_enough(view: ReleaseView, _: Parameters) -> Iterator[Problem]:
    """NBDC-02: a recipient of rows works at the dataset's security level or above (Type I below Type II)."""
    if not isinstance(view.release.method, (Microdata, ControlledRows)):
        return
    for dataset, sharing in _shared(view):
        for index, recipient in enumerate(view.release.recipients):
            if _LEVELS[recipient.security] < _LEVELS[sharing.security]:
                what = f"dataset '{dataset.id}' asks for {sharing.security}, recipient {recipient.id} has less"
                fix = "take its self-check for that level, or remove it"
                keys: tuple[Key, ...] = ("recipients", index)
                yield Problem(what, fix, (*keys, "security") if recipient.security else keys)


def keys_are_coded_twice(view: ReleaseView, _: Parameters) -> Iterator[Problem]:
    """NBDC-03: what is submitted was coded by the hospital, and is coded again for the release.

    The pipeline codes once, with the project's key; a random id of the release is the second coding.
    """
    if view.category not in PSEUDONYMIZED | {OutputCategory.PERSONAL_DATA}:
        return
    for fate in view.fates:
        steps = [step for step in fate.column.treat if step.op == "pseudonymize"]
        if fate.is_key and fate.leaves and not any(step.method == "random" for step in steps):
            what = f"the key {fate.name} leaves with its first coding (二重の符号化)"
            yield Problem(what, "write `{op: pseudonymize, method: random, scope: release}`", fate.keys)


def bulk_data_stay_away(view: ReleaseView, parameters: Parameters) -> Iterator[Problem]:
    """XFER-01: bulk data of United States persons go to no country of concern and no covered person.

    That they are de-identified or encrypted changes nothing; statistics are no bulk data.
    """
    if not isinstance(view.release.method, (Microdata, ControlledRows)):
        return
    for dataset in view.datasets.values():
        if dataset.us_persons is None:
            what = f"dataset '{dataset.id}' does not say how many United States persons it holds"
            yield Problem(what, "write its `us_persons`", ("tables",))
            continue
        bulk = [kind for kind in _BULK if getattr(dataset.us_persons, kind) > number(parameters, f"{kind}_above")]
        for index, recipient in enumerate(view.release.recipients):
            is_covered = recipient.screening is not None and recipient.screening.covered_person
            if bulk and (is_covered or recipient.country in words(parameters, "countries_of_concern")):
                what = f"recipient {recipient.id} is covered, and dataset '{dataset.id}' holds bulk data ({', '.join(bulk)})"
                yield Problem(what, "remove the recipient", ("recipients", index))
