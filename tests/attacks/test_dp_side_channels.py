"""Two neighboring data sets whose noisy answer came out the same: nothing outside the restricted zone may tell them apart.

One person with extreme rows is in the one and not in the other. The mechanism is made to answer both alike, so that what
differs after it differs by the data: the same answer is what an attacker would have. Files, names, sizes, pages, records,
events, checks, logs at every level and what is printed are held against each other; moments and random names are left out.
"""

import contextlib
import hashlib
import io
import logging
import re
import shutil
import sqlite3
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from anonymization.dp import mechanism
from anonymization.dp.queries import kind
from catalog.store import CatalogStore
from catalog.web.app import create_app
from pipelines.run import instance_of, run
from pipelines.settings import Settings, ledger_place
from pipelines.stages.raw import make_raw
from pipelines.storage import Stage
from tests.support import tiny_deployment as tiny
from tests.support.one_run import one_run
from tests.support.signing import sign_policies

with warnings.catch_warnings():
    # Starlette asks for a successor of httpx that is not among the pinned packages.
    warnings.simplefilter("ignore")
    from fastapi.testclient import TestClient

_, NUMBERS = tiny.RELEASES
EXTREME = "P7777"
HUGE_ROWS = 40
Seen = Mapping[str, str]
PLAIN_DIGESTS = "landed files whose plain digest is visible"
INSIDE = "rows of the landed files, which nobody outside sees"

_STAYS = """\
  - name: stays
    kind: event
    title: {ja: 入院, en: Stays}
    source: {format: delimited, path: stays.csv, encoding: utf-8}
    columns:
      - {name: patient_no, ja: 患者番号, en: patient number, class: linkage_code, role: person_key, required: true}
      - {name: begun_on, ja: 入院日, en: begun on, class: quasi_identifier, role: event_date, type: date, required: true}
      - {name: days, ja: 日数, en: days, class: special_care, role: sensitive, type: decimal}
  - name: optouts
"""
_STAYS_TREATED = """\
      - {name: ward, treat: {op: aggregate_only}, rule: APPI-25}
  - dataset: clinic
    table: stays
    columns:
      - {name: patient_no, treat: {op: aggregate_only}, rule: APPI-23}
      - {name: begun_on, treat: {op: drop_column}, rule: APPI-25}
      - {name: days, treat: {op: aggregate_only}, rule: APPI-25}
method:
"""
_BY_WARD = """\
    - name: people-by-ward
      title: {ja: 病棟別の人数, en: People by ward}
      statistic: people
      table: patients
      by: []
      private_keys: {columns: [{column: ward, max_length: 8}], threshold_delta: '0.00000001', source: wards are named by each clinic}
      bounds: {cells_per_person: 1, source: a person has one of each in the register}
"""
_MEAN = """\
    - name: days-of-stays
      title: {ja: 平均在院日数, en: Mean days}
      statistic: mean
      table: stays
      by: []
      value: days
      clip: {low: '0', high: '60', grid: '1', source: the hospital's limit}
      bounds: {cells_per_person: 1, rows_per_person_per_cell: 4, source: four stays a year at most}
"""


def same_answer(cells: Sequence[int], **noise: Any) -> list[int]:
    """Draw as ever, loss and all, and answer the same whatever was asked."""
    return [60 + 3 * place for place, _ in enumerate(mechanism.draw(cells, **noise))]


def neighbors(folder: Path) -> tuple[Settings, Settings]:
    """Write a signed home with the extreme person, and a copy of it without."""
    settings = tiny.write_deployment(folder / "with")
    tiny.change(settings, tiny.CLINIC, ("  - name: optouts\n", _STAYS))
    tiny.change(
        settings,
        tiny.NUMBERS,
        ("      - {name: ward, treat: {op: aggregate_only}, rule: APPI-25}\nmethod:\n", _STAYS_TREATED),
        (_BY_WARD, _MEAN),
    )
    stays = [f"P{n:04},2026-0{n % 9 + 1}-1{n % 9},{n % 30}" for n in range(tiny.PEOPLE)]
    tiny.write(settings.landing / "stays.csv", "\n".join(["patient_no,begun_on,days", *stays, ""]))
    sign_policies(settings)
    shutil.copytree(settings.home, folder / "without")
    with (settings.landing / "patients.csv").open("a", encoding="utf-8") as file:
        file.write(f"{EXTREME},{'長' * 2_000},2,{'Z' * 2_000}\n")
    days = ["9" * 15, "-" + "9" * 15, "0.000000001", "1e300", "NaN", "-0", ""]
    dates = ["0001-01-01", "9999-12-31", "2026-02-28"]
    with (settings.landing / "stays.csv").open("a", encoding="utf-8") as file:
        file.writelines(f"{EXTREME},{dates[n % 3]},{days[n % 7]}\n" for n in range(HUGE_ROWS))
    return settings, tiny.settings_of(folder / "without")


_ONCE = {"alembic.runtime.plugins", "asyncio"}
"""Loggers that speak once in a process, of themselves."""


class Lines(logging.Handler):
    """Keeps every line of every logger."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.name not in _ONCE:
            self.lines.append(f"{record.name} {record.levelname} {record.getMessage()}")


@contextlib.contextmanager
def all_logged() -> Iterator[list[str]]:
    root, handler = logging.getLogger(), Lines()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield handler.lines
    finally:
        root.setLevel(before)
        root.removeHandler(handler)


def released(settings: Settings) -> Seen:
    """Run the whole way to the noisy release, and return all that is visible of it outside the restricted zone."""
    out, err = io.StringIO(), io.StringIO()
    with all_logged() as lines, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        report = run(settings, selection=[NUMBERS])
    seen = {"printed": out.getvalue() + err.getvalue() + str([one.as_json() for one in report.releases])}
    seen |= {f"log {n}": line for n, line in enumerate(lines)}
    seen |= dict(events(settings)) | dict(files(settings)) | dict(pages(settings)) | dict(kept(settings))
    digests = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in settings.landing.iterdir()}
    found = sorted(name for name, digest in digests.items() if any(digest in text for text in seen.values()))
    rows = {file.name: len(file.read_bytes().splitlines()) for file in sorted(settings.landing.iterdir())}
    shown = {name: plain(text, settings) for name, text in seen.items()}
    return {**shown, PLAIN_DIGESTS: str(found), INSIDE: str(rows)}


def events(settings: Settings) -> Iterator[tuple[str, str]]:
    """The event log of the stages of the noisy release: messages, metadata, checks, versions."""
    with instance_of(settings) as instance:
        (only,) = instance.get_runs()
        for number, entry in enumerate(instance.all_logs(only.run_id)):
            key = str(entry.step_key)
            if NUMBERS.replace("-", "_") in key:
                yield f"event {key} {number}", f"{entry.level} {entry.user_message} {dg.serialize_value(entry)}"


def files(settings: Settings) -> Iterator[tuple[str, str]]:
    """Names, sizes and content of what was released."""
    root = settings.zones / "released"
    for path in sorted(root.rglob("*")):
        if path.is_file():
            name = f"file {path.relative_to(root)}"
            yield name, path.read_bytes().decode("latin-1")
            if path.suffix == ".parquet":
                yield f"size of {name}", str(path.stat().st_size)


def pages(settings: Settings) -> Iterator[tuple[str, str]]:
    """Every page of the portal that the release is on."""
    store = CatalogStore.open(settings.home / "catalog.sqlite")
    app = create_app(store, released=settings.zones / "released", ledger=ledger_place(settings.home))
    portal = TestClient(app)
    for place in ("", f"/datasets/{NUMBERS}", f"/datasets/{NUMBERS}/dossier", "/budget"):
        for language in ("ja", "en"):
            answer = portal.get(f"/{language}{place}")
            assert answer.status_code == 200, place
            yield f"page {language}{place}", f"{sorted(answer.headers.items())}\n{answer.text}"


def kept(settings: Settings) -> Iterator[tuple[str, str]]:
    """The records of the catalog, the ledger and the audit log."""
    for name in ("catalog", "ledger", "audit"):
        with contextlib.closing(sqlite3.connect(settings.home / f"{name}.sqlite")) as database:
            yield f"database {name}", "\n".join(database.iterdump())


_MOMENTS = (
    (re.compile(r"(sha256:)?\b[0-9a-f]{64}\b"), "<digest>"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "<run>"),
    (re.compile(r"\b[0-9a-f]{32}\b"), "<charge>"),
    (re.compile(r"[0-9A-Za-z+/]{86}=="), "<signature>"),
    (re.compile(r"\b\d{10}\.\d+\b|\b\d\d:\d\d:\d\d\b"), "<moment>"),
    (re.compile(r'(in |"duration_ms": |_ms": )\d+(\.\d+)?(ms|s\b)?'), "<time>"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)?"), "<moment>"),
)


def plain(text: str, settings: Settings) -> str:
    """Leave out what differs from run to run: moments, random names, digests (which are tested for themselves), folders."""
    text = text.replace(str(settings.home), "<home>")
    for pattern, name in _MOMENTS:
        text = pattern.sub(name, text)
    return text


def make(folder: Path) -> tuple[Seen, Seen]:
    homes = neighbors(folder)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(kind, "draw", same_answer)
        one, other = (released(settings) for settings in homes)
    return one, other


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> tuple[Seen, Seen]:
    return one_run(tmp_path_factory, "side-channels", make)[1]


def differences(seen: tuple[Seen, Seen]) -> list[str]:
    """Name what is there on one side only, or reads otherwise."""
    one, other = seen
    return sorted(name for name in {*one, *other} if one.get(name) != other.get(name))


def test_everything_visible_was_looked_at(seen: tuple[Seen, Seen]) -> None:
    for side in seen:
        kinds = {name.split()[0] for name in side}
        assert kinds >= {"printed", "log", "event", "file", "size", "page", "database"}
        assert NUMBERS in side["printed"]
        assert any("days-of-stays" in text for name, text in side.items() if name.startswith("page"))


def test_the_extreme_person_is_in_one_of_the_inputs_only(seen: tuple[Seen, Seen]) -> None:
    one, other = (side[INSIDE] for side in seen)
    assert one != other


def test_an_equal_answer_leaves_nothing_that_tells_the_neighbors_apart(seen: tuple[Seen, Seen]) -> None:
    assert differences(seen) == [INSIDE]


def test_no_plain_digest_of_a_landed_file_leaves(seen: tuple[Seen, Seen]) -> None:
    assert [side[PLAIN_DIGESTS] for side in seen] == ["[]", "[]"]


def test_who_knows_the_files_cannot_work_out_the_name_of_their_version(tmp_path: Path) -> None:
    # Equal policies, equal files, other keys: a digest of the files alone would be the same, and could be tried out.
    deployments = [tiny.reopened(tiny.write_deployment(tmp_path / name)) for name in ("one", "other")]
    for deployment in deployments:
        make_raw(deployment, "clinic")
    one, other = (deployment.zones.require(Stage.RAW, "clinic") for deployment in deployments)
    assert one.data_version != other.data_version
    assert one.facts["sources"] != other.facts["sources"]
    again = tiny.reopened(deployments[0].settings)
    assert make_raw(again, "clinic").is_reused
