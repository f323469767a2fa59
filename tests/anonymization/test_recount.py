"""The recount finds what is planted: a class too small, too few values, a label that lies, a row from nowhere."""

import ibis
import pyarrow as pa
import pytest

from anonymization.evidence import CheckKind
from anonymization.hierarchy import hierarchy_from_rows
from anonymization.recount import SourceRows, recount
from policies.errors import PolicyError
from policies.model.sensitive import DistinctL

LETTERS = hierarchy_from_rows("letters", [["a", "ab", "*"], ["b", "ab", "*"], ["c", "c", "*"]])
SOURCE = {"q": ["a", "b", "c", "c", None, None], "n": [1.0, 1.0, 2.0, 2.0, 3.0, 3.0], "id": [1, 2, 3, 4, 5, 6]}
PUBLISHED = {
    "q": ["ab", "ab", "c", "c", None, None],
    "n": [1.0, 1.0, 2.0, 2.0, 3.0, 3.0],
    "s": ["x", "y", "x", "y", "x", "y"],
    "who": ["1", "2", "3", "4", "5", "6"],
    "id": [1, 2, 3, 4, 5, 6],
}


def failures(published: dict, *, k: int = 2, l: int = 2, level: int = 1, source: dict | None = None) -> list[str]:
    checks = recount(
        ibis.memtable(pa.table(published)),
        quasi_identifiers=["q", "n"],
        k=k,
        sensitive=[DistinctL(column="s", l=l)],
        person="who",
        source=SourceRows(ibis.memtable(pa.table(source or SOURCE)), "id", {"q": LETTERS}, {"q": level, "n": 0}),
    )
    assert all(check.blocking and check.kind is CheckKind.RECOUNT for check in checks)
    return [check.name for check in checks if not check.passed]


def test_a_true_release_passes() -> None:
    assert failures(PUBLISHED) == []


def test_one_class_of_k_minus_1_is_found() -> None:
    assert failures({name: values[:-1] for name, values in PUBLISHED.items()}) == ["recount.k", "recount.l.s"]


def test_rows_of_one_person_are_one_person() -> None:
    assert failures({**PUBLISHED, "who": ["1", "2", "3", "4", "5", "5"]}) == ["recount.k"]


def test_too_few_sensitive_values_are_found_and_a_missing_one_is_none() -> None:
    assert failures({**PUBLISHED, "s": ["x", "y", "x", "x", "x", "y"]}) == ["recount.l.s"]
    assert failures({**PUBLISHED, "s": ["x", "y", "x", None, "x", "y"]}) == ["recount.l.s"]


def test_a_label_that_does_not_cover_its_value_is_found() -> None:
    assert failures({**PUBLISHED, "q": ["ab", "c", "c", "c", None, None]}) == [
        "recount.k",
        "recount.l.s",
        "recount.label.q",
    ]
    assert failures({**PUBLISHED, "q": ["ab", "ab", "c", "c", "ab", "ab"]}) == ["recount.label.q"]
    assert failures({**PUBLISHED, "q": [None, None, "c", "c", None, None]}) == ["recount.label.q"]
    assert failures({**PUBLISHED, "n": [1.0, 1.0, 2.0, 2.0, 9.0, 9.0]}) == ["recount.label.n"]


def test_a_label_of_another_level_than_claimed_is_found() -> None:
    assert failures(PUBLISHED, level=2) == ["recount.label.q"]
    assert failures({**PUBLISHED, "q": ["*"] * 6}, level=2) == []


def test_a_row_that_is_not_in_the_source_or_is_there_twice_is_found() -> None:
    assert failures({**PUBLISHED, "id": [1, 2, 3, 4, 5, 7]}) == ["recount.rows"]
    assert "recount.rows" in failures({**PUBLISHED, "id": [1, 2, 3, 4, 5, 5]})


def test_an_empty_release_is_no_release() -> None:
    empty = pa.table(PUBLISHED).slice(0, 0)
    checks = recount(ibis.memtable(empty), quasi_identifiers=["q"], k=2)
    assert [check.name for check in checks if not check.passed] == ["recount.not_empty"]


def test_column_names_are_names_whatever_they_hold() -> None:
    strange = 'q"; DROP TABLE published; --'
    checks = recount(ibis.memtable(pa.table({strange: ["a", "a"]})), quasi_identifiers=[strange], k=2)
    assert all(check.passed for check in checks)


def test_a_column_that_is_gone_is_an_error() -> None:
    with pytest.raises(PolicyError) as caught:
        recount(ibis.memtable(pa.table({"q": ["a"]})), quasi_identifiers=["gone"], k=2)
    assert caught.value.code == "policy.unknown-column"


def test_a_label_of_any_level_covers_its_own_value_where_levels_vary_by_row() -> None:
    def wrong_labels(labels: list[str | None], values: list[str | None]) -> int:
        count = len(labels)
        published = pa.table({"q": pa.array(labels, pa.string()), "id": range(count)})
        source = pa.table({"q": pa.array(values, pa.string()), "id": range(count)})
        checks = recount(
            ibis.memtable(published),
            quasi_identifiers=["q"],
            k=1,
            source=SourceRows(ibis.memtable(source), "id", {"q": LETTERS}, None),
        )
        return next(check.measured["wrong_labels"] for check in checks if check.name == "recount.label.q")

    assert wrong_labels(["a", "ab", "*", "c", None, "*"], ["a", "a", "a", "c", None, None]) == 0
    assert wrong_labels(["b", "c", None, "ab", "a", "z"], ["a", "a", "a", "c", None, None]) == 6
