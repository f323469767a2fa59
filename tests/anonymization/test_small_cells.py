"""Small cells: what is hidden, what stays, that nothing hidden can be narrowed, and that the choice is repeatable."""

from copy import deepcopy

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from anonymization.cell_audit import hidden_intervals
from anonymization.small_cells import COUNT, HIDDEN, MISSING, STATUS, TOTAL, hide_small_cells, protect_small_cells
from policies.errors import DataError, PolicyError
from tests.support.hospital_tables import (
    column,
    dataset,
    drop,
    hierarchies,
    keep,
    microdata_release,
    pseudonymized,
    raw,
    release,
    release_table,
    sources,
    table,
    treated,
)


def visits(rows):
    """A dataset of visits: (person, area, sex)."""
    policy = dataset(
        "clinic",
        [
            table(
                "visits",
                "event",
                [column("who", "person_key"), column("area", "quasi_identifier"), column("sex", "attribute")],
            )
        ],
        {"basis": "not_required", "reason": "test"},
    )
    columns = {name: [row[n] for row in rows] for n, name in enumerate(("who", "area", "sex"))}
    return {"clinic": pseudonymized(raw(policy, {"visits": columns}))}


def counted(rows, *, by=("area", "sex"), **method):
    entry = release_table("visits", [drop("who"), keep("area"), keep("sex")], dataset_id="clinic")
    settings = {"kind": "small_cells", "table": "visits", "by": list(by), "min_cell": 10, **method}
    return protect_small_cells(release([entry], settings), visits(rows), hierarchies={})


def people(cells):
    """Return one row for each person: cells maps (area, sex) to a number of people."""
    rows = []
    for (area, sex), number in cells.items():
        rows.extend((f"{area}{sex}{n}", area, sex) for n in range(number))
    return rows


CELLS = {("A", "1"): 3, ("A", "2"): 40, ("B", "1"): 50, ("B", "2"): 60, ("C", "1"): 70, ("C", "2"): 80}


def as_dict(done):
    rows = done.tables["visits"].to_pylist()
    return {tuple(row[name] for name in ("area", "sex") if name in row): row[COUNT] for row in rows}


def test_a_small_cell_and_its_circle_are_hidden():
    found = as_dict(counted(people(CELLS)))
    hidden = {place for place, count in found.items() if count is None}
    assert hidden == {("A", "1"), ("A", "2"), ("B", "1"), ("B", "2")}
    assert found["A", TOTAL] == 43
    assert found[TOTAL, "1"] == 123
    assert found[TOTAL, TOTAL] == 303


def test_a_table_without_small_cells_is_shown_whole():
    cells = {place: 10 + n for n, place in enumerate(CELLS)}
    done = counted(people(cells))
    assert None not in as_dict(done).values()
    assert done.evidence.measured["hidden_cells"] == 0
    assert done.evidence.measured["audit_width_min"] is None


def test_people_are_counted_once_in_a_cell_and_in_each_of_their_cells():
    rows = people({("A", "1"): 20, ("B", "1"): 30})
    rows += [("A10", "A", "1")] * 5 + [("A10", "B", "1")]
    found = as_dict(counted(rows, by=["area"]))
    assert found == {("A",): 20, ("B",): 31, (TOTAL,): 51}


def test_the_evidence_says_what_was_hidden():
    evidence = counted(people(CELLS)).evidence
    assert evidence.people_in == 303
    assert (evidence.records_in, evidence.records_out) == (6, 2)
    assert evidence.measured["hidden_primary"] == 1
    assert evidence.measured["hidden_complementary"] == 3
    assert evidence.measured["audit_width_min"] >= 10
    assert evidence.parameters["margins_are"].startswith("sums of cells")


def test_zeros_are_shown_where_allowed():
    cells = {**CELLS, ("D", "1"): 90}
    found = as_dict(counted(people(cells)))
    assert found["D", "2"] == 0
    strict = as_dict(counted(people(cells), zero_allowed=False))
    assert strict["D", "2"] is None


def test_missing_values_are_a_cell_of_their_own():
    rows = people(CELLS) + [(f"x{n}", None, "1") for n in range(12)]
    assert as_dict(counted(rows, by=["area"]))[MISSING,] == 12


def test_margins_are_left_out_if_the_policy_says_so():
    found = as_dict(counted(people(CELLS), margins=False))
    assert not any(TOTAL in place for place in found)
    assert [place for place, count in found.items() if count is None] == [("A", "1")]


def test_a_one_way_table_hides_a_second_cell():
    found = as_dict(counted(people({("A", "1"): 3, ("B", "1"): 30, ("C", "1"): 40}), by=["area"]))
    assert found == {("A",): None, ("B",): None, ("C",): 40, (TOTAL,): 73}


def test_status_says_what_is_hidden():
    table_ = counted(people(CELLS)).tables["visits"]
    assert [row[COUNT] is None for row in table_.to_pylist()] == [row[STATUS] == HIDDEN for row in table_.to_pylist()]


@pytest.mark.parametrize("min_cell", [9, 10])
def test_the_threshold_is_the_smallest_number_shown(min_cell):
    found = as_dict(counted(people({**CELLS, ("A", "1"): 9}), min_cell=min_cell))
    assert (found["A", "1"] is None) == (min_cell == 10)


TABLES = arrays.arrays(np.int64, st.tuples(st.integers(1, 5), st.integers(1, 5)), elements=st.integers(0, 40))


@given(TABLES, st.sampled_from([3, 10]), st.booleans(), st.booleans())
def test_nothing_small_is_shown_and_nothing_hidden_is_narrow(cells, min_cell, zero_allowed, margins):
    try:
        done = hide_small_cells(cells, min_cell=min_cell, zero_allowed=zero_allowed, margins=margins)
    except DataError as refused:
        assert refused.code == "data.nothing-to-show"  # noqa: PT017
        return
    shown = done.counts[~done.hidden]
    assert not ((shown > 0) & (shown < min_cell)).any()
    assert zero_allowed or not (shown == 0).any()
    assert not zero_allowed or not done.hidden[done.counts == 0].any() or not margins
    if not margins:
        assert done.hidden[-1, :].all()
        assert done.hidden[:, -1].all()
        return
    for interval in hidden_intervals(done.counts, done.hidden, floor=1 if zero_allowed else 0):
        assert interval.width is None or interval.width >= min_cell


@given(TABLES)
def test_the_choice_is_repeatable(cells):
    tries = []
    for _ in range(2):
        try:
            tries.append(hide_small_cells(cells.copy(), min_cell=10, zero_allowed=True, margins=True).hidden.tolist())
        except DataError as refused:
            tries.append(refused.code)
    assert tries[0] == tries[1]


def test_the_order_of_rows_does_not_matter():
    rows = people(CELLS)
    assert counted(rows).tables["visits"] == counted(rows[::-1]).tables["visits"]


def test_a_table_of_small_cells_only_is_refused():
    with pytest.raises(DataError) as refused:
        counted(people({("A", "1"): 3, ("B", "1"): 4}), by=["area"])
    assert refused.value.code == "data.nothing-to-show"


def test_a_value_that_reads_like_a_margin_is_refused():
    with pytest.raises(DataError) as refused:
        counted(people({(TOTAL, "1"): 30, ("B", "1"): 40}), by=["area"])
    assert refused.value.code == "data.not-a-table"


@pytest.mark.parametrize(
    ("change", "code"), [({"by": ["gone"]}, "policy.unknown-column"), ({"table": "gone"}, "policy.unknown-table")]
)
def test_a_method_that_names_nothing_is_refused(change, code):
    with pytest.raises(PolicyError) as refused:
        counted(people(CELLS), **change)
    assert refused.value.code == code


def test_another_method_is_refused():
    with pytest.raises(PolicyError) as refused:
        protect_small_cells(microdata_release(), sources(), hierarchies=hierarchies())
    assert refused.value.code == "policy.other-method"


def test_columns_for_statistics_only_may_be_counted():
    entry = release_table(
        "visits", [drop("who"), treated("area", {"op": "aggregate_only"}), drop("sex")], dataset_id="clinic"
    )
    settings = {"kind": "small_cells", "table": "visits", "by": ["area"], "min_cell": 10}
    done = protect_small_cells(release([entry], settings), visits(people(deepcopy(CELLS))), hierarchies={})
    assert done.tables["visits"].num_rows == 4
