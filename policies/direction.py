"""Which way a change of a policy goes: looser, stricter, only wording, or something a person must judge.

Belongs here: the tables, read by people who review them. Does not: finding differences (`differences`), sentences
(`change_words`). Looser means: more leaves, more people may have it, longer, with less protection, or fewer rules ask.
What is in no table is `changed`: it is shown, and somebody must say what it does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any

from policies.differences import MISSING, Difference
from policies.sentences import Bilingual
from policies.vocabulary import Labelled


class Direction(Labelled):
    """What a change does to the protection of people."""

    LOOSER = "looser", "緩くなる", "looser"
    STRICTER = "stricter", "厳しくなる", "stricter"
    CHANGED = "changed", "要判断", "to be judged"
    WORDING = "wording", "文言だけ", "wording only"

    @property
    def opposite(self) -> "Direction":
        """The direction of the same change made backwards."""
        return {Direction.LOOSER: Direction.STRICTER, Direction.STRICTER: Direction.LOOSER}.get(self, self)


Pattern = tuple[str, ...]
_UP, _DOWN = Direction.LOOSER, Direction.STRICTER


@dataclass(frozen=True, slots=True)
class Ordered:
    """A number, a day or a choice with an order: what it means when it rises, and what rising and falling do.

    `choices` orders words from the least to the most; `absent` is the number that stands for nothing written.
    """

    rises: Direction
    more: Bilingual
    less: Bilingual
    choices: tuple[str, ...] = ()
    absent: str = "0"


_INFINITE = "1e400"

ORDERED: Mapping[Pattern, Ordered] = MappingProxyType(
    {
        ("method", "k"): Ordered(_DOWN, ("人がより多くの人に紛れる", "people are hidden among more"), ("人が紛れる相手が減る", "people are hidden among fewer")),
        ("method", "max_record_risk"): Ordered(_UP, ("一件を言い当てられる危険を、より大きく許す", "a greater chance of picking the right record is tolerated"), ("許す危険が小さくなる", "less risk is tolerated")),
        ("method", "suppression_limit"): Ordered(_UP, ("消してよい記録が増え、残る記録は偏りやすい", "more records may be dropped, and what is left may be skewed"), ("消してよい記録が減る", "fewer records may be dropped")),
        ("method", "sensitive", "*", "l"): Ordered(_DOWN, ("集まりの中の値の種類が増え、値を推測しにくい", "a group holds more values, so that belonging to it tells less"), ("集まりの中の値の種類が減り、値を推測しやすい", "a group may hold fewer values, so that belonging to it tells more")),
        ("method", "sensitive", "*", "c"): Ordered(_UP, ("多い値がさらに目立ってよくなる", "the most frequent value may stand out more"), ("多い値が目立ちにくくなる", "the most frequent value stands out less")),
        ("method", "sensitive", "*", "t"): Ordered(_UP, ("集まりの分布が全体からより離れてよくなる", "a group may differ more from the whole"), ("集まりの分布が全体に近くなる", "groups are closer to the whole")),
        ("method", "sensitive", "*", "alpha"): Ordered(_UP, ("一つの値がより大きな割合を占めてよくなる", "one value may fill more of a group"), ("一つの値の割合が抑えられる", "one value fills less of a group")),
        ("method", "sensitive", "*", "beta"): Ordered(_UP, ("集まりから分かることが増える", "a group may tell more"), ("集まりから分かることが減る", "a group tells less")),
        ("method", "sensitive", "*", "delta"): Ordered(_UP, ("集まりから分かることが増える", "a group may tell more"), ("集まりから分かることが減る", "a group tells less")),
        ("method", "events", "codes", "*", "m"): Ordered(_DOWN, ("より多くの符号を知る者に備える", "who knows more codes is provided for"), ("より少ない符号を知る者にしか備えない", "only who knows fewer codes is provided for")),
        ("method", "events", "codes", "*", "l"): Ordered(_DOWN, ("より多くの符号を知る者に備える", "who knows more codes is provided for"), ("より少ない符号を知る者にしか備えない", "only who knows fewer codes is provided for")),
        ("method", "events", "codes", "*", "k"): Ordered(_DOWN, ("符号の組合せがより多くの人に共通する", "combinations of codes are shared by more people"), ("符号の組合せを持つ人がより少なくてよい", "combinations of codes may be shared by fewer people"), absent=_INFINITE),
        ("method", "events", "codes", "*", "c"): Ordered(_UP, ("符号から分かることが増える", "codes may tell more"), ("符号から分かることが減る", "codes tell less")),
        ("method", "events", "codes", "*", "start_level"): Ordered(_DOWN, ("符号がより粗くなる", "codes are coarser"), ("符号がより細かく出る", "codes may be finer")),
        ("method", "events", "codes", "*", "suppression_limit"): Ordered(_UP, ("消してよい符号が増え、残りは偏りやすい", "more codes may be removed, and what is left may be skewed"), ("消してよい符号が減る", "fewer codes may be removed")),
        ("method", "events", "codes", "*", "knows"): Ordered(_DOWN, ("準識別子も知る者に備える", "who knows the quasi-identifiers, too, is provided for"), ("準識別子も知る者には備えない", "who knows the quasi-identifiers, too, is not provided for"), choices=("codes", "class_and_codes")),
        ("method", "events", "codes", "*", "repeated_codes"): Ordered(_DOWN, ("同じ符号の回数を出さない", "how often a code occurs is not shown"), ("同じ符号の回数も出る", "how often a code occurs is shown"), choices=("keep", "drop")),
        ("method", "events", "trajectories", "*", "points"): Ordered(_DOWN, ("より多くの日付を知る者に備える", "who knows more dates is provided for"), ("より少ない日付を知る者にしか備えない", "only who knows fewer dates is provided for")),
        ("method", "events", "trajectories", "*", "max_uniqueness"): Ordered(_UP, ("日付で絞られる人が増えてよい", "more people may be singled out by dates"), ("日付で絞られる人が減る", "fewer people may be singled out by dates")),
        ("method", "events", "trajectories", "*", "suppression_limit"): Ordered(_UP, ("消してよい日付が増える", "more dates may be removed"), ("消してよい日付が減る", "fewer dates may be removed")),
        ("method", "risks", "*", "most"): Ordered(_UP, ("平均して、より多くの記録を言い当てられてよくなる", "more records may be linked rightly on the average"), ("平均して言い当てられる記録が減る", "fewer records may be linked rightly on the average")),
        ("method", "risks", "*", "gain"): Ordered(_DOWN, ("より強い動機の攻撃者に備える", "attackers with more to gain are reckoned with"), ("より弱い動機の攻撃者しか考えない", "only attackers with less to gain are reckoned with")),
        ("method", "risks", "*", "cost"): Ordered(_UP, ("攻撃の費用を高く見積もる", "an attack is taken to cost more"), ("攻撃の費用を低く見積もる", "an attack is taken to cost less")),
        ("method", "min_cell"): Ordered(_DOWN, ("より大きい人数まで秘す", "larger counts are hidden too"), ("より少ない人数の欄が見える", "smaller counts are shown")),
        ("method", "zero_allowed"): Ordered(_UP, ("0人の欄が見える", "cells of nobody are shown"), ("0人の欄も秘す", "cells of nobody are hidden too")),
        ("method", "margins"): Ordered(_UP, ("合計も出す", "totals are shown as well"), ("合計は出さない", "totals are not shown")),
        ("method", "municipality", "none_below"): Ordered(_DOWN, ("出さない市区町村が増える", "more municipalities are left out"), ("より小さい市区町村の数が出る", "smaller municipalities are shown")),
        ("method", "municipality", "raised_below"): Ordered(_DOWN, ("高い最小人数を求める市区町村が増える", "more municipalities need larger cells"), ("高い最小人数を求める市区町村が減る", "fewer municipalities need larger cells")),
        ("method", "municipality", "raised_min_cell"): Ordered(_DOWN, ("小さい市区町村でより大きい人数まで秘す", "larger counts of small municipalities are hidden"), ("小さい市区町村でより少ない人数が見える", "smaller counts of small municipalities are shown")),
        ("method", "min_allele_count"): Ordered(_DOWN, ("よりまれでないアレルも秘す", "less rare alleles are hidden too"), ("よりまれなアレルが見える", "rarer alleles are shown")),
        ("method", "complement_floor"): Ordered(_DOWN, ("補数の側も秘す", "the complement is held to the floor too"), ("補数の側は秘さない", "the complement is no longer held to the floor")),
        ("method", "membership_max_power"): Ordered(_UP, ("集団にいるかを当てられる割合が増える", "more members of the group could be told"), ("集団にいるかを当てられる割合が減る", "fewer members of the group could be told")),
        ("method", "environment"): Ordered(_UP, ("データが受領者の手に渡る", "the data are handed to the recipient"), ("データは安全な環境から出ない", "the data never leave the secure environment"), choices=("secure_environment", "sealed_extract")),
        ("method", "max_people"): Ordered(_UP, ("一度に渡せる人数が増える", "more people may be given at a time"), ("一度に渡せる人数が減る", "fewer people may be given at a time"), absent=_INFINITE),
        ("method", "budget", "release_rho"): Ordered(_UP, ("雑音が小さくなり、一人の影響が見えやすい", "there is less noise, and one person shows more"), ("雑音が大きくなり、一人の影響が見えにくい", "there is more noise, and one person shows less")),
        ("method", "budget", "population_rho_cap"): Ordered(_UP, ("母集団について失われてよい秘密が増える", "more may be given away about the population in all"), ("母集団について失われてよい秘密が減る", "less may be given away about the population in all")),
        ("method", "budget", "year_rho_cap"): Ordered(_UP, ("一年に失われてよい秘密が増える", "more may be given away in a year"), ("一年に失われてよい秘密が減る", "less may be given away in a year"), absent=_INFINITE),
        ("method", "budget", "all_versions_rho_cap"): Ordered(_UP, ("この公開の版を重ねて失われてよい秘密が増える", "more may be given away by the versions of the release"), ("この公開の版を重ねて失われてよい秘密が減る", "less may be given away by the versions of the release"), absent=_INFINITE),
        ("method", "budget", "researcher_rho_cap"): Ordered(_UP, ("一人の研究者が多く問える", "one researcher may ask more"), ("一人の研究者が問える量が減る", "one researcher may ask less"), absent=_INFINITE),
        ("method", "budget", "population_delta_cap"): Ordered(_UP, ("一覧のないキーで失敗してよい確率の合計が増える", "keys that nobody listed may fail with a greater chance in all"), ("一覧のないキーで失敗してよい確率の合計が減る", "keys that nobody listed may fail with a smaller chance in all"), absent=_INFINITE),
        ("method", "budget", "year_delta_cap"): Ordered(_UP, ("一年に閾値が失敗してよい確率が増える", "thresholds may fail with a greater chance in a year"), ("一年に閾値が失敗してよい確率が減る", "thresholds may fail with a smaller chance in a year"), absent=_INFINITE),
        ("method", "budget", "all_versions_delta_cap"): Ordered(_UP, ("この公開の版を重ねて閾値が失敗してよい確率が増える", "thresholds may fail with a greater chance over the versions of the release"), ("この公開の版を重ねて閾値が失敗してよい確率が減る", "thresholds may fail with a smaller chance over the versions of the release"), absent=_INFINITE),
        ("method", "queries", "*", "private_keys", "threshold_delta"): Ordered(_UP, ("一人だけの値が名指しされる確率が増える", "a value that only one person has is named with a greater chance"), ("一人だけの値が名指しされる確率が減る", "a value that only one person has is named with a smaller chance")),
        ("method", "queries", "*", "private_keys", "columns", "*", "max_length"): Ordered(_UP, ("より長い文字列がそのまま出る", "longer texts are published as they are"), ("より短い文字列だけが出る", "only shorter texts are published")),
        ("method", "budget", "people_at_most"): Ordered(_DOWN, ("失敗確率がより小さくなければならない", "the probability of failure must be smaller"), ("失敗確率がより大きくてよい", "the probability of failure may be greater")),
        ("method", "budget", "delta"): Ordered(_UP, ("表示上の失敗確率が大きくなる", "the probability of failure, as shown, is greater"), ("表示上の失敗確率が小さくなる", "the probability of failure, as shown, is smaller")),
        ("retention", "extract_months"): Ordered(_UP, ("受領者がより長く持つ", "recipients keep it longer"), ("受領者が持つ期間が短くなる", "recipients keep it for less time")),
        ("retention", "delete_within_days"): Ordered(_UP, ("消去がより遅くてよくなる", "deletion may come later"), ("消去が早くなる", "deletion comes sooner")),
        ("retention", "ledger_years"): Ordered(_DOWN, ("記録をより長く残す", "records are kept longer"), ("記録を残す期間が短くなる", "records are kept for less time")),
        ("retention", "recipient_record_years"): Ordered(_DOWN, ("受領者が記録をより長く残す", "recipients keep records longer"), ("受領者が記録を残す期間が短くなる", "recipients keep records for less time")),
        ("retention", "access_log_years"): Ordered(_DOWN, ("利用の記録をより長く残す", "logs of use are kept longer"), ("利用の記録を残す期間が短くなる", "logs of use are kept for less time")),
        ("review_due",): Ordered(_UP, ("見直しが遅くなる", "it is reviewed later"), ("見直しが早くなる", "it is reviewed sooner")),
        ("consent", "waiting", "wait_days"): Ordered(_DOWN, ("申し出を待つ期間が長くなる", "people have more time to object"), ("申し出を待つ期間が短くなる", "people have less time to object")),
        ("consent", "register", "keep_years"): Ordered(_DOWN, ("登録をより長く残す", "the register is kept longer"), ("登録を残す期間が短くなる", "the register is kept for less time")),
        ("consent", "basis"): Ordered(_UP, ("本人の意思を確かめる度合いが下がる", "people are asked less"), ("本人の意思をより確かめる", "people are asked more"), choices=("opt_in", "opt_out", "not_required")),
        ("tables", "*", "columns", "*", "required"): Ordered(_DOWN, ("値のない行を受け入れない", "rows without a value are not accepted"), ("値のない行も受け入れる", "rows without a value are accepted")),
        ("rules", "*", "severity"): Ordered(_DOWN, ("違反の扱いが重くなる", "breaking it weighs more"), ("違反の扱いが軽くなる", "breaking it weighs less"), choices=("WARN", "HOLD", "BLOCK")),
        ("levels", "top_from"): Ordered(_UP, ("高い値がより細かく見える", "high values are told apart further up"), ("高い値を早くまとめる", "high values are put together sooner"), absent=_INFINITE),
        ("levels", "least_inhabitants"): Ordered(_DOWN, ("より多くの市区町村をまとめる", "more municipalities are joined"), ("より小さい市区町村が見える", "smaller municipalities are shown")),
        ("levels", "counted_in"): Ordered(_UP, ("どの値がデータに多いかが知られる", "which values are frequent in the data becomes known"), ("頻度は公表された統計による", "frequencies are those of public statistics"), choices=("public_statistics", "data")),
        ("on_unseen",): Ordered(_UP, ("知らない値の行も出る", "rows of values that it does not know leave, or are passed over"), ("知らない値の行は出ない", "rows of values that it does not know do not leave"), choices=("refuse", "suppress", "other")),
    }
)  # fmt: skip
"""Every value with an order, by the keys that lead to it."""

SETS: Mapping[Pattern, Direction] = MappingProxyType(
    {
        ("recipients", "*"): _UP,
        ("delivery", "*"): _UP,
        ("prohibited_uses", "*"): _DOWN,
        ("rule_packs", "*"): _DOWN,
        ("purposes", "ehds53", "*"): _UP,
        ("quality", "dimensions", "*"): _DOWN,
        ("tables", "*"): _UP,
        ("method", "queries", "*"): _UP,
        ("method", "queries", "*", "private_keys"): _UP,
        ("method", "queries", "*", "private_keys", "columns", "*"): _UP,
        ("method", "columns", "*"): _UP,
        ("method", "cliques", "*"): _UP,
        ("method", "sensitive", "*"): _DOWN,
        ("method", "sensitive", "*", "disclosable", "*"): _UP,
        ("method", "risks", "*"): _DOWN,
        ("method", "quasi_identifiers", "*"): _DOWN,
        ("method", "events"): _DOWN,
        ("method", "events", "codes", "*"): _DOWN,
        ("method", "events", "codes", "*", "codes", "*"): _DOWN,
        ("method", "events", "codes", "*", "values", "*"): _DOWN,
        ("method", "events", "trajectories", "*"): _DOWN,
        ("method", "household"): _DOWN,
        ("tables", "*", "columns", "*", "class", "*"): _DOWN,
        ("tables", "*", "ignored_columns", "*"): _DOWN,
        ("consent", "register", "consented", "*"): _UP,
        ("consent", "register", "refused", "*"): _DOWN,
        ("consent", "register", "withdrawn", "*"): _DOWN,
        ("rules", "*"): _DOWN,
        ("expectations", "*"): _DOWN,
        ("consent", "waiting"): _DOWN,
        ("custody",): _DOWN,
        ("terms",): _DOWN,
        ("terms", "clauses", "*"): _DOWN,
        ("supervision",): _DOWN,
    }
)
"""What it does when something is added to a list, or a block is written that was not; removing does the opposite."""

WORDING: frozenset[Pattern] = frozenset(
    {
        ("version",),
        ("title",),
        ("description",),
        ("catalog", "keywords", "*"),
        ("catalog", "keywords"),
        ("controller", "contact", "name"),
        ("tables", "*", "title"),
        ("tables", "*", "columns", "*", "ja"),
        ("tables", "*", "columns", "*", "en"),
        ("tables", "*", "columns", "*", "code_system"),
        ("method", "queries", "*", "title"),
        ("method", "title"),
        ("method", "columns", "*", "title"),
        ("rules", "*", "text"),
        ("rules", "*", "citation"),
        ("source",),
        ("license",),
    }
)
"""What only says in words what is decided elsewhere; a change of it voids signatures like any other."""


def direction_of(difference: Difference) -> Direction:
    """Return which way one difference goes."""
    pattern = difference.pattern
    if pattern in WORDING:
        return Direction.WORDING
    if pattern in ORDERED:
        return _ordered(ORDERED[pattern], difference)
    if pattern in SETS and MISSING in (difference.old, difference.new):
        is_added = difference.old is MISSING
        return SETS[pattern] if is_added else SETS[pattern].opposite
    return Direction.CHANGED


def is_rise(order: Ordered, difference: Difference) -> bool | None:
    """Return whether an ordered value rises; None where the two are one value, or have no order."""
    before, after = (_rank(order, value) for value in (difference.old, difference.new))
    if before is None or after is None or type(before) is not type(after) or before == after:
        return None
    return bool(after > before)


def _ordered(order: Ordered, difference: Difference) -> Direction:
    rise = is_rise(order, difference)
    if rise is None:
        before, after = (_rank(order, value) for value in (difference.old, difference.new))
        return Direction.WORDING if before is not None and before == after else Direction.CHANGED
    return order.rises if rise else order.rises.opposite


def _rank(order: Ordered, value: Any) -> Any:
    """Return something that compares: a place among the choices, a number, or a day as text."""
    if order.choices:
        return order.choices.index(value) if value in order.choices else None
    if value is MISSING:
        return Decimal(order.absent)
    if isinstance(value, bool):
        return Decimal(value)
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return str(value)
