"""Commands of one table never write over what they read, and take no column for another."""

import csv
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner

from pipelines.cli.anonymize import anonymize
from pipelines.cli.hierarchy.coverage import coverage
from pipelines.cli.perturb import perturb
from policies.errors import NijiError


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    chance = random.Random(4)
    rows = [[f"p{i}", chance.choice("FM"), chance.randint(20, 29), i] for i in range(40)]
    with (tmp_path / "table.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([["pid", "sex", "age", "weight"], *rows])
    (tmp_path / "h").mkdir()
    (tmp_path / "h" / "sex.csv").write_text("F;*\nM;*\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def code_of(*arguments: str) -> str | None:
    """Return the code of the refusal; None where the command did its work."""
    app = typer.Typer()
    for command in (anonymize, perturb, coverage):
        app.command()(command)
    done = CliRunner().invoke(app, arguments)
    if done.exit_code == 0:
        return None
    assert isinstance(done.exception, NijiError)
    return done.exception.code


ANONYMIZE = ("anonymize", "table.csv", "--output", "out.csv", "--quasi", "sex", "--hierarchies", "h", "--k", "2")
PERTURB = ("perturb", "table.csv", "--output", "out.csv", "--microaggregate", "weight", "--k", "5")
COVERAGE = ("coverage", "h/sex.csv", "table.csv", "--column", "sex")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((*ANONYMIZE, "--evidence", "table.csv"), "usage.output-is-input"),
        ((*ANONYMIZE, "--export-mapping", "./table.csv"), "usage.output-is-input"),
        ((*ANONYMIZE, "--evidence", "h/sex.csv"), "usage.output-is-input"),
        ((*ANONYMIZE, "--evidence", "link.csv"), "usage.output-is-input"),
        ((*ANONYMIZE, "--evidence", "out.csv"), "usage.output-twice"),
        ((*ANONYMIZE, "--evidence", "e.json", "--export-mapping", "e.json"), "usage.output-twice"),
        ((*ANONYMIZE, "--evidence", "e.json", "--export-mapping", "m.json"), None),
        ((*PERTURB, "--evidence", "table.csv"), "usage.output-is-input"),
        ((*PERTURB, "--evidence", "out.csv"), "usage.output-twice"),
        ((*PERTURB, "--evidence", "e.json"), None),
        ((*COVERAGE, "--report", "table.csv"), "usage.output-is-input"),
        ((*COVERAGE, "--report", "report.csv"), None),
    ],
)
def test_what_is_read_is_never_written_over(home: Path, arguments: tuple[str, ...], code: str | None) -> None:
    (home / "link.csv").symlink_to("table.csv")
    before = {path: path.read_bytes() for path in (home / "table.csv", home / "h" / "sex.csv")}
    assert code_of(*arguments) == code
    assert {path: path.read_bytes() for path in before} == before
    assert (home / "out.csv").exists() == (code is None and arguments[0] != "coverage")


@pytest.mark.parametrize(
    ("columns", "more", "code"),
    [
        ({"__niji_row": ["1"] * 20}, ("--keep", "__niji_row"), "data.column-reserved"),
        ({"Sex": ["1"] * 20}, ("--keep", "Sex"), "data.duplicate-column"),
        ({"Sex": ["1"] * 20}, (), None),
        ({"tests": [[1, 2]] * 20}, ("--keep", "tests"), "data.column-type"),
        ({"tests": [[1, 2]] * 20}, ("--person", "tests"), "data.column-type"),
        ({"photo": [b"\xff"] * 20}, ("--l", "photo=2"), "data.column-type"),
        ({"tests": [[1, 2]] * 20}, ("--keep", "tests", "--output", "out.parquet"), None),
    ],
)
def test_columns_that_cannot_be_used_are_named_before_rows_are_read(
    home: Path, columns: dict[str, list], more: tuple[str, ...], code: str | None
) -> None:
    pq.write_table(pa.table({"sex": ["F", "M"] * 10, **columns}), home / "table.parquet")
    arguments = ["anonymize", "table.parquet", "--quasi", "sex", "--hierarchies", "h", "--k", "2", *more]
    assert code_of(*arguments, *(() if "--output" in more else ("--output", "out.csv"))) == code


def test_a_parquet_column_that_stands_twice_is_refused(home: Path) -> None:
    pq.write_table(pa.Table.from_arrays([pa.array(["F"] * 9)] * 2, names=["sex", "sex"]), home / "table.parquet")
    arguments = ("--output", "out.csv", "--quasi", "sex", "--hierarchies", "h", "--k", "2")
    assert code_of("anonymize", "table.parquet", *arguments) == "data.duplicate-column"
