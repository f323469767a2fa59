"""Tables as files of the command line: read whole, written whole or not at all.

Delimited text is read as text, with the delimiter guessed from the header line among comma, semicolon and tab; an
empty field is a missing value. Parquet keeps its types. Errors of the libraries quote rows, so they never pass on.
"""

import gzip
import hashlib
import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from policies.errors import DataError, Place, UsageError

if TYPE_CHECKING:
    import pyarrow as pa

DELIMITERS = (",", ";", "\t")
SUFFIXES = (".csv", ".csv.gz", ".parquet")


@dataclass(frozen=True, slots=True)
class TableFile:
    """A table that was read, the delimiter it had (None for Parquet), and the SHA-256 of the file."""

    table: "pa.Table" = field(repr=False)
    delimiter: str | None
    digest: str


def require_suffix(path: Path) -> str:
    """Return which of the known endings `path` has.

    Raises:
        UsageError: None of them.
    """
    for suffix in sorted(SUFFIXES, key=len, reverse=True):
        if path.name.lower().endswith(suffix):
            return suffix
    raise UsageError(
        "usage.table-format",
        what=f"'{path.name}' is neither delimited text nor Parquet by its name",
        why="the ending of the name decides how a table is read and written",
        fix=f"use a name that ends in {', '.join(SUFFIXES)}",
        where=Place(str(path)),
    )


def read_table_file(path: Path) -> TableFile:
    """Read a table.

    Raises:
        UsageError: No such file, or an unknown ending.
        DataError: Unreadable, truncated, not UTF-8, ragged rows, or a column name twice.
    """
    _, header = head_of(path)
    if header is None:
        return TableFile(_read_parquet(path), None, digest_of(path))
    delimiter, columns = header
    return TableFile(_read_delimited(path, delimiter, columns), delimiter, digest_of(path))


def head_of(path: Path) -> tuple[str, tuple[str, list[str]] | None]:
    """Return the ending of a table's name, and for delimited text the delimiter and the column names.

    Raises:
        UsageError: No such file, or an unknown ending.
        DataError: No header line, not UTF-8, or a column name twice.
    """
    suffix = require_suffix(path)
    if not path.is_file():
        raise UsageError(
            "usage.no-such-file",
            what=f"there is no file '{path}'",
            why="the table is read from it",
            fix="check the path",
            where=Place(str(path)),
        )
    return suffix, None if suffix == ".parquet" else _header(path, is_packed=suffix == ".csv.gz")


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file, as evidence names it."""
    with path.open("rb") as stream:
        return "sha256:" + hashlib.file_digest(stream, "sha256").hexdigest()


def unreadable(path: Path, what: str, fix: str = "check it, and write it again") -> DataError:
    """Return the error for a file that cannot be read."""
    return DataError(
        "data.unreadable", what=what, why="a table is read whole or not at all", fix=fix, where=Place(str(path))
    )


def _header(path: Path, *, is_packed: bool) -> tuple[str, list[str]]:
    import csv

    try:
        if is_packed:
            with gzip.open(path, "rt", encoding="utf-8-sig", newline="") as lines:
                first = lines.readline()
        else:
            with path.open(encoding="utf-8-sig", newline="") as lines:
                first = lines.readline()
    except UnicodeDecodeError:
        raise _not_utf8(path) from None
    except (OSError, EOFError):
        raise unreadable(path, "the file cannot be read", "check that it is complete and not damaged") from None
    if not first.strip():
        raise DataError(
            "data.empty",
            what="the file has no header line",
            why="columns are known by their names",
            fix="write the column names in the first line",
            where=Place(str(path), 1),
        )
    delimiter = max(DELIMITERS, key=first.count)
    columns = next(csv.reader([first.rstrip("\r\n")], delimiter=delimiter))
    if len(set(columns)) != len(columns):
        raise DataError(
            "data.duplicate-column",
            what="two columns have the same name",
            why="a column must be known by its name",
            fix="rename one of them in the header",
            where=Place(str(path), 1),
        )
    return delimiter, columns


def _not_utf8(path: Path) -> DataError:
    return DataError(
        "data.encoding",
        what="the file is not UTF-8",
        why="a value read in the wrong encoding is in no hierarchy",
        fix="convert it, for example with: iconv -f CP932 -t UTF-8",
        where=Place(str(path)),
    )


@dataclass(slots=True)
class RaggedRows:
    """How many rows have another number of fields than the header; their text is not looked at."""

    rows: int = 0

    def count(self, row: Any) -> str:
        """Count a row that Arrow refuses, and go on, to say how many there are."""
        del row  # quotes the row's text
        self.rows += 1
        return "skip"

    def require_none(self, path: Path, fields: int) -> None:
        """Refuse a file with such rows.

        Raises:
            DataError: `data.ragged-rows`.
        """
        if self.rows:
            raise DataError(
                "data.ragged-rows",
                what=f"{self.rows} row(s) have another number of fields than the header ({fields})",
                why="their values cannot be told apart",
                fix="quote fields that hold the delimiter, or correct the rows",
                where=Place(str(path)),
            )


def delimited_options(delimiter: str, columns: list[str]) -> tuple[dict[str, Any], RaggedRows]:
    """Return how Arrow reads delimited text, all of it as text, and what will count its ragged rows."""
    import pyarrow as pa
    from pyarrow import csv

    ragged = RaggedRows()
    return {
        "parse_options": csv.ParseOptions(
            delimiter=delimiter, newlines_in_values=True, invalid_row_handler=ragged.count
        ),
        "convert_options": csv.ConvertOptions(
            column_types=dict.fromkeys(columns, pa.string()),
            strings_can_be_null=True,
            null_values=[""],
        ),
    }, ragged


def as_table_error(path: Path, error: Exception) -> DataError:
    """Return what Arrow's error says of delimited text, without its words, which quote a row."""
    if "UTF8" in str(error) or "UTF-8" in str(error):
        return _not_utf8(path)
    return unreadable(path, "the file is not delimited text, or is cut off")


def _read_delimited(path: Path, delimiter: str, columns: list[str]) -> "pa.Table":
    import pyarrow as pa
    from pyarrow import csv

    options, ragged = delimited_options(delimiter, columns)
    try:
        table = csv.read_csv(path, **options)
    except (pa.ArrowException, OSError, EOFError) as error:
        raise as_table_error(path, error) from None
    ragged.require_none(path, len(columns))
    return table


def _read_parquet(path: Path) -> "pa.Table":
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError):
        raise unreadable(path, "the file is not Parquet, or is cut off") from None
    plain = [
        pa.field(item.name, item.type.value_type if pa.types.is_dictionary(item.type) else item.type)
        for item in table.schema
    ]
    return table.cast(pa.schema(plain)).replace_schema_metadata(None)


def write_table_file(table: "pa.Table", path: Path, *, delimiter: str) -> None:
    """Write a table under a temporary name and rename it, so that nothing half-written is ever at `path`.

    Raises:
        UsageError: An unknown ending.
        DataError: The file cannot be written.
    """
    suffix = require_suffix(path)

    def write(temporary: Path) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq
        from pyarrow import csv

        if suffix == ".parquet":
            pq.write_table(table, temporary, compression="zstd")
            return
        options = csv.WriteOptions(delimiter=delimiter, quoting_style="needed")
        # The stream is named: Arrow would compress by the temporary name, which has no ending.
        with pa.OSFile(str(temporary), "wb") as plain:
            if suffix == ".csv.gz":
                with pa.CompressedOutputStream(plain, "gzip") as packed:
                    csv.write_csv(table, packed, options)
            else:
                csv.write_csv(table, plain, options)

    write_whole(path, write)


def write_whole(path: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a temporary file beside `path`, then rename it; whatever goes wrong, nothing is left of it.

    Guarantee: what was at `path` stays whole until the new file is; also if the process is killed, when a hidden file
    of another name is left, never one at `path`.

    Raises:
        DataError: The file cannot be written (`output.cannot-write`).
    """
    temporary: Path | None = None
    try:
        handle, name = tempfile.mkstemp(prefix=".niji-", dir=path.parent)
        temporary = Path(name)
        os.close(handle)
        write(temporary)
        temporary.chmod(0o644)
        temporary.replace(path)
        temporary = None
    except OSError as error:
        raise cannot_write(path, error) from None
    finally:
        if temporary is not None:
            with suppress(OSError):
                temporary.unlink()


def cannot_write(path: Path, error: OSError) -> DataError:
    """Return the error for an output that the disk refuses."""
    return DataError(
        "output.cannot-write",
        what=f"'{path.name}' cannot be written ({error.strerror or 'input/output error'})",
        why="a release is written whole or not at all",
        fix="check that the folder exists, is writable and has room, and run again",
        where=Place(str(path)),
    )
