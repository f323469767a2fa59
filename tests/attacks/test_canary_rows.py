"""Attack: plant a marked value in every identifying column and a person who withdrew, and search every output."""

from copy import deepcopy

import pytest

from anonymization.classify import classify
from anonymization.consent import keep_consenting
from anonymization.controlled import protect_controlled_rows
from anonymization.microdata import protect_microdata
from anonymization.release_checks import recount_release
from anonymization.small_cells import protect_small_cells
from anonymization.treat import treat_tables
from policies.errors import NijiError
from tests.support.hospital_tables import (
    CANARY,
    ON,
    admissions_columns,
    admissions_rows,
    cohort_rows,
    column_of,
    controlled_release,
    diagnoses_columns,
    drop,
    everything,
    hierarchies,
    keep,
    microdata_release,
    pseudonymized,
    raw_admissions,
    raw_cohort,
    release,
    release_table,
)

WITHDRAWN = "撤回者だけの値"


@pytest.fixture(scope="module")
def marked():
    """P0010 objected and P0008 withdrew; each holds a value that nobody else does, in every column that may leave."""
    rows, cohort = deepcopy(admissions_rows()), deepcopy(cohort_rows())
    for n, who in enumerate(rows["admissions"]["patient_no"]):
        if who == "P0010":
            rows["admissions"]["department"][n] = WITHDRAWN
    for n, who in enumerate(cohort["samples"]["patient_no"]):
        if who == "P0008":
            cohort["samples"]["phenotype"][n] = WITHDRAWN
    return {"admissions": pseudonymized(raw_admissions(rows)), "cohort": pseudonymized(raw_cohort(cohort))}


@pytest.fixture(scope="module")
def outputs(marked):
    counts = [drop(c["name"]) for c in admissions_columns()[:4]]
    entry = release_table("admissions", [*counts, keep("department"), drop("weight_kg"), drop("note")])
    method = {"kind": "small_cells", "table": "admissions", "by": ["department"], "min_cell": 3}
    return [
        protect_microdata(microdata_release(), marked, hierarchies=hierarchies()),
        protect_controlled_rows(controlled_release(), marked, hierarchies=hierarchies()),
        protect_small_cells(release([entry], method), marked, hierarchies={}),
    ]


def whole(protected, source):
    parts = [everything(protected.tables), str(protected.evidence.as_json()), repr(protected)]
    parts += [str(check.as_json()) for check in recount_release(protected, source)]
    if hasattr(protected, "genotypes"):
        parts.append(everything(protected.genotypes))
    return "\n".join(parts)


def test_no_canary_in_any_output_evidence_or_check(outputs, marked):
    for protected in outputs:
        assert CANARY not in whole(protected, marked)


def test_nothing_of_withdrawn_people_in_any_output(outputs, marked):
    for protected in outputs:
        assert WITHDRAWN not in whole(protected, marked)


def test_the_marks_were_there_to_be_found():
    assert CANARY in everything(raw_admissions().tables)
    assert CANARY in everything(keep_consenting(classify(raw_admissions()), on=ON).tables)


def test_nothing_of_the_source_in_any_refusal(marked):
    """Every refusal of a spoiled dataset or release speaks in names and counts."""
    refusals = []

    def refused(action):
        try:
            action()
        except NijiError as error:
            refusals.append(f"{error} {error.as_json()} {error.__cause__} {error.__context__}")

    for table, column, value in (
        ("patients", "patient_no", None),
        ("patients", "patient_no", "P0001"),
        ("admissions", "patient_no", f"{CANARY}9"),
        ("diagnoses", "admission_id", f"{CANARY}9"),
        ("optouts", "decision", f"{CANARY}9"),
    ):
        rows = deepcopy(admissions_rows())
        rows[table][column][1] = value
        refused(lambda rows=rows: pseudonymized(raw_admissions(rows)))
    unseen = [
        *diagnoses_columns()[:2],
        {**keep("icd10"), "treat": {"op": "generalize", "hierarchy": "area", "level": 1}},
    ]
    policy = release([release_table("diagnoses", unseen)], {"kind": "controlled_rows", "environment": "sealed_extract"})
    refused(lambda: treat_tables(policy, marked, hierarchies=hierarchies()))
    refused(lambda: protect_microdata(microdata_release(k=99), marked, hierarchies=hierarchies()))
    assert len(refusals) == 7
    ids = column_of(marked["admissions"].tables["patients"].rows, "patient_no")
    for text in refusals:
        assert CANARY not in text
        assert "P00" not in text
        assert "E11" not in text
        assert not any(key in text for key in ids)
