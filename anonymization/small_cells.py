"""Count tables whose small cells are hidden and cannot be derived: primary and complementary suppression.

Here: the counts, the table that leaves and its evidence. What to hide besides the small numbers is in `cell_choice`,
what can be derived from the rest in `cell_audit`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from anonymization.cell_audit import BoolArray, IntArray, hidden_intervals
from anonymization.cell_choice import hide_until_wide
from anonymization.evidence import Evidence, Statement
from anonymization.hierarchy import Hierarchy
from anonymization.histogram import as_text
from anonymization.municipalities import POOLED, least_counts, places_of, refuse_unknown
from anonymization.tables import Pseudonymized, SmallCellTable
from anonymization.treat import PERSON, TreatedTable, treat_tables
from policies.errors import DataError, PolicyError
from policies.model import ReleasePolicy
from policies.model.method import SmallCells

TOTAL = "合計 Total"
"""The label of margins. A value of the data that reads the same is refused."""

MISSING = "不明 Unknown"
"""The label of rows without a value in a column that the table is grouped by."""

COUNT = "people"
STATUS = "status"
SHOWN = "shown"
HIDDEN = "hidden"


@dataclass(frozen=True, slots=True)
class HiddenTable:
    """A table with margins, and what of it is hidden.

    `counts` is (rows + 1) × (columns + 1): cells, then the margins in the last row and column, the total in the corner.
    A one-way table has one column, and its second margin repeats the first. `hidden` marks what is not shown.
    """

    counts: IntArray
    hidden: BoolArray


def protect_small_cells(
    release: ReleasePolicy, sources: Mapping[str, Pseudonymized], *, hierarchies: Mapping[str, Hierarchy]
) -> SmallCellTable:
    """Count people by one or two columns, and hide what is small or would give a small cell away.

    A cell counts the distinct people with at least one row in it. A person whose rows fall in several cells is counted
    in each, so a margin is the sum of its cells (person-cell pairs), not a number of distinct people: additivity is
    exact, and so is the audit. All combinations of observed values are cells; those of nobody are 0.

    Cells of 1 … `min_cell` - 1 are hidden, and margins as well. Then, as long as the audit finds a hidden number whose
    feasible interval is narrower than `min_cell`, the numbers of the cheapest circle through it are hidden too. Zeros
    are shown if `zero_allowed`, and then never hidden, so an attacker knows a hidden number to be at least 1.

    With `municipality`, each place has its own least count, and the smallest places are counted together under one
    label, or left out of the table where even together too few people live there.

    Args:
        release: A release with the method `small_cells`.
        sources: The pseudonymized datasets by id. Not changed.
        hierarchies: The hierarchies by name.

    Returns:
        One table called as `method.table`: the grouping columns as text, `people` (int64, null where hidden), `status`
        (`shown` or `hidden`). Margins, if published, are rows labelled `合計 Total`. Rows come in the order of labels.

    Raises:
        PolicyError: The release has another method, or a column to count by is not an output column.
        DataError: The table is empty, a value reads like a margin's label, a municipality is not declared, or nothing
            could be shown.

    Guarantee: Nobody can narrow a hidden number to an interval shorter than `min_cell` from the published numbers, the
    equations of the table and the knowledge that a hidden number is at least 1 (rules CELL-NDB-1, CELL-HOUSE).
    Not guaranteed: Anything against other tables of the same people, published here or elsewhere, or against counts
    from other sources; against who replays the choice of what to hide for all tables that fit. A label listed with a
    hidden number tells that somebody has it.
    """
    method = release.method
    if isinstance(method, SmallCells):
        labels, cells, people = count_cells(release, sources, hierarchies=hierarchies)
        table = hide_small_cells(
            cells, min_cell=_least(method, labels), zero_allowed=method.zero_allowed, margins=method.margins
        )
        published = {method.table: _published(method, labels, table)}
        return SmallCellTable(release, published, _evidence(method, labels, table, people))
    raise _other_method(release)


def count_cells(
    release: ReleasePolicy, sources: Mapping[str, Pseudonymized], *, hierarchies: Mapping[str, Hierarchy]
) -> tuple[tuple[tuple[str, ...], ...], IntArray, int]:
    """Count people by the columns of a release of small cells, before anything is hidden.

    Returns:
        The labels of each grouping column, the cells (rows × columns), and the number of distinct people counted.

    Raises:
        PolicyError, DataError: As `protect_small_cells`.
    """
    method = release.method
    if not isinstance(method, SmallCells):
        raise _other_method(release)
    treated = treat_tables(release, sources, hierarchies=hierarchies).get(method.table)
    if treated is None or PERSON not in treated.rows.columns:
        raise PolicyError(
            "policy.unknown-table",
            what=f"release '{release.id}' counts people in '{method.table}', which is not among its tables of people",
            why="there is nobody to count",
            fix="list the table in the release, or correct `method.table`",
        )
    return _count_people(treated, method)


def _other_method(release: ReleasePolicy) -> PolicyError:
    return PolicyError(
        "policy.other-method",
        what=f"release '{release.id}' has the method '{release.method.kind}'",
        why="this step makes tables of counts",
        fix="use the step of its own method",
    )


def hide_small_cells(cells: IntArray, *, min_cell: int | IntArray, zero_allowed: bool, margins: bool) -> HiddenTable:
    """Choose what to hide in a table of counts, the same for the same table.

    Args:
        cells: Rows × columns of counts, none negative; a one-way table has one column.
        min_cell: Counts of 1 … `min_cell` - 1 are hidden, and no hidden number may be known to less than this width. One
            number for the table, or one for each number of it with its margins.
        zero_allowed: Zeros are shown; otherwise they are small too.
        margins: Row sums, column sums and the total are published; otherwise they are hidden from the start.

    Returns:
        The table with margins and what is hidden of it.

    Raises:
        DataError: Nothing but zeros could be shown.
    """
    counts = with_margins(cells)
    floor = 1 if zero_allowed else 0
    least = np.broadcast_to(np.asarray(min_cell, dtype=np.int64), counts.shape)
    hidden = (counts < least) & ((counts > 0) | (not zero_allowed))
    if margins:
        hidden = hide_until_wide(counts, _twin_margins(hidden), floor=floor, width=least)
    else:
        # Without margins there are no equations: a hidden cell has no upper bound, and nothing else need be hidden.
        hidden = hidden | _margin_mask(counts.shape)
    if not (~hidden & (counts > 0)).any():
        raise _nothing_to_show()
    return HiddenTable(counts, hidden)


def with_margins(cells: IntArray) -> IntArray:
    """Return `cells` with row sums as a last column, column sums as a last row, and the total in the corner."""
    rows = np.concatenate([cells, cells.sum(axis=1, keepdims=True)], axis=1)
    return np.concatenate([rows, rows.sum(axis=0, keepdims=True)], axis=0)


def _margin_mask(shape: tuple[int, ...]) -> BoolArray:
    mask = np.zeros(shape, dtype=bool)
    mask[-1, :] = mask[:, -1] = True
    return mask


def _twin_margins(hidden: BoolArray) -> BoolArray:
    """Hide the copy that a one-way table has of each number: its row sums are its cells, its column sum its total."""
    if hidden.shape[1] != 2:
        return hidden
    either = hidden.any(axis=1, keepdims=True)
    return np.concatenate([either, either], axis=1)


def _nothing_to_show() -> DataError:
    return DataError(
        "data.nothing-to-show",
        what="every number of the table would have to be hidden",
        why="the counts are too small for the table's grouping",
        fix="group by coarser values",
    )


def _count_people(treated: TreatedTable, method: SmallCells) -> tuple[tuple[tuple[str, ...], ...], IntArray, int]:
    """Return the labels of each grouping column, the cells, and the number of distinct people counted."""
    unknown = sorted(set(method.by) - {name for name in treated.rows.columns if not name.startswith("__")})
    if unknown:
        raise PolicyError(
            "policy.unknown-column",
            what=f"the method counts by {', '.join(unknown)}, which '{treated.name}' does not have",
            why="the table cannot be made without it",
            fix="write output names (after `as`) of the table",
        )
    rows = _places(
        treated.rows.select(
            person=treated.rows[PERSON],
            **{f"by_{n}": as_text(treated.rows[name]).fill_null(MISSING) for n, name in enumerate(method.by)},
        ),
        method,
    )
    keys = [f"by_{n}" for n in range(len(method.by))]
    counted = rows.group_by(keys).aggregate(people=rows.person.nunique()).to_pyarrow()
    labels = tuple(tuple(sorted(set(counted.column(key).to_pylist()))) for key in keys)
    if not counted.num_rows or any(TOTAL in found for found in labels):
        raise DataError(
            "data.not-a-table",
            what=f"'{treated.name}' has {counted.num_rows} groups, and no group may read like a margin",
            why="an empty table says nothing, and margins are told by their label",
            fix="check the source, or group by other values",
        )
    cells = np.zeros([len(labels[0]), len(labels[1]) if len(labels) == 2 else 1], dtype=np.int64)
    places = [{label: place for place, label in enumerate(found)} for found in labels]
    for row in counted.to_pylist():
        at = [places[n][row[key]] for n, key in enumerate(keys)]
        cells[at[0], at[1] if len(at) == 2 else 0] = row["people"]
    return labels, cells, int(rows.person.nunique().to_pyarrow().as_py())


def _places(rows: Any, method: SmallCells) -> Any:
    """Count small municipalities together, or leave them out, before anybody is counted."""
    tiers = method.municipality
    if tiers is None or tiers.column not in method.by:
        return rows
    key = f"by_{method.by.index(tiers.column)}"
    refuse_unknown(tiers, rows.select(key).distinct().to_pyarrow().column(key).to_pylist(), unnamed=MISSING)
    places = places_of(tiers)
    if not places.pooled:
        return rows
    is_small = rows[key].isin(places.pooled)
    if not places.is_pool_shown:
        return rows.filter(~is_small)
    return rows.mutate(**{key: is_small.ifelse(POOLED, rows[key])})


def _least(method: SmallCells, labels: Sequence[Sequence[str]]) -> IntArray:
    """Return the least count of each number of the table with its margins."""
    shape = len(labels[0]) + 1, (len(labels[1]) if len(labels) == 2 else 1) + 1
    least = np.full(shape, method.min_cell, dtype=np.int64)
    tiers = method.municipality
    if tiers is None or tiers.column not in method.by:
        return least
    axis = method.by.index(tiers.column)
    along = np.array([*least_counts(tiers, labels[axis], min_cell=method.min_cell), method.min_cell], dtype=np.int64)
    return np.maximum(least, along[:, None] if axis == 0 else along[None, :])


def _published(method: SmallCells, labels: Sequence[Sequence[str]], table: HiddenTable) -> pa.Table:
    height, width = table.counts.shape
    two_way = len(labels) == 2
    rows = range(height if method.margins else height - 1)
    columns = range(width if method.margins and two_way else width - 1)
    places = [(row, column) for row in rows for column in columns]
    names: dict[str, list[str]] = {method.by[0]: [[*labels[0], TOTAL][row] for row, _ in places]}
    if two_way:
        names[method.by[1]] = [[*labels[1], TOTAL][column] for _, column in places]
    shown = [not table.hidden[place] for place in places]
    return pa.table(
        {
            **names,
            COUNT: pa.array(
                [int(table.counts[p]) if s else None for p, s in zip(places, shown, strict=True)], pa.int64()
            ),
            STATUS: pa.array([SHOWN if s else HIDDEN for s in shown], pa.string()),
        }
    )


def _tiers(method: SmallCells) -> dict[str, object]:
    tiers = method.municipality
    if tiers is None:
        return {}
    places = places_of(tiers)
    pool = "together" if places.pooled and places.is_pool_shown else "left_out" if places.pooled else "none"
    return {
        "municipality": {
            "column": tiers.column,
            "source": tiers.source,
            "counted_on": tiers.counted_on.isoformat(),
            "none_below": tiers.none_below,
            "raised_below": tiers.raised_below,
            "raised_min_cell": tiers.raised_min_cell,
            "small_municipalities": len(places.pooled),
            "small_are_shown": pool,
        }
    }


def _evidence(method: SmallCells, labels: Sequence[Sequence[str]], table: HiddenTable, people: int) -> Evidence:
    floor = 1 if method.zero_allowed else 0
    intervals = hidden_intervals(table.counts, table.hidden, floor=floor) if method.margins else ()
    inner = table.hidden[:-1, :-1]
    small = (table.counts < _least(method, labels)) & ((table.counts > 0) | (not method.zero_allowed))
    widths = [interval.width for interval in intervals if interval.width is not None]
    shown = int((table.counts[:-1, :-1] * ~inner).sum())
    pairs = int(table.counts[-1, -1])
    return Evidence(
        method="small_cells",
        people_in=people,
        people_out=None,
        records_in=int(inner.size),
        records_out=int((~inner).sum()),
        guarantee=Statement(
            ja=(
                f"1人以上{method.min_cell}人未満の値は表示せず、公表した値から計算しても、"
                f"隠した値は幅{method.min_cell}以上の範囲までしか絞れない。"
            ),
            en=(
                f"No number from 1 to {method.min_cell - 1} is shown, and no hidden number can be narrowed by calculation"
                f" to an interval shorter than {method.min_cell}."
            ),
        ),
        not_guaranteed=Statement(
            ja="同じ人々についての他の表と組み合わせた場合。合計は人数ではなく、欄ごとの人数の和である。",
            en=(
                "This table together with other tables of the same people. Margins are sums of cells:"
                " a person in several cells counts in each."
            ),
        ),
        loss=1 - shown / pairs if pairs else None,
        parameters={
            "by": list(method.by),
            "min_cell": method.min_cell,
            "zero_allowed": method.zero_allowed,
            "margins": method.margins,
            "margins_are": "sums of cells (person-cell pairs)",
            "missing_values": "own_category",
            **_tiers(method),
        },
        measured={
            "hidden_cells": int(inner.sum()),
            "hidden_primary": int((small[:-1, :-1] & inner).sum()),
            "hidden_complementary": int((~small[:-1, :-1] & inner).sum()),
            "hidden_margins": int(table.hidden.sum() - inner.sum()) if method.margins else None,
            "audit_width_min": min(widths) if widths else None,
            "audit_unbounded": len(intervals) - len(widths) if method.margins else int(inner.sum()),
        },
    )
