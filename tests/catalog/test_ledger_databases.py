"""The ledger on both databases: the same promises on SQLite and on PostgreSQL, with many processes, and when they die."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from catalog.database import open_engine
from catalog.ledger import Ledger, Reservation
from catalog.ledger_anchor import FileAnchor
from catalog.ledger_entries import ChargeState
from catalog.ledger_scopes import Loss, Scopes
from policies.errors import BudgetError, DataError, IntegrityError
from tests.support.ledger_forms import old_ledger, signer
from tests.support.ledger_processes import AMOUNT, DELTA_AMOUNT, YEAR_FACTOR, storm
from tests.support.postgres import cluster, new_database


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with cluster() as address:
        yield address


@pytest.fixture(params=["sqlite", "postgresql"])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    if request.param == "sqlite":
        return tmp_path / "ledger.sqlite"
    return new_database(request.getfixturevalue("server"))


def ask(ledger: Ledger, question: str = "q1", *, amount: int = 60_000, delta: int = 0, **caps: int) -> Reservation:
    scopes = Scopes("demo", 500_000, "counts", **caps)
    return ledger.reserve(scopes, amount, query_hash=question, snapshot="s1", delta_units=delta)


def test_one_life_of_an_account(location: Path | str) -> None:
    ledger = Ledger.open(location)
    first = ask(ledger)
    assert (first.state, first.answer_digest, first.is_answered) == (ChargeState.RESERVED, None, False)
    first.settle("sha256:a")
    again = ask(Ledger.open(location))
    assert (again.charge_id, again.answer_digest, again.is_answered) == (first.charge_id, "sha256:a", True)
    ask(ledger, "q2").burn()
    ask(ledger, "q3")
    view = ledger.show("demo")
    assert view.spent_micro == 180_000
    assert view.charges == {ChargeState.RELEASED: 1, ChargeState.BURNED: 1, ChargeState.RESERVED: 1}
    with pytest.raises(BudgetError):
        ask(ledger, "q4", amount=320_001)
    ask(ledger, "q4", amount=320_000)
    assert [entry.kind.value for entry in ledger.history()] == [
        "cap", "charge", "release", "charge", "burn", "charge", "charge"
    ]  # fmt: skip
    ledger.verify()


def test_a_second_answer_to_one_question_is_refused_by_the_database_itself(location: Path | str) -> None:
    ledger = Ledger.open(location)
    first, second = ask(ledger), ask(ledger)
    first.settle("sha256:a")
    with pytest.raises(IntegrityError):
        second.settle("sha256:b")
    with pytest.raises(Exception, match=r"(?i)unique"), open_engine(location).begin() as connection:
        connection.execute(text("UPDATE ledger_charges SET state = 'released'"))


def test_an_account_that_is_altered_in_the_database_is_found(location: Path | str) -> None:
    ledger = Ledger.open(location)
    ask(ledger)
    with open_engine(location).begin() as connection:
        connection.execute(text("UPDATE ledger_budgets SET spent_micro = 0"))
    with pytest.raises(IntegrityError) as caught:
        ledger.verify()
    assert caught.value.code == "ledger.altered"


def test_a_year_is_capped_and_the_next_begins_anew_inside_the_lifetime(location: Path | str, tmp_path: Path) -> None:
    moment = [datetime(2026, 12, 31, 23, tzinfo=UTC)]
    ledger = Ledger.open(location, clock=lambda: moment[0], anchors=(FileAnchor(tmp_path / "anchor.json"),))
    ask(ledger, "q1", year_cap_micro=100_000)
    with pytest.raises(BudgetError, match="population/demo/year/2026"):
        ask(ledger, "q2", year_cap_micro=100_000)
    with pytest.raises(BudgetError, match="year/2026"):  # who says nothing of the year is charged to it all the same
        ask(ledger, "q2")
    moment[0] = datetime(2027, 1, 1, tzinfo=UTC)
    ask(ledger, "q2", year_cap_micro=100_000)
    moment[0] = datetime(2020, 1, 1, tzinfo=UTC)  # a clock that is set back opens no other year
    with pytest.raises(BudgetError, match="year/2027"):
        ask(ledger, "q3", year_cap_micro=100_000)
    assert ledger.show("demo").spent_micro == 120_000
    ledger.verify()


def test_few_processes_with_kills_keep_every_account(location: Path | str, tmp_path: Path) -> None:
    cap = 40 * AMOUNT
    left = storm(location, tmp_path / "anchor.json", processes=3, attempts=25, cap_micro=cap, killed={1: 3})
    spent = left.spent_micro
    assert set(left.spent_delta.values()) == {left.made * DELTA_AMOUNT}
    assert spent["lifetime"] == spent["release"] == spent["researcher"] == spent["year"] == left.made * AMOUNT
    # Two processes alone make 50 attempts, so the account is full: exactly, neither above nor below.
    assert spent["lifetime"] == cap < cap * YEAR_FACTOR
    # What was told as charged is on record; a killed process may have charged once more without being heard.
    assert left.charged <= left.made <= left.charged + 1
    assert left.refused > 0


@pytest.mark.parametrize("form", ["unnumbered", "0002"])
def test_a_ledger_of_an_older_form_is_brought_up_and_what_was_signed_still_holds(
    location: Path | str, form: str
) -> None:
    signing = signer()
    head = old_ledger(location, form, signing=signing)
    ledger = Ledger.open(location, signing)
    ledger.verify(public_keys={signing.key_id: signing.public}, anchors=(head,))
    view = ledger.show("demo")
    assert (view.cap_micro, view.spent, view.delta_cap_units) == (500_000, Loss(50_000, 0), None)
    again = ask(ledger, "q1")
    assert (again.answer_digest, again.is_answered) == ("sha256:a", True)
    with pytest.raises(BudgetError, match="year/2026"):
        ask(ledger, "q2", year_cap_micro=60_000)
    # The account goes on with its ρ, and begins with no δ; a cap of δ is recorded when it is first declared.
    ask(ledger, "q2", amount=1_000, delta=40, delta_cap_units=100)
    assert ledger.show("demo").spent == Loss(51_000, 40)
    assert [entry.body.get("reason") for entry in ledger.history()][3] == "first cap of delta"
    ledger.verify(public_keys={signing.key_id: signing.public}, anchors=(head,))
    with open_engine(location).begin() as connection:
        assert connection.exec_driver_sql("SELECT version_num FROM ledger_version").scalar_one() == "0003"
        connection.exec_driver_sql("UPDATE ledger_version SET version_num = '0009'")
    with pytest.raises(IntegrityError) as caught:
        Ledger.open(location)
    assert caught.value.code == "ledger.newer"


def test_delta_is_charged_with_rho_to_every_account_or_to_none(location: Path | str) -> None:
    ledger = Ledger.open(location)
    caps = {"delta_cap_units": 100, "release_cap_micro": 400_000, "release_delta_cap_units": 50}
    ask(ledger, "q1", amount=1_000, delta=40, **caps)
    before = ledger.history()
    with pytest.raises(BudgetError) as caught:
        ask(ledger, "q2", amount=1_000, delta=11, **caps)
    assert caught.value.code == "ledger.delta-cap"
    assert "release/counts" in caught.value.what
    with pytest.raises(BudgetError) as caught:
        ask(ledger, "q2", amount=1_000, delta=1, **{**caps, "delta_cap_units": 101})
    assert caught.value.code == "ledger.delta-cap-differs"
    assert ledger.history() == before
    # Who draws no threshold asks nothing of the cap of δ, and is charged to the same accounts; another release has room.
    ask(ledger, "q2", amount=1_000)
    other = Scopes("demo", 500_000, "others", delta_cap_units=100)
    ledger.reserve(other, 1_000, query_hash="q3", snapshot="s1", delta_units=60)
    view = ledger.show("demo")
    assert (view.spent, view.accounts[0].spent) == (Loss(3_000, 100), Loss(2_000, 40))
    with pytest.raises(BudgetError) as caught:
        ledger.reserve(other, 1_000, query_hash="q4", snapshot="s1", delta_units=1)
    assert caught.value.code == "ledger.delta-cap"
    assert "population/demo/lifetime" in caught.value.what
    ledger.set_cap("demo", delta_cap_units=200, by="board", reason="review")
    assert (ledger.show("demo").cap_micro, ledger.show("demo").delta_cap_units) == (500_000, 200)
    ledger.verify()


def test_a_delta_that_is_altered_in_the_database_is_found(location: Path | str) -> None:
    for number, column in enumerate(("ledger_budgets SET delta_spent_units", "ledger_charge_scopes SET delta_units")):
        ledger = Ledger.open(location)
        ask(ledger, f"q{number}", amount=1_000, delta=40)
        ledger.verify()
        with open_engine(location).begin() as connection:
            connection.execute(text(f"UPDATE {column} = 0"))
        with pytest.raises(IntegrityError) as caught:
            ledger.verify()
        assert caught.value.code == "ledger.altered"
        with open_engine(location).begin() as connection:
            connection.execute(text("UPDATE ledger_budgets SET delta_spent_units = 40"))


def test_a_server_that_is_not_there_is_a_coded_error_without_the_address() -> None:
    pytest.importorskip("psycopg", reason="the driver of PostgreSQL is not installed")
    with pytest.raises(DataError) as caught:
        Ledger.open("postgresql://niji:canary-5512@/ledger?host=/nonexistent")
    assert caught.value.code == "ledger.unwritable"
    assert "canary" not in str(caught.value)
