"""Search and load beside one DuckDB GROUP BY of the same columns from the same Parquet file: CPU seconds and peak RSS.

    python tests/benchmarks/anonymization/bench_search.py [--rows 1000000] [--shared ../shared]

Each line is a fresh process; imports are done before the clock starts, and RSS is the peak of the whole process. CL-n is
the synthetic table of reference/anonymization.md section 4. Losses are the goldens of its section 5, so a line that
is fast and wrong is seen.
"""

import argparse
import csv
import gzip
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

COLUMNS = [
    "sex",
    "age",
    "race",
    "marital-status",
    "education",
    "native-country",
    "workclass",
    "occupation",
    "salary-class",
]
LIMITS = (0.0, 0.02, 0.05, 1.0)
SHARED = Path(__file__).resolve().parents[3].parent / "shared"


def main() -> None:
    """Print one table, or, as a child, measure one task and print it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--shared", type=Path, default=SHARED)
    parser.add_argument("--task", choices=["group-by", "anonymize"])
    parser.add_argument("--table", type=Path)
    parser.add_argument("--limit", type=float, default=0.0)
    options = parser.parse_args()
    if options.task is None:
        compare(options.shared, options.rows)
    elif options.task == "group-by":
        print(json.dumps(group_by(options.table)))
    else:
        print(json.dumps(anonymize(options.shared, options.table, options.limit)))


def compare(shared: Path, rows: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        tables = {"adult": Path(folder) / "adult.parquet", f"CL-{rows:,}": Path(folder) / "cl.parquet"}
        write_adult(shared, tables["adult"])
        write_chow_liu(shared, tables[f"CL-{rows:,}"], rows)
        print("| problem | Loss | checks | load CPU s | search CPU s | wall s | RSS MB | times GROUP BY |")
        print("|---|---|---|---|---|---|---|---|")
        for name, table in tables.items():
            plain = child("group-by", table, shared)
            print(f"| {name} GROUP BY | | | {plain['cpu']:.3f} | | {plain['wall']:.3f} | {plain['rss']:.0f} | 1 |")
            for limit in LIMITS:
                run = child("anonymize", table, shared, "--limit", str(limit))
                ratio = (run["load"] + run["search"]) / plain["cpu"]
                print(
                    f"| {name} {limit:.0%} | {run['loss']:.6f} | {run['checks']} | {run['load']:.3f} "
                    f"| {run['search']:.3f} | {run['wall']:.3f} | {run['rss']:.0f} | {ratio:.1f} |"
                )


def child(task: str, table: Path, shared: Path, *more: str) -> dict:
    return child_of(__file__, task, table, shared, *more)


def child_of(script: str, task: str, table: Path, shared: Path, *more: str) -> dict:
    """Measure one task of a benchmark in a process of its own."""
    command = [sys.executable, script, "--task", task, "--table", str(table), "--shared", str(shared), *more]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def write_adult(shared: Path, path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with gzip.open(shared / "data" / "clinical-tabular" / "adult" / "adult.csv.gz", "rt", newline="") as lines:
        rows = list(csv.reader(lines, delimiter=";"))
    pq.write_table(pa.table({name: [row[i] for row in rows[1:]] for i, name in enumerate(rows[0])}), path)


def write_chow_liu(shared: Path, path: Path, rows: int) -> None:
    generator = shared / "tools" / "generate_cl_adult.py"
    subprocess.run([sys.executable, str(generator), "--rows", str(rows), "--output", str(path)], check=True)


def quasi_identifiers(shared: Path) -> list:
    """Return the nine quasi-identifiers with their hierarchies."""
    from anonymization.hierarchy import read_arx_layout
    from anonymization.quasi import QuasiIdentifier

    folder = shared / "data" / "clinical-tabular" / "adult"
    return [
        QuasiIdentifier(column, read_arx_layout(column, (folder / f"adult_hierarchy_{column}.csv").read_text("utf-8")))
        for column in COLUMNS
    ]


def group_by(table: Path) -> dict:
    import duckdb

    connection = duckdb.connect()
    keys = ", ".join(f'"{column}"' for column in COLUMNS)
    cpu, wall = time.process_time(), time.perf_counter()
    connection.execute(
        f"SELECT COUNT(*) FROM (SELECT {keys}, COUNT(*) FROM read_parquet(?) GROUP BY {keys})", [str(table)]
    ).fetchall()
    return {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall, "rss": peak_megabytes()}


def anonymize(shared: Path, table: Path, limit: float) -> dict:
    import ibis
    import pyarrow.compute  # noqa: F401 - imports are not part of the measurement

    from anonymization.criteria.k_anonymity import KAnonymity
    from anonymization.histogram import build_histogram
    from anonymization.search.optimal import search_all
    from anonymization.search.problem import make_problem

    quasi = quasi_identifiers(shared)
    rows = ibis.duckdb.connect().read_parquet(str(table))
    wall, start = time.perf_counter(), time.process_time()
    histogram = build_histogram(rows, quasi_identifiers=quasi)
    loaded = time.process_time()
    found = search_all(make_problem(histogram, criteria=(KAnonymity(5),), suppression_limit=limit))
    done = time.process_time()
    if found is None:
        msg = "the top of the lattice must be valid here"
        raise RuntimeError(msg)
    return {
        "loss": found.loss,
        "checks": len(found.checks),
        "load": loaded - start,
        "search": done - loaded,
        "wall": time.perf_counter() - wall,
        "rss": peak_megabytes(),
    }


def peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
    main()
