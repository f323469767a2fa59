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
from catalog.ledger_scopes import Scopes
from policies.errors import BudgetError, DataError, IntegrityError
from tests.support.ledger_processes import AMOUNT, YEAR_FACTOR, storm
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


def ask(ledger: Ledger, question: str = "q1", *, amount: int = 60_000, **caps: int) -> Reservation:
    return ledger.reserve(Scopes("demo", 500_000, "counts", **caps), amount, query_hash=question, snapshot="s1")


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
    assert spent["lifetime"] == spent["release"] == spent["researcher"] == spent["year"] == left.made * AMOUNT
    # Two processes alone make 50 attempts, so the account is full: exactly, neither above nor below.
    assert spent["lifetime"] == cap < cap * YEAR_FACTOR
    # What was told as charged is on record; a killed process may have charged once more without being heard.
    assert left.charged <= left.made <= left.charged + 1
    assert left.refused > 0


def test_a_server_that_is_not_there_is_a_coded_error_without_the_address() -> None:
    pytest.importorskip("psycopg", reason="the driver of PostgreSQL is not installed")
    with pytest.raises(DataError) as caught:
        Ledger.open("postgresql://niji:canary-5512@/ledger?host=/nonexistent")
    assert caught.value.code == "ledger.unwritable"
    assert "canary" not in str(caught.value)
