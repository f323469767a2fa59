"""`niji policy decide` and the cases in `niji policy check`: words, codes, JSON, speed of start."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pipelines.cli.policy import app
from policies.errors import NijiError

POLICIES = Path(__file__).resolve().parents[3] / "policies"
RELEASE = POLICIES / "releases" / "cohort-controlled.yaml"
CASES = POLICIES / "cases" / "cohort-controlled"
ON = ("--on", "2026-12-01")


def run(*arguments: str | Path) -> Any:
    found = CliRunner().invoke(app, [str(each) for each in arguments])
    if isinstance(found.exception, NijiError):
        raise found.exception
    return found


@pytest.mark.parametrize(
    ("case", "verdict", "code"),
    [
        ("allow/university-research.yaml", "admit", 0),
        ("ask/use-in-care.yaml", "ask", 0),
        ("deny/marketing.yaml", "refuse", 12),
    ],
)
def test_the_verdict_and_its_code(case: str, verdict: str, code: int) -> None:
    found = run("decide", RELEASE, CASES / case, *ON, "--json")
    assert found.exit_code == code
    body = json.loads(found.stdout)
    assert body["verdict"] == verdict
    assert (body["release"], body["on"]) == ("cohort-controlled", "2026-12-01")
    assert "Mondo" in body["diseases"]
    for reason in body["reasons"]:
        assert set(reason) == {"code", "verdict", "rule", "citation", "ja", "en"}
        assert all(reason.values())


@pytest.mark.parametrize("file", sorted(POLICIES.glob("cases/*/*/*.yaml")), ids=lambda file: "-".join(file.parts[-3:]))
def test_a_case_is_decided_on_its_own_day_and_with_what_it_takes_for_known(file: Path) -> None:
    expected = {"allow": "admit", "ask": "ask", "deny": "refuse"}[file.parent.name]
    release = POLICIES / "releases" / f"{file.parent.parent.name}.yaml"
    assert json.loads(run("decide", release, file, "--json").stdout)["verdict"] == expected


def test_a_day_that_is_given_goes_before_that_of_a_case() -> None:
    case = POLICIES / "cases" / "admissions-anonymized" / "deny" / "before-effective.yaml"
    release = POLICIES / "releases" / "admissions-anonymized.yaml"
    assert json.loads(run("decide", release, case, *ON, "--json").stdout)["verdict"] == "admit"


def test_reasons_are_read_in_both_languages() -> None:
    japanese = run("decide", RELEASE, CASES / "deny/marketing.yaml", *ON).stdout
    assert japanese.splitlines()[0] == "提供できません(2026-12-01)"
    assert (
        "[不可] prohibited-use: 禁止された利用です: 広告・マーケティング (EHDS-54: EHDS規則54条(c)"
        in japanese.splitlines()[1]
    )
    english = run("decide", RELEASE, CASES / "deny/marketing.yaml", *ON, "--language", "en").stdout
    assert english.startswith("REFUSE")
    assert "[refuse] prohibited-use: the use is prohibited: advertising or marketing" in english
    asked = run("decide", RELEASE, CASES / "ask/use-in-care.yaml", *ON, "--language", "en").stdout
    assert asked.startswith("ASK: a person must look")
    assert asked.splitlines()[-1].startswith("Signatures were not looked at")
    assert "署名は見ていない" in japanese


def test_a_request_in_a_file_of_its_own(tmp_path: Path) -> None:
    case = (CASES / "allow/university-research.yaml").read_text("utf-8")
    body = case.split("request:\n")[1].replace("\n  ", "\n")[2:]
    head = "schema: niji/request/v1\nrelease: cohort-controlled\nrelease_version: {}\n"
    version = next(line.split()[1] for line in RELEASE.read_text("utf-8").splitlines() if line.startswith("version:"))
    path = tmp_path / "request.yaml"
    path.write_text(head.format(version) + body, "utf-8")
    assert run("decide", RELEASE, path, *ON).exit_code == 0
    path.write_text(head.format("99.0.0") + body, "utf-8")
    assert run("decide", RELEASE, path, *ON).exit_code == 12


def test_what_is_no_release_or_no_request_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NijiError, match=r"policy\.not-a-release"):
        run("decide", POLICIES / "datasets" / "cohort.yaml", CASES / "deny/marketing.yaml")
    with pytest.raises(NijiError, match=r"policy\."):
        run("decide", RELEASE, RELEASE)
    with pytest.raises(NijiError, match=r"policy\.unreadable"):
        run("decide", RELEASE, tmp_path / "nothing.yaml")
    with pytest.raises(NijiError, match=r"policy\.not-a-date"):
        run("decide", RELEASE, CASES / "deny/marketing.yaml", "--on", "tomorrow")
    with pytest.raises(NijiError, match=r"mondo\.form"):
        run("decide", RELEASE, CASES / "deny/marketing.yaml", "--mondo", tmp_path / "mondo.owl")


def test_a_user_s_table_of_diseases_is_named(tmp_path: Path) -> None:
    table = tmp_path / "few.csv"
    table.write_text("MONDO:0005148,MONDO:0000001\n", "utf-8")
    found = run("decide", RELEASE, CASES / "allow/one-disease.yaml", *ON, "--mondo", table, "--json")
    assert json.loads(found.stdout)["diseases"] == "few.csv"


def test_check_decides_the_cases(tmp_path: Path) -> None:
    found = run("check", CASES, "--json")
    assert json.loads(found.stdout) == {"findings": [], "ok": True}
    assert found.exit_code == 0
    assert "files checked" in run("check", CASES / "deny" / "marketing.yaml").stdout


def test_the_command_starts_without_the_data_machinery() -> None:
    code = (
        "import sys; import pipelines.cli.policy; "
        "heavy = {'dagster', 'ibis', 'pyarrow', 'great_expectations', 'numpy', 'cryptography', 'sqlalchemy', 'rdflib'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"
