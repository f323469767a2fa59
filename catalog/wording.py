"""Sentences of the catalog in both languages: what was done to a column, what a method means.

Written for readers of the catalog, who know research and not privacy engineering. Not here: the wording of web pages
(`web/messages.py`) and of single treatments (`policies/sentences.py`).
"""

from collections.abc import Sequence

from policies.model.method import (
    AlleleFrequencies,
    ControlledRows,
    DpStatistics,
    DpSynthetic,
    Method,
    Microdata,
    SmallCells,
)
from policies.model.strictness import Text
from policies.model.treatment import Keep, Treatment
from policies.sentences import say_treatment
from policies.vocabulary import Labelled

_KEPT = Text(ja="そのまま", en="as it is")


class MethodKind(Labelled):
    """How a release was made safe, as the catalog names it."""

    MICRODATA = "microdata", "k-匿名化した行データ", "anonymized rows (k-anonymity)"
    DP_STATISTICS = "dp_statistics", "差分プライバシー統計", "differentially private statistics"
    DP_SYNTHETIC = "dp_synthetic", "差分プライバシーの合成データ", "differentially private synthetic data"
    SMALL_CELLS = "small_cells", "少数セル秘匿の集計表", "count table with small cells hidden"
    ALLELE_FREQUENCIES = "allele_frequencies", "アレル頻度表", "allele frequency table"
    CONTROLLED_ROWS = "controlled_rows", "仮名化した行データ(制限提供)", "pseudonymized rows under a permit"


def treatment_sentence(steps: Sequence[Treatment]) -> Text:
    """Return what was done to a column, in order, as one sentence in each language.

    The words are those of the reviewer's sheet; only the reason for keeping a column stays with the reviewer.
    """
    return Text(
        ja="、".join(_KEPT.ja if isinstance(step, Keep) else say_treatment(step, "ja") for step in steps),
        en=", then ".join(_KEPT.en if isinstance(step, Keep) else say_treatment(step, "en") for step in steps),
    )


def method_explanation(method: Method) -> Text:
    """Return what the method means for a reader, with the numbers of the policy."""
    match method:
        case Microdata():
            return Text(
                ja=f"年齢や地域など個人を推測しうる項目の組合せが、少なくとも{method.k}人で同じになるように加工しています。"
                f"ある人がデータに含まれると知っていても、{method.k}人未満に絞り込むことはできません。",
                en=f"Every combination of the traits that could point to somebody (such as age or region) is shared by at "
                f"least {method.k} people. Knowing that a person is in the data, nobody can narrow it down to fewer than "
                f"{method.k} people.",
            )
        case DpStatistics():
            return Text(
                ja="数値には、計算された大きさの雑音を加えています。どの一人がデータに入っていてもいなくても、"
                "結果はほとんど変わりません。ε(イプシロン)が小さいほど保護が強く、雑音も大きくなります。",
                en="Noise of a calculated size was added to every number, so that the result is nearly the same whether or "
                "not any one person is in the data. The smaller ε (epsilon), the stronger the protection and the larger "
                "the noise.",
            )
        case DpSynthetic():
            return Text(
                ja="実在の人の行ではありません。雑音を加えた集計だけから作った分布から、架空の人を一人ずつ引いたものです。"
                "どの一人が元のデータに入っていてもいなくても、引かれる行の出方はほとんど変わりません。測っていない項目の関係は"
                "再現されず、一行一行に意味はありません。",
                en="No row is a real person's. Made-up people were drawn, one by one, from a distribution that was fitted to "
                "noisy counts alone. Which rows are drawn is nearly the same whether or not any one person is in the data. "
                "Relations that were not measured are not kept, and a single row means nothing.",
            )
        case SmallCells():
            return Text(
                ja=f"{method.min_cell}人未満のセルは伏せ、合計から逆算できないように別のセルも伏せています。",
                en=f"Cells of fewer than {method.min_cell} people are hidden, and further cells with them, so that the "
                f"hidden ones cannot be worked out from the totals.",
            )
        case AlleleFrequencies():
            return Text(
                ja=f"集団のアレル数と頻度だけを含みます。{method.min_allele_count}回未満しか観察されないアレルは伏せ、"
                "個人が集団に含まれるかを言い当てる攻撃の成功率が上限以下であることを確かめています。",
                en=f"Holds allele counts and frequencies of a group only. Alleles seen fewer than {method.min_allele_count} "
                f"times are hidden, and the power of guessing that somebody belongs to the group was checked against a "
                f"bound.",
            )
        case ControlledRows():
            return Text(
                ja="直接の識別情報を除き、仮のIDに置き換えた行データです。なお個人データであり、審査を経た許可の範囲で、"
                "受領者の鍵で封をして提供します。",
                en="Rows without direct identifiers, under pseudonyms. They are personal data still, and are given only "
                "under a permit, sealed to the recipient's key.",
            )
