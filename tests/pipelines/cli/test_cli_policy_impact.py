"""`niji policy impact`: from a file, from two versions, from git, with and without a deployment."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from catalog.store import CatalogStore
from pipelines.cli.main import app
from policies.errors import NijiError
from tests.pipelines.cli.test_cli_policy_diff import in_git
from tests.support import catalog_builders as build
from tests.support import policy_files as fixture
from tests.support.policy_files import AGE, CLINIC, MICRODATA


def run(*words: str) -> str:
    ended = CliRunner().invoke(app, ["policy", "impact", *words])
    if ended.exception is not None and not isinstance(ended.exception, SystemExit):
        raise ended.exception
    assert ended.exit_code == 0, ended.output
    return ended.stdout


def test_a_file_that_would_change(tmp_path: Path) -> None:
    root = fixture.write_policies(tmp_path)
    text = run(str(root / AGE), "--language", "en")
    assert "release policy admissions (hierarchy/age)" in text
    assert "not looked at" in text
    assert "公開ポリシー admissions" in run(str(root / AGE))


def test_only_what_really_differs_has_changed(tmp_path: Path) -> None:
    old = fixture.write_policies(tmp_path / "old")
    new = fixture.write_policies(tmp_path / "new", {AGE: [("top_from: 90", "top_from: 85")]})
    assert json.loads(run(str(new), "--against", str(old), "--json"))["changed"] == ["hierarchy/age"]
    assert json.loads(run(str(old), "--against", str(old), "--json")) == {"changed": [], "policies": []}
    assert "nothing is touched" in run(str(old / AGE), "--against", str(old / AGE), "--language", "en")


def test_against_git(tmp_path: Path) -> None:
    root = fixture.write_policies(tmp_path)
    in_git(root)
    text = (root / CLINIC).read_text("utf-8")
    (root / CLINIC).write_text(text.replace("ja: 体重", "ja: 体の重さ"), "utf-8")
    body = json.loads(run(str(root), "--since", "HEAD", "--json"))
    assert body["changed"] == ["dataset/clinic"]
    assert {each["id"] for each in body["policies"] if each["signatures_fall"]} >= {"clinic", "admissions", "cells"}


def test_the_table_of_a_hierarchy_is_a_policy_file_too(tmp_path: Path) -> None:
    levels = "{kind: intervals, low: 0, high: 120, widths: [5, 10], top_from: 90}"
    root = fixture.write_policies(tmp_path, {AGE: [(levels, "{kind: file, path: age.csv}")]})
    table = root / "hierarchies" / "age.csv"
    table.write_text("1;*\n", encoding="utf-8")
    assert json.loads(run(str(table), "--json"))["changed"] == ["hierarchy/age"]


def test_a_deployment_adds_what_is_out(tmp_path: Path) -> None:
    root = fixture.write_policies(tmp_path / "policies")
    store = CatalogStore.open(tmp_path / "catalog.sqlite")
    store.publish(build.record().model_copy(update={"release": "admissions"}))
    store.close()
    body = json.loads(run(str(root / MICRODATA), "--home", str(tmp_path), "--json"))
    assert [(each["kind"], each["release"]) for each in body["given"]] == [("record", "admissions")]
    assert "Already out: published record 1" in run(str(root / MICRODATA), "--home", str(tmp_path), "--language", "en")
    other = json.loads(run(str(root / "datasets" / "cohort.yaml"), "--home", str(tmp_path), "--json"))
    assert other["given"] == []


def test_a_home_without_a_catalog_is_refused(tmp_path: Path) -> None:
    root = fixture.write_policies(tmp_path)
    with pytest.raises(NijiError, match=r"catalog\.no-store"):
        run(str(root), "--home", str(tmp_path / "none"))


def test_a_home_that_has_published_nothing_yet_has_nothing_out(tmp_path: Path) -> None:
    root = fixture.write_policies(tmp_path)
    home = tmp_path / "home"
    home.mkdir()
    with pytest.raises(NijiError, match=r"catalog\.no-store"):
        run(str(root / MICRODATA), "--home", str(home))
    (home / "signers.json").write_text("{}", encoding="utf-8")
    body = json.loads(run(str(root / MICRODATA), "--home", str(home), "--json"))
    assert body["given"] == []
    assert body["policies"]


def test_two_old_versions_are_refused(tmp_path: Path) -> None:
    root = fixture.write_policies(tmp_path)
    with pytest.raises(NijiError, match=r"policy\.two-versions"):
        run(str(root), "--against", str(root), "--since", "HEAD")


def test_a_path_without_a_policy_is_refused(tmp_path: Path) -> None:
    root = fixture.write_policies(tmp_path)
    (root / "notes").mkdir()
    with pytest.raises(NijiError, match=r"policy\.nothing-changes"):
        run(str(root / "notes"))
