import json
import pickle
import stat
from pathlib import Path

import pytest

from catalog.keys import KeyKind, KeyStore, is_signed_by, read_public_key, read_signing_keys
from catalog.secret import Passphrase, Secret
from policies.errors import IntegrityError, NotPermittedError, UsageError

RIGHT = Passphrase("correct horse")


def test_a_secret_is_the_same_in_the_next_process(tmp_path: Path) -> None:
    first = KeyStore.open(tmp_path / "keys", RIGHT).secret(KeyKind.PSEUDONYM, "aoba")
    again = KeyStore.open(tmp_path / "keys", RIGHT).secret(KeyKind.PSEUDONYM, "aoba")
    assert first == again
    assert len(first) == 32


def test_secrets_differ_by_kind_and_name(keys: KeyStore) -> None:
    found = {keys.secret(kind, name).reveal() for kind in KeyKind for name in ("one", "two")}
    assert len(found) == 10


def test_wrong_passphrase_is_not_permitted(tmp_path: Path) -> None:
    KeyStore.open(tmp_path / "keys", RIGHT)
    with pytest.raises(NotPermittedError, match=r"keys\.wrong-passphrase") as caught:
        KeyStore.open(tmp_path / "keys", Passphrase("wrong"))
    assert caught.value.exit_code == 12
    with pytest.raises(NotPermittedError, match=r"keys\.empty-passphrase"):
        KeyStore.open(tmp_path / "keys", Passphrase(""))


def test_a_flipped_byte_in_a_wrapped_key_is_an_integrity_error(tmp_path: Path) -> None:
    store = KeyStore.open(tmp_path / "keys", RIGHT)
    store.secret(KeyKind.STORAGE, "master")
    path = tmp_path / "keys" / "storage.master.key.json"
    body = json.loads(path.read_text())
    body["wrapped"] = ("A" if body["wrapped"][0] != "A" else "B") + body["wrapped"][1:]
    path.write_text(json.dumps(body))
    with pytest.raises(IntegrityError, match=r"keys\.altered") as caught:
        KeyStore.open(tmp_path / "keys", RIGHT).secret(KeyKind.STORAGE, "master")
    assert caught.value.exit_code == 14


def test_exchanged_key_files_are_refused(tmp_path: Path) -> None:
    store = KeyStore.open(tmp_path / "keys", RIGHT)
    store.secret(KeyKind.PSEUDONYM, "one")
    (tmp_path / "keys" / "pseudonym.one.key.json").rename(tmp_path / "keys" / "pseudonym.two.key.json")
    with pytest.raises(IntegrityError):
        KeyStore.open(tmp_path / "keys", RIGHT).secret(KeyKind.PSEUDONYM, "two")


def test_folder_and_files_are_private(tmp_path: Path) -> None:
    store = KeyStore.open(tmp_path / "keys", RIGHT)
    store.signer()
    store.escrow_public()
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "keys").iterdir()} == {0o600}
    assert not [path for path in (tmp_path / "keys").iterdir() if path.name.startswith(".")]
    assert store.names() == ((KeyKind.ESCROW, "platform"), (KeyKind.SIGNING, "platform"))


def test_a_folder_open_to_others_is_refused(tmp_path: Path) -> None:
    KeyStore.open(tmp_path / "keys", RIGHT)
    (tmp_path / "keys").chmod(0o750)
    with pytest.raises(NotPermittedError, match=r"keys\.folder-open"):
        KeyStore.open(tmp_path / "keys", RIGHT)


def test_printing_shows_no_secret(keys: KeyStore) -> None:
    secret = keys.secret(KeyKind.BOUNDING, "aoba")
    shown = f"{secret} {secret!r} {[secret]} {keys.signer()!r} {keys!r} {Passphrase('swordfish')}"
    assert shown.count("<secret>") == 4
    assert secret.reveal().hex() not in shown
    assert "swordfish" not in shown
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    with pytest.raises(TypeError):
        pickle.dumps(keys.signer())


def test_signatures_hold_for_the_message_and_the_key_only(keys: KeyStore) -> None:
    signer, other = keys.signer(), keys.signer("other")
    signature = signer.sign(b"message")
    assert is_signed_by(signer.public, signature, b"message")
    assert not is_signed_by(signer.public, signature, b"massage")
    assert not is_signed_by(other.public, signature, b"message")
    assert not is_signed_by(keys.escrow_public(), signature, b"message")


def test_public_keys_are_read_back_without_a_passphrase(tmp_path: Path) -> None:
    store = KeyStore.open(tmp_path / "keys", RIGHT)
    signer = store.signer()
    assert read_signing_keys(tmp_path / "keys") == {signer.key_id: signer.public} == store.signing_keys()
    assert read_public_key(tmp_path / "keys" / "signing.platform.pub.pem").pem() == signer.public.pem()


def test_an_exchanged_public_key_is_noticed(tmp_path: Path) -> None:
    store = KeyStore.open(tmp_path / "keys", RIGHT)
    store.signer()
    other = store.signer("other")
    (tmp_path / "keys" / "signing.platform.pub.pem").write_text(other.public.pem())
    with pytest.raises(IntegrityError, match=r"keys\.public-altered"):
        store.signer()


@pytest.mark.parametrize("name", ["../escape", "Big", "", "a/b", "a.b"])
def test_a_name_that_is_no_policy_name_is_refused(keys: KeyStore, name: str) -> None:
    with pytest.raises(UsageError):
        keys.secret(KeyKind.PSEUDONYM, name)


def test_a_file_that_is_no_public_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("no key")
    with pytest.raises(UsageError, match=r"keys\.public-unreadable"):
        read_public_key(tmp_path / "key.pem")
    with pytest.raises(UsageError):
        read_public_key(tmp_path / "absent.pem")


def test_a_damaged_store_file_is_an_integrity_error(tmp_path: Path) -> None:
    KeyStore.open(tmp_path / "keys", RIGHT)
    (tmp_path / "keys" / "store.json").write_text("{}")
    with pytest.raises(IntegrityError, match=r"keys\.store-unreadable"):
        KeyStore.open(tmp_path / "keys", RIGHT)


def test_secrets_compare_by_content() -> None:
    assert Secret(b"a") == Secret(b"a") != Secret(b"b")
    assert Secret(b"a") != b"a"
    assert len({Secret(b"a"), Secret(b"b"), Secret(b"a")}) == 2
