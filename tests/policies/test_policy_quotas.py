"""Quotas inside a population's account, and δ against a public number of people (DP-01, DP-02)."""

from datetime import date
from pathlib import Path

import pytest

from policies.check import check
from policies.load import load_library
from policies.model.method import DpStatistics
from policies.sentences import say_method
from tests.support import policy_files as fixture
from tests.support.policy_files import STATISTICS

ON = date(2026, 12, 15)
BUDGET = "release_rho: '0.25'"


def rules_of(folder: Path, more: str) -> list[str]:
    files = fixture.write_policies(folder, {STATISTICS: [(BUDGET, f"{BUDGET}, {more}")]})
    return [each.rule for each in check(load_library(files), on=ON)]


@pytest.mark.parametrize(
    ("more", "rules"),
    [
        ("year_rho_cap: '0.5', all_versions_rho_cap: '0.25', researcher_rho_cap: '0.01', people_at_most: 1000000", []),
        ("year_rho_cap: '2'", ["DP-01"]),
        ("researcher_rho_cap: '1.5'", ["DP-01"]),
        ("year_rho_cap: '0.2'", ["DP-01"]),
        ("all_versions_rho_cap: '0.2'", ["DP-01"]),
        ("people_at_most: 100000000", ["DP-02"]),
        ("people_at_most: 99999999", []),
    ],
)
def test_quota_lies_inside_the_account_and_delta_below_one_in_n(tmp_path: Path, more: str, rules: list[str]) -> None:
    assert rules_of(tmp_path, more) == rules


def test_releases_of_one_population_share_its_years_cap(tmp_path: Path) -> None:
    second = fixture.changed(STATISTICS, ("id: numbers", "id: numbers-2"), (BUDGET, f"{BUDGET}, year_rho_cap: '0.5'"))
    files = fixture.write_policies(tmp_path, extra={"releases/numbers-2.yaml": second})
    assert {each.rule for each in check(load_library(files), on=ON)} == {"DP-01"}


def test_quotas_are_said_in_both_languages(tmp_path: Path) -> None:
    more = "year_rho_cap: '0.5', all_versions_rho_cap: '0.3', researcher_rho_cap: '0.01'"
    files = fixture.write_policies(tmp_path, {STATISTICS: [(BUDGET, f"{BUDGET}, {more}")]})
    method = load_library(files).release("numbers").method
    assert isinstance(method, DpStatistics)
    for language in ("ja", "en"):
        said = " ".join(say_method(method, language))
        assert all(cap in said for cap in ("0.5", "0.3", "0.01"))
