"""Sample columns of a variant file: whole lines by one regular expression, cell by cell only where it does not fit.

The expression of a line accepts nothing that `check_cell` would refuse; `check_cell` has the last word.
"""

import math
import re
from functools import lru_cache

from pipelines.sources.vcf_meta import Header
from pipelines.sources.vcf_reserved import Definition, one_value, values

_KEY = re.compile(rb"[A-Za-z_][0-9A-Za-z_.%]*|1000G")
_ALLELE = re.compile(rb"[/|]")
_CACHED_CELLS = 100_000


class SampleChecker:
    """Checks FORMAT and the sample columns of records.

    Args:
        header: The head of the file.
    """

    def __init__(self, header: Header) -> None:
        self._header = header
        self._formats: dict[bytes, tuple[str, ...]] = {}
        self._lines: dict[tuple[bytes, int], re.Pattern[bytes] | None] = {}
        self._good_calls: dict[int, set[bytes]] = {}

    def check_format(self, text: bytes) -> tuple[str, ...]:
        """Return the rules that FORMAT breaks."""
        rules = self._formats.get(text)
        if rules is None:
            rules = self._formats[text] = _format_rules(text)
        return rules

    def check_samples(self, text: bytes, cells: bytes, alts: int) -> tuple[str, ...]:
        """Return the rules that the sample columns break.

        Args:
            text: FORMAT, which breaks no rule itself.
            cells: All sample columns, with their tabs.
            alts: How many ALT alleles the record has.
        """
        if text == b"GT":
            return self._check_calls(cells, alts)
        place = (text, alts)
        if place not in self._lines:
            self._lines[place] = self._line_pattern(text, alts)
        pattern = self._lines[place]
        if pattern is not None and pattern.fullmatch(cells):
            return ()
        keys = _keys(text)
        definitions = tuple(self._header.definition_of_format(key) for key in keys)
        rules: dict[str, None] = {}
        for cell in cells.split(b"\t"):
            for rule in check_cell(cell, keys, definitions, alts):
                rules[rule] = None
        return tuple(rules)

    def _check_calls(self, cells: bytes, alts: int) -> tuple[str, ...]:
        good = self._good_calls.setdefault(alts, set())
        rules: dict[str, None] = {}
        for cell in set(cells.split(b"\t")) - good:
            broken = _call_rules(cell, alts)
            for rule in broken:
                rules[rule] = None
            if not broken and len(good) < _CACHED_CELLS:
                good.add(cell)
        return tuple(rules)

    def _line_pattern(self, text: bytes, alts: int) -> re.Pattern[bytes] | None:
        keys = _keys(text)
        if alts > 60:
            return None  # an allele is an alternative of the expression; so many are checked cell by cell
        definitions = tuple(self._header.definition_of_format(key) for key in keys)
        cell = b"|".join(_cell_pattern(keys, definitions, alts, ploidy) for ploidy in (2, 1))
        return re.compile(rb"(?>" + cell + rb")(?>\t(?>" + cell + rb"))*+")


def _keys(text: bytes) -> tuple[str, ...]:
    return tuple(key.decode("ascii", "replace") for key in text.split(b":"))


def _format_rules(text: bytes) -> tuple[str, ...]:
    keys = text.split(b":")
    rules = []
    if not all(_KEY.fullmatch(key) for key in keys):
        rules.append("format-key")
    if len(set(keys)) < len(keys):
        rules.append("format-repeated-key")
    if b"GT" in keys[1:]:
        rules.append("gt-not-first")
    return tuple(rules)


def _count(definition: Definition | None, alts: int, ploidy: int) -> int | None:
    if definition is None or definition.number == "." or definition.kind == "String":
        return None  # tools write commas into strings; the specification gives them no way to escape one
    if alts == 0 and not definition.number.isdigit():
        return None  # without ALT, tools count none or one
    if definition.number == "G":
        return math.comb(alts + ploidy, ploidy)
    if definition.number.isdigit():
        return int(definition.number)
    return alts if definition.number == "A" else alts + 1


@lru_cache(maxsize=65_536)
def _field_pattern(key: str, definition: Definition | None, alts: int, ploidy: int) -> bytes:
    kind = definition.kind if definition else None
    return values(one_value(key, kind, in_sample=True), _count(definition, alts, ploidy))


@lru_cache(maxsize=65_536)
def _field(key: str, definition: Definition | None, alts: int, ploidy: int) -> re.Pattern[bytes]:
    return re.compile(_field_pattern(key, definition, alts, ploidy))


def _cell_pattern(keys: tuple[str, ...], definitions: tuple[Definition | None, ...], alts: int, ploidy: int) -> bytes:
    """Return the expression of a cell whose call has `ploidy` alleles; trailing fields may be dropped."""
    tail = b""
    for key, definition in reversed(list(zip(keys, definitions, strict=True))[1:]):
        tail = rb"(?::(?:" + _field_pattern(key, definition, alts, ploidy) + rb")" + tail + rb")?"
    if keys[0] == "GT":
        allele = rb"(?:\.|" + b"|".join(b"%d" % number for number in range(alts, -1, -1)) + rb")"
        head = allele + (rb"[/|]" + allele) * (ploidy - 1)
    else:
        head = _field_pattern(keys[0], definitions[0], alts, ploidy)
    return rb"(?:" + head + rb")" + tail + rb"(?=\t|\Z)"


def _call_rules(call: bytes, alts: int) -> tuple[str, ...]:
    alleles = _ALLELE.split(call)
    if not all(allele == b"." or (allele.isdigit() and allele.isascii()) for allele in alleles):
        return ("gt-syntax",)
    # Some files keep allele 1 where ALT is a dot; that breaks no rule of the text, and the reader quarantines the record.
    if any(allele != b"." and int(allele) > max(1, alts) for allele in alleles):
        return ("gt-allele-out-of-range",)
    return ()


def check_cell(
    cell: bytes, keys: tuple[str, ...], definitions: tuple[Definition | None, ...], alts: int
) -> tuple[str, ...]:
    """Return the rules that one sample's column breaks."""
    fields = cell.split(b":")
    if len(fields) > len(keys):
        return ("sample-too-many-fields",)
    if cell == b".":
        return ()
    ploidy, start = 2, 0
    rules: list[str] = []
    if keys[0] == "GT":
        rules.extend(_call_rules(fields[0], alts))
        ploidy = len(_ALLELE.split(fields[0])) if fields[0] != b"." else 0
        start = 1
    for key, definition, value in list(zip(keys, definitions, fields, strict=False))[start:]:
        if ploidy == 0 and definition is not None and definition.number == "G":
            definition = Definition(".", definition.kind)  # a missing call says no ploidy
        if not _field(key, definition, alts, ploidy).fullmatch(value):
            rules.append("sample-value")
    return tuple(dict.fromkeys(rules))
