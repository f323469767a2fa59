"""The independent recount of a perturbed table: in SQL, over the rows before and after, each promise counted anew.

It shares no code with `anonymization.perturbation` but the records of what was asked. Counts only.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from anonymization.evidence import CheckKind, CheckResult, Scalar
from anonymization.perturbation.microaggregation import Grouping
from anonymization.perturbation.steps import (
    AddNoise,
    CodeExtremes,
    Microaggregate,
    PostRandomize,
    RoundTo,
    Step,
    SwapRanks,
)
from anonymization.recount_sql import connect, quoted, register

_TOLERANCE = 1e-6
"""Published numbers are decimal; a multiple of 0.1 is none in binary."""


def recount_perturbed(
    before: pa.Table, after: pa.Table, steps: Sequence[Step], *, person: str | None = None, decimals: int = 6
) -> tuple[CheckResult, ...]:
    """Count what each step promises, on the rows that would leave.

    Args:
        before: N rows as they came, with the person's column.
        after: The same rows, in the same order, as they would leave.
        steps: What was asked.
        person: The person's column; None: every row is a person.
        decimals: How many decimals published numbers have.

    Returns:
        One check or more a step, blocking. Noise has no promise that one table can show but its bounds.
    """
    connection = connect()
    number = pa.array(range(before.num_rows), pa.int64())
    register(connection, "before", before.append_column("__row", number))
    register(connection, "after", after.append_column("__row", number))
    ask = _Ask(connection, person, decimals, frozenset(s.column for s in steps if isinstance(s, CodeExtremes)))
    return tuple(check for step in steps for check in ask.checks(step))


class _Ask:
    """The questions, by step."""

    def __init__(self, connection: Any, person: str | None, decimals: int, limited: frozenset[str]) -> None:
        self._connection = connection
        self._person = f"b.{quoted(person)}" if person else "a.__row"
        self._slack = 10.0**-decimals
        self._limited = limited

    def checks(self, step: Step) -> Iterator[CheckResult]:
        if isinstance(step, Microaggregate):
            yield from self._shared(step)
        elif isinstance(step, CodeExtremes):
            low = -1e308 if step.limits.low is None else step.limits.low
            high = 1e308 if step.limits.high is None else step.limits.high
            yield self._within(step.column, low, high, "limits")
        elif isinstance(step, RoundTo):
            yield self._multiples(step)
        elif isinstance(step, SwapRanks):
            yield self._same_values(step.column)
        elif isinstance(step, PostRandomize):
            yield self._same_categories(step.column)
        elif isinstance(step, AddNoise) and step.bounds is not None:
            yield self._within(step.column, *step.bounds, "bounds")

    def _shared(self, step: Microaggregate) -> Iterator[CheckResult]:
        columns = (*step.columns, *step.codes)
        is_apart = step.settings.grouping is Grouping.UNIVARIATE
        for together in [(name,) for name in columns] if is_apart else [columns]:
            keys = ", ".join(f"a.{quoted(name)}" for name in together)
            # A column on its own keeps its missing values; columns together have missing values as a category.
            where = f"where a.{quoted(together[0])} is not null" if is_apart else ""
            wrong, least = self._row(
                f"select count(*) filter (people < {step.k}), min(people) from (select count(distinct {self._person})"
                f" as people from after a join before b using (__row) {where} group by {keys})"
            )
            what = f"every published combination of {', '.join(together)} is shared by at least {step.k} people"
            yield _verdict(f"shared.{'.'.join(together)}", wrong, what, least_people=least)

    def _within(self, column: str, low: float, high: float, name: str) -> CheckResult:
        value = f"{quoted(column)}::double"
        (wrong,) = self._row(
            f"select count(*) from after where {value} < {low} - {self._slack} or {value} > {high} + {self._slack}"
        )
        return _verdict(f"{name}.{column}", wrong, f"no published value of '{column}' is outside the {name}")

    def _multiples(self, step: RoundTo) -> CheckResult:
        value = f"a.{quoted(step.column)}::double"
        far = (
            ""
            if step.column in self._limited
            else (f" or abs({value} - b.{quoted(step.column)}::double) >= {step.base} + {self._slack}")
        )
        (wrong,) = self._row(
            f"select count(*) from after a join before b using (__row)"
            f" where abs({value} / {step.base} - round({value} / {step.base})) * {step.base} > {_TOLERANCE}{far}"
        )
        return _verdict(f"rounded.{step.column}", wrong, f"'{step.column}' holds multiples near the originals")

    def _same_values(self, column: str) -> CheckResult:
        if column in self._limited:
            (wrong,) = self._row(
                f"select abs((select count({quoted(column)}) from after) - (select count({quoted(column)}) from before))"
            )
            return _verdict(f"swapped.{column}", wrong, f"'{column}' has as many values as before")
        one, other = (
            f"select round({quoted(column)}::double, 6) as v, count(*) as n from {side} group by v"
            for side in ("after", "before")
        )
        (wrong,) = self._row(f"select count(*) from (({one}) except ({other}))")
        return _verdict(f"swapped.{column}", wrong, f"every value of '{column}' is there as often as before")

    def _same_categories(self, column: str) -> CheckResult:
        name = quoted(column)
        (wrong,) = self._row(
            f"select count(*) from after a join before b using (__row) where (a.{name} is null) <> (b.{name} is null)"
            f" or a.{name} not in (select {name} from before where {name} is not null)"
        )
        return _verdict(
            f"categories.{column}", wrong, f"'{column}' holds categories of the source, missing where it was"
        )

    def _row(self, statement: str) -> tuple[int, ...]:
        return tuple(int(value or 0) for value in self._connection.execute(statement).fetchall()[0])


def _verdict(name: str, wrong: int, what: str, **measured: Scalar) -> CheckResult:
    return CheckResult(
        name=f"recount.{name}",
        kind=CheckKind.RECOUNT,
        passed=wrong == 0,
        blocking=True,
        what=what if not wrong else f"{wrong} contradict: {what}",
        measured={"contradicting": wrong, **measured},
    )
