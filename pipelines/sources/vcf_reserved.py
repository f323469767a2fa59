"""The keys that the VCF specification reserves, and how their values are written.

Source: The Variant Call Format Specification, VCFv4.1 and 4.2 (sections 1.4.1, 1.4.2) and VCFv4.3 (tables 1 and 2),
samtools/hts-specs. A key is held to its definition only where all tools of the time keep it: MQ of INFO has no type
in these tables, because 4.1 and 4.2 leave it open.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

NEW = "4.3"


@dataclass(frozen=True, slots=True)
class Definition:
    """How many values a key has (`1`, `A`, `R`, `G`, `.`; `0` for a flag), and of which type (None: not said)."""

    number: str
    kind: str | None


_INFO_ALWAYS = {
    "AA": Definition("1", "String"),
    "AC": Definition("A", "Integer"),
    "AF": Definition("A", "Float"),
    "AN": Definition("1", "Integer"),
    "BQ": Definition("1", "Float"),
    "CIGAR": Definition("A", "String"),
    "DB": Definition("0", "Flag"),
    "DP": Definition("1", "Integer"),
    "END": Definition("1", "Integer"),
    "H2": Definition("0", "Flag"),
    "H3": Definition("0", "Flag"),
    "MQ": Definition("1", None),
    "MQ0": Definition("1", "Integer"),
    "NS": Definition("1", "Integer"),
    "SOMATIC": Definition("0", "Flag"),
    "VALIDATED": Definition("0", "Flag"),
    "1000G": Definition("0", "Flag"),
}
_DEPTHS = {key: Definition("R", "Integer") for key in ("AD", "ADF", "ADR")}

_FORMAT_ALWAYS = {
    "DP": Definition("1", "Integer"),
    "EC": Definition("A", "Integer"),
    "FT": Definition("1", "String"),
    "GL": Definition("G", "Float"),
    "GP": Definition("G", "Float"),
    "GQ": Definition("1", "Integer"),
    "GT": Definition("1", "String"),
    "HQ": Definition("2", "Integer"),
    "MQ": Definition("1", "Integer"),
    "PL": Definition("G", "Integer"),
    "PQ": Definition("1", "Integer"),
    "PS": Definition("1", "Integer"),
}
_FORMAT_OLD = {"GLE": Definition("G", "String")}

NON_NEGATIVE = frozenset({"AC", "AF", "AN", "DP", "END", "MQ0", "NS"})
"""Reserved keys of INFO that count something."""


@lru_cache(maxsize=16)
def reserved_info(version: str) -> dict[str, Definition]:
    """Return the reserved keys of INFO in a version such as `4.2`."""
    return _INFO_ALWAYS | (_DEPTHS if version >= NEW else {})


@lru_cache(maxsize=16)
def reserved_format(version: str) -> dict[str, Definition]:
    """Return the reserved keys of FORMAT in a version such as `4.2`."""
    return _FORMAT_ALWAYS | (_DEPTHS if version >= NEW else _FORMAT_OLD)


_INTEGER = rb"[-+]?[0-9]+"
_COUNT = rb"[0-9]+"
_FLOAT = rb"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[-+]?(?i:inf(?:inity)?|nan)"
_FREQUENCY = rb"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|(?i:nan)"
_PATTERNS = {
    "Integer": _INTEGER,
    "Float": _FLOAT,
    "Character": rb"[^\s,;:]",
    "String": rb"[^\s,;]*",
    None: rb"[^\s,;]*",
}
_CIGAR = rb"(?:[0-9]+[MIDNSHPX=])+"


@lru_cache(maxsize=4096)
def one_value(key: str, kind: str | None, *, in_sample: bool) -> bytes:
    """Return the regular expression of one value (a lone dot is a missing one)."""
    if in_sample and kind in ("String", None):
        pattern = rb"[^\s,:]+"
    elif not in_sample and key in NON_NEGATIVE and kind in ("Integer", "Float"):
        pattern = _COUNT if kind == "Integer" else _FREQUENCY
    elif not in_sample and key == "CIGAR":
        pattern = _CIGAR
    else:
        pattern = _PATTERNS.get(kind, _PATTERNS[None])
    return rb"(?:\.|" + pattern + rb")"


def values(one: bytes, number: int | None) -> bytes:
    """Return the regular expression of `number` values (None: any number) between commas; a lone dot stands for all."""
    if number is None:
        return one + rb"(?:," + one + rb")*"
    if number <= 1:
        return one
    return rb"(?:" + one + rb"(?:," + one + rb"){%d}|\.)" % (number - 1)


@lru_cache(maxsize=65_536)
def info_pattern(key: str, definition: Definition, alts: int) -> re.Pattern[bytes]:
    """Return what the value of an INFO key must match in a record with so many ALT alleles."""
    if definition.kind == "Flag":
        return re.compile(rb"[01]?")
    number: int | None
    if definition.number.isdigit():
        number = int(definition.number)
    else:
        # A record without ALT still carries one value for a key with one value an ALT allele.
        number = {"A": max(1, alts), "R": alts + 1}.get(definition.number)
    return re.compile(values(one_value(key, definition.kind, in_sample=False), number))
