"""Local recoding, k = 5 without suppression, beside plain layered peeling on the same histogram: CPU seconds, loss, memory.

    python tests/benchmarks/anonymization/bench_local.py [--rows 1000000] [--shared ../shared]

Each line is a fresh process; imports are done before the clock starts, and RSS is the peak of the whole process. `plain
peeling` is that of reference/anonymization.md section 5.3: all nodes in order of their loss, written here as simply as it
goes. `load` is Parquet to histogram; `recode` is everything after it up to the lazy result, the proof that no node of
global recoding loses less included. Losses are worked out for each line by one function, from labels by level.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench_search import SHARED, child_of, peak_megabytes, quasi_identifiers, write_adult, write_chow_liu

K = 5
FREE = "improved, free cuts on age"
TASKS = {"plain peeling": -1, "layers by row": 0, "improved": None, "improved, effort x 4": 480_000_000, FREE: None}
"""The effort of each line; -1 is plain peeling, None the usual effort."""


def main() -> None:
    """Print one table, or, as a child, measure one task and print it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--shared", type=Path, default=SHARED)
    parser.add_argument("--task", choices=sorted(TASKS))
    parser.add_argument("--table", type=Path)
    options = parser.parse_args()
    if options.task is None:
        compare(options.shared, options.rows)
    else:
        print(json.dumps(measure(options.shared, options.table, options.task)))


def compare(shared: Path, rows: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        tables = {"adult": Path(folder) / "adult.parquet", f"CL-{rows:,}": Path(folder) / "cl.parquet"}
        write_adult(shared, tables["adult"])
        write_chow_liu(argparse.Namespace(shared=shared, rows=rows, part_rows=0), tables[f"CL-{rows:,}"])
        print(
            "| table | method | arithmetic loss | classes | suppressed | load CPU s | recode CPU s | wall s | RSS MB |"
        )
        print("|---|---|---|---|---|---|---|---|---|")
        for name, table in tables.items():
            for task in TASKS:
                run = child_of(__file__, task, table, shared)
                print(
                    f"| {name} | {task} | {run['loss']:.5f} | {run['classes']:,} | {run['suppressed']} "
                    f"| {run['load']:.2f} | {run['recode']:.2f} | {run['wall']:.2f} | {run['rss']:.0f} |",
                    flush=True,
                )


def measure(shared: Path, table: Path, task: str) -> dict[str, Any]:
    effort = TASKS[task]
    import ibis
    import pyarrow.compute  # noqa: F401 - imports are not part of the measurement

    from anonymization.generalize import pose_problem
    from anonymization.histogram import build_histogram
    from anonymization.recoding.local import EFFORT, LocalSettings, recode_problem

    rows = ibis.duckdb.connect().read_parquet(str(table))
    quasi = quasi_identifiers(shared)
    wall, start = time.perf_counter(), time.process_time()
    histogram = build_histogram(rows, quasi_identifiers=quasi)
    loaded = time.process_time()
    if effort == -1:
        loss, classes, suppressed = plain_peeling(histogram)
    else:
        problem = pose_problem(histogram, k=K, sensitive=(), suppression_limit=0.0)
        free = ("age",) if task == FREE else ()
        settings = LocalSettings(EFFORT if effort is None else effort, free_cuts=free)
        found = recode_problem(rows, problem, settings=settings)
        loss, classes, suppressed = found.arithmetic_loss, found.classes, found.suppressed_records
    return {
        "loss": loss,
        "classes": classes,
        "suppressed": suppressed,
        "load": loaded - start,
        "recode": time.process_time() - loaded,
        "wall": time.perf_counter() - wall,
        "rss": peak_megabytes(),
    }


def plain_peeling(histogram: Any) -> tuple[float, int, int]:
    """Publish every class of k rows at the first node, in order of loss, that makes one; return loss, classes, rest."""
    import itertools

    import numpy as np

    from anonymization.coding import combine_codes, number_keys

    rows, attributes = histogram.rows, histogram.attributes
    labels = [[of[codes] for of in a.label_of] for a, codes in zip(attributes, histogram.codes, strict=True)]
    costs = [
        [(covered[label] - 1) / max(a.domain - 1, 1) for covered, label in zip(a.covered, found, strict=True)]
        for a, found in zip(attributes, labels, strict=True)
    ]
    mean = [[float((cost * rows).sum()) for cost in of_level] for of_level in costs]
    nodes = itertools.product(*(range(len(a.levels)) for a in attributes))
    left, total, classes = np.arange(len(rows)), 0.0, 0
    for node in sorted(nodes, key=lambda node: sum(mean[j][level] for j, level in enumerate(node))):
        columns = [labels[j][level][left] for j, level in enumerate(node)]
        keys, space = combine_codes(columns, [a.sizes[level] for a, level in zip(attributes, node, strict=True)])
        index, count = number_keys(keys, space)
        large = np.bincount(index, weights=rows[left], minlength=count) >= K
        chosen = left[large[index]]
        total += float(sum((costs[j][level][chosen] * rows[chosen]).sum() for j, level in enumerate(node)))
        classes += int(large.sum())
        left = left[~large[index]]
        if rows[left].sum() < K:
            break
    rest = int(rows[left].sum())
    return (total / len(attributes) + rest) / histogram.records, classes, rest


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
    main()
