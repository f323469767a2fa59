"""A policy on one page, in plain Japanese or English: what leaves, why it may, what happens to every column.

Belongs here: the page. Does not: judgement (`check`), wording of methods (`sentences`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

from policies.canonical import digest
from policies.decision.duo import BY_ID
from policies.explain_rules import citation_of, rules_part, title_of, words_part
from policies.facts import dataset_blocks, release_blocks, say_blocks, say_facts
from policies.library import PolicyLibrary
from policies.model import Column, DatasetPolicy, ReleaseColumn, ReleasePolicy, ReleaseTable, TablePolicy
from policies.model.strictness import Text
from policies.pages import Page, Part, Row, Table, as_text
from policies.sentences import Bilingual, Language, say, say_day, say_method, say_treatment
from policies.vocabulary import ConsentBasis, Labelled
from policies.words import dataset_words, release_words

Policy = ReleasePolicy | DatasetPolicy


def explain(policy: Policy, library: PolicyLibrary, *, language: Language) -> str:
    """Write the page of a release or dataset policy as plain text.

    Args:
        policy: The policy.
        library: Where its datasets and rule packs are; what is missing there is said to be missing.
        language: `ja` or `en`.
    """
    return as_text(page_of(policy, library, language=language))


def sections(policy: Policy, library: PolicyLibrary, *, language: Language) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the page as (title, lines) pairs, for other renderings of it."""
    return tuple((part.title, part.lines) for part in page_of(policy, library, language=language).parts)


def page_of(policy: Policy, library: PolicyLibrary, *, language: Language, standing: Sequence[str] = ()) -> Page:
    """Return the page of a policy, for any rendering.

    Args:
        policy: The policy.
        library: Where its datasets and rule packs are.
        language: `ja` or `en`.
        standing: Lines about its signatures and what it waits for, where a deployment knows them.
    """
    if isinstance(policy, ReleasePolicy):
        parts = _release(policy, library, language)
    else:
        parts = _dataset(policy, library, language)
    head, *rest = parts
    if standing:
        title = say(("いまの状態", "Where it stands"), language)
        rest.insert(0, Part(title, tuple(f"  {line}" for line in standing)))
    return Page(policy.id, language, (head, *rest))


def _release(release: ReleasePolicy, library: PolicyLibrary, language: Language) -> Iterator[Part]:
    datasets = {name: library.datasets[name] for name in release.datasets if name in library.datasets}
    yield _head(release, language)
    yield _part(("何を出すか", "What leaves"), (f"  {line}" for line in _what(release, library, language)), language)
    words = say_method(release.method, language, names=_names(release, library, language))
    yield _part(("個人はどう守られるか", "How people are protected"), (f"  {line}" for line in words), language)
    for table in release.tables:
        yield _columns(release, table, library, language)
    yield _part(("誰が受け取れるか", "Who may receive it"), _recipients(release, language), language)
    yield _part(("何に使えるか", "What it may be used for"), _uses(release, language), language)
    yield _part(("日付", "Dates"), _dates(release, language), language)
    yield _part(("そのほかの定め", "What else is laid down"), say_blocks(release_blocks(release), language), language)
    yield from rules_part(release, library, language)
    yield words_part(release_words(release, datasets, language), language)


def _part(title: Bilingual, lines: Iterable[str], language: Language) -> Part:
    return Part(say(title, language), tuple(lines))


def _names(release: ReleasePolicy, library: PolicyLibrary, language: Language) -> dict[str, str]:
    """Return what the output columns are called in words, by the name under which they leave."""
    names = {}
    for table in release.tables:
        dataset = library.datasets.get(table.dataset)
        source = dataset.table(table.table) if dataset else None
        for column in table.columns:
            declared = source.column(column.name) if source else None
            if declared is not None:
                label = say((declared.ja, declared.en or declared.ja), language)
                made = say((f"{label}から", f"from {label}"), language)
                names[column.output_name] = label if column.as_ is None else made
    return names


def _columns(release: ReleasePolicy, table: ReleaseTable, library: PolicyLibrary, language: Language) -> Part:
    dataset = library.datasets.get(table.dataset)
    source = dataset.table(table.table) if dataset else None
    lines, rows = [], []
    for column in table.columns:
        declared = source.column(column.name) if source else None
        steps = say(("、続いて", ", then "), language).join(say_treatment(step, language) for step in column.treat)
        citation = citation_of(release, library, column.rule, language)
        lines += [
            f"  {'→' if column.leaves else '×'} {_heading(column, declared, language)}",
            f"      {steps} — {column.rule}: {citation}",
        ]
        name = f"{column.name} → {column.output_name}" if column.output_name != column.name else column.name
        fate = _fate(column)
        rows.append(
            Row(
                (name, _kind(declared, language), say(fate, language), steps, f"{column.rule}\n{citation}"), _MARK[fate]
            )
        )
    name = f"{table.dataset}.{table.table}"
    kind = say((f"({source.title.ja})", f" ({source.title.en})"), language) if source else ""
    header = tuple(say(pair, language) for pair in _HEADER)
    count = sum(column.leaves for column in table.columns)
    caption = say(
        (
            f"{name}{kind}: {len(table.columns)} 列のうち {count} 列を行として出す",
            f"{name}{kind}: {count} of {len(table.columns)} columns leave in rows",
        ),
        language,
    )
    title = say((f"列の扱い: {name}", f"What happens to the columns of: {name}"), language)
    return Part(title, tuple(lines), (Table(caption, header, tuple(rows), "columns"),))


_HEADER: tuple[Bilingual, ...] = (
    ("列", "column"),
    ("内容と区分", "what it is"),
    ("出るか", "leaves?"),
    ("扱い", "what happens to it"),
    ("根拠となる規則", "for which rule"),
)
_LEAVES: Bilingual = ("出る", "yes")
_COUNTED: Bilingual = ("集計だけ", "counted only")
_STAYS: Bilingual = ("出ない", "no")
_MARK: Mapping[Bilingual, str] = MappingProxyType({_LEAVES: "in", _COUNTED: "counted", _STAYS: "out"})


def _fate(column: ReleaseColumn) -> Bilingual:
    if column.leaves:
        return _LEAVES
    return _COUNTED if any(step.op == "aggregate_only" for step in column.treat) else _STAYS


def _kind(declared: Column | None, language: Language) -> str:
    if declared is None:
        return say(("データセットにない", "not in the dataset"), language)
    label = say((declared.ja, declared.en or declared.ja), language)
    return f"{label}\n[{_listed(declared.classes, language)}]"


def _what(release: ReleasePolicy, library: PolicyLibrary, language: Language) -> Iterator[str]:
    label = _label(release.output_category, language)
    basis = _label(release.provision_basis, language)
    yield say((f"区分: {label}", f"Category: {label}"), language)
    if not release.provision_basis.value.startswith("ngmi"):
        # The labels name articles only; a reader must not guess of which act.
        basis = basis.replace("(", say(("(個人情報保護法", "(APPI "), language), 1)
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
        title = title_of(pack, language) if pack else say(("見つからない", "not there"), language)
        yield say((f"規則: {title} [{name}]", f"Rules: {title} [{name}]"), language)


def _heading(column: ReleaseColumn, declared: Column | None, language: Language) -> str:
    renamed = f" → {column.output_name}" if column.output_name != column.name else ""
    if declared is None:
        return column.name + renamed + say((" [データセットにない]", " [not in the dataset]"), language)
    label = declared.ja if language == "ja" else declared.en or declared.ja
    return f"{column.name}{renamed}  {label} [{_listed(declared.classes, language)}]"


_OF_RECIPIENTS = ("security", "safeguard", "certification", "contract_states", "screening", "equivalent_measures")


def _recipients(release: ReleasePolicy, language: Language) -> Iterator[str]:
    for each in release.recipients:
        contract = say(("契約", "contract"), language)
        extra = f", {contract} {each.contract}" if each.contract else ""
        yield f"  {each.id}: {_text(each.name, language)} ({_label(each.kind, language)}, {each.country}{extra})"
        stated = say_facts(each, language, only=_OF_RECIPIENTS)
        if stated:
            yield f"      {stated}"
    ways = _listed(release.delivery, language)
    yield say((f"  渡し方: {ways}", f"  By: {ways}"), language)


def _uses(release: ReleasePolicy, language: Language) -> Iterator[str]:
    yield f"  {_text(release.purposes.text, language)}"
    for code in release.purposes.duo:
        term = BY_ID.get(code)
        yield f"      {code}{': ' + _text(term.label, language) if term else ''}"
    if release.purposes.mondo:
        yield say(("  対象疾患: ", "  Diseases: "), language) + ", ".join(release.purposes.mondo)
    forbidden = _listed(release.prohibited_uses, language)
    yield say((f"  禁止: {forbidden}", f"  Never for: {forbidden}"), language)


def _dates(release: ReleasePolicy, language: Language) -> Iterator[str]:
    start, review = say_day(release.effective_from, language), say_day(release.review_due, language)
    yield say(
        (f"  {start}から有効、{review}までに見直す", f"  Effective from {start}, to be reviewed by {review}"),
        language,
    )
    if release.ethics is not None:
        until, number = say_day(release.ethics.expires_on, language), release.ethics.committee_no
        yield say((f"  倫理審査 {number}、{until}まで", f"  Ethics approval {number}, until {until}"), language)
    if release.publication is not None:
        day, url = say_day(release.publication.items_published_on, language), release.publication.items_url
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


def _dataset(dataset: DatasetPolicy, library: PolicyLibrary, language: Language) -> Iterator[Part]:
    yield _head(dataset, language)
    yield _part(("誰のデータか", "Whose data"), _holding(dataset, language), language)
    blocks = tuple(say_blocks(dataset_blocks(dataset), language))
    if blocks:
        yield _part(("このデータについて述べていること", "What is stated about it"), blocks, language)
    for table in dataset.tables:
        yield _source_columns(table, language)
    releases = [release for release in library.releases.values() if dataset.id in release.datasets]
    listed = [f"  {each.id}: {_label(each.output_category, language)}" for each in releases]
    none = say(("ない", "none"), language)
    yield _part(("このデータからの公開", "Releases from it"), listed or [f"  {none}"], language)
    yield words_part(dataset_words(dataset, language), language)


def _source_columns(table: TablePolicy, language: Language) -> Part:
    lines, rows = [], []
    for each in table.columns:
        label = say((each.ja, each.en or each.ja), language)
        classes, role = _listed(each.classes, language), _label(each.role, language)
        lines.append(f"  {each.name}  {label} [{classes}]: {role}")
        rows.append(Row((each.name, label, classes, role, _label(each.type, language))))
    kind = _label(table.kind, language)
    title = f"{say(('表', 'Table'), language)}: {table.name} ({_text(table.title, language)}, {kind})"
    header = tuple(
        say(pair, language)
        for pair in (
            ("列", "column"),
            ("内容", "what it is"),
            ("法令上の区分", "legal class"),
            ("役割", "role"),
            ("型", "type"),
        )
    )
    caption = say((f"{table.name}: {len(rows)} 列", f"{table.name}: {len(rows)} columns"), language)
    return Part(title, tuple(lines), (Table(caption, header, tuple(rows), "source"),))


def _holding(dataset: DatasetPolicy, language: Language) -> Iterator[str]:
    holder, kind = _text(dataset.controller.name, language), _label(dataset.controller.type, language)
    yield say((f"  保有者: {holder}({kind})", f"  Held by: {holder} ({kind})"), language)
    basis = _label(dataset.acquisition_basis, language)
    yield say((f"  取得の根拠: {basis}", f"  Acquired: {basis}"), language)
    reason = f": {dataset.consent.reason}" if dataset.consent.reason else ""
    yield f"  {say(_CONSENT[dataset.consent.basis], language)}{reason}"
    if dataset.consent.waiting is not None:
        day, wait = say_day(dataset.consent.waiting.notice_on, language), dataset.consent.waiting.wait_days
        yield say((f"  {day}に通知し、{wait} 日待つ", f"  Notice on {day}, then {wait} days of waiting"), language)
    contact = dataset.controller.contact
    yield say(("  窓口: ", "  Contact: "), language) + f"{_text(contact.name, language)} <{contact.email}>"
    yield say(("  管理: ", "  Steward: "), language) + f"{dataset.steward.team} <{dataset.steward.email}>"


def _head(policy: Policy, language: Language) -> Part:
    title = f"{_text(policy.title, language)}  [{policy.id} {policy.version}]"
    return Part(
        title,
        (f"  {_text(policy.description, language)}", say(("  指紋: ", "  Fingerprint: "), language) + digest(policy)),
    )


def _text(text: Text, language: Language) -> str:
    return text.ja if language == "ja" else text.en


def _listed(terms: Iterable[Labelled], language: Language) -> str:
    return say(("、", ", "), language).join(_label(term, language) for term in terms)


def _label(term: Labelled, language: Language) -> str:
    return term.ja if language == "ja" else term.en
