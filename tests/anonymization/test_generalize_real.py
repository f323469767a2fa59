"""Real encounters: 101,766 rows of 71,518 people; k counts the people.

Source: UCI Diabetes 130-US hospitals, ../shared/data/clinical-tabular/diabetes130 (CC BY 4.0).
"""

import io
import zipfile
from pathlib import Path

import ibis
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyarrow import csv

from anonymization.generalize import generalize_table
from anonymization.hierarchy import hierarchy_from_rows
from anonymization.quasi import QuasiIdentifier
from anonymization.recount import recount
from anonymization.risk import risk
from anonymization.search.certificate import replay
from policies.model.sensitive import DistinctL

pytestmark = pytest.mark.shared
QUASI = ["race", "gender", "age", "time_in_hospital", "admission_type_id"]


@pytest.fixture(scope="module")
def encounters(shared_data: Path) -> pa.Table:
    with zipfile.ZipFile(shared_data / "clinical-tabular" / "diabetes130" / "dataset_diabetes.zip") as packed:
        name = next(name for name in packed.namelist() if name.endswith("diabetic_data.csv"))
        content = packed.read(name)
    wanted = [*QUASI, "patient_nbr", "readmitted"]
    options = csv.ConvertOptions(
        include_columns=wanted,
        column_types=dict.fromkeys(wanted, pa.string()),
        null_values=["?"],
        strings_can_be_null=True,
    )
    return csv.read_csv(io.BytesIO(content), convert_options=options)


def quasi_of(table: pa.Table) -> list[QuasiIdentifier]:
    ages = [(f"[{low}-{low + 10})", f"{low // 20 * 20}-{low // 20 * 20 + 19}", "*") for low in range(0, 100, 10)]
    days = [(str(day), f"{(day - 1) // 3 * 3 + 1}-{(day - 1) // 3 * 3 + 3}", "*") for day in range(1, 15)]
    made = {"age": hierarchy_from_rows("age", ages), "time_in_hospital": hierarchy_from_rows("days", days)}
    for column in ("race", "gender", "admission_type_id"):
        values = sorted(pc.unique(table.column(column)).drop_null().to_pylist())
        made[column] = hierarchy_from_rows(column, [(value, "*") for value in values])
    return [QuasiIdentifier(column, made[column]) for column in QUASI]


def test_encounters_are_protected_as_people(encounters: pa.Table) -> None:
    rows = ibis.memtable(encounters)
    assert (rows.count().execute(), rows.patient_nbr.nunique().execute()) == (101_766, 71_518)
    sensitive = [DistinctL(column="readmitted", l=2)]
    found = generalize_table(
        rows,
        quasi_identifiers=quasi_of(encounters),
        k=10,
        sensitive=sensitive,
        suppression_limit=0.02,
        person="patient_nbr",
    )
    assert (found.records, found.people, found.gap) == (101_766, 71_518, 0.0)
    assert found.suppressed_records <= 0.02 * 101_766
    published = ibis.memtable(found.rows.to_pyarrow())
    checks = recount(published, quasi_identifiers=QUASI, k=10, sensitive=sensitive, person="patient_nbr")
    assert [check.name for check in checks if not check.passed] == []
    assert risk(published, quasi_identifiers=QUASI, person="patient_nbr").k == found.k_reached
    assert replay(found.problem, found.certificate).proves_optimum


def test_counting_rows_would_have_promised_too_much(encounters: pa.Table) -> None:
    by_rows = generalize_table(
        ibis.memtable(encounters),
        quasi_identifiers=quasi_of(encounters),
        k=10,
        sensitive=[],
        suppression_limit=0.02,
        person=None,
    )
    published = ibis.memtable(by_rows.rows.to_pyarrow())
    assert risk(published, quasi_identifiers=QUASI).k >= 10
    assert risk(published, quasi_identifiers=QUASI, person="patient_nbr").k < 10
