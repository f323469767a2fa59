"""The frontier as a command: table, page and JSON say the same; nothing is written; bad grids are refused."""

import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from pipelines.frontier import grid_of
from pipelines.settings import Settings
from policies.errors import PolicyError, UsageError
from policies.load import PACKAGED, load_library
from tests.support import tiny_deployment as tiny
from tests.support.whole_way import niji

CELLS, NUMBERS = tiny.RELEASES
LIBRARY = load_library(PACKAGED)


@pytest.fixture
def published(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = tiny.published_home(tmp_path_factory, tmp_path / "home")
    (settings.home / "passphrase").write_bytes(tiny.PASSPHRASE.reveal())
    return settings


def frontier(settings: Settings, name: str, *more: object):
    return niji("policy", "frontier", name, "--home", settings.home, *map(str, more))


class Page(HTMLParser):
    """Collects the cells of the table, and what the page would load."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.loads: list[str] = []
        self.scopes: list[str] = []
        self._inside = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"}:
            self._inside = True
            self.rows[-1].append("")
            self.scopes += [found["scope"] or ""] if "scope" in found else []
        if tag in {"script", "link", "img", "iframe"} or any(name in {"src", "href"} for name in found):
            self.loads.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag not in {"td", "th"}

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.rows[-1][-1] += data


def test_page_that_cannot_be_written_is_refused_with_a_code(published: Settings, tmp_path: Path) -> None:
    done = frontier(published, CELLS, "--output", tmp_path / "gone" / "frontier.html")
    assert (done.code, done.err.splitlines()[-4]) == (2, "policy.cannot-write"), done.text


@pytest.mark.parametrize("language", ["ja", "en"])
def test_page_table_and_json_say_the_same(published: Settings, tmp_path: Path, language: str) -> None:
    out = tmp_path / "frontier.html"
    done = frontier(published, CELLS, "--language", language, "--output", out, "--json")
    assert done.code == 0, done.text
    body = json.loads(done.out)
    text = out.read_text("utf-8")
    page = Page(text)
    assert page.loads == []
    assert f'<html lang="{language}">' in text
    assert 'role="img"' in text
    head, *rows = page.rows
    assert len(rows) == len(body["alternatives"])
    for row, one in zip(rows, body["alternatives"], strict=True):
        assert len(row) == len(head)
        assert row[1] == str(one["parameters"]["min_cell"])
        assert one["risk"] is None or row[2] == f"{one['risk']:.4g}"
    assert page.scopes.count("col") == len(head)
    assert page.scopes.count("row") == len(rows)
    plain = frontier(published, CELLS, "--language", language)
    assert ("現在のポリシー" if language == "ja" else "as it stands") in plain.out.replace("\n", "")


def test_current_policy_and_front_are_marked(published: Settings) -> None:
    body = json.loads(frontier(published, NUMBERS, "--json").out)
    current = [one for one in body["alternatives"] if one["current"]]
    assert [one["parameters"] for one in current] == [{"release_rho": "0.25"}]
    assert all(one["pareto"] for one in body["alternatives"])
    assert body["written"] is False


def test_home_is_the_same_byte_for_byte_afterwards(published: Settings) -> None:
    def digest() -> dict[str, str]:
        files = sorted(path for path in published.home.rglob("*") if path.is_file())
        return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    before = digest()
    for name in tiny.RELEASES:
        assert frontier(published, name).code == 0
    assert digest() == before


def test_given_values_are_tried_and_no_others(published: Settings) -> None:
    body = json.loads(frontier(published, CELLS, "--parameter", "min_cell=5,20", "--json").out)
    assert [one["parameters"]["min_cell"] for one in body["alternatives"]] == [10, 5, 20]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ("k", "frontier.bad-parameter"),
        ("k=", "frontier.bad-parameter"),
        ("=3", "frontier.bad-parameter"),
        ("k=3", "frontier.unknown-parameter"),
        ("min_cell=2", "frontier.bad-value"),
        ("min_cell=ten", "frontier.bad-value"),
        ("min_cell=1e3", "frontier.bad-value"),
    ],
)
def test_bad_grid_is_refused_by_code(published: Settings, given: str, code: str) -> None:
    done = frontier(published, CELLS, "--parameter", given, "--json")
    assert done.code == 2
    assert done.error["code"] == code


@pytest.mark.parametrize(
    ("release", "name", "value"),
    [
        ("admissions-anonymized", "suppression_limit", "1.01"),
        ("admissions-anonymized", "k", "1"),
        ("admissions-anonymized", "level.age", "low"),
        ("admissions-statistics", "release_rho", "0"),
        ("admissions-statistics", "release_rho", "2"),
        ("cohort-frequencies", "membership_max_power", "1"),
        ("cohort-frequencies", "min_allele_count", "0"),
    ],
)
def test_value_that_no_policy_may_have_is_refused(release: str, name: str, value: str) -> None:
    with pytest.raises(UsageError) as refused:
        grid_of(LIBRARY.release(release).method, {name: [value]})
    assert refused.value.code == "frontier.bad-value"


def test_controlled_rows_have_no_frontier() -> None:
    with pytest.raises(PolicyError) as refused:
        grid_of(LIBRARY.release("cohort-controlled").method, {})
    assert refused.value.code == "frontier.no-alternatives"


@pytest.mark.parametrize(
    "release", ["admissions-anonymized", "admissions-statistics", "cohort-frequencies", "diagnoses-by-region"]
)
def test_default_grid_holds_the_policy_as_it_stands(release: str) -> None:
    method = LIBRARY.release(release).method
    grid = grid_of(method, {})
    assert grid
    written = json.loads(method.model_dump_json())
    for name, values in grid.items():
        own = written.get("budget", written)[name] if name == "release_rho" else written[name]
        assert re.sub(r"0+$", "", str(own)) in {re.sub(r"0+$", "", str(value)) for value in values}
