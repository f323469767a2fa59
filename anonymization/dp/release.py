"""Draw a differentially private release: bound, add noise once, post-process, and say how far off each number may be.

The caller charges the ledger before it calls `measure`, and stores the answer; a second call draws fresh noise.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType

import ibis
import pyarrow as pa

from anonymization.dp.bounding import Cells, TreatedRows, bounded_cells
from anonymization.dp.choice import LAW
from anonymization.dp.cohort import cohort_rows
from anonymization.dp.plan import REFERENCE_ROWS, DpPlan, QueryPlan, delta_text, micro_text
from anonymization.dp.private_keys import PresentCells, named_table, present_cells
from anonymization.dp.queries.mean import enough_rows
from anonymization.dp.queries.regression import REGRESSION_ROWS
from anonymization.dp.queries.vocabulary import KINDS
from anonymization.dp.threshold import DELTA_UNITS
from anonymization.evidence import CheckKind, CheckResult, Evidence, Statement
from anonymization.tables import NoisyAggregate
from policies.errors import PolicyError
from policies.model.release import ReleasePolicy


def measure(
    release: ReleasePolicy, treated: Mapping[str, TreatedRows], *, plan: DpPlan, bounding_key: bytes
) -> NoisyAggregate:
    """Answer every query of the plan with fresh noise; the charge must have been made before.

    Each table has the grouping columns (string, every combination of the declared keys, in the declared order, empty
    cells too) and the columns of its statistic (`PUBLISHED`): `noisy` signed, before any post-processing; `value`
    post-processed; `error_95` (float64, natural units) of the noise only. Counts are held at 0 or more where that is
    declared, sums where their clip is not negative. Figures that need a count (means, variances, quantiles, survival,
    regressions) are null, with their error, where the noisy count is below `MIN_MEAN_ROWS` or below twice its own 95 %
    error.

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
    cells = [_counted(treated[query.table], query, bounding_key) for query in plan.queries]
    tables = {query.name: noisy_table(query, raw) for query, raw in zip(plan.queries, cells, strict=True)}
    return NoisyAggregate(release=release, tables=tables, evidence=_evidence(plan))


def _counted(table: TreatedRows, query: QueryPlan, key: bytes) -> Cells | PresentCells:
    return query_cells(table, query, key=key) if query.threshold is None else present_cells(table, query, key=key)


def noisy_table(query: QueryPlan, cells: Cells | PresentCells) -> pa.Table:
    """Draw the noise of one query over its bounded cells, and lay the answer out; see `measure`.

    Cells of private keys (`private_keys.present_cells`) are named above the threshold only.
    """
    if isinstance(cells, PresentCells):
        return named_table(query, cells)
    kind = KINDS[query.statistic]
    return pa.table(kind.answer(query, kind.draw(query, cells)))


def query_cells(table: TreatedRows, query: QueryPlan, *, key: bytes) -> Cells:
    """Prepare the rows of a query, then bound and count them; raw results that stay in the restricted zone.

    Raises:
        PolicyError: The query has private keys, whose cells are no grid: see `private_keys.present_cells`.

    Guarantee: that of `bounded_cells`, which runs last; preparation is row-wise, or decided by one person's rows.
    """
    if query.threshold is not None:
        raise PolicyError(
            "dp.no-grid",
            what=f"the cells of query '{query.name}' are no public grid",
            why="its keys are private: an empty cell of a grid would be named",
            fix="count its cells with `present_cells`",
        )
    prepared = KINDS[query.statistic].prepare(cohort_rows(table.rows, query), query, key)
    return bounded_cells(_Prepared(prepared), query, key=key)


@dataclass(frozen=True, slots=True)
class _Prepared:
    rows: ibis.Table


def answer_digest(answer: NoisyAggregate) -> str:
    """Return the digest of a released answer that the ledger keeps; equal answers have equal digests."""
    content = {name: table.to_pydict() for name, table in answer.tables.items()}
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _evidence(plan: DpPlan) -> Evidence:
    lost = sum(part.loss_micro for query in plan.queries for part in query.parts)
    thresholds = [query.threshold for query in plan.queries if query.threshold is not None]
    mapped = sum((Fraction(one.mapped_delta) for one in thresholds), Fraction(0))
    delta = {"charged_delta": delta_text(plan.delta_units)} if thresholds else {}
    checks = (
        CheckResult(
            name="loss_within_charge",
            kind=CheckKind.RULE,
            passed=lost <= plan.charge_micro and mapped * DELTA_UNITS <= plan.delta_units,
            blocking=True,
            what="the losses that the mechanism's own map reports sum to at most what the ledger was charged",
            rule="DP-01",
            measured={"mapped_micro_rho": lost, "charged_micro_rho": plan.charge_micro, **delta},
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
        not_guaranteed=_not_guaranteed(is_private=bool(thresholds)),
        epsilon=plan.epsilon,
        delta=float(plan.delta),
        rho=micro_text(plan.charge_micro),
        parameters=_parameters(plan),
        checks=checks,
    )


def _sources(query: QueryPlan) -> bool:
    clip = query.units is None or bool(query.clip_source)
    private = query.asked.private_keys if query.asked else None
    clip = clip and (query.threshold is None or bool(private and private.source))
    return clip and bool(query.bounds_source) and all(key.source for key in query.by)


def _parameters(plan: DpPlan) -> dict[str, object]:
    return {
        "unit": "person",
        "neighbouring": "add_remove",
        "accountant": "zcdp",
        "mechanism": " + ".join(dict.fromkeys(part.mechanism for query in plan.queries for part in query.parts)),
        "population": plan.population,
        "query_hash": plan.query_hash,
        "bounding": LAW,
        "undeclared_keys": "counted_nowhere",
        "missing_values": "counted_nowhere",
        **({"private_keys": "named_above_threshold"} if plan.delta_units else {}),
        "post_processing": {query.name: _post_processing(query) for query in plan.queries},
        "mean_shown_from_rows": {
            query.name: enough_rows(query.part("rows").error_95) for query in plan.queries if query.statistic == "mean"
        },
        "queries": [query.as_json() for query in plan.queries],
    }


_FIXED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "sum": ("clamp0_where_clip_is_not_negative",),
        "mean": ("ratio", "clipped_to_range"),
        "variance": ("ratio", "clamp0"),
        "quantiles": ("rising_cumulative_counts", "linear_within_bin"),
        "survival": ("kaplan_meier",),
        "top": ("ranked", "clamp0"),
        "most_frequent": (),
        "regression": ("ridge_as_noise_asks",),
        "logistic_regression": ("score_equation_of_signed_counts",),
        "marginals": ("consistency", "clamp0"),
    }
)


def _post_processing(query: QueryPlan) -> list[str]:
    """Return what is done to a query's noisy cells: as the policy declares it, or as the statistic always does."""
    declared = query.asked.post_processing if query.asked else None
    return list(_FIXED.get(query.statistic, ("clamp0",)) if declared is None else declared)


def _guarantee(plan: DpPlan) -> Statement:
    rho = micro_text(plan.charge_micro)
    asked_ja = "、".join(f"「{query.asked.title.ja if query.asked else query.name}」" for query in plan.queries)
    asked_en = ", ".join(f"“{query.asked.title.en if query.asked else query.name}”" for query in plan.queries)
    errors_ja = "、".join(f"「{query.name}」は±{query.error_95:,.4g}" for query in plan.queries)
    errors_en = ", ".join(f"'{query.name}' ±{query.error_95:,.4g}" for query in plan.queries)
    named_ja, named_en = _what_is_named(plan)
    return Statement(
        ja=(
            "ある一人が全記録ごとデータにいてもいなくても、公表される数値の出方はほとんど変わりません"
            f"(ρ={rho} のzCDP、δ={plan.delta} で ε={plan.epsilon:g}。単位は人、隣り合うデータは一人の有無で異なるもの)。"
            f"問い: {asked_ja}。"
            f"雑音による誤差は95%の場合に次の範囲です: {errors_ja}"
            f"({_what_errors_are_of(plan, 'ja')})。{named_ja}"
        ),
        en=(
            "Whether any one person, with all their records, is in the data or not hardly changes what is published "
            f"(zCDP with rho={rho}; epsilon={plan.epsilon:g} at delta={plan.delta}; the unit is a person, neighbours "
            f"differ by one person's presence). Asked: {asked_en}. "
            f"In 95 of 100 cases the noise is within: {errors_en} ({_what_errors_are_of(plan, 'en')}).{named_en}"
        ),
    )


_ERRORS_OF: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "mean": (f"平均は{REFERENCE_ROWS}件のセルの場合", f"a mean: for a cell of {REFERENCE_ROWS} rows"),
        "variance": (f"分散は{REFERENCE_ROWS}件のセルの場合", f"a variance: for a cell of {REFERENCE_ROWS} rows"),
        "quantiles": ("分位点は順位(件数)の誤差", "a quantile: of its rank, in rows"),
        "survival": ("生存表は各区間の事象・打切りの数", "a survival table: of the events or censored of an interval"),
        "top": ("順位表はすべてのキーで同時に", "ranks: for all keys at once"),
        "most_frequent": (
            "最多のキーは、選ばれたキーが残りの最多のキーより何人少ないかの上限",
            "a most frequent key: how many people fewer it may have than the best one left",
        ),
        "regression": (
            f"回帰は説明変数が範囲に均等に散る{REGRESSION_ROWS:,}件での傾き",
            f"a regression: of a slope from {REGRESSION_ROWS:,} rows spread evenly over their ranges",
        ),
        "logistic_regression": (
            f"ロジスティック回帰は、説明変数が目盛りに均等に散り半数に事象のある{REGRESSION_ROWS:,}件での対数オッズの傾き",
            f"a logistic regression: of a slope of the log odds from {REGRESSION_ROWS:,} rows, spread evenly, half with the event",
        ),
    }
)
"""What the error of a statistic is of, where it is not that of every cell."""


def _what_errors_are_of(plan: DpPlan, language: str) -> str:
    kinds = dict.fromkeys(query.statistic for query in plan.queries)
    said = [_ERRORS_OF[kind][language == "en"] for kind in kinds if kind in _ERRORS_OF]
    others = ("それ以外は各セル", "others: every cell") if said else ("各セル", "every cell")
    return ("; " if language == "en" else "。").join([*said, others[language == "en"]])


def _what_is_named(plan: DpPlan) -> tuple[str, str]:
    """Say from which noisy count on a key that nobody listed is named, and with which chance one person's is."""
    above = {query.name: query.threshold.threshold for query in plan.queries if query.threshold is not None}
    if not above:
        return "", ""
    delta = delta_text(plan.delta_units)
    listed = ", ".join(f"'{name}' > {threshold:,}" for name, threshold in above.items())
    listed_ja = "、".join(f"「{name}」は{threshold:,}を超えるもの" for name, threshold in above.items())
    return (
        f"一覧のないキーは、雑音を加えた数が閾値を超えたものだけを名指しします({listed_ja}。"
        f"一人だけが持つキーが現れる確率は、上の δ に含まれる {delta} 以下)。",
        f" Keys that nobody listed are named only where the noisy count is above a threshold ({listed}; one that a single "
        f"person has appears with a chance of at most {delta}, which the delta above includes).",
    )


def _not_guaranteed(*, is_private: bool) -> Statement:
    private_ja = (
        "表にないキーは、誰にもないことも、少数の人にあることも意味しません。閾値の近くで名指しされた数は、平均すると大きめに出ます。"
        if is_private
        else ""
    )
    private_en = (
        " A key that is not in the table means nothing: nobody may have it, or few people. Counts that are named just above "
        "the threshold are too high on the average."
        if is_private
        else ""
    )
    return Statement(
        ja=(
            "誤差は雑音だけのもので、一人あたりの上限を超えた記録や、公開されたキーにない値は数えられていません。"
            "血縁者など k 人をまとめて見ると損失は k² 倍になります。同じ人々について正確な件数を別に公表すると、この保証の外です。"
            f"{private_ja}"
        ),
        en=(
            "The error is that of the noise only: records beyond a person's bounds, and values that are not among the "
            "public keys, are not counted. For k people taken together, such as relatives, the loss is k² times as "
            f"large. Exact counts of the same people published elsewhere are outside this guarantee.{private_en}"
        ),
    )
