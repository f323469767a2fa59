"""Sentences of the catalog in both languages: what was done to a column, what a method means.

Written for readers of the catalog, who know research and not privacy engineering. Not here: the wording of web pages
(`web/messages.py`) and of the policy sheet for reviewers (`policies/explain.py`).
"""

from collections.abc import Callable, Sequence
from typing import cast

from policies.model import treatment as t
from policies.model.base import Text
from policies.model.method import AlleleFrequencies, ControlledRows, DpStatistics, Method, Microdata, SmallCells
from policies.vocabulary import Labelled

_UNITS = {"year": "年", "quarter": "四半期", "month": "月"}


class MethodKind(Labelled):
    """How a release was made safe, as the catalog names it."""

    MICRODATA = "microdata", "k-匿名化した行データ", "anonymized rows (k-anonymity)"
    DP_STATISTICS = "dp_statistics", "差分プライバシー統計", "differentially private statistics"
    SMALL_CELLS = "small_cells", "少数セル秘匿の集計表", "count table with small cells hidden"
    ALLELE_FREQUENCIES = "allele_frequencies", "アレル頻度表", "allele frequency table"
    CONTROLLED_ROWS = "controlled_rows", "仮名化した行データ(制限提供)", "pseudonymized rows under a permit"


def _generalize(step: t.Treatment) -> Text:
    s = cast("t.Generalize", step)
    if s.level == "search":
        return Text(
            ja=f"階層「{s.hierarchy}」に沿って、匿名性の条件を満たす最小限まで一般化",
            en=f"generalized along “{s.hierarchy}”, no further than the privacy model needs",
        )
    return Text(
        ja=f"階層「{s.hierarchy}」の第{s.level}段に一般化", en=f"generalized to level {s.level} of “{s.hierarchy}”"
    )


def _roll_up(step: t.Treatment) -> Text:
    s = cast("t.RollUpRare", step)
    return Text(
        ja=f"{s.min_persons}人未満のコードは「{s.hierarchy}」の上位へまとめ、それでも稀なら空欄",
        en=f"codes held by fewer than {s.min_persons} people moved up “{s.hierarchy}”, or left empty if still rare",
    )


def _truncate(step: t.Treatment) -> Text:
    s = cast("t.TruncateDate", step)
    return Text(ja=f"日付を{_UNITS[s.to]}に丸め", en=f"date cut to its {s.to}")


def _shift(step: t.Treatment) -> Text:
    s = cast("t.DateShift", step)
    return Text(
        ja=f"本人ごとに秘密の日数(最大{s.max_days}日)ずらした日付。同じ人の間隔は保たれます",
        en=f"moved by a secret number of days a person (at most {s.max_days}); intervals of one person are kept",
    )


def _age(step: t.Treatment) -> Text:
    s = cast("t.ToAge", step)
    return Text(ja=f"「{s.at}」時点の満年齢に変換", en=f"turned into full years of age at “{s.at}”")


def _duration(step: t.Treatment) -> Text:
    s = cast("t.ToDurationDays", step)
    return Text(ja=f"「{s.since}」からの日数に変換", en=f"turned into days since “{s.since}”")


def _pseudonym(step: t.Treatment) -> Text:
    s = cast("t.Pseudonymize", step)
    if s.method == "random":
        return Text(ja="この公開物かぎりの乱数ID(対応表は残しません)", en="random id of this release; no map is kept")
    return Text(ja="鍵付きの仮ID(鍵は提供しません)", en="keyed pseudonym; the key is never given")


def _top(step: t.Treatment) -> Text:
    s = cast("t.TopCode", step)
    return Text(ja=f"{s.limit}を超える値は{s.limit}", en=f"values above {s.limit} become {s.limit}")


def _bottom(step: t.Treatment) -> Text:
    s = cast("t.BottomCode", step)
    return Text(ja=f"{s.limit}未満の値は{s.limit}", en=f"values below {s.limit} become {s.limit}")


def _round(step: t.Treatment) -> Text:
    s = cast("t.Round", step)
    return Text(ja=f"{s.to}の倍数に丸め", en=f"rounded to a multiple of {s.to}")


_PLAIN: dict[str, Text] = {
    "drop_column": Text(ja="削除(含まれません)", en="removed"),
    "reject_at_landing": Text(ja="受入拒否(含まれません)", en="refused at landing"),
    "keep": Text(ja="そのまま", en="as it is"),
    "to_prefecture": Text(ja="都道府県名に変換", en="turned into the prefecture"),
    "aggregate_only": Text(ja="集計にのみ使用", en="used in aggregates only"),
}
_SENTENCES: dict[str, Callable[[t.Treatment], Text]] = {
    "generalize": _generalize,
    "roll_up_rare": _roll_up,
    "truncate_date": _truncate,
    "date_shift": _shift,
    "to_age": _age,
    "to_duration_days": _duration,
    "pseudonymize": _pseudonym,
    "top_code": _top,
    "bottom_code": _bottom,
    "round": _round,
}


def treatment_sentence(steps: Sequence[t.Treatment]) -> Text:
    """Return what was done to a column, in order, as one sentence in each language."""
    parts = [_SENTENCES[step.op](step) if step.op in _SENTENCES else _PLAIN[step.op] for step in steps]
    return Text(ja="、".join(part.ja for part in parts), en=", then ".join(part.en for part in parts))


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
