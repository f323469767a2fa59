"""`niji policy diff`: two versions of policies in sentences; `--since` reads the old one from git."""

import json
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

import typer

from pipelines.cli.policy.page_output import deliver
from policies.compare import Comparison, Policy, compare, compare_libraries
from policies.comparison_page import page_of_comparisons
from policies.documents import MODELS, kind_of, read_document, read_policy
from policies.errors import Place, PolicyError, UsageError
from policies.findings import in_order, refuse
from policies.library import FOLDERS, PolicyKind, PolicyLibrary
from policies.load import read_library
from policies.pages import as_html, as_text
from policies.sentences import Language

Form = Literal["text", "html", "json"]


def diff(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="The old file or folder; with --since, the present one.")],
    new: Annotated[Path | None, typer.Argument(metavar="[NEW]", help="The new file or folder.")] = None,
    since: Annotated[
        str | None, typer.Option(metavar="REVISION", help="Compare OLD as it is with what it was in this git revision.")
    ] = None,
    language: Annotated[Language, typer.Option(help="The language of the sentences.")] = "ja",
    form: Annotated[Form, typer.Option("--format", help="text, json, or html: one file that prints on A4.")] = "text",
    output: Annotated[Path | None, typer.Option(help="Write to this file instead of the terminal.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
) -> None:
    """Say what changed between two versions: what is looser, what stricter, who must read it, which signatures fall."""
    if (new is None) == (since is None):
        raise UsageError(
            "policy.two-versions",
            what="name two versions: OLD and NEW, or one path with --since REVISION",
            why="a comparison has two sides",
            fix="for example `niji policy diff policies --since HEAD~1`",
        )
    if since is not None:
        with as_it_was(old, since) as before:
            try:
                found = compared(before, old)
            except PolicyError as error:
                raise _named_as_asked(error, before, f"{old}@{since}") from None
    else:
        found = compared(old, new or old)
    if as_json or form == "json":
        body = {
            "comparisons": [each.as_json() for each in found],
            "needs_second_reader": any(each.needs_second_reader for each in found),
        }
        deliver(json.dumps(body, ensure_ascii=False, indent=2), output)
        return
    page = page_of_comparisons(found, language=language)
    deliver(as_html([page], title=page.parts[0].title, language=language) if form == "html" else as_text(page), output)


def compared(old: Path, new: Path) -> tuple[Comparison, ...]:
    """Compare two files or two folders; what is the same is left out.

    Raises:
        PolicyError: One of them does not load.
        UsageError: They are not two files or two folders, or not policies.
    """
    if old.is_dir() and new.is_dir():
        return compare_libraries(_library(old), _library(new))
    kind = _kind(new if new.is_file() else old)
    before, after = (_model(path, kind) if path.is_file() else None for path in (old, new))
    if before is None and after is None:
        raise UsageError(
            "policy.no-such-file",
            what=f"neither {old} nor {new} is a policy file, and they are not both folders",
            why="a file is compared with a file, a folder with a folder",
            fix="correct the paths",
        )
    found = compare(kind, str(getattr(after or before, "id", new.stem)), old=before, new=after)
    return () if found.is_same else (found,)


def _library(root: Path) -> PolicyLibrary:
    library = read_library(root, with_shipped_packs=False)
    refuse(library.findings)
    return library


def _kind(path: Path) -> PolicyKind:
    document, findings = read_document(path)
    refuse(in_order(findings))
    kind = kind_of(document) if document else None
    if kind is None:
        raise UsageError(
            "policy.unknown-schema",
            what=f"{path} does not say which kind of policy it is",
            why="the first key of every policy file names its kind and version",
            fix="begin it with `schema: niji/release/v1`, or compare the folders",
        )
    return kind


def _model(path: Path, kind: PolicyKind) -> Policy:
    _, built, findings = read_policy(path, MODELS[kind])
    refuse(in_order(findings))
    policy: Policy = built
    return policy


def _named_as_asked(error: PolicyError, copy: Path, name: str) -> PolicyError:
    """Name the file as the reader knows it: the copy is gone when the message is read."""
    where = Place(error.where.file.replace(str(copy), name), error.where.line, error.where.column)
    return PolicyError(error.code, what=error.what.replace(str(copy), name), why=error.why, fix=error.fix, where=where)


@contextmanager
def as_it_was(path: Path, revision: str) -> Iterator[Path]:
    """Yield a copy of a file or a policies folder as it was in a git revision; it is gone after the block.

    Raises:
        UsageError: `policy.not-in-git`: no git, no repository, no such revision, or the path was not in it.
    """
    place = path if path.is_dir() else path.parent
    if revision.startswith("-"):
        raise _not_in_git(path, revision)
    top = Path(_git(place, "rev-parse", "--show-toplevel", path=path, revision=revision).decode().strip())
    commit = _git(
        place, "rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}", path=path, revision=revision
    )
    inside = path.resolve().relative_to(top.resolve()).as_posix()
    listed = _git(
        top, "ls-tree", "-r", "-z", "--name-only", commit.decode().strip(), "--", inside, path=path, revision=revision
    )
    names = [PurePosixPath(name) for name in listed.decode("utf-8", "surrogateescape").split("\0") if name]
    wanted = [name for name in names if path.is_file() or _is_policy(name, PurePosixPath(inside))]
    if not wanted:
        raise _not_in_git(path, revision)
    with tempfile.TemporaryDirectory(prefix="niji-diff-") as folder:
        root = Path(folder) / path.resolve().name
        for name in wanted:
            file = root if path.is_file() else root / name.relative_to(inside if inside != "." else "")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(_git(top, "show", f"{commit.decode().strip()}:{name}", path=path, revision=revision))
        yield root


def _is_policy(name: PurePosixPath, inside: PurePosixPath) -> bool:
    relative = name.relative_to(inside) if str(inside) != "." else name
    return len(relative.parts) == 2 and relative.parts[0] in FOLDERS.values()


def _git(place: Path, *words: str, path: Path, revision: str) -> bytes:
    command = ["git", "-C", str(place), *words]
    try:
        # No shell; a revision that looks like an option is refused before.
        return subprocess.run(command, check=True, capture_output=True, timeout=60).stdout  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        raise _not_in_git(path, revision) from None


def _not_in_git(path: Path, revision: str) -> UsageError:
    return UsageError(
        "policy.not-in-git",
        what=f"git has no {path} of revision '{revision[:80]}'",
        why="the old version is read from the repository that the path lies in",
        fix="name a revision in which it was, or compare two paths",
    )
