"""Two engines, one release: Spark gives the histogram, the tables and the bounded cells of DuckDB, byte for byte."""

import datetime as dt
import os
import shutil
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from anonymization.dp.bounding import bounded_cells
from anonymization.generalize import generalize_table
from anonymization.hierarchy import Hierarchy
from anonymization.histogram import Histogram, as_text, build_histogram
from anonymization.quasi import QuasiIdentifier
from anonymization.recoding.local import recode_locally
from pipelines.cli.anonymize.engine import EngineName, require_engine
from pipelines.cli.main import app
from pipelines.engines import stream_rows
from pipelines.number_text import text_of_number
from policies.errors import UsageError
from tests.support.dp_methods import BOUNDING_KEY, Rows, query, visits
from tests.support.dp_methods import planned as plan_of

MOMENT = dt.datetime(2024, 1, 1, 0, 0, 0, 500_000)  # noqa: DTZ001 - a moment without a zone, as tables hold them


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One Spark for all tests of this file: it takes five seconds to start."""
    pytest.importorskip("pyspark", reason="Spark is not installed: make spark")
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.skip("Spark needs a Java runtime, and this machine has none")
    from pipelines.spark import open_spark

    quick = {
        "spark.master": "local[1]",
        "spark.sql.shuffle.partitions": "1",
        "spark.sql.codegen.wholeStage": "false",
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    }
    engine = open_spark(tmp_path_factory.mktemp("spill"), memory_limit="1GB", settings=quick)
    yield engine
    engine.close()


def table(number: int = 400) -> pa.Table:
    """Invented visits with every type that may differ between engines, missing values and persons of several rows."""
    chance = np.random.default_rng(5)

    def holes(values: list[Any], share: float = 0.05) -> list[Any]:
        return [None if hole else value for value, hole in zip(values, chance.random(number) < share, strict=True)]

    days = [dt.date(1960, 1, 1) + dt.timedelta(int(day)) for day in chance.integers(0, 20, number)]
    doses = [(0.1, 2.0, 1.5e-7, 1e20, 3.25)[i] for i in chance.integers(0, 5, number)]
    return pa.table(
        {
            "patient": pa.array([f"p{i}" for i in chance.integers(0, 250, number)]),
            "sex": pa.array(holes([("女", "男", "F'\"\\")[i] for i in chance.integers(0, 3, number)])),
            "dose": pa.array(holes(doses), pa.float64()),
            "fee": pa.array(holes([Decimal(int(n)) / 4 for n in chance.integers(0, 4, number)]), pa.decimal128(9, 2)),
            "born": pa.array(holes(days), pa.date32()),
            "smokes": pa.array(holes([bool(n) for n in chance.integers(0, 2, number)])),
            "disease": pa.array(holes([f"d{n}" for n in chance.integers(0, 6, number)])),
            "seen": pa.array(holes([MOMENT + dt.timedelta(seconds=int(n)) for n in chance.integers(0, 3, number)]), pa.timestamp("us")),
        }
    )  # fmt: skip


def flat(name: str, leaves: list[str], groups: list[str]) -> Hierarchy:
    order = sorted(range(len(leaves)), key=leaves.__getitem__)
    labels = tuple(leaves[i] for i in order)
    return Hierarchy(name, labels, (labels, tuple(groups[i] for i in order), ("*",) * len(leaves)))


def quasi() -> list[QuasiIdentifier]:
    born = [(dt.date(1960, 1, 1) + dt.timedelta(day)).isoformat() for day in range(20)]
    return [
        QuasiIdentifier("sex", flat("sex", ["女", "男", "F'\"\\"], ["known", "known", "other"])),
        QuasiIdentifier("dose", flat("dose", ["0.1", "2", "1.5e-07", "1e+20", "3.25"], ["low", "high", "low", "high", "high"])),
        QuasiIdentifier("fee", flat("fee", ["0", "0.25", "0.50", "0.75"], ["<½", "<½", "≥½", "≥½"])),
        QuasiIdentifier("born", flat("born", born, [day[:9] for day in born])),
        QuasiIdentifier("smokes", flat("smokes", ["false", "true"], ["any", "any"])),
    ]  # fmt: skip


def on(engine: Any, rows: pa.Table, name: str) -> ibis.Table:
    (engine.con if isinstance(engine, ibis.backends.duckdb.Backend) else engine).register(name, rows)
    return engine.table(name)


def as_file(rows: ibis.Table, path: Path) -> bytes:
    ordered = rows.order_by(rows.columns)
    with pq.ParquetWriter(path, ordered.schema().to_pyarrow()) as writer:
        for piece in stream_rows(ordered, spool=path.with_suffix(".spool")):
            writer.write_table(piece)
    return path.read_bytes()


def contents(histogram: Histogram) -> dict[str, Any]:
    counts = histogram.sensitive["disease"]
    shared = histogram.shared
    assert shared is not None
    return {
        "codes": [codes.tolist() for codes in histogram.codes],
        "rows": histogram.rows.tolist(),
        "loyal": histogram.loyal.tolist(),
        # Persons are numbered as they come: only who is with whom says something.
        "shared": sorted(
            tuple(shared.tuples[shared.things == thing].tolist()) for thing in np.unique(shared.things)
        ),
        "disease": (counts.groups.tolist(), counts.values.tolist(), counts.rows.tolist(), counts.labels),
        "whole": (histogram.records, histogram.people, histogram.unseen_records),
    }  # fmt: skip


def test_both_engines_give_one_histogram_and_one_release(spark: Any, tmp_path: Path) -> None:
    source = table()
    both = {"duckdb": on(ibis.duckdb.connect(), source, "visits"), "spark": on(spark, source, "visits")}
    found = {
        name: contents(build_histogram(rows, quasi_identifiers=quasi(), sensitive=["disease"], person="patient"))
        for name, rows in both.items()
    }
    assert found["duckdb"] == found["spark"]

    for recode, settings in (
        (generalize_table, {"suppression_limit": 0.1, "person": "patient"}),
        (recode_locally, {"suppression_limit": 0.0, "person": None}),
    ):
        files = {}
        for name, rows in both.items():
            result = recode(rows, quasi_identifiers=quasi(), k=5, sensitive=[], **settings)
            files[name] = as_file(result.rows.drop("patient"), tmp_path / f"{name}.parquet")
        assert files["duckdb"] == files["spark"], recode.__name__
    # The release is one: people are hidden, and not by emptying it.
    published = pq.read_table(tmp_path / "spark.parquet")
    assert published.num_rows == source.num_rows
    assert published.schema.field("seen").type == pa.timestamp("us")


def test_spark_writes_numbers_and_knows_missing_values_as_duckdb_does(spark: Any) -> None:
    edges = [2.0**-44, 2.0**63, -(2.0**63), 1e15, 1e16, 1e-4, 1e-5, 9007199254740993.0, -0.0, 5e-324, float("inf")]
    chance = np.random.default_rng(11).integers(0, 2**63, 500, dtype=np.int64).view(np.float64)
    source = pa.table({"n": pa.array([*edges, float("nan"), None, *chance[np.isfinite(chance)]], pa.float64())})

    def told(engine: Any) -> list[Any]:
        rows = on(engine, source, "numbers")
        said = rows.select("n", cast=rows.n.cast("string"), text=as_text(rows.n), missing=rows.n.isnull())
        return sorted(map(str, said.drop("n").to_pyarrow().to_pylist()))

    assert told(spark) == told(ibis.duckdb.connect())
    assert text_of_number(1.5e-7) == "1.5e-07"


@pytest.mark.parametrize("statistic", ["people", "mean"])
@pytest.mark.parametrize("partitions", [1, 2, 7])
def test_bounded_cells_are_the_same_on_spark_for_any_partitions(spark: Any, statistic: str, partitions: int) -> None:
    chance = np.random.default_rng(7)
    rows = [
        (
            f"p{chance.integers(9)}",
            ("north", "south", None)[chance.integers(3)],
            int(chance.choice([2023, 2024])),
            value,
        )
        for value in [None, *(chance.integers(30, 150, 300) / 8).tolist()]
    ]
    asked = plan_of([query(statistic, by=("region", "year"))]).queries[0]
    expected = bounded_cells(visits(rows), asked, key=BOUNDING_KEY)
    # Other rows in other partitions: round robin after a shuffle.
    arrow = visits(rows).rows.to_pyarrow().take(chance.permutation(len(rows)))
    frame = spark._session.createDataFrame(arrow).repartition(partitions)
    assert frame.rdd.getNumPartitions() == partitions
    frame.createOrReplaceTempView("parted")
    got = bounded_cells(Rows(spark.table("parted")), asked, key=BOUNDING_KEY)
    assert {part: cells.tolist() for part, cells in got.items()} == {
        part: cells.tolist() for part, cells in expected.items()
    }


def test_types_that_spark_would_change_are_refused(spark: Any, tmp_path: Path) -> None:
    pq.write_table(pa.table({"fine": pa.array([1], pa.int32()), "weight": pa.array([1.5], pa.float32())}), tmp_path / "t.parquet")  # fmt: skip
    with pytest.raises(UsageError, match="'weight'") as refused:
        spark.parquet(tmp_path / "t.parquet", row_id="__row")
    assert refused.value.code == "engine.spark-type"
    pq.write_table(pa.table({"fine": pa.array([7, 8], pa.int32())}), tmp_path / "u.parquet")
    read = spark.parquet(tmp_path / "u.parquet", row_id="__row").to_pyarrow()
    assert read.to_pydict() == {"fine": [7, 8], "__row": [0, 1]}


def test_the_command_writes_the_same_file_with_either_engine(spark: Any, tmp_path: Path) -> None:
    source = table()
    pq.write_table(source, tmp_path / "visits.parquet")
    (tmp_path / "hierarchies").mkdir()
    for one in quasi():
        rows = zip(*one.hierarchy.labels, strict=True)
        text = "\n".join(";".join(f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in row) for row in rows)
        (tmp_path / "hierarchies" / f"{one.column}.csv").write_text(text + "\n", encoding="utf-8")
    for name in EngineName:
        output = tmp_path / f"{name.value}.csv"
        arguments = ["anonymize", tmp_path / "visits.parquet", "--output", output, "--k", "5", "--person", "patient"]
        arguments += ["--quasi", "sex,dose,fee,born,smokes", "--hierarchies", tmp_path / "hierarchies"]
        arguments += ["--keep", "seen,disease", "--suppression-limit", "0.1", "--engine", name.value]
        ended = CliRunner().invoke(app, [str(one) for one in arguments])
        assert ended.exit_code == 0, ended.output
    assert (tmp_path / "spark.csv").read_bytes() == (tmp_path / "duckdb.csv").read_bytes()
    # Nothing of Spark's is left beside the output.
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_an_engine_that_is_not_there_is_refused_before_anything_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    require_engine(EngineName.DUCKDB)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError) as refused:
        require_engine(EngineName.SPARK)
    assert refused.value.code == "engine.spark-missing"
    assert "make spark" in refused.value.fix
