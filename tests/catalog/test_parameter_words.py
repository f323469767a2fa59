"""The parameters of every rule pack are said in words, and their values in the reader's language."""

import pytest

from catalog.parameter_words import PARAMETERS, country, say_parameters
from policies.load import PACKAGED, load_library

PACKS = load_library(PACKAGED).rulepacks
RULES = {rule.id: rule for pack in PACKS.values() for rule in pack.rules if rule.parameters}


def test_every_parameter_has_words_and_all_words_have_a_parameter() -> None:
    assert {name for rule in RULES.values() for name in rule.parameters} == set(PARAMETERS)


@pytest.mark.parametrize("rule", sorted(RULES))
def test_no_machine_word_is_left_in_either_language(rule: str) -> None:
    parameters = RULES[rule].parameters
    for said in (say_parameters(parameters, "ja"), say_parameters(parameters, "en")):
        assert len(said) == len(parameters)
        assert all("_" not in each for each in said)


def test_a_threshold_reads_as_a_phrase() -> None:
    assert say_parameters({"min_cell": 10}, "ja") == ("最小集計単位 10",)
    assert say_parameters({"wait_days": 30, "keep_years": 1}, "en") == (
        "waiting after the notice 30 days or more",
        "copies kept for 1 year or more",
    )


def test_a_small_ratio_is_written_without_an_exponent() -> None:
    assert say_parameters({"most_delta": 1e-5}, "ja") == ("δ の上限 0.00001",)


def test_a_list_names_four_and_counts_the_rest() -> None:
    (said,) = say_parameters({"designated_countries": ("AT", "BE", "BG", "CY", "DE", "FR")}, "ja")
    assert said == "同等の水準にある国: オーストリア、ベルギー、ブルガリア、キプロスほか 2 件"


def test_dates_and_vocabularies_are_in_the_language() -> None:
    assert say_parameters({"applies_from": "2029-03-26"}, "ja") == ("適用日 2029年3月26日",)
    assert say_parameters({"applies_from": "2029-03-26"}, "en") == ("applies from March 26, 2029",)
    assert say_parameters({"uses": ("reidentify",)}, "ja") == ("禁じる利用: 本人の識別",)
    assert say_parameters({"every_leak": True}, "ja") == ("すべての漏えい等を報告",)


def test_a_parameter_without_words_keeps_its_name() -> None:
    assert say_parameters({"made_up": 3}, "ja") == ("made_up 3",)


def test_countries_have_names_and_unknown_codes_stay() -> None:
    assert [country(code, "ja") for code in ("JP", "JPN", "QQQ")] == ["日本", "日本", "QQQ"]
