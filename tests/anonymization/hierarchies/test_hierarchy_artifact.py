"""An artifact is the hierarchy again, says whence it comes, and is refused when it was edited."""

import copy
import json

import pytest

from anonymization.hierarchies.artifact import artifact_of, arx_text, read_artifact
from anonymization.hierarchy import build_hierarchy, read_arx_layout
from policies.errors import IntegrityError, PolicyError
from tests.support.hierarchies import hierarchy_policy, labels

KINDS = [
    {"kind": "ages", "steps": ["five_year"], "top_from": 90},
    {"kind": "icd10"},
    {"kind": "prefix", "lengths": [3, 1]},
    {"kind": "redaction", "length": 5, "hidden": [2], "alphabet": 10},
    {"kind": "ranges", "cuts": [0, 10, 20], "above": "code"},
    {"kind": "postal_code", "steps": ["digits_3", "prefecture"]},
    {"kind": "table", "rows": [["m", "*"], ["f", "*"]]},
]
ASKED = ("44", "E119", "E11.9", "12345", "1000001", "m", "25")


def as_read(record: dict) -> dict:
    return json.loads(json.dumps(record, ensure_ascii=False))


@pytest.mark.parametrize("levels", KINDS, ids=lambda levels: levels["kind"])
def test_what_is_read_back_gives_the_same_labels(levels: dict) -> None:
    policy = hierarchy_policy(levels, "other", license="CC0-1.0")
    made = build_hierarchy(policy)
    record = as_read(artifact_of(policy, made))
    read, again = read_artifact(record)
    assert (read.version, read.source, read.license) == ("1.0.0", "written for this test", "CC0-1.0")
    assert labels(again, *ASKED) == labels(made, *ASKED)
    assert (set(again.leaves), again.height, again.on_unseen, again.domain) == (set(made.leaves), made.height, "other", made.domain)  # fmt: skip
    assert artifact_of(policy, build_hierarchy(policy))["digest"] == record["digest"]


def test_the_digest_changes_with_every_part_of_the_meaning() -> None:
    policy = hierarchy_policy(KINDS[0])
    digests = {
        artifact_of(each, build_hierarchy(each))["digest"]
        for each in (
            policy,
            hierarchy_policy(KINDS[0], "refuse"),
            hierarchy_policy({**KINDS[0], "top_from": 95}),
            hierarchy_policy(KINDS[0], version="1.0.1"),
            hierarchy_policy(KINDS[0], license="CC0-1.0"),
        )
    }
    assert len(digests) == 5


def test_an_edited_artifact_is_refused() -> None:
    policy = hierarchy_policy(KINDS[0])
    record = as_read(artifact_of(policy, build_hierarchy(policy)))
    edited = copy.deepcopy(record)
    edited["rows"][3][1] = "90+"
    with pytest.raises(IntegrityError) as caught:
        read_artifact(edited)
    assert caught.value.code == "integrity.hierarchy-digest"
    with pytest.raises(PolicyError) as refused:
        read_artifact({**record, "rows": "none"})
    assert refused.value.code == "policy.hierarchy-artifact"


def test_no_artifact_lists_a_value_of_data() -> None:
    policy = hierarchy_policy({"kind": "prefix", "lengths": [2]})
    made = build_hierarchy(policy)
    made.for_values(["patient-7"])
    assert artifact_of(policy, made)["rows"] == []
    assert "patient-7" not in json.dumps(artifact_of(policy, made))


def test_rows_for_other_tools_read_back_as_the_same_hierarchy() -> None:
    made = build_hierarchy(hierarchy_policy(KINDS[0]))
    again = read_arx_layout("made", arx_text(made))
    assert (again.leaves, again.labels) == (made.leaves, made.labels)
