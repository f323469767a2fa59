"""What treatments and methods do, in plain Japanese and English; `explain` puts the sentences on a page.

Belongs here: wording. Does not: layout, rules.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Literal, TypeAlias

from policies.event_words import event_promises
from policies.model.method import (
    AlleleFrequencies,
    ControlledRows,
    DpBudget,
    DpQuery,
    DpStatistics,
    DpSynthetic,
    Method,
    Microdata,
    SmallCells,
)
from policies.model.treatment import Generalize, Microaggregate, Pseudonymize, Treatment, TruncateDate
from policies.risk_words import promise_of_risk
from policies.sensitive_words import promise
from policies.synthetic_words import synthetic_promises

Language: TypeAlias = Literal["ja", "en"]
Bilingual: TypeAlias = tuple[str, str]


def say(pair: Bilingual, language: Language) -> str:
    """Choose the language of a pair (Japanese, English)."""
    return pair[0] if language == "ja" else pair[1]


_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def say_day(day: date, language: Language) -> str:
    """Write a day as people do: 2026年11月1日, November 1, 2026."""
    return say((f"{day.year}年{day.month}月{day.day}日", f"{_MONTHS[day.month - 1]} {day.day}, {day.year}"), language)


_STEPS: Mapping[str, Bilingual] = MappingProxyType(
    {
        "drop_column": ("削除する(項目削除)", "is removed"),
        "reject_at_landing": ("値があれば受入れを拒否する", "stops the ingest if it holds a value"),
        "keep": ("そのまま出す(理由: {reason})", "leaves as it is (reason: {reason})"),
        "pseudonymize.random": (
            "この公開限りの乱数IDに置き換え、対応表は保存しない",
            "becomes a random id of this release, whose map is never stored",
        ),
        "pseudonymize.hmac": ("鍵付き仮名に置き換える", "becomes a keyed pseudonym"),
        "to_age": ("{at} の時点の満年齢にする", "becomes the age in full years at {at}"),
        "to_duration_days": ("{since} からの日数にする", "becomes the number of days since {since}"),
        "date_shift": (
            "本人ごとに同じ秘密の日数(最大{max_days}日)だけずらす",
            "moves by a secret number of days, the same for all dates of a person, at most {max_days}",
        ),
        "truncate_date": ("日付を{to}までに丸める", "keeps only its {to}"),
        "to_prefecture": ("都道府県名だけにする", "keeps only the prefecture"),
        "generalize.search": (
            "階層 {hierarchy} に沿って一般化する(段階は最適探索が決める)",
            "is generalized along {hierarchy}, as far as the search finds necessary",
        ),
        "generalize": (
            "階層 {hierarchy} の段階 {level} に一般化する",
            "is generalized to level {level} of {hierarchy}",
        ),
        "roll_up_rare": (
            "{min_persons}人未満の値は階層 {hierarchy} の上位に上げ、なお稀なら消す",
            "moves up {hierarchy} where fewer than {min_persons} people hold a value, and is blanked where still rare",
        ),
        "top_code": ("{limit} を超える値は {limit} とする", "is cut at {limit} from above"),
        "bottom_code": ("{limit} 未満の値は {limit} とする", "is cut at {limit} from below"),
        "round": ("{to} の倍数に丸める", "is rounded to multiples of {to}"),
        "microaggregate": (
            "{min_persons}人以上の近い値の平均に置き換える(ミクロアグリゲーション)",
            "becomes the mean of near values of at least {min_persons} people (microaggregation)",
        ),
        "microaggregate.within": (
            "{within} の値ごとに、{min_persons}人以上の近い値の平均に置き換える(ミクロアグリゲーション)",
            "becomes, for each {within}, the mean of near values of at least {min_persons} people (microaggregation)",
        ),
        "round_randomly": (
            "{to} の倍数の上か下に、偏りのないくじで丸める",
            "is rounded to the multiple of {to} above or below, by an unbiased lot",
        ),
        "add_noise": (
            "標準偏差 {sd} のノイズを加え、{low} から {high} に収める(差分プライバシーではない)",
            "gets noise of the standard deviation {sd}, kept between {low} and {high} (not differential privacy)",
        ),
        "aggregate_only": ("集計にのみ用いる", "is used inside the statistic only"),
    }
)

_PARTS: Mapping[str, Bilingual] = MappingProxyType(
    {"year": ("年", "year"), "quarter": ("四半期", "quarter"), "month": ("月", "month")}
)


def say_treatment(step: Treatment, language: Language) -> str:
    """Say what one operation does to a column."""
    key: str = step.op
    if isinstance(step, Pseudonymize):
        key = f"{step.op}.{step.method}"
    elif isinstance(step, Generalize) and step.level == "search":
        key = f"{step.op}.search"
    elif isinstance(step, Microaggregate) and step.within:
        key = f"{step.op}.within"
    words = step.model_dump()
    if isinstance(step, TruncateDate):
        words["to"] = say(_PARTS[step.to], language)
    if isinstance(step, Microaggregate):
        words["within"] = ", ".join(step.within)
    return say(_STEPS[key], language).format_map(words)


def say_method(method: Method, language: Language, *, names: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Say what the method promises, one sentence an element.

    Args:
        method: The method.
        language: `ja` or `en`.
        names: What the output columns are called in that language; those without a word keep their name.
    """
    return tuple(say(pair, language) for pair in _method(method, names or {}))


def _method(method: Method, names: Mapping[str, str]) -> tuple[Bilingual, ...]:
    if isinstance(method, Microdata):
        return _microdata(method, names)
    if isinstance(method, DpStatistics):
        return _dp(method, names)
    if isinstance(method, DpSynthetic):
        return _synthetic(method, names)
    if isinstance(method, SmallCells):
        return _small_cells(method, names)
    if isinstance(method, AlleleFrequencies):
        return _alleles(method)
    return _controlled(method)


def _called(columns: Sequence[str], names: Mapping[str, str]) -> str:
    """Write column names, each with its word where there is one: `sex (性別)`."""
    return ", ".join(
        f"{column} ({names[column]})" if names.get(column, column) != column else column for column in columns
    )


def _microdata(method: Microdata, words: Mapping[str, str]) -> tuple[Bilingual, ...]:
    names = _called(method.quasi_identifiers, words)
    sentences: list[Bilingual] = [
        (
            f"{names} のすべてが同じ人が少なくとも {method.k} 人いる(k-匿名性、k={method.k})。",
            f"Each person is hidden among at least {method.k} people who are alike in {names} (k-anonymity, k={method.k}).",
        ),
        (
            f"一件あたりの再識別リスクは 1/{method.k} 以下である(許容値 {method.max_record_risk})。",
            f"The chance of picking the right record is at most 1 in {method.k} (tolerated: {method.max_record_risk}).",
        ),
    ]
    sentences += [promise(each, _called([each.column], words)) for each in method.sensitive]
    sentences += [promise_of_risk(each) for each in method.risks or ()]
    sentences += event_promises(method)
    if method.household is not None:
        sentences.append(
            (
                "同じ世帯の人は合わせて一人と数える。",
                "People of one household are counted as one.",
            )
        )
    if method.recoding == "local":
        sentences.append(
            (
                "値は集まりごとに、必要な粗さまでだけ一般化する(局所再符号化)。一つの列に粗さの異なる値が並ぶ。",
                "Values are made coarser group by group, each only as far as it needs (local recoding); one column holds values of different coarseness.",
            )
        )
    sentences += _least_loss(method, words)
    sentences.append(
        (
            f"条件を満たさない記録は消す。消してよいのは全体の {method.suppression_limit:.1%} までである。",
            f"Records that cannot be hidden so are removed, at most {method.suppression_limit:.1%} of all.",
        )
    )
    return (*sentences, _approved(method.approved_by))


def _least_loss(method: Microdata, words: Mapping[str, str]) -> list[Bilingual]:
    if method.loss is None:
        return []
    mean_ja, mean_en = ("相乗平均", "geometric") if method.loss.mean == "geometric" else ("算術平均", "arithmetic")
    named = ", ".join(f"{_called([one.column], words)} {one.weight:g}" for one in method.loss.weights)
    return [
        (
            f"粗さは、各列で失う情報の{mean_ja}が最も小さくなるように選ぶ{f'(重み: {named}、他は 1)' if named else ''}。",
            f"Levels are chosen so that the {mean_en} mean of what the columns lose is least"
            f"{f' (weights: {named}; 1 for all others)' if named else ''}.",
        )
    ]


def _dp(method: DpStatistics, words: Mapping[str, str]) -> tuple[Bilingual, ...]:
    budget = method.budget
    return (
        (
            "ある一人の記録がすべて有っても無くても、公表される数はほとんど変わらない(差分プライバシー、単位は人)。",
            "The numbers would hardly differ if any one person's records were all left out (differential privacy; the unit is a person).",
        ),
        *(_query(query, words) for query in method.queries),
        *_paid(budget),
        *_beside(method),
        _approved(budget.approved_by),
    )


def _synthetic(method: DpSynthetic, words: Mapping[str, str]) -> tuple[Bilingual, ...]:
    return (
        (
            "実在の人の行は一つも出ない。雑音を加えた集計だけから作った分布から、架空の人を一人一行で引く。",
            "No real person's row leaves: made-up people, one row each, are drawn from a distribution fitted to noisy counts alone.",
        ),
        (
            "ある一人の記録がすべて有っても無くても、引かれる行の出方はほとんど変わらない(差分プライバシー、単位は人)。",
            "Which rows are drawn would hardly differ if any one person's records were all left out (differential privacy; the unit is a person).",
        ),
        *synthetic_promises(method, lambda columns: _called(columns, words)),
        *_paid(method.budget),
        *_beside(method),
        _approved(method.budget.approved_by),
    )


def _paid(budget: DpBudget) -> Iterator[Bilingual]:
    """Say what is paid from which account, until when."""
    yield (
        f"損失 ρ={budget.release_rho} を母集団 {budget.population} の口座(上限 {budget.population_rho_cap})から、雑音を引く前に払う。",
        f"The loss rho={budget.release_rho} is paid from the account of {budget.population} (cap {budget.population_rho_cap}) before noise is drawn.",
    )
    yield from _quotas(budget)
    if budget.population_delta_cap is not None:
        yield (
            f"一覧のないキーの閾値が失敗する確率の合計は、この母集団のすべての公開で δ={budget.population_delta_cap} までである。",
            f"The chances that thresholds of unlisted keys fail add up, over all releases of this population, to at most delta={budget.population_delta_cap}.",
        )
    yield (
        f"口座の期間は{say_day(budget.period_from, 'ja')}から{say_day(budget.period_to, 'ja')}まで。",
        f"The account runs from {say_day(budget.period_from, 'en')} to {say_day(budget.period_to, 'en')}.",
    )


def _quotas(budget: DpBudget) -> Iterator[Bilingual]:
    """Say the caps inside the account's own."""
    if budget.year_rho_cap is not None:
        yield (
            f"一年(UTC)に払えるのは ρ={budget.year_rho_cap} までである。",
            f"At most rho={budget.year_rho_cap} is paid in a calendar year (UTC).",
        )
    if budget.all_versions_rho_cap is not None:
        yield (
            f"この公開のすべての版を合わせて ρ={budget.all_versions_rho_cap} までである。",
            f"All versions of this release together pay at most rho={budget.all_versions_rho_cap}.",
        )
    if budget.researcher_rho_cap is not None:
        yield (
            f"一人の研究者の質問に払えるのは ρ={budget.researcher_rho_cap} までである。",
            f"At most rho={budget.researcher_rho_cap} is paid for the questions of one researcher.",
        )


_STATISTICS: Mapping[str, Bilingual] = MappingProxyType(
    {
        "people": ("人数", "people"),
        "rows": ("行数", "rows"),
        "sum": ("{value} の合計", "the sum of {value}"),
        "mean": ("{value} の平均", "the mean of {value}"),
        "variance": ("{value} の分散", "the variance of {value}"),
        "histogram": ("{value} の公開された区間ごとの件数", "rows by public intervals of {value}"),
        "quantiles": ("公開された目盛りの上での {value} の分位点", "quantiles of {value} on a public grid"),
        "marginals": ("複数の周辺表の人数", "people, in several margins"),
        "survival": ("{value} についての生存表", "a survival table over {value}"),
        "top": ("人数の多い順の上位", "the most frequent, counted in people"),
        "most_frequent": ("最も人数の多いもの(人数は示さない)", "which are the most frequent, without their numbers,"),
        "regression": ("{value} の線形回帰", "a linear regression of {value}"),
        "logistic_regression": ("{value} のロジスティック回帰", "a logistic regression of {value}"),
    }
)


def _query(query: DpQuery, words: Mapping[str, str]) -> Bilingual:
    """Say what a table counts, and how much one person may add to it."""
    of = query.outcome.column if query.outcome else query.value
    value = _called([of], words) if of else ""
    ja, en = (text.format(value=value) for text in _STATISTICS[query.statistic])
    by = _called(query.grouped, words)
    private = _private(query, words)
    cells, rows = query.bounds.cells_per_person, query.bounds.rows_per_person_per_cell
    of_rows: Bilingual = (
        (f"、各欄 {rows} 行", f", {rows} rows in each")
        if query.statistic not in {"people", "marginals", "top", "most_frequent"}
        else ("", "")
    )
    clip: Bilingual = ("", "")
    if query.clip is not None:
        low, high = query.clip.low, query.clip.high
        clip = (f"。値は {low} から {high} に収める", f"; values are held between {low} and {high}")
    return (
        f"表「{query.title.ja}」: {by or '全体'} 別の{ja}(一人が数えられるのは {cells} 欄まで{of_rows[0]}{clip[0]})。{private[0]}",
        f"Table “{query.title.en}”: {en} by {by or 'nothing'} (one person counts in at most {cells} cells{of_rows[1]}{clip[1]}).{private[1]}",
    )


def _private(query: DpQuery, words: Mapping[str, str]) -> Bilingual:
    """Say what is named of keys that nobody listed, and what a missing one means."""
    if query.private_keys is None:
        return "", ""
    names, delta = _called([key.column for key in query.private_columns], words), query.private_keys.threshold_delta
    return (
        f"{names} の値には公開の一覧がなく、雑音を加えた数が閾値を超えたものだけを名指しする"
        f"(一人だけの値が出る確率は δ={delta} 以下)。表にない値は、誰にもないことを意味しない。",
        f" There is no public list of {names}: a value is named only where its noisy count is above a threshold "
        f"(one that a single person has appears with a chance of at most delta={delta}). "
        "A value that is not in the table may still be somebody's.",
    )


def _small_cells(method: SmallCells, words: Mapping[str, str]) -> tuple[Bilingual, ...]:
    names, low = _called(method.by, words), method.min_cell
    zero: Bilingual = (
        ("0 は表示する。", "Zero is shown.") if method.zero_allowed else ("0 も秘す。", "Zero is hidden too.")
    )
    return (
        (f"{names} 別の人数の表である。", f"A table of people counted by {names}."),
        (
            f"1人から{low - 1}人の欄は秘す。合計から逆算できないよう、必要なら他の欄も秘す。",
            f"Cells of 1 to {low - 1} people are hidden, and others with them where totals would give them away.",
        ),
        zero,
        *_tiers(method),
    )


def _tiers(method: SmallCells) -> Iterator[Bilingual]:
    tiers = method.municipality
    if tiers is None:
        return
    yield (
        f"人口 {tiers.none_below:,} 人未満の市区町村は単独では示さず、{tiers.raised_below:,} 人未満では {tiers.raised_min_cell} 人以上の欄だけを示す。",
        f"No municipality below {tiers.none_below:,} inhabitants is shown by itself; below {tiers.raised_below:,}, only cells of {tiers.raised_min_cell} people or more.",
    )
    yield (
        f"人口は {len(tiers.inhabitants)} 市区町村について {tiers.source}({tiers.counted_on} 時点)による。",
        f"The inhabitants of {len(tiers.inhabitants)} municipalities are those of {tiers.source}, as of {tiers.counted_on}.",
    )


def _beside(method: DpStatistics | DpSynthetic) -> Iterator[Bilingual]:
    for output in method.exact_beside or ():
        yield (
            f"保証の外にある正確な出力: {output.release}({output.why.ja})。",
            f"Exact and outside this guarantee: {output.release} ({output.why.en}).",
        )


def _alleles(method: AlleleFrequencies) -> tuple[Bilingual, ...]:
    refused = method.over_bound == "refuse"
    over: Bilingual = (
        ("超えるときは公開しない。", "Beyond that, nothing is released.")
        if refused
        else ("超えないように座位を間引く。", "Sites are left out until that holds.")
    )
    return (
        (
            "座位ごとのアレル数と頻度だけを出し、個人の遺伝型は出さない。",
            "Only allele counts and frequencies a site leave; no person's genotype.",
        ),
        (
            f"{method.min_allele_count} 回未満しか見られないアレルは秘す。",
            f"Alleles seen fewer than {method.min_allele_count} times are hidden.",
        ),
        (
            f"ある人が集団にいるかを当てる検定の検出力は、偽陽性率 {method.membership_false_positive_rate} で {method.membership_max_power} 以下とする。",
            f"A test of whether a person is in the group finds at most {method.membership_max_power:.0%} of them at a false-positive rate of {method.membership_false_positive_rate}.",
        ),
        over,
        _approved(method.approved_by),
    )


def _controlled(method: ControlledRows) -> tuple[Bilingual, ...]:
    sentences: list[Bilingual] = [
        ("仮名化した行であり、なお個人情報である。", "Pseudonymized rows; they are still personal data."),
        (
            "許可ごとに、受領者だけが開ける封緘された抽出としてのみ渡す。",
            "They are given only as an extract under a permit, sealed to its recipient.",
        )
        if method.environment == "sealed_extract"
        else (
            "許可ごとに、安全な利用環境内でのみ用い、持ち出さない。",
            "They are used only inside a secure environment, under a permit, and never handed out.",
        ),
    ]
    if method.max_people is not None:
        sentences.append(
            (f"一度に渡すのは {method.max_people} 人まで。", f"At most {method.max_people} people at a time.")
        )
    return tuple(sentences)


def _approved(by: str) -> Bilingual:
    return (
        f"これらの数値は法令ではなく機関の選択であり、{by} が承認した。",
        f"These numbers are the institution's choice, not law; approved by {by}.",
    )
