"""`niji budget`: what it shows is what the ledger says, and an altered ledger is not shown."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from catalog.database import open_engine
from catalog.ledger import Ledger
from catalog.ledger_scopes import Scopes
from pipelines.cli.budget import app
from policies.errors import BudgetError, IntegrityError, UsageError


def run(home: Path, *words: str) -> Result:
    return CliRunner().invoke(app, [*words, "--home", str(home)])


@pytest.fixture
def home(tmp_path: Path) -> Path:
    ledger = Ledger.open(tmp_path / "ledger.sqlite")
    charge = ledger.reserve(
        Scopes("demo", 500_000, "admissions-dp"), 50_000, query_hash="sha256:q", snapshot="sha256:s"
    )
    ledger.settle(charge.charge_id, "sha256:a")
    return tmp_path


def test_show_gives_the_account_as_json_and_for_people(home: Path) -> None:
    (shown,) = json.loads(run(home, "show", "--json").stdout)["populations"]
    assert (shown["population"], shown["rho_cap"], shown["rho_spent"], shown["rho_left"]) == (
        "demo",
        "0.5",
        "0.05",
        "0.45",
    )
    assert shown["charges"] == {"reserved": 0, "released": 1, "burned": 0}
    assert "0.45" in run(home, "show", "demo").stdout


def test_history_gives_every_entry(home: Path) -> None:
    entries = json.loads(run(home, "history", "--json").stdout)["entries"]
    assert [entry["kind"] for entry in entries] == ["cap", "charge", "release"]
    assert "charge" in run(home, "history").stdout


def test_looking_makes_no_ledger(tmp_path: Path) -> None:
    assert json.loads(run(tmp_path, "show", "--json").stdout) == {"populations": []}
    assert run(tmp_path, "history").exit_code == 0
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_population_ends_with_a_budget_error(home: Path) -> None:
    assert isinstance(run(home, "show", "nobody").exception, BudgetError)


def test_an_altered_ledger_is_not_shown(home: Path) -> None:
    with open_engine(home / "ledger.sqlite").begin() as connection:
        connection.exec_driver_sql("UPDATE ledger_budgets SET spent_micro = 0")
    result = run(home, "show")
    assert isinstance(result.exception, IntegrityError)
    assert result.stdout == ""


def test_a_cap_is_set_with_a_name_and_a_reason(home: Path) -> None:
    assert run(home, "set-cap", "demo", "--rho", "0.7", "--by", "board", "--reason", "review").exit_code == 0
    assert Ledger.open(home / "ledger.sqlite").show("demo").cap_micro == 700_000


@pytest.mark.parametrize("rho", ["much", "0.1234567", "nan", "inf"])
def test_a_cap_that_is_no_exact_decimal_is_refused(home: Path, rho: str) -> None:
    result = run(home, "set-cap", "demo", "--rho", rho, "--by", "board", "--reason", "review")
    assert isinstance(result.exception, UsageError)
