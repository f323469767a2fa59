"""Where a command may write: to files of its own, never over what it reads or writes besides."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from policies.errors import Place, UsageError


def require_apart(
    outputs: Mapping[str, Path | None], *, read: Iterable[Path | None], folder: Path | None = None
) -> None:
    """Refuse an output that is a file which is read, lies in the folder of hierarchies, or is another output.

    Args:
        outputs: Paths to be written, by option; None where the option is not given.
        read: Files that are read.
        folder: A folder whose files are read.

    Raises:
        UsageError: `usage.output-is-input` or `usage.output-twice`.
    """
    sources = {path.resolve() for path in read if path is not None}
    kept = {path.resolve() for path in folder.iterdir()} if folder is not None and folder.is_dir() else set()
    taken: dict[Path, str] = {}
    for option, path in ((option, path) for option, path in outputs.items() if path is not None):
        place, found = Place(str(path)), path.resolve()
        if found in kept or any(found == one or _is_same(path, one) for one in sources):
            raise UsageError(
                "usage.output-is-input",
                what=f"{option} is a file that is read",
                why="the source would be lost",
                fix="write to another file",
                where=place,
            )
        if found in taken:
            raise UsageError(
                "usage.output-twice",
                what=f"{option} and {taken[found]} name the same file",
                why="one would replace the other",
                fix="give each a file of its own",
                where=place,
            )
        taken[found] = option


def _is_same(path: Path, other: Path) -> bool:
    """Whether two names are of one file, as with links."""
    return path.exists() and other.exists() and path.samefile(other)
