"""The one list of everything Dagster knows, built from the policy files: a new dataset is one YAML file, no code."""

from itertools import chain
from typing import Any

import dagster as dg

from pipelines.automation import permit_sensor
from pipelines.deployment import Deployment, Reporter, open_deployment
from pipelines.settings import Settings
from pipelines.stages.assets import dataset_assets, release_assets, release_checks


def build_definitions(settings: Settings, *, reporter: Reporter | None = None, **overrides: Any) -> dg.Definitions:
    """Build the assets, checks, sensor and executor of a deployment.

    Args:
        settings: The deployment.
        reporter: Told how the work goes; nobody by default.
        overrides: Parts of `dagster.Definitions` to use instead (tests swap the executor).

    Raises:
        PolicyError: A policy file is wrong or forbidden; nothing is built from part of a policy folder.
    """
    return definitions_of(open_deployment(settings, reporter=reporter), **overrides)


def definitions_of(deployment: Deployment, **overrides: Any) -> dg.Definitions:
    """Build the definitions of a deployment that is open already; see `build_definitions`."""
    library = deployment.library
    releases = list(library.releases.values())
    assets = [
        *chain.from_iterable(dataset_assets(deployment, dataset) for dataset in library.datasets.values()),
        *chain.from_iterable(release_assets(deployment, release) for release in releases),
    ]
    extracted = [asset for asset in assets if asset.key.path[0] == "extracted"]
    parts: dict[str, Any] = {
        "assets": assets,
        "asset_checks": list(chain.from_iterable(release_checks(deployment, release) for release in releases)),
        "sensors": [permit_sensor(deployment, extracted)] if extracted else [],
        "executor": dg.multiprocess_executor.configured({"max_concurrent": 2}),
    }
    return dg.Definitions(**(parts | overrides))
