"""Fill the card of a differentially private release from its policy, its evidence and its charge; no data are read.

Every number here is the policy's, the plan's or the ledger's. Not here: the form (`dp_card`), the hazards
(`dp_checklist`), files (`dp_card_files`).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from anonymization.dp.mechanism import epsilon_of
from anonymization.evidence import CheckResult, Evidence
from catalog.dp_card import DpCard, RegistryEntry
from catalog.dp_checklist import Judged, checklist
from catalog.ledger_scopes import MICRO
from catalog.parameter_words import country
from policies.errors import DataError
from policies.model import DatasetPolicy, ReleasePolicy
from policies.model.method import DpBudget
from policies.model.strictness import Text
from policies.sentences import Language
from policies.vocabulary import ControllerType

_PUBLIC_BODIES = frozenset(
    {ControllerType.ADMINISTRATIVE_ORGAN, ControllerType.PUBLIC_HOSPITAL_58_2, ControllerType.APPENDED_TABLE_2}
)
_ACADEMIC = frozenset({ControllerType.PRIVATE_ACADEMIC})
_MECHANISMS: Mapping[str, Text] = {
    "discrete_gaussian": Text(ja="離散ガウス", en="discrete Gaussian"),
    "discrete_laplace": Text(ja="離散ラプラス", en="discrete Laplace"),
    "thresholded_discrete_gaussian": Text(ja="閾値付き離散ガウス", en="thresholded discrete Gaussian"),
    "noisy_max": Text(ja="ガンベル(最多の選択)", en="Gumbel (choice of the highest)"),
}
_STATISTICS: Mapping[str, Text] = {
    "people": Text(ja="人数", en="number of people"),
    "rows": Text(ja="件数", en="number of rows"),
    "sum": Text(ja="合計", en="sum"),
    "mean": Text(ja="平均", en="mean"),
    "variance": Text(ja="分散", en="variance"),
    "histogram": Text(ja="度数分布", en="histogram"),
    "quantiles": Text(ja="分位数", en="quantiles"),
    "marginals": Text(ja="周辺表", en="marginal tables"),
    "survival": Text(ja="生存表", en="survival table"),
    "top": Text(ja="上位の値", en="top values"),
    "most_frequent": Text(ja="最多の値(件数なし)", en="most frequent values, without counts"),
    "regression": Text(ja="回帰", en="regression"),
    "logistic_regression": Text(ja="ロジスティック回帰", en="logistic regression"),
}
_NONE_OF_NUMBERS = Text(
    ja="なし。この公開の値はすべて雑音付きで、行数は公開のキーだけで決まる。",
    en="None: every number is noisy, and the number of rows follows from public keys alone.",
)
_NONE_OF_NAMED = Text(
    ja="なし。この公開の値はすべて雑音付きで、一覧のないキーの行は、雑音を加えた数が閾値を超えたものだけである。表にないキーは何も意味しない。",
    en="None: every number is noisy, and rows of keys that nobody listed are those whose noisy count is above a threshold. A key "
    "that is not in the table means nothing.",
)
_NONE_OF_ROWS = Text(
    ja="なし。行は雑音付きの集計だけから引かれ、行数は宣言した数か、雑音付きの人数である。",
    en="None: rows are drawn from noisy counts alone; how many is declared, or the noisy number of people.",
)


@dataclass(frozen=True, slots=True)
class CardFacts:
    """What a card is made from; `checks` are those of the run with the stage that left them.

    `rho_cap` and `rho_charged` are exact decimal texts of the population's lifetime account.
    """

    release: ReleasePolicy
    budget: DpBudget
    datasets: Sequence[DatasetPolicy]
    evidence: Evidence
    checks: Sequence[tuple[str, CheckResult]]
    charge_id: str
    rho_cap: str
    rho_charged: str
    code_version: str
    published_on: date


def build_card(facts: CardFacts) -> DpCard:
    """Fill the card.

    Raises:
        DataError: The evidence names no loss.

    Guarantee: every figure is public: of the policy, the plan or the account; nothing is counted from data.
    """
    if facts.evidence.epsilon is None or facts.evidence.delta is None or facts.evidence.rho is None:
        raise DataError(
            "dp.card-without-loss",
            what="the evidence of a differentially private release names no loss",
            why="a card without epsilon, delta and rho says nothing",
            fix="protect the release again",
        )
    judged = Judged(
        budget=facts.budget,
        delta=facts.budget.delta + threshold_delta(facts.evidence),
        epsilon=facts.evidence.epsilon,
        epsilon_of_cap=epsilon_of(int(Decimal(facts.rho_cap) * MICRO), delta=facts.budget.delta),
        rho=facts.evidence.rho,
        rho_cap=facts.rho_cap,
        charge_id=facts.charge_id,
        mechanism=str(facts.evidence.parameters.get("mechanism", "")),
        exact_beside=[one.release for one in getattr(facts.release.method, "exact_beside", None) or ()],
        is_synthetic=_is_synthetic(facts),
        passed=_passed(facts.checks),
    )
    return DpCard(ja=_entry(facts, judged, "ja"), en=_entry(facts, judged, "en"), checklist=checklist(judged))


def _passed(checks: Sequence[tuple[str, CheckResult]]) -> dict[str, bool]:
    found: dict[str, bool] = {}
    for stage, check in checks:
        name = f"{stage}/{check.name}"
        found[name] = check.passed and found.get(name, True)
    return found


def _is_synthetic(facts: CardFacts) -> bool:
    return "synthetic" in facts.release.method.kind


def _entry(facts: CardFacts, judged: Judged, language: Language) -> RegistryEntry:
    body: dict[str, Any] = {
        "url_slug": re.sub(r"[^a-z0-9]+", "-", f"{facts.release.id}-{facts.release.version}").strip("-"),
        "deployment": {
            "basic": _basic(facts),
            "dp_variant": _variant(facts),
            "privacy_loss": _loss(facts, judged),
            "deployment_model": _model(facts, judged),
            "implementation": _implementation(facts, judged),
            "administrative": _administrative(facts),
        },
    }
    return RegistryEntry.model_validate(_spoken(body, language))


def _spoken(value: Any, language: Language) -> Any:
    """Return plain values with each text in one language."""
    if isinstance(value, Text):
        return value.ja if language == "ja" else value.en
    if isinstance(value, dict):
        return {name: _spoken(one, language) for name, one in value.items()}
    if isinstance(value, tuple):
        return tuple(_spoken(one, language) for one in value)
    return value


def _basic(facts: CardFacts) -> dict[str, Any]:
    release, spatial = facts.release, facts.release.catalog.spatial
    return {
        "name": release.title,
        "data_curators": tuple(_curator(dataset) for dataset in facts.datasets),
        "description": release.description,
        "intended_use": release.purposes.text,
        "data_product_type": "Synthetic data" if _is_synthetic(facts) else "Summary statistics",
        "data_product_region": Text(ja=country(spatial, "ja"), en=country(spatial, "en")),
        "publication_date": facts.published_on.isoformat(),
    }


def _curator(dataset: DatasetPolicy) -> dict[str, Any]:
    kind = dataset.controller.type
    shown = "Government" if kind in _PUBLIC_BODIES else "Nonprofit" if kind in _ACADEMIC else "Industry"
    return {"data_curator_name": dataset.controller.name, "data_curator_type": shown}


def threshold_delta(evidence: Evidence) -> Decimal:
    """Return the δ of the thresholds of private keys, as the plan said it; 0 without any."""
    planned: Any = evidence.parameters.get("queries", ())
    keys = [query["private_keys"] for query in planned if "private_keys" in query]
    return sum((Decimal(str(one["delta"])) for one in keys), Decimal(0))


def _variant(facts: CardFacts) -> dict[str, Any]:
    names = [dataset.title for dataset in facts.datasets]
    exact = getattr(facts.release.method, "exact_beside", None) or ()
    numbers = _NONE_OF_NAMED if threshold_delta(facts.evidence) else _NONE_OF_NUMBERS
    none = _NONE_OF_ROWS if _is_synthetic(facts) else numbers
    listed = Text(
        ja=f"{none.ja}同じ人々についての正確な出力が別にあり、保証の外にある: "
        + "、".join(f"{one.release}({one.why.ja})" for one in exact),
        en=f"{none.en} Exact outputs about the same people exist elsewhere, outside the guarantee: "
        + "; ".join(f"{one.release} ({one.why.en})" for one in exact),
    )
    return {
        "variant_name": "Zero-concentrated DP",
        "data_domain": Text(
            ja="次のデータセットの形を持つすべての表の組: " + "、".join(name.ja for name in names),
            en="All sets of tables of the form of: " + ", ".join(name.en for name in names),
        ),
        "unprotected_quantities": listed if exact else none,
    }


def _loss(facts: CardFacts, judged: Judged) -> dict[str, Any]:
    people, own = facts.budget.people_at_most, threshold_delta(facts.evidence)
    thresholds_ja = f"一覧のないキーの閾値の δ={own} が加わり、合計は δ={judged.delta}。" if own else ""
    thresholds_en = f" Thresholds of unlisted keys add delta={own}, so delta is {judged.delta} in all." if own else ""
    most_ja = f"人数の公開の上限は {people:,}。" if people else "人数は公開しない。"
    most_en = f" A public limit of the number of people is {people:,}." if people else " Their number is not public."
    return {
        "privacy_unit": Text(ja="人(全記録)", en="Person, with all records"),
        "privacy_unit_details": Text(
            ja=f"隣り合うデータは、1人をすべての表のすべての行ごと加えるか除いたもの。人は加工前の患者等の番号で識別する。{most_ja}",
            en="Adjacent data differ by one person, with all rows of all tables, added or removed. People are told apart by the "
            f"person key of the source.{most_en}",
        ),
        "privacy_parameters": {
            "epsilon": judged.epsilon,
            "delta": float(judged.delta),
            "rho": float(judged.rho),
        },
        "privacy_parameters_details": Text(
            ja=f"損失は ρ={judged.rho}(zCDP)で、ε={judged.epsilon:g} は δ={facts.budget.delta} での換算値(切上げ)。{thresholds_ja}"
            f"口座への課金の合計は ρ={facts.rho_charged}(失敗した実行を含む)、生涯の上限は ρ={facts.rho_cap}(ε={judged.epsilon_of_cap:g})。",
            en=f"The loss is rho={judged.rho} of zCDP; epsilon={judged.epsilon:g} is its conversion at delta={facts.budget.delta}, "
            f"rounded up.{thresholds_en} The account was charged rho={facts.rho_charged} in all, failed runs included; its lifetime cap is "
            f"rho={facts.rho_cap} (epsilon={judged.epsilon_of_cap:g}).",
        ),
    }


def _model(facts: CardFacts, judged: Judged) -> dict[str, Any]:
    kinds = facts.release.recipients
    return {
        "model_name": "Central",
        "trust_assumptions": Text(
            ja="データの保有者は生データを扱い、信頼される。台帳・鍵・実行を扱う運用者も信頼される。受け取る者("
            + "、".join(each.name.ja for each in kinds)
            + ")は信頼せず、結託や外部の知識を想定する。",
            en="The holder of the data handles raw data and is trusted, as are the operators of ledger, keys and runs. Who "
            "receives the numbers ("
            + ", ".join(each.name.en for each in kinds)
            + ") is not trusted, may collude and may "
            "know anything else.",
        ),
        "release_type": "One release",
        "release_type_details": Text(
            ja="この版は一度だけ公開する。同じ人々の後の公開は同じ口座に加算され、予算が元に戻ることはない。口座の期間は"
            f" {facts.budget.period_from} から {facts.budget.period_to}。",
            en="This version is released once. Later releases about the same people add to the same account; the budget is "
            f"never refreshed. Period of the account: {facts.budget.period_from} to {facts.budget.period_to}.",
        ),
        "data_source_type": "Static",
        "data_source_type_details": Text(
            ja="一時点の写しから作る。新しい写しは新しい問いとして課金する。",
            en="Made from one snapshot; a new snapshot is a new question and is charged.",
        ),
        "access_type": "Non-interactive",
        "access_type_details": Text(
            ja="公開物をそのまま使う。利用者が元データに問い合わせることはできない。",
            en="The release is used as it is; nobody queries the data through it.",
        ),
    }


def _implementation(facts: CardFacts, judged: Judged) -> dict[str, Any]:
    mechanism = _mechanism(judged.mechanism)
    queries = list(_queries(facts))
    return {
        "preprocessing_and_hyperparameter_tuning": Text(
            ja="値の丸めと階級はポリシーの規則と公開の階層による。上限・範囲・公開のキーはデータを見る前に定め、出典を持つ。データを使った調整はない。",
            en="Values are coarsened by rules of the policy and public hierarchies. Bounds, clips and public keys are set before "
            "the data are seen, each with its source; nothing was tuned on the data.",
        ),
        "mechanisms": Text(
            ja=f"{mechanism.ja}の雑音を OpenDP で整数のベクトルに加える。乱数はオペレーティングシステムのもの。値は整数にしてから足すため浮動小数点の誤差は入らない。"
            f"元データは暗号化した区域にあり、鍵は別の保管庫にある。Niji {facts.code_version}。",
            en=f"Noise of the {mechanism.en} law, added by OpenDP to vectors of whole numbers; random bits are the operating "
            "system's. Values become whole numbers before they are summed, so no floating-point error enters. Source data lie "
            f"in encrypted zones, keys in a store apart. Niji {facts.code_version}.",
        ),
        "composition": Text(
            ja="損失 ρ は加算する(zCDP の逐次合成)。問いごとの取り分の合計がこの公開の ρ で、母集団の口座に課金される。",
            en="Losses in rho add up (sequential composition of zCDP). The shares of the queries sum to the release's rho, which "
            "is charged to the account of the population.",
        ),
        "post_processing": _post_processing(facts),
        "justification": Text(
            ja=f"予算は {facts.budget.approved_by} が承認した機関の選択である。仕組みは試験で監査し、ポリシーは4名の署名を要する。",
            en=f"The budget is a choice of the institution, approved by {facts.budget.approved_by}. The mechanism is audited in "
            "Niji's tests; a policy needs the signatures of four people.",
        ),
        "utility": Text(
            ja="95%の場合の雑音の幅: " + "。".join(one.ja for one in queries),
            en="In 95 of 100 cases the noise is within: " + "; ".join(one.en for one in queries),
        ),
        "additional_information": Text(
            ja="保証すること: " + facts.evidence.guarantee.ja + " 保証しないこと: " + facts.evidence.not_guaranteed.ja,
            en="Guaranteed: " + facts.evidence.guarantee.en + " Not guaranteed: " + facts.evidence.not_guaranteed.en,
        ),
    }


def _mechanism(names: str) -> Text:
    """Name the mechanisms of a release, joined by ` + ` in its evidence."""
    each = [_MECHANISMS.get(name, Text(ja=name, en=name)) for name in names.split(" + ")]
    return Text(ja="と".join(one.ja for one in each), en=" and ".join(one.en for one in each))


def _post_processing(facts: CardFacts) -> Text:
    """Say what is done after the noise, query by query as the evidence names it; it costs nothing."""
    done: Any = facts.evidence.parameters.get("post_processing", {})
    steps = [f"{name}: {', '.join(each) or '-'}" for name, each in done.items()] if isinstance(done, dict) else []
    return Text(
        ja="雑音の後の処理だけで、損失は増えない。" + "。".join(steps),
        en="Only what follows the noise, at no further loss. " + "; ".join(steps),
    )


def _queries(facts: CardFacts) -> Iterator[Text]:
    """Say each query's noise, as the plan knew it before the run."""
    planned: Any = facts.evidence.parameters.get("queries", ())
    for query in planned:
        statistic = str(query["statistic"])
        kind = _STATISTICS.get(statistic, Text(ja=statistic, en=statistic))
        error = f"±{float(query['error_95']):,.4g}"
        yield Text(ja=f"{query['name']}({kind.ja})は{error}", en=f"{query['name']} ({kind.en}) {error}")


def _administrative(facts: CardFacts) -> dict[str, Any]:
    holders = tuple(dict.fromkeys((one.controller.name.ja, one.controller.name.en) for one in facts.datasets))
    names = tuple(Text(ja=ja, en=en) for ja, en in holders)
    return {
        "evidence_sources": {
            "dossier": {
                "misc": {
                    "title": Text(
                        ja=f"{facts.release.title.ja} {facts.release.version} の証拠書類(署名済み)",
                        en=f"Signed dossier of {facts.release.title.en} {facts.release.version}",
                    ),
                    "author": names[0],
                    "note": Text(
                        ja="ポリシー、検査、台帳の記載、署名を含み、niji dossier verify で確かめられる。",
                        en="Holds policies, checks, ledger entries and signatures; verified by niji dossier verify.",
                    ),
                }
            }
        },
        "registry_authors": names,
    }
