import re
import warnings
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from catalog.describe import PackageFacts
from catalog.store import CatalogStore
from catalog.web.app import create_app
from catalog.web.messages import MESSAGES, message
from catalog.web.rendering import HERE, SECURITY_HEADERS, Language, preferred_language

with warnings.catch_warnings():
    # Starlette asks for a successor of httpx that is not among the pinned packages.
    warnings.simplefilter("ignore")
    from fastapi.testclient import TestClient

PAGES = (
    "/",
    "/about",
    "/datasets/admissions-microdata",
    "/datasets/admissions-dp-statistics",
    "/?q=糖尿病&method=microdata",
)


@pytest.fixture(scope="module")
def portal(build: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    home = tmp_path_factory.mktemp("portal")
    store = CatalogStore.open(home / "catalog.sqlite")
    for kind in build.METHODS:
        store.publish(build.record(kind))
    files = {"stays.parquet": 9, "README.ja.md": 5}
    open_record = build.record(delivery=("open",), package=PackageFacts(files=files), id="open-data")
    store.publish(open_record)
    folder = home / "zones" / "released" / "open-data" / "1.0.0"
    folder.mkdir(parents=True)
    (folder / "stays.parquet").write_bytes(b"published")
    (folder / "evidence-draft.json").write_bytes(b"not listed")
    (home / "zones" / "released" / "secret.txt").write_bytes(b"secret")
    closed = home / "zones" / "released" / "admissions-microdata" / "1.0.0"
    closed.mkdir(parents=True)
    (closed / "stays.parquet").write_bytes(b"controlled")
    app = create_app(store, released=home / "zones" / "released", public_url="https://data.example.jp")
    with TestClient(app, follow_redirects=False) as client:
        yield client
    store.close()


class Page(HTMLParser):
    """What a screen reader needs: language, landmarks, headings, labels, ids."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def of(self, *names: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag in names]


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("language", ["ja", "en"])
def test_pages_are_sound_for_everybody(portal: TestClient, language: str, path: str) -> None:
    answer = portal.get(f"/{language}{path}")
    assert answer.status_code == 200
    page = Page(answer.text)
    assert page.of("html")[0]["lang"] == language
    assert len(page.of("main")) == len(page.of("h1")) == 1
    assert len(page.of("header")) == len(page.of("footer")) == 1
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    labelled = {label["for"] for label in page.of("label")}
    assert {field["id"] for field in page.of("input")} <= labelled
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    pointed = [
        attributes[name]
        for _, attributes in page.tags
        for name in ("aria-labelledby", "aria-describedby")
        if name in attributes
    ]
    assert set(pointed) <= set(ids)
    assert all(nav.get("aria-label") for nav in page.of("nav"))
    assert page.of("a")[0] == {"class": "skip", "href": "#content"}
    assert {
        (link["hreflang"]) for link in page.of("link") if link.get("rel") == "alternate" and "hreflang" in link
    } == {"ja", "en"}


@pytest.mark.parametrize("path", PAGES)
def test_pages_need_no_script_and_nothing_from_elsewhere(portal: TestClient, path: str) -> None:
    page = Page(portal.get(f"/ja{path}").text)
    assert not page.of("script", "iframe", "object", "embed", "img")
    assert not [name for _, attributes in page.tags for name in attributes if name == "style" or name.startswith("on")]
    loaded = [link["href"] for link in page.of("link") if link["rel"] in {"stylesheet", "icon"}]
    assert all(str(address).startswith("/static/") for address in loaded)
    for address in loaded:
        assert portal.get(str(address)).status_code == 200
    assert "url(" not in (HERE / "static" / "style.css").read_text("utf-8")
    assert "@import" not in (HERE / "static" / "style.css").read_text("utf-8")


@pytest.mark.parametrize(
    "path", ["/ja/", "/ja/nope", "/healthz", "/static/style.css", "/catalog.ttl", "/", "/ja/?page=0"]
)
def test_every_answer_has_the_security_headers(portal: TestClient, path: str) -> None:
    answer = portal.get(path)
    for name, value in SECURITY_HEADERS.items():
        assert answer.headers[name] == value
    assert "unsafe" not in answer.headers["Content-Security-Policy"]


def test_the_first_page_speaks_the_readers_language(portal: TestClient) -> None:
    assert portal.get("/", headers={"Accept-Language": "en-GB,ja;q=0.5"}).headers["location"] == "/en/"
    assert portal.get("/", headers={"Accept-Language": "fr"}).headers["location"] == "/ja/"
    assert preferred_language("fr, ja;q=0.1, en;q=0.2") is Language.EN
    assert preferred_language("en;q=x") is Language.JA


def test_lang_in_the_address_leads_to_that_language(portal: TestClient) -> None:
    answer = portal.get("/ja/?lang=en&q=diabetes&method=microdata&method=small_cells")
    assert answer.headers["location"] == "/en/?q=diabetes&method=microdata&method=small_cells"
    assert (
        portal.get("/ja/datasets/admissions-microdata?lang=en").headers["location"]
        == "/en/datasets/admissions-microdata"
    )


def test_search_state_is_in_the_address(portal: TestClient) -> None:
    text = portal.get("/ja/?q=アレル&variable=AF&health=GENETIC").text
    assert "1件のデータ" in text
    assert 'value="アレル"' in text
    assert 'href="/en/?q=' in text
    page = Page(text)
    assert [box["value"] for box in page.of("input") if "checked" in box] == ["GENETIC"]
    assert "該当するデータはありません" in portal.get("/ja/?q=存在しない語").text


def test_a_dataset_page_tells_what_a_reader_needs(portal: TestClient) -> None:
    text = portal.get("/ja/datasets/admissions-microdata").text
    for words in (
        "匿名加工情報の提供(43条)",
        "4,980+",
        "k = 10",
        "少なくとも10人",
        "保証しないこと",
        "本人の識別",
        "満年齢にする",
        "ICD-10",
        "学術研究機関等",
    ):
        assert words in text
    english = portal.get("/en/datasets/admissions-dp-statistics").text
    for words in ("ε = 2.31", "δ = 10⁻⁶", "protected by differential privacy", "not guaranteed"):
        assert words in english


@pytest.mark.parametrize(
    "path", ["/ja/", "/ja/datasets/admissions-microdata", "/datasets/admissions-microdata.ttl", "/catalog.jsonld"]
)
def test_no_exact_count_is_shown(portal: TestClient, path: str) -> None:
    text = portal.get(path).text.replace(",", "")
    for exact in ("4987", "5012", "8990"):
        assert exact not in text


def test_what_people_type_is_only_text(portal: TestClient) -> None:
    text = portal.get("/ja/", params={"q": '"><script>alert(1)</script>'}).text
    assert "<script" not in text
    assert "&lt;script&gt;" in text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/ja/nope", 404),
        ("/fr/", 404),
        ("/ja/datasets/unknown", 404),
        ("/ja/datasets/admissions-microdata?version=9.9.9", 404),
        ("/datasets/unknown.ttl", 404),
        ("/datasets/admissions-microdata.exe", 404),
        ("/catalog.exe", 404),
        ("/ja/?page=0", 400),
        ("/ja/?method=magic", 400),
        ("/ja/?page=two", 400),
        ("/docs", 404),
        ("/openapi.json", 404),
    ],
)
def test_errors_are_pages_in_the_right_language(portal: TestClient, path: str, status: int) -> None:
    answer = portal.get(path, headers={"Accept-Language": "en"}, follow_redirects=True)
    assert answer.status_code == status
    page = Page(answer.text)
    assert page.of("html")[0]["lang"] == ("ja" if path.startswith("/ja") else "en")
    assert len(page.of("h1")) == 1


def test_a_failure_shows_nothing_of_itself(build: Any, tmp_path: Path) -> None:
    store = CatalogStore.open(tmp_path / "catalog.sqlite")
    app = create_app(store, released=tmp_path)

    def broken(*_: object) -> None:
        raise RuntimeError("swordfish at /srv/secret")

    store.search = broken  # type: ignore[method-assign,assignment]
    with TestClient(app, raise_server_exceptions=False) as client:
        answer = client.get("/en/")
    assert answer.status_code == 500
    assert "swordfish" not in answer.text
    assert "fault is on our side" in answer.text
    assert answer.headers["Content-Security-Policy"] == SECURITY_HEADERS["Content-Security-Policy"]


def test_metadata_reads_as_rdf(portal: TestClient) -> None:
    from rdflib import Graph

    for kind, rdf_format in (("ttl", "turtle"), ("jsonld", "json-ld"), ("rdf", "xml")):
        one = Graph().parse(data=portal.get(f"/datasets/admissions-microdata.{kind}").text, format=rdf_format)
        every = Graph().parse(data=portal.get(f"/catalog.{kind}").text, format=rdf_format)
        assert 100 < len(one) < len(every)


def test_a_datasets_own_address_leads_to_the_page_or_to_rdf(portal: TestClient) -> None:
    path = "/datasets/admissions-microdata"
    assert portal.get(path, headers={"Accept-Language": "en"}).headers["location"] == f"/en{path}"
    assert portal.get(path, headers={"Accept": "text/turtle"}).headers["location"] == f"{path}.ttl"
    assert f"<https://data.example.jp{path}>" in portal.get(f"{path}.ttl").text


def test_files_of_open_releases_are_served_and_no_others(portal: TestClient) -> None:
    answer = portal.get("/datasets/open-data/files/1.0.0/stays.parquet")
    assert answer.content == b"published"
    assert "attachment" in answer.headers["content-disposition"]
    for path in (
        "/datasets/open-data/files/1.0.0/evidence-draft.json",
        "/datasets/open-data/files/1.0.0/..%2F..%2Fsecret.txt",
        "/datasets/open-data/files/1.0.0/../../secret.txt",
        "/datasets/open-data/files/2.0.0/stays.parquet",
        "/datasets/open-data/files/1.0.0/README.ja.md",
        "/datasets/admissions-microdata/files/1.0.0/stays.parquet",
    ):
        refused = portal.get(path)
        assert refused.status_code == 404
        assert b"secret" not in refused.content
        assert b"controlled" not in refused.content


def test_the_request_form_is_made_out_for_the_release(portal: TestClient) -> None:
    answer = portal.get("/datasets/admissions-microdata/request-form.json")
    assert answer.json()["release"] == "admissions-microdata"
    assert answer.json()["accepted_prohibitions"] == []
    assert "request-form.json" in portal.get("/ja/datasets/admissions-microdata").text
    assert "request-form.json" not in portal.get("/ja/datasets/open-data").text


def test_health_and_head(portal: TestClient) -> None:
    assert portal.get("/healthz").json() == {"status": "ok", "records": 6}
    assert portal.head("/ja/").status_code == 200
    assert portal.post("/ja/").status_code == 405


def test_every_message_is_used_and_every_used_one_exists() -> None:
    sources = [path.read_text("utf-8") for path in sorted((HERE / "templates").glob("*.html"))]
    used = {key for text in sources for key in re.findall(r'\bm\("([a-z0-9_.]+)"', text)}
    prefixes = {key for text in sources for key in re.findall(r'\bm\("([a-z0-9_.]+\.)" ~', text)}
    assert {key for key in used if not key.endswith(".")} <= set(MESSAGES)
    unused = {key for key in MESSAGES if key not in used and not any(key.startswith(prefix) for prefix in prefixes)}
    assert unused == set()


def test_both_languages_have_the_same_places() -> None:
    for key, text in MESSAGES.items():
        places = [set(re.findall(r"\{(\w+)\}", words)) for words in (text.ja, text.en)]
        assert places[0] == places[1], key
        assert re.search(r"[\u3040-\u30ff\u4e00-\u9fff]", text.ja) or text.ja == text.en or "{" in text.ja, key
    assert message("list.count", "en", count=3) == "3 datasets"
    with pytest.raises(KeyError):
        message("no.such", "ja")
