"""The events of a release's records: which columns hold codes and dates, and the tables with them made safe.

Works on what will be published and nothing else: the records that are left, and the detail rows that belong to them. So the claim
is about the tables as they leave, joined.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from anonymization.events.code_tree import CodeTree, IntArray, build_code_tree
from anonymization.events.combinations import Knowledge
from anonymization.events.holdings import Holdings
from anonymization.events.set_valued import CodesAsked, ProtectedCodes, protect_codes
from anonymization.events.trajectory import protect_dates
from anonymization.hierarchy import Hierarchy
from anonymization.histogram import as_text
from policies.model.events import CodeModel, EventColumn, Events, KmAnonymity, LkcPrivacy, Trajectory, power_of

AT = "__niji_at"
"""The column of a detail table that says which row of the record table it belongs to."""


@dataclass(frozen=True, slots=True)
class EventRows:
    """The tables whose events are protected, as they will be published.

    `records` holds a row a record; `people[i]` numbers the person (or household) of row i, `classes[i]` its class of quasi-identifiers.
    Each of `details` has the column `AT`. `hierarchies` are by table and column.
    """

    record: str
    records: pa.Table = field(repr=False)
    people: IntArray = field(repr=False)
    classes: IntArray = field(repr=False)
    details: Mapping[str, pa.Table] = field(repr=False)
    hierarchies: Mapping[tuple[str, str], Hierarchy] = field(repr=False)

    def table(self, name: str) -> pa.Table:
        """Return a table by name, with `AT`."""
        if name != self.record:
            return self.details[name]
        return self.records.append_column(AT, pa.array(np.arange(self.records.num_rows), pa.int64()))

    def with_table(self, name: str, rows: pa.Table) -> "EventRows":
        """Return the rows with one table in the place of another of its name."""
        if name == self.record:
            return replace(self, records=rows.drop_columns([AT]))
        return replace(self, details={**self.details, name: rows})


@dataclass(frozen=True, slots=True)
class ProtectedEvents:
    """The tables with their events made safe, and what each model cost, in the order of the policy."""

    rows: EventRows
    measured: tuple[dict[str, object], ...]


def protect_events(events: Events, rows: EventRows, *, k: int) -> ProtectedEvents:
    """Make the codes and dates of a release's records safe, codes first.

    Args:
        events: What must hold.
        rows: The tables.
        k: The least number of people where a model names none.

    Guarantee: as `set_valued.protect_codes` and `trajectory.protect_dates`, of the tables that are returned, joined by record.
    Not guaranteed: Anything for who knows codes and dates together, or which code belongs to which date.

    Raises:
        DataError: As these two, and for a code without a place in a hierarchy that refuses.
    """
    measured: list[dict[str, object]] = []
    for model in events.codes:
        rows, done = _codes(model, rows, k=model.k or k)
        measured.append(_said(model, done))
    rows = _without_empty_rows(events, rows)
    for each in events.trajectories:
        rows, said = _dates(each, rows)
        measured.append(said)
    return ProtectedEvents(rows, tuple(measured))


@dataclass(frozen=True, slots=True)
class _Gathered:
    """The entries of some columns, and for each row of each table the entry it belongs to (-1: no or an unknown code)."""

    holdings: Holdings
    tree: CodeTree
    entry_of: tuple[IntArray, ...] = field(repr=False)


def _gathered(columns: Sequence[EventColumn], rows: EventRows, sensitive: IntArray, *, start_level: int) -> _Gathered:
    texts = [_texts(rows.table(each.table), each.column) for each in columns]
    values = [[value for value in pc.unique(text).to_pylist() if value is not None] for text in texts]
    trees = [(rows.hierarchies[each.table, each.column], found) for each, found in zip(columns, values, strict=True)]
    tree = build_code_tree(trees, start_level=start_level)
    keys, unknown = [], []
    for number, (each, text) in enumerate(zip(columns, texts, strict=True)):
        at = rows.table(each.table).column(AT).to_numpy().astype(np.int64)
        code = _numbers(text, {value: tree.places.get((number, value), -1) for value in values[number]})
        # Null is -2: no code at all; -1: a code that its hierarchy does not know.
        keys.append(np.where(code >= 0, at * max(tree.size, 1) + code, -1))
        lost = code == -1
        unknown.append(len(set(zip(at[lost].tolist(), text.filter(pa.array(lost)).to_pylist(), strict=True))))
    entries = np.unique(np.concatenate([key[key >= 0] for key in keys])) if keys else np.array([], np.int64)
    owners, codes = np.divmod(entries, max(tree.size, 1))
    holdings = Holdings(owners, codes, rows.people, sensitive, sum(unknown))
    entry_of = tuple(np.where(key >= 0, np.searchsorted(entries, key), -1) for key in keys)
    return _Gathered(holdings, tree, entry_of)


def _texts(table: pa.Table, column: str) -> pa.Array:
    rows = ibis.memtable(table.select([column]))
    return rows.select(text=as_text(rows[column])).to_pyarrow().column("text").combine_chunks()


def _numbers(text: pa.Array, places: Mapping[str, int]) -> IntArray:
    known = pa.array(list(places), pa.string())
    found = pc.fill_null(pc.index_in(text, value_set=known), -1).to_numpy(zero_copy_only=False)
    numbers = np.array([*places.values(), -2], np.int64)  # the last one is what a null gets
    return np.asarray(numbers[found], np.int64)


def _codes(model: CodeModel, rows: EventRows, *, k: int) -> tuple[EventRows, ProtectedCodes]:
    sensitive = _sensitive(model, rows)
    found = _gathered(model.codes, rows, sensitive, start_level=model.start_level)
    most = model.c if isinstance(model, LkcPrivacy) else None
    asked = CodesAsked(Knowledge(power_of(model), k, most), model.suppress == "entries", model.suppression_limit)
    groups = rows.classes if model.knows == "class_and_codes" else None
    done = protect_codes(found.holdings, found.tree, asked, groups=groups)
    for each, entry_of in zip(model.codes, found.entry_of, strict=True):
        labels = _labels(done.labels, entry_of)
        table = rows.table(each.table)
        changed = table.set_column(table.column_names.index(each.column), each.column, labels)
        if each.table != rows.record and model.repeated_codes == "drop":
            changed = _once(changed, each.column)
        rows = rows.with_table(each.table, changed)
    return rows, done


def _without_empty_rows(events: Events, rows: EventRows) -> EventRows:
    """Remove the rows of details that show no code: one whose codes are hidden would tell how many there were."""
    columns: dict[str, list[str]] = {}
    for each in (column for model in events.codes for column in model.codes):
        if each.table != rows.record:
            columns.setdefault(each.table, []).append(each.column)
    for name, of_table in columns.items():
        table = rows.table(name)
        shown = np.zeros(table.num_rows, bool)
        for column in of_table:
            shown |= pc.is_valid(table.column(column)).to_numpy()
        rows = rows.with_table(name, table.filter(pa.array(shown)))
    return rows


def _sensitive(model: CodeModel, rows: EventRows) -> IntArray:
    if not isinstance(model, LkcPrivacy):
        return np.full(rows.records.num_rows, -1, np.int64)
    text = _texts(rows.records, model.sensitive)
    found = pc.fill_null(pc.index_in(text, value_set=pa.array(list(model.values), pa.string())), -1)
    return np.asarray(found.to_numpy(zero_copy_only=False), np.int64)


def _labels(labels: Sequence[str | None], entry_of: IntArray) -> pa.Array:
    known = pa.array([*labels, None], pa.string())  # -1, the last, is what is not published
    return known.take(pa.array(np.where(entry_of < 0, len(labels), entry_of)))


def _once(table: pa.Table, column: str) -> pa.Table:
    """Leave each label of a record in one row: of several in that whose other columns come last in order."""
    others = [name for name in table.column_names if name not in {AT, column}]
    sortable = pa.table(
        {
            "at": table.column(AT),
            "label": table.column(column),
            **{f"other_{number}": _texts(table, name) for number, name in enumerate(others)},
        }
    )
    keys = [("at", "ascending"), ("label", "ascending")]
    keys += [(f"other_{number}", "descending") for number in range(len(others))]
    order = pc.sort_indices(sortable, sort_keys=keys).to_numpy()
    at = sortable.column("at").to_numpy()[order]
    code = sortable.column("label").combine_chunks().dictionary_encode().indices.fill_null(-1).to_numpy()[order]
    is_first = np.ones(len(at), bool)
    is_first[1:] = (at[1:] != at[:-1]) | (code[1:] != code[:-1])
    stays = np.zeros(len(at), bool)
    stays[order] = is_first
    once = pc.if_else(pa.array(stays), table.column(column), pa.scalar(None, pa.string()))
    return table.set_column(table.column_names.index(column), column, once)


def _dates(each: Trajectory, rows: EventRows) -> tuple[EventRows, dict[str, object]]:
    column = EventColumn(table=each.table, column=each.column)
    nobody = np.full(rows.records.num_rows, -1, np.int64)
    found = _gathered([column], rows, nobody, start_level=0)
    done = protect_dates(
        found.holdings,
        found.tree,
        points=each.points,
        most=each.max_uniqueness,
        suppression_limit=each.suppression_limit,
    )
    table = rows.table(each.table)
    labels = _labels(done.labels, found.entry_of[0])
    changed = table.set_column(table.column_names.index(each.column), each.column, labels)
    said: dict[str, object] = {
        "model": "trajectory",
        "columns": [f"{each.table}.{each.column}"],
        "level": done.level,
        "points": each.points,
        "uniqueness_before": done.before.share,
        "uniqueness": done.after.share,
        "uniqueness_error": done.after.error,
        "entries": done.entries,
        "suppressed_entries": done.suppressed,
    }
    return rows.with_table(each.table, changed), said


def _said(model: CodeModel, done: ProtectedCodes) -> dict[str, object]:
    return {
        "name": model.name,
        "model": "km" if isinstance(model, KmAnonymity) else "lkc",
        "columns": [f"{each.table}.{each.column}" for each in model.codes],
        "entries": done.entries,
        "suppressed_entries": done.suppressed,
        "loss": done.loss,
        "groups": done.groups,
        "is_optimal": done.is_optimal,
    }


def number_tuples(rows: pa.Table, columns: Sequence[str]) -> IntArray:
    """Number the distinct tuples of some columns; nulls are alike."""
    number = np.zeros(rows.num_rows, np.int64)
    for column in columns:
        codes = rows.column(column).combine_chunks().dictionary_encode(null_encoding="encode").indices
        own = codes.to_numpy(zero_copy_only=False).astype(np.int64)
        number = np.unique(number * (int(own.max(initial=0)) + 1) + own, return_inverse=True)[1].astype(np.int64)
    return number
