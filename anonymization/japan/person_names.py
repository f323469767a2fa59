"""Names of people: beside an honorific or a label in running text, and as the content of a column.

Belongs here: what a name looks like. Not here: whether a column of names is declared. The lists cannot be complete: a
surname that is in no list, without honorific and label, in a sentence, is not found.
"""

import re
from functools import cache

import numpy as np
import pyarrow as pa

from anonymization.japan.surnames import hiragana_surnames, kana_surnames, kanji_surnames, romaji_surnames
from anonymization.japan.text_forms import Mask, matches

_HAN = r"\u3400-\u9fff\uf900-\ufaff\U00020000-\U0002ffff々ヶ"
_CANDIDATE = (
    r"[\p{Han}々ヶ\p{Katakana}-] ?(?:様|さん|殿|氏|先生|医師|看護師|くん|君|ちゃん)|氏名|姓名|名前|患者名|キ-パ-ソン"
)
_HONORED = re.compile(
    rf"([{_HAN}]{{1,5}}|[ァ-ヺ-]{{2,8}}|[{_HAN}]{{1,4}} [{_HAN}]{{1,4}}) ?(様|さん|殿|氏|くん)(?=(.?))", re.DOTALL
)
# 様子 様式 様々 氏名 are words, 腫瘍様病変 is a likeness, 古殿町 is a town. A listed surname before it is a name all the same.
_NOT_AFTER = {
    "様": re.compile(r"[子式々態相体なのに似突病症発魚滴紅黄脂細不骨反膜]"),
    "さん": re.compile(r"[さしむごぺべばぼぽぷ]"),
    "殿": re.compile(rf"[0-9{_HAN}]"),
    "氏": re.compile(rf"[{_HAN}]"),
    "くん": re.compile(r"[ぁ-ゖ]"),
}
_LIKENESS = re.compile(r"[腫炎瘤癬症胞腺毛乳膠斑球菌傷師疹疱嚢膿瘡]$")
_DOCTOR = re.compile(rf"([{_HAN}]{{1,5}}) ?(?:先生|医師(?!会)|看護師(?!会))")
_FRIEND = re.compile(rf"([{_HAN}]{{2,5}}) ?(?:君|ちゃん)(?![ケヶが津島田塚])")
_NOT_A_DOCTOR = re.compile(
    r"(?:^|.)(?:科|担当|病棟|当直|専門|産業|指導|院長|部長|医長|紹介|前|他|当|外来|病院|医院|校長|園長|研修|嘱託|女性|男性|常勤|非常勤|複数|各|認定|往診|在宅|訪問|室|班|主任|准|正|勤務|担任|診療所)$"
)
_LABELLED = re.compile(
    rf"(?:氏名|姓名|患者名|(?<![品病薬院件署地])名前)(?:[(（](?:漢字|カナ|フリガナ)[)）])?[\s:は]{{1,3}}([{_HAN}]{{1,4}} ?[{_HAN}ぁ-ゖァ-ヺ]{{1,4}}|[ァ-ヺ-]{{2,8}} ?[ァ-ヺ-]{{2,8}})"
)
_NOT_A_NAME = re.compile(
    r"(?:^|.)(?:同|一|多|仕|模|異|有|各|皆|何|奥|神|王|客|貴|若|母|父|子|兄|姉|弟|妹|孫|嫁|娘|息子|祖父|祖母|叔父|叔母|伯父|伯母|赤|爺|婆|皆々|患者|家族|親族|遺族|利用者|入居者|本人|主人|旦那|先方|各位"
    r"|長男|次男|三男|長女|次女|三女|親|配偶者|関係者|業者|職員|看護師|医師|薬剤師|助産師|保健師|療法士|技師|事務|主治医|先生|担当|隣|宮|神|御|沈|摂|華|彼|両|同居人|後見人|妊婦|産婦|小児|会社|屋|源|平)$"
)
_NOT_UNKNOWN = re.compile(r"不明|未記入|記載|非公開|省略|匿名|確認|記入|なし|同上|変更")

_INSTITUTION = re.compile(r"(?:院|科|会|所|部|課|室|局|店|寺|園|社|校|町|市|村|区)\s*$")

_KANJI_FORM = r"^\s*[\p{Han}々ヶ]{1,5}\s[\p{Han}々\p{Hiragana}\p{Katakana}-]{1,5}\s*$"
_KANA_FORM = r"^\s*(?:[\p{Katakana}-]{1,10}\s[\p{Katakana}-]{1,10}|[\p{Hiragana}-]{1,10}\s[\p{Hiragana}-]{1,10})\s*$"
_ROMAJI_FORM = (
    r"^\s*(?:[A-Z][a-z]{1,12},?\s[A-Z][a-z]{1,12}|[A-Z]{2,12},?\s[A-Z]{2,12}|[A-Z]{2,12},?\s[A-Z][a-z]{1,12})\s*$"
)
NAME_FORM = f"{_KANJI_FORM}|{_KANA_FORM}|{_ROMAJI_FORM}"

_TITLED = r"\b(?:Mr|Mrs|Ms|Miss|Dr|Prof)\.? ?[A-Z][a-z]+\b|\b[A-Z][A-Za-z]+[- ](?:san|sama|kun|chan|sensei)\b"


def match_name_forms(texts: pa.Array) -> Mask:
    """Say which texts are nothing but two words that could be a surname and a given name."""
    return matches(texts, NAME_FORM)


def match_known_names(texts: pa.Array) -> Mask:
    """Say which texts are a name by form and have a word of the surname list; a column of names has it in about half."""
    found = match_name_forms(texts)
    where = np.flatnonzero(found)
    listed = texts.take(pa.array(where)).to_pylist()
    found[where] = np.fromiter(map(_has_surname, listed), dtype=bool, count=len(where))
    return found


def _has_surname(text: str) -> bool:
    if _INSTITUTION.search(text):
        return False
    words = text.replace(",", " ").split()
    return any(
        word in kanji_surnames()
        or word in kana_surnames()
        or word in hiragana_surnames()
        or word.lower() in romaji_surnames()
        for word in words
    )


def match_names(texts: pa.Array) -> Mask:
    """Say which texts hold a name in running text: with an honorific or title, after a label, or a known full name."""
    found = matches(texts, _TITLED)
    candidates = matches(texts, _CANDIDATE) & ~found
    where = np.flatnonzero(candidates)
    listed = texts.take(pa.array(where)).to_pylist()
    found[where] = np.fromiter(map(_names_somebody, listed), dtype=bool, count=len(where))
    return found | matches(texts, _read_aloud()) | (matches(texts, _full_name()) & ~match_name_forms(texts))


def _names_somebody(text: str) -> bool:
    if any(_is_honored(*match.groups()) for match in _HONORED.finditer(text)):
        return True
    doctors = (match[1] for match in _DOCTOR.finditer(text))
    if any(_is_listed(word) or not (_NOT_A_NAME.search(word) or _NOT_A_DOCTOR.search(word)) for word in doctors):
        return True
    if any(_is_listed(match[1]) for match in _FRIEND.finditer(text)):
        return True
    return any(not _NOT_UNKNOWN.search(match[1]) for match in _LABELLED.finditer(text))


def _is_honored(word: str, honorific: str, after: str) -> bool:
    if _is_listed(word):
        return True
    is_word = _NOT_AFTER[honorific].match(after) or (honorific == "様" and _LIKENESS.search(word))
    return not is_word and not _NOT_A_NAME.search(word)


def _is_listed(word: str) -> bool:
    """Return whether a word begins or ends with a listed surname of two or more letters: 金子 is a name, 息子 is not."""
    listed = kanji_surnames()
    return any(word[-length:] in listed or word[:length] in listed for length in (2, 3) if len(word) >= length)


@cache
def _read_aloud() -> str:
    """A reading of the list in hiragana with an honorific: さとう様."""
    return f"(?:^|[^ぁ-ゖ])(?:{'|'.join(sorted(hiragana_surnames()))}) ?(?:様|さん|さま|氏|殿|先生)"


@cache
def _full_name() -> str:
    """A listed surname of two or more letters, a blank, and a given name: 佐藤 花子."""
    known = "|".join(sorted(name for name in kanji_surnames() if len(name) > 1))
    return rf"(?:^|[^\p{{Han}}々ヶ])(?:{known})[ ][\p{{Han}}々]{{1,3}}(?:[^\p{{Han}}々ヶケな]|$)"
