"""`niji policy …`: check policy files against the rules, and explain them in plain words.

Starts fast on purpose: nothing of the data machinery is imported here.
"""

import datetime
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from policies.check import check as check_policies
from policies.errors import ExitCode, UsageError
from policies.explain import explain as explain_policy
from policies.explain import sections
from policies.findings import Finding, in_order, is_ok
from policies.library import FOLDERS, PolicyKind, PolicyLibrary
from policies.load import kind_of, load_findings, read_document, read_library
from policies.model import DatasetPolicy, ReleasePolicy
from policies.sentences import Language
from policies.vocabulary import Severity

app = typer.Typer(
    help="Check policy files against the law and the house rules, and explain them.", no_args_is_help=True
)


@app.command(
    epilog="Examples: niji policy check policies  ·  niji policy check policies/releases/admissions.yaml --json",
)
def check(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="A policies folder, or single policy files.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
    on: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="Check as of this day (YYYY-MM-DD); today in Japan if not given."),
    ] = None,
) -> None:
    """Check policies: every file, every rule, every finding with its line. Exit 10 if anything is refused."""
    findings, files = _check(paths, on=_day(on))
    if as_json:
        typer.echo(
            json.dumps(
                {"findings": [each.as_json() for each in findings], "ok": is_ok(findings)}, ensure_ascii=False, indent=2
            )
        )
    else:
        for finding in findings:
            typer.echo(f"{finding}\n")
        typer.echo(_summary(findings, files))
    if not is_ok(findings):
        raise typer.Exit(int(ExitCode.POLICY))


@app.command(
    epilog="Examples: niji policy explain policies/releases/admissions.yaml  ·  niji policy explain policies --language en",
)
def explain(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A release or dataset policy, or a policies folder.")],
    language: Annotated[Language, typer.Option(help="The language of the page.")] = "ja",
    as_json: Annotated[bool, typer.Option("--json", help="Print the pages as JSON.")] = False,
) -> None:
    """Explain policies on one page each: what leaves, on which article, what happens to every column, to whom."""
    library = read_library(root_of(path))
    policies = _policies(library, path)
    if as_json:
        pages = [
            {
                "id": policy.id,
                "kind": "release" if isinstance(policy, ReleasePolicy) else "dataset",
                "language": language,
                "sections": [
                    {"title": title, "lines": list(lines)}
                    for title, lines in sections(policy, library, language=language)
                ],
            }
            for policy in policies
        ]
        typer.echo(json.dumps({"pages": pages}, ensure_ascii=False, indent=2))
        return
    typer.echo("\n\n".join(explain_policy(policy, library, language=language) for policy in policies))


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


def _check(paths: Sequence[Path], *, on: datetime.date) -> tuple[tuple[Finding, ...], int]:
    by_root: dict[Path, list[Path]] = {}
    for path in paths:
        by_root.setdefault(root_of(path), []).append(path)
    findings: list[Finding] = []
    files = 0
    for root, wanted in by_root.items():
        library = read_library(root)
        findings += check_policies(library, on=on, paths=wanted)
        resolved = [path.resolve() for path in wanted]
        known = {file.resolve() for file in library.files.values()}
        files += sum(any(file == path or path in file.parents for path in resolved) for file in known)
        for path in wanted:
            if path.is_file() and path.resolve() not in known:
                findings += load_findings(path)
                files += 1
    return in_order(findings), files


def _summary(findings: Sequence[Finding], files: int) -> str:
    counts = {severity: sum(each.severity is severity for each in findings) for severity in Severity}
    listed = ", ".join(f"{count} {severity.value}" for severity, count in counts.items() if count) or "nothing to say"
    return f"{files} files checked: {listed}"


def _day(text: str | None) -> datetime.date:
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


def _policies(library: PolicyLibrary, path: Path) -> tuple[ReleasePolicy | DatasetPolicy, ...]:
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
