"""What is published is what the search chose: labels, nulls, suppressed rows, other columns."""

from datetime import date
from decimal import Decimal

import ibis
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymization.generalize import Generalized, generalize_table
from anonymization.hierarchy import build_hierarchy, hierarchy_from_rows
from anonymization.quasi import QuasiIdentifier
from anonymization.recount import SourceRows, recount
from policies.errors import DataError
from policies.model import HierarchyPolicy
from policies.model.sensitive import DistinctL

LETTERS = hierarchy_from_rows("letters", [["a", "ab", "*"], ["b", "ab", "*"], ["c", "cd", "*"], ["d", "cd", "*"]])
LENIENT = hierarchy_from_rows("letters", [["a", "ab", "*"], ["b", "ab", "*"]], on_unseen="suppress")


def build(levels: dict) -> object:
    return build_hierarchy(
        HierarchyPolicy.model_validate(
            {
                "schema": "niji/hierarchy/v1",
                "id": "made",
                "version": "1.0.0",
                "title": {"ja": "試験", "en": "test"},
                "source": "written for this test",
                "on_unseen": "refuse",
                "levels": levels,
            }
        )
    )


def run(columns: dict, *quasi: QuasiIdentifier, k: int = 2, limit: float = 0.0, **settings: object) -> Generalized:
    table = columns if isinstance(columns, pa.Table) else pa.table(columns)
    return generalize_table(
        ibis.memtable(table),
        quasi_identifiers=quasi,
        k=k,
        sensitive=settings.get("sensitive", []),
        suppression_limit=limit,
        person=settings.get("person"),
    )


def rows_of(found: Generalized) -> list[dict]:
    return found.rows.order_by(found.rows.columns).to_pyarrow().to_pylist()


def test_labels_replace_values_and_other_columns_stay() -> None:
    found = run(
        {"q": ["a", "b", "c", "d"], "n": [1, 2, 3, 4], "who": ["w", "x", "y", "z"]}, QuasiIdentifier("q", LETTERS)
    )
    assert found.rows.columns == ("q", "n", "who")
    assert rows_of(found) == [
        {"q": "ab", "n": 1, "who": "w"},
        {"q": "ab", "n": 2, "who": "x"},
        {"q": "cd", "n": 3, "who": "y"},
        {"q": "cd", "n": 4, "who": "z"},
    ]


def test_a_missing_value_is_its_own_category_until_the_root() -> None:
    alone = run({"q": ["a", "b", None, None]}, QuasiIdentifier("q", LETTERS))
    assert (alone.node, [row["q"] for row in rows_of(alone)]) == ({"q": 1}, ["ab", "ab", None, None])
    rooted = run({"q": ["a", "b", "b", None]}, QuasiIdentifier("q", LETTERS))
    assert (rooted.node, {row["q"] for row in rows_of(rooted)}) == ({"q": 2}, {"*"})
    dropped = run({"q": ["a", "b", "b", None]}, QuasiIdentifier("q", LETTERS), limit=0.25)
    assert (dropped.suppressed_records, [row["q"] for row in rows_of(dropped)]) == (1, ["ab", "ab", "ab"])


def test_a_column_without_hierarchy_keeps_its_values_and_its_type() -> None:
    found = run({"q": [1, 1, 2, 2, 3]}, QuasiIdentifier("q"), limit=0.2)
    assert [row["q"] for row in rows_of(found)] == [1, 1, 2, 2]


def test_values_no_hierarchy_knows_are_suppressed_where_it_says_so_and_counted() -> None:
    found = run(
        {"q": ["a", "b", "z", "y"], "r": ["1"] * 4}, QuasiIdentifier("q", LENIENT), QuasiIdentifier("r"), limit=0.5
    )
    assert found.suppressed_records == 2
    assert [row["q"] for row in rows_of(found)] == ["ab", "ab"]
    with pytest.raises(DataError) as caught:
        run({"q": ["a", "b", "z", "y"]}, QuasiIdentifier("q", LENIENT), limit=0.25)
    assert caught.value.code == "data.no-solution"


def test_unseen_values_stay_suppressed_at_the_root() -> None:
    found = run({"q": ["a", "b", "z"]}, QuasiIdentifier("q", LENIENT, 2), limit=0.5)
    assert [row["q"] for row in rows_of(found)] == ["*", "*"]


def test_numbers_and_dates_meet_the_hierarchy_as_they_are_written() -> None:
    ages = build({"kind": "intervals", "low": 0, "high": 99, "widths": [10]})
    days = build({"kind": "date", "first_year": 2024, "last_year": 2024})
    table = pa.table(
        {
            "whole": pa.array([21, 29], pa.int64()),
            "decimal": pa.array([21.0, 29.0], pa.float64()),
            "day": pa.array([date(2024, 1, 5), date(2024, 1, 9)], pa.date32()),
        }
    )
    found = run(table, QuasiIdentifier("whole", ages), QuasiIdentifier("decimal", ages), QuasiIdentifier("day", days))
    assert rows_of(found) == [{"whole": "20-29", "decimal": "20-29", "day": "2024-01"}] * 2


def test_a_number_that_is_none_is_an_unseen_value_and_not_a_crash() -> None:
    ages = build({"kind": "intervals", "low": 0, "high": 99, "widths": [10]})
    with pytest.raises(DataError) as caught:
        run({"q": [21.0, float("nan"), float("inf"), 21.5]}, QuasiIdentifier("q", ages))
    assert caught.value.code == "data.unseen-value"
    assert "3 value(s) in 3 row(s)" in caught.value.what


def test_exact_decimals_are_whole_numbers_where_they_are() -> None:
    ages = build({"kind": "intervals", "low": 0, "high": 99, "widths": [10]})
    table = pa.table({"q": pa.array([Decimal("21.00"), Decimal("29.00")], pa.decimal128(5, 2)), "id": [1, 2]})
    found = run(table, QuasiIdentifier("q", ages))
    checks = recount(
        ibis.memtable(found.rows.to_pyarrow()),
        quasi_identifiers=["q"],
        k=2,
        source=SourceRows(ibis.memtable(table), "id", {"q": ages}, found.node),
    )
    assert [row["q"] for row in rows_of(found)] == ["20-29", "20-29"]
    assert all(check.passed for check in checks)


def test_icd10_spellings_are_one_code() -> None:
    codes = build({"kind": "icd10"})
    found = run({"q": ["E119", "E11.9", "E11.99", "E1199"]}, QuasiIdentifier("q", codes))
    assert found.node == {"q": 0}
    assert [row["q"] for row in rows_of(found)] == ["E11.9", "E11.9", "E11.99", "E11.99"]


@given(
    data=st.lists(
        st.tuples(
            st.sampled_from(["a", "b", "c", "d", None]), st.sampled_from(["x", "y", None]), st.sampled_from("12345")
        ),
        min_size=4,
        max_size=20,
    ),
    limit=st.sampled_from([0.0, 0.2, 0.6]),
)
def test_every_release_passes_the_recount_and_generalizing_it_again_changes_nothing(data: list, limit: float) -> None:
    ids = list(range(len(data)))
    table = pa.table(
        {
            "q": pa.array([row[0] for row in data], pa.string()),
            "s": pa.array([row[1] for row in data], pa.string()),
            "who": pa.array([row[2] for row in data], pa.string()),
            "id": pa.array(ids, pa.int64()),
        }
    )
    sensitive = [DistinctL(column="s", l=2)]
    try:
        found = run(table, QuasiIdentifier("q", LETTERS), limit=limit, sensitive=sensitive, person="who")
    except DataError as error:
        if error.code not in {"data.no-solution", "data.too-few-people"}:
            raise
        return
    published = found.rows.to_pyarrow()
    assert published.num_rows == found.records - found.suppressed_records
    source = SourceRows(ibis.memtable(table), "id", {"q": LETTERS}, found.node)
    checks = recount(
        ibis.memtable(published), quasi_identifiers=["q"], k=2, sensitive=sensitive, person="who", source=source
    )
    assert [check.name for check in checks if not check.passed] == []
    assert next(check for check in checks if check.name == "recount.k").measured["k"] == found.k_reached
    again = generalize_table(
        ibis.memtable(published),
        quasi_identifiers=[QuasiIdentifier("q")],
        k=2,
        sensitive=sensitive,
        suppression_limit=0.0,
        person="who",
    )
    assert again.suppressed_records == 0
    assert sorted(again.rows.to_pyarrow().column("id").to_pylist()) == sorted(published.column("id").to_pylist())


def test_sixty_quasi_identifiers_can_be_published() -> None:
    names = [f"q{j}" for j in range(60)]
    table = {name: ["abcd"[(i // 2 + j) % 4] for i in range(12)] for j, name in enumerate(names)}
    table["q0"][1] = "d"  # one class is lost unless q0 is generalized
    quasi = [QuasiIdentifier(name, LETTERS if j < 6 else None) for j, name in enumerate(names)]
    found = run(table, *quasi, k=2)
    assert found.rows.count().execute() == 12
    assert found.node["q0"] == 2
