"""The head of a variant file: meta lines and the column line, held against the specification.

What an unknown meta line holds is its tool's affair; it only has to be `##key=value`.
"""

import re
from collections import Counter
from dataclasses import dataclass, field

from pipelines.sources.vcf_report import Findings
from pipelines.sources.vcf_reserved import NEW, Definition, reserved_format, reserved_info

COLUMNS = ("#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO")

_FILEFORMAT = re.compile(r"##fileformat=VCFv(4\.[0-5])")
_META = re.compile(r'##([^=\s"<>#]+)=(.+)')
_ITEM = re.compile(r'([A-Za-z0-9_.]+)=("(?:[^"\\]|\\.)*"|\[[^\]]*\]|[^,<>"\[][^,<>]*)(,|$)')
_NUMBER = re.compile(r"[0-9]+|[AGR.]")
_TYPES = {
    "INFO": ("Integer", "Float", "Flag", "Character", "String"),
    "FORMAT": ("Integer", "Float", "Character", "String"),
}
_ALT_PREFIXES = ("DEL", "INS", "DUP", "INV", "CNV", "*")  # `*:DEL` is what GATK calls a spanning deletion
# Names of contigs as in SAM; HLA contigs of GRCh38 hold `*`. Source: VCFv4.3 section 1.4.7.
CONTIG = re.compile(r"[0-9A-Za-z!#$%&+./:;?@^_|~-][0-9A-Za-z!#$%&*+./:;=?@^_|~-]*")
_PLAIN = re.compile(r"[A-Za-z0-9_.\-]+")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://([^/:]+)(?::[0-9]+)?(?:/.*)?")
_HOST = re.compile(r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}|.*[A-Za-z].*")


@dataclass(slots=True)
class Header:
    """What the head of the file says: version, definitions, samples; `complete` once the column line was read."""

    version: str = ""
    info: dict[str, Definition] = field(default_factory=dict)
    format: dict[str, Definition] = field(default_factory=dict)
    samples: int = 0
    columns: int = 0
    complete: bool = False

    def definition_of_info(self, key: str) -> Definition | None:
        """Return how the values of an INFO key are written: as the specification says, else as the header says."""
        known = reserved_info(self.version).get(key)
        declared = self.info.get(key)
        if known is not None and (known.kind is not None or declared is None):
            return known
        return declared

    def definition_of_format(self, key: str) -> Definition | None:
        """Return how the values of a FORMAT key are written: as the header says, else as the specification says."""
        return self.format.get(key) or reserved_format(self.version).get(key)


class HeaderChecker:
    """Checks the head of a file line by line and gathers what it says."""

    def __init__(self, findings: Findings) -> None:
        self.header = Header()
        self._findings = findings

    def first(self, text: str) -> bool:
        """Check line 1; return whether this is a VCF at all."""
        match = _FILEFORMAT.fullmatch(text)
        if match is None:
            self._findings.error(1, "header", "fileformat")
            self.header.version = "4.2"
            return text.startswith("##")
        self.header.version = match[1]
        if match[1] not in ("4.1", "4.2", "4.3"):
            self._findings.warn(1, "header", "version-not-checked")
        return True

    def meta(self, line: int, text: str) -> None:
        """Check a line that starts with `##`."""
        match = _META.fullmatch(text)
        if match is None:
            self._findings.error(line, "header", "meta-not-key-value")
            return
        key, value = match[1], match[2]
        if key in ("INFO", "FORMAT", "FILTER", "ALT", "contig", "SAMPLE", "PEDIGREE", "META"):
            self._structured(line, key, value)
        elif not _is_locator(key, value):
            self._findings.error(line, "header", "meta-url")

    def _structured(self, line: int, key: str, value: str) -> None:
        is_old = self.header.version < NEW
        if is_old and key in ("META", "SAMPLE") and not value.startswith("<"):
            return  # not reserved, or not yet structured, before 4.3
        items = _items(value)
        if items is None:
            self._findings.error(line, "header", "meta-structure")
            return
        names = [name for name, _ in items]
        if len(set(names)) < len(names):
            self._findings.error(line, "header", "meta-repeated-key")
            return
        rules = (
            _CHECKS[key](dict(items), names, key)
            if not (is_old and key in ("META", "PEDIGREE"))
            else (_check_pedigree(dict(items)) if key == "PEDIGREE" else [])
        )
        self._findings.all_errors(line, "header", rules)
        if key in ("INFO", "FORMAT") and not rules:
            self._define(line, key, dict(items))

    def _define(self, line: int, key: str, items: dict[str, str]) -> None:
        name, definition = items["ID"], Definition(items["Number"], items["Type"])
        reserved = (reserved_info if key == "INFO" else reserved_format)(self.header.version).get(name)
        if reserved is not None:
            if definition.number != reserved.number:
                self._findings.error(line, "header", "reserved-number")
            if reserved.kind is not None and definition.kind != reserved.kind:
                self._findings.error(line, "header", "reserved-type")
        target = self.header.info if key == "INFO" else self.header.format
        if name in target:
            self._findings.warn(line, "header", "meta-defined-twice")
        target[name] = definition

    def columns(self, line: int, text: str) -> None:
        """Check the column line."""
        names = text.split("\t")
        self.header.complete = True
        self.header.columns = len(names)
        if tuple(names[:8]) != COLUMNS:
            self._findings.error(line, "header", "columns")
            return
        if len(names) == 8:
            return
        samples = names[9:]
        self.header.samples = len(samples)
        if names[8] != "FORMAT" or not samples:
            self._findings.error(line, "header", "columns")
        if any(not name.strip() for name in samples):
            self._findings.error(line, "header", "sample-unnamed")
        if any(count > 1 for count in Counter(samples).values()):
            self._findings.error(line, "header", "sample-repeated")


def _items(value: str) -> list[tuple[str, str]] | None:
    if not (value.startswith("<") and value.endswith(">")):
        return None
    body, at, items = value[1:-1], 0, []
    while at < len(body):
        match = _ITEM.match(body, at)
        if match is None:
            return None
        items.append((match[1], match[2]))
        at = match.end()
    return items if items and not body.endswith(",") else None


def _is_url(value: str) -> bool:
    match = _URL.fullmatch(value)
    return match is not None and _HOST.fullmatch(match[1]) is not None


def _is_locator(key: str, value: str) -> bool:
    """Say whether the value of `assembly` or `pedigreeDB` is what it must be; other keys may hold anything."""
    if key == "assembly":
        return "://" not in value or _is_url(value)
    return key != "pedigreeDB" or (value.startswith("<") and value.endswith(">") and _is_url(value[1:-1]))


def _is_quoted(value: str) -> bool:
    return len(value) >= 2 and value.startswith('"') and value.endswith('"')


def _check_fields(items: dict[str, str], names: list[str], key: str) -> list[str]:
    if names[:4] != ["ID", "Number", "Type", "Description"]:
        return ["meta-order"]
    rules = []
    if not _NUMBER.fullmatch(items["Number"]):
        rules.append("meta-number")
    if items["Type"] not in _TYPES[key]:
        rules.append("meta-type")
    if not _is_quoted(items["Description"]):
        rules.append("meta-description")
    return rules


def _check_described(items: dict[str, str], names: list[str], key: str) -> list[str]:
    if names[:2] != ["ID", "Description"]:
        return ["meta-order"]
    rules = [] if _is_quoted(items["Description"]) else ["meta-description"]
    if re.search(r"\s", items["ID"]):
        rules.append("meta-id")
    prefix, colon, _ = items["ID"].partition(":")
    if key == "ALT" and colon and prefix not in _ALT_PREFIXES:
        rules.append("alt-prefix")
    return rules


def _check_contig(items: dict[str, str], names: list[str], key: str) -> list[str]:
    return [] if CONTIG.fullmatch(items.get("ID", "")) else ["meta-id"]


def _check_sample(items: dict[str, str], names: list[str], key: str) -> list[str]:
    return [] if re.fullmatch(r"[^\s,*<>]+", items.get("ID", "")) else ["meta-id"]


def _check_pedigree(items: dict[str, str]) -> list[str]:
    return [] if all(_PLAIN.fullmatch(value) for value in items.values()) else ["meta-value"]


def _check_pedigree_id(items: dict[str, str], names: list[str], key: str) -> list[str]:
    return _check_pedigree(items) if names[0] == "ID" else ["meta-order"]


def _check_meta(items: dict[str, str], names: list[str], key: str) -> list[str]:
    if names[:4] != ["ID", "Number", "Type", "Values"]:
        return ["meta-order"]
    rules = []
    if not _NUMBER.fullmatch(items["Number"]):
        rules.append("meta-number")
    if items["Type"] not in _TYPES["INFO"]:
        rules.append("meta-type")
    if not items["Values"].startswith("["):
        rules.append("meta-values")
    return rules


_CHECKS = {
    "INFO": _check_fields,
    "FORMAT": _check_fields,
    "FILTER": _check_described,
    "ALT": _check_described,
    "contig": _check_contig,
    "SAMPLE": _check_sample,
    "PEDIGREE": _check_pedigree_id,
    "META": _check_meta,
}
