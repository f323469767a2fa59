"""Looking for identifiers in every text and number column of a table, in every row: the counting.

The scanner answers in names and counts; values are never kept. What identifiers look like is in `anonymization.japan`;
what the counts mean for a dataset, and what blocks, is in `anonymization.identifier_verdicts`.

Columns repeat themselves, so each distinct text is looked at once and counted as often as it stands there.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from anonymization.chance import NumberSample
from anonymization.japan.contact_patterns import PHONE_FORM, POSTAL_FORM
from anonymization.japan.identifier_patterns import MATCHERS, PASSPORT_FORM
from anonymization.japan.number_forms import NUMBER_FORMS
from anonymization.japan.person_names import match_known_names, match_name_forms
from anonymization.japan.text_forms import Mask, matches, normalize_text
from anonymization.numbered import ColumnNumbers, Counted
from policies.model.scan import IdentifierKind


@dataclass(frozen=True, slots=True)
class ColumnScan:
    """How many rows of a column hold one kind of identifier; `rows_scanned` are the rows with a value.

    A row is counted once, at the first that applies: `rows_named` (a label stands beside it), `rows_inside` (in running
    text), `rows_right` (nothing but it, check digit right), `rows_form` (nothing but it, check digit wrong),
    `rows_doubtful` (a label, and a wrong check digit). `variant` is the check digit scheme tried, for kinds
    with several. The samples are of distinct numbers that stand alone, and of those in running text.
    """

    column: str
    kind: IdentifierKind
    rows_scanned: int
    rows_named: int = 0
    rows_inside: int = 0
    rows_right: int = 0
    rows_form: int = 0
    rows_doubtful: int = 0
    variant: int = 0
    alone: NumberSample = field(default_factory=NumberSample, repr=False)
    inside: NumberSample = field(default_factory=NumberSample, repr=False)

    @property
    def rows_hit(self) -> int:
        """Rows that hold the identifier with everything right that can be checked."""
        return self.rows_named + self.rows_inside + self.rows_right

    @property
    def rows_alike(self) -> int:
        """Rows that are nothing but something of this form, right or wrong."""
        return self.rows_right + self.rows_form

    @property
    def hit_ratio(self) -> float:
        """The share of scanned rows that hit, 0 to 1; 0 if none was scanned."""
        return self.rows_hit / self.rows_scanned if self.rows_scanned else 0.0

    def plus(self, later: "ColumnScan") -> "ColumnScan":
        """Return the counts of these rows and those of `later`, the same column's next rows."""
        return ColumnScan(
            self.column,
            self.kind,
            self.rows_scanned + later.rows_scanned,
            self.rows_named + later.rows_named,
            self.rows_inside + later.rows_inside,
            self.rows_right + later.rows_right,
            self.rows_form + later.rows_form,
            self.rows_doubtful + later.rows_doubtful,
            self.variant,
            self.alone.plus(later.alone),
            self.inside.plus(later.inside),
        )


@dataclass(frozen=True, slots=True)
class ScanReport:
    """What the scanner found, by column, kind and variant. Kinds without a hit are listed too, with zero."""

    scans: tuple[ColumnScan, ...]
    rows_seen: int

    def hits(self) -> tuple[ColumnScan, ...]:
        """Return the scans with at least one hit."""
        return tuple(scan for scan in self.scans if scan.rows_hit)

    def of(self, column: str, kind: IdentifierKind) -> ColumnScan:
        """Return the scan of a column for a kind (its first variant), empty if it was not scanned."""
        found = (scan for scan in self.scans if (scan.column, scan.kind) == (column, kind))
        return next(found, ColumnScan(column, kind, 0))

    def columns(self) -> tuple[str, ...]:
        """Return the columns scanned, each once."""
        return tuple(dict.fromkeys(scan.column for scan in self.scans))

    def plus(self, later: "ScanReport") -> "ScanReport":
        """Return the report of these rows followed by those of `later` (the next batch of the same table)."""
        sums = {(scan.column, scan.kind, scan.variant): scan for scan in self.scans}
        for scan in later.scans:
            key = (scan.column, scan.kind, scan.variant)
            sums[key] = sums[key].plus(scan) if key in sums else scan
        return ScanReport(tuple(sums.values()), self.rows_seen + later.rows_seen)


@dataclass(frozen=True, slots=True)
class Cells:
    """A column as the scanner reads it: its distinct texts, normalized, how often each stands there, and where.

    `places` gives the distinct text of each row (null for null). `is_text` is False for a column of numbers.
    """

    column: str
    texts: pa.Array = field(repr=False)
    counts: NDArray[np.int64] = field(repr=False)
    places: pa.Array = field(repr=False)
    is_text: bool = True

    def rows(self, mask: Mask) -> Mask:
        """Spread a mask over distinct texts to the rows of the column."""
        spread = pa.array(mask).take(self.places).fill_null(False)
        return np.asarray(spread.to_numpy(zero_copy_only=False), dtype=bool)


def scan(table: pa.RecordBatch | pa.Table, *, columns: Sequence[str] | None = None) -> ScanReport:
    """Look for every kind of identifier in every text, number and text-list column.

    Args:
        table: N rows. Not changed. Dates, booleans and binaries hold no text and are skipped.
        columns: Only these; all by default.

    Returns:
        Counts by column and kind; nulls are not scanned rows.

    Guarantee: No text with a valid My Number in an understood spelling is missed: any width, groups parted by blanks, any
        dash, dots, slashes, commas, boxes; text around it without a blank.
    Not guaranteed: That a surname of no list without honorific or label, an identifier of another country, or a number
        split over two cells is found.
    """
    scans = [one for cells in read_columns(table, columns=columns) for one, _ in scan_cells(cells)]
    return ScanReport(tuple(scans), table.num_rows)


def find_my_numbers(texts: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Find the texts that hold a valid My Number (個人番号), in any usual spelling.

    Args:
        texts: N strings (or a dictionary of strings); nulls allowed.

    Returns:
        N booleans, no nulls; null gives False.

    Not guaranteed: That a hit is a My Number: one in ten other twelve-digit numbers passes.
    """
    cells = _cells("", texts, is_text=True)
    counted = ColumnNumbers(cells.texts, is_text=True).count(NUMBER_FORMS[0])
    return pa.array(cells.rows(counted.hit))


def scan_cells(cells: Cells) -> Iterator[tuple[ColumnScan, Mask]]:
    """Count each kind in one column; with each count come the distinct texts that hit."""
    scanned = int(cells.counts.sum())

    def counted(kind: IdentifierKind, found: Counted, variant: int = 0) -> tuple[ColumnScan, Mask]:
        named, inside, right, form, doubtful = (int(cells.counts[mask].sum()) for mask in found.masks())
        one = ColumnScan(
            cells.column,
            kind,
            scanned,
            rows_named=named,
            rows_inside=inside,
            rows_right=right,
            rows_form=form,
            rows_doubtful=doubtful,
            variant=variant,
            alone=found.alone,
            inside=found.in_text,
        )
        return one, found.hit

    numbers = ColumnNumbers(cells.texts, is_text=cells.is_text)
    for form in NUMBER_FORMS:
        yield counted(form.kind, numbers.count(form), form.variant)
    if not cells.is_text:
        return
    yield counted(IdentifierKind.INSURED_NUMBER, numbers.count_labelled(IdentifierKind.INSURED_NUMBER))
    for kind, matcher in MATCHERS.items():
        yield counted(kind, _of_pattern(kind, cells.texts, matcher(cells.texts)))


def _of_pattern(kind: IdentifierKind, texts: pa.Array, found: Mask) -> Counted:
    none = np.zeros(len(texts), dtype=bool)
    if kind is IdentifierKind.NAME:
        form, known = match_name_forms(texts), match_known_names(texts)
        return Counted(named=none, inside=found & ~form, right=known, form=form & ~known, doubtful=none)
    if kind is IdentifierKind.PASSPORT:
        return Counted(named=found, inside=none, right=matches(texts, PASSPORT_FORM) & ~found, form=none, doubtful=none)
    right = matches(texts, PHONE_FORM) & ~found if kind is IdentifierKind.PHONE else none
    form = matches(texts, POSTAL_FORM) & ~found if kind is IdentifierKind.POSTAL_CODE else none
    return Counted(named=none, inside=found, right=right, form=form, doubtful=none)


def read_columns(table: pa.RecordBatch | pa.Table, *, columns: Sequence[str] | None = None) -> Iterator[Cells]:
    """Give the text and number columns of a table as the scanner reads them."""
    for field_ in table.schema:
        is_text = _is_textual(field_.type)
        is_number = pa.types.is_integer(field_.type) or pa.types.is_floating(field_.type)
        if (is_text or is_number) and (columns is None or field_.name in columns):
            yield _cells(field_.name, table[field_.name], is_text=is_text)


def _cells(name: str, values: pa.Array | pa.ChunkedArray, *, is_text: bool) -> Cells:
    encoded = _as_text(values).dictionary_encode()
    places = encoded.indices
    counts = np.bincount(places.drop_null().to_numpy(zero_copy_only=False), minlength=len(encoded.dictionary))
    return Cells(name, normalize_text(encoded.dictionary), counts.astype(np.int64), places, is_text)


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
    if pa.types.is_floating(whole.type):
        is_whole = pc.and_(pc.is_finite(whole), pc.equal(pc.floor(whole), whole))
        small = pc.less(pc.abs(whole), 1e13)
        whole = pc.if_else(pc.and_(is_whole, small), whole, None).cast(pa.int64())
    return whole.cast(pa.string())
