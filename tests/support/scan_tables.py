"""Real tables for the scanner: every delimited file of the shared inputs that holds cells, as columns of text.

Cells are read as text, as a landing would read them before types are known; that is the hardest form for the scanner.
Nothing is typed, so numbers keep their zeros.
"""

import csv
import gzip
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

_ENCODINGS = ("utf-8-sig", "cp932")
_SEMICOLONS = ("adult", "arx-small")


def real_tables(shared_data: Path) -> Iterator[tuple[str, pa.Table]]:
    """Yield `folder/file` and its cells for the clinical tables and the Japanese reference data."""
    for part in ("clinical-tabular", "japan"):
        for path in sorted((shared_data / part).rglob("*")):
            name = path.relative_to(shared_data).as_posix()
            if path.is_file() and path.name not in ("FILES.tsv", "README.md"):
                for inner, data in _contents(path):
                    yield f"{name}{inner}", as_text_table(data, is_semicolon=path.parent.name in _SEMICOLONS)


def _contents(path: Path) -> Iterator[tuple[str, bytes]]:
    if path.name.endswith((".csv", ".tsv")):
        yield "", path.read_bytes()
    elif path.name.endswith((".csv.gz", ".tsv.gz")):
        yield "", gzip.decompress(path.read_bytes())
    elif path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            for inner in archive.namelist():
                if inner.endswith(".csv"):
                    yield f"!{inner}", archive.read(inner)


def as_text_table(data: bytes, *, is_semicolon: bool = False) -> pa.Table:
    """Read delimited text with its first row as header; short rows are filled with nulls, empty cells are null."""
    text = _decoded(data)
    first = text.split("\n", 1)[0]
    delimiter = ";" if is_semicolon else "\t" if first.count("\t") > first.count(",") else ","
    rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row]
    has_header = not any(cell.isdigit() for cell in rows[0])
    names = rows[0] if has_header else [f"c{at}" for at in range(len(rows[0]))]
    body = rows[1:] if has_header else rows
    width = max(len(names), *(len(row) for row in body[:1000])) if body else len(names)
    columns = [[row[at] or None if at < len(row) else None for row in body] for at in range(width)]
    unique = [f"{name}.{at}" if name in names[:at] or not name else name for at, name in enumerate(names)]
    unique += [f"c{at}" for at in range(len(names), width)]
    return pa.table({name: pa.array(cells, pa.string()) for name, cells in zip(unique, columns, strict=True)})


def _decoded(data: bytes) -> str:
    for encoding in _ENCODINGS:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("utf-8", errors="replace")
