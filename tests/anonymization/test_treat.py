"""Treatments: deny by default, columns of people joined to events, every operation's rule and its edge."""

from copy import deepcopy
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal

import ibis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymization.hierarchy import hierarchy_from_rows
from anonymization.tables import EventTable, Pseudonymized
from anonymization.treat import PERSON, RECORD, record_of, treat_tables
from policies.errors import DataError, PolicyError
from tests.support.hospital_tables import (
    MICRODATA,
    admissions_columns,
    admissions_rows,
    column,
    column_of,
    dataset,
    diagnoses_columns,
    drop,
    hierarchies,
    keep,
    memtable,
    microdata_release,
    patients_columns,
    pseudonymized,
    raw_admissions,
    release,
    release_table,
    samples_columns,
    sources,
    table,
    treated,
)

CONTROLLED = {"kind": "controlled_rows", "environment": "sealed_extract"}


def treat_column(values, type_, *steps, people=None, books=None, more=None):
    """Treat one column `x` of an event table; return its values in the order of the rows."""
    columns = [column("row", "record_key"), column("who", "person_key"), column("x", "attribute", type_=type_)]
    extra = more or {}
    columns += [column(name, "attribute", type_=kind) for name, (kind, _) in extra.items()]
    policy = dataset("one", [table("events", "event", columns)], {"basis": "not_required", "reason": "test"})
    rows = {
        "row": [f"r{n:05d}" for n in range(len(values))],
        "who": [f"p{n}" for n in (people or range(len(values)))],
        "x": values,
        **{name: listed for name, (_, listed) in extra.items()},
    }
    source = Pseudonymized(policy, {"events": memtable(policy, "events", rows)})
    entry = release_table(
        "events", [drop("row"), drop("who"), treated("x", *steps), *(drop(name) for name in extra)], dataset_id="one"
    )
    done = treat_tables(release([entry], CONTROLLED), {"one": source}, hierarchies=books or {})["events"].rows
    return column_of(done.order_by(RECORD), "x")


def test_columns_of_people_join_their_events():
    done = treat_tables(microdata_release(), sources(), hierarchies=hierarchies())
    record = done["admissions"]
    assert set(record.leaving) == {
        "admission_id", "admit_year", "stay_days", "department", "weight_kg", "sex", "age", "prefecture",
    }  # fmt: skip
    assert record.joined == {"sex", "age", "prefecture"}
    assert record.searched == {"age": "age", "prefecture": "area"}
    assert len(column_of(record.rows, "age")) == 11
    assert done["diagnoses"].details_of == {"admissions"}
    assert record_of("admissions") in done["diagnoses"].rows.columns
    assert PERSON in done["patients"].rows.columns


def test_an_age_is_the_age_at_the_event():
    done = treat_tables(microdata_release(), sources(), hierarchies=hierarchies())["admissions"].rows.to_pyarrow()
    ages = sorted(row["age"] for row in done.to_pylist())
    rows = admissions_rows()
    births = dict(zip(rows["patients"]["patient_no"], rows["patients"]["birth_date"], strict=True))
    expected = []
    for who, day in zip(rows["admissions"]["patient_no"], rows["admissions"]["admit_date"], strict=True):
        if who != "P0010":
            born = births[who]
            expected.append(day.year - born.year - ((day.month, day.day) < (born.month, born.day)))
    assert ages == sorted(expected)


def test_a_column_that_is_not_listed_refuses_the_release():
    for number, columns in enumerate([patients_columns(), admissions_columns(), diagnoses_columns()]):
        entries = [patients_columns(), admissions_columns(), diagnoses_columns()]
        entries[number] = columns[1:]
        with pytest.raises(PolicyError) as refused:
            treat_tables(
                release(
                    [
                        release_table(n, e)
                        for n, e in zip(("patients", "admissions", "diagnoses"), entries, strict=True)
                    ],
                    MICRODATA,
                ),
                sources(),
                hierarchies=hierarchies(),
            )
        assert refused.value.code == "policy.unlisted-column"


def _treat(**changed):
    columns = {"patients": patients_columns(), "admissions": admissions_columns(), **changed}
    policy = release([release_table(name, entry) for name, entry in columns.items()], MICRODATA)
    return treat_tables(policy, sources(), hierarchies=hierarchies())


def _replaced(columns, *entries):
    named = {entry["name"]: entry for entry in entries}
    return [named.pop(entry["name"], entry) for entry in columns] + list(named.values())


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (keep("nothing"), "policy.unknown-column"),
        (keep("name"), "policy.column-gone"),
        (treated("name", {"op": "aggregate_only"}), "policy.column-gone"),
        (treated("birth_date", {"op": "to_age", "at": "gone"}), "policy.unknown-column"),
        (treated("sex", {"op": "generalize", "hierarchy": "gone", "level": 1}), "policy.unknown-hierarchy"),
        (treated("sex", {"op": "to_age", "at": "admit_date"}), "policy.treatment-type"),
        (treated("sex", {"op": "round", "to": "5"}), "policy.treatment-type"),
        (treated("birth_date", {"op": "to_prefecture"}), "policy.treatment-type"),
        (treated("sex", {"op": "keep", "reason": "needed here"}, **{"as": "department"}), "policy.column-clash"),
        (treated("address", {"op": "to_prefecture"}, {"op": "generalize", "hierarchy": "area", "level": 9}), "policy.hierarchy-level"),
        (treated("sex", {"op": "pseudonymize", "method": "hmac", "scope": "release"}), "policy.pseudonymize-scope"),
    ],
    ids=lambda value: value if isinstance(value, str) else value["name"],
)  # fmt: skip
def test_a_treatment_that_does_not_fit_is_refused(change, code):
    _treat()
    with pytest.raises(PolicyError) as refused:
        _treat(patients=_replaced(patients_columns(), change))
    assert refused.value.code == code


def test_a_value_that_its_hierarchy_does_not_know_is_refused_without_its_name():
    change = treated("sex", {"op": "generalize", "hierarchy": "area", "level": 1})
    with pytest.raises(DataError) as refused:
        _treat(patients=_replaced(patients_columns(), change))
    assert refused.value.code == "data.unseen-value"
    assert "'1'" not in str(refused.value)


def test_a_missing_dataset_is_refused():
    with pytest.raises(DataError) as refused:
        treat_tables(microdata_release(), {"cohort": sources()["cohort"]}, hierarchies=hierarchies())
    assert refused.value.code == "data.missing-table"


def test_a_statistic_may_use_what_does_not_leave():
    done = _treat(patients=_replaced(patients_columns(), treated("sex", {"op": "aggregate_only"})))["admissions"]
    assert done.aggregate_only == {"sex"}
    assert "sex" in done.rows.columns
    assert "sex" not in done.leaving


def test_random_ids_agree_in_a_release_and_differ_between_two():
    one, other = (treat_tables(microdata_release(), sources(), hierarchies=hierarchies()) for _ in range(2))
    ids = set(column_of(one["admissions"].rows, "admission_id"))
    assert len(ids) == 11
    assert set(column_of(one["diagnoses"].rows, "admission_id")) == ids
    assert not ids & set(column_of(other["admissions"].rows, "admission_id"))
    assert not ids & set(column_of(one["admissions"].rows, RECORD))


def test_keyed_pseudonyms_of_the_project_may_be_kept():
    step = {"op": "pseudonymize", "method": "hmac", "scope": "project"}
    done = _treat(admissions=_replaced(admissions_columns(), treated("patient_no", step)))["admissions"].rows
    assert column_of(done, "patient_no") == column_of(done, PERSON)


def test_dates_of_a_release_move_together():
    step = {"op": "date_shift", "max_days": 30}
    columns = _replaced(admissions_columns(), treated("admit_date", step), treated("discharge_date", step))
    found = _treat(admissions=columns)["admissions"].rows.to_pyarrow().to_pylist()
    plain = {row["admission_id"]: row for row in column_rows(sources()["admissions"])}
    moved = {}
    for row in found:
        before = plain[row[RECORD]]
        shift = (row["admit_date"] - before["admit_date"]).days
        assert abs(shift) <= 30
        assert (row["discharge_date"] - before["discharge_date"]).days == shift
        assert moved.setdefault(row[PERSON], shift) == shift
    with pytest.raises(PolicyError) as refused:
        _treat(admissions=_replaced(columns, treated("discharge_date", {"op": "date_shift", "max_days": 31})))
    assert refused.value.code == "policy.date-shift-differs"


def column_rows(source):
    return source.tables["admissions"].rows.to_pyarrow().to_pylist()


def test_a_differentially_private_release_takes_no_data_dependent_treatment():
    method = {
        "kind": "dp_statistics", "unit": "person", "neighbouring": "add_remove", "accountant": "zcdp",
        "mechanism": "discrete_gaussian",
        "budget": {"population": "tiny", "population_rho_cap": "1", "release_rho": "0.1", "delta": "0.000001",
                   "period_from": date(2026, 1, 1), "period_to": date(2027, 1, 1), "approved_by": "test"},
        "queries": [{"name": "all", "title": {"ja": "a", "en": "a"}, "statistic": "people", "table": "diagnoses", "by": [],
                     "bounds": {"cells_per_person": 1, "source": "test"}, "rho_share": "1"}],
    }  # fmt: skip
    columns = [
        release_table("admissions", _replaced(admissions_columns(), drop("admission_id"))),
        release_table("diagnoses", _replaced(diagnoses_columns(), drop("admission_id"), drop("icd10"))),
    ]
    treat_tables(release(columns, method), sources(), hierarchies=hierarchies())
    columns[1] = release_table("diagnoses", diagnoses_columns())
    with pytest.raises(PolicyError) as refused:
        treat_tables(release(columns, method), sources(), hierarchies=hierarchies())
    assert refused.value.code == "policy.data-dependent-treatment"


def test_two_tables_of_one_name_are_refused():
    entries = [release_table("patients", patients_columns())] * 2
    with pytest.raises(PolicyError) as refused:
        treat_tables(release(entries, MICRODATA), sources(), hierarchies=hierarchies())
    assert refused.value.code == "policy.ambiguous-table"


def test_a_register_is_not_released():
    source = sources()["admissions"]
    register = raw_admissions().tables["optouts"]
    entry = release_table("optouts", [keep("patient_no"), keep("decision"), keep("decided_on")])
    with pytest.raises(PolicyError) as refused:
        treat_tables(
            release([entry], MICRODATA),
            {"admissions": Pseudonymized(source.dataset, {**source.tables, "optouts": register})},
            hierarchies={},
        )
    assert refused.value.code == "policy.register-in-release"


def test_genotypes_are_left_to_their_method():
    entries = [
        release_table("samples", samples_columns(), dataset_id="cohort"),
        release_table("genotypes", [treated("genotypes", {"op": "aggregate_only"})], dataset_id="cohort"),
    ]
    assert set(treat_tables(release(entries, CONTROLLED), sources(), hierarchies={})) == {"samples"}


# --- the operations, one by one ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("birth", "day", "age"),
    [
        (date(2000, 3, 1), date(2024, 2, 29), 23),
        (date(2000, 3, 1), date(2024, 3, 1), 24),
        (date(2000, 2, 29), date(2023, 2, 28), 22),
        (date(2000, 2, 29), date(2023, 3, 1), 23),
        (date(2024, 1, 1), date(2024, 1, 1), 0),
        (None, date(2024, 1, 1), None),
        (date(2024, 1, 1), None, None),
    ],
)
def test_age_in_full_years(birth, day, age):
    assert treat_column([birth], "date", {"op": "to_age", "at": "day"}, more={"day": ("date", [day])}) == [age]


def test_duration_in_days():
    more = {"day": ("date", [date(2024, 2, 28), date(2024, 3, 2), None])}
    values = [date(2024, 3, 1), date(2024, 3, 1), date(2024, 3, 1)]
    assert treat_column(values, "date", {"op": "to_duration_days", "since": "day"}, more=more) == [2, -1, None]


@pytest.mark.parametrize(("to", "expected"), [("year", "0999"), ("quarter", "0999-Q4"), ("month", "0999-10")])
def test_truncated_dates_are_text(to, expected):
    assert treat_column([date(999, 10, 1), None], "date", {"op": "truncate_date", "to": to}) == [expected, None]


def test_truncated_moments_are_text():
    moment = datetime(2024, 3, 31, 23, 59)  # noqa: DTZ001
    assert treat_column([moment], "timestamp", {"op": "truncate_date", "to": "quarter"}) == ["2024-Q1"]


def test_prefectures():
    values = ["東京都千代田区1-1", "〒530-0001 大阪府大阪市", "仙台市青葉区", None]
    assert treat_column(values, "string", {"op": "to_prefecture"}) == ["東京都", "大阪府", None, None]


def test_a_fixed_level_of_numbers_dates_and_codes():
    ages = hierarchy_from_rows("ages", [[str(n), f"{n // 10 * 10}+", "*"] for n in range(100)])
    step = {"op": "generalize", "hierarchy": "ages", "level": 1}
    assert treat_column([7, 19, None], "integer", step, books={"ages": ages}) == ["0+", "10+", None]
    assert treat_column([7.0, 19.0], "decimal", step, books={"ages": ages}) == ["0+", "10+"]


def test_unseen_values_are_suppressed_where_the_hierarchy_says_so():
    known = hierarchy_from_rows("known", [["a", "A", "*"]], on_unseen="suppress")
    step = {"op": "generalize", "hierarchy": "known", "level": 1}
    assert treat_column(["a", "b"], "string", step, books={"known": known}) == ["A", None]


def test_a_searched_level_leaves_the_value():
    step = {"op": "generalize", "hierarchy": "icd10", "level": "search"}
    assert treat_column(["I10", "E11.9"], "string", step, books=hierarchies()) == ["I10", "E11.9"]


ROLL = {"op": "roll_up_rare", "hierarchy": "icd10", "min_persons": 3}


def test_rare_codes_roll_up_until_they_are_common():
    values = ["E11.9"] * 3 + ["E11.2"] * 3 + ["I10", "I10"]
    assert treat_column(values, "string", ROLL, books=hierarchies()) == [*values[:6], None, None]
    values = ["E11.9"] * 2 + ["E11.2"] * 1 + ["I10"] * 3
    assert treat_column(values, "string", ROLL, books=hierarchies()) == ["E11"] * 3 + ["I10"] * 3


def test_people_are_counted_not_rows():
    values = ["I10"] * 9 + ["E11.9"] * 3
    people = [1] * 9 + [1, 2, 3]
    assert treat_column(values, "string", ROLL, people=people, books=hierarchies()) == [None] * 9 + ["E11.9"] * 3


def test_rolling_up_may_start_higher():
    step = {**ROLL, "start_level": 1}
    assert treat_column(["E11.9"] * 3, "string", step, books=hierarchies()) == ["E11"] * 3


@given(
    st.lists(st.tuples(st.sampled_from(["E11.9", "E11.2", "I10", "C95.1"]), st.integers(0, 6)), min_size=1, max_size=30)
)
def test_no_published_code_is_rare_and_each_covers_its_value(drawn):
    values, people = [code for code, _ in drawn], [who for _, who in drawn]
    found = treat_column(values, "string", ROLL, people=people, books=hierarchies())
    icd10 = hierarchies()["icd10"]
    holders = {}
    for value, label, who in zip(values, found, people, strict=True):
        if label is not None:
            place = icd10.leaves.index(value)
            assert label in {level[place] for level in icd10.labels[:-1]}
            holders.setdefault(label, set()).add(who)
    assert all(len(who) >= 3 for who in holders.values())


def test_top_and_bottom_coding():
    assert treat_column([5, 90, 91, None], "integer", {"op": "top_code", "limit": "90"}) == [5, 90, 90, None]
    assert treat_column([5, 10, 91, None], "integer", {"op": "bottom_code", "limit": "10"}) == [10, 10, 91, None]
    assert treat_column([1.5, 3.0], "decimal", {"op": "top_code", "limit": "2.5"}) == [1.5, 2.5]
    assert treat_column([1, 3], "integer", {"op": "top_code", "limit": "2.5"}) == [1.0, 2.5]


def test_operations_apply_in_the_order_written():
    steps = [{"op": "top_code", "limit": "90"}, {"op": "round", "to": "50"}]
    assert treat_column([120, 60], "integer", *steps) == [100, 50]
    assert treat_column([120, 60], "integer", *reversed(steps)) == [90, 50]


@pytest.mark.parametrize(
    ("to", "values", "expected"),
    [
        ("5", [2.5, 7.5, 12.4, -2.5, None], [0.0, 10.0, 10.0, 0.0, None]),
        ("0.1", [0.25, 0.3, 0.31], [0.2, 0.3, 0.3]),
        ("0.5", [0.25, 0.75], [0.0, 1.0]),
    ],
)
def test_ties_go_to_the_even_multiple(to, values, expected):
    assert treat_column(values, "decimal", {"op": "round", "to": to}) == expected


@given(st.lists(st.integers(-1000, 1000), min_size=1, max_size=20), st.sampled_from([1, 2, 5, 10, 7]))
def test_whole_numbers_round_as_decimals_do(values, step):
    expected = [int((Decimal(v) / step).quantize(Decimal(1), ROUND_HALF_EVEN)) * step for v in values]
    assert treat_column(values, "integer", {"op": "round", "to": str(step)}) == expected


def test_treatments_do_not_change_their_sources():
    source = sources()["admissions"]
    before = deepcopy({name: t.rows.to_pyarrow().to_pydict() for name, t in source.tables.items()})
    treat_tables(microdata_release(), {"admissions": source}, hierarchies=hierarchies())
    after = {name: t.rows.to_pyarrow().to_pydict() for name, t in source.tables.items()}
    for name in before:
        assert {k: sorted(map(str, v)) for k, v in before[name].items()} == {
            k: sorted(map(str, v)) for k, v in after[name].items()
        }


def test_a_table_without_its_people_in_the_release_is_treated_alone():
    policy = release([release_table("admissions", admissions_columns())], MICRODATA)
    done = treat_tables(policy, {"admissions": pseudonymized(raw_admissions())}, hierarchies={})
    assert done["admissions"].joined == frozenset()
    assert isinstance(sources()["admissions"].tables["admissions"], EventTable)
    assert isinstance(done["admissions"].rows, ibis.Table)
