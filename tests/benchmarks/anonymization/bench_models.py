"""The eight l-diversity and t-closeness problems of the reference: nodes checked and CPU seconds, beside ARX's checks.

    python tests/benchmarks/anonymization/bench_models.py [--shared ../shared]

Adult, k = 5, occupation sensitive, eight quasi-identifiers (4,320 nodes). Each line is a fresh process; imports are done before
the clock starts. Losses and ARX's figures are those of reference/anonymization.md section 5.2, so a line that is fast
and wrong is seen. anjana and pycanon are no dependencies: they are measured in the interpreter that --others names, an
environment of its own where both are installed, in turns with ours.
"""

import argparse
import csv
import gzip
import json
import subprocess
import sys
import time
from pathlib import Path

QUASI = ["sex", "age", "race", "marital-status", "education", "native-country", "workclass", "salary-class"]
SECRET = "occupation"
SHARED = Path(__file__).resolve().parents[3].parent / "shared"
PROBLEMS = [
    # (model, limit, loss, checks of ARX, CPU s of ARX cold / warm)
    ("distinct l=3", 0.0, 0.542211, 122, "0.23 / 0.058"),
    ("distinct l=3", 0.02, 0.246912, 511, "1.05 / 0.62"),
    ("recursive (4,3)", 0.0, 0.542211, 113, "0.20 / 0.047"),
    ("recursive (4,3)", 0.02, 0.255453, 584, "1.26 / 0.55"),
    ("t=0.2 equal", 0.0, 0.918395, 26, "0.15 / 0.027"),
    ("t=0.2 equal", 0.02, 0.815003, 2120, "2.06 / 1.08"),
    ("t=0.2 hierarchical", 0.0, 0.759176, 33, "0.19 / 0.035"),
    ("t=0.2 hierarchical", 0.02, 0.735140, 2117, "2.34 / 1.42"),
]


def main() -> None:
    """Print one table, or, as a child, measure one problem and print it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=SHARED)
    parser.add_argument("--problem", type=int)
    parser.add_argument("--other", choices=["anjana", "pycanon", "ours"])
    parser.add_argument("--others", type=Path, help="The Python of an environment that has anjana and pycanon.")
    options = parser.parse_args()
    if options.problem is not None:
        print(json.dumps(solve(options.shared, options.problem)))
    elif options.other is not None:
        tasks = {"anjana": with_anjana, "pycanon": with_pycanon, "ours": with_ours}
        print(json.dumps(tasks[options.other](options.shared)))
    else:
        compare(options.shared)
        compare_others(options.shared, options.others)


def compare(shared: Path) -> None:
    print("| model | limit | Loss | checks | ARX checks | load CPU s | search CPU s | ARX CPU s cold / warm |")
    print("|---|---|---|---|---|---|---|---|")
    for number, (model, limit, loss, arx_checks, arx_cpu) in enumerate(PROBLEMS):
        run = child(shared, "--problem", str(number))
        if abs(run["loss"] - loss) > 5e-7:
            sys.exit(f"{model} at {limit}: Loss {run['loss']:.6f}, and the optimum is {loss:.6f}")
        print(
            f"| {model} | {limit:.0%} | {run['loss']:.6f} | {run['checks']} | {arx_checks:,} "
            f"| {run['load']:.2f} | {run['search']:.2f} | {arx_cpu} |"
        )


def compare_others(shared: Path, python: Path | None) -> None:
    print()
    if python is None or not python.exists():
        print("anjana and pycanon: not measured; name the Python of an environment that has them with --others")
        return
    anjana, ours = [], []
    for _ in range(3):
        anjana.append(child(shared, "--other", "anjana", python=python)["CPU s"])
        run = child(shared, "--problem", "1")
        ours.append(run["load"] + run["search"])
    print(
        f"distinct l=3, k=5, 2 %: anjana {min(anjana):.2f} CPU s, ours {min(ours):.3f}: {min(anjana) / min(ours):.0f}x"
    )
    risk, canon = child(shared, "--other", "ours"), child(shared, "--other", "pycanon", python=python)
    print(
        f"l and t of the raw table: pycanon {canon}, ours {risk}: t alone {canon['t CPU s'] / risk['CPU s']:.0f}x what l and t cost us"
    )


def child(shared: Path, *more: str, python: Path | None = None) -> dict:
    command = [str(python or sys.executable), __file__, "--shared", str(shared), *more]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])


def rows_of(shared: Path) -> tuple[list[str], list[list[str]]]:
    with gzip.open(folder_of(shared) / "adult.csv.gz", "rt", newline="") as lines:
        rows = list(csv.reader(lines, delimiter=";"))
    return rows[0], rows[1:]


def folder_of(shared: Path) -> Path:
    return shared / "data" / "clinical-tabular" / "adult"


def solve(shared: Path, number: int) -> dict:
    import ibis
    import ibis.backends.duckdb.converter  # it imports pandas; imports are not part of the measurement
    import pyarrow as pa
    import pyarrow.compute

    from anonymization.generalize import solve_histogram
    from anonymization.hierarchy import read_arx_layout
    from anonymization.histogram import build_histogram
    from anonymization.quasi import QuasiIdentifier
    from anonymization.sensitive_models import TreeCloseness
    from policies.model.sensitive import Closeness, DistinctL, RecursiveL

    def hierarchy(column: str):
        return read_arx_layout(column, (folder_of(shared) / f"adult_hierarchy_{column}.csv").read_text("utf-8"))

    near = {"model": "t_closeness", "column": SECRET, "t": 0.2}
    in_tree = Closeness(**near, distance="hierarchical", hierarchy=SECRET)
    name, limit = PROBLEMS[number][:2]
    model = {
        "distinct l=3": DistinctL(column=SECRET, l=3),
        "recursive (4,3)": RecursiveL(model="recursive_l", column=SECRET, c=4, l=3),
        "t=0.2 equal": Closeness(**near),
        "t=0.2 hierarchical": TreeCloseness(in_tree, hierarchy(SECRET)),
    }[name]
    header, rows = rows_of(shared)
    table = ibis.memtable(pa.table({column: [row[i] for row in rows] for i, column in enumerate(header)}))
    quasi = [QuasiIdentifier(column, hierarchy(column)) for column in QUASI]
    ibis.set_backend(ibis.duckdb.connect())
    start = time.process_time()
    histogram = build_histogram(table, quasi_identifiers=quasi, sensitive=[SECRET])
    loaded = time.process_time()
    _, found = solve_histogram(histogram, k=5, sensitive=[model], suppression_limit=limit)
    done = time.process_time()
    return {"loss": found.loss, "checks": len(found.checks), "load": loaded - start, "search": done - loaded}


def with_anjana(shared: Path) -> dict:
    """Measure anjana's k = 5 and distinct l = 3 at 2 %, the same files; its result is no optimum."""
    import numpy as np
    import pandas as pd
    from anjana.anonymity import l_diversity

    pd.options.future.infer_string = False  # anjana 1.2.3 refuses the text type of pandas 3
    header, rows = rows_of(shared)
    data = pd.DataFrame(rows, columns=header, dtype=object)
    levels = {}
    for column in QUASI:
        lines = (folder_of(shared) / f"adult_hierarchy_{column}.csv").read_text("utf-8").splitlines()
        fields = list(csv.reader(lines, delimiter=";"))
        levels[column] = {
            level: np.array([row[level] for row in fields], dtype=object) for level in range(len(fields[0]))
        }
    start = time.process_time()
    found = l_diversity(data, [], QUASI, SECRET, 5, 3, 2, levels)
    return {"task": "distinct l=3, k=5, 2 %", "CPU s": round(time.process_time() - start, 2), "rows": len(found)}


def with_pycanon(shared: Path) -> dict:
    """Measure pycanon's l and t of the table as it is."""
    import pandas as pd
    from pycanon import anonymity

    header, rows = rows_of(shared)
    data = pd.DataFrame(rows, columns=header)
    start = time.process_time()
    l_found = anonymity.l_diversity(data, QUASI, [SECRET])
    after_l = time.process_time()
    t_found = anonymity.t_closeness(data, QUASI, [SECRET])
    return {
        "l": int(l_found),
        "t": round(float(t_found), 4),
        "l CPU s": round(after_l - start, 2),
        "t CPU s": round(time.process_time() - after_l, 2),
    }


def with_ours(shared: Path) -> dict:
    """Measure both by `risk`."""
    import ibis
    import ibis.backends.duckdb.converter
    import pyarrow as pa

    from anonymization.risk import risk

    header, rows = rows_of(shared)
    table = ibis.memtable(pa.table({column: [row[i] for row in rows] for i, column in enumerate(header)}))
    ibis.set_backend(ibis.duckdb.connect())
    start = time.process_time()
    found = risk(table, quasi_identifiers=QUASI, sensitive=[SECRET])
    return {"l": found.l, "t": round(found.t or 0.0, 4), "CPU s": round(time.process_time() - start, 3)}


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
    main()
