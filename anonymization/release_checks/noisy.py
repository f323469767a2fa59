"""The recount of noisy tables: exactly the planned queries, keys and columns, and nothing exact beside them."""

from collections import Counter
from collections.abc import Sequence
from itertools import product

import pyarrow as pa

from anonymization.evidence import CheckResult, rule_check
from anonymization.release_checks.verdict import verdict
from anonymization.tables import NoisyAggregate
from policies.model.method import DpQuery, DpStatistics

_NOISY_COLUMNS = frozenset({"noisy", "value", "error_95", "noisy_sum", "noisy_count"})


def recount_noisy(protected: NoisyAggregate) -> tuple[CheckResult, ...]:
    """Recount noisy tables: the planned queries, columns and keys, and no other."""
    method = protected.release.method
    queries = {query.name: query for query in method.queries} if isinstance(method, DpStatistics) else {}
    checks = [verdict("tables", len(set(queries) ^ set(protected.tables)), "exactly the planned queries are answered")]
    for name in sorted(set(queries) & set(protected.tables)):
        checks.extend(_noisy_table(queries[name], protected.tables[name]))
    return (*checks, _nothing_exact(protected))


def _nothing_exact(protected: NoisyAggregate) -> CheckResult:
    """Exact counts of the same people are outside the guarantee, so the evidence has none (violation V29)."""
    evidence = protected.evidence
    exact = (evidence.people_in, evidence.people_out, evidence.records_in, evidence.records_out)
    what = "no exact count of people or records stands beside the noisy numbers"
    return rule_check("DP-04", "nothing_exact", sum(count is not None for count in exact), what)


def _noisy_table(query: DpQuery, table: pa.Table) -> Sequence[CheckResult]:
    by = [key.column for key in query.by]
    strange = sum(name not in _NOISY_COLUMNS and name not in by for name in table.column_names)
    published = Counter(zip(*(table.column(name).to_pylist() for name in by), strict=True))
    planned = Counter(product(*(key.values for key in query.by)))
    wrong = sum(((published - planned) + (planned - published)).values()) if by else abs(table.num_rows - 1)
    return (
        verdict(f"columns.{query.name}", strange, "only keys, noisy numbers and their errors are published"),
        verdict(
            f"keys.{query.name}",
            wrong,
            "exactly the public keys are published, also those that nobody has",
            rule="DP-02",
            cells=table.num_rows,
        ),
    )
