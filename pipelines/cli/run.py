"""`niji run` and `niji doctor`: materialize through Dagster with progress, and say what was published."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from policies.errors import DataError, NijiError, PolicyError

if TYPE_CHECKING:
    from pipelines.run import RunReport
    from pipelines.settings import Settings

Home = Annotated[Path, typer.Option(envvar="NIJI_HOME", help="The deployment's folder.")]
Policies = Annotated[
    Path | None, typer.Option(help="The folder of policy files; by default HOME/policies, or the ones that ship.")
]
Landing = Annotated[Path | None, typer.Option(help="Where the sources lie; by default HOME/landing.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
HOME = Path(".niji")
_PIPE_COLUMNS = 150


def run(
    selection: Annotated[list[str] | None, typer.Argument(help="Releases or datasets; all if left out.")] = None,
    home: Home = HOME,
    policies: Policies = None,
    landing: Landing = None,
    as_json: AsJson = False,
) -> None:
    """Take datasets the whole way: ingest, classify, consent, pseudonymize, protect, validate, publish."""
    from pipelines.run import standing
    from pipelines.settings import load_settings

    settings = load_settings(home, policies=policies, landing=landing)
    try:
        report = run_shown(settings, selection or [])
    except (PolicyError, DataError):
        # What one release is refused for does not undo the others: say what stands before what was refused.
        show_standing(lambda: standing(settings, selection=selection or []), as_json=as_json)
        raise
    show_report(report, as_json=as_json)


def doctor(home: Home = HOME, policies: Policies = None, as_json: AsJson = False) -> None:
    """Look whether this deployment can run: policies, keys, chains, free disk; says what to do about each finding."""
    from pipelines.doctor import examine
    from pipelines.settings import load_settings

    findings = examine(load_settings(home, policies=policies))
    if as_json:
        typer.echo(json.dumps({"findings": [one.as_json() for one in findings]}, ensure_ascii=False, indent=2))
    else:
        for one in findings:
            typer.echo(f"{'ok  ' if one.is_ok else 'BAD '} {one.name}: {one.what}")
    if not all(one.is_ok for one in findings):
        raise typer.Exit(11)


def run_shown(settings: "Settings", selection: list[str]) -> "RunReport":
    """Run with progress on standard error."""
    from rich.console import Console

    from pipelines.progress import reporter_for
    from pipelines.run import count_steps
    from pipelines.run import run as materialize

    console = Console(stderr=True)
    with reporter_for(console, total=count_steps(settings, selection=selection)) as reporter:
        return materialize(settings, selection=selection, reporter=reporter)


def show_standing(read: Callable[[], "RunReport"], *, as_json: bool) -> None:
    """Print what is published although the run was refused; nothing where the policies themselves do not open."""
    try:
        report = read()
    except NijiError:
        return
    if report.releases:
        show_report(report, as_json=as_json)


def show_report(report: "RunReport", *, as_json: bool) -> None:
    """Print one line a release, for machines or for people."""
    if as_json:
        typer.echo(json.dumps(report.as_json(), ensure_ascii=False, indent=2))
        return
    from rich.console import Console

    from anonymization.disclosure import Room, disclose_count
    from pipelines.result_table import result_table

    # A pipe has no width; a narrow one would fold every name.
    console = Console() if sys.stdout.isatty() else Console(width=_PIPE_COLUMNS)
    console.print(result_table(report))
    for dataset, rows in report.quarantined.items():
        if rows:
            console.print(
                f"{dataset}: {disclose_count(rows, room=Room.STEWARD).text} bad rows were set aside at landing (reasons on the asset raw/{dataset})"
            )
