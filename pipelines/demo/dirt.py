"""Rows that do not fit, as real exports have them: extra rows, each wrong for one known reason.

A dirty row never replaces a clean one, so whoever puts the dirty rows aside is left with exactly the clean ones. The
reasons are the codes of `pipelines.sources.quarantine.Reason` (not imported: the generator knows no reader).
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

SHARE = 0.002

NOT_A_DATE = "not_a_date"
NOT_A_NUMBER = "not_a_number"
MISSING_REQUIRED = "missing_required"
NOT_ALLOWED = "not_allowed"
WRONG_FIELD_COUNT = "wrong_field_count"

Row = dict[str, str | None]


@dataclass(frozen=True, slots=True)
class Defect:
    """One way to be wrong: the reason code, and what is written in which column (empty column: the row is cut short)."""

    reason: str
    column: str
    values: tuple[str, ...] = ("",)


DEFECTS: Mapping[str, tuple[Defect, ...]] = {
    "patients": (
        Defect(NOT_A_DATE, "birth_date", ("1950-02-30", "S64.13.40", "昭和65年1月1日", "不明", "1947/1x/03")),
        Defect(MISSING_REQUIRED, "patient_no"),
        Defect(NOT_ALLOWED, "sex", ("3", "男", "F", "9")),
        Defect(WRONG_FIELD_COUNT, ""),
    ),
    "admissions": (
        Defect(NOT_A_DATE, "admit_date", ("2021-02-30", "2020-13-01", "20l9-04-01", "令和元年4月31日")),
        Defect(NOT_A_NUMBER, "height_cm", ("測定不能", "16O.5", "158cm")),
        Defect(MISSING_REQUIRED, "patient_no"),
        Defect(NOT_ALLOWED, "outcome", ("不明瞭", "9")),
        Defect(WRONG_FIELD_COUNT, ""),
    ),
    "labs": (
        Defect(NOT_A_NUMBER, "value", ("溶血", ">500", "12.a", "検査中止")),
        Defect(NOT_A_DATE, "lab_date", ("2022-00-10", "2023-11-31")),
        Defect(MISSING_REQUIRED, "admission_id"),
        Defect(WRONG_FIELD_COUNT, ""),
    ),
}


@dataclass(frozen=True, slots=True)
class Dirt:
    """Dirty rows of one block: cells in column order (fewer for a row cut short), and how many there are per reason."""

    rows: list[list[str]]
    counts: Counter[str]


def make_dirt(
    rng: np.random.Generator,
    table: str,
    clean: pa.Table,
    *,
    is_first: bool,
    change: Callable[[Row, int], None] | None = None,
) -> Dirt:
    """Make about one dirty row per five hundred clean ones; the first block has each defect at least once.

    Args:
        rng: Where the draws come from.
        table: A key of `DEFECTS`.
        clean: The clean rows of the block, all columns text.
        is_first: Whether this is the first block.
        change: Called on each copied row with its number in the block, to give it keys of its own.
    """
    defects = DEFECTS[table]
    count = max(int(rng.poisson(clean.num_rows * SHARE)), len(defects) if is_first else 0)
    if clean.num_rows == 0:
        return Dirt([], Counter())
    copied = clean.take(pa.array(rng.integers(0, clean.num_rows, count))).to_pylist()
    rows, counts = [], Counter[str]()
    for number, row in enumerate(copied):
        defect = defects[number % len(defects)]
        if change is not None:
            change(row, number)
        cells = ["" if cell is None else cell for cell in _spoil(row, defect, int(rng.integers(0, 1 << 30)))]
        rows.append(cells)
        counts[defect.reason] += 1
    return Dirt(rows, counts)


def _spoil(row: Row, defect: Defect, draw: int) -> list[str | None]:
    if not defect.column:
        cells = list(row.values())
        return cells[: 2 + draw % (len(cells) - 3)]
    spoiled = row | {defect.column: defect.values[draw % len(defect.values)]}
    return list(spoiled.values())
