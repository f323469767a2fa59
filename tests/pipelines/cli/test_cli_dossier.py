"""`niji dossier`: built, shown, exported, and verified where there is nothing but the folder."""

import json
import shutil
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from pipelines.cli import dossier
from pipelines.settings import Settings
from policies.errors import IntegrityError, NijiError, UsageError
from tests.support import tiny_deployment as tiny

CELLS, NUMBERS = tiny.RELEASES
KEY = "keys/signing.platform.pub.pem"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    settings: Settings = tiny.published_home(tmp_path_factory, tmp_path_factory.mktemp("cli-dossier") / "home")
    return settings.home


@pytest.fixture(autouse=True)
def passphrase(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIJI_PASSPHRASE", tiny.PASSPHRASE.reveal().decode())


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(dossier.app, [str(argument) for argument in arguments], catch_exceptions=False)


def refused(*arguments: str | Path) -> NijiError:
    with pytest.raises(NijiError) as error:
        call(*arguments)
    return error.value


def folder_of(home: Path, release: str) -> Path:
    return home / "zones" / "released" / release / "1.0.0-dossier"


@pytest.mark.parametrize(("language", "kept"), [("ja", "遵守"), ("en", "kept")])
def test_show_prints_every_rule_with_verdict_reason_and_place(home: Path, language: str, kept: str) -> None:
    shown = call("show", CELLS, "--language", language, "--home", home).stdout
    body = json.loads(call("show", CELLS, "--json", "--home", home).stdout)
    for rule in body["rules"]:
        assert f"\n{rule['id']}  {rule['verdict']['label'][language]}  [{rule['severity']}]\n" in shown
        assert rule["how"][language] in shown
    assert kept in shown
    assert "→ releases/clinic-cells.yaml:" in shown


def test_show_says_which_rules_are_not_law(home: Path) -> None:
    shown = call("show", CELLS, "--language", "en", "--home", home).stdout.splitlines()
    house = [line for line in shown if "house rule" in line]
    assert house
    assert all(line.endswith(", not law)") for line in house)


def test_verify_needs_the_folder_and_a_key_only(home: Path, tmp_path: Path) -> None:
    elsewhere = shutil.copytree(folder_of(home, CELLS), tmp_path / "elsewhere")
    key = shutil.copy(home / KEY, tmp_path / "platform-public.pem")
    with_key = call("verify", elsewhere, "--key", key)
    assert with_key.exit_code == 0
    assert "8 signatures hold" in with_key.stdout
    assert "--key" not in with_key.stdout
    without = call("verify", elsewhere)
    assert without.exit_code == 0
    assert "shown only with --key" in without.stdout
    body = json.loads(call("verify", elsewhere, "--key", key, "--json").stdout)
    assert (body["ok"], body["key_given"], body["release"], body["signatures"]) == (True, True, CELLS, 8)


def test_verify_of_an_altered_folder_ends_with_14(home: Path, tmp_path: Path) -> None:
    elsewhere = shutil.copytree(folder_of(home, CELLS), tmp_path / "elsewhere")
    page = elsewhere / "dossier.en.html"
    page.write_bytes(page.read_bytes().replace(b"kept", b"KEPT", 1))
    error = refused("verify", elsewhere, "--key", home / KEY)
    assert isinstance(error, IntegrityError)
    assert int(error.exit_code) == 14
    assert "dossier.en.html" in str(error.where)


def test_verify_with_a_key_that_is_none_is_a_usage_error(home: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("no key")
    assert isinstance(refused("verify", folder_of(home, CELLS), "--key", wrong), UsageError)
    assert refused("verify", tmp_path / "nothing").code == "dossier.no-folder"


def test_export_copies_a_folder_or_writes_a_zip_that_verify_takes(home: Path, tmp_path: Path) -> None:
    copied = tmp_path / "copied"
    assert "niji dossier verify" in call("export", CELLS, "--output", copied, "--home", home).stdout
    assert call("verify", copied, "--key", home / KEY).exit_code == 0
    packed = tmp_path / "packed.zip"
    call("export", CELLS, "--output", packed, "--home", home)
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(tmp_path / "unpacked")
    (inner,) = (tmp_path / "unpacked").iterdir()
    assert call("verify", inner, "--key", home / KEY).exit_code == 0


def test_export_never_writes_over_anything(home: Path, tmp_path: Path) -> None:
    there = tmp_path / "there.zip"
    there.write_text("mine")
    assert refused("export", CELLS, "--output", there, "--home", home).code == "dossier.output-exists"
    assert there.read_text() == "mine"
    nowhere = tmp_path / "no" / "such" / "x.zip"
    assert refused("export", CELLS, "--output", nowhere, "--home", home).code == "dossier.output"


def test_a_release_without_dossier_says_how_to_get_one(home: Path, tmp_path: Path) -> None:
    older = Path(shutil.copytree(home, tmp_path / "older"))
    shutil.rmtree(folder_of(older, NUMBERS))
    error = refused("show", NUMBERS, "--home", older)
    assert error.code == "dossier.none"
    assert "niji dossier build" in error.fix
    assert refused("show", CELLS, "--version", "9.9.9", "--home", older).code == "dossier.none"
    assert refused("show", CELLS, "--version", "../1.0.0", "--home", older).code == "dossier.none"
    assert isinstance(refused("show", "nobody", "--home", older), UsageError)


def test_build_makes_what_is_missing_and_verifies_what_is_there(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = Path(shutil.copytree(home, tmp_path / "older"))
    monkeypatch.setattr("pipelines.settings.load_settings", lambda home, **_: tiny.settings_of(home))
    shutil.rmtree(folder_of(older, NUMBERS))
    built = json.loads(call("build", NUMBERS, "--json", "--home", older).stdout)
    assert Path(built["folder"]) == folder_of(older, NUMBERS)
    again = json.loads(call("build", NUMBERS, "--json", "--home", older).stdout)
    assert again == built
    (folder_of(older, NUMBERS) / "README.txt").write_text("other")
    assert isinstance(refused("build", NUMBERS, "--home", older), IntegrityError)


def test_build_speaks_only_of_the_version_that_is_published(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = Path(shutil.copytree(home, tmp_path / "newer"))
    monkeypatch.setattr("pipelines.settings.load_settings", lambda home, **_: tiny.settings_of(home))
    tiny.change(tiny.settings_of(newer), tiny.CELLS, ("version: 1.0.0", "version: 1.0.1"))
    assert refused("build", CELLS, "--home", newer).code == "dossier.other-version"
