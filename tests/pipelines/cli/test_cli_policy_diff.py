"""`niji policy diff`: files, folders and git revisions compared, as text, HTML and JSON."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipelines.cli.main import app
from policies.errors import NijiError
from tests.support import policy_files as fixture
from tests.support.policy_files import AGE, CELLS, MICRODATA

EDIT = {MICRODATA: [("k: 12", "k: 5")]}


def run(*words: str) -> str:
    ended = CliRunner().invoke(app, ["policy", "diff", *words])
    if ended.exception is not None and not isinstance(ended.exception, SystemExit):
        raise ended.exception
    assert ended.exit_code == 0, ended.output
    return ended.stdout


def in_git(folder: Path) -> None:
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
    for words in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=T", "-c", "user.email=t@example.jp", "commit", "-q", "-m", "first"],
    ):
        subprocess.run(["git", "-C", str(folder), *words], check=True, env=environment)


def test_two_files(tmp_path: Path) -> None:
    old, new = fixture.write_policies(tmp_path / "old"), fixture.write_policies(tmp_path / "new", EDIT)
    text = run(str(old / MICRODATA), str(new / MICRODATA), "--language", "en")
    assert "from 12 to 5: people are hidden among fewer" in text
    assert "second reader" in text
    assert "署名は効かなくなる" in run(str(old / MICRODATA), str(new / MICRODATA))


def test_two_folders_as_json(tmp_path: Path) -> None:
    old = fixture.write_policies(tmp_path / "old")
    new = fixture.write_policies(tmp_path / "new", {**EDIT, AGE: [("top_from: 90", "top_from: 85")]})
    body = json.loads(run(str(old), str(new), "--json"))
    assert [(each["kind"], each["id"]) for each in body["comparisons"]] == [
        ("release", "admissions"),
        ("hierarchy", "age"),
    ]
    assert body["needs_second_reader"] is True
    (change,) = body["comparisons"][1]["changes"]
    assert change["direction"] == "stricter"
    assert set(change["sentence"]) == {"ja", "en"}


def test_html_stands_alone_in_a_file(tmp_path: Path) -> None:
    old, new = fixture.write_policies(tmp_path / "old"), fixture.write_policies(tmp_path / "new", EDIT)
    page = tmp_path / "diff.html"
    run(str(old), str(new), "--format", "html", "--output", str(page))
    html = page.read_text("utf-8")
    assert html.startswith('<!DOCTYPE html>\n<html lang="ja">')
    assert '<tr class="looser">' in html
    assert "<script" not in html
    assert sorted(path.name for path in tmp_path.iterdir()) == ["diff.html", "new", "old"]


def test_nothing_changed(tmp_path: Path) -> None:
    root = fixture.write_policies(tmp_path)
    assert "signatures hold" in run(str(root), str(root), "--language", "en")


def test_the_old_text_comes_from_git(tmp_path: Path) -> None:
    root = fixture.write_policies(tmp_path / "repository" / "policies")
    in_git(tmp_path / "repository")
    text = (root / MICRODATA).read_text("utf-8")
    (root / MICRODATA).write_text(text.replace("k: 12", "k: 5"), "utf-8")
    for path in (root, root / MICRODATA):
        body = json.loads(run(str(path), "--since", "HEAD", "--json"))
        (found,) = body["comparisons"]
        assert [change["direction"] for change in found["changes"]] == ["looser"]


def test_a_policies_folder_that_is_the_repository_itself(tmp_path: Path) -> None:
    root = fixture.write_policies(tmp_path)
    in_git(root)
    (root / CELLS).unlink()
    body = json.loads(run(str(root), "--since", "HEAD", "--json"))
    assert [(each["id"], each["counts"]["stricter"]) for each in body["comparisons"]] == [("cells", 1)]


@pytest.mark.parametrize("revision", ["nowhere", "--upload-pack=x", "HEAD~5", "HEAD:policies", "$(touch x)"])
def test_a_revision_that_is_none_is_refused(tmp_path: Path, revision: str) -> None:
    root = fixture.write_policies(tmp_path)
    in_git(root)
    with pytest.raises(NijiError, match=r"policy\.not-in-git") as caught:
        run(str(root), f"--since={revision}")
    assert caught.value.fix
    assert not (Path.cwd() / "x").exists()


def test_a_path_outside_git_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    root = fixture.write_policies(tmp_path / "alone")
    with pytest.raises(NijiError, match=r"policy\.not-in-git"):
        run(str(root), "--since", "HEAD")


def test_an_old_version_that_does_not_load_is_named_as_it_was_asked_for(tmp_path: Path) -> None:
    root = fixture.write_policies(tmp_path, {AGE: [("source:", "sorce:")]})
    in_git(root)
    (root / AGE).write_text(fixture.FILES[AGE], "utf-8")
    with pytest.raises(NijiError) as caught:
        run(str(root), "--since", "HEAD")
    assert caught.value.where.file == f"{root}@HEAD/{AGE}"


def test_two_sides_are_needed(tmp_path: Path) -> None:
    root = fixture.write_policies(tmp_path)
    for words in ([str(root)], [str(root), str(root), "--since", "HEAD"]):
        with pytest.raises(NijiError, match=r"policy\.two-versions"):
            run(*words)


def test_a_file_of_no_kind_is_refused(tmp_path: Path) -> None:
    root = fixture.write_policies(tmp_path)
    (tmp_path / "other.yaml").write_text("a: b\n", "utf-8")
    with pytest.raises(NijiError, match=r"policy\.unknown-schema"):
        run(str(root / AGE), str(tmp_path / "other.yaml"))
    with pytest.raises(NijiError, match=r"policy\.(no-such-file|unreadable)"):
        run(str(root / "none.yaml"), str(root / "nothing.yaml"))


def test_nothing_half_written_is_left_where_a_page_cannot_go(tmp_path: Path) -> None:
    root = fixture.write_policies(tmp_path)
    (tmp_path / "taken").mkdir()
    with pytest.raises(NijiError, match=r"policy\.cannot-write"):
        run(str(root), str(root), "--output", str(tmp_path / "taken"))
    assert not list(tmp_path.glob(".*.part"))


def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    root = fixture.write_policies(tmp_path)
    with pytest.raises(NijiError, match=r"policy\.cannot-write"):
        run(str(root), str(root), "--output", str(tmp_path / "no" / "such" / "folder.html"))
