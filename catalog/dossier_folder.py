"""The folder of a dossier: written whole and signed, or not at all; never changed; zipped for who wants one file.

    README.txt                          how to verify, with and without niji
    dossier.json                        the dossier for machines; schema/dossier-v1.json says its form
    dossier.ja.html dossier.en.html     the dossier for people
    sheet.ja.html sheet.en.html         the policies on a page, as they were explained; the same as .txt
    dp_card/                            of a differentially private release: its entry for the registry of deployments, and
                                        the checklist of hazards (see dp_card_files)
    policies/<kind>.<id>.json           every policy that the release rests on, in canonical form
    approvals/<kind>/<id>.json          the signed records of people, as they were made
    signers.json                        the register of signers with their public keys, signed by the platform
    keys/platform.pub.pem               the key that signed this folder, for comparison
    SHA256SUMS                          for sha256sum --check
    manifest.json manifest.sig.json     every file, and the platform's signature

It lies beside the package in the released zone, in a folder of its own: a package's manifest lists the package only.
"""

import io
import json
import secrets
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from pydantic import ValidationError

from catalog.dossier import FORMAT, SCHEMA_FILE, Dossier
from catalog.dossier_page import dossier_page
from catalog.dossier_readme import dossier_readme
from catalog.dp_card_files import card_files
from catalog.keys import Signer
from catalog.manifest import MANIFEST, SIGNATURE, Manifest, write_manifest
from policies.errors import DataError, IntegrityError, Place

DOSSIER = "dossier.json"
PLATFORM_KEY = "keys/platform.pub.pem"
SUMS = "SHA256SUMS"
PAGES = ("dossier.ja.html", "dossier.en.html")
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Contents:
    """What goes into a dossier's folder: the dossier, and further files by their path in it."""

    dossier: Dossier
    files: Mapping[str, bytes]


def folder_of_dossier(released: Path, release: str, version: str) -> Path:
    """Return where the dossier of a release's version lies in the released zone."""
    return released / release / f"{version}-dossier"


def write_dossier(folder: Path, contents: Contents, signer: Signer) -> Manifest:
    """Write a dossier into a folder that is not there yet, and sign it.

    Raises:
        DataError: The folder exists: a dossier never changes.
    """
    if folder.exists():
        raise DataError(
            "dossier.exists",
            what="the dossier of this version is there already",
            why="a dossier never changes: people cite it",
            fix="raise the version of the release, or verify the one that is there",
            where=Place(str(folder)),
        )
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = folder.parent / f".{secrets.token_hex(8)}.part"
    part.mkdir(mode=0o700)
    try:
        for name, content in _files(contents, signer).items():
            path = part / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        subject = contents.dossier.subject
        manifest = write_manifest(
            part,
            signer,
            statement={
                "what": FORMAT,
                "release": subject.id,
                "version": subject.version,
                "policies": contents.dossier.lineage.policies_digest,
                "code": contents.dossier.lineage.code_version,
            },
        )
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return manifest


def read_dossier(folder: Path) -> Dossier:
    """Read `dossier.json` of a folder; signatures are not looked at (see `dossier_verify`).

    Raises:
        IntegrityError: It is missing, or not a dossier of a version that this code knows.
    """
    path = folder / DOSSIER
    try:
        return Dossier.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        raise IntegrityError(
            "dossier.unreadable",
            what="dossier.json is missing, or not in a form that this version of Niji reads",
            why=f"this version reads {FORMAT}",
            fix="give a dossier's folder; verify newer dossiers with the version that made them, or with openssl",
            where=Place(str(path)),
        ) from None


def zip_dossier(folder: Path) -> bytes:
    """Return the folder as one zip file below a folder of its name; the same folder gives the same bytes."""
    top = f"{folder.parent.name}-{folder.name}"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(f"{top}/{path.relative_to(folder).as_posix()}", date_time=_ZIP_DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, path.read_bytes())
    return buffer.getvalue()


def files_of(folder: Path) -> tuple[str, ...]:
    """Return the paths that the folder's manifest lists, with the manifest and its signature; nothing is verified."""
    try:
        listed = [str(entry["path"]) for entry in json.loads((folder / MANIFEST).read_bytes())["files"]]
    except (OSError, ValueError, KeyError, TypeError):
        return ()
    return (*listed, MANIFEST, SIGNATURE)


def _files(contents: Contents, signer: Signer) -> dict[str, bytes]:
    dossier = contents.dossier
    files = {
        **contents.files,
        **(card_files(dossier.card) if dossier.card else {}),
        DOSSIER: dossier.as_json(),
        "schema/dossier-v1.json": SCHEMA_FILE.read_bytes(),
        "dossier.ja.html": dossier_page(dossier, language="ja").encode("utf-8"),
        "dossier.en.html": dossier_page(dossier, language="en").encode("utf-8"),
        PLATFORM_KEY: signer.public.pem().encode("ascii"),
        "README.txt": dossier_readme(dossier, key_id=signer.key_id).encode("utf-8"),
    }
    sums = "".join(f"{sha256(content).hexdigest()}  {name}\n" for name, content in sorted(files.items()))
    return {**files, SUMS: sums.encode("utf-8")}
