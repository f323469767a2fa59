"""The recount of tables whose keys nobody listed: what is named is above the threshold, and the threshold keeps its promise.

The threshold is taken from the evidence and judged against the policy by arithmetic of our own, not by the mechanism's map.
"""

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa

from anonymization.evidence import CheckResult
from anonymization.release_checks.verdict import verdict
from policies.model.method import DpQuery, DpStatistics

_ROUNDING = 1e-9


def private_table(
    method: DpStatistics, query: DpQuery, table: pa.Table, shown: Mapping[str, Any]
) -> Sequence[CheckResult]:
    """Judge a published table with private keys.

    Args:
        method: The method of the release policy.
        query: A query with private keys.
        table: The published table; its columns were judged before.
        shown: The query as the evidence shows it: `named_above`, and the scale of its noise.

    Returns:
        Two checks: each combination of keys stands once, in order, with public parts that are declared and private ones that
        are no longer than allowed; every noisy count is above a threshold whose chance to fail, recomputed, is at most δ.
    """
    above, sigma = int(shown["private_keys"]["named_above"]), float(shown["noise"][0]["sigma"])
    low = sum(count <= above for count in table.column("noisy").to_pylist())
    is_kept = _keeps_delta(method, query, above=above, sigma=sigma)
    return (
        verdict(
            f"named_keys.{query.name}",
            _wrong_keys(query, table),
            "each key is named once, in order, its public parts are declared and its private ones no longer than allowed",
            rule="DP-02",
            cells=table.num_rows,
        ),
        verdict(
            f"threshold.{query.name}",
            low + int(not is_kept),
            "every named count is above the threshold, and the threshold keeps to the δ of the policy",
            rule="DP-01",
            named_above=above,
        ),
    )


def _wrong_keys(query: DpQuery, table: pa.Table) -> int:
    named = list(zip(*(table.column(name).to_pylist() for name in query.grouped), strict=True))
    public = [set(key.values) for key in query.by]
    longest = [key.max_length for key in query.private_columns]
    wrong = 0
    for name in named:
        is_public = all(value in allowed for value, allowed in zip(name, public, strict=False))
        private = name[len(public) :]
        is_short = all(value is not None and len(value) <= most for value, most in zip(private, longest, strict=True))
        wrong += int(not (is_public and is_short))
    # Sorted and each once: the order of storage, or of counts, would tell more than the keys do.
    return wrong + int(not wrong and named != sorted(set(named)))


def _keeps_delta(method: DpStatistics, query: DpQuery, *, above: int, sigma: float) -> bool:
    """Return whether noise and threshold keep to ρ and δ for a person who alone is in as many cells as are allowed."""
    keys = query.private_keys
    cells = query.bounds.cells_per_person
    bound = 1 if query.statistic == "people" else query.bounds.rows_per_person_per_cell
    share = float(query.rho_share * method.budget.release_rho)
    is_noisy = sigma * (1 + _ROUNDING) >= bound * math.sqrt(cells / (2 * share))
    named = _tail(sigma, above + 1 - bound)
    chance = -math.expm1(cells * math.log1p(-named)) if named < 1 else 1.0
    return keys is not None and is_noisy and Decimal(chance) <= keys.threshold_delta * Decimal(1 + _ROUNDING)


def _tail(sigma: float, least: int) -> float:
    """Return the chance that discrete Gaussian noise of scale `sigma` is `least` or more, by summing its law."""
    far = least + math.ceil(40 * sigma) + 1
    reach = math.ceil(40 * sigma) + 1
    weight = math.fsum(math.exp(-(step**2) / (2 * sigma**2)) for step in range(-reach, reach + 1))
    return math.fsum(math.exp(-(step**2) / (2 * sigma**2)) for step in range(least, far)) / weight
