"""Whether the events of a microdata release fit its tables (CONS-02), and how many people a shown code has (APPI-24)."""

from collections.abc import Iterator

from policies.model.events import Events, LkcPrivacy, judged_columns
from policies.model.method import Microdata
from policies.model.treatment import Generalize
from policies.places import Key
from policies.rules.view import Fate, Problem, ReleaseView, listed
from policies.vocabulary import ColumnRole, ColumnType, TableKind

_DATES = frozenset({ColumnType.DATE, ColumnType.TIMESTAMP})


def event_problems(view: ReleaseView, method: Microdata) -> Iterator[Problem]:
    """Yield what is wrong with `method.events` and `method.household`."""
    if method.household is not None:
        yield from _household(view, method)
    if method.events is None:
        return
    yield from _judged(method, method.events)
    for index, model in enumerate(method.events.codes):
        keys: tuple[Key, ...] = ("method", "events", "codes", index)
        for place, each in enumerate(model.codes):
            yield from _column(view, each.table, each.column, (*keys, "codes", place))
        if isinstance(model, LkcPrivacy):
            shown = sorted(fate.column.output_name for fate in view.fates_of(method.record) if fate.leaves)
            if model.sensitive not in shown:
                what = f"sensitive column '{model.sensitive}' is not an output column of '{method.record}'"
                yield Problem(what, f"write one of {listed(shown)}, or add the column", (*keys, "sensitive"))
    for index, dates in enumerate(method.events.trajectories):
        keys = ("method", "events", "trajectories", index)
        found = _fate(view, dates.table, dates.column)
        yield from _column(view, dates.table, dates.column, keys)
        if found is not None and found.source.type not in _DATES:
            yield Problem(f"{found.name} is no date, so it makes no trajectory", "name a date column", keys)


def _judged(method: Microdata, events: Events) -> Iterator[Problem]:
    judged = judged_columns(events, [*method.quasi_identifiers, *(model.column for model in method.sensitive)])
    for table, column in events.columns:
        if table == method.record and column in judged:
            what = f"'{table}.{column}' is named under `events`, and is a quasi-identifier or sensitive: what was counted would not leave"
            yield Problem(what, "name the column in one place only", ("method", "events"))


def _column(view: ReleaseView, table: str, column: str, keys: tuple[Key, ...]) -> Iterator[Problem]:
    fate = _fate(view, table, column)
    if fate is None or not fate.leaves or fate.is_key:
        yield Problem(f"events name '{table}.{column}', which is no output column of it", "write an output name", keys)
        return
    last = fate.column.treat[-1]
    if not isinstance(last, Generalize) or last.level != "search":
        what = f"{fate.name} is named under `events`, but its level is not left to the search"
        yield Problem(what, "end with {op: generalize, hierarchy: …, level: search}", keys)


def _fate(view: ReleaseView, table: str, column: str) -> Fate | None:
    return next((fate for fate in view.fates if (fate.table.table, fate.column.output_name) == (table, column)), None)


def _household(view: ReleaseView, method: Microdata) -> Iterator[Problem]:
    named = method.household
    if named is None:
        return
    found = [
        fate
        for fate in view.fates
        if (fate.table.table, fate.column.name) == (named.table, named.column)
        and fate.source_table.kind is TableKind.PERSON
        and fate.source.role is ColumnRole.HOUSEHOLD_KEY
    ]
    if not found:
        what = f"'{named.table}.{named.column}' does not name the household of a person"
        fix = "name a column with `role: household_key` of a person table of the release"
        yield Problem(what, fix, ("method", "household"))


def people_of_code(view: ReleaseView, fate: Fate) -> int | None:
    """Return how many people a code of the column has at least, None where no model of codes names the column."""
    method = view.release.method
    if not isinstance(method, Microdata) or method.events is None:
        return None
    for model in method.events.codes:
        if any((each.table, each.column) == (fate.table.table, fate.column.output_name) for each in model.codes):
            return model.k or method.k
    return None
