"""Search and load beside one DuckDB GROUP BY of the same columns from the same Parquet file: CPU seconds and peak RSS.

    python tests/benchmarks/anonymization/bench_search.py [--rows 1000000] [--part-rows N] [--limits 0 0.02] [--repeat 3]

Every measurement is a fresh process; imports are done and the engine is open before the clock starts, and RSS is the peak of
the whole process. GROUP BY and search alternate, and each figure is the least of its repetitions: what others do on
the machine can only add to it. CL-n is the synthetic table of reference/anonymization.md section 4. Losses are the goldens of
its section 5, so a line that is fast and wrong is seen. With --part-rows the table lies in several files.
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
    parser.add_argument("--part-rows", type=int)
    parser.add_argument("--limits", type=float, nargs="+", default=LIMITS)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--shared", type=Path, default=SHARED)
    parser.add_argument("--task", choices=["group-by", "anonymize"])
    parser.add_argument("--table", type=Path)
    parser.add_argument("--limit", type=float, default=0.0)
    options = parser.parse_args()
    if options.task is None:
        compare(options)
    elif options.task == "group-by":
        print(json.dumps(group_by(options.table)))
    else:
        print(json.dumps(anonymize(options.shared, options.table, options.limit)))


def compare(options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as folder:
        tables = {"adult": Path(folder) / "adult.parquet", f"CL-{options.rows:,}": Path(folder) / "cl"}
        write_adult(options.shared, tables["adult"])
        tables[f"CL-{options.rows:,}"] = write_chow_liu(options, tables[f"CL-{options.rows:,}"])
        print("| problem | Loss | checks | load CPU s | search CPU s | wall s | RSS MB | times GROUP BY |")
        print("|---|---|---|---|---|---|---|---|")
        for name, table in tables.items():
            compare_table(name, table, options)


def compare_table(name: str, table: Path, options: argparse.Namespace) -> None:
    plain: list[dict] = []
    runs: dict[float, list[dict]] = {limit: [] for limit in options.limits}
    for _ in range(options.repeat):
        for limit in options.limits:
            plain.append(child("group-by", table, options.shared))
            runs[limit].append(child("anonymize", table, options.shared, "--limit", str(limit)))
    least = {key: min(run[key] for run in plain) for key in ("cpu", "wall", "rss")}
    print(f"| {name} GROUP BY | | | {least['cpu']:.3f} | | {least['wall']:.3f} | {least['rss']:.0f} | 1 |")
    for limit, of_limit in runs.items():
        run = {key: min(each[key] for each in of_limit) for key in of_limit[0]}
        ratio = min(each["load"] + each["search"] for each in of_limit) / least["cpu"]
        print(
            f"| {name} {limit:.0%} | {run['loss']:.6f} | {run['checks']} | {run['load']:.3f} "
            f"| {run['search']:.3f} | {run['wall']:.3f} | {run['rss']:.0f} | {ratio:.1f} |",
            flush=True,
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


def write_chow_liu(options: argparse.Namespace, path: Path) -> Path:
    """Return what DuckDB reads: one file, or the pattern of several."""
    generator = options.shared / "tools" / "generate_cl_adult.py"
    parts = ["--part-rows", str(options.part_rows)] if options.part_rows else []
    subprocess.run(
        [sys.executable, str(generator), "--rows", str(options.rows), "--output", str(path), *parts], check=True
    )
    return path / "*.parquet" if parts else path


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
    import ibis.backends.duckdb.converter  # it imports pandas
    import pyarrow.compute  # noqa: F401 - imports are not part of the measurement

    from anonymization.criteria.k_anonymity import KAnonymity
    from anonymization.histogram import build_histogram
    from anonymization.search.optimal import search_all
    from anonymization.search.problem import make_problem

    quasi = quasi_identifiers(shared)
    rows = ibis.duckdb.connect(memory_limit="6GB").read_parquet(str(table))
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
