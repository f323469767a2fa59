"""What publication and delivery prove: label and notice, retention, shapes, no exact count, records, custody."""

from datetime import date, timedelta
from pathlib import PurePosixPath

import pytest

from catalog.access import Permit
from catalog.audit import AuditEvent
from catalog.custody import custody_checks
from catalog.provision_checks import delivery_checks
from catalog.publication_checks import label_checks, record_checks
from policies.load import PACKAGED, load_library
from policies.model import ReleasePolicy
from tests.support.catalog_builders import record
from tests.support.rule_pairs import pair

ON = date(2026, 12, 15)
LIBRARY = load_library(PACKAGED)
ANONYMIZED = LIBRARY.release("admissions-anonymized")
NOISY = LIBRARY.release("admissions-statistics")


def broken(checks):
    return {check.rule for check in checks if not check.passed}


# --- label and notice ---


@pair(rule="APPI-28", violation="V09")
def test_manifest_without_the_label_is_refused_and_with_it_passes() -> None:
    assert broken(label_checks(ANONYMIZED, "データ", on=ON)) == {"APPI-28"}
    assert broken(label_checks(ANONYMIZED, None, on=ON)) == {"APPI-28"}
    assert broken(label_checks(ANONYMIZED, "匿名加工情報", on=ON)) == set()


@pair(rule="APPI-27", violation="V09")
@pair(rule="APPI-28", violation="V09")
def test_extract_before_the_items_are_public_is_refused_and_on_the_day_passes() -> None:
    said = ANONYMIZED.publication
    assert said is not None
    early = said.items_published_on - timedelta(days=1)
    assert broken(label_checks(ANONYMIZED, said.label_ja, on=early)) == {"APPI-27", "APPI-28"}
    assert broken(label_checks(ANONYMIZED, said.label_ja, on=said.items_published_on)) == set()


def test_anonymized_release_without_a_notice_is_refused() -> None:
    unsaid = ANONYMIZED.model_copy(update={"publication": None})
    assert broken(label_checks(unsaid, "匿名加工情報", on=ON)) == {"APPI-27", "APPI-28"}
    assert label_checks(LIBRARY.release("cohort-controlled"), None, on=ON) == ()


# --- the record ---


def of(release: ReleasePolicy, **changed: object):
    keep = release.retention
    plain = {
        "extract_months": keep.extract_months,
        "delete_within_days": keep.delete_within_days,
        "people_out": None,
    }
    found = record()
    summary = found.evidence.model_copy(update={"loss": None})
    return found.model_copy(update={"evidence": summary, **plain, **changed})


def judged(release: ReleasePolicy, *, shapes: int = 0, **changed: object):
    return record_checks(release, of(release, **changed), broken_shapes=shapes, exact_outputs=("a", "b"))


@pair(rule="EHDS-77")
@pair(rule="HDCAT-01")
def test_record_that_breaks_its_shapes_is_refused_and_one_that_keeps_them_passes() -> None:
    assert broken(judged(ANONYMIZED, shapes=1)) == {"EHDS-77", "HDCAT-01"}
    assert broken(judged(ANONYMIZED)) == set()


@pair(rule="APPI-33")
def test_record_that_promises_another_deletion_than_the_policy_is_refused() -> None:
    assert broken(judged(ANONYMIZED, delete_within_days=ANONYMIZED.retention.delete_within_days + 1)) == {"APPI-33"}
    assert broken(judged(ANONYMIZED)) == set()


@pair(rule="DP-04", violation="V29")
def test_exact_count_beside_noisy_numbers_is_refused_and_exact_releases_are_listed() -> None:
    assert broken(judged(NOISY, people_out="4,890+")) == {"DP-04"}
    passed = judged(NOISY)
    assert broken(passed) == set()
    assert next(check for check in passed if check.rule == "DP-04").measured["exact_outputs"] == "a, b"


# --- delivery ---


def permit(expires_on: date) -> Permit:
    return Permit(
        id="permit-2026-1",
        request_id="request-2026-1",
        release=ANONYMIZED.id,
        release_version=ANONYMIZED.version,
        recipient="R-001",
        institution="北辰大学",
        purpose="研究",
        issued_on=ON,
        valid_from=ON,
        expires_on=expires_on,
        decided_by="officer",
        key_fingerprint="00",
        prohibited_uses=ANONYMIZED.prohibited_uses,
    )


def event(action: str) -> AuditEvent:
    return AuditEvent(1, "2026-12-15T00:00:00+00:00", "system", action, "permit-2026-1", {}, "", "")


def delivered(actions=("extract.build", "extract.built"), *, remembered=1, expires_on=ON, label="匿名加工情報"):
    return delivery_checks(
        ANONYMIZED,
        permit(expires_on),
        events=[event(action) for action in actions],
        statement={"label": label},
        remembered=remembered,
        on=ON,
    )


@pair(rule="APPI-15")
@pair(rule="NGMI-13")
@pair(rule="ETH-03")
@pytest.mark.parametrize(
    "missing", [{"actions": ("extract.build",)}, {"actions": ("extract.built",)}, {"remembered": 0}]
)
def test_delivery_that_is_not_on_record_is_refused_and_one_that_is_passes(missing) -> None:
    assert broken(delivered(**missing)) == {"APPI-15", "NGMI-13", "ETH-03"}
    assert broken(delivered()) == set()


@pair(rule="APPI-33")
def test_delivery_says_by_which_day_copies_are_deleted() -> None:
    checks = delivered(expires_on=ON + timedelta(days=365))
    due = next(check for check in checks if check.rule == "APPI-33").measured["delete_by"]
    assert due == (ON + timedelta(days=365 + ANONYMIZED.retention.delete_within_days)).isoformat()
    late = ON - timedelta(days=ANONYMIZED.retention.delete_within_days + 1)
    assert broken(delivered(expires_on=late)) == {"APPI-33"}


@pair(rule="APPI-28", violation="V09")
def test_extract_whose_manifest_lacks_the_label_is_refused() -> None:
    assert broken(delivered(label="")) == {"APPI-28"}
    assert broken(delivered()) == set()


# --- custody ---

VERSION = "zones/pseudonymized/protected/tiny/0123456789abcdef"
HONEST = (
    "zones/restricted/raw/tiny/CURRENT",
    "zones/restricted/raw/tiny/0123456789abcdef/stage.json",
    "zones/restricted/raw/tiny/0123456789abcdef/patients.parquet",
    f"{VERSION}/genotypes.samples.parquet",
    f"{VERSION}/recount.json",
    "zones/released/tiny/1.0.0/manifest.sig.json",
    "zones/released/tiny/1.0.0/patients.parquet",
    "outbox/permit-2026-1/patients.parquet.c4gh",
    "zones/restricted/spill/duckdb_temp_0.tmp",
    "zones/restricted/raw/tiny/.0123456789abcdef.part/patients.parquet",
)


def kept(*files: str):
    return broken(custody_checks([PurePosixPath(file) for file in files]))


@pair(rule="APPI-18", violation="V15")
@pair(rule="APPI-26", violation="V15")
@pytest.mark.parametrize(
    "file",
    [
        f"{VERSION}/date_offsets.parquet",
        f"{VERSION}/pseudonym_map.json",
        f"{VERSION}/swap-map.parquet",
        f"{VERSION}/seed.json",
        f"{VERSION}/offsets.csv",
        "zones/released/tiny/1.0.0/seed.json",
        "zones/released/tiny/1.0.0/pseudonym.tiny.key.json",
        "zones/pseudonymized/pseudonym.key",
        "outbox/permit-2026-1/recipient.sec",
        "zones/notes.txt",
    ],
)
def test_restorable_thing_beside_the_data_is_refused_and_the_data_alone_pass(file: str) -> None:
    assert kept(*HONEST, file) == {"APPI-18", "APPI-26"}
    assert kept(*HONEST) == set()


def test_names_of_what_is_misplaced_are_not_told() -> None:
    checks = custody_checks([PurePosixPath(f"{VERSION}/date_offsets.parquet")])
    assert "offsets" not in str([check.as_json() for check in checks])
