"""Japanese era dates (和暦) to calendar dates, and back.

An era date is refused, not guessed, when its day does not exist or lies outside its era. Dates of 明治 before year 6
are refused too: Japan counted by a lunisolar calendar until 1872, so their month and day are not Gregorian.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Era:
    """One era: its name, its letter, its receipt code (レセプト), its first day and the first day after it."""

    name: str
    letter: str
    receipt_code: int
    first: date
    year_one: int
    after: date | None


GREGORIAN_FROM = date(1873, 1, 1)
"""太政官布告 明治5年337号: 明治6年1月1日 is the first day by the solar calendar."""

ERAS: tuple[Era, ...] = (
    Era("明治", "M", 1, GREGORIAN_FROM, 1868, date(1912, 7, 30)),
    Era("大正", "T", 2, date(1912, 7, 30), 1912, date(1926, 12, 25)),
    Era("昭和", "S", 3, date(1926, 12, 25), 1926, date(1989, 1, 8)),
    Era("平成", "H", 4, date(1989, 1, 8), 1989, date(2019, 5, 1)),
    Era("令和", "R", 5, date(2019, 5, 1), 2019, None),
)
"""Source: 改元ノ詔書 (1912-07-30, 1926-12-25); 元号を改める政令 昭和64年政令1号 (from 1989-01-08), 平成31年政令143号
(from 2019-05-01). The two days on which an emperor died in 1912 and 1926 belong to the new era, as the edicts say."""

_BY_MARK = {mark: era for era in ERAS for mark in (era.name, era.letter)}
_KANJI_DIGITS = {"〇": 0, "一": 1, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
_NUMBER = r"[0-9]{1,2}|[〇一二三四五六七八九十]{1,3}"
_SEPARATED = re.compile(
    rf"(?P<era>明治|大正|昭和|平成|令和|[MTSHRmtshr])\s*(?P<year>元|{_NUMBER})\s*"
    rf"(?:年\s*(?P<month>{_NUMBER})\s*月\s*(?P<day>{_NUMBER})\s*日"
    r"|(?P<mark>[./-])\s*(?P<month2>[0-9]{1,2})\s*(?P=mark)\s*(?P<day2>[0-9]{1,2}))"
)
_COMPACT = re.compile(r"(?P<era>[MTSHRmtshr])(?P<year>[0-9]{2})(?P<month>[0-9]{2})(?P<day>[0-9]{2})")
_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—−ー", "-") | {"・": ".", "。": "."})


def normalize_date_text(text: str) -> str:
    """Return `text` with compatibility forms folded (NFKC), all dashes as `-` and middle dots as `.`."""
    return unicodedata.normalize("NFKC", text).translate(_DASHES).strip()


def parse_wareki(text: str) -> date | None:
    """Parse a whole text as one era date, or return None.

    Understood: 明治 大正 昭和 平成 令和 or M T S H R (either case); 元年; 年月日, dots, slashes or hyphens, the same
    one twice; digits of any width, kanji numerals with 年月日; `S250302` with two digits each; ㍻ and its like.

    Returns:
        The calendar date; None if the text is something else, the day does not exist, or the day is not in the era.
    """
    cleaned = normalize_date_text(text)
    match = _SEPARATED.fullmatch(cleaned) or _COMPACT.fullmatch(cleaned)
    if match is None:
        return None
    found = match.groupdict()
    month = found.get("month") or found.get("month2") or ""
    day = found.get("day") or found.get("day2") or ""
    return _in_era(_BY_MARK[found["era"].upper()], _number(found["year"]), _number(month), _number(day))


def format_wareki(day: date, *, short: bool = False) -> str | None:
    """Write a day as an era date: `昭和25年3月2日` (元年 for year 1), or short `S25.3.2`; None before 1873."""
    era = next((era for era in reversed(ERAS) if era.first <= day), None)
    if era is None:
        return None
    year = day.year - era.year_one + 1
    if short:
        return f"{era.letter}{year}.{day.month}.{day.day}"
    return f"{era.name}{'元' if year == 1 else year}年{day.month}月{day.day}日"


def _number(text: str) -> int:
    if text == "元":
        return 1
    if text.isascii():
        return int(text)
    tens, ten, ones = text.rpartition("十")
    if not ten:
        return int("".join(str(_KANJI_DIGITS[character]) for character in text))
    return (_KANJI_DIGITS.get(tens, 1) if tens else 1) * 10 + _KANJI_DIGITS.get(ones, 0)


def _in_era(era: Era, year: int, month: int, day: int) -> date | None:
    if year < 1:
        return None
    try:
        parsed = date(era.year_one + year - 1, month, day)
    except ValueError:
        return None
    return parsed if era.first <= parsed and (era.after is None or parsed < era.after) else None
