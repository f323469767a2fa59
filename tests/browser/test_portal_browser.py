"""The portal in a real browser: the keyboard's way, both languages, no script, narrow screens, accessible names."""

import importlib.util
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.browser

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def _builders() -> Any:
    path = Path(__file__).resolve().parents[1] / "support" / "catalog_builders.py"
    spec = importlib.util.spec_from_file_location("catalog_builders", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A running portal with a record of each method."""
    import uvicorn

    from catalog.store import CatalogStore
    from catalog.web.app import create_app

    builders = _builders()
    home = tmp_path_factory.mktemp("portal")
    store = CatalogStore.open(home / "catalog.sqlite")
    for kind in builders.METHODS:
        store.publish(builders.record(kind))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(create_app(store, released=home), port=port, log_level="warning", ws="none"))
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
def browser(outside_tool: Callable[[str], str]) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    executable = outside_tool("chromium")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        yield running
        running.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    # Without JavaScript: the portal must not need it.
    context = browser.new_context(java_script_enabled=False, viewport={"width": 1280, "height": 900})
    yield context.new_page()
    context.close()


@pytest.mark.parametrize(
    ("language", "words", "submit", "heading"),
    [("ja", "アレル", "検索する", "どのように保護しているか"), ("en", "allele", "Search", "How people are protected")],
)
def test_a_reader_searches_and_opens_a_dataset(
    page: Any, address: str, language: str, words: str, submit: str, heading: str
) -> None:
    page.goto(f"{address}/{language}/")
    page.get_by_role("searchbox").first.fill(words)
    page.get_by_role("button", name=submit).click()
    assert "q=" in page.url
    assert page.get_by_role("article").count() == 1
    page.get_by_role("article").get_by_role("link").click()
    assert page.get_by_role("heading", name=heading).is_visible()
    other = "English" if language == "ja" else "日本語"
    page.get_by_role("link", name=other).click()
    assert f"/{'en' if language == 'ja' else 'ja'}/datasets/admissions-allele-frequencies" in page.url


def test_facets_narrow_without_a_script(page: Any, address: str) -> None:
    page.goto(f"{address}/en/")
    page.get_by_label("statistics (3)").check()
    page.get_by_role("button", name="Search").click()
    assert page.get_by_role("status").inner_text() == "3 datasets"
    assert page.get_by_label("statistics (3)").is_checked()
    page.get_by_role("link", name="Clear").click()
    assert page.get_by_role("status").inner_text() == "5 datasets"


def test_the_keyboard_skips_to_the_content(browser: Any, address: str) -> None:
    page = browser.new_page()
    page.goto(f"{address}/en/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    box = page.locator(".skip").bounding_box()
    assert box is not None
    assert box["y"] >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    page.close()


@pytest.mark.parametrize("language", ["ja", "en"])
def test_the_accessibility_tree_has_landmarks_and_names(page: Any, address: str, language: str) -> None:
    page.goto(f"{address}/{language}/")
    tree = page.locator("body").aria_snapshot()
    for part in ("- banner:", "- main:", "- contentinfo:", "- search ", "- navigation ", "- heading ", "- status"):
        assert part in tree
    page.goto(f"{address}/{language}/datasets/admissions-microdata")
    tree = page.locator("body").aria_snapshot()
    for part in ("- complementary ", "- table ", "- columnheader ", "- rowheader ", "- region "):
        assert part in tree


@pytest.mark.parametrize("path", ["/ja/", "/en/datasets/admissions-microdata", "/ja/about"])
@pytest.mark.parametrize("width", [320, 768, 1280])
def test_no_page_scrolls_sideways(browser: Any, address: str, path: str, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.goto(f"{address}{path}")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


CONTRAST = """() => {
  const channel = v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const parts = c => c.match(/[0-9.]+/g).map(Number);
  const light = c => { const [r, g, b] = parts(c); return 0.2126*channel(r) + 0.7152*channel(g) + 0.0722*channel(b); };
  const ground = e => { while (e) { const c = getComputedStyle(e).backgroundColor; const p = parts(c);
    if (p.length < 4 || p[3] > 0) return c; e = e.parentElement; } return 'rgb(255, 255, 255)'; };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const low = [];
  while (walker.nextNode()) {
    const e = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || e.closest('.visually-hidden')) continue;
    const a = light(getComputedStyle(e).color), b = light(ground(e));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) low.push(e.tagName + '.' + e.className + ' ' + ratio.toFixed(2));
  }
  return low;
}"""


@pytest.mark.parametrize(
    "path",
    ["/ja/", "/en/datasets/admissions-microdata", "/en/datasets/admissions-dp-statistics", "/ja/about", "/ja/nope"],
)
def test_text_has_enough_contrast(browser: Any, address: str, path: str) -> None:
    # WCAG 2.2, success criterion 1.4.3: at least 4.5:1.
    context = browser.new_context(bypass_csp=True)
    page = context.new_page()
    page.goto(f"{address}{path}")
    assert page.evaluate(CONTRAST) == []
    context.close()


def test_the_browser_finds_nothing_to_complain_about(browser: Any, address: str) -> None:
    page = browser.new_page()
    complaints: list[str] = []
    requests: list[str] = []
    page.on("console", lambda entry: complaints.append(entry.text) if entry.type in {"error", "warning"} else None)
    page.on("request", lambda request: requests.append(request.url))
    for path in ("/ja/", "/en/datasets/admissions-microdata", "/en/about"):
        page.goto(f"{address}{path}", wait_until="networkidle")
    assert complaints == []
    assert all(url.startswith(address) for url in requests)
    page.close()


def test_print_leaves_the_navigation_out(browser: Any, address: str) -> None:
    page = browser.new_page()
    page.goto(f"{address}/ja/datasets/admissions-microdata")
    page.emulate_media(media="print")
    assert not page.get_by_role("navigation", name="主要").is_visible()
    assert page.get_by_role("heading", level=1).is_visible()
    page.close()
