import json
import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from catalog.access import Permit
from catalog.extracts import SealTo, build_extract, open_extract, verify_extract
from catalog.keys import KeyStore
from catalog.manifest import write_manifest
from catalog.sealing import fingerprint, read_secret_key, write_key_pair
from policies.errors import DataError, IntegrityError, NotPermittedError
from policies.vocabulary import ProhibitedUse

DAY = date(2026, 12, 1)


@pytest.fixture
def permit(recipient: Any) -> Permit:
    return Permit(
        id="permit-2026-1",
        request_id="request-2026-1",
        release="admissions-microdata",
        release_version="1.0.0",
        recipient="R-001",
        institution="北辰大学",
        purpose="糖尿病の{入院}経過の研究",
        issued_on=DAY,
        valid_from=DAY,
        expires_on=date(2027, 11, 30),
        decided_by="c-abe",
        key_fingerprint=fingerprint(recipient.key),
        prohibited_uses=(ProhibitedUse.REIDENTIFY,),
    )


@pytest.fixture
def seal_to(keys: KeyStore, recipient: Any) -> SealTo:
    return SealTo(recipient.key, keys.signer(), keys.escrow_public().raw)


@pytest.fixture
def extract(package: Path, permit: Permit, seal_to: SealTo, tmp_path: Path) -> Path:
    return build_extract(package, permit, seal_to=seal_to, outbox=tmp_path / "outbox", on=DAY).folder


def _plain(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_recipient_gets_exactly_what_was_in_the_package(
    package: Path, extract: Path, keys: KeyStore, recipient: Any, tmp_path: Path
) -> None:
    assert sorted(_plain(extract)) == [
        "README.en.md",
        "README.ja.md",
        "dictionary.json",
        "evidence.json",
        "genome/cohort.vcf.gz.c4gh",
        "manifest.json",
        "manifest.sig.json",
        "permit.json",
        "policy.json",
        "stays.parquet.c4gh",
    ]
    assert verify_extract(extract, keys.signing_keys()).permit_id == "permit-2026-1"
    open_extract(extract, recipient.secret, out=tmp_path / "opened", public_keys=keys.signing_keys())
    opened = _plain(tmp_path / "opened")
    for name in ("stays.parquet", "genome/cohort.vcf.gz", "dictionary.json", "policy.json"):
        assert opened[name] == (package / name).read_bytes()


def test_no_plain_data_is_in_the_extract(package: Path, extract: Path) -> None:
    everything = b"".join(_plain(extract).values())
    assert b"variants" not in everything
    assert bytes(range(256)) not in everything
    statement = json.loads((extract / "manifest.json").read_bytes())["statement"]
    assert len(statement["sealed_to"]) == 2
    assert "公開物の説明" in (extract / "README.ja.md").read_text("utf-8")
    assert "糖尿病の{入院}経過の研究" in (extract / "README.en.md").read_text("utf-8")


def test_the_escrow_key_opens_it_too(extract: Path, keys: KeyStore, tmp_path: Path) -> None:
    from catalog.keys import KeyKind

    secret = keys.secret(KeyKind.ESCROW, "platform")
    open_extract(extract, secret, out=tmp_path / "opened", public_keys=keys.signing_keys())


@pytest.mark.parametrize("day", [date(2026, 11, 30), date(2027, 12, 1)])
def test_a_permit_that_does_not_hold_gives_nothing(
    package: Path, permit: Permit, seal_to: SealTo, tmp_path: Path, day: date
) -> None:
    with pytest.raises(NotPermittedError) as caught:
        build_extract(package, permit, seal_to=seal_to, outbox=tmp_path / "outbox", on=day)
    assert caught.value.exit_code == 12
    assert not (tmp_path / "outbox").exists()


def test_an_ended_permit_another_key_and_another_release_give_nothing(
    package: Path, permit: Permit, seal_to: SealTo, tmp_path: Path
) -> None:
    other_key = replace(seal_to, recipient=write_key_pair(tmp_path / "other"))
    for bad, to in (
        (replace(permit, is_active=False), seal_to),
        (permit, other_key),
        (replace(permit, release_version="1.0.1"), seal_to),
        (replace(permit, release="another"), seal_to),
    ):
        with pytest.raises(NotPermittedError):
            build_extract(package, bad, seal_to=to, outbox=tmp_path / "outbox", on=DAY)
    assert not (tmp_path / "outbox").exists()


def test_a_wrong_key_opens_nothing(extract: Path, keys: KeyStore, tmp_path: Path) -> None:
    write_key_pair(tmp_path / "stranger")
    with pytest.raises(NotPermittedError) as caught:
        open_extract(
            extract,
            read_secret_key(tmp_path / "stranger.sec"),
            out=tmp_path / "opened",
            public_keys=keys.signing_keys(),
        )
    assert caught.value.exit_code == 12
    assert not [path for path in tmp_path.iterdir() if "opened" in path.name]


NAMES = (
    "stays.parquet.c4gh",
    "genome/cohort.vcf.gz.c4gh",
    "dictionary.json",
    "policy.json",
    "evidence.json",
    "permit.json",
    "README.ja.md",
    "manifest.json",
    "manifest.sig.json",
)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("where", [0.0, 0.5, 0.999])
def test_one_flipped_byte_anywhere_is_noticed(
    extract: Path, keys: KeyStore, recipient: Any, tmp_path: Path, name: str, where: float
) -> None:
    content = bytearray((extract / name).read_bytes())
    content[int(where * len(content))] ^= 1
    (extract / name).write_bytes(content)
    with pytest.raises(IntegrityError) as caught:
        verify_extract(extract, keys.signing_keys())
    assert caught.value.exit_code == 14
    with pytest.raises(IntegrityError):
        open_extract(extract, recipient.secret, out=tmp_path / "opened", public_keys=keys.signing_keys())
    assert not (tmp_path / "opened").exists()


def test_a_lying_manifest_is_caught_on_opening(extract: Path, keys: KeyStore, recipient: Any, tmp_path: Path) -> None:
    # Signed by the right key, but the plaintext digest is not that of what was sealed.
    from catalog.manifest import FileDigest, verify_manifest

    found = verify_manifest(extract, keys.signing_keys())
    lies = {entry.path: FileDigest(1, "0" * 64) for entry in found.files if entry.plaintext}
    write_manifest(extract, keys.signer(), statement=found.statement, plaintexts=lies)
    verify_extract(extract, keys.signing_keys())
    with pytest.raises(IntegrityError, match=r"extract\.plaintext"):
        open_extract(extract, recipient.secret, out=tmp_path / "opened", public_keys=keys.signing_keys())


def test_an_altered_package_is_not_sealed(
    package: Path, permit: Permit, seal_to: SealTo, keys: KeyStore, tmp_path: Path
) -> None:
    write_manifest(package, keys.signer(), statement={})
    (package / "stays.parquet").write_bytes(b"other")
    with pytest.raises(IntegrityError, match=r"manifest\.file-altered"):
        build_extract(package, permit, seal_to=seal_to, outbox=tmp_path / "outbox", on=DAY)
    assert not (tmp_path / "outbox").exists()


def test_a_signed_package_is_named_by_its_digest(
    package: Path, permit: Permit, seal_to: SealTo, keys: KeyStore, tmp_path: Path
) -> None:
    signed = write_manifest(package, keys.signer(), statement={})
    built = build_extract(package, permit, seal_to=seal_to, outbox=tmp_path / "outbox", on=DAY)
    assert built.manifest.statement["package_manifest"] == signed.digest


def test_an_incomplete_or_empty_package_is_refused(
    package: Path, permit: Permit, seal_to: SealTo, tmp_path: Path
) -> None:
    shutil.rmtree(package / "genome")
    (package / "stays.parquet").unlink()
    with pytest.raises(DataError, match=r"extract\.no-data"):
        build_extract(package, permit, seal_to=seal_to, outbox=tmp_path / "outbox", on=DAY)
    assert list((tmp_path / "outbox").iterdir()) == []
    (package / "evidence.json").unlink()
    with pytest.raises(DataError, match=r"extract\.package-incomplete"):
        build_extract(package, permit, seal_to=seal_to, outbox=tmp_path / "outbox", on=DAY)


def test_a_link_out_of_the_package_is_refused(package: Path, permit: Permit, seal_to: SealTo, tmp_path: Path) -> None:
    (tmp_path / "restricted").write_bytes(b"patients")
    (package / "more.parquet").symlink_to(tmp_path / "restricted")
    with pytest.raises(IntegrityError, match=r"extract\.symbolic-link"):
        build_extract(package, permit, seal_to=seal_to, outbox=tmp_path / "outbox", on=DAY)


def test_nothing_is_overwritten(
    package: Path, permit: Permit, seal_to: SealTo, extract: Path, keys: KeyStore, recipient: Any, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=r"extract\.exists"):
        build_extract(package, permit, seal_to=seal_to, outbox=tmp_path / "outbox", on=DAY)
    (tmp_path / "opened").mkdir()
    with pytest.raises(DataError, match=r"extract\.out-exists"):
        open_extract(extract, recipient.secret, out=tmp_path / "opened", public_keys=keys.signing_keys())


def test_a_disk_full_while_sealing_leaves_nothing(
    package: Path, permit: Permit, seal_to: SealTo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("catalog.extracts.write_manifest", full)
    with pytest.raises(OSError, match="No space"):
        build_extract(package, permit, seal_to=seal_to, outbox=tmp_path / "outbox", on=DAY)
    assert list((tmp_path / "outbox").iterdir()) == []


def test_a_signed_folder_that_is_no_extract_is_refused(tmp_path: Path, keys: KeyStore) -> None:
    (tmp_path / "folder").mkdir()
    write_manifest(tmp_path / "folder", keys.signer(), statement={"format": "other"})
    with pytest.raises(IntegrityError, match=r"extract\.not-an-extract"):
        verify_extract(tmp_path / "folder", keys.signing_keys())
