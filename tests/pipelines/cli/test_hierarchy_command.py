"""`niji hierarchy …` and `niji anonymize --export-mapping`: files in, files out, no value in a message."""

import csv
import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from pipelines.cli.anonymize import anonymize
from pipelines.cli.hierarchy import app
from policies.errors import ExitCode, NijiError

AGE = """schema: niji/hierarchy/v1
id: age
version: 1.2.0
title: {ja: 年齢, en: Age}
source: written for this test
license: CC0-1.0
on_unseen: refuse
levels: {kind: ages, steps: [five_year, ten_year], top_from: 90}
"""
ICD = (
    AGE.replace("id: age", "id: icd")
    .replace("refuse", "suppress")
    .replace("{kind: ages, steps: [five_year, ten_year], top_from: 90}", "{kind: codes, system: icd9cm}")
)
ROWS = [("pid", "age", "icd"), *((f"p{n}", str(20 + n % 4), ["25001", "250.9", "401"][n % 3]) for n in range(24))]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "hierarchies"
    folder.mkdir()
    (folder / "age.yaml").write_text(AGE, encoding="utf-8")
    (folder / "icd.yaml").write_text(ICD, encoding="utf-8")
    write(tmp_path / "table.csv", ROWS)
    return tmp_path


def write(path: Path, rows: list[tuple[str, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows(rows)


def read(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.reader(stream))


def run(*arguments: object) -> Result:
    whole = typer.Typer()
    whole.add_typer(app, name="hierarchy")
    whole.command()(anonymize)
    return CliRunner().invoke(whole, [str(argument) for argument in arguments])


def refused(result: Result, code: str, exit_code: ExitCode) -> NijiError:
    assert isinstance(result.exception, NijiError), result.output
    assert result.exception.code == code
    assert result.exception.exit_code is exit_code
    return result.exception


def exported(home: Path, *more: object) -> Path:
    mapping = home / "mapping.json"
    done = run(
        "anonymize", home / "table.csv", "--output", home / "out.csv", "--quasi", "age,icd", "--hierarchies",
        home / "hierarchies", "--k", 4, "--person", "pid", "--evidence", home / "evidence.json",
        "--export-mapping", mapping, *more,
    )  # fmt: skip
    assert done.exit_code == 0, done.exception
    return mapping


def test_an_artifact_is_built_shown_and_serves_as_a_hierarchy(home: Path) -> None:
    artifact = home / "hierarchies" / "age.json"
    done = run("hierarchy", "build", home / "hierarchies/age.yaml", "--output", artifact)
    assert done.exit_code == 0, done.exception
    record = json.loads(artifact.read_text("utf-8"))
    assert record["digest"] in done.output
    assert (record["version"], record["license"], record["height"]) == ("1.2.0", "CC0-1.0", 4)
    shown = run("hierarchy", "show", artifact, "--value", "93", "--value", "x", "--json")
    told = json.loads(shown.output)
    assert told["values"] == {"93": ["93", "90+", "90+", "*"], "x": None}
    assert [level["labels"] for level in told["levels"]] == [121, 19, 10, 1]
    refused(
        run("anonymize", home / "table.csv", "--output", home / "o.csv", "--quasi", "age", "--hierarchies",
            home / "hierarchies", "--k", 4),
        "usage.hierarchy-ambiguous", ExitCode.USAGE,
    )  # fmt: skip
    (home / "hierarchies/age.yaml").unlink()
    exported(home)
    assert json.loads((home / "evidence.json").read_text())["hierarchies"]["age"]["digest"] == record["digest"]
    assert "age 1.2.0" in run("hierarchy", "show", artifact).output


def test_rows_are_built_for_other_tools_but_not_of_a_rule(home: Path) -> None:
    assert run("hierarchy", "build", home / "hierarchies/age.yaml", "--output", home / "age.csv").exit_code == 0
    assert read(home / "age.csv")[20] == ["20;20-24;20-29;*"]
    by_rule = run("hierarchy", "build", home / "hierarchies/icd.yaml", "--output", home / "icd.csv")
    refused(by_rule, "usage.hierarchy-by-rule", ExitCode.USAGE)
    refused(
        run("hierarchy", "build", home / "age.csv", "--output", home / "o.json"),
        "usage.hierarchy-format",
        ExitCode.USAGE,
    )


def test_check_names_every_broken_law_with_its_line(home: Path) -> None:
    good, bad = home / "good.csv", home / "bad.csv"
    good.write_text("a;x;*\nb;x;*\nc;y;*\nd;y;*\n", encoding="utf-8")
    bad.write_text("secret1;x;1;*\nsecret2;x;2;*\nsecret1;x;1;*\nb;*\n", encoding="utf-8")
    assert run("hierarchy", "check", good).exit_code == 0
    assert run("hierarchy", "check", home / "hierarchies/age.yaml", "--language", "en").exit_code == 0
    found = run("hierarchy", "check", bad, "--language", "en")
    refused(found, "policy.hierarchy-laws", ExitCode.POLICY)
    assert "bad.csv:2 error level 1: a label has a second parent (against line 1)" in found.output
    assert "bad.csv:3 error level 0: the value has a row already (against line 1)" in found.output
    assert "bad.csv:4 error: the row has another number of levels" in found.output
    assert "secret" not in found.output + str(found.exception)
    in_japanese = run("hierarchy", "check", bad)
    assert "bad.csv:2 誤り 段1" in in_japanese.output
    told = json.loads(run("hierarchy", "check", bad, "--json").output)
    assert [(each["law"], each["line"]) for each in told["findings"]] == [("two_parents", 2), ("duplicate_leaf", 3), ("ragged", 4)]  # fmt: skip


def test_coverage_counts_and_only_the_report_names_values(home: Path) -> None:
    write(home / "more.csv", [*ROWS, ("p90", "140", "999"), ("p91", "", "x-secret")])
    report = home / "unseen.csv"
    icd = home / "hierarchies/icd.yaml"
    found = run("hierarchy", "coverage", icd, home / "more.csv", "--column", "icd", "--person", "pid", "--report", report)  # fmt: skip
    error = refused(found, "data.unseen-value", ExitCode.DATA)
    assert "secret" not in found.output + str(error)
    assert "rows <10 of 26, people <10 of 26" in found.output
    assert read(report) == [["value", "rows", "people"], ["x-secret", "1", "1"]]
    assert report.stat().st_mode & 0o077 == 0
    whole = run("hierarchy", "coverage", icd, home / "table.csv", "--column", "icd", "--json")
    assert whole.exit_code == 0
    assert json.loads(whole.output)["is_whole"] is True
    nowhere = run("hierarchy", "coverage", icd, home / "table.csv", "--column", "none")
    refused(nowhere, "data.column-missing", ExitCode.DATA)


def test_an_exported_mapping_applied_to_the_table_gives_the_release_again(home: Path) -> None:
    mapping = exported(home)
    again = run("hierarchy", "apply", mapping, home / "table.csv", "--output", home / "again.csv", "--k", 4, "--person", "pid", "--json")  # fmt: skip
    assert again.exit_code == 0, again.exception
    record = json.loads(again.output)
    evidence = json.loads((home / "evidence.json").read_text("utf-8"))
    assert evidence["suppressed_records"] == 0
    assert sorted(read(home / "again.csv")) == sorted(read(home / "out.csv"))
    assert record["k"] == evidence["k"]
    assert record["levels"] == evidence["node"]
    told = json.loads(mapping.read_text("utf-8"))
    assert [(each["hierarchy"], each["version"]) for each in told["columns"]] == [("age", "1.2.0"), ("icd", "1.2.0")]
    assert "25001" not in mapping.read_text("utf-8"), "a value that only the data held"


def test_a_mapping_for_reading_is_rows(home: Path) -> None:
    exported(home, "--export-mapping", home / "mapping.csv")
    told = read(home / "mapping.csv")
    assert told[0] == ["column", "hierarchy", "version", "level", "value", "label"]
    ages = {row[4]: row[5] for row in told[1:] if row[0] == "age"}
    evidence = json.loads((home / "evidence.json").read_text("utf-8"))
    assert len(ages) == 121
    assert ages["23"] == ["23", "20-24", "20-29", "*"][evidence["node"]["age"]]
    assert {row[1] for row in told[1:]} == {evidence["hierarchies"]["age"]["digest"]}
    other = run(
        "anonymize", home / "table.csv", "--output", home / "o.csv", "--quasi", "age", "--hierarchies",
        home / "hierarchies", "--k", 4, "--export-mapping", home / "mapping.txt",
    )  # fmt: skip
    refused(other, "usage.mapping-format", ExitCode.USAGE)


def test_no_k_is_claimed_of_other_people_and_a_short_class_writes_nothing(home: Path) -> None:
    mapping = exported(home)
    write(home / "few.csv", ROWS[:4])
    plain = run("hierarchy", "apply", mapping, home / "few.csv", "--output", home / "few-out.csv")
    assert plain.exit_code == 0
    assert "no k is claimed" in plain.output
    assert len(read(home / "few-out.csv")) == 4
    short = run("hierarchy", "apply", mapping, home / "few.csv", "--output", home / "short.csv", "--k", 5)
    refused(short, "data.k-not-held", ExitCode.DATA)
    assert not (home / "short.csv").exists()


def test_unseen_values_of_the_other_table_are_refused_suppressed_or_one_label(home: Path) -> None:
    mapping = exported(home)
    write(home / "new.csv", [*ROWS, ("p90", "140", "401")])
    error = refused(run("hierarchy", "apply", mapping, home / "new.csv", "--output", home / "n.csv"), "data.unseen-value", ExitCode.DATA)  # fmt: skip
    assert "140" not in str(error)
    gone = run("hierarchy", "apply", mapping, home / "new.csv", "--output", home / "n.csv", "--on-unseen", "suppress")
    assert "24 rows written, 1 suppressed" in gone.output
    other = run("hierarchy", "apply", mapping, home / "new.csv", "--output", home / "n.csv", "--on-unseen", "other")
    assert other.exit_code == 0
    assert any("その他 Other" in row for row in read(home / "n.csv"))


def test_what_cannot_be_mapped_or_read_is_refused(home: Path) -> None:
    mapping = home / "mapping.json"
    local = run(
        "anonymize", home / "table.csv", "--output", home / "o.csv", "--quasi", "age", "--hierarchies",
        home / "hierarchies", "--k", 4, "--recoding", "local", "--export-mapping", mapping,
    )  # fmt: skip
    refused(local, "usage.no-mapping", ExitCode.USAGE)
    apply = ("hierarchy", "apply")
    refused(run(*apply, mapping, home / "table.csv", "--output", home / "o.csv"), "usage.no-such-file", ExitCode.USAGE)
    mapping.write_text("[]", encoding="utf-8")
    refused(run(*apply, mapping, home / "table.csv", "--output", home / "o.csv"), "usage.not-json", ExitCode.USAGE)
    mapping.write_text("{}", encoding="utf-8")
    refused(run(*apply, mapping, home / "table.csv", "--output", home / "o.csv"), "policy.mapping", ExitCode.POLICY)
    exported(home)
    same = run(*apply, mapping, home / "table.csv", "--output", home / "table.csv")
    refused(same, "usage.output-is-input", ExitCode.USAGE)
    person = run(*apply, mapping, home / "table.csv", "--output", home / "o.csv", "--person", "age")
    refused(person, "usage.person-leaves", ExitCode.USAGE)
    refused(run("hierarchy", "show", home / "none.yaml"), "usage.no-such-file", ExitCode.USAGE)
    (home / "table.txt").write_text("a;*", encoding="utf-8")
    refused(run("hierarchy", "show", home / "table.txt"), "usage.hierarchy-format", ExitCode.USAGE)


def test_evidence_counts_what_the_hierarchies_did_not_know(home: Path) -> None:
    write(home / "table.csv", [*ROWS, ("p90", "21", "no code")])
    exported(home, "--suppression-limit", "0.04")
    evidence = json.loads((home / "evidence.json").read_text("utf-8"))
    assert evidence["unseen_values"] == {"icd": {"on_unseen": "suppress", "values": 1, "rows": 1}}
    assert evidence["suppressed_records"] == 1


def test_a_hierarchy_by_rule_gives_no_order_of_values(home: Path) -> None:
    asked = run(
        "anonymize", home / "table.csv", "--output", home / "o.csv", "--quasi", "age", "--hierarchies",
        home / "hierarchies", "--k", 4, "--t", "icd=0.5", "--distance", "icd=ordered",
    )  # fmt: skip
    refused(asked, "usage.distance", ExitCode.USAGE)
    apart = run(
        "anonymize", home / "table.csv", "--output", home / "o.csv", "--quasi", "age", "--hierarchies",
        home / "hierarchies", "--k", 4, "--t", "icd=0.5", "--distance", "icd=hierarchical",
    )  # fmt: skip
    assert apart.exit_code == 0, apart.exception
