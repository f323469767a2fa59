"""What every recount uses: a verdict over counts, the keys of the sources, and which columns may leave."""

from collections.abc import Iterable, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from anonymization.evidence import CheckKind, CheckResult, Scalar
from anonymization.tables import EventTable, GenotypeTable, PersonTable, Pseudonymized
from policies.model import ReleasePolicy
from policies.vocabulary import ColumnRole

_KEY_ROLES = frozenset(
    {
        ColumnRole.PERSON_KEY,
        ColumnRole.RECORD_KEY,
        ColumnRole.FOREIGN_KEY,
        ColumnRole.SAMPLE_KEY,
        ColumnRole.HOUSEHOLD_KEY,
    }
)


def verdict(name: str, wrong: int, what: str, *, rule: str | None = None, **measured: Scalar) -> CheckResult:
    """Return a blocking check that passes when nothing contradicts `what`; all measured figures are counts."""
    wrong = int(wrong)  # a count of numpy's would not become JSON
    return CheckResult(
        name=f"recount.{name}",
        kind=CheckKind.RECOUNT,
        passed=wrong == 0,
        blocking=True,
        what=what if wrong == 0 else f"{wrong} contradict: {what}",
        rule=rule,
        measured={"contradicting": wrong, **measured},
    )


def source_keys(sources: Iterable[Pseudonymized]) -> set[str]:
    """Return every key of the sources: pseudonyms of persons, records and samples."""
    keys: set[str] = set()
    for source in sources:
        for table in source.tables.values():
            if isinstance(table, GenotypeTable):
                keys.update(table.samples)
            elif isinstance(table, PersonTable | EventTable):
                for column in table.policy.columns:
                    if column.role in _KEY_ROLES and column.name in table.rows.columns:
                        values = table.rows.select(column.name).distinct().to_pyarrow().column(0).to_pylist()
                        keys.update(str(value) for value in values if value is not None)
    return keys


def text_values(table: pa.Table) -> set[str]:
    """Return the distinct texts of a table, over all its columns."""
    found: set[str] = set()
    for column in table.columns:
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            found.update(value for value in pc.unique(column).to_pylist() if value is not None)
    return found


def no_source_key(tables: Mapping[str, pa.Table], sources: Mapping[str, Pseudonymized]) -> CheckResult:
    """Check that no pseudonym of the sources is left as a value of the tables that leave."""
    keys = source_keys(sources.values())
    left = sum(len(text_values(table) & keys) for table in tables.values())
    return verdict("source_keys", left, "no key of the source is in the output", rule="APPI-23", keys=len(keys))


def only_listed_columns(release: ReleasePolicy, tables: Mapping[str, pa.Table], extra: frozenset[str]) -> CheckResult:
    """Check that no column leaves but those that the release lists, and `extra`."""
    allowed = extra | {column.output_name for entry in release.tables for column in entry.columns if column.leaves}
    strange = sum(name not in allowed for table in tables.values() for name in table.column_names)
    return verdict("columns", strange, "only columns leave that the release lists", rule="APPI-21")
