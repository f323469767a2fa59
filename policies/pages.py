"""A page that people read, as parts of lines and tables, and its two renderings: plain text and one HTML file.

Belongs here: layout. Does not: what a page says (`explain`, `comparison`, `foresight`). The HTML needs nothing but itself: no
script, no font, no picture, no address is fetched; it prints on A4.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path

from policies.sentences import Language, say


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table: its cells, the first of which names it, and a mark that the style knows (`out`, `in`, …)."""

    cells: tuple[str, ...]
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table with the sentence that says what it is, and a head of as many cells as each row has.

    `kind` is known to the style: `columns`, `rules`, `words`, `changes`, `touched`.
    """

    caption: str
    header: tuple[str, ...]
    rows: tuple[Row, ...]
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """One heading with what stands below it; as text the lines, as HTML the tables where there are any.

    Lines are indented by two blanks, what belongs to the line above by six.
    """

    title: str
    lines: tuple[str, ...]
    tables: tuple[Table, ...] = ()
    intro: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """A page in one language: the first part is its head."""

    name: str
    language: Language
    parts: tuple[Part, ...]


def as_text(page: Page) -> str:
    """Write a page as plain text."""
    parts = ("\n".join((part.title, *([f"  {part.intro}"] if part.intro else []), *part.lines)) for part in page.parts)
    return "\n\n".join(parts) + "\n"


def as_html(pages: Sequence[Page], *, title: str, language: Language) -> str:
    """Write pages as one HTML document that needs nothing else and prints on A4.

    Guarantee: text is escaped; there is no script, and a content security policy forbids fetching anything.
    """
    style = _style()
    contents = "".join(f'<li><a href="#p{n}">{_text(page.parts[0].title, page.language)}</a></li>' for n, page in enumerate(pages))  # fmt: skip
    nav = f'<nav aria-label="{say(("目次", "Contents"), language)}"><ol>{contents}</ol></nav>' if len(pages) > 1 else ""
    body = "\n".join(_article(page, number) for number, page in enumerate(pages))
    policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    return (
        f'<!DOCTYPE html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="color-scheme" content="light">\n'
        f"<title>{escape(title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n{nav}<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


@cache
def _style() -> str:
    return (Path(__file__).resolve().parent / "pages.css").read_text("utf-8")


def _article(page: Page, number: int) -> str:
    head, *rest = page.parts
    level = [f'<h1 id="h{number}">{_text(head.title, page.language)}</h1>']
    level += [_items(head.lines, page.language, kind="lead")]
    level += [_part(part, f"p{number}s{index}", page.language) for index, part in enumerate(rest)]
    return (
        f'<article id="p{number}" lang="{page.language}" aria-labelledby="h{number}">\n'
        + "\n".join(level)
        + "\n</article>"
    )


def _part(part: Part, name: str, language: Language) -> str:
    intro = f"<p>{_text(part.intro, language)}</p>\n" if part.intro else ""
    inside = "\n".join(_table(each, language) for each in part.tables) or _items(part.lines, language)
    heading = f'<h2 id="{name}">{_text(part.title, language)}</h2>'
    return f'<section aria-labelledby="{name}">\n{heading}\n{intro}{inside}\n</section>'


def _items(lines: Sequence[str], language: Language, *, kind: str = "") -> str:
    """Write lines as a list; a deeper indent makes a list within."""
    written: list[str] = []
    is_deep = False
    for line in lines:
        # A list within belongs to the item before it; without one there is nothing to be within.
        deep = line.startswith("      ") and bool(written)
        if deep and not is_deep:
            written.append(written.pop().removesuffix("</li>") + "<ul>")
        if is_deep and not deep:
            written.append("</ul></li>")
        written.append(f"<li>{_text(line.strip(), language)}</li>")
        is_deep = deep
    if is_deep:
        written.append("</ul></li>")
    opened = f'<ul class="{kind}">' if kind else "<ul>"
    return opened + "\n".join(written) + "</ul>" if written else ""


def _table(table: Table, language: Language) -> str:
    head = "".join(f'<th scope="col">{_text(cell, language)}</th>' for cell in table.header)
    rows = "\n".join(_row(row, language) for row in table.rows)
    caption = f"<caption>{_text(table.caption, language)}</caption>"
    # A wide table scrolls inside its own box; the box can be reached by keyboard.
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(table.caption)}">'
        f'<table class="{table.kind}">{caption}\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody></table></div>'
    )


def _row(row: Row, language: Language) -> str:
    first, *rest = row.cells
    mark = f' class="{row.mark}"' if row.mark else ""
    cells = "".join(f"<td>{_text(cell, language)}</td>" for cell in rest)
    return f'<tr{mark}><th scope="row">{_text(first, language)}</th>{cells}</tr>'


_JAPANESE = re.compile(
    r"[\u3000-\u30ff\u3400-\u9fff\uff01-\uff9f]+(?:[ \d、。・々〜ー()]*[\u3000-\u30ff\u3400-\u9fff\uff01-\uff9f]+)*"
)


def _text(text: str, language: Language) -> str:
    """Escape text; line breaks stay, and Japanese in an English page says that it is Japanese (WCAG 2.2, 3.1.2)."""
    safe = escape(text, quote=False)
    if language == "en":
        safe = _JAPANESE.sub(lambda found: f'<span lang="ja">{found.group()}</span>', safe)
    return safe.replace("\n", "<br>")
