"""The words that name an identifier: beside a number in running text, and in the name of a column.

Belongs here: labels in Japanese, English and romaji. Not here: the numbers themselves. Text is normalized
(`text_forms.normalize_text`), so dashes and prolonged-sound marks read `-` (マイナンバ-).
"""

import re
from collections.abc import Mapping, Sequence

from policies.model.scan import IdentifierKind

_NUMBER = r"(?:番号|ナンバ-|(?i:no\.?|number|#)|№)"

_IN_TEXT: Mapping[IdentifierKind, str] = {
    IdentifierKind.MY_NUMBER: r"(?<!法)個人番号|マイ・?ナンバ-|まいなんば-|(?i:\bmy ?number|\bindividual number)",
    IdentifierKind.RESIDENT_CODE: r"住民票(?:コ-ド|番号)|住基(?:コ-ド|番号)|(?i:\bresident (?:record )?code)",
    IdentifierKind.CORPORATE_NUMBER: r"法人番号|(?i:\bcorporate number)",
    IdentifierKind.LATE_ELDERLY: r"後期高齢者?(?:医療)?[^0-9。\n]{0,10}?被?保険者証?[^0-9。\n]{0,2}番号",
    IdentifierKind.LONG_TERM_CARE: (
        r"介護(?:保険)?[^0-9。\n]{0,10}?(?:被保険者証?[^0-9。\n]{0,2}番号|番号|証)|(?i:\blong-?term care (?:insurance )?(?:no\.?|number))"
    ),
    IdentifierKind.EMPLOYMENT_INSURANCE: r"雇用保険[^0-9。\n]{0,10}?番号|雇用保険(?:被保険者)?証|(?i:\bemployment insurance)",
    IdentifierKind.INSURED_NUMBER: (
        r"被保険者(?:等|証|証等|手帳)?(?:の)?(?:記号)?[・/と及びの]{0,2}番号|保険証(?:の)?(?:記号)?[・/と及びの]{0,2}(?:番号|(?i:no\.?))"
        r"|記号[^。\n]{1,16}?番号|記号・番号|(?i:\binsured (?:no\.?|number|id))"
    ),
    IdentifierKind.INSURER_NUMBER: rf"(?<!被)保険者{_NUMBER}|(?i:\binsurer (?:no\.?|number))",
    IdentifierKind.PUBLIC_EXPENSE_PAYER: r"(?:公費)?負担者番号|公費番号",
    IdentifierKind.PUBLIC_EXPENSE_RECIPIENT: r"(?:公費)?(?<![診検])受給者(?:証)?番号|受給者証",
    IdentifierKind.MEDICAL_INSTITUTION: r"医療機関(?:コ-ド|番号)|保険医療機関番号|(?i:\binstitution code)",
    IdentifierKind.DRIVER_LICENCE: rf"免許(?:証|情報記録)?{_NUMBER}?|(?i:\bdriver'?s? licen[cs]e)",
    IdentifierKind.PASSPORT: rf"旅券{_NUMBER}?|パスポ-ト{_NUMBER}?|(?i:\bpassport)",
    IdentifierKind.RESIDENCE_CARD: r"在留カ-ド|特別永住者証明書|(?i:\bresidence card)",
    IdentifierKind.BASIC_PENSION: r"基礎年金番号|年金(?:手帳)?(?:の)?番号|年金手帳|(?i:\bpension (?:no\.?|number))",
    IdentifierKind.PATIENT_NUMBER: (
        r"患者(?:番号|(?i:id|no\.?))|診察券|登録番号|(?:(?<![ァ-ヺ])カルテ(?![ァ-ヺ])|診療録)(?:番号|(?i:id|no\.?))?"
        r"|(?i:\b(?:patient ?|pt\.? ?)?id\b(?!\s[A-Z]{2,})|\bmrn\b)"
    ),
    IdentifierKind.PHONE: r"電話(?:番号)?|携帯(?:番号)?|連絡先|緊急連絡|内線|(?i:\b(?:tel|fax|phone|mobile))|ファックス|ファクス",
}

_FILLER = r"[^0-9。\n]{0,12}$"
_BEFORE = re.compile("|".join(f"(?P<{kind.value}>{words})" for kind, words in _IN_TEXT.items()))
_BETWEEN = re.compile(r"[^0-9。\n]{0,12}[A-Za-z]{0,4}-?")
_AFTER = {
    kind: re.compile(rf"\s?[（(「\[]?\s?(?:は|が|という|の)?(?:{words})")
    for kind, words in _IN_TEXT.items()
    if kind in (IdentifierKind.MY_NUMBER, IdentifierKind.RESIDENT_CODE, IdentifierKind.DRIVER_LICENCE)
}

ANY_LABEL = re.sub(r"\(\?<?!.*?\)", "", "|".join(_IN_TEXT.values()))
"""All labels as one RE2 pattern, a little wider than each (RE2 cannot look around): tells which texts have none."""

LABEL_REACH = 40
"""How many characters before a number its label is looked for."""


def label_before(text: str, start: int) -> IdentifierKind | None:
    """Return the kind that the last label before `start` names, if no digit or sentence end lies between."""
    before = text[max(0, start - LABEL_REACH) : start]
    last = None
    for match in _BEFORE.finditer(before):
        last = match
    if last is None or last.lastgroup is None or not _BETWEEN.fullmatch(before, last.end()):
        return None
    return IdentifierKind(last.lastgroup)


def label_after(text: str, end: int) -> IdentifierKind | None:
    """Return the kind that a label right after `end` names: `1234-5678-9018（マイナンバー）`."""
    return next((kind for kind, words in _AFTER.items() if words.match(text, end)), None)


_IN_COLUMN_NAMES: Mapping[IdentifierKind, str] = {
    IdentifierKind.MY_NUMBER: r"my_?number|(?<!法)個人番号|マイ・?ナンバ|まいなんばー|kojin_?bango|\bmynum",
    IdentifierKind.RESIDENT_CODE: r"住民票コード|住民票番号|住基コード|resident_?(?:record_?)?code|juminhyo|juki_?code",
    IdentifierKind.CORPORATE_NUMBER: r"法人番号|corporate_?(?:number|no)|houjin|hojin_?(?:bango|no)",
    IdentifierKind.INSURER_NUMBER: r"(?<!被)保険者番号|(?<![a-z])insurer_?(?:no|num|number|id|code)|hokensha_?(?:no|bango)",
    IdentifierKind.INSURED_NUMBER: (
        r"被保険者(?:証|等)?(?:の)?(?:記号|番号|枝番)|保険証(?:記号|番号)|^枝番$|insured_?(?:symbol|number|no|num|branch|id)"
    ),
    IdentifierKind.LATE_ELDERLY: r"後期高齢.*番号|late_?elderly|kouki_?(?:no|bango)",
    IdentifierKind.LONG_TERM_CARE: r"介護.*(?:番号|証)|kaigo_?(?:no|num|bango)|long_?term_?care_?(?:no|num|id)|ltci_?(?:no|num|id)",
    IdentifierKind.PUBLIC_EXPENSE_PAYER: r"負担者番号|公費番号|public_?expense_?payer|futansha",
    IdentifierKind.PUBLIC_EXPENSE_RECIPIENT: r"受給者(?:証)?番号|public_?expense_?recipient|jukyusha",
    IdentifierKind.MEDICAL_INSTITUTION: r"医療機関(?:コード|番号)|(?:med(?:ical)?_?)?inst(?:itution)?_?(?:cd|code)|facility_?code",
    IdentifierKind.DRIVER_LICENCE: r"免許(?:証)?(?:番号)|driver_?s?_?licen[cs]e|licen[cs]e_?(?:no|num)|menkyo",
    IdentifierKind.PASSPORT: r"旅券|パスポート|passport",
    IdentifierKind.RESIDENCE_CARD: r"在留カード|特別永住者|residence_?card|zairyu",
    IdentifierKind.BASIC_PENSION: r"基礎年金|年金番号|年金手帳|(?:basic_?)?pension_?(?:no|num|number|id)|nenkin",
    IdentifierKind.EMPLOYMENT_INSURANCE: r"雇用保険|employment_?insurance|koyo_?hoken",
    IdentifierKind.PATIENT_NUMBER: (
        r"患者(?:番号|ID|No)|診察券|カルテ番号|診療録番号|patient_?(?:no|num|number|id)\b|\bmrn\b|chart_?(?:no|num)|kanja_?(?:no|id|bango)"
    ),
    IdentifierKind.PHONE: r"電話|携帯|連絡先|ファックス|(?:^|_)(?:tel|fax|phone|mobile)|telephone|denwa",
    IdentifierKind.POSTAL_CODE: r"郵便番号|〒|postal_?code|post_?code|zip|yubin",
    IdentifierKind.EMAIL: r"メール|e_?-?mail",
    IdentifierKind.NAME: (
        r"氏名|姓名|(?:^|患者|家族)名前|フリガナ|ふりがな|カナ氏|name_?(?:kanji|kana|ja|en|romaji)|(?:full|family|given|first|last|sur|patient)_?name|shimei"
    ),
    IdentifierKind.ADDRESS: r"住所|番地|居所|(?:^|_)address|street|jusho",
}
_COLUMN_NAMES = {kind: re.compile(words, re.IGNORECASE) for kind, words in _IN_COLUMN_NAMES.items()}


def kinds_named_by(labels: Sequence[str]) -> frozenset[IdentifierKind]:
    """Return the kinds that a column's name, or one of its declared labels, names."""
    return frozenset(
        kind for kind, words in _COLUMN_NAMES.items() if any(words.search(label) for label in labels if label)
    )
