"""The recount of values that were changed on purpose: shared means, multiples, bounds; on the rows that leave."""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import pyarrow as pa

from anonymization.evidence import CheckResult
from anonymization.release_checks.verdict import verdict
from policies.model import ReleaseColumn, ReleasePolicy, ReleaseTable
from policies.model.treatment import AddNoise, Microaggregate, RoundRandomly


def perturbed_checks(release: ReleasePolicy, tables: Mapping[str, pa.Table]) -> tuple[CheckResult, ...]:
    """Recount every column that was microaggregated, rounded by lot, or given noise.

    People can no longer be counted; a person has a record or several, so a value of n people is in n records at least. The
    first column of a table tells its records apart.
    """
    return tuple(_checks(release, tables))


def _checks(release: ReleasePolicy, tables: Mapping[str, pa.Table]) -> Iterator[CheckResult]:
    for entry in release.tables:
        for column in entry.columns:
            for name, table in tables.items():
                if column.leaves and column.output_name in table.column_names:
                    yield from _of_column(entry, column, name, table)


def _of_column(entry: ReleaseTable, column: ReleaseColumn, name: str, table: pa.Table) -> Iterator[CheckResult]:
    output = column.output_name
    values = table.column(output).to_pylist()
    for step in column.treat:
        if isinstance(step, Microaggregate):
            names = {other.name: other.output_name for other in entry.columns}
            beside = [table.column(names[within]).to_pylist() for within in step.within]
            few = _held_by_few(values, beside, table.column(0).to_pylist(), step.min_persons)
            what = f"every value of '{output}' stands for at least {step.min_persons} records"
            yield verdict(f"shared.{name}.{output}", few, what, rule="APPI-24")
        elif isinstance(step, RoundRandomly):
            wrong = sum(value is not None and not _is_multiple(value, step.to) for value in values)
            yield verdict(f"multiples.{name}.{output}", wrong, f"every value of '{output}' is a multiple of {step.to}")
        elif isinstance(step, AddNoise):
            wrong = sum(value is not None and not float(step.low) <= value <= float(step.high) for value in values)
            yield verdict(
                f"bounds.{name}.{output}", wrong, f"no value of '{output}' is outside the bounds of its noise"
            )


def _held_by_few(values: list[Any], beside: list[list[Any]], records: list[Any], least: int) -> int:
    held: dict[tuple[Any, ...], set[Any]] = defaultdict(set)
    for value, *rest, record in zip(values, *beside, records, strict=True):
        if value is not None:
            held[value, *rest].add(record)
    return sum(len(found) < least for found in held.values())


def _is_multiple(value: float, base: Decimal) -> bool:
    quotient = float(value) / float(base)
    return math.isclose(quotient, round(quotient), rel_tol=1e-9, abs_tol=1e-9)
