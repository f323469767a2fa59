"""Read the demo hospital's landing files by the contract alone, with nothing of the product: an independent reader."""

import collections
import csv
import gzip
import io
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa

from anonymization.japan.eras import parse_wareki

ENCODINGS = {
    "admissions/patients.csv": "cp932",
    "admissions/admissions.csv": "utf-8-sig",
    "admissions/diagnoses.csv": "utf-8",
    "admissions/labs.csv.gz": "utf-8",
    "admissions/optouts.csv": "euc-jp",
    "cohort/samples.csv": "utf-8",
    "cohort/consents.csv": "utf-8",
}

_DATES = ("birth_date", "admit_date", "discharge_date", "lab_date", "decided_on", "collected_on")
_NUMBERS = ("height_cm", "weight_kg", "value")
_CLOSED = {"sex": {"1", "2"}, "outcome": {"治癒", "軽快", "不変", "死亡", "転院"}}
_REQUIRED = ("patient_no", "admission_id")


@dataclass(frozen=True)
class Landing:
    """Clean rows as dictionaries and as Arrow text, and the number of other rows by reason."""

    clean: dict[str, list[dict[str, str]]]
    dirty: dict[str, collections.Counter]

    @property
    def arrow(self) -> dict[str, pa.Table]:
        return {
            file: pa.table({name: [row[name] for row in rows] for name in rows[0]})
            for file, rows in self.clean.items()
            if rows
        }


def read_landing(folder: Path) -> Landing:
    """Read and sort every file's rows into clean ones and reasons."""
    clean, dirty = {}, {}
    for file, encoding in ENCODINGS.items():
        data = (folder / file).read_bytes()
        text = (gzip.decompress(data) if file.endswith(".gz") else data).decode(encoding)
        lines = csv.reader(io.StringIO(text, newline=""), strict=True)
        header = next(lines)
        clean[file], dirty[file] = [], collections.Counter()
        for cells in lines:
            reason = _reason(header, cells)
            if reason:
                dirty[file][reason] += 1
            else:
                clean[file].append(dict(zip(header, cells, strict=True)))
    return Landing(clean, dirty)


def _reason(header: list[str], cells: list[str]) -> str | None:
    if len(cells) != len(header):
        return "wrong_field_count"
    row = dict(zip(header, cells, strict=True))
    if any(row.get(name, "x") == "" for name in _REQUIRED):
        return "missing_required"
    if any(name in row and not _is_date(row[name]) for name in _DATES):
        return "not_a_date"
    if any(row.get(name) and not _is_number(row[name]) for name in _NUMBERS):
        return "not_a_number"
    if any(name in row and row[name] not in allowed for name, allowed in _CLOSED.items()):
        return "not_allowed"
    return None


def _is_date(text: str) -> bool:
    if parse_wareki(text):
        return True
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
