"""The figures of checks in words: what each counts, in both languages, and numbers as sentences write them.

Not here: whether a figure may be shown (`dossier_build.measured`).
"""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from policies.model.strictness import Text
from policies.sentences import Language, say

FIGURES: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {
        "contradicting": ("反するもの", "件", "contradictions"),
        "rows_scanned": ("走査した行", "行", "rows scanned"),
        "rows_hit": ("該当する行", "行", "rows alike"),
        "block": ("申告のない識別子の列", "列", "undeclared"),
        "hold": ("判断を要する列", "列", "to be decided"),
        "declared": ("申告のある列", "列", "declared"),
        "rows": ("調べた行", "行", "rows"),
        "people": ("対象者", "人", "people"),
        "records": ("調べた行", "行", "records"),
        "codes": ("調べた番号", "個", "codes"),
        "keys": ("元の番号", "個", "keys of the source"),
        "ids": ("公開用の番号", "個", "ids"),
        "samples": ("検体", "個", "samples"),
        "alleles": ("アレル", "個", "alleles"),
        "classes": ("特徴が同じ人の組", "組", "groups of alike people"),
        "classes_below_k": ("k に満たない組", "組", "groups below k"),
        "classes_below_l": ("種類が足りない組", "組", "groups below l"),
        "classes_failing": ("定めに反する組", "組", "groups that fail"),
        "wrong_labels": ("誤った値", "件", "wrong labels"),
        "rows_without_source": ("元の行がない行", "行", "rows without a source"),
        "repeated_row_ids": ("重複した番号", "個", "repeated ids"),
        "hidden": ("秘匿した欄", "欄", "cells hidden"),
        "width_min": ("秘匿した数の最も狭い幅", "", "narrowest range of a hidden number"),
        "files": ("調べたファイル", "個", "files"),
        "keys_beside_data": ("データと共にあった鍵", "個", "keys beside the data"),
        "not_listed": ("定めのないファイル", "個", "files not provided for"),
        "releases_compared": ("比べた他の公開物", "件", "other releases compared"),
        "sharing": ("番号が重なる公開物", "件", "releases that share an id"),
        "same": ("元のままの番号", "個", "codes of the source"),
        "unkeyed_hashes": ("鍵のないハッシュ", "個", "hashes without a key"),
        "extract_months": ("利用期間", "か月", "months of use"),
        "delete_within_days": ("終了後の消去", "日以内", "days to delete"),
        "ledger_years": ("提供記録の保存", "年", "years of records"),
        "min_allele_count": ("最少アレル数", "", "smallest allele count"),
        "below_floor": ("出さなかったアレル", "個", "alleles left out"),
        "max_shift_days": ("日付をずらす最大の幅", "日", "days of shift at most"),
        "least_records": ("必要な行", "行", "records needed"),
        "rows_removed": ("取り除いた行", "行", "rows removed"),
        "samples_removed": ("取り除いた検体", "個", "samples removed"),
        "queries": ("調べた問い", "件", "questions"),
        "tries": ("記帳した回数", "回", "charges"),
        "dimensions": ("測った側面", "個", "dimensions"),
        "documents": ("調べた文書", "個", "documents"),
        "keys_looked_for": ("探した鍵", "個", "keys looked for"),
        "tables": ("表", "個", "tables"),
        "columns": ("列", "列", "columns"),
        "columns_scanned": ("走査した列", "列", "columns scanned"),
        "element_count": ("調べた値", "個", "values"),
        "missing_count": ("欠けている値", "個", "missing"),
        "unexpected_count": ("定めに合わない値", "個", "unexpected"),
        "observed_value": ("実際の行数", "行", "observed"),
        "distinct": ("異なる値", "種類", "distinct values"),
        "rows_doubtful": ("疑わしい行", "行", "doubtful rows"),
        "accepted": ("確認済みの誤検知", "列", "accepted as false alarms"),
        "chance": ("偶然の範囲の列", "列", "within chance"),
        "few": ("ごくわずかな列", "列", "too few"),
        "stale": ("古くなった記載", "件", "stale"),
        "years": ("年数", "年", "years"),
    }
)
"""Figure → what it counts in Japanese, its counter, and what it counts in English; in the order in which they are told."""

_SILENT_WHEN_ZERO = frozenset({"accepted", "chance", "declared", "few", "stale"})
"""Of the scanner's verdicts on columns: that there was none of these tells nothing."""
_ROUNDED = re.compile(r"(?P<under><)?(?P<digits>[0-9][0-9,]*)(?P<over>\+)?")


def number(text: str, language: Language, *, unit: str = "") -> str:
    """Return a number that passed the gate as a sentence writes it: `1,500+` → 1,500行以上, `<10` → 10行未満."""
    found = _ROUNDED.fullmatch(text)
    if language == "en" or found is None:
        return text
    tail = "未満" if found["under"] else "以上" if found["over"] else ""
    return f"{found['digits']}{unit}{tail}"


def found_words(figures: Mapping[str, str], *, most: int | None = None) -> Text | None:
    """Return figures in words, the telling ones first, at most `most` of them; None where there are none."""
    if not figures:
        return None
    return Text(ja="、".join(_told(figures, "ja", most)), en=", ".join(_told(figures, "en", most)))


def _told(figures: Mapping[str, str], language: Language, most: int | None) -> Iterator[str]:
    telling = {name for name, value in figures.items() if value != "0" or name not in _SILENT_WHEN_ZERO}
    known = [name for name in FIGURES if name in telling]
    for name in [*known, *sorted(telling - set(FIGURES))][:most]:
        ja, unit, en = FIGURES.get(name) or _plain(name)
        yield say((f"{ja}は{number(figures[name], 'ja', unit=unit)}", f"{en}: {number(figures[name], 'en')}"), language)


def _plain(name: str) -> tuple[str, str, str]:
    """A figure that carries the name of a table (`rows_removed.visits`) is quoted with it."""
    head, _, tail = name.partition(".")
    ja, unit, en = FIGURES.get(head, (head, "", head))
    return (f"{ja}({tail})", unit, f"{en} ({tail})") if tail else (name, "", name)
