"""Run the pipeline from a program: materialize through Dagster in this process, and report release by release."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg

from anonymization.disclosure import Room, disclose_count
from pipelines.definitions import definitions_of
from pipelines.deployment import Deployment, Reporter, open_deployment
from pipelines.settings import Settings
from pipelines.storage import Stage
from policies.errors import NijiError, UsageError
from policies.library import PolicyKind
from policies.model import ReleasePolicy
from policies.roles import PolicyStatus

_INSTANCE_FILE = Path(__file__).resolve().parent.parent / "dagster.yaml"
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
_RELEASE_STAGES = ("protected", "validated", "published")
_DATASET_STAGES = ("raw", "classified", "consented", "pseudonymized")
CHECKS_A_RELEASE = 2


@dataclass(frozen=True, slots=True)
class ReleaseResult:
    """One line of the result: counts through the disclosure gate of the steward's room."""

    dataset: str
    release: str
    title_ja: str
    title_en: str
    method: str
    people_in: int | None
    people_out: int | None
    k: int | None
    epsilon: float | None
    delta: float | None
    loss: float | None
    checks: int
    checks_failed: int
    catalog_id: str

    def as_json(self) -> dict[str, object]:
        """Return the line as plain JSON values."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class RunReport:
    """What a run published, and how many steps were fresh already."""

    releases: tuple[ReleaseResult, ...]
    quarantined: dict[str, int]
    home: Path

    def as_json(self) -> list[dict[str, object]]:
        """Return one object a release."""
        return [release.as_json() for release in self.releases]


def run(settings: Settings, *, selection: Sequence[str] = (), reporter: Reporter | None = None) -> RunReport:
    """Materialize everything, or what leads to the releases and datasets selected.

    Args:
        settings: The deployment.
        selection: Names of releases or datasets; all by default.
        reporter: Told how the work goes.

    Returns:
        A result for each selected release that is published.

    Raises:
        NijiError: What stopped stages, the first in full and the others after it; what was published before stands.
    """
    deployment = open_deployment(settings, reporter=reporter)
    releases = selected_releases(deployment, selection)
    keys = _keys(deployment, releases, selection)
    with instance_of(settings) as instance:
        _materialize(deployment, keys, instance)
    deployment.audit.checkpoint(deployment.keys.signer())
    return report(deployment, releases)


def count_steps(settings: Settings, *, selection: Sequence[str] = ()) -> int:
    """Return how many steps a run will report: stages and checks."""
    deployment = open_deployment(settings)
    releases = selected_releases(deployment, selection)
    return len(_keys(deployment, releases, selection)) + CHECKS_A_RELEASE * len(releases)


def standing(settings: Settings, *, selection: Sequence[str] = ()) -> RunReport:
    """Say what is published of a selection at its present version, whatever the last run ended with."""
    deployment = open_deployment(settings)
    releases = selected_releases(deployment, selection)
    return report(deployment, [one for one in releases if deployment.store.record(one.id, version=one.version)])


def report(deployment: Deployment, releases: Sequence[ReleasePolicy]) -> RunReport:
    """Say what is published of some releases, from what the stages left."""
    datasets = {name for release in releases for name in release.datasets}
    refused = {}
    for name in sorted(datasets):
        raw = deployment.zones.current(Stage.RAW, name)
        if raw is not None:
            refused[name] = sum(sum(reasons.values()) for reasons in raw.facts["quarantined"].values())
    return RunReport(tuple(_result(deployment, release) for release in releases), refused, deployment.settings.home)


def selected_releases(deployment: Deployment, selection: Sequence[str]) -> tuple[ReleasePolicy, ...]:
    """Return the releases that a selection names, by themselves or by one of their datasets.

    Without a selection, what is retired is passed over: it is not to run any more, and says so in `policy status`.

    Raises:
        UsageError: A name is neither a release nor a dataset.
    """
    library = deployment.library
    for name in selection:
        if name not in library.releases and name not in library.datasets:
            known = ", ".join(sorted({*library.releases, *library.datasets}))
            raise UsageError(
                "run.unknown-selection",
                what=f"'{name[:64]}' is neither a release nor a dataset",
                why="a selection names policy files",
                fix=f"choose among: {known}",
            )
    chosen = library.releases.values()
    if not selection:
        return tuple(one for one in chosen if not _is_retired(deployment, PolicyKind.RELEASE, one.id))
    return tuple(one for one in chosen if one.id in selection or set(one.datasets) & set(selection))


def _is_retired(deployment: Deployment, kind: PolicyKind, name: str) -> bool:
    return deployment.state(kind, name).status is PolicyStatus.RETIRED


@contextmanager
def instance_of(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """Open the deployment's Dagster instance: event log and run history below its home."""
    folder = settings.dagster_home
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if _INSTANCE_FILE.exists():
        shutil.copyfile(_INSTANCE_FILE, folder / "dagster.yaml")
    instance = dg.DagsterInstance.from_config(str(folder))
    try:
        yield instance
    finally:
        instance.dispose()


def _keys(deployment: Deployment, releases: Sequence[ReleasePolicy], selection: Sequence[str]) -> list[dg.AssetKey]:
    datasets = {name for release in releases for name in release.datasets}
    datasets |= {name for name in selection if name in deployment.library.datasets}
    if not selection:
        known = deployment.library.datasets
        datasets |= {name for name in known if not _is_retired(deployment, PolicyKind.DATASET, name)}
    keys = [dg.AssetKey([stage, name]) for name in sorted(datasets) for stage in _DATASET_STAGES]
    return keys + [dg.AssetKey([stage, release.id]) for release in releases for stage in _RELEASE_STAGES]


def _materialize(deployment: Deployment, keys: Sequence[dg.AssetKey], instance: dg.DagsterInstance) -> None:
    definitions = definitions_of(deployment, executor=dg.in_process_executor)
    job: Any = definitions.resolve_implicit_global_asset_job_def()
    result = job.execute_in_process(
        instance=instance, asset_selection=list(keys), run_config=_QUIET, raise_on_error=False
    )
    if deployment.failures:
        raise _told_together(deployment.failures)
    if not result.success:
        raise UsageError(
            "run.stopped",
            what="a step stopped without saying why",
            why="Dagster reported a failure that no stage explained",
            fix="run again; if it stays, look at the run in the Dagster UI",
        )


def _told_together(failures: Sequence[NijiError]) -> NijiError:
    """Return the first failure, which also says what else stopped: whoever mends one at a time would run many times."""
    first, *more = {(error.code, error.what): error for error in failures}.values()
    if not more:
        return first
    others = "; ".join(f"{error.code}: {error.what}" for error in more)
    what = f"{first.what} (and {len(more)} more: {others})"
    return type(first)(first.code, what=what, why=first.why, fix=first.fix, where=first.where)


def _result(deployment: Deployment, release: ReleasePolicy) -> ReleaseResult:
    validated = deployment.zones.require(Stage.VALIDATED, release.id)
    evidence, checks = validated.facts["evidence"], validated.facts["checks"]
    record = deployment.store.record(release.id)
    return ReleaseResult(
        dataset=" + ".join(release.datasets),
        release=release.id,
        title_ja=release.title.ja,
        title_en=release.title.en,
        method=release.method.kind,
        people_in=disclose_count(evidence["people_in"], room=Room.STEWARD).value,
        people_out=disclose_count(evidence["people_out"], room=Room.STEWARD).value,
        k=evidence["k"],
        epsilon=evidence["epsilon"],
        delta=evidence["delta"],
        loss=evidence["loss"],
        checks=len(checks),
        checks_failed=sum(not check["passed"] for check in checks),
        catalog_id=record.id if record else "",
    )
