"""`niji policy sign|verify|status|suspend|resume|retire|signer`: from no key to an active policy, and each refusal."""

import io
import json
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from policies.roles import Role
from tests.support import policy_files as fixture
from tests.support.whole_way import Ended, niji

PASSPHRASE = "a passphrase for tests"
PEOPLE = {
    Role.AUTHOR: "u-0101",
    Role.DATA_STEWARD: "u-0112",
    Role.COMPLIANCE_OFFICER: "u-0207",
    Role.KEY_CUSTODIAN: "u-0330",
}


class Terminal(io.StringIO):
    """An input at which somebody sits."""

    def isatty(self) -> bool:
        return True


@dataclass(frozen=True)
class Desk:
    """A home with a policies folder, and the folder of everybody's keys."""

    home: Path
    keys: Path

    @property
    def clinic(self) -> Path:
        return self.home / "policies" / fixture.CLINIC

    def signed(self, role: Role, *more: str, by: str | None = None, path: Path | None = None) -> Ended:
        person = by or PEOPLE[role]
        words = ("policy", "sign", path or self.clinic, "--role", role.value, "--by", person, "--home", self.home)
        return niji(*words, "--keys", self.keys / person, *(more or ("--yes",)))

    def verified(self, *more: str | Path) -> Ended:
        return niji("policy", "verify", self.clinic, "--home", self.home, *more)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NIJI_SIGNING_PASSPHRASE", PASSPHRASE)
        for person in PEOPLE.values():
            made = niji("policy", "signer", "keygen", person, "--keys", folder / person)
            assert made.code == 0, made.err
            assert re.match(r"ed25519:[0-9a-f]{16}  .*\.pub\.pem\n", made.out)
    return folder


@pytest.fixture(scope="module")
def enrolled_once(tmp_path_factory: pytest.TempPathFactory, keys: Path) -> Path:
    """A home with policies in which four people are enrolled and nobody has signed."""
    desk = Desk(tmp_path_factory.mktemp("enrolled") / "home", keys)
    fixture.write_policies(desk.home / "policies")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("NIJI_PASSPHRASE", raising=False)
        for role, person in PEOPLE.items():
            added = enrolled(desk, person, role)
            assert added.code == 0, added.err
    return desk.home


@pytest.fixture
def desk(tmp_path: Path, keys: Path, enrolled_once: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.delenv("NIJI_PASSPHRASE", raising=False)
    monkeypatch.setenv("NIJI_SIGNING_PASSPHRASE", PASSPHRASE)
    shutil.copytree(enrolled_once, tmp_path / "home")
    return Desk(tmp_path / "home", keys)


def enrolled(desk: Desk, person: str, role: Role, *more: str, key: str = "") -> Ended:
    public = desk.keys / (key or person) / f"signing.{key or person}.pub.pem"
    words = ("policy", "signer", "add", person, "--role", role.value, "--public-key", public, "--home", desk.home)
    return niji(*words, *more)


def refused(ended: Ended, code: str, *, exit_code: int = 10) -> None:
    assert (ended.code, ended.err.split("\n")[0].split("  ")[-1]) == (exit_code, code), ended.err
    assert "Traceback" not in ended.err
    assert PASSPHRASE not in ended.text


def test_four_people_sign_and_the_policy_is_active(desk: Desk) -> None:
    assert desk.verified().code == 10
    for role in PEOPLE:
        done = desk.signed(role, "--yes", "--language", "en")
        assert done.code == 0, done.err
        assert "What is signed" in done.out
        assert "all of it: sha256:" in done.out
        assert "What the check says" in done.out
    done = desk.verified("--language", "en")
    assert done.code == 0, done.text
    assert "dataset/clinic 1.0.0: active" in done.out
    assert all(person in done.out for person in PEOPLE.values())
    body = json.loads(desk.verified("--json").out)
    assert body["ok"] is True
    assert [one["by"] for one in body["policies"][0]["signatures"]] == list(PEOPLE.values())
    assert body["altered"] == []


def test_page_is_shown_in_japanese_before_it_is_signed(desk: Desk) -> None:
    done = desk.signed(Role.AUTHOR)
    assert "署名の対象" in done.out
    assert "u-0101 が起案者として起案の署名をした" in done.out


def test_signing_is_asked_and_a_no_signs_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    refused(desk.signed(Role.AUTHOR, "--language", "en"), "policy.not-confirmed", exit_code=2)
    monkeypatch.setattr("typer.confirm", lambda *_, **__: (_ for _ in ()).throw(SystemExit(1)))
    monkeypatch.setattr("sys.stdin", Terminal())
    assert desk.signed(Role.AUTHOR, "--language", "en").code == 1
    assert not (desk.home / "approvals" / "dataset").exists()


def test_edit_between_reading_and_signing_is_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def edits(*_: object, **__: object) -> bool:
        desk.clinic.write_text(desk.clinic.read_text("utf-8").replace("version: 1.0.0", "version: 1.0.1"), "utf-8")
        return True

    monkeypatch.setattr("typer.confirm", edits)
    monkeypatch.setattr("sys.stdin", Terminal())
    refused(desk.signed(Role.AUTHOR, "--language", "en"), "policy.changed-meanwhile")
    assert not (desk.home / "approvals" / "dataset").exists()


def test_digest_that_was_read_elsewhere_is_held(desk: Desk) -> None:
    refused(desk.signed(Role.AUTHOR, "--yes", "--digest", "sha256:" + "0" * 64), "policy.changed-meanwhile")
    digest = json.loads(desk.verified("--json").out)["policies"][0]["digest"]
    assert desk.signed(Role.AUTHOR, "--yes", "--digest", digest).code == 0


def test_refusals_of_a_signature(desk: Desk, tmp_path: Path) -> None:
    refused(desk.signed(Role.DATA_STEWARD), "policy.out-of-order")
    refused(desk.signed(Role.AUTHOR, by=PEOPLE[Role.DATA_STEWARD]), "policy.role-not-held", exit_code=12)
    refused(desk.signed(Role.AUTHOR, by="u-nobody"), "policy.no-key", exit_code=2)
    refused(desk.signed(Role.AUTHOR, path=desk.home / "policies"), "policy.sign-one", exit_code=2)
    refused(desk.signed(Role.AUTHOR, path=tmp_path / "nowhere.yaml"), "policy.no-folder", exit_code=2)
    refused(desk.signed(Role.AUTHOR, "--yes", "--accept", "ETH-01"), "policy.accept-without-reason", exit_code=2)
    refused(desk.signed(Role.AUTHOR, "--yes", "--accept", "ETH-01=seen and agreed"), "policy.nothing-to-accept")
    desk.clinic.write_text("id: [", "utf-8")
    assert desk.signed(Role.AUTHOR).code == 10


def test_blocked_policy_is_not_signed(desk: Desk) -> None:
    path = desk.home / "policies" / fixture.CELLS
    path.write_text(path.read_text("utf-8").replace("min_cell: 10", "min_cell: 5"), "utf-8")
    done = desk.signed(Role.AUTHOR, path=path)
    refused(done, "policy.check-blocks")
    assert f"{fixture.CELLS}:" in done.err


def test_wrong_or_missing_passphrase_is_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NIJI_SIGNING_PASSPHRASE", "another")
    refused(desk.signed(Role.AUTHOR), "keys.wrong-passphrase", exit_code=12)
    monkeypatch.delenv("NIJI_SIGNING_PASSPHRASE")
    refused(desk.signed(Role.AUTHOR), "policy.no-passphrase", exit_code=2)
    refused(desk.signed(Role.AUTHOR, "--passphrase-file", str(tmp_path / "no")), "policy.no-passphrase", exit_code=2)
    file = tmp_path / "passphrase"
    file.write_text(PASSPHRASE + "\n", "utf-8")
    assert desk.signed(Role.AUTHOR, "--yes", "--passphrase-file", str(file)).code == 0


def test_suspend_resume_retire(desk: Desk) -> None:
    for role in PEOPLE:
        assert desk.signed(role).code == 0
    officer = ("--by", PEOPLE[Role.COMPLIANCE_OFFICER], "--keys", desk.keys / PEOPLE[Role.COMPLIANCE_OFFICER])
    common = (desk.clinic, "--home", desk.home, "--yes", "--reason", "the table is wrong", "--language", "en")
    steward = ("--role", "data_steward", "--by", PEOPLE[Role.DATA_STEWARD], "--keys", desk.keys / "u-0112")
    assert niji("policy", "suspend", *common, *steward).out.startswith("dataset/clinic 1.0.0: u-0112 suspends it")
    done = desk.verified("--language", "en")
    assert done.code == 10
    assert "suspended by u-0112 (data steward)" in done.out
    assert "because: the table is wrong" in done.out
    assert niji("policy", "resume", *common, *officer).code == 0
    assert desk.verified().code == 0
    assert niji("policy", "retire", *common, *officer, "--json").code == 0
    assert "retired" in desk.verified("--language", "en").out
    refused(niji("policy", "resume", *common, *officer), "policy.retired")


def test_altered_records_end_with_14_and_name_the_file(desk: Desk) -> None:
    for role in PEOPLE:
        assert desk.signed(role).code == 0
    path = desk.home / "approvals" / "dataset" / "clinic.json"
    path.write_bytes(path.read_bytes().replace(b'"version": "1.0.0"', b'"version": "1.0.1"', 1))
    done = desk.verified()
    assert done.code == 14
    assert str(path) in done.out
    body = json.loads(desk.verified("--json").out)
    assert (body["ok"], body["altered"][0]["where"]["file"]) == (False, str(path))
    refused(niji("policy", "status", "--home", desk.home), body["altered"][0]["code"], exit_code=14)


def test_verification_with_the_platforms_key_got_by_another_way(desk: Desk, tmp_path: Path) -> None:
    for role in PEOPLE:
        assert desk.signed(role).code == 0
    public = desk.home / "keys" / "signing.platform.pub.pem"
    assert desk.verified("--public-key", public).code == 0
    stranger = desk.keys / "u-0101" / "signing.u-0101.pub.pem"
    assert desk.verified("--public-key", stranger).code == 14


def test_status_lists_every_policy_with_what_lapses_next(desk: Desk) -> None:
    desk.signed(Role.AUTHOR)
    done = niji("policy", "status", "--home", desk.home, "--language", "en")
    assert done.code == 0
    rows = {line.split()[0]: line for line in done.out.splitlines() if line.startswith(("dataset/", "release/"))}
    assert "checked" in rows["dataset/clinic"]
    assert "u-0101" in rows["dataset/clinic"]
    assert re.search(r"draft .*\d{4}-\d{2}-\d{2} ", rows["release/cells"])
    assert "cells: nobody has signed it yet" in done.out
    body = json.loads(niji("policy", "status", "--home", desk.home, "--json").out)
    assert len(body["policies"]) == 7
    assert body["ok"] is False
    assert "署名待ち" in niji("policy", "status", "--home", desk.home).out


def test_policy_that_does_not_load_is_named_and_nothing_is_in_order(desk: Desk) -> None:
    cells = desk.home / "policies" / fixture.CELLS
    cells.write_text("schema: [niji/release/v1\n", encoding="utf-8")
    status = ("policy", "status", "--home", desk.home)
    verify = ("policy", "verify", desk.home / "policies", "--home", desk.home)
    for command in (status, verify):
        body = json.loads(niji(*command, "--json").out)
        assert body["ok"] is False
        assert "cells" not in {one["id"] for one in body["policies"]}
        assert [one["file"] for one in body["unread"]] == [str(cells)]
        assert "cells.yaml:2:1  policy.yaml-syntax: 読み込めない" in niji(*command).out
        assert "policy.yaml-syntax: does not load" in niji(*command, "--language", "en").out
    assert niji(*verify).code == 10
    assert json.loads(desk.verified("--json").out)["unread"] == []


def test_register_is_listed_and_a_revoked_key_signs_no_more(desk: Desk) -> None:
    listed = niji("policy", "signer", "list", "--home", desk.home).out
    assert [line.split()[0] for line in listed.splitlines()] == list(PEOPLE.values())
    refused(enrolled(desk, "u-0999", Role.AUTHOR, key="u-0101"), "policy.signer-key-known")
    refused(enrolled(desk, "u-0101", Role.AUTHOR, "--from", "2020-01-01"), "policy.signer-backdated")
    refused(enrolled(desk, "Taro", Role.AUTHOR, key="u-0101"), "policy.signer-id", exit_code=2)
    assert niji("policy", "signer", "revoke", "u-0101", "--home", desk.home).code == 0
    refused(desk.signed(Role.AUTHOR), "policy.signer-not-valid", exit_code=12)
    body = json.loads(niji("policy", "signer", "list", "--home", desk.home, "--json").out)
    assert body["signers"][0]["revoked_from"]
    assert "public_key" not in body["signers"][0]
    refused(niji("policy", "signer", "revoke", "u-nobody", "--home", desk.home), "policy.signer-unknown")


def test_home_that_is_not_there_is_refused_and_not_made(tmp_path: Path, desk: Desk) -> None:
    missing = tmp_path / "missing"
    refused(niji("policy", "verify", desk.clinic, "--home", missing), "policy.no-home", exit_code=2)
    refused(niji("policy", "status", "--home", missing), "policy.no-home", exit_code=2)
    assert not missing.exists()


def test_empty_register_says_so(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    assert "nobody is enrolled" in niji("policy", "signer", "list", "--home", tmp_path / "home").out


def test_signing_commands_import_no_cryptography_before_they_sign() -> None:
    import subprocess

    code = "import sys, pipelines.cli.policy; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {"cryptography", "sqlalchemy", "dagster", "ibis", "pyarrow", "numpy"} & set(loaded) == set()
