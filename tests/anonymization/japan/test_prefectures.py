"""Prefectures against the official list, and the reading of addresses."""

import csv

import pytest

from anonymization.japan.prefectures import BY_CODE, PREFECTURES, REGIONS, prefecture_of, region_of


@pytest.mark.shared
def test_names_and_codes_equal_the_official_list(shared_data):
    with (shared_data / "japan/municipality/prefjp-utf8.csv").open(encoding="utf-8-sig") as lines:
        official = {f"{int(row['pid']):02d}": row["pref"] for row in csv.DictReader(lines)}
    assert {p.code: p.name for p in PREFECTURES} == official


@pytest.mark.shared
def test_every_municipality_address_gives_its_prefecture(shared_data):
    with (shared_data / "japan/municipality/localgovjp-utf8.csv").open(encoding="utf-8-sig") as lines:
        for row in csv.DictReader(lines):
            assert prefecture_of(row["pref"] + row["city"]) == row["pref"]


def test_forty_seven_in_eight_regions():
    assert len(PREFECTURES) == 47
    assert len(REGIONS) == 8
    assert {p.region for p in PREFECTURES} == set(REGIONS)
    assert BY_CODE["04"].name == "宮城県"
    assert region_of("沖縄県") == "九州"
    assert region_of("大阪") is None


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("東京都府中市宮西町2-24", "東京都"),
        ("京都府京都市中京区", "京都府"),
        ("〒980-8671 宮城県仙台市青葉区国分町三丁目7番1号", "宮城県"),
        ("〒９８０－８６７１　宮城県仙台市", "宮城県"),
        ("  大阪府大阪市北区", "大阪府"),
        ("仙台市青葉区国分町", None),
        ("府中市府川町315", None),
        ("", None),
        ("Tokyo", None),
    ],
)
def test_the_address_must_begin_with_the_name(address, expected):
    assert prefecture_of(address) == expected
