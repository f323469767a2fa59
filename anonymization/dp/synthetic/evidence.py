"""The evidence of synthetic people: checks, public parameters, noisy figures, and what is and is not promised, in both languages."""

from collections.abc import Mapping, Sequence
from typing import Any

from anonymization.dp.choice import LAW
from anonymization.dp.query_plan import micro_text
from anonymization.dp.synthetic.plan import SyntheticPlan
from anonymization.evidence import CheckKind, CheckResult, Evidence, Statement


def evidence_of(
    plan: SyntheticPlan,
    *,
    people: float,
    chosen: Sequence[Sequence[str]],
    criteria: Mapping[str, float],
    bars: Sequence[Mapping[str, Any]],
) -> Evidence:
    """Return the evidence of a table that was accepted.

    Args:
        plan: What was charged.
        people: The noisy number of people.
        chosen: The columns of the marginals that selection chose.
        criteria: The noisy share of each criterion, as it was accepted.
        bars: The steward's figures.
    """
    return Evidence(
        method="dp_synthetic",
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
        measured={
            "people_noisy": round(people),
            "chosen_marginals": [list(one) for one in chosen],
            "accepted_errors_noisy": {label: round(share, 4) for label, share in criteria.items()},
        },
        checks=_checks(plan, criteria),
        steward={"synthetic": list(bars)},
    )


def _checks(plan: SyntheticPlan, criteria: Mapping[str, float]) -> tuple[CheckResult, ...]:
    return (
        CheckResult(
            name="loss_within_charge",
            kind=CheckKind.RULE,
            passed=plan.loss_micro <= plan.charge_micro,
            blocking=True,
            what="the losses that the mechanism's own map reports sum to at most what the ledger was charged",
            rule="DP-01",
            measured={"mapped_micro_rho": plan.loss_micro, "charged_micro_rho": plan.charge_micro},
        ),
        CheckResult(
            name="bounds_are_public",
            kind=CheckKind.RULE,
            passed=all(column.source for column in plan.method.domain.columns),
            blocking=True,
            what="unit, neighbors, values, edges, cliques and mechanism are stated, each with a source",
            rule="DP-02",
            measured={"columns": len(plan.method.domain.columns), "cliques": len(plan.method.cliques)},
        ),
        CheckResult(
            name="synthetic.accepted",
            kind=CheckKind.RULE,
            passed=True,  # rows that may miss a criterion were refused
            blocking=True,
            what="the rows keep every declared criterion by its noisy figure, with the figure's own error against them",
            rule="DP-02",
            measured={"criteria": len(criteria), "paid_micro_rho": 0 if plan.accept is None else plan.accept.rho_micro},
        ),
    )


def _parameters(plan: SyntheticPlan) -> dict[str, object]:
    steps = ["fitted_to_noisy_marginals", "impossible_combinations_left_out", "sampled_independently"]
    return {
        "unit": "person",
        "neighbouring": "add_remove",
        "accountant": "zcdp",
        "mechanism": "discrete_gaussian",
        "bounding": LAW,
        "rows_per_person": 1,
        "undeclared_keys": "missing",
        "missing_values": "missing",
        "rows": plan.method.rows or "as_many_as_noisy_people",
        "post_processing": {plan.method.name: steps},
        "queries": [
            {"name": name, "statistic": "marginals", "table": plan.method.table, "error_95": error}
            for name, error in plan.errors_95.items()
        ],
        **plan.as_json(),
    }


def _guarantee(plan: SyntheticPlan) -> Statement:
    rho = micro_text(plan.charge_micro)
    return Statement(
        ja=(
            "実在する人の行は含まれません。ある一人が全記録ごとデータにいてもいなくても、この合成データの出方はほとんど変わりません"
            f"(ρ={rho} のzCDP、δ={plan.delta} で ε={plan.epsilon:g}。単位は人、隣り合うデータは一人の有無で異なるもの)。"
            "受入れの判断も、この損失の中で雑音を加えた値だけで行いました。ありえないと宣言した組合せの行はありません。"
        ),
        en=(
            "No row is that of a real person. Whether any one person, with all their records, is in the data or not hardly "
            f"changes which synthetic rows come out (zCDP with rho={rho}; epsilon={plan.epsilon:g} at delta={plan.delta}; the "
            "unit is a person, neighbors differ by one person's presence). The rows were accepted by noisy figures alone, paid "
            "within this loss. No row has a combination that was declared impossible."
        ),
    )


def _not_guaranteed() -> Statement:
    return Statement(
        ja=(
            "測定していない列の組み合わせの関係は再現されません。個々の行に意味はなく、偶然に実在の人と一致することがあります。"
            "集団についての事実(ある特徴の人に多いことなど)は推測でき、誰かがその特徴を持つと知る者には、その人についての推測になります。"
            "診療上の判断には使えません。血縁者など k 人をまとめて見ると損失は k² 倍になります。"
            "同じ人々についての正確な数が別に公表されれば、それはこの保証の外です。"
        ),
        en=(
            "Relations between columns that were not measured together are not kept. A single row means nothing, and may equal "
            "a real person's by chance. Facts about the population can be inferred, such as what is frequent among people of "
            "some traits, and with them something likely about anybody known to have those traits. Not for decisions of care. "
            "For k people taken together, such as relatives, the loss is k² times as large. Exact numbers about the same people "
            "published elsewhere are outside this guarantee."
        ),
    )
