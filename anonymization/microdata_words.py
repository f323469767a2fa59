"""What anonymized microdata promise, and what not, in words that a release carries."""

from anonymization.evidence import Statement
from policies.event_words import event_limits, event_promises
from policies.model.method import Microdata
from policies.risk_words import promise_of_risk
from policies.sensitive_words import promise


def guarantee_of(method: Microdata) -> Statement:
    """Say what holds of the release."""
    ja = f"準識別子の値の組合せが同じレコードには、{method.k}人以上の異なる本人が含まれる(行数ではなく人数)。"
    en = f"Every combination of quasi-identifier values is shared by the records of at least {method.k} people."
    if method.household is not None:
        ja += "同じ世帯の人は合わせて一人と数える。"
        en += " People of one household are counted as one."
    for model in method.sensitive:
        promised_ja, promised_en = promise(model, model.column)
        ja, en = ja + promised_ja, f"{en} {promised_en}"
    for promised_ja, promised_en in (*map(promise_of_risk, method.risks or ()), *event_promises(method)):
        ja, en = ja + promised_ja, f"{en} {promised_en}"
    return Statement(
        ja=ja + "元データのキーは一切含まず、IDはこの公開限りの乱数で、対応表は保存しない。",
        en=en + " No key of the source is left; ids are random, of this release only, and their map is not stored.",
    )


def not_guaranteed_of(method: Microdata) -> Statement:
    """Say what a reader might wrongly assume."""
    of_events_ja, of_events_en = event_limits(method)
    said = Statement(ja=_NOT_GUARANTEED.ja + of_events_ja, en=_NOT_GUARANTEED.en + of_events_en)
    if method.recoding != "local":
        return said
    return Statement(
        ja=said.ja
        + "一つの列に粗さの異なる値が並ぶため、値ごとの件数はその値を持つ人の数ではない。"
        + "集まりの選び方を知る者がそこから推論すること(最小性攻撃)は防がない。",
        en=said.en
        + " One column holds values of different coarseness, so counts by label are not counts by value."
        + " Nor is there protection against who argues from how the classes were chosen (minimality attack).",
    )


_NOT_GUARANTEED = Statement(
    ja=(
        "明細の値(傷病名、検査値など)は機微属性であり、正確な値をすでに知る者に対してkは保護しない。"
        "同一人のレコードは結び付けないが、似ていることはある。一人の複数のレコードは、機微属性のモデルでは複数に数える。組の全員に共通する値は、そのモデルの定める範囲でしか隠れない。"
        "この公開と他の公開を合わせた場合については述べない。"
    ),
    en=(
        "Values of details (diagnoses, laboratory values) are sensitive attributes: k does not protect against who"
        " already knows them exactly. Records of one person are not linked, but may be alike, and the models of sensitive"
        " columns count them as several. A value that a whole class shares is hidden only as far as those models say. Nothing is said of this release taken together with others."
    ),
)
