"""What is told of the quarantine passes the disclosure gate: Dagster keeps it for ever."""

from pathlib import Path

from pipelines.stages.raw import _outcome
from pipelines.storage import Version


def test_a_small_count_of_bad_rows_is_hidden_and_a_large_one_is_shown():
    facts = {"rows": {"visits": 500}, "quarantined": {"visits": {"not_a_date": 3, "out_of_range": 12}}}
    told = _outcome(Version(Path("none"), "inputs", "version", facts), is_reused=False)
    assert told.words["quarantine_reasons"] == "not_a_date <10, out_of_range 12"
