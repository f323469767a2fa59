"""The approvals of a home: signers and records on disk, signed, taken in, and bound to the audit log.

`signers.json` is the register, `approvals/<kind>/<id>.json` the records of one policy. Every act is in the audit log,
too, with the digest of its record: a file from which the end was cut off, or a register that was set back, is found.
Not here: what may be signed and what signatures add up to (`policies.signing`, `policies.lifecycle`).
"""

import fcntl
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from catalog.audit import AuditLog
from catalog.keys import PublicKey, PublicKeys, Signer, is_signed_by, read_signing_keys
from policies import signers as register_of
from policies.approvals import (
    MAX_BYTES,
    Approvals,
    Receipt,
    Record,
    Statement,
    altered,
    read_approvals,
    receipt_bytes,
    statement_bytes,
    verify_approvals,
    write_approvals,
)
from policies.check import check
from policies.library import PolicyKind, PolicyLibrary
from policies.lifecycle import AllApprovals, Policies, PolicyState, state_of
from policies.roles import Act, Role
from policies.signers import Register, SignedRegister, SignerEntry, Signers
from policies.signing import Desk, Intent, prepare

REGISTER = "signers.json"
FOLDER = "approvals"
_ACTIONS = frozenset(f"policy.{act.value}" for act in Act)


@dataclass(frozen=True)
class ApprovalBook:
    """Reads and verifies the approvals of a home; needs public keys only.

    `audit` is the home's log; None where the files are verified away from their home: then nobody can tell whether the
    last records are missing.
    """

    home: Path
    platform: PublicKeys
    audit: AuditLog | None

    def signers(self) -> Signers:
        """Return the register, verified; an empty one where nobody was ever enrolled.

        Raises:
            IntegrityError: It is not what this platform signed, or was set back.
        """
        path = self.home / REGISTER
        data = _bytes_of(path)
        keys = _raw_keys(self.platform)
        if data is None:
            found = Signers(Register(), keys)
        else:
            found = register_of.read_signers(data, platform=keys, is_signed_by=_is_signed_by, file=str(path))
        if self.audit is not None:
            known = max((int(str(one.details["sequence"])) for one in self.audit.events(subject=REGISTER)), default=0)
            if found.register.sequence < known:
                raise altered(
                    "register-set-back", "the register of signers is older than the audit log says", str(path)
                )
        return found

    def of(self, kind: PolicyKind, name: str, *, signers: Signers | None = None) -> Approvals:
        """Return the records of one policy, verified; none where nobody signed.

        Raises:
            IntegrityError: A record does not hold, or some are missing.
        """
        path = self.path_of(kind, name)
        data = _bytes_of(path)
        records = () if data is None else read_approvals(data, file=str(path))
        if self.audit is not None:
            self._hold_all(kind, name, [record.digest for record in records])
        if not records:
            return Approvals(kind, name)
        known = signers or self.signers()
        return verify_approvals(records, of=(kind, name), signers=known, is_signed_by=_is_signed_by, file=str(path))

    def of_all(self, policies: tuple[Policies, ...]) -> AllApprovals:
        """Return the records of several policies."""
        signers = self.signers()
        return {(kind, name): self.of(kind, name, signers=signers) for kind, name in policies}

    def path_of(self, kind: PolicyKind, name: str) -> Path:
        """Return where the records of a policy lie."""
        return self.home / FOLDER / kind.value / f"{name}.json"

    def _hold_all(self, kind: PolicyKind, name: str, digests: list[str]) -> None:
        if self.audit is None:
            return
        events = self.audit.events(subject=f"{kind.value}/{name}")
        logged = [str(one.details["record"]) for one in events if one.action in _ACTIONS]
        # Stopped between file and log, an act leaves one record that the log does not know; the next act mends it.
        if digests[: len(logged)] != logged or len(digests) > len(logged) + 1:
            raise altered(
                "cut-off", "the records are not those that the audit log knows", str(self.path_of(kind, name))
            )


@dataclass(frozen=True)
class ApprovalDesk:
    """Writes approvals: takes signatures in, enrols and revokes signers, in the name of the platform."""

    book: ApprovalBook
    platform: Signer
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def draft(
        self, library: PolicyLibrary, kind: PolicyKind, name: str, *, intent: Intent, key_id: str, on: date
    ) -> Statement:
        """Make the statement that a person would sign, or refuse it; nothing is written.

        Raises:
            NijiError: See `policies.signing.prepare`; and IntegrityError where earlier records do not hold.
        """
        signers = self.book.signers()
        approvals = {one: self.book.of(*one, signers=signers) for one in relevant(library, kind, name)}
        at = self.clock().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return prepare(Desk(library, approvals, signers, on, at), kind, name, intent=intent, key_id=key_id)

    def sign(
        self, library: PolicyLibrary, kind: PolicyKind, name: str, *, intent: Intent, signer: Signer, on: date
    ) -> Record:
        """Let a person sign, and take the record in.

        Raises:
            NijiError: See `policies.signing.prepare`; and IntegrityError where earlier records do not hold.
        """
        with self._locked():
            statement = self.draft(library, kind, name, intent=intent, key_id=signer.key_id, on=on)
            signature = signer.sign(statement_bytes(statement)).hex()
            receipt = self.platform.sign(receipt_bytes(statement, signature)).hex()
            record = Record(
                statement=statement,
                signature=signature,
                receipt=Receipt(key_id=self.platform.key_id, signature=receipt),
            )
            before = tuple(judged.record for judged in self.book.of(kind, name).records)
            self._log_missing(kind, name, before)
            _write(self.book.path_of(kind, name), write_approvals((*before, record)))
            self._log(kind, name, record)
        return record

    def enrol(self, person: str, *, roles: tuple[Role, ...], key: PublicKey, since: date, until: date | None) -> None:
        """Enrol a signer.

        Raises:
            PolicyError: The key is enrolled already, or the person has a valid one.
        """
        entry = SignerEntry(
            person=person,
            roles=roles,
            key_id=key.key_id,
            public_key=key.raw.hex(),
            valid_from=since,
            valid_to=until,
        )
        with self._locked():
            self._write_register(register_of.enrol(self.book.signers().register, entry), "signer.add", person)

    def revoke(self, person: str, *, revoked_from: date) -> None:
        """Let a signer's key count for nothing from a day on.

        Raises:
            PolicyError: Nobody of that name is enrolled.
        """
        with self._locked():
            register = register_of.revoke(self.book.signers().register, person, revoked_from=revoked_from)
            self._write_register(register, "signer.revoke", person)

    def _write_register(self, register: Register, action: str, person: str) -> None:
        signature = self.platform.sign(register_of.register_bytes(register)).hex()
        signed = SignedRegister(register_=register, key_id=self.platform.key_id, signature=signature)
        _write(self.book.home / REGISTER, register_of.write_signers(signed))
        if self.book.audit is not None:
            self.book.audit.append(
                actor="platform",
                action=action,
                subject=REGISTER,
                details={"sequence": register.sequence, "person": person},
            )

    def _log_missing(self, kind: PolicyKind, name: str, records: tuple[Record, ...]) -> None:
        if self.book.audit is None:
            return
        events = self.book.audit.events(subject=f"{kind.value}/{name}")
        logged = sum(one.action in _ACTIONS for one in events)
        for record in records[logged:]:
            self._log(kind, name, record)

    def _log(self, kind: PolicyKind, name: str, record: Record) -> None:
        if self.book.audit is None:
            return
        said = record.statement
        self.book.audit.append(
            actor=said.by,
            action=f"policy.{said.act.value}",
            subject=f"{kind.value}/{name}",
            details={"role": said.role.value, "version": said.version, "record": record.digest},
        )

    @contextmanager
    def _locked(self) -> Iterator[None]:
        folder = self.book.home / FOLDER
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


def open_book(home: Path, *, platform: PublicKeys | None = None) -> ApprovalBook:
    """Open the approvals of a home to be read, without a passphrase and without writing anything.

    Args:
        home: The deployment's folder.
        platform: The platform's public keys, got by another way; by default those that lie in the home.
    """
    path = home / "audit.sqlite"
    audit = AuditLog.open(path) if path.exists() else None
    return ApprovalBook(home, read_signing_keys(home / "keys") if platform is None else platform, audit)


def relevant(library: PolicyLibrary, kind: PolicyKind, name: str) -> tuple[Policies, ...]:
    """Return the policies whose records say where one stands: itself, and the datasets of a release."""
    if kind is not PolicyKind.RELEASE:
        return ((kind, name),)
    return ((kind, name), *((PolicyKind.DATASET, one) for one in library.release(name).datasets))


def states_of(
    library: PolicyLibrary, *, approvals: ApprovalBook, on: date, only: tuple[Policies, ...] | None = None
) -> tuple[PolicyState, ...]:
    """Say where datasets and releases stand; all of them, or those named.

    Raises:
        IntegrityError: The register or records do not hold.
    """
    everything = (
        *((PolicyKind.DATASET, name) for name in library.datasets),
        *((PolicyKind.RELEASE, name) for name in library.releases),
    )
    policies = everything if only is None else only
    needed = dict.fromkeys(one for policy in policies for one in relevant(library, *policy))
    records, findings = approvals.of_all(tuple(needed)), check(library, on=on)
    return tuple(state_of(library, kind, name, approvals=records, on=on, findings=findings) for kind, name in policies)


def _raw_keys(keys: PublicKeys) -> Mapping[str, bytes]:
    return {key_id: key.raw for key_id, key in keys.items() if key.algorithm == "ed25519"}


def _is_signed_by(raw: bytes, signature: bytes, message: bytes) -> bool:
    try:
        return is_signed_by(PublicKey.of("ed25519", raw), signature, message)
    except ValueError:  # 32 bytes that are no point of the curve
        return False


def _bytes_of(path: Path) -> bytes | None:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise altered("too-large", f"a file of approvals has more than {MAX_BYTES} bytes", str(path))
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError:
        raise altered("unreadable", "a file of approvals cannot be read", str(path)) from None


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
