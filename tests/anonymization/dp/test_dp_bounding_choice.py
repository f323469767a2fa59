"""The choice of contributions against a second implementation in plain Python: which cells count must never change.

The oracle follows the sentence, not the code: a person's cells in the order of SHA-256 over the keyed text, the first K.
"""

import hashlib
import hmac

import ibis
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymization.dp.bounding import bounded_cells
from anonymization.dp.plan import QueryPlan
from tests.support.dp_methods import BOUNDING_KEY, REGIONS, YEARS, Row, Rows, planned, query, visits


def chosen(rows: list[Row], asked: QueryPlan, *, key: bytes = BOUNDING_KEY) -> tuple[list[int], list[int]]:
    """Return people and rows of every cell, person by person."""
    subkey = hmac.new(key, f"niji/dp/bounding/v1/{asked.name}".encode(), hashlib.sha256).hexdigest()
    found: dict[str, dict[int, int]] = {}
    for person, region, year, _ in rows:
        if person is not None and region in REGIONS and str(year) in YEARS:
            cell = REGIONS.index(region) * len(YEARS) + YEARS.index(str(year))
            cells = found.setdefault(person, {})
            cells[cell] = cells.get(cell, 0) + 1
    people, counts = [0] * asked.cells, [0] * asked.cells
    for person, cells in found.items():
        text = {cell: "\x1f".join([f"{subkey}\x1fcell", person, str(cell)]) for cell in cells}
        order = sorted(cells, key=lambda cell: hashlib.sha256(text[cell].encode()).hexdigest())
        for cell in order[: asked.cells_per_person]:
            people[cell] += 1
            counts[cell] += min(cells[cell], asked.rows_per_person_per_cell)
    return people, counts


row = st.tuples(
    st.sampled_from([f"p{n}" for n in range(8)]),
    st.sampled_from([*REGIONS, "west", None]),
    st.sampled_from([2023, 2024, 1999, None]),
    st.none(),
)


@settings(max_examples=40)
@given(rows=st.lists(row, max_size=60), cells=st.integers(1, 6), statistic=st.sampled_from(["people", "rows"]))
def test_the_cells_are_those_of_the_second_implementation(rows: list[Row], cells: int, statistic: str) -> None:
    asked = planned([query(statistic, cells=cells)]).queries[0]
    people, counts = chosen(rows, asked)
    got = bounded_cells(visits(rows), asked, key=BOUNDING_KEY)
    assert {name: vector.tolist() for name, vector in got.items()} == (
        {"people": people} if statistic == "people" else {"rows": counts}
    )


def test_numbered_people_are_chosen_as_their_texts_are() -> None:
    chance = np.random.default_rng(3)
    rows: list[Row] = [
        (str(chance.integers(-20, 40)), str(chance.choice(REGIONS)), int(chance.choice([2023, 2024])), None)
        for _ in range(400)
    ]
    asked = planned([query("people", cells=3)]).queries[0]
    table = visits(rows).rows.to_pyarrow()
    numbers = table.set_column(0, "__person", table.column("__person").cast(pa.int64()))
    got = bounded_cells(Rows(ibis.memtable(numbers)), asked, key=BOUNDING_KEY)["people"]
    assert got.tolist() == chosen(rows, asked)[0]


@pytest.mark.parametrize("other", [b"another key of the tests", b"a key of the tests, not a Secret"])
def test_another_key_chooses_other_cells(other: bytes) -> None:
    rows: list[Row] = [(f"p{n}", region, year, None) for n in range(30) for region in REGIONS for year in (2023, 2024)]
    asked = planned([query("people", cells=2)]).queries[0]
    first = bounded_cells(visits(rows), asked, key=BOUNDING_KEY)["people"]
    second = bounded_cells(visits(rows), asked, key=other)["people"]
    assert first.tolist() != second.tolist()
    assert second.tolist() == chosen(rows, asked, key=other)[0]
