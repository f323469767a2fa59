"""Verify a dossier off-line: the platform's signature and every byte, the policies' digests, the people's signatures.

Needs the folder and the platform's public key; no home, no network. Not here: writing one (`dossier_folder`).
"""

import json
from dataclasses import dataclass
from pathlib import Path

from catalog.approvals import ApprovalBook
from catalog.dossier import FORMAT, Dossier, PolicyEntry
from catalog.dossier_folder import PLATFORM_KEY, read_dossier
from catalog.keys import PublicKey, PublicKeys, read_public_key
from catalog.manifest import Manifest, verify_manifest
from policies.canonical import digest, digest_of_bytes
from policies.errors import IntegrityError, NijiError, Place, UsageError
from policies.library import PolicyKind


@dataclass(frozen=True, slots=True)
class Verified:
    """What held: the dossier, its manifest, how many signatures of people; whether the key came from elsewhere."""

    dossier: Dossier
    manifest: Manifest
    signatures: int
    is_key_given: bool


def verify_dossier(folder: Path, public_keys: PublicKeys | None = None) -> Verified:
    """Check everything that can be checked of a dossier without asking anybody.

    Args:
        folder: The folder.
        public_keys: The platform's keys, as they came by another way. None takes the key that lies in the folder, which
            shows that nothing was altered after signing, and not who signed.

    Raises:
        IntegrityError: A byte, a file, a folder, a digest or a signature is not what was signed.
        UsageError: There is no such folder.

    Guarantee: with `public_keys`, the folder is bit for bit what the owner of the key signed, the policies in it are
    those whose digests the dossier names, and each listed approval was signed with the key of the person it names.
    Not guaranteed: that the platform told the truth; that no newer version withdrew the release.
    """
    if not folder.is_dir():
        raise UsageError(
            "dossier.no-folder",
            what=f"{folder} is not a folder",
            why="a dossier is verified as a whole folder; unpack a zip file first",
            fix="name the folder that holds manifest.json",
        )
    keys = public_keys if public_keys is not None else _contained(folder)
    manifest = verify_manifest(folder, keys)
    _refuse_empty_folders(folder, manifest)
    dossier = read_dossier(folder)
    statement = manifest.statement
    said = (FORMAT, dossier.subject.id, dossier.subject.version, dossier.lineage.policies_digest)
    if tuple(statement.get(name) for name in ("what", "release", "version", "policies")) != said:
        raise _broken(folder, "other-subject", "the manifest speaks of another release than the dossier")
    if _contained(folder).get(manifest.key_id) is None:
        raise _broken(folder / PLATFORM_KEY, "other-key", "the key in the folder is not the one that signed it")
    _hold_policies(folder, dossier)
    signatures = _hold_approvals(folder, dossier, keys)
    return Verified(dossier, manifest, signatures, public_keys is not None)


def _contained(folder: Path) -> dict[str, PublicKey]:
    try:
        key = read_public_key(folder / PLATFORM_KEY)
    except UsageError:
        raise _broken(folder / PLATFORM_KEY, "no-key", "the platform's public key is missing or unreadable") from None
    return {key.key_id: key}


def _refuse_empty_folders(folder: Path, manifest: Manifest) -> None:
    """The manifest lists files; a folder that holds none of them was added."""
    expected = {parent.as_posix() for entry in manifest.files for parent in Path(entry.path).parents}
    for path in sorted(path for path in folder.rglob("*") if path.is_dir()):
        if path.relative_to(folder).as_posix() not in expected:
            raise _broken(path, "folder-extra", "a folder is there that the manifest does not need")


def _hold_policies(folder: Path, dossier: Dossier) -> None:
    digests = {}
    for entry in dossier.lineage.policies:
        if _policy_digest(folder, entry) != entry.digest:
            raise _broken(folder / entry.path, "policy-digest", "a policy file is not the one that the dossier names")
        digests[f"{entry.kind}/{entry.id}"] = entry.digest
    if digest(digests) != dossier.lineage.policies_digest:
        raise _broken(folder, "policies-digest", "the policies are not those that the dossier rests on")


def _policy_digest(folder: Path, entry: PolicyEntry) -> str:
    try:
        own = digest_of_bytes((folder / entry.path).read_bytes())
        if entry.levels_path is None:
            return own
        return digest({"policy": own, "file": digest_of_bytes((folder / entry.levels_path).read_bytes())})
    except OSError:
        raise _broken(folder / entry.path, "policy-missing", "a policy that the dossier names is missing") from None


def _hold_approvals(folder: Path, dossier: Dossier, keys: PublicKeys) -> int:
    """Verify the register and the records with the platform's key, and hold the dossier's list against them."""
    listed = dossier.approvals.signatures
    if not listed and not dossier.approvals.is_signed:
        return 0
    entries = {(PolicyKind(entry.kind), entry.id): entry.digest for entry in dossier.lineage.policies}
    wanted = tuple(key for key in entries if key[0] in {PolicyKind.RELEASE, PolicyKind.DATASET})
    bound = {key: entries[key] for key in wanted} | {
        (PolicyKind.RELEASE, dossier.subject.id): dossier.lineage.policies_digest
    }
    approvals = ApprovalBook(folder, keys, None).of_all(wanted)
    found = {
        (said.kind, said.id, said.role.value, said.by, said.key_id)
        for key, records in approvals.items()
        for said in (judged.statement for judged in records.records if judged.is_entitled)
        if said.digest == bound[key]
    }
    for one in listed:
        if (one.kind, one.policy, one.role.value, one.signer, one.key_id) not in found:
            raise _broken(folder / "approvals", "signature-missing", "a signature that is listed is not on record")
    return len(listed)


def as_json(verified: Verified) -> dict[str, object]:
    """Return what held as plain JSON values."""
    dossier = verified.dossier
    return {
        "ok": True,
        "release": dossier.subject.id,
        "version": dossier.subject.version,
        "key_id": verified.manifest.key_id,
        "key_given": verified.is_key_given,
        "manifest": verified.manifest.digest,
        "files": len(verified.manifest.files),
        "signatures": verified.signatures,
        "summary": json.loads(dossier.summary.model_dump_json()),
    }


def _broken(path: Path, code: str, what: str) -> NijiError:
    return IntegrityError(
        f"dossier.{code}",
        what=what,
        why="what was signed and what lies here differ, so nothing in this dossier can be relied on",
        fix="fetch the dossier again; if it happens twice, tell the compliance officer of the platform",
        where=Place(str(path)),
    )
