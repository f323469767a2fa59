"""`niji anonymize --risk`: models of who could be found, a population table, refusals with their code."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from pipelines.cli.anonymize import anonymize
from policies.errors import NijiError

AGES = "".join(f"{age};{age // 10 * 10}-{age // 10 * 10 + 9};*\n" for age in range(100))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "hierarchies").mkdir()
    (tmp_path / "hierarchies" / "age.csv").write_text(AGES, encoding="utf-8")
    (tmp_path / "table.csv").write_text("age,illness\n21,flu\n23,cold\n35,flu\n38,cold\n", encoding="utf-8")
    (tmp_path / "census.csv").write_text("age,n\n21,30\n22,40\n23,50\n35,4\n36,3\n38,5\n", encoding="utf-8")
    return tmp_path


def run(home: Path, *more: object, k: int = 1) -> Result:
    app = typer.Typer()
    app.command()(anonymize)
    table, folder = home / "table.csv", home / "hierarchies"
    needed = [table, "--output", home / "out.csv", "--quasi", "age", "--hierarchies", folder, "--k", k]
    return CliRunner().invoke(app, [str(each) for each in (*needed, *more)])


def evidence(home: Path, *more: object, k: int = 1) -> dict:
    result = run(home, *more, "--evidence", home / "evidence.json", k=k)
    assert result.exit_code == 0, result.output
    return json.loads((home / "evidence.json").read_text("utf-8"))


def test_k_map_and_presence_are_held_against_the_census(home: Path) -> None:
    census = ("--population", home / "census.csv", "--population-people", "n", "--suppression-limit", 0)
    found = evidence(home, "--risk", "k_map=10", "--risk", "delta_presence=0.2", *census)
    assert found["node"] == {"age": 1}
    assert (home / "out.csv").read_text("utf-8").split()[1:] == ['"20-29"'] * 2 + ['"30-39"'] * 2
    reached = {model["model"]: model["reached"] for model in found["risk"]["models"]}
    assert reached["k_map"]["k"] == 12
    assert reached["delta_presence"]["most"] == pytest.approx(2 / 12, abs=1e-6)
    assert found["risk"]["population"]["people_column"] == "n"
    assert found["risk"]["population"]["table"].startswith("sha256:")
    assert {check["name"] for check in found["recount"]} >= {"recount.k_map", "recount.delta_presence"}


def test_models_of_the_release_alone_need_no_population(home: Path) -> None:
    asked = ("average_risk=0.5", "sample_uniqueness=0", "population_uniqueness=0.01,1000,zayatz", "no_attack=1.5,1")
    found = evidence(home, *(each for one in asked for each in ("--risk", one)))
    assert found["node"] == {"age": 1}
    assert {model["model"]: model["reached"]["failing"] for model in found["risk"]["models"]} == {
        "average_risk": 0, "sample_uniqueness": 0, "population_uniqueness": 0, "no_attack": 0
    }  # fmt: skip


def test_publishing_pays_is_asked_for_by_its_four_numbers(home: Path) -> None:
    found = evidence(home, "--risk", "profitability=15,10,4,5", "--suppression-limit", 0)
    (model,) = found["risk"]["models"]
    assert model.pop("reached") == {"payout": 2.0, "failing": 0}
    assert model == {
        "model": "profitability", "gain": 15, "cost": 10, "benefit": 4, "loss": 5, "attacker": "prosecutor"
    }  # fmt: skip
    assert "recount.profitability" in {check["name"] for check in found["recount"] if check["passed"]}


def test_what_is_reached_is_told(home: Path) -> None:
    assert "average_risk: reached 0.25" in " ".join(run(home, "--risk", "average_risk=0.3", k=2).output.split())


@pytest.mark.parametrize(
    ("more", "code"),
    [
        (("--risk", "luck=7"), "usage.risk"),
        (("--risk", "k_map"), "usage.risk"),
        (("--risk", "k_map=1"), "usage.risk"),
        (("--risk", "k_map=3,4"), "usage.risk"),
        (("--risk", "average_risk=much"), "usage.risk"),
        (("--risk", "delta_presence=0.1,0.5"), "usage.risk"),
        (("--risk", "no_attack=3,1,friend"), "usage.risk"),
        (("--risk", "profitability=3,1,5"), "usage.risk"),
        (("--risk", "profitability=3,1,5,4"), "policy.k"),
        (("--risk", "profitability=3,1,5,4", "--recoding", "local"), "usage.risk-local"),
        (("--risk", "average_risk=0.1", "--risk", "average_risk=0.2"), "usage.model-twice"),
        (("--risk", "k_map=3"), "policy.population"),
        (("--population-people", "n"), "usage.population-people"),
        (("--risk", "average_risk=0.5"), "policy.k"),
        (("--risk", "average_risk=0.5", "--recoding", "local"), "usage.risk-local"),
        ((), "policy.k"),
    ],
)
def test_what_cannot_be_asked_is_refused(home: Path, more: tuple, code: str) -> None:
    refusal = run(home, *more).exception
    assert isinstance(refusal, NijiError)
    assert refusal.code == code
    assert not (home / "out.csv").exists()
