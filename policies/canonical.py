"""The one form of a policy that is hashed and signed: every meaning has one text, and one digest.

Keys sorted, no spaces, UTF-8, exact decimals as text; comments, key order and spelling variants of the YAML are gone.
Defaults are written out, so a signature binds what the policy means, not only what was typed; nothing that is absent
(null) is written, so that a later optional key changes no digest. DECISIONS.md, record 3.
"""

import hashlib
import json
from collections.abc import Mapping

from policies.files import MAX_LEVELS_BYTES, levels_file, read_file
from policies.library import PolicyKind, PolicyLibrary
from policies.model import ReleasePolicy
from policies.model.hierarchy import FileLevels
from policies.model.method import Microdata
from policies.model.sensitive import Closeness
from policies.model.strictness import PolicyModel
from policies.model.treatment import Generalize, RollUpRare

Hashable = PolicyModel | Mapping[str, object]


def canonical_json(model: Hashable) -> bytes:
    """Write a policy (or a quality suite) in its canonical form.

    Guarantee: two files that differ only in key order, comments, quoting or explicit defaults give the same bytes.
    Not guaranteed: that different bytes mean different things ('0.5' and '0.50' are different texts).
    """
    plain = model.model_dump(mode="json", by_alias=True, exclude_none=True) if isinstance(model, PolicyModel) else model
    text = json.dumps(plain, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8")


def digest(model: Hashable) -> str:
    """Return `sha256:` and the hexadecimal SHA-256 of the canonical form."""
    return digest_of_bytes(canonical_json(model))


def digest_of_bytes(data: bytes) -> str:
    """Return `sha256:` and the hexadecimal SHA-256 of `data`."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def pre_authentication(payload_type: str, payload: bytes) -> bytes:
    """Return the bytes that are signed for a payload: lengths and type stand before it.

    A signature made for one kind of document is so worth nothing for another.

    Source: DSSE protocol v1.0.2, section "Signature Definition" (secure-systems-lab/dsse).
    """
    kind = payload_type.encode("utf-8")
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def policy_digest(library: PolicyLibrary, kind: PolicyKind, name: str) -> str:
    """Return what a signature of a policy binds: all that a release rests on; a dataset's own meaning.

    Raises:
        PolicyError: `policy.unknown-…`: the policy, or something it names, is not in the library.
    """
    if kind is PolicyKind.RELEASE:
        return library_digest(library, release=name)
    return _digest(library, kind, name)


def digests(library: PolicyLibrary, *, release: str | None = None) -> dict[str, str]:
    """Return the digest of every policy that a release rests on, by `kind/id`; of all policies without a release.

    A release rests on itself, its datasets, the hierarchies it names (and their files), its suite and its rule packs.

    Raises:
        PolicyError: `policy.unknown-…`: the release, or something it names, is not in the library.
    """
    wanted = _all(library) if release is None else foundations(library.release(release))
    return {f"{kind.value}/{name}": _digest(library, kind, name) for kind, name in sorted(wanted)}


def library_digest(library: PolicyLibrary, *, release: str | None = None) -> str:
    """Return one digest over `digests`: it changes when any policy that matters changes its meaning."""
    return digest(digests(library, release=release))


def _digest(library: PolicyLibrary, kind: PolicyKind, name: str) -> str:
    if kind is PolicyKind.SUITE:
        return digest(library.suite(name))
    if kind is PolicyKind.DATASET:
        return digest(library.dataset(name))
    if kind is PolicyKind.RELEASE:
        return digest(library.release(name))
    if kind is PolicyKind.RULEPACK:
        library.file_of(kind, name)
        return digest(library.rulepacks[name])
    hierarchy = library.hierarchy(name)
    if isinstance(hierarchy.levels, FileLevels):
        file = levels_file(library.file_of(kind, name), hierarchy.levels.path)
        data = read_file(file, limit=MAX_LEVELS_BYTES)
        return digest({"policy": digest(hierarchy), "file": digest_of_bytes(data)})
    return digest(hierarchy)


def _all(library: PolicyLibrary) -> set[tuple[PolicyKind, str]]:
    return {
        *((PolicyKind.DATASET, name) for name in library.datasets),
        *((PolicyKind.RELEASE, name) for name in library.releases),
        *((PolicyKind.HIERARCHY, name) for name in library.hierarchies),
        *((PolicyKind.RULEPACK, name) for name in library.rulepacks),
        *((PolicyKind.SUITE, name) for name in library.suites),
    }


def foundations(release: ReleasePolicy) -> set[tuple[PolicyKind, str]]:
    """Return every policy that a release rests on, itself included, whether or not it is there."""
    return {
        (PolicyKind.RELEASE, release.id),
        (PolicyKind.SUITE, release.quality.suite),
        *((PolicyKind.DATASET, name) for name in release.datasets),
        *((PolicyKind.RULEPACK, name) for name in release.rule_packs),
        *((PolicyKind.HIERARCHY, name) for name in hierarchies_of(release)),
    }


def hierarchies_of(release: ReleasePolicy) -> tuple[str, ...]:
    """Return the hierarchies that a release's treatments and its method name, each once, in the order written."""
    treated = [
        step.hierarchy
        for table in release.tables
        for column in table.columns
        for step in column.treat
        if isinstance(step, (Generalize, RollUpRare))
    ]
    models = release.method.sensitive if isinstance(release.method, Microdata) else ()
    distances = [model.hierarchy for model in models if isinstance(model, Closeness) and model.hierarchy is not None]
    return tuple(dict.fromkeys([*treated, *distances]))
