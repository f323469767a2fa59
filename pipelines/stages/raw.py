"""1 raw: source bytes → typed Parquet in the restricted zone; bad rows to quarantine, a My Number stops the landing."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import pyarrow as pa

from anonymization.disclosure import Room, disclose_count
from anonymization.evidence import CheckResult
from anonymization.identifiers import ScanReport, scan, undeclared_identifiers
from anonymization.stage_checks import landing_checks
from pipelines.deployment import Deployment, digest_of
from pipelines.sources.landing import find_file, find_files
from pipelines.sources.read import TableReader, read_table
from pipelines.stages.outcome import Outcome
from pipelines.storage import Draft, Stage, Version
from policies.canonical import digest
from policies.errors import DataError, Place
from policies.model import DatasetPolicy, TablePolicy
from policies.model.source import FhirSource, VcfSource
from policies.vocabulary import TableKind

QUARANTINE = "quarantine"


def make_raw(deployment: Deployment, name: str) -> Outcome:
    """Land a dataset: read every table, type it, set bad rows aside, and store it encrypted.

    Raises:
        DataError: A source is missing, unreadable or of another shape; a My Number was found; the disk refused.
    """
    dataset = deployment.library.dataset(name)
    landing = deployment.settings.landing
    inputs = digest_of(policy=digest(dataset), files=[_signature(table, deployment) for table in dataset.tables])
    current = deployment.zones.current(Stage.RAW, name)
    if current is not None and current.inputs == inputs:
        return _outcome(current, is_reused=True)
    landed: list[_Landed] = []
    with deployment.zones.write(Stage.RAW, name) as draft:
        for table in dataset.tables:
            deployment.reporter.progressed(f"raw/{name}", table.name)
            landed.append(_land(read_table(table, landing=landing), draft))
        _refuse_my_numbers(dataset, landed)
        _set_aside(landed, draft)
        sources = {one.reader.table.name: dict(one.reader.source_digests) for one in landed}
        scans = [check for one in landed for check in one.findings()]
        draft.finish(
            inputs=inputs,
            data_version=digest_of(policy=digest(dataset), sources=sources),
            facts={
                "rows": {one.reader.table.name: one.reader.rows for one in landed},
                "quarantined": {one.reader.table.name: dict(one.reader.quarantine.counts) for one in landed},
                "scans": [check.as_json() for check in scans],
                "checks": [check.as_json() for check in (*_landing(landed), *scans)],
                "sources": sources,
            },
        )
    return _outcome(deployment.zones.require(Stage.RAW, name), is_reused=False)


@dataclass(slots=True)
class _Landed:
    reader: TableReader
    report: ScanReport = field(default_factory=lambda: scan(pa.table({})))

    def findings(self) -> tuple[CheckResult, ...]:
        return undeclared_identifiers(self.report, self.reader.table)


def _land(reader: TableReader, draft: Draft) -> _Landed:
    landed = _Landed(reader)
    table = reader.table
    if table.kind is TableKind.GENOTYPE:
        draft.write_samples(table.name, reader.samples)
        draft.write_batches(table.name, reader.schema, iter(reader))
        return landed
    draft.write_batches(table.name, reader.schema, _watched(landed))
    return landed


def _watched(landed: _Landed) -> Iterator[pa.RecordBatch]:
    for batch in landed.reader:
        landed.report = landed.report.plus(scan(batch))
        yield batch


def _landing(landed: list[_Landed]) -> tuple[CheckResult, ...]:
    rows = sum(one.reader.rows for one in landed)
    return landing_checks(rows=rows, rows_with_my_number=sum(len(one.report.rows) for one in landed))


def _refuse_my_numbers(dataset: DatasetPolicy, landed: list[_Landed]) -> None:
    for one in landed:
        if one.report.rows:
            columns = sorted({hit.column for hit in one.report.hits() if hit.kind.value == "my_number"})
            raise DataError(
                "data.my-number",
                what=f"table '{one.reader.table.name}' of dataset '{dataset.id}' holds a My Number "
                f"in {len(one.report.rows)} rows, columns {', '.join(columns)}",
                why="個人番号 may be collected and provided only in the cases of the My Number Act (arts. 19, 20)",
                fix="remove the numbers at the source, report the finding to the data protection officer, land again",
                where=Place(next(iter(one.reader.source_digests), "")),
            )


def _set_aside(landed: list[_Landed], draft: Draft) -> None:
    tables = [one.reader.quarantine.as_table() for one in landed]
    named = [
        table.append_column("table", pa.array([one.reader.table.name] * table.num_rows, pa.string()))
        for table, one in zip(tables, landed, strict=True)
    ]
    draft.write_table(QUARANTINE, pa.concat_tables(named))


def _signature(table: TablePolicy, deployment: Deployment) -> list[tuple[str, int, int]]:
    # Size and time tell a changed file without reading it; the digest of its bytes is taken when it is read.
    landing = deployment.settings.landing
    source = table.source
    if isinstance(source, FhirSource | VcfSource):
        files = [found.path for found in find_files(source.paths, landing=landing)]
    else:
        files = [find_file(source.path, landing=landing, folders=True).path]
    parts = [part for file in files for part in (sorted(file.iterdir()) if file.is_dir() else [file])]
    return [(part.name, part.stat().st_size, part.stat().st_mtime_ns) for part in parts]


def _outcome(version: Version, *, is_reused: bool) -> Outcome:
    rows: Counter[str] = Counter(version.facts["rows"])
    refused = sum(sum(reasons.values()) for reasons in version.facts["quarantined"].values())
    reasons: Counter[str] = Counter()
    for counts in version.facts["quarantined"].values():
        reasons.update(counts)
    words = (
        ", ".join(
            f"{reason} {disclose_count(count, room=Room.STEWARD).text}" for reason, count in sorted(reasons.items())
        )
        or "none"
    )
    return Outcome(
        version,
        is_reused=is_reused,
        counts={"rows": rows.total(), "rows_quarantined": refused},
        words={"quarantine_reasons": words},
    )
