"""The assets, built from the policy files: a dataset's four and a release's four, with their blocking checks.

An asset body is one call of a stage; what the stage raises passes through `guarded`, so that no library's text, which
may quote a value, reaches the event log.
"""

from collections.abc import Callable, Sequence
from typing import Any

import dagster as dg
import pyarrow as pa

from anonymization.evidence import CheckResult
from catalog.dossier_folder import read_dossier
from pipelines.deployment import Deployment
from pipelines.stages import metadata as shown
from pipelines.stages.budget_shown import budget_metadata
from pipelines.stages.classified import make_classified
from pipelines.stages.consented import make_consented
from pipelines.stages.dossier import dossier_folder
from pipelines.stages.extracted import make_extracted
from pipelines.stages.guard import guarded
from pipelines.stages.outcome import Outcome
from pipelines.stages.protected import make_protected
from pipelines.stages.pseudonymized import make_pseudonymized
from pipelines.stages.published import make_published
from pipelines.stages.raw import make_raw
from pipelines.stages.validated import QUALITY, RECOUNT, make_validated, run_quality, run_recount
from pipelines.storage import Stage
from policies.canonical import digest
from policies.errors import DataError
from policies.model import DatasetPolicy, ReleasePolicy
from policies.vocabulary import Delivery

Make = Callable[[Deployment, str], Outcome]
Check = Callable[[Deployment, str], tuple[CheckResult, ...]]

PERMITS = dg.DynamicPartitionsDefinition(name="permits")
"""One partition a permit; the sensor adds them as permits are granted."""

_DATASET_STAGES: tuple[tuple[Stage, str, Make, str], ...] = (
    (Stage.RAW, "1_raw", make_raw, "ソースを型付きで制限区域へ着地 / Sources, typed, landed in the restricted zone"),
    (Stage.CLASSIFIED, "2_classified", make_classified, "列の区分と識別子検査 / Every column is what the policy says"),
    (Stage.CONSENTED, "3_consented", make_consented, "同意・停止の反映 / Only people whose data may be used"),
    (
        Stage.PSEUDONYMIZED,
        "4_pseudonymized",
        make_pseudonymized,
        "仮ID化と日付の移動 / Keyed pseudonyms, shifted dates",
    ),
)
_BEFORE = {Stage.CLASSIFIED: Stage.RAW, Stage.CONSENTED: Stage.CLASSIFIED, Stage.PSEUDONYMIZED: Stage.CONSENTED}


def dataset_assets(deployment: Deployment, dataset: DatasetPolicy) -> list[dg.AssetsDefinition]:
    """Return the four assets of a dataset."""
    return [_dataset_asset(deployment, dataset, *stage) for stage in _DATASET_STAGES]


def release_assets(deployment: Deployment, release: ReleasePolicy) -> list[dg.AssetsDefinition]:
    """Return the assets of a release: protected, validated, published, and extracted where a permit may ask for it."""
    upstream = [dg.AssetKey([Stage.PSEUDONYMIZED.value, name]) for name in release.datasets]
    protected = _release_asset(deployment, release, "protected", "5_protected", make_protected, upstream)
    validated = _release_asset(deployment, release, "validated", "6_validated", make_validated, [protected.key])
    published = _release_asset(deployment, release, "published", "7_published", make_published, [validated.key])
    assets = [protected, validated, published]
    if Delivery.EXTRACT in release.delivery:
        assets.append(_extracted_asset(deployment, release, published.key))
    return assets


def release_checks(deployment: Deployment, release: ReleasePolicy) -> list[dg.AssetChecksDefinition]:
    """Return the two blocking checks of a protected release."""
    return [
        _check(deployment, release, QUALITY, run_quality, "品質スイート / The quality suite of the release policy"),
        _check(deployment, release, RECOUNT, run_recount, "独立した再集計 / Recount by independent code"),
    ]


def _dataset_asset(
    deployment: Deployment, dataset: DatasetPolicy, stage: Stage, group: str, make: Make, words: str
) -> dg.AssetsDefinition:
    before = _BEFORE.get(stage)
    deps = [dg.AssetKey([before.value, dataset.id])] if before else []

    @dg.asset(
        key=[stage.value, dataset.id],
        deps=deps,
        group_name=group,
        owners=[dataset.steward.team],
        tags={"zone": stage.zone, "dataset": dataset.id, "controller": dataset.controller.type.value},
        kinds={"parquet", "duckdb"},
        description=f"{words}\n\n{dataset.title.ja} / {dataset.title.en}",
        automation_condition=_follow() if before else None,
    )
    def made() -> dg.MaterializeResult[Any]:
        outcome = _told(deployment, stage.value, dataset.id, make)
        schemas = _schemas(deployment, outcome, stage, dataset.id)
        body = shown.outcome_metadata(outcome, policy_digest=digest(dataset), schemas=schemas)
        body["dagster/column_schema"] = shown.dataset_columns(dataset, schemas)
        if before:
            body["dagster/column_lineage"] = shown.dataset_lineage(stage.value, before.value, dataset.id, schemas)
        return dg.MaterializeResult(metadata=body, data_version=dg.DataVersion(outcome.version.data_version))

    return made


def _release_asset(
    deployment: Deployment, release: ReleasePolicy, stage: str, group: str, make: Make, deps: Sequence[dg.AssetKey]
) -> dg.AssetsDefinition:
    owner = deployment.library.dataset(release.datasets[0]).steward.team

    @dg.asset(
        key=[stage, release.id],
        deps=list(deps),
        group_name=group,
        owners=[owner],
        tags={"release": release.id, "category": release.output_category.value, "method": release.method.kind},
        kinds={"parquet", "catalog" if stage == "published" else "privacy"},
        description=f"{release.title.ja} / {release.title.en}\n\n{release.description.ja}\n\n{release.description.en}",
        automation_condition=_follow(),
    )
    def made() -> dg.MaterializeResult[Any]:
        outcome = _told(deployment, stage, release.id, make)
        schemas = _schemas(deployment, outcome, Stage.PROTECTED, release.id)
        body = shown.outcome_metadata(outcome, policy_digest=digest(release), schemas=schemas)
        if stage == "protected":
            body["dagster/column_schema"] = shown.release_columns(release, deployment.library.datasets, schemas)
            body["dagster/column_lineage"] = shown.release_lineage(release, schemas)
            body |= shown.evidence_figures(outcome.version.facts["evidence"])
            body |= shown.steward_figures(outcome.version.facts["evidence"])
            body |= budget_metadata(deployment, release)
        if stage == "published":
            body |= _dossier(deployment, release)
        return dg.MaterializeResult(metadata=body, data_version=dg.DataVersion(outcome.version.data_version))

    return made


def _dossier(deployment: Deployment, release: ReleasePolicy) -> dict[str, Any]:
    folder = dossier_folder(deployment, release)
    page = f"{deployment.settings.portal_url}/ja/datasets/{release.id}/dossier"
    return shown.dossier_links(folder, read_dossier(folder).summary, portal=page)


def _extracted_asset(deployment: Deployment, release: ReleasePolicy, upstream: dg.AssetKey) -> dg.AssetsDefinition:
    @dg.asset(
        key=["extracted", release.id],
        deps=[upstream],
        partitions_def=PERMITS,
        group_name="8_extracted",
        owners=[deployment.library.dataset(release.datasets[0]).steward.team],
        tags={"release": release.id},
        kinds={"crypt4gh"},
        description=f"許可ごとの封緘抽出 / A permit's sealed extract: {release.title.ja} / {release.title.en}",
    )
    def made(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
        permit = context.partition_key
        outcome = _told(
            deployment, "extracted", release.id, lambda opened, name: make_extracted(opened, name, permit_id=permit)
        )
        return dg.MaterializeResult(metadata=shown.outcome_metadata(outcome, policy_digest=digest(release), schemas={}))

    return made


def _check(
    deployment: Deployment, release: ReleasePolicy, name: str, run: Check, words: str
) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset=dg.AssetKey(["protected", release.id]), name=name, blocking=True, description=words)
    def judged() -> dg.AssetCheckResult:
        deployment.reporter.started(f"{name}/{release.id}")
        where = f"protected/{release.id}:{name}"
        checks = guarded(lambda: run(deployment, release.id), where=where, failures=deployment.failures)
        failed = [check for check in checks if check.blocking and not check.passed]
        deployment.reporter.finished(f"{name}/{release.id}", f"{len(checks)} checks, {len(failed)} failed")
        if failed:
            deployment.failures.append(_check_failed(release, name, failed))
        return dg.AssetCheckResult(
            passed=not failed,
            severity=dg.AssetCheckSeverity.ERROR,
            metadata={
                "checks": shown.checks_table(checks),
                "made": len(checks),
                "failed": len(failed),
                **shown.dimension_verdicts(checks),
            },
        )

    return judged


def _told(deployment: Deployment, stage: str, name: str, make: Make) -> Outcome:
    deployment.reporter.started(f"{stage}/{name}")
    outcome = guarded(lambda: make(deployment, name), where=f"{stage}/{name}", failures=deployment.failures)
    deployment.reporter.finished(f"{stage}/{name}", "fresh already" if outcome.is_reused else "made")
    return outcome


def _check_failed(release: ReleasePolicy, name: str, failed: Sequence[CheckResult]) -> DataError:
    return DataError(
        "data.check-failed",
        what=f"release '{release.id}' failed {len(failed)} blocking {name} checks: "
        + "; ".join(f"{check.name} ({check.what})" for check in failed[:5]),
        why="nothing is published on a promise",
        fix="read what each check found, and change the data or the policy; checks are not switched off",
    )


def _schemas(deployment: Deployment, outcome: Outcome, stage: Stage, name: str) -> dict[str, pa.Schema]:
    version = outcome.version if outcome.version.tables else deployment.zones.require(stage, name)
    return {table: deployment.zones.head(version, table).schema for table in version.tables if table != "quarantine"}


def _follow() -> dg.AutomationCondition[Any]:
    # Blocking checks stop what is downstream within one run; this condition stops it across runs as well.
    return dg.AutomationCondition.eager() & dg.AutomationCondition.all_deps_blocking_checks_passed()
