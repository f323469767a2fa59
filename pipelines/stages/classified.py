"""2 classified: every column is what the dataset policy says, and no undeclared identifier was found."""

from anonymization.classify import classify
from anonymization.evidence import CheckResult
from anonymization.tables import Raw
from pipelines.deployment import Deployment, digest_of
from pipelines.stages.outcome import Outcome
from pipelines.storage import Stage, Version
from policies.library import PolicyKind


def make_classified(deployment: Deployment, name: str) -> Outcome:
    """Classify a landed dataset.

    Raises:
        DataError: See `anonymization.classify.classify`.
    """
    deployment.require_active(PolicyKind.DATASET, name)
    dataset = deployment.library.dataset(name)
    zones = deployment.zones
    raw = zones.require(Stage.RAW, name)
    inputs = digest_of(raw=raw.data_version)
    current = zones.current(Stage.CLASSIFIED, name)
    if current is not None and current.inputs == inputs:
        return _outcome(current, is_reused=True)
    engine = deployment.engine()
    found = classify(
        Raw(dataset, zones.tables(raw, dataset, engine=engine)),
        scans=[CheckResult.from_json(scan) for scan in raw.facts["scans"]],
        quarantined={table: sum(reasons.values()) for table, reasons in raw.facts["quarantined"].items()},
    )
    with zones.write(Stage.CLASSIFIED, name) as draft:
        rows = {table: draft.write_stage_table(table, found.tables[table]) for table in found.tables}
        facts = {"rows": rows, "findings": [finding.as_json() for finding in found.findings]}
        draft.finish(inputs=inputs, data_version=digest_of(classified=raw.data_version), facts=facts)
    return _outcome(zones.require(Stage.CLASSIFIED, name), is_reused=False)


def _outcome(version: Version, *, is_reused: bool) -> Outcome:
    findings = version.facts["findings"]
    counts = {"rows": sum(version.facts["rows"].values()), "findings": len(findings)}
    return Outcome(version, is_reused=is_reused, counts=counts)
