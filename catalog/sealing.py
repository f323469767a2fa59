"""Seal files to recipients: the only cipher for extracts, and the only module that calls the crypt4gh library.

Format: Crypt4GH 1 (X25519, ChaCha20-Poly1305, 64 KiB segments). The writer's key is made for one file and forgotten.
Crypt4GH does not notice when whole segments are cut off the end; the signed manifest's digests do, so an extract is
verified before it is opened.
Not here: whether somebody may have the file (`access.py`), and which files belong together (`extracts.py`).

Source: GA4GH File Encryption Standard (Crypt4GH) 1.0, sections 2-4; crypt4gh 1.8.6 (Apache-2.0).
"""

import io
import logging
import os
import secrets
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import scrypt, sha256
from pathlib import Path
from typing import BinaryIO

from crypt4gh import CIPHER_DIFF, CIPHER_SEGMENT_SIZE, SEGMENT_SIZE, header, lib
from crypt4gh.keys import kdf
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from catalog.manifest import FileDigest
from catalog.secret import Passphrase, Secret
from policies.errors import DataError, IntegrityError, NotPermittedError, Place

KEY_BYTES = 32
KEY_MAGIC = b"c4gh-v1"
_PUBLIC = "CRYPT4GH PUBLIC KEY"
_PRIVATE = "CRYPT4GH PRIVATE KEY"
_KEY_LOGGERS = ("crypt4gh", "crypt4gh.lib", "crypt4gh.header", "crypt4gh.keys", "crypt4gh.keys.c4gh")


@dataclass(frozen=True, slots=True)
class Sealed:
    """The digests of one sealed file: what went in, and what was written."""

    plaintext: FileDigest
    ciphertext: FileDigest


def fingerprint(public_key: bytes) -> str:
    """Return `SHA256:` and the unpadded base64 digest of a recipient's key, as people compare it by telephone."""
    return "SHA256:" + b64encode(sha256(public_key).digest()).decode("ascii").rstrip("=")


def parse_public_key(text: str) -> bytes:
    """Read a recipient's public key in the Crypt4GH text form.

    Returns:
        32 bytes.

    Raises:
        DataError: It is not such a key, or a key that gives everybody the same secret (a point of low order).
    """
    try:
        raw = b64decode(_armored(text, {_PUBLIC}), validate=True)
        X25519PrivateKey.generate().exchange(X25519PublicKey.from_public_bytes(raw))
    except ValueError:
        raise DataError(
            "sealing.public-key",
            what="the recipient's key is not a Crypt4GH public key",
            why="an extract is sealed to it, and nobody could open it, or anybody",
            fix="let the recipient run `niji extract keygen --output NAME` and send NAME.pub",
        ) from None
    return raw


def read_secret_key(path: Path, passphrase: Passphrase | None = None) -> Secret:
    """Read a recipient's secret key file, as `niji extract keygen` or `crypt4gh-keygen` writes it.

    Raises:
        DataError: It is not such a key.
        NotPermittedError: It is locked, and the passphrase is missing or wrong.
    """
    try:
        stream = io.BytesIO(b64decode(_armored(path.read_text("ascii"), {_PRIVATE, "ENCRYPTED PRIVATE KEY"})))
        if stream.read(len(KEY_MAGIC)) != KEY_MAGIC:
            raise ValueError(_PRIVATE)  # noqa: TRY301 - one refusal for every way of not being a key
        kdf_name = _field(stream)
        options = _field(stream) if kdf_name != b"none" else b""
        cipher, body = _field(stream), _field(stream)
    except (OSError, ValueError):
        raise _bad_secret_key(path) from None
    if cipher == b"none":
        return Secret(body)
    if cipher != b"chacha20_poly1305":
        raise _bad_secret_key(path)
    return _unlock(path, (kdf_name, options), body, passphrase)


def write_key_pair(name: Path, passphrase: Passphrase | None = None) -> bytes:
    """Make a recipient's key pair: `NAME.sec` (0600, locked when a passphrase is given) and `NAME.pub`.

    Existing files are never overwritten.

    Returns:
        The public key, 32 bytes.

    Raises:
        DataError: One of the files exists.
    """
    private = X25519PrivateKey.generate()
    secret = Secret(private.private_bytes_raw())
    public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    secret_path, public_path = name.with_name(f"{name.name}.sec"), name.with_name(f"{name.name}.pub")
    for path, label, body, mode in (
        (secret_path, _PRIVATE, _locked(secret, passphrase), 0o600),
        (public_path, _PUBLIC, public, 0o644),
    ):
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        except FileExistsError:
            raise DataError(
                "sealing.key-exists",
                what="a key file of that name exists",
                why="overwriting it would lose what was sealed to it",
                fix="choose another name",
                where=Place(str(path)),
            ) from None
        with os.fdopen(descriptor, "wb") as file:
            file.write(armor(label, body).encode("ascii"))
    return public


def armor(label: str, body: bytes) -> str:
    """Return the text form of a key."""
    return f"-----BEGIN {label}-----\n{b64encode(body).decode('ascii')}\n-----END {label}-----\n"


def armor_public_key(public_key: bytes) -> str:
    """Return a recipient's public key in the Crypt4GH text form."""
    return armor(_PUBLIC, public_key)


def seal_file(source: Path, target: Path, *, recipients: Sequence[bytes]) -> Sealed:
    """Encrypt `source` into `target` for every recipient, in one streaming pass.

    Args:
        source: The plain file.
        target: The sealed file; written beside and renamed, so that it is whole or not there.
        recipients: X25519 public keys, at least one; each opens the file alone.

    Raises:
        DataError: No recipient.

    Guarantee: only the owners of the recipients' secret keys read it; a changed byte is noticed.
    Not guaranteed: who sealed it (the manifest's signature says that).
    """
    if not recipients:
        raise DataError(
            "sealing.no-recipient",
            what="a file was to be sealed for nobody",
            why="nobody could open it",
            fix="give at least one public key",
        )
    _silence()
    writer = os.urandom(KEY_BYTES)
    draft = target.with_name(f"{target.name}.{secrets.token_hex(6)}.part")
    try:
        with source.open("rb") as infile, draft.open("xb") as outfile:
            reader, sink = _HashingReader(infile), _HashingWriter(outfile)
            lib.encrypt([(0, writer, recipient) for recipient in recipients], reader, sink)
            outfile.flush()
            os.fsync(outfile.fileno())
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    return Sealed(reader.digest(), sink.digest())


def seal_bytes(content: bytes, *, recipient: bytes) -> bytes:
    """Encrypt something small for one recipient, in memory; see `seal_file`."""
    _silence()
    sink = io.BytesIO()
    lib.encrypt([(0, os.urandom(KEY_BYTES), recipient)], io.BytesIO(content), sink)
    return sink.getvalue()


def open_bytes(sealed: bytes, *, secret_key: Secret) -> bytes:
    """Decrypt what `seal_bytes` made; see `open_file` for what is raised."""
    _silence()
    infile, sink = io.BytesIO(sealed), io.BytesIO()
    _open_segments(infile, _HashingWriter(sink), _session_keys(infile, Path("answer"), secret_key), Path("answer"))
    return sink.getvalue()


def open_file(source: Path, target: Path, *, secret_key: Secret) -> FileDigest:
    """Decrypt `source` into `target` with one recipient's key, in one streaming pass.

    Returns:
        Size and digest of the plain file.

    Raises:
        NotPermittedError: The key opens no packet of the header.
        IntegrityError: Not a Crypt4GH file, or altered.
    """
    _silence()
    draft = target.with_name(f"{target.name}.{secrets.token_hex(6)}.part")
    try:
        with source.open("rb") as infile, draft.open("xb") as outfile:
            session_keys = _session_keys(infile, source, secret_key)
            sink = _HashingWriter(outfile)
            _open_segments(infile, sink, session_keys, source)
            outfile.flush()
            os.fsync(outfile.fileno())
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    return sink.digest()


def _session_keys(infile: BinaryIO, source: Path, secret_key: Secret) -> list[bytes]:
    try:
        packets = list(header.parse(infile))
    except ValueError:
        raise _altered(source, "a file is not a Crypt4GH file, or its header is cut off") from None
    opened, _ = header.decrypt(packets, [(0, secret_key.reveal(), None)])
    if not opened:
        raise NotPermittedError(
            "sealing.wrong-key",
            what="the key does not open a sealed file",
            why="the file was sealed to other recipients",
            fix="use the secret key that belongs to the public key of the request",
            where=Place(str(source)),
        )
    try:
        data_packets, edits = header.partition_packets(opened)
        keys = [bytes(header.parse_enc_packet(packet)) for packet in data_packets]
    except ValueError:
        raise _altered(source, "the header of a sealed file has parts that the format does not know") from None
    if edits is not None or not keys:
        raise _altered(source, "a sealed file has an edit list, which extracts never have")
    return keys


def _open_segments(infile: BinaryIO, sink: "_HashingWriter", keys: list[bytes], source: Path) -> None:
    # Own loop: the library's checks its segments with `assert`, and skips wrongly with an offset (catalog.md 5.2).
    segment = bytearray(SEGMENT_SIZE)
    while sealed := infile.read(CIPHER_SEGMENT_SIZE):
        if len(sealed) <= CIPHER_DIFF:
            raise _altered(source, "a sealed file is cut off")
        try:
            length = lib.decrypt_block(segment, sealed, keys)
        except ValueError:
            raise _altered(source, "a sealed file was altered") from None
        sink.write(segment[:length])


class _HashingReader:
    """A reader that digests what passes, for a library that knows only `readinto`."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._hash, self._size = file, sha256(), 0

    def readinto(self, buffer: bytearray) -> int:
        read: int = self._file.readinto(buffer)  # type: ignore[attr-defined]  # BinaryIO of open() has it
        self._hash.update(memoryview(buffer)[:read])
        self._size += read
        return read

    def digest(self) -> FileDigest:
        return FileDigest(self._size, self._hash.hexdigest())


class _HashingWriter:
    """A writer that digests what passes."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._hash, self._size = file, sha256(), 0

    def write(self, content: bytes | bytearray) -> int:
        self._hash.update(content)
        self._size += len(content)
        return self._file.write(content)

    def digest(self) -> FileDigest:
        return FileDigest(self._size, self._hash.hexdigest())


def _silence() -> None:
    # The library writes session keys and secret keys to its loggers at debug level; no configuration may show them.
    for name in _KEY_LOGGERS:
        logging.getLogger(name).disabled = True


def _armored(text: str, labels: set[str]) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    begins = {f"-----BEGIN {label}-----" for label in labels}
    ends = {f"-----END {label}-----" for label in labels}
    if len(lines) < 3 or lines[0] not in begins or lines[-1] not in ends:
        raise ValueError("armor")
    return "".join(lines[1:-1])


def _field(stream: io.BytesIO) -> bytes:
    length = int.from_bytes(stream.read(2), "big")
    body = stream.read(length)
    if len(body) != length:
        raise ValueError("field")
    return body


def _packed(body: bytes) -> bytes:
    return len(body).to_bytes(2, "big") + body


def _locked(secret: Secret, passphrase: Passphrase | None) -> bytes:
    if passphrase is None or not len(passphrase):
        return KEY_MAGIC + _packed(b"none") + _packed(b"none") + _packed(secret.reveal())
    salt, nonce = secrets.token_bytes(16), secrets.token_bytes(12)
    # n=2**14, r=8, p=1 is fixed by the format (crypt4gh key format, "scrypt").
    key = scrypt(passphrase.reveal(), salt=salt, n=2**14, r=8, p=1, dklen=32)
    body = nonce + ChaCha20Poly1305(key).encrypt(nonce, secret.reveal(), None)
    options = (0).to_bytes(4, "big") + salt
    return KEY_MAGIC + _packed(b"scrypt") + _packed(options) + _packed(b"chacha20_poly1305") + _packed(body)


def _unlock(path: Path, derivation: tuple[bytes, bytes], body: bytes, passphrase: Passphrase | None) -> Secret:
    name, options = derivation
    if name not in kdf.KDFS:
        raise _bad_secret_key(path)
    given = passphrase.reveal() if passphrase is not None else b""
    try:
        key = kdf.derive_key(name, given, options[4:], int.from_bytes(options[:4], "big"))
        return Secret(ChaCha20Poly1305(key).decrypt(body[:12], body[12:], None))
    except (InvalidTag, ValueError):
        raise NotPermittedError(
            "sealing.locked-key",
            what="the secret key is locked, and the passphrase does not open it",
            why="the passphrase is missing or wrong",
            fix="give the passphrase the key was made with",
            where=Place(str(path)),
        ) from None


def _bad_secret_key(path: Path) -> DataError:
    return DataError(
        "sealing.secret-key",
        what="a file is not a Crypt4GH secret key",
        why="extracts are opened with such a key only",
        fix="give the NAME.sec file that `niji extract keygen` or `crypt4gh-keygen` wrote",
        where=Place(str(path)),
    )


def _altered(source: Path, what: str) -> IntegrityError:
    return IntegrityError(
        "sealing.altered",
        what=what,
        why="a changed byte means that the content is not what was sealed",
        fix="fetch the extract again",
        where=Place(str(source)),
    )
