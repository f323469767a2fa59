"""The landing folder: which files a policy names, how their bytes are opened, and their digests.

Every path stays below the landing folder, also through symbolic links. Archives are unpacked while reading; an archive
that is cut off or is not one ends with a `DataError`, never with fewer rows.
"""

import gzip
import hashlib
import io
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from policies.errors import DataError, Place
from policies.model.source import DelimitedSource

GZIP_MAGIC = b"\x1f\x8b"
ZIP_MAGIC = b"PK\x03\x04"
_WILD = frozenset("*?[")
_CHUNK = 1 << 20
# The empty block that ends every complete BGZF file. Source: SAM/BAM format specification v1, section 4.1.2.
_BGZF_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")


@dataclass(frozen=True, slots=True)
class LandedFile:
    """A file of the landing folder; `label` is the only name that may be shown."""

    path: Path = field(repr=False)
    label: str

    def at(self, line: int = 0) -> Place:
        """Return the place of `line` in this file."""
        return Place(self.label, line)


def _outside(label: str) -> DataError:
    return DataError(
        "data.outside-landing",
        what="the source path leads out of the landing folder",
        why="the pipeline reads only what was landed; anything else has no digest and no provenance",
        fix="write a path relative to the landing folder, without '..' and without links that lead out of it",
        where=Place(label),
    )


def _missing(label: str) -> DataError:
    return DataError(
        "data.source-missing",
        what="no file of the landing folder has this name",
        why="the dataset policy names it as the source of a table; no table is made from nothing",
        fix="land the file, or correct the path in the dataset policy",
        where=Place(label),
    )


def find_file(path: str, *, landing: Path, folders: bool = False) -> LandedFile:
    """Find the one file called `path` below `landing`; wildcards have no meaning here.

    Args:
        path: A path relative to `landing`.
        landing: The landing folder.
        folders: Whether it may be a folder.

    Raises:
        DataError: `data.outside-landing`, or `data.source-missing`.
    """
    root = landing.resolve()
    _refuse_steps_out(path)
    return _inside(root / path, root, path, folders=folders)


def delimited_files(source: DelimitedSource, *, landing: Path) -> tuple[LandedFile, ...]:
    """Find the file, or the files, of a delimited source; see `find_file` and `find_files`."""
    if source.path is not None:
        return (find_file(source.path, landing=landing),)
    return find_files(source.paths, landing=landing)


def find_files(patterns: Sequence[str], *, landing: Path) -> tuple[LandedFile, ...]:
    """Find the files that `patterns` name below `landing`.

    A pattern without a wildcard is one file, shown by its name. Files found through a wildcard are sorted by name and
    shown as `folder/#n`, because names of such files may hold names of people.

    Args:
        patterns: Paths or globs, relative to `landing`.
        landing: The landing folder.

    Raises:
        DataError: `data.outside-landing`, or `data.source-missing`.
    """
    root = landing.resolve()
    found: dict[Path, LandedFile] = {}  # a file that two patterns name is one file
    counts: Counter[str] = Counter()
    for pattern in patterns:
        _refuse_steps_out(pattern)
        if not _WILD.intersection(pattern):
            file = _inside(root / pattern, root, pattern)
            found.setdefault(file.path, file)
            continue
        for path in _matches(pattern, root):
            folder = path.parent.relative_to(root).as_posix()
            file = _inside(path, root, f"{folder}/#{counts[folder] + 1}")
            if file.path not in found:
                counts[folder] += 1
                found[file.path] = file
    return tuple(found.values())


def _refuse_steps_out(path: str) -> None:
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts:
        raise _outside(path)


def _matches(pattern: str, root: Path) -> list[Path]:
    matches = sorted(path for path in root.glob(pattern) if not path.is_dir() and not path.name.startswith("."))
    if not matches:
        raise _missing(pattern)
    return matches


def _inside(path: Path, root: Path, label: str, *, folders: bool = False) -> LandedFile:
    try:
        real = path.resolve()
        inside = real.is_relative_to(root)
        exists = real.exists()
        usable = real.is_file() or (folders and real.is_dir())
    except (OSError, RuntimeError, ValueError):
        # A loop of links, a name with a NUL byte, a name too long for the file system.
        raise _missing(label) from None
    if not inside:
        raise _outside(label)
    if not exists or not usable:
        raise _missing(label)
    return LandedFile(real, label)


class HashingReader(io.RawIOBase):
    """Bytes of a file, with the SHA-256 of everything that was read so far.

    `finish` reads the rest, so that the digest is that of the whole file.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=0)
        self._digest = hashlib.sha256()

    def readable(self) -> bool:
        """Say that bytes can be read."""
        return True

    def readinto(self, buffer: object) -> int:
        """Fill `buffer` from the file and hash what was put there."""
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]  # RawIOBase leaves the buffer's type open
        count = self._file.readinto(view) or 0
        self._digest.update(view[:count])
        return count

    def finish(self) -> str:
        """Read what is left, and return the SHA-256 of the whole file in hexadecimal."""
        while chunk := self._file.read(_CHUNK):
            self._digest.update(chunk)
        return self._digest.hexdigest()

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()


def sha256_of(file: LandedFile) -> str:
    """Return the SHA-256 of a landed file in hexadecimal."""
    with reading(file), file.path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextmanager
def reading(file: LandedFile) -> Iterator[None]:
    """Turn what gzip, zip and the file system raise into a `DataError` that names the file."""
    try:
        yield
    except EOFError:
        raise DataError(
            "data.truncated",
            what="the compressed file ends too early",
            why="rows after the cut are lost; a part of a table would pass for the whole",
            fix="transfer the file again and compare its size or checksum with the sender's",
            where=file.at(),
        ) from None
    except (gzip.BadGzipFile, zlib.error, zipfile.BadZipFile):
        raise DataError(
            "data.corrupt",
            what="the compressed file is damaged, or is not what its name says",
            why="its check sums do not hold, so its rows cannot be trusted",
            fix="transfer the file again and compare its checksum with the sender's",
            where=file.at(),
        ) from None
    except OSError as error:
        raise DataError(
            "data.unreadable",
            what=f"the file cannot be read ({error.strerror or type(error).__name__})",
            why="the table's source must be read completely",
            fix="check the file's permissions and the disk",
            where=file.at(),
        ) from None


@contextmanager
def open_bytes(file: LandedFile, *, member: str | None, digests: dict[str, str]) -> Iterator[BinaryIO]:
    """Open a landed file for reading, unpacked; put its SHA-256 into `digests` when it was read without error.

    `.gz` is unpacked by its name. `member` names a file inside a zip; the digest is then that of the zip.

    Raises:
        DataError: `data.not-gzip`, `data.undeclared-gzip`, `data.member-missing`, `data.not-zip`, `data.encrypted-zip`,
            `data.truncated`, `data.corrupt`, `data.unreadable`.
    """
    if member is not None:
        with reading(file), open_member(file, member) as stream:
            yield stream
        digests[file.label] = sha256_of(file)
        return
    with reading(file):
        _check_packing(file)
    with reading(file), HashingReader(file.path) as raw:
        buffered = io.BufferedReader(raw, _CHUNK)
        if file.path.suffix == ".gz":
            check_complete(file)
            with gzip.GzipFile(fileobj=buffered, mode="rb") as unpacked:
                yield cast(BinaryIO, unpacked)
        else:
            yield buffered
        digests[file.label] = raw.finish()


def _check_packing(file: LandedFile) -> None:
    with file.path.open("rb") as stream:
        head = stream.read(4)
    if file.path.suffix == ".gz":
        if head and not head.startswith(GZIP_MAGIC):
            raise DataError(
                "data.not-gzip",
                what="the file is called .gz but is not gzip",
                why="files are unpacked by their name, and these bytes do not start like gzip",
                fix="rename the file without .gz, or compress it, and correct the path in the dataset policy",
                where=file.at(),
            )
        if not head:
            raise EOFError
    elif head.startswith(GZIP_MAGIC):
        raise DataError(
            "data.undeclared-gzip",
            what="the file is gzip but is not called .gz",
            why="files are unpacked by their name; nothing is guessed",
            fix="rename the file to end in .gz and correct the path in the dataset policy",
            where=file.at(),
        )
    elif head.startswith(ZIP_MAGIC):
        raise DataError(
            "data.member-missing",
            what="the file is a zip and the policy names no member",
            why="a zip may hold many files; which of them is the table is not guessed",
            fix="write `member:` in the table's source",
            where=file.at(),
        )


def check_complete(file: LandedFile) -> None:
    """Refuse a BGZF file without its end block: it was cut at a block boundary, where gzip sees nothing wrong.

    Raises:
        DataError: `data.truncated`.
    """
    with file.path.open("rb") as stream:
        head = stream.read(18)
        is_bgzf = head.startswith(b"\x1f\x8b\x08\x04") and head[12:14] == b"BC"
        if not is_bgzf:
            return
        size = stream.seek(0, io.SEEK_END)
        stream.seek(max(0, size - len(_BGZF_END)))
        if stream.read() != _BGZF_END:
            raise EOFError


@contextmanager
def open_zip(file: LandedFile) -> Iterator[zipfile.ZipFile]:
    """Open a zip.

    Raises:
        DataError: `data.not-zip`.
    """
    if not zipfile.is_zipfile(file.path):
        raise DataError(
            "data.not-zip",
            what="the file is not a zip, or it is cut off",
            why="the policy names a member of a zip, and a zip's directory lies at its end",
            fix="transfer the file again, or correct the source in the dataset policy",
            where=file.at(),
        )
    with zipfile.ZipFile(file.path) as archive:
        yield archive


@contextmanager
def open_member(file: LandedFile, member: str) -> Iterator[BinaryIO]:
    """Open one member of a zip; a member called `.gz` is unpacked too.

    Raises:
        DataError: `data.not-zip`, `data.member-missing`, `data.encrypted-zip`.
    """
    with open_zip(file) as archive:
        if member not in archive.namelist():
            raise DataError(
                "data.member-missing",
                what=f"the zip has no member '{member}'",
                why="the dataset policy names it as the source of a table",
                fix="correct `member:` in the dataset policy (names are case-sensitive and hold their folder)",
                where=file.at(),
            )
        if archive.getinfo(member).flag_bits & 0x1:
            raise DataError(
                "data.encrypted-zip",
                what="the zip is encrypted",
                why="no password is kept for landed files",
                fix="decrypt it on landing; the landing folder lies in the restricted zone",
                where=file.at(),
            )
        with archive.open(member) as stream:
            if member.endswith(".gz"):
                with gzip.GzipFile(fileobj=stream, mode="rb") as unpacked:
                    yield cast(BinaryIO, unpacked)
            else:
                yield cast(BinaryIO, stream)
