"""What the scanner raises on the real tables, looked at one by one: what each alarm is, and whether it is right.

An alarm is a kind in a column that blocks or waits for a person when nothing is declared. The tables hold no patient's
identifier, so a true alarm is one on something that really is of the kind: a published address, a web page.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pyarrow as pa

from anonymization.identifier_weights import Weight, weigh
from anonymization.identifiers import scan
from anonymization.japan.identifier_labels import kinds_named_by
from policies.model.scan import IdentifierKind

K = IdentifierKind


@dataclass(frozen=True, slots=True)
class Alarm:
    """One kind in one column of one file; `cells` are the rows that raised it."""

    file: str
    column: str
    kind: IdentifierKind
    weight: Weight
    cells: int


@dataclass(frozen=True, slots=True)
class Triaged:
    """What an alarm turned out to be."""

    file: str
    column: str
    kind: IdentifierKind
    is_true: bool
    what: str


TRIAGED: tuple[Triaged, ...] = (
    Triaged(
        "japan/codes/202508_all_med_inst_cd.zip!all_med_inst_cd.csv",
        "c4",
        K.ADDRESS,
        is_true=True,
        what="published addresses of medical institutions, down to the lot",
    ),
    Triaged("japan/codes/intractable_disease_url.csv", "url", K.URL, is_true=True, what="web pages of the ministry"),
    Triaged("japan/municipality/localgovjp-utf8.csv", "url", K.URL, is_true=True, what="web pages of municipalities"),
    Triaged("japan/municipality/prefjp-utf8.csv", "url", K.URL, is_true=True, what="web pages of prefectures"),
    Triaged(
        "japan/municipality/localgovjp-utf8.csv",
        "lgcode",
        K.PATIENT_NUMBER,
        is_true=False,
        what="municipality codes: six digits with a check digit by modulus 11, as patient numbers have",
    ),
)


@dataclass(frozen=True, slots=True)
class Tally:
    """Alarms over tables, the cells scanned, and hits too few or too likely by chance to be an alarm, by kind."""

    alarms: tuple[Alarm, ...]
    cells: int
    quiet: Counter[IdentifierKind]

    def false_cells(self) -> int:
        """Return the cells that raised a false alarm."""
        wrong = {(one.file, one.column, one.kind) for one in TRIAGED if not one.is_true}
        known = {(one.file, one.column, one.kind) for one in TRIAGED}
        keys = [((one.file, one.column, one.kind), one.cells) for one in self.alarms]
        return sum(cells for key, cells in keys if key in wrong or key not in known)


def tally(tables: Iterable[tuple[str, pa.Table]]) -> Tally:
    """Scan tables as if nothing were declared."""
    alarms: list[Alarm] = []
    quiet: Counter[IdentifierKind] = Counter()
    cells = 0
    for name, table in tables:
        cells += sum(len(column) - column.null_count for column in table.columns)
        for alarm in _weighed(name, table):
            if alarm.weight in (Weight.HOLD, Weight.BLOCK):
                alarms.append(alarm)
            elif alarm.weight is Weight.FEW:
                quiet[alarm.kind] += alarm.cells
    return Tally(tuple(alarms), cells, quiet)


def _weighed(name: str, table: pa.Table) -> Iterator[Alarm]:
    report = scan(table)
    named = {column: kinds_named_by([column]) for column in report.columns()}
    for one in report.scans:
        weight = weigh(one, is_named=one.kind in named[one.column])
        if weight is not Weight.NONE:
            yield Alarm(name, one.column, one.kind, weight, one.rows_hit or one.rows_doubtful)
