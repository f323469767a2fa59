"""Audit of the order: what a draw costs is on the account before the first noise is drawn, and stays there if the run dies.

The same looks are taken at planted faults: at a charge that comes after the release they must see nothing charged, and an
account that was refunded after a draw must be refused.
"""

import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from anonymization.dp.plan import plan
from pipelines.settings import Settings
from pipelines.stages import protected
from pipelines.stages.classified import make_classified
from pipelines.stages.consented import make_consented
from pipelines.stages.protected import make_protected
from pipelines.stages.pseudonymized import make_pseudonymized
from pipelines.stages.raw import make_raw
from policies.errors import IntegrityError
from tests.support import tiny_deployment as tiny
from tests.support.audit_report import line

_, NUMBERS = tiny.RELEASES
ASKED = 250_000

Note = Callable[[str, Any], None]


class KilledError(Exception):
    """A run that dies."""


@pytest.fixture
def asking(tmp_path: Path) -> Settings:
    """A home where everything is done up to the release that asks for ρ = 0.25; nothing is spent yet."""
    settings = tiny.write_deployment(tmp_path / "home")
    deployment = tiny.reopened(settings)
    for stage in (make_raw, make_classified, make_consented, make_pseudonymized):
        stage(deployment, "clinic")
    return settings


def spent(settings: Settings) -> int:
    accounts = tiny.reopened(settings).ledger
    return accounts.show("clinic").spent_micro if accounts.history() else 0


def spent_when_killed(settings: Settings, monkeypatch: pytest.MonkeyPatch, *, at: str) -> int:
    """Kill a run as it draws (`measure`) or as it stores what was drawn; return what another process then reads."""
    seen: list[int] = []

    def killed(*_: Any, **__: Any) -> None:
        seen.append(spent(settings))
        raise KilledError

    monkeypatch.setattr(protected, at, killed)
    with pytest.raises(KilledError):
        protected.make_protected(tiny.reopened(settings), NUMBERS)
    return seen[0]


@pytest.mark.parametrize("at", ["measure", "_store"])
def test_the_charge_is_on_the_account_before_the_draw_and_stays(
    asking: Settings, monkeypatch: pytest.MonkeyPatch, record_property: Note, at: str
) -> None:
    found = spent_when_killed(asking, monkeypatch, at=at), spent(asking)
    record_property("audit", _line(found, at=at))
    assert found == (ASKED, ASKED)


def test_the_audit_finds_a_charge_that_comes_after_the_release(
    asking: Settings, monkeypatch: pytest.MonkeyPatch, record_property: Note
) -> None:
    def later(_: Any, release: Any, *, snapshot: str) -> tuple[None, Any]:
        return None, plan(release.method, policy_digest="sha256:00", snapshot_digest=snapshot)

    monkeypatch.setattr(protected, "_charge", later)
    found = spent_when_killed(asking, monkeypatch, at="measure"), spent(asking)
    record_property("audit", _line(found, at="measure", fault="charge after release"))
    assert found == (0, 0)


@pytest.mark.parametrize(("way", "code"), [("entries and all", "ledger.restored"), ("the sum", "ledger.altered")])
def test_a_refund_after_a_draw_is_refused_by_the_account_itself(
    asking: Settings, monkeypatch: pytest.MonkeyPatch, record_property: Note, way: str, code: str
) -> None:
    refund = _put_back if way == "entries and all" else _take_off
    monkeypatch.setattr(protected, "make_protected", refunding(asking, refund))
    assert spent_when_killed(asking, monkeypatch, at="_store") == ASKED
    with pytest.raises(IntegrityError) as refused:
        spent(asking)
    claim, found = f"{ASKED / 1e6} charged, and stays", f"refused: {refused.value.code}"
    fault = f"refund after a draw, {way}"
    record_property("audit", line("account", fault=fault, claim=claim, found=found, is_red=True))
    assert refused.value.code == code


def refunding(settings: Settings, refund: Callable[[Path], None]) -> Callable[[Any, str], Any]:
    """Plant a run that gives its charge back when it dies."""

    def faulty(deployment: Any, name: str) -> Any:
        try:
            return make_protected(deployment, name)
        except KilledError:
            refund(settings.home)
            raise

    return faulty


def _put_back(home: Path) -> None:
    # The account was empty before, so it is as it was when the ledger is gone; its anchors remember.
    for file in home.glob("ledger*"):
        file.unlink()


def _take_off(home: Path) -> None:
    with contextlib.closing(sqlite3.connect(home / "ledger.sqlite")) as ledger, ledger:
        ledger.execute("UPDATE ledger_budgets SET spent_micro = 0")


def _line(found: tuple[int, int], *, at: str, fault: str = "") -> tuple[str, ...]:
    place = "as noise is drawn" if at == "measure" else "as the answer is stored"
    return line(
        f"account, run killed {place}",
        fault=fault,
        claim=f"{ASKED / 1e6} charged, and stays",
        found=f"{found[0] / 1e6:g}, then {found[1] / 1e6:g}",
        is_red=found != (ASKED, ASKED),
    )
