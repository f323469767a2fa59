"""A pytest plugin for `make audit`: after the run, every check with its claim, what was found and the verdict, as one table.

Tests hand their lines over with `record_property("audit", line(…))`. Loaded by name: `pytest -p tests.support.audit_report`.
"""

import resource
import unicodedata
from typing import Any

import pytest

HEAD = ("check", "planted fault", "claim", "found", "verdict")


def line(check: str, *, claim: str, found: str, is_red: bool, fault: str = "") -> tuple[str, ...]:
    """Make one line; a planted fault is meant to be red."""
    verdict = "red" if is_red else "green"
    return check, fault, claim, found, verdict if is_red == bool(fault) else f"{verdict} — WRONG"


def as_table(lines: list[tuple[str, ...]]) -> list[str]:
    """Lay lines out as a Markdown table."""
    rows = [HEAD, *lines]
    widths = [max(_width(row[place]) for row in rows) for place in range(len(HEAD))]
    laid = [
        "| " + " | ".join(cell + " " * (w - _width(cell)) for cell, w in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    return [laid[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *laid[1:]]


def _width(text: str) -> int:
    return sum(0 if unicodedata.combining(sign) else 1 for sign in text)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print the table and what it took."""
    from tests.support.dp_audit import RUNS

    del config
    reports = [each for kind in ("passed", "failed") for each in terminalreporter.stats.get(kind, [])]
    lines = [value for report in reports for name, value in report.user_properties if name == "audit"]
    used = resource.getrusage(resource.RUSAGE_SELF)
    terminalreporter.section("audit of differential privacy")
    for text in as_table(lines):
        terminalreporter.write_line(text)
    wrong = sum("WRONG" in each[-1] for each in lines)
    terminalreporter.write_line(
        f"{RUNS:,} runs a side, {len(lines)} checks, {wrong} wrong, {used.ru_utime + used.ru_stime:.0f} s CPU"
    )
