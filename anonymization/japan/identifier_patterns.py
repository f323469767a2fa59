"""Identifiers that are told by their form alone: documents, dates of an era, contacts, names. One matcher a kind.

Belongs here: from a column of normalized text to a column of yes and no. Numbers are elsewhere (`number_forms`,
`digit_chains`), and so is what a hit means for a dataset (`anonymization.identifier_verdicts`). Arrow's RE2 finds
candidates; Python looks only at those.
"""

import re
from collections.abc import Callable, Iterable, Mapping

import numpy as np
import pyarrow as pa

from anonymization.japan.contact_patterns import PATTERNS, match_addresses, match_phones
from anonymization.japan.eras import parse_wareki
from anonymization.japan.person_names import match_names
from anonymization.japan.text_forms import Mask, matches
from policies.model.scan import IdentifierKind

_G = r"[\s-]?"
_RESIDENCE_CARD = rf"(?:^|[^A-Za-z0-9])[A-Z]{{2}}{_G}[0-9]{{4}}{_G}[0-9]{{4}}{_G}[A-Z]{{2}}(?:[^A-Za-z0-9]|$)"
_PASSPORT_WORD = r"(?:旅券|パスポ.ト|(?i:passport))"
_PASSPORT = rf"{_PASSPORT_WORD}(?:\s?(?i:no\.?|number|#))?[^0-9A-Z。\n]{{0,12}}[A-Z]{{2}}{_G}[0-9]{{7}}(?:[^0-9]|$)"
PASSPORT_FORM = r"^\s*[A-Z]{2}[0-9]{7}\s*$"
"""A cell that is nothing but a passport number; stock numbers look the same."""

_WAREKI_CANDIDATE = (
    r"(?:明治?|大正?|昭和?|平成?|令和?|[MTSHRmtshr])\s*(?:元|[0-9]{1,2}|[一二三四五六七八九十]{1,3})\s*(?:年|[./-])"
)
_N = r"(?:[0-9]{1,2}|[一二三四五六七八九十]{1,3})"
_WAREKI = re.compile(
    rf"(?:明治|大正|昭和|平成|令和|(?<![\u3400-\u9fff々])[明大昭平令]|(?<![A-Za-z0-9])[MTSHRmtshr])\s*(?:元|{_N})\s*"
    rf"(?:年\s*{_N}\s*月\s*{_N}\s*日|([./-])\s*[0-9]{{1,2}}\s*\1\s*[0-9]{{1,2}}(?![0-9]))"
)


def _match_wareki(texts: pa.Array) -> Mask:
    candidates = matches(texts, _WAREKI_CANDIDATE)
    return _confirm(texts, candidates, lambda text: any(_is_day(m.group()) for m in _WAREKI.finditer(text)))


_ERA_LETTERS = {"明": "M", "大": "T", "昭": "S", "平": "H", "令": "R"}


def _is_day(text: str) -> bool:
    is_short = text[0] in _ERA_LETTERS and text[1] not in "治正和成"
    return parse_wareki(_ERA_LETTERS[text[0]] + text[1:] if is_short else text) is not None


def _pattern(pattern: str) -> Callable[[pa.Array], Mask]:
    return lambda texts: matches(texts, pattern)


MATCHERS: Mapping[IdentifierKind, Callable[[pa.Array], Mask]] = {
    IdentifierKind.PHONE: match_phones,
    **{kind: _pattern(pattern) for kind, pattern in PATTERNS.items()},
    IdentifierKind.RESIDENCE_CARD: _pattern(_RESIDENCE_CARD),
    IdentifierKind.PASSPORT: _pattern(_PASSPORT),
    IdentifierKind.WAREKI_DATE: _match_wareki,
    IdentifierKind.NAME: match_names,
    IdentifierKind.ADDRESS: match_addresses,
}
"""Each takes N normalized texts and returns N booleans; null is no."""


def _confirm(texts: pa.Array, candidates: Mask, holds: Callable[[str], bool]) -> Mask:
    where = np.flatnonzero(candidates)
    confirmed = np.zeros(len(texts), dtype=bool)
    listed: Iterable[str] = texts.take(pa.array(where)).to_pylist()
    confirmed[where] = np.fromiter((bool(holds(text)) for text in listed), dtype=bool, count=len(where))
    return confirmed
