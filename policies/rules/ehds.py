"""Rules of European instruments, followed by choice (EHDS-51 ... 78, GDPR-01, WP216-01, HDCAT-01); none binds in Japan.

Rules on a request for access (EHDS-53, 54, 61, 63, 66 to 69, 71) are judged where requests are decided.
"""

from collections.abc import Iterator

from policies.model.method import ControlledRows, Microdata
from policies.places import Key
from policies.rules.view import ANONYMIZED, PSEUDONYMIZED, DatasetView, Parameters, Problem, ReleaseView, number, words
from policies.vocabulary import ColumnRole, Delivery, OutputCategory, ProhibitedUse, QualityDimension, TableKind

_EHDS: tuple[Key, ...] = ("ehds",)
_STATED = "write `ehds` with categories, funding, dates and addresses"
_PERSONAL = PSEUDONYMIZED | {OutputCategory.PERSONAL_DATA}


def category_is_declared(view: DatasetView, parameters: Parameters) -> Iterator[Problem]:
    """EHDS-51: the dataset names its categories of article 51(1), and genome data are called such."""
    facts = view.dataset.ehds
    if facts is None:
        yield Problem("no category of electronic health data is named", _STATED, _EHDS)
        return
    letter = words(parameters, "genetic_category")
    has_genome = any(table.kind is TableKind.GENOTYPE for table in view.dataset.tables)
    if has_genome and not set(letter) & set(facts.categories):
        what = "there are genotypes, and no category of genetic data is named"
        yield Problem(what, f"add `{', '.join(letter)}` to `ehds.categories`", (*_EHDS, "categories"))


def decisions_are_published(view: DatasetView, parameters: Parameters) -> Iterator[Problem]:
    """EHDS-57: permits and refusals are published, within the working days of the article."""
    facts, days = view.dataset.ehds, number(parameters, "within_working_days")
    if facts is None:
        yield Problem("nothing says where permits and refusals are published", _STATED, _EHDS)
    elif facts.decisions_within_working_days > days:
        what = f"decisions are published after {facts.decisions_within_working_days} working days"
        yield Problem(what, f"publish within {days}", (*_EHDS, "decisions_within_working_days"))


def conditions_are_public(view: DatasetView, _: Parameters) -> Iterator[Problem]:
    """EHDS-58: the public finds the conditions under which the data are used."""
    facts = view.dataset.ehds
    if facts is None or not facts.conditions_url.startswith("https://"):
        what = "the public finds no conditions of use"
        yield Problem(what, "write their address as `ehds.conditions_url`, with https", _EHDS)


def description_is_fresh(view: DatasetView, parameters: Parameters) -> Iterator[Problem]:
    """EHDS-60: the holder looks at the description every year, and supplies data within three months."""
    facts = view.dataset.ehds
    if facts is None:
        yield Problem("nothing says when the description was last looked at", _STATED, _EHDS)
        return
    age, most = (view.on - facts.described_on).days, number(parameters, "within_days")
    if not 0 <= age <= most:
        what = f"the description was not looked at within the last {most} days"
        yield Problem(what, "look at it, and write the day", (*_EHDS, "described_on"))
    if facts.supply_within_days > number(parameters, "supply_within_days"):
        what = f"data are supplied after {facts.supply_within_days} days"
        yield Problem(what, "supply them sooner", (*_EHDS, "supply_within_days"))


def environment_is_controlled(view: ReleaseView, parameters: Parameters) -> Iterator[Problem]:
    """EHDS-73: rows about people are used by named users in an environment, logged, and deleted in time."""
    release = view.release
    if view.category not in _PERSONAL:
        return
    for index, way in enumerate(release.delivery):
        if way not in {Delivery.SECURE_ENVIRONMENT, Delivery.EXTRACT}:
            what = f"rows about people are delivered by '{way.value}'"
            yield Problem(what, "use secure_environment, or a sealed extract", ("delivery", index))
    if release.retention.delete_within_days > number(parameters, "delete_within_days"):
        what = f"data stay {release.retention.delete_within_days} days after the permit"
        yield Problem(what, "delete them within six months", ("retention", "delete_within_days"))
    if (release.retention.access_log_years or 0) < number(parameters, "access_log_years"):
        what = "nothing says that logs of use are kept a year"
        yield Problem(what, "write `access_log_years`", ("retention",))
    for index, recipient in enumerate(release.recipients):
        if recipient.security is None:
            what = f"nothing says how securely {recipient.id} works"
            yield Problem(what, "write its `security`", ("recipients", index))


def label_is_complete(view: ReleaseView, _: Parameters) -> Iterator[Problem]:
    """EHDS-78: the quality label of publicly funded data speaks of all six dimensions."""
    is_public = any(dataset.ehds is None or dataset.ehds.publicly_funded for dataset in view.datasets.values())
    missing = [each.value for each in QualityDimension if each not in view.release.quality.dimensions]
    if is_public and missing:
        what = f"the quality label says nothing about {', '.join(missing)}"
        yield Problem(what, "let the suite judge them, and list them", ("quality", "dimensions"))


def pseudonymized_is_personal(view: ReleaseView, parameters: Parameters) -> Iterator[Problem]:
    """GDPR-01: pseudonymized data are called and treated as personal data, with the safeguards of research."""
    release = view.release
    if view.category not in _PERSONAL:
        return
    for keys, text in ((("title", "en"), release.title.en), (("description", "en"), release.description.en)):
        found = [word for word in words(parameters, "claims") if word in text.casefold()]
        if found:
            what = f"the text says '{found[0]}', and the rows are personal data"
            yield Problem(what, "call them pseudonymized", keys)
    if ProhibitedUse.REIDENTIFY not in release.prohibited_uses or release.ethics is None:
        what = "the safeguards of research are not all there: ethics approval, no re-identification"
        yield Problem(what, "write `ethics`, and prohibit `reidentify`", ("prohibited_uses",))


def three_tests_are_passed(view: ReleaseView, parameters: Parameters) -> Iterator[Problem]:
    """WP216-01: anonymized rows withstand singling out, linkability and inference, and are looked at again in time."""
    method, release = view.release.method, view.release
    if isinstance(method, ControlledRows) and view.category in ANONYMIZED:
        yield Problem("pseudonymized rows are called anonymized", "use microdata", ("output_category",))
    if not isinstance(method, Microdata):
        return
    if method.k < number(parameters, "k_from"):
        yield Problem(f"k of {method.k} lets people be singled out", "raise k", ("method", "k"))
    if not method.sensitive:
        what = "nothing stops inference: no sensitive column is diverse in every class"
        yield Problem(what, "write `method.sensitive`", ("method",))
    for fate in view.fates:
        links = fate.leaves and fate.is_key and fate.source.role is ColumnRole.PERSON_KEY
        if links:
            yield Problem(f"the key {fate.name} lets records of a person be linked", "drop it", fate.keys)
    if (release.review_due - release.effective_from).days > number(parameters, "review_within_days"):
        what = "the risk is looked at again too late"
        yield Problem(what, "set `review_due` within a year", ("review_due",))


def health_metadata_are_there(view: ReleaseView, _: Parameters) -> Iterator[Problem]:
    """HDCAT-01: what HealthDCAT-AP asks of a record beyond the policy is written: coverage in time and in age."""
    catalog = view.release.catalog
    for name in ("temporal_from", "temporal_to", "min_typical_age", "max_typical_age"):
        if getattr(catalog, name) is None:
            yield Problem(f"the catalog text has no `{name}`", "write it", ("catalog",))
