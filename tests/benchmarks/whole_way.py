"""Measure `niji demo` with its process tree, first and second run: wall and CPU seconds, peak memory.

    python tests/benchmarks/whole_way.py [--people 5000] [--home DIR] [-- COMMAND …]

Memory is read from /proc, so this runs on Linux only. What the command prints goes to a log that is shown if it fails.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
SAMPLE_SECONDS = 0.05
KIB_PER_MIB = 1024


@dataclass(frozen=True, slots=True)
class Measured:
    """One run: seconds, peak MiB of all processes together, most processes at once, how it ended."""

    wall_seconds: float
    cpu_seconds: float
    pss_mib: float
    rss_mib: float
    processes: int
    exit_code: int


def main() -> int:
    """Print one row a run; return how the worst run ended."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, help="patients of the demo hospital; its own default if left out")
    parser.add_argument("--home", type=Path, help="NIJI_HOME to measure in; a temporary folder if left out")
    parser.add_argument("command", nargs="*", help="another command to measure instead")
    options = parser.parse_args()
    niji = Path(sys.executable).with_name("niji")
    people = ["--people", str(options.people)] if options.people else []
    command = options.command or [str(niji), "demo", *people]
    print("| run | wall s | CPU s | peak PSS MiB | peak RSS MiB | processes | exit |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="niji-bench-") as folder:
        home = options.home or Path(folder) / "home"
        results = []
        for name in ("first", "second"):
            log = Path(folder) / f"{name}.log"
            result = measure(command, home=home, log=log)
            results.append(result)
            print(
                f"| {name} | {result.wall_seconds:.1f} | {result.cpu_seconds:.1f} | {result.pss_mib:,.0f} "
                f"| {result.rss_mib:,.0f} | {result.processes} | {result.exit_code} |",
                flush=True,
            )
            if result.exit_code:
                print(log.read_text("utf-8", errors="replace")[-4000:], file=sys.stderr)
                break
    return max(result.exit_code for result in results)


def measure(command: list[str], *, home: Path, log: Path) -> Measured:
    """Run a command to its end, sampling the memory of the process and its descendants."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {**os.environ, "NIJI_HOME": str(home), "DAGSTER_DISABLE_TELEMETRY": "1"}
    start = time.perf_counter()
    with log.open("wb") as output:
        child = subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=output, stderr=subprocess.STDOUT)
        pss = rss = 0.0
        most = 0
        while child.poll() is None:
            memory = [memory_of(process) for process in tree_of(child.pid)]
            pss = max(pss, sum(item[0] for item in memory))
            rss = max(rss, sum(item[1] for item in memory))
            most = max(most, len(memory))
            time.sleep(SAMPLE_SECONDS)
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Measured(wall, cpu, pss / KIB_PER_MIB, rss / KIB_PER_MIB, most, child.returncode)


def tree_of(root: int) -> list[int]:
    """Return a process and all its descendants; those that end meanwhile are left out."""
    found = [root]
    for process in found:
        for task in Path(f"/proc/{process}/task").glob("*/children"):
            try:
                found += [int(word) for word in task.read_text().split()]
            except OSError:
                continue
    return found


def memory_of(process: int) -> tuple[int, int]:
    """Return PSS and RSS in KiB; zeros for a process that is gone."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0, 0
    values = {line.split(":")[0]: int(line.split()[1]) for line in lines if line.startswith(("Pss:", "Rss:"))}
    return values.get("Pss", 0), values.get("Rss", 0)


if __name__ == "__main__":
    raise SystemExit(main())
