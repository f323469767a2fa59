"""Cases that officers write: the shipped ones decide as their folders say; a case that does not is found at its line."""

from collections import Counter
from pathlib import Path

import pytest

from policies.decision.cases import Decided, check_cases
from policies.decision.verdict import Verdict
from policies.findings import Finding
from policies.library import PolicyLibrary
from policies.load import PACKAGED, load_library, read_library
from policies.vocabulary import Delivery
from tests.support import policy_files

SHIPPED = check_cases(load_library(PACKAGED))
FITTING = """\
schema: niji/case/v1
title: {ja: 研究, en: Research}
on: "2026-12-15"
request:
  recipient: R-001
  users: [r-hayashi]
  purpose: 研究
  duo: "DUO:0000006"
  ehds53: e
  is_commercial: false
  uses: [research]
  ethics: {committee_no: E, expires_on: "2030-03-31"}
  period_from: "2026-12-15"
  period_to: "2027-06-30"
  security: type2
  accepted_prohibitions: [reidentify, link_persons, contact_subject, insurance_or_credit_decision, employment_decision, marketing, onward_transfer]
  accepted_terms: [no_identification, no_matching, no_contact, no_onward_transfer, no_removed_information, research_only, named_users, cite_accession, latest_version, publish_results, report_findings, delete_at_end, penalties]
"""
MARKETING = FITTING.replace("uses: [research]", "uses: [marketing]")


@pytest.mark.parametrize("one", SHIPPED.decided, ids=lambda one: "/".join(one.file.parts[-3:]))
def test_a_shipped_case_decides_as_its_folder_says(one: Decided) -> None:
    assert one.decision.verdict is one.expected


def test_no_shipped_case_is_out_of_order() -> None:
    assert [str(each) for each in SHIPPED.findings] == []


def test_every_shipped_release_has_enough_cases() -> None:
    library = load_library(PACKAGED)
    counts = Counter((one.file.parts[-3], one.expected) for one in SHIPPED.decided)
    for name, release in library.releases.items():
        if Delivery.EXTRACT in release.delivery:
            assert counts[name, Verdict.ADMIT] >= 3
            assert counts[name, Verdict.ASK] >= 1
        assert counts[name, Verdict.REFUSE] >= 6


def library_with(folder: Path, cases: dict[str, str]) -> PolicyLibrary:
    policy_files.write_policies(folder)
    for name, text in cases.items():
        path = folder / "cases" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return read_library(folder)


def findings(folder: Path, name: str, text: str) -> tuple[Finding, ...]:
    return check_cases(library_with(folder, {name: text})).findings


def test_a_case_that_fits_is_silent(tmp_path: Path) -> None:
    assert findings(tmp_path, "rows/allow/research.yaml", FITTING) == ()
    denied = MARKETING.replace("request:", "because: [EHDS-54]\nrequest:")
    assert findings(tmp_path / "other", "rows/deny/marketing.yaml", denied) == ()


@pytest.mark.parametrize(
    ("name", "text", "code", "line"),
    [
        ("rows/deny/research.yaml", FITTING, "policy.case-decided-otherwise", 4),
        ("rows/ask/research.yaml", FITTING, "policy.case-decided-otherwise", 4),
        ("rows/allow/marketing.yaml", MARKETING, "policy.case-decided-otherwise", 4),
        ("rows/deny/marketing.yaml", MARKETING, "policy.case-without-reason", 3),
        (
            "rows/deny/marketing.yaml",
            MARKETING.replace("request:", "because: [EHDS-54, APPI-14]\nrequest:"),
            "policy.case-other-reason",
            4,
        ),
        ("rows/maybe/research.yaml", FITTING, "policy.case-misplaced", 1),
        ("rows/research.yaml", FITTING, "policy.case-misplaced", 1),
        ("nowhere/allow/research.yaml", FITTING, "policy.case-misplaced", 1),
        ("rows/allow/research.yaml", FITTING.replace("ehds53: e", "ehds53: z"), "policy.bad-value", 9),
        ("rows/allow/research.yaml", FITTING.replace("is_commercial: false\n", "is_commercial: no\n"), "policy.", 10),
        ("rows/allow/research.yaml", FITTING.replace("  uses:", "  use:"), "policy.unknown-key", 11),
        ("rows/allow/research.yaml", FITTING.replace("niji/case/v1", "niji/case/v2"), "policy.", 1),
        ("rows/allow/research.yaml", FITTING + "  recipient: R-001\n", "policy.yaml-duplicate-key", 18),
        ("rows/allow/research.yaml", FITTING.replace("2030-03-31", "2030-02-31"), "policy.", 12),
    ],
)
def test_a_case_out_of_order_is_found_at_its_line(tmp_path: Path, name: str, text: str, code: str, line: int) -> None:
    found = findings(tmp_path, name, text)
    assert found
    assert any(each.rule.startswith(code[: len("policy.")]) for each in found)
    if code not in {"policy.", "policy.bad-value"}:
        assert code in {each.rule for each in found}
    assert {each.place.file for each in found} == {str(tmp_path / "cases" / name)}
    assert line in {each.place.line for each in found}


def test_the_finding_names_the_rules_and_no_word_of_the_request(tmp_path: Path) -> None:
    text = MARKETING.replace("r-hayashi", "r-secretname").replace("purpose: 研究", "purpose: 秘密の研究")
    (found,) = findings(tmp_path, "rows/allow/marketing.yaml", text)
    assert "EHDS-54 (prohibited-use)" in found.what
    assert "secretname" not in str(found)
    assert "秘密" not in str(found)


def test_the_cases_of_one_release_are_judged_with_it(tmp_path: Path) -> None:
    library = library_with(tmp_path, {"rows/deny/a.yaml": FITTING, "admissions/deny/a.yaml": FITTING})
    assert len(check_cases(library).findings) == 2
    release = tmp_path / policy_files.CONTROLLED
    assert [each.file.parts[-3] for each in check_cases(library, paths=[release]).decided] == ["rows"]
    one = tmp_path / "cases" / "admissions" / "deny" / "a.yaml"
    assert [each.file for each in check_cases(library, paths=[one]).decided] == [one]
    assert len(check_cases(library, paths=[tmp_path]).decided) == 2
    assert check_cases(library, paths=[tmp_path / "datasets"]).decided == ()


def test_the_cases_of_a_broken_release_wait_for_it(tmp_path: Path) -> None:
    library_with(tmp_path, {"rows/deny/a.yaml": FITTING})
    broken = tmp_path / policy_files.CONTROLLED
    broken.write_text(broken.read_text("utf-8").replace("effective_from", "effective"), "utf-8")
    cases = check_cases(read_library(tmp_path))
    assert cases.decided == ()
    assert cases.findings == ()


def test_a_loosened_policy_turns_a_case_red(tmp_path: Path) -> None:
    denied = FITTING.replace("recipient: R-001", "recipient: R-009").replace(
        "request:", "because: [policy.recipients]\nrequest:"
    )
    library_with(tmp_path, {"rows/deny/stranger.yaml": denied})
    assert check_cases(read_library(tmp_path)).findings == ()
    release = tmp_path / policy_files.CONTROLLED
    text = release.read_text("utf-8")
    line = next(each for each in text.splitlines() if "id: R-001" in each)
    release.write_text(text.replace(line, f"{line}\n{line.replace('R-001', 'R-009')}"), "utf-8")
    assert [each.rule for each in check_cases(read_library(tmp_path)).findings] == ["policy.case-decided-otherwise"]
