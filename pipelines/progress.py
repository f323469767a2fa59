"""Reporters: a live line in a terminal, plain lines elsewhere. Names and counts only."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn


class PlainLines:
    """One line when a step ends, with its seconds; for logs and pipes."""

    def __init__(self, console: Console, *, total: int) -> None:
        self._console = console
        self._total = total
        self._done = 0
        self._since: dict[str, float] = {}

    def started(self, what: str) -> None:
        """Remember when a step began."""
        self._since[what] = time.monotonic()

    def progressed(self, what: str, detail: str) -> None:
        """Say nothing: lines of a log cannot be taken back."""

    def finished(self, what: str, detail: str) -> None:
        """Say that a step ended."""
        self._done += 1
        seconds = time.monotonic() - self._since.pop(what, time.monotonic())
        self._console.print(f"[{self._done}/{self._total}] {what}: {detail} ({seconds:.1f} s)", markup=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


class LiveBar:
    """A bar, the step at work and how far it is; for a terminal."""

    def __init__(self, console: Console, *, total: int) -> None:
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[detail]}"),
            console=console,
            transient=True,
        )
        self._task = self._progress.add_task("starting", total=total, detail="")

    def started(self, what: str) -> None:
        """Show the step at work."""
        self._progress.update(self._task, description=what, detail="")

    def progressed(self, what: str, detail: str) -> None:
        """Show how far the step is."""
        self._progress.update(self._task, description=what, detail=detail)

    def finished(self, what: str, detail: str) -> None:
        """Advance the bar."""
        self._progress.update(self._task, description=what, detail=detail, advance=1)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()


def reporter_for(console: Console, *, total: int) -> PlainLines | LiveBar:
    """Return the reporter that fits where the output goes."""
    return LiveBar(console, total=total) if console.is_terminal else PlainLines(console, total=total)
