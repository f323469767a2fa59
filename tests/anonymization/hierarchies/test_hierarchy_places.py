"""Japanese places: every real postal code, municipality and address has the labels of where it lies."""

import csv
import gzip
import io
import zipfile
from pathlib import Path

import pytest

from anonymization.hierarchies.codes import ICD10_FORM
from anonymization.hierarchies.places import POOLED, pooled_codes
from anonymization.japan.municipality_codes import (
    check_digit,
    municipalities,
    municipality_of_address,
    municipality_of_code,
)
from anonymization.japan.postal_areas import _LEADING, prefectures_of
from anonymization.japan.prefectures import BY_CODE
from policies.errors import PolicyError
from tests.support.hierarchies import built, labels
from tests.support.postal_areas import as_spans, leading_digits, postal_codes


@pytest.fixture(scope="module")
def codes(shared_data: Path) -> dict[str, set[str]]:
    return postal_codes(shared_data / "japan/postal/utf_ken_all.zip")


@pytest.fixture(scope="module")
def listed(shared_data: Path) -> list[dict[str, str]]:
    path = shared_data / "japan/municipality/localgovjp-utf8.csv"
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.shared
def test_every_postal_code_of_japan_post_has_its_prefecture(codes: dict[str, set[str]]) -> None:
    assert len(codes) > 120_000
    wrong = [code for code, expected in codes.items() if {each.code for each in prefectures_of(code)} != expected]
    assert wrong == []


@pytest.mark.shared
def test_the_table_of_leading_digits_is_what_its_maker_makes(codes: dict[str, set[str]]) -> None:
    assert dict(_LEADING) == {code: as_spans(digits) for code, digits in leading_digits(codes).items()}


@pytest.mark.shared
def test_postal_labels_cover_every_code_at_every_level(codes: dict[str, set[str]]) -> None:
    # Three-digit areas that lie in several prefectures, and one ordinary one; building checks the laws over all codes.
    chosen = [code for code in codes if code[:3] in {"018", "498", "618", "939", "100"}]
    made = built({"kind": "postal_code", "steps": ["digits_5", "digits_3", "digits_2", "prefecture", "region"]})
    for code, row in zip(chosen, labels(made, *chosen), strict=True):
        assert row[:4] == (code, f"{code[:5]}xx", f"{code[:3]}xxxx", f"{code[:2]}xxxxx")
        assert {BY_CODE[each].name for each in codes[code]} <= set(row[4].split("・"))
        assert {BY_CODE[each].region for each in codes[code]} <= set(row[5].split("・"))


def test_a_prefix_that_lies_in_two_prefectures_is_labelled_with_both() -> None:
    made = built({"kind": "postal_code", "steps": ["digits_3", "prefecture", "region"]})
    assert labels(made, "498-0811", "６１８ー０００１", "〒100-0001", "000-0000", "12345", "abc-defg") == [
        ("4980811", "498xxxx", "愛知県・三重県", "中部・近畿", "*"),
        ("6180001", "618xxxx", "京都府・大阪府", "近畿", "*"),
        ("1000001", "100xxxx", "東京都", "関東", "*"),
        None,
        None,
        None,
    ]


def test_steps_out_of_order_are_refused() -> None:
    with pytest.raises(ValueError, match="from fine to coarse"):
        built({"kind": "postal_code", "steps": ["prefecture", "digits_3"]})


@pytest.mark.shared
def test_every_municipality_of_the_list_is_known_by_both_its_codes(listed: list[dict[str, str]]) -> None:
    made = built({"kind": "municipality", "steps": ["city", "prefecture", "region"]})
    six = [row["lgcode"].zfill(6) for row in listed]
    for row, code, found in zip(listed, six, labels(made, *six), strict=True):
        city = row["city"].split(" ")[0]
        assert found[:3] == (code[:5], row["pref"] + city, row["pref"])
        assert municipality_of_code(code[:5]) == municipality_of_code(code)
        assert check_digit(code[:5]) == code[5]


@pytest.mark.shared
def test_every_address_of_japan_post_is_found_to_its_municipality(shared_data: Path) -> None:
    seen = set()
    with zipfile.ZipFile(shared_data / "japan/postal/utf_ken_all.zip") as packed:
        text = packed.read(packed.namelist()[0]).decode("utf-8")
    for row in csv.reader(io.StringIO(text, newline="")):
        seen.add((row[0], row[6] + row[7], row[8]))
    first = {code: (address, town) for code, address, town in sorted(seen, reverse=True)}
    wrong = []
    for code, (address, town) in first.items():
        found = municipality_of_address(f"{address}{town}1-2-3")
        # 浜松市's 天竜区 has a code from before 2024 and one of today: the name is one.
        same = {
            municipalities()[code].code,
            *(each.code for each in municipalities().values() if each.name == municipalities()[code].name),
        }
        if found is None or found.code not in same or found.prefecture.code != code[:2]:
            wrong.append(code)
    assert len(first) > 1_800
    assert wrong == []


def test_addresses_are_read_by_the_longest_name_and_never_guessed() -> None:
    made = built({"kind": "address", "steps": ["municipality", "city", "prefecture"]})
    known = {
        "三重県四日市市諏訪町1-5": ("三重県四日市市", "三重県四日市市", "三重県"),
        "〒230-0051 神奈川県横浜市鶴見区1": ("神奈川県横浜市鶴見区", "神奈川県横浜市", "神奈川県"),
        "北海道余市郡余市町": ("北海道余市町", "北海道余市町", "北海道"),
        "奈良県 大和郡山市": ("奈良県大和郡山市", "奈良県大和郡山市", "奈良県"),
    }
    assert [row[1:4] for row in labels(made, *known)] == list(known.values())
    assert labels(made, "府中市宮西町", "東京都府中村", "住所不定", "") == [None] * 4


def test_a_code_with_a_wrong_check_digit_or_without_its_zero_is_unseen() -> None:
    made = built({"kind": "municipality", "steps": ["prefecture"]})
    assert labels(made, "011002", "011003", "1100", "99999", "22138") == [
        ("01100", "北海道", "*"),
        None,
        None,
        None,
        ("22138", "静岡県", "*"),
    ]


def test_small_municipalities_are_joined_until_enough_people_live_there() -> None:
    people = {"01100": 1_950_000, "01202": 240_000, "01203": 30_000, "01204": 9_000, "13101": 60_000, "13362": 300}
    # 01204 alone is below 20,000, so the next larger one goes with it; in 13 the pool takes all there is.
    assert pooled_codes(people, least=20_000) == {"01204", "01203", "13362", "13101"}
    assert pooled_codes(people, least=5_000) == {"13362", "13101"}
    assert pooled_codes(people, least=0) == frozenset()
    made = built({"kind": "municipality", "steps": ["populous", "prefecture"], "inhabitants": people, "least_inhabitants": 20_000})  # fmt: skip
    assert [row and row[1] for row in labels(made, "01101", "01202", "01203", "01204", "01205")] == [
        "北海道札幌市",
        "北海道函館市",
        f"北海道 {POOLED}",
        f"北海道 {POOLED}",
        None,  # nobody declared its inhabitants
    ]


def test_areas_are_the_policys_and_must_not_cross_prefectures() -> None:
    steps = {"kind": "municipality", "steps": ["medical_area", "prefecture"]}
    made = built({**steps, "areas": {"01100": "札幌", "01217": "札幌", "01202": "南渡島"}})
    assert labels(made, "01101", "01217", "01202", "01203") == [
        ("01101", "札幌", "北海道", "*"),
        ("01217", "札幌", "北海道", "*"),
        ("01202", "南渡島", "北海道", "*"),
        None,
    ]
    with pytest.raises(PolicyError) as caught:
        built({**steps, "areas": {"01100": "一つ", "13101": "一つ"}})
    assert caught.value.code == "policy.hierarchy-splits"
    with pytest.raises(PolicyError) as caught:
        built({**steps, "areas": {"01101": "区"}})
    assert caught.value.code == "policy.hierarchy-places"
    with pytest.raises(ValueError, match="`areas` belongs to"):
        built(steps)


@pytest.mark.shared
def test_every_code_of_the_japanese_icd10_of_2013_has_its_place(shared_data: Path) -> None:
    """Codes of DPC's list (2013年版); A90, A91 and B59 are no longer in WHO's tree, and patients have them."""
    with gzip.open(shared_data / "japan/codes/dpc_icd10_ja.csv.gz", "rt", encoding="utf-8-sig", newline="") as stream:
        listed = {row["ICDコード"].rstrip("$") for row in csv.DictReader(stream)}
    codes = sorted(code for code in listed if ICD10_FORM.fullmatch(code))
    made = built({"kind": "icd10"})
    unknown = [code for code, row in zip(codes, labels(made, *codes), strict=True) if row is None]
    assert len(codes) > 4_000
    assert unknown == []
    assert labels(made, "A91", "A95.0") == [
        ("A91", "A91", "A90-A99", "I", "*"),
        ("A95.0", "A95", "A90-A99", "I", "*"),
    ]
