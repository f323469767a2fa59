"""`niji policy verify` and `niji policy status`: whose signatures hold, where policies stand, what lapses next."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.policy.place import day_of, policies_at, root_of
from policies.errors import ExitCode, IntegrityError, UsageError
from policies.files import lies_below, real_path
from policies.findings import Finding, is_ok
from policies.library import PolicyKind, PolicyLibrary
from policies.load import read_library
from policies.model import ReleasePolicy
from policies.sentences import Language, say

if TYPE_CHECKING:
    from catalog.approvals import ApprovalBook
    from policies.lifecycle import PolicyState

Home = Annotated[Path, typer.Option(envvar="NIJI_HOME", help="The deployment's folder.")]
On = Annotated[
    str | None, typer.Option(metavar="DATE", help="As of this day (YYYY-MM-DD); today in Japan if not given.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
In = Annotated[Language, typer.Option(help="The language of the reasons.")]
DEFAULT_HOME = Path(".niji")
_PIPE_COLUMNS = 150


def verify(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Policy files, or a policies folder.")],
    home: Home = DEFAULT_HOME,
    public_key: Annotated[
        list[Path] | None,
        typer.Option("--public-key", help="The platform's public key (PEM), got by another way; default: the home's."),
    ] = None,
    on: On = None,
    language: In = "ja",
    as_json: AsJson = False,
) -> None:
    """Verify every signature off-line and say where each policy stands. Exit 14 if altered, 10 if not active."""
    from catalog.approvals import states_of

    book = _book(home, public_key)
    states: list[PolicyState] = []
    broken: list[IntegrityError] = []
    unread: list[Finding] = []
    for path in paths:
        library = read_library(root_of(path))
        unread += _unread(library, path)
        wanted = {(_kind(policy), policy.id) for policy in policies_at(library, path)}
        for one in sorted(wanted):
            try:
                states += states_of(library, approvals=book, on=day_of(on), only=(one,))
            except IntegrityError as error:
                broken.append(error)
    if as_json:
        body = {
            "policies": [state.as_json() for state in states],
            "altered": [error.as_json() for error in broken],
            "unread": [finding.as_json() for finding in unread],
            "ok": not broken and not unread and all(state.is_active for state in states),
        }
        typer.echo(json.dumps(body, ensure_ascii=False, indent=2))
    else:
        pages = [_page(state, language) for state in states]
        typer.echo("\n\n".join([*pages, *(_stops(one, language) for one in unread), *map(str, broken)]))
    if broken:
        raise typer.Exit(int(ExitCode.INTEGRITY))
    if unread or not all(state.is_active for state in states):
        raise typer.Exit(int(ExitCode.POLICY))


def status(
    home: Home = DEFAULT_HOME,
    policies: Annotated[
        Path | None, typer.Option(help="The policies folder; by default HOME/policies, or the one that ships.")
    ] = None,
    on: On = None,
    language: In = "ja",
    as_json: AsJson = False,
) -> None:
    """List every policy: where it stands, who signed, what lapses next and when."""
    from catalog.approvals import states_of
    from pipelines.settings import PACKAGED_POLICIES

    own = home / "policies"
    library: PolicyLibrary = read_library(policies or (own if own.is_dir() else PACKAGED_POLICIES))
    states = states_of(library, approvals=_book(home, None), on=day_of(on))
    unread = _unread(library, library.root)
    if as_json:
        body = {
            "policies": [state.as_json() for state in states],
            "unread": [finding.as_json() for finding in unread],
            "ok": not unread and all(state.is_active for state in states),
        }
        typer.echo(json.dumps(body, ensure_ascii=False, indent=2))
        return
    _table(states, language)
    for finding in unread:
        typer.echo(_stops(finding, language))


def _unread(library: PolicyLibrary, path: Path) -> list[Finding]:
    """Return what keeps files from being read: a policy that does not load would be missing without a word."""
    places = [real_path(path)]
    return [one for one in library.findings if not is_ok([one]) and lies_below(Path(one.place.file), places)]


def _stops(finding: Finding, language: Language) -> str:
    said = (
        "読み込めない。直すまで、どのポリシーも実行されない。`niji policy check` が理由と直し方を示す",
        "does not load, and no policy runs until it is mended; `niji policy check` says why and how",
    )
    return f"{finding.place}  {finding.rule}: {say(said, language)}"


def _book(home: Path, public_keys: Sequence[Path] | None) -> "ApprovalBook":
    from catalog.approvals import open_book
    from catalog.keys import read_public_key

    if not home.is_dir():
        raise UsageError(
            "policy.no-home",
            what=f"there is no folder {home}",
            why="approvals lie in a deployment's folder",
            fix="name it with --home or NIJI_HOME",
        )
    if not public_keys:
        return open_book(home)
    keys = [read_public_key(path) for path in public_keys]
    return open_book(home, platform={key.key_id: key for key in keys})


def _kind(policy: object) -> PolicyKind:
    return PolicyKind.RELEASE if isinstance(policy, ReleasePolicy) else PolicyKind.DATASET


def _page(state: "PolicyState", language: Language) -> str:
    label = say((state.status.ja, state.status.en), language)
    lines = [f"{state.kind.value}/{state.name} {state.version}: {label}", f"  {state.digest}"]
    for one in state.signatures:
        role = say((one.role.ja, one.role.en), language)
        lines.append(f"  {one.on.isoformat()}  {one.by} ({role})")
    lines += [f"  - {say((reason.ja, reason.en), language)}" for reason in state.reasons]
    if state.next_step:
        lines.append(f"  → {say((state.next_step.ja, state.next_step.en), language)}")
    return "\n".join(lines)


def _table(states: "Sequence[PolicyState]", language: Language) -> None:
    from rich.console import Console
    from rich.table import Table

    titles = (
        ("ポリシー", "policy"),
        ("版", "version"),
        ("状態", "state"),
        ("署名", "signed by"),
        ("次の期限", "lapses next"),
    )
    table = Table(box=None, pad_edge=False)
    for title in titles:
        table.add_column(say(title, language), overflow="fold")
    for state in states:
        lapse = state.next_lapse
        ends = f"{lapse.to_on} {say((lapse.what.ja, lapse.what.en), language)}" if lapse else "-"
        table.add_row(
            f"{state.kind.value}/{state.name}",
            state.version,
            say((state.status.ja, state.status.en), language),
            ", ".join(one.by for one in state.signatures) or "-",
            ends,
        )
    # A pipe has no width; a narrow one would fold every name.
    console = Console(soft_wrap=True) if sys.stdout.isatty() else Console(width=_PIPE_COLUMNS, soft_wrap=True)
    console.print(table, markup=False)
    for state in states:
        for reason in state.reasons:
            console.print(f"{state.name}: {say((reason.ja, reason.en), language)}", markup=False)
