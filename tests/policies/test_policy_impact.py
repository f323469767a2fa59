"""What a change touches among policies: exactly what rests on it, through what, and what happens to each."""

from pathlib import Path

import pytest

from policies.canonical import foundations, library_digest
from policies.impact import Touched, impact, void_releases
from policies.impact_page import page_of_impact
from policies.library import PolicyKind, PolicyLibrary
from policies.load import PACKAGED, load_library
from policies.pages import as_text
from policies.sentences import Language
from tests.support import policy_files as fixture
from tests.support.policy_files import AGE, CLINIC, SEX, SUITE

LANGUAGES: list[Language] = ["ja", "en"]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> PolicyLibrary:
    return load_library(fixture.write_policies(tmp_path_factory.mktemp("policies")))


def void(touched: tuple[Touched, ...]) -> set[str]:
    return {each.name for each in touched if each.is_void}


# (file, edit, the policy that changes)
EDITS = [
    (AGE, ("top_from: 90", "top_from: 85"), (PolicyKind.HIERARCHY, "age")),
    (SEX, ("['2', '*']", "['2', '*'], ['9', '*']"), (PolicyKind.HIERARCHY, "sex")),
    (CLINIC, ("ja: 体重", "ja: 体の重さ"), (PolicyKind.DATASET, "clinic")),
    (SUITE, ('"plain"', '"plain "'), (PolicyKind.SUITE, "plain")),
]


@pytest.mark.parametrize("edit", EDITS, ids=[edit[2][1] for edit in EDITS])
def test_void_is_exactly_what_has_another_digest(
    library: PolicyLibrary, edit: tuple[str, tuple[str, str], tuple[PolicyKind, str]], tmp_path: Path
) -> None:
    """The reverse of the foundations agrees with the digests that signatures bind."""
    file, replacement, name = edit
    changed = load_library(fixture.write_policies(tmp_path, {file: [replacement]}))
    moved = {
        release
        for release in library.releases
        if library_digest(library, release=release) != library_digest(changed, release=release)
    }
    assert moved
    assert set(void_releases(library, [name])) == moved
    assert {each.name for each in impact(library, [name]) if each.kind is PolicyKind.RELEASE and each.is_void} == moved


@pytest.mark.parametrize("root", [PACKAGED], ids=["shipped"])
def test_every_foundation_of_every_shipped_release_touches_it(root: Path) -> None:
    library = load_library(root)
    for release in library.releases.values():
        for name in foundations(release):
            assert release.id in void(impact(library, [name]))


def test_what_changed_stands_first_and_names_itself(library: PolicyLibrary) -> None:
    first, *rest = impact(library, [(PolicyKind.DATASET, "clinic")])
    assert (first.kind, first.name, first.through) == (PolicyKind.DATASET, "clinic", ("dataset/clinic",))
    assert all(each.through == ("dataset/clinic",) for each in rest)
    assert "reading the source" in first.effects[1].en


def test_a_pack_touches_the_datasets_it_is_held_against_without_voiding_them(library: PolicyLibrary) -> None:
    touched = impact(library, [(PolicyKind.RULEPACK, "appi@2026-06-14")])
    datasets = [each for each in touched if each.kind is PolicyKind.DATASET]
    assert [(each.name, each.is_void) for each in datasets] == [("clinic", False), ("cohort", False)]
    assert void(touched) == set(library.releases)
    cells = impact(library, [(PolicyKind.RULEPACK, "cells-ndb@3")])
    assert void(cells) == {name for name, each in library.releases.items() if "cells-ndb@3" in each.rule_packs}


def test_releases_of_one_account_touch_each_other_without_voiding(library: PolicyLibrary) -> None:
    from dataclasses import replace

    numbers = library.release("numbers")
    second = numbers.model_copy(update={"id": "numbers-two"})
    both = replace(library, releases={**library.releases, "numbers-two": second})
    touched = impact(both, [(PolicyKind.RELEASE, "numbers")])
    assert void(touched) == {"numbers"}
    (shared,) = [each for each in touched if each.name == "numbers-two"]
    assert "same account" in shared.effects[0].en


def test_a_policy_that_is_gone_is_named(library: PolicyLibrary) -> None:
    (touched,) = impact(library, [(PolicyKind.RELEASE, "retired")])
    assert (touched.name, touched.is_void) == ("retired", True)


def test_nothing_changed_touches_nothing(library: PolicyLibrary) -> None:
    assert impact(library, []) == ()
    page = as_text(page_of_impact((), None, language="en"))
    assert "nothing is touched" in page


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_says_what_falls_and_what_was_not_looked_at(library: PolicyLibrary, language: Language) -> None:
    touched = impact(library, [(PolicyKind.HIERARCHY, "age")])
    text = as_text(page_of_impact(touched, None, language=language))
    assert {"ja": "署名が効かなくなるポリシー: ", "en": "Signatures fall of: "}[language] in text
    assert {"ja": "見ていない", "en": "not looked at"}[language] in text
    for each in touched:
        for effect in each.effects:
            assert (effect.ja if language == "ja" else effect.en) in text


def test_shipped_decision_cases_are_named() -> None:
    library = load_library(PACKAGED)
    name = next(name for name in library.releases if (library.root / "cases" / name).is_dir())
    (own, *_) = impact(library, [(PolicyKind.RELEASE, name)])
    assert any("cases/" in effect.en for effect in own.effects)
