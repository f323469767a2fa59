"""Take a small demo hospital the whole way: landing folders, a reduced policy folder, the command line, what was left.

`niji` runs a command in this process; `niji_process` runs the real one. Nothing here judges: the tests do.
"""

import contextlib
import gzip
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from catalog.store import CatalogStore
from pipelines.cli.main import main
from pipelines.demo.generate import DEFAULT_SEED, LABS, PATIENTS, generate_hospital
from pipelines.deployment import open_deployment
from pipelines.settings import PACKAGED_POLICIES, load_settings
from pipelines.storage import Stage

REPOSITORY = Path(__file__).resolve().parent.parent.parent
NIJI = Path(sys.executable).with_name("niji")
CLINICAL, GENOME = "diagnoses-by-region", "cohort-frequencies"
"""The two releases of the reduced policies: one of the dataset `admissions`, one of the dataset `cohort`."""

_POLICY_FOLDERS = ("datasets", "hierarchies", "quality", "releases", "rulepacks")
_LAB_ROWS = 300
DEMO_PEOPLE = 600


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return self.out + self.err

    @property
    def error(self) -> dict[str, object]:
        """The error object of `--json`: the last line of standard error."""
        return json.loads(self.err.strip().splitlines()[-1])["error"]


def niji(*arguments: str | Path) -> Ended:
    """Run a command in this process, through the same `main` as the real one."""
    out, err = io.StringIO(), io.StringIO()
    argv = ["niji", *map(str, arguments)]
    with (
        mock.patch.object(sys, "argv", argv),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        pytest.raises(SystemExit) as done,
    ):
        main()
    return Ended(int(done.value.code or 0), out.getvalue(), err.getvalue())


def niji_process(*arguments: str | Path, before: Sequence[str] = ()) -> Ended:
    """Run the command as a process of its own; `before` wraps it (`bash -c …`)."""
    done = subprocess.run(
        [*before, str(NIJI), *map(str, arguments)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={name: value for name, value in os.environ.items() if not name.startswith("NIJI_")},
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def make_landing(landing: Path, *, canary: str | None = None, plant_my_number: bool = False) -> Path:
    """Make the landing files of a hospital of 120 people with 100 samples × 120 sites, and few laboratory results."""
    generate_hospital(
        landing,
        people=120,
        samples=100,
        sites=120,
        seed=DEFAULT_SEED,
        canary=canary,
        plant_my_number=plant_my_number,
    )
    path = landing / LABS
    lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    path.write_bytes(gzip.compress(b"".join(lines[: _LAB_ROWS + 1]), mtime=0))
    return landing


def copy_policies(folder: Path, *, releases: Sequence[str]) -> Path:
    """Copy the shipped policy folder with some of its releases."""
    for name in _POLICY_FOLDERS:
        (folder / name).mkdir(parents=True)
        for file in sorted((PACKAGED_POLICIES / name).iterdir()):
            if file.is_file() and (name != "releases" or file.stem in releases):
                shutil.copyfile(file, folder / name / file.name)
    return folder


def published(home: Path) -> set[str]:
    """Return the releases that a home's catalog shows."""
    path = home / "catalog.sqlite"
    if not path.exists():
        return set()
    store = CatalogStore.open(path)
    try:
        return {name for name in (CLINICAL, GENOME) if store.record(name) is not None}
    finally:
        store.close()


def packages(home: Path) -> set[str]:
    """Return the releases that have anything at all in the released zone."""
    return {path.parent.name for path in (home / "zones" / "released").glob("*/*")}


def half_written(home: Path) -> list[str]:
    """Return what looks like work that was not finished."""
    ends = (".part", ".partial", ".tmp")
    folders = (home / "zones", home / "outbox", home / "landing")
    found = (path for folder in folders for path in folder.rglob("*"))
    return [str(path.relative_to(home)) for path in found if path.name.startswith(".") or path.name.endswith(ends)]


def written(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Give every file below a folder: its name below it, and its bytes."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield str(path.relative_to(folder)), path.read_bytes()


def values_of(table: pa.Table) -> str:
    """Return every column name and value of a table as text."""
    return "\n".join([*table.column_names, *(str(column.to_pylist()) for column in table.columns)])


def plain_tables(folder: Path) -> Iterator[tuple[str, str]]:
    """Give the values of every plain Parquet file below a folder, with what its metadata says."""
    for path in sorted(folder.rglob("*.parquet")):
        file = pq.ParquetFile(path)
        yield f"{path.relative_to(folder)}", values_of(file.read()) + str(file.schema_arrow.metadata)


def stored_tables(home: Path, stage: Stage) -> Iterator[tuple[str, pa.Table]]:
    """Give the tables of a stage of the zones, opened with the deployment's own key."""
    deployment = open_deployment(load_settings(home))
    library = deployment.library
    for name in (*library.datasets, *library.releases):
        version = deployment.zones.current(stage, name)
        for table in version.tables if version else ():
            yield f"{name}/{table}", deployment.zones.arrow(version, table)


def patient_numbers(landing: Path) -> set[str]:
    """Return the numbers of all patients."""
    lines = (landing / PATIENTS).read_text("cp932").splitlines()[1:]
    return {line.split(",")[0] for line in lines} - {""}


def patient_names(landing: Path) -> set[str]:
    """Return the names of all patients, in kanji and in kana."""
    rows = [line.split(",") for line in (landing / PATIENTS).read_text("cp932").splitlines()[1:]]
    return {name for row in rows for name in row[1:3] if len(name) >= 4}


def make_marked_demo(landing: Path, *, canary: str) -> Path:
    """Make a demo hospital for `niji demo --people DEMO_PEOPLE`, with a mark in every identifying column.

    The generator spares numbers with a check digit and the postal code; they are marked here, on one patient's row. A
    row whose birth date is the mark comes on top: it goes to quarantine.
    """
    generate_hospital(
        landing, people=DEMO_PEOPLE, samples=DEMO_PEOPLE // 5, sites=400, seed=DEFAULT_SEED, canary=canary
    )
    path = landing / PATIENTS
    header, *lines = path.read_bytes().decode("cp932").split("\r\n")
    names = header.split(",")
    rows = [line.split(",") for line in lines if line]
    marked = next(row for row in rows if canary in row[names.index("name_kanji")])
    for name in ("postal_code", "insurer_no"):
        marked[names.index(name)] += canary
    unfit = [*marked]
    unfit[names.index("patient_no")] = canary
    unfit[names.index("birth_date")] = canary
    path.write_bytes("".join(f"{','.join(row)}\r\n" for row in [names, *rows, unfit]).encode("cp932"))
    return landing
