"""The key store: pseudonym, storage and bounding secrets, the platform's signing key, the escrow key.

Files below `keys/`: the folder is 0700, files 0600. One scrypt run on the passphrase (parameters below) gives the
wrapping key of the store; each secret lies in its own file, wrapped with AES-256-GCM, its kind and name bound to the
ciphertext, so that files cannot be exchanged for each other. Public keys lie beside them as PEM, unprotected, so that
signatures are checked without the passphrase.

Not here: what the keys are used for; key management services (they implement the same four methods).
"""

import json
import os
import re
import secrets
import stat
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import scrypt, sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature, InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)

from catalog.secret import Passphrase, Secret
from policies.errors import IntegrityError, NotPermittedError, Place, UsageError

SCRYPT_N = 2**15
SCRYPT_R = 8
SCRYPT_P = 1
"""About 0.1 s and 32 MiB a try. Source: RFC 7914 section 2; OWASP Password Storage Cheat Sheet (scrypt)."""

STORE_FORMAT = "niji/keystore/v1"
KEY_FORMAT = "niji/key/v1"
SECRET_BYTES = 32
_NAME = re.compile(r"^[a-z][a-z0-9]*(?:[_-][a-z0-9]+)*$")
_VERIFIER = b"niji key store"


class KeyKind(StrEnum):
    """What a secret is for; one secret has one use."""

    PSEUDONYM = "pseudonym"
    STORAGE = "storage"
    BOUNDING = "bounding"
    SIGNING = "signing"
    ESCROW = "escrow"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key and its id; `algorithm` is `ed25519` or `x25519`, `raw` holds 32 bytes."""

    key_id: str
    algorithm: str
    raw: bytes = field(repr=False)

    @classmethod
    def of(cls, algorithm: str, raw: bytes) -> "PublicKey":
        """Return the key with the id that its bytes give it."""
        return cls(f"{algorithm}:{sha256(raw).hexdigest()[:16]}", algorithm, raw)

    def pem(self) -> str:
        """Return the key as SubjectPublicKeyInfo PEM."""
        key = (
            Ed25519PublicKey.from_public_bytes(self.raw)
            if self.algorithm == "ed25519"
            else X25519PublicKey.from_public_bytes(self.raw)
        )
        return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")


PublicKeys = Mapping[str, PublicKey]
"""Public signing keys by key id."""


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs bytes with one Ed25519 key; printing it shows only the public key id."""

    public: PublicKey
    _private: Ed25519PrivateKey = field(repr=False)

    @property
    def key_id(self) -> str:
        """The id of the public key."""
        return self.public.key_id

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte Ed25519 signature of `message` (RFC 8032)."""
        return self._private.sign(message)

    def __reduce__(self) -> str:
        msg = "a signer is not pickled: open the key store in the process that needs it"
        raise TypeError(msg)


def is_signed_by(public: PublicKey, signature: bytes, message: bytes) -> bool:
    """Return whether `signature` is that key's signature of `message`."""
    if public.algorithm != "ed25519":
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public.raw).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def read_public_key(path: Path) -> PublicKey:
    """Read one PEM public key (Ed25519 or X25519).

    Raises:
        UsageError: The file is not such a key.
    """
    try:
        key = load_pem_public_key(path.read_bytes())
    except (OSError, ValueError, UnsupportedAlgorithm):
        raise _not_a_public_key(path) from None
    match key:
        case Ed25519PublicKey():
            return PublicKey.of("ed25519", key.public_bytes(Encoding.Raw, PublicFormat.Raw))
        case X25519PublicKey():
            return PublicKey.of("x25519", key.public_bytes(Encoding.Raw, PublicFormat.Raw))
        case _:
            raise _not_a_public_key(path)


def read_signing_keys(folder: Path) -> dict[str, PublicKey]:
    """Read the public signing keys (`signing.*.pub.pem`) of a key store, or of any folder, without a passphrase."""
    keys = [read_public_key(path) for path in sorted(folder.glob("signing.*.pub.pem"))]
    return {key.key_id: key for key in keys}


class KeyStore:
    """An open key store; `open` is the only way in.

    Secrets are created on first use with the operating system's randomness, and unwrapped once a process.
    """

    def __init__(self, folder: Path, wrapping_key: Secret) -> None:
        self._folder = folder
        self._wrap = AESGCM(wrapping_key.reveal())
        self._cache: dict[tuple[KeyKind, str], Secret] = {}

    def __repr__(self) -> str:
        return f"KeyStore({str(self._folder)!r})"

    @classmethod
    def open(cls, folder: Path, passphrase: Passphrase) -> "KeyStore":
        """Open the store below `folder`, or make it where it does not exist.

        Raises:
            NotPermittedError: The passphrase is empty or wrong, or others may read the folder.
            IntegrityError: The store's own file is unreadable.
        """
        if not len(passphrase):
            raise NotPermittedError(
                "keys.empty-passphrase",
                what="the passphrase of the key store is empty",
                why="keys that anybody can unwrap protect nobody",
                fix="set the passphrase in the settings (NIJI_KEYS_PASSPHRASE or a passphrase file)",
            )
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _refuse_open_folder(folder)
        header = folder / "store.json"
        if not header.exists():
            _create_exclusively(header, _new_header(passphrase))
        return cls(folder, _unlock(header, passphrase))

    def secret(self, kind: KeyKind, name: str) -> Secret:
        """Return the 32-byte secret of that kind and name; create it on first use.

        Raises:
            UsageError: The name is not a policy name.
            IntegrityError: The file was altered.
        """
        known = self._cache.get((kind, name))
        if known is not None:
            return known
        path = self._path(kind, name)
        if not path.exists():
            self._create(path, kind, name)
        value = self._unwrap(path, kind, name)
        self._cache[(kind, name)] = value
        return value

    def signer(self, name: str = "platform") -> Signer:
        """Return the signer of the platform (or of another signing key)."""
        private = Ed25519PrivateKey.from_private_bytes(self.secret(KeyKind.SIGNING, name).reveal())
        signer = Signer(PublicKey.of("ed25519", _raw(private.public_key())), private)
        self._publish(KeyKind.SIGNING, name, signer.public)
        return signer

    def escrow_public(self, name: str = "platform") -> PublicKey:
        """Return the X25519 public key to which every extract is sealed besides its recipient."""
        private = X25519PrivateKey.from_private_bytes(self.secret(KeyKind.ESCROW, name).reveal())
        public = PublicKey.of("x25519", _raw(private.public_key()))
        self._publish(KeyKind.ESCROW, name, public)
        return public

    def signing_keys(self) -> dict[str, PublicKey]:
        """Return the store's public signing keys by id; makes the platform's key if there is none."""
        self.signer()
        return read_signing_keys(self._folder)

    def names(self) -> tuple[tuple[KeyKind, str], ...]:
        """List the kinds and names of the secrets the store holds."""
        found = (path.name.removesuffix(".key.json").split(".", 1) for path in sorted(self._folder.glob("*.key.json")))
        return tuple((KeyKind(kind), name) for kind, name in found)

    def _path(self, kind: KeyKind, name: str) -> Path:
        if not _NAME.match(name):
            raise UsageError(
                "keys.name",
                what="a key was asked for under a name that is no policy name",
                why="the name becomes a file name",
                fix="use lower-case letters, digits, `-` and `_`",
            )
        return self._folder / f"{kind.value}.{name}.key.json"

    def _create(self, path: Path, kind: KeyKind, name: str) -> None:
        nonce = secrets.token_bytes(12)
        wrapped = self._wrap.encrypt(nonce, secrets.token_bytes(SECRET_BYTES), _bound_to(kind, name))
        body = {
            "format": KEY_FORMAT,
            "kind": kind.value,
            "name": name,
            "cipher": "aes-256-gcm",
            "nonce": b64encode(nonce).decode("ascii"),
            "wrapped": b64encode(wrapped).decode("ascii"),
        }
        # Another process may have won the race: its key stays, ours is forgotten.
        _create_exclusively(path, json.dumps(body, sort_keys=True, indent=1).encode())

    def _unwrap(self, path: Path, kind: KeyKind, name: str) -> Secret:
        try:
            body = json.loads(path.read_bytes())
            value = self._wrap.decrypt(b64decode(body["nonce"]), b64decode(body["wrapped"]), _bound_to(kind, name))
        except (OSError, ValueError, KeyError, TypeError, InvalidTag):
            raise IntegrityError(
                "keys.altered",
                what="a wrapped key does not open under the right passphrase",
                why="its file was altered, exchanged or cut off; what it protects cannot be trusted or read",
                fix="restore the file from the backup of the key store",
                where=Place(str(path)),
            ) from None
        return Secret(value)

    def _publish(self, kind: KeyKind, name: str, public: PublicKey) -> None:
        path = self._folder / f"{kind.value}.{name}.pub.pem"
        if not path.exists():
            _create_exclusively(path, public.pem().encode("ascii"))
        elif read_public_key(path).key_id != public.key_id:
            raise IntegrityError(
                "keys.public-altered",
                what="a public key beside the key store is not that of its secret",
                why="signatures would be checked with somebody else's key",
                fix="remove the .pub.pem file after finding out who changed it; it is written anew",
                where=Place(str(path)),
            )


def _raw(public: Ed25519PublicKey | X25519PublicKey) -> bytes:
    return public.public_bytes(Encoding.Raw, PublicFormat.Raw)


def _bound_to(kind: KeyKind, name: str) -> bytes:
    return f"{KEY_FORMAT}\n{kind.value}\n{name}".encode()


def _derive(passphrase: Passphrase, salt: bytes) -> Secret:
    # OpenSSL refuses the 32 MiB of n=2**15, r=8 under its default limit.
    return Secret(
        scrypt(
            passphrase.reveal(), salt=salt, n=SCRYPT_N, r=SCRYPT_R, p=SCRYPT_P, dklen=SECRET_BYTES, maxmem=64 * 1024**2
        )
    )


def _new_header(passphrase: Passphrase) -> bytes:
    salt, nonce = secrets.token_bytes(16), secrets.token_bytes(12)
    verifier = AESGCM(_derive(passphrase, salt).reveal()).encrypt(nonce, _VERIFIER, STORE_FORMAT.encode())
    body = {
        "format": STORE_FORMAT,
        "kdf": {"name": "scrypt", "n": SCRYPT_N, "r": SCRYPT_R, "p": SCRYPT_P, "salt": b64encode(salt).decode("ascii")},
        "nonce": b64encode(nonce).decode("ascii"),
        "verifier": b64encode(verifier).decode("ascii"),
    }
    return json.dumps(body, sort_keys=True, indent=1).encode()


def _unlock(header: Path, passphrase: Passphrase) -> Secret:
    try:
        body = json.loads(header.read_bytes())
        salt, nonce = b64decode(body["kdf"]["salt"]), b64decode(body["nonce"])
        verifier = b64decode(body["verifier"])
        fits = body["format"] == STORE_FORMAT and (body["kdf"]["n"], body["kdf"]["r"]) == (SCRYPT_N, SCRYPT_R)
    except (OSError, ValueError, KeyError, TypeError):
        fits = False
    if not fits:
        raise IntegrityError(
            "keys.store-unreadable",
            what="the key store's own file is not one that this version writes",
            why="without its salt no key can be unwrapped",
            fix="restore store.json from the backup of the key store",
            where=Place(str(header)),
        )
    wrapping_key = _derive(passphrase, salt)
    try:
        AESGCM(wrapping_key.reveal()).decrypt(nonce, verifier, STORE_FORMAT.encode())
    except InvalidTag:
        raise NotPermittedError(
            "keys.wrong-passphrase",
            what="the passphrase does not open the key store",
            why="the keys are wrapped under another passphrase, or store.json was altered",
            fix="give the passphrase the store was made with",
            where=Place(str(header)),
        ) from None
    return wrapping_key


def _refuse_open_folder(folder: Path) -> None:
    if os.name == "posix" and stat.S_IMODE(folder.stat().st_mode) & 0o077:
        raise NotPermittedError(
            "keys.folder-open",
            what="other users of this machine may enter the key folder",
            why="the folder must be 0700: wrapped keys can be attacked off-line by whoever copies them",
            fix="run chmod 700 on the folder, and change the passphrase if others use this machine",
            where=Place(str(folder)),
        )


def _create_exclusively(path: Path, content: bytes) -> bool:
    """Write a new 0600 file in one step; return False, changing nothing, where the file exists."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            return False
        return True
    finally:
        draft.unlink(missing_ok=True)


def _not_a_public_key(path: Path) -> UsageError:
    return UsageError(
        "keys.public-unreadable",
        what="a file is not a PEM public key of Ed25519 or X25519",
        why="signatures cannot be checked with it",
        fix="give the platform's public key, keys/signing.platform.pub.pem",
        where=Place(str(path)),
    )
