"""1 raw: source bytes → typed Parquet in the restricted zone; bad rows to quarantine, a My Number stops the landing."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

import pyarrow as pa

from anonymization.disclosure import Room, disclose_count
from anonymization.evidence import CheckResult
from anonymization.identifier_verdicts import Judgement, judge, undeclared_identifiers
from anonymization.identifiers import ScanReport, scan
from anonymization.stage_checks import landing_checks
from pipelines.deployment import Deployment, digest_of
from pipelines.source_names import keyed_digests
from pipelines.sources.landing import delimited_files, find_file, find_files
from pipelines.sources.read import TableReader, read_table
from pipelines.stages.outcome import Outcome
from pipelines.storage import Draft, Stage, Version
from policies.canonical import digest
from policies.errors import DataError, Place
from policies.library import PolicyKind
from policies.model import DatasetPolicy, TablePolicy
from policies.model.scan import FalseAlarm, IdentifierKind
from policies.model.source import DelimitedSource, FhirSource, VcfSource
from policies.vocabulary import TableKind

QUARANTINE = "quarantine"


def make_raw(deployment: Deployment, name: str) -> Outcome:
    """Land a dataset: read every table, type it, set bad rows aside, and store it encrypted.

    Raises:
        DataError: A source is missing, unreadable or of another shape; a My Number was found; the disk refused.
    """
    deployment.require_active(PolicyKind.DATASET, name)
    dataset = deployment.library.dataset(name)
    landing = deployment.settings.landing
    accepted = [alarm.model_dump(mode="json") for alarm in _in_force(dataset, deployment)]
    inputs = raw_inputs(deployment, dataset)
    current = deployment.zones.current(Stage.RAW, name)
    if current is not None and current.inputs == inputs:
        return _outcome(current, is_reused=True)
    landed: list[_Landed] = []
    with deployment.zones.write(Stage.RAW, name) as draft:
        for table in dataset.tables:
            deployment.reporter.progressed(f"raw/{name}", table.name)
            landed.append(_land(read_table(table, landing=landing), draft))
        _refuse_forbidden(deployment, dataset, landed)
        _set_aside(landed, draft)
        sources = {one.reader.table.name: keyed_digests(deployment, one.reader.source_digests) for one in landed}
        scans = [check for one in landed for check in one.findings(dataset, deployment.settings.on)]
        draft.finish(
            inputs=inputs,
            data_version=digest_of(policy=digest(dataset), accepted=accepted, sources=sources),
            facts={
                "rows": {one.reader.table.name: one.reader.rows for one in landed},
                "quarantined": {one.reader.table.name: dict(one.reader.quarantine.counts) for one in landed},
                "scans": [check.as_json() for check in scans],
                "checks": [check.as_json() for check in (*_landing(landed), *scans)],
                "sources": sources,
            },
        )
    return _outcome(deployment.zones.require(Stage.RAW, name), is_reused=False)


def raw_inputs(deployment: Deployment, dataset: DatasetPolicy) -> str:
    """Return what a landing would be made from: policy, accepted false alarms, names, sizes and times of the sources.

    Raises:
        DataError: A source is missing.
    """
    accepted = [alarm.model_dump(mode="json") for alarm in _in_force(dataset, deployment)]
    files = [_signature(table, deployment) for table in dataset.tables]
    return digest_of(policy=digest(dataset), accepted=accepted, files=files)


@dataclass(slots=True)
class _Landed:
    reader: TableReader
    report: ScanReport = field(default_factory=lambda: scan(pa.table({})))

    def findings(self, dataset: DatasetPolicy, on: date) -> tuple[CheckResult, ...]:
        alarms = dataset.false_alarms or ()
        return undeclared_identifiers(self.report, self.reader.table, false_alarms=alarms, on=on)

    def forbidden(self, dataset: DatasetPolicy, on: date) -> list[Judgement]:
        judged = judge(self.report, self.reader.table, false_alarms=dataset.false_alarms or (), on=on)
        return [one for one in judged if one.stops_landing]


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
    # A My Number would have stopped the landing before this.
    return landing_checks(rows=sum(one.reader.rows for one in landed), rows_with_my_number=0)


def _in_force(dataset: DatasetPolicy, deployment: Deployment) -> list[FalseAlarm]:
    """Return the accepted false alarms that count today: when one ends, the landing is judged anew."""
    return [alarm for alarm in dataset.false_alarms or () if alarm.is_in_force(deployment.settings.on)]


def _refuse_forbidden(deployment: Deployment, dataset: DatasetPolicy, landed: list[_Landed]) -> None:
    """Stop at a My Number or a resident code: nothing of the dataset is kept, and the audit log says so."""
    for one in landed:
        forbidden = one.forbidden(dataset, deployment.settings.on)
        if forbidden:
            kind = forbidden[0].kind
            columns = sorted({found.column for found in forbidden if found.kind is kind})
            deployment.audit.append(
                actor="system",
                action="landing.quarantine",
                subject=dataset.id,
                details={"table": one.reader.table.name, "kind": kind.value, "columns": len(columns)},
            )
            raise _forbidden(dataset, one, kind, columns)


def _forbidden(dataset: DatasetPolicy, one: _Landed, kind: IdentifierKind, columns: list[str]) -> DataError:
    rows = max(one.report.of(column, kind).rows_hit for column in columns)
    return DataError(
        "data.my-number" if kind is IdentifierKind.MY_NUMBER else "data.resident-code",
        what=f"table '{one.reader.table.name}' of dataset '{dataset.id}' holds a {kind.en} ({kind.ja}) "
        f"in {disclose_count(rows, room=Room.STEWARD).text} rows, columns {', '.join(columns)}; nothing was landed",
        why=_LAW[kind],
        fix="remove the numbers at the source, report the finding to the data protection officer, land again; if the "
        "numbers are something else and chance explains their check digits, the steward may list a false alarm",
        where=Place(next(iter(one.reader.source_digests), "")),
    )


_LAW = {
    IdentifierKind.MY_NUMBER: "個人番号 may be collected and provided only in the cases of the My Number Act (arts. 19, 20)",
    IdentifierKind.RESIDENT_CODE: "nobody but the state and municipalities may ask for or record a 住民票コード (Basic Resident "
    "Registration Act, arts. 30-37 and 30-38)",
}


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
    elif isinstance(source, DelimitedSource):
        files = [found.path for found in delimited_files(source, landing=landing)]
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
