"""The doctor: a deployment in order has no finding, each kind of harm has one, with its code and what to do."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from catalog.secret import Passphrase
from pipelines import doctor
from pipelines.cli.run import doctor as doctor_command
from pipelines.settings import Settings
from tests.support import tiny_deployment as tiny

NAMES = ["policies", "keys", "approvals", "ledger", "audit", "passphrase", "disk"]


@pytest.fixture
def published(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return tiny.published_home(tmp_path_factory, tmp_path / "home")


def bad(settings: Settings) -> dict[str, str]:
    found = doctor.examine(settings)
    assert [one.name for one in found] == NAMES
    return {one.name: one.what for one in found if not one.is_ok}


def alter(path: Path, statement: str) -> None:
    with sqlite3.connect(path) as connection:
        assert connection.execute(statement).rowcount > 0
    connection.close()


def test_deployment_in_order_has_no_finding(published: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "MIN_FREE_BYTES", 1)
    assert bad(published) == {}
    said = {one.name: one.what for one in doctor.examine(published)}
    assert said["policies"].startswith("2 datasets, 2 releases")
    assert "the chain of the privacy ledger holds" in said["ledger"]


def test_new_home_has_no_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "MIN_FREE_BYTES", 1)
    assert bad(tiny.write_deployment(tmp_path)) == {}


def test_where_the_passphrase_lies_is_said(published: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NIJI_PASSPHRASE", raising=False)
    found = {one.name: one.what for one in doctor.examine(published)}
    assert "set NIJI_PASSPHRASE in production" in found["passphrase"]
    monkeypatch.setenv("NIJI_PASSPHRASE", "x")
    found = {one.name: one.what for one in doctor.examine(published)}
    assert found["passphrase"] == "given by NIJI_PASSPHRASE"
    assert published.keys_passphrase.reveal().decode() not in str(found)


def test_forbidden_policy_is_found(published: Settings) -> None:
    tiny.change(published, tiny.CELLS, ("min_cell: 10", "min_cell: 5"))
    assert "niji policy check" in bad(published)["policies"]


def test_policy_that_does_not_load_is_found(published: Settings) -> None:
    (published.policies / tiny.CELLS).write_text("id: [", "utf-8")
    assert "policies" in bad(published)


def test_wrong_passphrase_is_found(published: Settings) -> None:
    found = bad(replace(published, keys_passphrase=Passphrase("another")))
    assert list(found) == ["keys"]
    assert "another" not in found["keys"]


def test_altered_ledger_is_found(published: Settings) -> None:
    alter(published.home / "ledger.sqlite", "UPDATE ledger_entries SET body = replace(body, 'clinic', 'klinik')")
    assert "ledger" in bad(published)


def test_cut_ledger_is_found(published: Settings) -> None:
    path = published.home / "ledger.sqlite"
    alter(path, "DELETE FROM ledger_entries WHERE seq = (SELECT max(seq) FROM ledger_entries)")
    assert "ledger" in bad(published)


def test_altered_audit_log_is_found(published: Settings) -> None:
    alter(published.home / "audit.sqlite", "UPDATE audit_events SET actor = 'somebody' WHERE actor = 'pipeline'")
    assert "audit" in bad(published)


def test_cut_audit_log_is_found(published: Settings) -> None:
    alter(published.home / "audit.sqlite", "DELETE FROM audit_events WHERE seq = (SELECT max(seq) FROM audit_events)")
    assert "audit" in bad(published)


def test_little_room_is_found(published: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "MIN_FREE_BYTES", 2**60)
    assert "GiB free" in bad(published)["disk"]


def test_command_ends_with_11_if_something_is_wrong(
    published: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor, "MIN_FREE_BYTES", 2**60)
    monkeypatch.setenv("NIJI_PASSPHRASE", tiny.PASSPHRASE.reveal().decode())
    monkeypatch.setattr("sys.argv", ["niji", "doctor", "--home", str(published.home)])
    from pipelines.cli.main import main

    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 11
    assert "BAD  disk: " in capsys.readouterr().out
    assert doctor_command.__doc__
