"""The recount of a finished release: what actually leaves is counted anew, and held against what its policy promises.

Here is one set of checks for each protected type, a file each. They read the published tables, not the evidence's word,
and they share no code with the step that made them, except the loading of tables. Counts only; no value of a person is
quoted.
"""

from collections.abc import Mapping

import pyarrow as pa

from anonymization.evidence import CheckResult
from anonymization.output_scan import scan_output
from anonymization.release_checks.alleles import recount_frequencies
from anonymization.release_checks.cells import recount_small_cells
from anonymization.release_checks.controlled import recount_controlled
from anonymization.release_checks.linkage import linkage_checks
from anonymization.release_checks.noisy import recount_noisy
from anonymization.release_checks.perturbed import perturbed_checks
from anonymization.release_checks.restorable import restorable_checks
from anonymization.release_checks.rows import recount_anonymized
from anonymization.release_checks.surroundings import Surroundings
from anonymization.release_checks.unusual import unusual_checks
from anonymization.tables import (
    AlleleFrequencyTable,
    Anonymized,
    ControlledRows,
    NoisyAggregate,
    Protected,
    Pseudonymized,
    SmallCellTable,
)


def recount_release(
    protected: Protected, sources: Mapping[str, Pseudonymized], *, around: Surroundings | None = None
) -> tuple[CheckResult, ...]:
    """Recount a protected release on the tables that will leave.

    Args:
        protected: Any protected release.
        sources: The pseudonymized datasets it was made from, by id.
        around: The source's codes, the other releases of the same datasets, the thresholds of the rules, the hierarchies.

    Returns:
        Blocking checks, at least one of the kind `recount`. All measured figures are counts.

    Guarantee: A release whose checks all pass keeps, as published, the countable promises of its method.
    Not guaranteed: What cannot be counted from the published tables: that ids are random, that noise has its
        distribution, that k holds in people (recounted when the persons were last known; see the evidence's checks).
    """
    beside = around or Surroundings()
    tables = {
        name: rows if isinstance(rows, pa.Table) else rows.to_pyarrow() for name, rows in protected.tables.items()
    }
    samples = [
        sample
        for one in (protected.genotypes.values() if isinstance(protected, ControlledRows) else ())
        for sample in one.samples
    ]
    datasets = {name: source.dataset for name, source in sources.items()}
    return (
        *_own_checks(protected, sources, beside),
        *scan_output(tables),
        *perturbed_checks(protected.release, tables),
        *linkage_checks(protected.release, tables, beside, samples=samples),
        *unusual_checks(protected.release, tables, datasets, beside),
        *restorable_checks(
            {"evidence": protected.evidence.as_json()}, {name: table.schema for name, table in tables.items()}
        ),
    )


def _own_checks(
    protected: Protected, sources: Mapping[str, Pseudonymized], around: Surroundings
) -> tuple[CheckResult, ...]:
    if isinstance(protected, Anonymized):
        return recount_anonymized(protected, sources, hierarchies=around.hierarchies)
    if isinstance(protected, SmallCellTable):
        return recount_small_cells(protected)
    if isinstance(protected, NoisyAggregate):
        return recount_noisy(protected)
    if isinstance(protected, AlleleFrequencyTable):
        return recount_frequencies(protected, sources)
    return recount_controlled(protected, sources)
