"""The recount of a table of counts: nothing small is shown, and nothing hidden can be narrowed from the rest."""

import numpy as np
import pyarrow as pa

from anonymization.cell_audit import hidden_intervals
from anonymization.evidence import CheckResult
from anonymization.municipalities import POOLED
from anonymization.release_checks.verdict import verdict
from anonymization.small_cells import COUNT, HIDDEN, MISSING, SHOWN, STATUS, TOTAL
from anonymization.tables import SmallCellTable
from policies.model.method import SmallCells


def recount_small_cells(protected: SmallCellTable) -> tuple[CheckResult, ...]:
    """Recount a table of counts: what is small is hidden, and what is hidden cannot be narrowed."""
    method = protected.release.method
    if not isinstance(method, SmallCells) or set(protected.tables) != {method.table}:
        return (verdict("method", 1, "the release has its one table of counts"),)
    table = protected.tables[method.table]
    counts, status = table.column(COUNT).to_pylist(), table.column(STATUS).to_pylist()
    least = _least(method, _places(method, table))
    small = sum(
        count is not None and count < floor and not (count == 0 and method.zero_allowed and floor < NEVER)
        for count, floor in zip(counts, least, strict=True)
    )
    unclear = sum((count is None) != (state == HIDDEN) for count, state in zip(counts, status, strict=True))
    unclear += sum(state not in {SHOWN, HIDDEN} for state in status)
    return (
        verdict("min_cell", small, f"no number from 1 to {method.min_cell - 1} is shown", rule="CELL-NDB-1"),
        verdict("status", unclear, "a number is missing exactly where it is marked as hidden"),
        _audit(method, table),
    )


NEVER = 10**12
"""The least count of a place of which no number is shown: nobody lives there in such numbers."""


def _least(method: SmallCells, labels: list[str]) -> list[int]:
    """Return the least count for each label of the column of municipalities, read anew from the policy's inhabitants."""
    tiers = method.municipality
    if tiers is None:
        return [method.min_cell] * len(labels)
    small = sum(people for people in tiers.inhabitants.values() if people < tiers.none_below)
    lives = {**tiers.inhabitants, POOLED: small, TOTAL: NEVER, MISSING: NEVER}
    least = []
    for label in labels:
        people = lives.get(label, 0)  # a place that nobody declared is too small to be shown
        raised = max(method.min_cell, tiers.raised_min_cell) if people < tiers.raised_below else method.min_cell
        least.append(NEVER if people < tiers.none_below else raised)
    return least


def _places(method: SmallCells, table: pa.Table) -> list[str]:
    """Return the labels of the column of municipalities, one for each published row; of the first column without one."""
    column = method.by[0] if method.municipality is None else method.municipality.column
    return [str(label) for label in table.column(column).to_pylist()]


def _widths(method: SmallCells, table: pa.Table, shape: tuple[int, ...]) -> np.ndarray:
    """Return how wide the interval of each number must be, in the layout of `_grid`."""
    axis = 0 if method.municipality is None else method.by.index(method.municipality.column)
    least = _least(method, [*sorted(set(_places(method, table)) - {TOTAL}), TOTAL])
    along = np.array([min(each, NEVER) for each in least], dtype=np.int64)
    return np.broadcast_to(along[:, None] if axis == 0 else along[None, :], shape)


def _audit(method: SmallCells, table: pa.Table) -> CheckResult:
    """Narrow the hidden numbers from the published table alone, as an attacker would."""
    what = f"no hidden number can be narrowed to less than {method.min_cell}"
    shown = _grid(method, table)
    if shown is None:
        return verdict("audit", 1, what, rule="CELL-HOUSE")
    counts, hidden = shown
    if not method.margins:
        # No sum is published, so there is no equation to narrow anything with.
        return verdict("audit", 0, what, rule="CELL-HOUSE", hidden=int(hidden[:-1, :-1].sum()))
    floor = 1 if method.zero_allowed else 0
    completed = _complete(counts, hidden, floor)
    if completed is None:
        return verdict("audit", 1, what, rule="CELL-HOUSE")
    intervals = hidden_intervals(completed, hidden, floor=floor)
    needed = _widths(method, table, counts.shape)
    known = [(interval.width, needed[interval.row, interval.column]) for interval in intervals]
    narrow = sum(width is not None and width < least for width, least in known)
    smallest = min((width for width, _ in known if width is not None), default=None)
    return verdict("audit", narrow, what, rule="CELL-HOUSE", hidden=len(intervals), width_min=smallest)


def _grid(method: SmallCells, table: pa.Table) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the published numbers as a table with margins (hidden ones 0), and what is hidden of it."""
    by = [table.column(name).to_pylist() for name in method.by]
    axes = [sorted(set(labels) - {TOTAL}) for labels in by]
    rows = {label: place for place, label in enumerate([*axes[0], TOTAL])}
    columns = {label: place for place, label in enumerate([*axes[1], TOTAL])} if len(by) == 2 else {"": 0, TOTAL: 1}
    counts = np.zeros([len(rows), len(columns)], dtype=np.int64)
    hidden = np.ones(counts.shape, dtype=bool)
    for place, count in enumerate(table.column(COUNT).to_pylist()):
        at = rows[by[0][place]], columns[by[1][place]] if len(by) == 2 else 0
        if count is not None:
            counts[at], hidden[at] = count, False
    if len(by) == 1:
        counts[:, 1], hidden[:, 1] = counts[:, 0], hidden[:, 0]
    expected = len(rows) * len(columns) if len(by) == 2 else len(rows)
    if not method.margins:
        expected = (len(rows) - 1) * (len(columns) - 1) if len(by) == 2 else len(rows) - 1
    return (counts, hidden) if table.num_rows == expected else None


def _complete(counts: np.ndarray, hidden: np.ndarray, floor: int) -> np.ndarray | None:
    """Return one table that fits all published numbers, hidden ones filled in; None if there is none.

    The audit needs any such table to start from: which one does not matter, because intervals are those of all.
    """
    from scipy.optimize import linprog

    places = np.argwhere(hidden)
    if not len(places):
        return counts if _adds_up(counts) else None
    height, width = counts.shape
    equations, sums = [], []
    for axis, length in ((0, height), (1, width)):
        for line in range(length):
            sign = np.where((places[:, 1 - axis] == (width if axis == 0 else height) - 1), -1.0, 1.0)
            equations.append(np.where(places[:, axis] == line, sign, 0.0))
            numbers = counts[line, :] if axis == 0 else counts[:, line]
            sums.append(float(numbers[-1] - numbers[:-1].sum()))
    found = linprog(
        np.ones(len(places)), A_eq=np.array(equations), b_eq=np.array(sums), bounds=(floor, None), method="highs-ds"
    )
    if found.status != 0:
        return None
    completed = counts.copy()
    completed[hidden] = np.rint(found.x).astype(np.int64)
    return completed if _adds_up(completed) else None


def _adds_up(counts: np.ndarray) -> bool:
    rows = (counts[:, :-1].sum(axis=1) == counts[:, -1]).all()
    return bool(rows and (counts[:-1, :].sum(axis=0) == counts[-1, :]).all())
