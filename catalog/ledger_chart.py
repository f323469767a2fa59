"""What a population has spent over time, against its caps, as inline SVG: for the portal and for the steward's UI.

Steps, because a charge is made at a moment and never taken back. Figures of the account only, which policies and requests
decide: nothing in it depends on data. Names of researchers are left out.

Colors: Okabe & Ito, Color Universal Design, 2008; the lines differ in their dashes as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import escape

from catalog.ledger_entries import LedgerEntry, replay
from catalog.ledger_scopes import lifetime_scope, rho_text, year_scope
from policies.model.strictness import Text

WIDTH, HEIGHT = 720, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 20, 24, 56
_BLUE, _VERMILION, _GRAY = "#0072B2", "#D55E00", "#6b6b6b"
_WORDS = {
    "title": Text(ja="プライバシー予算の消費: {name}", en="Privacy budget spent: {name}"),
    "description": Text(
        ja="上限 ρ={cap} のうち ρ={spent} を使いました。残りは ρ={left} です。",
        en="Of the cap rho={cap}, rho={spent} is spent; rho={left} is left.",
    ),
    "cap": Text(ja="上限", en="cap"),
    "year": Text(ja="{year}年(使用済み / 上限)", en="{year} (spent / cap)"),
    "spent": Text(ja="使用済み", en="spent"),
    "axis": Text(ja="損失 ρ", en="loss rho"),
}


@dataclass(frozen=True, slots=True)
class Spending:
    """A lifetime account over time, in micro-ρ: what was spent after each moment, and the cap then.

    `years` are the caps of calendar years that are on record, each with what was spent in it.
    """

    population: str
    points: tuple[tuple[datetime, int, int], ...]
    years: tuple[tuple[int, int, int], ...]

    @property
    def spent_micro(self) -> int:
        """What is spent now."""
        return self.points[-1][1] if self.points else 0

    @property
    def cap_micro(self) -> int:
        """The cap now."""
        return self.points[-1][2] if self.points else 0


def spending_of(history: Sequence[LedgerEntry], population: str) -> Spending:
    """Follow a population's lifetime account through the entries of the ledger, in order.

    Raises:
        IntegrityError: An entry is about a charge that no entry made.
    """
    scope = lifetime_scope(population)
    points: list[tuple[datetime, int, int]] = []
    spent = cap = 0
    for entry in history:
        scopes = entry.body.get("scopes")
        amount = scopes.get(scope, 0) if isinstance(scopes, dict) else 0
        new_cap = entry.body.get("cap_micro") if entry.body.get("scope") == scope else None
        spent += amount if isinstance(amount, int) else 0
        cap = new_cap if isinstance(new_cap, int) else cap
        if amount or new_cap is not None:
            points.append((datetime.fromisoformat(entry.at).astimezone(UTC), spent, cap))
    balance = replay(list(history))
    named = {year: year_scope(population, year) for year in sorted({one[0].year for one in points})}
    years = tuple(
        (year, balance.caps[name], balance.spent.get(name, 0)) for year, name in named.items() if name in balance.caps
    )
    return Spending(population, tuple(points), years)


def burn_down(spending: Spending, *, language: str, name: str) -> str:
    """Draw what was spent against the cap; an account without a charge is an empty frame.

    Args:
        spending: What to draw.
        language: `ja` or `en`.
        name: The prefix of the ids, unique on the page.

    Returns:
        An SVG element with `role="img"`, its title and description linked.
    """
    cap, spent = spending.cap_micro, spending.spent_micro
    title = _say("title", language, name=spending.population)
    figures = {"cap": rho_text(cap), "spent": rho_text(spent), "left": rho_text(max(0, cap - spent))}
    frame = _Frame.around(spending)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-labelledby="{name}-title {name}-desc" class="chart">',
        f'<title id="{name}-title">{escape(title)}</title>',
        f'<desc id="{name}-desc">{escape(_say("description", language, **figures))}</desc>',
        *_axes(frame, language),
        _steps(frame, [(at, limit) for at, _, limit in spending.points], color=_VERMILION, dashes="7 4"),
        _steps(frame, [(at, amount) for at, amount, _ in spending.points], color=_BLUE, dashes=""),
        *_labels(frame, spending, language),
        "</svg>",
    ]
    return "\n".join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class _Frame:
    begin: datetime
    end: datetime
    top: int

    @classmethod
    def around(cls, spending: Spending) -> "_Frame":
        moments = [at for at, _, _ in spending.points] or [datetime(2000, 1, 1, tzinfo=UTC)]
        # Room after the last step, so that it is seen; a single moment still has a width.
        span = max(moments[-1] - moments[0], timedelta(days=1))
        highest = max((max(spent, cap) for _, spent, cap in spending.points), default=0)
        return cls(moments[0], moments[-1] + span / 8, max(highest, 1))

    def x(self, at: datetime) -> float:
        return _LEFT + (at - self.begin) / (self.end - self.begin) * (WIDTH - _LEFT - _RIGHT)

    def y(self, micro: int) -> float:
        return HEIGHT - _BOTTOM - micro / (self.top * 1.1) * (HEIGHT - _TOP - _BOTTOM)


def _axes(frame: _Frame, language: str) -> list[str]:
    low, right = HEIGHT - _BOTTOM, WIDTH - _RIGHT
    lines = [f'<path d="M{_LEFT} {_TOP}V{low}H{right}" fill="none" stroke="{_GRAY}"/>']
    for micro in (0, frame.top // 2, frame.top):
        y = frame.y(micro)
        lines.append(_text(_LEFT - 8, y + 4, rho_text(micro), anchor="end"))
        lines.append(f'<path d="M{_LEFT} {y:.1f}H{right}" stroke="#dddddd" fill="none"/>')
    for at, anchor in ((frame.begin, "start"), (frame.end, "end")):
        lines.append(_text(frame.x(at), low + 18, at.date().isoformat(), anchor=anchor))
    return [*lines, _text(_LEFT, _TOP - 8, _say("axis", language), anchor="middle")]


def _steps(frame: _Frame, points: Sequence[tuple[datetime, int]], *, color: str, dashes: str) -> str:
    if not points:
        return ""
    first = points[0]
    path = f"M{frame.x(first[0]):.1f} {frame.y(first[1]):.1f}"
    path += "".join(f"H{frame.x(at):.1f}V{frame.y(micro):.1f}" for at, micro in points[1:])
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'<path d="{path}H{frame.x(frame.end):.1f}" fill="none" stroke="{color}" stroke-width="2.5"{dashed}/>'


def _labels(frame: _Frame, spending: Spending, language: str) -> list[str]:
    right, low = WIDTH - _RIGHT, HEIGHT - 14
    spent = f"{_say('spent', language)} {rho_text(spending.spent_micro)}"
    cap = f"{_say('cap', language)} {rho_text(spending.cap_micro)}"
    spent_y = frame.y(spending.spent_micro)
    is_close = abs(spent_y - frame.y(spending.cap_micro)) < 20  # else the two labels would lie on each other
    said = [
        _text(right, frame.y(spending.cap_micro) - 6, cap, anchor="end", color=_VERMILION),
        _text(right, spent_y + (16 if is_close else -6), spent, anchor="end", color=_BLUE),
    ]
    years = ", ".join(
        f"{_say('year', language, year=str(year))}: {rho_text(used)} / {rho_text(limit)}"
        for year, limit, used in spending.years
    )
    return [*said, _text(_LEFT, low, years, anchor="start")] if years else said


def _text(x: float, y: float, text: str, *, anchor: str, color: str = "#333333") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="13" fill="{color}">{escape(text)}</text>'


def _say(key: str, language: str, **figures: str) -> str:
    words = _WORDS[key]
    return (words.ja if language == "ja" else words.en).format(**figures)
