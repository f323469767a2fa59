"""The recount of noisy tables: exactly the planned queries, keys and columns, and nothing exact beside them."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise, product
from typing import Any

import pyarrow as pa

from anonymization.evidence import CheckResult, rule_check
from anonymization.release_checks.private_keys import private_table
from anonymization.release_checks.synthetic import recount_synthetic
from anonymization.release_checks.verdict import verdict
from anonymization.tables import NoisyAggregate
from policies.model.dp_queries import PUBLISHED
from policies.model.method import DpQuery, DpStatistics, DpSynthetic


def recount_noisy(protected: NoisyAggregate) -> tuple[CheckResult, ...]:
    """Recount noisy tables: the planned queries, columns and keys, and no other."""
    method = protected.release.method
    if isinstance(method, DpSynthetic):
        return (*recount_synthetic(protected, method), _nothing_exact(protected))
    queries = {query.name: query for query in method.queries} if isinstance(method, DpStatistics) else {}
    checks = [verdict("tables", len(set(queries) ^ set(protected.tables)), "exactly the planned queries are answered")]
    for name in sorted(set(queries) & set(protected.tables)):
        checks.extend(_noisy_table(queries[name], protected.tables[name], protected))
    return (*checks, _nothing_exact(protected))


def _nothing_exact(protected: NoisyAggregate) -> CheckResult:
    """Exact counts of the same people are outside the guarantee, so the evidence has none (violation V29)."""
    evidence = protected.evidence
    exact = (evidence.people_in, evidence.people_out, evidence.records_in, evidence.records_out)
    what = "no exact count of people or records stands beside the noisy numbers"
    return rule_check("DP-04", "nothing_exact", sum(count is not None for count in exact), what)


def _noisy_table(query: DpQuery, table: pa.Table, protected: NoisyAggregate) -> Sequence[CheckResult]:
    strange = len(set(table.column_names) ^ {*query.grouped, *PUBLISHED[query.statistic]})
    columns = verdict(f"columns.{query.name}", strange, "only keys, noisy numbers and their errors are published")
    if query.private_keys is not None:
        # The whole grid is nowhere to be found: which keys there are is what the threshold protects.
        return (columns, *(() if strange else _private_table(query, table, protected)))
    wrong = 0 if strange else _wrong_keys(query, table)
    return (
        columns,
        verdict(
            f"keys.{query.name}",
            wrong,
            "exactly the public keys are published, also those that nobody has",
            rule="DP-02",
            cells=table.num_rows,
        ),
    )


def _private_table(query: DpQuery, table: pa.Table, protected: NoisyAggregate) -> Sequence[CheckResult]:
    method = protected.release.method
    written: Any = protected.evidence.parameters.get("queries", [])
    shown = next((one for one in written if one["name"] == query.name and "private_keys" in one), None)
    if shown is None or not isinstance(method, DpStatistics):
        return (
            verdict(f"threshold.{query.name}", 1, "the evidence says above which count a key is named", rule="DP-01"),
        )
    return private_table(method, query, table, shown)


def _wrong_keys(query: DpQuery, table: pa.Table) -> int:
    """Count the rows that are not, or should have been, published: each public key once with each of its public parts."""
    by = [key.column for key in query.by]
    # Which keys are the first ones is read off noise; which ranks there are is public.
    is_ranked = query.statistic in _RANKED
    names = ["rank"] if is_ranked else [*by, *_OWN_KEYS.get(query.statistic, ())]
    if not names:
        return abs(int(table.num_rows) - 1)
    published = Counter(zip(*(table.column(name).to_pylist() for name in names), strict=True))
    planned = Counter(_planned(query))
    wrong = sum(((published - planned) + (planned - published)).values())
    return int(wrong) + (_strange_ranks(query, table) if is_ranked else 0)


_RANKED = ("top", "most_frequent")
_OWN_KEYS = {
    "histogram": ("low", "high"),
    "survival": ("low", "high"),
    "quantiles": ("probability",),
    "marginals": ("margin",),
    "regression": ("term",),
    "logistic_regression": ("term",),
}


def _planned(query: DpQuery) -> Iterator[tuple[object, ...]]:
    keys = [key.values for key in query.by]
    if query.statistic in _RANKED:
        yield from ((place + 1,) for place in range(query.top or 0))
    elif query.statistic == "marginals":
        for margin in query.marginals or ():
            held = [key.values if key.column in margin else (None,) for key in query.by]
            name = " × ".join(key.column for key in query.by if key.column in margin)
            yield from ((*values, name) for values in product(*held))
    elif query.statistic in {"regression", "logistic_regression"}:
        terms = ["intercept", *(predictor.column for predictor in query.predictors or ())]
        yield from product(*keys, terms)
    elif query.statistic == "quantiles":
        yield from product(*keys, [float(each) for each in query.probabilities or ()])
    elif query.edges is not None:
        edges = [float(edge) for edge in query.edges.values]
        yield from ((*values, *sides) for values in product(*keys) for sides in pairwise(edges))
    else:
        yield from product(*keys)


def _strange_ranks(query: DpQuery, table: pa.Table) -> int:
    """Count the ranks of keys that are not public, and of keys that hold two ranks."""
    named = list(zip(*(table.column(key.column).to_pylist() for key in query.by), strict=True))
    public = set(product(*(key.values for key in query.by)))
    return sum(key not in public for key in named) + len(named) - len(set(named))
