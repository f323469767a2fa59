"""The search finds the true optimum, on every small table, and proves it."""

import math
from dataclasses import dataclass, replace

import ibis
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymization.coding import combine_codes
from anonymization.criteria.criterion import BoolArray, ClassCounts
from anonymization.criteria.distinct_l import DistinctLDiversity
from anonymization.criteria.k_anonymity import KAnonymity
from anonymization.generalize import generalize_table
from anonymization.hierarchy import Hierarchy, hierarchy_from_rows
from anonymization.histogram import build_histogram
from anonymization.quasi import IntArray, QuasiIdentifier
from anonymization.search.certificate import replay
from anonymization.search.effort import Effort
from anonymization.search.optimal import search_all
from anonymization.search.problem import Problem, SearchProgress, make_problem
from anonymization.search.wide import search_wide
from policies.errors import DataError, PolicyError
from policies.model.sensitive import DistinctL
from tests.support.lattice_oracle import brute_force


@dataclass(frozen=True)
class SmallTable:
    rows: list[tuple[str | None, ...]]
    hierarchies: list[Hierarchy]
    people: list[str]
    sensitive: list[str | None]
    k: int
    l: int
    limit: float

    def as_ibis(self) -> ibis.Table:
        columns = {f"q{j}": pa.array([row[j] for row in self.rows], pa.string()) for j in range(len(self.hierarchies))}
        columns["person"] = pa.array(self.people, pa.string())
        columns["secret"] = pa.array(self.sensitive, pa.string())
        return ibis.memtable(pa.table(columns))

    def quasi(self) -> list[QuasiIdentifier]:
        return [QuasiIdentifier(f"q{j}", hierarchy) for j, hierarchy in enumerate(self.hierarchies)]

    def problem(self, *, people: bool = False, sensitive: bool = False) -> Problem:
        histogram = build_histogram(
            self.as_ibis(),
            quasi_identifiers=self.quasi(),
            sensitive=["secret"] if sensitive else [],
            person="person" if people else None,
        )
        models = (KAnonymity(self.k), *([DistinctLDiversity("secret", self.l)] if sensitive else []))
        return make_problem(histogram, criteria=models, suppression_limit=self.limit)

    def best(self, *, people: bool = False, sensitive: bool = False):
        return brute_force(
            self.rows,
            self.hierarchies,
            k=self.k,
            limit=self.limit,
            people=self.people if people else None,
            sensitive=self.sensitive if sensitive else None,
            l=self.l,
        )


@st.composite
def hierarchies(draw: st.DrawFn, name: str) -> Hierarchy:
    size = draw(st.integers(1, 6))
    rows = [[f"v{i}"] for i in range(size)]
    groups = list(range(size))
    for level in range(draw(st.integers(0, 2))):
        target = [draw(st.integers(0, 2)) for _ in range(max(groups) + 1)]
        groups = [target[group] for group in groups]
        for row, group in zip(rows, groups, strict=True):
            row.append(f"g{level}_{group}")
    return hierarchy_from_rows(name, [[*row, "*"] for row in rows])


@st.composite
def small_tables(draw: st.DrawFn) -> SmallTable:
    made = [draw(hierarchies(f"h{j}")) for j in range(draw(st.integers(1, 3)))]
    values = [st.one_of(st.sampled_from(h.leaves), st.sampled_from(h.leaves), st.none()) for h in made]
    count = draw(st.integers(2, 16))
    rows = [tuple(draw(value) for value in values) for _ in range(count)]
    people = [draw(st.sampled_from("abcdefgh")) for _ in range(count)]
    secret = [draw(st.sampled_from(["x", "y", "z", None])) for _ in range(count)]
    limit = draw(st.sampled_from([0.0, 0.1, 0.25, 0.5, 1.0]))
    return SmallTable(rows, made, people, secret, draw(st.integers(2, 4)), draw(st.integers(2, 3)), limit)


@pytest.mark.parametrize("people", [False, True], ids=["rows", "people"])
@pytest.mark.parametrize("sensitive", [False, True], ids=["k", "k_and_l"])
@given(table=small_tables())
def test_the_search_finds_what_brute_force_finds(table: SmallTable, people: bool, sensitive: bool) -> None:
    found = search_all(table.problem(people=people, sensitive=sensitive))
    expected = table.best(people=people, sensitive=sensitive)
    assert (found is None) == (expected is None)
    if found is not None and expected is not None:
        check = next(check for check in found.checks if check.node == found.node)
        assert found.loss == pytest.approx(expected.loss, abs=1e-9)
        assert (check.suppressed, check.classes) == (expected.suppressed, expected.classes) or (
            found.node != expected.node
        )


@given(table=small_tables())
def test_every_certificate_replays(table: SmallTable) -> None:
    problem = table.problem(people=True, sensitive=True)
    found = search_all(problem)
    if found is not None:
        result = replay(problem, found)
        assert result.faults == ()
        assert result.proves_optimum


@given(table=small_tables(), data=st.data())
def test_a_certificate_without_one_of_its_needed_checks_or_with_another_answer_fails(
    table: SmallTable, data: st.DataObject
) -> None:
    problem = table.problem()
    found = search_all(problem)
    if found is None:
        return
    answer = next(check for check in found.checks if check.node == found.node)
    others = tuple(check for check in found.checks if check is not answer)
    assert not replay(problem, replace(found, checks=others)).holds
    assert not replay(problem, replace(found, loss=found.loss + 0.01)).holds
    position = data.draw(st.integers(0, len(found.checks) - 1))
    victim = found.checks[position]
    forged = [
        replace(victim, suppressed=victim.suppressed + 1),
        replace(victim, is_valid=not victim.is_valid),
        replace(victim, loss=victim.loss + 0.01),
        replace(victim, classes=victim.classes + 1),
        replace(victim, penalties=tuple(extra + 1 for extra in victim.penalties)),
    ]
    for fake in forged:
        checks = (*found.checks[:position], fake, *found.checks[position + 1 :])
        assert not replay(problem, replace(found, checks=checks)).holds


@given(table=small_tables(), part_nodes=st.sampled_from([1, 4, 12]))
def test_the_wide_search_is_valid_and_its_gap_is_honest(table: SmallTable, part_nodes: int) -> None:
    problem = table.problem(people=True)
    found = search_wide(problem, effort=Effort(most_checks=5), part_nodes=part_nodes)
    expected = table.best(people=True)
    assert (found is None) == (expected is None)
    if found is not None and expected is not None:
        assert found.loss >= expected.loss - 1e-9
        assert found.loss - found.gap <= expected.loss + 1e-9
        assert replay(problem, found).holds
        greedy = replace(found, gap=max(found.gap - 0.01, -1.0))
        if found.loss - greedy.gap > expected.loss + 1e-6:
            assert not replay(problem, greedy).holds


@dataclass(frozen=True)
class EvenClasses:
    """A model that merging can break: a class must have an even number of rows."""

    name: str = "even classes"
    monotone: bool = False

    def failing(self, classes: ClassCounts) -> BoolArray:
        return classes.rows % 2 == 1

    def least_lost(self, classes: ClassCounts) -> IntArray:
        return np.zeros(len(classes.rows), np.int64)


@given(table=small_tables())
def test_a_model_that_is_not_monotone_is_searched_without_pruning_by_it(table: SmallTable) -> None:
    problem = table.problem()
    problem = replace(problem, criteria=(KAnonymity(2), EvenClasses()))
    found = search_all(problem)
    from anonymization.search.classes import ClassStore

    store = ClassStore(problem)
    valid = [check for node in np.ndindex(*problem.shape) if (check := store.check(tuple(node))).is_valid]
    assert (found is None) == (not valid)
    if found is not None:
        assert found.loss == min(check.loss for check in valid)
        assert replay(problem, found).proves_optimum


@given(table=small_tables(), data=st.data())
def test_the_order_of_rows_changes_nothing(table: SmallTable, data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(len(table.rows))))
    shuffled = replace(
        table,
        rows=[table.rows[i] for i in order],
        people=[table.people[i] for i in order],
        sensitive=[table.sensitive[i] for i in order],
    )
    one = search_all(table.problem(people=True, sensitive=True))
    other = search_all(shuffled.problem(people=True, sensitive=True))
    assert (one is None) == (other is None)
    if one is not None and other is not None:
        assert (one.node, one.loss, len(one.checks)) == (other.node, other.loss, len(other.checks))


def table_of(*columns: tuple[str, list]) -> ibis.Table:
    return ibis.memtable(pa.table({name: pa.array(values) for name, values in columns}))


LETTERS = hierarchy_from_rows("letters", [["a", "ab", "*"], ["b", "ab", "*"], ["c", "c", "*"]])


def test_people_are_counted_not_rows() -> None:
    rows = table_of(("q", ["a", "a", "a", "b", "b", "c"]), ("who", ["1", "1", "1", "2", "3", "1"]))
    as_rows = generalize_table(
        rows, quasi_identifiers=[QuasiIdentifier("q", LETTERS)], k=2, sensitive=[], suppression_limit=0.2, person=None
    )
    as_people = generalize_table(
        rows, quasi_identifiers=[QuasiIdentifier("q", LETTERS)], k=2, sensitive=[], suppression_limit=0.2, person="who"
    )
    assert (as_rows.node, as_rows.people, as_rows.suppressed_records) == ({"q": 0}, 6, 1)
    assert (as_people.node, as_people.people, as_people.k_reached) == ({"q": 1}, 3, 3)


def test_a_person_of_two_tuples_counts_once_when_they_merge() -> None:
    rows = table_of(("q", ["a", "b", "c", "c"]), ("who", ["1", "1", "2", "3"]))
    found = generalize_table(
        rows, quasi_identifiers=[QuasiIdentifier("q", LETTERS)], k=2, sensitive=[], suppression_limit=0, person="who"
    )
    assert found.node == {"q": 2}
    assert found.k_reached == 3


def test_a_level_that_is_fixed_is_kept() -> None:
    rows = table_of(("q", ["a", "a", "b", "b"]), ("r", ["x", "x", "x", "x"]))
    found = generalize_table(
        rows,
        quasi_identifiers=[QuasiIdentifier("q", LETTERS, 1), QuasiIdentifier("r")],
        k=2,
        sensitive=[],
        suppression_limit=0,
        person=None,
    )
    assert found.node == {"q": 1, "r": 0}
    assert set(found.rows.to_pyarrow().column("q").to_pylist()) == {"ab"}


def test_no_solution_is_an_error_that_names_the_model_and_the_limit_that_would_do() -> None:
    rows = table_of(("q", ["a", "a", "b", "b"]), ("r", ["x", "x", "x", "y"]), ("s", ["1", "2", "3", "4"]))
    with pytest.raises(DataError) as caught:
        generalize_table(
            rows,
            quasi_identifiers=[QuasiIdentifier("q", LETTERS), QuasiIdentifier("r")],
            k=2,
            sensitive=[DistinctL(column="s", l=3)],
            suppression_limit=0.1,
            person=None,
        )
    assert caught.value.code == "data.no-solution"
    assert "2-anonymity" in str(caught.value)
    assert "0.25" in caught.value.fix


def test_suppressing_everything_is_never_an_answer() -> None:
    rows = table_of(("q", ["a", "b", "c"]), ("s", ["1", "1", "1"]))
    with pytest.raises(DataError) as caught:
        generalize_table(
            rows,
            quasi_identifiers=[QuasiIdentifier("q", LETTERS)],
            k=2,
            sensitive=[DistinctL(column="s", l=2)],
            suppression_limit=1.0,
            person=None,
        )
    assert caught.value.code == "data.no-solution"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"k": 1}, "policy.k"),
        ({"suppression_limit": 1.5}, "policy.suppression-limit"),
        ({"suppression_limit": math.nan}, "policy.suppression-limit"),
        ({"quasi_identifiers": []}, "policy.quasi-identifiers"),
        ({"person": "q"}, "policy.quasi-identifiers"),
        ({"quasi_identifiers": [QuasiIdentifier("q", LETTERS, 7)]}, "policy.hierarchy-level"),
    ],
)
def test_impossible_settings_are_refused(change: dict, code: str) -> None:
    settings = {
        "quasi_identifiers": [QuasiIdentifier("q", LETTERS)],
        "k": 2,
        "sensitive": [],
        "suppression_limit": 0.0,
        "person": None,
    }
    with pytest.raises(PolicyError) as caught:
        generalize_table(table_of(("q", ["a", "a"])), **{**settings, **change})
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("columns", "change", "code"),
    [
        ([("q", ["a", "a"])], {"person": "who"}, "data.column-missing"),
        ([("q", ["a", "zz"])], {}, "data.unseen-value"),
        ([("q", ["a", "a"])], {"k": 3}, "data.too-few-people"),
        ([("q", ["a", "a"]), ("who", ["1", None])], {"person": "who"}, "data.person-missing"),
    ],
)
def test_data_that_cannot_be_protected_are_refused_without_a_value(columns: list, change: dict, code: str) -> None:
    settings = {"k": 2, "sensitive": [], "suppression_limit": 0.0, "person": None}
    with pytest.raises(DataError) as caught:
        generalize_table(
            table_of(*columns), quasi_identifiers=[QuasiIdentifier("q", LETTERS)], **{**settings, **change}
        )
    assert caught.value.code == code
    assert "zz" not in str(caught.value)


def test_an_empty_table_is_refused() -> None:
    rows = ibis.memtable(pa.table({"q": pa.array([], pa.string())}))
    with pytest.raises(DataError) as caught:
        generalize_table(
            rows, quasi_identifiers=[QuasiIdentifier("q", LETTERS)], k=2, sensitive=[], suppression_limit=0, person=None
        )
    assert caught.value.code == "data.empty"


def test_progress_ends_with_no_gap() -> None:
    seen: list[SearchProgress] = []
    rows = table_of(("q", ["a", "a", "b", "c"]))
    generalize_table(
        rows,
        quasi_identifiers=[QuasiIdentifier("q", LETTERS)],
        k=2,
        sensitive=[],
        suppression_limit=0.5,
        person=None,
        progress=seen.append,
    )
    assert seen[-1].gap == 0.0
    assert seen[-1].open_nodes == 0
    assert [step.checks for step in seen] == list(range(1, len(seen) + 1))


def test_many_quasi_identifiers_do_not_overflow_the_keys() -> None:
    size = 40
    deep = hierarchy_from_rows("deep", [[str(i), "*"] for i in range(8)])
    columns = [(f"q{j}", [str((i + j) % 8) for i in range(24)]) for j in range(size)]
    found = generalize_table(
        table_of(*columns),
        quasi_identifiers=[QuasiIdentifier(f"q{j}", deep) for j in range(size)],
        k=3,
        sensitive=[],
        suppression_limit=0,
        person=None,
    )
    assert found.node == dict.fromkeys((f"q{j}" for j in range(size)), 0)
    assert found.gap == 0.0


def test_combined_keys_past_64_bits_stay_distinct() -> None:
    columns = [np.array([0, 1, 2, 3, 3]), np.array([5, 5, 5, 5, 6]), np.array([7, 7, 7, 7, 7])]
    keys, _ = combine_codes(columns, [2**40, 2**40, 2**40])
    assert len(set(keys.tolist())) == 5


def test_a_lattice_too_large_to_list_is_searched_with_a_gap() -> None:
    deep = hierarchy_from_rows("deep", [[str(i), f"h{i // 2}", f"q{i // 4}", "*"] for i in range(8)])
    columns = [(f"q{j}", [str((i * (j + 3) + i // 5) % 8) for i in range(60)]) for j in range(12)]
    found = generalize_table(
        table_of(*columns),
        quasi_identifiers=[QuasiIdentifier(f"q{j}", deep) for j in range(12)],
        k=3,
        sensitive=[],
        suppression_limit=0.1,
        person=None,
    )
    assert found.k_reached >= 3
    assert found.suppressed_records <= 6
    assert 0.0 <= found.gap < found.loss
    result = replay(found.problem, found.certificate)
    assert result.faults == ()
    assert not result.proves_optimum
