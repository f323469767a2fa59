"""`niji policy check`: hold policy files against the rules."""

import datetime
import json
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Literal

import typer

from pipelines.cli.policy.place import day_of, root_of
from policies.check import check as check_policies
from policies.decision.cases import check_cases
from policies.errors import ExitCode
from policies.files import lies_below, real_path
from policies.findings import Finding, in_order, is_ok
from policies.load import load_findings, read_library
from policies.model import RulePack
from policies.sarif import sarif
from policies.vocabulary import Severity

Form = Literal["text", "json", "sarif"]


def check(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="A policies folder, or single policy files.")],
    form: Annotated[
        Form, typer.Option("--format", help="text for people, json for programs, sarif for code review.")
    ] = "text",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the findings as JSON; the same as --format json.")
    ] = False,
    on: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="Check as of this day (YYYY-MM-DD); today in Japan if not given."),
    ] = None,
) -> None:
    """Check policies: every file, every rule, every finding with its line. Exit 10 if anything is refused."""
    findings, files, packs = _check(paths, on=day_of(on))
    if form == "sarif":
        # Names are relative to where the command is run: run it at the top of the repository.
        log = sarif(findings, packs.values(), base=Path(), tool_version=version("niji"))
        typer.echo(json.dumps(log, ensure_ascii=False, indent=2))
    elif as_json or form == "json":
        body = {"findings": [each.as_json() for each in findings], "ok": is_ok(findings)}
        typer.echo(json.dumps(body, ensure_ascii=False, indent=2))
    else:
        for finding in findings:
            typer.echo(f"{finding}\n")
        typer.echo(_summary(findings, files))
    if not is_ok(findings):
        raise typer.Exit(int(ExitCode.POLICY))


def _check(paths: Sequence[Path], *, on: datetime.date) -> tuple[tuple[Finding, ...], int, dict[str, RulePack]]:
    by_root: dict[Path, list[Path]] = {}
    for path in paths:
        by_root.setdefault(root_of(path), []).append(path)
    findings: list[Finding] = []
    files = 0
    packs: dict[str, RulePack] = {}
    for root, wanted in by_root.items():
        library = read_library(root)
        packs |= library.rulepacks
        cases = check_cases(library, paths=wanted)
        findings += [*check_policies(library, on=on, paths=wanted), *cases.findings]
        resolved = [real_path(path) for path in wanted]
        known = {real_path(file) for file in (*library.files.values(), *cases.files)}
        files += sum(lies_below(file, resolved) for file in known)
        for path in wanted:
            if path.is_file() and real_path(path) not in known:
                findings += load_findings(path)
                files += 1
    return in_order(findings), files, packs


def _summary(findings: Sequence[Finding], files: int) -> str:
    counts = {severity: sum(each.severity is severity for each in findings) for severity in Severity}
    listed = ", ".join(f"{count} {severity.value}" for severity, count in counts.items() if count) or "nothing to say"
    return f"{files} files checked: {listed}"
