"""Free-text notes of admissions: what nurses and doctors type, with names, phones and numbers in a share of them."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from pipelines.demo.diseases import diseases
from pipelines.demo.names import surnames
from pipelines.demo.people import People, phones
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
)
"""Weight and text. Fields: {surname} of the patient, {other} somebody else's surname, {phone}, {number} patient number,
{admit} and {discharge} dates, {age}, {disease}."""

PLANTED_KINDS: tuple[tuple[str, str], ...] = (
    ("name", "{surname}"),
    ("phone", "{phone}"),
    ("patient_number", "{number}"),
    ("date", "{admit}"),
    ("date", "{discharge}"),
    ("email", "@example.jp"),
)


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
        "phone": phones(rng, rng.integers(0, 35, rows)).fill_null("022-100-0000"),
        "number": people.table["patient_no"].combine_chunks().take(pa.array(stays.person)),
        "admit": iso_dates(stays.admit),
        "discharge": iso_dates(stays.discharge),
        "age": plain(stays.age_years),
        "disease": pick([disease.name for disease in diseases()], stays.main),
    }
    pieces: list[tuple[Ints, pa.Array]] = []
    planted: Counter[str] = Counter()
    for number, (_, template) in enumerate(TEMPLATES):
        where = np.flatnonzero(chosen == number)
        if len(where) == 0:
            continue
        pieces.append((where, _fill(template, fields, where)))
        for kind, mark in PLANTED_KINDS:
            planted[kind] += len(where) if mark in template else 0
    return Notes(scatter(rows, pieces), planted)


def _fill(template: str, fields: dict[str, pa.Array], where: Ints) -> pa.Array:
    parts: list[pa.Array | str] = []
    rows = pa.array(where)
    for piece in template.split("{"):
        name, brace, after = piece.partition("}")
        if brace:
            parts.append(fields[name].take(rows))
            parts.append(after)
        else:
            parts.append(piece)
    if all(isinstance(part, str) for part in parts):
        return pa.array([template] * len(where))
    return concat(*parts)
