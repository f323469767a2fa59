"""Every pair of policies: the violating one is refused by its rule at its line, the corrected twin is not refused."""

from collections import Counter
from pathlib import Path

import pytest

from policies.check import check
from policies.findings import Finding
from policies.load import PACKAGED, read_library
from policies.vocabulary import Severity
from tests.support.policy_files import Changes
from tests.support.rule_pairs import PAIRS, VIOLATIONS, FilePair, file_pairs, marks_of, registered


def findings_of(pair: FilePair, folder: Path, changes: Changes) -> tuple[Finding, ...]:
    return check(read_library(pair.write(folder, changes)), on=pair.on)


@pytest.mark.parametrize("pair", file_pairs(), ids=lambda pair: f"{pair.violation or pair.rule}-{pair.name}")
def test_violation_is_refused_at_its_line_and_the_twin_is_not(pair: FilePair, tmp_path: Path) -> None:
    findings = findings_of(pair, tmp_path / "violating", pair.violating)
    file = tmp_path / "violating" / pair.place[0]
    hits = [each for each in findings if each.rule == pair.rule and each.place.file == str(file)]
    assert hits, [f"{each.rule} {each.place.line} {each.what}" for each in findings]
    lines = file.read_text(encoding="utf-8").splitlines()
    assert any(pair.place[1] in lines[each.place.line - 1] for each in hits), [str(each.place) for each in hits]
    assert all(each.place.column >= 1 and each.what and each.why and each.fix for each in hits)

    twin = findings_of(pair, tmp_path / "corrected", pair.corrected)
    refused = [each for each in twin if each.rule == pair.rule or each.severity is Severity.BLOCK]
    assert [str(each) for each in refused] == []


def test_every_rule_of_every_pack_has_a_pair() -> None:
    rules = {rule.id for pack in read_library(PACKAGED).rulepacks.values() for rule in pack.rules}
    assert rules - {each.rule for each in registered()} == set()


def test_every_violation_of_the_reference_has_a_pair() -> None:
    assert set(VIOLATIONS) - {each.violation for each in registered()} == set()


def test_no_pair_is_about_a_rule_that_is_not_there() -> None:
    rules = {rule.id for pack in read_library(PACKAGED).rulepacks.values() for rule in pack.rules}
    strange = [each.where for each in registered() if each.rule not in rules and "." not in each.rule]
    assert strange == []


def test_pairs_are_told_apart_by_name() -> None:
    names = Counter((each.source, each.rule, each.name) for each in file_pairs())
    assert [name for name, times in names.items() if times > 1] == []


def test_every_file_of_pairs_is_read() -> None:
    assert {each.source for each in file_pairs()} == {path.name for path in PAIRS.glob("*.yaml")}


def test_marks_are_found_without_importing_the_test() -> None:
    source = "import no_such_module\n@pair(rule='APPI-23', violation='V03')\n@pair(rule='APPI-34')\ndef test_x(): ...\n"
    assert [(each.rule, each.violation) for each in marks_of(source, Path("test_x.py"))] == [
        ("APPI-23", "V03"),
        ("APPI-34", ""),
    ]
    with pytest.raises(ValueError, match="only a test"):
        list(marks_of("@pair(rule='APPI-23')\ndef helper(): ...\n", Path("test_x.py")))
