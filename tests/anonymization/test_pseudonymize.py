"""Pseudonyms: keyed, injective, consistent across tables, unrelated across projects; dates move person by person."""

import pickle
from datetime import datetime

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymization.classify import classify
from anonymization.consent import keep_consenting
from anonymization.japan.prefectures import prefecture_of
from anonymization.pseudonymize import PseudonymKey, is_dropped, pseudonymize, shift_days
from anonymization.tables import Consented, EventTable, PersonTable
from policies.errors import DataError, PolicyError
from tests.support.hospital_tables import (
    CANARY,
    KEY,
    ON,
    OTHER_KEY,
    admissions_policy,
    admissions_rows,
    column,
    column_of,
    dataset,
    everything,
    memtable,
    pseudonymized,
    raw_admissions,
    raw_cohort,
    table,
)


def test_identifiers_are_gone_and_quasi_identifiers_stay():
    tables = pseudonymized(raw_admissions()).tables
    assert tables["patients"].rows.columns == ("patient_no", "sex", "birth_date", "address")
    assert "note" not in tables["admissions"].rows.columns


def test_no_key_of_the_source_is_left():
    tables = {**pseudonymized(raw_admissions()).tables, **pseudonymized(raw_cohort()).tables}
    left = everything(tables)
    rows = admissions_rows()
    for value in [*rows["patients"]["patient_no"], *rows["admissions"]["admission_id"], "NC000003"]:
        assert value not in left
    assert f"{CANARY}-" not in left


def test_joins_survive():
    tables = pseudonymized(raw_admissions()).tables
    source = keep_consenting(classify(raw_admissions()), on=ON).tables

    def pairs(tables):
        joined = (
            tables["diagnoses"]
            .rows.join(tables["admissions"].rows, "admission_id")
            .join(tables["patients"].rows, "patient_no")
        )
        return sorted(
            zip(column_of(joined, "sex"), column_of(joined, "department"), column_of(joined, "icd10"), strict=True)
        )

    assert pairs(tables) == pairs(source)


def test_pseudonyms_are_injective_within_a_project():
    rows = pseudonymized(raw_admissions()).tables["patients"].rows
    assert len(set(column_of(rows, "patient_no"))) == 9


def test_datasets_of_one_project_agree_on_a_person():
    patients = column_of(pseudonymized(raw_admissions()).tables["patients"].rows, "patient_no")
    samples = column_of(pseudonymized(raw_cohort()).tables["samples"].rows, "patient_no")
    assert set(samples) <= set(patients)


def test_samples_keep_their_link_to_the_person():
    tables = pseudonymized(raw_cohort()).tables
    assert set(tables["genotypes"].samples) == set(column_of(tables["samples"].rows, "sample_id"))


@pytest.mark.parametrize("change", [{"project": "other"}, {}], ids=["project", "key"])
def test_another_project_or_key_gives_unrelated_pseudonyms(change):
    one = pseudonymized(raw_admissions()).tables["patients"].rows
    other = pseudonymized(raw_admissions(**change), key=KEY if change else OTHER_KEY).tables["patients"].rows
    assert not set(column_of(one, "patient_no")) & set(column_of(other, "patient_no"))


def test_one_value_in_two_domains_has_two_pseudonyms():
    rows = admissions_rows()
    rows["admissions"]["admission_id"] = [f"P{n:04d}" for n in range(1, 13)]
    rows["diagnoses"]["admission_id"] = [*rows["admissions"]["admission_id"], "P0001"]
    tables = pseudonymized(raw_admissions(rows)).tables
    records = column_of(tables["admissions"].rows, "admission_id")
    assert not set(records) & set(column_of(tables["patients"].rows, "patient_no"))


def test_the_same_key_gives_the_same_pseudonyms_whatever_the_order_of_rows():
    rows = admissions_rows()
    turned = {name: {key: values[::-1] for key, values in columns.items()} for name, columns in rows.items()}
    for name in ("patients", "admissions"):
        one, other = (pseudonymized(raw_admissions(r)).tables[name].rows.to_pyarrow() for r in (rows, turned))
        key = one.column_names[0]
        assert one.sort_by(key) == other.sort_by(key)


def test_intervals_between_the_dates_of_a_person_are_kept():
    shifted = pseudonymized(raw_admissions(), max_shift_days=100).tables
    plain = pseudonymized(raw_admissions()).tables

    def intervals(tables):
        joined = tables["admissions"].rows.join(tables["patients"].rows, "patient_no")
        found = joined.to_pyarrow().to_pylist()
        return {
            row["admission_id"]: (row["discharge_date"] - row["admit_date"], row["admit_date"] - row["birth_date"])
            for row in found
        }

    assert intervals(shifted) == intervals(plain)
    births = [
        dict(zip(column_of(t["patients"].rows, "patient_no"), column_of(t["patients"].rows, "birth_date"), strict=True))
        for t in (shifted, plain)
    ]
    moved = {who: (births[0][who] - births[1][who]).days for who in births[0]}
    assert all(abs(days) <= 100 for days in moved.values())
    assert len(set(moved.values())) > 5


@given(st.integers(0, 400), st.text(max_size=12))
def test_a_shift_is_within_its_range_and_repeatable(most, who):
    days = shift_days(KEY, project="tiny", person=who, max_shift_days=most)
    assert -most <= days <= most
    assert days == shift_days(KEY, project="tiny", person=who, max_shift_days=most)


def test_shifts_are_spread_over_their_range():
    drawn = [shift_days(KEY, project="tiny", person=str(n), max_shift_days=3) for n in range(7000)]
    # 7,000 draws over 7 values: each about 1,000, standard deviation below 30.
    assert all(850 < drawn.count(days) < 1150 for days in range(-3, 4))


def test_moments_move_by_whole_days_and_nulls_stay_null():
    policy = dataset(
        "moments",
        [
            table(
                "visits",
                "event",
                [column("who", "person_key", type_="integer"), column("at", "event_date", type_="timestamp")],
            )
        ],
        {"basis": "not_required", "reason": "test"},
    )
    moment = datetime(2024, 2, 28, 23, 59, 59, 5)  # noqa: DTZ001
    rows = memtable(policy, "visits", {"who": [1, 1], "at": [moment, None]})
    done = pseudonymize(Consented(policy, {"visits": rows}), key=KEY, max_shift_days=50).tables["visits"].rows
    values = column_of(done, "at")
    shift = shift_days(KEY, project="tiny", person="1", max_shift_days=50)
    assert sorted((v - moment).days if v else None for v in values if v) == [shift]
    assert values.count(None) == 1
    assert {v.time() for v in values if v} == {moment.time()}
    assert done.to_pyarrow().schema.field("who").type == pa.string()


def test_a_key_prints_as_secret_and_cannot_be_pickled():
    key = PseudonymKey(b"\x00secret-secret-secret-secret-secret")
    assert {repr(key), str(key), f"{key}"} == {"<secret>"}
    assert "secret-secret" not in repr([key])
    with pytest.raises(TypeError):
        pickle.dumps(key)


def test_a_short_key_is_refused():
    PseudonymKey(b"x" * 32)
    with pytest.raises(PolicyError) as refused:
        PseudonymKey(b"x" * 31)
    assert refused.value.code == "policy.short-key"


def test_new_keys_differ():
    assert PseudonymKey.new().digest("a") != PseudonymKey.new().digest("a")


@given(st.lists(st.text(max_size=4), max_size=4), st.lists(st.text(max_size=4), max_size=4))
def test_different_parts_have_different_digests(one, other):
    assert (KEY.digest(*one) == KEY.digest(*other)) == (one == other)


@given(st.lists(st.text(max_size=4), max_size=5))
def test_many_digests_are_the_digests_of_each(values):
    assert list(KEY.digests("a", "b", values=values)) == [KEY.digest("a", "b", value) for value in values]


def test_a_negative_shift_is_refused():
    with pytest.raises(PolicyError) as refused:
        pseudonymized(raw_admissions(), max_shift_days=-1)
    assert refused.value.code == "policy.negative-shift"


def test_a_foreign_key_to_nothing_is_refused():
    policy = dataset(
        "loose",
        [table("visits", "event", [column("who", "person_key"), column("ward", "foreign_key")])],
        {"basis": "not_required", "reason": "test"},
    )
    rows = memtable(policy, "visits", {"who": ["1"], "ward": ["w"]})
    with pytest.raises(PolicyError) as refused:
        pseudonymize(Consented(policy, {"visits": rows}), key=KEY, max_shift_days=0)
    assert refused.value.code == "policy.foreign-key-without-target"


def test_a_null_person_is_refused():
    policy = admissions_policy()
    rows = admissions_rows()["patients"]
    rows["patient_no"][0] = None
    with pytest.raises(DataError) as refused:
        pseudonymize(Consented(policy, {"patients": memtable(policy, "patients", rows)}), key=KEY, max_shift_days=0)
    assert refused.value.code == "data.null-person-key"


def test_a_collision_is_refused(monkeypatch):
    monkeypatch.setattr(PseudonymKey, "digests", lambda self, *parts, values: (b"\x01" * 32 for _ in values))
    with pytest.raises(DataError) as refused:
        pseudonymized(raw_admissions())
    assert refused.value.code == "data.pseudonym-collision"


def test_a_register_does_not_pass():
    landed = raw_admissions()
    with pytest.raises(PolicyError) as refused:
        pseudonymize(Consented(landed.dataset, landed.tables), key=KEY, max_shift_days=0)
    assert refused.value.code == "policy.register-after-consent"


@pytest.mark.parametrize(
    ("role", "classes", "code", "dropped"),
    [
        ("identifier", ["ordinary"], None, True),
        ("free_text", ["ordinary"], None, True),
        ("attribute", ["free_text"], None, True),
        ("attribute", ["direct_identifier"], None, True),
        ("quasi_identifier", ["direct_identifier"], None, False),
        ("quasi_identifier", ["identification_code"], "my_number", True),
        ("attribute", ["property_damage"], None, True),
        ("genotype", ["identification_code"], "genome_wgs", False),
        ("person_key", ["identification_code"], "health_insurance", False),
        ("sensitive", ["special_care"], None, False),
        ("attribute", ["ordinary"], None, False),
    ],
)
def test_what_is_dropped_follows_from_role_and_class(role, classes, code, dropped):
    declared = table("t", "event", [column("c", role, classes, **({"code": code} if code else {}))])
    policy = dataset("d", [declared], {"basis": "not_required", "reason": "test"})
    assert is_dropped(policy.table("t").columns[0]) is dropped


def test_stage_types_are_kept():
    tables = pseudonymized(raw_admissions()).tables
    assert isinstance(tables["patients"], PersonTable)
    assert isinstance(tables["admissions"], EventTable)


def test_printing_a_stage_prints_no_row():
    assert CANARY not in repr(pseudonymized(raw_admissions()))
    assert CANARY not in repr(raw_admissions())


def test_of_an_address_only_the_prefecture_stays():
    patients = pseudonymized(raw_admissions()).tables["patients"]
    before = raw_admissions().tables["patients"].rows.to_pyarrow().column("address").to_pylist()
    after = set(patients.rows.to_pyarrow().column("address").to_pylist())
    assert after == {prefecture_of(address) if address else None for address in before}
    assert not after & {address for address in before if address and address != prefecture_of(address)}
