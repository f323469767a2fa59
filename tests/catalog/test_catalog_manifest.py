from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.keys import KeyStore
from catalog.manifest import MANIFEST, SIGNATURE, verify_manifest, write_manifest
from policies.errors import IntegrityError


@pytest.fixture
def signed(tmp_path: Path, keys: KeyStore) -> Path:
    folder = tmp_path / "folder"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.txt").write_bytes(b"alpha")
    (folder / "sub" / "b.bin").write_bytes(bytes(1000))
    (folder / "empty").write_bytes(b"")
    write_manifest(folder, keys.signer(), statement={"release": "demo", "版": "1"})
    return folder


def test_a_signed_folder_verifies(signed: Path, keys: KeyStore) -> None:
    manifest = verify_manifest(signed, keys.signing_keys())
    assert [entry.path for entry in manifest.files] == ["a.txt", "empty", "sub/b.bin"]
    assert manifest.statement == {"release": "demo", "版": "1"}
    assert manifest.key_id == keys.signer().key_id


@pytest.mark.parametrize("name", ["a.txt", "sub/b.bin", MANIFEST, SIGNATURE])
@pytest.mark.parametrize("position", [0, -1])
def test_one_flipped_byte_is_noticed_and_named(signed: Path, keys: KeyStore, name: str, position: int) -> None:
    content = bytearray((signed / name).read_bytes())
    content[position] ^= 1
    (signed / name).write_bytes(content)
    with pytest.raises(IntegrityError) as caught:
        verify_manifest(signed, keys.signing_keys())
    assert caught.value.exit_code == 14
    assert Path(name).name.split(".")[0] in str(caught.value.where)


def test_missing_extra_and_linked_files_are_refused(signed: Path, keys: KeyStore) -> None:
    (signed / "extra").write_bytes(b"")
    with pytest.raises(IntegrityError, match="file-extra"):
        verify_manifest(signed, keys.signing_keys())
    (signed / "extra").unlink()
    (signed / "a.txt").rename(signed.parent / "a.txt")
    with pytest.raises(IntegrityError, match="file-missing"):
        verify_manifest(signed, keys.signing_keys())
    (signed / "a.txt").symlink_to(signed.parent / "a.txt")
    with pytest.raises(IntegrityError, match="symbolic-link"):
        verify_manifest(signed, keys.signing_keys())


def test_another_key_is_not_trusted(signed: Path, keys: KeyStore) -> None:
    other = keys.signer("another")
    with pytest.raises(IntegrityError, match="unknown-key"):
        verify_manifest(signed, {other.key_id: other.public})
    with pytest.raises(IntegrityError, match="signature"):
        verify_manifest(signed, {keys.signer().key_id: other.public})


def test_a_folder_without_manifest_is_refused(tmp_path: Path, keys: KeyStore) -> None:
    with pytest.raises(IntegrityError, match="unreadable"):
        verify_manifest(tmp_path, keys.signing_keys())


@given(st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), st.binary(max_size=200), max_size=5))
def test_every_folder_verifies_as_written(
    tmp_path_factory: pytest.TempPathFactory, keys: KeyStore, content: dict[str, bytes]
) -> None:
    folder = tmp_path_factory.mktemp("any")
    for name, body in content.items():
        (folder / name).write_bytes(body)
    written = write_manifest(folder, keys.signer(), statement={})
    assert verify_manifest(folder, keys.signing_keys()) == written
