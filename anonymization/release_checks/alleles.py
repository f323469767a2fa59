"""The recount of allele frequencies: floors, and every published count from the genotypes again."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from anonymization.evidence import CheckResult
from anonymization.release_checks.verdict import verdict
from anonymization.tables import AlleleFrequencyTable, GenotypeTable, Pseudonymized
from policies.model.method import AlleleFrequencies


def recount_frequencies(
    protected: AlleleFrequencyTable, sources: Mapping[str, Pseudonymized]
) -> tuple[CheckResult, ...]:
    """Recount allele frequencies: the floors, and every published count from the genotypes."""
    method = protected.release.method
    entry = protected.release.table(method.table) if isinstance(method, AlleleFrequencies) else None
    source = sources[entry.dataset].tables.get(entry.table) if entry and entry.dataset in sources else None
    if not isinstance(method, AlleleFrequencies) or not isinstance(source, GenotypeTable):
        return (verdict("method", 1, "the release has its genotype table"),)
    checks: list[CheckResult] = []
    for name, table in protected.tables.items():
        rows = table.select(["CHROM", "POS", "REF", "ALT", "AC", "AN"]).to_pylist()
        floor = method.min_allele_count
        below = sum(0 < row["AC"] < floor for row in rows)
        checks.append(verdict(f"floor.{name}", below, f"no allele counted 1 to {floor - 1} is published"))
        if method.complement_floor:
            rest = _rest(rows)
            short = sum(0 < left < floor for left in rest.values())
            checks.append(verdict(f"complement.{name}", short, f"no rest of a site is 1 to {floor - 1}"))
        checks.append(_allele_recount(name, rows, source))
    return tuple(checks)


def _rest(rows: Sequence[Mapping[str, Any]]) -> dict[tuple[str, int, str], int]:
    """Return, for each published site, how many called alleles are not among its published ones."""
    rest: dict[tuple[str, int, str], int] = {}
    for row in rows:
        site = (row["CHROM"], row["POS"], row["REF"])
        rest[site] = rest.get(site, row["AN"]) - row["AC"]
    return rest


def _allele_recount(name: str, rows: Sequence[Mapping[str, Any]], source: GenotypeTable) -> CheckResult:
    """Count the published alleles anew, call by call, from the genotypes."""
    published = {(row["CHROM"], row["POS"], row["REF"], row["ALT"]): (row["AC"], row["AN"]) for row in rows}
    positions = {key[:3] for key in published}
    counted: dict[tuple[str, int, str, str], tuple[int, int]] = {}
    for batch in source.sites.select(["chrom", "pos", "ref", "alt", "gt"]).to_batches(max_chunksize=1024):
        for site in batch.to_pylist():
            if (site["chrom"], site["pos"], site["ref"]) in positions:
                calls = Counter(np.frombuffer(site["gt"], dtype=np.int8).tolist())
                called = sum(count for allele, count in calls.items() if allele >= 0)
                for number, alt in enumerate(site["alt"], start=1):
                    counted[(site["chrom"], site["pos"], site["ref"], alt)] = (calls.get(number, 0), called)
    wrong = sum(counted.get(key) != counts for key, counts in published.items())
    repeated = len(rows) - len(published)
    return verdict(
        f"alleles.{name}", wrong + repeated, "published counts agree with the genotypes", alleles=len(published)
    )
