"""Rules of the Next-generation Medical Infrastructure Act (次世代医療基盤法) on makers, notices and users (NGMI-01 ... 18)."""

from collections.abc import Iterator
from datetime import date, timedelta

from policies.model import DatasetPolicy, Recipient
from policies.model.notice import Notice
from policies.places import Key
from policies.rules import identifiers, unusual
from policies.rules.view import DatasetView, Parameters, Problem, ReleaseView, listed, number, words
from policies.vocabulary import (
    CertificationKind,
    ColumnClass,
    ConsentBasis,
    ContractItem,
    ControllerType,
    FutureBasis,
    NoticeItem,
    OutputCategory,
    ProvisionBasis,
    RecipientKind,
    SafetyMeasure,
    TermsClause,
)

_MAKERS = {
    OutputCategory.ANONYMIZED_NGMI: {CertificationKind.ANONYMIZED_MAKER, CertificationKind.PROCESSOR},
    OutputCategory.PSEUDONYMIZED_NGMI: {CertificationKind.PSEUDONYMIZED_MAKER, CertificationKind.PROCESSOR},
}
_NOTICE_FOR = {OutputCategory.ANONYMIZED_NGMI: "anonymized", OutputCategory.PSEUDONYMIZED_NGMI: "pseudonymized"}
_CERTIFIED = frozenset(kind for kind in ControllerType if kind.value.startswith("ngmi_"))
_RECEIVERS = _CERTIFIED - {ControllerType.NGMI_PSEUDO_USER}
"""Who receives medical information from hospitals; a user receives what a maker made."""
_NOTICES: tuple[Key, ...] = ("consent", "notices")


def maker_is_certified(view: ReleaseView, parameters: Parameters) -> Iterator[Problem]:
    """NGMI-01: only a certified maker, on the day and on the first day of the release, uses the names of the Act."""
    makers, keys = _MAKERS.get(view.category), ("output_category",)
    if makers is None:
        yield from _borrowed_names(view, words(parameters, "reserved_names"))
        return
    days = tuple(dict.fromkeys((view.on, max(view.on, view.release.effective_from))))
    for dataset in view.datasets.values():
        certification = dataset.controller.certification
        if certification is None or certification.kind not in makers:
            what = f"the holder of '{dataset.id}' has no certification to make {view.category.en} ({view.category.ja})"
            yield Problem(what, "write `controller.certification`, or choose another category", keys)
            continue
        for day in days:
            if not certification.covers(day):
                what = f"certification of the holder of '{dataset.id}' does not cover {day.isoformat()}"
                yield Problem(what, "read the public list of certified operators again, and correct its dates", keys)


def _borrowed_names(view: ReleaseView, names: tuple[str, ...]) -> Iterator[Problem]:
    release = view.release
    texts: list[tuple[tuple[Key, ...], str]] = [
        (("title", "ja"), release.title.ja),
        (("description", "ja"), release.description.ja),
    ]
    if release.publication is not None:
        texts.append((("publication", "label_ja"), release.publication.label_ja))
    for keys, text in texts:
        found = [name for name in names if name in text]
        if found:
            what = f"the text calls it {listed(found)}, and its category is {view.category.ja}"
            yield Problem(what, "use the name of its own category (名称の使用制限)", keys)


def notice_is_given(view: DatasetView, _: Parameters) -> Iterator[Problem]:
    """NGMI-02: each person was told all eight items, the ministers have a filing, and anybody can ask to stop.

    Anonymized and pseudonymized information each need a notice of their own.
    """
    consent = view.dataset.consent
    if view.dataset.controller.type not in _RECEIVERS:
        return
    if consent.basis is not ConsentBasis.OPT_OUT:
        what = "there is no register of those who asked to stop (停止の求め)"
        yield Problem(what, "write `consent: {basis: opt_out, register: …}`", ("consent", "basis"))
    notices = consent.notices or ()
    for purpose in _purposes(view):
        if purpose not in {notice.purpose for notice in notices}:
            article = "52(1)" if purpose == "anonymized" else "57(1)"
            what = f"there is no notice for {purpose} medical information ({article})"
            yield Problem(what, "add it to `consent.notices`; one notice does not stand for the other", _NOTICES)
    for index, notice in enumerate(notices):
        yield from _notice(notice, (*_NOTICES, index))


def _purposes(view: DatasetView) -> list[str]:
    """Return which notices the releases of the dataset need; the holder's own certification decides where none says."""
    drawing = [release for release in view.library.releases.values() if view.dataset.id in release.datasets]
    needed = dict.fromkeys(_NOTICE_FOR[each.output_category] for each in drawing if each.output_category in _NOTICE_FOR)
    if needed:
        return list(needed)
    is_pseudo = view.dataset.controller.type in {ControllerType.NGMI_PSEUDO_MAKER, ControllerType.NGMI_PSEUDO_USER}
    return ["pseudonymized" if is_pseudo else "anonymized"]


def _notice(notice: Notice, keys: tuple[Key, ...]) -> Iterator[Problem]:
    missing = [item for item in NoticeItem if item not in notice.items]
    if missing:
        what = f"the notice leaves out {', '.join(item.en for item in missing)}"
        yield Problem(what, "notify anew with all eight items, and list them", (*keys, "items"))
    if notice.filed_on > notice.first_provided_on:
        what = "data were provided before the filing with the competent ministers"
        yield Problem(what, "correct the dates, or take out what was provided before", (*keys, "filed_on"))
    if not notice.bereaved_may_stop:
        what = "the bereaved family cannot ask to stop"
        yield Problem(
            what, "open the channel to them (遺族), and write `bereaved_may_stop: true`", (*keys, "bereaved_may_stop")
        )


def waiting_is_over(view: DatasetView, parameters: Parameters) -> Iterator[Problem]:
    """NGMI-03: nothing was provided before people had the time to object; the days are a house figure."""
    days = number(parameters, "wait_days")
    if view.dataset.controller.type not in _RECEIVERS:
        return
    for index, notice in enumerate(view.dataset.consent.notices or ()):
        if notice.first_provided_on < notice.notified_on + timedelta(days=days):
            what = f"data are provided within {days} days of the notice (停止の求めに必要な期間)"
            earliest = (notice.notified_on + timedelta(days=days)).isoformat()
            yield Problem(what, f"provide on {earliest} or later", (*_NOTICES, index, "first_provided_on"))
    waiting = view.dataset.consent.waiting
    if waiting is None or waiting.wait_days < days:
        what = "the pipeline is not told to wait for objections"
        yield Problem(what, f"write `waiting: {{notice_on: …, wait_days: {days}}}`", ("consent",))


def stop_requests_are_receipted(view: DatasetView, parameters: Parameters) -> Iterator[Problem]:
    """NGMI-04: whoever asks to stop gets a receipt, and its copy is kept."""
    register, years = view.dataset.consent.register_, number(parameters, "keep_years")
    if register is None or view.dataset.controller.type not in _RECEIVERS:
        return
    keys, table = ("consent", "register"), view.dataset.table(register.table)
    if register.receipt is None or (table is not None and table.column(register.receipt) is None):
        what = "the register has no column with the date of the receipt (停止求めの書面交付)"
        yield Problem(what, "name the column as `receipt`", keys)
    if register.keep_years is None or register.keep_years < years:
        what = f"the copies of receipts are not kept {years} years"
        yield Problem(what, f"write `keep_years: {years}` or more", keys)


def requesters_are_entitled(view: DatasetView, parameters: Parameters) -> Iterator[Problem]:
    """NGMI-06: the register says who asked, in the words of the Order: the person or the bereaved family."""
    register, known = view.dataset.consent.register_, words(parameters, "relations")
    if register is None or view.dataset.controller.type not in _RECEIVERS:
        return
    table = view.dataset.table(register.table)
    column = table.column(register.relation) if table is not None and register.relation is not None else None
    if column is None:
        what = "the register does not say who asked to stop (遺族の範囲)"
        yield Problem(what, "name the column as `relation`", ("consent", "register"))
    elif not column.allowed or set(column.allowed) - set(known):
        what = f"column '{column.name}' takes relations that the Order does not list"
        yield Problem(what, f"write `allowed:` from {listed(known)}", ("consent", "register", "relation"))


def anonymized_standard_is_met(view: ReleaseView, parameters: Parameters) -> Iterator[Problem]:
    """NGMI-07: anonymized medical information meets the five items of Rules 18, those of APPI-01 and APPI-21 to 25."""
    if view.category is OutputCategory.ANONYMIZED_NGMI:
        yield from identifiers.descriptions_are_removed(view, parameters)
        yield from identifiers.genome_rows_stay(view, parameters)
        yield from identifiers.codes_are_removed(view, parameters)
        yield from identifiers.linkage_is_cut(view, parameters)
        yield from unusual.unusual_is_removed(view, parameters)
        yield from unusual.records_are_alike(view, parameters)


def pseudonymized_standard_is_met(view: ReleaseView, parameters: Parameters) -> Iterator[Problem]:
    """NGMI-08: pseudonymized medical information meets the three items of Rules 33; unusual descriptions may stay."""
    if view.category is OutputCategory.PSEUDONYMIZED_NGMI:
        yield from identifiers.pseudonymized_is_stripped(view, parameters)
        yield from identifiers.genome_rows_stay(view, parameters)
        yield from identifiers.linkage_is_cut(view, parameters)


def users_are_certified(view: ReleaseView, _: Parameters) -> Iterator[Problem]:
    """NGMI-09: pseudonymized medical information goes to certified users only, under a contract of four items."""
    if view.category is not OutputCategory.PSEUDONYMIZED_NGMI:
        return
    first_day = max(view.on, view.release.effective_from)
    for index, recipient in enumerate(view.release.recipients):
        yield from _user(recipient, (view.on, first_day), ("recipients", index))
        missing = [item.en for item in ContractItem if item not in (recipient.contract_states or ())]
        if not recipient.contract or missing:
            what = (
                f"the contract with {recipient.id} is not there, or does not state {', '.join(missing) or 'its items'}"
            )
            yield Problem(what, "write `contract` and `contract_states`", ("recipients", index))


def _user(recipient: Recipient, days: tuple[date, date], keys: tuple[Key, ...]) -> Iterator[Problem]:
    certification = recipient.certification
    is_user = recipient.kind is RecipientKind.NGMI_USER
    if not is_user or certification is None or certification.kind is not CertificationKind.PSEUDONYMIZED_USER:
        what = f"recipient {recipient.id} is not a certified user (認定仮名加工医療情報利用事業者)"
        yield Problem(what, "write `kind: ngmi_user` and its `certification`, or remove it", keys)
        return
    for day in dict.fromkeys(days):
        if not certification.covers(day):
            what = f"the certification of recipient {recipient.id} does not cover {day.isoformat()}"
            yield Problem(what, "remove it until it is certified anew", (*keys, "certification"))


def results_are_supervised(view: ReleaseView, _: Parameters) -> Iterator[Problem]:
    """NGMI-11: the maker looks at each result before it leaves the user's facility."""
    if view.category is not OutputCategory.PSEUDONYMIZED_NGMI:
        return
    supervision = view.release.supervision
    if supervision is None or supervision.role != "maker" or not supervision.ticket_for_each_result:
        what = "nobody of the maker looks at results before they leave (成果物の持出し)"
        fix = "write `supervision` with `role: maker` and `ticket_for_each_result: true`"
        yield Problem(what, fix, ("supervision",))


def safety_is_checked(view: DatasetView, parameters: Parameters) -> Iterator[Problem]:
    """NGMI-12: a certified operator has each safety measure, and somebody saw it within the period."""
    controller, days = view.dataset.controller, number(parameters, "within_days")
    if controller.type not in _CERTIFIED:
        return
    keys: tuple[Key, ...] = ("controller", "safety")
    measures = controller.safety.measures if controller.safety else ()
    missing = [each.en for each in SafetyMeasure if each not in {one.measure for one in measures}]
    if missing:
        yield Problem(f"safety measures are not stated: {', '.join(missing)}", "check and list them", keys)
    for index, one in enumerate(measures):
        age = (view.on - one.checked_on).days
        if not 0 <= age <= days:
            what = f"'{one.measure.en}' was not checked within the last {days} days"
            yield Problem(what, "check it anew", (*keys, "measures", index, "checked_on"))


def public_databases_are_linkable(view: DatasetView, parameters: Parameters) -> Iterator[Problem]:
    """NGMI-15: only the public databases of the Order are linked, each under its own approval."""
    linkable, seen = words(parameters, "linkable"), set[str]()
    for index, source in enumerate(view.dataset.derived_from or ()):
        keys: tuple[Key, ...] = ("derived_from", index)
        if source.database.value not in linkable:
            what = f"{source.database.en} ({source.database.ja}) is not linkable under the Act"
            yield Problem(what, "take it out, or name the law that allows it", (*keys, "database"))
        if source.approval in seen:
            what = f"approval of {source.database.en} is that of another database"
            yield Problem(what, "apply for each database separately", (*keys, "approval"))
        seen.add(source.approval)


def penalties_are_told(view: ReleaseView, _: Parameters) -> Iterator[Problem]:
    """NGMI-16: the terms that recipients accept name the penalties."""
    terms = view.release.terms
    if terms is None or TermsClause.PENALTIES not in terms.clauses:
        what = "the terms do not name the penalties (罰則)"
        yield Problem(what, "add `penalties` to `terms.clauses`, and to the terms", ("terms",))


def guideline_examples_are_followed(view: ReleaseView, _: Parameters) -> Iterator[Problem]:
    """NGMI-17: as the guideline's examples, names go, and of an address at least the house number (番地)."""
    if view.category not in _MAKERS:
        return
    for fate in view.fates:
        is_address = fate.has(ColumnClass.DIRECT_IDENTIFIER) and fate.has(ColumnClass.QUASI_IDENTIFIER)
        if fate.leaves and is_address and not {"to_prefecture", "generalize"} & set(fate.operations):
            what = f"{fate.name} leaves otherwise than in the guideline's example (番地の削除)"
            yield Problem(what, "use to_prefecture or generalize", fate.keys)
        elif fate.leaves and fate.has(ColumnClass.DIRECT_IDENTIFIER) and not is_address:
            what = f"{fate.name} leaves otherwise than in the guideline's example (氏名の削除)"
            yield Problem(what, "drop it", fate.keys)


def pseudonymized_linkage_waits(view: ReleaseView, _: Parameters) -> Iterator[Problem]:
    """NGMI-18: linking with pseudonymized public databases (future art. 36-2) is not in force, so nothing rests on it."""
    fix = "use the anonymized database, or wait"
    for index, basis in enumerate(view.release.future_bases or ()):
        if basis is FutureBasis.NGMI_36_2:
            what = "the release names an article that is not in force (36条の2・未施行)"
            yield Problem(what, fix, ("future_bases", index))
    for index, table in enumerate(view.release.tables):
        dataset = view.datasets.get(table.dataset)
        if dataset is None or not _is_of_the_act(dataset):
            continue
        for source in dataset.derived_from or ():
            if source.form == "pseudonymized":
                what = f"dataset '{dataset.id}' links pseudonymized {source.database.en} (36条の2・未施行)"
                yield Problem(what, fix, ("tables", index, "dataset"))


def ledger_is_kept(view: ReleaseView, parameters: Parameters) -> Iterator[Problem]:
    """NGMI-13: who got what, when, and what was deleted stays in the ledger for its years."""
    years = number(parameters, "ledger_years")
    if view.release.retention.ledger_years < years:
        what = f"the ledger is kept less than {years} years (帳簿)"
        yield Problem(what, f"write `ledger_years: {years}` or more", ("retention", "ledger_years"))


def _is_of_the_act(dataset: DatasetPolicy) -> bool:
    return dataset.controller.type in _CERTIFIED


NGMI_BASES = frozenset({ProvisionBasis.NGMI_OPTOUT_52, ProvisionBasis.NGMI_OPTOUT_57, ProvisionBasis.NGMI_PSEUDO_36})
"""Bases of provision that are articles of the Act."""


def is_under_the_act(view: ReleaseView) -> bool:
    """Return whether the Act speaks to a release: by its category, its basis, or a certified holder of its data."""
    is_held = any(_is_of_the_act(dataset) for dataset in view.datasets.values())
    return view.category in _MAKERS or view.release.provision_basis in NGMI_BASES or is_held
