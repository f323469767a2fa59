"""Every check that a rule pack may name is said in words in both languages, and no words are left without a check."""

from collections.abc import Mapping

import pytest

from policies.check_titles import CHECK_TITLES, title_of_check
from policies.decision.rules import REQUEST_CHECKS
from policies.decision.titles import REQUEST_TITLES
from policies.model.strictness import Text
from policies.rules import DATASET_CHECKS, RELEASE_CHECKS
from policies.rules.titles import DATASET_TITLES, RELEASE_TITLES


@pytest.mark.parametrize(
    ("checks", "titles"),
    [(RELEASE_CHECKS, RELEASE_TITLES), (DATASET_CHECKS, DATASET_TITLES), (REQUEST_CHECKS, REQUEST_TITLES)],
    ids=["release", "dataset", "request"],
)
def test_every_check_has_words_and_all_words_have_a_check(
    checks: Mapping[str, object], titles: Mapping[str, Text]
) -> None:
    assert set(checks) == set(titles)


@pytest.mark.parametrize("name", sorted(CHECK_TITLES))
def test_words_are_a_clause_that_names_no_function(name: str) -> None:
    title = title_of_check(name)
    assert not title.ja.endswith(("。", "こと")), "the sentence around it goes on"
    assert not title.en.endswith(".")
    assert "_" not in title.ja + title.en
    assert any("ぁ" <= letter <= "ん" for letter in title.ja)
    assert title.en.isascii()


def test_no_two_checks_are_said_alike() -> None:
    assert len({title.ja for title in CHECK_TITLES.values()}) == len(CHECK_TITLES)
    assert len({title.en for title in CHECK_TITLES.values()}) == len(CHECK_TITLES)


def test_a_check_without_words_is_quoted_by_its_name() -> None:
    assert "nobody_wrote_this" in title_of_check("nobody_wrote_this").ja
