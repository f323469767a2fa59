"""One question has one answer, paid for before: what the ledger proves of a noisy release (DP-01, DP-03; V11)."""

import pytest

from catalog.ledger import Ledger, Reservation
from catalog.ledger_checks import ledger_checks
from catalog.ledger_scopes import Scopes
from policies.errors import BudgetError
from tests.support.rule_pairs import pair

ANSWER = "sha256:" + "a" * 64
OTHER = "sha256:" + "b" * 64


def reserve(ledger: Ledger, *, question: str = "q1", amount: int = 400_000) -> Reservation:
    scopes = Scopes("clinic", 1_000_000, "numbers")
    return ledger.reserve(scopes, amount, query_hash=question, snapshot="data-1")


@pytest.fixture
def ledger(tmp_path) -> Ledger:
    return Ledger.open(tmp_path / "ledger.sqlite")


def is_kept(ledger: Ledger, charge_id: str, stored: str) -> bool:
    (check,) = ledger_checks(ledger.history(), charge_id=charge_id, stored_answer=stored)
    assert check.rule == "DP-03"
    return check.passed


@pair(rule="DP-03")
def test_answer_on_record_is_kept_and_a_fresh_draw_under_its_charge_is_not(ledger: Ledger) -> None:
    charge = reserve(ledger).charge_id
    assert not is_kept(ledger, charge, ANSWER)
    ledger.settle(charge, ANSWER)
    assert is_kept(ledger, charge, ANSWER)
    assert not is_kept(ledger, charge, OTHER)
    assert not is_kept(ledger, "no-such-charge", ANSWER)


@pair(rule="DP-03")
def test_same_question_returns_the_recorded_answer_and_failed_tries_stay_spent(ledger: Ledger) -> None:
    first = reserve(ledger, amount=300_000).charge_id
    ledger.burn(first)
    second = reserve(ledger, amount=300_000).charge_id
    ledger.settle(second, ANSWER)
    again = reserve(ledger, amount=300_000)
    assert (again.charge_id, again.answer_digest) == (second, ANSWER)
    assert ledger.show("clinic").spent_micro == 600_000
    (check,) = ledger_checks(ledger.history(), charge_id=second, stored_answer=ANSWER)
    assert check.passed
    assert check.measured["tries"] == 2


@pair(rule="DP-01", violation="V11")
def test_query_after_the_ledger_is_spent_is_refused_and_within_it_passes(ledger: Ledger) -> None:
    reserve(ledger, question="q1", amount=700_000)
    with pytest.raises(BudgetError):
        reserve(ledger, question="q2", amount=300_001)
    assert reserve(ledger, question="q2", amount=300_000).answer_digest is None
    assert ledger.show("clinic").left_micro == 0
