"""The scanner on 19 million cells of real tables in which no patient's identifier is: every alarm is one that was triaged."""

from pathlib import Path

import pytest

from policies.model.scan import IdentifierKind
from tests.support.one_run import one_run
from tests.support.scan_tables import real_tables
from tests.support.triaged_alarms import TRIAGED, Tally, tally

MAX_FALSE_PER_MILLION = 100
"""The one false alarm is a whole column of 1,739 municipality codes: 89 in a million cells."""

MAX_QUIET = {
    IdentifierKind.PATIENT_NUMBER: 37_691,
    IdentifierKind.NAME: 164,
    IdentifierKind.POSTAL_CODE: 11,
    IdentifierKind.ADDRESS: 8,
    IdentifierKind.WAREKI_DATE: 2,
}
"""Cells that look like a kind in columns that are none; they raise no alarm. Lots of addresses with three and four digits, towns
called 殿 or 君, given names that end in 氏, the town 平成; and codes that share a check digit by their structure."""


@pytest.fixture(scope="module")
def found(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Tally:
    return one_run(tmp_path_factory, "scan-alarms", lambda _: tally(real_tables(shared_data)))[1]


@pytest.mark.shared
@pytest.mark.slow
def test_every_alarm_on_real_tables_was_triaged(found: Tally) -> None:
    assert found.cells > 19_000_000
    raised = {(one.file, one.column, one.kind) for one in found.alarms}
    assert raised == {(one.file, one.column, one.kind) for one in TRIAGED}


@pytest.mark.shared
@pytest.mark.slow
def test_false_alarms_stay_below_the_triaged_rate(found: Tally) -> None:
    assert found.false_cells() / found.cells * 1e6 < MAX_FALSE_PER_MILLION
    assert {kind: cells for kind, cells in found.quiet.items() if cells > MAX_QUIET.get(kind, 0)} == {}


@pytest.mark.shared
@pytest.mark.slow
def test_no_real_table_would_be_stopped_at_landing(found: Tally) -> None:
    stopped = {IdentifierKind.MY_NUMBER, IdentifierKind.RESIDENT_CODE}
    assert not [one for one in found.alarms if one.kind in stopped]


@pytest.mark.shared
@pytest.mark.slow
def test_nearly_all_published_addresses_of_institutions_are_found(found: Tally) -> None:
    (addresses,) = [one for one in found.alarms if one.kind is IdentifierKind.ADDRESS]
    assert addresses.cells > 0.99 * 97_024
