"""A table that DuckDB reads is counted by codes, one in memory by text; both give the same histogram."""

import ibis
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymization.hierarchy import Hierarchy, hierarchy_from_rows
from anonymization.histogram import Histogram, build_histogram
from anonymization.quasi import QuasiIdentifier
from anonymization.tuple_counts import MOST_LEAVES, count_tuples
from policies.errors import DataError, IntegrityError

QUOTES = hierarchy_from_rows("quotes", [["it's", "x", "*"], ['say "a"', "x", "*"], ["年齢", "y", "*"], ["", "y", "*"]])
NUMBERS = hierarchy_from_rows("numbers", [[str(i), f"h{i // 2}", "*"] for i in range(5)])
SUPPRESSING = Hierarchy(NUMBERS.name, NUMBERS.leaves[:3], tuple(level[:3] for level in NUMBERS.labels), "suppress")


def in_memory(columns: dict[str, pa.Array]) -> ibis.Table:
    return ibis.memtable(pa.table(columns))


def in_duckdb(columns: dict[str, pa.Array]) -> ibis.Table:
    """Return a table that the engine owns, as it owns one that it reads from a file."""
    backend = ibis.duckdb.connect()
    backend.con.register("arriving", pa.table(columns))
    backend.con.execute("CREATE TABLE source AS SELECT * FROM arriving")
    return backend.table("source")


def as_plain(histogram: Histogram) -> list[object]:
    plain: list[object] = [attribute.leaves for attribute in histogram.attributes]
    plain += [codes.tolist() for codes in histogram.codes]
    plain += [histogram.rows.tolist(), histogram.loyal.tolist()]
    plain += [histogram.records, histogram.people, histogram.unseen_records]
    if histogram.shared is not None:
        members: dict[int, set[int]] = {}
        for group, person in zip(histogram.shared.tuples.tolist(), histogram.shared.things.tolist(), strict=True):
            members.setdefault(person, set()).add(group)
        plain.append(sorted(sorted(groups) for groups in members.values()))
    for counts in histogram.sensitive.values():
        outside = None if counts.outside is None else counts.outside.tolist()
        triples = zip(counts.groups.tolist(), counts.values.tolist(), counts.rows.tolist(), strict=True)
        plain += [counts.labels, sorted(triples), outside]
    return plain


@st.composite
def columns(draw: st.DrawFn) -> dict[str, pa.Array]:
    size = draw(st.integers(1, 12))

    def texts(values: list[str | None]) -> pa.Array:
        return pa.array(draw(st.lists(st.sampled_from(values), min_size=size, max_size=size)), pa.string())

    return {
        "q": texts([*QUOTES.leaves, None]),
        "n": texts([*NUMBERS.leaves, None]),
        "free": texts(["a", "b", None]),
        "who": texts(["p", "q", "r"]),
        "secret": texts(["x", "y", None]),
    }


@given(drawn=columns(), suppress=st.booleans(), person=st.sampled_from([None, "who"]))
def test_codes_of_the_engine_and_text_give_the_same_histogram(
    drawn: dict[str, pa.Array], suppress: bool, person: str | None
) -> None:
    quasi = [
        QuasiIdentifier("q", QUOTES),
        QuasiIdentifier("free"),
        QuasiIdentifier("n", SUPPRESSING if suppress else NUMBERS),
    ]
    made = [
        build_histogram(table, quasi_identifiers=quasi, sensitive=["secret"], person=person)
        for table in (in_memory(drawn), in_duckdb(drawn))
    ]
    assert as_plain(made[0]) == as_plain(made[1])


def test_only_short_hierarchies_of_text_are_coded_by_the_engine() -> None:
    long = hierarchy_from_rows("long", [[str(i), "*"] for i in range(MOST_LEAVES + 1)])
    table = in_duckdb({"a": pa.array(["1", "2"]), "b": pa.array(["1", "2"]), "c": pa.array([1, 2])})
    quasi = [QuasiIdentifier("a", NUMBERS), QuasiIdentifier("b", long), QuasiIdentifier("c", NUMBERS)]
    counts = count_tuples(table, quasi, sensitive=(), person=None)
    assert set(counts.coded) == {"a"}
    assert sorted(counts.table.column("c").to_pylist()) == ["1", "2"]


def test_a_column_with_a_value_that_its_hierarchy_does_not_know_is_counted_as_text() -> None:
    table = in_duckdb({"n": pa.array(["1", "zz"])})
    with pytest.raises(DataError) as caught:
        build_histogram(table, quasi_identifiers=[QuasiIdentifier("n", NUMBERS)])
    assert caught.value.code == "data.unseen-value"
    assert "zz" not in str(caught.value)


def test_codes_that_do_not_add_up_to_the_values_are_refused() -> None:
    # Values drawn anew in every statement: what each column holds by itself is not what the tuples hold.
    size = 60
    hierarchy = hierarchy_from_rows("drawn", [[str(i), "*"] for i in range(size)])
    table = in_duckdb({"i": pa.array(np.arange(20_000))})
    drawn = table.select(q=(ibis.random() * size).floor().cast("int64").cast("string"))
    with pytest.raises(IntegrityError) as caught:
        build_histogram(drawn, quasi_identifiers=[QuasiIdentifier("q", hierarchy)])
    assert caught.value.code == "integrity.codes"


def test_an_empty_table_that_the_engine_reads_is_refused() -> None:
    with pytest.raises(DataError) as caught:
        build_histogram(in_duckdb({"n": pa.array([], pa.string())}), quasi_identifiers=[QuasiIdentifier("n", NUMBERS)])
    assert caught.value.code == "data.empty"
