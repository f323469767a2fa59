"""The loader reads one meaning or refuses: each strictness case with its code, line and column."""

import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.errors import ExitCode, PolicyError, UsageError
from policies.library import PolicyKind
from policies.load import (
    MAX_BYTES,
    load_dataset,
    load_findings,
    load_hierarchy,
    load_library,
    load_release,
    load_rulepack,
    parse,
    read_library,
)
from tests.support import policy_files as fixture
from tests.support.policy_files import AGE, CLINIC, CONTROLLED, MICRODATA, STATISTICS

HEAD = """\
schema: niji/hierarchy/v1
id: letters
version: 1.0.0
title: {ja: 文字, en: Letters}
source: written for tests
"""
TAIL = """\
on_unseen: refuse
levels: {kind: prefix, lengths: [3, 1]}
"""
GOOD = HEAD + TAIL


@dataclass(frozen=True)
class Bad:
    """A file that is refused, where, and by which code."""

    name: str
    text: str
    code: str
    line: int
    column: int


BAD = [
    Bad("duplicate-key", GOOD + "source: again\n", "yaml-duplicate-key", 8, 1),
    Bad("duplicate-key-in-flow", HEAD + "on_unseen: refuse\nlevels: {kind: prefix, kind: prefix, lengths: [1]}\n", "yaml-duplicate-key", 7, 24),
    Bad("anchor", GOOD.replace("written", "&x written"), "yaml-anchor", 5, 9),
    Bad("alias", GOOD.replace("source: written for tests", "source: *x"), "yaml-alias", 5, 9),
    Bad("merge-key", GOOD + "<<: {a: b}\n", "yaml-merge-key", 8, 1),
    Bad("tag", GOOD.replace("source: ", "source: !!str "), "yaml-tag", 5, 9),
    Bad("python-tag", GOOD.replace("source: ", "source: !!python/object:os.system "), "yaml-tag", 5, 9),
    Bad("directive", "%YAML 1.1\n---\n" + GOOD, "yaml-directive", 2, 1),
    Bad("second-document", GOOD + "---\n" + GOOD, "yaml-documents", 8, 1),
    Bad("tab-indent", GOOD.replace("on_unseen:", "\ton_unseen:"), "yaml-tab", 6, 1),
    Bad("tab-after-colon", GOOD.replace("on_unseen: ", "on_unseen:\t"), "yaml-tab", 6, 11),
    Bad("byte-order-mark", "\ufeff" + GOOD, "yaml-bom", 1, 1),
    Bad("right-to-left-override", GOOD.replace("written", "wri\u202etten"), "yaml-invisible-character", 5, 12),
    Bad("zero-width-space", GOOD.replace("written", "wri\u200btten"), "yaml-invisible-character", 5, 12),
    Bad("control-character", GOOD.replace("written", "wri\x01tten"), "yaml-invisible-character", 5, 12),
    Bad("empty-value", GOOD.replace("source: written for tests", "source:"), "yaml-empty-value", 5, 1),
    Bad("tilde", GOOD.replace("written for tests", "~"), "yaml-ambiguous-scalar", 5, 9),
    Bad("octal", GOOD.replace("[3, 1]", "[010, 1]"), "yaml-ambiguous-scalar", 7, 34),
    Bad("underscore", GOOD.replace("[3, 1]", "[1_0, 1]"), "yaml-ambiguous-scalar", 7, 34),
    Bad("hexadecimal", GOOD.replace("[3, 1]", "[0x3, 1]"), "yaml-ambiguous-scalar", 7, 34),
    Bad("sexagesimal", GOOD.replace("written for tests", "12:30"), "yaml-ambiguous-scalar", 5, 9),
    Bad("infinity", GOOD.replace("written for tests", ".inf"), "yaml-ambiguous-scalar", 5, 9),
    Bad("capital-true", GOOD.replace("written for tests", "True"), "yaml-ambiguous-scalar", 5, 9),
    Bad("syntax", GOOD.replace("[3, 1]}", "[3, 1}"), "yaml-syntax", 7, 38),
    Bad("key-is-a-list", GOOD + "[a]: b\n", "yaml-key", 8, 1),
    Bad("key-is-a-number", GOOD + "1: b\n", "yaml-key", 8, 1),
    Bad("empty-file", "", "yaml-not-a-mapping", 1, 1),
    Bad("list", "- a\n", "yaml-not-a-mapping", 1, 1),
    Bad("too-deep", GOOD.replace("[3, 1]", "[" * 60 + "]" * 60), "yaml-depth", 7, 55),
    Bad("unknown-key", GOOD.replace("source:", "sorce:"), "unknown-key", 5, 1),
    Bad("missing-key", GOOD.replace("source: written for tests\n", ""), "missing-key", 1, 1),
    Bad("missing-key-inside", GOOD.replace(", en: Letters", ""), "missing-key", 4, 1),
    Bad("wrong-choice", GOOD.replace("refuse", "refus"), "invalid-value", 6, 1),
    Bad("unknown-kind", GOOD.replace("kind: prefix", "kind: prefixes"), "invalid-value", 7, 10),
    Bad("kind-missing", GOOD.replace("kind: prefix, ", ""), "missing-key", 7, 1),
    Bad("text-where-number", GOOD.replace("[3, 1]", "['3', 1]"), "invalid-value", 7, 34),
    Bad("number-where-text", GOOD.replace("written for tests", "1234567"), "invalid-value", 5, 1),
    Bad("version-is-a-number", GOOD.replace("1.0.0", "1.0"), "invalid-value", 3, 1),
    Bad("null-where-text", GOOD.replace("written for tests", "null"), "invalid-value", 5, 1),
    Bad("number-too-small", GOOD.replace("[3, 1]", "[3, 0]"), "invalid-value", 7, 37),
    Bad("empty-list", GOOD.replace("[3, 1]", "[]"), "invalid-value", 7, 24),
    Bad("other-schema", GOOD.replace("niji/hierarchy/v1", "niji/hierarchy/v2"), "invalid-value", 1, 1),
    Bad("no-schema", GOOD.replace("schema: niji/hierarchy/v1\n", ""), "unknown-schema", 1, 1),
]  # fmt: skip


def write(folder: Path, text: str | bytes, name: str = "letters.yaml") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
    return path


def test_good_file_loads(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    assert load_findings(path) == ()
    assert load_hierarchy(path).id == "letters"


@pytest.mark.parametrize("case", BAD, ids=lambda case: case.name)
def test_bad_file_is_refused_at_line_and_column(case: Bad, tmp_path: Path) -> None:
    path = write(tmp_path, case.text)
    found = [(each.rule, each.place.line, each.place.column) for each in load_findings(path)]
    assert (f"policy.{case.code}", case.line, case.column) in found
    with pytest.raises(PolicyError) as caught:
        load_hierarchy(path)
    assert caught.value.exit_code is ExitCode.POLICY
    assert caught.value.where.file == str(path)
    assert caught.value.what
    assert caught.value.why
    assert caught.value.fix
    assert caught.value.__cause__ is None


def test_encoding_error_is_placed(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD.encode().replace("文字".encode(), "文字".encode("cp932")))
    with pytest.raises(PolicyError) as caught:
        load_hierarchy(path)
    assert (caught.value.code, caught.value.where.line, caught.value.where.column) == ("policy.yaml-encoding", 4, 13)


def test_large_file_is_refused_unread(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD + "#" * MAX_BYTES)
    assert [each.rule for each in load_findings(path)] == ["policy.yaml-too-large"]


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"policy\.unreadable"):
        load_hierarchy(tmp_path / "none.yaml")


def test_yaml_bomb_is_refused_at_once(tmp_path: Path) -> None:
    bomb = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    bomb += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    started = time.monotonic()
    found = load_findings(write(tmp_path, GOOD + "\n".join(bomb) + "\n"))
    assert {"policy.yaml-anchor", "policy.yaml-alias"} <= {each.rule for each in found}
    assert time.monotonic() - started < 5


def test_nesting_bomb_is_refused_at_once(tmp_path: Path) -> None:
    started = time.monotonic()
    assert load_findings(write(tmp_path, "a: " + "[" * 200_000))[0].rule == "policy.yaml-depth"
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    "word", ["NO", "no", "yes", "Yes", "on", "off", "y", "2026-12-01", "1e", "v1.2.3", "1.0.0", "="]
)
def test_plain_words_stay_text(tmp_path: Path, word: str) -> None:
    policy = load_hierarchy(write(tmp_path, GOOD.replace("en: Letters", f"en: {word}")))
    assert policy.title.en == word


def test_norway_is_a_country(tmp_path: Path) -> None:
    root = fixture.write_policies(tmp_path, {CONTROLLED: [("country: JP", "country: NO")]})
    assert load_release(root / CONTROLLED).recipients[0].country == "NO"


@pytest.mark.parametrize("word", ["yes", "'true'", "1", "on"])
def test_only_true_and_false_are_booleans(tmp_path: Path, word: str) -> None:
    text = fixture.changed(
        CLINIC,
        (
            "class: linkage_code, role: person_key, required: true",
            f"class: linkage_code, role: person_key, required: {word}",
        ),
    )
    found = load_findings(write(tmp_path, text, "clinic.yaml"))
    assert [each.rule for each in found] == ["policy.invalid-value"]
    assert "`true` or `false`" in found[0].what


@pytest.mark.parametrize("number", ["0.25", "1e-1", "'a quarter'", "true"])
def test_exact_numbers_are_quoted(tmp_path: Path, number: str) -> None:
    text = fixture.changed(STATISTICS, ("release_rho: '0.25'", f"release_rho: {number}"))
    found = load_findings(write(tmp_path, text, "numbers.yaml"))
    assert [each.rule for each in found] in (["policy.invalid"], ["policy.invalid-value"])
    assert found[0].place.line == fixture.line_of(text, "release_rho")


@pytest.mark.parametrize("day", ["2026-02-30", "20261201", "01/12/2026", "2026-12-01T00:00:00Z", "soon"])
def test_dates_are_real_and_iso(tmp_path: Path, day: str) -> None:
    text = fixture.changed(MICRODATA, ("effective_from: 2026-12-01", f"effective_from: {day}"))
    found = load_findings(write(tmp_path, text, "admissions.yaml"))
    assert [(each.rule, each.place.line) for each in found] == [
        ("policy.invalid-value", fixture.line_of(text, "effective_from"))
    ]


@pytest.mark.parametrize(
    ("file", "old", "new", "suggestion"),
    [
        (CLINIC, "acquisition_basis:", "aquisition_basis:", "did you mean 'acquisition_basis'?"),
        (CLINIC, "{name: sex, ja: 性別, class:", "{name: sex, ja: 性別, classes:", "did you mean 'class'?"),
        (MICRODATA, "as: age", "as_: age", "did you mean 'as'?"),
        (MICRODATA, "suppression_limit:", "supression_limit:", "did you mean 'suppression_limit'?"),
        (MICRODATA, "hierarchy: icd10, min_persons", "hierarchy: icd10, min_people", "did you mean 'min_persons'?"),
        (MICRODATA, "op: to_prefecture", "op: to_prefectures", "did you mean 'to_prefecture'?"),
        (MICRODATA, "output_category: anonymized_appi", "output_category: anonymised_appi", "did you mean 'anonymized_appi'?"),
        (AGE, "top_from:", "top_form:", "did you mean 'top_from'?"),
    ],
)  # fmt: skip
def test_misspelling_gets_a_suggestion(tmp_path: Path, file: str, old: str, new: str, suggestion: str) -> None:
    text = fixture.changed(file, (old, new))
    fixes = [each.fix for each in load_findings(write(tmp_path, text, Path(file).name))]
    assert any(suggestion in fix for fix in fixes), fixes


def test_one_error_in_a_list_of_operations_is_one_finding(tmp_path: Path) -> None:
    text = fixture.changed(MICRODATA, ("hierarchy: sex, level: search", "hierarchy: sex, level: high"))
    found = load_findings(write(tmp_path, text, "admissions.yaml"))
    assert len(found) == 1
    assert "a whole number, without quotes or one of: search" in found[0].what


def test_all_errors_of_a_file_are_collected(tmp_path: Path) -> None:
    text = GOOD.replace("source:", "sorce:").replace("refuse", "refus").replace("[3, 1]", "[010, 1]")
    found = load_findings(write(tmp_path, text))
    assert [(each.rule, each.place.line) for each in found] == [
        ("policy.missing-key", 1),
        ("policy.unknown-key", 5),
        ("policy.invalid-value", 6),
        ("policy.yaml-ambiguous-scalar", 7),
    ]
    with pytest.raises(PolicyError, match="and 3 more findings"):
        load_hierarchy(write(tmp_path, text))


def test_errors_quote_no_values(tmp_path: Path) -> None:
    secret = "canary-7f3a"
    text = fixture.changed(
        MICRODATA,
        ("k: 12", f"k: {secret}"),
        ("kind: academic", f"kind: {secret}"),
        ("version: 1.0.0", f"version: {secret}"),
    )
    found = load_findings(write(tmp_path, text, "admissions.yaml"))
    assert len(found) == 3
    assert not any(secret in str(each) for each in found)


def test_each_kind_loads_by_its_own_function(tmp_path: Path) -> None:
    root = fixture.write_policies(tmp_path)
    assert load_dataset(root / CLINIC).id == "clinic"
    assert load_release(root / MICRODATA).method.kind == "microdata"
    with pytest.raises(PolicyError, match="schema"):
        load_rulepack(root / CLINIC)


def test_library_knows_files_places_and_suites(tmp_path: Path) -> None:
    root = fixture.write_policies(tmp_path)
    library = load_library(root)
    assert set(library.datasets) == {"clinic", "cohort"}
    assert set(library.releases) == {"admissions", "numbers", "cells", "frequencies", "rows"}
    assert set(library.hierarchies) == {"age", "sex", "icd10"}
    assert "appi@2026-06-14" in library.rulepacks
    assert library.suite("plain")["name"] == "plain"
    file = library.file_of("release", "admissions")
    assert file == root / MICRODATA
    place = library.position(file, "method", "k")
    assert (place.line, place.column) == (fixture.line_of(fixture.FILES[MICRODATA], "  k: 12"), 3)
    with pytest.raises(PolicyError, match=r"policy\.unknown-suite"):
        library.suite("none")
    with pytest.raises(PolicyError, match=r"policy\.unknown-release"):
        library.file_of(PolicyKind.RELEASE, "none")
    for ask in (library.dataset, library.release, library.hierarchy):
        with pytest.raises(PolicyError, match=r"policy\.unknown-"):
            ask("none")


def test_id_is_the_name_of_the_file(tmp_path: Path) -> None:
    root = fixture.write_policies(tmp_path, {AGE: [("id: age", "id: ages")]})
    assert [each.rule for each in read_library(root).findings] == ["policy.id-is-not-file-name"]
    with pytest.raises(PolicyError, match=r"policy\.id-is-not-file-name"):
        load_library(root)


def test_id_is_used_once(tmp_path: Path) -> None:
    root = fixture.write_policies(tmp_path, extra={"hierarchies/age.yml": fixture.FILES[AGE]})
    with pytest.raises(PolicyError, match=r"policy\.duplicate-id"):
        load_library(root)


def test_a_folder_cannot_replace_the_law(tmp_path: Path) -> None:
    packaged = Path(__file__).resolve().parents[2] / "policies" / "rulepacks" / "appi@2026-06-14.yaml"
    weaker = packaged.read_text(encoding="utf-8").replace("top_age: 90", "top_age: 120")
    root = fixture.write_policies(tmp_path, extra={"rulepacks/appi@2026-06-14.yaml": weaker})
    with pytest.raises(PolicyError, match=r"policy\.duplicate-id"):
        load_library(root)
    library = read_library(root)
    rule = library.rulepacks["appi@2026-06-14"].rule("APPI-24")
    assert rule is not None
    assert rule.parameters["top_age"] == 90
    assert [each.place.file for each in library.findings] == [str(root / "rulepacks/appi@2026-06-14.yaml")]


def test_a_folder_may_hold_a_copy_of_the_law(tmp_path: Path) -> None:
    packaged = Path(__file__).resolve().parents[2] / "policies" / "rulepacks" / "appi@2026-06-14.yaml"
    copy = packaged.read_text(encoding="utf-8")
    root = fixture.write_policies(tmp_path, extra={"rulepacks/appi@2026-06-14.yaml": copy})
    assert read_library(root).findings == ()


@pytest.mark.parametrize("text", ["[]", "{", '{"a": 1, "a": 2}', '{"a": NaN}', "[" * 100_000])
def test_suite_is_plain_json(tmp_path: Path, text: str) -> None:
    root = fixture.write_policies(tmp_path, extra={fixture.SUITE: text})
    assert "policy.suite-unreadable" in [each.rule for each in read_library(root).findings]


def test_folder_without_policies_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"policy\.no-folder"):
        load_library(tmp_path)


@given(st.text(max_size=60))
def test_any_text_is_a_finding_or_a_policy_never_a_crash(text: str) -> None:
    document, findings = parse(text.encode("utf-8", errors="surrogatepass"), "any.yaml")
    assert document is not None or findings


@given(st.text(alphabet="abc:-[]{}&*!|>'\"%@#,? \n0123.~", max_size=40))
def test_any_yaml_is_a_finding_or_a_policy_never_a_crash(text: str) -> None:
    document, findings = parse(text.encode(), "any.yaml")
    assert document is not None or findings
