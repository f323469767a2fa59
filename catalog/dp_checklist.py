"""The checklist of a differentially private release: each hazard, what the release does about it, where that is proven.

After the hazards of NIST SP 800-226 (H01 to H15) and of public account-keeping (H16 to H18), in our own words; it is no
form of NIST's, and nothing that NIST attested. A hazard whose check did not pass, or was not made, says so.

Source: NIST SP 800-226, Guidelines for Evaluating Differential Privacy Guarantees, March 2025; H03's steps: Ponomareva
et al., How to DP-fy ML, JAIR 77, 2023, section 5.2.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from catalog.dp_card import HazardLine, Level, Standing
from policies.model.method import DpBudget
from policies.model.strictness import Text

STRONG_EPSILON = 1.0
"""Up to here a guarantee is called strong; up to 10 reasonable; above it says little by itself."""
REASONABLE_EPSILON = 10.0
DELTA_SHARE = 10
"""δ should be at most 1 / (10 n)."""

_AUDIT = "tests/attacks/test_dp_audit.py"
_BOUNDING = "tests/anonymization/dp/test_dp_bounding.py"
_RELEASE = "tests/anonymization/dp/test_dp_release.py"
_SYNTHETIC = "tests/anonymization/dp/synthetic/test_synthetic_release.py"
_KEPT = "tests/pipelines/test_budget_kept.py"
_RESTORED = "tests/catalog/test_ledger_restored.py"
_WHOLE_WAY = "tests/anonymization/dp/test_dp_whole_way.py"


@dataclass(frozen=True, slots=True)
class Judged:
    """What the checklist is made from: the policy's budget, the losses, what the run's checks said by `stage/name`.

    `delta` is all of δ, that of thresholds of private keys too; `exact_beside` are the releases of exact numbers about the same
    people.
    """

    budget: DpBudget
    delta: Decimal
    epsilon: float
    epsilon_of_cap: float
    rho: str
    rho_cap: str
    charge_id: str
    mechanism: str
    exact_beside: Sequence[str]
    is_synthetic: bool
    passed: Mapping[str, bool]


def checklist(judged: Judged) -> tuple[HazardLine, ...]:
    """Answer every hazard once, from the top of the pyramid to its base."""
    return (*_guarantee(judged), *_algorithms(judged), *_base(judged))


def _line(judged: Judged, said: tuple[str, Level], hazard: Text, answer: Text, proofs: Sequence[str]) -> HazardLine:
    """Make a line; places that look like `stage/name` of a run are checks that must have passed."""
    checks = [proof for proof in proofs if "/" in proof and not proof.startswith("tests/")]
    is_met = all(judged.passed.get(check, False) for check in checks)
    standing = Standing.PROVEN if is_met else Standing.FAILED
    return HazardLine(id=said[0], level=said[1], hazard=hazard, standing=standing, answer=answer, proofs=tuple(proofs))


def _stated(number: str, level: Level, hazard: Text, answer: Text, *proofs: str) -> HazardLine:
    return HazardLine(id=number, level=level, hazard=hazard, standing=Standing.STATED, answer=answer, proofs=proofs)


def _guarantee(judged: Judged) -> Iterator[HazardLine]:
    top = Level.GUARANTEE
    yield _line(
        judged,
        ("H01", top),
        Text(ja="単位のない ε", en="An epsilon without a unit of privacy"),
        Text(
            ja=f"単位は1人で、隣接関係は1人の追加又は削除。ε={judged.epsilon:g} は δ={judged.delta} での値で、課金した損失は ρ={judged.rho} である。",
            en=f"The unit is a person; neighbors differ by one person added or removed. Epsilon {judged.epsilon:g} holds at "
            f"delta {judged.delta}; the loss in the account is rho {judged.rho}.",
        ),
        ("policy: method.unit, method.neighbouring", "protected/bounds_are_public"),
    )
    yield _line(
        judged,
        ("H02", top),
        Text(
            ja="出来事や1日を単位とする保証を人の保証と称する",
            en="Protection of an event or a day sold as that of a person",
        ),
        Text(
            ja="1人の全ての表の全ての行をまとめて上限に収める。人を識別できない行は数えずに拒む。",
            en="All rows of a person in all tables are bounded together; a row that names no person is refused.",
        ),
        (_BOUNDING, _WHOLE_WAY, "classified/rows_without_person"),
    )
    yield _size(judged)
    yield _line(
        judged,
        ("H04", top),
        Text(ja="追加・削除と置換の隣接関係の混同", en="Bounded and unbounded neighbors mixed up"),
        Text(
            ja="どの問いも追加・削除の関係だけを用いる。人数そのものを公開の値とはせず、置換の関係に直せば感度は最大2倍になる。",
            en="Every query uses add or remove only, and the number of people is not public; under replacement of a person, a "
            "sensitivity is at most twice as large.",
        ),
        ("policy: method.neighbouring", "protected/bounds_are_public"),
    )
    yield _line(
        judged,
        ("H05", top),
        Text(
            ja="公開・利用者・年をまたぐ合成の無視(予算の更新)",
            en="Composition over releases, teams and years ignored (a budget that is refreshed)",
        ),
        Text(
            ja=f"母集団「{judged.budget.population}」の一つの口座に生涯の上限 ρ={judged.rho_cap}(ε={judged.epsilon_of_cap:g})がある。"
            f"この公開は雑音を引く前に課金し(番号 {judged.charge_id})、同じ人々の新しいデータも同じ口座を続ける。",
            en=f"One account of population '{judged.budget.population}' has a lifetime cap of rho {judged.rho_cap} (epsilon "
            f"{judged.epsilon_of_cap:g}). This release was charged before its noise was drawn (charge {judged.charge_id}); "
            "new data of the same people go on in the same account.",
        ),
        ("DP-01", "protected/loss_within_charge", "protected/ledger.drawn_once", _KEPT),
    )


def _size(judged: Judged) -> HazardLine:
    """Say how large ε and δ are; a size is never proven good, so it is stated."""
    people = judged.budget.people_at_most
    most_delta = Decimal(1) / (DELTA_SHARE * people) if people else None
    if judged.epsilon <= STRONG_EPSILON:
        ja, en = "強い保証とされる範囲(ε≤1)", "in the range called strong (epsilon at most 1)"
    elif judged.epsilon <= REASONABLE_EPSILON:
        ja, en = "妥当とされる範囲(1<ε≤10)", "in the range called reasonable (epsilon above 1, at most 10)"
    else:
        ja, en = "弱いとされる範囲(ε>10)", "in the range called weak (epsilon above 10)"
    if most_delta is None:
        delta_ja = "人数の公開の上限はポリシーになく、δを人数と比べていない。"
        delta_en = "The policy names no public number of people, so delta is not compared with one."
    elif judged.delta <= most_delta:
        delta_ja = f"δは人数の公開の上限 {people:,} の10倍の逆数以下である。"
        delta_en = f"Delta is at most a tenth of 1/{people:,}, the public limit of people."
    else:
        delta_ja = f"δは人数の公開の上限 {people:,} の10倍の逆数より大きい。"
        delta_en = f"Delta is more than a tenth of 1/{people:,}, the public limit of people."
    return _stated(
        "H03",
        Level.GUARANTEE,
        Text(ja="大きすぎる ε、1/n に比べて小さくない δ", en="An epsilon too large, or a delta not far below 1/n"),
        Text(
            ja=f"ε={judged.epsilon:g} は{ja}にある。{delta_ja}上限は機関の選択で、法令の値ではない。",
            en=f"Epsilon {judged.epsilon:g} lies {en}. {delta_en} Caps are a choice of the institution, not of a law.",
        ),
        "policy: method.budget",
        "DP-02",
    )


def _algorithms(judged: Judged) -> Iterator[HazardLine]:
    level = Level.ALGORITHM
    yield _line(
        judged,
        ("H06", level),
        Text(
            ja="寄与・値の範囲・区切りに上限がない、又はデータから決める",
            en="Contributions, clips or bins that are unbounded, or taken from the data",
        ),
        Text(
            ja="寄与の上限・値の範囲・刻み・キーはデータを見る前にポリシーに書かれ、それぞれ出典を持つ。",
            en="Bounds of contribution, clips, grids and keys stand in the policy before the data are seen, each with its source.",
        ),
        ("DP-02", "protected/bounds_are_public", "tests/anonymization/dp/test_dp_plan.py"),
    )
    yield _line(
        judged,
        ("H07", level),
        Text(ja="集計のキーが人の存在を示す", en="Grouping keys that reveal that somebody is there"),
        Text(
            ja="値は公開の一覧と区間から引き、一覧にない値は欠測とする。該当者のいない組合せにも雑音が加わり、引かれることがある。",
            en="Values are drawn from public lists and bins; values not listed count as missing. Combinations that nobody has get "
            "noise, too, and may be drawn.",
        )
        if judged.is_synthetic
        else Text(
            ja="キーは公開の一覧で、該当者のいないセルも含むすべての組合せに雑音を加えて出す。一覧にない値は数えない。",
            en="Keys are public lists; every combination is given with noise, empty cells too. Values not listed are counted "
            "nowhere.",
        ),
        (_SYNTHETIC if judged.is_synthetic else _RELEASE, "protected/bounds_are_public"),
    )
    yield _line(
        judged,
        ("H08", level),
        Text(ja="表の結合が感度を増やす", en="Joins that multiply the sensitivity"),
        Text(
            ja="上限は結合の後に人ごとに適用する。人の行が結合で増えても、動くセルと量は上限を超えない。",
            en="Bounds are applied per person after the joins: however many rows a join makes of a person, no more cells move, "
            "and by no more.",
        ),
        (_WHOLE_WAY, _BOUNDING),
    )
    yield _stated(
        "H09",
        level,
        Text(ja="関連する人々(家族、ゲノム)", en="Related people (families, genomes)"),
        Text(
            ja="保証は1人についてのものである。血縁者など k 人をまとめて見ると損失は k² 倍(ρ)になる。",
            en="The guarantee is of one person. For k people taken together, such as relatives, the loss is k² times as large "
            "(in rho).",
        ),
        "evidence: not_guaranteed",
    )
    yield _line(
        judged,
        ("H12", level),
        Text(ja="後処理が小さな集団を偏らせる", en="Post-processing that biases small groups"),
        Text(
            ja="雑音付きの集計に合う分布を求め、そこから引くことが後処理であり、集計そのものは出さない。小さな集団は偏り得るので、宣言した基準を雑音付きで確かめてから出す。",
            en="The whole fit and the sampling follow the noise; the noisy counts themselves are not released. Small groups may be "
            "biased, so the rows are given out only after the declared criteria were measured with noise.",
        )
        if judged.is_synthetic
        else Text(
            ja="件数は、負の値を0に直した値のほかに、直す前の雑音付きの値(符号つき、偏りなし)も出し、誤差の幅を添える。後処理は問いごとに証拠に示す。",
            en="Beside counts raised to at least 0, the noisy values before it (signed, unbiased) are released too, with their error. "
            "What is done after the noise is named query by query.",
        ),
        (_SYNTHETIC if judged.is_synthetic else _RELEASE,),
    )
    made = (
        Text(ja="合成データは雑音付きの集計だけから作る。", en="The synthetic data are made from noisy counts alone.")
        if judged.is_synthetic
        else Text(
            ja="合成データではない。ここにある値はすべて上の損失のもとで測った値である。",
            en="No synthetic data are in this release; every number in it was measured under the loss above.",
        )
    )
    yield _line(
        judged,
        ("H13", level),
        Text(
            ja="差分プライバシーなしの合成データを安全と称する", en="Synthetic data called private without a guarantee"
        ),
        made,
        ("protected/loss_within_charge", "validated/nothing_exact"),
    )
    yield _line(
        judged,
        ("H14", level),
        Text(ja="生データでの調整や探索", en="Tuning and exploring on the raw data"),
        Text(
            ja="問い・上限・雑音はポリシーだけから定まり、計画の計算はデータを読まない。誤差は実行前に分かる。人が仕組みの外でデータを見たかどうかは、この仕組みでは分からない。",
            en="Queries, bounds and noise follow from the policy alone; planning reads no data, and says the error before the run. "
            "Whether somebody looked at the data outside this system, it cannot know.",
        ),
        ("tests/anonymization/dp/test_dp_plan.py", "policy: bounds.source, clip.source, by.source"),
    )


def _base(judged: Judged) -> Iterator[HazardLine]:
    base = Level.BASE
    yield _line(
        judged,
        ("H10", base),
        Text(ja="浮動小数点と乱数の弱さ", en="Weak floating point or random numbers"),
        Text(
            ja=f"値は刻みの整数倍にしてから足し、整数の雑音({judged.mechanism})を OpenDP の正確な標本化で加える。乱数はオペレーティングシステムのもので、種はない。",
            en=f"Values become whole multiples of a grid before they are summed; noise is of whole numbers ({judged.mechanism}), "
            "sampled exactly by OpenDP. Random bits are the operating system's; there is no seed.",
        ),
        (_RELEASE, _AUDIT, "tests/test_house.py"),
    )
    yield _stated(
        "H11",
        base,
        Text(ja="時間・大きさ・エラーなどの側路", en="Timing, sizes, errors and other side channels"),
        Text(
            ja="エラーは値を示さない決まった番号で、表の行数は公開のキーだけで決まる。雑音は実行中に一度だけ引き、答えは後で公開される。実行時間そのものは一定にしておらず、実行を見られる人は信頼する。",
            en="Errors are fixed codes without values, and the number of rows follows from public keys alone. Noise is drawn once "
            "in a run, and published later. The time a run takes is not made constant: who can watch a run is trusted.",
        ),
        _BOUNDING,
        "tests/pipelines/test_canary_whole_way.py",
    )
    yield _line(
        judged,
        ("H15", base),
        Text(ja="保証の外にある生データの安全", en="Security of the raw data outside the guarantee"),
        Text(
            ja="生データは暗号化した制限区域にあり、鍵は鍵保管庫だけにある。公開の区域には署名した成果物だけがある。",
            en="Raw data lie in encrypted restricted zones and keys in the key store alone; the released zone holds signed "
            "outputs only.",
        ),
        ("published/custody.APPI-18", "published/restorable.DP-05"),
    )
    exact = ", ".join(judged.exact_beside)
    yield _stated(
        "H16",
        base,
        Text(ja="同じ人々の正確な数が並んで出る", en="Exact numbers about the same people beside the noisy ones"),
        Text(
            ja=f"同じ人々についての正確な出力は保証の外にある: {exact.replace(', ', '、')}。"
            if exact
            else "同じ人々についての正確な出力は、この仕組みにはない。",
            en=f"Exact outputs about the same people are outside the guarantee: {exact}."
            if exact
            else "This system holds no exact output about the same people.",
        ),
        "DP-04",
        "published/record.no_exact_count",
    )
    yield _line(
        judged,
        ("H17", base),
        Text(ja="やり直しで雑音を引き直す", en="Noise drawn again after a crash or a repeat"),
        Text(
            ja="同じデータへの同じ問いには保存した答えを返す。途中で止まった実行の課金は戻らない。",
            en="The same question of the same data returns the stored answer; what a run that died was charged stays spent.",
        ),
        ("DP-03", "protected/ledger.drawn_once", "tests/catalog/test_ledger.py"),
    )
    yield _line(
        judged,
        ("H18", base),
        Text(ja="台帳の改ざんや復元による予算の回復", en="A ledger altered or restored, so that the budget is back"),
        Text(
            ja="台帳の記載は連鎖し、先頭に署名があり、別の場所にも控える。古い台帳に戻されたときは課金を拒む。",
            en="Entries of the ledger are chained, its head is signed and kept in a second place; a ledger put back from a "
            "backup refuses every charge.",
        ),
        (_RESTORED, _KEPT),
    )
