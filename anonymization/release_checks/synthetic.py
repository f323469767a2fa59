"""The recount of synthetic people: one table, its declared columns, values of the public domain, nothing impossible, as many rows.

It reads the policy anew and shares no code with the step that drew the rows.
"""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pyarrow as pa

from anonymization.evidence import CheckResult
from anonymization.release_checks.verdict import verdict
from anonymization.tables import NoisyAggregate
from policies.model.synthetic import DpSynthetic, Impossible, LabelColumn, NumberColumn


def recount_synthetic(protected: NoisyAggregate, method: DpSynthetic) -> tuple[CheckResult, ...]:
    """Recount synthetic rows against the public domain of their policy; counts only."""
    one_table = verdict("tables", len({method.name} ^ set(protected.tables)), "exactly the planned table is published")
    if not one_table.passed:
        return (one_table,)
    return (one_table, *_table_checks(protected, method, protected.tables[method.name]))


def _table_checks(protected: NoisyAggregate, method: DpSynthetic, table: pa.Table) -> Iterator[CheckResult]:
    declared = [column.column for column in method.columns]
    strange = len(set(declared) ^ set(table.column_names))
    yield verdict(f"synthetic_columns.{method.name}", strange, "only declared columns are published")
    if strange:
        return
    for column in method.columns:
        is_public = _test(column)
        wrong = sum(value is not None and not is_public(value) for value in table.column(column.column).to_pylist())
        what = "every published value is one of the public domain"
        yield verdict(f"domain.{method.name}.{column.column}", wrong, what, rule="DP-02", rows=table.num_rows)
    found = sum(_impossible(method, group, table) for group in method.impossible)
    what = "no published row has a combination that was declared impossible"
    yield verdict(
        f"impossible.{method.name}", found, what, combinations=sum(len(g.combinations) for g in method.impossible)
    )
    planned = method.rows or protected.evidence.measured.get("people_noisy")
    what = "as many rows are published as were declared, or as the noisy counts say"
    yield verdict(f"row_count.{method.name}", int(planned != table.num_rows), what)


def _test(column: LabelColumn | NumberColumn) -> Callable[[Any], bool]:
    if isinstance(column, LabelColumn):
        return set(column.values).__contains__
    low, high, grid = column.edges[0], column.edges[-1], column.grid

    def is_on_grid(value: Any) -> bool:
        return bool(low <= Decimal(repr(value)) < high and Decimal(repr(value)) % grid == 0)

    return is_on_grid


def _impossible(method: DpSynthetic, group: Impossible, table: pa.Table) -> int:
    columns = {column.column: column for column in method.columns}
    read = [[_label(columns[name], value) for value in table.column(name).to_pylist()] for name in group.columns]
    forbidden = set(group.combinations)
    return sum(row in forbidden for row in zip(*read, strict=True))


def _label(column: LabelColumn | NumberColumn, value: Any) -> str | None:
    """Return how the policy writes the label of a value: itself, or its bin."""
    if value is None or isinstance(column, LabelColumn):
        return None if value is None else str(value)
    number = Decimal(repr(value))
    bins = zip(column.edges, column.edges[1:], strict=False)
    return next((f"[{low}, {high})" for low, high in bins if low <= number < high), None)
