"""What the Dagster web server and daemon load: the definitions of the deployment that NIJI_HOME names."""

import dagster as dg

from pipelines.definitions import build_definitions
from pipelines.settings import load_settings


@dg.definitions
def defs() -> dg.Definitions:
    """Build the definitions when Dagster asks for them, not at import."""
    return build_definitions(load_settings())
