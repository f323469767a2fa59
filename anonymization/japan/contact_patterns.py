"""Where a person can be reached: telephone, postal code, address, e-mail, web, network. As RE2 patterns.

All read normalized text (`text_forms.normalize_text`). Every pattern is a whole search; none needs a second look.
"""

from collections.abc import Mapping

import pyarrow as pa

from anonymization.japan.prefectures import PREFECTURES
from anonymization.japan.text_forms import Mask, matches
from policies.model.scan import IdentifierKind

_S = r"(?: ?[-.・/] ?|[( ])"
_T = r"(?: ?[-.・/] ?|[) ])"
# Total lengths are 10 (fixed) or 11 (mobile, IP); every split of area code and exchange is listed, so dates do not fit.
_PHONE_GROUPS = (
    f"0[1-9]{_S}[0-9]{{4}}{_T}[0-9]{{4}}",
    f"0[0-9]{{2}}{_S}[0-9]{{3}}{_T}[0-9]{{4}}",
    f"0[0-9]{{3}}{_S}[0-9]{{2}}{_T}[0-9]{{4}}",
    f"0[0-9]{{4}}{_S}[0-9]{_T}[0-9]{{4}}",
    f"0[5-9]0{_S}[0-9]{{4}}{_T}[0-9]{{4}}",
    f"0[5-9]0{_S}?[0-9]{{8}}",
    "(?:0120|0570)[- ]?[0-9]{3}[- ]?[0-9]{3}",
    "(?:0120|0570)[- ][0-9]{2}[- ][0-9]{4}",
    "0800[- ]?[0-9]{3}[- ]?[0-9]{4}",
    r"\(0[0-9]{1,4}\) ?[0-9]{1,4}-[0-9]{4}",
)
_ABROAD = r"(?:\+|\b00|010-)81[- .]?\(?0?\)?[- ]?[1-9](?:[- .]?[0-9]){8,9}"
_WORD = r"(?:(?i:tel|fax|phone|mobile)|電話|携帯|連絡先|ファックス|ファクス|内線)"
_AFTER_WORD = rf"{_WORD}[^0-9+。\n]{{0,8}}0(?:{_S}?[0-9]){{9,10}}"
_PHONE = rf"(?:^|[^0-9A-Za-z+.-])(?:{'|'.join(_PHONE_GROUPS)})(?:-?[^0-9A-Za-z]|-?$|[A-Za-z]{{2,}}[^0-9])|{_AFTER_WORD}(?:[^0-9]|$)|(?:^|[^0-9]){_ABROAD}(?:[^0-9]|$)"
PHONE_FORM = r"^\s*0[1-9][0-9]{8}\s*$"
"""A cell of ten digits that may be a fixed line; identifiers of other kinds look the same."""
POSTAL_FORM = r"^\s*[0-9]{7}\s*$"
"""A cell of seven digits: a postal code only if the column says so."""

_POSTAL_CODE = r"(?:^|[^0-9-])(?:(?:〒|郵便番号)[\s:]*[0-9]{3}-?[0-9]{4}|[0-9]{3} ?- ?[0-9]{4})(?:[^0-9-]|$)"
_EMAIL = (
    r"[A-Za-z0-9._%+-]+\s?(?:@|[\[({]\s?(?:at|アット|@)\s?[\])}])\s?[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}"
)
_URL = (
    r"(?i)\b(?:https?|ftp)://[^\s\"'<>]+|\bwww\.[a-z0-9-]+\.[a-z]{2,}"
    r"|(?:^|[^@a-z0-9.-])(?:[a-z0-9-]+\.)+(?:co|or|ac|go|ne|ed|lg|gr|ad)\.jp\b"
)
_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_HEXTET = "[0-9A-Fa-f]{1,4}"
_IP_ADDRESS = (
    rf"(?:^|[^0-9A-Za-z.])(?:{_OCTET}\.){{3}}{_OCTET}(?:[^0-9.]|\.?$|\.[^0-9])"
    rf"|(?:^|[^0-9A-Za-z:])(?:(?:{_HEXTET}:){{7}}{_HEXTET}|(?:{_HEXTET}:){{2,6}}:(?:{_HEXTET}:){{0,4}}{_HEXTET})(?:[^0-9A-Za-z:]|$)"
)

_PLACE = r"[\p{Han}\p{Hiragana}\p{Katakana}ヶケノ々-]"
_COUNT = r"(?:[0-9]{1,5}|[一二三四五六七八九十百]{1,4})"
_LOT = rf"(?:{_COUNT} ?(?:丁目|番地|番町?|地割|線) ?(?:の?{_COUNT}|{_PLACE}{{0,8}}[0-9]{{1,5}}|号)|{_COUNT} ?番地|[0-9]{{1,5}} ?[-の] ?[0-9]{{1,5}})"
_MUNICIPALITY = rf"(?:{_PLACE}{{1,10}}?[市区町村]|{_PLACE}{{1,6}}郡{_PLACE}{{1,8}}?[町村])"
# Sapporo and its like number their streets: 北3条西6丁目1-2.
_GRID = rf"(?:{_COUNT} ?[条線]{_PLACE}{{0,6}}?)"
_PREFECTURE = "(?:" + "|".join(prefecture.name for prefecture in PREFECTURES) + ")"
_ADDRESS = rf"(?:{_PREFECTURE}\s?{_PLACE}{{1,14}}?|{_MUNICIPALITY})\s?{_PLACE}{{0,20}}?{_GRID}?\s?{_LOT}"

# A cell that begins with a municipality may end its address with a bare number: 高崎市連雀町89.
_WHOLE_CELL = (
    rf"^\s*(?:{_PREFECTURE})?\s?{_MUNICIPALITY}{_PLACE}{{1,20}}\s?[0-9]{{1,5}}"
    r"(?:$|\s|番|号|街区|部|階|[A-Z(他])"
)


def match_phones(texts: pa.Array) -> Mask:
    """Say which texts hold a Japanese telephone or fax number: fixed, mobile, IP, free dial, +81."""
    return matches(texts, _PHONE)


def match_addresses(texts: pa.Array) -> Mask:
    """Say which texts hold an address down to 番地 (丁目, 番, 号, 地割, or 1-2-3) after a municipality."""
    found: Mask = matches(texts, "[市区町村郡都道府県]") & matches(texts, "[0-9一二三四五六七八九十]")
    if found.any():
        found &= matches(texts, _ADDRESS) | matches(texts, _WHOLE_CELL)
    return found


PATTERNS: Mapping[IdentifierKind, str] = {
    IdentifierKind.POSTAL_CODE: _POSTAL_CODE,
    IdentifierKind.EMAIL: _EMAIL,
    IdentifierKind.URL: _URL,
    IdentifierKind.IP_ADDRESS: _IP_ADDRESS,
}
"""Kinds that one pattern tells."""
