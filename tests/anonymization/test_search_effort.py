"""A search that ends before its proof says how much better another answer could be, and proves that much."""

from dataclasses import dataclass, replace

import ibis
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymization.criteria.criterion import BoolArray, ClassCounts
from anonymization.criteria.entropy_l import EntropyLDiversity
from anonymization.criteria.k_anonymity import KAnonymity
from anonymization.generalize import HowToSearch, generalize_table
from anonymization.hierarchy import hierarchy_from_rows
from anonymization.histogram import build_histogram
from anonymization.quasi import QuasiIdentifier
from anonymization.search.certificate import replay
from anonymization.search.effort import Effort
from anonymization.search.optimal import search_all
from anonymization.search.problem import Problem, SearchProgress, make_problem
from anonymization.search.wide import search_wide
from policies.errors import DataError
from policies.model.sensitive import DistinctL

DEEP = hierarchy_from_rows("deep", [[str(i), f"h{i // 2}", f"q{i // 4}", "*"] for i in range(8)])
FLAT = hierarchy_from_rows("flat", [[str(i), "*"] for i in range(8)])
SEVENTY = 70


def columns_of(count: int, rows: int) -> dict[str, list[str]]:
    return {f"q{j}": [str((i * (j % 5 + 1) + i // 7) % 8) for i in range(rows)] for j in range(count)}


def problem_of(columns: dict[str, list[str]], *, k: int = 3, limit: float = 0.1) -> Problem:
    histogram = build_histogram(
        ibis.memtable(pa.table(columns)), quasi_identifiers=[QuasiIdentifier(name, DEEP) for name in columns]
    )
    return make_problem(histogram, criteria=(KAnonymity(k),), suppression_limit=limit)


@given(
    values=st.lists(st.tuples(*[st.integers(0, 7)] * 3), min_size=4, max_size=20),
    checks=st.integers(1, 12),
    limit=st.sampled_from([0.0, 0.25, 1.0]),
)
def test_a_search_that_is_ended_early_has_an_honest_gap(
    values: list[tuple[int, ...]], checks: int, limit: float
) -> None:
    problem = problem_of({f"q{j}": [str(row[j]) for row in values] for j in range(3)}, k=2, limit=limit)
    best, early = search_all(problem), search_all(problem, effort=Effort(most_checks=checks))
    assert (best is None) == (early is None)
    if best is None or early is None:
        return
    assert early.loss - early.gap <= best.loss + 1e-9 <= early.loss + 2e-9
    assert early.is_complete == (early.gap == 0.0 and len(early.checks) == len(best.checks))
    assert replay(problem, early).faults == ()
    assert replay(problem, early).proves_optimum == early.is_complete
    if early.gap > 1e-6:
        assert not replay(problem, replace(early, gap=0.0)).holds
        assert not replay(problem, replace(early, is_complete=True)).holds


def test_the_caller_may_end_a_search_by_its_own_clock_and_sees_the_gap_close() -> None:
    seen: list[SearchProgress] = []
    columns = columns_of(5, 60)
    found = generalize_table(
        ibis.memtable(pa.table(columns)),
        quasi_identifiers=[QuasiIdentifier(name, DEEP) for name in columns],
        k=3,
        sensitive=[],
        suppression_limit=0.1,
        person=None,
        how=HowToSearch(effort=Effort(is_over=lambda: len(seen) >= 4)),
        progress=seen.append,
    )
    assert found.checks == len(seen)
    assert found.gap == seen[-1].gap
    assert not found.certificate.is_complete
    gaps = [step.gap for step in seen if step.gap is not None]
    assert gaps == sorted(gaps, reverse=True)
    assert found.k_reached >= 3


def test_seventy_quasi_identifiers_give_a_release_and_a_stated_gap() -> None:
    columns = columns_of(SEVENTY, 24)
    found = generalize_table(
        ibis.memtable(pa.table(columns)),
        quasi_identifiers=[QuasiIdentifier(name, FLAT) for name in columns],
        k=3,
        sensitive=[],
        suppression_limit=0.1,
        person=None,
        how=HowToSearch(effort=Effort(most_checks=120)),
    )
    assert found.k_reached >= 3
    assert found.suppressed_records <= 2
    assert 0.0 <= found.gap < found.loss
    assert found.rows.count().execute() == 24 - found.suppressed_records
    assert replay(found.problem, found.certificate).holds


def test_seventy_columns_without_a_hierarchy_are_one_question() -> None:
    columns = {f"q{j}": ["a", "a", "b", "b"] for j in range(SEVENTY)}
    found = generalize_table(
        ibis.memtable(pa.table(columns)),
        quasi_identifiers=[QuasiIdentifier(name) for name in columns],
        k=2,
        sensitive=[],
        suppression_limit=0.0,
        person=None,
    )
    assert (found.classes, found.loss, found.gap) == (2, 0.0, 0.0)


def skewed_problem() -> Problem:
    """A table whose whole fails entropy diversity, while one group of it passes and the rest may be suppressed."""
    columns = {
        "q0": ["0"] * 10 + ["4"] * 4,
        "q1": [str(i % 2) for i in range(14)],
        "secret": ["x"] * 11 + ["y", "x", "y"],
    }
    histogram = build_histogram(
        ibis.memtable(pa.table(columns)),
        quasi_identifiers=[QuasiIdentifier("q0", DEEP), QuasiIdentifier("q1", DEEP)],
        sensitive=["secret"],
    )
    criteria = (KAnonymity(2), EntropyLDiversity("secret", 1.9))
    return make_problem(histogram, criteria=criteria, suppression_limit=0.75)


def test_the_wide_search_looks_below_a_top_that_fails() -> None:
    problem = skewed_problem()
    best, found = search_all(problem), search_wide(problem)
    assert best is not None
    assert found is not None
    assert not found.checks[0].is_valid
    assert found.loss - found.gap <= best.loss <= found.loss
    assert replay(problem, found).holds


@dataclass(frozen=True)
class Never:
    """A model that no class meets, and that gives the search nothing to prune by."""

    name: str = "never"
    monotone: bool = False

    def failing(self, classes: ClassCounts) -> BoolArray:
        return np.ones(len(classes.rows), np.bool_)

    def least_lost(self, classes: ClassCounts) -> np.ndarray:
        return np.zeros(len(classes.rows), np.int64)


def test_a_lattice_too_large_to_list_is_refused_without_claiming_that_every_node_was_seen() -> None:
    columns = columns_of(11, 12)
    with pytest.raises(DataError) as caught:
        generalize_table(
            ibis.memtable(pa.table({**columns, "secret": ["x"] * 12})),
            quasi_identifiers=[QuasiIdentifier(name, DEEP) for name in columns],
            k=2,
            sensitive=[DistinctL(column="secret", l=2)],
            suppression_limit=0.5,
            person=None,
        )
    assert caught.value.code == "data.no-solution"
    assert "distinct 2-diversity" in caught.value.what
    assert "not every node was looked at" in caught.value.why


def test_the_wide_search_ends_where_there_is_nothing_to_find() -> None:
    problem = replace(problem_of(columns_of(3, 20)), criteria=(Never(),))
    assert search_wide(problem) is None
    assert search_wide(problem, effort=Effort(most_checks=7)) is None


@pytest.mark.parametrize(
    ("values", "code"),
    [
        (["same"] * 6, None),
        ([f"v{i}" for i in range(6)], None),
        ([None] * 6, None),
        (["a", "b"], "data.too-few-people"),
    ],
    ids=["one_value", "as_many_values_as_rows", "all_missing", "k_greater_than_the_table"],
)
def test_a_column_of_one_value_or_of_as_many_as_rows(values: list[str | None], code: str | None) -> None:
    known = sorted({value for value in values if value is not None}) or ["none"]
    hierarchy = hierarchy_from_rows("h", [[value, "*"] for value in known])
    rows = ibis.memtable(pa.table({"q": pa.array(values, pa.string())}))
    asked = {"quasi_identifiers": [QuasiIdentifier("q", hierarchy)], "sensitive": [], "suppression_limit": 0.0}
    if code is not None:
        with pytest.raises(DataError) as caught:
            generalize_table(rows, **asked, k=3, person=None)
        assert caught.value.code == code
        assert "k of at most 2" in caught.value.fix
        return
    found = generalize_table(rows, **asked, k=3, person=None)
    assert found.k_reached == 6
    assert found.node == {"q": 1 if len(known) == 6 else 0}
