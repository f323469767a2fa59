"""What identifiers look like in Japanese text: normal form of the text, patterns, and the checks behind them.

Belongs here: one matcher per kind, from a column of text to a column of yes and no. Not here: what a hit means for a
dataset (`anonymization.identifiers`). Every matcher works on normalized text (`normalize_text`): compatibility forms
folded, all dashes `-`, no invisible characters. Arrow's RE2 finds candidates; Python looks only at those.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from anonymization.japan.check_digits import DRIVER_LICENCE, INSURER_NUMBER, MY_NUMBER, CheckDigit, Digits
from anonymization.japan.eras import parse_wareki

Mask = NDArray[np.bool_]


class IdentifierKind(StrEnum):
    """What kind of identifier was found."""

    MY_NUMBER = "my_number"
    INSURER_NUMBER = "insurer_number"
    DRIVER_LICENCE = "driver_licence"
    PHONE = "phone"
    POSTAL_CODE = "postal_code"
    EMAIL = "email"
    URL = "url"
    IP_ADDRESS = "ip_address"
    RESIDENCE_CARD = "residence_card"
    PASSPORT = "passport"
    WAREKI_DATE = "wareki_date"
    NAME = "name"


_DASHES = "‐‑‒–—―⁃−ーｰ－﹣─"
_INVISIBLE = "[\u00ad\u200b-\u200f\u2060\ufeff]"

_SEPARATOR = r"\s?[-./・_|]\s?|\s{1,2}"
_ALONE = r"^[0-9]{12}$"
_MAYBE = "[0-9]{12}|" + "|".join(
    f"(?:[0-9]{{{size}}}(?:{_SEPARATOR})){{{12 // size - 1}}}[0-9]{{{size}}}" for size in (4, 3, 1)
)
# In one run: no digit beside it, and not the digits of a decimal fraction or of a dotted identifier (OID, UID).
_RUN = re.compile(r"(?<![0-9])(?<![0-9]\.)([0-9]{12})(?!\.?[0-9])")
_WORD_AROUND = re.compile(r"[0-9A-Za-z]+")
_HEX_WITH_LETTER = re.compile(r"(?=.*[A-Fa-f])[0-9A-Fa-f]+")
# One in 3,000 random UUIDs ends in twelve digits with a right check digit.
_UUID = re.compile(r"[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}")
# In groups of four, of three, or one by one as copied from a form's boxes; always with the same separator. The lookahead
# finds overlapping ones.
_GROUPED = tuple(
    re.compile(
        rf"(?<![0-9])(?=([0-9]{{{size}}}({_SEPARATOR})(?:[0-9]{{{size}}}\2){{{12 // size - 2}}}[0-9]{{{size}}})(?![0-9]))"
    )
    for size in (4, 3, 1)
)

_INSURER_LAWS = frozenset(
    {"01", "02", "03", "04", "06", "07", "31", "32", "33", "34", "39", "63", "67", "72", "73", "74", "75"}
)
"""法別番号 of the medical insurers (保険者番号等の設定について, 別表)."""
_INSURER_WORD = re.compile(r"保険者(?:番号|No\.?)?[\s:は]*([0-9]{8}|[0-9]{6})(?![0-9])")
_LICENCE_WORD = re.compile(r"免許(?:証)?(?:番号|No\.?)?[\s:は]*([0-9]{12})(?![0-9])")

# Total lengths are 10 (fixed) or 11 (mobile, IP); every split of area code and exchange is listed, so dates do not fit.
_PHONE_GROUPS = (
    "0[1-9][-( ][0-9]{4}[-) ][0-9]{4}",
    "0[0-9]{2}[-( ][0-9]{3}[-) ][0-9]{4}",
    "0[0-9]{3}[-( ][0-9]{2}[-) ][0-9]{4}",
    "0[0-9]{4}[-( ][0-9][-) ][0-9]{4}",
    "0[5-9]0[- ][0-9]{4}[- ][0-9]{4}",
    "0[5-9]0[0-9]{8}",
    "(?:0120|0570)-?[0-9]{3}-?[0-9]{3}",
    "0800-?[0-9]{3}-?[0-9]{4}",
    r"\(0[0-9]{1,4}\) ?[0-9]{1,4}-[0-9]{4}",
    r"\+81[- ]?\(?0?\)?[1-9][0-9]{0,3}[- ]?[0-9]{1,4}[- ]?[0-9]{4}",
)
_PHONE = rf"(?:^|[^0-9+-])(?:{'|'.join(_PHONE_GROUPS)})(?:[^0-9-]|$)"
_PHONE_ALONE = r"^\s*0[1-9][0-9]{8}\s*$"
_POSTAL_CODE = r"(?:^|[^0-9-])(?:〒\s*[0-9]{3}-?[0-9]{4}|[0-9]{3}-[0-9]{4})(?:[^0-9-]|$)"
_EMAIL = r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}"
_URL = r"(?i)\b(?:https?|ftp)://[^\s\"'<>]+|\bwww\.[a-z0-9-]+\.[a-z]{2,}"
_OCTET = "(?:25[0-5]|2[0-4][0-9]|1?[0-9]{1,2})"
_IP_ADDRESS = rf"(?:^|[^0-9.])(?:{_OCTET}\.){{3}}{_OCTET}(?:[^0-9.]|$)"
_RESIDENCE_CARD = r"(?:^|[^A-Za-z0-9])[A-Z]{2}[0-9]{8}[A-Z]{2}(?:[^A-Za-z0-9]|$)"
_PASSPORT = r"^\s*[A-Z]{2}[0-9]{7}\s*$|(?:旅券|パスポ.ト|(?i:passport))[^0-9A-Z]{0,12}[A-Z]{2}[0-9]{7}(?:[^0-9]|$)"

_WAREKI_CANDIDATE = r"(?:明治|大正|昭和|平成|令和|[MTSHR]|[mtshr])\s*(?:元|[0-9]{1,2})\s*(?:年|[./-])"
_WAREKI = re.compile(
    r"(?:明治|大正|昭和|平成|令和|(?<![A-Za-z0-9])[MTSHRmtshr])\s*(?:元|[0-9]{1,2})\s*"
    r"(?:年\s*[0-9]{1,2}\s*月\s*[0-9]{1,2}\s*日|([./-])\s*[0-9]{1,2}\s*\1\s*[0-9]{1,2}(?![0-9]))"
)

_NAME_CANDIDATE = r"[\p{Han}々ヶ\p{Katakana}-](?:様|さん|殿|氏)"
# 氏名 氏病 様子 様式 様々 様態 様相 様な are words, not a name and its honorific.
_NAME = re.compile(
    r"([\u3400-\u9fff\uf900-\ufaff々ヶ]{1,5}|[ァ-ヺ-]{2,8})(?:様(?![子式々態相体なのに])|さん|殿(?![部内])|氏(?![名病族神]))"
)
_NOT_A_NAME = re.compile(
    r"(?:^|.)(?:同|一|多|仕|模|異|有|各|皆|何|奥|神|王|客|貴|若|母|父|子|兄|姉|弟|妹|孫|嫁|娘|息子|祖父|祖母|叔父|叔母|伯父|伯母|赤|爺|婆|皆々|患者|家族|親族|遺族|利用者|入居者|本人|主人|旦那|先方|各位"
    r"|長男|次男|三男|長女|次女|三女|親|配偶者|関係者|業者|職員|看護師|医師|薬剤師|助産師|保健師|療法士|技師|事務|主治医|先生|担当|隣|宮|神|御|沈|摂|華|彼|両|同居人|後見人|妊婦|産婦|小児|会社|屋)$"
)


def normalize_text(values: pa.Array) -> pa.Array:
    """Return texts in the form that the matchers read; nulls stay null, ASCII texts are not touched."""
    plain = pc.fill_null(pc.string_is_ascii(values), True)
    if pc.all(plain).as_py() is not False:
        return values
    odd = values.filter(pc.invert(plain))
    folded = pc.utf8_normalize(odd, "NFKC")
    folded = pc.replace_substring_regex(folded, f"[{_DASHES}]", "-")
    folded = pc.replace_substring_regex(folded, _INVISIBLE, "")
    return pc.replace_with_mask(values, pc.invert(plain), folded)


def match_my_numbers(texts: pa.Array) -> Mask:
    """Say which texts hold twelve digits, in one run or in equal groups, whose last is the right check digit.

    Digits that are part of a longer run or of a longer chain of groups (a payment card, a timestamp) do not count. Groups
    parted by blanks do count inside a longer row of numbers: there a false alarm is better than a miss.
    """
    found = _valid_alone(texts)
    where = np.flatnonzero(_matches(texts, _MAYBE) & ~_matches(texts, _ALONE))
    rows: list[int] = []
    numbers: list[str] = []
    for row, text in zip(where.tolist(), texts.take(pa.array(where)).to_pylist(), strict=True):
        for number in _twelve_digit_tokens(text):
            rows.append(row)
            numbers.append(number)
    if rows:
        right = MY_NUMBER.verify_digits(_digits("".join(numbers), 12))
        found[np.array(rows)[right]] = True
    return found


def _valid_alone(texts: pa.Array) -> Mask:
    """Check the texts that are twelve digits and nothing else, all at once."""
    valid = np.zeros(len(texts), dtype=bool)
    where = np.flatnonzero(_matches(texts, _ALONE))
    if len(where):
        joined = "".join(texts.take(pa.array(where)).to_pylist())
        valid[where] = MY_NUMBER.verify_digits(_digits(joined, 12))
    return valid


def _twelve_digit_tokens(text: str) -> Iterator[str]:
    text = _UUID.sub("\n", text)
    for word in _WORD_AROUND.finditer(text):
        # Twelve digits inside a hexadecimal identifier are a part of it.
        if len(word[0]) >= 12 and not _HEX_WITH_LETTER.fullmatch(word[0]):
            yield from _RUN.findall(text, max(word.start() - 2, 0), min(word.end() + 2, len(text)))
    for pattern in _GROUPED:
        for match in pattern.finditer(text):
            separator = match[2]
            if separator.strip() and _is_chained(text, match.start(1), match.end(1), separator):
                continue
            yield match[1].replace(separator, "")


def _is_chained(text: str, start: int, end: int, separator: str) -> bool:
    before = text[:start]
    is_led = before.endswith(separator) and before[: -len(separator)][-1:].isdigit()
    is_followed = text.startswith(separator, end) and text[end + len(separator) :][:1].isdigit()
    return is_led or is_followed


def match_alone_my_numbers(texts: pa.Array) -> Mask:
    """Say which texts are twelve digits and nothing else but a short prefix, right check digit or not."""
    return _matches(texts, r"^\s*(?:[A-Za-z]{1,4}[-_]?)?[0-9]{4}[- ]?[0-9]{4}[- ]?[0-9]{4}\s*$")


def _match_insurers(texts: pa.Array) -> Mask:
    return _alone_with_check(texts, INSURER_NUMBER, _is_insurer) | _after_word(
        texts, "保険者", _INSURER_WORD, _is_insurer
    )


def _match_licences(texts: pa.Array) -> Mask:
    return _alone_with_check(texts, DRIVER_LICENCE, _is_licence) | _after_word(
        texts, "免許", _LICENCE_WORD, _is_licence
    )


def _is_insurer(number: str) -> bool:
    prefecture = number[-6:-4]
    has_law = len(number) == 6 or number[:2] in _INSURER_LAWS
    return has_law and "01" <= prefecture <= "47" and INSURER_NUMBER.verify(number)


def _is_licence(number: str) -> bool:
    # The first two digits are a public-safety commission (10 to 97), the next two the year of the first licence.
    return "10" <= number[:2] <= "97" and DRIVER_LICENCE.verify(number)


def _alone_with_check(texts: pa.Array, scheme: CheckDigit, holds: Callable[[str], bool]) -> Mask:
    lengths = "|".join(f"[0-9]{{{length}}}" for length in scheme.lengths)
    return _confirm(texts, _matches(texts, rf"^\s*(?:{lengths})\s*$"), lambda text: holds(text.strip()))


def _after_word(texts: pa.Array, word: str, pattern: re.Pattern[str], holds: Callable[[str], bool]) -> Mask:
    candidates = np.asarray(
        pc.fill_null(pc.match_substring(texts, word), False).to_numpy(zero_copy_only=False), dtype=bool
    )
    return _confirm(texts, candidates, lambda text: any(holds(found) for found in pattern.findall(text)))


def _match_wareki(texts: pa.Array) -> Mask:
    candidates = _matches(texts, _WAREKI_CANDIDATE)
    return _confirm(texts, candidates, lambda text: any(parse_wareki(m.group()) for m in _WAREKI.finditer(text)))


def _match_names(texts: pa.Array) -> Mask:
    candidates = _matches(texts, _NAME_CANDIDATE)
    return _confirm(texts, candidates, lambda text: any(not _NOT_A_NAME.search(m[1]) for m in _NAME.finditer(text)))


def _match_phones(texts: pa.Array) -> Mask:
    return _matches(texts, _PHONE) | _matches(texts, _PHONE_ALONE)


def _pattern(pattern: str) -> Callable[[pa.Array], Mask]:
    return lambda texts: _matches(texts, pattern)


MATCHERS: Mapping[IdentifierKind, Callable[[pa.Array], Mask]] = {
    IdentifierKind.MY_NUMBER: match_my_numbers,
    IdentifierKind.INSURER_NUMBER: _match_insurers,
    IdentifierKind.DRIVER_LICENCE: _match_licences,
    IdentifierKind.PHONE: _match_phones,
    IdentifierKind.POSTAL_CODE: _pattern(_POSTAL_CODE),
    IdentifierKind.EMAIL: _pattern(_EMAIL),
    IdentifierKind.URL: _pattern(_URL),
    IdentifierKind.IP_ADDRESS: _pattern(_IP_ADDRESS),
    IdentifierKind.RESIDENCE_CARD: _pattern(_RESIDENCE_CARD),
    IdentifierKind.PASSPORT: _pattern(_PASSPORT),
    IdentifierKind.WAREKI_DATE: _match_wareki,
    IdentifierKind.NAME: _match_names,
}
"""Each takes N normalized texts and returns N booleans; null is no."""


def _matches(texts: pa.Array, pattern: str) -> Mask:
    found = pc.fill_null(pc.match_substring_regex(texts, pattern), False)
    return np.asarray(found.to_numpy(zero_copy_only=False), dtype=bool)


def _confirm(texts: pa.Array, candidates: Mask, holds: Callable[[str], bool]) -> Mask:
    where = np.flatnonzero(candidates)
    confirmed = np.zeros(len(texts), dtype=bool)
    listed: Iterable[str] = texts.take(pa.array(where)).to_pylist()
    confirmed[where] = np.fromiter((bool(holds(text)) for text in listed), dtype=bool, count=len(where))
    return confirmed


def _digits(joined: str, width: int) -> Digits:
    codes = np.frombuffer(joined.encode("ascii"), dtype=np.uint8).astype(np.int64) - ord("0")
    return codes.reshape(-1, width)
