"""Looking for identifiers that a policy did not declare: in every text and number column, in every row.

The scanner answers in names and counts. Row numbers exist only to put rows aside and are never shown; values are never
kept. What the identifiers look like is in `anonymization.japan.identifier_patterns`; what a hit means is here.

A My Number's check digit proves little alone: of random twelve-digit numbers exactly one in ten has it right (two of the
eleven remainders share the digit 0). So a column of twelve-digit numbers is taken for My Numbers only if its name says
so or most of its check digits are right; anywhere else, in free text above all, a single valid one counts.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from anonymization.evidence import CheckKind, CheckResult
from anonymization.japan.identifier_patterns import (
    MATCHERS,
    IdentifierKind,
    Mask,
    match_alone_my_numbers,
    match_my_numbers,
    normalize_text,
)
from policies.model import Column, TablePolicy
from policies.vocabulary import ColumnClass, ColumnRole, IdentificationCode

MY_NUMBER_COLUMN_NAME = re.compile(r"my_?number|個人番号|マイナンバー|まいなんばー|kojin_?bango|\bmynum", re.IGNORECASE)
"""Column names that say My Number."""

MIN_NUMBERS_FOR_RATE = 20
"""With fewer twelve-digit values a rate says nothing, and each valid one counts."""

MIN_MY_NUMBER_RATE = 0.5
"""Share of right check digits that makes a column of twelve-digit numbers My Numbers. Random numbers reach 0.1; that 20 of
them reach 0.5 has a chance of 7 in 10^6 (binomial tail), and real ones reach 1 less their typing errors."""

ALONE_SHARE = 0.8
"""A column is one of twelve-digit numbers if at least this share of its values is nothing else."""

_NUMBER_KINDS = (IdentifierKind.MY_NUMBER, IdentifierKind.INSURER_NUMBER, IdentifierKind.DRIVER_LICENCE)


@dataclass(frozen=True, slots=True)
class ColumnScan:
    """How many rows of a column hold one kind of identifier; `rows_scanned` are the rows with a value."""

    column: str
    kind: IdentifierKind
    rows_hit: int
    rows_scanned: int

    @property
    def hit_ratio(self) -> float:
        """The share of scanned rows that hit, 0 to 1; 0 if none was scanned."""
        return self.rows_hit / self.rows_scanned if self.rows_scanned else 0.0


@dataclass(frozen=True, slots=True)
class ScanReport:
    """What the scanner found, by column and kind. Kinds without a hit are listed too, with zero.

    `rows` are the numbers of the rows that hold a My Number, ascending, without repeats: for the quarantine only.
    """

    scans: tuple[ColumnScan, ...]
    rows_seen: int
    rows: tuple[int, ...] = field(default=(), repr=False)

    def hits(self) -> tuple[ColumnScan, ...]:
        """Return the scans with at least one hit."""
        return tuple(scan for scan in self.scans if scan.rows_hit)

    def plus(self, later: "ScanReport") -> "ScanReport":
        """Return the report of these rows followed by those of `later` (the next batch of the same table)."""
        sums: dict[tuple[str, IdentifierKind], tuple[int, int]] = {}
        for scan in (*self.scans, *later.scans):
            hit, scanned = sums.get((scan.column, scan.kind), (0, 0))
            sums[scan.column, scan.kind] = (hit + scan.rows_hit, scanned + scan.rows_scanned)
        merged = tuple(ColumnScan(column, kind, *counts) for (column, kind), counts in sums.items())
        rows = self.rows + tuple(row + self.rows_seen for row in later.rows)
        return ScanReport(merged, self.rows_seen + later.rows_seen, rows)


def find_my_numbers(texts: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Find the texts that hold a valid My Number (個人番号), in any usual spelling.

    Understood: full-width digits; groups of four, three or one parted by blanks, any dash, dots, slashes; text around.

    Args:
        texts: N strings (or a dictionary of strings); nulls allowed.

    Returns:
        N booleans, no nulls; null gives False.

    Guarantee: No text with a valid My Number in an understood spelling is missed.
    Not guaranteed: That a hit is a My Number (one in ten other twelve-digit numbers passes, see `my_number_rows`);
        that numbers in words or kanji digits, or split over two cells, are found.
    """
    return pa.array(_by_distinct(_as_text(texts), match_my_numbers))


def my_number_rows(batch: pa.RecordBatch | pa.Table) -> pa.Array:
    """Find the rows to put aside at landing: those with a My Number in any text or number column.

    A column of nothing but twelve-digit numbers counts only by its name or by the rate of right check digits
    (`MIN_MY_NUMBER_RATE`) in this batch; everywhere else one valid number is enough.

    Returns:
        One boolean a row, no nulls.
    """
    found = np.zeros(batch.num_rows, dtype=bool)
    for name, texts in _readable_columns(batch, None):
        found |= _my_numbers_in_column(name, texts)
    return pa.array(found)


def scan(table: pa.RecordBatch | pa.Table, *, columns: Sequence[str] | None = None) -> ScanReport:
    """Look for every kind of identifier in every text, number and text-list column.

    Args:
        table: N rows. Not changed. Dates, booleans and binaries hold no text and are skipped.
        columns: Only these; all by default.

    Returns:
        Counts by column and kind; nulls are not scanned rows.

    Not guaranteed: That a name without an honorific, or an identifier of another country, is found.
    """
    scans: list[ColumnScan] = []
    flagged = np.zeros(table.num_rows, dtype=bool)
    for name, texts in _readable_columns(table, columns):
        scanned = len(texts) - texts.null_count
        is_number = not _is_textual(table.schema.field(name).type)
        for kind, matcher in MATCHERS.items():
            if is_number and kind not in _NUMBER_KINDS:
                continue
            if kind is IdentifierKind.MY_NUMBER:
                mask = _my_numbers_in_column(name, texts)
                flagged |= mask
            else:
                mask = _by_distinct(texts, matcher)
            scans.append(ColumnScan(name, kind, int(mask.sum()), scanned))
    return ScanReport(tuple(scans), table.num_rows, tuple(np.flatnonzero(flagged).tolist()))


def _my_numbers_in_column(name: str, texts: pa.Array) -> Mask:
    valid = _by_distinct(texts, match_my_numbers)
    if not valid.any() or MY_NUMBER_COLUMN_NAME.search(name):
        return valid
    alone = _by_distinct(texts, match_alone_my_numbers)
    numbers = int(alone.sum())
    is_number_column = numbers >= max(ALONE_SHARE * (len(texts) - texts.null_count), MIN_NUMBERS_FOR_RATE)
    if is_number_column and (valid & alone).sum() < MIN_MY_NUMBER_RATE * numbers:
        return valid & ~alone
    return valid


def _readable_columns(
    table: pa.RecordBatch | pa.Table, columns: Sequence[str] | None
) -> Iterator[tuple[str, pa.Array]]:
    for field_ in table.schema:
        if columns is not None and field_.name not in columns:
            continue
        if _is_textual(field_.type) or pa.types.is_integer(field_.type) or pa.types.is_floating(field_.type):
            yield field_.name, _as_text(table[field_.name])


def _is_textual(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind) or pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return _is_textual(kind.value_type)
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _as_text(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    whole = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    if isinstance(whole, pa.ChunkedArray):
        whole = pa.concat_arrays(whole.chunks)
    if pa.types.is_dictionary(whole.type):
        whole = whole.dictionary_decode()
    if pa.types.is_list(whole.type) or pa.types.is_large_list(whole.type):
        # A number never runs on from one element to the next.
        return pc.binary_join(whole.cast(pa.list_(pa.string())), "\n;\n")
    if pa.types.is_integer(whole.type) or pa.types.is_floating(whole.type):
        return _numbers_as_text(whole)
    return whole.cast(pa.string())


def _numbers_as_text(values: pa.Array) -> pa.Array:
    """Write whole numbers as digits; eleven become twelve and seven eight, because numbers lose their leading zero."""
    if pa.types.is_floating(values.type):
        whole = pc.and_(pc.is_finite(values), pc.equal(pc.floor(values), values))
        small = pc.less(pc.abs(values), 1e13)
        values = pc.if_else(pc.and_(whole, small), values, None).cast(pa.int64())
    texts = values.cast(pa.string())
    lengths = pc.utf8_length(texts)
    lost = pc.or_(pc.equal(lengths, 11), pc.equal(lengths, 7))
    return pc.if_else(lost, pc.binary_join_element_wise("0", texts, ""), texts)


def _by_distinct(texts: pa.Array, matcher: Callable[[pa.Array], Mask]) -> Mask:
    """Match each distinct text once; columns repeat themselves."""
    if len(texts) == 0:
        return np.zeros(0, dtype=bool)
    encoded = texts.dictionary_encode()
    if len(encoded.dictionary) > len(texts) // 2:
        return matcher(normalize_text(texts))
    answers = matcher(normalize_text(encoded.dictionary))
    found = pa.array(answers).take(encoded.indices).fill_null(False)
    return np.asarray(found.to_numpy(zero_copy_only=False), dtype=bool)


@dataclass(frozen=True, slots=True)
class KindRule:
    """When hits of a kind say that a column holds it, and what then follows.

    `min_rows` and `min_ratio` must both be reached. A blocking kind stops the pipeline; another is shown to the steward.
    """

    min_rows: int
    min_ratio: float
    is_blocking: bool
    rule: str


KIND_RULES: Mapping[IdentifierKind, KindRule] = {
    # One is too many: collecting it is forbidden outside statutory cases (番号法 19, 20).
    IdentifierKind.MY_NUMBER: KindRule(1, 0.0, is_blocking=True, rule="APPI-04"),
    # Random eight-digit numbers pass check digit, law and prefecture in 0.8 %, six-digit ones in 4.7 %: only a column
    # that is nearly all insurers is one.
    IdentifierKind.INSURER_NUMBER: KindRule(20, 0.9, is_blocking=True, rule="APPI-03"),
    # Random twelve-digit numbers pass in about 9 %.
    IdentifierKind.DRIVER_LICENCE: KindRule(20, 0.9, is_blocking=True, rule="APPI-03"),
    # The form is exact; three rows are no typing slip, and 0.5 % keeps a code list with one odd code out.
    IdentifierKind.PHONE: KindRule(3, 0.005, is_blocking=True, rule="APPI-21"),
    # "123-4567" is also a part number or a range: a column of postal codes has them in most rows.
    IdentifierKind.POSTAL_CODE: KindRule(3, 0.5, is_blocking=True, rule="APPI-25"),
    IdentifierKind.EMAIL: KindRule(1, 0.0, is_blocking=True, rule="APPI-21"),
    # Vocabularies and references hold addresses of the web; a person looks.
    IdentifierKind.URL: KindRule(1, 0.0, is_blocking=False, rule="APPI-21"),
    # Version numbers look the same.
    IdentifierKind.IP_ADDRESS: KindRule(3, 0.5, is_blocking=False, rule="APPI-21"),
    IdentifierKind.RESIDENCE_CARD: KindRule(1, 0.0, is_blocking=True, rule="APPI-03"),
    # Two letters and seven digits are also a stock number; there is no check digit.
    IdentifierKind.PASSPORT: KindRule(3, 0.9, is_blocking=False, rule="APPI-03"),
    # A whole date in a column that is not declared a date or free text; below one in a hundred it is a remark.
    IdentifierKind.WAREKI_DATE: KindRule(3, 0.01, is_blocking=False, rule="APPI-21"),
    # The stop list cannot be complete; a share of the rows must agree.
    IdentifierKind.NAME: KindRule(3, 0.005, is_blocking=True, rule="APPI-21"),
}

_CODES_OF_KIND: Mapping[IdentifierKind, frozenset[IdentificationCode]] = {
    IdentifierKind.MY_NUMBER: frozenset({IdentificationCode.MY_NUMBER}),
    IdentifierKind.INSURER_NUMBER: frozenset(
        {IdentificationCode.HEALTH_INSURANCE, IdentificationCode.LATE_ELDERLY, IdentificationCode.LONG_TERM_CARE}
    ),
    IdentifierKind.DRIVER_LICENCE: frozenset({IdentificationCode.DRIVER_LICENCE}),
    IdentifierKind.RESIDENCE_CARD: frozenset({IdentificationCode.RESIDENCE_CARD}),
    IdentifierKind.PASSPORT: frozenset({IdentificationCode.PASSPORT}),
}


def undeclared_identifiers(report: ScanReport, table: TablePolicy) -> tuple[CheckResult, ...]:
    """Hold what the scanner found against what the policy declares.

    A direct identifier or free text may hold anything but a My Number; an identification code holds its own kind; a
    quasi-identifier may be a postal code or a date. A My Number must be declared as one by its code.

    Args:
        report: The scan of the whole table.
        table: Its policy; scanned columns that the policy does not have are treated as declaring nothing.

    Returns:
        One failed check for each column and kind that is not declared, or a single passed one if there are none.
    """
    results = tuple(
        _undeclared(found, table.name)
        for found in report.scans
        if _is_evident(found) and not _declares(table.column(found.column), found.kind)
    )
    if results:
        return results
    return (
        CheckResult(
            name=f"identifiers:{table.name}",
            kind=CheckKind.RULE,
            passed=True,
            blocking=True,
            what=f"no undeclared identifier in the {len({found.column for found in report.scans})} columns scanned",
            rule="APPI-03",
            measured={"rows_scanned": report.rows_seen},
        ),
    )


def _is_evident(found: ColumnScan) -> bool:
    rule = KIND_RULES[found.kind]
    return found.rows_hit >= rule.min_rows and found.hit_ratio >= rule.min_ratio


def _declares(column: Column | None, kind: IdentifierKind) -> bool:
    if column is None:
        return False
    if kind is IdentifierKind.MY_NUMBER:
        return column.code is IdentificationCode.MY_NUMBER
    if {ColumnClass.DIRECT_IDENTIFIER, ColumnClass.FREE_TEXT} & set(column.classes):
        return True
    if kind in _CODES_OF_KIND:
        return column.code in _CODES_OF_KIND[kind]
    if kind in (IdentifierKind.POSTAL_CODE, IdentifierKind.WAREKI_DATE):
        return ColumnClass.QUASI_IDENTIFIER in column.classes or column.role is ColumnRole.EVENT_DATE
    return False


def _undeclared(found: ColumnScan, table: str) -> CheckResult:
    rule = KIND_RULES[found.kind]
    return CheckResult(
        name=f"identifiers:{table}.{found.column}:{found.kind.value}",
        kind=CheckKind.RULE,
        passed=False,
        blocking=rule.is_blocking,
        what=f"column '{found.column}' of table '{table}' holds {found.kind.value}, which its policy does not declare",
        rule=rule.rule,
        measured={"rows_hit": found.rows_hit, "rows_scanned": found.rows_scanned},
    )
