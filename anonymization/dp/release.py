"""Draw a differentially private release: bound, add noise once, post-process, and say how far off each number may be.

The caller charges the ledger before it calls `measure`, and stores the answer; a second call draws fresh noise.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from anonymization.dp.bounding import Cells, TreatedRows, bounded_cells
from anonymization.dp.mechanism import draw
from anonymization.dp.plan import REFERENCE_ROWS, DpPlan, NoisePart, QueryPlan, mean_error, micro_text
from anonymization.evidence import CheckKind, CheckResult, Evidence, Statement
from anonymization.tables import NoisyAggregate
from policies.errors import PolicyError
from policies.model.release import ReleasePolicy

MIN_MEAN_ROWS = 10.0
"""A mean is shown only if its noisy count is at least this, and at least twice the 95 % error of the count."""


def measure(
    release: ReleasePolicy, treated: Mapping[str, TreatedRows], *, plan: DpPlan, bounding_key: bytes
) -> NoisyAggregate:
    """Answer every query of the plan with fresh noise; the charge must have been made before.

    Each table has the grouping columns (string, every combination of the declared keys, in the declared order, empty
    cells too), `noisy` (signed, before any post-processing), `value` (post-processed) and `error_95` (float64, natural
    units). For `people` and `rows`, `value` is `noisy`, at least 0; for `sum` too if the clip is not negative. For
    `mean`, `noisy_sum` (of distances from the center) and `noisy_count` are released as well, `noisy` is their ratio
    plus the center, and `value` and `error_95` are null where the noisy count is below `MIN_MEAN_ROWS` or below twice
    its own 95 % error.

    Args:
        release: The release policy.
        treated: Treated tables by name.
        plan: The plan that was charged.
        bounding_key: Secret that chooses which contributions count.

    Raises:
        PolicyError: A table or column is missing, or the mechanism would lose more than planned.
        DataError: A row names no person, or the engine failed.

    Guarantee: all tables together are ρ-zCDP with ρ = `plan.charge_micro` / 1e6, for neighbours that differ by one
        person with all rows.
    Not guaranteed: anything if the answer of a second call is published under one charge; groups of related people
        (k people cost k²ρ); accuracy for people whose rows exceed the bounds.

    Source: Bun & Steinke 2016; Canonne, Kamath, Steinke 2020.
    """
    missing = [query.table for query in plan.queries if query.table not in treated]
    if missing:
        raise PolicyError(
            "dp.unknown-table",
            what=f"queries use tables that the release has not: {', '.join(sorted(set(missing)))}",
            why="a query counts the treated rows of one table of its release",
            fix="name a table of the release",
        )
    # All cells first, all noise after: an engine failure then happens before the first draw.
    cells = [bounded_cells(treated[query.table], query, key=bounding_key) for query in plan.queries]
    tables = {query.name: noisy_table(query, raw) for query, raw in zip(plan.queries, cells, strict=True)}
    return NoisyAggregate(release=release, tables=tables, evidence=_evidence(plan))


def noisy_table(query: QueryPlan, cells: Cells) -> pa.Table:
    """Draw the noise of one query over its bounded cells, and lay the answer out; see `measure`."""
    noisy = {part.quantity: _noise(part, cells[part.quantity].tolist()) for part in query.parts}
    columns = _grid(query)
    if query.statistic == "mean":
        columns |= _mean_columns(query, noisy["sum"], noisy["rows"])
    elif query.statistic == "sum":
        columns |= _sum_columns(query, noisy["sum"])
    else:
        columns |= _count_columns(query, noisy[query.statistic])
    return pa.table(columns)


def answer_digest(answer: NoisyAggregate) -> str:
    """Return the digest of a released answer that the ledger keeps; equal answers have equal digests."""
    content = {name: table.to_pydict() for name, table in answer.tables.items()}
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _noise(part: NoisePart, cells: Sequence[int]) -> list[int]:
    return draw(cells, sigma=part.sigma, sensitivity=part.sensitivity, rho_micro=part.rho_micro)


def _grid(query: QueryPlan) -> dict[str, pa.Array]:
    """Lay out every combination of the declared keys, the last key fastest, as `bounding` numbers the cells."""
    places = np.arange(query.cells)
    columns: dict[str, pa.Array] = {}
    step = query.cells
    for key in query.by:
        step //= len(key.values)
        columns[key.column] = pa.array(key.values, pa.string()).take(pa.array(places // step % len(key.values)))
    return columns


def _count_columns(query: QueryPlan, noisy: Sequence[int]) -> dict[str, pa.Array]:
    return {
        "noisy": pa.array(noisy, pa.int64()),
        "value": pa.array([max(0, count) for count in noisy], pa.int64()),
        "error_95": pa.array([query.error_95] * len(noisy), pa.float64()),
    }


def _sum_columns(query: QueryPlan, noisy: Sequence[int]) -> dict[str, pa.Array]:
    units = query.units
    natural = [units.natural(total) if units else float(total) for total in noisy]
    never_negative = units is not None and units.low >= 0
    return {
        "noisy": pa.array(natural, pa.float64()),
        "value": pa.array([max(0.0, total) if never_negative else total for total in natural], pa.float64()),
        "error_95": pa.array([query.error_95] * len(noisy), pa.float64()),
    }


def _mean_columns(query: QueryPlan, sums: Sequence[int], counts: Sequence[int]) -> dict[str, pa.Array]:
    units, total, count = query.units, query.part("sum"), query.part("rows")
    if units is None:
        raise PolicyError(
            "dp.mean-without-clip",
            what=f"query '{query.name}' has no clip",
            why="a mean is a noisy sum of clipped values by a noisy count",
            fix="write its clip",
        )
    center, low, high = (units.natural(point) for point in (units.center, units.low, units.high))
    enough = max(MIN_MEAN_ROWS, 2 * count.error_95)
    noisy: list[float | None] = []
    value: list[float | None] = []
    error: list[float | None] = []
    for distance, rows in zip(sums, counts, strict=True):
        ratio = center + units.natural(distance) / rows if rows > 0 else None
        shown = None if ratio is None or rows < enough else min(max(ratio, low), high)
        noisy.append(ratio)
        value.append(shown)
        error.append(None if shown is None else mean_error(total, count, rows=rows, from_center=abs(shown - center)))
    return {
        "noisy_sum": pa.array([units.natural(distance) for distance in sums], pa.float64()),
        "noisy_count": pa.array(counts, pa.int64()),
        "noisy": pa.array(noisy, pa.float64()),
        "value": pa.array(value, pa.float64()),
        "error_95": pa.array(error, pa.float64()),
    }


def _evidence(plan: DpPlan) -> Evidence:
    lost = sum(part.loss_micro for query in plan.queries for part in query.parts)
    checks = (
        CheckResult(
            name="loss_within_charge",
            kind=CheckKind.RULE,
            passed=lost <= plan.charge_micro,
            blocking=True,
            what="the losses that the mechanism's own map reports sum to at most what the ledger was charged",
            rule="DP-01",
            measured={"mapped_micro_rho": lost, "charged_micro_rho": plan.charge_micro},
        ),
        CheckResult(
            name="bounds_are_public",
            kind=CheckKind.RULE,
            passed=all(_sources(query) for query in plan.queries),
            blocking=True,
            what="unit, neighbours, contribution bounds, clips, keys and mechanism are stated, each bound with a source",
            rule="DP-02",
            measured={"queries": len(plan.queries)},
        ),
    )
    return Evidence(
        method="dp_statistics",
        people_in=None,
        people_out=None,
        records_in=None,
        records_out=None,
        guarantee=_guarantee(plan),
        not_guaranteed=_not_guaranteed(),
        epsilon=plan.epsilon,
        delta=float(plan.delta),
        rho=micro_text(plan.charge_micro),
        parameters=_parameters(plan),
        checks=checks,
    )


def _sources(query: QueryPlan) -> bool:
    clip = query.units is None or bool(query.clip_source)
    return clip and bool(query.bounds_source) and all(key.source for key in query.by)


def _parameters(plan: DpPlan) -> dict[str, object]:
    return {
        "unit": "person",
        "neighbouring": "add_remove",
        "accountant": "zcdp",
        "mechanism": "discrete_gaussian",
        "population": plan.population,
        "query_hash": plan.query_hash,
        "bounding": "keyed_hash_v1",
        "undeclared_keys": "counted_nowhere",
        "missing_values": "counted_nowhere",
        "post_processing": "counts and non-negative sums are at least 0; means are clipped to their range",
        "mean_shown_from_rows": {
            query.name: max(MIN_MEAN_ROWS, 2 * query.part("rows").error_95)
            for query in plan.queries
            if query.statistic == "mean"
        },
        "queries": [query.as_json() for query in plan.queries],
    }


def _guarantee(plan: DpPlan) -> Statement:
    rho = micro_text(plan.charge_micro)
    errors_ja = "、".join(f"「{query.name}」は±{query.error_95:,.4g}" for query in plan.queries)
    errors_en = ", ".join(f"'{query.name}' ±{query.error_95:,.4g}" for query in plan.queries)
    return Statement(
        ja=(
            "ある一人が全記録ごとデータにいてもいなくても、公表される数値の出方はほとんど変わりません"
            f"(ρ={rho} のzCDP、δ={plan.delta} で ε={plan.epsilon:g})。"
            f"雑音による誤差は95%の場合に次の範囲です: {errors_ja}"
            f"(平均は{REFERENCE_ROWS}件のセルの場合)。"
        ),
        en=(
            "Whether any one person, with all their records, is in the data or not hardly changes what is published "
            f"(zCDP with rho={rho}; epsilon={plan.epsilon:g} at delta={plan.delta}). "
            f"In 95 of 100 cases the noise is within: {errors_en} (a mean: for a cell of {REFERENCE_ROWS} rows)."
        ),
    )


def _not_guaranteed() -> Statement:
    return Statement(
        ja=(
            "誤差は雑音だけのもので、一人あたりの上限を超えた記録や、公開されたキーにない値は数えられていません。"
            "血縁者など k 人をまとめて見ると損失は k² 倍になります。同じ人々について正確な件数を別に公表すると、この保証の外です。"
        ),
        en=(
            "The error is that of the noise only: records beyond a person's bounds, and values that are not among the "
            "public keys, are not counted. For k people taken together, such as relatives, the loss is k² times as "
            "large. Exact counts of the same people published elsewhere are outside this guarantee."
        ),
    )
