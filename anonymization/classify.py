"""Holding the data against the dataset policy: every column declared and typed, every key unique and resolved.

Nothing here looks for identifiers; the scanner's findings come in as check results and are obeyed.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import ibis.expr.datatypes as dt

from anonymization.evidence import CheckKind, CheckResult
from anonymization.key_maps import count_nulls, count_rows, distinct_values, drop_values
from anonymization.samples import keep_samples
from anonymization.tables import (
    AnyTable,
    Classified,
    EventTable,
    GenotypeTable,
    PersonTable,
    Raw,
    ReferenceTable,
    RegisterTable,
)
from policies.errors import DataError, PolicyError
from policies.model import Column, DatasetPolicy, TablePolicy
from policies.vocabulary import ColumnRole, ColumnType, TableKind

_TYPES: Mapping[ColumnType, tuple[type, ...]] = {
    ColumnType.STRING: (dt.String,),
    ColumnType.INTEGER: (dt.Int64,),
    ColumnType.DECIMAL: (dt.Float64,),
    ColumnType.DATE: (dt.Date,),
    ColumnType.TIMESTAMP: (dt.Timestamp,),
    ColumnType.BOOLEAN: (dt.Boolean,),
    ColumnType.STRINGS: (dt.Array,),
    ColumnType.ALLELES: (dt.Array, dt.Binary),
}

_STAGE_TYPES: Mapping[TableKind, type] = {
    TableKind.PERSON: PersonTable,
    TableKind.EVENT: EventTable,
    TableKind.REGISTER: RegisterTable,
    TableKind.GENOTYPE: GenotypeTable,
    TableKind.REFERENCE: ReferenceTable,
}

SITE_COLUMNS = ("chrom", "pos", "id", "ref", "alt", "ploidy", "gt", "phased")


def classify(
    raw: Raw, *, scans: Sequence[CheckResult] = (), quarantined: Mapping[str, int] | None = None
) -> Classified:
    """Check that every column is what the dataset policy says it is.

    Args:
        raw: The tables as they were landed. Not changed.
        scans: What the identifier scanner found; a blocking finding that did not pass stops the stage.
        quarantined: Rows put aside at landing, by table. Rows that point to a person or record which may be among
            those are removed and counted; without it every row that points nowhere is refused.

    Returns:
        The same tables, without rows whose person or record was put aside, and one finding for each thing checked.

    Raises:
        DataError: A table or column is missing, undeclared or of another type; a person key is null or comes twice;
            a row points nowhere; the scanner found an identifier that the policy does not declare.
        PolicyError: A table of people has no person key, or a key says nothing of what it refers to.

    Guarantee: Every column of every table has a role and a legal class; every event belongs to a known person.
    Not guaranteed: That a value is true, or that a declared class is right; the scanner knows only some identifiers.
    """
    _obey_scans(scans)
    _same_tables(raw)
    for name, table in raw.tables.items():
        _check_shape(name, table)
    put_aside = dict(quarantined or {})
    tables, removed, unsampled = _resolve(raw.dataset, raw.tables, put_aside)
    return Classified(raw.dataset, tables, (*scans, *_findings(raw, removed, unsampled)))


def _obey_scans(scans: Sequence[CheckResult]) -> None:
    failed = [scan for scan in scans if scan.blocking and not scan.passed]
    if failed:
        raise DataError(
            "data.undeclared-identifier",
            what=f"{len(failed)} blocking findings of the identifier scan: {', '.join(scan.name for scan in failed)}",
            why="an identifier that the policy does not declare would be treated as an ordinary value",
            fix="declare the column's class and code in the dataset policy, or remove the values at the source",
        )


def _same_tables(raw: Raw) -> None:
    declared = {table.name for table in raw.dataset.tables}
    for wrong, code, what in (
        (sorted(declared - set(raw.tables)), "data.missing-table", "declared, not landed"),
        (sorted(set(raw.tables) - declared), "data.undeclared-table", "landed, not declared"),
    ):
        # A register that never arrived is the consent stage's refusal, which says what it means for people.
        wrong = [name for name in wrong if not _is_register(raw.dataset, name)]
        if wrong:
            raise DataError(
                code,
                what=f"tables of dataset '{raw.dataset.id}' {what}: {', '.join(wrong)}",
                why="a table that the policy and the data do not both know cannot be protected",
                fix="land the table, or write it into (or out of) the dataset policy",
            )


def _is_register(dataset: DatasetPolicy, name: str) -> bool:
    table = dataset.table(name)
    return table is not None and table.kind is TableKind.REGISTER


def _check_shape(name: str, table: AnyTable) -> None:
    if not isinstance(table, _STAGE_TYPES[table.policy.kind]):
        raise DataError(
            "data.table-kind",
            what=f"table '{name}' is not of the kind '{table.policy.kind.value}' that its policy declares",
            why="people and rows are counted differently",
            fix="correct `kind` in the dataset policy",
        )
    if isinstance(table, GenotypeTable):
        _check_sites(name, table)
        return
    _check_columns(name, table.policy, dict(table.rows.schema().items()))
    if isinstance(table, PersonTable | EventTable):
        _check_person_key(name, table)


def _check_columns(name: str, policy: TablePolicy, schema: Mapping[str, Any]) -> None:
    declared = {column.name: column for column in policy.columns}
    extra = sorted(set(schema) - set(declared))
    if extra:
        raise DataError(
            "data.undeclared-column",
            what=f"table '{name}' has columns that its policy does not declare: {', '.join(extra)}",
            why="a column without a role and a class is refused, because nobody decided what it is",
            fix="declare the column in the dataset policy, or list it under `ignored_columns`",
        )
    missing = sorted(set(declared) - set(schema))
    if missing:
        raise DataError(
            "data.missing-column",
            what=f"table '{name}' lacks declared columns: {', '.join(missing)}",
            why="the policy speaks of columns that the data do not have",
            fix="restore the column at the source, or take it out of the dataset policy",
        )
    wrong = sorted(column for column, policy in declared.items() if not _is_typed(policy, schema[column]))
    if wrong:
        raise DataError(
            "data.column-type",
            what=f"table '{name}' has columns of another type than declared: {', '.join(wrong)}",
            why="treatments are written for the declared type",
            fix="land the table anew; reading types the columns as declared",
        )


def _is_typed(column: Column, found: Any) -> bool:
    if column.type is ColumnType.STRINGS and isinstance(found, dt.Array):
        return isinstance(found.value_type, dt.String)
    return isinstance(found, _TYPES[column.type])


def _check_sites(name: str, table: GenotypeTable) -> None:
    missing = sorted(set(SITE_COLUMNS) - set(table.sites.column_names))
    if missing:
        raise DataError(
            "data.missing-column",
            what=f"genotype table '{name}' lacks the site columns {', '.join(missing)}",
            why="genotypes cannot be read without them",
            fix="land the variant file anew",
        )
    if len(set(table.samples)) != len(table.samples):
        raise DataError(
            "data.duplicate-sample",
            what=f"genotype table '{name}' names {len(table.samples) - len(set(table.samples))} samples twice",
            why="a sample belongs to one person",
            fix="correct the header of the variant file",
        )


def _check_person_key(name: str, table: PersonTable | EventTable) -> None:
    key = table.policy.person_key
    if key is None:
        raise PolicyError(
            "policy.no-person-key",
            what=f"table '{name}' has no column with the role person_key",
            why="people are the unit of every count and of every right",
            fix="give one column the role person_key, or declare the table as a reference table",
        )
    nulls = count_nulls(table.rows, key)
    if nulls:
        raise DataError(
            "data.null-person-key",
            what=f"table '{name}' has {nulls} rows without a person in '{key}'",
            why="a row that belongs to nobody could not be withdrawn",
            fix="declare the column `required: true`, so that such rows are put aside at landing",
        )
    if isinstance(table, PersonTable):
        people = table.rows[key].nunique().to_pyarrow().as_py()
        double = count_rows(table.rows) - people
        if double:
            raise DataError(
                "data.duplicate-person",
                what=f"person table '{name}' has {double} rows beyond one a person in '{key}'",
                why="a person table has one row a person; joins would multiply rows",
                fix="declare the table's kind as event, or remove the doubles at the source",
            )


def _resolve(
    dataset: DatasetPolicy, tables: Mapping[str, AnyTable], put_aside: dict[str, int]
) -> tuple[dict[str, AnyTable], dict[str, int], dict[str, int]]:
    """Remove what points to rows that were put aside, parents before children; refuse what points nowhere."""
    resolved: dict[str, AnyTable] = dict(tables)
    removed: dict[str, int] = {}
    for name in _parents_first(dataset, tables):
        table = resolved[name]
        if not isinstance(table, PersonTable | EventTable):
            continue
        rows = table.rows
        for column, parent, key in _references(dataset, table.policy):
            orphans = _orphans(table, column, resolved[parent], key)
            if orphans:
                _allow_orphans(name, column, len(orphans), put_aside.get(parent, 0) + removed.get(parent, 0))
                before = count_rows(rows)
                rows = drop_values(rows, column, orphans)
                removed[name] = removed.get(name, 0) + before - count_rows(rows)
                table = type(table)(table.policy, rows)
        resolved[name] = table
    unsampled: dict[str, int] = {}
    for name, table in tables.items():
        if isinstance(table, GenotypeTable):
            resolved[name], unsampled[name] = _resolve_samples(name, table, resolved, put_aside, removed)
    return resolved, removed, unsampled


def _orphans(table: PersonTable | EventTable, column: str, parent: AnyTable, key: str) -> list[Any]:
    if isinstance(parent, GenotypeTable):
        return []
    rows, known = table.rows, parent.rows
    return distinct_values(rows.anti_join(known, rows[column] == known[key]), column)


def _allow_orphans(name: str, column: str, orphans: int, allowed: int) -> None:
    if orphans > allowed:
        raise DataError(
            "data.orphan-rows",
            what=f"'{name}.{column}' names {orphans} persons or records that the data do not hold ({allowed} put aside)",
            why="a row of a person who is not known can neither be consented for nor withdrawn",
            fix="land the table it refers to completely, or correct the keys at the source",
        )


def _references(dataset: DatasetPolicy, policy: TablePolicy) -> list[tuple[str, str, str]]:
    """Return (column, parent table, parent key) of each key of `policy` that refers to another table."""
    found = []
    for column in policy.columns:
        if column.references is not None:
            parent, _, key = column.references.partition(".")
            target = dataset.table(parent)
            if target is None or target.column(key) is None:
                raise PolicyError(
                    "policy.unknown-reference",
                    what=f"'{policy.name}.{column.name}' refers to a column that dataset '{dataset.id}' does not have",
                    why="keys are replaced consistently only along declared references",
                    fix="write `references: table.column` with names of this dataset",
                )
            found.append((column.name, parent, key))
    person = policy.person_key
    owners = [table for table in dataset.tables if table.kind is TableKind.PERSON and table.person_key]
    implied = policy.kind is TableKind.EVENT and person is not None and len(owners) == 1
    if implied and person is not None and person not in {column for column, _, _ in found}:
        found.append((person, owners[0].name, str(owners[0].person_key)))
    return found


def _parents_first(dataset: DatasetPolicy, tables: Mapping[str, AnyTable]) -> list[str]:
    order: list[str] = []
    waiting = list(tables)
    while waiting:
        ready = [
            name
            for name in waiting
            if all(
                parent in order or parent == name or parent not in tables
                for _, parent, _ in _references(dataset, tables[name].policy)
            )
        ]
        if not ready:
            raise PolicyError(
                "policy.circular-reference",
                what=f"tables refer to each other in a circle: {', '.join(sorted(waiting))}",
                why="no order of removal exists",
                fix="take one `references` out of the dataset policy",
            )
        order.extend(ready)
        waiting = [name for name in waiting if name not in ready]
    return order


def _resolve_samples(
    name: str,
    table: GenotypeTable,
    tables: Mapping[str, AnyTable],
    put_aside: Mapping[str, int],
    removed: Mapping[str, int],
) -> tuple[GenotypeTable, int]:
    link = table.policy.samples
    owner = tables.get(link) if link else None
    keys = owner.policy.with_role(ColumnRole.SAMPLE_KEY) if isinstance(owner, PersonTable) else ()
    if link is None or not isinstance(owner, PersonTable) or not keys:
        raise PolicyError(
            "policy.no-sample-table",
            what=f"genotype table '{name}' does not name a person table with a sample key under `samples`",
            why="a genotype that belongs to no known person could not be withdrawn",
            fix="write `samples:` with the person table that has a column of the role sample_key",
        )
    known = set(distinct_values(owner.rows, keys[0].name))
    kept = [place for place, sample in enumerate(table.samples) if sample in known]
    missing = len(table.samples) - len(kept)
    if missing:
        _allow_orphans(name, "samples", missing, put_aside.get(link, 0) + removed.get(link, 0))
    return keep_samples(table, kept), missing


def _findings(raw: Raw, removed: Mapping[str, int], unsampled: Mapping[str, int]) -> tuple[CheckResult, ...]:
    columns = sum(len(table.policy.columns) for table in raw.tables.values())
    return (
        CheckResult(
            name="columns_declared",
            kind=CheckKind.RULE,
            passed=True,
            blocking=True,
            what="every column is declared, classified and of its declared type",
            rule="APPI-05",
            measured={"tables": len(raw.tables), "columns": columns},
        ),
        CheckResult(
            name="person_keys",
            kind=CheckKind.RULE,
            passed=True,
            blocking=True,
            what="person keys are never null, and unique in tables of people",
        ),
        CheckResult(
            name="rows_without_person",
            kind=CheckKind.RULE,
            passed=True,
            blocking=False,
            what="rows and samples removed because their person or record was put aside at landing",
            measured={
                **{f"rows_removed.{name}": count for name, count in sorted(removed.items())},
                **{f"samples_removed.{name}": count for name, count in sorted(unsampled.items()) if count},
                "rows_removed": sum(removed.values()),
                "samples_removed": sum(unsampled.values()),
            },
        ),
    )
