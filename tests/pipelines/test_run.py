"""Runs through Dagster: what is fresh stays, one changed policy remakes what rests on it, a failed check stops what follows."""

import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pytest

from catalog.ledger import Ledger
from pipelines.definitions import definitions_of
from pipelines.deployment import Deployment
from pipelines.run import CHECKS_A_RELEASE, count_steps, instance_of, report, run, selected_releases
from pipelines.settings import Settings, load_settings
from pipelines.storage import Stage
from policies.errors import BudgetError, DataError, IntegrityError, NijiError, UsageError
from tests.support import tiny_deployment as tiny
from tests.support.signing import sign_policies

Published = Callable[[], Settings]


@pytest.fixture
def published(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return tiny.published_home(tmp_path_factory, tmp_path / "home")


def spent(settings: Settings) -> dict[str, object]:
    return dict(Ledger.open(settings.home / "ledger.sqlite").show("clinic").as_json())


def versions(deployment: Deployment) -> dict[tuple[str, str], str]:
    names = [*deployment.library.datasets, *deployment.library.releases]
    found = {(stage.value, name): deployment.zones.current(stage, name) for stage in Stage for name in names}
    return {key: version.data_version for key, version in found.items() if version is not None}


def answer(deployment: Deployment) -> pa.Table:
    version = deployment.zones.require(Stage.PROTECTED, "clinic-numbers")
    return deployment.zones.arrow(version, "people-by-sex")


def released(settings: Settings) -> dict[str, bytes]:
    root = settings.zones / "released"
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def events_of(settings: Settings) -> list[dg.EventLogEntry]:
    with instance_of(settings) as instance:
        return [event for one in instance.get_runs(limit=1) for event in instance.all_logs(one.run_id)]


def values_of(settings: Settings, *key: str) -> dict[str, object]:
    with instance_of(settings) as instance:
        event = instance.get_latest_materialization_event(dg.AssetKey(list(key)))
        assert event is not None
        assert event.asset_materialization is not None
        return {name: value.value for name, value in event.asset_materialization.metadata.items()}


def test_report_says_what_was_published(published: Settings) -> None:
    deployment = tiny.reopened(published)
    done = report(deployment, selected_releases(deployment, ()))
    cells, numbers = done.as_json()
    assert (cells["release"], cells["dataset"], cells["method"]) == ("clinic-cells", "clinic", "small_cells")
    assert (cells["people_in"], cells["checks_failed"]) == (tiny.PEOPLE - tiny.OPTED_OUT, 0)
    # Beside a differentially private release no exact number of people is told.
    assert (numbers["people_in"], numbers["people_out"]) == (None, None)
    assert numbers["epsilon"] > 0
    assert [cells["catalog_id"], numbers["catalog_id"]] == list(tiny.RELEASES)
    assert done.quarantined == {"clinic": 0}


def test_second_run_makes_nothing_and_draws_nothing(published: Settings) -> None:
    before = tiny.reopened(published)
    known, drawn, cost, files = versions(before), answer(before), spent(published), released(published)
    steps = tiny.Steps()
    again = run(published, reporter=steps)
    assert steps.made == set()
    assert len(steps.ended) == count_steps(published)
    assert count_steps(published) == 2 * 4 + 2 * 3 + 2 * CHECKS_A_RELEASE
    after = tiny.reopened(published)
    assert versions(after) == known
    assert answer(after) == drawn
    assert spent(published) == cost
    assert cost["charges"] == {"reserved": 0, "released": 1, "burned": 0}
    assert released(published) == files
    assert [one.catalog_id for one in again.releases] == list(tiny.RELEASES)
    assert values_of(published, "raw", "clinic")["reused"] is True


def test_metadata_show_columns_lineage_and_policy_but_no_small_count(published: Settings) -> None:
    deployment = tiny.reopened(published)
    clinic, survey = values_of(published, "raw", "clinic"), values_of(published, "raw", "survey")
    assert clinic["rows"] == str(tiny.PEOPLE + tiny.OPTED_OUT)
    assert clinic["dagster/row_count"] == tiny.PEOPLE + tiny.OPTED_OUT
    assert survey["rows"] == "<10"
    assert "dagster/row_count" not in survey
    assert tiny.SURVEYED not in survey.values()
    columns = {column.name: column for column in clinic["dagster/column_schema"].columns}
    assert set(columns) >= {"patients.patient_no", "patients.name_kanji", "optouts.decision"}
    assert columns["patients.ward"].description == "病棟 / ward"
    assert columns["patients.ward"].tags["class"] == "special_care"
    lineage = values_of(published, "pseudonymized", "clinic")["dagster/column_lineage"].deps_by_column
    assert lineage["patients.sex"] == [dg.TableColumnDep(dg.AssetKey(["consented", "clinic"]), "patients.sex")]
    assert "patients.name_kanji" not in lineage
    protected = values_of(published, "protected", "clinic-cells")
    assert {one.name for one in protected["dagster/column_schema"].columns} >= {"patients.sex", "patients.people"}
    lineage = protected["dagster/column_lineage"].deps_by_column
    assert lineage["patients.ward"] == [dg.TableColumnDep(dg.AssetKey(["pseudonymized", "clinic"]), "patients.ward")]
    for stage in ("protected", "validated", "published"):
        for name in tiny.RELEASES:
            wanted = deployment.store.record(name)
            assert wanted is not None
            assert values_of(published, stage, name)["policy_digest"] == wanted.policy_digest


def test_selection_runs_only_what_leads_there(tmp_path: Path) -> None:
    settings = tiny.write_deployment(tmp_path)
    steps = tiny.Steps()
    done = run(settings, selection=["survey"], reporter=steps)
    assert steps.made == {f"{stage}/survey" for stage in ("raw", "classified", "consented", "pseudonymized")}
    assert done.releases == ()
    with pytest.raises(UsageError) as refused:
        run(settings, selection=["nowhere"])
    assert refused.value.code == "run.unknown-selection"


def test_failing_suite_stops_what_follows_within_a_run_and_across_runs(tmp_path: Path) -> None:
    settings = tiny.write_deployment(tmp_path)
    tiny.change(settings, tiny.CELLS_SUITE, ('"column": "sex"', '"column": "people"'))
    tiny.change(settings, tiny.CELLS, ("by: [sex, ward], min_cell: 10", "by: [sex, ward], min_cell: 16"))
    sign_policies(settings)
    steps = tiny.Steps()
    with pytest.raises(DataError) as refused:
        run(settings, selection=["clinic-cells"], reporter=steps)
    assert refused.value.code == "data.check-failed"
    assert "quality" in refused.value.what
    assert {"validated/clinic-cells", "published/clinic-cells"} & set(steps.ended) == set()
    assert not (settings.zones / "released").exists()
    # A later run that asks only for what follows finds the verdict, and refuses too.
    deployment = tiny.reopened(settings)
    failed = materialize(deployment, [["validated", "clinic-cells"], ["published", "clinic-cells"]])
    assert not failed.success
    assert [error.code for error in deployment.failures] == ["data.check-failed"]
    assert not (settings.zones / "released").exists()
    assert deployment.store.record("clinic-cells") is None


def materialize(deployment: Deployment, keys: list[list[str]]) -> dg.ExecuteInProcessResult:
    job = definitions_of(deployment, executor=dg.in_process_executor).resolve_implicit_global_asset_job_def()
    return job.execute_in_process(
        instance=dg.DagsterInstance.ephemeral(),
        asset_selection=[dg.AssetKey(key) for key in keys],
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        raise_on_error=False,
    )


def test_changed_data_of_a_published_version_are_refused_before_any_budget_is_spent(published: Settings) -> None:
    cost, files = spent(published), released(published)
    with (published.landing / "patients.csv").open("a", encoding="utf-8") as file:
        file.write("P9999,架空,1,A\n")
    with pytest.raises(DataError) as refused:
        run(published, selection=["clinic-numbers"])
    assert refused.value.code == "release.version-published"
    assert spent(published) == cost
    assert released(published) == files


def test_over_budget_ends_with_13_and_publishes_nothing(published: Settings) -> None:
    cost, files = spent(published), released(published)
    tiny.change(published, tiny.NUMBERS, ("version: 1.0.0", "version: 1.1.0"))
    sign_policies(published)
    with pytest.raises(BudgetError) as refused:
        run(published, selection=["clinic-numbers"])
    assert int(refused.value.exit_code) == 13
    assert spent(published) == cost
    assert released(published) == files
    record = tiny.reopened(published).store.record("clinic-numbers")
    assert record is not None
    assert record.version == "1.0.0"


@pytest.mark.parametrize("is_wrapped", [False, True])
def test_text_of_an_unexpected_error_is_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_wrapped: bool
) -> None:
    # Put together here, because a traceback quotes source lines.
    canary = "-".join(["canary", "of", "the", "guard"])

    def boom(_: Deployment, __: str) -> None:
        try:
            pa.array([canary]).cast(pa.int64())
        except pa.ArrowInvalid as error:
            if not is_wrapped:
                raise ValueError(f"{error} {canary}") from error
            raise DataError("data.example", what="a", why="b", fix="c") from error

    monkeypatch.setattr("pipelines.stages.assets.make_protected", boom)
    settings = tiny.write_deployment(tmp_path)
    with pytest.raises(DataError) as refused:
        run(settings, selection=["clinic-cells"])
    assert refused.value.code == ("data.example" if is_wrapped else "internal.unexpected")
    assert canary not in str(refused.value)
    files = [path for path in settings.home.rglob("*") if path.is_file()]
    assert any(path.is_relative_to(settings.dagster_home) and path.suffix == ".db" for path in files)
    assert [path for path in files if canary.encode() in path.read_bytes()] == []
    failures = [event for event in events_of(settings) if event.dagster_event and event.dagster_event.is_step_failure]
    assert len(failures) == 1


@pytest.mark.parametrize("kind", NijiError.__subclasses__())
def test_errors_cross_processes_whole(kind: type[NijiError]) -> None:
    error = kind("some.code", what="a", why="b", fix="c")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert (again.as_json(), str(again), again.exit_code) == (error.as_json(), str(error), error.exit_code)


def test_passphrase_of_the_home_is_its_owners_and_the_environment_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NIJI_PASSPHRASE", raising=False)
    first = load_settings(tmp_path / "home")
    file = tmp_path / "home" / "passphrase"
    assert file.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "home").stat().st_mode & 0o777 == 0o700
    assert len(file.read_text("ascii").strip()) >= 40
    assert load_settings(tmp_path / "home").keys_passphrase == first.keys_passphrase
    assert file.read_text("ascii").strip() not in repr(first)
    monkeypatch.setenv("NIJI_PASSPHRASE", "from outside")
    assert load_settings(tmp_path / "home").keys_passphrase.reveal() == b"from outside"
    load_settings(tmp_path / "other")
    assert not (tmp_path / "other" / "passphrase").exists()


def test_home_comes_from_the_environment_and_its_policies_before_the_shipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NIJI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NIJI_PASSPHRASE", "x")
    found = load_settings()
    assert found.home == tmp_path / "home"
    assert (found.policies / "datasets" / "admissions.yaml").exists()
    (tmp_path / "home" / "policies").mkdir()
    assert load_settings().policies == tmp_path / "home" / "policies"
    assert load_settings(policies=tmp_path).policies == tmp_path


def test_lost_answer_is_not_drawn_again(published: Settings) -> None:
    cost = spent(published)
    shutil.rmtree(published.zones / "pseudonymized" / "protected" / "clinic-numbers")
    with pytest.raises(IntegrityError) as refused:
        run(published, selection=["clinic-numbers"])
    assert refused.value.code == "dp.answer-lost"
    assert spent(published) == cost


def test_dagster_keeps_its_log_inside_the_home(published: Settings) -> None:
    assert (published.dagster_home / "dagster.yaml").exists()
    assert published.dagster_home.stat().st_mode & 0o077 == 0
    assert os.environ.get("DAGSTER_HOME") is None
