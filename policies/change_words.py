"""Differences of policies in sentences: what is meant by the keys, what was, what is, and what that does.

Belongs here: words. Does not: which way a change goes (`direction`).
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from policies import vocabulary
from policies.decision.duo import BY_ID
from policies.differences import MISSING, Difference, Item
from policies.direction import ORDERED, is_rise
from policies.facts import LABELS
from policies.key_words import WORDS
from policies.model.strictness import Text
from policies.sentences import Bilingual, say

_MOST = 160
"""Values longer than this are cut: a sentence says that something changed, the file says to what."""

_ITEMS: Mapping[str, Bilingual] = MappingProxyType(
    {
        "recipients": ("受領者 {0}", "recipient {0}"),
        "queries": ("統計表 {0}", "table of numbers {0}"),
        "sensitive": ("機微属性の条件 {0}", "condition {0}"),
        "risks": ("見つけられる危険の条件 {0}", "condition {0}"),
        "rules": ("規則 {0}", "rule {0}"),
        "tables": ("表 {0}", "table {0}"),
        "expectations": ("品質の条件 {0}", "expectation {0}"),
    }
)

_VALUES: Mapping[str, type[vocabulary.Labelled]] = MappingProxyType(
    {
        "output_category": vocabulary.OutputCategory,
        "provision_basis": vocabulary.ProvisionBasis,
        "acquisition_basis": vocabulary.AcquisitionBasis,
        "class": vocabulary.ColumnClass,
        "role": vocabulary.ColumnRole,
        "code": vocabulary.IdentificationCode,
        "delivery": vocabulary.Delivery,
        "prohibited_uses": vocabulary.ProhibitedUse,
        "dimensions": vocabulary.QualityDimension,
        "basis": vocabulary.ConsentBasis,
        "severity": vocabulary.Severity,
    }
)

_KINDS: Mapping[str, Mapping[str, Bilingual]] = MappingProxyType(
    {
        "method": {
            "microdata": ("匿名加工した行(k-匿名性)", "anonymized rows (k-anonymity)"),
            "dp_statistics": ("差分プライバシーの統計表", "differentially private statistics"),
            "dp_synthetic": ("差分プライバシーの合成データ", "differentially private synthetic data"),
            "small_cells": ("小さい欄を秘した集計表", "a table with small cells hidden"),
            "allele_frequencies": ("アレル頻度表", "allele frequencies"),
            "controlled_rows": ("許可を受けた者だけの行", "rows under a permit"),
        },
        "levels": {
            "intervals": ("数の幅", "intervals"),
            "table": ("書き出した表", "a table written out"),
            "file": ("ファイルの表", "a table in a file"),
            "prefix": ("符号の先頭", "prefixes of codes"),
            "icd10": ("ICD-10", "ICD-10"),
            "date": ("日付", "dates"),
        },
    }
)


def subject(keys: Sequence[str]) -> Text:
    """Say what a chain of keys is about: `列 patients.sex の扱い`, `treatment of column patients.sex`."""
    items = [(keys[index - 1] if index else "", key) for index, key in enumerate(keys) if isinstance(key, Item)]
    ja: list[str] = []
    en: list[str] = []
    rest = [key for key in keys if not isinstance(key, Item)]
    if [above for above, _ in items[:2]] == ["tables", "columns"]:
        name = f"{items[0][1].rsplit('.', 1)[-1]}.{items[1][1]}"
        ja, en, rest = [f"列 {name}"], [f"column {name}"], rest[2:]
        items = items[2:]
    if items and keys[-1] is items[-1][1] and items[-1][0] not in _ITEMS:
        # What came or went is said by the sentence.
        items = items[:-1]
    for above, name in items:
        pair = _ITEMS.get(above, ("{0}", "{0}"))
        ja.append(pair[0].format(_cut(name)))
        en.append(pair[1].format(_cut(name)))
        if above in _ITEMS and above in rest:
            rest = rest[rest.index(above) + 1 :]
    ja += [label(key)[0] for key in rest]
    en += [label(key)[1] for key in rest]
    return Text(ja="・".join(ja) or "全体", en=", ".join(en) or "the whole")


def label(key: str) -> Bilingual:
    """Return the word for a key; the key itself where nobody gave it one."""
    return WORDS.get(key) or LABELS.get(key) or (key, key)


def sentence(difference: Difference) -> Text:
    """Say what changed, from what to what, and what it does where there is an order."""
    what = _what(difference)
    order = ORDERED.get(difference.pattern)
    rise = is_rise(order, difference) if order else None
    if order is None or rise is None:
        return what
    effect = order.more if rise else order.less
    return Text(ja=f"{what.ja}: {effect[0]}", en=f"{what.en}: {effect[1]}")


def _what(difference: Difference) -> Text:
    key = next((each for each in reversed(difference.keys) if not isinstance(each, Item)), "")
    if difference.is_order:
        return Text(ja="順番だけが変わる", en="only the order changes")
    old, new = (_shown(value, key) for value in (difference.old, difference.new))
    if difference.old is MISSING:
        return Text(ja=f"加わる: {new[0]}", en=f"added: {new[1]}")
    if difference.new is MISSING:
        return Text(ja=f"なくなる: {old[0]}", en=f"removed: {old[1]}")
    one_language = _one_language(difference.old, difference.new)
    if one_language is not None:
        return one_language
    if old == new:
        return Text(ja=f"書き方が変わる: {new[0]}", en=f"written otherwise: {new[1]}")
    return Text(ja=f"{old[0]}から{new[0]}に変わる", en=f"from {old[1]} to {new[1]}")


def _one_language(old: Any, new: Any) -> Text | None:
    """Say of words in two languages that only one of them changes; else both sentences would name the same words twice."""
    if not (isinstance(old, Mapping) and isinstance(new, Mapping) and old.keys() == new.keys() == {"ja", "en"}):
        return None
    if old["en"] == new["en"]:
        return Text(
            ja=_cut(f"「{old['ja']}」から「{new['ja']}」に変わる(英語は同じ)"),
            en=_cut(f"the Japanese becomes 「{new['ja']}」, the English stays"),
        )
    if old["ja"] == new["ja"]:
        return Text(
            ja=_cut(f"英語が “{new['en']}” に変わる(日本語は同じ)"),
            en=_cut(f"from “{old['en']}” to “{new['en']}”; the Japanese stays"),
        )
    return None


def _shown(value: Any, key: str) -> Bilingual:
    """Return a value in both languages, cut where it is long."""
    if isinstance(value, Mapping):
        if key in _KINDS and value.get("kind") in _KINDS[key]:
            return _KINDS[key][str(value["kind"])]
        if value.keys() == {"ja", "en"}:
            return _cut(f"「{value['ja']}」"), _cut(f"“{value['en']}”")
        return _record(value)
    if isinstance(value, list):
        parts = [_shown(each, key) for each in value]
        return _cut("、".join(part[0] for part in parts) or "なし"), _cut(
            ", ".join(part[1] for part in parts) or "none"
        )
    if isinstance(value, bool):
        return ("はい", "yes") if value else ("いいえ", "no")
    return _word(str(value), key)


def _record(value: Mapping[str, Any]) -> Bilingual:
    name = value.get("name")
    if "id" in value and isinstance(name, Mapping):
        return _cut(f"{value['id']}「{name['ja']}」"), _cut(f"{value['id']} “{name['en']}”")
    # What lies deeper would be data for a program; the record's own facts say which one it is.
    facts = {key: each for key, each in value.items() if isinstance(each, str | int | float)}
    texts = [each for key, each in value.items() if key in {"title", "text"} and isinstance(each, Mapping)]
    pairs = [(label(key), _shown(each, key)) for key, each in facts.items()]
    ja = [f"「{text['ja']}」" for text in texts] + [f"{word[0]} {shown[0]}" for word, shown in pairs]
    en = [f"“{text['en']}”" for text in texts] + [f"{word[1]} {shown[1]}" for word, shown in pairs]
    return _cut("、".join(ja) or "一式"), _cut(", ".join(en) or "a block")


def _word(value: str, key: str) -> Bilingual:
    if value in BY_ID:
        term = BY_ID[value]
        return f"{value}({term.label.ja})", f"{value} ({term.label.en})"
    kind = _VALUES.get(key)
    if kind is not None and value in set(kind):
        member = kind(value)
        return member.ja, member.en
    return _cut(value), _cut(value)


def _cut(text: str) -> str:
    return text if len(text) <= _MOST else text[: _MOST - 1] + "…"


def joined(parts: Sequence[Text]) -> Text:
    """Join clauses into one text, each language with its own mark."""
    return Text(ja="、".join(part.ja for part in parts), en="; ".join(part.en for part in parts))


def in_language(text: Text, language: Any) -> str:
    """Return the words of a text in one language."""
    return say((text.ja, text.en), language)
