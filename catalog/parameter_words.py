"""The parameters of rules in words, in both languages; a test fails when a rule pack has one without.

Not here: what a rule says (the rule pack), what a check does with a parameter (`policies/rules`).
"""

from collections.abc import Iterator, Mapping
from datetime import date
from types import MappingProxyType

from babel import Locale
from babel.dates import format_date

from policies.decision.duo import BY_ID
from policies.sentences import Language, say
from policies.vocabulary import (
    ControllerType,
    IdentificationCode,
    Labelled,
    OutputCategory,
    ProhibitedUse,
    ProvisionBasis,
    PublicDatabase,
    TermsClause,
)

MOST_VALUES = 4
"""How many values of a list are told; dossier.json has them all."""

_HOUSE: Mapping[str, tuple[str, str, str, str]] = {
    "academic_bases": ("学術研究の例外の根拠", "", "bases of the academic exception", ""),
    "academic_controllers": ("学術研究機関等に当たる保有者", "", "holders that are academic", ""),
    "access_log_years": ("閲覧の記録の保存", "年以上", "logs of access kept for", "years or more"),
    "ancestry": ("集団・祖先の研究の許可", "", "permission for research on ancestry", ""),
    "applies_from": ("適用日", "", "applies from", ""),
    "applies_from_for_bfgmp": ("区分 b・f・g・m・p の適用日", "", "for categories b, f, g, m, p from", ""),
    "approved_within_days": ("期間の承認", "日以内", "period approved within", "days"),
    "biometric_above": ("生体情報の人数の上限", "人", "biometric data of at most", "people"),
    "birth_grams": ("出生時体重の幅", "g", "birth weights in classes of", "g"),
    "birth_high": ("出生時体重の上端", "g", "birth weights pooled from", "g"),
    "birth_low": ("出生時体重の下端", "g", "birth weights pooled below", "g"),
    "checked_within_days": ("措置の確認", "日以内", "measures checked within", "days"),
    "claims": ("用いてはならない呼び名", "", "words that may not be used", ""),
    "clauses": ("利用条件に要する条項", "", "clauses that the terms need", ""),
    "code_systems": ("対象の符号の体系", "", "code systems", ""),
    "countries_of_concern": ("懸念国", "", "countries of concern", ""),
    "death_hours": ("死亡時刻の幅", "時間", "times of death in classes of", "hours"),
    "delete_within_days": ("終了後の消去", "日以内", "deleted after the end within", "days"),
    "designated_countries": ("同等の水準にある国", "", "designated countries", ""),
    "disease_specific": ("疾患に限る許可", "", "disease-specific permission", ""),
    "every_leak": ("すべての漏えい等を報告", "", "every leak is reported", ""),
    "excluded_controllers": ("適用のない保有者", "", "holders to whom it does not apply", ""),
    "excluded_years_at_most": ("利用を禁じる期間の上限", "年", "shut out for at most", "years"),
    "extract_months": ("利用期間の上限", "か月", "time of use at most", "months"),
    "features": ("対象の身体の特徴", "", "bodily features", ""),
    "fields": ("申請に要する事項", "", "what an application must say", ""),
    "final_report_days": ("確報", "日以内", "full report within", "days"),
    "final_report_days_malicious": ("不正の目的によるときの確報", "日以内", "full report of malicious leaks within", "days"),
    "first_report_days": ("速報", "日以内", "first report within", "days"),
    "general": ("一般的な研究の許可", "", "general permissions", ""),
    "genetic_category": ("ゲノムの区分", "", "category of genome data", ""),
    "genomic_above": ("ゲノムの人数の上限", "人", "genome data of at most", "people"),
    "geolocation_above": ("位置情報の人数の上限", "人", "locations of at most", "people"),
    "health_above": ("健康情報の人数の上限", "人", "health data of at most", "people"),
    "independent_snps_from": ("個人識別符号となる独立なSNP", "箇所以上", "independent SNPs that identify, from", ""),
    "injection": ("注射薬の数量の下限", "", "injections: least quantity", ""),
    "k_from": ("k の下限", "", "k at least", ""),
    "keep_months": ("終了後の保存の上限", "か月", "kept after the end at most", "months"),
    "keep_years": ("写しの保存", "年以上", "copies kept for", "years or more"),
    "least_false_positive_percent": ("検定の偽陽性率の下限", "%", "false-positive rate of the test at least", "%"),
    "least_institutions": ("最少の施設数", "施設", "institutions at least", ""),
    "least_k": ("k の下限", "", "k at least", ""),
    "least_l": ("l の下限", "", "l at least", ""),
    "least_roles": ("定める役割", "以上", "roles named, at least", ""),
    "ledger_years": ("提供記録の保存", "年以上", "records of provision kept for", "years or more"),
    "linkable": ("連結できる公的データベース", "", "public databases that may be linked", ""),
    "longest_days": ("期間の上限", "日", "period at most", "days"),
    "max_power_percent": ("検出力の上限", "%", "power at most", "%"),
    "max_years": ("許可の期間の上限", "年", "permit at most", "years"),
    "media": ("対象のデータの形式", "", "kinds of media", ""),
    "min_allele_count": ("最少アレル数", "", "smallest allele count", ""),
    "min_cell": ("最小集計単位", "", "smallest permitted count", ""),
    "min_frequency": ("最小の度数", "", "smallest frequency", ""),
    "min_persons": ("値ごとの最少人数", "人", "people that share a value, at least", ""),
    "modifiers": ("利用の付加条件", "", "modifiers of use", ""),
    "most_delta": ("δ の上限", "", "δ at most", ""),
    "most_cells": ("一つの表のセル数の上限", "", "cells of one table at most", ""),
    "most_rho": ("ρ の上限", "", "ρ at most", ""),
    "most_risk": ("最大リスクの上限", "", "risk at most", ""),
    "most_rows_per_person": ("一人当たりの行の上限", "行", "rows a person at most", ""),
    "most_suppressed": ("抑制の割合の上限", "", "share suppressed at most", ""),
    "most_t": ("t の上限", "", "t at most", ""),
    "municipality_min_cell": ("人口の少ない市区町村の最小集計単位", "", "smallest count in small municipalities", ""),
    "municipality_none_below": ("示さない市区町村の人口", "人未満", "municipalities not shown below", "people"),
    "municipality_raised_below": ("最小集計単位を上げる市区町村の人口", "人未満", "municipalities are small below", "people"),
    "not_for_companies": ("企業に提供しない条件", "", "conditions that exclude companies", ""),
    "oral_or_external": ("内服・外用薬の数量の下限", "", "oral and external drugs: least quantity", ""),
    "other_omics_above": ("その他のオミクスの人数の上限", "人", "other omics of at most", "people"),
    "permissions": ("利用許可の種類", "", "permissions", ""),
    "provider_years": ("提供元の記録の保存", "年", "provider keeps records for", "years"),
    "public_letters": ("公的機関に限る目的", "", "purposes of public bodies only", ""),
    "publish_within_months": ("結果の公表", "か月以内", "results published within", "months"),
    "recipient_years_after_study": ("提供先の記録の保存(研究終了後)", "年", "recipient keeps records after the study for", "years"),
    "regime": ("改正の規則集", "", "rule pack of the amendment", ""),
    "relations": ("停止を求め得る者", "", "who may ask to stop", ""),
    "reserved_names": ("認定事業者だけが用いる名称", "", "names reserved to certified operators", ""),
    "restricted_zip3_2000": ("示さない上3桁(2000年)", "", "three digits not shown (2000)", ""),
    "restricted_zip3_2010": ("示さない上3桁(2010年)", "", "three digits not shown (2010)", ""),
    "retired_terms": ("用いない旧来の語", "", "terms no longer used", ""),
    "review_within_days": ("見直し", "日以内", "reviewed within", "days"),
    "reviewed_within_days": ("規程の見直し", "日以内", "procedures reviewed within", "days"),
    "str_loci_from": ("個人識別符号となる4塩基STR", "座位以上", "STR loci that identify, from", ""),
    "supply_within_days": ("データの提供", "日以内", "data supplied within", "days"),
    "top_age": ("一つにまとめる年齢", "歳以上", "ages in one class from", ""),
    "top_at_most": ("最上位の年齢区分の下端", "歳以下", "open class of ages begins at most at", ""),
    "units_of_age": ("年齢の単位", "", "units of age", ""),
    "uses": ("禁じる利用", "", "uses that are forbidden", ""),
    "wait_days": ("通知後の待機", "日以上", "waiting after the notice", "days or more"),
    "wider_first": ("許可の広さの順", "", "permissions, wider first", ""),
    "within_days": ("期限", "日以内", "within", "days"),
    "within_working_days": ("期限", "労働日以内", "within", "working days"),
    "years": ("年齢区分の幅", "歳以上", "classes of", "years or more"),
}  # fmt: skip


def _matrix() -> Iterator[tuple[str, tuple[str, str, str, str]]]:
    """The compatibility table of CONS-04 has two lists for each output category."""
    for one in OutputCategory:
        yield f"{one.value}_bases", (f"{one.ja}の提供の根拠", "", f"bases of {one.en}", "")
        yield f"{one.value}_controllers", (f"{one.ja}の保有者", "", f"holders of {one.en}", "")


PARAMETERS: Mapping[str, tuple[str, str, str, str]] = MappingProxyType({**_HOUSE, **dict(_matrix())})
"""Parameter → its label and what follows the value, in Japanese and in English."""

_TERMS: Mapping[str, Labelled] = MappingProxyType(
    {
        one.value: one
        for kind in (IdentificationCode, ProvisionBasis, ControllerType, ProhibitedUse, TermsClause, PublicDatabase)
        for one in kind
    }
)
_OTHERS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "image/": ("画像", "images"),
        "audio/": ("音声", "sound"),
        "video/": ("動画", "video"),
        "application/dicom": ("DICOM", "DICOM"),
        "users": ("利用者", "users"),
        "benefit": ("期待される便益", "benefit"),
        "minimum_reason": ("必要な範囲である理由", "why no less would do"),
        "safeguards": ("保護の措置", "safeguards"),
        "ethics": ("倫理審査", "ethics approval"),
    }
)
_IN_FIELDS: Mapping[str, tuple[str, str]] = MappingProxyType({"uses": ("データの用い方", "uses")})


def say_parameters(parameters: Mapping[str, object], language: Language) -> tuple[str, ...]:
    """Return the parameters of a rule in words, one text each; a parameter without words keeps its name."""
    return tuple(_said(name, value, language) for name, value in parameters.items())


def _said(name: str, value: object, language: Language) -> str:
    ja, unit_ja, en, unit_en = PARAMETERS.get(name, (name, "", name, ""))
    if value is True:
        return say((ja, en), language)
    values = list(value) if isinstance(value, tuple | list) else [value]
    told = [_value(name, one, language) for one in values[:MOST_VALUES]]
    text = say(("、", ", "), language).join(told)
    more = len(values) - MOST_VALUES
    if more > 0:
        text += say((f"ほか {more} 件", f" and {more} more"), language)
    if text == "1":
        unit_en = unit_en.replace("years", "year")
    unit = say((unit_ja, f" {unit_en}" if unit_en and unit_en != "%" else unit_en), language)
    between = ": " if isinstance(value, tuple | list) else " "
    return say((f"{ja}{between}{text}{unit}", f"{en}{between}{text}{unit}"), language)


def _value(name: str, value: object, language: Language) -> str:
    if isinstance(value, bool):
        return say(("はい", "yes"), language) if value else say(("いいえ", "no"), language)
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.10f}".rstrip("0").rstrip(".")
    return _word(name, str(value), language)


def _word(name: str, text: str, language: Language) -> str:
    duo = BY_ID.get(text)
    if duo is not None:
        return f"{duo.label.ja if language == 'ja' else duo.label.en} ({text})"
    if name == "fields" and text in _IN_FIELDS:
        return say(_IN_FIELDS[text], language)
    if "countries" in name:
        return country(text, language)
    if name.startswith("applies_from"):
        return format_date(date.fromisoformat(text), format="long", locale=language)
    if text in _TERMS:
        return say((_TERMS[text].ja, _TERMS[text].en), language)
    return say(_OTHERS.get(text, (text, text)), language)


def country(code: str, language: Language) -> str:
    """Return what a country is called (ISO 3166-1 alpha-2, or `JPN` as catalogs write Japan); a code without a name stays."""
    short = {"JPN": "JP", "USA": "US", "GBR": "GB", "EEA": "EEA"}.get(code, code)
    return str(Locale(language).territories.get(short, code))
