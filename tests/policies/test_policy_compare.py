"""Two versions of a policy in sentences: the right direction for each kind of change, and nothing that changes unsaid."""

import copy
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.canonical import digest
from policies.change_words import label
from policies.compare import Comparison, compare, compare_libraries
from policies.comparison_page import page_of_comparisons
from policies.differences import differences
from policies.direction import ORDERED, Direction
from policies.library import PolicyKind, PolicyLibrary
from policies.load import load_library
from policies.model import DatasetPolicy, HierarchyPolicy, ReleasePolicy, RulePack
from policies.pages import as_html, as_text
from policies.schema import schemas
from policies.sentences import Language
from tests.support import policy_files as fixture
from tests.support.policy_files import AGE, ALLELES, CELLS, CLINIC, CONTROLLED, MICRODATA, STATISTICS

LOOSER, STRICTER, CHANGED, WORDING = Direction.LOOSER, Direction.STRICTER, Direction.CHANGED, Direction.WORDING
LANGUAGES: list[Language] = ["ja", "en"]
KINDS = {
    "releases": (PolicyKind.RELEASE, ReleasePolicy),
    "datasets": (PolicyKind.DATASET, DatasetPolicy),
    "hierarchies": (PolicyKind.HIERARCHY, HierarchyPolicy),
}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> PolicyLibrary:
    return load_library(fixture.write_policies(tmp_path_factory.mktemp("policies")))


def compared(folder: Path, file: str, *edits: tuple[str, str]) -> Comparison:
    old = load_library(fixture.write_policies(folder / "old"))
    new = load_library(fixture.write_policies(folder / "new", {file: edits}))
    (found,) = compare_libraries(old, new)
    return found


# (file, edit, direction, words in English, words in Japanese)
CASES = [
    (MICRODATA, ("k: 12", "k: 5"), LOOSER, "hidden among fewer", "紛れる相手が減る"),
    (MICRODATA, ("k: 12", "k: 20"), STRICTER, "hidden among more", "より多くの人に紛れる"),
    (MICRODATA, ("max_record_risk: 0.09", "max_record_risk: 0.2"), LOOSER, "from 0.09 to 0.2", "0.09から0.2"),
    (MICRODATA, ("suppression_limit: 0.02", "suppression_limit: 0.01"), STRICTER, "fewer records may be dropped", "消してよい記録が減る"),
    (MICRODATA, ("{op: top_code, limit: 120}", "{op: top_code, limit: 150}"), LOOSER, "becomes", "150"),
    (MICRODATA, ("{op: top_code, limit: 120}", "{op: top_code, limit: 100}"), STRICTER, "becomes", "100"),
    (MICRODATA, ("{op: bottom_code, limit: 30}", "{op: bottom_code, limit: 20}"), LOOSER, "20", "20"),
    (MICRODATA, ("min_persons: 10", "min_persons: 3"), LOOSER, "fewer than 3", "3人未満"),
    (MICRODATA, ("{op: truncate_date, to: quarter}", "{op: truncate_date, to: month}"), LOOSER, "month", "月"),
    (MICRODATA, ("{op: truncate_date, to: quarter}", "{op: truncate_date, to: year}"), STRICTER, "year", "年"),
    (MICRODATA, ("{name: note, treat: {op: drop_column}", "{name: note, treat: {op: keep, reason: somebody wants it}"), LOOSER, "leaves in rows", "行として出す"),
    (MICRODATA, ("{op: top_code, limit: 120}, ", ""), LOOSER, "becomes", "になる"),
    (CELLS, ("{name: sex, treat: {op: aggregate_only}", "{name: sex, treat: {op: drop_column}"), STRICTER, "only counted", "集計にだけ使う"),
    (CELLS, ("min_cell: 10", "min_cell: 5"), LOOSER, "smaller counts are shown", "より少ない人数の欄が見える"),
    (CELLS, ("appi@2026-06-14, ", ""), LOOSER, "removed: appi@2026-06-14", "なくなる: appi@2026-06-14"),
    (CELLS, ("review_due: 2027-11-30", "review_due: 2027-12-31"), LOOSER, "reviewed later", "見直しが遅くなる"),
    (CELLS, ("reidentify, ", ""), LOOSER, "removed: re-identification", "なくなる: 本人の識別"),
    (STATISTICS, ("release_rho: '0.25'", "release_rho: '0.5'"), LOOSER, "less noise", "雑音が小さくなり"),
    (STATISTICS, ("release_rho: '0.25'", "release_rho: '0.250'"), WORDING, "0.250", "0.250"),
    (ALLELES, ("min_allele_count: 10", "min_allele_count: 20"), STRICTER, "less rare alleles are hidden", "秘す"),
    (CONTROLLED, ("environment: sealed_extract", "environment: secure_environment"), STRICTER, "never leave", "安全な環境から出ない"),
    (CONTROLLED, ("country: JP", "country: US"), CHANGED, "from JP to US", "JPからUS"),
    (CLINIC, ("class: [direct_identifier, quasi_identifier]", "class: [quasi_identifier]"), LOOSER, "removed: direct identifier", "なくなる"),
    (CLINIC, ("role: person_key, required: true}", "role: person_key}"), LOOSER, "rows without a value", "値のない行"),
    (CLINIC, ("basis: opt_out", "basis: opt_in"), STRICTER, "people are asked more", "本人の意思をより確かめる"),
    (CLINIC, ("refused: [停止]", "refused: [停止, 保留]"), STRICTER, "added: 保留", "加わる: 保留"),
    (CLINIC, ("ja: 体重", "ja: 体の重さ"), WORDING, "体の重さ", "体の重さ"),
    (AGE, ("top_from: 90", "top_from: 100"), LOOSER, "further up", "より細かく見える"),
    (AGE, ("on_unseen: refuse", "on_unseen: other"), LOOSER, "passed over", "知らない値の行も出る"),
    (AGE, ("on_unseen: refuse", "on_unseen: refuse\nlicense: CC0-1.0"), WORDING, "CC0-1.0", "CC0-1.0"),
    (AGE, ("widths: [5, 10]", "widths: [10, 20]"), CHANGED, "added: 20", "加わる: 20"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=[f"{n}-{case[1][1][:24].strip()}" for n, case in enumerate(CASES)])
def test_each_kind_of_change_has_its_direction_and_its_words(
    case: tuple[str, tuple[str, str], Direction, str, str], tmp_path: Path
) -> None:
    file, edit, direction, english, japanese = case
    found = compared(tmp_path, file, edit)
    assert direction in {change.direction for change in found.changes}, [c.sentence.en for c in found.changes]
    assert {change.direction for change in found.changes} <= {direction, WORDING}
    assert any(english in change.sentence.en for change in found.changes), [c.sentence.en for c in found.changes]
    assert any(japanese in change.sentence.ja for change in found.changes), [c.sentence.ja for c in found.changes]
    assert found.needs_second_reader is (direction in {LOOSER, CHANGED})
    assert found.signatures_fall


def test_rule_packs_exchanged_are_one_change(library: PolicyLibrary) -> None:
    old = library.release("cells")
    packs = tuple("appi@2028-07-16" if pack.startswith("appi@") else pack for pack in old.rule_packs)
    found = compare(PolicyKind.RELEASE, "cells", old=old, new=old.model_copy(update={"rule_packs": packs}))
    (change,) = found.changes
    assert change.direction is CHANGED
    assert change.sentence.en == "appi@2026-06-14 is exchanged for appi@2028-07-16"


def test_recipients_who_come_and_go(library: PolicyLibrary) -> None:
    old = library.release("cells")
    second = old.recipients[0].model_copy(update={"id": "R-777"})
    more = old.model_copy(update={"recipients": (*old.recipients, second)})
    (come,) = compare(PolicyKind.RELEASE, "cells", old=old, new=more).changes
    (gone,) = compare(PolicyKind.RELEASE, "cells", old=more, new=old).changes
    assert (come.direction, gone.direction) == (LOOSER, STRICTER)
    assert "R-777" in come.subject.en
    assert old.recipients[0].name.ja in come.sentence.ja


def test_codes_of_use_go_by_what_they_are(library: PolicyLibrary) -> None:
    old = library.release("cells")
    for code, direction in (("DUO:0000042", LOOSER), ("DUO:0000046", STRICTER)):
        uses = old.purposes.model_copy(update={"duo": (*old.purposes.duo, code)})
        new = old.model_copy(update={"purposes": uses})
        (change,) = compare(PolicyKind.RELEASE, "cells", old=old, new=new).changes
        assert change.direction is direction


def test_words_that_change_in_one_language_are_said_so(library: PolicyLibrary) -> None:
    old = library.release("cells")
    for language, other in (("ja", "en"), ("en", "ja")):
        title = old.title.model_copy(update={language: "XYZ"})
        (change,) = compare(PolicyKind.RELEASE, "cells", old=old, new=old.model_copy(update={"title": title})).changes
        assert change.direction is WORDING
        assert "XYZ" in change.sentence.ja
        assert "XYZ" in change.sentence.en
        assert getattr(old.title, other) not in change.sentence.en


def test_another_method_is_a_persons_judgment(library: PolicyLibrary) -> None:
    old = library.release("cells")
    new = old.model_copy(update={"method": library.release("numbers").method})
    found = compare(PolicyKind.RELEASE, "cells", old=old, new=new)
    (change,) = found.changes
    assert change.direction is CHANGED
    assert change.sentence.en == "from a table with small cells hidden to differentially private statistics"


def test_comments_and_order_of_keys_change_nothing(tmp_path: Path) -> None:
    text = "# A note.\n" + fixture.FILES[CELLS]
    old = load_library(fixture.write_policies(tmp_path / "old"))
    new = load_library(fixture.write_policies(tmp_path / "new", extra={CELLS: text}))
    assert compare_libraries(old, new) == ()


def test_policies_that_come_and_go(tmp_path: Path) -> None:
    less = load_library(fixture.write_policies(tmp_path / "less"))
    more = load_library(
        fixture.write_policies(tmp_path / "more", extra={"hierarchies/ages.yaml": fixture.changed(AGE, ("id: age", "id: ages"))})
    )  # fmt: skip
    (come,) = compare_libraries(less, more)
    (gone,) = compare_libraries(more, less)
    assert (come.name, come.old_digest, gone.new_digest) == ("ages", "", "")
    assert come.changes[0].sentence.en == "it is new"
    assert gone.changes[0].sentence.ja == "なくなる"
    assert not come.signatures_fall
    assert gone.signatures_fall


def test_a_release_that_comes_is_looser_and_one_that_goes_stricter(library: PolicyLibrary) -> None:
    release = library.release("cells")
    assert compare(PolicyKind.RELEASE, "cells", old=None, new=release).changes[0].direction is LOOSER
    assert compare(PolicyKind.RELEASE, "cells", old=release, new=None).changes[0].direction is STRICTER


def test_the_table_of_a_hierarchy_is_compared(tmp_path: Path) -> None:
    levels = "{kind: intervals, low: 0, high: 120, widths: [5, 10], top_from: 90}"
    change = {AGE: [(levels, "{kind: file, path: age.csv}")]}
    roots = [fixture.write_policies(tmp_path / name, change) for name in ("old", "new")]
    for root, text in zip(roots, ("1;*\n", "1;*\n2;*\n"), strict=True):
        (root / "hierarchies" / "age.csv").write_text(text, encoding="utf-8")
    (found,) = compare_libraries(*(load_library(root) for root in roots))
    assert (found.name, found.changes[0].direction) == ("age", CHANGED)
    assert not found.is_same


def test_the_same_version_under_another_meaning_is_said(tmp_path: Path) -> None:
    assert compared(tmp_path / "a", CELLS, ("min_cell: 10", "min_cell: 20")).lacks_new_version
    raised = compared(tmp_path / "b", CELLS, ("min_cell: 10", "min_cell: 20"), ("version: 1.0.0", "version: 1.1.0"))
    assert not raised.lacks_new_version


# --- laws


POLICIES = ["admissions", "numbers", "cells", "frequencies", "rows"]


@pytest.mark.parametrize("name", POLICIES)
def test_nothing_differs_from_itself(library: PolicyLibrary, name: str) -> None:
    release = library.release(name)
    assert compare(PolicyKind.RELEASE, name, old=release, new=release).changes == ()


def steps_of(plain: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to every value of a plain policy that a model has, lists and mappings included."""
    if isinstance(plain, dict):
        for key, value in plain.items():
            yield (*path, key)
            yield from steps_of(value, (*path, key))
    elif isinstance(plain, list):
        for index, value in enumerate(plain):
            yield (*path, index)
            yield from steps_of(value, (*path, index))


def mutated(plain: dict[str, Any], path: tuple[Any, ...]) -> dict[str, Any]:
    """Return a copy in which the value at `path` is another one."""
    body = copy.deepcopy(plain)
    holder = body
    for key in path[:-1]:
        holder = holder[key]
    value = holder[path[-1]]
    if isinstance(value, bool):
        holder[path[-1]] = not value
    elif isinstance(value, int | float):
        holder[path[-1]] = value + 1
    elif isinstance(value, str):
        holder[path[-1]] = value + "x"
    elif isinstance(value, list):
        holder[path[-1]] = [*value, "one more"]
    elif value is None:
        holder[path[-1]] = "written now"
    else:
        holder[path[-1]] = {**value, "another": 1}
    return body


def plain_policies(library: PolicyLibrary) -> Iterator[tuple[PolicyKind, str, dict[str, Any]]]:
    for name, release in library.releases.items():
        yield PolicyKind.RELEASE, name, release.model_dump(mode="json", by_alias=True)
    for name, dataset in library.datasets.items():
        yield PolicyKind.DATASET, name, dataset.model_dump(mode="json", by_alias=True)
    for name, hierarchy in library.hierarchies.items():
        yield PolicyKind.HIERARCHY, name, hierarchy.model_dump(mode="json", by_alias=True)
    pack: RulePack = library.rulepacks["appi@2026-06-14"]
    yield PolicyKind.RULEPACK, pack.id, pack.model_copy(update={"rules": pack.rules[:4]}).model_dump(mode="json")


def test_every_field_that_changes_has_a_sentence_in_both_languages(library: PolicyLibrary) -> None:
    fields = 0
    for kind, name, plain in plain_policies(library):
        for path in steps_of(plain):
            # Treatments are held to words of their own below: a step that is no step has none.
            if "treat" in path:
                continue
            new = mutated(plain, path)
            found = compare(kind, name, old=plain, new=new)
            assert found.changes, (name, path)
            for change in found.changes:
                for text in (change.subject, change.sentence):
                    assert text.ja.strip(), path
                    assert text.en.strip(), path
                    assert "None" not in text.en, (path, text.en)
            fields += 1
    assert fields > 1000


def keys_of(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
        for value in schema.values():
            yield from keys_of(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from keys_of(value)


@pytest.mark.parametrize("kind", sorted(schemas()))
def test_every_key_of_a_policy_file_has_a_word(kind: str) -> None:
    """Else a sentence would name what changed by its key alone."""
    assert sorted({key for key in keys_of(schemas()[kind]) if label(key) == (key, key)}) == []


COLUMN_STEPS: list[dict[str, Any]] = [
    {"op": "drop_column"},
    {"op": "keep", "reason": "somebody needs it"},
    {"op": "aggregate_only"},
    {"op": "round", "to": "5"},
    {"op": "round", "to": "10"},
    {"op": "microaggregate", "min_persons": 5, "within": [], "decimals": 2},
    {"op": "microaggregate", "min_persons": 10, "within": ["test"], "decimals": 1},
    {"op": "round_randomly", "to": "5"},
    {"op": "add_noise", "sd": "1", "low": "0", "high": "9"},
    {"op": "top_code", "limit": "100"},
    {"op": "top_code", "limit": "110"},
    {"op": "bottom_code", "limit": "20"},
    {"op": "bottom_code", "limit": "30"},
    {"op": "generalize", "hierarchy": "age", "level": 1},
    {"op": "generalize", "hierarchy": "age", "level": 2},
    {"op": "generalize", "hierarchy": "age", "level": "search"},
    {"op": "roll_up_rare", "hierarchy": "icd10", "min_persons": 5, "start_level": 0},
    {"op": "roll_up_rare", "hierarchy": "icd10", "min_persons": 10, "start_level": 1},
    {"op": "truncate_date", "to": "month"},
    {"op": "truncate_date", "to": "year"},
    {"op": "date_shift", "unit": "person", "max_days": 10},
    {"op": "date_shift", "unit": "person", "max_days": 30},
    {"op": "pseudonymize", "method": "hmac", "scope": "project"},
    {"op": "pseudonymize", "method": "random", "scope": "release"},
    {"op": "to_prefecture"},
    {"op": "to_age", "at": "admit_date"},
]


def with_treatment(plain: Mapping[str, Any], steps: list[dict[str, Any]]) -> dict[str, Any]:
    body = copy.deepcopy(dict(plain))
    body["tables"][0]["columns"][0]["treat"] = steps
    return body


STEPS = st.lists(st.sampled_from(COLUMN_STEPS), min_size=1, max_size=3)


@given(old=STEPS, new=STEPS)
def test_treatments_backwards_go_the_other_way(
    library: PolicyLibrary, old: list[dict[str, Any]], new: list[dict[str, Any]]
) -> None:
    plain = library.release("admissions").model_dump(mode="json", by_alias=True)
    first, second = with_treatment(plain, old), with_treatment(plain, new)
    there = compare(PolicyKind.RELEASE, "admissions", old=first, new=second)
    back = compare(PolicyKind.RELEASE, "admissions", old=second, new=first)
    assert bool(there.changes) is (old != new)
    assert [change.direction.opposite for change in there.changes] == [change.direction for change in back.changes]
    assert all(change.sentence.ja and change.sentence.en for change in there.changes)


@given(data=st.data())
def test_loosened_one_way_is_tightened_the_other(library: PolicyLibrary, data: st.DataObject) -> None:
    """For every value with an order: forwards and backwards are opposites, and equal numbers are only wording."""
    pattern, order = data.draw(st.sampled_from(sorted(ORDERED.items(), key=str)))
    if order.choices:
        values: st.SearchStrategy[Any] = st.sampled_from(order.choices)
    elif pattern[-1] == "review_due":
        values = st.dates(date(2000, 1, 1), date(2100, 1, 1)).map(date.isoformat)
    elif pattern[-1] in {"zero_allowed", "margins", "complement_floor", "required"}:
        values = st.booleans()
    else:
        values = st.integers(0, 1000).map(str) | st.decimals(0, 1000, places=2).map(str)
    old, new = data.draw(values), data.draw(values)

    def body(value: Any) -> dict[str, Any]:
        result: Any = value
        for key in reversed(pattern):
            result = [{"name": "one", **result}] if key == "*" else {key: result}
        return dict(result)

    there = compare(PolicyKind.RELEASE, "any", old=body(old), new=body(new))
    back = compare(PolicyKind.RELEASE, "any", old=body(new), new=body(old))
    loosened = [change.direction is LOOSER for change in there.changes]
    tightened = [change.direction is STRICTER for change in back.changes]
    assert loosened == tightened
    is_number = not order.choices and pattern[-1] != "review_due" and not isinstance(old, bool)
    if is_number and Decimal(old) == Decimal(new):
        assert all(change.direction is WORDING for change in there.changes)
    elif old != new:
        assert {change.direction for change in there.changes} <= {LOOSER, STRICTER}
        assert there.changes


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["a", "b"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "name", "k", "x"]), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@given(
    old=st.dictionaries(st.sampled_from(["a", "b", "c"]), JSON),
    new=st.dictionaries(st.sampled_from(["a", "b", "c"]), JSON),
)
def test_what_is_not_alike_differs_somewhere(old: dict[str, Any], new: dict[str, Any]) -> None:
    def stated(body: Any) -> Any:
        return {key: value for key, value in body.items() if value is not None}

    found = list(differences(old, new))
    if digest(stated(old)) == digest(stated(new)) or old == new:
        assert found == [] or old != new
    else:
        assert found
    assert list(differences(old, old)) == []


# --- the page


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_says_who_must_read_and_what_falls(tmp_path: Path, language: Language) -> None:
    found = compared(tmp_path, MICRODATA, ("k: 12", "k: 5"), ("max_record_risk: 0.09", "max_record_risk: 0.05"))
    text = as_text(page_of_comparisons([found], language=language))
    for words in {
        "ja": ["緩くなる 1", "厳しくなる 1", "もう一人読む", "署名は効かなくなる: admissions", "`version` を上げる"],
        "en": ["looser 1", "stricter 1", "second reader", "no longer hold", "Raise `version`"],
    }[language]:
        assert words in text
    assert text.index("k-") < text.index("0.05"), "what is looser stands first"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_of_nothing_says_so(language: Language) -> None:
    page = page_of_comparisons([], language=language)
    assert {"ja": "署名はそのまま有効", "en": "signatures hold"}[language] in as_text(page)
    assert f'<html lang="{language}">' in as_html([page], title="x", language=language)
