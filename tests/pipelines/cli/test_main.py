"""The command line as a process sees it: exit codes, errors as text and as JSON, help, speed of starting."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.cli import main as command_line
from policies.errors import (
    BudgetError,
    DataError,
    IntegrityError,
    NijiError,
    NotPermittedError,
    Place,
    PolicyError,
    UsageError,
)
from tests.support import policy_files

HEAVY = ("dagster", "ibis", "great_expectations", "opendp", "duckdb", "pandas", "pyarrow", "sqlalchemy", "fastapi")
COMMANDS = (
    "demo", "run", "serve", "doctor", "policy", "anonymize", "risk", "budget", "genome", "catalog", "request",
    "extract", "audit",
)  # fmt: skip


def niji(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["niji", *arguments])
    with pytest.raises(SystemExit) as ended:
        command_line.main()
    return int(ended.value.code or 0)


def raising(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def run() -> None:
        raise error

    monkeypatch.setattr(command_line, "app", run)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (UsageError, 2),
        (PolicyError, 10),
        (DataError, 11),
        (NotPermittedError, 12),
        (BudgetError, 13),
        (IntegrityError, 14),
    ],
)
def test_each_family_of_errors_has_its_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], kind: type[NijiError], code: int
) -> None:
    error = kind("some.code", what="a thing", why="a rule", fix="an act", where=Place("file.yaml", 3, 5))
    raising(monkeypatch, error)
    assert niji(monkeypatch, "run") == code
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "file.yaml:3:5  some.code\nwhat: a thing\nwhy:  a rule\nfix:  an act\n"


@pytest.mark.parametrize("words", [("--json",), ("--format", "json"), ("--format=json",)])
def test_error_of_a_json_command_is_json_on_standard_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    raising(monkeypatch, BudgetError("budget.spent", what="a", why="b", fix="c", where=Place("f", 1)))
    assert niji(monkeypatch, "run", *words) == 13
    said = capsys.readouterr()
    assert said.out == ""
    assert json.loads(said.err) == {
        "error": {
            "code": "budget.spent", "what": "a", "why": "b", "fix": "c", "where": {"file": "f", "line": 1, "column": 0}
        }
    }  # fmt: skip


def test_a_command_ends_with_its_own_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    good = policy_files.write_policies(tmp_path / "good")
    bad = policy_files.write_policies(tmp_path / "bad", {policy_files.CELLS: [("min_cell: 10", "min_cell: 5")]})
    assert niji(monkeypatch, "policy", "check", str(good), "--on", "2026-12-15") == 0
    assert niji(monkeypatch, "policy", "check", str(bad), "--on", "2026-12-15") == 10
    assert "CELL-NDB-1  BLOCK" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [("--nonsense",), ("nonsense",), ("run", "--nonsense"), ("demo", "--people", "many"), ("policy", "explain")],
)
def test_wrong_usage_ends_with_2_and_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    assert niji(monkeypatch, *arguments) == 2
    said = capsys.readouterr().err
    assert said.startswith("Usage: ")
    assert "Traceback" not in said


def test_interrupt_ends_with_130(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pipelines.settings.load_settings", interrupted)
    assert niji(monkeypatch, "doctor") == 130
    assert capsys.readouterr().err == "interrupted; nothing half-written is left\n"


def test_unexpected_error_is_told_without_its_text(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    raising(monkeypatch, ValueError("a value of a cell"))
    assert niji(monkeypatch, "run") == 11
    said = capsys.readouterr()
    assert said.err.startswith("niji run  internal.unexpected\n")
    assert "cell" not in said.out + said.err


def test_help_lists_every_command_and_the_exit_codes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert niji(monkeypatch, "--help") == 0
    text = capsys.readouterr().out
    listed = text.partition("Commands:")[2]
    assert [name for name in COMMANDS if f"\n  {name} " not in listed] == []
    for code in ("2 usage", "10 policy refused", "11 data refused", "12 not permitted", "13 budget", "14 integrity"):
        assert code in " ".join(text.split())


def test_checking_policies_starts_without_heavy_libraries(tmp_path: Path) -> None:
    root = policy_files.write_policies(tmp_path)
    script = (
        "import sys; from pipelines.cli.main import main\n"
        f"sys.argv = ['niji', 'policy', 'check', {str(root)!r}, '--on', '2026-12-15']\n"
        "try: main()\n"
        "except SystemExit as done: code = done.code\n"
        f"print(code, sorted(set({HEAVY!r}) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines()[-1] == "0 []"
