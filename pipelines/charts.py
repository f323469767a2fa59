"""A scatter chart as inline SVG: axes with units, marks told apart by shape, a title and a description for readers.

Written by hand so that a page needs no script, font or network. Not here: what is drawn.

Colors: Okabe & Ito, Color Universal Design, 2008; shapes differ as well, so that no color has to be told.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 760, 470
_LEFT, _RIGHT, _TOP, _BOTTOM = 78, 24, 20, 64
_BLUE, _VERMILION, _GRAY = "#0072B2", "#D55E00", "#8a8a8a"
_LETTER, _LINE = 6.6, 15
"""About the width of a letter and the height of a line of a label, in pixels, to keep labels apart."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One point: `is_front` draws it filled and joins it to its neighbors, `is_current` puts a diamond around it."""

    x: float
    y: float
    label: str
    is_front: bool = False
    is_current: bool = False


@dataclass(frozen=True, slots=True)
class Axis:
    """The words under an axis, with the unit."""

    label: str


def scatter(marks: Sequence[Mark], *, x: Axis, y: Axis, title: str, description: str, name: str) -> str:
    """Return a scatter chart as an SVG element.

    Args:
        marks: The points; where several lie in one place the first label is shown.
        x: The horizontal axis.
        y: The vertical axis.
        title: What the chart is; read out first.
        description: What it shows, in a sentence or two.
        name: The prefix of its ids, unique on the page.

    Returns:
        SVG with `role="img"`, its title and description linked; marks carry their label as a tooltip.
    """
    frame = _Frame.around(marks)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-labelledby="{name}-title {name}-desc" class="chart">',
        f'<title id="{name}-title">{escape(title)}</title><desc id="{name}-desc">{escape(description)}</desc>',
        *frame.axes(x, y),
        *_front(marks, frame),
        *(_mark(mark, frame) for mark in sorted(marks, key=lambda one: (one.is_current, one.is_front))),
        *_labels(marks, frame),
        "</svg>",
    ]
    return "\n".join(parts)


def ticks(low: float, high: float, *, about: int = 6) -> tuple[float, ...]:
    """Return round numbers that span `low` to `high`, about so many."""
    is_flat = high - low <= 1e-9 * max(abs(high), 1.0)
    span = max(abs(high), 1.0) if is_flat else high - low
    raw = span / about
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * size for factor in (1, 2, 2.5, 5, 10) if factor * size >= raw)
    first = math.floor(low / step)
    last = math.ceil((low + span) / step - 1e-9)
    return tuple(float(f"{number * step:.12g}") for number in range(first, last + 1))


@dataclass(frozen=True, slots=True)
class _Frame:
    """The scales: from values to pixels."""

    x_ticks: tuple[float, ...]
    y_ticks: tuple[float, ...]

    @classmethod
    def around(cls, marks: Sequence[Mark]) -> "_Frame":
        xs, ys = [mark.x for mark in marks] or [0.0, 1.0], [mark.y for mark in marks] or [0.0, 1.0]
        return cls(ticks(0.0, max(xs)), ticks(min(0.0, *ys) if len(ys) > 1 else 0.0, max(ys)))

    def place(self, mark: Mark) -> tuple[float, float]:
        return self.column(mark.x), self.row(mark.y)

    def column(self, value: float) -> float:
        low, high = self.x_ticks[0], self.x_ticks[-1]
        return _LEFT + (value - low) / (high - low) * (WIDTH - _LEFT - _RIGHT)

    def row(self, value: float) -> float:
        low, high = self.y_ticks[0], self.y_ticks[-1]
        return HEIGHT - _BOTTOM - (value - low) / (high - low) * (HEIGHT - _TOP - _BOTTOM)

    def axes(self, x: Axis, y: Axis) -> Iterator[str]:
        left, bottom, right = _LEFT, HEIGHT - _BOTTOM, WIDTH - _RIGHT
        for value in self.y_ticks:
            row = self.row(value)
            yield f'<line x1="{left}" y1="{row:.1f}" x2="{right}" y2="{row:.1f}" stroke="#e4e4e4"/>'
            yield f'<text x="{left - 8}" y="{row + 4:.1f}" text-anchor="end" class="tick">{_shown(value)}</text>'
        for value in self.x_ticks:
            column = self.column(value)
            yield f'<line x1="{column:.1f}" y1="{bottom}" x2="{column:.1f}" y2="{bottom + 5}" stroke="#444"/>'
            yield f'<text x="{column:.1f}" y="{bottom + 20}" text-anchor="middle" class="tick">{_shown(value)}</text>'
        yield f'<path d="M{left} {_TOP} V{bottom} H{right}" fill="none" stroke="#444"/>'
        middle = (left + right) / 2
        yield f'<text x="{middle:.0f}" y="{HEIGHT - 16}" text-anchor="middle" class="axis">{escape(x.label)}</text>'
        high = (_TOP + bottom) / 2
        yield (
            f'<text transform="translate(18 {high:.0f}) rotate(-90)" text-anchor="middle" class="axis">'
            f"{escape(y.label)}</text>"
        )


def _front(marks: Sequence[Mark], frame: _Frame) -> Iterator[str]:
    """Join the marks of the front by steps: between two of them only what is no better than both is known."""
    front = sorted({(mark.x, mark.y) for mark in marks if mark.is_front})
    if len(front) < 2:
        return
    path = f"M{frame.column(front[0][0]):.1f} {frame.row(front[0][1]):.1f}"
    for x, y in front[1:]:
        path += f" H{frame.column(x):.1f} V{frame.row(y):.1f}"
    yield f'<path d="{path}" fill="none" stroke="{_BLUE}" stroke-width="1.5" stroke-dasharray="5 4"/>'


def _mark(mark: Mark, frame: _Frame) -> str:
    x, y = frame.place(mark)
    tooltip = f"<title>{escape(mark.label)}</title>"
    shape = (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="6" fill="{_BLUE}" stroke="#fff">{tooltip}</circle>'
        if mark.is_front
        else f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" fill="#fff" stroke="{_GRAY}" stroke-width="1.5">{tooltip}</circle>'
    )
    if mark.is_current:
        path = f"M{x:.1f} {y - 13:.1f} L{x + 13:.1f} {y:.1f} L{x:.1f} {y + 13:.1f} L{x - 13:.1f} {y:.1f} Z"
        shape += f'<path d="{path}" fill="none" stroke="{_VERMILION}" stroke-width="2.5">{tooltip}</path>'
    return shape


def _labels(marks: Sequence[Mark], frame: _Frame) -> Iterator[str]:
    """Write the labels of the front and of the current mark where they cover no other label and no such mark."""
    chosen = sorted((mark for mark in marks if mark.is_front or mark.is_current), key=lambda one: not one.is_current)
    taken = [(x - 6, y - 6, x + 6, y + 6) for x, y in {frame.place(mark) for mark in marks}]
    said: set[tuple[float, float]] = set()
    for mark in chosen:
        x, y = frame.place(mark)
        if (x, y) in said:
            continue
        said.add((x, y))
        width = sum(_LETTER if ord(letter) < 0x2E80 else 2 * _LETTER for letter in mark.label)
        apart = 16 if mark.is_current else 10
        for column, row in (
            (x + apart, y - 6),
            (x + apart, y + 16),
            (x - apart - width, y - 6),
            (x - apart - width, y + 16),
            (x - width / 2, y - 14),
            (x - width / 2, y + 24),
        ):
            box = (column, row - 12, column + width, row - 12 + _LINE)
            inside = box[0] > _LEFT and box[2] < WIDTH - 2 and box[1] > _TOP - 12 and box[3] < HEIGHT - _BOTTOM
            if inside and not any(_overlaps(box, other) for other in taken):
                taken.append(box)
                weight = ' font-weight="600"' if mark.is_current else ""
                yield f'<text x="{column:.1f}" y="{row:.1f}" class="label"{weight}>{escape(mark.label)}</text>'
                break


def _overlaps(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _shown(value: float) -> str:
    return f"{value:g}"
