"""What every policy command asks first: which folder, which policies in it, which day."""

import datetime
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

from policies.errors import UsageError
from policies.files import lies_below, real_path
from policies.library import FOLDERS, PolicyKind, PolicyLibrary
from policies.load import kind_of, load_release, read_document, read_library
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
    wanted = real_path(path)
    found: list[ReleasePolicy | DatasetPolicy] = []
    for (kind, name), file in library.files.items():
        if not lies_below(file, [wanted]):
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


def draft_at(target: str, *, policies: Path) -> tuple[PolicyLibrary, str]:
    """Return a release by id or by file, with the library it is to be seen in; the file may be a changed draft.

    A file below a policies folder is seen with that folder; any other takes the place of the release of its id among
    `policies`, so that a changed copy can lie anywhere.

    Raises:
        UsageError: There is neither such a file nor such a release.
        PolicyError: The file does not load.
    """
    path = Path(target)
    if not path.is_file():
        library = read_library(policies)
        if target not in library.releases:
            raise UsageError(
                "policy.unknown-release",
                what=f"'{target[:64]}' is neither a file nor a release in {policies}",
                why="a release is named by its id, or by the file that holds it",
                fix=f"choose among: {', '.join(sorted(library.releases))}",
            )
        return library, target
    if real_path(path).parent.name == FOLDERS[PolicyKind.RELEASE]:
        library = read_library(root_of(path))
        for name, release in library.releases.items():
            if real_path(library.files[PolicyKind.RELEASE, name]) == real_path(path):
                return library, release.id
    release = load_release(path)
    library = read_library(policies)
    document, _ = read_document(path)
    return (
        replace(
            library,
            releases={**library.releases, release.id: release},
            files={**library.files, (PolicyKind.RELEASE, release.id): path},
            documents={**library.documents, path: document} if document else library.documents,
        ),
        release.id,
    )
