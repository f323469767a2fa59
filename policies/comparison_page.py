"""The page of a comparison: what became looser, what stricter, what only reads otherwise, and what must happen now.

Belongs here: the page. Does not: which way a change goes (`direction`).
"""

from collections.abc import Sequence

from policies.compare import Comparison
from policies.direction import Direction
from policies.library import PolicyKind
from policies.pages import Page, Part, Row, Table
from policies.sentences import Bilingual, Language, say

KINDS: dict[PolicyKind, Bilingual] = {
    PolicyKind.RELEASE: ("公開ポリシー", "release policy"),
    PolicyKind.DATASET: ("データセットポリシー", "dataset policy"),
    PolicyKind.HIERARCHY: ("階層", "hierarchy"),
    PolicyKind.RULEPACK: ("規則集", "rule pack"),
    PolicyKind.SUITE: ("品質検査", "quality suite"),
}
_MARKS = {
    Direction.LOOSER: "looser",
    Direction.STRICTER: "stricter",
    Direction.CHANGED: "other",
    Direction.WORDING: "wording",
}
_ORDER = (Direction.LOOSER, Direction.CHANGED, Direction.STRICTER, Direction.WORDING)
_HEADER: tuple[Bilingual, ...] = (("何が", "what"), ("向き", "which way"), ("どう変わるか", "how it changes"))


def page_of_comparisons(found: Sequence[Comparison], *, language: Language) -> Page:
    """Return the page of a comparison of two files or folders; it says so where nothing changed."""
    title = say(("ポリシーの変更", "Changes of policies"), language)
    if not found:
        none = say(
            ("意味の変更はない。署名はそのまま有効である。", "Nothing means anything else; signatures hold."), language
        )
        return Page("diff", language, (Part(title, (f"  {none}",)),))
    head = Part(title, tuple(f"  {line}" for line in _summary(found, language)))
    return Page("diff", language, (head, *(_part(each, language) for each in found)))


def _summary(found: Sequence[Comparison], language: Language) -> list[str]:
    counts = {direction: sum(each.count(direction) for each in found) for direction in _ORDER}
    listed = say(("、", ", "), language).join(
        f"{say((direction.ja, direction.en), language)} {count}" for direction, count in counts.items() if count
    )
    lines = [say((f"変更: {listed}", f"Changes: {listed}"), language)]
    if any(each.needs_second_reader for each in found):
        second: Bilingual = (
            "緩くなる変更、または人の判断を要する変更がある。作成者でない者がもう一人読む必要がある。",
            "Something becomes looser, or must be judged by a person: a second reader, who is not the author, is needed.",
        )
    else:
        second = (
            "緩くなる変更はない。二人目の読み手は必須ではない。",
            "Nothing becomes looser; a second reader is not required.",
        )
    lines.append(say(second, language))
    fallen = [each.name for each in found if each.signatures_fall]
    if fallen:
        names = ", ".join(fallen)
        pair: Bilingual = (
            f"次のポリシーへの署名は効かなくなる: {names}。これらに拠る公開の署名も同じである。",
            f"Signatures over these no longer hold, nor those of releases that rest on them: {names}.",
        )
        lines.append(say(pair, language))
    same = [each.name for each in found if each.lacks_new_version]
    if same:
        names = ", ".join(same)
        pair = (
            f"意味が変わったのに版が同じである: {names}。`version` を上げる。",
            f"The meaning changed under the same version: {names}. Raise `version`.",
        )
        lines.append(say(pair, language))
    return lines


def _part(found: Comparison, language: Language) -> Part:
    kind = say(KINDS[found.kind], language)
    versions = (
        f"{found.old_version} → {found.new_version}" if found.old_version != found.new_version else found.new_version
    )
    title = f"{kind}: {found.name} {versions}".rstrip(" →")
    changes = sorted(found.changes, key=lambda change: _ORDER.index(change.direction))
    lines = []
    rows = []
    for change in changes:
        cells = tuple(say((text.ja, text.en), language) for text in (change.subject, change.direction, change.sentence))
        lines.append(f"  [{cells[1]}] {cells[0]}: {cells[2]}")
        rows.append(Row(cells, _MARKS[change.direction]))
    caption = say((f"{found.name} の変更({len(rows)})", f"{len(rows)} changes of {found.name}"), language)
    header = tuple(say(pair, language) for pair in _HEADER)
    return Part(title, tuple(lines), (Table(caption, header, tuple(rows), "changes"),))
