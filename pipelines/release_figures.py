"""The figures of a release for its steward, in words: class sizes and risk, and each quasi-identifier, before and after.

Not here: the numbers (`anonymization.utility.figures`, gated there), how bars are drawn (`bar_charts`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from anonymization.utility.figures import Bars
from pipelines.bar_charts import Pair, Words, bar_chart
from policies.model.strictness import Text
from policies.sentences import Language, say

_BINS: Mapping[str, tuple[str, str]] = {
    "suppressed": ("除外されたレコード", "suppressed"),
    "missing": ("欠測", "missing"),
}
_HIDDEN = ("10件未満", "fewer than 10")
_HIDDEN_BEFORE = ("加工前が10件未満のため非表示", "not shown: fewer than 10 before")
"""A value's share after is hidden with that before: it would tell what is missing from the whole."""
_BEFORE = ("加工前", "before")
_AFTER = ("加工後", "after")
_AFTER_SPREAD = (
    "加工後(粗い区分の件数は含まれる値に均等に配分)",
    "after (rows of a coarse label spread evenly over its values)",
)
_NOISY = ("雑音つきの測定", "measured with noise")
_SYNTHETIC = ("合成データ", "synthetic rows")


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart in both languages, under a name that is an id; `about` is the column, or what is drawn of all."""

    name: str
    about: str
    title: Text
    svg: Mapping[Language, str]


def figures_of(steward: Mapping[str, Any]) -> tuple[Figure, ...]:
    """Return the figures that the steward's part of a release's evidence holds; none where nothing was measured."""
    synthetic = steward.get("synthetic")
    if synthetic:
        return tuple(
            _drawn(Bars.from_json(body), f"synthetic_{i + 1}", _title(body)) for i, body in enumerate(synthetic)
        )
    found = steward.get("figures")
    if not found:
        return ()
    sizes = Bars.from_json(found["class_sizes"])
    title = Text(
        ja="レコードの属する集まりの大きさ(人数)。大きさnの最大リスクは1/n",
        en="Rows by the people in their class; in a class of n the risk is 1/n",
    )
    drawn = [_drawn(sizes, "class_sizes", title)]
    for number, body in enumerate(found["marginals"]):
        drawn.append(_drawn(Bars.from_json(body), f"marginal_{number + 1}", _title(body)))
    return tuple(drawn)


def _title(body: Mapping[str, Any]) -> Text:
    return Text(ja=f"「{body['column']}」の分布", en=f"Distribution of {body['column']}")


def _drawn(bars: Bars, name: str, title: Text) -> Figure:
    return Figure(name, bars.column, title, {"ja": _svg(bars, name, title, "ja"), "en": _svg(bars, name, title, "en")})


def _svg(bars: Bars, name: str, title: Text, language: Language) -> str:
    pairs = [
        Pair(say(_BINS[bin_], language) if bin_ in _BINS else bin_, before, after)
        for bin_, before, after in zip(bars.names, bars.before, bars.after, strict=True)
        if bin_ != "-" or before or after
    ]
    is_sizes = name == "class_sizes"
    before, after = _BEFORE, _AFTER if is_sizes else _AFTER_SPREAD
    if name.startswith("synthetic"):
        before, after = _NOISY, _SYNTHETIC
    hidden = say(_HIDDEN if is_sizes else _HIDDEN_BEFORE, language)
    words = Words(
        title=title.ja if language == "ja" else title.en,
        description=_description(pairs, hidden, language, named=(before, after)),
        before=say(before, language),
        after=say(after, language),
        hidden=hidden,
    )
    return bar_chart(pairs, words=words, name=f"{name}-{language}")


def _description(
    pairs: list[Pair], hidden: str, language: Language, *, named: tuple[tuple[str, str], tuple[str, str]]
) -> str:
    """Return what the bars show as a sentence, for who does not see them."""

    def shown(share: float | None) -> str:
        return hidden if share is None else f"{share:.1%}"

    said = (f"{pair.name}: {shown(pair.before)} → {shown(pair.after)}" for pair in pairs)
    before, after = (say(one, language) for one in named)
    return say((f"割合。{before} → {after}: ", f"Shares, {before} → {after}: "), language) + "; ".join(said)
