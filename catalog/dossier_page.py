"""A dossier as one self-contained page in Japanese or English: no script, no file from elsewhere, fit to print on A4.

Its own content security policy allows nothing but its one style sheet, by digest. Not here: words (`dossier_words`).
"""

import re
from base64 import b64encode
from collections.abc import Mapping
from datetime import date
from hashlib import sha256
from itertools import groupby
from pathlib import Path

from babel.dates import format_date
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from catalog.dossier import CheckEntry, Dossier, RuleEntry
from catalog.dossier_words import word
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
    "publication",
    "recipients",
    "quality",
    "retention",
    "custody",
    "lineage",
    "checks",
    "verify",
)
_LONGEST_PARAMETER = 60
_LONGEST_PARAMETERS = 220


def dossier_page(dossier: Dossier, *, language: Language) -> str:
    """Return the page of a dossier."""
    style = (PAGES / "dossier.css").read_text("utf-8")
    said = [rule for rule in dossier.rules if rule.verdict.value != Verdict.NOT_APPLICABLE.value]
    rest = [rule for rule in dossier.rules if rule.verdict.value == Verdict.NOT_APPLICABLE.value]
    tables = groupby(dossier.columns, key=lambda column: f"{column.dataset}.{column.table}")
    context: Mapping[str, object] = {
        "d": dossier,
        "language": language,
        "other": "en" if language == "ja" else "ja",
        "style": style,
        "style_hash": style_digest(style),
        "w": lambda key, **values: word(key, language, **values),
        "t": lambda text: _text(text, language),
        "day": lambda day: _day(day, language),
        "paren": lambda words: f"({words})" if language == "ja" else f" ({words})",
        "e_method": _text(Text(ja=dossier.evidence.method.ja, en=dossier.evidence.method.en), language),
        "holders": list({one.organization.name.ja: one for one in dossier.holders}.values()),
        "own_signatures": [one for one in dossier.approvals.signatures if one.policy == dossier.subject.id],
        "parts": [part for part in _PARTS if rest or part != "rest"],
        "by_pack": {pack.id: [rule for rule in said if rule.pack == pack.id] for pack in dossier.packs},
        "rest": rest,
        "tables": [(name, list(columns)) for name, columns in tables],
        "shown_parameters": _parameters,
        "figures": _figures,
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


def _day(day: date, language: Language) -> str:
    return format_date(day, format="long", locale=language)


def _parameters(rule: RuleEntry) -> str:
    """Return the parameters of a rule in one line; the long tables of some rules are in dossier.json."""
    shown = []
    for name, value in sorted(rule.parameters.items()):
        text = ", ".join(value) if isinstance(value, tuple) else str(value)
        shown.append(f"{name} = {text if len(text) <= _LONGEST_PARAMETER else text[:_LONGEST_PARAMETER] + '…'}")
    line = "; ".join(shown)
    return line if len(line) <= _LONGEST_PARAMETERS else f"{line[:_LONGEST_PARAMETERS]}… → dossier.json"


def _figures(check: CheckEntry) -> str:
    return ", ".join(f"{name} {value}" for name, value in sorted(check.measured.items())) or "-"


_ENVIRONMENT = Environment(
    loader=FileSystemLoader(PAGES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
