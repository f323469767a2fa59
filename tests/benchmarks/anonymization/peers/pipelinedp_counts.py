"""Count people by region and diagnosis with PipelineDP, whose environment runs this: `bench_dp_peer.py --pipelinedp`.

    python pipelinedp_counts.py ROWS.csv EPSILON DELTA CELLS-PER-PERSON

Imports and reading are done before the clock starts. The last line printed is one JSON list, an entry for each way of asking.
PipelineDP has no odometer: `claimed` is the total that its accountant was given. By default it spends half on choosing what
to name and half on the counts; with `post_aggregation_thresholding` the count itself is compared with a threshold.
"""

import csv
import json
import sys
import time
from importlib.metadata import version
from pathlib import Path

import pipeline_dp

WAYS = (
    ("Laplace, defaults", pipeline_dp.NoiseKind.LAPLACE, False),
    ("Gaussian, defaults", pipeline_dp.NoiseKind.GAUSSIAN, False),
    ("Gaussian, post-aggregation threshold", pipeline_dp.NoiseKind.GAUSSIAN, True),
)


def main() -> None:
    path, epsilon, delta, cells = sys.argv[1], float(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
    with Path(path).open(encoding="utf-8", newline="") as lines:
        rows = [(int(row["person"]), row["region"], row["diagnosis"]) for row in csv.DictReader(lines)]
    done = []
    for name, noise, is_after in WAYS:
        wall, cpu = time.perf_counter(), time.process_time()
        account = pipeline_dp.NaiveBudgetAccountant(total_epsilon=epsilon, total_delta=delta)
        asked = pipeline_dp.AggregateParams(
            metrics=[pipeline_dp.Metrics.PRIVACY_ID_COUNT],
            noise_kind=noise,
            max_partitions_contributed=cells,
            max_contributions_per_partition=1,
            post_aggregation_thresholding=is_after,
        )
        extract = pipeline_dp.DataExtractors(
            privacy_id_extractor=lambda row: row[0],
            partition_extractor=lambda row: row[1:],
            value_extractor=lambda _: 1,
        )
        answer = pipeline_dp.DPEngine(account, pipeline_dp.LocalBackend()).aggregate(rows, asked, extract)
        account.compute_budgets()
        counts = [[*key, float(found.privacy_id_count)] for key, found in answer]
        spent = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
        claimed = f"ε = {epsilon:.2f}, δ = {delta:.1e} (given)"
        done.append({"name": f"PipelineDP, {name}", "claimed": claimed, "counts": counts, **spent})
    versions = f"pipeline-dp {version('pipeline-dp')}, python-dp {version('python-dp')}"
    print(json.dumps({"version": versions, "done": done}))


if __name__ == "__main__":
    main()
