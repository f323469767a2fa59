"""What a release made of each value is applied elsewhere unchanged; what it does not know is never passed through."""

import json

import pyarrow as pa
import pytest

from anonymization.hierarchies.coverage import coverage
from anonymization.hierarchies.mapping import (
    MappingArtifact,
    apply_mapping,
    mapped_column,
    mapping_record,
    read_mapping,
)
from anonymization.hierarchy import OTHER, build_hierarchy, hierarchy_from_rows
from policies.errors import DataError, IntegrityError, PolicyError
from tests.support.hierarchies import hierarchy_policy

DIGEST = "sha256:" + "0" * 64
AGES = hierarchy_policy({"kind": "ages", "steps": ["five_year", "ten_year"]}, "refuse")
CODES = hierarchy_policy({"kind": "codes", "system": "icd9cm"}, "suppress")
TABLE = pa.table({"age": [20, 33, None, 150], "code": ["25001", "9", "V45", "250"], "memo": ["a", "b", "c", "d"]})


def mapping(age_level: int = 1, code_level: int = 1, code_policy: object = CODES) -> MappingArtifact:
    columns = (
        mapped_column("age", build_hierarchy(AGES), level=age_level, hierarchy_digest=DIGEST, version="1.0.0"),
        mapped_column("code", build_hierarchy(CODES), level=code_level, hierarchy_digest=DIGEST, policy=code_policy),
    )
    return read_mapping(json.loads(json.dumps(mapping_record(columns, release=DIGEST))))


def test_values_get_the_labels_of_the_release_and_other_columns_stay_behind() -> None:
    applied = apply_mapping(TABLE, mapping(), on_unseen="other")
    assert applied.table.to_pydict() == {
        "age": ["20-24", "30-34", None, OTHER],
        "code": ["250", OTHER, "V45", "250"],
    }
    assert dict(applied.unseen) == {"age": (1, 1), "code": (1, 1)}
    assert applied.suppressed == 0


def test_without_a_word_each_column_does_what_its_hierarchy_says() -> None:
    with pytest.raises(DataError) as caught:
        apply_mapping(TABLE, mapping())
    assert caught.value.code == "data.unseen-value"
    assert "150" not in str(caught.value)
    suppressed = apply_mapping(TABLE.slice(0, 3), mapping())
    assert suppressed.table.to_pydict() == {"age": ["20-24", None], "code": ["250", "V45"]}
    assert suppressed.suppressed == 1


def test_at_the_root_nothing_is_told_apart_not_even_what_is_missing() -> None:
    applied = apply_mapping(TABLE, mapping(age_level=3, code_level=0), on_unseen="suppress")
    assert applied.table.to_pydict() == {"age": ["*", "*"], "code": ["250.01", "V45"]}


def test_a_rule_that_was_left_out_makes_its_values_unseen_not_visible() -> None:
    applied = apply_mapping(TABLE, mapping(code_policy=None), on_unseen="other")
    assert set(applied.table.column("code").to_pylist()) == {OTHER}


def test_a_mapping_lists_no_value_that_only_the_data_held() -> None:
    text = mapping().model_dump_json()
    assert "25001" not in text
    assert '"20-24"' in text


def test_columns_beside_are_carried_for_counting() -> None:
    applied = apply_mapping(TABLE, mapping(), on_unseen="suppress", beside=["memo"])
    assert applied.table.to_pydict() == {"memo": ["a", "c"], "age": ["20-24", None], "code": ["250", "V45"]}


def test_an_edited_or_foreign_mapping_is_refused() -> None:
    record = json.loads(json.dumps(mapping_record(mapping().columns, release=DIGEST)))
    record["columns"][0]["level"] = 0
    with pytest.raises(IntegrityError) as caught:
        read_mapping(record)
    assert caught.value.code == "integrity.mapping-digest"
    with pytest.raises(PolicyError) as refused:
        read_mapping({"schema": "niji/mapping/v1"})
    assert refused.value.code == "policy.mapping"
    with pytest.raises(DataError) as missing:
        apply_mapping(TABLE.drop_columns(["age"]), mapping())
    assert missing.value.code == "data.column-missing"


def test_a_level_that_is_not_there_is_refused() -> None:
    with pytest.raises(PolicyError) as caught:
        mapped_column("age", build_hierarchy(AGES), level=9, hierarchy_digest=DIGEST)
    assert caught.value.code == "policy.hierarchy-level"


def test_coverage_counts_values_rows_and_people() -> None:
    rows = pa.table({"v": ["a", "a", "z", "z", "y", None, "b"], "who": [1, 2, 1, 3, 3, 4, 5]})
    known = hierarchy_from_rows("made", [["a", "ab", "*"], ["b", "ab", "*"], ["c", "c", "*"]])
    found = coverage(rows, "v", known, person="who")
    assert (found.values, found.rows, found.people, found.rows_missing) == (4, 7, 5, 1)
    assert (found.values_unseen, found.rows_unseen, found.people_unseen) == (2, 3, 2)
    assert (found.leaves, found.leaves_unused, found.labels_by_level) == (3, 1, (2, 1, 1))
    assert found.unseen == (("z", 2, 2), ("y", 1, 1))
    assert not found.is_whole
    assert "'z'" not in repr(found)
    without_people = coverage(rows, "v", known)
    assert (without_people.people, without_people.unseen[0]) == (None, ("z", 2, None))


def test_coverage_of_an_empty_column_and_of_a_rule() -> None:
    rows = pa.table({"v": pa.array([None, None], pa.string())})
    assert coverage(rows, "v", build_hierarchy(CODES)).is_whole
    other = build_hierarchy(hierarchy_policy({"kind": "codes", "system": "icd9cm"}, "other"))
    found = coverage(pa.table({"v": ["250", "no code"]}), "v", other)
    assert (found.values_unseen, found.rows_unseen) == (1, 1), "what becomes one label is unseen all the same"
