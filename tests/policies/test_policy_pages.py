"""Pages that people read: the same content as text and as HTML, which stands alone, prints, and is accessible."""

import re
import subprocess
from collections.abc import Callable
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import get_args

import pytest

from policies.applies import applicable_rules
from policies.explain import explain, page_of, sections
from policies.library import PolicyLibrary
from policies.load import PACKAGED, load_library
from policies.model.method import MethodKind
from policies.pages import Page, Part, Row, Table, as_html, as_text
from policies.sentences import Language
from policies.vocabulary import ColumnClass, OutputCategory
from policies.words import _CATEGORIES, _CLASSES, _METHODS, MARKS, STAGES
from tests.support import policy_files as fixture

LANGUAGES: list[Language] = ["ja", "en"]
RELEASES = ["admissions", "numbers", "cells", "frequencies", "rows"]
STYLE = (PACKAGED / "pages.css").read_text("utf-8")


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> PolicyLibrary:
    return load_library(fixture.write_policies(tmp_path_factory.mktemp("policies")))


@pytest.fixture(scope="module")
def shipped() -> PolicyLibrary:
    return load_library(PACKAGED)


class Outline(HTMLParser):
    """Collects what a reader with a screen reader meets: headings, languages, tables with captions and scopes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def html_of(library: PolicyLibrary, name: str, language: Language) -> str:
    page = page_of(library.release(name), library, language=language)
    return as_html([page], title=page.parts[0].title, language=language)


# --- what the page says


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", RELEASES)
def test_every_rule_that_applies_stands_with_its_citation(
    library: PolicyLibrary, name: str, language: Language
) -> None:
    release = library.release(name)
    text, html = explain(release, library, language=language), Outline(html_of(library, name, language)).text
    rules = list(applicable_rules(release, library))
    assert rules
    for rule in rules:
        citation, words = (rule.citation.ja, rule.text.ja) if language == "ja" else (rule.citation.en, rule.text.en)
        line = next(line for line in text.splitlines() if line.strip().startswith(f"{rule.id} ["))
        assert f"[{rule.confidence}] {citation} — {words}" in line
        assert words in html


@pytest.mark.parametrize("language", LANGUAGES)
def test_marks_and_severities_are_explained(library: PolicyLibrary, language: Language) -> None:
    text = explain(library.release("cells"), library, language=language)
    for mark, words in MARKS.items():
        assert f"[{mark}] {words[0] if language == 'ja' else words[1]}" in text
    assert {"ja": "保留は担当者の判断を待ち", "en": "HOLD waits for a named person"}[language] in text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", RELEASES)
def test_a_term_is_explained_once_and_only_if_it_is_used(library: PolicyLibrary, name: str, language: Language) -> None:
    _, lines = sections(library.release(name), library, language=language)[-1]
    terms = [line.strip().partition(": ")[0] for line in lines]
    assert len(set(terms)) == len(terms)
    k_anonymity = {"ja": "k-匿名性", "en": "k-anonymity"}[language]
    assert (k_anonymity in terms) is (name == "admissions")


def test_everything_that_can_stand_on_a_page_has_its_explanation(library: PolicyLibrary) -> None:
    assert set(_CATEGORIES) == set(OutputCategory)
    assert set(_CLASSES) == set(ColumnClass) - {ColumnClass.ORDINARY}
    assert set(_METHODS) == set(get_args(MethodKind))
    assert {rule.stage for pack in library.rulepacks.values() for rule in pack.rules} <= set(STAGES)


def test_a_reader_is_told_of_which_act_an_article_is(library: PolicyLibrary) -> None:
    text = explain(library.release("admissions"), library, language="ja")
    assert "根拠: 匿名加工情報の提供(個人情報保護法43条)" in text
    assert "法・令・規則" in text


def test_standing_is_shown_where_it_is_known(library: PolicyLibrary) -> None:
    page = page_of(library.release("cells"), library, language="en", standing=["draft", "nobody has signed it yet"])
    assert page.parts[1] == Part("Where it stands", ("  draft", "  nobody has signed it yet"))
    assert "Where it stands" not in explain(library.release("cells"), library, language="en")


def test_columns_say_whether_they_leave(library: PolicyLibrary) -> None:
    page = page_of(library.release("cells"), library, language="en")
    rows = {
        row.cells[0]: row
        for part in page.parts
        for table in part.tables
        if table.kind == "columns"
        for row in table.rows
    }
    assert rows["sex"].cells[2] == "counted only"
    assert rows["name_kanji"].cells[2] == "no"
    record = page_of(library.release("admissions"), library, language="ja")
    ages = [row for part in record.parts for table in part.tables for row in table.rows if "→ age" in row.cells[0]]
    assert [(row.cells[2], row.mark) for row in ages] == [("出る", "in")]


# --- how it is written


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", RELEASES)
def test_html_needs_nothing_but_itself(library: PolicyLibrary, name: str, language: Language) -> None:
    html = html_of(library, name, language)
    outline = Outline(html)
    tags = {tag for tag, _ in outline.tags}
    assert not tags & {"script", "link", "img", "iframe", "object", "form", "svg", "base"}
    assert not any(
        attribute in attributes for _, attributes in outline.tags for attribute in ("src", "onclick", "style")
    )
    assert [each for each in outline.all("a") if not str(each.get("href")).startswith("#")] == []
    assert "url(" not in html
    assert "@import" not in html
    (policy,) = [each["content"] for each in outline.all("meta") if each.get("http-equiv")]
    assert str(policy).startswith("default-src 'none'")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", RELEASES)
def test_html_is_accessible(library: PolicyLibrary, name: str, language: Language) -> None:
    html = html_of(library, name, language)
    outline = Outline(html)
    assert outline.all("html") == [{"lang": language}]
    levels = [int(tag[1]) for tag, _ in outline.tags if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(second <= first + 1 for first, second in pairwise(levels))
    tables = len(outline.all("table"))
    assert tables == len(outline.all("caption")) == len(outline.all("thead")) > 3
    assert {each.get("scope") for each in outline.all("th")} == {"col", "row"}
    names = [each["id"] for _, each in outline.tags if "id" in each]
    assert len(set(names)) == len(names)
    labels = [str(each["aria-labelledby"]) for _, each in outline.tags if "aria-labelledby" in each]
    assert set(labels) <= set(names)
    assert len(outline.all("main")) == 1
    assert html.count("<ul") == html.count("</ul>")
    assert html.count("<li>") == html.count("</li>")


def test_japanese_in_an_english_page_says_so(shipped: PolicyLibrary) -> None:
    english, japanese = (html_of(shipped, "admissions-anonymized", language) for language in LANGUAGES[::-1])
    assert '<span lang="ja">個人情報保護責任者</span>' in english
    assert '<span lang="ja">' not in japanese


def test_everything_is_escaped() -> None:
    evil = "<script>alert('x')</script> & \"y\""
    table = Table(evil, (evil, evil), (Row((evil, evil)),), "words")
    page = Page(
        "x", "en", (Part(evil, (f"  {evil}", f"      {evil}")), Part(evil, (f"  {evil}",), (table,), intro=evil))
    )
    html = as_html([page, page], title=evil, language="en")
    assert "<script" not in html
    assert evil not in html
    assert "&lt;script&gt;" in html


def test_lists_within_lists_are_closed() -> None:
    page = Page("x", "en", (Part("head", ()), Part("a", ("      deep first", "  one", "      two", "      three", "  four", "      five"))))  # fmt: skip
    html = as_html([page], title="x", language="en")
    assert html.count("<ul") == html.count("</ul>") == 3
    assert html.count("<li>") == html.count("</li>")


def test_text_and_html_say_the_same(library: PolicyLibrary) -> None:
    page = page_of(library.dataset("clinic"), library, language="en")
    html = Outline(as_html([page], title="x", language="en")).text
    text = as_text(page)
    for column in (column for table in library.dataset("clinic").tables for column in table.columns):
        assert column.name in html
        assert column.name in text


def luminance(color: str) -> float:
    parts = [int(color[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("name", ["ink", "soft", "accent", "good", "bad", "wait"])
def test_letters_stand_out_from_every_ground(name: str) -> None:
    """WCAG 2.2, 1.4.3: at least 4.5 to 1."""
    (color,) = re.findall(rf"--{name}: (#[0-9a-f]{{6}})", STYLE)
    for ground in ("#ffffff", "#f4f2ec", "#f3f8f6"):
        high, low = sorted((luminance(color), luminance(ground)), reverse=True)
        assert (high + 0.05) / (low + 0.05) >= 4.5, ground


@pytest.mark.browser
@pytest.mark.parametrize("language", LANGUAGES)
def test_it_prints_on_a4(
    shipped: PolicyLibrary, language: Language, tmp_path: Path, outside_tool: Callable[[str], str]
) -> None:
    page = tmp_path / "page.html"
    page.write_text(html_of(shipped, "cohort-frequencies", language), "utf-8")
    sheet = tmp_path / "page.pdf"
    command = [outside_tool("chromium"), "--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer"]
    subprocess.run(
        [*command, f"--user-data-dir={tmp_path / 'profile'}", f"--print-to-pdf={sheet}", page.as_uri()],
        check=True,
        capture_output=True,
        timeout=120,
    )
    data = sheet.read_bytes()
    assert data.startswith(b"%PDF")
    boxes = set(re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", data))
    assert {(round(float(width)), round(float(height))) for width, height in boxes} == {(595, 842)}
