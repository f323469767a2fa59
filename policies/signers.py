"""The register of signers: who may sign policies as what, with which key, from when until when; signed by the platform.

Pure, as `approvals` is. A person has one key at a time and a key one person; a revoked key keeps the signatures that
were made before the day of its revocation.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, ValidationError

from policies.canonical import canonical_json, pre_authentication
from policies.errors import IntegrityError, Place, PolicyError
from policies.model.strictness import Name, PolicyModel
from policies.roles import Role

REGISTER_TYPE = "application/vnd.niji.signers.v1+json"
MAX_BYTES = 1_000_000


class SignerEntry(PolicyModel):
    """One enrolment: a person, the roles, an Ed25519 public key, and the days on which it is valid.

    `valid_to` is the last day; null is until further notice. From `revoked_from` on, signatures count for nothing.
    """

    person: Name
    roles: Annotated[tuple[Role, ...], Field(min_length=1)]
    key_id: Annotated[str, StringConstraints(pattern=r"^ed25519:[0-9a-f]{16}$")]
    public_key: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    valid_from: date
    valid_to: date | None = None
    revoked_from: date | None = None

    @property
    def raw_key(self) -> bytes:
        """The 32 bytes of the public key."""
        return bytes.fromhex(self.public_key)

    def is_valid(self, on: date) -> bool:
        """Return whether a signature of that day counts."""
        is_begun = self.valid_from <= on and (self.valid_to is None or on <= self.valid_to)
        return is_begun and (self.revoked_from is None or on < self.revoked_from)


class Register(PolicyModel):
    """What the platform signs: all enrolments, and how often the register was changed."""

    format: Literal["niji/signers/v1"] = "niji/signers/v1"
    sequence: Annotated[int, Field(ge=0)] = 0
    signers: tuple[SignerEntry, ...] = ()


class SignedRegister(PolicyModel):
    """The register with the platform's signature."""

    register_: Annotated[Register, Field(alias="register")]
    key_id: Annotated[str, StringConstraints(pattern=r"^ed25519:[0-9a-f]{16}$")]
    signature: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{128}$")]


@dataclass(frozen=True, slots=True)
class Signers:
    """A register whose signature holds, and the platform's public keys by id."""

    register: Register = field(default_factory=Register)
    platform: Mapping[str, bytes] = field(default_factory=dict)

    def entry(self, person: str, *, key_id: str) -> SignerEntry | None:
        """Return the enrolment of a person with that key, valid or not."""
        found = (one for one in self.register.signers if (one.person, one.key_id) == (person, key_id))
        return next(found, None)

    def current(self, person: str, *, on: date) -> SignerEntry | None:
        """Return the enrolment of a person that is valid on a day."""
        return next((one for one in self.register.signers if one.person == person and one.is_valid(on)), None)


def register_bytes(register: Register) -> bytes:
    """Return what the platform signs: the canonical register under its own payload type."""
    return pre_authentication(REGISTER_TYPE, canonical_json(register))


def write_signers(signed: SignedRegister) -> bytes:
    """Return the one text of a signed register; any other text is refused when it is read."""
    body = signed.model_dump(mode="json", by_alias=True, exclude_none=True)
    return (json.dumps(body, ensure_ascii=False, sort_keys=True, indent=1) + "\n").encode()


def read_signers(
    data: bytes, *, platform: Mapping[str, bytes], is_signed_by: Callable[[bytes, bytes, bytes], bool], file: str
) -> Signers:
    """Read a register, check the platform's signature, and that no key is two people's.

    Raises:
        IntegrityError: `signers.unreadable`, `signers.signature`, `signers.shared-key`.
    """
    try:
        signed = SignedRegister.model_validate_json(data, strict=True) if len(data) <= MAX_BYTES else None
        is_same = signed is not None and write_signers(signed) == data
    except (ValidationError, ValueError):
        signed, is_same = None, False
    if signed is None or not is_same:
        raise _altered("unreadable", "the register of signers is not one that this program wrote", file)
    key = platform.get(signed.key_id)
    if key is None or not is_signed_by(key, bytes.fromhex(signed.signature), register_bytes(signed.register_)):
        raise _altered("signature", "the register of signers is not signed by this platform", file)
    keys = [one.public_key for one in signed.register_.signers]
    if len(set(keys)) != len(keys):
        raise _altered("shared-key", "the register of signers gives one key to two enrolments", file)
    return Signers(signed.register_, dict(platform))


def enrol(register: Register, entry: SignerEntry) -> Register:
    """Add a signer.

    Raises:
        PolicyError: `policy.signer-key-known`: the key is enrolled already, under this or another person;
            `policy.signer-known`: the person has a valid key.
    """
    if any(one.public_key == entry.public_key for one in register.signers):
        raise PolicyError(
            "policy.signer-key-known",
            what=f"the key {entry.key_id} is enrolled already",
            why="one person has one key: with one key under two names, one person could sign as two",
            fix="give the person a key of their own (`niji policy signer keygen`)",
        )
    if any(one.person == entry.person and _overlaps(one, entry) for one in register.signers):
        raise PolicyError(
            "policy.signer-known",
            what=f"'{entry.person}' has a valid key already",
            why="a person signs with one key at a time",
            fix="revoke the old key first (`niji policy signer revoke`), or give the new one a later first day",
        )
    return register.model_copy(
        update={"sequence": register.sequence + 1, "signers": (*register.signers, entry)}, deep=True
    )


def _overlaps(known: SignerEntry, new: SignerEntry) -> bool:
    is_over = (known.valid_to is not None and known.valid_to < new.valid_from) or (
        known.revoked_from is not None and known.revoked_from <= new.valid_from
    )
    return not is_over and (new.valid_to is None or known.valid_from <= new.valid_to)


def revoke(register: Register, person: str, *, revoked_from: date) -> Register:
    """Let a person's signatures count for nothing from a day on.

    Raises:
        PolicyError: `policy.signer-unknown`: nobody of that name has a key that is valid on that day or later.
    """
    changed = tuple(
        one.model_copy(update={"revoked_from": revoked_from})
        if one.person == person and one.revoked_from is None and (one.valid_to is None or revoked_from <= one.valid_to)
        else one
        for one in register.signers
    )
    if changed == register.signers:
        raise signer_unknown(person)
    return register.model_copy(update={"sequence": register.sequence + 1, "signers": changed})


def signer_unknown(person: str) -> PolicyError:
    """Return the error of a person without a valid enrolment."""
    return PolicyError(
        "policy.signer-unknown",
        what=f"nobody called '{person[:64]}' is enrolled with a valid key",
        why="a signature counts only if the platform knows whose key it is",
        fix="enrol the person (`niji policy signer add`); `niji policy signer list` shows who is",
    )


def _altered(code: str, what: str, file: str) -> IntegrityError:
    return IntegrityError(
        f"signers.{code}",
        what=what,
        why="whoever can change the register can make up signers, so no approval can be relied on",
        fix="keep the file as evidence, restore it from the backup, and tell the compliance officer",
        where=Place(file),
    )
