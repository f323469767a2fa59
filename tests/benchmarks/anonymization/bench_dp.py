"""Differential privacy: bounding beside group-bys without privacy, noise alone, the start of a command. CPU seconds, memory.

    python tests/benchmarks/anonymization/bench_dp.py [--people 1000000] [--rows 10000000] [--memory 1GB]

The made table: rows by person log-normal (median 6, some hundreds at most), a person mostly in one of 20 regions, 2 sexes,
10 years: 400 cells, K = 10. Each line is a fresh process; imports and opening the engine come before the clock. `rows` counts
rows by the three keys, `people` counts distinct people by them: the question that the bounded line answers with privacy.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
LINES = ("rows", "people", "bounded", "noise", "start")
KEYS = ("region", "sex", "year")
VALUES = {
    "region": [f"R{n:02d}" for n in range(20)],
    "sex": ["F", "M"],
    "year": [str(year) for year in range(2010, 2020)],
}
CELLS_PER_PERSON = 10
NOISE_CELLS = 1_000_000


def main() -> None:
    """Print one table, or, as a child, measure one line and print it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--memory", help="DuckDB's memory limit, such as 1GB; it spills beyond")
    parser.add_argument("--line", choices=LINES)
    parser.add_argument("--file", type=Path)
    options = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    if options.line is not None:
        print(json.dumps(measure(options.line, options.file, options.memory)))
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "visits.parquet"
        made = [
            sys.executable,
            "-c",
            f"import bench_dp; bench_dp.make({str(file)!r}, {options.people}, {options.rows})",
        ]
        subprocess.run(made, check=True, cwd=Path(__file__).parent)
        print(f"| {options.rows:,} rows, {options.people:,} people | CPU s | wall s | RSS MB | |")
        print("|---|---|---|---|---|")
        for line in LINES:
            command = [sys.executable, __file__, "--line", line, "--file", str(file)]
            command += ["--memory", options.memory] if options.memory else []
            run = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
            print(
                f"| {line} | {run['cpu']:.2f} | {run['wall']:.2f} | {run['rss']:.0f} | {run['said']} |",
                flush=True,
            )


def make(file: str, people: int, rows: int) -> None:
    """Write the made table, in groups of a million rows."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    chance = np.random.default_rng(1)
    shares = chance.lognormal(0, 1.0, people)
    names = pa.array([f"{number:032x}" for number in chance.integers(0, 2**63, people).astype(object) * (2**61) + 7])
    home, sex = chance.integers(0, 20, people), chance.integers(0, 2, people)
    shares = shares / shares.sum()
    schema = pa.schema([(name, pa.string()) for name in ("person", *KEYS)])
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        for start in range(0, rows, 1_000_000):
            count = min(1_000_000, rows - start)
            person = chance.choice(people, count, p=shares)
            region = np.where(chance.random(count) < 0.1, chance.integers(0, 20, count), home[person])
            places = {"region": region, "sex": sex[person], "year": chance.integers(0, 10, count)}
            columns = [pa.array(VALUES[key]).take(pa.array(places[key])) for key in KEYS]
            writer.write_table(pa.table([names.take(pa.array(person)), *columns], schema=schema))


def measure(line: str, file: Path, memory: str | None) -> dict[str, Any]:
    """Measure one line of the table."""
    work = {"noise": noise, "start": start}.get(line) or (lambda: on_file(line, file, memory))
    prepared = work()
    before, wall = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    said = prepared()
    after, ended = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    used = sum(
        late.ru_utime + late.ru_stime - early.ru_utime - early.ru_stime
        for early, late in ((before, after), (children, ended))
    )
    return {
        "cpu": used,
        "wall": time.perf_counter() - wall,
        "rss": max(after.ru_maxrss, ended.ru_maxrss) / 1024,
        "said": said,
    }


def on_file(line: str, file: Path, memory: str | None) -> Any:
    """Open the engine on the table, and return the work."""
    import ibis
    import pandas  # noqa: F401 - Ibis imports it at its first result

    from anonymization.dp.bounding import bounded_cells
    from anonymization.dp.plan import plan
    from tests.support.dp_methods import BOUNDING_KEY, Rows, method

    con = ibis.duckdb.connect()
    if memory:
        con.raw_sql(f"set memory_limit = '{memory}'")
    rows = con.read_parquet(file).rename({"__person": "person"})
    if line == "rows":
        return lambda: f"{len(rows.group_by(KEYS).agg(n=rows.count()).to_pyarrow())} cells"
    if line == "people":
        return lambda: f"{len(rows.group_by(KEYS).agg(n=rows['__person'].nunique()).to_pyarrow())} cells"
    asked = {
        "name": "visits",
        "title": {"ja": "受診", "en": "Visits"},
        "statistic": "people",
        "table": "visits",
        "by": [{"column": key, "values": VALUES[key], "source": "codebook"} for key in KEYS],
        "bounds": {"cells_per_person": CELLS_PER_PERSON, "rows_per_person_per_cell": 1, "source": "protocol"},
        "rho_share": "1",
    }
    planned = plan(method([asked]), policy_digest="sha256:00", snapshot_digest="sha256:11").queries[0]
    return lambda: f"{int(bounded_cells(Rows(rows), planned, key=BOUNDING_KEY)['people'].sum()):,} kept pairs"


def noise() -> Any:
    """Return the noise of a million cells, σ = 20.9."""
    from anonymization.dp.mechanism import draw

    draw([0], sigma=20.9, sensitivity=1.0, rho_micro=1_145)
    return lambda: (
        f"{len(draw([100] * NOISE_CELLS, sigma=20.9, sensitivity=1.0, rho_micro=1_145)):,} cells, goal 15 s CPU"
    )


def start() -> Any:
    """Return the start of a command that plans a release: the process, its imports, one scale, one ε."""
    program = (
        "from decimal import Decimal; from anonymization.dp.mechanism import epsilon_of, sigma_for;"
        "sigma_for(1.0, rho_micro=50000); epsilon_of(50000, delta=Decimal('0.00000001'))"
    )
    return lambda: (
        subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT) and "a plan, imports and all; goal 3 s"
    )


if __name__ == "__main__":
    main()
