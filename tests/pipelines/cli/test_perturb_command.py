"""`niji perturb`: files in, files out, evidence, and coded refusals; the recount finds what a method did not keep."""

import csv
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner, Result

from anonymization.perturbation.coding import Limits
from anonymization.perturbation.steps import (
    AddNoise,
    CodeExtremes,
    Microaggregate,
    PostRandomize,
    RoundTo,
    Step,
    SwapRanks,
)
from anonymization.perturbation.table import perturb_table
from anonymization.recount_perturbation import recount_perturbed
from pipelines.cli.perturb import perturb
from policies.errors import DataError, NijiError, UsageError
from tests.support.perturbation_draws import seeded


@pytest.fixture
def home(tmp_path: Path) -> Path:
    with (tmp_path / "table.csv").open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["pid", "sex", "height", "weight", "smoker", "crp"])
        for row in range(60):
            crp = "" if row % 9 == 0 else row * 7 % 50 / 10
            rows.writerow([f"p{row // 2}", "mf"[row % 2], 150 + row * 13 % 40, 40 + row * 11 % 50, "yno"[row % 3], crp])
    return tmp_path


def run(*arguments: object) -> Result:
    app = typer.Typer()
    app.command()(perturb)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def refused(*arguments: object) -> NijiError:
    error = run(*arguments).exception
    assert isinstance(error, NijiError)
    return error


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_a_table_goes_in_and_a_perturbed_one_comes_out(home: Path) -> None:
    result = run(
        *(home / "table.csv", "--output", home / "out.csv", "--evidence", home / "evidence.json"),
        *("--microaggregate", "height,weight", "--k", 4, "--person", "pid", "--pram", "smoker=0.8", "--swap", "crp=20"),
        *("--top", "crp=4", "--limit-source", "house rule", "--keep", "sex"),
    )
    assert result.exit_code == 0, result.output
    before, after = read(home / "table.csv"), read(home / "out.csv")
    assert list(after[0]) == ["height", "weight", "crp", "smoker", "sex"]
    # Sorted by what leaves, so that the order of the source says nothing.
    heights = [float(row["height"]) for row in after]
    assert heights == sorted(heights)
    assert max(float(row["crp"]) for row in after if row["crp"]) == 4
    assert sum(not row["crp"] for row in after) == sum(not row["crp"] for row in before)
    evidence = json.loads((home / "evidence.json").read_text(encoding="utf-8"))
    assert evidence["counted"] == "people"
    assert evidence["differential_privacy"] is False
    assert evidence["dropped_columns"] == ["pid"]
    assert [step["op"] for step in evidence["steps"]] == ["code_extremes", "microaggregate", "swap_ranks", "pram"]
    assert all(step["not_guaranteed"]["ja"] and step["guarantee"]["en"] for step in evidence["steps"])
    assert {check["name"] for check in evidence["recount"]} >= {"recount.shared.height.weight", "recount.limits.crp"}
    assert 0 < evidence["information_loss"]["height"]["sse_share"] < 1
    assert len(evidence["steps"][3]["matrix"]) == 3


def test_mixed_columns_and_the_optimum_of_one(home: Path) -> None:
    mixed = run(
        *(home / "table.csv", "--output", home / "out.parquet", "--microaggregate", "height,sex,smoker"),
        *("--categories", "sex,smoker", "--k", 3, "--aggregate", "median", "--json"),
    )
    assert mixed.exit_code == 0, mixed.output
    assert json.loads(mixed.output)["steps"][0]["least_people"] >= 3
    one = run(
        *(home / "table.csv", "--output", home / "out.csv", "--microaggregate", "crp", "--k", 3),
        *("--grouping", "univariate", "--noise", "height=2,100,250", "--round-randomly", "weight=5"),
    )
    assert one.exit_code == 0, one.output
    assert all(float(row["weight"]) % 5 == 0 for row in read(home / "out.csv"))


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        ([], "usage.perturbation", "no step"),
        (["--microaggregate", "height"], "usage.perturb", "without --k"),
        (["--microaggregate", "height", "--k", 4, "--grouping", "best"], "usage.perturb", "--grouping"),
        (["--microaggregate", "height", "--k", 4, "--categories", "sex"], "usage.perturb", "--categories"),
        (["--microaggregate", "height", "--k", 61], "data.too-few-people", "60 people"),
        (["--microaggregate", "smoker", "--k", 3], "data.not-a-number", "'smoker'"),
        (["--swap", "crp"], "usage.perturb", "COLUMN=FIGURE"),
        (["--swap", "crp=1,2"], "usage.perturb", "a number"),
        (["--swap", "crp=0"], "usage.perturbation", "range"),
        (["--swap", "age=5"], "data.column-missing", "'age'"),
        (["--swap", "crp=5", "--round", "crp=1"], "usage.perturbation", "twice"),
        (["--swap", "crp=5", "--keep", "crp"], "usage.perturbation", "twice"),
        (["--swap", "crp=5", "--person", "pid", "--keep", "pid"], "usage.perturbation", "person"),
        (["--swap", "height=5", "--person", "crp"], "data.no-person", "7 rows"),
        (["--top", "crp=4"], "usage.perturbation", "source"),
        (["--pram", "smoker=1.5"], "usage.perturbation", "outside"),
        (["--noise", "height=1,160,170"], "data.outside-bounds", "outside"),
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_is_written(
    home: Path, options: list[object], code: str, words: str
) -> None:
    error = refused(home / "table.csv", "--output", home / "out.csv", *options)
    assert error.code == code
    assert words in str(error)
    assert sorted(path.name for path in home.iterdir()) == ["table.csv"]


def test_a_column_of_lists_has_no_categories(tmp_path: Path) -> None:
    pq.write_table(pa.table({"codes": [["a"], ["a", "b"]], "flag": ["y", "n"]}), tmp_path / "table.parquet")
    error = refused(tmp_path / "table.parquet", "--output", tmp_path / "out.parquet", "--pram", "codes=0.8")
    assert error.code == "data.not-a-category"
    assert not (tmp_path / "out.parquet").exists()


def test_the_source_is_never_overwritten(home: Path) -> None:
    error = refused(home / "table.csv", "--output", home / "table.csv", "--swap", "crp=20")
    assert error.code == "usage.output-is-input"
    assert len(read(home / "table.csv")) == 60


ROWS = pa.table(
    {"person": [1, 1, 2, 3, 4, 5], "x": [1.0, 2.0, 3.0, 4.0, 5.0, None], "c": ["a", "b", "a", "b", "a", None]}
)


@pytest.mark.parametrize(
    ("step", "column", "broken"),
    [
        (Microaggregate(("x",), 2, settings=Microaggregate(("x",), 2).settings), "x", [1.5, 1.5, 3.5, 3.5, 5.0, None]),
        (SwapRanks("x", 50), "x", [2.0, 2.0, 3.0, 4.0, 5.0, None]),
        (RoundTo("x", 2.0), "x", [2.0, 2.0, 3.0, 4.0, 4.0, None]),
        (RoundTo("x", 2.0), "x", [2.0, 2.0, 8.0, 4.0, 4.0, None]),
        (CodeExtremes("x", Limits(2, 4, "test")), "x", [2.0, 2.0, 3.0, 4.0, 5.0, None]),
        (AddNoise("x", 1.0, (0, 6)), "x", [0.0, 2.0, 7.0, 4.0, 5.0, None]),
        (PostRandomize("c", 0.8), "c", ["a", "b", "z", "b", "a", None]),
        (PostRandomize("c", 0.8), "c", ["a", "b", None, "b", "a", None]),
    ],
)
def test_the_recount_finds_what_was_not_kept(step: Step, column: str, broken: list[object]) -> None:
    after = ROWS.select(["x", "c"]).set_column(0 if column == "x" else 1, column, pa.array(broken))
    checks = recount_perturbed(ROWS, after, [step], person="person")
    assert [check.passed for check in checks] == [False]


@pytest.mark.parametrize(
    "step",
    [SwapRanks("x", 50), RoundTo("x", 2.0), CodeExtremes("x", Limits(2, 4, "test")), PostRandomize("c", 0.8)],
)
def test_the_recount_agrees_with_the_method(step: Step) -> None:
    found = perturb_table(ROWS, [step], person="person", draws=seeded())
    assert all(check.passed for check in recount_perturbed(ROWS, found.table, [step], person="person"))


def test_groups_of_one_persons_rows_do_not_count_as_two() -> None:
    table = pa.table({"person": ["a", "a", "b", "c", "d"], "x": [1, 2, 3, 9, 10]})
    found = perturb_table(table, [Microaggregate(("x",), 2)], person="person")
    assert all(
        check.passed for check in recount_perturbed(table, found.table, [Microaggregate(("x",), 2)], person="person")
    )
    alone = recount_perturbed(table, pa.table({"x": [1, 1, 6, 9, 6]}), [Microaggregate(("x",), 2)], person="person")
    assert not alone[0].passed


def test_yes_and_no_are_no_numbers() -> None:
    with pytest.raises(DataError, match="no numbers"):
        perturb_table(pa.table({"x": [True, False]}), [SwapRanks("x", 100)])
    with pytest.raises(UsageError, match="no step"):
        perturb_table(ROWS, [])
