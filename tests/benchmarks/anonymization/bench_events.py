"""Codes of people at the size of a register: kᵐ checked and enforced, and recounted in SQL; CPU seconds and memory.

    python tests/benchmarks/anonymization/bench_events.py [--shared ../shared]

110,000 people (SynPUF, 2008) with the diagnoses of their hospital claims (46,590 rows), and the same people with twelve codes each,
drawn with the frequencies of these claims (1.3 million): ICD-9 codes by prefixes of 3, 2 and 1. k = 11, m = 1 and 2. One process; imports
and reading come before the clock.
"""

import argparse
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

SHARED = Path(__file__).resolve().parents[4] / "shared"
PEOPLE, EACH, K = 110_000, 12, 11
CODES = [f"ICD9_DGNS_CD_{number}" for number in range(1, 11)]


def timed(what: str, act: Callable[[], Any]) -> Any:
    """Run, and print the CPU seconds and what came of it."""
    start = time.process_time()
    found = act()
    seconds = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    sys.stdout.write(f"{what:<52}{seconds:8.2f} s  peak {peak} MB\n")
    return found


def claims(folder: Path) -> tuple[Any, Any]:
    """Return the holdings of the real claims and their tree."""
    import duckdb
    import numpy as np

    from anonymization.events.code_tree import build_code_tree
    from anonymization.events.holdings import Holdings
    from anonymization.hierarchy import build_hierarchy
    from policies.model import HierarchyPolicy

    connection = duckdb.connect()
    people = f"read_csv('{folder}/beneficiary_2008_sample*.csv.gz', all_varchar = true, union_by_name = true)"
    source = f"read_csv('{folder}/inpatient_claims_sample01.csv.gz', all_varchar = true)"
    each = " UNION ALL ".join(f"SELECT DESYNPUF_ID AS id, {code} AS code FROM {source}" for code in CODES)
    connection.sql(f"CREATE TABLE people AS SELECT DESYNPUF_ID AS id, row_number() OVER () - 1 AS number FROM {people}")
    rows = connection.sql(
        f"SELECT DISTINCT number, code FROM ({each}) JOIN people USING (id) WHERE code <> ''"
    ).fetchall()
    words = {"ja": "符号", "en": "codes"}
    levels = {"kind": "prefix", "lengths": [3, 2, 1]}
    policy = {"schema": "niji/hierarchy/v1", "id": "icd9", "version": "1.0.0", "title": words, "source": "prefixes"}
    hierarchy = build_hierarchy(HierarchyPolicy.model_validate({**policy, "on_unseen": "suppress", "levels": levels}))
    tree = build_code_tree([(hierarchy, [code for _, code in rows])])
    held = np.array(sorted((number, tree.places[0, code]) for number, code in rows), np.int64)
    nobody = np.full(PEOPLE, -1, np.int64)
    return Holdings(held[:, 0], held[:, 1], np.arange(PEOPLE), nobody), tree


def drawn(real: Any, size: int) -> Any:
    """Return holdings in which everybody has codes drawn with the frequencies of the real ones."""
    import numpy as np

    from anonymization.events.holdings import Holdings

    codes = real.codes[np.random.default_rng(20261123).integers(0, len(real.codes), PEOPLE * EACH)]
    owners, held = np.divmod(np.unique(np.repeat(np.arange(PEOPLE), EACH) * size + codes), size)
    return Holdings(owners, held, real.people, real.sensitive)


def recounted(holdings: Any, labels: list[str | None]) -> bool:
    """Recount in SQL what would be published."""
    import pyarrow as pa

    from anonymization.recount_events import PublishedEvents, recount_events
    from policies.model.events import Events

    column = {"table": "events", "column": "code"}
    model = {"model": "km", "name": "codes", "m": 2, "suppression_limit": 1.0, "codes": [column]}
    ids = pa.array([str(number) for number in range(PEOPLE)])
    rows = pa.table({"id": ids.take(pa.array(holdings.records)), "code": pa.array(labels, pa.string())})
    published = PublishedEvents("people", pa.table({"id": ids, "all": ["*"] * PEOPLE}), "id", {"events": rows}, ["all"])
    return all(check.passed for check in recount_events(Events.model_validate({"codes": [model]}), published, k=K))


def main() -> None:
    """Measure both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=SHARED)
    folder = parser.parse_args().shared / "data" / "clinical-tabular" / "cms-desynpuf"
    if not folder.is_dir():
        sys.stdout.write("the shared inputs are not on this machine; nothing was measured\n")
        return
    from anonymization.events.combinations import Knowledge
    from anonymization.events.set_valued import CodesAsked, count_offences, protect_codes

    real, tree = claims(folder)
    for name, holdings in (("claims", real), ("twelve codes each", drawn(real, tree.size))):
        sys.stdout.write(f"{name}: {holdings.entries} entries, {tree.size} codes\n")
        for m in (1, 2):
            timed(f"  check, m = {m}", lambda m=m, who=holdings: count_offences(who, tree.leaves, Knowledge(m, K)))
        asked = CodesAsked(Knowledge(2, K), by_entry=False, suppression_limit=1.0)
        done = timed("  enforce, m = 2", lambda who=holdings, asked=asked: protect_codes(who, tree, asked))
        sys.stdout.write(f"  loss {done.loss:.4f}, suppressed {done.suppressed / done.entries:.2%}\n")
        if not timed("  recount in SQL", lambda who=holdings, done=done: recounted(who, done.labels)):
            raise SystemExit(1)


if __name__ == "__main__":
    main()
