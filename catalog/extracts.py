"""Build, verify and open a permit's sealed extract.

An extract is one folder named after its permit: every data file sealed to the recipient (and to the escrow key),
dictionary, policy and evidence as in the package, the permit, a README in both languages, and a signed manifest with
the digests of ciphertext and plaintext. It appears whole or not at all.
Not here: making the package (the pipelines), deciding on the permit (`access.py`), the cipher (`sealing.py`).
"""

import json
import os
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from catalog.access import Permit, require_usable
from catalog.keys import PublicKeys, Signer
from catalog.manifest import MANIFEST, SIGNATURE, FileDigest, Json, Manifest, verify_manifest, write_manifest
from catalog.readme import extract_readme
from catalog.sealing import fingerprint, open_file, seal_file
from catalog.secret import Secret
from policies.errors import DataError, IntegrityError, NotPermittedError, Place

FORMAT = "niji/extract/v1"
METADATA = ("dictionary.json", "policy.json", "evidence.json")
READMES = ("README.ja.md", "README.en.md")
SEALED = ".c4gh"


@dataclass(frozen=True, slots=True)
class SealTo:
    """To whom an extract is sealed and who signs it: the recipient's and the escrow's X25519 keys, the signer."""

    recipient: bytes
    signer: Signer
    escrow: bytes | None = None


@dataclass(frozen=True, slots=True)
class Extract:
    """A built or verified extract."""

    folder: Path
    manifest: Manifest

    @property
    def permit_id(self) -> str:
        """The permit it belongs to."""
        return str(self.manifest.statement.get("permit", ""))

    def as_json(self) -> dict[str, object]:
        """Return what the command line says of it: names, counts and digests."""
        sealed = [entry for entry in self.manifest.files if entry.plaintext is not None]
        return {
            "folder": str(self.folder),
            "permit": self.permit_id,
            "manifest_digest": self.manifest.digest,
            "signed_by": self.manifest.key_id,
            "sealed_files": len(sealed),
            "files": len(self.manifest.files),
        }


def build_extract(
    package: Path, permit: Permit, *, seal_to: SealTo, outbox: Path, on: date, package_keys: PublicKeys | None = None
) -> Extract:
    """Seal a package for the holder of a permit into `outbox/<permit id>/`.

    Args:
        package: A folder with data files, `dictionary.json`, `policy.json` and `evidence.json`; where it has a signed
            manifest, that is verified first.
        permit: The permit; its release and version must be the package's.
        seal_to: The recipient's key, the escrow key and the signer.
        outbox: Where the extract appears; the permit's folder must not be there.
        on: Today.
        package_keys: Keys trusted for the package's manifest; the signer's own key where none is given.

    Returns:
        The extract, complete and signed.

    Raises:
        NotPermittedError: The permit does not hold today or for this key, or is for another release.
        IntegrityError: The package was altered.
        DataError: The package lacks a part, has no data, or the extract exists.

    Guarantee: only the recipient (and the escrow) can read the data files; nothing half-built is ever in the outbox.
    Not guaranteed: what the recipient does with the data; that is the contract's part.
    """
    require_usable(permit, on=on, recipient_public_key=seal_to.recipient)
    source = _verified_package(package, seal_to, package_keys)
    _hold_release(package, permit)
    target = outbox / permit.id
    if target.exists():
        raise DataError(
            "extract.exists",
            what="the outbox has an extract of this permit",
            why="an extract is made once; its digests are in the audit log",
            fix="hand over the one that is there, or move it away and build again",
            where=Place(str(target)),
        )
    outbox.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = outbox / f".{permit.id}.{secrets.token_hex(6)}.part"
    draft.mkdir(mode=0o700)
    try:
        manifest = _fill(draft, package, permit, seal_to=seal_to, source=source, on=on)
        draft.rename(target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    _sync(outbox)
    return Extract(target, manifest)


def verify_extract(folder: Path, public_keys: PublicKeys) -> Extract:
    """Check that an extract is exactly what was signed; nothing is decrypted, no secret is needed.

    Raises:
        IntegrityError: A file is missing, extra or altered, or the signature does not fit; the message names it.
    """
    manifest = verify_manifest(folder, public_keys)
    if manifest.statement.get("format") != FORMAT:
        raise IntegrityError(
            "extract.not-an-extract",
            what="the signed folder is not an extract",
            why="its statement says something else",
            fix="give the folder that was received, named after the permit",
            where=Place(str(folder)),
        )
    return Extract(folder, manifest)


def open_extract(folder: Path, secret_key: Secret, *, out: Path, public_keys: PublicKeys) -> Extract:
    """Verify an extract, decrypt every sealed file into the new folder `out`, and compare what was inside.

    Args:
        folder: The extract.
        secret_key: The recipient's (or the escrow's) secret key.
        out: A folder that does not exist; it appears whole or not at all.
        public_keys: The platform's public signing keys.

    Raises:
        IntegrityError: The extract was altered, or a file opened to something else than what was sealed.
        NotPermittedError: The key does not open it.
        DataError: `out` exists.
    """
    extract = verify_extract(folder, public_keys)
    if out.exists():
        raise DataError(
            "extract.out-exists",
            what="the folder to open into exists",
            why="old and new files would be mixed",
            fix="name a folder that does not exist",
            where=Place(str(out)),
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    draft = out.with_name(f".{out.name}.{secrets.token_hex(6)}.part")
    draft.mkdir(mode=0o700)
    try:
        for entry in extract.manifest.files:
            target = draft / entry.path
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if entry.plaintext is None:
                shutil.copyfile(folder / entry.path, target)
                continue
            plain = target.with_name(target.name.removesuffix(SEALED))
            if open_file(folder / entry.path, plain, secret_key=secret_key) != entry.plaintext:
                raise _opened_wrong(folder / entry.path)
        shutil.copyfile(folder / MANIFEST, draft / MANIFEST)
        shutil.copyfile(folder / SIGNATURE, draft / SIGNATURE)
        draft.rename(out)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return extract


def _verified_package(package: Path, seal_to: SealTo, keys: PublicKeys | None) -> Manifest | None:
    missing = [name for name in METADATA if not (package / name).is_file()]
    if missing:
        raise DataError(
            "extract.package-incomplete",
            what=f"the package lacks {', '.join(missing)}",
            why="a recipient must be able to read what was given, under which policy, with which evidence",
            fix="publish the release first (`niji run`)",
            where=Place(str(package)),
        )
    if not (package / MANIFEST).exists():
        return None
    trusted = keys if keys is not None else {seal_to.signer.key_id: seal_to.signer.public}
    return verify_manifest(package, trusted)


def _hold_release(package: Path, permit: Permit) -> None:
    try:
        policy = json.loads((package / "policy.json").read_bytes())
        found = (policy["id"], policy["version"])
    except (OSError, ValueError, KeyError, TypeError):
        found = ("", "")
    if found != (permit.release, permit.release_version):
        raise NotPermittedError(
            "extract.other-release",
            what="the package is not the release, or not the version, that the permit names",
            why="a permit gives one release in one version",
            fix=f"build from release '{permit.release}' version {permit.release_version}",
            where=Place(str(package / "policy.json")),
        )


def _fill(
    draft: Path, package: Path, permit: Permit, *, seal_to: SealTo, source: Manifest | None, on: date
) -> Manifest:
    recipients = [seal_to.recipient, *([seal_to.escrow] if seal_to.escrow else [])]
    plaintexts: dict[str, FileDigest] = {}
    for name in _data_files(package):
        target = draft / f"{name}{SEALED}"
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        plaintexts[f"{name}{SEALED}"] = seal_file(package / name, target, recipients=recipients).plaintext
    if not plaintexts:
        raise DataError(
            "extract.no-data",
            what="the package has no data file",
            why="there is nothing to give",
            fix="publish the release first (`niji run`)",
            where=Place(str(package)),
        )
    for name in METADATA:
        shutil.copyfile(package / name, draft / name)
    (draft / "permit.json").write_bytes(_pretty(permit.as_json()))
    files = tuple(sorted(plaintexts))
    for language, name in zip(("ja", "en"), READMES, strict=True):
        own = package / name
        tail = own.read_text("utf-8") if own.is_file() else ""
        (draft / name).write_text(extract_readme(permit, files, language=language, package_readme=tail), "utf-8")
    statement: dict[str, Json] = {
        "format": FORMAT,
        "permit": permit.id,
        "release": permit.release,
        "release_version": permit.release_version,
        "built_on": on.isoformat(),
        "sealed_to": [fingerprint(key) for key in recipients],
        "package_manifest": source.digest if source else None,
        "label": source.statement.get("label", "") if source else "",
    }
    return write_manifest(draft, seal_to.signer, statement=statement, plaintexts=plaintexts)


def _data_files(package: Path) -> list[str]:
    own = {*METADATA, *READMES, MANIFEST, SIGNATURE}
    found = []
    for path in sorted(package.rglob("*")):
        if path.is_symlink():
            raise IntegrityError(
                "extract.symbolic-link",
                what="a symbolic link lies in the package",
                why="it could bring in a file that was never released",
                fix="publish the release again",
                where=Place(str(path)),
            )
        name = path.relative_to(package).as_posix()
        if path.is_file() and name not in own and not path.name.startswith("."):
            found.append(name)
    return found


def _pretty(body: Mapping[str, object]) -> bytes:
    return (json.dumps(body, ensure_ascii=False, sort_keys=True, indent=2) + "\n").encode("utf-8")


def _sync(folder: Path) -> None:
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _opened_wrong(path: Path) -> IntegrityError:
    return IntegrityError(
        "extract.plaintext",
        what="a sealed file opens to something else than what was sealed",
        why="the digest of the plain file in the signed manifest differs",
        fix="fetch the extract again; if it repeats, tell the data steward",
        where=Place(str(path)),
    )
