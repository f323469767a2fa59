"""`niji policy check|explain`: output, exit codes, speed of starting."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipelines.cli.policy import app
from pipelines.cli.policy.place import root_of
from policies.errors import PolicyError, UsageError
from tests.support import policy_files as fixture

ON = ["--on", "2026-12-15"]


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout


def test_good_folder_is_accepted(tmp_path: Path) -> None:
    code, text = run("check", str(fixture.write_policies(tmp_path)), *ON)
    assert (code, text) == (0, "11 files checked: nothing to say\n")


def test_refused_folder_ends_with_10_and_lines(tmp_path: Path) -> None:
    root = fixture.write_policies(tmp_path, {fixture.CELLS: [("min_cell: 10", "min_cell: 5")]})
    code, text = run("check", str(root), *ON)
    line = fixture.line_of(fixture.FILES[fixture.CELLS], "min_cell")
    assert code == 10
    assert f"{root / fixture.CELLS}:{line}:" in text
    assert "CELL-NDB-1  BLOCK\nwhat: " in text
    assert text.endswith("11 files checked: 2 BLOCK\n")


def test_json_has_the_documented_shape(tmp_path: Path) -> None:
    root = fixture.write_policies(tmp_path, {fixture.MICRODATA: [("k: 12", "k: 10")]})
    code, text = run("check", str(root / fixture.MICRODATA), "--json", *ON)
    answer = json.loads(text)
    assert code == 10
    assert answer["ok"] is False
    assert [set(each) for each in answer["findings"]] == [
        {"rule", "severity", "file", "line", "column", "what", "why", "fix"}
    ]
    assert answer["findings"][0]["rule"] == "CONS-01"


def test_single_file_is_judged_with_its_library(tmp_path: Path) -> None:
    root = fixture.write_policies(tmp_path, {fixture.CELLS: [("min_cell: 10", "min_cell: 5")]})
    assert run("check", str(root / fixture.MICRODATA), *ON)[0] == 0
    assert run("check", str(root / fixture.MICRODATA), str(root / fixture.CELLS), *ON)[0] == 10
    assert run("check", str(root / "releases"), *ON)[0] == 10


def test_release_is_not_in_order_while_its_dataset_is_not(tmp_path: Path) -> None:
    broken = {fixture.CLINIC: [("acquisition_basis: own_care", "acquisition_basis: own_car")]}
    root = fixture.write_policies(tmp_path / "a", broken)
    assert run("check", str(root / fixture.CELLS), *ON)[0] == 10
    assert run("check", str(root / fixture.CONTROLLED), *ON)[0] == 0
    unlawful = {fixture.CLINIC: [("type: private_academic", "type: ngmi_anon_maker")]}
    root = fixture.write_policies(tmp_path / "b", unlawful)
    assert run("check", str(root / fixture.CELLS), *ON)[0] == 10


def test_replaced_law_is_refused_and_not_used(tmp_path: Path) -> None:
    packaged = Path(__file__).resolve().parents[3] / "policies" / "rulepacks" / "appi@2026-06-14.yaml"
    weaker = packaged.read_text(encoding="utf-8").replace("severity: BLOCK", "severity: WARN")
    change = {fixture.MICRODATA: [("label_ja: 匿名加工情報", "label_ja: 匿名化済み")]}
    root = fixture.write_policies(tmp_path, change, extra={"rulepacks/appi@2026-06-14.yaml": weaker})
    assert "policy.duplicate-id" in run("check", str(root), *ON)[1]
    code, text = run("check", str(root / fixture.MICRODATA), *ON)
    assert code == 10
    assert "APPI-28  BLOCK" in text


def test_broken_rule_pack_refuses_everything(tmp_path: Path) -> None:
    root = fixture.write_policies(tmp_path, extra={"rulepacks/local@1.yaml": "schema: niji/rulepack/v1\n"})
    assert run("check", str(root / fixture.CELLS), *ON)[0] == 10


def test_held_release_is_not_refused(tmp_path: Path) -> None:
    code, text = run("check", str(fixture.write_policies(tmp_path)), "--on", "2026-11-30")
    assert code == 0
    assert "5 HOLD" in text


def test_malformed_file_is_refused_with_its_place(tmp_path: Path) -> None:
    root = fixture.write_policies(tmp_path, {fixture.CELLS: [("id: cells", "id: cells\nid: cells")]})
    code, text = run("check", str(root / fixture.CELLS), *ON)
    assert code == 10
    assert f"{root / fixture.CELLS}:3:1  policy.yaml-duplicate-key" in text


def test_file_that_belongs_to_no_folder_is_read_too(tmp_path: Path) -> None:
    root = fixture.write_policies(tmp_path, extra={"draft.yaml": "schema: niji/release/v1\n"})
    code, text = run("check", str(root / "draft.yaml"), *ON)
    assert code == 10
    assert "policy.missing-key" in text


def test_unknown_path_and_date_are_usage_errors(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"policy\.no-folder"):
        run("check", str(tmp_path / "none"))
    with pytest.raises(UsageError, match=r"policy\.no-folder"):
        run("check", str(tmp_path))
    with pytest.raises(UsageError, match=r"policy\.not-a-date"):
        run("check", str(fixture.write_policies(tmp_path)), "--on", "tomorrow")


def test_root_is_found_upwards_and_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = fixture.write_policies(tmp_path / "policies")
    assert root_of(root) == root
    assert root_of(root / fixture.CELLS) == root
    assert root_of(root / "releases") == root
    monkeypatch.chdir(tmp_path)
    assert root_of(Path("policies/releases/cells.yaml")) == Path("policies")
    monkeypatch.chdir(root / "releases")
    assert root_of(Path("cells.yaml")).resolve() == root.resolve()


@pytest.mark.parametrize(("language", "words"), [("ja", "何を出すか"), ("en", "What leaves")])
def test_explain_prints_one_page(tmp_path: Path, language: str, words: str) -> None:
    root = fixture.write_policies(tmp_path)
    code, text = run("explain", str(root / fixture.CELLS), "--language", language)
    assert code == 0
    assert words in text


def test_explain_folder_prints_every_release_and_dataset(tmp_path: Path) -> None:
    code, text = run("explain", str(fixture.write_policies(tmp_path)), "--json")
    assert code == 0
    assert {page["id"] for page in json.loads(text)["pages"]} == {
        "clinic",
        "cohort",
        "admissions",
        "numbers",
        "cells",
        "frequencies",
        "rows",
    }


def test_explain_writes_one_html_file(tmp_path: Path) -> None:
    root = fixture.write_policies(tmp_path)
    page = tmp_path / "page.html"
    code, text = run("explain", str(root), "--format", "html", "--output", str(page), "--language", "en")
    assert (code, text.strip()) == (0, str(page))
    html = page.read_text("utf-8")
    assert html.startswith('<!DOCTYPE html>\n<html lang="en">')
    assert html.count("<h1 ") == 7
    assert '<nav aria-label="Contents">' in html


def test_explain_names_the_standing_of_a_deployment(tmp_path: Path) -> None:
    root = fixture.write_policies(tmp_path / "policies")
    cells = str(root / fixture.CELLS)
    assert "Where it stands" not in run("explain", cells, "--language", "en", "--home", str(tmp_path))[1]
    (tmp_path / "approvals").mkdir()
    code, text = run("explain", cells, "--language", "en", "--home", str(tmp_path), "--on", "2026-12-15")
    assert code == 0
    assert "Where it stands" in text
    assert "nobody has signed it yet" in text


def test_explain_says_when_there_is_nothing(tmp_path: Path) -> None:
    root = fixture.write_policies(tmp_path)
    with pytest.raises(UsageError, match="it is a hierarchy"):
        run("explain", str(root / fixture.AGE))


def test_help_shows_examples() -> None:
    assert "niji policy check policies" in run("check", "--help")[1]


def test_errors_say_what_why_fix(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        run("explain", str(tmp_path))
    assert not isinstance(caught.value, PolicyError)
    assert caught.value.what
    assert caught.value.fix


def test_command_starts_without_the_data_machinery() -> None:
    heavy = "{'dagster', 'ibis', 'duckdb', 'opendp', 'great_expectations', 'pyarrow', 'pandas', 'numpy', 'sqlalchemy', 'fastapi'}"
    program = f"import sys; import pipelines.cli.policy; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[3]
    )
    assert done.stdout.strip() == "[]"
