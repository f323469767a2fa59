"""What leaves is scanned once more: any identifier blocks, ordinary published tables do not."""

import secrets

import pyarrow as pa
import pytest

from anonymization.japan.check_digits import INSURER_NUMBER
from anonymization.output_scan import scan_output
from tests.support.rule_pairs import pair

ROWS = 60
CLEAN = pa.table(
    {
        "record_id": [secrets.token_hex(16) for _ in range(ROWS)],
        "age": ["60-69", "70-79", "90+"] * 20,
        "region": ["宮城県", "東北", "*"] * 20,
        "diagnosis": ["E11", "I10", "腺腫様甲状腺腫"] * 20,
        "n": [11, 120, 98_765_432] * 20,
        "admitted": ["2021-04", "2021-05", None] * 20,
    }
)


def failing(table: pa.Table) -> set[str]:
    return {str(check.rule) for check in scan_output({"records": table}) if not check.passed}


@pair(rule="APPI-22")
def test_an_identification_code_in_the_output_blocks_and_a_clean_output_passes():
    codes = [body + INSURER_NUMBER.compute(body) for body in (f"0104{serial:03d}" for serial in range(ROWS))]
    assert failing(CLEAN.append_column("x", pa.array(codes))) == {"APPI-22", "HIPAA-01"}
    assert failing(CLEAN) == set()


@pytest.mark.parametrize(
    ("value", "rules"),
    [
        ("個人番号 123456789018", {"APPI-22", "HIPAA-01"}),
        ("免許証番号 309012345620", {"APPI-22", "HIPAA-01"}),
        ("在留カード AB12345678CD", {"APPI-22", "HIPAA-01"}),
        ("マイナンバー 123456789012", {"APPI-22", "HIPAA-01"}),
        ("鈴木様", {"APPI-21", "HIPAA-01"}),
        ("090-1234-5678", {"APPI-21", "HIPAA-01"}),
        ("taro@example.jp", {"APPI-21", "HIPAA-01"}),
        ("https://example.jp/x", {"APPI-21", "HIPAA-01"}),
        ("仙台市青葉区星陵町1-1", {"APPI-21", "HIPAA-01"}),
        ("〒980-8671", {"HIPAA-01"}),
        ("患者番号 12345674", {"HIPAA-01"}),
    ],
)
def test_each_kind_fails_the_rules_that_forbid_it(value, rules):
    assert failing(CLEAN.append_column("x", pa.array([value] * ROWS))) == rules


def test_one_cell_among_random_ids_is_found_and_so_is_a_column_of_them_by_its_name():
    ids = CLEAN.column("record_id").to_pylist()
    assert failing(CLEAN.set_column(0, "record_id", pa.array(["個人番号 123456789018", *ids[1:]]))) == {
        "APPI-22",
        "HIPAA-01",
    }
    assert failing(CLEAN.append_column("被保険者番号", pa.array(ids))) == {"APPI-22", "HIPAA-01"}


def test_a_column_called_after_an_insured_number_fails_whatever_it_holds():
    assert failing(CLEAN.append_column("被保険者番号", pa.array(["1"] * ROWS))) == {"APPI-22", "HIPAA-01"}


@pair(rule="APPI-21")
@pair(rule="HIPAA-01")
def test_the_checks_block_and_name_columns_only():
    assert all(check.passed for check in scan_output({"records": CLEAN}))
    checks = scan_output({"records": CLEAN.append_column("x", pa.array(["鈴木様"] * ROWS))})
    assert all(check.blocking for check in checks)
    failed = next(check for check in checks if check.rule == "APPI-21")
    assert "records.x" in failed.what
    assert "鈴木" not in failed.what
    assert failed.measured["contradicting"] == 1


def test_no_table_is_a_clean_output():
    assert failing(pa.table({})) == set()
    assert all(check.passed for check in scan_output({}))
