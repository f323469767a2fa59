"""Opening files of a policies folder: regular files of bounded size that lie where they seem to lie.

Belongs here: what a path may be. Does not: what stands in the file. Nothing here waits for the other end of a pipe,
and nothing reads more than the limit.
"""

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from policies.errors import Place, PolicyError

MAX_BYTES = 1_000_000
"""A policy is read by people; a larger file is something else."""
MAX_LEVELS_BYTES = 64_000_000
"""The table of a hierarchy may be long: every code of a code system, on all its levels."""

_WHY = "a policy is one UTF-8 text file that a person can read"


def read_file(path: Path, *, limit: int = MAX_BYTES) -> bytes:
    """Read a regular file of at most `limit` bytes.

    Raises:
        PolicyError: `policy.unreadable`, `policy.not-a-file` (a folder, a pipe, a device), `policy.yaml-too-large`.
    """
    try:
        # Opened before it is looked at, so that what is looked at is what is read; without O_NONBLOCK a pipe would wait.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError):
        raise _unreadable(path) from None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            what, fix = "this is not a file (it is a folder, a pipe or a device)", "put a text file there"
            raise PolicyError("policy.not-a-file", what=what, why=_WHY, fix=fix, where=Place(str(path)))
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            data = file.read(limit + 1)
    except OSError:
        raise _unreadable(path) from None
    finally:
        os.close(descriptor)
    if len(data) > limit:
        what, fix = f"the file has more than {limit:,} bytes", "move long tables into the file of a hierarchy"
        raise PolicyError("policy.yaml-too-large", what=what, why=_WHY, fix=fix, where=Place(str(path)))
    return data


def real_path(path: Path) -> Path:
    """Return where a path leads; one that leads to itself is left as it is, and fails when it is read.

    Path.resolve() ends in an error for such a link, before anything could be said about the file.
    """
    return Path(os.path.realpath(path))


def lies_below(path: Path, folders: Iterable[Path]) -> bool:
    """Return whether a file is one of `folders`, or lies below one: where it leads to, or where the link itself lies.

    Args:
        path: The file, possibly a link.
        folders: Files or folders, resolved by `real_path`.
    """
    places = {real_path(path), real_path(path.parent) / path.name}
    return any(folder == place or folder in place.parents for folder in folders for place in places)


def levels_file(policy: Path, name: str) -> Path:
    """Return the file of a hierarchy, which lies beside its policy under its bare name.

    Raises:
        PolicyError: `policy.hierarchy-file`: it is not there, or what is there is a link to elsewhere.
    """
    file = policy.parent / name
    try:
        is_beside = Path(name).name == name and file.resolve().parent == policy.resolve().parent and file.is_file()
    except (OSError, ValueError, RuntimeError):
        is_beside = False
    if is_beside and os.access(file, os.R_OK):
        return file
    raise PolicyError(
        "policy.hierarchy-file",
        what="the file of the hierarchy is not beside its policy, or cannot be read",
        why="reviewers read both together",
        fix="put it there and write its bare name",
        where=Place(str(policy)),
    )


def _unreadable(path: Path) -> PolicyError:
    what, fix = "the file cannot be read", "check path and rights"
    return PolicyError("policy.unreadable", what=what, why=_WHY, fix=fix, where=Place(str(path)))
