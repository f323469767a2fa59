"""What people sign about a policy: the statements, their chain, the bytes that are signed, and when a record is altered.

A record holds what its signer said, the signer's signature over it, and the receipt of the platform over both. Records of
a policy are append-only: each names the digest of the one before. Pure: bytes come in and go out; checking an Ed25519
signature is handed in, so that no cryptography is loaded here. What the records add up to is `lifecycle`; where they
lie is not known here.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, ValidationError

from policies.canonical import canonical_json, digest, digest_of_bytes, pre_authentication
from policies.errors import IntegrityError, Place
from policies.findings import Finding
from policies.library import PolicyKind
from policies.model.strictness import Name, PolicyModel
from policies.roles import Act, Role
from policies.signers import Signers
from policies.vocabulary import Severity

FILE_FORMAT = "niji/approvals/v1"
APPROVAL_TYPE = "application/vnd.niji.approval.v1+json"
RECEIPT_TYPE = "application/vnd.niji.approval-receipt.v1+json"
GENESIS = "sha256:" + "0" * 64
MAX_BYTES = 4_000_000
"""About two thousand records; a larger file was not written by this program."""

ROLES_OF: Mapping[Act, frozenset[Role]] = MappingProxyType(
    {
        Act.SUBMIT: frozenset({Role.AUTHOR}),
        Act.REVIEW: frozenset({Role.DATA_STEWARD}),
        Act.APPROVE: frozenset({Role.COMPLIANCE_OFFICER, Role.KEY_CUSTODIAN}),
        Act.SUSPEND: frozenset({Role.DATA_STEWARD, Role.COMPLIANCE_OFFICER, Role.KEY_CUSTODIAN}),
        Act.RESUME: frozenset({Role.COMPLIANCE_OFFICER}),
        Act.RETIRE: frozenset({Role.COMPLIANCE_OFFICER}),
    }
)
"""Who may do what: anybody who answers for a policy may stop it, only the compliance officer lets it go on or ends it."""

SIGNING = MappingProxyType(
    {
        Role.AUTHOR: Act.SUBMIT,
        Role.DATA_STEWARD: Act.REVIEW,
        Role.COMPLIANCE_OFFICER: Act.APPROVE,
        Role.KEY_CUSTODIAN: Act.APPROVE,
    }
)
"""The signature that each role gives on the way to an active policy; all four, by different people, in this order."""

IsSignedBy = Callable[[bytes, bytes, bytes], bool]
"""(32-byte Ed25519 public key, 64-byte signature, message) → whether the signature is that key's."""

Digest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
Signature = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{128}$")]
KeyId = Annotated[str, StringConstraints(pattern=r"^ed25519:[0-9a-f]{16}$")]
Moment = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$")]
RuleName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9.-]{0,80}$")]
REASON_FORM = re.compile(r"^[^\x00-\x1f\x7f-\x9f]+$")
REASON_LENGTH = (8, 500)
Reason = Annotated[
    str,
    StringConstraints(pattern=REASON_FORM.pattern, min_length=REASON_LENGTH[0], max_length=REASON_LENGTH[1]),
]
"""One line of text: no control characters."""


class AcceptedHold(PolicyModel):
    """A HOLD rule that the compliance officer accepted by name: how many findings it had, and why it is acceptable."""

    rule: RuleName
    findings: Annotated[int, Field(ge=1)]
    reason: Reason


class CheckSummary(PolicyModel):
    """What the check said when somebody signed: findings by severity, and the digest of all of them."""

    block: Annotated[int, Field(ge=0)]
    hold: Annotated[int, Field(ge=0)]
    warn: Annotated[int, Field(ge=0)]
    digest: Digest


class Statement(PolicyModel):
    """What one person says about one policy: this digest, this act, in this role, on this day.

    `parts` are the digests of everything the policy rests on, so that a later change can be named. `key_id` is the
    signer's key. `on` is the day in Japan, `at` the moment in UTC. `previous` is the digest of the record before.
    """

    format: Literal["niji/approval/v1"] = "niji/approval/v1"
    kind: Literal["dataset", "release"]
    id: Name
    version: Annotated[str, StringConstraints(pattern=r"^\d+\.\d+\.\d+$")]
    digest: Digest
    parts: dict[str, Digest]
    act: Act
    role: Role
    by: Name
    key_id: KeyId
    on: date
    at: Moment
    accepted_holds: tuple[AcceptedHold, ...] = ()
    check: CheckSummary
    reason: Reason | None = None
    previous: Digest


class Receipt(PolicyModel):
    """The platform's signature over a statement and its signature: what was received when, and in which order."""

    key_id: KeyId
    signature: Signature


class Record(PolicyModel):
    """A statement, its signer's signature, the platform's receipt."""

    statement: Statement
    signature: Signature
    receipt: Receipt

    @property
    def digest(self) -> str:
        """Return the digest of the whole record; the next one names it."""
        return digest(self)


class ApprovalsFile(PolicyModel):
    """All records of one policy, in the order in which they were made."""

    format: Literal["niji/approvals/v1"] = "niji/approvals/v1"
    records: tuple[Record, ...] = ()


@dataclass(frozen=True, slots=True)
class Judged:
    """A record whose chain and signatures hold, and whether its signer was entitled to it.

    `is_entitled` is false where the signer's key was not valid on the day, or the role was not the signer's: such a
    record is kept, and counts for nothing.
    """

    record: Record
    is_entitled: bool

    @property
    def statement(self) -> Statement:
        """What was said."""
        return self.record.statement


@dataclass(frozen=True, slots=True)
class Approvals:
    """The records of one policy after `verify_approvals`; the only way to one is through it, or with no record at all."""

    kind: PolicyKind
    name: str
    records: tuple[Judged, ...] = ()

    @property
    def head(self) -> str:
        """The digest of the last record; `GENESIS` without one."""
        return self.records[-1].record.digest if self.records else GENESIS


def statement_bytes(statement: Statement) -> bytes:
    """Return what a person signs: the canonical statement under its own payload type."""
    return pre_authentication(APPROVAL_TYPE, canonical_json(statement))


def receipt_bytes(statement: Statement, signature: str) -> bytes:
    """Return what the platform signs when it takes a statement in."""
    body = {"statement": digest(statement), "signature": signature}
    return pre_authentication(RECEIPT_TYPE, canonical_json(body))


def write_approvals(records: Iterable[Record]) -> bytes:
    """Return the one text of a file with these records; any other text is refused when it is read."""
    body = ApprovalsFile(records=tuple(records)).model_dump(mode="json", exclude_none=True)
    return (json.dumps(body, ensure_ascii=False, sort_keys=True, indent=1) + "\n").encode()


def read_approvals(data: bytes, *, file: str) -> tuple[Record, ...]:
    """Read the records of a file; judges nothing yet.

    Raises:
        IntegrityError: `approval.too-large`, `approval.unreadable`: no byte of the file may differ from what
            `write_approvals` gives.
    """
    if len(data) > MAX_BYTES:
        raise altered("too-large", f"an approvals file has more than {MAX_BYTES} bytes", file)
    try:
        records = ApprovalsFile.model_validate_json(data, strict=True).records
        is_same = write_approvals(records) == data
    except (ValidationError, ValueError):
        is_same = False
    if not is_same:
        raise altered("unreadable", "an approvals file is not one that this program wrote", file)
    return records


def verify_approvals(
    records: tuple[Record, ...], *, of: tuple[PolicyKind, str], signers: Signers, is_signed_by: IsSignedBy, file: str
) -> Approvals:
    """Check chain, receipts and signatures of the records of one policy.

    Args:
        records: From `read_approvals`.
        of: The policy that the file is about.
        signers: The register of signers, verified, with the platform's keys.
        is_signed_by: Checks one Ed25519 signature.
        file: Where the records lie, for errors.

    Returns:
        Every record, and whether its signer was entitled on that day.

    Raises:
        IntegrityError: A record is of another policy, out of its order, or not signed by whom it names.

    Guarantee: each statement was signed with the enrolled key of the person it names, and taken in by the platform in
    this order.
    Not guaranteed: that no record is missing at the end; the audit log knows how many there were.
    """
    kind, name = of
    judged: list[Judged] = []
    for number, record in enumerate(records, start=1):
        said = record.statement
        if (said.kind, said.id) != (kind.value, name):
            raise altered("other-policy", f"record {number} is about another policy", file)
        _hold_order(judged, record, number=number, file=file)
        platform = signers.platform.get(record.receipt.key_id)
        receipt = bytes.fromhex(record.receipt.signature)
        if platform is None or not is_signed_by(platform, receipt, receipt_bytes(said, record.signature)):
            raise altered("receipt", f"record {number} was not taken in by this platform", file)
        signer = signers.entry(said.by, key_id=said.key_id)
        message = statement_bytes(said)
        if signer is None or not is_signed_by(signer.raw_key, bytes.fromhex(record.signature), message):
            raise altered("signature", f"record {number} is not signed by the person it names", file)
        is_entitled = signer.is_valid(said.on) and said.role in signer.roles and said.role in ROLES_OF[said.act]
        judged.append(Judged(record, is_entitled))
    return Approvals(kind, name, tuple(judged))


def _hold_order(before: list[Judged], record: Record, *, number: int, file: str) -> None:
    said = record.statement
    if said.previous != (before[-1].record.digest if before else GENESIS):
        raise altered("chain", f"record {number} does not follow the one before it", file)
    if before and (said.at < before[-1].statement.at or said.on < before[-1].statement.on):
        raise altered("clock", f"record {number} is dated before the one it follows", file)


def summarize(findings: Iterable[Finding]) -> CheckSummary:
    """Count findings by severity, and take the digest of what they say (not of where the files lie)."""
    listed = sorted((finding.severity.value, finding.rule, finding.what) for finding in findings)
    severities = [severity for severity, _, _ in listed]
    return CheckSummary(
        block=severities.count(Severity.BLOCK.value),
        hold=severities.count(Severity.HOLD.value),
        warn=severities.count(Severity.WARN.value),
        digest=digest_of_bytes(canonical_json({"findings": listed})),
    )


def unaccepted_holds(findings: Iterable[Finding], accepted: Iterable[AcceptedHold]) -> dict[str, int]:
    """Return the HOLD rules that nobody accepted, or that have more findings than were accepted, with their number."""
    counts: dict[str, int] = {}
    for finding in findings:
        if finding.severity is Severity.HOLD:
            counts[finding.rule] = counts.get(finding.rule, 0) + 1
    known = {hold.rule: hold.findings for hold in accepted}
    return {rule: count for rule, count in sorted(counts.items()) if count > known.get(rule, 0)}


def altered(code: str, what: str, file: str) -> IntegrityError:
    """Return the error of a file of approvals or signers that does not hold."""
    return IntegrityError(
        f"approval.{code}",
        what=what,
        why="a policy runs on what named people signed; records that do not hold say nothing, so nothing runs on them",
        fix="keep the file as evidence, restore it from the backup, and tell the compliance officer",
        where=Place(file),
    )
