"""Models of the published classes together: the search finds the best release that meets them, whatever their flags."""

import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

import ibis
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymization.criteria.criterion import BoolArray, ClassCounts
from anonymization.criteria.k_anonymity import KAnonymity
from anonymization.generalize import generalize_table
from anonymization.hierarchy import Hierarchy, hierarchy_from_rows
from anonymization.histogram import build_histogram
from anonymization.quasi import QuasiIdentifier
from anonymization.search.certificate import replay
from anonymization.search.optimal import search_all
from anonymization.search.problem import Problem, make_problem
from policies.errors import DataError
from tests.support.lattice_oracle import loss_at, publish

LETTERS = hierarchy_from_rows("letters", [["a", "ab", "*"], ["b", "ab", "*"], ["c", "cd", "*"], ["d", "cd", "*"]])
DIGITS = hierarchy_from_rows("digits", [["1", "low", "*"], ["2", "low", "*"], ["3", "high", "*"]])


@dataclass(frozen=True)
class FewClasses:
    """At most so many classes: merging helps, publishing more does not."""

    most: int
    monotone_in_generalization: bool = True
    monotone_in_suppression: bool = False

    @property
    def name(self) -> str:
        return f"at most {self.most} classes"

    def failing_by(self, counts: ClassCounts, kept: BoolArray) -> bool:
        return not self.passes(counts.rows[kept].tolist())

    def nearest(self, counts: ClassCounts, kept: BoolArray) -> str | None:
        return f"at least {int(kept.sum())} classes allowed"

    def passes(self, sizes: list[int]) -> bool:
        return len(sizes) <= self.most


@dataclass(frozen=True)
class LargestClass:
    """Some class has so many rows: merging helps, publishing more helps too."""

    least: int
    monotone_in_generalization: bool = True
    monotone_in_suppression: bool = True
    name: str = "one large class"

    def failing_by(self, counts: ClassCounts, kept: BoolArray) -> bool:
        return not self.passes(counts.rows[kept].tolist())

    def nearest(self, counts: ClassCounts, kept: BoolArray) -> str | None:
        return None

    def passes(self, sizes: list[int]) -> bool:
        return max(sizes) >= self.least


@dataclass(frozen=True)
class EvenNumber:
    """An even number of classes: nothing can be concluded from a failure."""

    monotone_in_generalization: bool = False
    monotone_in_suppression: bool = False
    name: str = "even number of classes"

    def failing_by(self, counts: ClassCounts, kept: BoolArray) -> bool:
        return not self.passes(counts.rows[kept].tolist())

    def nearest(self, counts: ClassCounts, kept: BoolArray) -> str | None:
        return None

    def passes(self, sizes: list[int]) -> bool:
        return len(sizes) % 2 == 0


@dataclass(frozen=True)
class Table:
    rows: list[tuple[str | None, str | None]]
    k: int
    limit: float

    def problem(self, *models: FewClasses | LargestClass | EvenNumber) -> Problem:
        table = ibis.memtable(
            pa.table({f"q{j}": pa.array([row[j] for row in self.rows], pa.string()) for j in range(2)})
        )
        quasi = [QuasiIdentifier("q0", LETTERS), QuasiIdentifier("q1", DIGITS)]
        return make_problem(
            build_histogram(table, quasi_identifiers=quasi),
            criteria=(KAnonymity(self.k),),
            suppression_limit=self.limit,
            table_criteria=models,
        )

    def best_loss(self, passes: Callable[[list[int]], bool]) -> float | None:
        """Look at every node of the lattice, with strings and dictionaries."""
        found = [self.loss_of(node, passes) for node in itertools.product(range(3), range(3))]
        return min((loss for loss in found if loss is not None), default=None)

    def loss_of(self, node: tuple[int, int], passes: Callable[[list[int]], bool]) -> float | None:
        hierarchies: list[Hierarchy] = [LETTERS, DIGITS]
        labels = [tuple(publish(v, h, n) for v, h, n in zip(row, hierarchies, node, strict=True)) for row in self.rows]
        sizes = Counter(labels)
        kept = {i for i, label in enumerate(labels) if sizes[label] >= self.k}
        lost = len(self.rows) - len(kept)
        if not kept or lost > int(self.limit * len(self.rows)):
            return None
        published = [size for size in sizes.values() if size >= self.k]
        return loss_at(self.rows, hierarchies, node, kept) if passes(published) else None


@st.composite
def tables(draw: st.DrawFn) -> Table:
    row = st.tuples(st.sampled_from("abcd"), st.sampled_from(["1", "2", "3", None]))
    return Table(
        draw(st.lists(row, min_size=2, max_size=16)),
        draw(st.integers(1, 3)),
        draw(st.sampled_from([0.0, 0.125, 0.25, 0.5, 1.0])),
    )


MODELS = st.one_of(
    st.builds(FewClasses, st.integers(1, 6)), st.builds(LargestClass, st.integers(2, 9)), st.just(EvenNumber())
)


@given(table=tables(), model=MODELS)
def test_the_search_finds_what_brute_force_finds_and_its_certificate_replays(
    table: Table, model: FewClasses | LargestClass | EvenNumber
) -> None:
    problem = table.problem(model)
    found = search_all(problem)
    expected = table.best_loss(model.passes)
    assert (found is None) == (expected is None)
    if found is not None:
        assert found.loss == pytest.approx(expected, abs=1e-9)
        assert replay(problem, found).faults == ()


@given(table=tables(), model=MODELS)
def test_a_certificate_that_rules_out_more_than_the_model_allows_is_refused(
    table: Table, model: FewClasses | LargestClass | EvenNumber
) -> None:
    problem = table.problem(model)
    found = search_all(problem)
    if found is None:
        return
    passing = next(check for check in found.checks if check.is_valid)
    forged = tuple(replace(check, rules_out_below=True) if check is passing else check for check in found.checks)
    assert not replay(problem, replace(found, checks=forged)).holds


def test_a_failure_that_is_final_saves_checks() -> None:
    rows: list[tuple[str | None, str | None]] = [(q, r) for q in "abcd" for r in "123" for _ in range(3)]
    table = Table(rows, 2, 0.0)
    used = {flag: search_all(table.problem(FewClasses(2, flag))) for flag in (True, False)}
    assert used[True] is not None
    assert used[False] is not None
    assert used[True].node == used[False].node
    assert len(used[True].checks) < len(used[False].checks)


def letters_table() -> ibis.Table:
    return ibis.memtable(pa.table({"q": ["a", "a", "b", "b", "c", "c", "d", "d"]}))


def test_a_release_names_the_models_it_meets_together() -> None:
    asked = {"quasi_identifiers": [QuasiIdentifier("q", LETTERS)], "k": 2, "sensitive": [], "suppression_limit": 0.0}
    plain = generalize_table(letters_table(), **asked, person=None)
    found = generalize_table(letters_table(), **asked, person=None, table_models=[FewClasses(2)])
    assert (plain.node, plain.table_models) == ({"q": 0}, ())
    assert (found.node, found.classes, found.table_models) == ({"q": 1}, 2, ("at most 2 classes",))


def test_a_model_that_no_levels_meet_is_named_with_the_nearest_setting() -> None:
    with pytest.raises(DataError) as caught:
        generalize_table(
            letters_table(),
            quasi_identifiers=[QuasiIdentifier("q", LETTERS, 0)],
            k=2,
            sensitive=[],
            suppression_limit=0.0,
            person=None,
            table_models=[FewClasses(3)],
        )
    assert caught.value.code == "data.no-solution"
    assert "at most 3 classes" in caught.value.what
    assert "at least 4 classes allowed" in caught.value.fix
