"""Free-text notes of admissions: what nurses and doctors type, with names, phones and numbers in a share of them."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from pipelines.demo.diseases import diseases
from pipelines.demo.names import surnames
from pipelines.demo.people import People, phones
from pipelines.demo.planted import planted_fields, vary_phones
from pipelines.demo.stays import Stays
from pipelines.demo.text_columns import Ints, concat, iso_dates, pick, plain, scatter

_EMPTY_SHARE = 0.34

TEMPLATES: tuple[tuple[float, str], ...] = (
    (9, "経過良好にて退院。"),
    (8, "{disease}にて入院。抗菌薬投与で改善，内服へ切り替え。"),
    (7, "入院時よりリハビリ開始。ADL自立にて自宅退院。"),
    (7, "{disease}の精査目的で入院。次回外来で結果説明予定。"),
    (6, "食事摂取良好，バイタル安定。"),
    (6, "{surname}様，入院時より食欲低下あり。補液にて改善。"),
    (6, "{age}歳，独居。退院調整に時間を要した。"),
    (5, "{surname}さんの家族へ病状説明済み。キーパーソンは長女。"),
    (5, "紹介元の{other}先生へ返書送付済み。"),
    (5, "前回入院時（{admit}）の所見と比較し著変なし。"),
    (4, "家族連絡先 {phone}（長男・{surname}様）。夜間も可。"),
    (4, "ID {number} の患者と同室。感染対策継続。"),
    (4, "次回 {discharge} 頃に外来予約。連絡は {phone} まで。"),
    (4, "内服自己管理可。薬剤師より退院時指導。"),
    (3, "{surname}氏より転院希望あり，MSW介入。{phone}"),
    (3, "患者番号{number}，{surname}様。採血結果を電話で説明。"),
    (3, "転倒リスク高。ベッド柵4点は家族同意の上で使用。"),
    (3, "アレルギー: 造影剤で皮疹の既往あり。"),
    (2, "{surname}殿 診断書作成依頼あり（{admit}受付）。"),
    (2, "喫煙20本/日×40年。禁煙指導を行った。"),
    (2, "往診医 {other}医師（{phone}）へ引き継ぎ。"),
    (2, "術後経過順調，ドレーン抜去。病理は後日報告。"),
    (1, "家族のメール family{number}@example.jp へ資料送付。"),
    (1, "「早く帰りたい」との訴えあり。{surname}様と面談。"),
    (0.5, "介護保険被保険者番号{care}、要介護2。ケアマネへ連絡済み。"),
    (0.4, "後期高齢者医療被保険者番号：{elderly}（窓口で確認）"),
    (0.4, "負担者番号{payer} 受給者番号{recipient} 公費適用。"),
    (0.4, "保険者番号{insurer}，記号 若{symbol} 番号 {insured}（枝番01）へ変更。"),
    (0.3, "基礎年金番号は{pension}。障害年金の診断書を作成。"),
    (0.3, "雇用保険被保険者番号 {employment}，傷病手当の相談。"),
    (0.3, "運転免許証{licence}を提示。退院後の運転は控えるよう説明。"),
    (0.3, "パスポート{passport}，海外渡航用の英文紹介状を希望。"),
    (0.3, "在留カード{card}を確認，通訳同席。"),
    (0.3, "転入前の医療機関コード{institution}より紹介。"),
    (0.3, "自宅は{address}、エレベーターなし。〒{postal}"),
    (0.3, "昭和{showa}年5月{day}日生まれとのこと。"),
    (0.2, "検査予約 https://yoyaku.example.jp/r/{link} を案内。"),
    (0.2, "遠隔モニタの端末{ip}、通信良好。"),
    (0.2, "セカンドオピニオン先は mail{link}＠ｅｘａｍｐｌｅ．ｊｐ"),
)
"""Weight and text. Fields: {surname} of the patient, {other} somebody else's surname, {phone}, {number} patient number,
{admit} and {discharge} dates, {age}, {disease}; the others are in `planted.py`, spelled in every usual way."""

PLANTED_KINDS: tuple[tuple[str, str], ...] = (
    ("name", "{surname}"),
    ("name", "{other}"),
    ("phone", "{phone}"),
    ("patient_number", "ID {number}"),
    ("patient_number", "患者番号{number}"),
    ("date", "{admit}"),
    ("date", "{discharge}"),
    ("email", "@example.jp"),
    ("email", "＠ｅｘａｍｐｌｅ．ｊｐ"),
    ("url", "https://"),
    ("long_term_care", "{care}"),
    ("late_elderly", "{elderly}"),
    ("public_expense_payer", "{payer}"),
    ("public_expense_recipient", "{recipient}"),
    ("insurer_number", "{insurer}"),
    ("insured_number", "{insured}"),
    ("basic_pension", "{pension}"),
    ("employment_insurance", "{employment}"),
    ("driver_licence", "{licence}"),
    ("passport", "{passport}"),
    ("residence_card", "{card}"),
    ("medical_institution", "{institution}"),
    ("address", "{address}"),
    ("postal_code", "{postal}"),
    ("wareki_date", "{showa}"),
    ("ip_address", "{ip}"),
)
"""A row is counted once for a kind, however often its template holds it."""


@dataclass(frozen=True, slots=True)
class Notes:
    """The notes of a block's admissions (null where nothing was written), and how many rows hold which identifier."""

    text: pa.Array
    planted: Counter[str]


def make_notes(rng: np.random.Generator, people: People, stays: Stays) -> Notes:
    """Write the note of each admission from a template."""
    rows = len(stays)
    weights = np.array([weight for weight, _ in TEMPLATES])
    cumulative = np.cumsum(weights / weights.sum()) * (1 - _EMPTY_SHARE)
    chosen = np.searchsorted(cumulative, rng.random(rows), side="right")
    family = surnames()
    fields = {
        "surname": people.surname.take(pa.array(stays.person)),
        "other": pick(family.kanji, family.draw(rng.random(rows))),
        # 35 is an arbitrary place of the home prefecture: the family's phone is not the patient's.
        "phone": vary_phones(rng, phones(rng, rng.integers(0, 35, rows)).fill_null("022-100-0000")),
        "number": people.table["patient_no"].combine_chunks().take(pa.array(stays.person)),
        "admit": iso_dates(stays.admit),
        "discharge": iso_dates(stays.discharge),
        "age": plain(stays.age_years),
        "disease": pick([disease.name for disease in diseases()], stays.main),
        **planted_fields(rng),
    }
    pieces: list[tuple[Ints, pa.Array]] = []
    planted: Counter[str] = Counter()
    for number, (_, template) in enumerate(TEMPLATES):
        where = np.flatnonzero(chosen == number)
        if len(where) == 0:
            continue
        pieces.append((where, _fill(template, fields, where)))
        for kind in {kind for kind, mark in PLANTED_KINDS if mark in template}:
            planted[kind] += len(where)
    return Notes(scatter(rows, pieces), planted)


def _fill(template: str, fields: dict[str, pa.Array], where: Ints) -> pa.Array:
    parts: list[pa.Array | str] = []
    for piece in template.split("{"):
        name, brace, after = piece.partition("}")
        if brace:
            # The planted ones are a pool, shorter than the block may be.
            parts.append(fields[name].take(pa.array(where % len(fields[name]))))
            parts.append(after)
        else:
            parts.append(piece)
    if all(isinstance(part, str) for part in parts):
        return pa.array([template] * len(where))
    return concat(*parts)
