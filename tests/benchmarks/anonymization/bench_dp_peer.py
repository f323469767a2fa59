"""Counts under private keys: the peer problem of the reference, cells kept and error, Gaussian beside Laplace thresholds.

    python tests/benchmarks/anonymization/bench_dp_peer.py [--seeds 3]

30,000 people, about 171,000 distinct (person, region, diagnosis) triples in about 3,950 of 4,000 cells, 20 cells a person, ε = 1, δ = 1e-6
(half to the conversion of ρ, half to the threshold). The reference's own rows were not kept, so the table is made by its
description: log-normal rows a person, 20 regions, 200 diagnoses by Zipf's law, with number of rows and exponent set so that
triples and cells are those of the reference within 0.5 %. Errors are against the untruncated truth;
over all cells, a cell that is not named counts as 0. The Laplace line is OpenDP's own thresholds with the same bounds.
"""

import argparse
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))
PEOPLE, REGIONS, DIAGNOSES, CELLS_PER_PERSON = 30_000, 20, 200, 20
ROWS = 285_700
ZIPF = 1.43
HALF_DELTA = Decimal("0.0000005")
RHO_MICRO = 22_893
LAPLACE_SCALE, LAPLACE_THRESHOLD = 20.0, 323


def main() -> None:
    """Print a line for each seed and mechanism."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    print("| data | mechanism | kept | median error, kept | mean, kept | mean, all cells | CPU s |")
    print("|---|---|---|---|---|---|---|")
    for seed in range(options.seeds):
        table, truth = make(seed)
        name = f"seed {seed}: {int(truth.sum()):,} triples, {int((truth > 0).sum()):,} cells"
        begun = time.process_time()
        cells = bounded(table)
        spent = time.process_time() - begun
        for mechanism, draw in (("Gaussian, niji", gaussian), ("Laplace, OpenDP", laplace)):
            begun = time.process_time()
            noisy = draw(cells)
            print(f"| {name} | {mechanism} | {errors(noisy, truth)} | {spent + time.process_time() - begun:.2f} |")


def make(seed: int) -> tuple[Any, Any]:
    """Make the rows of one seed, and the true count of every cell."""
    import numpy as np
    import pyarrow as pa

    chance = np.random.default_rng(seed)
    shares = chance.lognormal(0, 1.0, PEOPLE)
    person = chance.choice(PEOPLE, ROWS, p=shares / shares.sum())
    region = np.where(
        chance.random(ROWS) < 0.1, chance.integers(0, REGIONS, ROWS), chance.integers(0, REGIONS, PEOPLE)[person]
    )
    zipf = 1 / np.arange(1, DIAGNOSES + 1) ** ZIPF
    diagnosis = chance.choice(DIAGNOSES, ROWS, p=zipf / zipf.sum())
    pairs = np.unique(person * REGIONS * DIAGNOSES + region * DIAGNOSES + diagnosis)
    table = pa.table(
        {
            "__person": pa.array(person),
            "region": pa.array([str(value) for value in region]),
            "diagnosis": pa.array([str(value) for value in diagnosis]),
        }
    )
    return table, np.bincount(pairs % (REGIONS * DIAGNOSES), minlength=REGIONS * DIAGNOSES)


def bounded(table: Any) -> dict[int, int]:
    """Bound the contributions; only cells that hold someone are left."""
    import ibis

    from anonymization.dp.bounding import bounded_cells
    from anonymization.dp.plan import plan
    from tests.support.dp_methods import BOUNDING_KEY, Rows, method

    keys = {"region": REGIONS, "diagnosis": DIAGNOSES}
    asked = {
        "name": "people",
        "title": {"ja": "人数", "en": "People"},
        "statistic": "people",
        "table": "visits",
        "by": [
            {"column": column, "values": [str(value) for value in range(count)], "source": "codebook"}
            for column, count in keys.items()
        ],
        "bounds": {"cells_per_person": CELLS_PER_PERSON, "rows_per_person_per_cell": 1, "source": "protocol"},
        "rho_share": "1",
    }
    planned = plan(method([asked]), policy_digest="sha256:00", snapshot_digest="sha256:11").queries[0]
    cells = bounded_cells(Rows(ibis.memtable(table)), planned, key=BOUNDING_KEY)["people"]
    return {place: int(count) for place, count in enumerate(cells) if count > 0}


def gaussian(cells: dict[int, int]) -> dict[int, int]:
    """Release with Niji's thresholded Gaussian."""
    from anonymization.dp.threshold import draw_present, plan_threshold

    plan = plan_threshold(cells_per_person=CELLS_PER_PERSON, cell_bound=1, rho_micro=RHO_MICRO, delta=HALF_DELTA)
    if not plan.epsilon(delta=2 * HALF_DELTA) <= 1.0:
        raise SystemExit("the plan is not one of ε = 1")
    return draw_present(cells, plan)


def laplace(cells: dict[int, int]) -> dict[int, int]:
    """Release with OpenDP's thresholded Laplace at the reference's scale and threshold."""
    import opendp.prelude as dp

    dp.enable_features("contrib")
    domain = dp.map_domain(dp.atom_domain(T="i64"), dp.atom_domain(T="i64"))
    space = (domain, dp.l01inf_distance(dp.absolute_distance(T="i64")))
    measurement: Any = space >> dp.m.then_laplace_threshold(scale=LAPLACE_SCALE, threshold=LAPLACE_THRESHOLD)
    return {int(cell): int(count) for cell, count in measurement(cells).items()}


def errors(noisy: dict[int, int], truth: Any) -> str:
    """Say cells kept, median and mean error of those, and the mean over all cells that hold someone."""
    import numpy as np

    released = np.zeros(len(truth))
    released[list(noisy)] = list(noisy.values())
    gap = np.abs(released - truth)
    kept = gap[list(noisy)]
    return f"{len(noisy)} | {np.median(kept):.1f} | {kept.mean():.1f} | {gap[truth > 0].mean():.1f}"


if __name__ == "__main__":
    main()
