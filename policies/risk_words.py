"""What each risk model of a release promises to a person, in plain words; one sentence a model, ja and en.

A group is the people who are alike in all quasi-identifiers. The sentences stand on the policy's page and in the guarantee
that a release carries.
"""

from policies.model.risk_models import AverageRisk, NoAttack

Bilingual = tuple[str, str]


def promise_of_risk(model: AverageRisk | NoAttack) -> Bilingual:
    """Say what a model promises."""
    match model:
        case AverageRisk():
            return (
                f"記録をすべて、同じ集まりの誰かに当て推量で結び付けても、正しいのは平均で {model.most:.4g} の割合までである"
                "(平均再識別リスク)。",
                "If every record were linked by guessing with somebody of its group, a share of at most"
                f" {model.most:.4g} would be right on the average (average re-identification risk).",
            )
        case NoAttack():
            return (
                f"一人を言い当てて得るものを {model.gain:g}、試みる費用を {model.cost:g} とみるとき、どの集まりでも試みは損になる"
                "(攻撃が割に合わない)。",
                f"If finding a person is worth {model.gain:g} and trying costs {model.cost:g}, trying loses in every group"
                " (no attack pays).",
            )
