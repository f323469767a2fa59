"""`niji risk`: every figure that can be asked for, in both languages and as JSON; refusals with their code."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from pipelines.cli.main import app as whole
from pipelines.cli.risk import risk
from policies.errors import NijiError


@pytest.fixture
def home(tmp_path: Path) -> Path:
    rows = ["pid,age,city,ward", "1,21,north,a", "2,21,north,b", "3,35,north,a", "4,35,south,", "5,35,south,b"]
    (tmp_path / "table.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    census = ["age,city,n", "21,north,40", "35,north,2", "35,south,8", "50,south,900"]
    (tmp_path / "census.csv").write_text("\n".join(census) + "\n", encoding="utf-8")
    return tmp_path


def run(home: Path, *more: object, quasi: str = "age,city") -> Result:
    app = typer.Typer()
    app.command()(risk)
    return CliRunner().invoke(app, [str(home / "table.csv"), "--quasi", quasi, *map(str, more)], env={"COLUMNS": "250"})


def measured(home: Path, *more: object, quasi: str = "age,city") -> dict:
    result = run(home, *more, "--json", quasi=quasi)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_census_gives_the_journalists_risk(home: Path) -> None:
    found = measured(home, "--population", home / "census.csv", "--population-people", "n")
    assert found["journalist"]["basis"] == "population_table"
    assert (found["journalist"]["k_map"], found["journalist"]["max"]) == (2, 0.5)
    assert found["prosecutor"]["max"] == 1.0
    assert measured(home)["journalist"] == {**found["prosecutor"], "basis": "upper_bound_without_population"}


def test_estimates_say_which_estimator_they_are_of(home: Path) -> None:
    found = measured(home, "--population-size", 500)["uniqueness"]
    assert found["sampling_fraction"] == 0.01
    assert found["dankar"]["estimator"] in {"pitman", "zayatz"}
    assert found["dankar"]["uniques"] == found[found["dankar"]["estimator"]]["uniques"]


def test_special_records_and_sets_are_counted(home: Path) -> None:
    found = measured(home, "--suda", 2, "--discover", "age,city,ward", quasi="age,city,ward")
    assert found["suda"]["uniques_by_size"] == {"1": 1, "2": 7}
    assert sum(found["suda"]["contributions"].values()) >= 1
    assert found["quasi_identifier_sets"]["complete"]
    assert found["quasi_identifier_sets"]["sets"][0]["attributes"] == ["age", "ward"]


def test_each_figure_says_what_a_missing_value_is(home: Path) -> None:
    found = measured(home, "--missing", "wild_card", quasi="city,ward")
    assert (found["missing_values"], found["wild_card"]["missing_values"]) == ("own_category", "wild_card")
    assert (found["k"], found["wild_card"]["k"]) == (1, 1)
    assert found["wild_card"]["uniques"] == 1


def test_the_threshold_is_the_callers(home: Path) -> None:
    assert measured(home, "--threshold", 0.6)["prosecutor"]["at_risk"] == pytest.approx(1 / 5)
    assert measured(home, "--threshold", 0.4)["prosecutor"]["at_risk"] == 1.0


@pytest.mark.parametrize(
    ("language", "word"), [("ja", "母集団の人を言い当てられる確率"), ("en", "known to be in the population")]
)
def test_every_figure_is_told_in_words(home: Path, language: str, word: str) -> None:
    asked = ("--population", home / "census.csv", "--population-people", "n", "--population-size", 950, "--suda", 1)
    shown = run(home, *asked, "--discover", "age,city", "--missing", "wild_card", "--language", language).output
    assert word in shown
    english, japanese = ("singled out", "chance", "share"), ("割合", "確率", "人数")
    assert not any(each in shown for each in (english if language == "ja" else japanese))


def test_help_has_examples() -> None:
    assert "--population-people people" in " ".join(CliRunner().invoke(whole, ["risk", "--help"]).output.split())


@pytest.mark.parametrize(
    ("more", "code"),
    [
        (("--population-people", "n"), "usage.population-people"),
        (("--population-size", 2), "policy.population-size"),
        (("--threshold", 20), "policy.risk-threshold"),
        (("--missing", "wild_card", "--person", "pid"), "policy.missing-values"),
        (("--discover", "age,gone"), "data.column-missing"),
    ],
)
def test_what_cannot_be_measured_is_refused(home: Path, more: tuple, code: str) -> None:
    refusal = run(home, *more).exception
    assert isinstance(refusal, NijiError)
    assert refusal.code == code


def test_an_unknown_meaning_of_a_missing_value_is_refused(home: Path) -> None:
    assert run(home, "--missing", "ignored").exit_code == 2
