"""Models of sensitive values: each against its definition in fractions, and its bound against every choice of rows."""

import itertools
import math
from collections import Counter
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymization.criteria.alpha_k import AlphaFrequency
from anonymization.criteria.beta_likeness import BetaLikeness
from anonymization.criteria.criterion import ClassCounts, Criterion
from anonymization.criteria.delta_disclosure import DeltaDisclosure
from anonymization.criteria.distinct_l import DistinctLDiversity
from anonymization.criteria.entropy_l import EntropyLDiversity
from anonymization.criteria.positive_recursive_l import PositiveRecursiveCLDiversity
from anonymization.criteria.recursive_l import RecursiveCLDiversity
from anonymization.criteria.t_closeness import EqualDistance, HierarchicalDistance, OrderedDistance, TCloseness
from anonymization.hierarchy import hierarchy_from_rows
from anonymization.sensitive import SensitiveCounts
from policies.errors import DataError

LABELS = ("a", "b", "c", "d")
TREE = hierarchy_from_rows("s", [["a", "ab", "*"], ["b", "ab", "*"], ["c", "cd", "*"], ["d", "cd", "*"]])
ORDER = OrderedDistance(("a", "b", "c", "d"))
MISSING = len(LABELS)

Values = list[int]
Rule = Callable[[Values, Values], bool]
"""The definition: whether a class of values passes, given the whole table's values."""


def counts_of(classes: list[Values]) -> ClassCounts:
    pairs = [(group, value, rows) for group, one in enumerate(classes) for value, rows in sorted(Counter(one).items())]
    columns = [np.array(column, np.int64) for column in zip(*pairs, strict=True)]
    sizes = np.array([len(one) for one in classes], np.int64)
    return ClassCounts(sizes, sizes, {"s": SensitiveCounts(*columns, labels=LABELS)})


def shares(values: Values) -> dict[int, Fraction]:
    return {value: Fraction(number, len(values)) for value, number in Counter(values).items()}


def known(values: Values) -> list[int]:
    return sorted((number for value, number in Counter(values).items() if value != MISSING), reverse=True)


def distinct(l: int) -> Rule:
    return lambda one, _: len(known(one)) >= l


def entropy(l: float) -> Rule:
    def holds(one: Values, _: Values) -> bool:
        numbers = known(one)
        total = sum(numbers)
        return total > 0 and -sum(n / total * math.log(n / total) for n in numbers) >= math.log(l) - 1e-9

    return holds


def recursive(c: int, l: int) -> Rule:
    return lambda one, _: bool(known(one)) and known(one)[0] < c * sum(known(one)[l - 1 :])


def positive(c: int, l: int, disclosable: frozenset[int]) -> Rule:
    """Definition 4.3 of the paper, by the place y of the most frequent value that may not become known."""

    def holds(one: Values, _: Values) -> bool:
        ranked = sorted(((n, v) for v, n in Counter(one).items() if v != MISSING), reverse=True)
        y = next((place for place, (_, v) in enumerate(ranked, start=1) if v not in disclosable), None)
        if y is None:
            return True
        r = [0, *(n for n, _ in ranked)]
        tail = sum(r[l:]) if y <= l - 1 else sum(r[l - 1 : y]) + sum(r[y + 1 :])
        return r[y] < c * tail

    return holds


def alpha(limit: Fraction) -> Rule:
    return lambda one, _: not known(one) or Fraction(known(one)[0], len(one)) <= limit


def beta(limit: Fraction, *, enhanced: bool) -> Rule:
    def holds(one: Values, table: Values) -> bool:
        q = shares(table)
        return all(
            (p - q[v]) / q[v] <= (min(float(limit), -math.log(q[v])) if enhanced else limit) + 1e-9
            for v, p in shares(one).items()
        )

    return holds


def delta(limit: float) -> Rule:
    def holds(one: Values, table: Values) -> bool:
        p, q = shares(one), shares(table)
        return all(v in p and abs(math.log(p[v] / q[v])) < limit - 1e-9 for v in q)

    return holds


def within(t: float, ground: Callable[[int, int], Fraction]) -> Rule:
    """t-closeness by the transport problem itself, solved on a small table by the cheapest pairing of equal masses."""

    def holds(one: Values, table: Values) -> bool:
        return float(transport(one, table, ground)) <= t + 1e-9

    return holds


def transport(one: Values, table: Values, ground: Callable[[int, int], Fraction]) -> Fraction:
    from scipy.optimize import linprog

    p, q = shares(one), shares(table)
    pairs = list(itertools.product(p, q))
    equal_rows = [[1 if a == value else 0 for a, _ in pairs] for value in p]
    equal_rows += [[1 if b == value else 0 for _, b in pairs] for value in q]
    masses = [float(mass) for mass in (*p.values(), *q.values())]
    found = linprog([float(ground(a, b)) for a, b in pairs], A_eq=equal_rows, b_eq=masses, method="highs")
    return Fraction(found.fun).limit_denominator(10**9)


def ground_equal(a: int, b: int) -> Fraction:
    return Fraction(a != b)


def ground_ordered(a: int, b: int) -> Fraction:
    if MISSING in {a, b}:
        return Fraction(0) if a == b else Fraction(1, 2) + abs(Fraction(a + b - MISSING, 3) - Fraction(1, 2))
    return Fraction(abs(a - b), 3)


def ground_tree(a: int, b: int) -> Fraction:
    if a == b:
        return Fraction(0)
    return Fraction(1) if MISSING in {a, b} or a // 2 != b // 2 else Fraction(1, 2)


MODELS: dict[str, tuple[Criterion, Rule]] = {
    "distinct-2": (DistinctLDiversity("s", 2), distinct(2)),
    "distinct-3": (DistinctLDiversity("s", 3), distinct(3)),
    "entropy-1.8": (EntropyLDiversity("s", 1.8), entropy(1.8)),
    "entropy-3": (EntropyLDiversity("s", 3), entropy(3)),
    "recursive-2-2": (RecursiveCLDiversity("s", 2, 2), recursive(2, 2)),
    "recursive-4-3": (RecursiveCLDiversity("s", 4, 3), recursive(4, 3)),
    "positive-1-2": (PositiveRecursiveCLDiversity("s", 1, 2, frozenset("b")), positive(1, 2, frozenset([1]))),
    "positive-2-3": (PositiveRecursiveCLDiversity("s", 2, 3, frozenset("ad")), positive(2, 3, frozenset([0, 3]))),
    "positive-1-4": (PositiveRecursiveCLDiversity("s", 1, 4, frozenset("c")), positive(1, 4, frozenset([2]))),
    "alpha-half": (AlphaFrequency("s", 0.5), alpha(Fraction(1, 2))),
    "basic-beta": (BetaLikeness("s", 0.5, is_enhanced=False), beta(Fraction(1, 2), enhanced=False)),
    "enhanced-beta": (BetaLikeness("s", 2.0), beta(Fraction(2), enhanced=True)),
    "delta": (DeltaDisclosure("s", 0.8), delta(0.8)),
    "t-equal": (TCloseness("s", 0.3, EqualDistance()), within(0.3, ground_equal)),
    "t-ordered": (TCloseness("s", 0.2, ORDER), within(0.2, ground_ordered)),
    "t-tree": (TCloseness("s", 0.25, HierarchicalDistance(TREE)), within(0.25, ground_tree)),
}

values = st.lists(st.integers(0, MISSING), min_size=1, max_size=6)
tables = st.lists(values, min_size=1, max_size=4)


@pytest.mark.parametrize("name", MODELS)
@given(classes=tables)
def test_a_model_is_its_definition(name: str, classes: list[Values]) -> None:
    criterion, rule = MODELS[name]
    table = [value for one in classes for value in one]
    assert criterion.failing(counts_of(classes)).tolist() == [not rule(one, table) for one in classes]


@pytest.mark.parametrize(
    ("name", "ground"), [("t-equal", ground_equal), ("t-ordered", ground_ordered), ("t-tree", ground_tree)]
)
@given(classes=tables)
def test_the_distance_is_that_of_the_cheapest_transport(
    name: str, ground: Callable[[int, int], Fraction], classes: list[Values]
) -> None:
    criterion, _ = MODELS[name]
    table = [value for one in classes for value in one]
    expected = [float(transport(one, table, ground)) for one in classes]
    assert criterion.reached(counts_of(classes)).tolist() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("middle", [2, 3, 4, 5])
def test_a_missing_value_hangs_off_the_middle_of_an_order_of_any_length(middle: int) -> None:
    labels = tuple(f"v{place}" for place in range(middle))
    distance = OrderedDistance(labels)
    for place in range(middle):
        apart = sum(
            split.weight * (split.group_of[place] != split.group_of[middle]) for split in distance.splits(labels)
        )
        assert apart == pytest.approx(0.5 + abs(place / (middle - 1) - 0.5))


@pytest.mark.parametrize("name", MODELS)
@given(one=values, rest=values)
def test_the_bound_is_never_more_than_the_best_choice_of_rows_loses(name: str, one: Values, rest: Values) -> None:
    criterion, rule = MODELS[name]
    table = one + rest
    kept = (
        keep for size in range(len(one), 0, -1) for keep in itertools.combinations(one, size) if rule(list(keep), table)
    )
    best = next((len(one) - len(keep) for keep in kept), len(one))
    bound = int(criterion.least_lost(counts_of([one, rest]))[0])
    assert 0 <= bound <= best
    assert (bound > 0) == bool(criterion.failing(counts_of([one, rest]))[0]) or best == len(one)


@pytest.mark.parametrize("name", MODELS)
@given(classes=st.lists(values, min_size=2, max_size=2), rest=values)
def test_two_passing_classes_merge_into_a_passing_one(name: str, classes: list[Values], rest: Values) -> None:
    criterion, _ = MODELS[name]
    left, right = classes
    if not criterion.failing(counts_of([left, right, rest]))[:2].any():
        assert not criterion.failing(counts_of([left + right, rest]))[0]


@given(classes=tables)
def test_with_nothing_of_the_table_disclosable_the_positive_variant_is_the_recursive_model(
    classes: list[Values],
) -> None:
    counts = counts_of(classes)
    one = PositiveRecursiveCLDiversity("s", 2.0, 3, frozenset(["of no row"]))
    holds_known = np.array([any(value != MISSING for value in each) for each in classes])
    other = RecursiveCLDiversity("s", 2.0, 3)
    assert one.failing(counts).tolist() == (other.failing(counts) & holds_known).tolist()
    assert one.reached(counts)[holds_known].tolist() == other.reached(counts)[holds_known].tolist()


def test_a_value_without_a_place_is_refused_without_naming_it() -> None:
    criterion = TCloseness("s", 0.2, OrderedDistance(("a", "b", "c")))
    with pytest.raises(DataError, match=r"data\.sensitive-value") as refused:
        criterion.failing(counts_of([[0, 3]]))
    assert "'d'" not in str(refused.value)
