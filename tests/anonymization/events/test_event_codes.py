"""Codes as a set: the optimum is the optimum, nothing usable is ever left, and impossible limits name the nearest possible one."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymization.events.cells import best_with_cells
from anonymization.events.code_tree import TOP, build_code_tree
from anonymization.events.combinations import Knowledge
from anonymization.events.cuts import CodeProblem, exact_cut, first_offence
from anonymization.events.greedy_cuts import greedy_cut
from anonymization.events.holdings import Holdings
from anonymization.events.set_valued import CodesAsked, count_offences, protect_codes
from anonymization.hierarchy import hierarchy_from_rows
from policies.errors import DataError
from tests.support.event_definitions import cheapest, confidence, is_km

TREE = {
    "a1": ("a1", "a", "A"),
    "a2": ("a2", "a", "A"),
    "b1": ("b1", "b", "A"),
    "c1": ("c1", "c", "C"),
    "c2": ("c2", "c", "C"),
    "d1": ("d1", "d", "C"),
}
CODES = hierarchy_from_rows("codes", [(*path, "*") for path in TREE.values()])

records_of_codes = st.lists(st.sets(st.sampled_from(sorted(TREE)), max_size=4), min_size=1, max_size=12)
asked_of_codes = st.tuples(st.integers(1, 3), st.integers(2, 4), st.integers(0, 24))


def gathered(records, people, sensitive=None):
    tree = build_code_tree([(CODES, sorted(TREE))])
    pairs = sorted({(at, tree.places[0, code]) for at, held in enumerate(records) for code in held})
    held = np.array(pairs, np.int64).reshape(-1, 2)
    marked = [-1] * len(records) if sensitive is None else [0 if is_so else -1 for is_so in sensitive]
    return Holdings(held[:, 0], held[:, 1], np.array(people, np.int64), np.array(marked, np.int64)), tree


def shown(holdings, labels):
    """Return each record's set of labels."""
    sets = [set() for _ in holdings.people]
    for record, label in zip(holdings.records.tolist(), labels, strict=True):
        if label is not None:
            sets[record].add(label)
    return sets


def labels_of(problem, choice):
    nodes = choice.published[problem.holdings.codes]
    if choice.removed is not None:
        nodes = np.where(choice.removed, TOP, nodes)
    return [problem.tree.labels[node] if node != TOP else None for node in nodes.tolist()]


@settings(deadline=None, max_examples=40)
@given(records_of_codes, asked_of_codes, st.data())
def test_the_exact_cut_costs_as_little_as_the_best_of_all_cuts(records, asked, data):
    m, k, limit = asked
    people = data.draw(st.lists(st.integers(0, 8), min_size=len(records), max_size=len(records)))
    holdings, tree = gathered(records, people)
    problem = CodeProblem(holdings, tree, Knowledge(m, k), limit)
    best = cheapest(records, people, TREE, k=k, m=m, limit=limit)
    found = exact_cut(problem)
    assert (found is None) == (best is None)
    if found is not None:
        assert found.is_optimal
        assert found.cost == pytest.approx(best)
        assert is_km(shown(holdings, labels_of(problem, found)), people, k=k, m=m)


@settings(deadline=None, max_examples=60)
@given(records_of_codes, asked_of_codes, st.data())
def test_no_way_leaves_a_usable_combination_or_costs_more_than_everything(records, asked, data):
    m, k, limit = asked
    people = data.draw(st.lists(st.integers(0, 8), min_size=len(records), max_size=len(records)))
    holdings, tree = gathered(records, people)
    problem = CodeProblem(holdings, tree, Knowledge(m, k), limit)
    ways = [greedy_cut(problem, suppresses_early=early) for early in (True, False)]
    for choice in [*(way for way in ways if way is not None), best_with_cells(problem)]:
        assert first_offence(problem, choice) is None
        assert is_km(shown(holdings, labels_of(problem, choice)), people, k=k, m=m)
        assert choice.cost <= holdings.entries + 1e-9
    for choice in ways:
        assert choice is None or choice.suppressed <= limit


@settings(deadline=None, max_examples=40)
@given(records_of_codes, st.integers(1, 2), st.sampled_from([0.4, 0.6, 0.8]), st.booleans(), st.data())
def test_lkc_bounds_what_codes_tell_of_a_sensitive_value(records, m, most, by_entry, data):
    size = len(records)
    people = data.draw(st.permutations(range(size)))
    sensitive = data.draw(st.lists(st.booleans(), min_size=size, max_size=size))
    holdings, tree = gathered(records, people, sensitive)
    asked = CodesAsked(Knowledge(m, 2, most), by_entry, 1.0)
    share = sum(sensitive) / size
    if share > most:
        with pytest.raises(DataError) as caught:
            protect_codes(holdings, tree, asked)
        assert caught.value.code == "data.codes-confidence"
        assert share <= float(re.search(r"c: ([0-9.]+)", caught.value.fix).group(1)) <= share + 0.001
        return
    done = protect_codes(holdings, tree, asked)
    sets = shown(holdings, done.labels)
    assert is_km(sets, people, k=2, m=m)
    assert confidence(sets, sensitive, m) <= most + 1e-9


@settings(deadline=None, max_examples=40)
@given(records_of_codes, st.integers(1, 2), st.booleans(), st.data())
def test_each_class_is_protected_by_itself_where_the_class_is_known_too(records, m, by_entry, data):
    size = len(records)
    people = data.draw(st.lists(st.integers(0, 8), min_size=size, max_size=size))
    groups = data.draw(st.lists(st.integers(0, 1), min_size=size, max_size=size))
    holdings, tree = gathered(records, people)
    done = protect_codes(holdings, tree, CodesAsked(Knowledge(m, 2), by_entry, 1.0), groups=np.array(groups, np.int64))
    sets = shown(holdings, done.labels)
    for group in set(groups):
        inside = [at for at in range(size) if groups[at] == group]
        assert is_km([sets[at] for at in inside], [people[at] for at in inside], k=2, m=m)


@settings(deadline=None, max_examples=40)
@given(records_of_codes, st.integers(1, 3), st.booleans())
def test_a_refusal_names_a_limit_that_is_enough(records, m, by_entry):
    holdings, tree = gathered(records, range(len(records)))
    knowledge = Knowledge(m, 3)
    is_possible = exact_cut(CodeProblem(holdings, tree, knowledge, 0)) is not None
    if is_possible:
        assert protect_codes(holdings, tree, CodesAsked(knowledge, by_entry, 0.0)).suppressed == 0
        return
    with pytest.raises(DataError) as caught:
        protect_codes(holdings, tree, CodesAsked(knowledge, by_entry, 0.0))
    assert caught.value.code == "data.codes-not-protected"
    limit = float(re.search(r"suppression_limit: ([0-9.]+)", caught.value.fix).group(1))
    done = protect_codes(holdings, tree, CodesAsked(knowledge, by_entry, limit))
    assert 0 < done.suppressed <= limit * done.entries + 1e-9


def test_rare_codes_roll_up_along_the_tree_and_common_ones_stay():
    records = [{"a1"}, {"a2"}, {"b1"}, {"b1"}, {"c1"}, {"c1"}]
    holdings, tree = gathered(records, range(6))
    done = protect_codes(holdings, tree, CodesAsked(Knowledge(1, 2), by_entry=False, suppression_limit=0.0))
    assert done.labels == ["a", "a", "b1", "b1", "c1", "c1"]
    assert done.is_optimal
    # Two entries of six cannot be told from one other code of five.
    assert done.loss == pytest.approx(2 * (1 / 5) / 6)


def test_two_records_of_one_person_do_not_make_a_code_common():
    holdings, tree = gathered([{"a1"}, {"a1"}, {"a2"}], [7, 7, 8])
    done = protect_codes(holdings, tree, CodesAsked(Knowledge(1, 2), by_entry=False, suppression_limit=0.0))
    assert done.labels == ["a", "a", "a"]


def test_no_events_are_no_fault_and_m_may_exceed_every_set():
    holdings, tree = gathered([set(), set()], [0, 1])
    assert protect_codes(holdings, tree, CodesAsked(Knowledge(4, 2), False, 0.0)).labels == []
    holdings, tree = gathered([{"a1"}, {"a1"}], [0, 1])
    assert protect_codes(holdings, tree, CodesAsked(Knowledge(4, 2), False, 0.0)).labels == ["a1", "a1"]


def test_a_pair_that_is_rare_is_found_although_each_of_its_codes_is_common():
    holdings, tree = gathered([{"a1", "c1"}, {"a1"}, {"c1"}, {"a1"}, {"c1"}], range(5))
    assert count_offences(holdings, tree.leaves, Knowledge(1, 2)) == 0
    assert count_offences(holdings, tree.leaves, Knowledge(2, 2)) == 1


def test_a_code_that_the_tree_refuses_is_refused_without_naming_it():
    with pytest.raises(DataError, match=r"unseen-value|1 distinct codes") as caught:
        build_code_tree([(CODES, ["a1", "zz9"])])
    assert "zz9" not in str(caught.value)


def test_a_tree_leaves_out_levels_that_say_nothing_of_the_codes_at_hand():
    tree = build_code_tree([(CODES, ["b1", "c1", "c2"])])
    # b1, b and A stand for one code here, so only the finest remains; c is C.
    assert sorted(tree.labels) == ["b1", "c", "c1", "c2"]
    assert {tree.labels[node] for node in tree.climb(2)} == {"b1", "c"}
