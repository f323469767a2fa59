"""6 validated: the quality suite and the independent recount judged the release; one blocking failure and it stops.

The two judgements are Dagster asset checks of `protected/<release>`. Each leaves its verdict beside the version that it
judged, so that a later run cannot publish what no check of that very version let pass.
"""

from collections.abc import Sequence

import pyarrow as pa

from anonymization.evidence import CheckResult
from anonymization.release_checks import recount_release
from anonymization.release_checks.dimensions import dimension_checks
from anonymization.tables import ControlledRows
from anonymization.validate import validate
from pipelines.deployment import Deployment, digest_of
from pipelines.quality import judge
from pipelines.stages.around import surroundings_of
from pipelines.stages.outcome import Outcome
from pipelines.stages.protected import read_protected
from pipelines.stages.pseudonymized import read_sources
from pipelines.storage import Stage, Version
from policies.library import PolicyKind

QUALITY = "quality"
RECOUNT = "recount"
CHECKS = (QUALITY, RECOUNT)


def run_quality(deployment: Deployment, name: str) -> tuple[CheckResult, ...]:
    """Judge a protected release with its quality suite, once a version."""
    deployment.require_active(PolicyKind.RELEASE, name)
    version = deployment.zones.require(Stage.PROTECTED, name)
    known = _verdict(deployment, version, QUALITY)
    if known is not None:
        return known
    engine = deployment.engine()
    protected = read_protected(deployment, name, engine=engine)
    suite = deployment.library.suite(deployment.library.release(name).quality.suite)
    tables = {table: _arrow(rows) for table, rows in protected.tables.items()}
    if isinstance(protected, ControlledRows):
        # Sites are judged without the calls: a suite speaks of columns, and the calls are one value for all samples.
        tables |= {table: one.sites.drop_columns(["gt", "phased"]) for table, one in protected.genotypes.items()}
    found = judge(suite, tables)
    release = deployment.library.release(name)
    return _keep(deployment, version, QUALITY, (*found, *dimension_checks(release, found)))


def run_recount(deployment: Deployment, name: str) -> tuple[CheckResult, ...]:
    """Recount a protected release by independent code, once a version."""
    deployment.require_active(PolicyKind.RELEASE, name)
    version = deployment.zones.require(Stage.PROTECTED, name)
    known = _verdict(deployment, version, RECOUNT)
    if known is not None:
        return known
    engine = deployment.engine()
    release = deployment.library.release(name)
    sources = read_sources(deployment, release.datasets, engine=engine)
    protected = read_protected(deployment, name, engine=engine)
    around = surroundings_of(deployment, release)
    return _keep(deployment, version, RECOUNT, recount_release(protected, sources, around=around))


def make_validated(deployment: Deployment, name: str) -> Outcome:
    """Let a release through if every blocking check of its current version passed.

    Raises:
        DataError: A check failed, or was not made for this version.
    """
    deployment.require_active(PolicyKind.RELEASE, name)
    zones = deployment.zones
    protected = zones.require(Stage.PROTECTED, name)
    inputs = digest_of(protected=protected.data_version, policies=str(deployment.library.release(name).version))
    current = zones.current(Stage.VALIDATED, name)
    if current is not None and current.inputs == inputs:
        return _outcome(current, is_reused=True)
    verdicts = [check for one in CHECKS for check in _verdict(deployment, protected, one) or ()]
    passed = validate(read_protected(deployment, name, engine=deployment.engine()), verdicts)
    with zones.write(Stage.VALIDATED, name) as draft:
        facts = {"checks": [check.as_json() for check in passed.checks], "evidence": protected.facts["evidence"]}
        draft.finish(inputs=inputs, data_version=digest_of(validated=inputs), facts=facts)
    return _outcome(zones.require(Stage.VALIDATED, name), is_reused=False)


def checks_of(version: Version) -> tuple[CheckResult, ...]:
    """Return all checks that a validated version passed."""
    return tuple(CheckResult.from_json(check) for check in version.facts["checks"])


def _arrow(rows: object) -> pa.Table:
    return rows if isinstance(rows, pa.Table) else rows.to_pyarrow()  # type: ignore[attr-defined]  # an Ibis table


def _verdict(deployment: Deployment, version: Version, name: str) -> tuple[CheckResult, ...] | None:
    note = deployment.zones.read_note(version, name)
    return None if note is None else tuple(CheckResult.from_json(check) for check in note["checks"])


def _keep(
    deployment: Deployment, version: Version, name: str, checks: Sequence[CheckResult]
) -> tuple[CheckResult, ...]:
    deployment.zones.note(version, name, {"checks": [check.as_json() for check in checks]})
    return tuple(checks)


def _outcome(version: Version, *, is_reused: bool) -> Outcome:
    return Outcome(version, is_reused=is_reused, counts={"checks": len(version.facts["checks"])})
