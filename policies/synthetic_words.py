"""What a policy of synthetic people does and promises, in plain Japanese and English; `sentences` puts it among the rest."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import TypeAlias

from policies.model.synthetic import (
    ConditionalMeans,
    Criterion,
    DpSynthetic,
    FacePrivacy,
    Faithfulness,
    Feature,
    MarginalError,
    RegressionError,
)

Bilingual: TypeAlias = tuple[str, str]
Called: TypeAlias = Callable[[Sequence[str]], str]
"""Writes column names, each with its word where there is one."""

_FEATURES: Mapping[str, Bilingual] = MappingProxyType(
    {
        "rows": ("本人の {table} の行数", "how many rows of {table} a person has"),
        "distinct": ("本人の {table} にある {value} の種類の数", "how many different {value} a person has in {table}"),
        "least": ("本人の {table} の {value} のうち最小のもの", "the least {value} of a person in {table}"),
        "greatest": ("本人の {table} の {value} のうち最大のもの", "the greatest {value} of a person in {table}"),
        "has": (
            "本人の {table} の {value} に {codes} があるか",
            "whether a person has {codes} among the {value} of {table}",
        ),
    }
)


def synthetic_promises(method: DpSynthetic, called: Called) -> Iterator[Bilingual]:
    """Yield one sentence for each thing that is measured, made or held to."""
    names = called([column.column for column in method.columns])
    yield (
        f"表「{method.title.ja}」: {method.table} の人一人を一行とし、列は {names}。",
        f"Table “{method.title.en}”: one row a person of {method.table}, with the columns {names}.",
    )
    for column in method.columns:
        if column.feature is not None:
            made = feature_words(column.feature, called)
            yield f"{called([column.column])} は、{made[0]}。", f"{called([column.column])} is {made[1]}."
    alone = percent(method.columns_share)
    yield (
        f"どの列も単独で測る(損失の {alone})。",
        f"Every column is measured alone ({alone} of the loss).",
    )
    yield from _measured(method, called)
    for group in method.impossible:
        yield (
            f"{called(group.columns)} のありえない組合せ {len(group.combinations)} 通りは、決して出ない。",
            f"{len(group.combinations)} combinations of {called(group.columns)} cannot be, and are never drawn.",
        )
    yield (
        ("雑音を加えた人数と同じ数の行を引く。", "As many rows are drawn as the noisy counts say.")
        if method.rows is None
        else (f"{method.rows:,} 行を引く。", f"{method.rows:,} rows are drawn.")
    )
    yield from _accepted(method, called)


def _measured(method: DpSynthetic, called: Called) -> Iterator[Bilingual]:
    if method.cliques_share is not None:
        ja = "、".join(f"({called(clique)})" for clique in method.cliques)
        en = ", ".join(f"({called(clique)})" for clique in method.cliques)
        share = percent(method.cliques_share)
        yield (
            f"次の組合せを合わせて測る(損失の {share}): {ja}。",
            f"These combinations are measured together ({share} of the loss): {en}.",
        )
    if method.selection is not None and method.selection_share is not None:
        rounds, width, share = method.selection.rounds, method.selection.most_columns, percent(method.selection_share)
        yield (
            f"さらに、{width} 列までの組合せを雑音つきで {rounds} 回選んで測る(損失の {share})。",
            f"Up to {rounds} further combinations of at most {width} columns are chosen with noise and measured ({share} of the loss).",
        )


def _accepted(method: DpSynthetic, called: Called) -> Iterator[Bilingual]:
    if method.acceptance_share is not None:
        share = percent(method.acceptance_share)
        yield (
            f"次の基準を雑音つきで測り(損失の {share})、一つでも満たさなければ公開しない。払った損失は戻らない。",
            f"These criteria are measured with noise ({share} of the loss); if one is missed nothing is published, and what was paid stays paid.",
        )
    for one in method.acceptance or ():
        yield criterion_words(one, called)


def feature_words(feature: Feature, called: Called) -> Bilingual:
    """Say what a feature of a person is."""
    value = called([feature.value]) if feature.value else ""
    words = {"table": feature.table, "value": value, "codes": ", ".join(feature.codes or ())}
    ja, en = _FEATURES[feature.of]
    return ja.format_map(words), en.format_map(words)


def criterion_words(one: Criterion, called: Called) -> Bilingual:
    """Say what a criterion asks of the rows."""
    most = percent(one.at_most)
    match one:
        case MarginalError():
            groups = ", ".join(f"({called(group)})" for group in one.groups)
            return (
                f"基準: {groups} の人数の食い違いの合計が、人数の {most} 以下。",
                f"Criterion: the counts over {groups} are off by at most {most} of the people in all.",
            )
        case ConditionalMeans():
            return (
                f"基準: {called(one.by)} ごとの {called([one.of])} の平均のずれが、値の範囲の {most} 以下。",
                f"Criterion: the mean of {called([one.of])} by {called(one.by)} is off by at most {most} of its range.",
            )
        case RegressionError():
            return (
                f"基準: 合成データから求めた {called(one.on)} による {called([one.of])} の回帰からの、実在の人の残差が、どの説明する列とも値の範囲の {most} を超えて連動しない。",
                f"Criterion: what real people are off the line of {called([one.of])} on {called(one.on)} that was fitted to synthetic rows goes with no column by more than {most} of the range.",
            )
        case Faithfulness():
            return (
                f"基準: {called(one.columns)} のうち {one.differing_at_most} 列まで違う行も合成データにない人は、{most} 以下。",
                f"Criterion: at most {most} of the people are unlike every synthetic row in more than {one.differing_at_most} of {called(one.columns)}.",
            )
        case FacePrivacy():
            return (
                f"基準: {called(one.columns)} が同じ行が {one.rows_at_least} 行に満たない合成の行は、{most} 以下(損失なし)。",
                f"Criterion: at most {most} of the synthetic rows share their {called(one.columns)} with fewer than {one.rows_at_least} rows in all (at no loss).",
            )


def percent(share: Decimal) -> str:
    """Write a share as percent without needless zeros: `12.5%`."""
    return f"{format((share * 100).normalize(), 'f')}%"
