"""The signed manifest of a folder: which files it holds, their sizes and digests, and a statement about them.

`manifest.json` is canonical JSON; `manifest.sig.json` holds an Ed25519 signature over its bytes in the
pre-authentication encoding of DSSE, so that a signature made for one kind of document is worth nothing for another.
Not here: what the statement says (the package, the extract).

Source: DSSE protocol v1.0.2, section "Signature Definition" (secure-systems-lab/dsse).
"""

import json
import os
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import file_digest, sha256
from pathlib import Path, PurePosixPath

from catalog.keys import PublicKeys, Signer, is_signed_by
from policies.canonical import pre_authentication
from policies.errors import IntegrityError, Place

FORMAT = "niji/manifest/v1"
SIGNATURE_FORMAT = "niji/signature/v1"
PAYLOAD_TYPE = "application/vnd.niji.manifest.v1+json"
MANIFEST = "manifest.json"
SIGNATURE = "manifest.sig.json"

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


@dataclass(frozen=True, slots=True)
class FileDigest:
    """Size in bytes and lower-case hexadecimal SHA-256 of a file."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class ManifestFile:
    """One file of the folder; `plaintext` is what a sealed file opens to."""

    path: str
    stored: FileDigest
    plaintext: FileDigest | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a signed manifest says; `digest` is `sha256:…` of the bytes of manifest.json."""

    files: tuple[ManifestFile, ...]
    statement: Mapping[str, Json]
    digest: str
    key_id: str
    raw: bytes = field(repr=False, default=b"")

    def file(self, path: str) -> ManifestFile | None:
        """Return the entry for `path`, or None."""
        return next((entry for entry in self.files if entry.path == path), None)


def digest_file(path: Path) -> FileDigest:
    """Return size and SHA-256 of a file, read once in pieces."""
    with path.open("rb") as file:
        value = file_digest(file, "sha256").hexdigest()
        return FileDigest(file.tell(), value)


def canonical(value: object) -> bytes:
    """Return JSON bytes with sorted keys and no spaces; floats as Python writes them, no NaN."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode("utf-8")


def write_manifest(
    folder: Path,
    signer: Signer,
    *,
    statement: Mapping[str, Json],
    plaintexts: Mapping[str, FileDigest] | None = None,
) -> Manifest:
    """Digest every file below `folder`, and write the signed manifest beside them.

    Args:
        folder: The folder; symbolic links in it are refused.
        signer: Who signs.
        statement: What is said about the files; JSON values only.
        plaintexts: For sealed files, the digest of what they open to, by path.

    Returns:
        The manifest as written.

    Raises:
        IntegrityError: The folder holds a symbolic link.
    """
    inside = plaintexts or {}
    entries = tuple(
        ManifestFile(name, digest_file(folder / name), inside.get(name))
        for name in _files(folder)
        if name not in {MANIFEST, SIGNATURE}
    )
    body = {"format": FORMAT, "files": [_entry_json(entry) for entry in entries], "statement": dict(statement)}
    payload = canonical(body)
    signature = signer.sign(pre_authentication(PAYLOAD_TYPE, payload))
    _write_durably(folder / MANIFEST, payload)
    _write_durably(folder / SIGNATURE, _signature_file(signer.key_id, signature))
    return Manifest(entries, dict(statement), f"sha256:{sha256(payload).hexdigest()}", signer.key_id, payload)


def verify_manifest(folder: Path, public_keys: PublicKeys) -> Manifest:
    """Check the signature, then every file of the folder against the manifest.

    Args:
        folder: A folder that `write_manifest` signed.
        public_keys: Keys that are trusted, by id.

    Returns:
        The manifest, when everything holds.

    Raises:
        IntegrityError: No manifest, an unknown key, a wrong signature, or a file that is missing, extra or altered;
            the message names the file.

    Guarantee: the folder holds exactly the bytes that the owner of the key signed.
    Not guaranteed: that the signer was right; that the key is the platform's (compare its id by another way).
    """
    payload = _verified_payload(folder, public_keys)
    manifest = _parse(folder, payload)
    present = set(_files(folder)) - {MANIFEST, SIGNATURE}
    listed = {entry.path for entry in manifest.files}
    for name in sorted(listed - present):
        raise _broken(folder / name, "file-missing", "a file that the manifest lists is missing")
    for name in sorted(present - listed):
        raise _broken(folder / name, "file-extra", "a file is there that the manifest does not list")
    for entry in manifest.files:
        if digest_file(folder / entry.path) != entry.stored:
            raise _broken(folder / entry.path, "file-altered", "a file is not what the manifest says")
    return manifest


def _signature_file(key_id: str, signature: bytes) -> bytes:
    return canonical(
        {
            "format": SIGNATURE_FORMAT,
            "payload_type": PAYLOAD_TYPE,
            "algorithm": "ed25519",
            "key_id": key_id,
            "signature": b64encode(signature).decode("ascii"),
        }
    )


def _verified_payload(folder: Path, public_keys: PublicKeys) -> bytes:
    path = folder / SIGNATURE
    try:
        payload = (folder / MANIFEST).read_bytes()
        body = json.loads(path.read_bytes())
        signature = b64decode(body["signature"], validate=True)
        key_id, fits = body["key_id"], (body["format"], body["payload_type"]) == (SIGNATURE_FORMAT, PAYLOAD_TYPE)
    except (OSError, ValueError, KeyError, TypeError):
        raise _broken(path, "unreadable", "the manifest or its signature is missing or unreadable") from None
    public = public_keys.get(key_id) if isinstance(key_id, str) else None
    if not fits or public is None:
        raise _broken(path, "unknown-key", "the manifest is signed with a key that is not trusted here")
    if path.read_bytes() != _signature_file(key_id, signature):
        # One text only: base64 and JSON have more than one way to write the same signature.
        raise _broken(path, "unreadable", "the signature is not written as this program writes it")
    if not is_signed_by(public, signature, pre_authentication(PAYLOAD_TYPE, payload)):
        raise _broken(folder / MANIFEST, "signature", "the signature does not fit the manifest")
    return payload


def _parse(folder: Path, payload: bytes) -> Manifest:
    try:
        body = json.loads(payload)
        signature = json.loads((folder / SIGNATURE).read_bytes())
        fits = body["format"] == FORMAT
        files = tuple(_entry(item) for item in body["files"])
        statement = dict(body["statement"])
    except (OSError, ValueError, KeyError, TypeError):
        fits = False
    if not fits:
        raise _broken(folder / MANIFEST, "format", "the manifest is not one that this version writes")
    digest = f"sha256:{sha256(payload).hexdigest()}"
    return Manifest(files, statement, digest, str(signature["key_id"]), payload)


def _entry(item: Mapping[str, object]) -> ManifestFile:
    path = PurePosixPath(str(item["path"]))
    if path.is_absolute() or ".." in path.parts:
        raise ValueError("path")
    inside = item.get("plaintext")
    return ManifestFile(str(path), _digest(item), _digest(inside) if isinstance(inside, dict) else None)


def _digest(item: Mapping[str, object]) -> FileDigest:
    size, value = item["size"], item["sha256"]
    if not isinstance(size, int) or not isinstance(value, str):
        raise TypeError("digest")
    return FileDigest(size, value)


def _entry_json(entry: ManifestFile) -> dict[str, object]:
    body: dict[str, object] = {"path": entry.path, "size": entry.stored.size, "sha256": entry.stored.sha256}
    if entry.plaintext is not None:
        body["plaintext"] = {"size": entry.plaintext.size, "sha256": entry.plaintext.sha256}
    return body


def _files(folder: Path) -> Iterator[str]:
    for root, folders, names in os.walk(folder, followlinks=False):
        here = Path(root)
        for name in sorted(folders) + sorted(names):
            if (here / name).is_symlink():
                raise _broken(here / name, "symbolic-link", "a symbolic link lies in the folder")
        folders.sort()
        yield from ((here / name).relative_to(folder).as_posix() for name in sorted(names))


def _write_durably(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _broken(path: Path, code: str, what: str) -> IntegrityError:
    return IntegrityError(
        f"manifest.{code}",
        what=what,
        why="what was signed and what lies here differ, so nothing in this folder can be relied on",
        fix="fetch or build the folder again; if it happens twice, tell the data steward",
        where=Place(str(path)),
    )
