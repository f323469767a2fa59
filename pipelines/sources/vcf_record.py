"""The fixed columns of a variant record, CHROM to INFO, held against the specification."""

import re
from collections.abc import Callable

from pipelines.sources.vcf_meta import CONTIG, Header
from pipelines.sources.vcf_report import Findings
from pipelines.sources.vcf_reserved import NEW, info_pattern, reserved_info
from pipelines.sources.vcf_samples import SampleChecker

_CONTIG = re.compile(CONTIG.pattern.encode())
_SPACE = re.compile(rb"\s")
_BASES = re.compile(rb"[ACGTNacgtn]+")
_SYMBOLIC = re.compile(rb"<[^<>\s,]+>")
_POSITION = rb"[^\s\[\]:<>,]+(?::[^\s\[\]:<>,]+)*:[0-9]+|<[^<>\s\[\],]+>(?::[0-9]+)?"
_BREAKEND = re.compile(
    rb"[ACGTNacgtn.]+(?:\[(?:%b)\[|\](?:%b)\])|(?:\[(?:%b)\[|\](?:%b)\])[ACGTNacgtn.]+" % ((_POSITION,) * 4)
)
_SINGLE_BREAKEND = re.compile(rb"\.[ACGTNacgtn]+|[ACGTNacgtn]+\.")
_QUAL = re.compile(rb"\.|\+?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|\+?(?i:inf(?:inity)?|nan)")
_INFO_KEY = re.compile(rb"[A-Za-z_][0-9A-Za-z_.]*|1000G")
_RECENT = 256

RulesOf = Callable[[bytes], list[str]]


class RecordChecker:
    """Checks the records of one file, in order.

    Args:
        header: The head of the file, complete.
        findings: Where breaches are recorded.
    """

    def __init__(self, header: Header, findings: Findings) -> None:
        self._header = header
        self._findings = findings
        self._samples = SampleChecker(header)
        self._good: dict[str, set[bytes]] = {"CHROM": set(), "FILTER": set(), "REF": set()}
        self._chrom = b""
        self._seen_chroms: set[bytes] = set()
        self._pos = -1
        self._recent: dict[int, set[tuple[bytes, bytes]]] = {}

    def check(self, line: int, text: bytes) -> None:
        """Check one record, without its line break."""
        parts = text.split(b"\t", 9)
        if len(parts) < 8 or text.count(b"\t") + 1 != self._header.columns:
            self._findings.error(line, "record", "column-count")
            return
        if not text.isascii():
            self._check_utf8(line, text)
        chrom, pos, name, ref, alt, qual, filters, info = parts[:8]
        self._remember("CHROM", line, chrom, _chrom_rules)
        self._check_pos(line, chrom, pos)
        if name != b".":
            self._note(line, "ID", _list_rules(name, b";", "id"))
        self._remember("REF", line, ref, _ref_rules)
        alts = () if alt == b"." else tuple(alt.split(b","))
        self._check_alt(line, ref, alts)
        if not _QUAL.fullmatch(qual):
            self._findings.error(line, "QUAL", "qual")
        self._remember("FILTER", line, filters, _filter_rules)
        if info != b".":
            self._check_info(line, info, len(alts))
        if len(parts) == 10:
            self._check_samples(line, parts[8], parts[9], len(alts))

    def _remember(self, field: str, line: int, text: bytes, rules_of: RulesOf) -> None:
        good = self._good[field]
        if text in good:
            return
        rules = rules_of(text)
        if rules:
            self._findings.all_errors(line, field, rules)
        elif len(good) < 10_000:
            good.add(text)

    def _note(self, line: int, field: str, rules: list[str]) -> None:
        """Record rules; what is written twice in ID and INFO is forbidden since 4.3 only."""
        for rule in rules:
            if rule in ("id-repeated", "info-repeated-key") and self._header.version < NEW:
                self._findings.warn(line, field, rule)
            else:
                self._findings.error(line, field, rule)

    def _check_utf8(self, line: int, text: bytes) -> None:
        try:
            text.decode("utf-8")
        except UnicodeDecodeError:
            self._findings.error(line, "record", "not-utf8")

    def _check_pos(self, line: int, chrom: bytes, pos: bytes) -> None:
        if chrom.startswith(b"<"):
            chrom = chrom.strip(b"<>")  # `<1>` names the contig of the assembly file, and sorts with `1`
        if chrom != self._chrom:
            if chrom in self._seen_chroms:
                self._findings.error(line, "CHROM", "contig-not-contiguous")
            self._seen_chroms.add(chrom)
            self._chrom, self._pos, self._recent = chrom, -1, {}
        if not (pos.isdigit() and len(pos) <= 10):
            self._findings.error(line, "POS", "pos")
            return
        if int(pos) < self._pos:
            self._findings.error(line, "POS", "not-sorted")
        self._pos = int(pos)

    def _check_alt(self, line: int, ref: bytes, alts: tuple[bytes, ...]) -> None:
        for alt in alts:
            if not (_BASES.fullmatch(alt) or alt == b"*" or _is_other_alt(alt)):
                self._findings.error(line, "ALT", "alt")
                return
        if len(set(alts)) < len(alts):
            self._findings.error(line, "ALT", "alt-repeated")
            return
        if ref in alts:
            self._findings.warn(line, "ALT", "alt-is-ref")
        if self._is_repeated(ref, alts):
            self._findings.error(line, "record", "variant-repeated")

    def _is_repeated(self, ref: bytes, alts: tuple[bytes, ...]) -> bool:
        """Say whether an earlier record has one of these variants, written with more or fewer shared bases."""
        if len(self._recent) > _RECENT:
            self._recent = {pos: known for pos, known in self._recent.items() if pos >= self._pos}
        found = False
        for alt in alts:
            if not _BASES.fullmatch(alt):
                continue
            at, short_ref, short_alt = _trim(self._pos, ref, alt)
            known = self._recent.setdefault(at, set())
            found = found or (short_ref, short_alt) in known
            known.add((short_ref, short_alt))
        return found

    def _check_info(self, line: int, info: bytes, alts: int) -> None:
        seen = set()
        rules: list[str] = []
        for entry in info.split(b";"):
            key, equals, value = entry.partition(b"=")
            if key in seen:
                rules.append("info-repeated-key")
            seen.add(key)
            rules.extend(self._entry_rules(key, equals, value, alts))
        self._note(line, "INFO", list(dict.fromkeys(rules)))

    def _entry_rules(self, key: bytes, equals: bytes, value: bytes, alts: int) -> tuple[str, ...]:
        is_strict = self._header.version >= NEW
        if not key or _SPACE.search(key) or (is_strict and not _INFO_KEY.fullmatch(key)):
            return ("info-key",)
        if equals and _SPACE.search(value):
            return ("info-value",)
        name = key.decode("ascii", "replace")
        definition = self._header.definition_of_info(name)
        if definition is None or (definition.kind == "String" and name not in reserved_info(self._header.version)):
            return ()  # tools write commas into strings of their own
        if not equals and definition.kind != "Flag":
            return () if definition.number == "0" else ("info-value",)
        return () if info_pattern(name, definition, alts).fullmatch(value) else ("info-value",)

    def _check_samples(self, line: int, text: bytes, cells: bytes, alts: int) -> None:
        rules = self._samples.check_format(text)
        if rules:
            self._findings.all_errors(line, "FORMAT", rules)
            return
        self._findings.all_errors(line, "samples", self._samples.check_samples(text, cells, alts))


def _trim(pos: int, ref: bytes, alt: bytes) -> tuple[int, bytes, bytes]:
    """Take away the bases that both alleles share, first at the end, then at the start."""
    if len(ref) == 1 and len(alt) == 1:
        return pos, ref, alt
    while len(ref) > 1 and len(alt) > 1 and ref[-1] == alt[-1]:
        ref, alt = ref[:-1], alt[:-1]
    while len(ref) > 1 and len(alt) > 1 and ref[0] == alt[0]:
        pos, ref, alt = pos + 1, ref[1:], alt[1:]
    return pos, ref, alt


def _is_other_alt(alt: bytes) -> bool:
    return bool(_SYMBOLIC.fullmatch(alt) or _BREAKEND.fullmatch(alt) or _SINGLE_BREAKEND.fullmatch(alt))


def _chrom_rules(chrom: bytes) -> list[str]:
    name = chrom[1:-1] if chrom.startswith(b"<") and chrom.endswith(b">") else chrom
    return [] if _CONTIG.fullmatch(name) else ["chrom"]


def _ref_rules(ref: bytes) -> list[str]:
    return [] if _BASES.fullmatch(ref) else ["ref"]


def _list_rules(text: bytes, separator: bytes, name: str) -> list[str]:
    items = text.split(separator)
    if not all(items) or _SPACE.search(text):
        return [name]
    return [f"{name}-repeated"] if len(set(items)) < len(items) else []


def _filter_rules(text: bytes) -> list[str]:
    if text in (b".", b"PASS"):
        return []
    items = text.split(b";")
    if b"0" in items or b"." in items:
        return ["filter"]
    return _list_rules(text, b";", "filter")
