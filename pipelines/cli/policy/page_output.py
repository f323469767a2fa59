"""Where a page goes: to the terminal, or whole to a file."""

from contextlib import suppress
from pathlib import Path

import typer

from policies.errors import UsageError


def deliver(text: str, output: Path | None) -> None:
    """Print a text, or write it to a file in one step; a file that is there is replaced.

    Raises:
        UsageError: `policy.cannot-write`.
    """
    if output is None:
        typer.echo(text)
        return
    write_whole(text, output)
    typer.echo(f"{output}")


def write_whole(text: str, output: Path) -> None:
    """Write a text to a file in one step; a file that is there is replaced, and nothing half-written is left.

    Raises:
        UsageError: `policy.cannot-write`.
    """
    beside = output.with_name(f".{output.name}.part")
    try:
        beside.write_text(text if text.endswith("\n") else text + "\n", encoding="utf-8")
        beside.replace(output)
    except OSError:
        with suppress(OSError):
            beside.unlink()
        raise UsageError(
            "policy.cannot-write",
            what=f"{output} cannot be written",
            why="its folder is missing, full, or closed to you",
            fix="name a file in a folder that you may write to",
        ) from None
