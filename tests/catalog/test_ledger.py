"""The privacy ledger: never above a cap, never refunded, never silently changed."""

import multiprocessing
import os
import secrets
import signal
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from catalog.database import open_engine
from catalog.keys import PublicKey, Signer
from catalog.ledger import Ledger, Reservation
from catalog.ledger_entries import ChargeState, EntryKind
from catalog.ledger_scopes import Scopes
from catalog.ledger_views import LedgerHead
from policies.errors import BudgetError, DataError, ExitCode, IntegrityError, PolicyError

CAP = 500_000


def reserve(
    ledger: Ledger, amount: int = 50_000, *, question: str = "q1", snapshot: str = "s1", cap: int = CAP
) -> Reservation:
    scopes = Scopes(population="demo", cap_micro=cap, release="admissions-dp")
    return ledger.reserve(scopes, amount, query_hash=f"sha256:{question}", snapshot=f"sha256:{snapshot}")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "ledger.sqlite"


@pytest.fixture
def ledger(path: Path) -> Ledger:
    return Ledger.open(path)


def tamper(path: Path, statement: str) -> None:
    with open_engine(path).begin() as connection:
        connection.execute(text(statement))


def test_a_charge_is_reserved_and_spent(ledger: Ledger) -> None:
    charge = reserve(ledger)
    assert (charge.state, charge.answer_digest) == (ChargeState.RESERVED, None)
    view = ledger.show("demo")
    assert (view.cap_micro, view.spent_micro, view.left_micro) == (CAP, 50_000, 450_000)
    assert view.as_json()["rho_by_state"] == {"reserved": "0.05", "released": "0", "burned": "0"}


def test_the_file_is_for_its_owner_only(path: Path, ledger: Ledger) -> None:
    reserve(ledger)
    for file in path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_repeat_of_an_answered_question_costs_nothing_and_names_the_answer(path: Path, ledger: Ledger) -> None:
    charge = reserve(ledger)
    ledger.settle(charge.charge_id, "sha256:answer")
    again = reserve(Ledger.open(path))
    assert (again.charge_id, again.state, again.answer_digest) == (
        charge.charge_id,
        ChargeState.RELEASED,
        "sha256:answer",
    )
    assert ledger.show("demo").spent_micro == 50_000


def test_another_snapshot_or_question_is_charged(ledger: Ledger) -> None:
    ledger.settle(reserve(ledger).charge_id, "sha256:answer")
    reserve(ledger, snapshot="s2")
    reserve(ledger, question="q2")
    assert ledger.show("demo").spent_micro == 150_000


def test_a_crash_before_the_answer_keeps_the_charge_and_the_next_try_pays_again(path: Path) -> None:
    reserve(Ledger.open(path))
    second = reserve(Ledger.open(path))
    assert second.state is ChargeState.RESERVED
    assert Ledger.open(path).show("demo").spent_micro == 100_000


def test_burned_stays_spent(ledger: Ledger) -> None:
    ledger.burn(reserve(ledger).charge_id)
    view = ledger.show("demo")
    assert view.spent_micro == 50_000
    assert view.by_state_micro[ChargeState.BURNED] == 50_000
    assert reserve(ledger).state is ChargeState.RESERVED


def test_the_cap_may_be_reached_and_not_passed(ledger: Ledger) -> None:
    reserve(ledger, CAP - 1)
    reserve(ledger, 1, question="q2")
    with pytest.raises(BudgetError) as caught:
        reserve(ledger, 1, question="q3")
    assert caught.value.code == "budget.over-cap"
    assert caught.value.exit_code is ExitCode.BUDGET
    for figure in ("0.5", "0.000001"):
        assert figure in str(caught.value)
    assert ledger.show("demo").spent_micro == CAP


def test_a_refused_charge_leaves_no_trace(ledger: Ledger) -> None:
    with pytest.raises(BudgetError):
        reserve(ledger, CAP + 1)
    assert ledger.history() == ()
    assert ledger.populations() == ()


def test_all_scopes_are_charged_or_none(ledger: Ledger) -> None:
    scopes = Scopes("demo", CAP, "counts", researcher="r1", researcher_cap_micro=60_000)
    ledger.reserve(scopes, 50_000, query_hash="sha256:q1", snapshot="sha256:s1")
    with pytest.raises(BudgetError):
        ledger.reserve(scopes, 50_000, query_hash="sha256:q2", snapshot="sha256:s1")
    assert ledger.show("demo").spent_micro == 50_000
    ledger.verify()


def test_an_edited_policy_does_not_change_the_cap(ledger: Ledger) -> None:
    reserve(ledger)
    for cap in (CAP * 2, CAP // 2):
        with pytest.raises(BudgetError) as caught:
            reserve(ledger, question="q2", cap=cap)
        assert caught.value.code == "budget.cap-differs"


def test_a_recorded_decision_changes_the_cap_both_ways(ledger: Ledger) -> None:
    reserve(ledger)
    ledger.set_cap("demo", cap_micro_rho=20_000, by="board", reason="review of 2027")
    assert ledger.show("demo").left_micro == 0
    with pytest.raises(BudgetError):
        reserve(ledger, question="q2", cap=20_000)
    ledger.set_cap("demo", cap_micro_rho=100_000, by="board", reason="review of 2028")
    reserve(ledger, question="q2", cap=100_000)
    assert [entry.kind for entry in ledger.history()] == [
        EntryKind.CAP,
        EntryKind.CHARGE,
        EntryKind.CAP,
        EntryKind.CAP,
        EntryKind.CHARGE,
    ]
    ledger.verify()


@pytest.mark.parametrize(("cap", "by", "reason"), [(-1, "board", "r"), (1, " ", "r"), (1, "board", "")])
def test_a_cap_without_a_decision_is_refused(ledger: Ledger, cap: int, by: str, reason: str) -> None:
    with pytest.raises(PolicyError):
        ledger.set_cap("demo", cap_micro_rho=cap, by=by, reason=reason)


@pytest.mark.parametrize("amount", [0, -5])
def test_a_charge_of_nothing_is_refused(ledger: Ledger, amount: int) -> None:
    with pytest.raises(PolicyError):
        reserve(ledger, amount)


def test_settling_twice_with_one_answer_is_one_entry_with_two_is_refused(ledger: Ledger) -> None:
    charge = reserve(ledger)
    ledger.settle(charge.charge_id, "sha256:a")
    ledger.settle(charge.charge_id, "sha256:a")
    assert len(ledger.history()) == 3
    with pytest.raises(IntegrityError):
        ledger.settle(charge.charge_id, "sha256:b")
    with pytest.raises(IntegrityError):
        ledger.burn(charge.charge_id)


def test_of_two_runs_of_one_question_only_the_first_answer_counts(ledger: Ledger) -> None:
    first, second = reserve(ledger), reserve(ledger)
    ledger.settle(second.charge_id, "sha256:b")
    with pytest.raises(IntegrityError) as caught:
        ledger.settle(first.charge_id, "sha256:a")
    assert caught.value.code == "ledger.answered-meanwhile"
    ledger.burn(first.charge_id)
    assert reserve(ledger).answer_digest == "sha256:b"
    assert ledger.show("demo").spent_micro == 100_000


def test_an_unknown_population_is_refused(ledger: Ledger) -> None:
    with pytest.raises(BudgetError):
        ledger.show("nobody")


def test_a_file_that_is_no_ledger_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "ledger.sqlite"
    file.write_text("this is not a database" * 100)
    with pytest.raises(IntegrityError) as caught:
        Ledger.open(file)
    assert caught.value.code == "store.damaged"


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("UPDATE ledger_entries SET body = replace(body, '50000', '5') WHERE seq = 2", "entry 2"),
        ("UPDATE ledger_entries SET at = '2020-01-01T00:00:00.000+00:00' WHERE seq = 1", "entry 1"),
        ("DELETE FROM ledger_entries WHERE seq = 2", "entry 2"),
        ("UPDATE ledger_entries SET body = 'x' WHERE seq = 3", "entry 3"),
        ("UPDATE ledger_entries SET kind = 'gift' WHERE seq = 3", "entry 3"),
        ("DELETE FROM ledger_entries WHERE seq = 4", "population/demo/lifetime"),
        ("UPDATE ledger_budgets SET spent_micro = 0", "population/demo/lifetime"),
        ("UPDATE ledger_budgets SET cap_micro = 9000000", "population/demo/lifetime"),
        ("DELETE FROM ledger_budgets", "population/demo/lifetime"),
        ("UPDATE ledger_charges SET state = 'released', answer_digest = 'sha256:z' WHERE state = 'reserved'", "charge"),
        ("UPDATE ledger_charge_scopes SET amount_micro = 1", "amount of charge"),
    ],
)
def test_tampering_is_found_and_named(path: Path, ledger: Ledger, statement: str, named: str) -> None:
    ledger.settle(reserve(ledger).charge_id, "sha256:answer")
    reserve(ledger, question="q2")
    ledger.verify()
    tamper(path, statement)
    with pytest.raises(IntegrityError) as caught:
        ledger.verify()
    assert caught.value.exit_code is ExitCode.INTEGRITY
    assert named in caught.value.what


def test_an_unreadable_entry_is_named_and_not_quoted(path: Path, ledger: Ledger) -> None:
    reserve(ledger)
    tamper(path, "UPDATE ledger_entries SET body = 'canary-5512' WHERE seq = 2")
    with pytest.raises(IntegrityError, match="entry 2") as caught:
        ledger.history()
    assert "canary" not in str(caught.value)


def test_a_ledger_without_its_tables_ends_with_a_coded_error(path: Path, ledger: Ledger) -> None:
    tamper(path, "DROP TABLE ledger_budgets")
    with pytest.raises(DataError):
        ledger.populations()
    with pytest.raises(DataError):
        reserve(ledger)
    with pytest.raises(IntegrityError):
        ledger.verify()


def _signer() -> tuple[Signer, dict[str, PublicKey]]:
    private = Ed25519PrivateKey.generate()
    public = PublicKey.of("ed25519", private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
    return Signer(public, private), {public.key_id: public}


def test_signed_heads_hold_and_a_cut_or_foreign_tail_does_not(path: Path) -> None:
    signer, trusted = _signer()
    ledger = Ledger.open(path, signer)
    reserve(ledger)
    ledger.verify(public_keys=trusted)
    with pytest.raises(IntegrityError, match="not signed by a trusted key"):
        ledger.verify(public_keys=_signer()[1])
    reserve(Ledger.open(path), question="q2")
    with pytest.raises(IntegrityError, match="no signed head"):
        ledger.verify(public_keys=trusted)


def test_a_head_kept_elsewhere_shows_a_restored_backup(path: Path, ledger: Ledger) -> None:
    reserve(ledger)
    kept = ledger.head()
    reserve(ledger, question="q2")
    ledger.verify(anchors=[kept, ledger.head()])
    with pytest.raises(IntegrityError, match="kept elsewhere"):
        ledger.verify(anchors=[LedgerHead(9, "sha256:later")])


@given(amounts=st.lists(st.tuples(st.integers(1, 300_000), st.sampled_from(["none", "settle", "burn"])), max_size=8))
@settings(max_examples=15)
def test_spent_is_the_sum_of_all_charges_and_never_above_the_cap(
    tmp_path_factory: pytest.TempPathFactory, amounts: list[tuple[int, str]]
) -> None:
    ledger = Ledger.open(tmp_path_factory.mktemp("ledger") / "ledger.sqlite")
    spent = 0
    for number, (amount, end) in enumerate(amounts):
        try:
            charge = reserve(ledger, amount, question=f"q{number}")
        except BudgetError:
            assert spent + amount > CAP
            continue
        spent += amount
        if end == "settle":
            ledger.settle(charge.charge_id, f"sha256:{number}")
        elif end == "burn":
            ledger.burn(charge.charge_id)
        assert ledger.show("demo").spent_micro == spent <= CAP
    ledger.verify()


def _spend_until_refused(path: Path, amount: int, started: Callable[[], object]) -> None:
    ledger = Ledger.open(path)
    started()
    while True:
        try:
            reserve(ledger, amount, question=secrets.token_hex(8))
        except BudgetError:
            return


def test_processes_together_never_pass_the_cap_also_when_some_are_killed(path: Path) -> None:
    Ledger.open(path)
    context = multiprocessing.get_context("spawn")
    events = [context.Event() for _ in range(4)]
    workers = [context.Process(target=_spend_until_refused, args=(path, 5_000, event.set)) for event in events]
    for worker in workers:
        worker.start()
    for event in events:
        assert event.wait(60)
    for worker in workers[:2]:
        assert worker.pid is not None
        os.kill(worker.pid, signal.SIGKILL)
    for worker in workers:
        worker.join(120)
    ledger = Ledger.open(path)
    view = ledger.show("demo")
    assert view.spent_micro == CAP
    assert view.charges[ChargeState.RESERVED] == CAP // 5_000
    ledger.verify()
