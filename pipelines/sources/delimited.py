"""Delimited text → record batches.

Rows are read by Python's csv module in its strict form; line numbers stay right with line breaks inside quotes.
A table whose columns are not the policy's is refused whole; a row that does not fit is refused alone.
"""

import csv
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

import pyarrow as pa

from pipelines.sources.batches import BatchMaker
from pipelines.sources.encodings import DecodedText
from pipelines.sources.landing import LandedFile
from pipelines.sources.quarantine import Quarantine, Reason
from policies.errors import DataError, Place, PolicyError
from policies.model.dataset import TablePolicy
from policies.model.source import DelimitedSource, Encoding, OmopSource


@dataclass(frozen=True, slots=True)
class Layout:
    """How the text is laid out; `any_case` compares header names without regard to case."""

    encoding: Encoding
    delimiter: str = ","
    quote: str = '"'
    header: bool = True
    any_case: bool = False
    null_values: tuple[str, ...] = ()
    columns_from_path: Mapping[str, str] = field(default_factory=dict)


def layout_of(source: DelimitedSource | OmopSource) -> Layout:
    """Return the layout that a source declares; OMOP exports are UTF-8 with header names in any case.

    Raises:
        PolicyError: `policy.bad-delimiter`.
    """
    if isinstance(source, OmopSource):
        layout = Layout(Encoding.UTF_8, delimiter=source.delimiter, any_case=True)
    else:
        layout = Layout(
            source.encoding,
            delimiter=source.delimiter,
            quote=source.quote,
            header=source.header,
            null_values=source.null_values,
            columns_from_path=source.columns_from_path,
        )
    if layout.delimiter == layout.quote or {layout.delimiter, layout.quote} & set("\r\n\0"):
        raise PolicyError(
            "policy.bad-delimiter",
            what="the delimiter and the quote must be two different characters, neither of them a line break",
            why="rows could not be told apart",
            fix="correct `delimiter` and `quote` in the table's source",
        )
    return layout


class DelimitedReader:
    """Reads one delimited file as one table.

    Args:
        table: What the columns are.
        layout: How the text is laid out.
        quarantine: Where refused rows are listed.
        batch_rows: Most rows in a batch.
    """

    def __init__(self, table: TablePolicy, *, layout: Layout, quarantine: Quarantine, batch_rows: int) -> None:
        self._table = table
        self._layout = layout
        self._quarantine = quarantine
        self._batch_rows = batch_rows
        self._maker = BatchMaker(table, quarantine=quarantine, null_values=layout.null_values)
        self._in_rows = [column.name for column in table.columns if column.name not in layout.columns_from_path]

    def read(self, stream: BinaryIO, *, file: LandedFile) -> Iterator[pa.RecordBatch]:
        """Read unpacked bytes; give batches of rows that fit.

        Raises:
            DataError: `data.wrong-encoding`, `data.empty-file`, `data.missing-column`, `data.extra-column`,
                `data.duplicate-column`, `data.unnamed-column`, `data.unclosed-quote`, `data.field-too-long`,
                `data.name-without-column`.
        """
        named = self._named(file)
        text = DecodedText(stream, file=file, encoding=self._layout.encoding)
        if text.is_empty and self._layout.header:
            raise _empty(file)
        records = self._records(text, file)
        names = self._header(records, file)
        picked = self._pick(names, file)
        yield from self._batches(records, text, width=len(names), picked=picked, named=named, file=file)

    def _named(self, file: LandedFile) -> list[str]:
        """Return the cells that stand in the file's name; `_pick` finds them behind those of the row."""
        found = [re.search(pattern, file.path.name) for pattern in self._layout.columns_from_path.values()]
        absent = [name for name, match in zip(self._layout.columns_from_path, found, strict=True) if match is None]
        if absent:
            raise _not_in_name(absent, file)
        return [match[1] or "" for match in found if match is not None]

    def _batches(
        self,
        records: Iterator[tuple[int, list[str]]],
        text: DecodedText,
        *,
        width: int,
        picked: Sequence[int],
        named: list[str],
        file: LandedFile,
    ) -> Iterator[pa.RecordBatch]:
        is_whole = not named and list(picked) == list(range(width))
        lines: list[int] = []
        rows: list[list[str]] = []
        for line, row in records:
            if len(row) != width:
                self._quarantine.add(file.label, line, Reason.WRONG_FIELD_COUNT)
                continue
            lines.append(line)
            cells = row + named
            rows.append(row if is_whole else [cells[index] for index in picked])
            if len(rows) == self._batch_rows:
                yield self._maker.make(file.label, lines, rows, may_hold_nul=text.saw_nul)
                lines, rows = [], []
        if rows:
            yield self._maker.make(file.label, lines, rows, may_hold_nul=text.saw_nul)

    def _records(self, text: DecodedText, file: LandedFile) -> Iterator[tuple[int, list[str]]]:
        """Give each row with the line it starts on; list rows whose quotes are wrong, and blank lines between rows."""
        reader = csv.reader(text.lines, delimiter=self._layout.delimiter, quotechar=self._layout.quote, strict=True)
        blank: list[int] = []
        while True:
            start = reader.line_num + 1
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                _refuse_if_unending(str(error), file.at(start))
                # One entry a line, so that no line of a broken row is lost without a trace.
                for line in range(start, reader.line_num + 1):
                    self._quarantine.add(file.label, line, Reason.BAD_QUOTING)
                continue
            if not row:
                blank.append(start)
                continue
            for line in blank:
                self._quarantine.add(file.label, line, Reason.BLANK_LINE)
            blank.clear()
            yield start, row

    def _header(self, records: Iterator[tuple[int, list[str]]], file: LandedFile) -> list[str]:
        if not self._layout.header:
            return self._in_rows
        line, names = next(records, (0, []))
        if not names:
            raise _empty(file)
        if not any(name.strip() for name in names):
            raise _unnamed(file, line, list(range(1, len(names) + 1)))
        return names

    def _pick(self, names: Sequence[str], file: LandedFile) -> list[int]:
        """Return where each policy column stands in a row of the file."""
        fold = str.casefold if self._layout.any_case else str
        declared = {fold(name): name for name in self._in_rows}
        known = declared.keys() | {fold(name) for name in self._table.ignored_columns}
        found = [fold(name) for name in names]
        missing = [name for key, name in declared.items() if key not in set(found)]
        if missing:
            # A first row that shares little with the policy may be data: its cells must not reach the message.
            self._refuse_missing(missing, file, is_header=len(missing) * 2 <= len(declared))
        blank = [position for position, name in enumerate(found, start=1) if not name.strip()]
        if blank:
            raise _unnamed(file, 1, blank)
        extra = [name for name, key in zip(names, found, strict=True) if key not in known]
        if extra:
            raise _extra(extra, file, self._table.name)
        repeated = sorted(name for name, count in Counter(found).items() if count > 1)
        if repeated:
            raise _repeated(repeated, file)
        places = {key: found.index(key) for key in declared}
        places |= {fold(name): len(found) + n for n, name in enumerate(self._layout.columns_from_path)}
        return [places[fold(column.name)] for column in self._table.columns]

    def _refuse_missing(self, missing: Sequence[str], file: LandedFile, *, is_header: bool) -> None:
        hint = "" if is_header else "; most declared columns are not in the first line, which may not be a header"
        raise DataError(
            "data.missing-column",
            what=f"table '{self._table.name}' has no column {_quoted(missing)}{hint}",
            why="the dataset policy declares it; a table is read with all its columns or not at all",
            fix="land a complete export, or remove the column from the dataset policy (and `header: false` if there is none)",
            where=file.at(1),
        )


def _refuse_if_unending(message: str, where: Place) -> None:
    """Raise when a broken quote has swallowed the rest of the file; the message of csv is not passed on."""
    if "unexpected end" in message:
        raise DataError(
            "data.unclosed-quote",
            what="a quoted field is still open at the end of the file",
            why="every row after the open quote was swallowed; the file may also be cut off",
            fix="close the quote, or transfer the file again",
            where=where,
        )
    if "field limit" in message:
        raise DataError(
            "data.field-too-long",
            what=f"a field is longer than {csv.field_size_limit():,} characters",
            why="a quote that is never closed swallows all rows after it",
            fix="close the quote; text of this length belongs in a file of its own",
            where=where,
        )


def _quoted(names: Sequence[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:20])
    return shown if len(names) <= 20 else f"{shown} and {len(names) - 20} more"


def _empty(file: LandedFile) -> DataError:
    return DataError(
        "data.empty-file",
        what="the file has no header",
        why="an empty file may be an export that failed; it is not read as a table without rows",
        fix="land the export again; a table without rows still has its header",
        where=file.at(),
    )


def _unnamed(file: LandedFile, line: int, positions: Sequence[int]) -> DataError:
    return DataError(
        "data.unnamed-column",
        what=f"the header has no name at position {', '.join(map(str, positions))}",
        why="a column without a name cannot be declared, and an undeclared column may hold anything",
        fix="name the column in the export, or leave it out",
        where=file.at(line),
    )


def _not_in_name(names: Sequence[str], file: LandedFile) -> DataError:
    return DataError(
        "data.name-without-column",
        what=f"the file's name does not hold {_quoted(names)} where `columns_from_path` looks for it",
        why="every row of the file would miss that value",
        fix="name the file as the dataset policy expects, or correct the pattern there",
        where=file.at(),
    )


def _extra(names: Sequence[str], file: LandedFile, table: str) -> DataError:
    return DataError(
        "data.extra-column",
        what=f"table '{table}' has columns the policy does not know: {_quoted(names)}",
        why="a column that nobody declared may identify people; deny by default",
        fix="declare them under `columns` of the dataset policy, or name them in `ignored_columns`",
        where=file.at(1),
    )


def _repeated(names: Sequence[str], file: LandedFile) -> DataError:
    return DataError(
        "data.duplicate-column",
        what=f"the header names {_quoted(names)} more than once",
        why="which of them is meant is not guessed",
        fix="give every column of the export its own name",
        where=file.at(1),
    )
