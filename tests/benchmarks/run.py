"""Run the benchmarks below this folder one after the other; `run.py NAME` runs those with NAME in their path."""

import os
import subprocess
import sys
import time
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
WHOLE_WAY = FOLDER / "whole_way.py"


def main(words: list[str]) -> int:
    """Return 0 if all ended well, 1 if one did not, 2 if there is none of that name."""
    found = [*sorted(FOLDER.rglob("bench_*.py")), WHOLE_WAY]
    chosen = [path for path in found if all(word in str(path.relative_to(FOLDER)) for word in words)]
    if not chosen:
        print(f"no benchmark has {' and '.join(words)} in its path; there are:", file=sys.stderr)
        print("\n".join(f"  {path.relative_to(FOLDER)}" for path in found), file=sys.stderr)
        return 2
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} cores, load average {load:.1f}, Python {sys.version.split()[0]}", flush=True)
    failed = []
    for path in chosen:
        name = str(path.relative_to(FOLDER))
        print(f"\n## {name}\n", flush=True)
        start = time.perf_counter()
        if subprocess.run([sys.executable, str(path)], check=False).returncode:
            failed.append(name)
        print(f"\n({time.perf_counter() - start:.0f} s)", flush=True)
    if failed:
        print(f"did not end well: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
