"""The part of YAML that policies are written in: its limits, its characters, and what a plain word means.

Belongs here: what both readers (`yaml_events`, `yaml_quick`) must agree on. Does not: reading. See DECISIONS.md, records
1 and 2.
"""

import re
from collections.abc import Iterator
from enum import Enum

from policies.errors import Place
from policies.findings import Finding
from policies.places import Scalar
from policies.vocabulary import Severity

MAX_DEPTH = 24
MAX_FINDINGS = 100
"""A file with more faults than this is not a policy; reading it to the end would tell nobody anything."""

WHY_FILE = "a policy is one UTF-8 text file that a person can read"
WHY_SUBSET = "two readers of YAML could take it for two things; policies use the part of YAML that has one reading"

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)")
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
# What some YAML reader takes for a number, a null or a moment, and we would not: the writer must say which.
_AMBIGUOUS = re.compile(
    r"[-+]?0[oO][0-7_]+|[-+]?0[xX][0-9a-fA-F_]+|[-+]?0[bB][01_]+"
    r"|[-+]?[0-9][0-9_]*(?:\.[0-9_]*)?(?:[eE][-+]?[0-9]+)?|[-+]?\.[0-9][0-9_]*(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)|~|Null|NULL|True|TRUE|False|FALSE"
    r"|[-+]?[0-9]+(?::[0-5]?[0-9])+(?:\.[0-9]*)?"
)
# Only words that begin so can be numbers or named values; all others are text at once.
_NOT_TEXT = re.compile(r"[-+.~0-9]|[nN]ull|NULL|[tT]rue|TRUE|[fF]alse|FALSE")
# Controls, and characters that show a reviewer something else than what is read (Unicode TR36, "bidirectional text").
INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufffe\uffff]"
)
# The same and the tab; what an escape such as "\ud800" or "\u202e" stands for is held to it, too.
_UNSEEN = re.compile(INVISIBLE.pattern[:-1] + "\t]")
UNSEEN_IN_QUOTES = re.compile(INVISIBLE.pattern[:-1] + "\ud800-\udfff]")

_NAMED: dict[str, Scalar] = {"true": True, "false": False, "null": None}


class Ambiguous(Enum):
    """Says that a plain word has several readings."""

    AMBIGUOUS = "ambiguous"


AMBIGUOUS = Ambiguous.AMBIGUOUS


def meaning_of(text: str) -> Scalar | Ambiguous:
    """Return what a plain (unquoted) word that is not empty means, or AMBIGUOUS."""
    if not _NOT_TEXT.match(text):
        return text
    if text in _NAMED:
        return _NAMED[text]
    if _INTEGER.fullmatch(text) and len(text) < 19:
        return int(text)
    if _DECIMAL.fullmatch(text) and len(text) < 19 and abs(float(text)) < 1e100:
        return float(text)
    return AMBIGUOUS if _AMBIGUOUS.fullmatch(text) else text


def block(code: str, place: Place, what: str, why: str, fix: str) -> Finding:
    """Make a blocking finding about a file as such; `code` is its dotted name."""
    return Finding(rule=code, severity=Severity.BLOCK, place=place, what=what, why=why, fix=fix)


def unseen_characters(text: str, file: str) -> Iterator[Finding]:
    """Refuse a byte order mark, tabs and invisible characters, each at its place."""
    if not _UNSEEN.search(text):
        return
    for number, line in enumerate(text.split("\n"), start=1):
        if number == 1 and line.startswith("\ufeff"):
            what = "the file begins with a byte order mark"
            yield block("policy.yaml-bom", Place(file, 1, 1), what, WHY_FILE, "save it as UTF-8 without BOM")
        if "\t" in line:
            place = Place(file, number, line.index("\t") + 1)
            fix = 'use spaces; inside text write "\\t"'
            yield block("policy.yaml-tab", place, "a tab stands in the file", WHY_SUBSET, fix)
        hidden = INVISIBLE.search(line, 1 if number == 1 and line.startswith("\ufeff") else 0)
        if hidden:
            yield invisible(Place(file, number, hidden.start() + 1), hidden.group())


def invisible(place: Place, character: str) -> Finding:
    """Refuse one invisible character; only its code point is named."""
    what = f"an invisible character (U+{ord(character):04X}) stands in the file"
    why = "what a reviewer sees must be what the program reads"
    return block("policy.yaml-invisible-character", place, what, why, "remove it")
