"""Quotas inside a population's account, and δ against a public number of people (DP-01, DP-02)."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from policies.check import check
from policies.errors import PolicyError
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


PRIVATE = (
    "private_keys: {columns: [{column: outcome, max_length: 8}], threshold_delta: '%s', source: no codebook exists}"
)
CAPPED = "people_at_most: 1000000, population_delta_cap: '0.0000001'"


def private_rules(folder: Path, more: str, threshold: str = "0.00000005") -> list[str]:
    changes = [
        (BUDGET, f"{BUDGET}, {more}"),
        ("statistic: people\n", f"statistic: people\n      {PRIVATE % threshold}\n"),
    ]
    files = fixture.write_policies(folder, {STATISTICS: changes})
    return [each.rule for each in check(load_library(files), on=ON)]


@pytest.mark.parametrize(
    ("more", "threshold", "rules"),
    [
        (CAPPED, "0.00000005", []),
        (CAPPED, "0.0000001", []),
        (CAPPED, "0.00000011", ["DP-01"]),  # above the population's cap of δ
        (f"{CAPPED}, year_rho_cap: '0.5', year_delta_cap: '0.00000004'", "0.00000005", ["DP-01"]),
        (f"{CAPPED}, year_rho_cap: '0.5', year_delta_cap: '0.0000002'", "0.00000005", ["DP-01"]),
        (f"{CAPPED}, all_versions_rho_cap: '0.5', all_versions_delta_cap: '0.00000005'", "0.00000005", []),
        # 1/n is 5e-8: the conversion's 1e-8 alone is below it, with the threshold's δ or with its cap it is not.
        ("people_at_most: 20000000, population_delta_cap: '0.00000004'", "0.00000004", ["DP-02"]),
        ("people_at_most: 20000000, population_delta_cap: '0.00000004'", "0.00000001", ["DP-02"]),
        ("people_at_most: 20000000, population_delta_cap: '0.00000003'", "0.00000003", []),
        # Above the δ of the house (1e-5) only together with the threshold's.
        ("people_at_most: 1000, population_delta_cap: '0.00001'", "0.00001", ["DP-02"]),
    ],
)
def test_thresholds_keep_to_the_caps_of_delta_and_all_delta_is_below_one_in_n(
    tmp_path: Path, more: str, threshold: str, rules: list[str]
) -> None:
    assert private_rules(tmp_path, more, threshold) == rules


@pytest.mark.parametrize(
    "more",
    ["", "people_at_most: 1000000", "population_delta_cap: '0.0000001'", f"{CAPPED}, year_delta_cap: '0.00000001'"],
)
def test_private_keys_without_a_public_number_of_people_or_a_cap_of_delta_are_refused(
    tmp_path: Path, more: str
) -> None:
    with pytest.raises(PolicyError) as caught:
        private_rules(tmp_path, more or "year_rho_cap: '0.5'")
    assert caught.value.code == "policy.invalid"


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


def test_private_keys_and_their_cap_are_said_in_both_languages(tmp_path: Path) -> None:
    assert private_rules(tmp_path, CAPPED) == []
    method = load_library(tmp_path).release("numbers").method
    assert isinstance(method, DpStatistics)
    assert method.threshold_delta == Decimal("0.00000005")
    for language, words in (("ja", ("名指し", "1E-7")), ("en", ("may still be somebody's", "1E-7"))):
        said = " ".join(say_method(method, language))
        assert "outcome" in said
        assert all(word in said for word in words)
