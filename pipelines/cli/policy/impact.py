"""`niji policy impact`: what a change of policy files touches, among the policies and among what others already have."""

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.catalog_home import open_store, print_json
from pipelines.cli.policy.diff import as_it_was, compared
from pipelines.cli.policy.place import day_of, root_of
from policies.errors import UsageError
from policies.files import lies_below, real_path
from policies.impact import Name, void_releases
from policies.impact import impact as touched_by
from policies.impact_page import page_of_impact
from policies.library import PolicyKind, PolicyLibrary
from policies.load import read_library
from policies.pages import as_text
from policies.sentences import Language

if TYPE_CHECKING:
    from catalog.impact import Given


def impact(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A policy file or folder that changes, or has changed.")],
    against: Annotated[
        Path | None, typer.Option(metavar="OLD", help="What it was: only what really differs is counted as changed.")
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="REVISION", help="The same, as it was in a git revision.")
    ] = None,
    home: Annotated[
        Path | None, typer.Option(envvar="NIJI_HOME", help="A deployment: adds its records, permits and extracts.")
    ] = None,
    language: Annotated[Language, typer.Option(help="The language of the sentences.")] = "ja",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    on: Annotated[
        str | None, typer.Option(metavar="DATE", help="The day for permits (YYYY-MM-DD); today in Japan if not given.")
    ] = None,
) -> None:
    """Say what a change of a policy touches: datasets, releases, permits, extracts, and what happens to each."""
    if against is not None and since is not None:
        raise UsageError(
            "policy.two-versions",
            what="--against and --since are both given",
            why="a change is measured from one old version",
            fix="give one of them",
        )
    library = read_library(root_of(path))
    changed = _changed(library, path, against=against, since=since)
    touched = touched_by(library, changed)
    given = _given(library, changed, home=home, on=day_of(on)) if home is not None else None
    if as_json:
        body: dict[str, object] = {"changed": [f"{kind.value}/{name}" for kind, name in sorted(changed)]}
        body["policies"] = [each.as_json() for each in touched]
        if given is not None:
            body["given"] = [each.as_json() for each in given]
        print_json(body)
        return
    typer.echo(as_text(page_of_impact(touched, given, language=language)))


def _changed(library: PolicyLibrary, path: Path, *, against: Path | None, since: str | None) -> set[Name]:
    if against is not None:
        return {(each.kind, each.name) for each in compared(against, path)}
    if since is not None:
        with as_it_was(path, since) as before:
            return {(each.kind, each.name) for each in compared(before, path)}
    wanted = real_path(path)
    found = {key for key, file in library.files.items() if lies_below(file, [wanted])}
    # The table of a hierarchy is part of it.
    found |= {
        (PolicyKind.HIERARCHY, name)
        for name, policy in library.hierarchies.items()
        if getattr(policy.levels, "path", None) == wanted.name
        and real_path(library.files[PolicyKind.HIERARCHY, name]).parent == wanted.parent
    }
    if not found:
        raise UsageError(
            "policy.nothing-changes",
            what=f"{path} holds no policy",
            why="an impact is that of a policy file, or of the table of a hierarchy",
            fix="name a file below datasets/, releases/, hierarchies/, quality/ or rulepacks/",
        )
    return found


def _given(library: PolicyLibrary, changed: set[Name], *, home: Path, on: datetime.date) -> "Sequence[Given]":
    from catalog.approvals import REGISTER
    from catalog.impact import given_impact

    if (home / REGISTER).exists() and not (home / "catalog.sqlite").exists():
        # People are enrolled, and nothing was published yet: nothing is out. Anywhere else it may be the wrong folder.
        return ()
    gone = {name for kind, name in changed if kind is PolicyKind.RELEASE and name not in library.releases}
    return given_impact(open_store(home), library, {*void_releases(library, changed), *gone}, on=on)
