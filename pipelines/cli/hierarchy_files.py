"""Hierarchies as files of the command line: rows in the layout that ARX uses, an artifact, or a policy.

A folder of them gives each column its own: `COLUMN.csv`, `.json` or `.yaml`, or the one file that ends in `_COLUMN`.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from policies.errors import Place, UsageError

if TYPE_CHECKING:
    from anonymization.hierarchy import Hierarchy
    from policies.model import HierarchyPolicy

SUFFIXES = (".csv", ".json", ".yaml")


@dataclass(frozen=True, slots=True)
class HierarchyFile:
    """A hierarchy that was read, the name of its file and its digest, and its policy where it has one.

    The digest is the SHA-256 of a CSV file's bytes, an artifact's own digest, or a policy's, with the file it names.
    """

    hierarchy: "Hierarchy" = field(repr=False)
    file: str
    digest: str
    policy: "HierarchyPolicy | None" = None


def read_hierarchies(folder: Path, columns: list[str]) -> dict[str, HierarchyFile]:
    """Read the hierarchy of each column from `COLUMN.csv`, `.json` or `.yaml`, or the one file that ends in `_COLUMN`.

    Raises:
        UsageError: No folder, or none or several files for a column.
        PolicyError: A file is no hierarchy.
        IntegrityError: An artifact is not what its digest says.
    """
    if not folder.is_dir():
        raise UsageError(
            "usage.no-such-folder",
            what=f"there is no folder '{folder}'",
            why="the hierarchies are read from it",
            fix="check the path",
            where=Place(str(folder)),
        )
    return {column: read_hierarchy(_hierarchy_path(folder, column), name=column) for column in columns}


def read_hierarchy(path: Path, *, name: str | None = None) -> HierarchyFile:
    """Read one hierarchy; `name` is what messages call one that has no id of its own, the file's without it.

    Raises:
        UsageError: No such file, another ending, not UTF-8, or not JSON.
        PolicyError: The file is no hierarchy.
        IntegrityError: An artifact is not what its digest says.
    """
    if not path.is_file():
        raise UsageError(
            "usage.no-such-file",
            what=f"there is no file '{path}'",
            why="the hierarchy is read from it",
            fix="check the path",
            where=Place(str(path)),
        )
    if path.suffix == ".csv":
        return _of_rows(path, name or path.stem)
    if path.suffix == ".json":
        return _of_artifact(path)
    if path.suffix == ".yaml":
        return read_policy(path)[1]
    raise UsageError(
        "usage.hierarchy-format",
        what=f"'{path.name}' is no hierarchy by its name",
        why="rows end in .csv, an artifact in .json, a policy in .yaml",
        fix="use one of these endings",
        where=Place(str(path)),
    )


def _of_rows(path: Path, name: str) -> HierarchyFile:
    import hashlib

    from anonymization.hierarchy import read_arx_layout

    content = path.read_bytes()
    digest = "sha256:" + hashlib.sha256(content).hexdigest()
    return HierarchyFile(read_arx_layout(name, read_text(path)), path.name, digest)


def _of_artifact(path: Path) -> HierarchyFile:
    from anonymization.hierarchies.artifact import read_artifact

    read, hierarchy = read_artifact(read_json(path))
    return HierarchyFile(hierarchy, path.name, read.digest, read.policy)


def read_policy(path: Path) -> "tuple[HierarchyPolicy, HierarchyFile]":
    """Read a hierarchy policy and build what it describes; the digest is the one that signatures bind.

    Raises:
        PolicyError: The file is no policy, or describes no hierarchy.
    """
    from anonymization.hierarchy import build_hierarchy
    from policies.canonical import digest, digest_of_bytes
    from policies.files import MAX_LEVELS_BYTES, levels_file, read_file
    from policies.load import load_hierarchy
    from policies.model.hierarchy import FileLevels

    policy = load_hierarchy(path)
    if not isinstance(policy.levels, FileLevels):
        return policy, HierarchyFile(build_hierarchy(policy), path.name, digest(policy), policy)
    rows = levels_file(path, policy.levels.path)
    parts = {"policy": digest(policy), "file": digest_of_bytes(read_file(rows, limit=MAX_LEVELS_BYTES))}
    built = build_hierarchy(policy, file_text=read_text(rows))
    return policy, HierarchyFile(built, path.name, digest(parts), policy)


def read_text(path: Path) -> str:
    """Return the text of a file, without its byte-order mark.

    Raises:
        UsageError: It is not UTF-8.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(
            "usage.hierarchy-encoding",
            what=f"the hierarchy file '{path.name}' is not UTF-8",
            why="a label read in the wrong encoding covers no value",
            fix="convert it to UTF-8",
            where=Place(str(path)),
        ) from None


def read_json(path: Path) -> dict[str, Any]:
    """Return the JSON object of a file.

    Raises:
        UsageError: It is not UTF-8, or no JSON object.
    """
    try:
        record = json.loads(read_text(path))
    except (json.JSONDecodeError, RecursionError):
        record = None
    if not isinstance(record, dict):
        raise UsageError(
            "usage.not-json",
            what=f"'{path.name}' is no JSON object",
            why="an artifact is one JSON object",
            fix="check that the file is whole and the right one",
            where=Place(str(path)),
        )
    return record


def _hierarchy_path(folder: Path, column: str) -> Path:
    files = sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES)
    exact = [path for path in files if path.name[: -len(path.suffix)] == column]
    ending = [path for path in files if path.name[: -len(path.suffix)].endswith(f"_{column}")]
    candidates = exact or ending
    if len(candidates) == 1:
        return candidates[0]
    several = f"{len(candidates)} files of '{folder}' end in '_{column}.csv', .json or .yaml"
    if exact:
        several = f"'{folder}' has {len(exact)} files of the name '{column}'"
    raise UsageError(
        "usage.hierarchy-missing" if not candidates else "usage.hierarchy-ambiguous",
        what=several if candidates else f"no file of '{folder}' is the hierarchy of column '{column}'",
        why="every quasi-identifier is generalized along its hierarchy",
        fix=f"name the file '{column}.csv', or make it the only one that ends in '_{column}.csv'",
        where=Place(str(folder)),
    )
