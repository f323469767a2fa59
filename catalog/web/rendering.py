"""Turn pages into HTML: the template environment, dates and sizes in each language, the security headers.

Not here: which page answers which address (`app.py`).
"""

import math
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlencode

from babel.dates import format_date
from babel.numbers import format_decimal, format_percent
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from catalog.check_titles import title_of_name
from catalog.records import ColumnRecord
from catalog.web.messages import MESSAGES, message
from policies.decision.duo import BY_ID, EHDS53
from policies.model.strictness import Text
from policies.vocabulary import Labelled

HERE = Path(__file__).parent
STATIC = HERE / "static"

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""No script at all, nothing from elsewhere, no frame. Source: OWASP Secure Headers Project."""


class Language(StrEnum):
    """The languages of the portal; the value is the first part of every page's address."""

    JA = "ja"
    EN = "en"

    @property
    def other(self) -> "Language":
        """The other language."""
        return Language.EN if self is Language.JA else Language.JA

    @property
    def own_name(self) -> str:
        """The language's name in itself."""
        return "日本語" if self is Language.JA else "English"


def preferred_language(accept: str) -> Language:
    """Return the language that an Accept-Language header prefers; Japanese where it names neither."""
    ranked: list[tuple[float, Language]] = []
    for part in accept.split(","):
        name, _, quality = part.strip().partition(";q=")
        try:
            weight = float(quality) if quality else 1.0
        except ValueError:
            continue
        code = name.strip().lower()[:2]
        if code in set(Language) and weight > 0:
            ranked.append((weight, Language(code)))
    return max(ranked, key=lambda pair: pair[0])[1] if ranked else Language.JA


def render(template: str, language: Language, *, path: str, context: Mapping[str, object]) -> str:
    """Return a page.

    Args:
        template: File name of the template.
        language: The page's language.
        path: The page's address after the language, beginning with `/`; the other language's link uses it.
        context: What the template shows.
    """
    shown = _Shown(language)
    return _ENVIRONMENT.get_template(template).render(
        {"language": language, "languages": tuple(Language), "path": path, "m": shown.message, "show": shown, **context}
    )


class _Shown:
    """How things look in one language; templates call its methods."""

    def __init__(self, language: Language) -> None:
        self.language = language

    def message(self, key: str, **values: object) -> str:
        return message(key, self.language.value, **values)

    def text(self, text: Text) -> str:
        return text.ja if self.language is Language.JA else text.en

    def label(self, member: Labelled) -> str:
        return member.ja if self.language is Language.JA else member.en

    def check(self, name: str) -> str:
        """Say what a check confirms; nothing for one without words, whose name stands beside."""
        title = title_of_name(name)
        return self.text(title) if title else ""

    def day(self, day: date) -> str:
        return format_date(day, format="long", locale=self.language.value)

    def month(self, day: date) -> str:
        pattern = "y年M月" if self.language is Language.JA else "MMMM y"
        return format_date(day, format=pattern, locale=self.language.value)

    def number(self, value: float) -> str:
        return format_decimal(value, format="#,##0.####", locale=self.language.value)

    def small(self, value: float) -> str:
        digit, exponent = f"{value:.0e}".split("e")
        power = str(int(exponent)).translate(_SUPERSCRIPT)
        return f"10{power}" if digit == "1" else f"{digit} × 10{power}"

    def share(self, value: float) -> str:
        return format_percent(value, format="#,##0.0%", locale=self.language.value)

    def size(self, size: int) -> str:
        for unit, step in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
            if size >= step:
                return f"{size / step:,.0f} {unit}"
        return f"{size:,} B"

    def duo(self, term_id: str) -> str:
        term = BY_ID.get(term_id)
        return f"{term.code}: {self.text(term.label)}" if term is not None else term_id

    def ehds(self, letter: str) -> str:
        return f"({letter}) {self.text(EHDS53[letter])}"

    def figure(self, value: float) -> str:
        """Write a noisy figure: whole from a thousand on, else with four digits that count; never in powers of ten."""
        if not math.isfinite(value):
            return "–"
        shown = round(value) if abs(value) >= 1000 else float(f"{value:.4g}")
        return format_decimal(shown, format="#,##0.##########", locale=self.language.value)

    def cell(self, value: object) -> str:
        """Write what a row of an answer is of: a key as it is, a number as a number, nothing as a dash."""
        if value is None:
            return "–"
        return self.figure(value) if isinstance(value, float) else str(value)

    def column(self, labels: Mapping[str, ColumnRecord], name: str) -> str:
        """Call a column what its record calls it, else by its name."""
        known = labels.get(name)
        return name if known is None else known.ja if self.language is Language.JA else known.en

    def refusal(self, code: str) -> str:
        """Return the key of the sentence for a coded refusal."""
        key = code.replace(".", "_").replace("-", "_")
        return key if f"refused.{key}" in MESSAGES else "ledger" if code.startswith("ledger.") else "other"

    def is_figure(self, name: str) -> bool:
        """Say whether a column of an answer is one that its statistic adds, and not a key."""
        return f"column.{name}" in MESSAGES

    def here(self, path: str) -> str:
        return f"/{self.language.value}{path}"


_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def query_string(pairs: list[tuple[str, str]]) -> str:
    """Return `?a=b&…`, or nothing for no pairs; empty values are left out, so that links stay short."""
    kept = [(key, value) for key, value in pairs if value]
    return f"?{urlencode(kept)}" if kept else ""


_ENVIRONMENT = Environment(
    loader=FileSystemLoader(HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
