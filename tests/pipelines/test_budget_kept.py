"""What does not refresh a population's budget: a run again, new data of the same people, another name, a backup put back."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from catalog.database import open_engine
from pipelines.cli.budget import app
from pipelines.settings import Settings
from pipelines.stages.budget_shown import budget_metadata
from pipelines.stages.classified import make_classified
from pipelines.stages.consented import make_consented
from pipelines.stages.protected import make_protected
from pipelines.stages.pseudonymized import make_pseudonymized
from pipelines.stages.raw import make_raw
from policies.errors import BudgetError, ExitCode, IntegrityError, PolicyError
from tests.support import tiny_deployment as tiny
from tests.support.signing import sign_policies

_, NUMBERS = tiny.RELEASES
NEW_VERSION = ("version: 1.0.0", "version: 1.1.0")


@pytest.fixture
def published(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home whose population spent 0.25 of 0.3."""
    return tiny.published_home(tmp_path_factory, tmp_path / "home")


def land(settings: Settings, name: str = "clinic") -> None:
    deployment = tiny.reopened(settings)
    for make in (make_raw, make_classified, make_consented, make_pseudonymized):
        make(deployment, name)


def spent(settings: Settings) -> int:
    return tiny.reopened(settings).ledger.show("clinic").spent_micro


def test_asset_that_runs_again_is_the_stored_answer_and_costs_nothing(published: Settings) -> None:
    before = tiny.reopened(published).ledger.head()
    assert make_protected(tiny.reopened(published), NUMBERS).is_reused
    assert tiny.reopened(published).ledger.head() == before


def test_new_snapshot_of_the_same_people_continues_the_same_account(published: Settings) -> None:
    with (published.landing / "optouts.csv").open("a", encoding="utf-8") as file:
        file.write("P0080,停止,2026-11-20\n")
    tiny.change(published, tiny.NUMBERS, NEW_VERSION)
    sign_policies(published)
    land(published)
    with pytest.raises(BudgetError) as refused:
        make_protected(tiny.reopened(published), NUMBERS)
    assert refused.value.code == "budget.over-cap"
    assert spent(published) == 250_000


def test_renamed_release_pays_again_from_the_same_account(published: Settings) -> None:
    old, new = published.policies / tiny.NUMBERS, published.policies / "releases" / "other-numbers.yaml"
    new.write_text(old.read_text("utf-8").replace(f"id: {NUMBERS}", "id: other-numbers"), "utf-8")
    old.unlink()
    sign_policies(published)
    with pytest.raises(BudgetError) as refused:
        make_protected(tiny.reopened(published), "other-numbers")
    assert refused.value.code == "budget.over-cap"


def test_another_population_name_for_the_same_dataset_is_refused(published: Settings) -> None:
    tiny.change(published, tiny.NUMBERS, ("population: clinic", "population: fresh"))
    with pytest.raises(PolicyError) as refused:
        tiny.reopened(published)
    assert refused.value.code == "DP-01"


def rename_dataset(settings: Settings, *, population: str, patients: str = "patients.csv") -> None:
    """Give the dataset another id, and another population, everywhere, and let stewards and officers sign it all."""
    for place in (tiny.CLINIC, tiny.NUMBERS, tiny.CELLS):
        file = settings.policies / place
        text = file.read_text("utf-8").replace("id: clinic\n", "id: practice\n")
        text = text.replace("dataset: clinic\n", "dataset: practice\n").replace(
            "population: clinic", f"population: {population}"
        )
        text = text.replace("path: patients.csv", f"path: {patients}").replace(*NEW_VERSION)
        file.write_text(text, "utf-8")
    (settings.policies / tiny.CLINIC).rename(settings.policies / "datasets" / "practice.yaml")
    sign_policies(settings)


@pytest.mark.parametrize(
    ("population", "code"), [("clinic", "budget.over-cap"), ("practice", "budget.other-population")]
)
def test_renamed_dataset_continues_the_account_of_its_people_or_is_refused(
    published: Settings, population: str, code: str
) -> None:
    rename_dataset(published, population=population)
    before = tiny.reopened(published).ledger.head()
    land(published, "practice")
    with pytest.raises(BudgetError) as refused:
        make_protected(tiny.reopened(published), NUMBERS)
    assert refused.value.code == code
    assert tiny.reopened(published).ledger.head() == before


def test_renamed_dataset_in_another_place_is_known_by_its_content(published: Settings) -> None:
    rename_dataset(published, population="practice", patients="elsewhere.csv")
    shutil.move(published.landing / "patients.csv", published.landing / "elsewhere.csv")
    land(published, "practice")
    with pytest.raises(BudgetError) as refused:
        make_protected(tiny.reopened(published), NUMBERS)
    assert refused.value.code == "budget.other-population"


def test_other_people_in_another_place_have_an_account_of_their_own(published: Settings) -> None:
    rename_dataset(published, population="practice", patients="elsewhere.csv")
    rows = (published.landing / "patients.csv").read_text("utf-8").splitlines()
    (published.landing / "elsewhere.csv").write_text("\n".join([*rows[:-1], ""]), "utf-8")
    land(published, "practice")
    make_protected(tiny.reopened(published), NUMBERS)
    ledger = tiny.reopened(published).ledger
    assert (ledger.show("practice").spent_micro, ledger.show("clinic").spent_micro) == (250_000, 250_000)
    ledger.verify()


def test_plan_of_a_release_knows_its_answer_and_its_year(published: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIJI_PASSPHRASE", tiny.PASSPHRASE.reveal().decode())
    words = ["plan", NUMBERS, "--home", str(published.home), "--policies", str(published.policies), "--json"]
    answered = CliRunner().invoke(app, words)
    assert answered.exit_code == 0, answered.exception
    assert (json.loads(answered.stdout)["rho_charged"], json.loads(answered.stdout)["is_answered"]) == ("0", True)
    tiny.change(published, tiny.NUMBERS, ("release_rho: '0.25'", "release_rho: '0.04', year_rho_cap: '0.28'"))
    short = CliRunner().invoke(app, words)
    assert short.exit_code == ExitCode.BUDGET
    accounts = {one["account"]: one["rho_left"] for one in json.loads(short.stdout)["accounts"]}
    assert accounts.pop("population/clinic/lifetime") == "0.05"
    assert list(accounts.values()) == ["0.03"]


@pytest.mark.parametrize("anew", ["restored", "gone"])
def test_backup_put_back_is_refused_before_anything_is_charged(published: Settings, tmp_path: Path, anew: str) -> None:
    ledger = published.home / "ledger.sqlite"
    backup = tmp_path / "backup"
    shutil.copyfile(ledger, backup)
    tiny.reopened(published).ledger.set_cap("clinic", cap_micro_rho=300_000, by="board", reason="review")
    for file in published.home.glob("ledger.sqlite*"):
        file.unlink()
    if anew == "restored":
        shutil.copyfile(backup, ledger)
    with pytest.raises(IntegrityError) as refused:
        make_protected(tiny.reopened(published), NUMBERS)
    assert refused.value.code == "ledger.restored"


def test_steward_sees_the_account_beside_the_asset(published: Settings) -> None:
    deployment = tiny.reopened(published)
    shown = budget_metadata(deployment, deployment.library.release(NUMBERS))
    assert (shown["privacy_rho_spent"].value, shown["privacy_rho_left"].value) == (0.25, 0.05)
    assert shown["privacy_burn_down"].value.count("data:image/svg+xml;base64,") == 2
    assert budget_metadata(deployment, deployment.library.release(tiny.RELEASES[0])) == {}


def test_altered_ledger_stops_a_release_before_it_is_charged(published: Settings) -> None:
    with open_engine(published.home / "ledger.sqlite").begin() as connection:
        connection.exec_driver_sql("UPDATE ledger_budgets SET spent_micro = 0")
    tiny.change(published, tiny.NUMBERS, NEW_VERSION)
    sign_policies(published)
    with pytest.raises(IntegrityError) as refused:
        make_protected(tiny.reopened(published), NUMBERS)
    assert refused.value.code == "ledger.altered"
