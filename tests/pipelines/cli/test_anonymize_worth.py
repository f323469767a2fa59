"""`niji anonymize --utility --metric --weights`: what is least, what is left, and what is refused."""

import csv
import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from pipelines.cli.anonymize import anonymize
from policies.errors import NijiError

AGES = "".join(f"{age};{age // 10 * 10}-{age // 10 * 10 + 9};*\n" for age in range(20, 40))
CITIES = "north;*\nsouth;*\n"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    (tmp_path / "age.csv").write_text(AGES, encoding="utf-8")
    (tmp_path / "city.csv").write_text(CITIES, encoding="utf-8")
    with (tmp_path / "table.csv").open("w", encoding="utf-8", newline="") as stream:
        rows = [(20 + i, "north" if i % 2 else "south", "flu" if i % 4 == 1 else "cold") for i in range(20)]
        csv.writer(stream).writerows([("age", "city", "illness"), *rows])
    return tmp_path


def run(home: Path, *more: str) -> Result:
    app = typer.Typer()
    app.command()(anonymize)
    words = ["--output", home / "out" / "out.csv", "--quasi", "age,city", "--hierarchies", home, "--k", 5, *more]
    return CliRunner().invoke(app, [str(word) for word in (home / "table.csv", *words)])


def code_of(result: Result) -> str:
    assert isinstance(result.exception, NijiError)
    return result.exception.code


def test_what_the_release_is_worth_is_shown_and_in_the_evidence(home: Path) -> None:
    result = run(home, "--utility", "--target", "illness", "--evidence", str(home / "evidence.json"))
    assert result.exit_code == 0, result.output
    assert "query error" in result.output
    evidence = json.loads((home / "evidence.json").read_text("utf-8"))
    utility = evidence["utility"]
    assert utility["loss"] == pytest.approx(evidence["loss"])
    assert (utility["counted"], utility["missing_values"]) == ("rows", "own_category")
    assert utility["prediction"]["folds"] == 5


def test_without_being_asked_nothing_of_the_source_is_in_the_evidence(home: Path) -> None:
    run(home, "--evidence", str(home / "evidence.json"))
    assert "utility" not in json.loads((home / "evidence.json").read_text("utf-8"))


def test_a_weight_changes_which_column_is_spared(home: Path) -> None:
    nodes = {
        column: json.loads(run(home, "--weights", f"{column}=0", "--metric", "arithmetic", "--json").stdout)["node"]
        for column in ("age", "city")
    }
    assert nodes["age"]["city"] == 0
    assert nodes["city"]["age"] == 1
    weighed = json.loads(run(home, "--weights", "city=50", "--metric", "arithmetic", "--utility", "--json").stdout)
    assert weighed["utility"]["arithmetic_loss"] == pytest.approx(weighed["loss"]), "worked out by two codes"
    assert "city 50" in weighed["metric"]


@pytest.mark.parametrize(
    ("more", "code"),
    [
        (("--weights", "age"), "usage.weights"),
        (("--weights", "age=much"), "usage.weights"),
        (("--weights", "age=1", "--weights", "age=2"), "usage.weights"),
        (("--weights", "illness=2"), "policy.weights"),
        (("--target", "illness"), "usage.target"),
        (("--utility", "--target", "height"), "data.column-missing"),
        (("--recoding", "local", "--metric", "arithmetic"), "usage.metric"),
    ],
)
def test_what_cannot_be_asked_is_refused_and_nothing_is_written(home: Path, more: tuple[str, ...], code: str) -> None:
    assert code_of(run(home, *more)) == code
    assert not (home / "out" / "out.csv").exists()
