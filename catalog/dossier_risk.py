"""The risk report of a dossier: what could be found out before, and what after, as anybody may read it.

Promises come from the policy, counts pass the disclosure gate's public room. What a class really holds (the k that was
reached, the largest risk) is a figure of the data and stays in the evidence.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from anonymization.disclosure import Room, disclose_count
from anonymization.evidence import CheckResult, Evidence
from catalog.check_titles import Names
from catalog.dossier import RiskLine
from policies.model import ReleasePolicy
from policies.model.method import AlleleFrequencies, ControlledRows, Microdata, PrivateMethod, SmallCells
from policies.model.risk_models import AverageRisk, NoAttack
from policies.model.strictness import PolicyModel, Text

_NO_LIMIT = "-"


def risk_lines(
    release: ReleasePolicy, evidence: Evidence, checks: Sequence[tuple[str, CheckResult]], *, names: Names | None = None
) -> tuple[RiskLine, ...]:
    """Return the figures of risk before and after protection, in the order in which a reviewer asks for them.

    Columns are called by `names`; without it as the policy writes them.
    """
    method, called = release.method, names or Names()
    if isinstance(method, Microdata):
        return (*_microdata(method, evidence, called), *_rare(checks, called))
    if isinstance(method, SmallCells):
        return tuple(_small_cells(method, evidence))
    if isinstance(method, AlleleFrequencies):
        return tuple(_alleles(method, evidence))
    if isinstance(method, PrivateMethod):
        return tuple(_private(evidence))
    return tuple(_controlled(method, evidence))


def _microdata(method: Microdata, evidence: Evidence, called: Names) -> Iterator[RiskLine]:
    before = _part(evidence.measured, "risk_before")
    yield RiskLine(
        name=Text(ja="同じ特徴を持つ人の最少人数(k)", en="fewest people who are alike (k)"),
        before=_count(before.get("k")),
        after=f"≥ {method.k}",
        note=Text(ja="後の値はポリシーの約束で、独立の再集計が確かめた", en="after: the policy's promise, recounted"),
    )
    yield RiskLine(
        name=Text(ja="一件を言い当てる確率の上限", en="highest chance of picking the right record"),
        before=_NO_LIMIT,
        after=f"≤ {1 / method.k:.3f}",
        note=Text(ja=f"許容値 {method.max_record_risk}", en=f"tolerated: {method.max_record_risk}"),
    )
    for each in method.sensitive:
        name, limit = _sensitive(each, called)
        yield RiskLine(name=name, before=_NO_LIMIT, after=limit)
    yield from (_risk_model(each) for each in method.risks or ())
    yield RiskLine(
        name=Text(ja="特徴の組合せが唯一の記録", en="records with a combination of their own"),
        before=_count(before.get("uniques")),
        after="0",
    )
    yield RiskLine(
        name=Text(ja="対象者数", en="people"), before=_count(evidence.people_in), after=_count(evidence.people_out)
    )
    yield RiskLine(
        name=Text(ja="条件を満たさず削除した記録", en="records removed because they could not be hidden"),
        before="-",
        after=_count(evidence.measured.get("suppressed_records")),
    )


_MODELS: Mapping[str, tuple[str, str, str]] = {
    "distinct_l": ("組ごとの{column}の種類(l)", "different values of {column} in a group (l)", "≥ {l}"),
    "entropy_l": ("組ごとの{column}のエントロピー(l)", "entropy of {column} in a group, as l", "≥ {l}"),
    "recursive_l": (
        "組ごとの{column}の再帰的(c, l)多様性",
        "recursive (c, l)-diversity of {column}",
        "c = {c}, l = {l}",
    ),
    "positive_recursive_l": (
        "組ごとの{column}の、知られてはならない値の再帰的(c, l)多様性",
        "recursive (c, l)-diversity of the values of {column} that must not become known",
        "c = {c}, l = {l}",
    ),
    "t_closeness": ("組の{column}の分布と全体との距離(t)", "distance of {column} in a group from all (t)", "≤ {t}"),
    "alpha_share": (
        "組の中で{column}の一つの値が占める割合(α)",
        "share of one value of {column} in a group (α)",
        "≤ {alpha}",
    ),
    "beta_likeness": (
        "組の中で{column}の値の割合の増え方(β)",
        "gain of a value's share of {column} in a group (β)",
        "≤ {beta}",
    ),
    "delta_disclosure": (
        "組の{column}の割合と全体との対数比(δ)",
        "log ratio of {column}'s shares, group to all (δ)",
        "< {delta}",
    ),
}
"""What each model of a sensitive column limits, in both languages, and its limit in the words of its parameters."""


def _sensitive(model: PolicyModel, called: Names) -> tuple[Text, str]:
    words = model.model_dump()
    ja, en, limit = _MODELS[words.get("model", "distinct_l")]
    column = called.column(None, words["column"])
    name = Text(ja=ja.format_map({**words, "column": column.ja}), en=en.format_map({**words, "column": column.en}))
    return name, limit.format_map(words)


def _risk_model(model: AverageRisk | NoAttack) -> RiskLine:
    match model:
        case AverageRisk():
            name = Text(ja="記録を言い当てられる危険の平均", en="average risk of a record")
            return RiskLine(name=name, before=_NO_LIMIT, after=f"≤ {model.most:g}")
        case NoAttack():
            name = Text(ja="攻撃で得るもの − 費用", en="what an attack brings, less its cost")
            return RiskLine(name=name, before=_NO_LIMIT, after="< 0")


def _rare(checks: Sequence[tuple[str, CheckResult]], called: Names) -> Iterator[RiskLine]:
    for _, check in checks:
        if check.name.startswith("recount.rare."):
            column = called.column(None, check.name.rsplit(".", 1)[-1])
            yield RiskLine(
                name=Text(ja=f"{column.ja}に残る稀な値", en=f"rare values left in {column.en}"),
                before="-",
                after="0" if check.passed else "> 0",
            )


def _small_cells(method: SmallCells, evidence: Evidence) -> Iterator[RiskLine]:
    measured, low = evidence.measured, method.min_cell
    yield RiskLine(
        name=Text(ja=f"表示する 1〜{low - 1} 人の欄", en=f"cells shown with 1 to {low - 1} people"),
        before=_count(measured.get("hidden_primary")),
        after="0",
    )
    yield RiskLine(
        name=Text(ja="逆算を防ぐため併せて伏せた欄", en="further cells hidden so that nothing can be computed"),
        before="-",
        after=_count(measured.get("hidden_complementary")),
    )
    yield RiskLine(
        name=Text(ja="伏せた値を絞り込める幅", en="range to which a hidden number can be narrowed"),
        before="0",
        after=f"≥ {low}",
    )


def _alleles(method: AlleleFrequencies, evidence: Evidence) -> Iterator[RiskLine]:
    measured = evidence.measured
    yield RiskLine(
        name=Text(ja="所属を当てる検定の検出力", en="power of a test of membership"),
        before=_NO_LIMIT,
        after=f"≤ {method.membership_max_power}",
        note=Text(
            ja=f"偽陽性率 {method.membership_false_positive_rate} のとき",
            en=f"at a false-positive rate of {method.membership_false_positive_rate}",
        ),
    )
    yield RiskLine(
        name=Text(ja="公表するゲノム座位", en="genome sites published"),
        before=_count(evidence.records_in),
        after=_count(measured.get("sites")),
    )
    yield RiskLine(
        name=Text(ja="最少のアレル数", en="smallest allele count"), before="1", after=f"≥ {method.min_allele_count}"
    )
    yield RiskLine(
        name=Text(ja="出る個人の遺伝型", en="genotypes of persons that leave"),
        before=_count(evidence.people_in),
        after="0",
    )


def _private(evidence: Evidence) -> Iterator[RiskLine]:
    yield RiskLine(
        name=Text(ja="一人の有無が結果に与える影響(ε)", en="influence of any one person on the result (ε)"),
        before=_NO_LIMIT,
        after="-"
        if evidence.epsilon is None or evidence.delta is None
        else f"≤ {evidence.epsilon:g} (δ = {f'{evidence.delta:.12f}'.rstrip('0')})",
    )
    yield RiskLine(
        name=Text(ja="損失(ρ)", en="loss (ρ)"),
        before=_NO_LIMIT,
        after="-" if evidence.rho is None else f"≤ {evidence.rho}",
        note=Text(ja="件数は一切示さない(DP-04)", en="no count is told beside it (DP-04)"),
    )


def _controlled(method: ControlledRows, evidence: Evidence) -> Iterator[RiskLine]:
    sites = _part(evidence.measured, "sites")
    note = Text(
        ja="仮名化した個人データであり、匿名ではない。許可ごとに封緘し、受領者だけが開ける",
        en="pseudonymized personal data, not anonymous; sealed to the recipient of each permit",
    )
    yield RiskLine(
        name=Text(ja="対象者数", en="people"),
        before=_count(evidence.people_in),
        after=_count(evidence.people_out),
        note=note,
    )
    for table, count in sites.items():
        yield RiskLine(
            name=Text(ja=f"ゲノム座位({table})", en=f"genome sites ({table})"), before="-", after=_count(count)
        )
    if method.max_people is not None:
        yield RiskLine(
            name=Text(ja="一度に渡す人数の上限", en="most people in one extract"),
            before="-",
            after=str(method.max_people),
        )


def _part(measured: Mapping[str, object], name: str) -> Mapping[str, Any]:
    found = measured.get(name)
    return found if isinstance(found, Mapping) else {}


def _count(count: object) -> str:
    return disclose_count(count if isinstance(count, int) else None, room=Room.PUBLIC).text
