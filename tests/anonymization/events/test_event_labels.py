"""The recount of what codes and dates became, by SQL: a label that covers no code of its record is found, whoever else has it."""

import pyarrow as pa
import pytest

from anonymization.hierarchy import hierarchy_from_rows
from anonymization.recount_event_labels import SourceCodes, label_check_name, recount_event_labels
from anonymization.recount_events import PublishedEvents

CODES = hierarchy_from_rows(
    "codes", [["E11.2", "E11", "*"], ["E11.9", "E11", "*"], ["E112", "E11", "*"], ["I10", "I10", "*"]]
)
SOURCE = pa.table({"own": ["P1", "P1", "P2", "P2", "P3"], "icd10": ["E11.2", "I10", "E11.9", None, "I10"]})
OWNERS = pa.table({"own": ["P1", "P2"], "id": ["a", "b"]})
"""P3 does not leave."""
PAIR = ("visits", "icd10")


def passes(shown: list[tuple[str, str | None]], *, source: pa.Table = SOURCE) -> bool:
    ids, labels = [row[0] for row in shown], [row[1] for row in shown]
    visits = pa.table({"id": ids, "icd10": pa.array(labels, pa.string())})
    records = pa.table({"id": ["a", "b"], "sex": ["1", "2"]})
    published = PublishedEvents("people", records, "id", {"visits": visits}, ["sex"])
    (check,) = recount_event_labels(published, {PAIR: SourceCodes(source, OWNERS, CODES)})
    assert check.name == label_check_name(*PAIR)
    assert check.blocking
    assert not {label for label in labels if label} & set(check.what.split())
    return check.passed


@pytest.mark.parametrize(
    "shown",
    [
        [("a", "E11.2"), ("a", "I10"), ("b", "E11")],
        [("a", "E11"), ("a", "*"), ("b", "*")],
        [("a", "I10"), ("b", None), ("b", None)],
        [],
    ],
    ids=["own labels", "coarser labels", "hidden", "nothing"],
)
def test_labels_above_the_codes_of_their_record_pass(shown: list[tuple[str, str | None]]) -> None:
    assert passes(shown)


@pytest.mark.parametrize(
    "shown",
    [
        [("b", "I10")],
        [("b", "E11.2")],
        [("a", "X99")],
        [("a", "I10"), ("a", "I10")],
        [("b", "E11"), ("b", "E11")],
        [("z", "E11")],
    ],
    ids=["of another record", "of a sibling", "of no code", "one code twice", "a missing code", "of nobody"],
)
def test_a_forged_label_is_found(shown: list[tuple[str, str | None]]) -> None:
    assert not passes(shown)


def test_codes_that_are_numbers_are_compared_as_hierarchies_write_them() -> None:
    tree = hierarchy_from_rows("numbers", [["8", "0-9", "*"], ["12", "10-19", "*"]])
    source = pa.table({"own": ["P1", "P2"], "code": [8.0, 12.0]})
    for label, is_own in (("0-9", True), ("10-19", False)):
        visits = pa.table({"id": ["a"], "code": [label]})
        published = PublishedEvents("people", pa.table({"id": ["a"]}), "id", {"visits": visits}, [])
        (check,) = recount_event_labels(published, {("visits", "code"): SourceCodes(source, OWNERS, tree)})
        assert check.passed is is_own
