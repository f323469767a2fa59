"""Whether unusual descriptions are left in what leaves: great ages, rare values (rule APPI-24, violation V04)."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from anonymization.evidence import CheckResult, rule_check
from anonymization.release_checks.surroundings import Surroundings
from policies.model import DatasetPolicy, ReleaseColumn, ReleasePolicy
from policies.model.treatment import ToAge
from policies.vocabulary import ColumnClass, OutputCategory

ANONYMIZED = frozenset(
    {OutputCategory.ANONYMIZED_APPI, OutputCategory.ANONYMIZED_ADMIN, OutputCategory.ANONYMIZED_NGMI}
)
"""The categories that no unusual description may be in: APPI Rules 34(iv), NGMI Rules 18(iv)."""

_NUMBER = re.compile(r"\d+")


def unusual_checks(
    release: ReleasePolicy,
    tables: Mapping[str, pa.Table],
    datasets: Mapping[str, DatasetPolicy],
    around: Surroundings,
) -> tuple[CheckResult, ...]:
    """Look for ages above the top age, and for values of unusual candidates that few records share.

    An age is read from its label, so `90+` passes and `95-99` does not. Of a candidate column every value must be in
    records enough; the records are told apart by the id column, because a record may have several rows of a detail.
    """
    if release.output_category not in ANONYMIZED:
        return ()
    return tuple(_checks(release, tables, datasets, around))


def _checks(
    release: ReleasePolicy,
    tables: Mapping[str, pa.Table],
    datasets: Mapping[str, DatasetPolicy],
    around: Surroundings,
) -> Iterator[CheckResult]:
    top, least = around.top_age_years, around.min_persons
    looked = 0
    for name, table in tables.items():
        for column in table.column_names:
            entries = list(_entries(release, datasets, column))
            if any(is_age for is_age, _ in entries):
                looked += 1
                wrong = sum(_is_above(value, top) for value in table.column(column).to_pylist())
                yield rule_check("APPI-24", f"unusual.age.{name}.{column}", wrong, f"no age is above {top}")
            if any(is_candidate for _, is_candidate in entries) and pa.types.is_string(table.schema.field(column).type):
                looked += 1
                what = f"every value of '{column}' is in at least {least} records"
                rare = _rare_values(table, column, least)
                yield rule_check("APPI-24", f"unusual.rare.{name}.{column}", rare, what, {"least_records": least})
    yield rule_check(
        "APPI-24",
        "unusual.columns",
        0,
        "every age and every unusual candidate that leaves was looked at",
        {"columns": looked},
    )


def _entries(release: ReleasePolicy, datasets: Mapping[str, DatasetPolicy], output: str) -> Iterator[tuple[bool, bool]]:
    """Yield, for each source of an output column, whether it is an age and whether it may be unusual."""
    for entry in release.tables:
        source = datasets[entry.dataset].table(entry.table) if entry.dataset in datasets else None
        for column in entry.columns:
            if column.leaves and column.output_name == output:
                declared = source.column(column.name) if source else None
                may_be_unusual = declared is not None and ColumnClass.UNUSUAL_CANDIDATE in declared.classes
                yield _is_age(column), may_be_unusual


def _is_age(column: ReleaseColumn) -> bool:
    return any(isinstance(step, ToAge) for step in column.treat)


def _is_above(value: Any, top: int) -> bool:
    return any(int(number) > top for number in _NUMBER.findall(str(value))) if value is not None else False


def _rare_values(table: pa.Table, column: str, least: int) -> int:
    """Count the values that fewer than `least` records hold; the first column is the record's id."""
    record = table.column_names[0]
    if record == column:
        return 0
    known = table.select([record, column]).filter(pc.is_valid(table.column(column)))
    held = known.group_by(column).aggregate([(record, "count_distinct")])
    return int(pc.sum(pc.less(held.column(f"{record}_count_distinct"), least)).as_py() or 0)
