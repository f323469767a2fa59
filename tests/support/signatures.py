"""An office in memory whose people sign policies with make-believe signatures: fast, and without any cryptography.

A signature is an HMAC under the public key, so it fits one key and one message, as a real one does; that it could be
made by anybody does not matter where rules about people, order and days are tested.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from hashlib import sha256
from pathlib import Path

from policies.approvals import (
    SIGNING,
    Approvals,
    Receipt,
    Record,
    Statement,
    receipt_bytes,
    statement_bytes,
    verify_approvals,
)
from policies.library import PolicyKind, PolicyLibrary
from policies.lifecycle import PolicyState, state_of
from policies.load import load_library
from policies.roles import Act, Role
from policies.signers import Register, SignerEntry, Signers, enrol, revoke
from policies.signing import Desk, Intent, prepare
from tests.support.policy_files import write_policies

ON = date(2026, 12, 15)
RELEASE, DATASET = PolicyKind.RELEASE, PolicyKind.DATASET
PEOPLE: Mapping[Role, str] = {
    Role.AUTHOR: "u-author",
    Role.DATA_STEWARD: "u-steward",
    Role.COMPLIANCE_OFFICER: "u-compliance",
    Role.KEY_CUSTODIAN: "u-custodian",
}
PLATFORM = "ed25519:00000000000000aa"


def key_of(person: str) -> bytes:
    """The make-believe public key of a person."""
    return sha256(person.encode()).digest()


def key_id_of(person: str) -> str:
    return f"ed25519:{key_of(person).hex()[:16]}"


def signature(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha512")


def is_signed_by(key: bytes, given: bytes, message: bytes) -> bool:
    return hmac.compare_digest(given, signature(key, message))


def entry(person: str, *roles: Role, since: date = date(2026, 1, 1), until: date | None = None) -> SignerEntry:
    return SignerEntry(
        person=person,
        roles=roles,
        key_id=key_id_of(person),
        public_key=key_of(person).hex(),
        valid_from=since,
        valid_to=until,
    )


def sealed(statement: Statement, *, key: bytes | None = None, platform: bytes | None = None) -> Record:
    """Sign a statement with its signer's key (or another), and take it in with the platform's (or another)."""
    given = signature(key or key_of(statement.by), statement_bytes(statement)).hex()
    receipt = signature(platform or key_of("platform"), receipt_bytes(statement, given)).hex()
    return Record(statement=statement, signature=given, receipt=Receipt(key_id=PLATFORM, signature=receipt))


@dataclass
class Office:
    """A policies folder, its register of signers and its records."""

    folder: Path
    register: Register = field(default_factory=Register)
    records: dict[tuple[PolicyKind, str], tuple[Record, ...]] = field(default_factory=dict)
    _loaded: PolicyLibrary | None = None
    _seconds: int = 0

    @property
    def library(self) -> PolicyLibrary:
        if self._loaded is None:
            self._loaded = load_library(self.folder)
        return self._loaded

    @property
    def signers(self) -> Signers:
        return Signers(self.register, {PLATFORM: key_of("platform")})

    def enrol(self, person: str, *roles: Role, since: date = date(2026, 1, 1), until: date | None = None) -> None:
        self.register = enrol(self.register, entry(person, *roles, since=since, until=until))

    def revoke(self, person: str, since: date) -> None:
        self.register = revoke(self.register, person, revoked_from=since)

    def edit(self, file: str, old: str, new: str) -> None:
        path = self.folder / file
        text = path.read_text("utf-8")
        if text.count(old) != 1:
            raise ValueError(f"{old!r} is {text.count(old)} times in {file}")
        path.write_text(text.replace(old, new), "utf-8")
        self._loaded = None

    def verified(self, kind: PolicyKind, name: str) -> Approvals:
        return verify_approvals(
            self.records.get((kind, name), ()),
            of=(kind, name),
            signers=self.signers,
            is_signed_by=is_signed_by,
            file=f"{name}.json",
        )

    def approvals(self) -> dict[tuple[PolicyKind, str], Approvals]:
        return {key: self.verified(*key) for key in self.records}

    def desk(self, on: date, at: str | None = None) -> Desk:
        self._seconds += 1
        moment = at or f"2026-12-15T{self._seconds // 3600:02}:{self._seconds // 60 % 60:02}:{self._seconds % 60:02}Z"
        return Desk(self.library, self.approvals(), self.signers, on, moment)

    def prepare(
        self, kind: PolicyKind, name: str, intent: Intent, *, on: date = ON, at: str | None = None
    ) -> Statement:
        return prepare(self.desk(on, at), kind, name, intent=intent, key_id=key_id_of(intent.by))

    def act(self, kind: PolicyKind, name: str, intent: Intent, *, on: date = ON, at: str | None = None) -> Record:
        record = sealed(self.prepare(kind, name, intent, on=on, at=at))
        self.records[kind, name] = (*self.records.get((kind, name), ()), record)
        return record

    def sign(self, kind: PolicyKind, name: str, role: Role, *, by: str | None = None, on: date = ON) -> Record:
        return self.act(kind, name, Intent(SIGNING[role], role, by or PEOPLE[role]), on=on)

    def stop(self, kind: PolicyKind, name: str, act: Act, role: Role, *, on: date = ON) -> Record:
        return self.act(kind, name, Intent(act, role, PEOPLE[role], reason="a reason for tests"), on=on)

    def approve(self, kind: PolicyKind, name: str, *, on: date = ON) -> None:
        """Let all four sign, and for a release first its datasets."""
        if kind is RELEASE:
            for dataset in self.library.release(name).datasets:
                if not self.state(DATASET, dataset, on=on).is_active:
                    self.approve(DATASET, dataset, on=on)
        for role in PEOPLE:
            self.sign(kind, name, role, on=on)

    def force(self, kind: PolicyKind, name: str, statement: Statement) -> None:
        """Append a statement that `prepare` would refuse, genuinely signed: what a careless or bribed platform takes in."""
        before = self.records.get((kind, name), ())
        previous = before[-1].digest if before else statement.previous
        self.records[kind, name] = (*before, sealed(statement.model_copy(update={"previous": previous})))

    def state(self, kind: PolicyKind, name: str, *, on: date = ON) -> PolicyState:
        return state_of(self.library, kind, name, approvals=self.approvals(), on=on)

    def copy(self) -> "Office":
        return replace(self, records=dict(self.records))


def open_office(folder: Path, *, people: bool = True) -> Office:
    """Write the small policies folder, and enrol one person a role."""
    office = Office(write_policies(folder))
    for role, person in PEOPLE.items() if people else ():
        office.enrol(person, role)
    return office
