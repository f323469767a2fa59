"""The privacy ledger under 8 processes of 200 attempts each, two of them killed half-way, on both databases.

Ends with an error if an account is above its cap, if two accounts differ, or if a charge that was told is not on record.
"""

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from tests.support.ledger_processes import AMOUNT, DELTA_AMOUNT, Weather, storm
from tests.support.postgres import cluster, new_database

PROCESSES, ATTEMPTS, PERMITTED = 8, 200, 1_000
KILLED = {0: 40, 5: 70}


def measure(location: Path | str, folder: Path) -> Weather:
    left = storm(
        location,
        folder / "anchor.json",
        processes=PROCESSES,
        attempts=ATTEMPTS,
        cap_micro=PERMITTED * AMOUNT,
        killed=KILLED,
    )
    spent = set(left.spent_micro.values())
    delta = set(left.spent_delta.values())
    if (spent, delta) != (
        {PERMITTED * AMOUNT},
        {PERMITTED * DELTA_AMOUNT},
    ) or not left.charged <= left.made <= left.charged + len(KILLED):
        raise SystemExit(f"the accounts do not hold: {left}")
    return left


def main() -> None:
    print("| database | charged | refused | accounts | wall s | CPU s | attempts a second |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        show("SQLite (WAL, full sync)", measure(Path(name) / "ledger.sqlite", Path(name)))
    try:
        with cluster() as server, tempfile.TemporaryDirectory() as name:
            show("PostgreSQL", measure(new_database(server), Path(name)))
    except BaseException as reason:
        if type(reason).__name__ != "Skipped":
            raise
        print(f"| PostgreSQL | not measured: {reason} |")


def show(database: str, left: Weather) -> None:
    told = left.charged + left.refused
    print(
        f"| {database} | {left.made:,} of {PERMITTED:,} | {left.refused} | all equal, at the cap | {left.seconds:.1f} "
        f"| {left.cpu_seconds:.1f} | {told / left.seconds:.0f} |",
        flush=True,
    )


if __name__ == "__main__":
    main()
