"""`niji policy frontier`: what other treatments of a release would protect and cost."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.policy.dry_run import HOME, Home, Policies, Target, open_for_reading, shown_progress
from pipelines.cli.policy.page_output import write_whole
from policies.errors import UsageError
from policies.sentences import Language, say

if TYPE_CHECKING:
    from pipelines.frontier import Frontier

_PIPE_COLUMNS = 160


def frontier(
    target: Target,
    parameter: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE,...", help="Values to try, e.g. k=3,5,8,12,20; a sensible grid without it."),
    ] = None,
    output: Annotated[Path | None, typer.Option(metavar="FILE.html", help="Write chart and table as a page.")] = None,
    home: Home = HOME,
    policies: Policies = None,
    language: Annotated[Language, typer.Option(help="The language of table and page.")] = "ja",
    as_json: Annotated[bool, typer.Option("--json", help="Print the alternatives as JSON.")] = False,
) -> None:
    """Weigh risk against utility over other treatments; marks those no other beats, and the policy as it stands."""
    from pipelines.frontier import explore

    given = dict(_parameter(text) for text in parameter or ())
    deployment, release = open_for_reading(target, home=home, policies=policies, landing=None, on=None)
    with shown_progress(deployment, release) as watched:
        found = explore(watched, release, given=given)
    if output is not None:
        from pipelines.frontier_page import page

        write_whole(page(found, language=language), output)
    if as_json:
        typer.echo(json.dumps(found.as_json(), ensure_ascii=False, indent=2))
    else:
        _show(found, language)
        if output is not None:
            typer.echo(say((f"グラフと表: {output}", f"chart and table: {output}"), language))


def _parameter(text: str) -> tuple[str, tuple[str, ...]]:
    name, _, values = text.partition("=")
    listed = tuple(value.strip() for value in values.split(",") if value.strip())
    if not name.strip() or not listed:
        raise UsageError(
            "frontier.bad-parameter",
            what="a --parameter does not say what to try",
            why="it names a parameter of the method and the values to try",
            fix="write it as k=3,5,8,12,20",
        )
    return name.strip(), listed


def _show(found: "Frontier", language: Language) -> None:
    from rich.console import Console
    from rich.table import Table

    from pipelines.frontier_page import rows_of

    head, rows = rows_of(found, language)
    console = Console() if sys.stdout.isatty() else Console(width=_PIPE_COLUMNS)
    table = Table(title=f"{found.release} {found.version}", title_justify="left")
    for number, cell in enumerate(head):
        table.add_column(cell, justify="left" if number == 0 else "right", overflow="fold")
    for cells in rows:
        table.add_row(*cells)
    console.print(table)
