"""Count people by region and diagnosis with SmartNoise SQL, whose environment runs this: `bench_dp_peer.py --smartnoise`.

    python smartnoise_counts.py ROWS.csv EPSILON DELTA CELLS-PER-PERSON

Imports and reading are done before the clock starts. The last line printed is one JSON list, an entry for each way of asking.
`claimed` is what the library's own odometer says afterwards: the number of people alone costs ε, and asking for rows as well
(or for `COUNT(*)`, which counts the people too, for its threshold) 2ε, so ε/2 is run beside ε.
"""

import json
import sys
import time
from importlib.metadata import version

import pandas as pd
import snsql

COUNTED = {
    "COUNT(DISTINCT person)": 1.0,
    "COUNT(*), as the reference asked": 1.0,
    "COUNT(*), at half": 0.5,
}


def main() -> None:
    path, epsilon, delta, cells = sys.argv[1], float(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
    frame = pd.read_csv(path, dtype={"person": "int64", "region": str, "diagnosis": str}).drop_duplicates()
    columns = {
        "person": {"type": "int", "private_id": True},
        "region": {"type": "string"},
        "diagnosis": {"type": "string"},
    }
    table = {"row_privacy": False, "max_ids": cells, "rows": len(frame), "censor_dims": True, "clamp_counts": False}
    done = []
    for name, share in COUNTED.items():
        counted = name.partition(",")[0]
        wall, cpu = time.perf_counter(), time.process_time()
        reader = snsql.from_connection(
            frame,
            metadata={"": {"public": {"visits": table | columns}}},
            privacy=snsql.Privacy(epsilon=epsilon * share, delta=delta),
        )
        asked = f"SELECT region, diagnosis, {counted} AS n FROM public.visits GROUP BY region, diagnosis"
        rows = reader.execute(asked)[1:]
        spent = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
        claimed = "ε = {:.2f}, δ = {:.1e}".format(*map(float, reader.odometer.spent))
        counts = [[str(region), str(diagnosis), float(n)] for region, diagnosis, n in rows]
        done.append({"name": f"SmartNoise SQL, {name}", "claimed": claimed, "counts": counts, **spent})
    print(json.dumps({"version": f"smartnoise-sql {version('smartnoise-sql')}", "done": done}))


if __name__ == "__main__":
    main()
