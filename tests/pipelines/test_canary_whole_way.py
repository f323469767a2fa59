"""Plant a mark in every identifying column, take the demo the whole way, and search every byte of what it left.

The only places that may hold the mark are the landing folder and the restricted zone once it is decrypted, and there it
must be found: a search that finds nothing anywhere proves nothing.
"""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipelines.deployment import open_deployment
from pipelines.settings import load_settings
from pipelines.storage import Stage
from policies.vocabulary import ColumnClass, ColumnRole
from tests.support.signing import sign_home
from tests.support.whole_way import (
    DEMO_PEOPLE,
    Ended,
    make_marked_demo,
    niji,
    niji_process,
    patient_names,
    patient_numbers,
    plain_tables,
    stored_tables,
    written,
)

CANARY = "CANARY7f3a"
ENCODED = tuple({CANARY.encode(code) for code in ("utf-8", "utf-16-le", "utf-16-be", "cp932", "euc-jp")})
IDENTIFYING = {ColumnClass.DIRECT_IDENTIFIER, ColumnClass.IDENTIFICATION_CODE, ColumnClass.FREE_TEXT}
KEYS = {ColumnRole.PERSON_KEY, ColumnRole.RECORD_KEY, ColumnRole.SAMPLE_KEY, ColumnRole.FOREIGN_KEY}
NUMBER = re.compile(rb"(?<![0-9A-Za-z.])[0-9]{8}(?![0-9A-Za-z])")


@dataclass(frozen=True)
class Way:
    """What `niji demo` left of a hospital with marks in it."""

    home: Path
    ended: Ended
    opened: Path

    @property
    def landing(self) -> Path:
        return self.home / "landing"

    def outside(self) -> list[tuple[str, bytes]]:
        """Every file that is neither landed nor in the restricted zone: its name, its bytes."""
        inside = ("landing/", "zones/restricted/")
        return [(name, data) for name, data in written(self.home) if not name.startswith(inside)]


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def way(tmp_path_factory: pytest.TempPathFactory) -> Way:
    """`niji demo` as a process of its own, over landing files that hold the marks; then its extract, opened."""
    folder = tmp_path_factory.mktemp("way")
    home = folder / "home"
    make_marked_demo(home / "landing", canary=CANARY)
    ended = niji_process("demo", "--people", str(DEMO_PEOPLE), "--home", home)
    assert ended.code == 0, ended.err[-3000:]
    (sealed,) = (home / "outbox").iterdir()
    key = home / "demo" / "recipient.sec"
    opened = niji_process("extract", "open", sealed, "--key", key, "--out", folder / "opened", "--home", home)
    assert opened.code == 0, opened.err[-3000:]
    return Way(home, Ended(0, ended.out + opened.out, ended.err + opened.err), folder / "opened")


def holds(data: bytes) -> bool:
    return any(mark in data for mark in ENCODED)


def marked_columns(home: Path, stage: Stage) -> set[tuple[str, str]]:
    """Return (table, column) of a stage's decrypted tables in which the mark is."""
    return {
        (table, column)
        for table, rows in stored_tables(home, stage)
        for column in rows.column_names
        if CANARY in str(rows[column].to_pylist())
    }


def identifying_columns(home: Path) -> set[tuple[str, str]]:
    """Return every column that the shipped dataset policies call identifying, or a key; registers and genotypes aside."""
    library = open_deployment(load_settings(home)).library
    return {
        (f"{dataset.id}/{table.name}", column.name)
        for dataset in library.datasets.values()
        for table in dataset.tables
        for column in table.columns
        if (IDENTIFYING & set(column.classes) or column.role in KEYS) and column.role is not ColumnRole.GENOTYPE
    }


def test_the_search_finds_the_mark_where_it_belongs(way: Way) -> None:
    assert sum(holds(data) for _, data in written(way.landing)) >= 5
    planted = marked_columns(way.home, Stage.RAW)
    # Marked persons object to nothing, so the opt-out register does not know them.
    missing = identifying_columns(way.home) - planted - {("admissions/optouts", "patient_no")}
    assert missing == set()
    assert {table.split("/")[0] for table, _ in marked_columns(way.home, Stage.CONSENTED)} == {"admissions", "cohort"}


def test_the_restricted_zone_is_encrypted_at_rest(way: Way) -> None:
    files = [(name, data) for name, data in written(way.home / "zones" / "restricted") if name.endswith(".parquet")]
    assert len(files) > 20
    assert [name for name, data in files if holds(data) or not data.startswith(b"PARE")] == []


def test_no_file_name_and_no_file_outside_the_restricted_zone_holds_the_mark(way: Way) -> None:
    names = [str(path.relative_to(way.home)) for path in way.home.rglob("*")]
    assert [name for name in names if CANARY in name] == []
    found = way.outside()
    kinds = {Path(name).name if name.startswith("dagster/") else name.split("/")[0] for name, _ in found}
    assert kinds >= {
        "index.db",
        "runs.db",
        "catalog.sqlite",
        "audit.sqlite",
        "ledger.sqlite",
        "outbox",
        "zones",
        "keys",
    }
    assert [name for name, data in found if holds(data)] == []


def test_nothing_that_was_printed_or_logged_holds_the_mark(way: Way) -> None:
    assert "published/cohort-controlled" in way.ended.err
    assert not holds(way.ended.text.encode())


def test_no_published_table_and_no_opened_extract_holds_the_mark(way: Way) -> None:
    tables = [*plain_tables(way.home / "zones" / "released"), *plain_tables(way.opened)]
    assert len(tables) >= 12
    assert [name for name, values in tables if CANARY in values] == []
    assert [name for name, data in written(way.opened) if holds(data)] == []


def test_no_protected_table_holds_the_mark(way: Way) -> None:
    assert len(list(stored_tables(way.home, Stage.PROTECTED))) >= 12
    assert marked_columns(way.home, Stage.PROTECTED) == set()


def test_pseudonymized_rows_hold_no_mark_even_when_decrypted(way: Way) -> None:
    """Of an address only the prefecture passes the stage."""
    assert marked_columns(way.home, Stage.PSEUDONYMIZED) == set()
    stored = [(name, data) for name, data in written(way.home / "zones" / "pseudonymized") if name.endswith(".parquet")]
    assert all(data.startswith(b"PARE") for _, data in stored)


def test_no_patient_number_and_no_name_is_outside_the_restricted_zone(way: Way) -> None:
    numbers = {number.encode() for number in patient_numbers(way.landing)}
    names = patient_names(way.landing)
    assert len(numbers) > DEMO_PEOPLE
    assert len(names) > DEMO_PEOPLE // 2
    released = [*plain_tables(way.home / "zones" / "released"), *plain_tables(way.opened)]
    texts = [*way.outside(), *written(way.opened), *((name, values.encode()) for name, values in released)]
    texts.append(("printed", way.ended.text.encode()))
    assert [name for name, data in texts if numbers & set(NUMBER.findall(data))] == []
    whole = b"\n".join(data for _, data in texts)
    assert not any(name.encode() in whole for name in names)
    landed = (way.landing / "admissions" / "diagnoses.csv").read_bytes()
    assert numbers & set(NUMBER.findall(landed))


def test_a_run_that_fails_says_nothing_of_the_mark_either(way: Way, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(way.landing, home / "landing")
    register = home / "landing" / "admissions" / "optouts.csv"
    lines = register.read_text("euc-jp").splitlines()
    number, _, day = lines[1].split(",")
    register.write_text("\n".join([*lines, f"{number},{CANARY},{day}"]) + "\n", "euc-jp")
    sign_home(home)
    ended = niji("run", "diagnoses-by-region", "--home", home)
    assert ended.code == 11
    assert "data.unknown-decision" in ended.err
    assert not holds(ended.text.encode())
    inside = ("landing/", "zones/restricted/")
    assert [name for name, data in written(home) if holds(data) and not name.startswith(inside)] == []
