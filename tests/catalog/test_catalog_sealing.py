import gzip
import io
import logging
from pathlib import Path
from typing import Any

import pytest
from crypt4gh import lib as reference
from crypt4gh.keys import get_private_key, get_public_key
from hypothesis import given
from hypothesis import strategies as st

from catalog.sealing import (
    armor_public_key,
    fingerprint,
    open_file,
    parse_public_key,
    read_secret_key,
    seal_file,
    write_key_pair,
)
from catalog.secret import Passphrase, Secret
from policies.errors import DataError, IntegrityError, NotPermittedError

SEGMENT = 65_536
CIPHER_SEGMENT = SEGMENT + 28


def _seal(folder: Path, content: bytes, *recipients: bytes) -> Path:
    (folder / "plain").write_bytes(content)
    seal_file(folder / "plain", folder / "sealed", recipients=recipients)
    return folder / "sealed"


@given(
    st.one_of(
        st.binary(max_size=100),
        st.sampled_from([0, 1, SEGMENT - 1, SEGMENT, SEGMENT + 1, 3 * SEGMENT + 7]).map(lambda n: b"\x07" * n),
    )
)
def test_what_is_sealed_opens_to_the_same(
    tmp_path_factory: pytest.TempPathFactory, recipient: Any, content: bytes
) -> None:
    folder = tmp_path_factory.mktemp("seal")
    (folder / "plain").write_bytes(content)
    sealed = seal_file(folder / "plain", folder / "sealed", recipients=[recipient.key])
    assert open_file(folder / "sealed", folder / "opened", secret_key=recipient.secret) == sealed.plaintext
    assert (folder / "opened").read_bytes() == content
    assert sealed.ciphertext.size == (folder / "sealed").stat().st_size


def test_every_recipient_opens_it_alone(tmp_path: Path, recipient: Any) -> None:
    other = write_key_pair(tmp_path / "other")
    sealed = _seal(tmp_path, b"content", recipient.key, other)
    for secret in (recipient.secret, read_secret_key(tmp_path / "other.sec")):
        open_file(sealed, tmp_path / "opened", secret_key=secret)
        assert (tmp_path / "opened").read_bytes() == b"content"


def test_another_key_is_not_permitted_and_leaves_nothing(tmp_path: Path, recipient: Any) -> None:
    sealed = _seal(tmp_path, b"content", recipient.key)
    write_key_pair(tmp_path / "stranger")
    with pytest.raises(NotPermittedError, match=r"sealing\.wrong-key") as caught:
        open_file(sealed, tmp_path / "opened", secret_key=read_secret_key(tmp_path / "stranger.sec"))
    assert caught.value.exit_code == 12
    assert sorted(path.name for path in tmp_path.iterdir()) == ["plain", "sealed", "stranger.pub", "stranger.sec"]


@pytest.mark.parametrize("position", [0, 9, 200, 124 + SEGMENT, -1])
def test_a_flipped_byte_opens_to_nothing(tmp_path: Path, recipient: Any, position: int) -> None:
    sealed = _seal(tmp_path, b"\x05" * (SEGMENT + 100), recipient.key)
    content = bytearray(sealed.read_bytes())
    content[position] ^= 1
    sealed.write_bytes(content)
    with pytest.raises(IntegrityError) as caught:
        open_file(sealed, tmp_path / "opened", secret_key=recipient.secret)
    assert caught.value.exit_code == 14
    assert not (tmp_path / "opened").exists()


@pytest.mark.parametrize("length", [5, 40, 130, 140])
def test_a_cut_off_file_opens_to_nothing(tmp_path: Path, recipient: Any, length: int) -> None:
    sealed = _seal(tmp_path, b"\x05" * 1000, recipient.key)
    sealed.write_bytes(sealed.read_bytes()[:length])
    with pytest.raises(IntegrityError):
        open_file(sealed, tmp_path / "opened", secret_key=recipient.secret)


def test_the_library_opens_ours_and_we_open_the_librarys(tmp_path: Path, recipient: Any) -> None:
    content = bytes(range(256)) * 700
    sealed = _seal(tmp_path, content, recipient.key)
    output = io.BytesIO()
    with sealed.open("rb") as infile:
        reference.decrypt([(0, recipient.secret.reveal(), None)], infile, output)
    assert output.getvalue() == content
    with (tmp_path / "plain").open("rb") as infile, (tmp_path / "theirs").open("wb") as outfile:
        reference.encrypt([(0, bytes(range(32)), recipient.key)], infile, outfile)
    open_file(tmp_path / "theirs", tmp_path / "opened", secret_key=recipient.secret)
    assert (tmp_path / "opened").read_bytes() == content


@pytest.mark.shared
@pytest.mark.parametrize("name", ["alice", "bob"])
def test_published_keys_and_files_of_the_reference_implementation(tmp_path: Path, shared_data: Path, name: str) -> None:
    folder = shared_data / "standards" / "crypt4gh"
    public = parse_public_key((folder / f"{name}.pub").read_text())
    secret = read_secret_key(folder / f"{name}.sec", Passphrase(name))
    assert public == get_public_key(folder / f"{name}.pub")
    assert secret.reveal() == get_private_key(folder / f"{name}.sec", lambda: name)
    content = gzip.decompress((folder / "testfile.abbbc.gz").read_bytes())
    open_file(_seal(tmp_path, content, public), tmp_path / "opened", secret_key=secret)
    assert (tmp_path / "opened").read_bytes() == content
    with pytest.raises(NotPermittedError, match=r"sealing\.locked-key"):
        read_secret_key(folder / f"{name}.sec", Passphrase("wrong"))
    with pytest.raises(NotPermittedError):
        read_secret_key(folder / f"{name}.sec")


@pytest.mark.parametrize("passphrase", [None, "locked"])
def test_the_library_reads_our_key_pairs(tmp_path: Path, passphrase: str | None) -> None:
    given = Passphrase(passphrase) if passphrase else None
    public = write_key_pair(tmp_path / "pair", given)
    assert get_public_key(tmp_path / "pair.pub") == public
    theirs = get_private_key(tmp_path / "pair.sec", lambda: passphrase)
    assert theirs == read_secret_key(tmp_path / "pair.sec", given).reveal()
    assert (tmp_path / "pair.sec").stat().st_mode & 0o077 == 0
    with pytest.raises(DataError, match=r"sealing\.key-exists"):
        write_key_pair(tmp_path / "pair")


def test_no_log_record_whatever_the_configuration(
    tmp_path: Path, recipient: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("crypt4gh", "crypt4gh.lib", "crypt4gh.header"):
        logging.getLogger(name).setLevel(logging.DEBUG)
        logging.getLogger(name).disabled = False
    open_file(_seal(tmp_path, b"x", recipient.key), tmp_path / "opened", secret_key=recipient.secret)
    with pytest.raises(NotPermittedError):
        open_file(tmp_path / "sealed", tmp_path / "again", secret_key=Secret(bytes(range(32))))
    assert not caplog.records


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ssh-ed25519 AAAA",
        "-----BEGIN CRYPT4GH PUBLIC KEY-----\nnot base64!\n-----END CRYPT4GH PUBLIC KEY-----\n",
        "-----BEGIN CRYPT4GH PUBLIC KEY-----\nQUJD\n-----END CRYPT4GH PUBLIC KEY-----\n",
        armor_public_key(bytes(32)),
        armor_public_key(b"\x01" + bytes(31)),
    ],
)
def test_what_is_no_safe_public_key_is_refused(text: str) -> None:
    with pytest.raises(DataError, match=r"sealing\.public-key"):
        parse_public_key(text)


def test_what_is_no_secret_key_is_refused(tmp_path: Path) -> None:
    for content in ("", "-----BEGIN CRYPT4GH PRIVATE KEY-----\nQUJD\n-----END CRYPT4GH PRIVATE KEY-----\n"):
        (tmp_path / "key.sec").write_text(content)
        with pytest.raises(DataError, match=r"sealing\.secret-key"):
            read_secret_key(tmp_path / "key.sec")


def test_sealing_for_nobody_is_refused(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(b"x")
    with pytest.raises(DataError, match=r"sealing\.no-recipient"):
        seal_file(tmp_path / "plain", tmp_path / "sealed", recipients=[])


def test_fingerprints_are_those_of_the_key(recipient: Any) -> None:
    assert fingerprint(recipient.key) == fingerprint(parse_public_key(recipient.text))
    assert fingerprint(recipient.key).startswith("SHA256:")
    assert len(fingerprint(recipient.key)) == len("SHA256:") + 43


@pytest.mark.shared
def test_the_librarys_command_opens_ours_and_we_open_its(tmp_path: Path, shared_data: Path) -> None:
    import os
    import subprocess
    import sys

    folder = shared_data / "standards" / "crypt4gh"
    content = bytes(range(256)) * 1000
    sealed = _seal(tmp_path, content, parse_public_key((folder / "bob.pub").read_text()))

    def command(*arguments: str, given: bytes) -> bytes:
        called = [sys.executable, "-m", "crypt4gh", *arguments]
        environment = {**os.environ, "C4GH_PASSPHRASE": "bob"}
        return subprocess.run(called, input=given, env=environment, capture_output=True, check=True).stdout

    assert command("decrypt", "--sk", str(folder / "bob.sec"), given=sealed.read_bytes()) == content
    write_key_pair(tmp_path / "mine")
    (tmp_path / "theirs").write_bytes(
        command("encrypt", "--recipient_pk", str(tmp_path / "mine.pub"), "--sk", str(folder / "bob.sec"), given=content)
    )
    open_file(tmp_path / "theirs", tmp_path / "opened", secret_key=read_secret_key(tmp_path / "mine.sec"))
    assert (tmp_path / "opened").read_bytes() == content
