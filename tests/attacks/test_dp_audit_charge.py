"""Audit of the order: what a draw costs is on the account before the first noise is drawn, and stays there if the run dies.

The same look is taken at a planted fault, a charge that comes after the release: there it must see nothing charged.
"""

from pathlib import Path
from typing import Any

import pytest

from anonymization.dp.plan import plan
from pipelines.settings import Settings
from pipelines.stages import protected
from pipelines.stages.protected import make_protected
from tests.support import tiny_deployment as tiny
from tests.support.signing import sign_policies

_, NUMBERS = tiny.RELEASES
SPENT, ASKED = 250_000, 40_000


class KilledError(Exception):
    """A run that dies while it draws."""


@pytest.fixture
def asking(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home with 0.25 of 0.3 spent, and a release that asks for 0.04 more."""
    settings = tiny.published_home(tmp_path_factory, tmp_path / "home")
    tiny.change(
        settings, tiny.NUMBERS, ("version: 1.0.0", "version: 1.1.0"), ("release_rho: '0.25'", "release_rho: '0.04'")
    )
    sign_policies(settings)
    return settings


def spent(settings: Settings) -> int:
    return tiny.reopened(settings).ledger.show("clinic").spent_micro


def spent_at_the_draw(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> int:
    """Kill a run as it draws; return what another process would read on the account at that moment."""
    seen: list[int] = []

    def killed(*_: Any, **__: Any) -> None:
        seen.append(spent(settings))
        raise KilledError

    monkeypatch.setattr(protected, "measure", killed)
    with pytest.raises(KilledError):
        make_protected(tiny.reopened(settings), NUMBERS)
    return seen[0]


def test_the_charge_is_on_the_account_before_the_draw_and_stays(
    asking: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert spent_at_the_draw(asking, monkeypatch) == SPENT + ASKED
    assert spent(asking) == SPENT + ASKED


def test_the_audit_finds_a_charge_that_comes_after_the_release(
    asking: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def later(_: Any, release: Any, *, snapshot: str) -> tuple[None, Any]:
        return None, plan(release.method, policy_digest="sha256:00", snapshot_digest=snapshot)

    monkeypatch.setattr(protected, "_charge", later)
    assert spent_at_the_draw(asking, monkeypatch) == SPENT
