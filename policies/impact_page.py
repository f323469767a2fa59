"""The page of an impact: what a change touches, through what, and what happens to it.

Belongs here: the page. Does not: what is touched (`impact`, `catalog/impact.py`).
"""

from collections.abc import Sequence
from typing import Protocol

from policies.comparison_page import KINDS
from policies.impact import Touched
from policies.model.strictness import Text
from policies.pages import Page, Part, Row, Table
from policies.sentences import Bilingual, Language, say


class Outside(Protocol):
    """Something outside the policies that is touched: `kind` is record, request, permit or extract."""

    @property
    def kind(self) -> str:
        """What it is."""
        ...

    @property
    def id(self) -> str:
        """What it is called."""
        ...

    @property
    def release(self) -> str:
        """The release it belongs to."""
        ...

    @property
    def effects(self) -> tuple[Text, ...]:
        """What happens to it."""
        ...


_OUTSIDE: dict[str, Bilingual] = {
    "record": ("公開済みの記録", "published record"),
    "request": ("審査中の申請", "request under review"),
    "permit": ("有効な許可", "usable permit"),
    "extract": ("渡した抽出データ", "extract handed out"),
}
_HEADER: tuple[Bilingual, ...] = (("何が", "what"), ("何を通じて", "through what"), ("どうなるか", "what happens"))


def page_of_impact(touched: Sequence[Touched], outside: Sequence[Outside] | None, *, language: Language) -> Page:
    """Return the page of an impact.

    Args:
        touched: From `impact`.
        outside: What others already have; None where no deployment was looked at, which the page says.
        language: `ja` or `en`.
    """
    title = say(("変更の影響", "What a change touches"), language)
    head = Part(title, tuple(f"  {line}" for line in _summary(touched, outside, language)))
    parts = [_policies(touched, language)] if touched else []
    if outside:
        parts.append(_outside(outside, language))
    return Page("impact", language, (head, *parts))


def _summary(touched: Sequence[Touched], outside: Sequence[Outside] | None, language: Language) -> list[str]:
    if not touched:
        return [
            say(
                (
                    "意味の変わるポリシーはなく、何も影響を受けない。",
                    "No policy means anything else; nothing is touched.",
                ),
                language,
            )
        ]
    void = [each.name for each in touched if each.is_void]
    lines = [
        say(
            (
                f"署名が効かなくなるポリシー: {', '.join(void) or 'なし'}",
                f"Signatures fall of: {', '.join(void) or 'none'}",
            ),
            language,
        )
    ]
    if outside is None:
        pair: Bilingual = (
            "公開済みの記録・許可・抽出データは見ていない(`--home` で配備のフォルダーを指定する)。",
            "Published records, permits and extracts were not looked at (name a deployment with `--home`).",
        )
    else:
        counts = {kind: sum(each.kind == kind for each in outside) for kind in _OUTSIDE}
        listed_ja = "、".join(f"{_OUTSIDE[kind][0]} {count}" for kind, count in counts.items() if count) or "なし"
        listed_en = ", ".join(f"{_OUTSIDE[kind][1]} {count}" for kind, count in counts.items() if count) or "nothing"
        pair = (f"すでに外にあるもの: {listed_ja}", f"Already out: {listed_en}")
    lines.append(say(pair, language))
    return lines


def _policies(touched: Sequence[Touched], language: Language) -> Part:
    rows = []
    for each in touched:
        name = f"{say(KINDS[each.kind], language)} {each.name}"
        own = f"{each.kind.value}/{each.name}"
        through = (
            say(("それ自身の変更", "its own change"), language) if each.through == (own,) else ", ".join(each.through)
        )
        rows.append((name, through, [say((text.ja, text.en), language) for text in each.effects]))
    title = say(("ポリシー", "Policies"), language)
    caption = say((f"影響を受けるポリシー({len(rows)})", f"{len(rows)} policies that are touched"), language)
    return _part(title, caption, rows, language)


def _outside(outside: Sequence[Outside], language: Language) -> Part:
    rows = [
        (f"{say(_OUTSIDE[each.kind], language)} {each.id}", f"release/{each.release}", [say((text.ja, text.en), language) for text in each.effects])
        for each in outside
    ]  # fmt: skip
    title = say(("すでに外にあるもの", "What is out already"), language)
    caption = say(
        (f"記録・申請・許可・抽出データ({len(rows)})", f"{len(rows)} records, requests, permits and extracts"), language
    )
    return _part(title, caption, rows, language)


def _part(title: str, caption: str, rows: Sequence[tuple[str, str, list[str]]], language: Language) -> Part:
    lines: list[str] = []
    for name, through, effects in rows:
        lines += [f"  {name} ({through})", *(f"      {effect}" for effect in effects)]
    header = tuple(say(pair, language) for pair in _HEADER)
    cells = tuple(Row((name, through, "\n".join(effects))) for name, through, effects in rows)
    return Part(title, tuple(lines), (Table(caption, header, cells, "touched"),))
