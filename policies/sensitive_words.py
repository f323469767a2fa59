"""What each model of a sensitive column promises to a person, in plain words; one sentence a model, ja and en.

A group is the people who are alike in all quasi-identifiers. The sentences stand on the policy's page and in the guarantee
that a release carries.
"""

from policies.model.sensitive import (
    Closeness,
    Disclosure,
    DistinctL,
    EntropyL,
    Likeness,
    PositiveRecursiveL,
    RecursiveL,
    SensitiveModel,
    ValueShare,
)

Bilingual = tuple[str, str]

_DISTANCES: dict[str, Bilingual] = {
    "equal": ("値どうしの違いはすべて同じとみる", "any two values count as equally different"),
    "ordered": (
        "値の順に離れているほど違うとみる",
        "values count as the more different, the farther apart in their order",
    ),
    "hierarchical": (
        "階層 {hierarchy} で上の段まで一緒にならない値ほど違うとみる",
        "values count as the more different, the higher hierarchy {hierarchy} keeps them apart",
    ),
}


def promise(model: SensitiveModel, column: str) -> Bilingual:
    """Say what a model promises.

    Args:
        model: The model.
        column: What its column is called on the page.
    """
    if isinstance(model, DistinctL | EntropyL | RecursiveL):
        return _diverse(model, column)
    if isinstance(model, PositiveRecursiveL):
        return _diverse_but(model, column)
    if isinstance(model, Closeness):
        return _close(model, column)
    return _share(model, column)


def _diverse(model: DistinctL | EntropyL | RecursiveL, column: str) -> Bilingual:
    match model:
        case DistinctL():
            return (
                f"そのような集まりごとに、{column} は少なくとも {model.l} 種類ある(l-多様性)。",
                f"Within each such group, {column} has at least {model.l} different values (l-diversity).",
            )
        case EntropyL():
            return (
                f"そのような集まりごとに、{column} の値は、同じ多さの値が {model.l:g} 種類あるとき以上に散らばっている"
                "(エントロピーl-多様性)。",
                f"Within each such group, the values of {column} are spread at least as evenly as {model.l:g} equally frequent"
                " ones (entropy l-diversity).",
            )
        case RecursiveL():
            return (
                f"そのような集まりごとに、{column} の最も多い値の数は、{model.l} 番目以降に多い値の合計の {model.c:g} 倍に"
                "満たない。いくつかの値ではないと知る者にも、残りは絞り込めない(再帰的(c, l)-多様性)。",
                f"Within each such group, the most frequent value of {column} is rarer than {model.c:g} times all from the"
                f" {_ordinal(model.l)} most frequent on, so that who can exclude some values still cannot tell which of the"
                " rest it is (recursive (c, l)-diversity).",
            )


def _diverse_but(model: PositiveRecursiveL, column: str) -> Bilingual:
    values = ", ".join(model.disclosable)
    return (
        f"そのような集まりごとに、{column} の値のうち知られてもよいとした値({values})を除く最も多い値の数は、"
        f"{'' if model.l == 2 else f'その値の他で多い順に {model.l - 2} 種類を除いた'}他の値の合計の {model.c:g} 倍に満たない。"
        "知られてもよいとした値は守られない(陽性開示を認める再帰的(c, l)-多様性)。",
        f"Within each such group, the most frequent value of {column} other than those that may become known ({values}) is"
        f" rarer than {model.c:g} times all other values together"
        f"{'' if model.l == 2 else f' but the {model.l - 2} most frequent of them'}. Values that may become known are not"
        " protected (positive disclosure-recursive (c, l)-diversity).",
    )


def _close(model: Closeness, column: str) -> Bilingual:
    distance_ja, distance_en = _DISTANCES[model.distance]
    names = {"hierarchy": model.hierarchy}
    return (
        f"そのような集まりごとの {column} の割合は、抑制前の表全体の割合から {model.t:g} より離れない(0 は同じ、1 は全く別。"
        f"{distance_ja.format_map(names)})。誰がどの集まりにいるかを知っても、多くは分からない(t-近接性)。",
        f"Within each such group, {column} is distributed as in the whole table before suppression, but for a distance of at"
        f" most {model.t:g} (0 is equal, 1 is wholly different; {distance_en.format_map(names)}). Knowing somebody's group"
        " tells little more (t-closeness).",
    )


def _share(model: ValueShare | Likeness | Disclosure, column: str) -> Bilingual:
    match model:
        case ValueShare():
            return (
                f"そのような集まりごとに、{column} のどの値も {model.alpha:.4g} の割合を超えない(α)。",
                f"Within each such group, no value of {column} holds more than a share of {model.alpha:.4g} (alpha).",
            )
        case Likeness():
            most_ja = "。よくある値ほど増え方をさらに小さく抑える" if model.enhanced else ""
            most_en = ", and less for values that are frequent anyway" if model.enhanced else ""
            return (
                f"そのような集まりごとに、{column} のどの値の割合も、抑制前の表全体での割合より {model.beta:g} 倍を超えて"
                f"増えない{most_ja}(β-類似性)。",
                f"Within each such group, the share of no value of {column} is above its share in the whole table before"
                f" suppression by more than {model.beta:g} times that share{most_en} (beta-likeness).",
            )
        case Disclosure():
            return (
                f"そのような集まりごとに、{column} のどの値の割合も、抑制前の表全体での割合の e^{model.delta:g} 倍にも "
                f"e^{model.delta:g} 分の1にも達しない(δ-開示プライバシー)。",
                f"Within each such group, the share of every value of {column} differs from its share in the whole table"
                f" before suppression by less than a factor of e^{model.delta:g}, up or down (delta-disclosure privacy).",
            )


def _ordinal(number: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th") if number % 100 not in {11, 12, 13} else "th"
    return f"{number}{ending}"
