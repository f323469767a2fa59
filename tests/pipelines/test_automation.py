"""The sensor: a granted permit becomes a partition and a run, once; a permit that is over ends."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from catalog.access import State
from pipelines.definitions import definitions_of
from pipelines.deployment import Deployment
from pipelines.settings import Settings
from pipelines.stages.assets import PERMITS
from pipelines.stages.extracted import make_extracted
from tests.support import tiny_deployment as tiny

CELLS = "clinic-cells"


@pytest.fixture
def published(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return tiny.published_home(tmp_path_factory, tmp_path / "home")


def look(deployment: Deployment, instance: dg.DagsterInstance) -> dg.SensorResult:
    definitions = definitions_of(deployment)
    (sensor,) = definitions.sensors or ()
    assert isinstance(sensor, dg.SensorDefinition)
    with dg.build_sensor_context(instance=instance, definitions=definitions) as context:
        found = sensor(context)
    assert isinstance(found, dg.SensorResult)
    return found


def test_granted_permit_becomes_a_partition_and_a_run(published: Settings) -> None:
    deployment = tiny.reopened(published)
    with dg.DagsterInstance.ephemeral() as instance:
        quiet = look(deployment, instance)
        assert not quiet.run_requests
        assert quiet.skip_reason is not None
        permit = tiny.approve(deployment)
        found = look(deployment, instance)
        (request,) = found.run_requests or ()
        assert (request.run_key, request.partition_key) == (permit.id, permit.id)
        assert request.asset_selection == [dg.AssetKey(["extracted", CELLS])]
        (addition,) = found.dynamic_partitions_requests or ()
        assert (addition.partitions_def_name, list(addition.partition_keys)) == (PERMITS.name, [permit.id])
        # Known already: no partition is added twice, and the run's key keeps it from starting twice.
        instance.add_dynamic_partitions(PERMITS.name or "", [permit.id])
        again = look(deployment, instance)
        assert not again.dynamic_partitions_requests
        assert [one.run_key for one in again.run_requests or ()] == [permit.id]


def test_built_extract_is_not_asked_for_again(published: Settings) -> None:
    deployment = tiny.reopened(published)
    permit = tiny.approve(deployment)
    make_extracted(deployment, CELLS, permit_id=permit.id)
    with dg.DagsterInstance.ephemeral() as instance:
        assert not look(deployment, instance).run_requests


def test_permit_that_is_over_ends_and_asks_for_nothing(published: Settings) -> None:
    deployment = tiny.reopened(published)
    permit = tiny.approve(deployment, until=tiny.ON)
    with dg.DagsterInstance.ephemeral() as instance:
        # The last day still counts.
        assert len(look(deployment, instance).run_requests or ()) == 1
        assert deployment.desk.request(permit.request_id).state is State.APPROVED
        later = tiny.reopened(replace(published, fixed_day=tiny.ON + timedelta(days=1)))
        found = look(later, instance)
        assert not found.run_requests
        assert later.desk.request(permit.request_id).state is State.EXPIRED


def test_permit_of_a_release_that_is_gone_does_not_stop_the_others(published: Settings) -> None:
    text = (published.policies / tiny.CELLS).read_text("utf-8")
    tiny.write(published.policies / "releases" / "more-cells.yaml", text.replace(CELLS, "more-cells"))
    deployment = tiny.reopened(published)
    permit = tiny.approve(deployment)
    (published.policies / tiny.CELLS).unlink()
    with dg.DagsterInstance.ephemeral() as instance:
        found = look(tiny.reopened(published), instance)
    assert permit.id not in {one.partition_key for one in found.run_requests or ()}
