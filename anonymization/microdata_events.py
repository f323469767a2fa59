"""The events of a microdata release: which detail tables they are in, what is done to them, and the evidence of it.

Here the tables of a release meet `events`; whom k counts, a person or a household, is decided here, too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import ibis
import pyarrow as pa
import pyarrow.compute as pc

from anonymization.events.details import AT, EventRows, number_tuples, protect_events
from anonymization.evidence import CheckResult
from anonymization.hierarchy import Hierarchy
from anonymization.rare_values import without_rare
from anonymization.recount_event_labels import EventPair, SourceCodes, label_check_name, recount_event_labels
from anonymization.recount_events import PublishedEvents, recount_events
from anonymization.treat import HOUSEHOLD, PERSON, RECORD, TreatedTable
from policies.errors import DataError, PolicyError
from policies.model.events import Events, LkcPrivacy, judged_columns
from policies.model.method import Microdata
from policies.model.treatment import Microaggregate

UNIT = "__unit"
"""The column that says whom k counts: the household where one is declared, else the person; it never leaves."""


def with_unit(rows: ibis.Table) -> ibis.Table:
    """Return the rows with `UNIT`; a person without a household is a household alone."""
    if HOUSEHOLD not in rows.columns:
        return rows.mutate(**{UNIT: rows[PERSON]})
    own = ibis.literal("p:") + rows[PERSON].cast("string")
    return rows.mutate(**{UNIT: (ibis.literal("h:") + rows[HOUSEHOLD].cast("string")).fill_null(own)})


def searched_events(method: Microdata, table: str) -> frozenset[str]:
    """Return the columns of a table whose level the events decide."""
    return frozenset(column for name, column in method.event_columns if name == table)


@dataclass(frozen=True, slots=True)
class DetailRows:
    """A detail table on its way: its rows with the column `key` that names the record, rare values, hierarchies by column."""

    rows: ibis.Table = field(repr=False)
    key: str
    rare: Mapping[str, int]
    searched: Mapping[str, str]
    rare_within: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    means: Mapping[str, Microaggregate] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CodesBefore:
    """The codes of an event column as treated, a row a code, the record's key in the first column; and their hierarchy."""

    rows: pa.Table = field(repr=False)
    keys: pa.ChunkedArray = field(repr=False)
    hierarchy: Hierarchy = field(repr=False)


@dataclass(frozen=True, slots=True)
class ReleasedEvents:
    """Records and details with their events made safe, before they get their new ids; `measured` is for the evidence.

    `before` holds the codes that each event column had, under the keys of the source, for the recount.
    """

    records: pa.Table = field(repr=False)
    details: Mapping[str, pa.Table] = field(repr=False)
    measured: tuple[dict[str, object], ...]
    before: Mapping[EventPair, "CodesBefore"] = field(repr=False)

    def numbered(self, name: str, id_column: str, ids: Sequence[str]) -> pa.Table:
        """Return a detail table under the new ids of its records, in the order of what is published."""
        table = self.details[name]
        own = [column for column in table.column_names if column != AT]
        new = pa.array(ids, pa.string()).take(table.column(AT).combine_chunks())
        linked = table.select(own).add_column(0, id_column, new)
        return linked.sort_by([(column, "ascending") for column in linked.column_names])


def release_events(
    method: Microdata,
    kept: pa.Table,
    *,
    record: TreatedTable,
    details: Mapping[str, DetailRows],
    hierarchies: Mapping[str, Hierarchy],
) -> ReleasedEvents:
    """Make the codes and dates of the records that are left safe.

    Args:
        method: The method, with `events`.
        kept: The records that will be published, with `UNIT` and, if there are details, `RECORD`.
        record: The record table.
        details: The detail tables that hold events.
        hierarchies: By name.

    Raises:
        PolicyError: An event column is in no table, or its last treatment does not leave it to the search.
        DataError: As `events.details.protect_events`; a detail row without a record.
    """
    if method.events is None:
        return ReleasedEvents(kept, {}, (), {})
    _require_own_columns(method, method.events)
    searched = {record.name: record.searched, **{name: detail.searched for name, detail in details.items()}}
    rows = EventRows(
        record=record.name,
        records=kept,
        people=number_tuples(kept, [UNIT]),
        classes=number_tuples(kept, list(method.quasi_identifiers)),
        details={name: _placed(kept, detail) for name, detail in details.items()},
        hierarchies={pair: _hierarchy(pair, searched, hierarchies) for pair in method.event_columns},
    )
    done = protect_events(method.events, rows, k=method.k)
    before = {pair: _before(pair, kept, details, rows.hierarchies[pair]) for pair in method.event_columns}
    return ReleasedEvents(done.rows.records, done.rows.details, done.measured, before)


def _before(pair: EventPair, kept: pa.Table, details: Mapping[str, DetailRows], hierarchy: Hierarchy) -> CodesBefore:
    """Return the codes of a column: of a detail those of the source, of the record table those of the rows that are left."""
    table, column = pair
    if table in details:
        detail = details[table]
        rows = detail.rows.select([detail.key, column]).to_pyarrow()
        return CodesBefore(rows, kept.column(RECORD), hierarchy)
    places = pa.chunked_array([pa.array(range(kept.num_rows), pa.int64())])
    return CodesBefore(pa.table({AT: places, column: kept.column(column)}), places, hierarchy)


def _require_own_columns(method: Microdata, events: Events) -> None:
    judged = judged_columns(events, [*method.quasi_identifiers, *(model.column for model in method.sensitive)])
    twice = sorted(column for table, column in events.columns if table == method.record and column in judged)
    if twice:
        raise PolicyError(
            "policy.event-column-judged-twice",
            what=f"{', '.join(twice)} of '{method.record}' is an event column and a quasi-identifier or sensitive column",
            why="events change codes after the classes were made and judged, so what was counted would not be what leaves",
            fix="take the column out of `events`, or out of `quasi_identifiers` and `sensitive`",
        )


def _hierarchy(
    pair: tuple[str, str], searched: Mapping[str, Mapping[str, str]], hierarchies: Mapping[str, Hierarchy]
) -> Hierarchy:
    table, column = pair
    name = searched.get(table, {}).get(column)
    if name is None or name not in hierarchies:
        raise PolicyError(
            "policy.event-without-hierarchy",
            what=f"the event column '{column}' of '{table}' does not leave there, or not with a level that is searched",
            why="its codes are rolled up along a hierarchy",
            fix="end its treatments with `{op: generalize, hierarchy: …, level: search}`, or take it out of `events`",
        )
    return hierarchies[name]


def _placed(kept: pa.Table, detail: DetailRows) -> pa.Table:
    """Return the detail rows of the records that are left, with the place of their record."""
    inside = detail.rows.semi_join(ibis.memtable(kept.select([RECORD])), [(detail.key, RECORD)])
    rows = without_rare(inside, detail.rare, within=detail.rare_within, means=detail.means).to_pyarrow()
    places = pc.index_in(rows.column(detail.key), value_set=kept.column(RECORD).combine_chunks())
    own = [name for name in rows.column_names if name not in {detail.key, PERSON}]
    return rows.select(own).append_column(AT, pc.cast(places, pa.int64()))


def events_evidence(events: ReleasedEvents | None) -> dict[str, object]:
    """Return what the events cost, for the evidence; nothing where none were asked for."""
    return {} if events is None else {"events": [dict(each) for each in events.measured]}


def recount_published(
    method: Microdata,
    tables: Mapping[str, ibis.Table],
    *,
    before: Mapping[EventPair, CodesBefore],
    ids: Sequence[str],
    units: pa.ChunkedArray,
    id_column: str,
) -> tuple[CheckResult, ...]:
    """Have the events recounted in the tables that leave, joined, while it is still known whose each record is.

    Their labels are held against the codes of the source, too.

    Raises:
        DataError: The recount does not agree.
    """
    if method.events is None:
        return ()
    owner = pa.table({id_column: pa.array(ids, pa.string()), UNIT: units})
    records = tables[method.record].to_pyarrow().join(owner, id_column)
    published = published_events(method, records, tables, id_column, unit=UNIT)
    new = pa.array(ids, pa.string())
    sources = {
        pair: SourceCodes(codes.rows, pa.table({"own": codes.keys, "id": new}), codes.hierarchy)
        for pair, codes in before.items()
    }
    checks = recount_events(method.events, published, k=method.k) + recount_event_labels(published, sources)
    failed = [check.name for check in checks if not check.passed]
    if failed:
        raise DataError(
            "data.recount-differs",
            what=f"the independent recount of the events that would leave failed: {', '.join(failed)}",
            why="a release that two ways of counting do not agree on is not released",
            fix="report a fault of the program",
        )
    return checks


def published_events(
    method: Microdata,
    records: pa.Table,
    tables: Mapping[str, ibis.Table | pa.Table],
    id_column: str,
    *,
    unit: str | None = None,
) -> PublishedEvents:
    """Return what a recount of events looks at: the record table and the detail tables that hold events."""
    named = {table for table, _ in method.event_columns} - {method.record}
    details = {
        name: rows if isinstance(rows, pa.Table) else rows.to_pyarrow()
        for name, rows in tables.items()
        if name in named
    }
    wanted = [id_column, *method.quasi_identifiers, *([unit] if unit else [])]
    wanted += [column for table, column in method.event_columns if table == method.record]
    models = method.events.codes if method.events else ()
    wanted += [model.sensitive for model in models if isinstance(model, LkcPrivacy)]
    return PublishedEvents(
        record=method.record,
        records=records.select(list(dict.fromkeys(wanted))),
        record_id=id_column,
        details=details,
        quasi_identifiers=method.quasi_identifiers,
        unit=unit,
    )


def label_checks(method: Microdata) -> tuple[str, ...]:
    """Return the checks of labels that a release with events must have on its evidence."""
    return tuple(label_check_name(table, column) for table, column in method.event_columns)
