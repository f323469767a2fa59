"""Which prefecture a Japanese postal code lies in, by the shortest leading digits that tell it.

Source: 日本郵便 郵便番号データ (KEN_ALL, UTF-8 edition of 2026-05-29; no copyright claimed, free distribution). Written by
`tests/support/postal_areas.py`; a test holds it against the whole of that file. Codes that the file has not (of
companies) follow the area that their first digits belong to; leading digits that no code of the file has are no area.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType

from anonymization.japan.prefectures import BY_CODE, Prefecture

EDITION = "KEN_ALL 2026-05-29"
DIGITS = 7

_LEADING: Mapping[str, str] = MappingProxyType(
    {
        "01": "001-007 040-099",
        "02": "030-031 033-039 018550",
        "03": "020-029",
        "04": "980-989",
        "05": "010-017 019 0180-0184 01851-01854 01856-01858 018551",
        "06": "990-999",
        "07": "960-976 979",
        "08": "300-310 312-319 3110-3113 31141-31143 31145-31146 311440",
        "09": "320-329 311441 349122",
        "10": "371-379 3700 3702-3703 37011-37014 37016 370151 389012 3701501-3701506 3840097",
        "11": "330-348 350-369 3490 34911 349120-349121 3701507",
        "12": "260-267 270-279 282-290 292-299",
        "13": "100-108 110-116 120-121 123-125 130-136 140-146 150-158 160-171 173-198 201-208",
        "14": "210-216 220-227 230-259",
        "15": "940-948 950-959 9490-9497 94981-94982 94984-94987 389226 949831",
        "16": "930-938 9391-9393 9398 93900 93902-93907 939010-939015",
        "17": "920-921 923-929 92200-92205 92208 939017 9220671-9220673",
        "18": "910-919 9220679",
        "19": "400-409",
        "20": (
            "380-383 385-388 390-399 3841-3842 3891 38403-38408 38902 38904-38906 38908 38921 38923-38927 "
            "384000-384008 389010-389011 389220 389223-389225 949832 3840091-3840096"
        ),
        "21": "500-509",
        "22": "410-422 424-428 430 432-439 4310-4313 431410-431411",
        "23": "440-468 470-497 431412 498001-498006 4980000-4980007",
        "24": "510-519 49808 64713 4980000",
        "25": "521-529 5201-5203 52000-52003 52005 52008 520047",
        "26": "600-607 610-617 619-627 629 520046 618007-618009 6180000",
        "27": "530-547 549-562 564-587 589-599 56300-56303 618001-618002 630027 6180000-6180004",
        "28": "650-679 56308",
        "29": "631-639 6301-6302 6308 63000-63001 64715 64803 630020-630026 647127",
        "30": "640-646 649 6470 64711 64716-64717 64800-64802 64804 647120-647123",
        "31": "680-683 689 68400",
        "32": "685 690-699 68401-68404",
        "33": "700-719",
        "34": "720-723 725-739",
        "35": "740-747 749-759",
        "36": "770-779",
        "37": "760-769",
        "38": "790-799",
        "39": "780-789",
        "40": "800-810 812-816 818-838 8110-8114 8390 83912-83913 87108-87109 839140-839141 871022 8710000",
        "41": "840-847 849 84800-84801",
        "42": "817 850-859 8115 84804",
        "43": "860-869",
        "44": "870 872-879 87101 87103-87104 87107 839142 871001-871009 871020 8710000-8710009",
        "45": "880-889",
        "46": "890-899",
        "47": "900-907",
    }
)
"""By prefecture (JIS X 0401): leading digits, and spans of them. Three codes lie in two prefectures and stand twice."""


def prefectures_of(leading: str) -> tuple[Prefecture, ...]:
    """Return the prefectures that codes beginning with these digits lie in, in code order; none for unassigned digits.

    Args:
        leading: One to seven ASCII digits.
    """
    table = _table()
    found = set[str]()
    for length in range(1, len(leading) + 1):
        found |= table.get(leading[:length], frozenset())
    if len(leading) < DIGITS:
        found |= _below().get(leading, frozenset())
    return tuple(BY_CODE[code] for code in sorted(found))


@lru_cache(maxsize=1)
def _table() -> Mapping[str, frozenset[str]]:
    table: dict[str, set[str]] = {}
    for code, spans in _LEADING.items():
        for digits in _spelled_out(spans):
            table.setdefault(digits, set()).add(code)
    return {digits: frozenset(codes) for digits, codes in table.items()}


@lru_cache(maxsize=1)
def _below() -> Mapping[str, frozenset[str]]:
    """Return, for every beginning of the digits in the table, the prefectures that begin so."""
    table: dict[str, set[str]] = {}
    for digits, codes in _table().items():
        for length in range(1, len(digits)):
            table.setdefault(digits[:length], set()).update(codes)
    return {digits: frozenset(codes) for digits, codes in table.items()}


def _spelled_out(spans: str) -> Iterator[str]:
    for span in spans.split():
        first, _, last = span.partition("-")
        for number in range(int(first), int(last or first) + 1):
            yield f"{number:0{len(first)}d}"
