"""The whole way by command line: publish, search, request, decide, build, verify, open, audit."""

import importlib
import json
import sys
import types
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from catalog.describe import PackageFacts, describe
from catalog.keys import KeyStore
from catalog.manifest import write_manifest
from catalog.secret import Passphrase
from catalog.store import CatalogStore
from policies.canonical import canonical_json, digest
from policies.errors import NijiError

RUNNER = CliRunner()
DAY = date(2026, 12, 1)


class Deployment:
    """A home with one published release, and the commands run in it."""

    def __init__(self, home: Path, release: Any) -> None:
        self.home = home
        self.release = release

    def run(self, command: str, *arguments: str) -> Any:
        module = importlib.import_module(f"pipelines.cli.{command}")
        found = RUNNER.invoke(module.app, [*arguments], env={"NIJI_HOME": str(self.home)})
        if isinstance(found.exception, NijiError):
            raise found.exception
        return found

    def json(self, command: str, *arguments: str) -> Any:
        found = self.run(command, *arguments, "--json")
        assert found.exit_code == 0, found.output
        return json.loads(found.stdout)


@pytest.fixture
def deployment(tmp_path: Path, build: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    home = tmp_path / "home"
    release = build.release()
    library = build.library(release)
    keys = KeyStore.open(home / "keys", Passphrase("correct horse"))
    package = home / "zones" / "released" / release.id / release.version
    package.mkdir(parents=True)
    (package / "stays.parquet").write_bytes(b"PAR1" * 5000)
    (package / "dictionary.json").write_text("{}")
    (package / "evidence.json").write_text("{}")
    (package / "policy.json").write_bytes(canonical_json(release))
    manifest = write_manifest(package, keys.signer(), statement={})
    store = CatalogStore.open(home / "catalog.sqlite")
    store.publish(
        describe(
            release,
            {"admissions": build.dataset()},
            evidence=build.evidence(),
            checks=(),
            issued=DAY,
            policy_digest=digest(release),
            package=PackageFacts(manifest_digest=manifest.digest, files={"stays.parquet": 20_000}),
        )
    )
    settings = types.ModuleType("pipelines.settings")
    settings.load_settings = lambda home: types.SimpleNamespace(keys_passphrase="correct horse")  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pipelines.settings", settings)
    monkeypatch.setattr("pipelines.settings", settings, raising=False)
    monkeypatch.setattr("policies.load.load_library", lambda root: library)
    for name in ("request", "extract"):
        monkeypatch.setattr(importlib.import_module(f"pipelines.cli.{name}"), "today", lambda: DAY)
    yield Deployment(home, release)
    store.close()


def _form(deployment: Deployment, build: Any, text: str, folder: Path, **changes: Any) -> Path:
    path = folder / "request.json"
    path.write_text(build.form(text, **changes).model_dump_json(), "utf-8")
    return path


def test_the_whole_way(deployment: Deployment, build: Any, recipient: Any, tmp_path: Path) -> None:
    assert deployment.json("catalog", "search", "糖尿病")["total"] == 1
    assert deployment.json("catalog", "validate")["conforms"]
    made = deployment.json("extract", "keygen", "--output", str(tmp_path / "me"))
    form = _form(deployment, build, recipient.text, tmp_path)
    submitted = deployment.json("request", "submit", str(form), "--key", str(tmp_path / "me.pub"))
    (request,) = submitted["requests"]
    assert request["state"] == "submitted"
    shown = deployment.json("request", "show", request["id"], "--policies", "policies")
    assert shown["assessment"]["verdict"] == "admit"
    decided = deployment.json("request", "decide", request["id"], "approve", "--by", "c-abe", "--policies", "policies")
    permit = decided["requests"][0]["permit"]
    assert permit["key_fingerprint"] == made["fingerprint"]
    built = deployment.json("extract", "build", permit["id"])
    assert built["sealed_files"] == 1
    folder = deployment.home / "outbox" / permit["id"]
    assert deployment.json("extract", "verify", str(folder))["manifest_digest"] == built["manifest_digest"]
    key = deployment.home / "keys" / "signing.platform.pub.pem"
    opened = deployment.json(
        "extract",
        "open",
        str(folder),
        "--key",
        str(tmp_path / "me.sec"),
        "--out",
        str(tmp_path / "data"),
        "--public-key",
        str(key),
    )
    assert opened["permit"] == permit["id"]
    assert (tmp_path / "data" / "stays.parquet").read_bytes() == b"PAR1" * 5000
    anchor = tmp_path / "anchor.json"
    deployment.json("audit", "checkpoint", "--output", str(anchor))
    report = deployment.json("audit", "verify", "--checkpoint", str(anchor))
    assert (report["events"], report["signed_up_to"]) == (4, 4)


def test_plain_output_is_for_people(deployment: Deployment, build: Any, recipient: Any, tmp_path: Path) -> None:
    assert "1 records, page 1 of 1" in deployment.run("catalog", "search", "--facet", "method=microdata").stdout
    assert "0 violations" in deployment.run("catalog", "validate").stdout
    assert "dcat:Dataset" in deployment.run("catalog", "export").stdout
    assert "no requests" in deployment.run("request", "show").stdout
    found = deployment.run("request", "submit", str(_form(deployment, build, recipient.text, tmp_path)))
    assert "submitted (提出済み)" in found.stdout
    request = found.stdout.split()[0]
    shown = deployment.run("request", "show", request, "--policies", "policies").stdout
    assert "assessment: admit (可)" in shown
    deployment.run("request", "decide", request, "approve", "--by", "c-abe:compliance", "--comment", "fine")
    permit = request.replace("request-", "permit-")
    assert "permit-" in deployment.run("request", "show", request).stdout
    assert "1 sealed files" in deployment.run("extract", "build", permit).stdout
    assert "4 entries hold" in deployment.run("audit", "verify").stdout


def test_export_writes_files_and_json_ld(deployment: Deployment, tmp_path: Path) -> None:
    deployment.run("catalog", "export", "admissions-microdata", "--format", "xml", "--output", str(tmp_path / "c.rdf"))
    assert (tmp_path / "c.rdf").read_text("utf-8").startswith("<?xml")
    assert deployment.json("catalog", "export")
    with pytest.raises(NijiError, match=r"catalog\.output"):
        deployment.run("catalog", "export", "--output", str(tmp_path / "no" / "c.ttl"))
    with pytest.raises(NijiError, match=r"catalog\.unknown-record"):
        deployment.run("catalog", "export", "nothing")


def test_refusals_end_with_their_codes(deployment: Deployment, build: Any, recipient: Any, tmp_path: Path) -> None:
    form = _form(deployment, build, recipient.text, tmp_path, recipient="R-999")
    request = deployment.json("request", "submit", str(form))["requests"][0]["id"]
    for arguments, code in (
        (("approve", "--by", "r-hayashi"), r"access\.own-request"),
        (("approve", "--by", "c-abe"), r"access\.release-policy"),
        (("reject", "--by", "c-abe"), r"access\.reason-missing"),
        (("approve", "--by", "s-ueda:steward"), r"access\.role"),
    ):
        with pytest.raises(NijiError, match=code) as caught:
            deployment.run("request", "decide", request, *arguments)
        assert caught.value.exit_code == 12
    with pytest.raises(NijiError, match=r"access\.no-permit"):
        deployment.run("extract", "build", "permit-none")
    assert deployment.run("request", "decide", request, "submit", "--by", "c-abe").exit_code == 2
    assert deployment.run("request", "decide", request, "approve", "--by", "c-abe:queen").exit_code == 2


def test_an_approval_under_a_changed_policy_is_refused(
    deployment: Deployment, build: Any, recipient: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = deployment.json("request", "submit", str(_form(deployment, build, recipient.text, tmp_path)))
    changed = build.release(delivery=("extract", "open"))
    monkeypatch.setattr("policies.load.load_library", lambda root: build.library(changed))
    with pytest.raises(NijiError, match=r"access\.policy-changed") as caught:
        deployment.run("request", "decide", request["requests"][0]["id"], "approve", "--by", "c-abe")
    assert caught.value.exit_code == 10


def test_an_approval_under_a_policy_that_nobody_signed_is_refused(
    deployment: Deployment, build: Any, recipient: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unsigned = types.SimpleNamespace(is_active=False)
    monkeypatch.setattr("catalog.approvals.states_of", lambda *_, **__: (unsigned,))
    request = deployment.json("request", "submit", str(_form(deployment, build, recipient.text, tmp_path)))
    name = request["requests"][0]["id"]
    (deployment.home / "approvals").mkdir()
    shown = deployment.json("request", "show", name, "--policies", "policies")["assessment"]
    assert [each["code"] for each in shown["reasons"] if each["verdict"] == "refuse"] == ["active"]
    with pytest.raises(NijiError, match=r"(?s)access\.release-policy.*not active") as caught:
        deployment.run("request", "decide", name, "approve", "--by", "c-abe")
    assert caught.value.exit_code == 12


def test_a_wrong_form_names_its_places_and_no_values(deployment: Deployment, tmp_path: Path) -> None:
    from catalog.access import blank_form

    body = {**blank_form("admissions-microdata", "1.0.0"), "applicant": "山田 太郎"}
    (tmp_path / "form.json").write_text(json.dumps(body), "utf-8")
    with pytest.raises(NijiError, match=r"request\.form") as caught:
        deployment.run("request", "submit", str(tmp_path / "form.json"))
    assert "applicant" in str(caught.value)
    assert "山田" not in str(caught.value)
    (tmp_path / "form.json").write_text("[]")
    with pytest.raises(NijiError, match=r"request\."):
        deployment.run("request", "submit", str(tmp_path / "form.json"))


def test_a_returned_request_is_submitted_again(
    deployment: Deployment, build: Any, recipient: Any, tmp_path: Path
) -> None:
    form = _form(deployment, build, recipient.text, tmp_path)
    request = deployment.json("request", "submit", str(form))["requests"][0]["id"]
    deployment.run("request", "decide", request, "return", "--by", "c-abe", "--comment", "which diabetes?")
    again = _form(deployment, build, recipient.text, tmp_path, purpose="2型糖尿病の研究")
    shown = deployment.json("request", "submit", str(again), "--request", request)["requests"][0]
    assert [step["event"] for step in shown["history"]] == ["submit", "return", "submit"]


def test_expired_permits_end_by_themselves(deployment: Deployment, build: Any, recipient: Any, tmp_path: Path) -> None:
    from pipelines.cli.catalog_home import open_desk

    request = deployment.json("request", "submit", str(_form(deployment, build, recipient.text, tmp_path)))
    name = request["requests"][0]["id"]
    deployment.run("request", "decide", name, "approve", "--by", "c-abe")
    desk = open_desk(deployment.home)
    assert desk.expire(on=date(2027, 11, 30)) == ()
    assert [each.id for each in desk.expire(on=date(2027, 12, 1))] == [name]
    with pytest.raises(NijiError, match=r"access\.permit-ended"):
        deployment.run("extract", "build", name.replace("request-", "permit-"))


def test_locked_keys_open_with_their_passphrase_only(
    deployment: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pass").write_text("swordfish\n")
    made = deployment.json(
        "extract", "keygen", "--output", str(tmp_path / "me"), "--passphrase-file", str(tmp_path / "pass")
    )
    assert made["locked"]
    arguments = ("open", str(tmp_path), "--key", str(tmp_path / "me.sec"), "--out", str(tmp_path / "out"))
    with pytest.raises(NijiError, match=r"sealing\.locked-key"):
        deployment.run("extract", *arguments)
    monkeypatch.setenv("NIJI_KEY_PASSPHRASE", "swordfish")
    with pytest.raises(NijiError, match=r"manifest\.unreadable"):
        deployment.run("extract", *arguments)
    with pytest.raises(NijiError, match=r"keys\.passphrase-file"):
        deployment.run("extract", *arguments, "--passphrase-file", str(tmp_path / "none"))


def test_an_empty_home_says_what_to_do(tmp_path: Path, build: Any) -> None:
    empty = Deployment(tmp_path, None)
    with pytest.raises(NijiError, match=r"catalog\.no-store"):
        empty.run("catalog", "search")
    with pytest.raises(NijiError, match=r"audit\.none"):
        empty.run("audit", "verify")
    with pytest.raises(NijiError, match=r"keys\.none-trusted"):
        empty.run("extract", "verify", str(tmp_path))


def test_facets_that_do_not_exist_are_refused(deployment: Deployment) -> None:
    for facet in ("method=magic", "colour=red", "method"):
        with pytest.raises(NijiError, match=r"catalog\.unknown-facet"):
            deployment.run("catalog", "search", "--facet", facet)


def test_violations_end_with_exit_11(deployment: Deployment, tmp_path: Path) -> None:
    (tmp_path / "shapes").mkdir()
    (tmp_path / "shapes" / "strict.ttl").write_text(
        "@prefix sh: <http://www.w3.org/ns/shacl#> . @prefix dcat: <http://www.w3.org/ns/dcat#> ."
        "<urn:s> a sh:NodeShape ; sh:targetClass dcat:Dataset ; sh:property [ sh:path <urn:missing> ; sh:minCount 1 ] ."
    )
    found = deployment.run("catalog", "validate", "--shapes", str(tmp_path / "shapes"))
    assert found.exit_code == 11
    assert "Violation" in found.stdout
