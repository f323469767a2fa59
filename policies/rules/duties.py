"""Rules on standing duties: purpose, records, erasure, terms, published measures (APPI-07, 15, 20, 29, 30, 32, 33, 35)."""

from collections.abc import Iterator

from policies.rules.view import DatasetView, Parameters, Problem, ReleaseView, listed, number, words
from policies.vocabulary import Delivery, RecipientKind, TableKind


def purpose_was_specified(view: ReleaseView, parameters: Parameters) -> Iterator[Problem]:
    """APPI-07: the release's use lies within the purpose that people were told, for every dataset it draws on."""
    permissions = [term for term in view.release.purposes.duo if term in _permissions(parameters)]
    is_academic = view.release.provision_basis in words(parameters, "academic_bases")
    for dataset in view.datasets.values():
        told = dataset.purpose_of_use
        if told is None:
            what = f"dataset '{dataset.id}' does not say for which purpose its data were acquired (利用目的)"
            yield Problem(what, "write `purpose_of_use` in the dataset, as it was published", ("purposes",))
            continue
        if told.published_on > view.release.effective_from:
            what = f"the purpose of '{dataset.id}' is published after the release is effective"
            yield Problem(what, "publish it first, or move `effective_from`", ("purposes",))
        outside = [term for term in permissions if not _is_within(term, told.duo, parameters)]
        if outside and not is_academic:
            what = f"{', '.join(outside)} is wider than the purpose of '{dataset.id}', {told.duo} (目的外利用)"
            yield Problem(what, "narrow the use, or ask people for the wider purpose", ("purposes", "duo"))


def _permissions(parameters: Parameters) -> set[str]:
    return {*words(parameters, "wider_first"), *words(parameters, "ancestry")}


def _is_within(use: str, told: str, parameters: Parameters) -> bool:
    """Return whether a permission lies within another: GRU holds HMB, which holds DS; ancestry is only in the general."""
    order = words(parameters, "wider_first")
    if use in words(parameters, "ancestry"):
        return told == use or told in words(parameters, "general")
    return told in order and order.index(use) >= order.index(told)


def records_are_kept(view: ReleaseView, parameters: Parameters) -> Iterator[Problem]:
    """APPI-15: records of provision are kept for their years, and logs of access for the house's."""
    retention = view.release.retention
    years, log_years = number(parameters, "ledger_years"), number(parameters, "access_log_years")
    if retention.ledger_years < years:
        what = f"records of provision are kept {retention.ledger_years} years (記録の3年保存)"
        yield Problem(what, f"write `ledger_years: {years}` or more", ("retention", "ledger_years"))
    if retention.access_log_years is None or retention.access_log_years < log_years:
        what = "nothing says that logs of access are kept"
        yield Problem(what, f"write `access_log_years: {log_years}` or more", ("retention",))


def data_are_erased(view: ReleaseView, parameters: Parameters) -> Iterator[Problem]:
    """APPI-33: an extract ends, and is deleted soon after; a longer time waits for a person."""
    retention = view.release.retention
    months, days = number(parameters, "extract_months"), number(parameters, "delete_within_days")
    if retention.extract_months > months:
        what = f"an extract is used for {retention.extract_months} months"
        yield Problem(what, f"write `extract_months: {months}` or less", ("retention", "extract_months"))
    if retention.delete_within_days > days:
        what = f"an extract may stay {retention.delete_within_days} days after its end"
        yield Problem(what, f"write `delete_within_days: {days}` or less", ("retention", "delete_within_days"))


def nobody_is_sought(view: ReleaseView, parameters: Parameters) -> Iterator[Problem]:
    """APPI-20: recipients of pseudonymized information may neither identify nor match nor contact, and say so."""
    yield from _bound(view, parameters)


def matching_is_forbidden(view: ReleaseView, parameters: Parameters) -> Iterator[Problem]:
    """APPI-29: recipients of anonymized information may neither match it nor acquire what was removed, by contract."""
    yield from _bound(view, parameters)
    if Delivery.OPEN in view.release.delivery:
        what = "rows are delivered openly, to people who are bound by no terms"
        yield Problem(what, "use `extract`, or release statistics", ("delivery",))
    for index, recipient in enumerate(view.release.recipients):
        if recipient.kind is RecipientKind.PUBLIC or not recipient.contract:
            what = f"recipient {recipient.id} has no contract that binds it to the terms"
            yield Problem(what, "write the number of the contract", ("recipients", index))


def _bound(view: ReleaseView, parameters: Parameters) -> Iterator[Problem]:
    terms, release = view.release.terms, view.release
    clauses = words(parameters, "clauses")
    missing = [clause for clause in clauses if terms is None or clause not in terms.clauses]
    if missing:
        what = f"the terms do not say {listed(missing)}"
        yield Problem(what, "write `terms` with its version, url and these clauses", ("terms", "clauses"))
    allowed = [use for use in words(parameters, "uses") if use not in release.prohibited_uses]
    if allowed:
        what = f"{listed(allowed)} is not prohibited (識別行為の禁止)"
        yield Problem(what, "add it to `prohibited_uses`", ("prohibited_uses",))


def measures_are_public(view: ReleaseView, _: Parameters) -> Iterator[Problem]:
    """APPI-30: who makes anonymized information publishes how it is kept safe and where to complain."""
    for dataset in view.datasets.values():
        if not dataset.controller.measures_url:
            what = f"the holder of '{dataset.id}' publishes no measures for safety and complaints"
            yield Problem(what, "write `controller.measures_url` in the dataset", ("publication",))


def academics_publish_measures(view: DatasetView, parameters: Parameters) -> Iterator[Problem]:
    """APPI-32: an academic institution publishes its own measures."""
    controller = view.dataset.controller
    if controller.type in words(parameters, "academic_controllers") and not controller.measures_url:
        what = f"a {controller.type.en} publishes no measures of its own (学術研究機関等の責務)"
        yield Problem(what, "write `measures_url`", ("controller",))


def the_dead_are_declared(view: DatasetView, _: Parameters) -> Iterator[Problem]:
    """APPI-35: a dataset about people says whether deceased people are in it; every rule holds for them alike."""
    has_people = any(table.kind is not TableKind.REFERENCE for table in view.dataset.data_tables)
    if has_people and view.dataset.deceased_included is None:
        what = "nothing says whether deceased people are in the data (死者の情報)"
        yield Problem(what, "write `deceased_included: true` or `false`", ())
