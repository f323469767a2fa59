"""The figures of `niji risk` in words, Japanese and English: a name, the figure, what it says."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from policies.sentences import Language

if TYPE_CHECKING:
    from anonymization.risk import RiskReport
    from anonymization.risks.discovery import Discovered
    from anonymization.risks.missing import WildCardRisk
    from anonymization.risks.suda import Suda
    from anonymization.uniqueness import Uniqueness

Line = tuple[str, str, str]
"""A figure's name, itself, and what it says."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Everything that was asked for; None where it was not. `uniqueness` is by estimator, of a population of `people`."""

    report: "RiskReport"
    people: int | None = None
    uniqueness: "Mapping[str, Uniqueness] | None" = None
    wild_card: "WildCardRisk | None" = None
    suda: "Suda | None" = None
    sets: "Discovered | None" = None

    def as_json(self) -> dict[str, object]:
        """Return one JSON object, each part with the meaning of missing values that it has."""
        found = self.report.as_json()
        if self.uniqueness is not None and self.people is not None:
            found["uniqueness"] = {
                "population_people": self.people,
                "sampling_fraction": self.report.people / self.people,
                **{
                    name: {"uniques": each.uniques, "share": _share(each, self.people), "estimator": each.estimator}
                    for name, each in self.uniqueness.items()
                },
            }
        if self.wild_card is not None:
            found["wild_card"] = self.wild_card.as_json()
        if self.suda is not None:
            found["suda"] = self.suda.as_json()
        if self.sets is not None:
            found["quasi_identifier_sets"] = self.sets.as_json()
        return found


def _share(found: "Uniqueness", people: int) -> float | None:
    return None if found.uniques is None else found.uniques / people


def title(report: "RiskReport", language: Language) -> str:
    """Return the heading: what the attacker knows."""
    names = ", ".join(report.quasi_identifiers)
    return _in(language, (f"{names} を知る者に対する危険", f"Risk against an attacker who knows {names}"))


def headings(language: Language) -> Line:
    """Return the names of the three columns."""
    return ("指標", "値", "意味") if language == "ja" else ("measure", "value", "in words")


def lines(found: Measured, language: Language) -> Iterator[Line]:
    """Yield every figure with its words."""
    for name, figure, words in (*_classes(found.report), *_attackers(found.report), *_sensitive(found.report)):
        yield _in(language, name), figure, _in(language, words)
    for name, figure, words in (*_uniqueness(found), *_wild_card(found), *_suda(found), *_sets(found)):
        yield _in(language, name), figure, _in(language, words)


Pair = tuple[str, str]
Both = tuple[Pair, str, Pair]


def _in(language: Language, words: Pair) -> str:
    return words[0] if language == "ja" else words[1]


def _classes(report: "RiskReport") -> Iterator[Both]:
    unit = ("人", "people") if report.person else ("行", "rows")
    yield ("k", "k"), f"{report.k:,}", (f"最も小さい組の{unit[0]}数", f"{unit[1]} in the smallest class")
    yield (
        ("一意", "unique"),
        f"{report.uniques:,}",
        (f"組に一{unit[0]}だけの{unit[0]}数", f"{unit[1]} alone in their class"),
    )
    size = f"{report.spectrum.class_count:,}"
    yield ("組", "classes"), size, (
        f"全 {report.records:,} 行、{report.people:,} 人。欠測は一つの区分とみる",
        f"of {report.records:,} rows, {report.people:,} people; a missing value is a category of its own",
    )  # fmt: skip


def _attackers(report: "RiskReport") -> Iterator[Both]:
    above = f"{report.threshold:g}"
    attacker, bound = report.prosecutor, report.against_population is None
    yield ("検察官、最大", "prosecutor, worst"), f"{attacker.max:.4f}", (
        "表にいると知られている人を言い当てられる確率", "chance to find a person known to be in the table",
    )  # fmt: skip
    yield (
        ("検察官、平均", "prosecutor, mean"),
        f"{attacker.mean:.4f}",
        ("平均的な行での同じ確率", "the same for an average row"),
    )
    yield ("危険な行", "at risk"), f"{attacker.at_risk:.4f}", (
        f"確率が {above} を超える行の割合", f"share of rows with a chance above {above}",
    )  # fmt: skip
    basis = (
        ("上限。母集団の表が与えられていない", "upper bound: no population table was given")
        if bound
        else ("母集団の人を言い当てられる確率", "chance to find a person known to be in the population")
    )
    yield ("記者、最大", "journalist, worst"), f"{report.journalist.max:.4f}", basis
    if report.against_population is not None:
        yield from _population(report)
    yield ("業者", "marketer"), f"{report.marketer:.4f}", (
        "組の中で当て推量したとき正しく結び付く行の割合", "share of rows linked rightly by guessing in the class",
    )  # fmt: skip


def _population(report: "RiskReport") -> Iterator[Both]:
    found = report.against_population
    if found is None:
        return
    yield (
        ("記者、平均", "journalist, mean"),
        f"{found.mean:.4f}",
        ("平均的な行での同じ確率", "the same for an average row"),
    )
    yield ("k-map", "k-map"), f"{found.k_map:,}", (
        "行の値を持つ母集団の人数の最小", "people of the population with a row's values, at least",
    )  # fmt: skip
    yield ("母集団で一意", "population uniques"), f"{found.uniques:,}", (
        "母集団でもその値がただ一人の組", "classes whose values only one of the population has",
    )  # fmt: skip
    if found.contradicted:
        yield ("食い違い", "contradicted"), f"{found.contradicted:,}", (
            "母集団の表の人数が表より少ない組。母集団の表に全員はいない",
            "classes with fewer people in the population table than here: it does not hold everybody",
        )  # fmt: skip


def _sensitive(report: "RiskReport") -> Iterator[Both]:
    for item in report.sensitive:
        yield (f"{item.column} の l", f"l of {item.column}"), f"{item.l:,}", (
            "最も乏しい組の値の種類", "distinct values in the poorest class",
        )  # fmt: skip
        yield (f"{item.column} の t", f"t of {item.column}"), f"{item.t:.4f}", (
            "組の分布と全体との距離の最大", "largest distance of a class from the table",
        )  # fmt: skip


_ESTIMATORS: Mapping[str, tuple[str, Pair]] = {
    "dankar": (
        "Dankar",
        (
            "標本が母集団の1割以下なら Pitman、それより大きければ SNB と Zayatz の小さい方",
            "the rule: Pitman up to a tenth of the population, above it the smaller of SNB and Zayatz",
        ),
    ),
    "pitman": (
        "Pitman",
        (
            "小さい標本(1割以下)に向く。大きい標本では過大になる",
            "for small samples (up to a tenth); too high in large ones",
        ),
    ),
    "zayatz": ("Zayatz", ("大きい標本に向く。小さい標本では過大になる", "for large samples; too high in small ones")),
    "snb": ("SNB", ("大きい標本に向く。解のないことがある", "for large samples; may have no solution")),
}


def _uniqueness(found: Measured) -> Iterator[Both]:
    if found.uniqueness is None or found.people is None:
        return
    for name, each in found.uniqueness.items():
        called, words = _ESTIMATORS[name]
        share = _share(each, found.people)
        figure = "-" if each.uniques is None or share is None else f"{each.uniques:,.0f} ({share:.6f})"
        yield (f"母集団の一意({called})", f"unique in population ({called})"), figure, words


def _wild_card(found: Measured) -> Iterator[Both]:
    wild = found.wild_card
    if wild is None:
        return
    yield ("k(欠測は何にでも一致)", "k, missing matches all"), f"{wild.k:,}", (
        "行が一致しうる行数の最小", "rows that a row could be, at least, where a missing value matches every value",
    )  # fmt: skip
    yield ("危険(同)、平均", "risk of that, mean"), f"{wild.mean:.4f}", (
        f"同じ見方での平均。一意 {wild.uniques:,} 行", f"the average of one by that number; {wild.uniques:,} rows match no other",
    )  # fmt: skip


def _suda(found: Measured) -> Iterator[Both]:
    suda = found.suda
    if suda is None:
        return
    sizes = ", ".join(f"{size}: {count:,}" for size, count in suda.uniques_by_size.items())
    yield ("特異な記録(SUDA)", "special records (SUDA)"), f"{suda.special:,}", (
        f"{suda.most_size} 属性までの値だけで一人に絞られる記録", f"records that up to {suda.most_size} attributes single out",
    )  # fmt: skip
    yield ("最小の一意集合", "minimal sample uniques"), sizes, (
        "属性の数ごとの個数。少ない属性で足りるほど危険", "by number of attributes; the fewer it takes, the worse",
    )  # fmt: skip
    yield ("DIS、最大", "DIS, worst"), f"{float(suda.dis.max(initial=0.0)):.4f}", (
        f"標本が母集団の {suda.fraction:g} のとき、一致が正しい確率の推定",
        f"estimated chance that a match is right if this is {suda.fraction:g} of the population",
    )  # fmt: skip
    for name, share in sorted(suda.contributions.items(), key=lambda pair: -pair[1]):
        yield (f"{name} の寄与", f"part of {name}"), f"{share:.3f}", (
            "得点のうち、この列を含む集合による割合", "share of all scores from sets with this column",
        )  # fmt: skip


def _sets(found: Measured) -> Iterator[Both]:
    if found.sets is None:
        return
    whole = (
        ("すべての集合を調べた", "all sets measured")
        if found.sets.is_complete
        else ("有望な集合だけを調べた", "only promising sets measured")
    )
    for one in found.sets.sets[:10]:
        yield (", ".join(one.attributes),) * 2, f"{one.separation:.4f} / {one.distinction:.4f}", (
            f"見分けられる記録の組の割合/異なる値の組合せの割合。{whole[0]}",
            f"separation: pairs of records told apart; distinction: different combinations; {whole[1]}",
        )  # fmt: skip
