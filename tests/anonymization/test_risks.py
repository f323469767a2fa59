"""Risks beyond class sizes: SUDA, sets of attributes, missing values as wild cards, a population table; by brute force."""

import itertools
from collections import Counter

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymization.population import Population
from anonymization.risk import risk
from anonymization.risks.discovery import discover
from anonymization.risks.journalist import population_risk
from anonymization.risks.missing import MissingValues, missing_values, wild_card_risk
from anonymization.risks.records import Records, read_records
from anonymization.risks.suda import suda
from policies.errors import DataError, PolicyError

Row = tuple[str | None, ...]


def table_of(rows: list[Row], people: list[int] | None = None) -> ibis.Table:
    names = [f"c{j}" for j in range(len(rows[0]))]
    columns = {name: pa.array([row[j] for row in rows], pa.string()) for j, name in enumerate(names)}
    return ibis.memtable(pa.table({**columns, **({"who": people} if people else {})}))


def records_of(rows: list[Row], people: list[int] | None = None) -> Records:
    columns = [f"c{j}" for j in range(len(rows[0]))]
    return read_records(table_of(rows, people), columns, person="who" if people else None)


value = st.sampled_from(["a", "b", "c", None])
tables = st.lists(st.tuples(value, value, value, value), min_size=1, max_size=9)


def minimal_uniques(rows: list[Row], people: list[int], size: int) -> list[tuple[int, tuple[int, ...]]]:
    """Each (person's record, set) by which the person alone has the values, and by no smaller part."""

    def alone(row: Row, attributes: tuple[int, ...]) -> bool:
        same = {owner for other, owner in zip(rows, people, strict=True) if all(other[j] == row[j] for j in attributes)}
        return len(same) == 1

    found = []
    for number, (row, _) in enumerate(sorted(set(zip(rows, people, strict=True)), key=repr)):
        for length in range(1, size + 1):
            for attributes in itertools.combinations(range(len(row)), length):
                parts = (part for n in range(1, length) for part in itertools.combinations(attributes, n))
                if alone(row, attributes) and not any(alone(row, part) for part in parts):
                    found.append((number, attributes))
    return found


@settings(max_examples=25)
@given(rows=tables, size=st.integers(1, 4), data=st.data())
def test_suda_finds_what_trying_every_set_finds(rows: list[Row], size: int, data: st.DataObject) -> None:
    people = data.draw(st.none() | st.lists(st.integers(0, 3), min_size=len(rows), max_size=len(rows)))
    found = suda(records_of(rows, people), most_size=size)
    owners = list(range(len(rows))) if people is None else people
    expected = minimal_uniques(rows, owners, size)
    lengths = Counter(len(attributes) for _, attributes in expected)
    assert {n: count for n, count in found.uniques_by_size.items() if count} == dict(lengths)
    assert found.special == len({number for number, _ in expected})
    points = {1: [3, 6, 6, 6], 2: [0, 2, 2, 2], 3: [0, 0, 1, 1], 4: [0, 0, 0, 1]}
    points[1][1] = 3 * 2
    scores = Counter()
    for number, attributes in expected:
        scores[number] += points[len(attributes)][size - 1]
    assert sorted(scores.values()) == sorted(score for score in found.scores.tolist() if score)
    if expected:
        assert all(0 < chance <= 1 for chance in found.dis[found.scores > 0])


def test_the_scores_of_the_book_example() -> None:
    """Source: sdcMicro, tests/testthat/test_suda2.R, "suda2 book example" (scores of records 5 to 8: 4, 2, 6, 8)."""
    rows: list[Row] = [
        *[("20s", "male", "50k+", "highschool")] * 2,
        *[("20s", "male", "50k-", "highschool")] * 2,
        ("20s", "female", "50k-", "university"),
        ("20s", "female", "50k-", "highschool"),
        ("20s", "female", "50k-", "middleschool"),
        ("60s", "male", "50k-", "university"),
    ]
    assert sorted(suda(records_of(rows)).scores.tolist()) == [0, 0, 2, 4, 6, 8]


def test_the_contributions_of_the_three_row_example() -> None:
    """Source: sdcMicro, tests/testthat/test_suda2.R, "suda2 simple example contrubtion": 50, 37.5 and 37.5 percent."""
    rows: list[Row] = [("2", "0", "0"), ("1", "3", "6"), ("1", "0", "0")]
    assert suda(records_of(rows)).contributions == {"c0": 0.5, "c1": 0.375, "c2": 0.375}


def test_the_dis_scores_of_four_records_by_hand() -> None:
    """Two unique records and one pair: P = 2·0.1 / (2·0.1 + 2·0.9) = 0.1; equal scores share it alike."""
    rows: list[Row] = [("x", "p"), ("y", "q"), ("z", "r"), ("z", "r")]
    found = suda(records_of(rows), fraction=0.1)
    assert found.dis[found.scores > 0].tolist() == pytest.approx([0.1, 0.1])


def test_distinction_and_separation_of_the_example_of_arx() -> None:
    """Source: ARX, TestRiskQuasiIdentifiers.java (commit 1275d228), calculated by hand there."""
    rows: list[Row] = [
        ("20", "Female", "CA"), ("30", "Female", "CA"), ("40", "Female", "TX"), ("20", "Male", "NY"), ("40", "Male", "CA"),
    ]  # fmt: skip
    found = {one.attributes: (one.distinction, one.separation) for one in discover(records_of(rows)).sets}
    age, sex, state = ("c0",), ("c1",), ("c2",)
    expected = {
        sex: (0.4, 0.6), state: (0.6, 0.7), age: (0.6, 0.8), sex + state: (0.8, 0.9),
        age + state: (1.0, 1.0), age + sex: (1.0, 1.0), age + sex + state: (1.0, 1.0),
    }  # fmt: skip
    assert found == {each: pytest.approx(figures) for each, figures in expected.items()}


def test_a_bounded_search_says_so_and_starts_from_the_best() -> None:
    rows: list[Row] = [tuple(str((n >> j) & 1) for j in range(3)) + tuple("same" * 5) for n in range(8)]
    complete, bounded = discover(records_of(rows)), discover(records_of(rows), most_sets=20)
    assert complete.is_complete
    assert not bounded.is_complete
    assert len(bounded.sets) < len(complete.sets)
    assert bounded.sets[0] == complete.sets[0]
    assert bounded.sets[0].attributes == ("c0", "c1", "c2")


@settings(max_examples=25)
@given(rows=tables)
def test_wild_cards_match_whatever_is_not_contradicted(rows: list[Row]) -> None:
    def matches(one: Row, other: Row) -> bool:
        return all(a is None or b is None or a == b for a, b in zip(one, other, strict=True))

    sizes = [sum(matches(row, other) for other in rows) for row in rows]
    found = wild_card_risk(records_of(rows), threshold=0.2)
    assert found.k == min(sizes)
    assert found.uniques == sizes.count(1)
    assert found.mean == pytest.approx(sum(1 / size for size in sizes) / len(sizes))
    assert found.at_risk == pytest.approx(sum(size < 5 for size in sizes) / len(sizes))


def test_the_two_meanings_of_a_missing_value_give_another_k() -> None:
    rows: list[Row] = [("a", None), ("a", "x"), ("a", "x")]
    assert wild_card_risk(records_of(rows), threshold=0.2).k == 3
    assert risk(table_of(rows), quasi_identifiers=["c0", "c1"]).k == 1


@settings(max_examples=15)
@given(rows=tables, others=tables)
def test_the_journalists_risk_is_that_of_the_population(rows: list[Row], others: list[Row]) -> None:
    everyone = Counter([*rows, *others])
    counted = ibis.memtable(
        pa.table(
            {f"c{j}": pa.array([row[j] for row in everyone], pa.string()) for j in range(4)}
            | {"n": pa.array(everyone.values())}
        )
    )
    columns = [f"c{j}" for j in range(4)]
    found = population_risk(
        table_of(rows), quasi_identifiers=columns, population=Population(counted, "n"), threshold=0.2
    )
    sizes = [everyone[row] for row in rows]
    assert found.max == 1 / min(sizes)
    assert found.k_map == min(sizes)
    assert found.mean == pytest.approx(sum(1 / size for size in sizes) / len(sizes))
    assert found.at_risk == pytest.approx(sum(size < 5 for size in sizes) / len(sizes))
    assert found.uniques == sizes.count(1)
    assert found.contradicted == 0


def test_a_population_that_does_not_hold_the_table_is_told() -> None:
    rows: list[Row] = [("a",), ("a",), ("b",)]
    everyone = Population(table_of([("a",), ("b",), ("b",)]))
    found = population_risk(table_of(rows), quasi_identifiers=["c0"], population=everyone, threshold=0.2)
    assert (found.k_map, found.contradicted) == (2, 1)


@pytest.mark.parametrize(
    ("ask", "code"),
    [
        (lambda: suda(records_of([("a",)]), most_size=0), "policy.suda"),
        (lambda: suda(records_of([("a",)]), fraction=1.0), "policy.suda"),
        (lambda: suda(records_of([("a",) * 30]), most_size=15), "policy.suda"),
        (lambda: discover(records_of([("a",)]), most_size=0), "policy.discovery"),
        (lambda: missing_values("nothing"), "policy.missing-values"),
        (lambda: wild_card_risk(records_of([("a",)], [1]), threshold=0.2), "policy.missing-values"),
        (lambda: read_records(table_of([("a",)]), []), "policy.quasi-identifiers"),
        (lambda: read_records(table_of([("a",)]), ["c0", "c0"]), "policy.quasi-identifiers"),
        (lambda: read_records(table_of([("a",)]), ["c9"]), "data.column-missing"),
        (lambda: read_records(ibis.memtable(pa.table({"c0": pa.array([], pa.string())})), ["c0"]), "data.empty"),
        (
            lambda: read_records(ibis.memtable(pa.table({"c0": ["a"], "who": pa.array([None], pa.string())})), ["c0"],
                                 person="who"),
            "data.person-missing",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_measured_is_refused(ask, code: str) -> None:
    with pytest.raises((PolicyError, DataError)) as caught:
        ask()
    assert caught.value.code == code


def test_the_meanings_have_the_names_that_evidence_writes() -> None:
    assert missing_values("own_category") is MissingValues.OWN_CATEGORY
    assert missing_values("wild_card") is MissingValues.WILD_CARD
