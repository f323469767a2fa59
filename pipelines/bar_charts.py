"""A bar chart of shares before and after as inline SVG, readable without color: before is hatched, after is filled.

Written by hand, as `charts.py`. Not here: what is drawn, and in which words.

Colors: Okabe & Ito, Color Universal Design, 2008.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

WIDTH = 760
_LEFT, _RIGHT, _TOP, _ROW, _BAR = 190, 76, 56, 38, 13
_BLUE, _GRAY = "#0072B2", "#767676"
_LETTER = 6.8
"""About the width of a letter in pixels at the size of a label."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One bin: its share before and after, 0 to 1; None where too few to show."""

    name: str
    before: float | None
    after: float | None


@dataclass(frozen=True, slots=True)
class Words:
    """What the chart says: `hidden` stands where a share is not shown; `description` is read out in place of the chart."""

    title: str
    description: str
    before: str
    after: str
    hidden: str


def bar_chart(pairs: Sequence[Pair], *, words: Words, name: str) -> str:
    """Return a chart of horizontal bars, two a bin, as an SVG element.

    Args:
        pairs: The bins, from top to bottom.
        words: Title, description and key.
        name: The prefix of its ids, unique on the page.

    Returns:
        SVG with `role="img"`, its title and description linked, and the share beside each bar.
    """
    height = _TOP + _ROW * len(pairs) + 14
    most = (
        max((share for pair in pairs for share in (pair.before, pair.after) if share is not None), default=0.0) or 1.0
    )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'role="img" aria-labelledby="{name}-title {name}-desc" font-family="system-ui,\'Hiragino Sans\','
        "'Noto Sans CJK JP','Yu Gothic',sans-serif\">",
        f'<title id="{name}-title">{escape(words.title)}</title><desc id="{name}-desc">{escape(words.description)}</desc>',
        f'<defs><pattern id="{name}-hatch" width="6" height="6" patternUnits="userSpaceOnUse" '
        f'patternTransform="rotate(45)"><rect width="6" height="6" fill="#fff"/>'
        f'<line x1="0" y1="0" x2="0" y2="6" stroke="{_GRAY}" stroke-width="4"/></pattern></defs>',
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        f'<text x="12" y="22" font-size="15" font-weight="600" fill="#1b1b1b">{escape(words.title)}</text>',
        *_key(words, name),
        *(line for number, pair in enumerate(pairs) for line in _bin(pair, number, most, words, name)),
        f'<line x1="{_LEFT}" y1="{_TOP}" x2="{_LEFT}" y2="{height - 12}" stroke="#444"/>',
        "</svg>",
    ]
    return "\n".join(parts)


def _key(words: Words, name: str) -> Iterator[str]:
    x = _LEFT
    for fill, stroke, text in (("url(#" + name + "-hatch)", _GRAY, words.before), (_BLUE, _BLUE, words.after)):
        yield f'<rect x="{x}" y="33" width="22" height="11" fill="{fill}" stroke="{stroke}"/>'
        yield f'<text x="{x + 29}" y="43" font-size="13" fill="#1b1b1b">{escape(text)}</text>'
        x += 29 + round(_wide(text)) + 26


def _bin(pair: Pair, number: int, most: float, words: Words, name: str) -> Iterator[str]:
    top = _TOP + _ROW * number + 5
    label = _cut(pair.name)
    yield (
        f'<text x="{_LEFT - 10}" y="{top + _BAR + 4}" text-anchor="end" font-size="13" fill="#1b1b1b">'
        f"{escape(label)}<title>{escape(pair.name)}</title></text>"
    )
    looks = ((pair.before, f"url(#{name}-hatch)", _GRAY), (pair.after, _BLUE, _BLUE))
    for line, (share, fill, stroke) in enumerate(looks):
        y = top + line * (_BAR + 1)
        length = 0.0 if share is None else share / most * (WIDTH - _LEFT - _RIGHT)
        if length:
            yield (
                f'<rect x="{_LEFT}" y="{y}" width="{length:.1f}" height="{_BAR}" fill="{fill}" stroke="{stroke}" '
                'stroke-width="0.75"/>'
            )
        text = words.hidden if share is None else f"{share:.1%}"
        yield f'<text x="{_LEFT + length + 6:.1f}" y="{y + _BAR - 2}" font-size="12" fill="#333">{escape(text)}</text>'


def _cut(text: str) -> str:
    """Return a label that fits to the left of its bars; the whole of it is its tooltip."""
    while _wide(text) > _LEFT - 22:
        text = text.removesuffix("…")[:-1] + "…"
    return text


def _wide(text: str) -> float:
    return sum(_LETTER if ord(letter) < 0x2E80 else 2 * _LETTER for letter in text)
