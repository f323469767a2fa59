"""A policy on one page, in plain Japanese or English: what leaves, why it may, what happens to every column.

Belongs here: the page. Does not: judgement (`check`), wording of methods (`sentences`).
"""

from collections.abc import Iterator, Sequence

from policies.canonical import digest
from policies.facts import dataset_blocks, release_blocks, say_blocks, say_facts
from policies.library import PolicyLibrary
from policies.model import Column, DatasetPolicy, ReleaseColumn, ReleasePolicy, ReleaseTable
from policies.model.strictness import Text
from policies.sentences import Bilingual, Language, say, say_method, say_treatment
from policies.vocabulary import ConsentBasis, Labelled

Policy = ReleasePolicy | DatasetPolicy


def explain(policy: Policy, library: PolicyLibrary, *, language: Language) -> str:
    """Write the page of a release or dataset policy as plain text.

    Args:
        policy: The policy.
        library: Where its datasets and rule packs are; what is missing there is said to be missing.
        language: `ja` or `en`.
    """
    parts = sections(policy, library, language=language)
    return "\n\n".join("\n".join((title, *lines)) for title, lines in parts) + "\n"


def sections(policy: Policy, library: PolicyLibrary, *, language: Language) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the page as (title, lines) pairs, for other renderings of it."""
    if isinstance(policy, ReleasePolicy):
        parts = _release(policy, library, language)
    else:
        parts = _dataset(policy, library, language)
    return tuple((title, tuple(lines)) for title, lines in parts)


_Part = tuple[str, Sequence[str]]


def _release(release: ReleasePolicy, library: PolicyLibrary, language: Language) -> Iterator[_Part]:
    yield _head(release, language)
    yield say(("何を出すか", "What leaves"), language), [f"  {line}" for line in _what(release, library, language)]
    for table in release.tables:
        title = say(("列の扱い", "What happens to the columns of"), language)
        yield f"{title}: {table.dataset}.{table.table}", list(_fates(release, table, library, language))
    yield (
        say(("個人はどう守られるか", "How people are protected"), language),
        [f"  {line}" for line in say_method(release.method, language)],
    )
    yield say(("誰が受け取れるか", "Who may receive it"), language), list(_recipients(release, language))
    yield say(("何に使えるか", "What it may be used for"), language), list(_uses(release, language))
    yield say(("日付", "Dates"), language), list(_dates(release, language))
    yield (
        say(("そのほかの定め", "What else is laid down"), language),
        list(say_blocks(release_blocks(release), language)),
    )


def _what(release: ReleasePolicy, library: PolicyLibrary, language: Language) -> Iterator[str]:
    label = _label(release.output_category, language)
    basis = _label(release.provision_basis, language)
    yield say((f"区分: {label}", f"Category: {label}"), language)
    yield say((f"根拠: {basis}", f"Basis: {basis}"), language)
    for name in release.datasets:
        dataset = library.datasets.get(name)
        if dataset is None:
            yield say((f"データセット {name} は見つからない", f"Dataset {name} is not there"), language)
            continue
        holder, kind = _text(dataset.controller.name, language), _label(dataset.controller.type, language)
        pair: Bilingual = (
            f"保有者: {holder}({kind})、データセット {name}",
            f"Held by: {holder} ({kind}), dataset {name}",
        )
        yield say(pair, language)
    for name in release.rule_packs:
        pack = library.rulepacks.get(name)
        title = _text(pack.title, language) if pack else say(("見つからない", "not there"), language)
        bound: Bilingual = ("", "")
        if pack is not None and pack.profile is not None:
            bound = ("、任意の整合であり法令ではない", ", followed by choice, not law")
        elif pack is not None and not pack.is_law:
            bound = ("、法令ではない", ", not law")
        yield say((f"規則: {title} [{name}]", f"Rules: {title} [{name}]"), language) + say(bound, language)


def _fates(release: ReleasePolicy, table: ReleaseTable, library: PolicyLibrary, language: Language) -> Iterator[str]:
    dataset = library.datasets.get(table.dataset)
    source = dataset.table(table.table) if dataset else None
    for column in table.columns:
        declared = source.column(column.name) if source else None
        yield f"  {'→' if column.leaves else '×'} {_heading(column, declared, language)}"
        steps = say(("、続いて", ", then "), language).join(say_treatment(step, language) for step in column.treat)
        yield f"      {steps} — {column.rule}: {_citation(release, library, column.rule, language)}"


def _heading(column: ReleaseColumn, declared: Column | None, language: Language) -> str:
    renamed = f" → {column.output_name}" if column.output_name != column.name else ""
    if declared is None:
        return column.name + renamed + say((" [データセットにない]", " [not in the dataset]"), language)
    label = declared.ja if language == "ja" else declared.en or declared.ja
    return f"{column.name}{renamed}  {label} [{', '.join(_label(each, language) for each in declared.classes)}]"


def _citation(release: ReleasePolicy, library: PolicyLibrary, rule_id: str, language: Language) -> str:
    for name in release.rule_packs:
        pack = library.rulepacks.get(name)
        rule = pack.rule(rule_id) if pack else None
        if rule is not None:
            return _text(rule.citation, language)
    return say(("どの規則集にもない", "in none of the listed rule packs"), language)


_OF_RECIPIENTS = ("security", "safeguard", "certification", "contract_states", "screening", "equivalent_measures")


def _recipients(release: ReleasePolicy, language: Language) -> Iterator[str]:
    for each in release.recipients:
        contract = say(("契約", "contract"), language)
        extra = f", {contract} {each.contract}" if each.contract else ""
        yield f"  {each.id}: {_text(each.name, language)} ({_label(each.kind, language)}, {each.country}{extra})"
        stated = say_facts(each, language, only=_OF_RECIPIENTS)
        if stated:
            yield f"      {stated}"
    ways = ", ".join(_label(way, language) for way in release.delivery)
    yield say((f"  渡し方: {ways}", f"  By: {ways}"), language)


def _uses(release: ReleasePolicy, language: Language) -> Iterator[str]:
    yield f"  {_text(release.purposes.text, language)} ({', '.join(release.purposes.duo)})"
    forbidden = ", ".join(_label(use, language) for use in release.prohibited_uses)
    yield say((f"  禁止: {forbidden}", f"  Never for: {forbidden}"), language)


def _dates(release: ReleasePolicy, language: Language) -> Iterator[str]:
    start, review = release.effective_from, release.review_due
    yield say(
        (f"  {start} から有効、{review} までに見直す", f"  Effective from {start}, to be reviewed by {review}"),
        language,
    )
    if release.ethics is not None:
        until, number = release.ethics.expires_on, release.ethics.committee_no
        yield say((f"  倫理審査 {number}、{until} まで", f"  Ethics approval {number}, until {until}"), language)
    if release.publication is not None:
        day, url = release.publication.items_published_on, release.publication.items_url
        yield say((f"  項目の公表: {day}、{url}", f"  Items published on {day} at {url}"), language)
    months, days = release.retention.extract_months, release.retention.delete_within_days
    pair: Bilingual = (
        f"  提供は {months} か月まで、終了後 {days} 日以内に消去",
        f"  Kept for at most {months} months, then deleted within {days} days",
    )
    yield say(pair, language)


_CONSENT: dict[ConsentBasis, Bilingual] = {
    ConsentBasis.OPT_IN: ("同意した人のデータだけを使う", "Only people who consented"),
    ConsentBasis.OPT_OUT: ("停止を求めた人のデータは使わない", "Everybody but people who objected"),
    ConsentBasis.NOT_REQUIRED: ("同意は要しない", "No consent needed"),
}


def _dataset(dataset: DatasetPolicy, library: PolicyLibrary, language: Language) -> Iterator[_Part]:
    yield _head(dataset, language)
    yield say(("誰のデータか", "Whose data"), language), list(_holding(dataset, language))
    blocks = list(say_blocks(dataset_blocks(dataset), language))
    if blocks:
        yield say(("このデータについて述べていること", "What is stated about it"), language), blocks
    for table in dataset.tables:
        title = say(("表", "Table"), language)
        lines = [
            f"  {each.name}  {each.ja if language == 'ja' else each.en or each.ja}"
            f" [{', '.join(_label(kind, language) for kind in each.classes)}]: {_label(each.role, language)}"
            for each in table.columns
        ]
        yield f"{title}: {table.name} ({_text(table.title, language)}, {_label(table.kind, language)})", lines
    releases = [release for release in library.releases.values() if dataset.id in release.datasets]
    none = say(("ない", "none"), language)
    yield (
        say(("このデータからの公開", "Releases from it"), language),
        [f"  {each.id}: {_label(each.output_category, language)}" for each in releases] or [f"  {none}"],
    )


def _holding(dataset: DatasetPolicy, language: Language) -> Iterator[str]:
    holder, kind = _text(dataset.controller.name, language), _label(dataset.controller.type, language)
    yield say((f"  保有者: {holder}({kind})", f"  Held by: {holder} ({kind})"), language)
    basis = _label(dataset.acquisition_basis, language)
    yield say((f"  取得の根拠: {basis}", f"  Acquired: {basis}"), language)
    reason = f": {dataset.consent.reason}" if dataset.consent.reason else ""
    yield f"  {say(_CONSENT[dataset.consent.basis], language)}{reason}"
    if dataset.consent.waiting is not None:
        day, wait = dataset.consent.waiting.notice_on, dataset.consent.waiting.wait_days
        yield say((f"  {day} に通知し、{wait} 日待つ", f"  Notice on {day}, then {wait} days of waiting"), language)
    contact = dataset.controller.contact
    yield say(("  窓口: ", "  Contact: "), language) + f"{_text(contact.name, language)} <{contact.email}>"
    yield say(("  管理: ", "  Steward: "), language) + f"{dataset.steward.team} <{dataset.steward.email}>"


def _head(policy: Policy, language: Language) -> _Part:
    title = f"{_text(policy.title, language)}  [{policy.id} {policy.version}]"
    return title, [f"  {_text(policy.description, language)}", f"  {digest(policy)}"]


def _text(text: Text, language: Language) -> str:
    return text.ja if language == "ja" else text.en


def _label(term: Labelled, language: Language) -> str:
    return term.ja if language == "ja" else term.en
