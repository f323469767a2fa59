"""Mutation tests: every planted fault must turn its checks red, and every check is green on the path as it is."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.audit_report import line
from tests.support.dp_faults import CHECKS, FAULTS, Fault, run_check

Note = Callable[[str, Any], None]

PAIRS = [(fault, *check) for fault in FAULTS for check in fault.found_by]
# Worst-case pairs are shown to be green, with power, in test_dp_audit.py.
GREEN = sorted({check for fault in FAULTS for check in fault.found_by if check[0] != "pair"})


def title(check: str, statistic: str) -> str:
    return f"{check}: {statistic}" if statistic else check


@pytest.mark.parametrize(("check", "statistic"), GREEN)
def test_a_check_is_green_on_the_path_as_it_is(check: str, statistic: str, record_property: Note) -> None:
    found = run_check(check, statistic)
    record_property("audit", line(title(check, statistic), claim=found.claim, found=found.found, is_red=found.is_red))
    assert not found.is_red


@pytest.mark.parametrize(("fault", "check", "statistic"), PAIRS, ids=[f"{p[0].name}-{p[1]}-{p[2]}" for p in PAIRS])
def test_a_planted_fault_turns_its_checks_red(
    fault: Fault, check: str, statistic: str, monkeypatch: pytest.MonkeyPatch, record_property: Note
) -> None:
    fault.plant(monkeypatch)
    found = run_check(check, statistic)
    record_property(
        "audit",
        line(title(check, statistic), fault=fault.name, claim=found.claim, found=found.found, is_red=found.is_red),
    )
    assert found.is_red


def test_every_check_is_needed() -> None:
    assert {check for fault in FAULTS for check, _ in fault.found_by} == set(CHECKS)
    assert all(fault.found_by for fault in FAULTS)
