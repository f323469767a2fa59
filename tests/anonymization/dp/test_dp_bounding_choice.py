"""The choice of contributions against a second implementation in plain Python: which cells count must never change.

The oracle follows the sentence, not the code: of n cells, more than K, those whose place p has (a·p + r) mod n < K, the
step a and the turn r from the SHA-256 of the keyed text of the person.
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

# The sixteen primes from one million on, 61,000 apart or the next one after; any prime above all numbers of cells would do.
STEPS = (
    1000003, 1061033, 1122041, 1183057, 1244057, 1305061, 1366087, 1427089,
    1488119, 1549129, 1610131, 1671133, 1732139, 1793147, 1854157, 1915163
)  # fmt: skip


def kept(cells: list[int], limit: int, person: str, subkey: str) -> list[int]:
    if len(cells) <= limit:
        return cells
    digest = hashlib.sha256(f"{subkey}\x1fcells\x1f{person}".encode()).hexdigest()
    step, turn = STEPS[int(digest[0], 16)], int(digest[1:9], 16)
    return [cell for place, cell in enumerate(cells) if (step * place + turn) % len(cells) < limit]


def chosen(rows: list[Row], asked: QueryPlan, *, key: bytes = BOUNDING_KEY) -> tuple[list[int], list[int]]:
    """Return people and rows of every cell, person by person."""
    subkey = hmac.new(key, f"niji/dp/bounding/v2/{asked.name}".encode(), hashlib.sha256).hexdigest()
    found: dict[str, dict[int, int]] = {}
    for person, region, year, _ in rows:
        if person is not None and region in REGIONS and str(year) in YEARS:
            cell = REGIONS.index(region) * len(YEARS) + YEARS.index(str(year))
            cells = found.setdefault(person, {})
            cells[cell] = cells.get(cell, 0) + 1
    people, counts = [0] * asked.cells, [0] * asked.cells
    for person, cells in found.items():
        for cell in kept(sorted(cells), asked.cells_per_person, person, subkey):
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
