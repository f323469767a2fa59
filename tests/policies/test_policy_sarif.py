"""SARIF 2.1.0 as code review reads it: the structure that the standard asks for, and what a reviewer needs to see.

The schema of the standard is not among our pinned packages; `STRUCTURE` states by hand what the used part of it asks
(OASIS, SARIF 2.1.0 with Errata 01; the sections are named beside each object), and closes it, so that nothing is written
under a name that the standard does not have.
"""

import json
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from typer.testing import CliRunner

from pipelines.cli.main import app
from policies.check import check
from policies.load import load_library, read_library
from policies.sarif import sarif
from tests.support import policy_files as fixture
from tests.support.policy_files import AGE, CELLS, MICRODATA

ON = date(2026, 12, 15)


def closed(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


TEXT = {"type": "string", "minLength": 1}
LEVEL = {"enum": ["none", "note", "warning", "error"]}  # §3.27.10
MESSAGE = closed({"text": TEXT, "markdown": TEXT}, "text")  # §3.12 multiformatMessageString
DESCRIPTOR = closed(  # §3.49 reportingDescriptor
    {
        "id": TEXT,  # §3.49.3
        "shortDescription": MESSAGE,  # §3.49.9
        "fullDescription": MESSAGE,  # §3.49.10
        "help": MESSAGE,  # §3.49.13
        "defaultConfiguration": closed({"level": LEVEL}, "level"),  # §3.50.3
        "properties": {"type": "object", "properties": {"tags": {"type": "array", "uniqueItems": True}}},  # §3.8
    },
    "id",
)
REGION = closed(  # §3.30
    {"startLine": {"type": "integer", "minimum": 1}, "startColumn": {"type": "integer", "minimum": 1}}, "startLine"
)
LOCATION = closed(  # §3.28, §3.29, §3.4
    {
        "physicalLocation": closed(
            {
                "artifactLocation": closed({"uri": {"type": "string", "format": "uri-reference"}, "uriBaseId": TEXT}, "uri"),
                "region": REGION,
            },
            "artifactLocation",
        )
    },
    "physicalLocation",
)  # fmt: skip
RESULT = closed(  # §3.27
    {
        "ruleId": TEXT,  # §3.27.5
        "ruleIndex": {"type": "integer", "minimum": 0},  # §3.27.6
        "kind": {"const": "fail"},  # §3.27.9: a level other than none needs it
        "level": LEVEL,
        "message": closed({"text": TEXT}, "text"),  # §3.11
        "locations": {"type": "array", "items": LOCATION},  # §3.27.12
        "partialFingerprints": {"type": "object", "additionalProperties": TEXT},  # §3.27.17
    },
    "message",
)
STRUCTURE = closed(  # §3.13 sarifLog
    {
        "$schema": {"type": "string", "format": "uri", "pattern": "sarif-schema-2.1.0.json$"},  # §3.13.3
        "version": {"const": "2.1.0"},  # §3.13.2
        "runs": {
            "type": "array",
            "items": closed(  # §3.14 run
                {
                    "tool": closed(  # §3.18
                        {
                            "driver": closed(  # §3.19 toolComponent
                                {
                                    "name": TEXT,
                                    "fullName": TEXT,
                                    "semanticVersion": {"type": "string", "pattern": r"^\d+\.\d+\.\d+"},
                                    "rules": {"type": "array", "items": DESCRIPTOR, "uniqueItems": True},
                                },
                                "name",
                            )
                        },
                        "driver",
                    ),
                    "language": {"type": "string", "pattern": "^[a-z]{2}(-[A-Z]{2})?$"},  # §3.14.7
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},  # §3.14.17
                    "originalUriBaseIds": {  # §3.14.14
                        "type": "object",
                        "additionalProperties": closed({"description": closed({"text": TEXT}, "text")}),
                    },
                    "invocations": {  # §3.20
                        "type": "array",
                        "items": closed(
                            {"executionSuccessful": {"type": "boolean"}, "exitCode": {"type": "integer"}},
                            "executionSuccessful",
                        ),
                    },
                    "results": {"type": "array", "items": RESULT},  # §3.14.23
                },
                "tool",
            ),
        },
    },
    "version",
    "runs",
)


def log_of(root: Path, *, base: Path | None = None) -> dict[str, Any]:
    library = read_library(root)
    findings = check(library, on=ON)
    log = sarif(findings, library.rulepacks.values(), base=base or root, tool_version="1.2.3")
    body: dict[str, Any] = json.loads(json.dumps(log))
    return body


def run_of(root: Path, *, base: Path | None = None) -> dict[str, Any]:
    run: dict[str, Any] = log_of(root, base=base)["runs"][0]
    return run


BROKEN = {
    MICRODATA: [("{op: to_prefecture}", "{op: keep, reason: nobody knows why}"), ("k: 12", "k: 3")],
    CELLS: [
        ("    table: patients", "    table: patient"),
        ("effective_from: 2026-12-01", "effective_from: 2027-01-01"),
    ],
    AGE: [("source:", "sorce:")],
}


@pytest.mark.parametrize("changes", [{}, BROKEN], ids=["nothing-wrong", "much-wrong"])
def test_the_log_has_the_structure_of_the_standard(tmp_path: Path, changes: Any) -> None:
    log = log_of(fixture.write_policies(tmp_path, changes))
    jsonschema.Draft202012Validator(STRUCTURE, format_checker=jsonschema.FormatChecker()).validate(log)


def test_the_structure_refuses_what_the_standard_does_not_have(tmp_path: Path) -> None:
    log = log_of(fixture.write_policies(tmp_path, BROKEN))
    log["runs"][0]["results"][0]["severity"] = "high"
    with pytest.raises(jsonschema.ValidationError, match="severity"):
        jsonschema.validate(log, STRUCTURE)


def test_every_result_points_to_its_rule_and_line(tmp_path: Path) -> None:
    root = fixture.write_policies(tmp_path, BROKEN)
    findings = check(read_library(root), on=ON)
    run = run_of(root)
    assert len(run["results"]) == len(findings)
    for finding, result in zip(findings, run["results"], strict=True):
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == finding.rule
        (location,) = result["locations"]
        place = location["physicalLocation"]
        assert place["artifactLocation"]["uriBaseId"] in run["originalUriBaseIds"]
        assert root / place["artifactLocation"]["uri"] == Path(finding.place.file)
        assert place["region"] == {"startLine": finding.place.line, "startColumn": finding.place.column}
        assert finding.what in result["message"]["text"]
        assert finding.fix in result["message"]["text"]


def test_severities_become_levels(tmp_path: Path) -> None:
    root = fixture.write_policies(tmp_path, BROKEN)
    levels = {"BLOCK": "error", "HOLD": "warning", "WARN": "note"}
    findings = check(read_library(root), on=ON)
    assert {each.severity.value for each in findings} >= {"BLOCK", "HOLD"}
    assert [each["level"] for each in run_of(root)["results"]] == [levels[each.severity.value] for each in findings]


def test_rules_are_explained_in_both_languages_with_their_citation(tmp_path: Path) -> None:
    root = fixture.write_policies(tmp_path, BROKEN)
    packs = load_library(fixture.write_policies(tmp_path / "good")).rulepacks.values()
    clauses = {rule.id: rule for pack in packs for rule in pack.rules}
    described = [each for each in run_of(root)["tool"]["driver"]["rules"] if each["id"] in clauses]
    assert described
    for each in described:
        rule = clauses[each["id"]]
        for text in (rule.text.ja, rule.text.en, rule.citation.ja, rule.citation.en):
            assert text in each["help"]["text"]
            assert text in each["help"]["markdown"]


def test_house_rules_are_not_called_law(tmp_path: Path) -> None:
    root = fixture.write_policies(tmp_path, {MICRODATA: [("max_record_risk: 0.09", "max_record_risk: 0.01")]})
    (rule,) = [each for each in run_of(root)["tool"]["driver"]["rules"] if each["id"] == "CONS-01"]
    assert "not law" in rule["help"]["text"]
    assert "法令ではない" in rule["help"]["text"]
    assert "house-rule" in rule["properties"]["tags"]


def test_fingerprints_hold_when_lines_move_and_differ_between_findings(tmp_path: Path) -> None:
    before = run_of(fixture.write_policies(tmp_path / "a", BROKEN))["results"]
    text = "# One line more.\n\n" + fixture.changed(MICRODATA, *BROKEN[MICRODATA])
    moved = run_of(fixture.write_policies(tmp_path / "b", BROKEN, extra={MICRODATA: text}))["results"]

    def known(results: list[dict[str, Any]]) -> list[str]:
        return [each["partialFingerprints"]["nijiFinding/v1"] for each in results]

    assert known(before) == known(moved)
    assert len(set(known(before))) == len(before)
    lines = [[each["locations"][0]["physicalLocation"]["region"]["startLine"] for each in r] for r in (before, moved)]
    assert lines[0] != lines[1]


def test_addresses_are_relative_and_escaped(tmp_path: Path) -> None:
    home = tmp_path / "院内 規程"
    root = fixture.write_policies(home, {AGE: [("source:", "sorce:")]})
    uris = {each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for each in run_of(root, base=tmp_path)["results"]}  # fmt: skip
    assert "%E9%99%A2%E5%86%85%20%E8%A6%8F%E7%A8%8B/hierarchies/age.yaml" in uris
    outside = run_of(root, base=tmp_path / "elsewhere")["results"][0]["locations"][0]["physicalLocation"]
    assert outside["artifactLocation"]["uri"].startswith("file:///")
    assert "uriBaseId" not in outside["artifactLocation"]


def test_the_command_writes_it_and_ends_as_always(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = fixture.write_policies(tmp_path, BROKEN)
    monkeypatch.chdir(root)
    ended = CliRunner().invoke(app, ["policy", "check", ".", "--format", "sarif", "--on", "2026-12-15"])
    assert ended.exit_code == 10
    log = json.loads(ended.stdout)
    jsonschema.validate(log, STRUCTURE)
    assert log["runs"][0]["tool"]["driver"]["semanticVersion"] == version("niji")
    assert log["runs"][0]["invocations"] == [{"executionSuccessful": True, "exitCode": 10}]
    uris = [each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for each in log["runs"][0]["results"]]
    assert AGE in uris


def test_json_by_either_option(tmp_path: Path) -> None:
    root = fixture.write_policies(tmp_path)
    words = ["policy", "check", str(root), "--on", "2026-12-15"]
    first, second = (CliRunner().invoke(app, [*words, *more]) for more in (["--json"], ["--format", "json"]))
    assert first.stdout == second.stdout
    assert json.loads(first.stdout)["ok"] is True
