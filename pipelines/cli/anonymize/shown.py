"""What `niji anonymize` shows: the search while it runs, and the result."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.cli.anonymize import local
from pipelines.cli.anonymize.worth import show_utility

if TYPE_CHECKING:
    from rich.console import Console

    from anonymization.generalize import Generalized
    from anonymization.recoding.local import LocallyRecoded
    from anonymization.search.problem import Progress, SearchProgress

PLAIN_STEP = 100
"""Without a terminal, progress is one line every so many checks."""


@contextmanager
def progress_line() -> Iterator["Progress"]:
    """Show the search on standard error: a live line on a terminal, a plain line every hundred checks otherwise."""
    if not sys.stderr.isatty():
        yield _plain_line
        return
    from rich.console import Console

    with Console(stderr=True).status("counting distinct tuples") as status:
        yield lambda step: status.update(_words(step))


def _plain_line(step: "SearchProgress") -> None:
    if step.checks % PLAIN_STEP == 0:
        print(_words(step), file=sys.stderr)


def _words(step: "SearchProgress") -> str:
    best = "none yet" if step.incumbent is None else f"{step.incumbent:.6f}"
    gap = "" if step.gap is None else f", gap {step.gap:.6f}"
    return f"searching: {step.checks:,} nodes checked, {step.open_nodes:,} open, best loss {best}{gap}"


def show(
    result: "Generalized | LocallyRecoded",
    record: dict[str, Any],
    output: Path,
    evidence: Path | None,
    *,
    utility: Any = None,
) -> None:
    """Print the levels, the classes and what each model reaches."""
    from rich.console import Console

    from anonymization.generalize import Generalized

    console = Console(markup=False, highlight=False)
    if isinstance(result, Generalized):
        _show_levels(result, console)
    else:
        local.show(result, console)
    console.print(
        f"{result.classes:,} classes of {result.k_reached:,} people or more; "
        f"{result.suppressed_records:,} of {result.records:,} rows suppressed"
    )
    for model in record["models"]:
        figures = ", ".join(
            f"{name} {figure}" for name, figure in model["reached"].items() if not name.startswith("classes_")
        )
        console.print(f"{model['column']}: {model['model']}, the worst class reaches {figures}")
    for model in record["risk"]["models"]:
        reached = ", ".join(f"{name} {figure}" for name, figure in model["reached"].items() if name != "failing")
        console.print(f"{model['model']}: {reached}")
    if utility is not None:
        show_utility(utility, console)
    console.print(f"table:    {output}", soft_wrap=True)
    if evidence is not None:
        console.print(f"evidence: {evidence}", soft_wrap=True)


def _show_levels(result: "Generalized", console: "Console") -> None:
    from rich.table import Table

    shown = Table(title=f"Loss {result.loss:.6f}, {'proven best' if result.gap == 0 else f'gap {result.gap:.6f}'}")
    shown.add_column("quasi-identifier")
    shown.add_column("level", justify="right")
    shown.add_column("of", justify="right")
    for column, level in result.node.items():
        heights = {attribute.column: attribute.levels[-1] for attribute in result.problem.histogram.attributes}
        shown.add_row(column, str(level), str(heights[column]))
    console.print(shown)
    console.print(f"{result.checks:,} nodes checked")
