"""The 47 prefectures, their codes and the eight regions, and the prefecture that an address begins with."""

import re
import unicodedata
from dataclasses import dataclass

_NAMES_BY_REGION: tuple[tuple[str, str], ...] = (
    ("北海道", "北海道"),
    ("東北", "青森県 岩手県 宮城県 秋田県 山形県 福島県"),
    ("関東", "茨城県 栃木県 群馬県 埼玉県 千葉県 東京都 神奈川県"),
    ("中部", "新潟県 富山県 石川県 福井県 山梨県 長野県 岐阜県 静岡県 愛知県"),
    ("近畿", "三重県 滋賀県 京都府 大阪府 兵庫県 奈良県 和歌山県"),
    ("中国", "鳥取県 島根県 岡山県 広島県 山口県"),
    ("四国", "徳島県 香川県 愛媛県 高知県"),
    ("九州", "福岡県 佐賀県 長崎県 熊本県 大分県 宮崎県 鹿児島県 沖縄県"),
)


@dataclass(frozen=True, slots=True)
class Prefecture:
    """A prefecture: its two-digit code (JIS X 0401), its name with 都道府県, its region (地方)."""

    code: str
    name: str
    region: str


def _in_code_order() -> tuple[Prefecture, ...]:
    names = [(name, region) for region, listed in _NAMES_BY_REGION for name in listed.split()]
    return tuple(Prefecture(f"{number:02d}", name, region) for number, (name, region) in enumerate(names, start=1))


PREFECTURES: tuple[Prefecture, ...] = _in_code_order()
"""In code order. Source: JIS X 0401:1973; the eight regions as school geography (地方区分) has them, 三重県 in 近畿 and
沖縄県 in 九州. The codes follow the order of the regions, so one list holds both."""

REGIONS: tuple[str, ...] = tuple(region for region, _ in _NAMES_BY_REGION)
BY_NAME: dict[str, Prefecture] = {prefecture.name: prefecture for prefecture in PREFECTURES}
BY_CODE: dict[str, Prefecture] = {prefecture.code: prefecture for prefecture in PREFECTURES}

_BEFORE_THE_ADDRESS = r"\s*(?:〒?\s*[0-9]{3}-?[0-9]{4}\s*|〒\s*)?(?:日本国?\s*[,、]?\s*)?"
PREFECTURE_AT_START = re.compile(_BEFORE_THE_ADDRESS + "(" + "|".join(p.name for p in PREFECTURES) + ")")
"""Matches normalized text; group 1 is the name. Only ASCII syntax that RE2 (DuckDB, Arrow) reads too."""


def prefecture_of(address: str) -> str | None:
    """Return the name of the prefecture that an address begins with, or None.

    A postal code before it is skipped. An address that leaves the prefecture out (仙台市青葉区…) gives None: a
    municipality's name alone does not always tell (府中市 is in two prefectures), and nothing is guessed.
    """
    match = PREFECTURE_AT_START.match(unicodedata.normalize("NFKC", address))
    return match.group(1) if match else None


def region_of(prefecture: str) -> str | None:
    """Return the region (地方) of a prefecture's name, or None if there is no such prefecture."""
    found = BY_NAME.get(prefecture)
    return found.region if found else None
