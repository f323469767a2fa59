"""Laws of contribution bounding: what one person moves, and that order and partition do not matter."""

import random
from collections.abc import Sequence

import ibis
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymization.dp.bounding import bounded_cells
from anonymization.dp.plan import QueryPlan
from policies.errors import DataError, PolicyError
from tests.support.dp_methods import BOUNDING_KEY, REGIONS, Row, Rows, query, visits
from tests.support.dp_methods import planned as plan_of

KEY = BOUNDING_KEY


def planned(statistic: str, *, by: Sequence[str] = ("region", "year")) -> QueryPlan:
    return plan_of([query(statistic, by=by)]).queries[0]


PLANS = {statistic: planned(statistic) for statistic in ("people", "rows", "sum", "mean")}

DATASETS = 60
"""Datasets that one query of the engine answers: the dataset is a key more, and nobody is in two of them."""
EDGES = (None, float("nan"), float("inf"), float("-inf"), 0.0, 3.0, 15.0, 1e300, -0.04999, 8.95)


def datasets_of(seed: int) -> list[list[Row]]:
    """Draw datasets of four people with up to 40 rows, in all and in no cell, with all and no values."""
    chance = random.Random(seed)

    def row() -> Row:
        value = chance.choice(EDGES) if chance.random() < 0.5 else chance.uniform(2, 16)
        return f"p{chance.randrange(4)}", chance.choice((*REGIONS, "west", None)), chance.choice(SEEN), value

    return [[row() for _ in range(chance.randrange(41))] for _ in range(DATASETS)]


SEEN = (2023, 2024, 2024, 1999, None)


def many(statistic: str) -> QueryPlan:
    asked = query(statistic)
    asked["by"] = [
        {"column": "dataset", "values": [str(n) for n in range(DATASETS)], "source": "the test"},
        *asked["by"],  # type: ignore[misc]  # the keys as the helper wrote them
    ]
    return plan_of([asked]).queries[0]


MANY = {statistic: many(statistic) for statistic in PLANS}


def laid(datasets: Sequence[Sequence[Row]]) -> Rows:
    """Lay datasets in one table, as different people each."""
    rows: list[Row] = [(f"{n}/{row[0]}", *row[1:]) for n, entries in enumerate(datasets) for row in entries]
    names = [str(n) for n, entries in enumerate(datasets) for _ in entries]
    return Rows(ibis.memtable(visits(rows).rows.to_pyarrow().append_column("dataset", pa.array(names, pa.string()))))


@pytest.mark.parametrize("statistic", ["people", "rows", "sum", "mean"])
@settings(max_examples=2)
@given(seed=st.integers(0, 2**64), gone=st.sampled_from(["p0", "p1", "p2", "p3"]))
def test_removing_a_person_moves_at_most_k_cells_by_at_most_the_bound(statistic: str, seed: int, gone: str) -> None:
    asked = MANY[statistic]
    datasets = datasets_of(seed)
    with_person = bounded_cells(laid(datasets), asked, key=KEY)
    without = bounded_cells(laid([[row for row in rows if row[0] != gone] for rows in datasets]), asked, key=KEY)
    for part in asked.parts:
        moved = np.abs(with_person[part.quantity] - without[part.quantity]).reshape(DATASETS, -1)
        assert np.count_nonzero(moved, axis=1).max() <= asked.cells_per_person
        assert moved.max() <= part.cell_bound
        assert float((moved.astype(float) ** 2).sum(axis=1).max()) <= part.sensitivity**2


@pytest.mark.parametrize("statistic", ["people", "rows", "sum", "mean"])
@pytest.mark.parametrize("partitions", [1, 2, 7])
def test_cells_do_not_depend_on_order_or_partitions(statistic: str, partitions: int) -> None:
    generator = np.random.default_rng(7)
    rows: list[Row] = [
        (
            f"p{generator.integers(9)}",
            str(generator.choice(REGIONS)),
            int(generator.choice([2023, 2024])),
            float(generator.integers(30, 150)) / 10,
        )
        for _ in range(300)
    ]
    asked = PLANS[statistic]
    expected = bounded_cells(visits(rows), asked, key=KEY)
    shuffled = [rows[index] for index in generator.permutation(len(rows))]
    parts = [visits(shuffled[start::partitions]).rows for start in range(partitions)]
    got = bounded_cells(Rows(ibis.union(*parts) if partitions > 1 else parts[0]), asked, key=KEY)
    for part in asked.parts:
        assert got[part.quantity].tolist() == expected[part.quantity].tolist()


def test_a_persons_choice_is_the_same_whoever_else_is_there() -> None:
    busy: list[Row] = [("p1", region, year, 6.0) for region in REGIONS for year in (2023, 2024)]
    others: list[Row] = [("p2", "north", 2023, 6.0), ("p3", "south", 2024, 6.0)]
    asked = PLANS["people"]
    alone = bounded_cells(visits(busy), asked, key=KEY)["people"]
    together = bounded_cells(visits(busy + others), asked, key=KEY)["people"]
    rest = bounded_cells(visits(others), asked, key=KEY)["people"]
    assert (together - rest).tolist() == alone.tolist()


def test_people_counts_each_person_once_in_a_cell() -> None:
    rows: list[Row] = [("p1", "north", 2023, None)] * 5 + [("p2", "north", 2023, 1.0)]
    cells = bounded_cells(visits(rows), PLANS["people"], key=KEY)["people"]
    assert cells.tolist() == [2, 0, 0, 0, 0, 0]


def test_rows_are_bounded_per_person_and_cell() -> None:
    rows: list[Row] = [("p1", "south", 2024, None)] * 5
    assert bounded_cells(visits(rows), PLANS["rows"], key=KEY)["rows"].tolist() == [0, 0, 0, 2, 0, 0]


def test_sums_are_in_grid_units_and_clipped_and_means_from_the_center() -> None:
    rows: list[Row] = [("p1", "north", 2023, 5.64), ("p1", "north", 2023, 99.0), ("p2", "north", 2023, float("-inf"))]
    assert bounded_cells(visits(rows), PLANS["sum"], key=KEY)["sum"].tolist() == [56 + 150 + 30, 0, 0, 0, 0, 0]
    mean = bounded_cells(visits(rows), PLANS["mean"], key=KEY)
    assert mean["sum"].tolist() == [56 + 150 + 30 - 3 * 90, 0, 0, 0, 0, 0]
    assert mean["rows"].tolist() == [3, 0, 0, 0, 0, 0]


def test_rows_without_a_value_do_not_count_in_means() -> None:
    rows: list[Row] = [("p1", "north", 2023, None), ("p2", "north", 2023, float("nan")), ("p3", "north", 2023, 9.0)]
    assert bounded_cells(visits(rows), PLANS["mean"], key=KEY)["rows"].tolist() == [1, 0, 0, 0, 0, 0]


def test_null_and_undeclared_keys_count_in_no_cell() -> None:
    rows: list[Row] = [("p1", None, 2023, None), ("p1", "west", 2023, None), ("p2", "north", 1999, None)]
    assert bounded_cells(visits(rows), PLANS["people"], key=KEY)["people"].sum() == 0


def test_no_rows_give_the_full_grid_of_zeros() -> None:
    assert bounded_cells(visits([]), PLANS["people"], key=KEY)["people"].tolist() == [0] * 6


def test_a_query_without_keys_has_one_cell() -> None:
    rows: list[Row] = [("p1", None, None, None), ("p2", "north", 2023, None)]
    assert bounded_cells(visits(rows), planned("people", by=()), key=KEY)["people"].tolist() == [2]


def test_another_key_makes_another_choice() -> None:
    busy: list[Row] = [(f"p{n}", region, year, 6.0) for n in range(30) for region in REGIONS for year in (2023, 2024)]
    first = bounded_cells(visits(busy), PLANS["people"], key=KEY)["people"]
    second = bounded_cells(visits(busy), PLANS["people"], key=KEY + b"!")["people"]
    assert first.sum() == second.sum() == 60
    assert first.tolist() != second.tolist()


def test_no_cell_is_favored() -> None:
    busy: list[Row] = [(f"p{n}", region, year, 6.0) for n in range(600) for region in REGIONS for year in (2023, 2024)]
    cells = bounded_cells(visits(busy), PLANS["people"], key=KEY)["people"]
    # Each cell is chosen with probability 1/3: mean 200, standard deviation 11.5; five of them is one in a million.
    assert cells.sum() == 1200
    assert np.abs(cells - 200).max() < 58


def test_rows_of_nobody_are_refused() -> None:
    with pytest.raises(DataError) as caught:
        bounded_cells(visits([(None, "north", 2023, None)]), PLANS["people"], key=KEY)
    assert caught.value.code == "dp.row-without-person"


def test_an_unknown_column_is_refused() -> None:
    rows = Rows(visits([("p1", "north", 2023, None)]).rows.drop("year"))
    with pytest.raises(PolicyError) as caught:
        bounded_cells(rows, PLANS["people"], key=KEY)
    assert caught.value.code == "dp.unknown-column"


def test_a_short_key_is_refused() -> None:
    with pytest.raises(PolicyError) as caught:
        bounded_cells(visits([]), PLANS["people"], key=b"short")
    assert caught.value.code == "dp.weak-key"


def test_an_engine_failure_quotes_neither_values_nor_key() -> None:
    rows = Rows(visits([("p1", "north", 2023, 6.0)]).rows.mutate(hba1c=ibis.literal("canary-7731")))
    with pytest.raises(DataError) as caught:
        bounded_cells(rows, PLANS["sum"], key=KEY)
    assert caught.value.code == "dp.engine-failed"
    assert "canary" not in str(caught.value)
    assert caught.value.__suppress_context__
