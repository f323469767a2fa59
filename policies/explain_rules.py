"""The last parts of a page: every rule that speaks to the release, and the terms explained.

Belongs here: the layout of rules and words. Does not: which rules apply (`applies`), what terms mean (`words`).
"""

from collections.abc import Iterable, Iterator

from policies.applies import applicable_rules, packs_of
from policies.library import PolicyLibrary
from policies.model import ReleasePolicy, Rule, RulePack
from policies.pages import Part, Row, Table
from policies.sentences import Bilingual, Language, say
from policies.words import marks, shown_by

_HEADER: tuple[Bilingual, ...] = (
    ("規則", "rule"),
    ("出典", "citation"),
    ("何を求めるか", "what it asks"),
    ("どう示されるか", "how it is shown"),
)


def citation_of(release: ReleasePolicy, library: PolicyLibrary, rule_id: str, language: Language) -> str:
    """Return the citation of a rule in the packs of a release, or say that none of them has it."""
    for pack in packs_of(release, library):
        rule = pack.rule(rule_id)
        if rule is not None:
            return rule.citation.ja if language == "ja" else rule.citation.en
    return say(("どの規則集にもない", "in none of the listed rule packs"), language)


def rules_part(release: ReleasePolicy, library: PolicyLibrary, language: Language) -> Iterator[Part]:
    """Yield the part about every rule that speaks to the release, pack by pack; none where no pack is there."""
    speaking = {id(rule) for rule in applicable_rules(release, library)}
    packs = [(pack, [rule for rule in pack.rules if id(rule) in speaking]) for pack in packs_of(release, library)]
    packs = [(pack, rules) for pack, rules in packs if rules]
    count = sum(len(rules) for _, rules in packs)
    if not count:
        return
    lines: list[str] = []
    for pack, rules in packs:
        lines.append(f"  {title_of(pack, language)}")
        lines += [f"      {_line(rule, language)}" for rule in rules]
    title = say((f"この公開に及ぶ規則({count})", f"The {count} rules that speak to this release"), language)
    tables = tuple(_table(pack, rules, language) for pack, rules in packs)
    yield Part(title, tuple(lines), tables, intro=marks(language))


def words_part(words: Iterable[tuple[str, str]], language: Language) -> Part:
    """Return the part that explains the terms of a page."""
    listed = tuple(words)
    header = (say(("言葉", "term"), language), say(("意味", "meaning"), language))
    caption = say(("この頁で使う言葉", "Terms that this page uses"), language)
    table = Table(caption, header, tuple(Row(pair) for pair in listed), "words")
    lines = tuple(f"  {term}: {meaning}" for term, meaning in listed)
    return Part(say(("言葉の意味", "What the words mean"), language), lines, (table,))


def title_of(pack: RulePack, language: Language) -> str:
    """Return the title of a pack, which says that it is not law where it is not."""
    name = pack.title.ja if language == "ja" else pack.title.en
    if pack.profile is not None:
        return name + say(("(任意の整合であり法令ではない)", " (followed by choice, not law)"), language)
    is_said = "法令ではない" in name or "not law" in name
    return name if pack.is_law or is_said else name + say(("(法令ではない)", " (not law)"), language)


def _line(rule: Rule, language: Language) -> str:
    text, citation = (rule.text.ja, rule.citation.ja) if language == "ja" else (rule.text.en, rule.citation.en)
    shown = say((f"示すもの: {shown_by(rule, language)}", f"shown by {shown_by(rule, language)}"), language)
    return f"{rule.id} [{rule.confidence}] {citation} — {text} ({_severity(rule, language)}; {shown})"


def _table(pack: RulePack, rules: list[Rule], language: Language) -> Table:
    rows = []
    for rule in rules:
        text, citation = (rule.text.ja, rule.citation.ja) if language == "ja" else (rule.text.en, rule.citation.en)
        name = f"{rule.id}\n{_severity(rule, language)}"
        rows.append(Row((name, f"{citation} [{rule.confidence}]", text, shown_by(rule, language))))
    return Table(
        f"{title_of(pack, language)} [{pack.id}]", tuple(say(pair, language) for pair in _HEADER), tuple(rows), "rules"
    )


def _severity(rule: Rule, language: Language) -> str:
    return say((f"違反は{rule.severity.ja}", f"if broken: {rule.severity.value}"), language)
