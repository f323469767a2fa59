"""The identifier scanner: every spelling of a My Number is found, look-alikes are not, and declarations are obeyed."""

import csv
import gzip
import io
import time
import zipfile

import pyarrow as pa
import pyarrow.csv as pv
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymization.identifier_verdicts import my_number_rows
from anonymization.identifiers import ColumnScan, ScanReport, find_my_numbers, scan
from anonymization.japan.check_digits import MY_NUMBER
from policies.model.scan import IdentifierKind

VECTOR = "123456789018"  # reference/legal-rules.md 5.1

bodies = st.text("0123456789", min_size=11, max_size=11)
my_numbers = bodies.map(lambda body: body + MY_NUMBER.compute(body))
wrong_numbers = st.tuples(bodies, st.integers(1, 9)).map(
    lambda drawn: drawn[0] + str((int(MY_NUMBER.compute(drawn[0])) + drawn[1]) % 10)
)
separators = st.sampled_from(["", "-", " ", "　", "‐", "－", "ー", "—", "・", ".", "/", " - "])
around = st.sampled_from(["", "個人番号", "マイナンバー:", "（", "番号は ", "No.", "ID", "患者の", "\n"])
after = st.sampled_from(["", "です", "。", "）", " を確認", "\n"])


def spelled(number: str, separator: str, size: int, *, is_wide: bool) -> str:
    text = separator.join(number[at : at + size] for at in range(0, 12, size)) if separator else number
    return text.translate(str.maketrans("0123456789", "０１２３４５６７８９")) if is_wide else text


def hits(kind: IdentifierKind, *texts: str | None) -> list[bool]:
    return [bool(scan(pa.table({"t": pa.array([text], pa.string())})).of("t", kind).rows_hit) for text in texts]


@given(my_numbers, separators, st.sampled_from([4, 3, 1]), st.booleans(), around, after)
def test_a_valid_my_number_is_found_in_every_spelling(number, separator, size, is_wide, before, behind):
    text = before + spelled(number, separator, size, is_wide=is_wide) + behind
    assert find_my_numbers(pa.array([text])).to_pylist() == [True]


@given(wrong_numbers, separators, st.sampled_from([4, 3, 1]), st.booleans())
def test_a_wrong_check_digit_is_not_found(number, separator, size, is_wide):
    assert find_my_numbers(pa.array([spelled(number, separator, size, is_wide=is_wide)])).to_pylist() == [False]


@given(my_numbers, st.text("0123456789", min_size=1, max_size=6), st.booleans())
def test_digits_of_a_longer_run_are_not_a_my_number(number, more, is_first):
    assert find_my_numbers(pa.array([more + number if is_first else number + more])).to_pylist() == [False]


@pytest.mark.parametrize(
    "text",
    [
        "2021-04-05 10:11:12",
        "2021-04-05T10:11:12.345678+09:00",
        "20210405101112",
        "0.123456789018",
        "1.2.840.113619.2.55.3.123456789018",
        "4444-1234-5678-9018",
        "1234-5678-9018-4444",
        "550e8400-e29b-41d4-a716-123456789018",
        "00013D123456789018",
        "022-123-4567 090-1234-5678",
        "",
    ],
    ids=range(11),
)
def test_look_alikes_are_not_my_numbers(text):
    assert find_my_numbers(pa.array([text])).to_pylist() == [False]


def test_a_null_and_an_empty_column_hold_nothing():
    assert find_my_numbers(pa.array([None, VECTOR], type=pa.string())).to_pylist() == [False, True]
    assert len(find_my_numbers(pa.array([], type=pa.string()))) == 0


def test_one_number_in_free_text_marks_its_row():
    batch = pa.table({"note": ["経過良好", f"番号 {VECTOR}", None], "age": [1, 2, 3]})
    assert my_number_rows(batch).to_pylist() == [False, True, False]


def test_a_column_of_ordinary_twelve_digit_numbers_is_left_alone():
    ordinary = [f"{number * 7_654_321 + 100_000_000_000}" for number in range(500)]
    assert 0 < sum(find_my_numbers(pa.array(ordinary)).to_pylist()) < 100  # the check digit alone does not tell
    assert sum(my_number_rows(pa.table({"claim_id": ordinary})).to_pylist()) == 0
    assert sum(my_number_rows(pa.table({"claim_id": [int(number) for number in ordinary]})).to_pylist()) == 0
    assert sum(my_number_rows(pa.table({"claim_id": [f"C{number}" for number in ordinary]})).to_pylist()) == 0


def test_a_column_name_is_evidence():
    ordinary = [f"{number * 7_654_321 + 100_000_000_000}" for number in range(500)]
    assert sum(my_number_rows(pa.table({"個人番号": ordinary})).to_pylist()) > 0


@given(st.lists(my_numbers, min_size=25, max_size=40))
def test_a_column_of_my_numbers_is_found_as_text_and_as_integers(numbers):
    assert all(my_number_rows(pa.table({"id": numbers})).to_pylist())
    large = [int(number) for number in numbers if int(number) >= 10**10]
    assert all(my_number_rows(pa.table({"id": large})).to_pylist())


def test_a_few_twelve_digit_values_each_count():
    assert my_number_rows(pa.table({"id": [VECTOR, "123456789017"]})).to_pylist() == [True, False]


@pytest.mark.parametrize(
    ("kind", "found", "refused"),
    [
        (IdentifierKind.PHONE, "連絡先 ０９０－１２３４－５６７８ まで", "2021-04-05"),
        (IdentifierKind.PHONE, "022-123-4567", "1022-123-4567"),
        (IdentifierKind.PHONE, "(03)1234-5678", "0123-456-78"),
        (IdentifierKind.PHONE, "+81-90-1234-5678", "12-34-5678"),
        (IdentifierKind.PHONE, "09012345678", "90123456789"),
        (IdentifierKind.POSTAL_CODE, "〒980-8671 仙台市", "980-86711"),
        (IdentifierKind.POSTAL_CODE, "980−8671", "22-980-8671"),
        (IdentifierKind.EMAIL, "taro@example.jp", "taro@example"),
        (IdentifierKind.URL, "https://example.jp/a", "example dot jp"),
        (IdentifierKind.IP_ADDRESS, "from 192.0.2.10", "1.2.840.10008"),
        (IdentifierKind.RESIDENCE_CARD, "カード AB12345678CD", "AB1234567CD"),
        (IdentifierKind.PASSPORT, "TK1234567", "NV00000012"),
        (IdentifierKind.PASSPORT, "旅券番号 TK1234567 確認", "試薬 TK1234567 使用"),
        (IdentifierKind.WAREKI_DATE, "昭和２５年３月２日生", "昭和25年頃"),
        (IdentifierKind.WAREKI_DATE, "DOB: S25.3.2", "C25.3.2"),
        (IdentifierKind.WAREKI_DATE, "平成元年1月8日", "平成元年1月7日"),
        (IdentifierKind.WAREKI_DATE, "昭38.1.7生", "第3.1.7節"),
        (IdentifierKind.WAREKI_DATE, "昭和三十八年一月七日", "昭和三十八年度"),
        (IdentifierKind.NAME, "鈴木様より電話", "患者様より電話"),
        (IdentifierKind.NAME, "佐々木さんの長女", "看護師さんの説明"),
        (IdentifierKind.NAME, "ｻﾄｳ様", "同様の所見"),
        (IdentifierKind.NAME, "林氏", "患者氏名"),
        (IdentifierKind.NAME, "山田花子さん", "お子さん"),
        (IdentifierKind.NAME, "金子様", "息子様"),
        (IdentifierKind.NAME, "紹介元の金子先生", "担当医師"),
        (IdentifierKind.NAME, "さとうさま来院", "みなさま"),
        (IdentifierKind.NAME, "氏名：山田太郎", "氏名：不明"),
        (IdentifierKind.NAME, "Tanaka-san called", "San Diego"),
        (IdentifierKind.NAME, "付添は佐藤 花子", "経過 良好"),
        (IdentifierKind.NAME, "高橋様発熱", "腺腫様甲状腺腫"),
        (IdentifierKind.ADDRESS, "東京都千代田区霞が関1丁目2番3号", "千代田区霞が関"),
        (IdentifierKind.ADDRESS, "高崎市連雀町89", "仙台市立病院へ3回"),
        (IdentifierKind.ADDRESS, "札幌市中央区北3条西6丁目1－2", "病棟3条件"),
        (IdentifierKind.ADDRESS, "千代田区霞が関一丁目二番三号", "第一病棟二番目"),
        (IdentifierKind.BASIC_PENSION, "基礎年金番号 １２３４‐５６７８９０", "部品1234567890"),
        (IdentifierKind.LONG_TERM_CARE, "介護保険証 0001234567", "整理番号 0001234567"),
        (IdentifierKind.EMPLOYMENT_INSURANCE, "5320-586196-3", "部品53205861963"),
        (IdentifierKind.INSURED_NUMBER, "記号12－34 番号567（枝番）01", "記号なし"),
        (IdentifierKind.PUBLIC_EXPENSE_PAYER, "負担者番号21136015", "番号21136015"),
        (IdentifierKind.PUBLIC_EXPENSE_RECIPIENT, "受給者番号1234566", "受付番号1234566"),
        (IdentifierKind.LATE_ELDERLY, "後期高齢者医療被保険者番号：12345674", "番号：12345674"),
        (IdentifierKind.PATIENT_NUMBER, "カルテNo.１２３４５６", "メディカルテラス 3階"),
        (IdentifierKind.MEDICAL_INSTITUTION, "医療機関コード0110113719", "コ-ド0110113718"),
        (IdentifierKind.CORPORATE_NUMBER, "法人番号 7000012050002", "法人番号 1000012050002"),
        (IdentifierKind.RESIDENT_CODE, "住民票コード 2472705960 8", "住民票コードなし"),
        (IdentifierKind.RESIDENCE_CARD, "在留カード番号 ＡＢ 1234 5678 ＣＤ", "LOT AB1234"),
        (IdentifierKind.PASSPORT, "パスポートNo. TK 1234567", "パスポート未確認"),
        (IdentifierKind.EMAIL, "taro(at)example.jp", "5(at)rest"),
        (IdentifierKind.IP_ADDRESS, "2001:db8::1 から接続", "10:11:12"),
        (IdentifierKind.URL, "http：//example.jp", "WBC/RBC"),
        (IdentifierKind.PHONE, "TEL:０３（１２３４）５６７８", "TEL:なし"),
        (IdentifierKind.PHONE, "0120一123一456", "0120mg"),
        (IdentifierKind.PHONE, "+81 90 1234 5678", "BP 120 80 72"),
        (IdentifierKind.INSURER_NUMBER, "33120015", "33120016"),
        (IdentifierKind.INSURER_NUMBER, "保険者番号：33120015", "番号：33120015"),
        (IdentifierKind.DRIVER_LICENCE, "309012345620", "309012345610"),
        (IdentifierKind.DRIVER_LICENCE, "運転免許証番号 309012345620", "整理番号 309012345620"),
    ],
    ids=lambda value: value.value if isinstance(value, IdentifierKind) else "text",
)
def test_each_kind_is_found_and_its_look_alike_is_not(kind, found, refused):
    assert hits(kind, found, refused, None) == [True, False, False]


def test_reports_of_batches_add_up():
    first = pa.table({"note": ["022-123-4567", None]})
    second = pa.table({"note": [f"番号 {VECTOR}", "a"]})
    whole = scan(pa.concat_tables([first, second]))
    added = scan(first).plus(scan(second))
    assert added == whole
    assert added.of("note", IdentifierKind.MY_NUMBER).rows_hit == 1


def test_a_report_shows_no_value_and_no_row():
    report = scan(pa.table({"note": [f"個人番号 {VECTOR}"]}))
    assert VECTOR not in repr(report)
    assert "scrambled" not in repr(report)


def test_every_kind_is_looked_for_in_a_text_column():
    assert {found.kind for found in scan(pa.table({"t": ["a"]})).scans} == set(IdentifierKind)
    assert ColumnScan("a", IdentifierKind.URL, 0, 0).hit_ratio == 0.0
    assert ScanReport((), 0).hits() == ()


def test_dictionaries_lists_and_floats_are_read():
    table = pa.table(
        {
            "d": pa.array(["a", VECTOR, "a"]).dictionary_encode(),
            "l": pa.array([["x"], None, [VECTOR[:6], VECTOR[6:]]]),
            "f": pa.array([1.5, None, float("nan")]),
            "when": pa.array([0, 1, 2], type=pa.date32()),
        }
    )
    assert my_number_rows(table).to_pylist() == [False, True, False]
    assert {found.column for found in scan(table).scans} == {"d", "l", "f"}
    assert my_number_rows(pa.table({"f": [float(VECTOR)]})).to_pylist() == [True]


@given(st.lists(st.one_of(st.none(), st.text(max_size=40)), max_size=20))
def test_any_text_is_scanned(texts):
    report = scan(pa.table({"t": pa.array(texts, type=pa.string())}))
    assert all(0 <= found.rows_hit <= found.rows_scanned for found in report.scans)


def _real_tables(shared_data):
    japan, clinical = shared_data / "japan", shared_data / "clinical-tabular"
    archive = zipfile.ZipFile(japan / "postal/utf_ken_all.zip")
    lines = list(csv.reader(io.TextIOWrapper(archive.open(archive.namelist()[0]), encoding="utf-8-sig")))
    yield "postal", pa.table({f"c{at}": [line[at] for line in lines] for at in range(9)})
    yield "municipality", pv.read_csv(japan / "municipality/localgovjp-utf8.csv")
    semicolons = pv.ParseOptions(delimiter=";")
    yield (
        "adult",
        pv.read_csv(
            io.BytesIO(gzip.decompress((clinical / "adult/adult.csv.gz").read_bytes())), parse_options=semicolons
        ),
    )
    yield "support2", pv.read_csv(io.BytesIO(gzip.decompress((clinical / "support2/support2.csv.gz").read_bytes())))


@pytest.mark.shared
def test_no_false_my_number_in_real_tables(shared_data):
    cells = 0
    for _, table in _real_tables(shared_data):
        cells += table.num_rows * table.num_columns
        assert sum(my_number_rows(table).to_pylist()) == 0
    assert cells > 1_500_000


@pytest.mark.slow
def test_short_texts_are_scanned_fast():
    texts = pa.array([f"経過良好 {number}" for number in range(300_000)])
    started = time.perf_counter()
    find_my_numbers(texts)
    # Alone on a core it takes about 0.4 s; the bound leaves room for a busy machine.
    assert time.perf_counter() - started < 5


@pytest.mark.parametrize(
    "text",
    [
        "12-34 a " * 40_000,
        "1 " * 60_000,
        "1-" * 60_000,
        "1" * 500_000,
        "田中様子" * 50_000,
        "個人番号 " * 40_000,
        "記号" * 80_000,
        "a@" * 80_000,
    ],
    ids=["chains", "list", "dashes", "digits", "names", "labels", "symbols", "mail"],
)
def test_a_hostile_text_takes_time_in_proportion_to_its_length(text):
    half = pa.table({"t": [text[: len(text) // 2]]})
    whole = pa.table({"t": [text]})
    started = time.process_time()
    scan(half)
    first = time.process_time() - started
    scan(whole)
    # Twice the text, twice the time; a quadratic step would take four times. The second allows for small figures.
    assert time.process_time() - started - first < 3.2 * first + 1
