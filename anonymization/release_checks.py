"""The recount of a finished release: what actually leaves is counted anew, and held against what its policy promises.

Here is one set of checks for each protected type. They read the published tables, not the evidence's word, and they
share no code with the step that made them, except the loading of tables. Counts only; no value of a person is quoted.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from anonymization.cell_audit import hidden_intervals
from anonymization.evidence import CheckKind, CheckResult, Scalar
from anonymization.microdata import record_id_column
from anonymization.recount import recount
from anonymization.small_cells import COUNT, HIDDEN, SHOWN, STATUS, TOTAL
from anonymization.tables import (
    AlleleFrequencyTable,
    Anonymized,
    ControlledRows,
    EventTable,
    GenotypeTable,
    NoisyAggregate,
    PersonTable,
    Protected,
    Pseudonymized,
    SmallCellTable,
)
from policies.model import ReleasePolicy
from policies.model.method import AlleleFrequencies, DpQuery, DpStatistics, Microdata, SmallCells
from policies.model.treatment import RollUpRare
from policies.vocabulary import ColumnRole

_KEY_ROLES = frozenset({ColumnRole.PERSON_KEY, ColumnRole.RECORD_KEY, ColumnRole.FOREIGN_KEY, ColumnRole.SAMPLE_KEY})
_NOISY_COLUMNS = frozenset({"noisy", "value", "error_95", "noisy_sum", "noisy_count"})


def recount_release(protected: Protected, sources: Mapping[str, Pseudonymized]) -> tuple[CheckResult, ...]:
    """Recount a protected release on the tables that will leave.

    Args:
        protected: Any protected release.
        sources: The pseudonymized datasets it was made from, by id.

    Returns:
        Blocking checks, at least one of the kind `recount`. All measured figures are counts.

    Guarantee: A release whose checks all pass keeps, as published, the countable promises of its method.
    Not guaranteed: What cannot be counted from the published tables: that ids are random, that noise has its
        distribution, that k holds in people (recounted when the persons were last known; see the evidence's checks).
    """
    if isinstance(protected, Anonymized):
        return _anonymized(protected, sources)
    if isinstance(protected, SmallCellTable):
        return _small_cells(protected)
    if isinstance(protected, NoisyAggregate):
        return _noisy(protected)
    if isinstance(protected, AlleleFrequencyTable):
        return _frequencies(protected, sources)
    return _controlled(protected, sources)


def _verdict(name: str, wrong: int, what: str, *, rule: str | None = None, **measured: Scalar) -> CheckResult:
    return CheckResult(
        name=f"recount.{name}",
        kind=CheckKind.RECOUNT,
        passed=wrong == 0,
        blocking=True,
        what=what if wrong == 0 else f"{wrong} contradict: {what}",
        rule=rule,
        measured={"contradicting": wrong, **measured},
    )


def _source_keys(sources: Iterable[Pseudonymized]) -> set[str]:
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


def _text_values(table: pa.Table) -> set[str]:
    found: set[str] = set()
    for column in table.columns:
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            found.update(value for value in pc.unique(column).to_pylist() if value is not None)
    return found


def _no_source_key(tables: Mapping[str, pa.Table], sources: Mapping[str, Pseudonymized]) -> CheckResult:
    keys = _source_keys(sources.values())
    left = sum(len(_text_values(table) & keys) for table in tables.values())
    return _verdict("source_keys", left, "no key of the source is in the output", rule="APPI-23", keys=len(keys))


def _only_listed_columns(release: ReleasePolicy, tables: Mapping[str, pa.Table], extra: frozenset[str]) -> CheckResult:
    allowed = extra | {column.output_name for entry in release.tables for column in entry.columns if column.leaves}
    strange = sum(name not in allowed for table in tables.values() for name in table.column_names)
    return _verdict("columns", strange, "only columns leave that the release lists", rule="APPI-21")


def _anonymized(protected: Anonymized, sources: Mapping[str, Pseudonymized]) -> tuple[CheckResult, ...]:
    release, method = protected.release, protected.release.method
    tables = {name: table.to_pyarrow() for name, table in protected.tables.items()}
    if not isinstance(method, Microdata) or method.record not in tables:
        return (_verdict("method", 1, "the release has its record table"),)
    record = tables[method.record]
    classes = recount(
        ibis.memtable(record),
        quasi_identifiers=method.quasi_identifiers,
        k=method.k,
        sensitive=method.sensitive,
        person=None,
        source=None,
    )
    return (
        *classes,
        _same_classes(protected, record, method),
        *_record_ids(release, method, tables),
        *_rare_values(release, tables),
        _no_source_key(tables, sources),
        _only_listed_columns(release, tables, frozenset({record_id_column(release)})),
    )


def _same_classes(protected: Anonymized, record: pa.Table, method: Microdata) -> CheckResult:
    """The classes that leave are those whose people were recounted when the persons were still known."""
    keys = zip(*(record.column(name).to_pylist() for name in method.quasi_identifiers), strict=True)
    classes = len(Counter(keys))
    wrong = (classes != protected.evidence.measured.get("classes")) + (
        record.num_rows != protected.evidence.records_out
    )
    counted = any(check.name == "recount.k" and check.passed for check in protected.evidence.checks)
    return _verdict(
        "same_classes",
        wrong + (not counted),
        "the classes that leave are those whose people were counted",
        rule="APPI-25",
        classes=classes,
        records=record.num_rows,
    )


def _record_ids(release: ReleasePolicy, method: Microdata, tables: Mapping[str, pa.Table]) -> list[CheckResult]:
    name = record_id_column(release)
    ids = tables[method.record].column(name).to_pylist() if name in tables[method.record].column_names else []
    known = set(ids)
    checks = [
        _verdict(
            "record_ids",
            tables[method.record].num_rows - len(known),
            "every record has an id of its own",
            records=tables[method.record].num_rows,
        ),
        _verdict("row_order", int(ids != sorted(ids)), "records are ordered by their random ids"),
    ]
    for table_name, table in tables.items():
        if table_name != method.record:
            # The id column of a detail is its first, whatever the release calls it there.
            strange = len({*table.column(0).to_pylist()} - known)
            checks.append(_verdict(f"details.{table_name}", strange, "details belong to records that leave"))
    return checks


def _rare_values(release: ReleasePolicy, tables: Mapping[str, pa.Table]) -> list[CheckResult]:
    """A value that needs n people has at least n rows; people themselves can no longer be counted."""
    checks = []
    for entry in release.tables:
        for column in entry.columns:
            needed = max((step.min_persons for step in column.treat if isinstance(step, RollUpRare)), default=0)
            for name, table in tables.items():
                if needed and column.leaves and column.output_name in table.column_names:
                    held = Counter(value for value in table.column(column.output_name).to_pylist() if value is not None)
                    rare = sum(rows < needed for rows in held.values())
                    what = f"no value of '{column.output_name}' has fewer than {needed} rows"
                    checks.append(_verdict(f"rare.{name}.{column.output_name}", rare, what, rule="APPI-24"))
    return checks


def _small_cells(protected: SmallCellTable) -> tuple[CheckResult, ...]:
    method = protected.release.method
    if not isinstance(method, SmallCells) or set(protected.tables) != {method.table}:
        return (_verdict("method", 1, "the release has its one table of counts"),)
    table = protected.tables[method.table]
    counts, status = table.column(COUNT).to_pylist(), table.column(STATUS).to_pylist()
    small = sum(
        count is not None and count < method.min_cell and not (count == 0 and method.zero_allowed) for count in counts
    )
    unclear = sum((count is None) != (state == HIDDEN) for count, state in zip(counts, status, strict=True))
    unclear += sum(state not in {SHOWN, HIDDEN} for state in status)
    return (
        _verdict("min_cell", small, f"no number from 1 to {method.min_cell - 1} is shown", rule="CELL-NDB-1"),
        _verdict("status", unclear, "a number is missing exactly where it is marked as hidden"),
        _audit(method, table),
    )


def _audit(method: SmallCells, table: pa.Table) -> CheckResult:
    """Narrow the hidden numbers from the published table alone, as an attacker would."""
    what = f"no hidden number can be narrowed to less than {method.min_cell}"
    shown = _grid(method, table)
    if shown is None:
        return _verdict("audit", 1, what, rule="CELL-HOUSE")
    counts, hidden = shown
    if not method.margins:
        # No sum is published, so there is no equation to narrow anything with.
        return _verdict("audit", 0, what, rule="CELL-HOUSE", hidden=int(hidden[:-1, :-1].sum()))
    floor = 1 if method.zero_allowed else 0
    completed = _complete(counts, hidden, floor)
    if completed is None:
        return _verdict("audit", 1, what, rule="CELL-HOUSE")
    intervals = hidden_intervals(completed, hidden, floor=floor)
    widths = [interval.width for interval in intervals if interval.width is not None]
    narrow = sum(width < method.min_cell for width in widths)
    smallest = min(widths) if widths else None
    return _verdict("audit", narrow, what, rule="CELL-HOUSE", hidden=len(intervals), width_min=smallest)


def _grid(method: SmallCells, table: pa.Table) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the published numbers as a table with margins (hidden ones 0), and what is hidden of it."""
    by = [table.column(name).to_pylist() for name in method.by]
    axes = [sorted(set(labels) - {TOTAL}) for labels in by]
    rows = {label: place for place, label in enumerate([*axes[0], TOTAL])}
    columns = {label: place for place, label in enumerate([*axes[1], TOTAL])} if len(by) == 2 else {"": 0, TOTAL: 1}
    counts = np.zeros([len(rows), len(columns)], dtype=np.int64)
    hidden = np.ones(counts.shape, dtype=bool)
    for place, count in enumerate(table.column(COUNT).to_pylist()):
        at = rows[by[0][place]], columns[by[1][place]] if len(by) == 2 else 0
        if count is not None:
            counts[at], hidden[at] = count, False
    if len(by) == 1:
        counts[:, 1], hidden[:, 1] = counts[:, 0], hidden[:, 0]
    expected = len(rows) * len(columns) if len(by) == 2 else len(rows)
    if not method.margins:
        expected = (len(rows) - 1) * (len(columns) - 1) if len(by) == 2 else len(rows) - 1
    return (counts, hidden) if table.num_rows == expected else None


def _complete(counts: np.ndarray, hidden: np.ndarray, floor: int) -> np.ndarray | None:
    """Return one table that fits all published numbers, hidden ones filled in; None if there is none.

    The audit needs any such table to start from: which one does not matter, because intervals are those of all.
    """
    from scipy.optimize import linprog

    places = np.argwhere(hidden)
    if not len(places):
        return counts if _adds_up(counts) else None
    height, width = counts.shape
    equations, sums = [], []
    for axis, length in ((0, height), (1, width)):
        for line in range(length):
            sign = np.where((places[:, 1 - axis] == (width if axis == 0 else height) - 1), -1.0, 1.0)
            equations.append(np.where(places[:, axis] == line, sign, 0.0))
            numbers = counts[line, :] if axis == 0 else counts[:, line]
            sums.append(float(numbers[-1] - numbers[:-1].sum()))
    found = linprog(
        np.ones(len(places)), A_eq=np.array(equations), b_eq=np.array(sums), bounds=(floor, None), method="highs-ds"
    )
    if found.status != 0:
        return None
    completed = counts.copy()
    completed[hidden] = np.rint(found.x).astype(np.int64)
    return completed if _adds_up(completed) else None


def _adds_up(counts: np.ndarray) -> bool:
    rows = (counts[:, :-1].sum(axis=1) == counts[:, -1]).all()
    return bool(rows and (counts[:-1, :].sum(axis=0) == counts[-1, :]).all())


def _noisy(protected: NoisyAggregate) -> tuple[CheckResult, ...]:
    method = protected.release.method
    queries = {query.name: query for query in method.queries} if isinstance(method, DpStatistics) else {}
    checks = [_verdict("tables", len(set(queries) ^ set(protected.tables)), "exactly the planned queries are answered")]
    for name in sorted(set(queries) & set(protected.tables)):
        checks.extend(_noisy_table(queries[name], protected.tables[name]))
    return tuple(checks)


def _noisy_table(query: DpQuery, table: pa.Table) -> Sequence[CheckResult]:
    by = [key.column for key in query.by]
    strange = sum(name not in _NOISY_COLUMNS and name not in by for name in table.column_names)
    published = Counter(zip(*(table.column(name).to_pylist() for name in by), strict=True))
    planned = Counter(product(*(key.values for key in query.by)))
    wrong = sum(((published - planned) + (planned - published)).values()) if by else abs(table.num_rows - 1)
    return (
        _verdict(f"columns.{query.name}", strange, "only keys, noisy numbers and their errors are published"),
        _verdict(
            f"keys.{query.name}",
            wrong,
            "exactly the public keys are published, also those that nobody has",
            rule="DP-02",
            cells=table.num_rows,
        ),
    )


def _frequencies(protected: AlleleFrequencyTable, sources: Mapping[str, Pseudonymized]) -> tuple[CheckResult, ...]:
    method = protected.release.method
    entry = protected.release.table(method.table) if isinstance(method, AlleleFrequencies) else None
    source = sources[entry.dataset].tables.get(entry.table) if entry and entry.dataset in sources else None
    if not isinstance(method, AlleleFrequencies) or not isinstance(source, GenotypeTable):
        return (_verdict("method", 1, "the release has its genotype table"),)
    checks: list[CheckResult] = []
    for name, table in protected.tables.items():
        rows = table.select(["CHROM", "POS", "REF", "ALT", "AC", "AN"]).to_pylist()
        floor = method.min_allele_count
        below = sum(0 < row["AC"] < floor for row in rows)
        checks.append(_verdict(f"floor.{name}", below, f"no allele counted 1 to {floor - 1} is published"))
        if method.complement_floor:
            rest = _rest(rows)
            short = sum(0 < left < floor for left in rest.values())
            checks.append(_verdict(f"complement.{name}", short, f"no rest of a site is 1 to {floor - 1}"))
        checks.append(_allele_recount(name, rows, source))
    return tuple(checks)


def _rest(rows: Sequence[Mapping[str, Any]]) -> dict[tuple[str, int, str], int]:
    """Return, for each published site, how many called alleles are not among its published ones."""
    rest: dict[tuple[str, int, str], int] = {}
    for row in rows:
        site = (row["CHROM"], row["POS"], row["REF"])
        rest[site] = rest.get(site, row["AN"]) - row["AC"]
    return rest


def _allele_recount(name: str, rows: Sequence[Mapping[str, Any]], source: GenotypeTable) -> CheckResult:
    """Count the published alleles anew, call by call, from the genotypes."""
    published = {(row["CHROM"], row["POS"], row["REF"], row["ALT"]): (row["AC"], row["AN"]) for row in rows}
    positions = {key[:3] for key in published}
    counted: dict[tuple[str, int, str, str], tuple[int, int]] = {}
    for batch in source.sites.select(["chrom", "pos", "ref", "alt", "gt"]).to_batches(max_chunksize=1024):
        for site in batch.to_pylist():
            if (site["chrom"], site["pos"], site["ref"]) in positions:
                calls = Counter(np.frombuffer(site["gt"], dtype=np.int8).tolist())
                called = sum(count for allele, count in calls.items() if allele >= 0)
                for number, alt in enumerate(site["alt"], start=1):
                    counted[(site["chrom"], site["pos"], site["ref"], alt)] = (calls.get(number, 0), called)
    wrong = sum(counted.get(key) != counts for key, counts in published.items())
    repeated = len(rows) - len(published)
    return _verdict(
        f"alleles.{name}", wrong + repeated, "published counts agree with the genotypes", alleles=len(published)
    )


def _controlled(protected: ControlledRows, sources: Mapping[str, Pseudonymized]) -> tuple[CheckResult, ...]:
    tables = {name: table.to_pyarrow() for name, table in protected.tables.items()}
    people = {value for table in tables.values() for value in table.column(0).to_pylist()} if tables else set()
    samples = {sample for table in protected.genotypes.values() for sample in table.samples}
    keys = _source_keys(sources.values())
    checks = [
        _no_source_key(tables, sources),
        _verdict("sample_keys", len(samples & keys), "no sample is called by a key of the source", rule="APPI-23"),
        _verdict(
            "same_people",
            len(samples - people) if people else 0,
            "genotypes belong to people of the release's tables",
            samples=len(samples),
        ),
    ]
    out = len(people | samples)
    expected = protected.evidence.people_out or 0
    checks.append(_verdict("people", max(0, out - expected), "no more people leave than were counted", people=out))
    return tuple(checks)
