"""`niji policy dry-run`: the release that a policy would lead to, against the real data, with nothing written."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.policy.place import day_of, draft_at
from policies.errors import ExitCode
from policies.sentences import Language, say

if TYPE_CHECKING:
    from pipelines.deployment import Deployment
    from pipelines.foreseen import Foreseen

HOME = Path(".niji")
_PIPE_COLUMNS = 120
Target = Annotated[
    str, typer.Argument(metavar="RELEASE", help="A release's id, or a release policy file; a changed draft will do.")
]
Home = Annotated[Path, typer.Option(envvar="NIJI_HOME", help="The deployment whose data are looked at.")]
Policies = Annotated[
    Path | None, typer.Option(help="The folder of policy files; by default HOME/policies, or the ones that ship.")
]
Landing = Annotated[Path | None, typer.Option(help="Where the sources lie; by default HOME/landing.")]
On = Annotated[str | None, typer.Option(metavar="DATE", help="The day to act on (YYYY-MM-DD); today in Japan.")]


def dry_run(
    target: Target,
    home: Home = HOME,
    policies: Policies = None,
    landing: Landing = None,
    on: On = None,
    language: Annotated[Language, typer.Option(help="The language of the figures.")] = "ja",
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Say what would leave: people kept, risk, loss, budget, every check that would fail. Writes and charges nothing."""
    from pipelines.dry_run import foresee

    deployment, release = open_for_reading(target, home=home, policies=policies, landing=landing, on=on)
    with shown_progress(deployment, release) as watched:
        foreseen = foresee(watched, release)
    if as_json:
        typer.echo(json.dumps(foreseen.as_json(), ensure_ascii=False, indent=2))
    else:
        show(foreseen, language)
    if not foreseen.is_ok:
        is_policy = any(finding.severity.value == "BLOCK" for finding in foreseen.findings)
        raise typer.Exit(int(ExitCode.POLICY if is_policy else ExitCode.DATA))


def open_for_reading(
    target: str, *, home: Path, policies: Path | None, landing: Path | None, on: str | None
) -> tuple["Deployment", str]:
    """Open a deployment that nothing is written to, with the release or draft that is meant.

    Raises:
        UsageError: There is no such home, file or release.
        PolicyError: The file does not load.
    """
    from pipelines.deployment import Deployment, Silent
    from pipelines.settings import settings_for_reading

    settings = settings_for_reading(home, policies=policies, landing=landing, on=day_of(on) if on else None)
    library, release = draft_at(target, policies=settings.policies)
    return Deployment(settings, library, Silent()), release


def shown_progress(deployment: "Deployment", release: str) -> "_Watched":
    """Tell on standard error, in a terminal, how far the work is; pipes and logs stay clean."""
    return _Watched(deployment, release)


class _Watched:
    """A deployment whose progress is shown while the block runs."""

    def __init__(self, deployment: "Deployment", release: str) -> None:
        from rich.console import Console
        from rich.status import Status

        self._deployment = deployment
        self._status = Status(release, console=Console(stderr=True))

    def __enter__(self) -> "Deployment":
        from dataclasses import replace

        self._status.__enter__()
        return replace(self._deployment, reporter=_Line(self._status))

    def __exit__(self, *_: object) -> None:
        self._status.__exit__(None, None, None)


class _Line:
    """A reporter that shows one line: the step at work."""

    def __init__(self, status: object) -> None:
        self._status = status

    def started(self, what: str) -> None:
        """Show that a step began."""
        self.progressed(what, "")

    def progressed(self, what: str, detail: str) -> None:
        """Show how far a step is."""
        self._status.update(f"{what}: {detail}")  # type: ignore[attr-defined]  # a rich Status, imported late

    def finished(self, what: str, detail: str) -> None:
        """Show that a step ended."""
        self.progressed(what, detail)


def show(foreseen: "Foreseen", language: Language) -> None:
    """Print the figures beside those published now, then everything that would stop the release."""
    from rich.console import Console
    from rich.table import Table

    console = Console() if sys.stdout.isatty() else Console(width=_PIPE_COLUMNS)
    now = {figure.key: figure.shown for figure in foreseen.published}
    title = say(("試行(何も書き込んでいません)", "Dry run (nothing was written)"), language)
    table = Table(title=f"{title}: {foreseen.release} {foreseen.version}", title_justify="left")
    table.add_column(say(("項目", "Figure"), language))
    table.add_column(say(("このポリシーなら", "Under this policy"), language), justify="right", overflow="fold")
    if foreseen.published_version:
        published = say(("公開中", "Published"), language)
        table.add_column(f"{published} {foreseen.published_version}", justify="right", overflow="fold")
    for figure in foreseen.figures:
        label = figure.label.ja if language == "ja" else figure.label.en
        row = [label, figure.shown]
        table.add_row(*row, *([now.get(figure.key, "-")] if foreseen.published_version else []))
    console.print(table)
    made = say(("行った検査", "Checks made"), language)
    console.print(f"{made}: {len(foreseen.checks)}", markup=False)
    if foreseen.rehearsed:
        used = ", ".join(f"{dataset}: {stage}" for dataset, stage in foreseen.rehearsed.items())
        console.print(f"{say(('計算に使った段階', 'Computed from'), language)}: {used}", markup=False)
    for finding in foreseen.findings:
        if finding.severity.value != "BLOCK":
            console.print(f"{finding.severity.value} {finding.rule}: {finding.what}", markup=False)
    if foreseen.is_ok:
        console.print(say(("この公開を止めるものはありません。", "Nothing would stop this release."), language))
        return
    console.print(say(("この公開を止めるもの:", "What would stop this release:"), language))
    for obstacle in foreseen.obstacles:
        console.print(f"- {obstacle.rule} ({obstacle.where}): {obstacle.what}", markup=False)
        console.print(f"  {say(('対処', 'fix'), language)}: {obstacle.fix}", markup=False)
