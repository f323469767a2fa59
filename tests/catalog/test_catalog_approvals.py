"""Approvals on disk: real keys, real signatures, bound to the audit log; nothing can be cut off, set back or made up."""

import shutil
import sqlite3
import stat
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from catalog.approvals import ApprovalBook, ApprovalDesk, open_book, states_of
from catalog.audit import AuditLog
from catalog.keys import KeyKind, KeyStore, Signer
from catalog.secret import Passphrase
from policies.approvals import SIGNING
from policies.errors import IntegrityError, NijiError, NotPermittedError, PolicyError
from policies.library import PolicyKind, PolicyLibrary
from policies.load import load_library
from policies.roles import Act, PolicyStatus, Role
from policies.signing import Intent
from tests.support.policy_files import CLINIC as CLINIC_FILE
from tests.support.policy_files import write_policies
from tests.support.signatures import ON, PEOPLE

DATASET, RELEASE, CLINIC = PolicyKind.DATASET, PolicyKind.RELEASE, "clinic"
NOON = datetime(2026, 12, 15, 3, 0, tzinfo=UTC)
PASSPHRASE = Passphrase("a passphrase for tests")


@dataclass
class Home:
    """A home with policies, its platform's keys, and the keys of four people elsewhere."""

    path: Path
    people: KeyStore

    @property
    def library(self) -> PolicyLibrary:
        return load_library(self.path / "policies")

    def desk(self, moment: datetime = NOON) -> ApprovalDesk:
        keys = KeyStore.open(self.path / "keys", PASSPHRASE)
        audit = AuditLog.open(self.path / "audit.sqlite")
        return ApprovalDesk(ApprovalBook(self.path, keys.signing_keys(), audit), keys.signer(), clock=lambda: moment)

    def signer(self, person: str) -> Signer:
        return self.people.signer(person)

    def file(self, kind: PolicyKind = DATASET, name: str = CLINIC) -> Path:
        return self.path / "approvals" / kind.value / f"{name}.json"

    def status(self, name: str = CLINIC) -> PolicyStatus:
        (state,) = states_of(self.library, approvals=open_book(self.path), on=ON, only=((DATASET, name),))
        return state.status


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> KeyStore:
    return KeyStore.open(tmp_path_factory.mktemp("people") / "keys", PASSPHRASE)


@pytest.fixture(scope="module")
def signed_once(tmp_path_factory: pytest.TempPathFactory, people: KeyStore) -> Home:
    home = Home(tmp_path_factory.mktemp("signed") / "home", people)
    write_policies(home.path / "policies")
    desk = home.desk()
    for role, person in PEOPLE.items():
        desk.enrol(person, roles=(role,), key=people.signer(person).public, since=ON, until=None)
    for name in ("clinic", "cohort"):
        for role, person in PEOPLE.items():
            sign(home, role, by=person, name=name)
    return home


@pytest.fixture
def home(signed_once: Home, tmp_path: Path) -> Home:
    shutil.copytree(signed_once.path, tmp_path / "home")
    return Home(tmp_path / "home", signed_once.people)


def sign(home: Home, role: Role, *, by: str, name: str = CLINIC, moment: datetime = NOON, signer: str = "") -> None:
    intent = Intent(SIGNING[role], role, by)
    home.desk(moment).sign(home.library, DATASET, name, intent=intent, signer=home.signer(signer or by), on=ON)


def broken(act: Callable[[], object]) -> IntegrityError:
    with pytest.raises(IntegrityError) as error:
        act()
    return error.value


def test_four_real_signatures_make_a_policy_active(home: Home) -> None:
    assert home.status() is PolicyStatus.ACTIVE
    assert stat.S_IMODE(home.file().stat().st_mode) == 0o600
    assert stat.S_IMODE(home.file().parent.stat().st_mode) == 0o700
    assert [path.name for path in home.file().parent.iterdir()] == ["clinic.json", "cohort.json"]


def test_every_act_is_in_the_audit_log_with_its_record(home: Home) -> None:
    audit = AuditLog.open(home.path / "audit.sqlite")
    events = list(audit.events(subject="dataset/clinic"))
    assert [(one.actor, one.action) for one in events] == [
        (PEOPLE[role], f"policy.{SIGNING[role].value}") for role in PEOPLE
    ]
    records = open_book(home.path).of(DATASET, CLINIC).records
    assert [one.details["record"] for one in events] == [judged.record.digest for judged in records]
    assert len(list(audit.events(subject="signers.json"))) == len(PEOPLE)
    assert audit.verify(open_book(home.path).platform).events == len(PEOPLE) * 3


def test_reading_needs_no_passphrase_and_writes_nothing(home: Home) -> None:
    before = {path: path.stat().st_mtime_ns for path in home.path.rglob("*") if "sqlite" not in path.name}
    for secret in (home.path / "keys").glob("*.key.json"):
        secret.unlink()
        before.pop(secret)
    assert home.status() is PolicyStatus.ACTIVE
    after = {path: path.stat().st_mtime_ns for path in home.path.rglob("*") if "sqlite" not in path.name}
    before.pop(home.path / "keys")
    after.pop(home.path / "keys")
    assert after == before


def test_home_without_approvals_has_drafts_and_stays_empty(tmp_path: Path, people: KeyStore) -> None:
    home = Home(tmp_path / "home", people)
    write_policies(home.path / "policies")
    assert home.status() is PolicyStatus.DRAFT
    assert [path.name for path in home.path.iterdir()] == ["policies"]


def test_signature_with_a_key_that_is_not_the_persons_is_refused(home: Home) -> None:
    (home.path / "policies" / CLINIC_FILE).write_text(
        (home.path / "policies" / CLINIC_FILE).read_text("utf-8").replace("version: 1.0.0", "version: 1.1.0"), "utf-8"
    )
    with pytest.raises(NotPermittedError) as error:
        sign(home, Role.AUTHOR, by=PEOPLE[Role.AUTHOR], signer=PEOPLE[Role.DATA_STEWARD])
    assert error.value.code == "policy.wrong-key"
    assert home.status() is PolicyStatus.DRAFT


def test_cut_off_suspension_is_found(home: Home) -> None:
    before = home.file().read_bytes()
    intent = Intent(Act.SUSPEND, Role.DATA_STEWARD, PEOPLE[Role.DATA_STEWARD], reason="the table is wrong")
    home.desk().sign(home.library, DATASET, CLINIC, intent=intent, signer=home.signer(intent.by), on=ON)
    assert home.status() is PolicyStatus.SUSPENDED
    home.file().write_bytes(before)
    error = broken(home.status)
    assert error.code == "approval.cut-off"
    assert error.where.file == str(home.file())
    home.file().unlink()
    assert broken(home.status).code == "approval.cut-off"


def test_records_whose_log_is_gone_are_not_trusted(home: Home) -> None:
    audit = AuditLog.open(home.path / "audit.sqlite")
    (home.path / "audit.sqlite").unlink()
    for more in home.path.glob("audit.sqlite-*"):
        more.unlink()
    AuditLog.open(home.path / "audit.sqlite")
    assert broken(home.status).code == "approval.cut-off"
    assert audit


def test_record_whose_log_entry_a_crash_swallowed_counts_and_is_logged_with_the_next(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def power_cut(*_: object, **__: object) -> None:
        raise RuntimeError("power cut")

    suspend = Intent(Act.SUSPEND, Role.DATA_STEWARD, PEOPLE[Role.DATA_STEWARD], reason="the table is wrong")
    resume = Intent(Act.RESUME, Role.COMPLIANCE_OFFICER, PEOPLE[Role.COMPLIANCE_OFFICER], reason="the table is right")
    with monkeypatch.context() as broken_log:
        broken_log.setattr(AuditLog, "append", power_cut)
        with pytest.raises(RuntimeError, match="power cut"):
            home.desk().sign(home.library, DATASET, CLINIC, intent=suspend, signer=home.signer(suspend.by), on=ON)
    assert home.status() is PolicyStatus.SUSPENDED
    home.desk().sign(home.library, DATASET, CLINIC, intent=resume, signer=home.signer(resume.by), on=ON)
    assert home.status() is PolicyStatus.ACTIVE
    events = AuditLog.open(home.path / "audit.sqlite").events(subject="dataset/clinic")
    assert [one.action for one in events][-2:] == ["policy.suspend", "policy.resume"]


def test_full_disk_leaves_the_records_as_they_were(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    before = home.file().read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("catalog.approvals.os.fsync", full)
    intent = Intent(Act.SUSPEND, Role.DATA_STEWARD, PEOPLE[Role.DATA_STEWARD], reason="the table is wrong")
    with pytest.raises(OSError, match="No space"):
        home.desk().sign(home.library, DATASET, CLINIC, intent=intent, signer=home.signer(intent.by), on=ON)
    assert home.file().read_bytes() == before
    assert [path.name for path in home.file().parent.iterdir() if path.name.startswith(".")] == []
    assert home.status() is PolicyStatus.ACTIVE


def test_register_that_was_set_back_is_found(home: Home) -> None:
    before = (home.path / "signers.json").read_bytes()
    home.desk().revoke(PEOPLE[Role.DATA_STEWARD], revoked_from=ON)
    assert home.status() is PolicyStatus.CHECKED
    (home.path / "signers.json").write_bytes(before)
    error = broken(home.status)
    assert error.code == "approval.register-set-back"
    (home.path / "signers.json").unlink()
    assert broken(home.status).code == "approval.register-set-back"


def test_clock_of_the_machine_cannot_go_back_between_two_records(home: Home) -> None:
    intent = Intent(Act.SUSPEND, Role.DATA_STEWARD, PEOPLE[Role.DATA_STEWARD], reason="the table is wrong")
    with pytest.raises(PolicyError) as error:
        home.desk(NOON - timedelta(hours=1)).sign(
            home.library, DATASET, CLINIC, intent=intent, signer=home.signer(intent.by), on=ON
        )
    assert error.value.code == "policy.clock-back"


def test_two_people_at_once_leave_two_records(home: Home) -> None:
    from concurrent.futures import ThreadPoolExecutor

    text = (home.path / "policies" / CLINIC_FILE).read_text("utf-8")
    (home.path / "policies" / CLINIC_FILE).write_text(text.replace("version: 1.0.0", "version: 1.1.0"), "utf-8")
    sign(home, Role.AUTHOR, by=PEOPLE[Role.AUTHOR])
    sign(home, Role.DATA_STEWARD, by=PEOPLE[Role.DATA_STEWARD])
    roles = (Role.COMPLIANCE_OFFICER, Role.KEY_CUSTODIAN)
    with ThreadPoolExecutor(2) as both:
        list(both.map(lambda role: sign(home, role, by=PEOPLE[role]), roles))
    assert home.status() is PolicyStatus.ACTIVE
    assert len(open_book(home.path).of(DATASET, CLINIC).records) == 8


@pytest.mark.parametrize("name", ["signers.json", "approvals/dataset/clinic.json"])
def test_unreadable_file_is_an_error_with_its_name(home: Home, name: str) -> None:
    path = home.path / name
    whole = path.read_bytes()
    for content in (b"", whole[:-40], b"{}", b"\x00" * 100, b"[" * 5_000_000):
        path.write_bytes(content)
        error = broken(home.status)
        assert error.where.file == str(path)
        assert error.code.split(".")[1] in {"unreadable", "too-large"}
    path.unlink()
    path.mkdir()
    assert broken(home.status).code == "approval.unreadable"


@pytest.mark.parametrize("name", ["signers.json", "approvals/dataset/clinic.json"])
def test_flipped_bytes_are_found_with_real_keys(home: Home, name: str) -> None:
    path = home.path / name
    whole = path.read_bytes()
    for position in range(0, len(whole), max(1, len(whole) // 60)):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
        assert isinstance(broken(home.status), IntegrityError)
    path.write_bytes(whole)
    assert home.status() is PolicyStatus.ACTIVE


def test_records_of_one_policy_do_not_serve_another(home: Home) -> None:
    shutil.copy(home.file(name="cohort"), home.file())
    assert broken(home.status).code == "approval.cut-off"
    # Away from the home nobody has the log; the records themselves still say whose they are.
    with pytest.raises(IntegrityError) as error:
        ApprovalBook(home.path, open_book(home.path).platform, None).of(DATASET, CLINIC)
    assert error.value.code == "approval.other-policy"


def test_records_of_another_home_do_not_serve_this_one(home: Home, tmp_path: Path, people: KeyStore) -> None:
    other = Home(tmp_path / "other", people)
    write_policies(other.path / "policies")
    for name in ("signers.json", "approvals", "audit.sqlite"):
        source = home.path / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, other.path / name)
    other.desk()  # makes a platform of its own
    assert broken(other.status).code == "signers.signature"


def test_public_keys_got_by_another_way_decide(home: Home, tmp_path: Path) -> None:
    stranger = KeyStore.open(tmp_path / "stranger", PASSPHRASE).signing_keys()
    with pytest.raises(IntegrityError):
        open_book(home.path, platform=stranger).of(DATASET, CLINIC)
    assert len(open_book(home.path, platform=open_book(home.path).platform).of(DATASET, CLINIC).records) == 4


def test_peoples_keys_are_theirs(people: KeyStore) -> None:
    assert {name for kind, name in people.names() if kind is KeyKind.SIGNING} == set(PEOPLE.values())
    assert len({people.signer(person).key_id for person in PEOPLE.values()}) == 4


def test_log_that_was_rewritten_is_found_by_the_records(home: Home) -> None:
    with sqlite3.connect(home.path / "audit.sqlite") as connection:
        done = connection.execute(
            "UPDATE audit_events SET details = replace(details, 'sha256:', 'sha256:0') WHERE subject = 'dataset/clinic'"
        )
        assert done.rowcount == 4
    connection.close()
    with pytest.raises(NijiError):
        home.status()


def test_states_of_all_policies_come_in_order(home: Home) -> None:
    states = states_of(home.library, approvals=open_book(home.path), on=ON)
    assert [state.kind for state in states] == sorted((state.kind for state in states), key=lambda kind: kind.value)
    assert {state.name: state.status for state in states if state.kind is DATASET} == {
        "clinic": PolicyStatus.ACTIVE,
        "cohort": PolicyStatus.ACTIVE,
    }
