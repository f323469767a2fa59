"""A ledger that was put back from a backup, exchanged or made anew refreshes no budget; an old one upgrades without loss."""

import json
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from sqlalchemy import text

from catalog.database import open_engine
from catalog.ledger import Ledger, Reservation
from catalog.ledger_home import look_at_ledger, open_ledger
from catalog.ledger_place import LedgerPlace
from catalog.ledger_scopes import Loss, Scopes, micro_of
from policies.errors import BudgetError, IntegrityError, PolicyError
from tests.support.ledger_forms import signer

CAP = 200_000


def ask(ledger: Ledger, question: str, *, amount: int = 50_000, delta: int = 0, **caps: int) -> Reservation:
    scopes = Scopes("demo", CAP, "numbers", **caps)
    return ledger.reserve(scopes, amount, query_hash=question, snapshot="s1", delta_units=delta)


@pytest.fixture
def place(tmp_path: Path) -> LedgerPlace:
    (tmp_path / "home").mkdir()
    return LedgerPlace(tmp_path / "home")


def back_up(place: LedgerPlace, to: Path) -> Path:
    with closing(sqlite3.connect(place.home / "ledger.sqlite")) as source, closing(sqlite3.connect(to)) as target:
        source.backup(target)
    return to


def restore(place: LedgerPlace, backup: Path) -> None:
    for file in place.home.glob("ledger.sqlite*"):
        file.unlink()
    shutil.copyfile(backup, place.home / "ledger.sqlite")


def test_restored_backup_is_refused_until_what_is_missing_counts_as_spent(place: LedgerPlace, tmp_path: Path) -> None:
    signing = signer()
    ledger = open_ledger(place, signing)
    ask(ledger, "q1", year_cap_micro=CAP)
    backup = back_up(place, tmp_path / "backup")
    ask(ledger, "q2", year_cap_micro=CAP).settle("sha256:a")
    ask(ledger, "q3", year_cap_micro=CAP)
    restore(place, backup)
    for opened in (lambda: open_ledger(place, signing), lambda: look_at_ledger(place)):
        with pytest.raises(IntegrityError) as caught:
            opened()
        assert caught.value.code == "ledger.restored"
        assert "niji budget reconcile" in caught.value.fix
    missing = open_ledger(place, signing, is_held=False).reconcile(by="board", reason="disk failure of May")
    assert set(missing.values()) == {Loss(100_000)}
    assert len(missing) == 2  # the lifetime and the year
    ledger = open_ledger(place, signing, public_keys={signing.key_id: signing.public})
    view = ledger.show("demo")
    assert (view.spent_micro, view.accounts[0].spent_micro) == (150_000, 150_000)
    ask(ledger, "q4")
    with pytest.raises(BudgetError):
        ask(ledger, "q5")
    ledger.verify()
    with pytest.raises(PolicyError) as refused:
        ledger.reconcile(by="board", reason="again")
    assert refused.value.code == "ledger.nothing-to-reconcile"


def test_restored_ledger_under_a_process_that_runs_is_refused_before_it_charges(
    place: LedgerPlace, tmp_path: Path
) -> None:
    running = open_ledger(place, signer())
    ask(running, "q1")
    with open_engine(place.home / "ledger.sqlite").begin() as connection:
        before = connection.exec_driver_sql("SELECT max(seq) FROM ledger_entries").scalar_one()
    ask(running, "q2")
    with open_engine(place.home / "ledger.sqlite").begin() as connection:
        connection.execute(text("DELETE FROM ledger_entries WHERE seq > :seq"), {"seq": before})
    with pytest.raises(IntegrityError) as caught:
        ask(running, "q3")
    assert caught.value.code == "ledger.restored"


@pytest.mark.parametrize("kept", ["file", "audit"])
def test_one_anchor_is_enough_to_recognize_an_old_ledger_and_to_bring_it_up(
    place: LedgerPlace, tmp_path: Path, kept: str
) -> None:
    signing = signer()
    ledger = open_ledger(place, signing)
    backup = back_up(place, tmp_path / "backup")
    ask(ledger, "q1")
    restore(place, backup)
    if kept == "audit":
        place.anchor_file.unlink()
    else:
        for file in place.home.glob("audit.sqlite*"):
            file.unlink()
    with pytest.raises(IntegrityError) as caught:
        open_ledger(place, signing)
    assert caught.value.code == "ledger.restored"
    open_ledger(place, signing, is_held=False).reconcile(by="board", reason="restored")
    assert open_ledger(place, signing).show("demo").spent_micro == 50_000


@pytest.mark.parametrize("kept", ["file", "audit"])
def test_delta_that_a_restored_ledger_forgot_counts_as_spent(place: LedgerPlace, tmp_path: Path, kept: str) -> None:
    signing = signer()
    ledger = open_ledger(place, signing)
    ask(ledger, "q1", delta=40, delta_cap_units=100)
    backup = back_up(place, tmp_path / "backup")
    ask(ledger, "q2", delta=50)
    ledger.set_cap("demo", delta_cap_units=95, by="board", reason="review")
    restore(place, backup)
    for file in [place.anchor_file] if kept == "audit" else place.home.glob("audit.sqlite*"):
        file.unlink()
    missing = open_ledger(place, signing, is_held=False).reconcile(by="board", reason="restored")
    assert missing == {"population/demo/lifetime": Loss(50_000, 50)}
    ledger = open_ledger(place, signing, public_keys={signing.key_id: signing.public})
    view = ledger.show("demo")
    assert (view.spent, view.delta_cap_units) == (Loss(100_000, 90), 95)
    with pytest.raises(BudgetError) as caught:
        ask(ledger, "q3", delta=6)
    assert caught.value.code == "ledger.delta-cap"


def test_ledger_that_is_gone_is_not_begun_anew(place: LedgerPlace) -> None:
    ask(open_ledger(place, signer()), "q1")
    for file in place.home.glob("ledger.sqlite*"):
        file.unlink()
    for opened in (lambda: open_ledger(place, signer()), lambda: look_at_ledger(place)):
        with pytest.raises(IntegrityError) as caught:
            opened()
        assert caught.value.code == "ledger.restored"


def test_another_environment_with_the_same_anchor_has_no_second_budget(place: LedgerPlace, tmp_path: Path) -> None:
    shared = tmp_path / "elsewhere" / "anchor.json"
    first = open_ledger(LedgerPlace(place.home, anchor=shared), signer())
    ask(first, "q1")
    (tmp_path / "copy").mkdir()
    with pytest.raises(IntegrityError):
        open_ledger(LedgerPlace(tmp_path / "copy", anchor=shared), signer())


def test_anchor_that_is_gone_or_damaged_is_missed(place: LedgerPlace) -> None:
    signing = signer()
    ask(open_ledger(place, signing), "q1")
    place.anchor_file.write_text('{"entries": "canary-5512"}', "utf-8")
    with pytest.raises(IntegrityError) as caught:
        open_ledger(place, signing)
    assert caught.value.code == "ledger.anchor-unreadable"
    assert "canary" not in str(caught.value)
    place.anchor_file.unlink()
    with pytest.raises(IntegrityError) as caught:
        open_ledger(place, signing)
    assert caught.value.code == "ledger.anchor-missing"
    assert open_ledger(place, signing, is_held=False).reconcile(by="board", reason="anchor lost") == {}
    assert open_ledger(place, signing).show("demo").spent_micro == 50_000


def test_crash_between_commit_and_anchor_is_no_alarm(place: LedgerPlace) -> None:
    signing = signer()
    ask(open_ledger(place, signing), "q1")
    body = place.anchor_file.read_text("utf-8")
    ask(open_ledger(place, signing), "q2")
    place.anchor_file.write_text(body, "utf-8")  # as if the process had ended before it wrote the anchor
    ledger = open_ledger(place, signing)
    ask(ledger, "q3")
    assert json.loads(place.anchor_file.read_text("utf-8"))["digest"] == ledger.head().digest


def test_account_that_is_declared_late_begins_with_what_it_would_have_held(tmp_path: Path) -> None:
    moment = [datetime(2026, 3, 1, tzinfo=UTC)]
    ledger = Ledger.open(tmp_path / "ledger.sqlite", clock=lambda: moment[0])
    ask(ledger, "q1")
    moment[0] = datetime(2026, 6, 1, tzinfo=UTC)
    with pytest.raises(BudgetError, match="year/2026"):
        ask(ledger, "q2", year_cap_micro=90_000)
    with pytest.raises(BudgetError, match="release/numbers"):
        ask(ledger, "q2", release_cap_micro=90_000)
    ask(ledger, "q2", amount=40_000, year_cap_micro=90_000, release_cap_micro=90_000)
    assert {one.spent_micro for one in ledger.show("demo").accounts} == {90_000}
    ledger.verify()


@pytest.mark.parametrize("amount", [0, -1, 0.5, True, 1.0])
def test_amount_is_a_whole_number_of_micro_rho(tmp_path: Path, amount: int) -> None:
    with pytest.raises(PolicyError) as caught:
        ask(Ledger.open(tmp_path / "ledger.sqlite"), "q1", amount=amount)
    assert caught.value.code == "budget.no-amount"


def test_loss_is_rounded_up_and_forecast_charges_nothing(tmp_path: Path) -> None:
    assert micro_of(Decimal("0.0000001")) == micro_of(Fraction(1, 10**9)) == 1
    assert micro_of(Decimal("0.05")) == 50_000
    ledger = Ledger.open(tmp_path / "ledger.sqlite")
    scopes = Scopes("demo", CAP, "numbers", year_cap_micro=60_000)
    foreseen = ledger.forecast(scopes, 50_000, query_hash="q1", snapshot="s1")
    assert [one.left_micro for one in foreseen.accounts] == [CAP, 60_000]
    assert ledger.history() == ()
    ledger.reserve(scopes, 50_000, query_hash="q1", snapshot="s1").settle("sha256:a")
    assert ledger.forecast(scopes, 50_000, query_hash="q1", snapshot="s1").charged_micro == 0
    short = ledger.forecast(scopes, 50_000, query_hash="q2", snapshot="s1").short
    assert short[0].scope.startswith("population/demo/year/")


@pytest.mark.parametrize("name", ["", "a/b", "x" * 101, "日 本"])
def test_account_has_a_plain_name(tmp_path: Path, name: str) -> None:
    ledger = Ledger.open(tmp_path / "ledger.sqlite")
    with pytest.raises(PolicyError) as caught:
        ledger.reserve(Scopes("demo", CAP, "counts", researcher=name), 1, query_hash="q", snapshot="s")
    assert caught.value.code == "budget.account-name"
