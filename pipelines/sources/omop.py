"""One table of an OMOP CDM 5.4 export, in a folder or a zip of CSV files, names in any case.

Source: OHDSI Common Data Model 5.4; exports differ in the case of table and column names only.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from pipelines.sources.landing import LandedFile, find_file, open_bytes, open_zip, reading
from policies.errors import DataError
from policies.model.source import OmopSource

_ENDINGS = (".csv", ".csv.gz")


@contextmanager
def open_omop(source: OmopSource, *, landing: Path, digests: dict[str, str]) -> Iterator[tuple[LandedFile, BinaryIO]]:
    """Open the CSV file of one CDM table; put the SHA-256 of the file (or of the whole zip) into `digests`.

    Raises:
        DataError: `data.source-missing`, `data.outside-landing`, `data.table-missing`, `data.table-twice`,
            and what `open_bytes` raises.
    """
    place = find_file(source.path, landing=landing, folders=True)
    if place.path.is_dir():
        names = sorted(path.name for path in place.path.iterdir() if path.is_file())
        name = _find(names, source, place)
        file = find_file(f"{source.path.rstrip('/')}/{name}", landing=landing)
        with open_bytes(file, member=None, digests=digests) as stream:
            yield file, stream
        return
    with reading(place), open_zip(place) as archive:
        names = [name for name in archive.namelist() if not _is_shadow(name)]
    member = _find(names, source, place)
    # Lines are those of the member, so the shown name holds it.
    with open_bytes(place, member=member, digests=digests) as stream:
        yield LandedFile(place.path, f"{place.label}/{PurePosixPath(member).name}"), stream


def check_omop(source: OmopSource, *, landing: Path) -> None:
    """Refuse a source that is not there, before anything is read.

    Raises:
        DataError: `data.source-missing`, `data.outside-landing`.
    """
    find_file(source.path, landing=landing, folders=True)


def _is_shadow(name: str) -> bool:
    """Say whether a member is what macOS adds to a zip."""
    parts = PurePosixPath(name).parts
    return "__MACOSX" in parts or parts[-1].startswith("._")


def _find(names: list[str], source: OmopSource, place: LandedFile) -> str:
    wanted = {source.table.casefold() + ending for ending in _ENDINGS}
    found = [name for name in names if PurePosixPath(name).name.casefold() in wanted]
    if not found:
        raise DataError(
            "data.table-missing",
            what=f"the export has no table '{source.table}'",
            why="the dataset policy names it; no table is made from nothing",
            fix="land a complete export, or remove the table from the dataset policy",
            where=place.at(),
        )
    if len(found) > 1:
        raise DataError(
            "data.table-twice",
            what=f"the export holds table '{source.table}' {len(found)} times",
            why="which of them is meant is not guessed",
            fix="leave one file of this table in the export",
            where=place.at(),
        )
    return found[0]
