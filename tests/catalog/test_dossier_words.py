"""Every word of the dossier's page is there in both languages, and every word that is there is used."""

import re

import pytest

from catalog.dossier_page import PAGES
from catalog.dossier_words import WORDS, word
from policies.vocabulary import Severity

TEMPLATE = (PAGES / "dossier.html").read_text("utf-8")


def used() -> set[str]:
    named = set(re.findall(r'w\("([a-z_.]+)"[,)]', TEMPLATE))
    parts = set(re.findall(r'id="section-([a-z]+)"', TEMPLATE))
    return named | {f"section.{part}" for part in parts} | {f"severity.{each.value}" for each in Severity}


def test_every_word_is_used_and_every_used_one_exists() -> None:
    assert used() == set(WORDS)


@pytest.mark.parametrize("key", sorted(WORDS))
def test_both_languages_take_the_same_values(key: str) -> None:
    text = WORDS[key]
    assert set(re.findall(r"{(\w+)}", text.ja)) == set(re.findall(r"{(\w+)}", text.en))


def test_a_word_takes_its_values() -> None:
    assert word("rules.confidence", "en", mark="S") == "confidence S"
    assert word("rules.confidence", "ja", mark="S") == "確度 S"
