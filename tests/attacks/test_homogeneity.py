"""Attack: find a person's class by its quasi-identifiers and read the value that the whole class shares."""

from collections import defaultdict
from copy import deepcopy

from anonymization.microdata import protect_microdata
from tests.support.hospital_tables import (
    MICRODATA,
    admissions_rows,
    hierarchies,
    microdata_release,
    pseudonymized,
    raw_admissions,
)


def learned(protected):
    """Return how many records' departments the attacker knows for certain from the class alone."""
    classes = defaultdict(list)
    for row in protected.tables["admissions"].to_pyarrow().to_pylist():
        classes[tuple(row[name] for name in MICRODATA["quasi_identifiers"])].append(row["department"])
    return sum(len(found) for found in classes.values() if len(set(found)) == 1)


def homogeneous_source():
    """All people of one sex are in one department, so a class of k may share it."""
    rows = deepcopy(admissions_rows())
    rows["admissions"]["department"] = [
        "泌尿器科" if int(who[1:]) % 2 else "内科" for who in rows["admissions"]["patient_no"]
    ]
    return {"admissions": pseudonymized(raw_admissions(rows))}


def test_k_alone_is_broken_by_homogeneity():
    done = protect_microdata(microdata_release(), homogeneous_source(), hierarchies=hierarchies())
    assert done.evidence.k >= 2
    assert learned(done) > 0


def test_distinct_l_stops_it():
    from anonymization.hierarchy import hierarchy_from_rows
    from tests.support.hospital_tables import (
        admissions_columns,
        diagnoses_columns,
        patients_columns,
        release,
        release_table,
        treated,
    )

    # Sex gets a hierarchy too: only a class of both sexes can hold both departments.
    columns = patients_columns()
    columns[2] = treated("sex", {"op": "generalize", "hierarchy": "sex", "level": "search"})
    tables = {"patients": columns, "admissions": admissions_columns(), "diagnoses": diagnoses_columns()}
    policy = release(
        [release_table(name, entry) for name, entry in tables.items()],
        {**MICRODATA, "sensitive": [{"column": "department", "l": 2}]},
    )
    known = {**hierarchies(), "sex": hierarchy_from_rows("sex", [["1", "*"], ["2", "*"]])}
    done = protect_microdata(policy, homogeneous_source(), hierarchies=known)
    assert done.evidence.records_out > 0
    assert learned(done) == 0
