"""Microdata: k in people, new ids, details of what is kept, no key of the source, and every refusal."""

from collections import defaultdict
from copy import deepcopy

import pytest

from anonymization.microdata import protect_microdata, record_id_column
from anonymization.tables import Anonymized
from anonymization.treat import RECORD, treat_tables
from policies.errors import DataError, PolicyError
from policies.model import ReleasePolicy
from tests.support.hospital_tables import (
    CANARY,
    CONTROLLED_METHOD,
    MICRODATA,
    admissions_columns,
    admissions_rows,
    column_of,
    diagnoses_columns,
    drop,
    everything,
    hierarchies,
    keep,
    microdata_release,
    patients_columns,
    pseudonymized,
    raw_admissions,
    release,
    release_table,
    sources,
    treated,
)

PSEUDONYM = {"op": "pseudonymize", "method": "random", "scope": "release"}


def protect(policy: ReleasePolicy | None = None, source=None, **method) -> Anonymized:
    return protect_microdata(
        policy or microdata_release(**method), {**sources(), **(source or {})}, hierarchies=hierarchies()
    )


def _content(table, without):
    rows = table.to_pyarrow().drop([without]).to_pylist()
    return sorted(str(row) for row in rows)


def test_every_class_is_shared_by_k_people():
    done = protect(k=3)
    records = done.tables["admissions"].to_pyarrow().to_pylist()
    # Whose a published row is can be told here only, by the columns that the search leaves alone.
    treated_rows = treat_tables(microdata_release(), sources(), hierarchies=hierarchies())["admissions"].rows
    owners = defaultdict(set)
    for row in treated_rows.to_pyarrow().to_pylist():
        owners[row["stay_days"], row["department"], row["weight_kg"]].add(row["__person"])
    people = defaultdict(set)
    for row in records:
        people[tuple(row[name] for name in MICRODATA["quasi_identifiers"])] |= owners[
            row["stay_days"], row["department"], row["weight_kg"]
        ]
    assert min(len(found) for found in people.values()) >= 3
    assert done.evidence.k >= 3


def test_two_records_of_one_person_do_not_make_a_class_of_two():
    rows = deepcopy(admissions_rows())
    rows["patients"]["birth_date"] = [rows["patients"]["birth_date"][0]] * 10
    rows["patients"]["sex"] = ["1"] * 10
    rows["patients"]["address"] = ["東京都1"] * 9 + ["大阪府1"]
    rows["admissions"]["patient_no"] = ["P0009"] * 2 + rows["admissions"]["patient_no"][2:]
    rows["diagnoses"]["patient_no"] = [rows["admissions"]["patient_no"][n] for n in range(12)] + ["P0009"]
    rows["optouts"] = {name: [] for name in rows["optouts"]}
    source = {"admissions": pseudonymized(raw_admissions(rows))}
    assert protect(source=source, suppression_limit=0.3).evidence.k >= 2


def test_the_evidence_says_what_was_done():
    evidence = protect().evidence
    assert (evidence.people_in, evidence.records_in) == (9, 11)
    assert evidence.records_out == evidence.records_in - evidence.measured["suppressed_records"]
    assert evidence.people_out <= evidence.people_in
    assert evidence.parameters["missing_values"] == "own_category"
    assert evidence.parameters["quasi_identifiers"] == MICRODATA["quasi_identifiers"]
    assert evidence.parameters["hierarchies"] == {"age": "age", "prefecture": "area"}
    assert set(evidence.parameters["levels"]) == set(MICRODATA["quasi_identifiers"])
    assert evidence.measured["risk_before"]["k"] == 1
    assert evidence.measured["risk_after"]["k"] == evidence.k
    assert {check.name for check in evidence.checks} >= {"recount.k", "recount.rows", "recount.label.age"}
    assert all(check.passed for check in evidence.checks)
    assert evidence.guarantee.ja
    assert "already knows" in evidence.not_guaranteed.en or "already" in evidence.not_guaranteed.en


def test_no_key_and_no_identifier_of_the_source_is_left():
    source = sources()
    done = protect_microdata(microdata_release(), source, hierarchies=hierarchies())
    left = everything(done.tables)
    assert CANARY not in left
    assert CANARY not in str(done.evidence.as_json())
    for table in source["admissions"].tables.values():
        for name in ("patient_no", "admission_id"):
            if name in table.rows.columns:
                assert not any(key in left for key in column_of(table.rows, name))


def test_details_belong_to_kept_records_and_carry_no_column_of_people():
    done = protect()
    ids = set(column_of(done.tables["admissions"], "admission_id"))
    detail = done.tables["diagnoses"]
    assert detail.columns == ("admission_id", "icd10")
    assert set(column_of(detail, "admission_id")) <= ids
    assert "patients" not in done.tables


def test_suppression_only_removes():
    done = protect()
    treated_rows = treat_tables(microdata_release(), sources(), hierarchies=hierarchies())["admissions"].rows
    before = [(r["stay_days"], r["department"], r["weight_kg"]) for r in treated_rows.to_pyarrow().to_pylist()]
    for row in done.tables["admissions"].to_pyarrow().to_pylist():
        before.remove((row["stay_days"], row["department"], row["weight_kg"]))
    assert len(before) == done.evidence.measured["suppressed_records"]


def test_a_second_run_has_other_ids_and_the_same_content():
    one, other = protect(), protect()
    for name in one.tables:
        assert not set(column_of(one.tables[name], "admission_id")) & set(column_of(other.tables[name], "admission_id"))
        assert _content(one.tables[name], "admission_id") == _content(other.tables[name], "admission_id")
    assert one.evidence.loss == other.evidence.loss


def test_the_order_of_rows_does_not_matter():
    rows = admissions_rows()
    turned = {name: {key: values[::-1] for key, values in columns.items()} for name, columns in rows.items()}
    one, other = protect(), protect(source={"admissions": pseudonymized(raw_admissions(turned))})
    for name in one.tables:
        assert _content(one.tables[name], "admission_id") == _content(other.tables[name], "admission_id")


def test_rows_are_ordered_by_their_random_ids():
    done = protect()
    for table in done.tables.values():
        ids = column_of(table, "admission_id")
        assert ids == sorted(ids)


def test_a_withdrawn_person_is_nowhere():
    rows = deepcopy(admissions_rows())
    mark = "撤回した人の科"
    rows["admissions"]["department"] = [
        mark if who == "P0010" else name
        for who, name in zip(rows["admissions"]["patient_no"], rows["admissions"]["department"], strict=True)
    ]
    done = protect(source={"admissions": pseudonymized(raw_admissions(rows))}, k=2, suppression_limit=0.0)
    assert done.evidence.people_in == 9
    assert mark not in everything(done.tables)


def test_sensitive_values_are_diverse_in_each_class():
    done = protect(sensitive=[{"column": "department", "l": 2}])
    found = defaultdict(set)
    for row in done.tables["admissions"].to_pyarrow().to_pylist():
        found[tuple(row[name] for name in MICRODATA["quasi_identifiers"])].add(row["department"])
    assert min(len(values) for values in found.values()) >= 2


def test_a_code_that_suppression_made_rare_is_emptied():
    rows = deepcopy(admissions_rows())
    # I10 is held by P0001, P0005, P0006 and P0007; the last three are each alone in their department.
    rows["admissions"]["department"] = [
        f"科{who}" if who in {"P0005", "P0006", "P0007"} else "内科" for who in rows["admissions"]["patient_no"]
    ]
    quasi_identifiers = [*MICRODATA["quasi_identifiers"], "department"]
    done = protect(source={"admissions": pseudonymized(raw_admissions(rows))}, quasi_identifiers=quasi_identifiers)
    codes = column_of(done.tables["diagnoses"], "icd10")
    assert done.evidence.measured["suppressed_records"] == 3
    assert "E11.9" in codes
    assert "I10" not in codes


def test_without_a_leaving_key_the_id_is_called_record_id():
    entries = [
        release_table("patients", patients_columns()),
        release_table("admissions", [drop("admission_id"), *admissions_columns()[1:]]),
        release_table("diagnoses", [drop("admission_id"), *diagnoses_columns()[1:]]),
    ]
    policy = release(entries, MICRODATA)
    assert record_id_column(policy) == "record_id"
    done = protect(policy)
    assert done.tables["diagnoses"].columns == ("record_id", "icd10")
    assert set(column_of(done.tables["diagnoses"], "record_id")) <= set(
        column_of(done.tables["admissions"], "record_id")
    )


def _release(patients=None, admissions=None, diagnoses=None, **method):
    entries = [
        release_table("patients", patients or patients_columns()),
        release_table("admissions", admissions or admissions_columns()),
        release_table("diagnoses", diagnoses or diagnoses_columns()),
    ]
    return release(entries, {**MICRODATA, **method})


SEARCH = {"op": "generalize", "hierarchy": "icd10", "level": "search"}


@pytest.mark.parametrize(
    ("policy", "code"),
    [
        (_release(admissions=[admissions_columns()[0], treated("patient_no", PSEUDONYM), *admissions_columns()[2:]]), "policy.key-leaves"),
        (_release(diagnoses=[diagnoses_columns()[0], treated("patient_no", PSEUDONYM), diagnoses_columns()[2]]), "policy.key-leaves"),
        (_release(quasi_identifiers=[*MICRODATA["quasi_identifiers"], "gone"]), "policy.unknown-column"),
        (_release(sensitive=[{"column": "gone", "l": 2}]), "policy.unknown-column"),
        (_release(quasi_identifiers=["sex"]), "policy.search-without-quasi-identifier"),
        (_release(diagnoses=[*diagnoses_columns()[:2], treated("icd10", SEARCH)]), "policy.search-without-quasi-identifier"),
        (_release(record="gone"), "policy.no-record-table"),
        (release([release_table("patients", patients_columns())], CONTROLLED_METHOD), "policy.other-method"),
    ],
    ids=["person-key", "person-key-in-detail", "quasi", "sensitive", "search", "search-in-detail", "record", "method"],
)  # fmt: skip
def test_a_policy_that_does_not_fit_is_refused(policy, code):
    with pytest.raises(PolicyError) as refused:
        protect(policy)
    assert refused.value.code == code


def test_a_table_that_names_no_record_is_refused():
    entries = [
        release_table("patients", patients_columns()),
        release_table("admissions", admissions_columns()),
        release_table("diagnoses", diagnoses_columns()),
    ]
    changed = [
        release_table(
            "patients", [*patients_columns()[:3], drop("birth_date"), drop("address"), drop("insured_number")]
        ),
        entries[2],
    ]
    policy = release(changed, {**MICRODATA, "record": "diagnoses", "quasi_identifiers": ["sex"]})
    with pytest.raises(PolicyError) as refused:
        protect(policy)
    assert refused.value.code == "policy.key-leaves"


def test_a_k_out_of_reach_is_refused():
    with pytest.raises(DataError):
        protect(k=10)
    with pytest.raises(DataError):
        protect(k=9, suppression_limit=0.0, quasi_identifiers=["sex", "age", "prefecture", "admit_year", "department"])


def test_a_risk_above_the_limit_is_refused():
    assert protect(k=2, max_record_risk=0.5).evidence.k == 2
    with pytest.raises(DataError) as refused:
        protect(k=2, max_record_risk=0.4)
    assert refused.value.code == "data.record-risk"


def test_two_records_with_one_key_are_refused():
    rows = deepcopy(admissions_rows())
    rows["admissions"]["admission_id"][1] = rows["admissions"]["admission_id"][0]
    rows["diagnoses"]["admission_id"][1] = rows["admissions"]["admission_id"][0]
    with pytest.raises(DataError) as refused:
        protect(source={"admissions": pseudonymized(raw_admissions(rows))})
    assert refused.value.code == "data.duplicate-record"


def test_the_internal_columns_never_leave():
    done = protect()
    for table in done.tables.values():
        assert not any(name.startswith("__") for name in table.columns)
    assert RECORD not in done.tables["admissions"].columns


def test_a_kept_column_of_people_is_in_the_record():
    assert keep("sex")["name"] in protect().tables["admissions"].columns


def test_local_recoding_keeps_k_people_loses_no_more_and_says_so():
    common, local = protect(k=3), protect(k=3, recoding="local")
    assert local.evidence.loss <= common.evidence.loss
    assert local.evidence.k >= 3
    assert local.evidence.parameters["recoding"] == "local"
    assert "recoding" not in common.evidence.parameters
    rows = local.evidence.measured["rows_by_level"]
    assert all(sum(found.values()) == local.evidence.records_out for found in rows.values())
    assert all(check.passed for check in local.evidence.checks)
    assert any(check.name.startswith("recount.label.") for check in local.evidence.checks)
    assert "minimality" in local.evidence.not_guaranteed.en
    assert "最小性攻撃" in local.evidence.not_guaranteed.ja
    assert "minimality" not in common.evidence.not_guaranteed.en
