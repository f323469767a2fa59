"""The zones: a version appears whole or not at all, the last one stays readable, broken ones are refused by name."""

import errno
import json
import os
from pathlib import Path

import ibis
import pyarrow as pa
import pytest

from anonymization.tables import GenotypeTable
from catalog.secret import Secret
from pipelines.encryption import Vault
from pipelines.engines import open_engine, stream_rows
from pipelines.settings import PACKAGED_POLICIES
from pipelines.storage import Stage, Version, Zones
from policies.errors import DataError, IntegrityError
from policies.load import load_library

ONE = pa.table({"n": pa.array([1, 2, 3], pa.int64())})
TWO = pa.table({"n": pa.array([4], pa.int64())})


@pytest.fixture
def zones(tmp_path: Path) -> Zones:
    return Zones(tmp_path / "zones", Vault(Secret(b"k" * 32)))


def put(zones: Zones, rows: pa.Table = ONE, *, inputs: str = "first", stage: Stage = Stage.RAW) -> Version:
    with zones.write(stage, "clinic") as draft:
        count = draft.write_table("people", rows)
        draft.finish(inputs=inputs, data_version=f"v-{inputs}", facts={"rows": {"people": count}})
    return zones.require(stage, "clinic")


def names(place: Path) -> list[str]:
    return sorted(path.name for path in place.iterdir())


def parts(zones: Zones) -> list[Path]:
    return [path for path in zones.root.rglob("*") if path.name.endswith(".part") or path.name.startswith(".")]


@pytest.mark.parametrize(
    ("stage", "zone"),
    [
        (Stage.RAW, "restricted"),
        (Stage.CLASSIFIED, "restricted"),
        (Stage.CONSENTED, "restricted"),
        (Stage.PSEUDONYMIZED, "pseudonymized"),
        (Stage.PROTECTED, "pseudonymized"),
        (Stage.VALIDATED, "pseudonymized"),
    ],
)
def test_each_stage_lies_in_its_zone(zones: Zones, stage: Stage, zone: str) -> None:
    version = put(zones, stage=stage)
    assert version.folder.parent == zones.root / zone / stage.value / "clinic"
    # Nobody but the owner may list it.
    assert {version.folder.stat().st_mode & 0o077, version.folder.parent.stat().st_mode & 0o077} == {0}


def test_version_says_what_it_was_made_from(zones: Zones) -> None:
    version = put(zones)
    assert (version.inputs, version.data_version, version.facts) == ("first", "v-first", {"rows": {"people": 3}})
    assert version.tables == ("people",)
    assert zones.arrow(version, "people") == ONE
    assert zones.head(version, "people").num_rows == 0
    engine = ibis.duckdb.connect()
    assert zones.rows(version, "people", engine=engine).n.sum().execute() == 6


def test_what_was_never_made_is_none_or_refused(zones: Zones) -> None:
    assert zones.current(Stage.RAW, "clinic") is None
    with pytest.raises(DataError) as refused:
        zones.require(Stage.RAW, "clinic")
    assert refused.value.code == "storage.not-made"
    assert "niji run clinic" in refused.value.fix


def test_new_version_replaces_the_old_one_and_keeps_one_for_readers(zones: Zones) -> None:
    first = put(zones)
    second = put(zones, TWO, inputs="second")
    assert zones.require(Stage.RAW, "clinic") == second
    assert zones.arrow(second, "people") == TWO
    # Whoever was reading the first one still can.
    assert zones.arrow(first, "people") == ONE
    third = put(zones, inputs="third")
    assert names(third.folder.parent) == sorted(["CURRENT", second.folder.name, third.folder.name])
    assert parts(zones) == []


def test_unfinished_write_leaves_no_trace(zones: Zones) -> None:
    first = put(zones)
    with zones.write(Stage.RAW, "clinic") as draft:
        draft.write_table("people", TWO)
    assert zones.require(Stage.RAW, "clinic") == first
    assert names(first.folder.parent) == sorted(["CURRENT", first.folder.name])


@pytest.mark.parametrize("moment", ["in the middle of a table", "after a table", "after the end"])
def test_failed_write_leaves_the_old_version(zones: Zones, moment: str) -> None:
    first = put(zones)

    def batches():
        yield from TWO.to_batches()
        if moment == "in the middle of a table":
            raise ValueError("from the body")

    def attempt() -> None:
        with zones.write(Stage.RAW, "clinic") as draft:
            draft.write_batches("people", TWO.schema, batches())
            if moment == "after the end":
                draft.finish(inputs="second", data_version="v", facts={})
            raise ValueError("from the body")

    with pytest.raises(ValueError, match="from the body"):
        attempt()
    assert zones.require(Stage.RAW, "clinic") == first
    assert zones.arrow(first, "people") == ONE
    assert names(first.folder.parent) == sorted(["CURRENT", first.folder.name])


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, "storage.no-space"),
        (errno.EDQUOT, "storage.no-space"),
        (errno.EFBIG, "storage.no-space"),
        (errno.EACCES, "storage.cannot-write"),
        (errno.EIO, "storage.cannot-write"),
    ],
)
def test_refusing_disk_is_a_coded_error(zones: Zones, number: int, code: str) -> None:
    first = put(zones)
    with pytest.raises(DataError) as refused, zones.write(Stage.RAW, "clinic"):
        raise OSError(number, "the text of the system", "name-of-a-file")
    assert refused.value.code == code
    assert "name-of-a-file" not in str(refused.value)
    assert zones.require(Stage.RAW, "clinic") == first
    assert parts(zones) == []


def test_crash_between_table_and_pointer_leaves_the_old_version(zones: Zones, monkeypatch: pytest.MonkeyPatch) -> None:
    first = put(zones)

    def crash(self: Path, target: Path) -> Path:
        if Path(target).name == "CURRENT":
            raise OSError(errno.EIO, "crash")
        os.replace(self, target)  # noqa: PTH105 - Path.replace is what is replaced here
        return Path(target)

    monkeypatch.setattr(Path, "replace", crash)
    with pytest.raises(DataError):
        put(zones, TWO, inputs="second")
    monkeypatch.undo()
    assert zones.require(Stage.RAW, "clinic") == first
    second = put(zones, TWO, inputs="second")
    assert zones.require(Stage.RAW, "clinic") == second
    # The version that never became current is gone with the next one.
    assert len([path for path in second.folder.parent.iterdir() if path.is_dir()]) == 2


@pytest.mark.parametrize("harm", ["gone", "no json", "no key", "pointer to nothing"])
def test_broken_version_is_a_coded_refusal(zones: Zones, harm: str) -> None:
    version = put(zones)
    meta = version.folder / "stage.json"
    if harm == "gone":
        meta.unlink()
    elif harm == "no json":
        meta.write_text("{")
    elif harm == "no key":
        meta.write_text(json.dumps({"inputs": "first"}))
    else:
        (version.folder.parent / "CURRENT").write_text("0123456789abcdef")
    with pytest.raises(IntegrityError) as refused:
        zones.current(Stage.RAW, "clinic")
    assert refused.value.code == "storage.broken-version"
    assert refused.value.__suppress_context__


def test_note_is_kept_beside_its_version_only(zones: Zones) -> None:
    first = put(zones)
    assert zones.read_note(first, "quality") is None
    zones.note(first, "quality", {"checks": []})
    zones.note(first, "quality", {"checks": [{"name": "件数"}]})
    assert zones.read_note(first, "quality") == {"checks": [{"name": "件数"}]}
    assert zones.read_note(put(zones, TWO, inputs="second"), "quality") is None
    assert parts(zones) == []


def test_genotypes_come_back_with_their_samples_in_order(zones: Zones) -> None:
    dataset = load_library(PACKAGED_POLICIES).dataset("cohort")
    policy = dataset.table("genotypes")
    assert policy is not None
    sites = pa.table({"chrom": ["1", "2"], "gt": pa.array([b"\x00\x01\xff\x00", b"\x01\x01\x00\x02"], pa.binary(4))})
    with zones.write(Stage.RAW, "cohort") as draft:
        assert draft.write_stage_table("genotypes", GenotypeTable(policy, sites, ("S9", "S1"))) == 2
        draft.finish(inputs="a", data_version="b", facts={})
    version = zones.require(Stage.RAW, "cohort")
    assert version.tables == ("genotypes",)
    found = zones.tables(version, dataset, engine=ibis.duckdb.connect())["genotypes"]
    assert isinstance(found, GenotypeTable)
    assert (found.sites, found.samples) == (sites, ("S9", "S1"))
    assert not [path for path in version.folder.iterdir() if b"S9" in path.read_bytes()]


def test_zones_do_not_print_the_key(zones: Zones) -> None:
    assert repr(zones) == f"Zones({str(zones.root)!r})"


def test_table_several_times_larger_than_the_memory_limit_passes_through(zones: Zones, tmp_path: Path) -> None:
    rows = 200_000
    engine = open_engine(tmp_path / "spill", memory_limit="64MB")
    engine.con.execute("SET threads = 1")
    # 200 MB of wide rows that the engine makes itself; they are never a table in Python.
    engine.con.execute(
        f"CREATE VIEW wide AS SELECT range AS n, repeat(md5(range::VARCHAR), 32) AS text FROM range({rows})"
    )
    before, most = pa.total_allocated_bytes(), 0

    def watched():
        nonlocal most
        for piece in stream_rows(engine.table("wide"), rows=2_000):
            most = max(most, pa.total_allocated_bytes() - before)
            yield from piece.to_batches()

    with zones.write(Stage.RAW, "clinic") as draft:
        written = draft.write_batches("people", engine.table("wide").schema().to_pyarrow(), watched())
        draft.finish(inputs="first", data_version="v", facts={})
    assert written == rows
    assert most < 30_000_000
    stored = zones.rows(zones.require(Stage.RAW, "clinic"), "people", engine=ibis.duckdb.connect())
    assert stored.count().execute() == rows


def test_stored_file_does_not_depend_on_how_the_engine_cuts_its_results(zones: Zones) -> None:
    source = pa.table({"n": pa.array(range(10_001), pa.int64())})
    whole = list(stream_rows(ibis.memtable(source), rows=4_000))
    assert [piece.num_rows for piece in whole] == [4_000, 4_000, 2_001]
    assert pa.concat_tables(whole).equals(source)
    exact = list(stream_rows(ibis.memtable(source).filter(ibis._.n < 8_000), rows=4_000))
    assert [piece.num_rows for piece in exact] == [4_000, 4_000]
    assert list(stream_rows(ibis.memtable(source.slice(0, 0)))) == []


def test_a_table_without_rows_is_stored_with_its_columns(zones: Zones) -> None:
    with zones.write(Stage.RAW, "clinic") as draft:
        assert draft.write_table("people", ibis.memtable(ONE).filter(ibis._.n > 3)) == 0
        draft.finish(inputs="first", data_version="v", facts={})
    assert zones.arrow(zones.require(Stage.RAW, "clinic"), "people") == ONE.slice(0, 0)


def test_engine_that_fails_in_the_middle_leaves_the_old_version(zones: Zones, tmp_path: Path) -> None:
    first = put(zones)
    engine = open_engine(tmp_path / "spill", memory_limit="100MB")
    # The last row cannot be read as a number, after pieces were written already.
    engine.con.execute("CREATE VIEW bad AS SELECT CAST(IF(range = 299999, 'x', '1') AS BIGINT) AS n FROM range(300000)")

    def attempt() -> None:
        with zones.write(Stage.RAW, "clinic") as draft:
            draft.write_table("people", engine.table("bad"))
            draft.finish(inputs="second", data_version="v", facts={})

    with pytest.raises(DataError) as refused:
        attempt()
    assert refused.value.code == "engine.failed"
    assert "'x'" not in str(refused.value)
    assert zones.require(Stage.RAW, "clinic") == first
    assert names(first.folder.parent) == sorted(["CURRENT", first.folder.name])
