"""Tables by municipality: villages are not shown by themselves, small towns from 20 on; the recount finds what slips."""

from dataclasses import replace

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymization.cell_audit import hidden_intervals
from anonymization.municipalities import POOLED, least_counts, places_of
from anonymization.release_checks import recount_release
from anonymization.small_cells import (
    COUNT,
    HIDDEN,
    SHOWN,
    STATUS,
    TOTAL,
    hide_small_cells,
    protect_small_cells,
    with_margins,
)
from policies.errors import DataError
from policies.model.municipality import Municipality
from tests.support.hospital_tables import column, dataset, drop, keep, pseudonymized, raw, release, release_table, table
from tests.support.rule_pairs import pair

TIERS = {
    "column": "city",
    "source": "made up for tests",
    "counted_on": "2020-10-01",
    "none_below": 2000,
    "raised_below": 25000,
    "raised_min_cell": 20,
}
LIVES = {"Aoba": 310_000, "Wakaba": 18_000, "Futaba": 1_800}
VISITS = {("Aoba", "1"): 60, ("Aoba", "2"): 55, ("Wakaba", "1"): 12, ("Wakaba", "2"): 30, ("Futaba", "1"): 40}


def made(visits, lives, *, by=("city", "sex"), **method):
    policy = dataset(
        "clinic",
        [
            table(
                "visits",
                "event",
                [column("who", "person_key"), column("city", "quasi_identifier"), column("sex", "attribute")],
            )
        ],
        {"basis": "not_required", "reason": "test"},
    )
    rows = [(f"{city}-{sex}-{n}", city, sex) for (city, sex), people in visits.items() for n in range(people)]
    columns = {name: [row[at] for row in rows] for at, name in enumerate(("who", "city", "sex"))}
    sources = {"clinic": pseudonymized(raw(policy, {"visits": columns}))}
    tiers = {"municipality": {**TIERS, "inhabitants": dict(lives)}}
    asked = {"kind": "small_cells", "table": "visits", "by": list(by), "min_cell": 10, **tiers, **method}
    entry = release_table("visits", [drop("who"), keep("city"), keep("sex")], dataset_id="clinic")
    return protect_small_cells(release([entry], asked), sources, hierarchies={}), sources


def shown_of(done):
    return {(row["city"], row["sex"]): row[COUNT] for row in done.tables["visits"].to_pylist() if row[STATUS] == SHOWN}


def failed(done, sources):
    return {found.name for found in recount_release(done, sources) if not found.passed}


def tampered(done, place, count):
    rows = done.tables["visits"]
    at = next(n for n, row in enumerate(rows.to_pylist()) if (row["city"], row["sex"]) == place)
    counts, status = rows.column(COUNT).to_pylist(), rows.column(STATUS).to_pylist()
    counts[at], status[at] = count, HIDDEN if count is None else SHOWN
    changed = rows.set_column(rows.column_names.index(COUNT), COUNT, pa.array(counts, pa.int64()))
    changed = changed.set_column(rows.column_names.index(STATUS), STATUS, pa.array(status, pa.string()))
    return replace(done, tables={"visits": changed})


@pair(rule="CELL-NDB-1", violation="V10")
def test_a_village_of_1800_is_not_counted_by_itself() -> None:
    done, sources = made(VISITS, LIVES)
    assert not [place for place in shown_of(done) if "Futaba" in place[0]]
    assert failed(done, sources) == set()

    # The same table, with the village in it: a count of 40, and even a zero, is refused.
    village, _ = made(VISITS, {**LIVES, "Futaba": 310_000})
    told = replace(done, tables=village.tables)
    assert "recount.min_cell" in failed(told, sources)


@pair(rule="CELL-NDB-1", violation="V10")
def test_a_small_town_is_counted_from_20_on() -> None:
    done, sources = made(VISITS, LIVES)
    shown = shown_of(done)
    assert ("Wakaba", "1") not in shown
    assert shown.get(("Aoba", "1"), 60) == 60
    assert "recount.min_cell" in failed(tampered(done, ("Wakaba", "1"), 12), sources)
    # In a city of 310,000, 12 may be shown.
    city, _ = made(VISITS, {**LIVES, "Wakaba": 310_000})
    assert shown_of(city)["Wakaba", "1"] == 12


@pair(rule="CELL-HOUSE", violation="V10")
def test_a_hidden_seven_cannot_be_derived_from_totals() -> None:
    visits = {("Aoba", "1"): 7, ("Aoba", "2"): 55, ("Midori", "1"): 70, ("Midori", "2"): 60}
    lives = {"Aoba": 310_000, "Midori": 250_000}
    done, sources = made(visits, lives)
    assert ("Aoba", "1") not in shown_of(done)
    assert failed(done, sources) == set()
    # Hiding the seven alone leaves it to be computed from the row's total.
    naked = done
    for place, count in (
        *visits.items(),
        (("Aoba", TOTAL), 62),
        (("Midori", TOTAL), 130),
        ((TOTAL, "1"), 77),
        ((TOTAL, "2"), 115),
        ((TOTAL, TOTAL), 192),
    ):
        naked = tampered(naked, place, None if count == 7 else count)
    assert "recount.audit" in failed(naked, sources)


def test_villages_are_counted_together_where_enough_people_live() -> None:
    visits = {**VISITS, ("Mitsuba", "1"): 45}
    done, sources = made(visits, {**LIVES, "Mitsuba": 1_500})
    assert shown_of(done)[POOLED, "1"] == 85
    assert failed(done, sources) == set()
    assert done.evidence.parameters["municipality"]["small_are_shown"] == "together"


def test_a_person_of_two_villages_is_one_person_of_the_pool() -> None:
    policy = dataset(
        "clinic",
        [table("visits", "event", [column("who", "person_key"), column("city", "quasi_identifier")])],
        {"basis": "not_required", "reason": "test"},
    )
    who = [f"p{n}" for n in range(30)]
    rows = {"who": [*who, *who], "city": ["Futaba"] * 30 + ["Mitsuba"] * 30}
    sources = {"clinic": pseudonymized(raw(policy, {"visits": rows}))}
    tiers = {**TIERS, "inhabitants": {"Futaba": 1_800, "Mitsuba": 1_500}}
    asked = {"kind": "small_cells", "table": "visits", "by": ["city"], "min_cell": 10, "municipality": tiers}
    entry = release_table("visits", [drop("who"), keep("city")], dataset_id="clinic")
    done = protect_small_cells(release([entry], asked), sources, hierarchies={})
    assert {row["city"]: row[COUNT] for row in done.tables["visits"].to_pylist()} == {POOLED: 30, TOTAL: 30}


def test_a_lone_village_leaves_the_table_and_its_totals() -> None:
    done, _ = made(VISITS, LIVES)
    assert done.evidence.parameters["municipality"]["small_are_shown"] == "left_out"
    assert shown_of(done)[TOTAL, TOTAL] == 60 + 55 + 12 + 30


def test_a_place_that_nobody_declared_stops_the_release() -> None:
    with pytest.raises(DataError) as caught:
        made(VISITS, {"Aoba": 310_000})
    assert caught.value.code == "data.unknown-municipality"
    assert "Wakaba" not in str(caught.value)


@given(
    st.dictionaries(st.sampled_from(["a", "b", "c", "d"]), st.integers(0, 60_000), min_size=1),
    st.integers(3, 30),
)
def test_more_people_never_raise_the_least_count(lives, min_cell) -> None:
    tiers = Municipality.model_validate({**TIERS, "inhabitants": lives, "counted_on": "2020-10-01"})
    least = dict(zip(lives, least_counts(tiers, list(lives), min_cell=min_cell), strict=True))
    assert all(least[one] >= least[other] for one in lives for other in lives if lives[one] <= lives[other])
    assert all(each >= min_cell for each in least.values())
    assert set(places_of(tiers).pooled) == {name for name, people in lives.items() if people < 2000}


@settings(deadline=None, max_examples=40)
@given(st.lists(st.lists(st.integers(0, 60), min_size=2, max_size=3), min_size=2, max_size=4), st.data())
def test_each_hidden_number_is_as_wide_as_its_own_least_count(cells, data) -> None:
    import numpy as np

    width = min(map(len, cells))
    cells = np.array([row[:width] for row in cells], dtype=np.int64)
    rows = data.draw(st.lists(st.sampled_from([10, 20]), min_size=len(cells), max_size=len(cells)))
    least = np.full((len(cells) + 1, width + 1), 10, dtype=np.int64)
    least[:-1, :] = np.array(rows)[:, None]
    try:
        done = hide_small_cells(cells, min_cell=least, zero_allowed=True, margins=True)
    except DataError:
        return
    assert (done.counts == with_margins(cells)).all()
    shown = ~done.hidden & (done.counts > 0)
    assert (done.counts[shown] >= least[shown]).all()
    for interval in hidden_intervals(done.counts, done.hidden, floor=1):
        assert interval.width is None or interval.width >= least[interval.row, interval.column]
