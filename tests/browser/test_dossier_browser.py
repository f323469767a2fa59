"""The dossier in a real browser: opened as a file and from the portal, read by a screen reader, printed on A4."""

import re
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from catalog.dossier_folder import folder_of_dossier
from tests.support import tiny_deployment as tiny

pytestmark = pytest.mark.browser

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
LANGUAGES = ["ja", "en"]
CELLS = tiny.RELEASES[0]
A4_POINTS = (595, 842)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.published_home(tmp_path_factory, tmp_path_factory.mktemp("browser-dossier") / "home").home


@pytest.fixture(scope="module")
def folder(home: Path) -> Path:
    return folder_of_dossier(home / "zones" / "released", CELLS, "1.0.0")


@pytest.fixture(scope="module")
def address(home: Path) -> Iterator[str]:
    import uvicorn

    from catalog.store import CatalogStore
    from catalog.web.app import create_app

    store = CatalogStore.open(home / "catalog.sqlite")
    app = create_app(store, released=home / "zones" / "released")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning", ws="none"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    for _ in range(100):
        if server.started:
            break
        time.sleep(0.1)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(timeout=10)
    store.close()


@pytest.fixture(scope="module")
def browser(home: Path, outside_tool: Callable[[str], str]) -> Iterator[Any]:
    # The home is run before the browser starts: both want the thread's event loop.
    assert home.is_dir()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=outside_tool("chromium"), args=ARGUMENTS)
        yield running
        running.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    opened = context.new_page()
    opened.complaints = []
    opened.on("console", lambda message: opened.complaints.append(message.text))
    opened.on("requestfailed", lambda request: opened.complaints.append(request.url))
    yield opened
    context.close()


def is_styled(page: Any) -> bool:
    return bool(page.evaluate("getComputedStyle(document.querySelector('table')).borderCollapse === 'collapse'"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_file_opens_by_itself_with_its_style_and_asks_for_nothing(page: Any, folder: Path, language: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"file://{folder}/dossier.{language}.html")
    assert asked == [f"file://{folder}/dossier.{language}.html"]
    assert page.complaints == []
    assert is_styled(page)
    assert page.evaluate("document.documentElement.lang") == language


@pytest.mark.parametrize("language", LANGUAGES)
def test_from_the_portal_it_is_styled_under_its_policy(page: Any, address: str, language: str) -> None:
    page.goto(f"{address}/{language}/datasets/{CELLS}")
    page.get_by_role("link", name={"ja": "証拠書類を見る", "en": "See the dossier"}[language]).click()
    page.get_by_role("link", name={"ja": "証拠書類を読む", "en": "Read the dossier"}[language]).click()
    page.wait_for_url(f"**/dossier.{language}.html")
    assert is_styled(page)
    assert [text for text in page.complaints if "favicon" not in text] == []
    page.get_by_role("link", name={"ja": "English", "en": "日本語"}[language]).click()
    other = {"ja": "en", "en": "ja"}[language]
    page.wait_for_url(f"**/dossier.{other}.html")
    assert page.evaluate("document.documentElement.lang") == other


@pytest.mark.parametrize(
    ("language", "questions"),
    [
        ("ja", ["何か", "誰が持つか", "どの根拠で出るか", "条項はすべて守られているか", "誰が署名したか", "残っている点",
                "次にすること"]),
        (
            "en",
            ["What it is", "Who holds it", "On which article it leaves", "Is every clause kept?", "Who signed",
             "What remains open",
                "What comes next"],
        ),
    ],
)  # fmt: skip
def test_the_first_screen_answers_what_an_officer_asks(
    page: Any, folder: Path, language: str, questions: list[str]
) -> None:
    page.goto(f"file://{folder}/dossier.{language}.html")
    assert page.locator("dl.first dt").all_inner_texts() == questions
    last = page.locator("dl.first > div").last.bounding_box()
    assert last["y"] + last["height"] <= 900, "without scrolling"
    assert all(text.strip() for text in page.locator("dl.first dd").all_inner_texts())


@pytest.mark.parametrize("language", LANGUAGES)
def test_headings_tables_and_landmarks_serve_a_screen_reader(page: Any, folder: Path, language: str) -> None:
    page.goto(f"file://{folder}/dossier.{language}.html")
    levels = [int(name[1]) for name in page.evaluate("[...document.querySelectorAll('h1,h2,h3')].map(e => e.tagName)")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))
    tables = page.locator("table")
    assert tables.count() >= 8
    for index in range(tables.count()):
        table = tables.nth(index)
        assert table.locator("caption").inner_text().strip()
        assert table.locator("thead th[scope=col]").count() >= 2
        rows = table.locator("tbody tr").count()
        assert rows == table.locator("tbody th[scope=row]").count() >= 1
    tree = page.locator("body").aria_snapshot()
    for part in ("- banner:", "- main:", "- navigation ", "- table ", "- columnheader ", "- rowheader ", "- region "):
        assert part in tree
    dead = page.evaluate(
        "[...document.querySelectorAll('a[href^=\"#\"]')].filter(a => !document.querySelector(a.getAttribute('href'))).length"
    )
    assert dead == 0


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_contents_link_has_the_name_of_its_section(page: Any, folder: Path, language: str) -> None:
    page.goto(f"file://{folder}/dossier.{language}.html")
    for link in page.locator("nav a").all():
        target = page.locator(link.get_attribute("href"))
        assert target.locator("h2").first.inner_text() == link.inner_text()


@pytest.mark.parametrize("width", [360, 768, 1200])
def test_no_page_scrolls_sideways(browser: Any, folder: Path, width: int) -> None:
    opened = browser.new_page(viewport={"width": width, "height": 800})
    opened.goto(f"file://{folder}/dossier.ja.html")
    assert opened.evaluate("document.documentElement.scrollWidth") <= width
    opened.close()


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_prints_on_a4_with_every_rule_and_nothing_cut(
    page: Any, folder: Path, tmp_path: Path, outside_tool: Callable[[str], str], language: str
) -> None:
    reader = outside_tool("pdftotext")
    page.goto(f"file://{folder}/dossier.{language}.html")
    rules = page.locator("table.rules tbody th").evaluate_all("rows => rows.map(row => row.firstChild.textContent)")
    wide = page.locator("code, td, th").evaluate_all("cells => cells.length")
    assert len(rules) > 30
    assert wide > 100
    path = tmp_path / "dossier.pdf"
    page.pdf(path=str(path), prefer_css_page_size=True)
    sizes = {tuple(round(float(n)) for n in found[2:4]) for found in _boxes(path.read_bytes())}
    assert sizes == {A4_POINTS}
    text = subprocess.run([reader, "-layout", str(path), "-"], capture_output=True, text=True, check=True).stdout
    assert [rule for rule in rules if rule not in text] == []
    assert len(text.split("\f")) >= 4


def _boxes(pdf: bytes) -> list[list[bytes]]:
    return [found.split() for found in re.findall(rb"/MediaBox ?\[([^\]]+)\]", pdf)]
