"""`niji policy check` of 200 policies, and the start of policy commands beside `python -c pass`: CPU and wall seconds.

    python tests/benchmarks/policies/bench_check.py [--policies 200] [--repeat 5]

Each line is a fresh process, so the import of everything is in it; the best of the repeats is shown, because the others
measure what else the machine did. The 200 are copies of the shipped datasets and releases under other ids, in one
folder with one copy of their hierarchies and suites, checked together with all rule packs that ship. A copy that is
refused where the original is not ends the benchmark: fast and wrong is worth nothing.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
SHIPPED = REPOSITORY / "policies"
CLI = "from pipelines.cli.main import main; main()"
HEAVY = ("dagster", "ibis", "great_expectations", "pyarrow", "numpy", "pandas", "sqlalchemy", "cryptography")


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--policies", type=int, default=200)
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    no_heavy_import()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        size = write_copies(root, options.policies)
        hold_findings(root)
        plain = best(["-c", "pass"], options.repeat)
        lines = {
            "`python -c pass`": plain,
            "the help of `niji policy`": best(["-c", CLI, "policy", "--help"], options.repeat),
            "`niji policy check` of one file": best(
                ["-c", CLI, "policy", "check", str(SHIPPED / "hierarchies" / "age.yaml")], options.repeat
            ),
            "`niji policy check policies` (as shipped)": best(["-c", CLI, "policy", "check", str(SHIPPED)], options.repeat),
            f"`niji policy check` of {options.policies} policies, {size / 1e6:.1f} MB": best(
                ["-c", CLI, "policy", "check", str(root)], options.repeat
            ),
        }  # fmt: skip
    print("| command | CPU s | wall s | RSS MB | times `python -c pass` (CPU) |")
    print("|---|---|---|---|---|")
    for name, (cpu, wall, rss) in lines.items():
        print(f"| {name} | {cpu:.2f} | {wall:.2f} | {rss:.0f} | {cpu / plain[0]:.0f} |")


def write_copies(root: Path, wanted: int) -> int:
    """Write `wanted` datasets and releases, at least one copy of each, in turn; return their size in bytes."""
    for name in ("hierarchies", "quality"):
        (root / name).mkdir()
        for path in (SHIPPED / name).iterdir():
            (root / name / path.name).write_bytes(path.read_bytes())
    sources = [*sorted((SHIPPED / "datasets").glob("*.yaml")), *sorted((SHIPPED / "releases").glob("*.yaml"))]
    names = "|".join(path.stem for path in sources if path.parent.name == "datasets")
    written = size = 0
    for copy in range(wanted):
        for path in sources:
            text = path.read_text("utf-8")
            text = re.sub(r"^id: (.*)$", rf"id: \1-{copy}", text, flags=re.MULTILINE)
            text = re.sub(rf"(dataset: )({names})\b", rf"\1\2-{copy}", text)
            text = re.sub(r"(population: )([a-z-]+)", rf"\1\2-{copy}", text)
            target = root / path.parent.name / f"{path.stem}-{copy}.yaml"
            target.parent.mkdir(exist_ok=True)
            target.write_text(text, "utf-8")
            size += len(text.encode())
            written += 1
            if written == wanted:
                return size
    return size


def hold_findings(root: Path) -> None:
    """End if a copy is refused where no original is."""
    originals, copies = (blocking(folder) for folder in (SHIPPED, root))
    if not copies <= originals:
        raise SystemExit(f"the copies are refused by rules that pass the originals: {sorted(copies - originals)}")


def blocking(root: Path) -> set[str]:
    command = [sys.executable, "-c", CLI, "policy", "check", str(root), "--json"]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=REPOSITORY, check=False)
    return {each["rule"] for each in json.loads(ended.stdout)["findings"] if each["severity"] == "BLOCK"}


def no_heavy_import() -> None:
    """End if the command line imports what it must not."""
    code = f"import sys, pipelines.cli.main; print([m for m in {HEAVY} if m in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=REPOSITORY, check=True)
    if loaded.stdout.strip() != "[]":
        raise SystemExit(f"the command line imports {loaded.stdout.strip()}")


def best(words: list[str], repeat: int) -> tuple[float, float, float]:
    """Return CPU seconds, wall seconds and peak RSS in MB of the fastest of `repeat` runs, each by itself."""
    runs = [measured([sys.executable, *words]) for _ in range(repeat)]
    return tuple(min(run[index] for run in runs) for index in range(3))  # type: ignore[return-value]


def measured(command: list[str]) -> tuple[float, float, float]:
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=REPOSITORY)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return used.ru_utime + used.ru_stime, time.perf_counter() - start, used.ru_maxrss / 1024


if __name__ == "__main__":
    main()
