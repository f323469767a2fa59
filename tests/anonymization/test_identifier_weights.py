"""What hits weigh: chance is no evidence, a label, a column name and check digits beyond chance are."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymization.identifier_weights import KIND_RULES, Weight, chance_of, weigh
from anonymization.identifiers import scan
from anonymization.japan.check_digits import (
    DRIVER_LICENCE,
    INSURER_NUMBER,
    MEDICAL_INSTITUTION,
    MY_NUMBER,
    PATIENT_NUMBER,
    RESIDENT_CODE,
    CheckDigit,
)
from anonymization.japan.identifier_labels import kinds_named_by
from policies.model.scan import IdentifierKind

K = IdentifierKind


def weight_of(values: list[str | None], kind: IdentifierKind, *, column: str = "c") -> Weight:
    found = scan(pa.table({column: pa.array(values, pa.string())})).of(column, kind)
    return weigh(found, is_named=kind in kinds_named_by([column]))


def random_numbers(width: int, count: int, *, seed: int = 1) -> list[str]:
    digits = np.random.default_rng(seed).integers(0, 10, (count, width))
    return ["".join(map(str, row)) for row in digits.tolist()]


def right_numbers(scheme: CheckDigit, count: int, *, seed: int = 2) -> list[str]:
    return [body + scheme.compute(body) for body in random_numbers(scheme.lengths[-1] - 1, count, seed=seed)]


def test_every_kind_has_its_rule():
    assert set(KIND_RULES) == set(IdentifierKind)


@given(st.integers(0, 10_000))
def test_random_twelve_digit_numbers_are_never_taken_for_my_numbers(seed):
    assert weight_of(random_numbers(12, 400, seed=seed), K.MY_NUMBER) in (Weight.CHANCE, Weight.HOLD)


def test_a_thousand_random_columns_raise_no_block_and_hardly_a_hold():
    weights = [weight_of(random_numbers(12, 200, seed=seed), K.MY_NUMBER) for seed in range(300)]
    assert Weight.BLOCK not in weights
    assert weights.count(Weight.HOLD) <= 3


@pytest.mark.parametrize("share", [1.0, 0.6, 0.3])
def test_my_numbers_among_other_numbers_are_found_far_below_all(share):
    right = right_numbers(MY_NUMBER, 1000)[: int(share * 1000)]
    mixed = right + random_numbers(12, 1000 - len(right))
    assert weight_of(mixed, K.MY_NUMBER) is Weight.BLOCK


def test_a_few_my_numbers_among_many_other_numbers_are_held():
    mixed = right_numbers(MY_NUMBER, 60) + random_numbers(12, 940)
    assert weight_of(mixed, K.MY_NUMBER) is Weight.HOLD


def test_serial_numbers_and_repeats_are_chance():
    serial = [f"{100_000_000_000 + number * 10}" for number in range(5000)]
    assert weight_of(serial, K.MY_NUMBER) is Weight.CHANCE
    repeated = [number for number in random_numbers(12, 40) for _ in range(200)]
    assert weight_of(repeated, K.MY_NUMBER) is Weight.CHANCE


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (K.MY_NUMBER, "経過良好。123456789018と申告。"),
        (K.MY_NUMBER, "マイナンバー 1234 5678 9018"),
        (K.RESIDENT_CODE, "転入届に24727059608とあり"),
        (K.RESIDENT_CODE, "住民票コード：２４７２７０５９６０８"),
    ],
)
def test_one_in_running_text_is_too_many(kind, text):
    assert weight_of(["経過良好"] * 5000 + [text], kind) is Weight.BLOCK


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (K.MY_NUMBER, "個人番号 123456789012"),
        (K.RESIDENT_CODE, "住民票コード 24727059601"),
        (K.DRIVER_LICENCE, "免許証番号309012345610"),
    ],
)
def test_a_label_with_a_wrong_check_digit_is_held(kind, text):
    assert weight_of([text], kind) is Weight.HOLD


def test_a_labelled_number_that_its_own_check_digit_confirms_is_not_a_my_number():
    licences = [body + DRIVER_LICENCE.compute(body) + "0" for body in ("30" + body for body in random_numbers(8, 500))]
    both = [number for number in licences if MY_NUMBER.verify(number)]
    assert both
    assert weight_of([f"免許証番号 {both[0]}"], K.MY_NUMBER) is Weight.NONE
    assert weight_of([f"整理番号 {both[0]}"], K.MY_NUMBER) is Weight.BLOCK


def test_a_telephone_number_is_not_a_resident_code():
    mobiles = [f"0{digit}0{body}" for digit in "789" for body in random_numbers(8, 300)]
    assert any(RESIDENT_CODE.verify(number) for number in mobiles)
    assert weight_of(mobiles, K.RESIDENT_CODE) is Weight.NONE
    assert weight_of([f"連絡先 {number}" for number in mobiles], K.RESIDENT_CODE) is Weight.NONE


@pytest.mark.parametrize(
    ("kind", "scheme", "body"),
    [
        (K.INSURER_NUMBER, INSURER_NUMBER, "0613{:03d}"),
        (K.MEDICAL_INSTITUTION, MEDICAL_INSTITUTION, "131{:06d}"),
        (K.PATIENT_NUMBER, PATIENT_NUMBER, "90{:05d}"),
    ],
)
def test_a_column_that_is_right_throughout_is_one_of_its_kind_and_random_digits_are_chance(kind, scheme, body):
    bodies = [body.format(number * 7) for number in range(100)]
    assert weight_of([one + scheme.compute(one) for one in bodies], kind) in (Weight.BLOCK, Weight.HOLD)
    wrong = [one + str(number % 10) for number, one in enumerate(bodies)]
    assert weight_of(wrong, kind) in (Weight.CHANCE, Weight.FEW, Weight.NONE)


@pytest.mark.parametrize(
    ("kind", "column", "value"),
    [
        (K.BASIC_PENSION, "基礎年金番号", "1234567890"),
        (K.LONG_TERM_CARE, "kaigo_no", "0000123456"),
        (K.EMPLOYMENT_INSURANCE, "雇用保険番号", "53201234563"),
        (K.LATE_ELDERLY, "late_elderly_number", "12345674"),
        (K.PATIENT_NUMBER, "patient_id", "12345674"),
        (K.PASSPORT, "passport", "TK1234567"),
        (K.PHONE, "tel", "0312345678"),
        (K.POSTAL_CODE, "郵便番号", "9808671"),
        (K.NAME, "患者氏名", "小鳥遊 花"),
        (K.ADDRESS, "住所", "仙台市青葉区星陵町1-1"),
    ],
)
def test_a_column_name_is_evidence_that_the_values_alone_are_not(kind, column, value):
    assert weight_of([value, None], kind, column=column) in (Weight.BLOCK, Weight.HOLD) or kind is K.NAME
    assert weight_of([value, None, *["x"] * 500], kind, column="c") in (Weight.NONE, Weight.FEW, Weight.CHANCE)


def test_a_column_of_names_is_told_by_its_form_and_the_surname_list():
    names = ["佐藤 花子", "小鳥遊 太郎", "鈴木　一郎", "山田 さくら", "四月朔日 健"] * 4
    assert weight_of(names, K.NAME) is Weight.BLOCK
    assert weight_of(["サトウ ハナコ", "ﾀｶﾅｼ ﾀﾛｳ", "スズキ イチロウ", "ヤマダ サクラ"] * 4, K.NAME) is Weight.BLOCK
    assert weight_of(["Sato Hanako", "Suzuki Ichiro", "Garcia Maria", "TANAKA TARO"] * 4, K.NAME) is Weight.BLOCK
    assert weight_of(["United States", "New York", "South Korea", "Puerto Rico"] * 4, K.NAME) is Weight.NONE
    assert weight_of(["仙台 市立", "東京 都立", "青葉 支所"] * 4, K.NAME) is Weight.NONE


def test_what_has_no_check_digit_has_no_chance():
    found = scan(pa.table({"c": ["taro@example.jp"]})).of("c", K.EMAIL)
    assert chance_of(found) is None
