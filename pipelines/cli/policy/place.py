"""What every policy command asks first: which folder, which policies in it, which day."""

import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from policies.errors import UsageError
from policies.library import FOLDERS, PolicyKind, PolicyLibrary
from policies.load import kind_of, read_document
from policies.model import DatasetPolicy, ReleasePolicy


def root_of(path: Path) -> Path:
    """Return the policies folder that `path` is, or lies in.

    Raises:
        UsageError: `policy.no-folder`: there is no such path, or no policies folder above it.
    """
    if path.exists():
        for folder in (path, *path.parents, *path.absolute().parents):
            if folder.name not in FOLDERS.values() and any((folder / name).is_dir() for name in FOLDERS.values()):
                return folder
    raise UsageError(
        "policy.no-folder",
        what=f"{path} is not in a policies folder" if path.exists() else f"there is no {path}",
        why="a policy is judged together with the datasets, hierarchies and rule packs beside it",
        fix="name a policies folder, or a file below its datasets/, releases/, hierarchies/ or rulepacks/",
    )


def day_of(text: str | None) -> datetime.date:
    """Return the day that `--on` names; today in Japan without it.

    Raises:
        UsageError: `policy.not-a-date`.
    """
    if text is None:
        return datetime.datetime.now(ZoneInfo("Asia/Tokyo")).date()
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise UsageError(
            "policy.not-a-date",
            what="--on is not a date",
            why="rule packs and approvals hold from day to day",
            fix="write it as 2026-12-01",
        ) from None


def policies_at(library: PolicyLibrary, path: Path) -> tuple[ReleasePolicy | DatasetPolicy, ...]:
    """Return the releases and datasets at or below a path.

    Raises:
        UsageError: `policy.nothing-to-explain`.
    """
    wanted = path.resolve()
    found: list[ReleasePolicy | DatasetPolicy] = []
    for (kind, name), file in library.files.items():
        resolved = file.resolve()
        if resolved != wanted and wanted not in resolved.parents:
            continue
        if kind is PolicyKind.RELEASE and name in library.releases:
            found.append(library.releases[name])
        if kind is PolicyKind.DATASET and name in library.datasets:
            found.append(library.datasets[name])
    if found:
        return tuple(found)
    document, _ = read_document(path) if path.is_file() else (None, [])
    said = kind_of(document) if document else None
    raise UsageError(
        "policy.nothing-to-explain",
        what=f"{path} holds no release or dataset policy that loads" + (f" (it is a {said.value})" if said else ""),
        why="releases and datasets are what people sign",
        fix="run `niji policy check` on it, or name another file",
    )
