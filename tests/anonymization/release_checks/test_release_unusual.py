"""Unusual descriptions are gone from anonymized data: great ages, rare diseases (rule APPI-24)."""

from dataclasses import replace

import ibis
import pyarrow as pa
import pytest

from anonymization.microdata import protect_microdata
from anonymization.release_checks import recount_release
from anonymization.release_checks.surroundings import Surroundings
from anonymization.release_checks.unusual import unusual_checks
from anonymization.validate import validate
from policies.errors import DataError
from policies.vocabulary import OutputCategory
from tests.support.hospital_tables import admissions_policy, hierarchies, microdata_release, sources
from tests.support.rule_pairs import pair

DATASETS = {"admissions": admissions_policy()}


def judged(ages, codes=None, *, category=OutputCategory.ANONYMIZED_APPI, min_persons=3):
    release = microdata_release().model_copy(update={"output_category": category})
    tables = {"admissions": pa.table({"record_id": [f"{n}" for n in range(len(ages))], "age": pa.array(ages)})}
    if codes is not None:
        tables["diagnoses"] = pa.table({"record_id": [who for who, _ in codes], "icd10": [code for _, code in codes]})
    return unusual_checks(release, tables, DATASETS, Surroundings(min_persons=min_persons))


def broken(checks):
    return {check.name for check in checks if not check.passed}


@pair(rule="APPI-24", violation="V04")
@pytest.mark.parametrize("age", [104, "104", "100-104", "95+", "[90, 95)"])
def test_age_above_the_top_age_is_refused(age) -> None:
    assert broken(judged([age])) == {"unusual.age.admissions.age"}


@pair(rule="APPI-24", violation="V04")
@pytest.mark.parametrize("age", [90, "90", "90+", "85-89", "*", None, "90以上"])
def test_age_up_to_the_top_class_passes(age) -> None:
    assert broken(judged([age])) == set()


@pair(rule="APPI-24", violation="V04")
def test_disease_of_three_persons_is_refused_where_ten_are_asked_and_ten_pass() -> None:
    rare = [(str(record), "E75.2") for record in range(3)] + [(str(record), "I10") for record in range(10)]
    found = judged(["40-44"], rare, min_persons=10)
    assert broken(found) == {"unusual.rare.diagnoses.icd10"}
    assert "E75" not in str([check.as_json() for check in found])
    common = [(str(record), code) for record in range(10) for code in ("E75.2", "I10")]
    assert broken(judged(["40-44"], common, min_persons=10)) == set()


def test_rows_of_one_record_count_once() -> None:
    same = [("1", "E75.2")] * 20
    assert broken(judged(["40-44"], same, min_persons=3)) == {"unusual.rare.diagnoses.icd10"}


def test_personal_data_may_hold_what_is_unusual() -> None:
    assert judged([104], category=OutputCategory.PERSONAL_DATA) == ()


def test_release_with_an_age_of_104_is_not_validated() -> None:
    source = sources()
    protected = protect_microdata(microdata_release(), source, hierarchies=hierarchies())
    rows = protected.tables["admissions"].to_pyarrow()
    place = rows.column_names.index("age")
    changed = rows.set_column(place, "age", pa.array(["100-104", *rows.column("age").to_pylist()[1:]]))
    tampered = replace(protected, tables={**protected.tables, "admissions": ibis.memtable(changed)})
    with pytest.raises(DataError, match=r"unusual\.age"):
        validate(tampered, recount_release(tampered, source, around=Surroundings(min_persons=2)))
