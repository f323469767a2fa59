"""What happens by itself: a granted permit becomes a partition and its extract a run; a permit that is over, ends.

The portal and the desk never start a run: they write to the store, and this sensor reads it.
"""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from pipelines.deployment import Deployment
from pipelines.stages.assets import PERMITS
from policies.library import PolicyKind


def permit_sensor(deployment: Deployment, extracted: Sequence[dg.AssetsDefinition]) -> dg.SensorDefinition:
    """Return the sensor that turns usable permits into extracts, and expires those that are over."""
    offered = {asset.key.path[-1] for asset in extracted}

    @dg.sensor(
        name="permits",
        target=list(extracted),
        minimum_interval_seconds=30,
        description="許可を抽出の実行に変える / Turns granted permits into extracts",
    )
    def watched(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        today = deployment.settings.on
        over = deployment.desk.expire(on=today)
        known = set(context.instance.get_dynamic_partitions(PERMITS.name or "permits"))
        built = {path.name for path in (deployment.settings.home / "outbox").glob("*") if path.is_dir()}
        # One request for an asset that is gone would stop the sensor, and with it every other permit.
        asked = [
            permit
            for permit in deployment.store.permits(usable_on=today)
            if permit.id not in built and permit.release in offered
        ]
        # A run for a suspended release would be refused, and its key spent: the permit waits until it is active again.
        waiting = [one for one in asked if not deployment.state(PolicyKind.RELEASE, one.release).is_active]
        asked = [permit for permit in asked if permit not in waiting]
        new = [permit for permit in asked if permit.id not in known]
        additions: list[Any] = [PERMITS.build_add_request([permit.id for permit in new])] if new else []
        requests = [
            dg.RunRequest(
                run_key=permit.id,
                partition_key=permit.id,
                asset_selection=[dg.AssetKey(["extracted", permit.release])],
            )
            for permit in asked
        ]
        skipped = f"no permit can have its extract now; {len(waiting)} wait for their policy, {len(over)} ended"
        return dg.SensorResult(
            run_requests=requests, dynamic_partitions_requests=additions, skip_reason=None if requests else skipped
        )

    return watched
