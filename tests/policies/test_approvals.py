"""The records of approvals: one text, one chain, each signed by whom it names; whatever is altered is found, with the file."""

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.approvals import (
    APPROVAL_TYPE,
    GENESIS,
    MAX_BYTES,
    Record,
    read_approvals,
    receipt_bytes,
    statement_bytes,
    summarize,
    unaccepted_holds,
    verify_approvals,
    write_approvals,
)
from policies.errors import IntegrityError, Place, PolicyError
from policies.findings import Finding
from policies.roles import Act, Role
from policies.signers import (
    Register,
    SignedRegister,
    Signers,
    enrol,
    read_signers,
    register_bytes,
    revoke,
    write_signers,
)
from policies.vocabulary import Severity
from tests.support.signatures import (
    DATASET,
    ON,
    PEOPLE,
    PLATFORM,
    RELEASE,
    Office,
    entry,
    is_signed_by,
    key_of,
    open_office,
    sealed,
    signature,
)

CLINIC = "clinic"
FILE = "approvals/dataset/clinic.json"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    office = open_office(tmp_path_factory.mktemp("office"))
    office.approve(RELEASE, "cells")
    return office


def records(office: Office) -> tuple[Record, ...]:
    return office.records[DATASET, CLINIC]


def verify(office: Office, given: tuple[Record, ...], *, signers: Signers | None = None, of=(DATASET, CLINIC)) -> None:
    verify_approvals(given, of=of, signers=signers or office.signers, is_signed_by=is_signed_by, file=FILE)


def code(office: Office, given: tuple[Record, ...], **more) -> str:
    with pytest.raises(IntegrityError) as error:
        verify(office, given, **more)
    assert error.value.where == Place(FILE)
    assert int(error.value.exit_code) == 14
    return error.value.code


def test_records_come_back_as_they_were_written(office: Office) -> None:
    data = write_approvals(records(office))
    assert read_approvals(data, file=FILE) == records(office)
    verify(office, records(office))
    verify(office, ())


def test_signature_of_an_approval_is_worth_nothing_for_another_kind_of_document(office: Office) -> None:
    said = records(office)[0].statement
    assert statement_bytes(said).startswith(b"DSSEv1 %d %s " % (len(APPROVAL_TYPE), APPROVAL_TYPE.encode()))
    assert statement_bytes(said) != receipt_bytes(said, records(office)[0].signature)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_no_byte_of_the_file_can_be_flipped(office: Office, data: st.DataObject) -> None:
    text = bytearray(write_approvals(records(office)))
    position = data.draw(st.integers(0, len(text) - 1))
    text[position] ^= data.draw(st.integers(1, 255))
    with pytest.raises(IntegrityError) as error:
        verify(office, read_approvals(bytes(text), file=FILE))
    assert error.value.where == Place(FILE)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_file_that_was_cut_is_read(office: Office, data: st.DataObject) -> None:
    text = write_approvals(records(office))
    kept = data.draw(st.integers(0, len(text) - 1))
    with pytest.raises(IntegrityError) as error:
        read_approvals(text[:kept], file=FILE)
    assert error.value.code == "approval.unreadable"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"records": []}',
        b"\xff\xfe",
        b'{"format": "niji/approvals/v2", "records": []}',
        b'{"format":"niji/approvals/v1","records":[]}',
        b'{"records": [], "format": "niji/approvals/v1"}\n',
        b"[" * 100_000,
    ],
    ids=["empty", "null", "list", "no format", "half", "bytes", "version", "spaces", "order", "deep"],
)
def test_what_is_not_written_by_this_program_is_not_read(data: bytes) -> None:
    with pytest.raises(IntegrityError) as error:
        read_approvals(data, file=FILE)
    assert error.value.code == "approval.unreadable"


def test_unknown_role_and_unknown_key_are_refused(office: Office) -> None:
    text = write_approvals(records(office)).decode()
    for old, new in (('"role": "author"', '"role": "owner"'), ('"role": "author"', '"role": "author",\n    "x": 1')):
        with pytest.raises(IntegrityError) as error:
            read_approvals(text.replace(old, new, 1).encode(), file=FILE)
        assert error.value.code == "approval.unreadable"


def test_ten_megabytes_are_not_parsed() -> None:
    with pytest.raises(IntegrityError) as error:
        read_approvals(b" " * 10_000_000, file=FILE)
    assert error.value.code == "approval.too-large"
    assert len(write_approvals(())) < MAX_BYTES


def test_records_of_another_policy_are_refused(office: Office) -> None:
    assert code(office, office.records[RELEASE, "cells"]) == "approval.other-policy"
    assert code(office, records(office), of=(RELEASE, CLINIC)) == "approval.other-policy"


def test_order_and_completeness_are_held_by_the_chain(office: Office) -> None:
    first, second, third, fourth = records(office)
    for part in ((second,), (first, third), (second, first), (first, first), (first, second, fourth)):
        assert code(office, part) == "approval.chain"


def test_record_that_another_platform_took_in_is_refused(office: Office) -> None:
    first, *_ = records(office)
    assert code(office, (sealed(first.statement, platform=key_of("other")),)) == "approval.receipt"
    nobody = Signers(office.register, {})
    assert code(office, (first,), signers=nobody) == "approval.receipt"


def test_signature_of_another_person_is_refused(office: Office) -> None:
    first, *_ = records(office)
    assert code(office, (sealed(first.statement, key=key_of("u-steward")),)) == "approval.signature"
    stranger = first.statement.model_copy(update={"by": "u-stranger"})
    assert code(office, (sealed(stranger),)) == "approval.signature"
    no_register = Signers(Register(), {PLATFORM: key_of("platform")})
    assert code(office, (first,), signers=no_register) == "approval.signature"


def test_record_dated_before_the_one_it_follows_is_refused(office: Office) -> None:
    first, second, *_ = records(office)
    for change in ({"on": ON - timedelta(days=1)}, {"at": "2026-12-14T00:00:00Z"}):
        assert code(office, (first, sealed(second.statement.model_copy(update=change)))) == "approval.clock"


def test_signer_without_the_right_is_kept_and_does_not_count(office: Office) -> None:
    statement = records(office)[0].statement
    wrong_act = statement.model_copy(update={"act": Act.RETIRE})
    wrong_role = statement.model_copy(update={"role": Role.COMPLIANCE_OFFICER, "act": Act.APPROVE})
    too_early = statement.model_copy(update={"on": ON - timedelta(days=900)})
    for said in (wrong_act, wrong_role, too_early):
        (judged,) = office_verified(office, sealed(said))
        assert not judged.is_entitled
    assert all(judged.is_entitled for judged in office.verified(DATASET, CLINIC).records)


def office_verified(office: Office, *given: Record):
    return verify_approvals(
        given, of=(DATASET, CLINIC), signers=office.signers, is_signed_by=is_signed_by, file=FILE
    ).records


def test_head_is_the_last_record(office: Office) -> None:
    assert office.verified(DATASET, CLINIC).head == records(office)[-1].digest
    assert office.verified(DATASET, "nobody").head == GENESIS


def finding(rule: str, severity: Severity, file: str = "a.yaml", what: str = "w") -> Finding:
    return Finding(rule, severity, Place(file), what, "why", "fix")


def test_summary_counts_and_does_not_depend_on_where_files_lie() -> None:
    found = [finding("A-1", Severity.HOLD), finding("A-1", Severity.HOLD, what="v"), finding("B-1", Severity.WARN)]
    summary = summarize(found)
    assert (summary.block, summary.hold, summary.warn) == (0, 2, 1)
    assert summarize([finding(one.rule, one.severity, "elsewhere.yaml", one.what) for one in found[::-1]]) == summary
    assert summarize(found[:2]).digest != summary.digest
    assert unaccepted_holds(found, ()) == {"A-1": 2}


# --- the register of signers


def signed(register: Register, *, platform: str = "platform") -> bytes:
    given = signature(key_of(platform), register_bytes(register)).hex()
    return write_signers(SignedRegister(register_=register, key_id=PLATFORM, signature=given))


def read(data: bytes) -> Signers:
    keys = {PLATFORM: key_of("platform")}
    return read_signers(data, platform=keys, is_signed_by=is_signed_by, file="signers.json")


def test_register_comes_back_as_it_was_signed(office: Office) -> None:
    found = read(signed(office.register))
    assert found.register == office.register
    assert found.register.sequence == len(PEOPLE)
    assert found.current("u-steward", on=ON) == found.entry("u-steward", key_id=entry("u-steward", Role.AUTHOR).key_id)
    assert found.current("u-nobody", on=ON) is None


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_no_byte_of_the_register_can_be_flipped(office: Office, data: st.DataObject) -> None:
    text = bytearray(signed(office.register))
    text[data.draw(st.integers(0, len(text) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(IntegrityError) as error:
        read(bytes(text))
    assert error.value.code in {"signers.unreadable", "signers.signature"}
    assert error.value.where == Place("signers.json")


def test_register_that_another_platform_signed_is_refused(office: Office) -> None:
    with pytest.raises(IntegrityError) as error:
        read(signed(office.register, platform="other"))
    assert error.value.code == "signers.signature"
    with pytest.raises(IntegrityError):
        read(b" " * 10_000_000)


def test_one_key_is_one_person(office: Office) -> None:
    twin = entry("u-steward", Role.DATA_STEWARD).model_copy(update={"person": "u-twin"})
    with pytest.raises(PolicyError) as error:
        enrol(office.register, twin)
    assert error.value.code == "policy.signer-key-known"
    forced = office.register.model_copy(update={"signers": (*office.register.signers, twin)})
    with pytest.raises(IntegrityError) as broken:
        read(signed(forced))
    assert broken.value.code == "signers.shared-key"


def test_one_person_has_one_key_at_a_time(office: Office) -> None:
    new = entry("u-new-key", Role.DATA_STEWARD).model_copy(update={"person": "u-steward"})
    with pytest.raises(PolicyError) as error:
        enrol(office.register, new)
    assert error.value.code == "policy.signer-known"
    later = ON + timedelta(days=10)
    without = revoke(office.register, "u-steward", revoked_from=later)
    with pytest.raises(PolicyError):
        enrol(without, new)
    both = enrol(without, new.model_copy(update={"valid_from": later}))
    known = Signers(both)
    assert [known.current("u-steward", on=day).key_id for day in (ON, later)] == [
        entry("u-steward", Role.AUTHOR).key_id,
        new.key_id,
    ]
    assert both.sequence == office.register.sequence + 2


def test_nobody_is_revoked_who_is_not_there_or_is_already(office: Office) -> None:
    gone = revoke(office.register, "u-steward", revoked_from=ON)
    for register, person in ((office.register, "u-nobody"), (gone, "u-steward")):
        with pytest.raises(PolicyError) as error:
            revoke(register, person, revoked_from=ON)
        assert error.value.code == "policy.signer-unknown"


def test_last_day_counts_and_the_day_of_revocation_does_not() -> None:
    one = entry("u-a", Role.AUTHOR, since=ON, until=ON + timedelta(days=2))
    assert [one.is_valid(ON + timedelta(days=n)) for n in (-1, 0, 2, 3)] == [False, True, True, False]
    gone = one.model_copy(update={"revoked_from": ON + timedelta(days=1)})
    assert [gone.is_valid(ON + timedelta(days=n)) for n in (0, 1, 2)] == [True, False, False]


def test_the_folder_is_not_part_of_a_statement(tmp_path: Path, office: Office) -> None:
    text = write_approvals(records(office)).decode()
    assert str(office.folder) not in text
