"""The chart of a privacy account: what it says is what the ledger says, in both languages; the page that shows it."""

import re
import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest
from sqlalchemy import text

from catalog.database import open_engine
from catalog.ledger import Ledger
from catalog.ledger_chart import Spending, burn_down, spending_of
from catalog.ledger_place import LedgerPlace
from catalog.ledger_scopes import Scopes
from catalog.store import CatalogStore
from catalog.web.accounts import shown_accounts
from catalog.web.app import create_app
from policies.errors import IntegrityError

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the test client tells of a coming change in its own package
    from fastapi.testclient import TestClient

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    moment = [datetime(2026, 4, 1, tzinfo=UTC)]
    ledger = Ledger.open(tmp_path / "ledger.sqlite", clock=lambda: moment[0])
    for number in range(3):
        scopes = Scopes("demo", 500_000, "numbers", researcher="r-secret", year_cap_micro=300_000)
        ledger.reserve(scopes, 60_000, query_hash=f"q{number}", snapshot="s")
        moment[0] += timedelta(days=30)
    ledger.set_cap("demo", cap_micro_rho=400_000, by="board", reason="review")
    return tmp_path


def spending(home: Path) -> Spending:
    return spending_of(Ledger.open(home / "ledger.sqlite").history(), "demo")


def test_steps_are_the_charges_and_the_decisions(home: Path) -> None:
    found = spending(home)
    assert [(spent, cap) for _, spent, cap in found.points] == [
        (0, 500_000), (60_000, 500_000), (120_000, 500_000), (180_000, 500_000), (180_000, 400_000)
    ]  # fmt: skip
    assert found.years == ((2026, 300_000, 180_000),)


def test_chart_is_read_out_and_never_goes_back_up(home: Path) -> None:
    for language, word in (("ja", "使用済み"), ("en", "spent")):
        svg = burn_down(spending(home), language=language, name="b")
        root = ElementTree.fromstring(svg)
        assert root.get("aria-labelledby") == "b-title b-desc"
        assert "0.18" in (root.findtext(f"{SVG}desc") or "")
        assert word in svg
        spent = [path.get("d") or "" for path in root.iter(f"{SVG}path")][-1]
        heights = [float(one) for one in re.findall(r"V([\d.]+)", spent)]
        assert heights == sorted(heights, reverse=True)
        assert len(heights) == 4


def test_account_without_a_charge_is_an_empty_frame() -> None:
    assert ElementTree.fromstring(burn_down(Spending("demo", (), ()), language="en", name="b")).tag == f"{SVG}svg"


def test_page_shows_the_account_and_no_researcher(home: Path, tmp_path: Path) -> None:
    app = create_app(CatalogStore.open(home / "catalog.sqlite"), released=tmp_path, ledger=LedgerPlace(home))
    with TestClient(app) as client:
        for language, word in (("ja", "プライバシー予算"), ("en", "Privacy budget")):
            page = client.get(f"/{language}/budget").text
            assert word in page
            assert "0.22" in page
            assert "<svg" in page
            assert "r-secret" not in page


def test_page_without_a_ledger_says_so_and_an_altered_one_shows_nothing(home: Path, tmp_path: Path) -> None:
    assert shown_accounts(None, language="en") == ()
    assert shown_accounts(LedgerPlace(tmp_path / "none"), language="en") == ()
    for file in home.glob("ledger.sqlite*"):
        file.unlink()
    Ledger.open(home / "ledger.sqlite").set_cap("demo", cap_micro_rho=1, by="x", reason="y")
    with open_engine(home / "ledger.sqlite").begin() as connection:
        connection.execute(text("UPDATE ledger_budgets SET cap_micro = 9"))
    with pytest.raises(IntegrityError):
        shown_accounts(LedgerPlace(home), language="en")
