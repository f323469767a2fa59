"""Sign policies as four demo persons do: pipelines run only what is active, so a test that edits a policy signs it again.

The same function as in `niji demo`; nothing here goes round the gate.
"""

from pathlib import Path

from pipelines.demo.approve import approve_all
from pipelines.settings import Settings, load_settings


def sign_policies(settings: Settings) -> tuple[str, ...]:
    """Sign every policy of a deployment that is not signed as it stands; return the policies signed now."""
    return approve_all(settings)


def sign_home(home: Path, *, policies: Path | None = None) -> tuple[str, ...]:
    """Sign the policies that a command with `--home` and `--policies` will run, as of today."""
    return approve_all(load_settings(home, policies=policies))
