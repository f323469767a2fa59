"""The policies in the repository load, hold every rule, and explain themselves."""

from datetime import date
from pathlib import Path

import pytest

from policies.check import check
from policies.explain import explain
from policies.findings import is_ok
from policies.load import PACKAGED, load_findings, load_library, read_library
from policies.vocabulary import Severity

FILES = sorted(
    path
    for folder in ("datasets", "releases", "hierarchies", "rulepacks")
    for path in (PACKAGED / folder).glob("*.yaml")
)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_shipped_file_loads(path: Path) -> None:
    assert [str(each) for each in load_findings(path)] == []


def test_shipped_library_loads_and_nothing_blocks() -> None:
    library = load_library(PACKAGED)
    # The latest day on which all of them are to be valid at once.
    days = [release.effective_from for release in library.releases.values()]
    findings = check(library, on=max(days, default=date(2026, 12, 1)))
    assert [str(each) for each in findings if each.severity is Severity.BLOCK] == []
    assert is_ok(findings)


@pytest.mark.parametrize("language", ["ja", "en"])
def test_shipped_policies_explain_themselves(language: str) -> None:
    library = read_library(PACKAGED)
    for policy in [*library.releases.values(), *library.datasets.values()]:
        page = explain(policy, library, language="ja" if language == "ja" else "en")
        assert policy.id in page
        assert "{" not in page


def test_every_column_of_every_shipped_dataset_has_one_role() -> None:
    for dataset in read_library(PACKAGED).datasets.values():
        for table in dataset.tables:
            names = [column.name for column in table.columns]
            assert len(names) == len(set(names))
