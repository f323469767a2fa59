"""The frontier as a page: one chart and the table that says the same, in Japanese or English; nothing is loaded.

Not here: the numbers (`frontier.py`), how a chart is drawn (`charts.py`).
"""

from collections.abc import Container, Iterator, Mapping
from html import escape

from anonymization.tradeoff.alternative import Alternative
from pipelines.charts import Axis, Mark, scatter
from pipelines.frontier import Frontier
from policies.sentences import Language, say

_NAMES: Mapping[str, tuple[str, str]] = {
    "k": ("k(人)", "k (people)"),
    "l": ("l", "l"),
    "suppression_limit": ("除外の上限", "suppression limit"),
    "min_cell": ("最小セル(人)", "smallest cell (people)"),
    "min_allele_count": ("アレル数の下限", "allele floor"),
    "membership_max_power": ("検出力の上限", "tolerated power"),
    "release_rho": ("損失 ρ", "loss (rho)"),
    "loss": ("情報損失", "loss of information"),
    "records_out": ("公開レコード", "records kept"),
    "records_suppressed": ("除外レコード", "records suppressed"),
    "people_out": ("公開される人", "people kept"),
    "classes": ("同値類", "classes"),
    "risk_mean": ("平均リスク", "mean risk"),
    "hidden_cells": ("秘匿セル", "hidden cells"),
    "cells": ("全セル", "cells"),
    "sites": ("公開アレル", "alleles published"),
    "power_bound": ("検出力の上界", "power (bound)"),
    "below_floor": ("下限未満", "below the floor"),
    "thinned_out": ("間引き", "thinned out"),
    "epsilon": ("ε", "epsilon"),
    "rho": ("ρ", "rho"),
}
_SAID_ELSEWHERE = frozenset({"loss", "power_bound", "epsilon", "rho"})
"""Figures that are an axis or a parameter already."""
_BRIEF: Mapping[str, tuple[str, str]] = {
    "k": ("k", "k"),
    "suppression_limit": ("除外", "limit"),
    "min_cell": ("最小", "smallest"),
    "min_allele_count": ("下限", "floor"),
    "membership_max_power": ("検出力", "power"),
    "release_rho": ("ρ", "rho"),
}
"""What a parameter is called beside a point, where there is little room."""
_STYLE = """
body{font:16px/1.6 system-ui,"Hiragino Sans","Noto Sans CJK JP","Yu Gothic",sans-serif;margin:0 auto;max-width:62rem;
padding:1.5rem;color:#1b1b1b;background:#fff}
h1{font-size:1.5rem;line-height:1.3;margin:0 0 .5rem}p{margin:.4rem 0 1rem;max-width:46rem}
figure{margin:1rem 0}.chart{width:100%;height:auto;max-width:50rem}
.tick{font-size:12px;fill:#444}.axis{font-size:13.5px;fill:#1b1b1b}.label{font-size:12px;fill:#1b1b1b;paint-order:stroke;stroke:#fff;stroke-width:3px}
.scroll{overflow-x:auto}table{border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums}
caption{text-align:left;font-weight:600;padding:.4rem 0}
th,td{border-bottom:1px solid #d0d0d0;padding:.3rem .6rem;text-align:right;white-space:nowrap}
th:first-child,td:first-child{text-align:left}
thead th{border-bottom:2px solid #444;vertical-align:bottom;white-space:normal;max-width:8.5rem}
tr.best td,tr.best th{background:#eaf3fa}tr.now td,tr.now th{background:#fdf0e6;font-weight:600}
ul.key{list-style:none;padding:0;display:flex;flex-wrap:wrap;gap:.3rem 1.4rem;font-size:.9rem;margin:.2rem 0}
ul.key svg{width:22px;height:22px;vertical-align:middle;margin-right:.3rem}
@media print{body{padding:0;max-width:none}tr{break-inside:avoid}}
"""
_KEY = (
    ('<circle cx="11" cy="11" r="6" fill="#0072B2"/>', ("これより良い案のない案", "no alternative is better in both")),
    (
        '<circle cx="11" cy="11" r="4.5" fill="#fff" stroke="#8a8a8a" stroke-width="1.5"/>',
        ("どちらの軸でも同等以上の案が他にある案", "another is at least as good in both"),
    ),
    (
        '<path d="M11 1 L21 11 L11 21 L1 11 Z" fill="none" stroke="#D55E00" stroke-width="2.5"/>',
        ("現在のポリシー", "the policy as it stands"),
    ),
)


def page(frontier: Frontier, *, language: Language) -> str:
    """Return the frontier as one self-contained HTML page."""
    title = say(("リスクと有用性の比較", "Risk and utility of the alternatives"), language)
    name = frontier.title.ja if language == "ja" else frontier.title.en
    return "\n".join(
        [
            f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width,initial-scale=1">',
            f"<title>{escape(title)}: {escape(name)}</title><style>{_STYLE}</style></head><body><main>",
            f"<h1>{escape(title)}<br>{escape(name)} ({escape(frontier.release)} {frontier.version})</h1>",
            f"<p>{escape(_introduction(language))}</p>",
            f"<figure>{_chart(frontier, language)}<ul class='key'>{''.join(_key(language))}</ul></figure>",
            *_table(frontier, language),
            "</main></body></html>",
        ]
    )


def parameters_text(one: Alternative, language: Language, *, changing: Container[str]) -> str:
    """Return those of an alternative's parameters that change over the chart, as a short text."""
    said = (f"{_brief(name, language)} {_shown(value)}" for name, value in one.parameters.items() if name in changing)
    return ", ".join(said)


def name_of(name: str, language: Language) -> str:
    """Return what a parameter or figure is called."""
    if name.startswith("error_95."):
        query = name.removeprefix("error_95.")
        return say((f"95%誤差 {query}", f"95 % error, {query}"), language)
    if name.startswith("level."):
        return say((f"{name.removeprefix('level.')}の段階", f"level of {name.removeprefix('level.')}"), language)
    return say(_NAMES.get(name, (name, name)), language)


def _brief(name: str, language: Language) -> str:
    return say(_BRIEF[name], language) if name in _BRIEF else name_of(name, language)


def rows_of(frontier: Frontier, language: Language) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the table's header and rows as texts, the policy as it stands first."""
    parameters = list(dict.fromkeys(name for one in frontier.alternatives for name in one.parameters))
    figures = list(dict.fromkeys(name for one in frontier.alternatives for name in one.figures))
    risk, cost = (frontier.risk.ja, frontier.cost.ja) if language == "ja" else (frontier.risk.en, frontier.cost.en)
    kept = [name for name in figures if name not in _SAID_ELSEWHERE and name not in parameters]
    head = (
        say(("判定", "verdict"), language),
        *(name_of(name, language) for name in parameters),
        risk,
        cost,
        *(name_of(name, language) for name in kept),
    )
    rows = []
    for one, best in zip(frontier.alternatives, frontier.is_best, strict=True):
        rows.append(
            (
                _verdict(one, language, is_best=best),
                *(_shown(one.parameters.get(name, "search")) for name in parameters),
                _shown(one.risk),
                _shown(one.cost),
                *(_shown(one.figures.get(name)) for name in kept),
            )
        )
    return head, rows


def _introduction(language: Language) -> str:
    return say(
        (
            "各点は処理の一つの案です。左ほど個人のリスクが小さく、下ほど利用者が失うものが少なくなります。"
            "点線で結んだ案は、両方を同時に良くする案が他にありません。どの案を選ぶかは責任者の判断です。何も書き込んでいません。",
            "Each point is one way to treat the release. Further left, people are less exposed; further down, less is "
            "lost to those who use the data. No alternative is better in both than one on the dashed line. Which of them "
            "to take is a decision of the people who sign. Nothing was written.",
        ),
        language,
    )


def _chart(frontier: Frontier, language: Language) -> str:
    known = list(zip(frontier.alternatives, frontier.is_best, strict=True))
    values: dict[str, set[object]] = {}
    for one in frontier.alternatives:
        for name, value in one.parameters.items():
            values.setdefault(name, set()).add(value)
    changing = {name for name, tried in values.items() if len(tried) > 1}
    marks = [
        Mark(
            one.risk,
            one.cost,
            parameters_text(one, language, changing=changing),
            is_front=best,
            is_current=one.is_current,
        )
        for one, best in known
        if one.risk is not None and one.cost is not None
    ]
    best, lost = sum(frontier.is_best), len(known) - len(marks)
    description = say(
        (
            f"{len(known)}案のうち{best}案には、両方の軸でそれを上回る案がない。作成できない案は{lost}。数値は下の表のとおり。",
            f"Of {len(known)} alternatives, {best} are beaten by no other in both axes; {lost} could not be made. "
            "The table below holds the numbers.",
        ),
        language,
    )
    risk, cost = (frontier.risk.ja, frontier.cost.ja) if language == "ja" else (frontier.risk.en, frontier.cost.en)
    title = say(("リスクと損失の散布図", "Scatter chart of risk and loss"), language)
    return scatter(marks, x=Axis(risk), y=Axis(cost), title=title, description=description, name="frontier")


def _key(language: Language) -> Iterator[str]:
    for shape, words in _KEY:
        yield f'<li><svg viewBox="0 0 22 22" aria-hidden="true">{shape}</svg>{escape(say(words, language))}</li>'


def _table(frontier: Frontier, language: Language) -> Iterator[str]:
    head, rows = rows_of(frontier, language)
    caption = say(("すべての案", "All alternatives"), language)
    yield f"<div class='scroll'><table><caption>{escape(caption)}</caption><thead><tr>"
    yield "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    yield "</tr></thead><tbody>"
    for one, best, cells in zip(frontier.alternatives, frontier.is_best, rows, strict=True):
        kind = "now" if one.is_current else "best" if best else ""
        body = "".join(f"<td>{escape(cell)}</td>" for cell in cells[1:])
        yield f'<tr class="{kind}"><th scope="row">{escape(cells[0])}</th>{body}</tr>'
    yield "</tbody></table></div>"


def _verdict(one: Alternative, language: Language, *, is_best: bool) -> str:
    said = []
    if one.is_current:
        said.append(say(("現在のポリシー", "as it stands"), language))
    if one.why is not None:
        said.append(say((f"作成不可({one.why})", f"cannot be made ({one.why})"), language))
    elif is_best:
        said.append(say(("最良の一つ", "unbeaten"), language))
    return say(("・", ", "), language).join(said) or "-"


def _shown(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) else str(value)
