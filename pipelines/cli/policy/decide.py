"""`niji policy decide`: hold a request against a release policy, and give every reason."""

import json
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.policy.place import day_of, root_of
from policies.decision.decide import decide as decide_request
from policies.decision.files import load_request
from policies.decision.mondo_files import read_diseases, shipped_diseases
from policies.decision.page import reason_lines, verdict_line
from policies.decision.verdict import Verdict
from policies.errors import ExitCode, UsageError
from policies.files import real_path
from policies.library import PolicyKind, PolicyLibrary
from policies.load import load_library
from policies.model import ReleasePolicy
from policies.sentences import Language, say

_UNSIGNED = (
    "署名は見ていない。ポリシーが有効(署名済み)かどうかは `niji policy status` が示す。",
    "Signatures were not looked at; `niji policy status` shows whether the policy is active.",
)


def decide(
    release: Annotated[Path, typer.Argument(metavar="RELEASE", help="The release policy's file.")],
    request: Annotated[Path, typer.Argument(metavar="REQUEST", help="The request (YAML), or a decision case.")],
    on: Annotated[
        str | None,
        typer.Option(
            metavar="DATE", help="Decide as of this day (YYYY-MM-DD); else the day of a case, or today in Japan."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the decision as JSON.")] = False,
    language: Annotated[Language, typer.Option(help="The language of the reasons.")] = "ja",
    mondo: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Mondo as *.obo, *.json or *.csv, instead of the small table of Niji."),
    ] = None,
) -> None:
    """Decide a request: admit, refuse, or a person must look, with every reason. Exit 12 if it is refused, else 0.

    A question ends with 0: nothing forbids the request, and nothing permits it before a person has answered. A program
    reads the verdict from --json.
    """
    library = load_library(root_of(release))
    policy = _release_at(library, release)
    diseases = read_diseases(mondo) if mondo else shipped_diseases()
    asked, case = load_request(request, policy)
    decision = decide_request(
        asked,
        policy,
        library=library,
        on=case.on if case and on is None else day_of(on),
        diseases=diseases,
        circumstances=case.circumstances if case else None,
    )
    if as_json:
        body = {"release": policy.id, "version": policy.version, **decision.as_json(), "diseases": diseases.source}
        typer.echo(json.dumps(body, ensure_ascii=False, indent=2))
    else:
        typer.echo(verdict_line(decision, language=language))
        for line in reason_lines(decision, language=language):
            typer.echo(f"  {line}")
        if case is None or case.circumstances.policy_is_active is None:
            typer.echo(say(_UNSIGNED, language))
    if decision.verdict is Verdict.REFUSE:
        raise typer.Exit(int(ExitCode.NOT_PERMITTED))


def _release_at(library: PolicyLibrary, path: Path) -> ReleasePolicy:
    wanted = real_path(path)
    for (kind, name), file in library.files.items():
        if kind is PolicyKind.RELEASE and real_path(file) == wanted:
            return library.release(name)
    raise UsageError(
        "policy.not-a-release",
        what=f"{path} is not a release policy",
        why="a request is decided under one release",
        fix="name a file of policies/releases",
    )
