"""`niji anonymize` as it is called: CPU, wall time and peak memory of the whole process against the rows of a table.

k = 5 over the nine columns of the Chow-Liu tables, Parquet in and out, with evidence; the loss is held to the reference's optimum.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SHARED = Path(__file__).resolve().parents[4] / "shared"
COLUMNS = "sex,age,race,marital-status,education,native-country,workclass,occupation,salary-class"
LOSSES = {1_000_000: 0.130832}
"""Optimum at 2 % suppression. Source: reference table of CL results, ARX 3.9.2 and an independent search."""


def main() -> None:
    """Print one line a size; each is a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000])
    parser.add_argument("--shared", type=Path, default=SHARED)
    options = parser.parse_args()
    print("| rows | Loss | CPU s | wall s | peak RSS MB |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        hierarchies = _hierarchies(options.shared, Path(folder))
        for rows in options.rows:
            table = Path(folder) / f"{rows}.parquet"
            generator = options.shared / "tools" / "generate_cl_adult.py"
            subprocess.run([sys.executable, str(generator), "--rows", str(rows), "--output", str(table)], check=True)
            print(_line(rows, table, hierarchies), flush=True)
            table.unlink()


def _hierarchies(shared: Path, folder: Path) -> Path:
    """Name the hierarchies as their columns are called."""
    made = folder / "hierarchies"
    made.mkdir()
    for column in COLUMNS.split(","):
        source = shared / "data" / "clinical-tabular" / "adult" / f"adult_hierarchy_{column}.csv"
        (made / f"{column}.csv").write_bytes(source.read_bytes())
    return made


def _line(rows: int, table: Path, hierarchies: Path) -> str:
    output, evidence = table.with_suffix(".out.parquet"), table.with_suffix(".json")
    command = [sys.executable, "-c", "from pipelines.cli.main import main; main()", "anonymize", str(table)]
    command += ["--output", str(output), "--evidence", str(evidence), "--quasi", COLUMNS]
    command += ["--hierarchies", str(hierarchies), "--k", "5", "--suppression-limit", "0.02"]
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
        peak = _watch(child)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if child.returncode:
        raise SystemExit(f"niji anonymize ended with {child.returncode}")
    loss = json.loads(evidence.read_text("utf-8"))["loss"]
    if rows in LOSSES and abs(loss - LOSSES[rows]) > 1e-6:
        raise SystemExit(f"the loss is {loss}, and its optimum {LOSSES[rows]}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    output.unlink()
    return f"| {rows:,} | {loss:.6f} | {cpu:.1f} | {wall:.1f} | {peak:,.0f} |"


def _watch(child: subprocess.Popen[bytes]) -> float:
    """Return the greatest resident memory of the process while it ran, in MB, by Linux's own mark of it."""
    peak, status = 0.0, Path(f"/proc/{child.pid}/status")
    while child.poll() is None:
        try:
            lines = status.read_text().splitlines()
        except OSError:
            break
        peak = max([peak, *(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))])
        time.sleep(0.05)
    child.wait()
    return peak


if __name__ == "__main__":
    main()
