"""What `niji risk` measures, on adult and on generated rows: CPU seconds of each figure, and memory.

    python tests/benchmarks/anonymization/bench_risk.py [--rows 1000000] [--shared ../shared]

Each line is a fresh process over the nine columns of a Parquet file; imports are done before the clock starts, and RSS is
the peak of the whole process. `found` is one figure of the result, so that a change of it is seen.
"""

import argparse
import json
import resource
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench_search import SHARED, child_of, peak_megabytes, write_adult, write_chow_liu

PEOPLE = 120_000_000
TASKS = ("classes", "estimates", "SUDA2 to 2", "SUDA2 to 3", "sets to 3", "wild cards")


def main() -> None:
    """Print one table, or, as a child, measure one task and print it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--shared", type=Path, default=SHARED)
    parser.add_argument("--task", choices=TASKS)
    parser.add_argument("--table", type=Path)
    options = parser.parse_args()
    if options.task is None:
        compare(options.shared, options.rows)
    else:
        print(json.dumps(measure(options.table, options.task)))


def compare(shared: Path, rows: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        adult = Path(folder) / "adult.parquet"
        write_adult(shared, adult)
        asked = argparse.Namespace(shared=shared, rows=rows, part_rows=0)
        tables = {"adult": adult, f"CL-{rows:,}": write_chow_liu(asked, Path(folder) / "cl.parquet")}
        print("| table | figure | found | CPU s | RSS MB |\n|---|---|---|---|---|")
        for name, table in tables.items():
            for task in TASKS:
                run = child_of(__file__, task, table, shared)
                print(f"| {name} | {task} | {run['found']} | {run['cpu']:.2f} | {run['rss']:.0f} |", flush=True)


def measure(table: Path, task: str) -> dict[str, Any]:
    import ibis
    import numpy as np
    import pyarrow.compute  # noqa: F401 - imports are not part of the measurement

    from anonymization.risk import risk
    from anonymization.risks.discovery import discover
    from anonymization.risks.missing import wild_card_risk
    from anonymization.risks.records import read_records
    from anonymization.risks.suda import suda
    from anonymization.uniqueness import ClassSizes, estimate_uniques

    rows = ibis.duckdb.connect().read_parquet(str(table))
    columns = list(rows.columns)

    def estimates() -> str:
        spectrum = risk(rows, quasi_identifiers=columns).spectrum
        sample = ClassSizes(np.array(spectrum.sizes), np.array(spectrum.classes))
        found = estimate_uniques(sample, population=PEOPLE)
        return f"{found.uniques or 0:,.0f} unique of {PEOPLE:,} ({found.estimator})"

    asked: dict[str, Callable[[], str]] = {
        "classes": lambda: f"{risk(rows, quasi_identifiers=columns).uniques:,} alone",
        "estimates": estimates,
        "SUDA2 to 2": lambda: f"{suda(read_records(rows, columns), most_size=2).special:,} special records",
        "SUDA2 to 3": lambda: f"{suda(read_records(rows, columns), most_size=3).special:,} special records",
        "sets to 3": lambda: f"{len(discover(read_records(rows, columns)).sets)} sets",
        "wild cards": lambda: f"k {wild_card_risk(read_records(rows, columns), threshold=0.2).k}",
    }
    start = _cpu()
    found = asked[task]()
    return {"found": found, "cpu": _cpu() - start, "rss": peak_megabytes()}


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    sys.exit(main())
