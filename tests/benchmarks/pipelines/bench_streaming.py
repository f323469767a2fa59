"""Peak memory against rows: a table on its way to encrypted storage, piece by piece and whole."""

import resource
import subprocess
import sys
import tempfile
from pathlib import Path

ROWS = (1_000_000, 2_000_000, 4_000_000)
MEMORY = "256MB"


def one(way: str, rows: int) -> None:
    """Write a table of nine columns that is made and sorted by the engine; print CPU seconds and peak RSS."""
    from catalog.secret import Secret
    from pipelines.encryption import Vault
    from pipelines.engines import open_engine
    from pipelines.storage import Stage, Zones

    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(Path(folder) / "spill", memory_limit=MEMORY)
        columns = ", ".join(f"'v' || hash(range * {j + 7}) % 1000 AS c{j}" for j in range(8))
        engine.con.execute(f"CREATE VIEW made AS SELECT range AS n, {columns} FROM range({rows})")
        made = engine.table("made").order_by("c0", "n")
        before = resource.getrusage(resource.RUSAGE_SELF)
        zones = Zones(Path(folder) / "zones", Vault(Secret(b"k" * 32)))
        with zones.write(Stage.RAW, "bench") as draft:
            written = draft.write_table("rows", made if way == "pieces" else made.to_pyarrow())
            draft.finish(inputs="", data_version="", facts={})
        if written != rows:
            raise SystemExit(f"{written} rows were written of {rows}")
        spent = resource.getrusage(resource.RUSAGE_SELF)
        cpu = spent.ru_utime + spent.ru_stime - before.ru_utime - before.ru_stime
        print(f"{cpu:.1f} {spent.ru_maxrss / 1024:.0f} {before.ru_maxrss / 1024:.0f}")


def main() -> None:
    """Measure each way and number of rows in a process of its own."""
    if len(sys.argv) == 3:
        one(sys.argv[1], int(sys.argv[2]))
        return
    print(f"Sorted by the engine (memory limit {MEMORY}), written encrypted; nine columns.\n")
    print("| rows | way | CPU s | peak RSS MB | RSS MB before |")
    print("|---|---|---|---|---|")
    for rows in ROWS:
        for way in ("pieces", "whole"):
            ended = subprocess.run(
                [sys.executable, __file__, way, str(rows)], capture_output=True, text=True, check=False
            )
            figures = ended.stdout.split() if ended.returncode == 0 else ["failed", "-", "-"]
            print(f"| {rows:,} | {way} | {' | '.join(figures)} |", flush=True)


if __name__ == "__main__":
    main()
