"""Bad policy files and folders: a coded finding with its place, no traceback, no value, in bounded time and memory."""

import io
import json
import os
import resource
import subprocess
import sys
import tarfile
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policies.canonical import library_digest
from policies.check import check
from policies.errors import PolicyError
from policies.files import MAX_BYTES
from policies.findings import Finding
from policies.load import load_findings, load_library, load_release, read_library
from tests.support import policy_files as fixture
from tests.support.policy_files import AGE, CELLS, CLINIC, CONTROLLED, MICRODATA, SEX, STATISTICS

ON = date(2026, 12, 15)
REPOSITORY = Path(__file__).resolve().parents[2]
CPU_SECONDS = 10
"""What one bad file may cost, start of Python included; most end in a tenth of it."""
MEGABYTES = 1500
"""Address space, of which Python with its libraries takes about a third."""


pytestmark = pytest.mark.slow


def in_bounds(*words: str) -> subprocess.CompletedProcess[str]:
    """Run `niji policy` with a limit of CPU time and memory; both end the process if they are passed."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (MEGABYTES << 20, MEGABYTES << 20))

    command = [sys.executable, "-c", "from pipelines.cli.main import main; main()", "policy", *words]
    return subprocess.run(
        command, cwd=REPOSITORY, capture_output=True, text=True, timeout=120, check=False, preexec_fn=limit
    )


def lines_of_aliases() -> str:
    bomb = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    bomb += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 20)]
    return fixture.FILES[AGE] + "\n".join(bomb) + "\n"


def long_table(rows: int) -> str:
    """Return a hierarchy whose labels make one circle as long as the file."""
    listed = "\n".join(f"    - ['v{n}', 'v{(n + 1) % rows}', '*']" for n in range(rows))
    levels = "{kind: intervals, low: 0, high: 120, widths: [5, 10], top_from: 90}"
    return fixture.changed(AGE, (f"levels: {levels}", f"levels:\n  kind: table\n  rows:\n{listed}"))


BOMBS = {
    "aliases": lines_of_aliases(),
    "deep-flow": "a: " + "[" * 400_000,
    "deep-maps": "a: " + "{b: " * 200_000,
    "deep-blocks": "\n".join(" " * n + "a:" for n in range(1, 1300)),
    "deep-lists": "a:\n" + "- " * 400_000,
    "one-long-line": "a: " + "x" * 900_000,
    "one-long-key": "x" * 900_000 + ": a",
    "many-keys": "\n".join(f"k{n}: {n}" for n in range(60_000)),
    "many-bad-values": "schema: niji/hierarchy/v1\n" + "\n".join(f"k{n}: ~" for n in range(60_000)),
    "one-list": "a: [" + "1, " * 250_000 + "1]",
    "many-quotes": "a: [" + "'', " * 200_000 + "'']",
    "unclosed-quote": "a: '" + "b\n" * 400_000,
    "long-number": "a: " + "9" * 900_000,
    "spaces": "a:" + " " * 900_000 + "b",
    "newlines": "\n" * 900_000,
    "circle": long_table(30_000),
    "folded": "a: >\n" + "  b\n" * 200_000,
    "question-marks": "? " * 300_000,
}


@pytest.mark.parametrize("name", sorted(BOMBS))
def test_a_bomb_ends_in_time_with_a_code_and_a_place(tmp_path: Path, name: str) -> None:
    root = fixture.write_policies(tmp_path, extra={AGE: BOMBS[name][:MAX_BYTES]})
    ended = in_bounds("check", str(root / AGE), "--json", "--on", "2026-12-15")
    assert ended.returncode == 10, ended.stderr[-2000:]
    findings = json.loads(ended.stdout)["findings"]
    assert any(each["file"] == str(root / AGE) and each["line"] > 0 for each in findings)
    assert all(each["rule"] and each["what"] and each["why"] and each["fix"] for each in findings)
    assert len(ended.stdout) < 400_000
    assert "Traceback" not in ended.stderr


def test_wide_tables_are_checked_in_time(tmp_path: Path) -> None:
    """As many columns as a megabyte holds, in a dataset and in its release."""
    names = [f"c{n}" for n in range(15_000)]
    declared = "".join(f"      - {{name: {n}, ja: あ, class: ordinary, role: attribute}}\n" for n in names)
    listed = "".join(f"      - {{name: {n}, treat: {{op: drop_column}}, rule: A-1}}\n" for n in names)
    anchors = ("      - {name: sex, ja: 性別", "      - {name: sex, treat: {op: generalize")
    changes = {
        CLINIC: [(anchors[0], declared + anchors[0])],
        MICRODATA: [(anchors[1], listed + anchors[1])],
    }
    root = fixture.write_policies(tmp_path, changes)
    ended = in_bounds("check", str(root / MICRODATA), "--json", "--on", "2026-12-15")
    assert ended.returncode == 10, ended.stderr[-2000:]
    assert "policy.unknown-rule" in {each["rule"] for each in json.loads(ended.stdout)["findings"]}


def test_ten_megabytes_are_not_read(tmp_path: Path) -> None:
    root = fixture.write_policies(tmp_path)
    (root / AGE).write_text("# " + "x" * 10_000_000, encoding="utf-8")
    (root / "quality" / "huge.json").write_text("[" * 10_000_000, encoding="utf-8")
    ended = in_bounds("check", str(root), "--json", "--on", "2026-12-15")
    assert ended.returncode == 10
    large = [each["file"] for each in json.loads(ended.stdout)["findings"] if each["rule"] == "policy.yaml-too-large"]
    assert large == [str(root / AGE), str(root / "quality" / "huge.json")]


# --- what is not a file, or not here


def rules_of(root: Path) -> list[tuple[str, str]]:
    return [
        (each.rule, Path(each.place.file).name)
        for each in check(read_library(root), on=ON)
        if each.rule.startswith("policy.") and each.rule not in {"policy.unknown-hierarchy"}
    ]


def test_a_folder_called_like_a_policy_is_refused(tmp_path: Path) -> None:
    root = fixture.write_policies(tmp_path)
    (root / "hierarchies" / "folder.yaml").mkdir()
    assert rules_of(root) == [("policy.not-a-file", "folder.yaml")]


def test_a_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    root = fixture.write_policies(tmp_path)
    os.mkfifo(root / "hierarchies" / "pipe.yaml")
    os.mkfifo(root / "quality" / "pipe.json")
    ended = in_bounds("check", str(root), "--json", "--on", "2026-12-15")
    assert ended.returncode == 10
    assert [each["rule"] for each in json.loads(ended.stdout)["findings"]] == ["policy.not-a-file"] * 2


def test_a_link_out_of_the_folder_is_refused_unread(tmp_path: Path) -> None:
    outside = tmp_path / "outside.yaml"
    outside.write_text("schema: niji/hierarchy/v1\nsecret: canary-7f3a\n", encoding="utf-8")
    root = fixture.write_policies(tmp_path / "home")
    (root / "hierarchies" / "link.yaml").symlink_to(outside)
    findings = check(read_library(root), on=ON)
    assert [each.rule for each in findings] == ["policy.outside-folder"]
    assert "canary" not in str(findings[0])


def test_a_link_that_is_refused_is_reported_for_its_folder_by_the_command_too(tmp_path: Path) -> None:
    outside = tmp_path / "outside.yaml"
    outside.write_text("schema: niji/hierarchy/v1\nsecret: canary-7f3a\n", encoding="utf-8")
    root = fixture.write_policies(tmp_path / "home")
    (root / "hierarchies" / "link.yaml").symlink_to(outside)
    (root / "hierarchies" / "self.yaml").symlink_to(root / "hierarchies" / "self.yaml")
    ended = in_bounds("check", str(root), "--json", "--on", "2026-12-15")
    assert ended.returncode == 10, ended.stderr
    found = [(each["rule"], Path(each["file"]).name) for each in json.loads(ended.stdout)["findings"]]
    assert found == [("policy.outside-folder", "link.yaml"), ("policy.unreadable", "self.yaml")]
    assert "canary" not in ended.stdout


def test_a_file_that_is_not_read_is_named(tmp_path: Path) -> None:
    root = fixture.write_policies(tmp_path)
    (root / "releases" / "old").mkdir()
    (root / MICRODATA).rename(root / "releases" / "old" / "admissions.yaml")
    (root / CELLS).rename(root / "releases" / "cells.YAML")
    (root / "releases" / "notes.txt").write_text("not a policy", encoding="utf-8")
    found = [one for one in read_library(root).findings if one.rule == "policy.not-read"]
    assert [Path(one.place.file).relative_to(root).as_posix() for one in found] == [
        "releases/cells.YAML",
        "releases/old/admissions.yaml",
    ]
    assert rules_of(fixture.write_policies(tmp_path / "other")) == []


def test_a_link_within_the_folder_is_a_file(tmp_path: Path) -> None:
    root = fixture.write_policies(tmp_path)
    (root / "store").mkdir()
    (root / AGE).rename(root / "store" / "age.yaml")
    (root / AGE).symlink_to(root / "store" / "age.yaml")
    assert rules_of(root) == []


def test_a_link_to_nowhere_and_a_link_to_itself_are_refused(tmp_path: Path) -> None:
    root = fixture.write_policies(tmp_path)
    (root / "hierarchies" / "lost.yaml").symlink_to(root / "none.yaml")
    (root / "hierarchies" / "self.yaml").symlink_to(root / "hierarchies" / "self.yaml")
    assert rules_of(root) == [("policy.unreadable", "lost.yaml"), ("policy.unreadable", "self.yaml")]


def test_an_unreadable_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = fixture.write_policies(tmp_path)
    (root / AGE).chmod(0)
    if os.access(root / AGE, os.R_OK):
        # Rights do not bind the superuser; the system's answer is put in their place.
        really = os.open

        def refuse(path: object, *rest: int) -> int:
            if Path(str(path)) == root / AGE:
                raise PermissionError(13, "Permission denied", str(path))
            return really(str(path), *rest)

        monkeypatch.setattr("policies.files.os.open", refuse)
    findings = check(read_library(root), on=ON)
    assert ("policy.unreadable", str(root / AGE)) in {(each.rule, each.place.file) for each in findings}


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "policy.yaml-not-a-mapping"),
        (b"\n\n", "policy.yaml-not-a-mapping"),
        (b"\x00", "policy.yaml-invisible-character"),
        (b"schema: niji/hier\x00archy/v1\n", "policy.yaml-invisible-character"),
        (b"schema: \xff\xfe\n", "policy.yaml-encoding"),
        (b"\xff\xfes\x00c\x00h\x00", "policy.yaml-encoding"),
        (b"schema: \xed\xa0\x80\n", "policy.yaml-encoding"),
        (b"\xef\xbb\xbfschema: niji/hierarchy/v1\n", "policy.yaml-bom"),
        (b"a\r b: c\n", "policy.unknown-schema"),
    ],
    ids=["empty", "blank", "nul", "nul-inside", "not-utf-8", "utf-16", "surrogate", "bom", "carriage-return"],
)
def test_bytes_that_are_no_policy_are_refused_with_their_place(tmp_path: Path, data: bytes, code: str) -> None:
    path = tmp_path / "age.yaml"
    path.write_bytes(data)
    found = load_findings(path)
    assert code in {each.rule for each in found} or found[0].rule == "policy.yaml-syntax"
    assert all(each.place.file == str(path) and each.place.line >= 1 for each in found)


@pytest.mark.parametrize("escape", ["\\0", "\\x00", "\\u202e", "\\ud800", "\\U0000200B", "\\x1b", "\\ufeff"])
def test_an_escape_cannot_bring_in_what_nobody_sees(tmp_path: Path, escape: str) -> None:
    path = tmp_path / "age.yaml"
    path.write_text(fixture.changed(AGE, ("source: ", f'source: "{escape}" #')), encoding="utf-8")
    assert [each.rule for each in load_findings(path)] == ["policy.yaml-invisible-character"]


# --- references that are wrong


def found(root: Path, *, on: date = ON) -> list[Finding]:
    return [each for each in check(read_library(root), on=on) if each.severity.value == "BLOCK"]


def test_references_in_a_circle_are_refused(tmp_path: Path) -> None:
    edits = [
        ("{name: admission_id, ja: 入院番号, class: linkage_code, role: record_key, required: true}",
         "{name: admission_id, ja: 入院番号, class: linkage_code, role: record_key, required: true, references: diagnoses.admission_id}"),
    ]  # fmt: skip
    root = fixture.write_policies(tmp_path, {CLINIC: edits})
    codes = [(each.rule, each.place.line) for each in found(root) if each.rule == "policy.circular-reference"]
    lines = (root / CLINIC).read_text("utf-8").splitlines()
    assert [lines[line - 1].strip()[:22] for _, line in codes] == ["- {name: admission_id,"] * 2


def test_a_hierarchy_in_a_circle_is_refused_and_a_label_may_stay(tmp_path: Path) -> None:
    rows = "['1', '*'], ['2', '*']"
    root = fixture.write_policies(tmp_path / "a", {SEX: [(rows, "['1', '2', '*'], ['2', '1', '*']")]})
    assert any("broader than itself" in each.what and each.place.line > 1 for each in found(root))
    root = fixture.write_policies(tmp_path / "b", {SEX: [(rows, "['1', '1', '*'], ['2', '2', '*']")]})
    assert not any("broader than itself" in each.what for each in found(root))


@pytest.mark.parametrize("path", ["../secret.csv", "/etc/hostname", "", ".", "none.csv", "link.csv", "pipe.csv"])
def test_the_file_of_a_hierarchy_lies_beside_it(tmp_path: Path, path: str) -> None:
    levels = "{kind: intervals, low: 0, high: 120, widths: [5, 10], top_from: 90}"
    root = fixture.write_policies(tmp_path / "home", {AGE: [(levels, f"{{kind: file, path: '{path}'}}")]})
    (tmp_path / "secret.csv").write_text("1;*\n", encoding="utf-8")
    (root / "hierarchies" / "link.csv").symlink_to(tmp_path / "secret.csv")
    os.mkfifo(root / "hierarchies" / "pipe.csv")
    assert "policy.hierarchy" in {each.rule for each in found(root)}
    with pytest.raises(PolicyError, match=r"policy\.hierarchy-file"):
        library_digest(load_library(root), release="admissions")


def test_an_unknown_rule_is_refused_where_it_is_cited(tmp_path: Path) -> None:
    root = fixture.write_policies(tmp_path, {CELLS: [("{op: aggregate_only}, rule: APPI-05", "{op: aggregate_only}, rule: APPI-999")]})  # fmt: skip
    (finding,) = [each for each in found(root) if each.rule == "policy.unknown-rule"]
    assert "APPI-999" in (root / CELLS).read_text("utf-8").splitlines()[finding.place.line - 1]


# --- packs that contradict each other

PACK = """\
schema: niji/rulepack/v1
id: {id}
title: {{ja: 試験用, en: For tests}}
in_force_from: {day}
is_law: false
rules:
  - {{id: {rule}, citation: {{ja: 規程, en: rules of ours}}, text: {{ja: 試験, en: A test}}, evidence: {{ja: 記録, en: A record}}, severity: {severity}, check: later, confidence: G, stage: protected}}
"""


def pack(name: str, *, day: str = "2026-01-01", rule: str = "OURS-01", severity: str = "BLOCK") -> dict[str, str]:
    return {f"rulepacks/{name}.yaml": PACK.format(id=name, day=day, rule=rule, severity=severity)}


def test_two_packs_of_one_regime_on_one_day_are_refused(tmp_path: Path) -> None:
    two = pack("ours@2026-01-01") | pack("ours@2026-06-01", day="2026-06-01")
    root = fixture.write_policies(tmp_path, extra=two)
    (finding,) = found(root)
    assert finding.rule == "policy.packs-in-force-twice"
    assert (Path(finding.place.file).name, finding.place.line) == ("ours@2026-06-01.yaml", 4)
    assert "policy.packs-in-force-twice" not in {each.rule for each in found(root, on=date(2026, 5, 31))}


def test_a_later_pack_may_lie_ready(tmp_path: Path) -> None:
    two = pack("ours@2026-01-01") | pack("ours@2027-06-01", day="2027-06-01", severity="WARN")
    assert found(fixture.write_policies(tmp_path, extra=two)) == []


def test_one_rule_with_two_meanings_is_refused(tmp_path: Path) -> None:
    root = fixture.write_policies(tmp_path, extra=pack("ours@1") | pack("theirs@1", severity="WARN"))
    (finding,) = found(root)
    assert (finding.rule, Path(finding.place.file).name, finding.place.line) == (
        "policy.packs-conflict",
        "theirs@1.yaml",
        7,
    )
    assert "another severity" in finding.what


def test_one_rule_with_one_meaning_may_be_in_two_packs(tmp_path: Path) -> None:
    assert found(fixture.write_policies(tmp_path, extra=pack("ours@1") | pack("theirs@1"))) == []


def test_a_rule_of_the_law_cannot_be_said_otherwise(tmp_path: Path) -> None:
    root = fixture.write_policies(tmp_path, extra=pack("ours@1", rule="APPI-24", severity="WARN"))
    assert [(each.rule, Path(each.place.file).name) for each in found(root)] == [
        ("policy.packs-conflict", "ours@1.yaml")
    ]


def test_a_rule_without_its_parameter_is_a_finding_in_its_pack(tmp_path: Path) -> None:
    text = pack("ours@1")["rulepacks/ours@1.yaml"].replace("check: later", "check: unusual_is_removed")
    text = text.replace("stage: protected", "stage: policy")
    changes = {MICRODATA: [("rule_packs: [", "rule_packs: [ours@1, ")]}
    root = fixture.write_policies(tmp_path, changes, extra={"rulepacks/ours@1.yaml": text})
    findings = [each for each in found(root) if each.rule == "policy.rule-parameter"]
    assert [(Path(each.place.file).name, each.place.line) for each in findings] == [("ours@1.yaml", 7)]


# --- days and numbers out of all bounds


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
@pytest.mark.parametrize("file", [CLINIC, CELLS, CONTROLLED, STATISTICS, MICRODATA])
def test_no_day_ends_in_a_traceback(tmp_path: Path, file: str, day: str) -> None:
    text = fixture.FILES[file]
    for old in {word.strip("'\"{}[],") for line in text.split("\n") for word in line.split() if word[:2] == "20"}:
        text = text.replace(old, day) if len(old) == 10 else text
    root = fixture.write_policies(tmp_path, extra={file: text})
    for on in (date.min, ON, date.max):
        for finding in check(read_library(root), on=on):
            assert finding.place.file


@pytest.mark.parametrize("number", ["3661", "999999999", "999999999999999999"])
def test_a_wait_without_end_is_refused(tmp_path: Path, number: str) -> None:
    edit = [("withdrawn: [撤回]}", f"withdrawn: [撤回]}}\n  waiting: {{notice_on: 2026-01-01, wait_days: {number}}}")]
    root = fixture.write_policies(tmp_path, {CLINIC: edit})
    assert [each.rule for each in load_findings(root / CLINIC)] == ["policy.invalid-value"]


@pytest.mark.parametrize("year", ["-1", "0", "10000", "999999999"])
def test_impossible_years_of_a_hierarchy_are_refused(tmp_path: Path, year: str) -> None:
    levels = "{kind: intervals, low: 0, high: 120, widths: [5, 10], top_from: 90}"
    edit = [(levels, f"{{kind: date, first_year: {year}, last_year: {year}}}")]
    root = fixture.write_policies(tmp_path, {AGE: edit})
    assert [each.rule for each in load_findings(root / AGE)] == ["policy.invalid-value"] * 2


@pytest.mark.parametrize("number", ["1e999999999", "-1e31", "1e-999999999", "NaN", "Infinity", "9" * 40])
def test_numbers_that_would_fill_the_memory_are_refused(tmp_path: Path, number: str) -> None:
    text = fixture.changed(STATISTICS, ("release_rho: '0.25'", f"release_rho: '{number}'"))
    (tmp_path / "numbers.yaml").write_text(text, encoding="utf-8")
    findings = load_findings(tmp_path / "numbers.yaml")
    assert {each.place.line for each in findings} == {fixture.line_of(text, "release_rho")}


def test_an_interval_without_end_is_refused(tmp_path: Path) -> None:
    (tmp_path / "age.yaml").write_text(fixture.changed(AGE, ("high: 120", "high: 99999999999")), encoding="utf-8")
    assert [each.rule for each in load_findings(tmp_path / "age.yaml")] == ["policy.invalid-value"]


# --- anything at all


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=200))
def test_no_bytes_end_in_a_traceback(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "any.yaml"
    path.write_bytes(data)
    findings = load_findings(path)
    assert findings
    assert all(each.place.file == str(path) for each in findings)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data(), file=st.sampled_from(sorted(set(fixture.FILES) - {fixture.SUITE})))
def test_no_damage_ends_in_a_traceback(tmp_path: Path, file: str, data: st.DataObject) -> None:
    """Values of any type in any place: the check answers with findings that have a place."""
    text = fixture.FILES[file]
    lines = text.split("\n")
    number = data.draw(st.integers(0, len(lines) - 1))
    junk = data.draw(st.sampled_from(["word", "[]", "{}", "null", "-1", "1e9", "'word'", "[word]", "{word: 1}", "'1e99'", "0001-01-01"]))  # fmt: skip
    head, colon, _ = lines[number].partition(":")
    lines[number] = f"{head}{colon} {junk}" if colon else junk
    root = fixture.write_policies(tmp_path, extra={file: "\n".join(lines)})
    assert all(each.place.file for each in check(read_library(root), on=ON))


@pytest.mark.shared
def test_json_that_must_parse_or_be_refused_is(shared_data: Path, tmp_path: Path) -> None:
    """JSON is YAML, too: each file of the suite as a policy and as a quality suite."""
    root = fixture.write_policies(tmp_path)
    with tarfile.open(shared_data / "bad-input" / "jsontestsuite-test_parsing.tar.gz") as archive:
        members = [
            (member.name.rsplit("/", 1)[-1], archive.extractfile(member)) for member in archive if member.isfile()
        ]
        bodies = {name: (body or io.BytesIO()).read() for name, body in members}
    assert len(bodies) > 300
    for name, body in bodies.items():
        path = tmp_path / "any.yaml"
        path.write_bytes(body)
        findings = load_findings(path)
        assert findings, name
        assert all(each.place.file == str(path) for each in findings), name
        suite = root / "quality" / "any.json"
        suite.write_bytes(body)
        wrong = [each.rule for each in read_library(root).findings]
        assert wrong in ([], ["policy.suite-unreadable"]), name
        if name.startswith("n_"):
            assert wrong, name


def test_a_single_file_is_held_to_the_same(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    with pytest.raises(PolicyError, match=r"policy\.not-a-file"):
        load_release(tmp_path / "pipe.yaml")
