"""The recount of anonymized microdata: classes, ids, details and rare values of the rows that leave."""

from collections import Counter
from collections.abc import Mapping

import ibis
import pyarrow as pa

from anonymization.evidence import CheckResult
from anonymization.hierarchy import Hierarchy
from anonymization.microdata import prepare_microdata, record_id_column
from anonymization.microdata_events import label_checks, published_events
from anonymization.recount import SourceRows, recount
from anonymization.recount_events import recount_events
from anonymization.release_checks.verdict import no_source_key, only_listed_columns, verdict
from anonymization.risk_models import AskedRisk
from anonymization.sensitive_models import compares_with_table, with_hierarchies
from anonymization.tables import Anonymized, Pseudonymized
from policies.model import ReleasePolicy
from policies.model.method import Microdata
from policies.model.treatment import RollUpRare


def recount_anonymized(
    protected: Anonymized, sources: Mapping[str, Pseudonymized], *, hierarchies: Mapping[str, Hierarchy] | None = None
) -> tuple[CheckResult, ...]:
    """Recount anonymized microdata on the rows that leave.

    Args:
        protected: The release.
        sources: The pseudonymized datasets it was made from.
        hierarchies: Those that the release names, by name; needed where a model compares a class with the whole table,
            because evidence holds no values: that table is then treated anew from `sources`.

    Raises:
        PolicyError: A hierarchy that is needed is not there.
    """
    release, method = protected.release, protected.release.method
    tables = {name: table.to_pyarrow() for name, table in protected.tables.items()}
    if not isinstance(method, Microdata) or method.record not in tables:
        return (verdict("method", 1, "the release has its record table"),)
    record = tables[method.record]
    known = hierarchies or {}
    sensitive = with_hierarchies(method.sensitive, known)
    source = None
    if any(compares_with_table(model) for model in sensitive):
        source = SourceRows(prepare_microdata(release, sources, hierarchies=known).records, row_id=None)
    classes = recount(
        ibis.memtable(record),
        quasi_identifiers=method.quasi_identifiers,
        k=method.k,
        sensitive=sensitive,
        person=None,
        source=source,
        asked_risk=AskedRisk(method.risks or ()),
    )
    return (
        *classes,
        *_events(protected, method, tables),
        _same_classes(protected, record, method),
        *_record_ids(release, method, tables),
        *_rare_values(release, tables),
        no_source_key(tables, sources),
        only_listed_columns(release, tables, frozenset({record_id_column(release)})),
    )


def _events(protected: Anonymized, method: Microdata, tables: Mapping[str, pa.Table]) -> tuple[CheckResult, ...]:
    """Count codes and dates anew in what leaves; every record is taken for another person's, as nobody knows better now.

    That people were counted, and labels held against the source, is on the evidence: without it the release fails.
    """
    if method.events is None:
        return ()
    id_column = record_id_column(protected.release)
    published = published_events(method, tables[method.record], tables, id_column)
    checks = recount_events(method.events, published, k=method.k)
    counted = {check.name for check in protected.evidence.checks if check.passed}
    # Which code a label stands for is known to nobody any more; that it was looked up is on the evidence, too.
    missing = sum(name not in counted for name in (*(check.name for check in checks), *label_checks(method)))
    what = "the events that leave were counted in people while these were known"
    return (*checks, verdict("events_in_people", missing, what, rule="APPI-24", models=len(checks)))


def _same_classes(protected: Anonymized, record: pa.Table, method: Microdata) -> CheckResult:
    """The classes that leave are those whose people were recounted when the persons were still known."""
    keys = zip(*(record.column(name).to_pylist() for name in method.quasi_identifiers), strict=True)
    classes = len(Counter(keys))
    wrong = (classes != protected.evidence.measured.get("classes")) + (
        record.num_rows != protected.evidence.records_out
    )
    counted = any(check.name == "recount.k" and check.passed for check in protected.evidence.checks)
    return verdict(
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
        verdict(
            "record_ids",
            tables[method.record].num_rows - len(known),
            "every record has an id of its own",
            records=tables[method.record].num_rows,
        ),
        verdict("row_order", int(ids != sorted(ids)), "records are ordered by their random ids"),
    ]
    for table_name, table in tables.items():
        if table_name != method.record:
            # The id column of a detail is its first, whatever the release calls it there.
            strange = len({*table.column(0).to_pylist()} - known)
            checks.append(verdict(f"details.{table_name}", strange, "details belong to records that leave"))
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
                    checks.append(verdict(f"rare.{name}.{column.output_name}", rare, what, rule="APPI-24"))
    return checks
