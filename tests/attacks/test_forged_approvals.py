"""Attack: somebody who may write every file of a home, and holds one or three signers' keys, tries to make a policy run.

What the attacker does not have is the platform's own key: its passphrase lies elsewhere in production.
"""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from catalog.approvals import ApprovalBook, ApprovalDesk, open_book
from catalog.audit import AuditLog
from catalog.keys import KeyStore
from catalog.secret import Passphrase
from pipelines.deployment import Deployment
from pipelines.settings import Settings
from pipelines.stages.raw import make_raw
from policies.approvals import (
    SIGNING,
    Receipt,
    Record,
    receipt_bytes,
    statement_bytes,
    write_approvals,
)
from policies.errors import NijiError, PolicyError
from policies.library import PolicyKind
from policies.roles import PolicyStatus, Role
from policies.signers import Register, SignedRegister, SignerEntry, register_bytes, write_signers
from policies.signing import Desk, Intent, prepare
from tests.support import tiny_deployment as tiny

DATASET = PolicyKind.DATASET
ATTACKER = Passphrase("the attacker's own")


@pytest.fixture
def edited(tmp_path: Path) -> Settings:
    """A deployment whose survey policy was changed after it was signed."""
    settings = tiny.write_deployment(tmp_path / "home")
    tiny.change(settings, tiny.SURVEY, ("en: Made-up survey", "en: Another survey"))
    return settings


def does_not_run(settings: Settings) -> str:
    """Hold that the stage is refused and lands nothing; return the code."""
    with pytest.raises(NijiError) as error:
        make_raw(Deployment(settings, tiny.reopened(settings).library), "survey")
    assert not (settings.zones / "restricted" / "raw" / "survey").exists()
    return error.value.code


def test_old_signatures_with_the_new_digest_written_in_are_found(edited: Settings) -> None:
    old = open_book(edited.home).of(DATASET, "survey").records[0].statement.digest
    path = edited.home / "approvals" / "dataset" / "survey.json"
    new = tiny.reopened(edited).state(DATASET, "survey").digest
    path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")
    assert does_not_run(edited).startswith("approval.")


def test_platform_of_the_attackers_own_is_not_believed(edited: Settings, tmp_path: Path) -> None:
    """The attacker signs everything with made-up people and a made-up platform, and leaves its public key in the home."""
    mine = KeyStore.open(tmp_path / "mine", ATTACKER)
    deployment = tiny.reopened(edited)
    for name in ("signers.json", "approvals", "audit.sqlite"):
        path = edited.home / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    book = ApprovalBook(edited.home, mine.signing_keys(), AuditLog.open(edited.home / "audit.sqlite"))
    desk = ApprovalDesk(book, mine.signer())
    for role in Role:
        person = f"fake-{role.value.replace('_', '-')}"
        desk.enrol(person, roles=(role,), key=mine.signer(person).public, since=edited.on, until=None)
        intent = Intent(SIGNING[role], role, person)
        desk.sign(deployment.library, DATASET, "survey", intent=intent, signer=mine.signer(person), on=edited.on)
    assert does_not_run(edited) == "signers.signature"
    public = edited.home / "keys" / "signing.platform.pub.pem"
    public.write_text(mine.signer().public.pem(), "ascii")
    # The stage opens the key store, whose secret the public key does not fit.
    assert does_not_run(edited) == "keys.public-altered"


def test_register_with_the_attackers_key_written_in_is_found(edited: Settings, tmp_path: Path) -> None:
    mine = KeyStore.open(tmp_path / "mine", ATTACKER)
    known = open_book(edited.home).signers().register
    public = mine.signer("demo-steward").public
    swapped = tuple(
        SignerEntry(**{**one.model_dump(), "key_id": public.key_id, "public_key": public.raw.hex()})
        if one.person == "demo-steward"
        else one
        for one in known.signers
    )
    register = Register(sequence=known.sequence, signers=swapped)
    signature = mine.signer().sign(register_bytes(register)).hex()
    platform = next(iter(open_book(edited.home).platform))
    signed = SignedRegister(register_=register, key_id=platform, signature=signature)
    (edited.home / "signers.json").write_bytes(write_signers(signed))
    assert does_not_run(edited) == "signers.signature"


def test_four_stolen_signing_keys_without_the_platform_are_not_taken_in(edited: Settings) -> None:
    """All four people's keys sign; nobody but the platform can write the receipt."""
    people = KeyStore.open(edited.home / "demo" / "signers", edited.keys_passphrase)
    deployment = tiny.reopened(edited)
    book = deployment.approvals.book
    records = [judged.record for judged in book.of(DATASET, "survey").records]
    for role in Role:
        person = f"demo-{role.value.replace('_', '-')}".replace("demo-data-", "demo-")
        approvals = {(DATASET, "survey"): book.of(DATASET, "survey")}
        at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        desk = Desk(deployment.library, approvals, book.signers(), edited.on, at)
        try:
            said = prepare(
                desk, DATASET, "survey", intent=Intent(SIGNING[role], role, person), key_id=people.signer(person).key_id
            )
        except PolicyError:
            break  # the next role follows one that was not taken in
        signature = people.signer(person).sign(statement_bytes(said)).hex()
        forged = people.signer(person).sign(receipt_bytes(said, signature)).hex()
        receipt = Receipt(key_id=next(iter(book.platform)), signature=forged)
        records.append(Record(statement=said, signature=signature, receipt=receipt))
    assert len(records) > 4
    (edited.home / "approvals" / "dataset" / "survey.json").write_bytes(write_approvals(records))
    assert does_not_run(edited) == "approval.receipt"


def test_one_insider_who_holds_every_role_stays_one_person(tmp_path: Path) -> None:
    settings = tiny.write_deployment(tmp_path / "home")
    tiny.change(settings, tiny.SURVEY, ("en: Made-up survey", "en: Another survey"))
    deployment = tiny.reopened(settings)
    insider = KeyStore.open(tmp_path / "insider", ATTACKER).signer("u-insider")
    deployment.approvals.enrol("u-insider", roles=tuple(Role), key=insider.public, since=settings.on, until=None)
    refused = []
    for role in (*Role, *reversed(Role)):
        try:
            deployment.approvals.sign(
                deployment.library,
                DATASET,
                "survey",
                intent=Intent(SIGNING[role], role, "u-insider"),
                signer=insider,
                on=settings.on,
            )
        except NijiError as error:
            refused.append(error.code)
    assert "policy.same-person" in refused
    assert deployment.state(DATASET, "survey").status is PolicyStatus.CHECKED
    assert does_not_run(settings) == "policy.not-active"


def test_home_rolled_back_to_before_a_suspension_is_found(tmp_path: Path) -> None:
    """Files alone are set back; the audit log goes on. (Setting back the log, too, is what checkpoints elsewhere find.)"""
    settings = tiny.write_deployment(tmp_path / "home")
    path = settings.home / "approvals" / "dataset" / "survey.json"
    before = path.read_bytes()
    deployment = tiny.reopened(settings)
    people = KeyStore.open(settings.home / "demo" / "signers", settings.keys_passphrase)
    from policies.roles import Act

    intent = Intent(Act.SUSPEND, Role.DATA_STEWARD, "demo-steward", reason="a column is wrong")
    signer = people.signer("demo-steward")
    deployment.approvals.sign(deployment.library, DATASET, "survey", intent=intent, signer=signer, on=settings.on)
    path.write_bytes(before)
    assert does_not_run(settings) == "approval.cut-off"
