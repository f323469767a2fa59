"""Real input: 101,766 encounters of 71,518 patients; a class of k rows of fewer people does not pass.

Source: Strack et al., BioMed Research International 2014, 781670 (UCI, CC BY 4.0), `diabetes130` of the shared inputs.
"""

import zipfile
from collections import defaultdict

import ibis
import pyarrow as pa
import pyarrow.csv as csv
import pytest

from anonymization.classify import classify
from anonymization.consent import keep_consenting
from anonymization.hierarchy import hierarchy_from_rows
from anonymization.microdata import protect_microdata
from anonymization.pseudonymize import pseudonymize
from anonymization.release_checks import recount_release
from anonymization.tables import EventTable, Pseudonymized, Raw
from tests.support.hospital_tables import KEY, ON, column, dataset, release, release_table, table, treated

QUASI_IDENTIFIERS = ("race", "gender", "age")
COLUMNS = ["encounter_id", "patient_nbr", *QUASI_IDENTIFIERS, "time_in_hospital", "diag_1"]
K = 10


@pytest.fixture(scope="module")
def encounters(shared_data):
    path = shared_data / "clinical-tabular" / "diabetes130" / "dataset_diabetes.zip"
    with zipfile.ZipFile(path) as archive, archive.open("dataset_diabetes/diabetic_data.csv") as file:
        options = csv.ConvertOptions(
            include_columns=COLUMNS, null_values=["?"], strings_can_be_null=True,
            column_types={name: pa.int64() if name == "time_in_hospital" else pa.string() for name in COLUMNS},
        )  # fmt: skip
        return csv.read_csv(file, convert_options=options)


@pytest.fixture(scope="module")
def source(encounters):
    policy = dataset(
        "diabetes",
        [
            table(
                "encounters",
                "event",
                [
                    column("encounter_id", "record_key", "linkage_code"),
                    column("patient_nbr", "person_key", "linkage_code"),
                    *(column(name, "quasi_identifier", "quasi_identifier") for name in QUASI_IDENTIFIERS),
                    column("time_in_hospital", "attribute", type_="integer"),
                    column("diag_1", "sensitive", "special_care"),
                ],
            )
        ],
        {"basis": "not_required", "reason": "public research data"},
    )
    landed = Raw(policy, {"encounters": EventTable(policy.table("encounters"), ibis.memtable(encounters))})
    done = pseudonymize(keep_consenting(classify(landed), on=ON), key=KEY, max_shift_days=30)
    rows = done.tables["encounters"].rows.to_pyarrow()
    return Pseudonymized(policy, {"encounters": EventTable(policy.table("encounters"), ibis.memtable(rows))})


@pytest.mark.shared
def test_people_are_counted_and_not_rows(encounters, source):
    search = {"op": "generalize", "hierarchy": "x", "level": "search"}
    ages = [[f"[{n}-{n + 10})", f"[{n // 20 * 20}-{n // 20 * 20 + 20})", "*"] for n in range(0, 100, 10)]
    races = [[race, "*"] for race in ("AfricanAmerican", "Asian", "Caucasian", "Hispanic", "Other")]
    genders = [[gender, "*"] for gender in ("Female", "Male", "Unknown/Invalid")]
    known = {
        name: hierarchy_from_rows(name, rows) for name, rows in (("age", ages), ("race", races), ("gender", genders))
    }
    columns = [
        treated("encounter_id", {"op": "pseudonymize", "method": "random", "scope": "release"}),
        treated("patient_nbr", {"op": "drop_column"}),
        *(treated(name, {**search, "hierarchy": name}) for name in QUASI_IDENTIFIERS),
        treated("time_in_hospital", {"op": "top_code", "limit": "12"}),
        treated("diag_1", {"op": "keep", "reason": "the subject of the study"}),
    ]
    method = {
        "kind": "microdata", "record": "encounters", "quasi_identifiers": list(QUASI_IDENTIFIERS), "k": K,
        "sensitive": [{"column": "diag_1", "l": 3}], "suppression_limit": 0.01, "max_record_risk": 0.1, "approved_by": "test",
    }  # fmt: skip
    policy = release([release_table("encounters", columns, dataset_id="diabetes")], method)
    done = protect_microdata(policy, {"diabetes": source}, hierarchies=known)

    assert (done.evidence.people_in, done.evidence.records_in) == (71_518, 101_766)
    assert all(check.passed for check in recount_release(done, {"diabetes": source}))
    # Count the people of each class from the file itself, at the levels that the evidence names.
    levels = done.evidence.parameters["levels"]
    labels = {
        name: {None: "*" if levels[name] == known[name].height - 1 else None, **dict(zip(known[name].leaves, known[name].labels[levels[name]], strict=True))}
        for name in QUASI_IDENTIFIERS
    }  # fmt: skip
    people = defaultdict(set)
    for row in encounters.to_pylist():
        people[tuple(labels[name][row[name]] for name in QUASI_IDENTIFIERS)].add(row["patient_nbr"])
    published = done.tables["encounters"].to_pyarrow()
    classes = set(zip(*(published.column(name).to_pylist() for name in QUASI_IDENTIFIERS), strict=True))
    assert min(len(people[found]) for found in classes) == done.evidence.k >= K
    assert max(published.column("time_in_hospital").to_pylist()) == 12
