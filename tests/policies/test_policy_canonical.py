"""One meaning, one text, one digest: whatever the order of keys, comments, quotes."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.canonical import canonical_json, digest, digests, hierarchies_of, library_digest
from policies.errors import PolicyError
from policies.load import build, load_library, parse
from policies.model import DatasetPolicy, HierarchyPolicy, ReleasePolicy
from policies.model.strictness import PolicyModel
from policies.places import plain
from tests.support import policy_files as fixture
from tests.support.policy_files import AGE, CELLS, CLINIC, CONTROLLED, MICRODATA, STATISTICS

KINDS: list[tuple[str, type[PolicyModel]]] = [
    (CLINIC, DatasetPolicy),
    (MICRODATA, ReleasePolicy),
    (STATISTICS, ReleasePolicy),
    (CONTROLLED, ReleasePolicy),
    (AGE, HierarchyPolicy),
]


def built(text: str, model: type[PolicyModel]) -> PolicyModel:
    document, findings = parse(text.encode("utf-8"), "any.yaml")
    assert document is not None
    policy, more = build(document, model, tainted=[])
    assert [*findings, *more] == []
    return policy


def reordered(value: object, order: "st.DataObject") -> object:
    """Return the value with the keys of every mapping in another order."""
    if isinstance(value, dict):
        keys = order.draw(st.permutations(sorted(value)))
        return {key: reordered(value[key], order) for key in keys}
    return [reordered(item, order) for item in value] if isinstance(value, list) else value


@given(st.sampled_from(KINDS), st.data())
def test_order_of_keys_changes_no_digest(kind: tuple[str, type[PolicyModel]], data: st.DataObject) -> None:
    file, model = kind
    document, _ = parse(fixture.FILES[file].encode("utf-8"), file)
    assert document is not None
    # JSON is YAML of our subset, so any order can be written back and read again.
    text = json.dumps(reordered(plain(document.root), data), ensure_ascii=False)
    assert canonical_json(built(text, model)) == canonical_json(built(fixture.FILES[file], model))


@given(st.sampled_from(KINDS))
def test_canonical_form_loads_to_the_same_policy(kind: tuple[str, type[PolicyModel]]) -> None:
    file, model = kind
    policy = built(fixture.FILES[file], model)
    again = built(canonical_json(policy).decode("utf-8"), model)
    assert again == policy
    assert digest(again) == digest(policy)


def test_comments_quotes_and_explicit_defaults_change_no_digest() -> None:
    plain_text = fixture.FILES[CELLS]
    dressed = fixture.changed(
        CELLS,
        ("id: cells", "id: 'cells'  # quoted"),
        ("min_cell: 10}", "min_cell: 10, zero_allowed: true, count: people}"),
    )
    assert digest(built(dressed, ReleasePolicy)) == digest(built(plain_text, ReleasePolicy))


@pytest.mark.parametrize(
    ("old", "new"), [("min_cell: 10", "min_cell: 11"), ("en: For tests", "en: For test"), ("C-31", "C-32")]
)
def test_any_change_of_meaning_changes_the_digest(old: str, new: str) -> None:
    assert digest(built(fixture.changed(CELLS, (old, new)), ReleasePolicy)) != digest(
        built(fixture.FILES[CELLS], ReleasePolicy)
    )


def test_canonical_form_is_sorted_utf8_with_exact_numbers() -> None:
    data = canonical_json(built(fixture.FILES[STATISTICS], ReleasePolicy))
    parsed = json.loads(data)
    assert list(parsed) == sorted(parsed)
    assert "北辰大学".encode() in data
    assert parsed["method"]["budget"]["release_rho"] == "0.25"
    assert parsed["schema"] == "niji/release/v1"
    assert b"null" not in data
    assert b'": ' not in data


def test_digest_names_its_function() -> None:
    assert digest({"b": 1, "a": [2]}) == digest({"a": [2], "b": 1})
    assert digest({}) == "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"


def test_release_digest_covers_what_it_rests_on(tmp_path: Path) -> None:
    library = load_library(fixture.write_policies(tmp_path / "a"))
    names = set(digests(library, release="admissions"))
    assert names == {
        "release/admissions",
        "dataset/clinic",
        "hierarchy/age",
        "hierarchy/sex",
        "hierarchy/icd10",
        "suite/plain",
        "rulepack/appi@2026-06-14",
        "rulepack/house@2026-11-01",
        "rulepack/cells-ndb@3",
    }
    assert hierarchies_of(library.release("admissions")) == ("sex", "age", "icd10")
    assert set(digests(library)) > names


def test_release_digest_moves_only_with_what_it_rests_on(tmp_path: Path) -> None:
    before = load_library(fixture.write_policies(tmp_path / "a"))
    after = load_library(fixture.write_policies(tmp_path / "b", {AGE: [("top_from: 90", "top_from: 85")]}))
    assert library_digest(before, release="admissions") != library_digest(after, release="admissions")
    assert library_digest(before, release="cells") == library_digest(after, release="cells")
    assert library_digest(before) != library_digest(after)


def test_digest_of_a_file_hierarchy_covers_the_file(tmp_path: Path) -> None:
    change = {fixture.SEX: [("{kind: table, rows: [['1', '*'], ['2', '*']]}", "{kind: file, path: sex.csv}")]}
    one = fixture.write_policies(tmp_path / "a", change, extra={"hierarchies/sex.csv": "1;*\n2;*\n"})
    two = fixture.write_policies(tmp_path / "b", change, extra={"hierarchies/sex.csv": "1;*\n3;*\n"})
    assert library_digest(load_library(one), release="admissions") != library_digest(
        load_library(two), release="admissions"
    )


def test_digest_of_what_is_not_there_is_refused(tmp_path: Path) -> None:
    library = load_library(fixture.write_policies(tmp_path, {CELLS: [("suite: plain", "suite: none")]}))
    with pytest.raises(PolicyError, match=r"policy\.unknown-suite"):
        library_digest(library, release="cells")
