"""Microaggregation, k = 5: MDAV whole and in blocks, V-MDAV, the optimum of single columns; swapping; CPU seconds and loss.

    python tests/benchmarks/anonymization/bench_perturbation.py [--shared ../shared]

diabetes130: 101,766 encounters of 71,518 people, five numbers (days, laboratory tests, medications, procedures, diagnoses),
groups counted in people. `smooth` is a made table of four normal numbers, all different, a person a row. SSE/SST is over
columns divided by their standard deviations. Each line is a fresh process; imports and reading come before the clock.
"""

import argparse
import csv
import io
import json
import resource
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

SHARED = Path(__file__).resolve().parents[4] / "shared"
NUMBERS = ("time_in_hospital", "num_lab_procedures", "num_medications", "num_procedures", "number_diagnoses")
K = 5
LINES = (
    ("diabetes130", "MDAV, blocks of 2,000", {"block_rows": 2000}),
    ("diabetes130", "MDAV, blocks of 10,000", {"block_rows": 10_000}),
    ("diabetes130", "MDAV, whole", {}),
    ("diabetes130", "optimal, a column at a time", {"grouping": "univariate"}),
    ("smooth 10,000", "MDAV, blocks of 1,000", {"block_rows": 1000}),
    ("smooth 10,000", "MDAV, whole", {}),
    ("smooth 10,000", "V-MDAV, gamma 0.2", {"grouping": "v_mdav"}),
    ("smooth 100,000", "MDAV, blocks of 1,000", {"block_rows": 1000}),
    ("smooth 100,000", "MDAV, whole", {}),
    ("smooth 100,000", "optimal, a column at a time", {"grouping": "univariate"}),
    ("smooth 100,000", "rank swap, 5 %, a column at a time", {"swap": 5}),
)


def main() -> None:
    """Print one table, or, as a child, measure one line and print it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=SHARED)
    parser.add_argument("--line", type=int)
    options = parser.parse_args()
    if options.line is not None:
        print(json.dumps(measure(options.shared, *LINES[options.line])))
        return
    print("| table | method | SSE/SST | groups | CPU s | wall s | RSS MB |")
    print("|---|---|---|---|---|---|---|")
    for number, (table, method, _) in enumerate(LINES):
        command = [sys.executable, __file__, "--shared", str(options.shared), "--line", str(number)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        run = json.loads(done.stdout)
        print(
            f"| {table} | {method} | {run['loss']:.4f} | {run['groups']} | {run['cpu']:.1f} | {run['wall']:.1f}"
            f" | {run['rss']:.0f} |",
            flush=True,
        )


def measure(shared: Path, table: str, method: str, settings: dict[str, Any]) -> dict[str, Any]:
    import numpy as np

    from anonymization.perturbation.microaggregation import Grouping, Settings, microaggregate
    from anonymization.perturbation.randomness import Draws
    from anonymization.perturbation.swapping import rank_swap

    columns, people = diabetes(shared) if table == "diabetes130" else smooth(int(table.split()[1].replace(",", "")))
    cpu, wall = time.process_time(), time.perf_counter()
    groups = ""
    if "swap" in settings:
        after = {name: rank_swap(values, percent=5, draws=Draws()) for name, values in columns.items()}
    else:
        asked = Settings(Grouping(settings.get("grouping", "mdav")), block_rows=settings.get("block_rows"))
        found = microaggregate(columns, k=K, people=people, settings=asked)
        after, groups = found.numbers, f"{found.group_count:,}"
    used, elapsed = time.process_time() - cpu, time.perf_counter() - wall
    share = np.mean(
        [((columns[n] - after[n]) ** 2).sum() / ((columns[n] - columns[n].mean()) ** 2).sum() for n in columns]
    )
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"loss": float(share), "groups": groups, "cpu": used, "wall": elapsed, "rss": rss}


def diabetes(shared: Path) -> tuple[dict[str, Any], Any]:
    import numpy as np

    packed = zipfile.ZipFile(shared / "data/clinical-tabular/diabetes130/dataset_diabetes.zip")
    name = next(item for item in packed.namelist() if item.endswith("diabetic_data.csv"))
    rows = list(csv.DictReader(io.TextIOWrapper(packed.open(name), encoding="utf-8")))
    columns = {number: np.array([float(row[number]) for row in rows]) for number in NUMBERS}
    return columns, np.array([row["patient_nbr"] for row in rows])


def smooth(rows: int) -> tuple[dict[str, Any], None]:
    from random import Random

    from anonymization.perturbation.randomness import Draws

    draws = Draws(Random(11).randbytes)
    return {f"x{number}": draws.normal(rows) for number in range(4)}, None


if __name__ == "__main__":
    main()
