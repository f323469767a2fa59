"""The folder of hierarchies that commands over one table take: a file a column, in the layout that ARX uses."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from policies.errors import Place, UsageError

if TYPE_CHECKING:
    from anonymization.hierarchy import Hierarchy


@dataclass(frozen=True, slots=True)
class HierarchyFile:
    """A hierarchy that was read, the name of its file and its SHA-256."""

    hierarchy: "Hierarchy" = field(repr=False)
    file: str
    digest: str


def read_hierarchies(folder: Path, columns: list[str]) -> dict[str, HierarchyFile]:
    """Read the hierarchy of each column from `COLUMN.csv`, or else from the one file that ends in `_COLUMN.csv`.

    Raises:
        UsageError: No folder, or none or several files for a column.
        PolicyError: A file is no hierarchy.
    """
    import hashlib

    from anonymization.hierarchy import read_arx_layout

    if not folder.is_dir():
        raise UsageError(
            "usage.no-such-folder",
            what=f"there is no folder '{folder}'",
            why="the hierarchies are read from it",
            fix="check the path",
            where=Place(str(folder)),
        )
    found = {}
    for column in columns:
        path = _hierarchy_path(folder, column)
        content = path.read_bytes()
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise UsageError(
                "usage.hierarchy-encoding",
                what=f"the hierarchy file '{path.name}' is not UTF-8",
                why="a label read in the wrong encoding covers no value",
                fix="convert it to UTF-8",
                where=Place(str(path)),
            ) from None
        digest = "sha256:" + hashlib.sha256(content).hexdigest()
        found[column] = HierarchyFile(read_arx_layout(column, text), path.name, digest)
    return found


def _hierarchy_path(folder: Path, column: str) -> Path:
    exact = [path for path in folder.iterdir() if path.name == f"{column}.csv"]
    ending = sorted(path for path in folder.iterdir() if path.name.endswith(f"_{column}.csv"))
    candidates = exact or ending
    if len(candidates) == 1:
        return candidates[0]
    several = f"{len(candidates)} files of '{folder}' end in '_{column}.csv'"
    raise UsageError(
        "usage.hierarchy-missing" if not candidates else "usage.hierarchy-ambiguous",
        what=several if candidates else f"no file of '{folder}' is the hierarchy of column '{column}'",
        why="every quasi-identifier is generalized along its hierarchy",
        fix=f"name the file '{column}.csv', or make it the only one that ends in '_{column}.csv'",
        where=Place(str(folder)),
    )
