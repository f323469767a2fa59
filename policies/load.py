"""The doors to policy files: one file as its model, everything wrong with one file, a whole folder as a library.

Belongs here: what other packages call. Does not: how a file is read (`documents`, `yaml_events`, `yaml_quick`), how a
folder is (`shelf`). The subset of YAML is recorded in DECISIONS.md, record 1.
"""

from pathlib import Path
from typing import TypeVar

from policies.documents import MODELS, build, kind_of, parse, read_document, read_policy
from policies.errors import Place, PolicyError, UsageError
from policies.files import MAX_BYTES
from policies.findings import Finding, in_order, refuse
from policies.library import FOLDERS, PolicyLibrary
from policies.model import DatasetPolicy, HierarchyPolicy, ReleasePolicy, RulePack
from policies.places import Document
from policies.shelf import PACKAGED, Shelf
from policies.subset import MAX_DEPTH, WHY_FILE, block

__all__ = [
    "MAX_BYTES",
    "MAX_DEPTH",
    "PACKAGED",
    "build",
    "kind_of",
    "load_dataset",
    "load_findings",
    "load_hierarchy",
    "load_library",
    "load_release",
    "load_rulepack",
    "parse",
    "read_document",
    "read_library",
]

_Model = TypeVar("_Model", DatasetPolicy, ReleasePolicy, HierarchyPolicy, RulePack)


def load_dataset(path: Path) -> DatasetPolicy:
    """Read a dataset policy.

    Raises:
        PolicyError: Anything is wrong with the file; the first finding, with file:line:column.
    """
    return _load(path, DatasetPolicy)


def load_release(path: Path) -> ReleasePolicy:
    """Read a release policy; raises PolicyError as `load_dataset` does."""
    return _load(path, ReleasePolicy)


def load_hierarchy(path: Path) -> HierarchyPolicy:
    """Read a hierarchy policy; raises PolicyError as `load_dataset` does."""
    return _load(path, HierarchyPolicy)


def load_rulepack(path: Path) -> RulePack:
    """Read a rule pack; raises PolicyError as `load_dataset` does."""
    return _load(path, RulePack)


def load_findings(path: Path) -> tuple[Finding, ...]:
    """Return everything that is wrong with one policy file, in the order of the file; empty when it loads.

    The kind is taken from the file's `schema:` key.
    """
    document, findings = read_document(path)
    if document is None:
        return in_order(findings)
    kind = kind_of(document)
    if kind is None:
        return in_order([*findings, _unknown_schema(document)])
    _, more = build(document, MODELS[kind], tainted=findings)
    return in_order([*findings, *more])


def read_library(root: Path, *, with_shipped_packs: bool = True) -> PolicyLibrary:
    """Read a policies folder; files that do not load are left out and explained in `findings`.

    The rule packs that ship with Niji are part of the library; a folder may add packs, not replace one. Without them a
    library is only good for a comparison of what the folder holds.

    Raises:
        UsageError: `policy.no-folder`: `root` is not a policies folder.
    """
    if not any((root / folder).is_dir() for folder in FOLDERS.values()):
        raise UsageError(
            "policy.no-folder",
            what=f"{root} is not a policies folder",
            why="a policies folder holds datasets/, releases/, hierarchies/ or rulepacks/",
            fix="name the folder that holds them",
        )
    return Shelf(root).fill(with_shipped_packs=with_shipped_packs)


def load_library(root: Path) -> PolicyLibrary:
    """Read a policies folder of which every file loads.

    Raises:
        PolicyError: A file does not load, an id is used twice, or an id is not the file's name.
        UsageError: `root` is not a policies folder.
    """
    library = read_library(root)
    refuse(library.findings)
    return library


def _load(path: Path, model: type[_Model]) -> _Model:
    _, built, findings = read_policy(path, model)
    refuse(in_order(findings))
    if not isinstance(built, model):
        raise PolicyError(
            "policy.unreadable", what="the file cannot be read", why=WHY_FILE, fix="check it", where=Place(str(path))
        )
    return built


def _unknown_schema(document: Document) -> Finding:
    return block(
        "policy.unknown-schema",
        document.place("schema"),
        "the file does not say which kind of policy it is",
        "the first key of every policy file names its kind and version",
        "begin with `schema: niji/dataset/v1` (or niji/release/v1, niji/hierarchy/v1, niji/rulepack/v1)",
    )
