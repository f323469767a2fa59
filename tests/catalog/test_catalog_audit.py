import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from catalog.audit import GENESIS, AuditLog, Checkpoint
from catalog.keys import KeyStore
from policies.errors import DataError, IntegrityError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.sqlite"


@pytest.fixture
def log(path: Path) -> AuditLog:
    log = AuditLog.open(path, clock=lambda: datetime(2026, 12, 1, tzinfo=UTC))
    for number in range(5):
        log.append(actor="c-abe", action="request.approve", subject=f"request-{number}", details={"checks": number})
    return log


def _change(path: Path, statement: str) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute(statement)
    connection.close()


def test_the_chain_holds_and_counts(log: AuditLog, keys: KeyStore) -> None:
    assert log.verify(keys.signing_keys()).events == 5
    checkpoint = log.checkpoint(keys.signer())
    log.append(actor="system", action="extract.build", subject="permit-1")
    report = log.verify(keys.signing_keys(), anchors=(checkpoint,))
    assert (report.events, report.signed_up_to, report.checkpoints) == (6, 5, 1)
    assert [event.seq for event in log.events(subject="request-3")] == [4]
    assert log.checkpoint(keys.signer()).count == 6


def test_an_empty_log_is_sound(tmp_path: Path, keys: KeyStore) -> None:
    log = AuditLog.open(tmp_path / "empty.sqlite")
    assert log.verify(keys.signing_keys()).head == GENESIS
    assert log.checkpoint(keys.signer()).count == 0


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_events SET actor = 'c-abf' WHERE seq = 3",
        "UPDATE audit_events SET details = '{\"checks\":9}' WHERE seq = 3",
        "UPDATE audit_events SET digest = replace(digest, 'a', 'b') WHERE seq = 5",
        "UPDATE audit_events SET previous = replace(previous, '0', '1') WHERE seq = 1",
        "UPDATE audit_events SET at = '2026-12-02T00:00:00.000+00:00' WHERE seq = 2",
        "UPDATE audit_events SET details = 'not json' WHERE seq = 2",
        "DELETE FROM audit_events WHERE seq = 3",
        "DELETE FROM audit_events WHERE seq = 1",
    ],
)
def test_every_change_in_the_middle_is_noticed(log: AuditLog, path: Path, keys: KeyStore, statement: str) -> None:
    _change(path, statement)
    with pytest.raises(IntegrityError) as caught:
        log.verify(keys.signing_keys())
    assert caught.value.exit_code == 14


def test_a_cut_off_end_is_noticed_through_the_checkpoint(log: AuditLog, path: Path, keys: KeyStore) -> None:
    anchor = log.checkpoint(keys.signer())
    _change(path, "DELETE FROM audit_events WHERE seq = 5")
    with pytest.raises(IntegrityError):
        log.verify(keys.signing_keys())
    _change(path, "DELETE FROM audit_checkpoints")
    assert log.verify(keys.signing_keys()).events == 4
    with pytest.raises(IntegrityError):
        log.verify(keys.signing_keys(), anchors=(anchor,))


def test_a_rewritten_log_does_not_fit_the_anchor(log: AuditLog, tmp_path: Path, keys: KeyStore) -> None:
    anchor = Checkpoint.from_json(log.checkpoint(keys.signer()).as_json())
    forged = AuditLog.open(tmp_path / "forged.sqlite")
    for number in range(5):
        forged.append(actor="c-abe", action="request.approve", subject=f"request-{number}")
    assert forged.verify(keys.signing_keys()).events == 5
    with pytest.raises(IntegrityError):
        forged.verify(keys.signing_keys(), anchors=(anchor,))


def test_a_checkpoint_of_another_key_is_refused(log: AuditLog, keys: KeyStore) -> None:
    log.checkpoint(keys.signer("stranger"))
    platform = keys.signer()
    with pytest.raises(IntegrityError):
        log.verify({platform.key_id: platform.public})


def test_values_of_people_do_not_enter_the_log(log: AuditLog) -> None:
    for bad in ({"note": "x" * 500}, {"rate": 0.5}, {"text": "a\nb"}):
        with pytest.raises(DataError) as caught:
            log.append(actor="c-abe", action="a", subject="b", details=bad)  # type: ignore[arg-type]
        assert "xxx" not in str(caught.value)
    with pytest.raises(DataError):
        log.append(actor="", action="a", subject="b")


def test_parallel_writers_make_one_chain(path: Path, keys: KeyStore) -> None:
    logs = [AuditLog.open(path) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(logs[n % 4].append, actor="system", action="a", subject=f"s-{n}") for n in range(40)]
        for job in jobs:
            job.result()
    assert logs[0].verify(keys.signing_keys()).events == 40


def test_a_file_that_is_no_checkpoint_is_refused() -> None:
    with pytest.raises(DataError, match="checkpoint"):
        Checkpoint.from_json({"count": "many"})
