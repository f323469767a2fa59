"""Questions of the closed vocabulary in a policy: what each is asked with, and what is refused before data are read."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from policies.check import check
from policies.load import load_library
from policies.model.dp_queries import ASKED_WITH, PUBLISHED
from policies.model.method import DpQuery, DpStatistics
from policies.sentences import say_method
from tests.support import policy_files as fixture
from tests.support.dp_questions import DAYS, EDGES, HBA1C, SPECIAL, STATUS, TIMES, question
from tests.support.policy_files import CLINIC, STATISTICS

ON = date(2026, 12, 15)
PEOPLE = "statistic: people\n"
PRIVATE: dict[str, Any] = {
    "columns": [{"column": "icd10", "max_length": 8}],
    "threshold_delta": "0.0000000001",
    "source": "no codebook exists",
}


@pytest.mark.parametrize("statistic", sorted(SPECIAL))
def test_a_question_needs_all_that_it_is_asked_with(statistic: str) -> None:
    whole = question(statistic)
    assert DpQuery.model_validate(whole).statistic == statistic
    assert set(PUBLISHED[statistic]) >= {"error_95", "rank" if statistic == "most_frequent" else "value"}
    for key in sorted(ASKED_WITH[statistic]):
        with pytest.raises(ValidationError, match="needs"):
            DpQuery.model_validate({name: value for name, value in whole.items() if name != key})


@pytest.mark.parametrize(
    ("statistic", "changed", "said"),
    [
        ("histogram", {"edges": {**EDGES, "values": ["5", "3"]}}, "must rise"),
        ("histogram", {"edges": {**EDGES, "values": ["3", "3", "5"]}}, "must rise"),
        ("histogram", {"edges": {"values": ["3", "5"]}}, "source"),
        ("histogram", {"edges": {**EDGES, "values": [3.5, 5]}}, "quoted decimal"),
        ("histogram", {"clip": HBA1C}, "takes no `clip`"),
        ("histogram", {"post_processing": ["consistency"]}, "post_processing"),
        ("variance", {"clip": {**HBA1C, "low": "15", "high": "3"}}, "below"),
        ("variance", {"post_processing": ["clamp0"]}, "post_processing"),
        ("quantiles", {"probabilities": ["1"]}, "less than Decimal"),
        ("quantiles", {"probabilities": ["0"]}, "greater than Decimal"),
        ("marginals", {"marginals": [["region", "nowhere"]]}, "not in `by`"),
        ("marginals", {"marginals": [["region"], ["region"], ["outcome"]]}, "paid twice"),
        ("marginals", {"marginals": [["region"]]}, "in no margin"),
        ("survival", {"status": {**STATUS, "censored": ["died"]}}, "twice"),
        ("survival", {"edges": {**TIMES, "values": ["0"]}}, "at least 2"),
        ("top", {"top": 0}, "greater than or equal to 1"),
        ("top", {"by": []}, "needs a key"),
        ("most_frequent", {"by": []}, "needs a key"),
        ("most_frequent", {"edges": EDGES}, "takes no `edges`"),
        ("regression", {"predictors": [{"column": "hba1c", "clip": DAYS}]}, "is the outcome"),
        ("regression", {"predictors": [{"column": "days", "clip": DAYS}] * 2}, "twice"),
        ("regression", {"predictors": [{"column": "days"}]}, "clip"),
        ("histogram", {"private_keys": PRIVATE}, "takes no `private_keys`"),
        ("top", {"private_keys": PRIVATE}, "takes no `private_keys`"),
        ("people", {"private_keys": {**PRIVATE, "threshold_delta": "0"}}, "greater than"),
        ("people", {"private_keys": {**PRIVATE, "threshold_delta": "0.001"}}, "less than"),
        ("people", {"private_keys": {**PRIVATE, "columns": []}}, "at least 1"),
        ("people", {"private_keys": {**PRIVATE, "columns": PRIVATE["columns"] * 2}}, "twice"),
        ("people", {"private_keys": {**PRIVATE, "columns": [{"column": "icd10"}]}}, "max_length"),
        (
            "people",
            {"private_keys": {**PRIVATE, "columns": [{"column": "value", "max_length": 8}]}},
            "published figure",
        ),
        ("top", {"by": [{"column": "rank", "values": ["1"], "source": "codebook"}]}, "published figure"),
        ("histogram", {"by": [{"column": "low", "values": ["1"], "source": "codebook"}]}, "published figure"),
    ],
)
def test_a_question_without_public_bounds_or_sense_is_refused(
    statistic: str, changed: dict[str, object], said: str
) -> None:
    with pytest.raises(ValidationError, match=said):
        DpQuery.model_validate(question(statistic, **changed))


def shipped(folder: Path, instead: str, *, allowed: str = "") -> list[tuple[str, str]]:
    changes = {STATISTICS: [(PEOPLE, instead)]}
    if allowed:
        changes[CLINIC] = [("name: sex, ja: 性別,", f"name: sex, ja: 性別, allowed: {allowed},")]
    files = fixture.write_policies(folder, changes)
    return [(each.rule, each.what) for each in check(load_library(files), on=ON) if each.rule in {"CONS-02", "DP-02"}]


HISTOGRAM = (
    "statistic: histogram\n      value: {value}\n      edges: {{values: ['30', '60', '120'], source: growth charts}}\n"
)


def test_a_histogram_of_a_number_passes_and_is_said_in_both_languages(tmp_path: Path) -> None:
    assert shipped(tmp_path, HISTOGRAM.format(value="weight_kg")) == []
    method = (
        load_library(fixture.write_policies(tmp_path, {STATISTICS: [(PEOPLE, HISTOGRAM.format(value="weight_kg"))]}))
        .release("numbers")
        .method
    )
    assert isinstance(method, DpStatistics)
    assert "区間ごとの件数" in " ".join(say_method(method, "ja"))
    assert "rows by public intervals" in " ".join(say_method(method, "en"))


@pytest.mark.parametrize("column", ["sex", "nowhere"])
def test_a_histogram_of_what_is_no_number_is_found(tmp_path: Path, column: str) -> None:
    found = shipped(tmp_path, HISTOGRAM.format(value=column))
    assert [rule for rule, _ in found] == ["CONS-02"]


def test_keys_that_are_not_in_the_codebook_are_found(tmp_path: Path) -> None:
    assert shipped(tmp_path, PEOPLE, allowed="['1', '2']") == []
    (tmp_path / "other").mkdir()
    found = shipped(tmp_path / "other", PEOPLE, allowed="['1', '9']")
    assert {rule for rule, _ in found} == {"CONS-02"}
    assert all("'2'" in what or "2" in what for _, what in found)


def test_predictors_and_status_are_columns_of_the_table(tmp_path: Path) -> None:
    asked = (
        "statistic: regression\n      value: weight_kg\n      clip: {low: '30', high: '120', grid: '1', source: growth charts}\n"
        "      predictors: [{column: nowhere, clip: {low: '0', high: '9', grid: '1', source: growth charts}}]\n"
    )
    assert [rule for rule, _ in shipped(tmp_path, asked)] == ["CONS-02"]
