"""Bad input, through the command line: a coded error, its exit code, nothing half-published, and a re-run that completes.

Each case damages one file of a good landing folder, runs, looks at what is left, mends the file and runs again. No case
is told apart by what a library says: the codes are the product's.
"""

import base64
import errno
import gzip
import json
import os
import resource
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest
from sqlalchemy.exc import OperationalError

from catalog.manifest import verify_manifest
from catalog.store import CatalogStore
from pipelines.demo.generate import ADMISSIONS, CONSENTS, DIAGNOSES, GENOTYPES, LABS, OPTOUTS, PATIENTS
from pipelines.deployment import open_deployment
from pipelines.settings import load_settings
from tests.support.signing import sign_home
from tests.support.whole_way import (
    CLINICAL,
    GENOME,
    Ended,
    copy_policies,
    half_written,
    make_landing,
    niji,
    niji_process,
    packages,
    published,
    written,
)

pytestmark = pytest.mark.slow

MARK = "CANARY7f3a"
MY_NUMBER = "123456789018"  # the example number of the reference vectors: nobody's, and its check digit is right
DATA, POLICY = 11, 10
Damage = Callable[[Path], None]


@dataclass(frozen=True)
class Case:
    """One damaged file: what is done to it, what the command says, which release it stops."""

    name: str
    file: str
    damage: Damage
    code: str
    stops: str = CLINICAL

    @property
    def goes_on(self) -> str:
        return GENOME if self.stops == CLINICAL else CLINICAL


def on_bytes(change: Callable[[bytes], bytes]) -> Damage:
    return lambda path: path.write_bytes(change(path.read_bytes())) and None


def on_lines(encoding: str, change: Callable[[list[str]], list[str]]) -> Damage:
    """Change the lines of a text file, each without its line break."""

    def damage(path: Path) -> None:
        lines = path.read_bytes().decode(encoding).splitlines()
        path.write_text("\n".join(change(lines)) + "\n", encoding, newline="")

    return damage


def without_column(position: int) -> Callable[[list[str]], list[str]]:
    return lambda lines: [",".join(c for n, c in enumerate(line.split(",")) if n != position) for line in lines]


def in_column(position: int, value: str) -> Callable[[list[str]], list[str]]:
    """Write a value into a column of the first row of data."""

    def change(lines: list[str]) -> list[str]:
        cells = lines[1].split(",")
        return [lines[0], ",".join([*cells[:position], value, *cells[position + 1 :]]), *lines[2:]]

    return change


def to_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


CASES = (
    Case("gzip cut off", LABS, on_bytes(lambda data: data[: len(data) // 2]), "data.truncated"),
    Case("wrong encoding", PATIENTS, on_bytes(lambda data: data.decode("cp932").encode()), "data.wrong-encoding"),
    Case("missing column", DIAGNOSES, on_lines("utf-8", without_column(3)), "data.missing-column"),
    Case(
        "extra column",
        DIAGNOSES,
        on_lines("utf-8", lambda lines: [f"{line},{MARK if n else 'memo'}" for n, line in enumerate(lines)]),
        "data.extra-column",
    ),
    Case("empty file", DIAGNOSES, on_bytes(lambda _: b""), "data.empty-file"),
    Case("header only", PATIENTS, on_lines("cp932", lambda lines: lines[:1]), "data.empty-table"),
    Case("My Number in a column", PATIENTS, on_lines("cp932", in_column(9, MY_NUMBER)), "data.my-number"),
    Case("a folder in its place", OPTOUTS, to_folder, "data.source-missing"),
    Case("register cut off", OPTOUTS, on_bytes(lambda data: data[: data.rindex(b",")]), "data.register-incomplete"),
    Case("text for a VCF", GENOTYPES, on_bytes(lambda _: gzip.compress(b"chrom,pos\n1,2\n")), "data.not-a-vcf", GENOME),
    Case("VCF cut off", GENOTYPES, on_bytes(lambda data: data[: len(data) // 2]), "data.truncated", GENOME),
    Case("no consents", CONSENTS, on_lines("utf-8", lambda lines: lines[:1]), "data.register-empty", GENOME),
)
THROUGH_A_PROCESS = ("gzip cut off",)
WITH_THE_OTHER_RELEASE = ("VCF cut off",)
ALONE = ("gzip cut off", "My Number in a column", "text for a VCF", "VCF cut off", "no consents")
"""Cases that are mended and run again one by one; the others share a home that is run again after all of them."""


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A landing folder in which nothing is wrong, and the reduced policies."""
    folder = tmp_path_factory.mktemp("good")
    make_landing(folder / "landing", canary=MARK)
    copy_policies(folder / "policies", releases=(CLINICAL, GENOME))
    return folder


@pytest.fixture
def home(good: Path, tmp_path: Path) -> Path:
    """A home of its own with a copy of the good landing folder, its policies signed."""
    shutil.copytree(good / "landing", tmp_path / "home" / "landing")
    sign_home(tmp_path / "home", policies=good / "policies")
    return tmp_path / "home"


def run(home: Path, good: Path, *selection: str, process: bool = False, policies: Path | None = None) -> Ended:
    command = niji_process if process else niji
    return command("run", *selection, "--home", home, "--policies", policies or good / "policies", "--json")


def refuse_well(ended: Ended, code: str, *, exit_code: int = DATA) -> None:
    """Hold an ending to the contract of errors: code, what, why, fix, where; no value, no traceback."""
    assert ended.code == exit_code, ended.err[-2000:]
    error = ended.error
    assert error["code"] == code
    assert all(error[part] for part in ("what", "why", "fix"))
    assert set(error["where"]) == {"file", "line", "column"}
    # What does not rest on the bad input may stand, and is told; nothing that failed a check is.
    assert all(one["catalog_id"] and not one["checks_failed"] for one in json.loads(ended.out or "[]"))
    assert "Traceback" not in ended.err
    assert MARK not in ended.text
    assert MY_NUMBER not in ended.text


def nothing_of(release: str, home: Path) -> None:
    assert release not in published(home)
    assert release not in packages(home)
    assert half_written(home) == []


def completes(ended: Ended, home: Path, *releases: str) -> None:
    assert ended.code == 0, ended.err[-2000:]
    assert published(home) >= set(releases)
    assert packages(home) >= set(releases)
    assert half_written(home) == []


def refused_then_mended(case: Case, good: Path, home: Path) -> None:
    selection = () if case.name in WITH_THE_OTHER_RELEASE else (case.stops,)
    landed = home / "landing" / case.file
    case.damage(landed)
    ended = run(home, good, *selection, process=case.name in THROUGH_A_PROCESS)
    refuse_well(ended, case.code)
    assert ended.error["where"]["file"].endswith(case.file) or case.code == "data.register-empty"
    nothing_of(case.stops, home)
    if not selection:
        assert published(home) == packages(home) == {case.goes_on}
    shutil.rmtree(landed) if landed.is_dir() else landed.unlink(missing_ok=True)
    shutil.copy2(good / "landing" / case.file, landed)


@pytest.mark.parametrize("case", [case for case in CASES if case.name in ALONE], ids=lambda case: case.name)
def test_a_damaged_file_is_refused_and_a_mended_one_completes(case: Case, good: Path, home: Path) -> None:
    refused_then_mended(case, good, home)
    completes(run(home, good, case.stops), home, case.stops)


def test_a_home_that_one_damaged_file_after_another_reached_completes(good: Path, home: Path) -> None:
    for case in CASES:
        if case.name not in ALONE:
            refused_then_mended(case, good, home)
    completes(run(home, good, CLINICAL), home, CLINICAL)


def test_a_my_number_in_free_text_stops_the_landing(good: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    make_landing(home / "landing", plant_my_number=True)
    sign_home(home, policies=good / "policies")
    ended = run(home, good, CLINICAL)
    refuse_well(ended, "data.my-number")
    assert "1234-5678-9018" not in ended.text
    assert "note" in str(ended.error["what"])
    nothing_of(CLINICAL, home)
    shutil.copy2(good / "landing" / ADMISSIONS, home / "landing" / ADMISSIONS)
    completes(run(home, good, CLINICAL), home, CLINICAL)


def test_a_release_policy_that_names_a_column_that_is_gone_is_refused_before_anything_runs(
    good: Path, home: Path, tmp_path: Path
) -> None:
    policies = copy_policies(tmp_path / "policies", releases=(CLINICAL, GENOME))
    file = policies / "datasets" / "admissions.yaml"
    whole = file.read_text("utf-8")
    gone = [line for line in whole.splitlines(keepends=True) if "{name: diagnosis_ja," not in line]
    file.write_text("".join(gone), "utf-8")
    ended = run(home, good, policies=policies)
    refuse_well(ended, "policy.unknown-column", exit_code=POLICY)
    assert str(ended.error["where"]["file"]).endswith(f"{CLINICAL}.yaml")
    assert int(ended.error["where"]["line"]) > 1
    assert published(home) == packages(home) == set()
    file.write_text(whole, "utf-8")
    completes(run(home, good, GENOME, policies=policies), home, GENOME)


def test_a_bad_value_is_set_aside_with_its_row_and_never_shown(good: Path, home: Path) -> None:
    """One bad cell is no bad file: its row goes to quarantine, what belongs to it is counted, and the rest goes on."""
    on_lines("cp932", in_column(4, MARK))(home / "landing" / PATIENTS)
    ended = run(home, good, CLINICAL)
    completes(ended, home, CLINICAL)
    assert MARK not in ended.text
    outside = (data for name, data in written(home) if not name.startswith(("landing/", "zones/restricted/")))
    assert not any(MARK.encode() in data for data in outside)


def full_file_size(_: pytest.MonkeyPatch, home: Path) -> None:
    """Let no file grow past 1.5 MiB, and land a note that needs more: the operating system itself refuses."""
    notes = home / "landing" / ADMISSIONS
    lines = notes.read_bytes().decode("utf-8-sig").splitlines()
    for n, line in enumerate(lines[:41]):
        if n and line.endswith('"'):
            lines[n] = line[:-1] + base64.b64encode(os.urandom(75_000)).decode() + '"'
    notes.write_text("\n".join(lines) + "\n", "utf-8-sig")
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3 << 19, limit[1]))


def full_package(monkeypatch: pytest.MonkeyPatch, _home: Path) -> None:
    """Let the disk fill up while the second half of a package's data is written."""

    def write_table(_table: object, path: Path, **_options: object) -> None:
        path.write_bytes(b"PAR1")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr("pipelines.stages.package.pq.write_table", write_table)


def full_manifest(monkeypatch: pytest.MonkeyPatch, _home: Path) -> None:
    """Let the disk fill up when all that lacks is the signature."""

    def write_manifest(folder: Path, *_: object, **__: object) -> None:
        (folder / "manifest.json").write_text("{")
        raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))

    monkeypatch.setattr("pipelines.stages.package.write_manifest", write_manifest)


def full_catalog(monkeypatch: pytest.MonkeyPatch, _home: Path) -> None:
    """Let SQLite find the disk full while the record is stored; its text quotes what it could not store."""

    def publish(*_: object) -> None:
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise OperationalError(f"INSERT {MARK}", {"body": MARK}, error) from error

    monkeypatch.setattr(CatalogStore, "publish", publish)


def full_event_log(monkeypatch: pytest.MonkeyPatch, _home: Path) -> None:
    """Let SQLite find the disk full where Dagster, not a stage, writes."""

    def create(*_: object, **__: object) -> None:
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = sqlite3.SQLITE_IOERR_SHMSIZE
        raise OperationalError(f"INSERT {MARK}", {"body": MARK}, error) from error

    monkeypatch.setattr(dg.DagsterInstance, "create_run_for_job", create)


@pytest.mark.parametrize(
    "fill", [full_file_size, full_package, full_manifest, full_catalog, full_event_log], ids=lambda fill: fill.__name__
)
def test_a_full_disk_leaves_nothing_half_published(
    fill: Callable[[pytest.MonkeyPatch, Path], None], good: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = CLINICAL if fill is full_file_size else GENOME
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        with monkeypatch.context() as patch:
            fill(patch, home)
            ended = run(home, good, release)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    refuse_well(ended, "storage.no-space")
    assert release not in published(home)
    assert half_written(home) == []
    if fill is full_catalog:  # the package came first: complete and signed, but nobody can find it yet
        folder = home / "zones" / "released" / release / "1.0.0"
        verify_manifest(folder, open_deployment(load_settings(home)).keys.signing_keys())
    else:
        assert release not in packages(home)
    completes(run(home, good, release), home, release)
