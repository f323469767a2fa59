"""The operations of a release on one column, one function each, in the words of `policies.model.treatment`.

Every function takes the working table and the column it treats, and returns the table with that column replaced. What
data need no look at the values stays an expression; the rest goes through the column's distinct values.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import ibis

from anonymization.hierarchy import Hierarchy, require_level
from anonymization.histogram import as_text
from anonymization.japan.prefectures import prefecture_of
from anonymization.key_maps import distinct_values, replace_values
from anonymization.perturbed_columns import Place, microaggregated, randomly_rounded, with_noise
from anonymization.pseudonymize import move_dates
from policies.errors import DataError, PolicyError
from policies.model.treatment import (
    AddNoise,
    BottomCode,
    DateShift,
    Generalize,
    Keep,
    Microaggregate,
    Pseudonymize,
    RollUpRare,
    Round,
    RoundRandomly,
    ToAge,
    ToDurationDays,
    TopCode,
    ToPrefecture,
    Treatment,
    TruncateDate,
)

RANDOM_ID_BYTES = 16
"""128 random bits: two of 10⁹ ids coincide with a probability of about 10⁻²¹."""


def random_id() -> str:
    """Draw a random id: 128 bits from the system's generator, as 32 hexadecimal digits."""
    return secrets.token_hex(RANDOM_ID_BYTES)


class ReleaseSecrets:
    """The random ids and shifts of one release; it lives as long as the release is computed and is never stored."""

    __slots__ = ("_ids", "_max_days", "_shifts")

    def __init__(self) -> None:
        self._ids: dict[str, dict[Any, str]] = {}
        self._shifts: dict[Any, int] = {}
        self._max_days: int | None = None

    def __repr__(self) -> str:
        return "<secret>"

    def ids(self, domain: str, values: Sequence[Any]) -> dict[Any, str]:
        """Return a random id for each of `values`; one value keeps its id within a domain."""
        known = self._ids.setdefault(domain, {})
        for value in values:
            if value not in known:
                known[value] = random_id()
        return {value: known[value] for value in values}

    def shifts(self, people: Sequence[Any], *, max_days: int) -> dict[Any, int]:
        """Return the days by which each person's dates move, the same for all columns of the release.

        Raises:
            PolicyError: Another column of the release moves by another range.
        """
        if self._max_days not in {None, max_days}:
            raise PolicyError(
                "policy.date-shift-differs",
                what="columns of one release have `date_shift` with different `max_days`",
                why="the dates of a person move together, or intervals between them are wrong",
                fix="write the same `max_days` everywhere",
            )
        self._max_days = max_days
        for person in people:
            if person not in self._shifts:
                self._shifts[person] = secrets.randbelow(2 * max_days + 1) - max_days
        return {person: self._shifts[person] for person in people}


@dataclass(frozen=True, slots=True)
class Work:
    """A column on its way out: the table, the column that holds the value, and what operations may look at.

    `others` maps names of source columns to columns of `rows`; `label` is the `table.column` of error messages.
    """

    rows: ibis.Table = field(repr=False)
    column: str
    person: str | None
    label: str
    domain: str
    others: Mapping[str, str]
    hierarchies: Mapping[str, Hierarchy]
    secrets: ReleaseSecrets

    @property
    def value(self) -> Any:
        """The column as an expression."""
        return self.rows[self.column]

    def with_value(self, value: Any) -> "Work":
        """Return the work with the column replaced by an expression over its rows."""
        return replace(self, rows=self.rows.mutate(**{self.column: value}))

    def with_mapping(self, mapping: Mapping[Any, object]) -> "Work":
        """Return the work with the column's values replaced by text; what is not mapped becomes null."""
        return replace(self, rows=replace_values(self.rows, self.column, mapping))


def apply_treatments(work: Work, treatments: Sequence[Treatment]) -> Work:
    """Apply `treatments` in order.

    Raises:
        PolicyError: A treatment does not fit the column's type, or names what does not exist.
        DataError: A value is unknown to a hierarchy that refuses unknown values.
    """
    for treatment in treatments:
        operation = _OPERATIONS.get(type(treatment))
        if operation is not None:
            work = operation(work, treatment)
    return work


def _wrong_type(work: Work, operation: str, needs: str) -> PolicyError:
    return PolicyError(
        "policy.treatment-type",
        what=f"'{operation}' is applied to '{work.label}', which is no {needs} there",
        why=f"the operation is defined for a {needs} only",
        fix="correct the treatment, or the column's `type` in the dataset policy",
    )


def _needs_date(work: Work, operation: str) -> Any:
    kind = work.value.type()
    if not (kind.is_date() or kind.is_timestamp()):
        raise _wrong_type(work, operation, "date")
    return work.value


def _needs_number(work: Work, operation: str) -> Any:
    if not work.value.type().is_numeric():
        raise _wrong_type(work, operation, "number")
    return work.value


def _other(work: Work, name: str) -> Any:
    column = work.others.get(name)
    if column is None:
        raise PolicyError(
            "policy.unknown-column",
            what=f"the treatment of '{work.label}' names the column '{name}', which its table does not have",
            why="the operation cannot be computed without it",
            fix="name a column of the record's own table",
        )
    return work.rows[column]


def _pseudonymize(work: Work, treatment: Pseudonymize) -> Work:
    if (treatment.method, treatment.scope) == ("hmac", "project"):
        return work
    if (treatment.method, treatment.scope) != ("random", "release"):
        raise PolicyError(
            "policy.pseudonymize-scope",
            what=f"'{work.label}' asks for {treatment.method} pseudonyms with the scope '{treatment.scope}'",
            why="random ids are drawn for one release and forgotten; keyed pseudonyms belong to a project",
            fix="write random with release, or hmac with project",
        )
    return work.with_mapping(work.secrets.ids(work.domain, distinct_values(work.rows, work.column)))


def _to_age(work: Work, treatment: ToAge) -> Work:
    birth = _needs_date(work, treatment.op)
    at = _other(work, treatment.at)
    if not (at.type().is_date() or at.type().is_timestamp()):
        raise _wrong_type(work, treatment.op, "date")
    before_birthday = (at.month() < birth.month()) | ((at.month() == birth.month()) & (at.day() < birth.day()))
    return work.with_value((at.year() - birth.year() - before_birthday.ifelse(1, 0)).cast("int64"))


def _to_duration_days(work: Work, treatment: ToDurationDays) -> Work:
    end = _needs_date(work, treatment.op).cast("date")
    since = _other(work, treatment.since)
    if not (since.type().is_date() or since.type().is_timestamp()):
        raise _wrong_type(work, treatment.op, "date")
    return work.with_value(end.delta(since.cast("date"), unit="day").cast("int64"))


def _date_shift(work: Work, treatment: DateShift) -> Work:
    _needs_date(work, treatment.op)
    if work.person is None:
        raise _wrong_type(work, treatment.op, "date of a person")
    shifts = work.secrets.shifts(distinct_values(work.rows, work.person), max_days=treatment.max_days)
    return replace(work, rows=move_dates(work.rows, work.person, shifts, dates=[work.column]))


def _truncate_date(work: Work, treatment: TruncateDate) -> Work:
    day = _needs_date(work, treatment.op)
    year = day.year().cast("string").lpad(4, "0")
    if treatment.to == "year":
        return work.with_value(year)
    if treatment.to == "quarter":
        return work.with_value(year + "-Q" + day.quarter().cast("string"))
    return work.with_value(year + "-" + day.month().cast("string").lpad(2, "0"))


def _to_prefecture(work: Work, treatment: ToPrefecture) -> Work:
    if not work.value.type().is_string():
        raise _wrong_type(work, treatment.op, "text")
    return work.with_mapping({address: prefecture_of(address) for address in distinct_values(work.rows, work.column)})


def _keep(work: Work, treatment: Keep) -> Work:
    return work


def _generalize(work: Work, treatment: Generalize) -> Work:
    hierarchy = _hierarchy(work, treatment.hierarchy)
    if treatment.level == "search":
        return work
    require_level(hierarchy, treatment.level)
    work = work.with_value(as_text(work.value))
    return work.with_mapping({value: labels[treatment.level] for value, labels in _labels(work, hierarchy).items()})


def _hierarchy(work: Work, name: str) -> Hierarchy:
    hierarchy = work.hierarchies.get(name)
    if hierarchy is None:
        raise PolicyError(
            "policy.unknown-hierarchy",
            what=f"the treatment of '{work.label}' names the hierarchy '{name}', which does not exist",
            why="without it no value can be made coarser",
            fix="write the name of a file in policies/hierarchies",
        )
    return hierarchy


def _labels(work: Work, hierarchy: Hierarchy) -> dict[str, tuple[str, ...]]:
    """Return the labels at every level of each value that the column holds; refuse unknown ones if it says so."""
    values = distinct_values(work.rows, work.column)
    grown = hierarchy.for_values(values)
    place = {leaf: number for number, leaf in enumerate(grown.leaves)}
    unseen = sum(value not in place for value in values)
    if unseen and grown.on_unseen == "refuse":
        raise DataError(
            "data.unseen-value",
            what=f"'{work.label}' holds {unseen} distinct values that the hierarchy '{hierarchy.name}' does not know",
            why="a value without a place in the hierarchy cannot be made coarser",
            fix="add the values to the hierarchy, or let it suppress what it does not know (`on_unseen: suppress`)",
        )
    return {value: tuple(level[place[value]] for level in grown.labels) for value in values if value in place}


def _roll_up_rare(work: Work, treatment: RollUpRare) -> Work:
    if work.person is None:
        raise _wrong_type(work, treatment.op, "value of a person")
    hierarchy = _hierarchy(work, treatment.hierarchy)
    require_level(hierarchy, treatment.start_level)
    work = work.with_value(as_text(work.value))
    labels = _labels(work, hierarchy)
    still_rare = set(labels)
    settled: dict[str, str | None] = {}
    for level in range(treatment.start_level, hierarchy.height - 1):
        common = _common_labels(work, {value: labels[value][level] for value in still_rare}, treatment.min_persons)
        found = {value: labels[value][level] for value in still_rare if labels[value][level] in common}
        settled.update(found)
        still_rare -= set(found)
        if not still_rare:
            break
    # What is rare at the highest level below the root is not in `settled`, and so becomes null.
    return work.with_mapping(settled)


def _common_labels(work: Work, labels: Mapping[str, str], min_persons: int) -> set[str]:
    """Return the labels that at least `min_persons` people hold by way of the values in `labels`."""
    rows = replace_values(work.rows.select([work.column, str(work.person)]), work.column, labels)
    rows = rows.filter(rows[work.column].notnull())
    people = rows.group_by(work.column).aggregate(people=rows[str(work.person)].nunique())
    return set(distinct_values(people.filter(people.people >= min_persons), work.column))


def _limit(work: Work, operation: str, limit: Decimal, *, top: bool) -> Work:
    value = _needs_number(work, operation)
    whole = value.type().is_integer() and limit == limit.to_integral_value()
    bound = ibis.literal(int(limit), type="int64") if whole else ibis.literal(float(limit), type="float64")
    beyond = value > bound if top else value < bound
    return work.with_value(beyond.ifelse(bound, value))


def _top_code(work: Work, treatment: TopCode) -> Work:
    return _limit(work, treatment.op, treatment.limit, top=True)


def _bottom_code(work: Work, treatment: BottomCode) -> Work:
    return _limit(work, treatment.op, treatment.limit, top=False)


def _round(work: Work, treatment: Round) -> Work:
    value = _needs_number(work, treatment.op)
    step = treatment.to
    if value.type().is_integer() and step == step.to_integral_value():
        return work.with_value(_round_whole(value, int(step)))
    quotient = value.cast("float64") / float(step)
    below = quotient.floor().cast("float64")
    rest = quotient - below
    even = (below / 2).floor().cast("float64") * 2 == below
    up = (rest > 0.5) | ((rest == 0.5) & ~even)
    multiple = below + up.ifelse(1.0, 0.0)
    # Multiplying leaves binary dust (3 × 0.1); rounding to the step's own decimals removes it.
    decimals = max(0, -int(step.normalize().as_tuple().exponent))
    return work.with_value((multiple * float(step)).round(decimals).cast("float64"))


def _round_whole(value: Any, step: int) -> Any:
    rest = ((value % step) + step) % step
    below = value - rest
    even = (below % (2 * step)) == 0
    up = (rest * 2 > step) | ((rest * 2 == step) & ~even)
    return (below + up.ifelse(step, 0)).cast("int64")


def _place(work: Work, operation: str) -> Place:
    _needs_number(work, operation)
    if work.person is None:
        raise _wrong_type(work, operation, "value of a person")
    return Place(work.rows, work.column, work.person, work.label)


def _microaggregate(work: Work, treatment: Microaggregate) -> Work:
    beside = [str(_other(work, name).get_name()) for name in treatment.within]
    return replace(work, rows=microaggregated(_place(work, treatment.op), treatment, beside=beside))


def _round_randomly(work: Work, treatment: RoundRandomly) -> Work:
    return replace(work, rows=randomly_rounded(_place(work, treatment.op), treatment))


def _add_noise(work: Work, treatment: AddNoise) -> Work:
    return replace(work, rows=with_noise(_place(work, treatment.op), treatment))


_OPERATIONS: Mapping[type, Callable[[Work, Any], Work]] = {
    Keep: _keep,
    Pseudonymize: _pseudonymize,
    ToAge: _to_age,
    ToDurationDays: _to_duration_days,
    DateShift: _date_shift,
    TruncateDate: _truncate_date,
    ToPrefecture: _to_prefecture,
    Generalize: _generalize,
    RollUpRare: _roll_up_rare,
    TopCode: _top_code,
    BottomCode: _bottom_code,
    Round: _round,
    Microaggregate: _microaggregate,
    RoundRandomly: _round_randomly,
    AddNoise: _add_noise,
}
