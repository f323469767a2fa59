"""The page of a policy says what leaves, on which article, and what happens to every column, in both languages."""

from pathlib import Path

import pytest

from policies.explain import explain, sections
from policies.library import PolicyLibrary
from policies.load import load_library, read_library
from policies.model.treatment import Treatment
from policies.sentences import _STEPS, Language
from tests.support import policy_files as fixture

LANGUAGES: list[Language] = ["ja", "en"]


@pytest.fixture
def library(tmp_path: Path) -> PolicyLibrary:
    return load_library(fixture.write_policies(tmp_path))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_column_has_its_fate_rule_and_citation(library: PolicyLibrary, language: Language) -> None:
    page = explain(library.release("admissions"), library, language=language)
    for table in library.release("admissions").tables:
        for column in table.columns:
            assert f" {column.name}" in page
    assert {"ja": "APPI-23: 規則34条3号", "en": "APPI-23: Rules 34(iii)"}[language] in page
    columns = page[
        page.index("admit_date") : page.index({"ja": "誰が受け取れるか", "en": "Who may receive it"}[language])
    ]
    assert columns.count(" — APPI-") >= len(library.release("admissions").tables[1].columns)


def test_english_page_says_k_in_words(library: PolicyLibrary) -> None:
    page = explain(library.release("admissions"), library, language="en")
    assert "Each person is hidden among at least 12 people" in page
    assert "Test Hospital (private academic institution)" in page
    assert "anonymized information (APPI 43)" in page
    assert "Never for: re-identification" in page
    assert "not law" in page


def test_japanese_page_says_k_in_words(library: PolicyLibrary) -> None:
    page = explain(library.release("admissions"), library, language="ja")
    assert "同じ人が少なくとも 12 人いる" in page
    assert "匿名加工情報の提供(個人情報保護法43条)" in page
    assert "学校法人 試験病院(学術研究機関等)" in page
    assert "日付を四半期までに丸める" in page


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("release", ["admissions", "numbers", "cells", "frequencies", "rows"])
def test_every_method_has_its_page(library: PolicyLibrary, release: str, language: Language) -> None:
    parts = sections(library.release(release), library, language=language)
    assert len(parts) >= 7
    assert all(title and lines for title, lines in parts)
    assert "{" not in explain(library.release(release), library, language=language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_dataset_page_lists_columns_and_releases(library: PolicyLibrary, language: Language) -> None:
    page = explain(library.dataset("clinic"), library, language=language)
    for table in library.dataset("clinic").tables:
        for column in table.columns:
            assert f"  {column.name}  {column.ja}" in page
    assert "\n  cells: " in page
    assert "\n  rows: " not in page


def test_every_operation_has_words() -> None:
    operations = {kind.model_fields["op"].annotation.__args__[0] for kind in Treatment.__args__[0].__args__}
    assert {key.split(".")[0] for key in _STEPS} == operations


def test_page_of_a_broken_library_says_what_is_missing(tmp_path: Path) -> None:
    changes = {
        fixture.CLINIC: [("id: clinic", "id: other")],
        fixture.CELLS: [
            ("{op: aggregate_only}, rule: APPI-05", "{op: aggregate_only}, rule: NONE-1"),
            ("cells-ndb@3]", "cells-ndb@9]"),
        ],
    }
    library = read_library(fixture.write_policies(tmp_path, changes))
    page = explain(library.release("cells"), library, language="en")
    assert "Dataset clinic is not there" in page
    assert "[not in the dataset]" in page
    assert "NONE-1: in none of the listed rule packs" in page
