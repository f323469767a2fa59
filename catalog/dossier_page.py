"""A dossier as one self-contained page in Japanese or English: no script, no file from elsewhere, fit to print on A4.

Its own content security policy allows nothing but its one style sheet, by digest. Not here: words (`dossier_words`).
"""

import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from zoneinfo import ZoneInfo

from babel.dates import format_date
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from catalog.check_figures import found_words, number
from catalog.dossier import CheckEntry, Dossier, RuleEntry
from catalog.dossier_words import KEY_KINDS, POLICY_KINDS, word
from catalog.parameter_words import country, say_parameters
from policies.answers import Verdict
from policies.model.strictness import Text
from policies.sentences import Language

PAGES = Path(__file__).parent / "dossier_pages"
_PARTS = (
    "rules",
    "rest",
    "signatures",
    "columns",
    "risk",
    "consent",
    "ledger",
    "card",
    "publication",
    "recipients",
    "quality",
    "retention",
    "custody",
    "lineage",
    "checks",
    "words",
    "verify",
)
_MOST_PARAMETERS = 6
_JAPAN = ZoneInfo("Asia/Tokyo")
_EXTRACTED = frozenset({"extract", "secure_environment"})
"""Ways of delivery after which a recipient holds or sees rows until a day."""


def dossier_page(dossier: Dossier, *, language: Language) -> str:
    """Return the page of a dossier."""
    style = (PAGES / "dossier.css").read_text("utf-8")
    said = [rule for rule in dossier.rules if rule.verdict.value != Verdict.NOT_APPLICABLE.value]
    rest = [rule for rule in dossier.rules if rule.verdict.value == Verdict.NOT_APPLICABLE.value]
    tables = groupby(dossier.columns, key=lambda column: f"{column.dataset}.{column.table}")
    titles = {one.dataset: one.title for one in dossier.holders}
    context: Mapping[str, object] = {
        "d": dossier,
        "language": language,
        "other": "en" if language == "ja" else "ja",
        "style": style,
        "style_hash": style_digest(style),
        "w": lambda key, **values: word(key, language, **values),
        "t": lambda text: marked(_text(text, language), language),
        "plain": lambda text: _text(text, language),
        "day": lambda day: _day(day, language),
        "moment": lambda moment: _moment(moment, language),
        "n": lambda text: number(text, language),
        "listed": lambda texts: ("、" if language == "ja" else ", ").join(texts),
        "country": lambda code: country(code, language),
        "policy_kind": lambda kind: _text(POLICY_KINDS[kind], language) if kind in POLICY_KINDS else kind,
        "key_kind": lambda kind: _text(KEY_KINDS[kind], language) if kind in KEY_KINDS else kind,
        "paren": lambda words: f"({words})" if language == "ja" else f" ({words})",
        "e_method": _text(Text(ja=dossier.evidence.method.ja, en=dossier.evidence.method.en), language),
        "holders": list({one.organization.name.ja: one for one in dossier.holders}.values()),
        "card_entry": dossier.card.entry(language).deployment if dossier.card else None,
        "own_signatures": [one for one in dossier.approvals.signatures if one.policy == dossier.subject.id],
        "parts": [part for part in _PARTS if part not in _empty(dossier, has_rest=bool(rest))],
        "exact": _exact,
        "some_failed": any(line.passed < line.checks for line in dossier.quality.dimensions),
        "dataset_title": lambda name: marked(_text(titles[name], language), language) if name in titles else name,
        "is_extracted": any(each.value in _EXTRACTED for each in dossier.subject.delivery),
        "by_pack": {pack.id: [rule for rule in said if rule.pack == pack.id] for pack in dossier.packs},
        "rest": rest,
        "tables": [(name, list(columns)) for name, columns in tables],
        "shown_parameters": lambda rule: marked(_parameters(rule, language), language),
        "checks": _together(dossier.checks),
        "figures": lambda check: _figures(check, language),
    }
    return _ENVIRONMENT.get_template("dossier.html").render(context)


def style_digest(style: str) -> str:
    """Return the digest of a style element's text as a content security policy names it (CSP level 3, `sha256-…`)."""
    return b64encode(sha256(style.encode("utf-8")).digest()).decode("ascii")


def page_policy(page: str) -> str:
    """Return the content security policy under which a page is served: its own style, and nothing else.

    The digest is taken from the page, because an older dossier brings an older style sheet.
    """
    found = re.search("<style>(.*?)</style>", page, re.DOTALL)
    style = f"style-src 'sha256-{style_digest(found.group(1))}'; " if found else ""
    return f"default-src 'none'; {style}base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def _text(text: Text, language: Language) -> str:
    return text.ja if language == "ja" else text.en


_JAPANESE = re.compile(r"[\u3000-\u30ff\u3400-\u9fff\uff01-\uff9f]+")


def marked(text: str, language: Language) -> Markup:
    """Escape text; Japanese in an English page says that it is Japanese, for who listens (WCAG 2.2, 3.1.2)."""
    safe = str(escape(text))
    if language == "en":
        safe = _JAPANESE.sub(lambda found: f'<span lang="ja">{found.group()}</span>', safe)
    return Markup(safe)  # noqa: S704 -- escaped two lines above


def _day(day: date, language: Language) -> str:
    return format_date(day, format="long", locale=language)


def _moment(moment: datetime, language: Language) -> str:
    """Return a moment in Japan's time, and in UTC for who compares it with a log."""
    there = moment.astimezone(_JAPAN)
    clock, utc = there.strftime("%H:%M:%S"), moment.strftime("%Y-%m-%d %H:%M:%S")
    zone = "日本時間" if language == "ja" else "Japan Standard Time"
    return f"{_day(there.date(), language)} {clock} ({zone}; UTC {utc})"


def _empty(dossier: Dossier, *, has_rest: bool) -> frozenset[str]:
    """Return the parts that this dossier does not have."""
    there = {"rest": has_rest, "words": bool(dossier.words), "card": dossier.card is not None}
    return frozenset(part for part, is_there in there.items() if not is_there)


def _parameters(rule: RuleEntry, language: Language) -> str:
    """Return the parameters of a rule in one line, in words; the long tables of some rules are in dossier.json."""
    told = say_parameters(rule.parameters, language)
    more = len(told) - _MOST_PARAMETERS
    rest = (
        ()
        if more <= 0
        else ((f"ほか {more} 件は dossier.json" if language == "ja" else f"{more} more in dossier.json"),)
    )
    return ("。" if language == "ja" else "; ").join((*told[:_MOST_PARAMETERS], *rest))


def _together(checks: Sequence[CheckEntry]) -> list[tuple[CheckEntry, list[str]]]:
    """Return the checks with their places; what several stages found alike is told once, with the place of each."""
    places: dict[str, tuple[CheckEntry, list[str]]] = {}
    for check in checks:
        key = check.model_copy(update={"stage": ""}).model_dump_json()
        places.setdefault(key, (check, []))[1].append(f"{check.stage}/{check.name}")
    return list(places.values())


def _exact(figure: float | None) -> str:
    """Write a small number out: readers of the page do not read exponents."""
    return "-" if figure is None else f"{figure:.12f}".rstrip("0").rstrip(".")


def _figures(check: CheckEntry, language: Language) -> str:
    found = check.found or found_words(check.measured)
    return _text(found, language) if found else "-"


_ENVIRONMENT = Environment(
    loader=FileSystemLoader(PAGES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
_ENVIRONMENT.filters["in_words"] = _text
