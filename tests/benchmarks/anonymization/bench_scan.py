"""The identifier scanner: rows a CPU second beside one plain regular expression, and false alarms on real tables.

Run without arguments. Each line of the first table is a fresh process; imports and the making of the data come before the
clock. The plain pass is `re.search` of one pattern (digits of a phone, a mail address or a number of twelve) over the same
cells: what a script would do. A result is checked: the scanner must find exactly the planted rows.
"""

import argparse
import json
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(REPOSITORY))
SHARED = REPOSITORY.parent / "shared" / "data"
PEOPLE = 20_000
PLAIN = r"\b0\d{1,4}-\d{1,4}-\d{4}\b|[\w.+-]+@[\w-]+\.\w+|\b\d{4}-?\d{4}-?\d{4}\b"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", choices=["notes", "patients", "labs", "real"])
    options = parser.parse_args()
    if options.task == "real":
        real()
    elif options.task:
        print(json.dumps(measure(options.task)))
    else:
        compare()


def compare() -> None:
    print("| table | rows | columns | scan CPU s | rows / CPU s | plain regex CPU s | ratio | peak RSS MB |")
    print("|---|---|---|---|---|---|---|---|")
    for task in ("notes", "patients", "labs"):
        done = subprocess.run([sys.executable, __file__, "--task", task], check=True, capture_output=True, text=True)
        one = json.loads(done.stdout)
        rate, ratio = one["rows"] / one["scan"], one["scan"] / one["plain"]
        print(
            f"| {task} | {one['rows']:,} | {one['columns']} | {one['scan']:.2f} | {rate:,.0f} | {one['plain']:.2f} "
            f"| {ratio:.1f} | {one['rss']} |",
            flush=True,
        )
    print()
    if SHARED.is_dir():
        subprocess.run([sys.executable, __file__, "--task", "real"], check=True)
    else:
        print("the folder of shared inputs is not here: no false alarms measured")


def measure(task: str) -> dict[str, float]:
    from anonymization.identifiers import scan
    from pipelines.demo.generate import ADMISSIONS, LABS, PATIENTS, generate_hospital
    from tests.support.demo_landing import read_landing

    with tempfile.TemporaryDirectory() as folder:
        truth = generate_hospital(Path(folder), people=PEOPLE if task != "labs" else PEOPLE // 4, samples=5, sites=5)
        landing = read_landing(Path(folder)).arrow
    table = {"notes": landing[ADMISSIONS].select(["note"]), "patients": landing[PATIENTS], "labs": landing[LABS]}[task]
    scan(table.slice(0, 10))
    start = time.process_time()
    report = scan(table)
    spent = time.process_time() - start
    if task == "notes":
        for kind, rows in truth.planted[ADMISSIONS].items():
            if kind != "date" and report.of("note", kind).rows_hit != rows:
                raise SystemExit(f"{kind}: {report.of('note', kind).rows_hit} rows found, {rows} planted")
    columns = [column.to_pylist() for column in table.columns]
    pattern = re.compile(PLAIN)
    start = time.process_time()
    sum(pattern.search(cell) is not None for cells in columns for cell in cells if cell)
    plain = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return {"rows": table.num_rows, "columns": table.num_columns, "scan": spent, "plain": plain, "rss": peak}


def real() -> None:
    from tests.support.scan_tables import real_tables
    from tests.support.triaged_alarms import TRIAGED, tally

    start = time.process_time()
    found = tally(real_tables(SHARED))
    spent = time.process_time() - start
    said = {(one.file, one.column, one.kind): one for one in TRIAGED}
    print(f"Real tables: {found.cells:,} cells, {spent:.0f} CPU s with reading; ")
    print(f"{found.false_cells() / found.cells * 1e6:.0f} cells in a million in false alarms.\n")
    print("| file | column | kind | verdict | cells | what it is |")
    print("|---|---|---|---|---|---|")
    for one in found.alarms:
        known = said.get((one.file, one.column, one.kind))
        what = "not triaged" if known is None else f"{'true' if known.is_true else 'false'}: {known.what}"
        print(f"| `{one.file}` | {one.column} | {one.kind.value} | {one.weight.value} | {one.cells:,} | {what} |")
    quiet = ", ".join(f"{kind.value} {cells:,}" for kind, cells in found.quiet.most_common())
    print(f"\nWithout an alarm, because too few of their column: {quiet or 'none'}.")


if __name__ == "__main__":
    main()
