"""A person table with its event tables, protected as one problem, for callers without a policy.

Releases go through `anonymization.microdata`; this is the same work on tables at hand: the search over the person table, then its
events joined to the people that are left, then a recount of what would be published.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from anonymization.events.details import AT, EventRows, number_tuples, protect_events
from anonymization.evidence import CheckResult
from anonymization.generalize import Generalized, generalize_table
from anonymization.hierarchy import Hierarchy
from anonymization.quasi import QuasiIdentifier
from anonymization.recount_events import PublishedEvents, recount_events
from policies.errors import DataError, PolicyError
from policies.model.events import Events

RECORD = "person_table"
"""The name under which `Events` may name a column of the person table itself."""


@dataclass(frozen=True, slots=True)
class ProtectedPeople:
    """The person table and its events, ready to be published once the person column is replaced or dropped.

    `people` and each table of `events` hold the person's key: they tie the tables together, and must be replaced by random ids, or be
    dropped from all, before anything leaves. `measured` says what each model cost; `checks` is the recount.
    """

    people: pa.Table = field(repr=False)
    events: Mapping[str, pa.Table] = field(repr=False)
    generalized: Generalized
    measured: tuple[dict[str, object], ...]
    checks: tuple[CheckResult, ...]


@dataclass(frozen=True, slots=True)
class PersonColumns:
    """The column that names the person in all tables, and the one of the person table that names the household."""

    person: str
    household: str | None = None


@dataclass(frozen=True, slots=True)
class AskedOfEvents:
    """What must hold of the events, and the hierarchy of each table and column that is named there."""

    models: Events
    hierarchies: Mapping[tuple[str, str], Hierarchy] = field(repr=False)


def protect_people(
    people: ibis.Table,
    events: Mapping[str, ibis.Table],
    *,
    columns: PersonColumns,
    quasi_identifiers: Sequence[QuasiIdentifier],
    k: int,
    suppression_limit: float,
    asked: AskedOfEvents,
) -> ProtectedPeople:
    """Make a person table k-anonymous and the codes and dates of its people safe, and count both anew, joined.

    Args:
        people: One row a person. Not changed.
        events: Any number of rows a person in each, with the person's column. Rows of people who are suppressed go.
        columns: Who is who; a person without a household is one alone, and the household's column does not leave.
        quasi_identifiers: Columns of `people`.
        k: The least number of people, or of households, in a class, and in a combination of codes where a model names no other.
        suppression_limit: The share of the people that may be suppressed.
        asked: What must hold of the events; its tables are the names in `events`, or `person_table`.

    Guarantee: as `generalize_table` of the people, and as `protect_codes` and `protect_dates` of their events, joined.
    Not guaranteed: as there; nothing is said of other columns of the events.

    Raises:
        PolicyError: A table or hierarchy that `models` names is not there.
        DataError: A person twice or null, an event of nobody or of somebody who is not in `people`, or a model that cannot be met.
    """
    models, person, household = asked.models, columns.person, columns.household
    _require(asked, events)
    rows = _with_unit(people, person, household)
    _one_row_each(rows, person)
    generalized = generalize_table(
        rows,
        quasi_identifiers=quasi_identifiers,
        k=k,
        sensitive=(),
        suppression_limit=suppression_limit,
        person=_UNIT,
    )
    kept = generalized.rows.to_pyarrow()
    names = [quasi.column for quasi in quasi_identifiers]
    known = rows.select(person).to_pyarrow().column(person)
    details = {name: _placed(kept, known, table.to_pyarrow(), person) for name, table in events.items()}
    units, classes = number_tuples(kept, [_UNIT]), number_tuples(kept, names)
    done = protect_events(models, EventRows(RECORD, kept, units, classes, details, asked.hierarchies), k=k)
    tables = {name: _keyed(done.rows.records, rows_of, person) for name, rows_of in done.rows.details.items()}
    published = PublishedEvents(RECORD, done.rows.records, person, tables, names, _UNIT)
    checks = recount_events(models, published, k=k)
    failed = [check.name for check in checks if not check.passed]
    if failed:
        raise DataError(
            "data.recount-differs",
            what=f"the independent recount of the events failed: {', '.join(failed)}",
            why="what two ways of counting do not agree on is not released",
            fix="report a fault of the program",
        )
    hidden = [_UNIT, *([household] if household else [])]
    return ProtectedPeople(done.rows.records.drop_columns(hidden), tables, generalized, done.measured, checks)


_UNIT = "__niji_unit"


def _require(asked: AskedOfEvents, events: Mapping[str, ibis.Table]) -> None:
    named = asked.models.columns
    lost = [f"{table}.{column}" for table, column in named if table not in {*events, RECORD}]
    lost += [f"{table}.{column}" for table, column in named if (table, column) not in asked.hierarchies]
    if lost:
        raise PolicyError(
            "policy.event-without-hierarchy",
            what=f"there is no table or no hierarchy for {', '.join(dict.fromkeys(lost))}",
            why="its codes are rolled up along a hierarchy",
            fix="give the table under its name, and a hierarchy for each column of events",
        )


def _with_unit(people: ibis.Table, person: str, household: str | None) -> ibis.Table:
    own = ibis.literal("p:") + people[person].cast("string")
    unit = own if household is None else (ibis.literal("h:") + people[household].cast("string")).fill_null(own)
    return people.mutate(**{_UNIT: unit})


def _one_row_each(rows: ibis.Table, person: str) -> None:
    keys = rows.select(person).to_pyarrow().column(person)
    wrong = keys.null_count + len(keys) - keys.null_count - len(pc.unique(keys.drop_null()))
    if wrong:
        raise DataError(
            "data.duplicate-record",
            what=f"{wrong} rows of the person table have no person, or one who has another row",
            why="a person must be one row, and events belong to one person",
            fix="correct the keys, or put what changes into an event table",
        )


def _placed(kept: pa.Table, known: pa.ChunkedArray, rows: pa.Table, person: str) -> pa.Table:
    strange = int(pc.sum(pc.invert(pc.is_in(rows.column(person), value_set=known.combine_chunks()))).as_py() or 0)
    if strange:
        raise DataError(
            "data.orphan-rows",
            what=f"{strange} rows of an event table are of nobody, or of somebody who is not in the person table",
            why="whose events they are decides how many people a combination has",
            fix="correct the keys, or leave these rows out",
        )
    places = pc.index_in(rows.column(person), value_set=kept.column(person).combine_chunks())
    placed = rows.drop_columns([person]).append_column(AT, pc.cast(places, pa.int64()))
    return placed.filter(pc.is_valid(placed.column(AT)))


def _keyed(kept: pa.Table, rows: pa.Table, person: str) -> pa.Table:
    """Return the event rows with the person's key first, in the order of what they hold."""
    at = rows.column(AT).to_numpy().astype(np.int64)
    keys = kept.column(person).combine_chunks().take(pa.array(at))
    keyed = rows.drop_columns([AT]).add_column(0, person, keys)
    return keyed.sort_by([(name, "ascending") for name in keyed.column_names])
