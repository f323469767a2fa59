"""The fitted distribution against brute force over all cells; sampling against the model, also on unmeasured pairs."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymization.dp.synthetic.model import Measured, Model, fit, people_in
from anonymization.dp.synthetic.tree import cells_of, junction_tree, tree_cells
from policies.errors import PolicyError

SIZES = (3, 4, 2, 3, 2)
CLIQUES = ((0, 1), (1, 2), (2, 3), (0, 3), (4,))
"""A ring of four and one alone: the tree has to join columns that no clique joins."""
PEOPLE = 10_000


def over(joint: np.ndarray, clique: tuple[int, ...]) -> np.ndarray:
    return joint.sum(axis=tuple(axis for axis in range(joint.ndim) if axis not in clique))


def some_joint(seed: int = 7) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.full(int(np.prod(SIZES)), 0.3)).reshape(SIZES)


def fitted(zeros: tuple[tuple[tuple[int, ...], np.ndarray], ...] = ()) -> Model:
    joint = some_joint()
    return fit(SIZES, [Measured(clique, PEOPLE * over(joint, clique), 1.0) for clique in CLIQUES], zeros=zeros)


def brute_force(model: Model) -> np.ndarray:
    logs = np.zeros(SIZES)
    for clique, values in model.potentials.items():
        logs = logs + values.reshape([size if place in clique else 1 for place, size in enumerate(SIZES)])
    return np.exp(logs) / np.exp(logs).sum()


def test_every_marginal_equals_that_of_the_joint_table() -> None:
    model = fitted()
    joint = brute_force(model)
    for width in range(1, 6):
        for clique in combinations(range(5), width):
            assert model.marginal(clique) == pytest.approx(over(joint, clique), abs=1e-12)


def test_measured_marginals_are_met() -> None:
    model, joint = fitted(), some_joint()
    for clique in CLIQUES:
        assert PEOPLE * model.marginal(clique) == pytest.approx(PEOPLE * over(joint, clique), abs=5)


def test_what_was_not_measured_stays_as_independent_as_it_can() -> None:
    model = fitted()
    assert model.marginal((0, 4)) == pytest.approx(np.outer(model.marginal((0,)), model.marginal((4,))), abs=1e-9)


def test_the_less_noisy_measurement_counts_more() -> None:
    sure, unsure = np.array([900.0, 100.0]), np.array([500.0, 500.0])
    model = fit((2, 2), [Measured((0,), sure, 1.0), Measured((0,), unsure, 10.0), Measured((1,), sure, 1.0)])
    assert model.marginal((0,))[0] == pytest.approx((900 + 500 / 100) / 1.01 / 1000, abs=1e-3)


def test_people_are_counted_by_inverse_variance() -> None:
    measured = [Measured((0,), np.array([60.0, 40.0]), 1.0), Measured((1,), np.array([100.0, 100.0]), 3.0)]
    assert people_in(measured) == pytest.approx((100 * 9 + 200) / 10)
    assert people_in([Measured((0,), np.array([-60.0, 4.0]), 1.0)]) == 1


def test_impossible_cells_have_no_probability_and_are_never_drawn() -> None:
    allowed = np.ones((3, 2))
    allowed[0, 1] = 0
    model = fitted(zeros=(((0, 4), allowed),))
    assert model.marginal((0, 4))[0, 1] == 0
    rows = model.sample(20_000)
    assert not ((rows[:, 0] == 0) & (rows[:, 4] == 1)).any()


def test_a_domain_in_which_nobody_is_possible_is_refused() -> None:
    with pytest.raises(PolicyError) as caught:
        fitted(zeros=(((0, 4), np.zeros((3, 2))),))
    assert caught.value.code == "dp.synthetic-nobody-possible"


def test_sampled_rows_follow_the_model_on_unmeasured_pairs() -> None:
    """mbi 1.1.0 with its default `round` ranked rows within groups: independent columns came out correlated."""
    model, rows = fitted(), 40_000
    codes = model.sample(rows)
    for pair in combinations(range(5), 2):
        cells = np.ravel_multi_index(codes[:, list(pair)].T, [SIZES[place] for place in pair])
        counts = np.bincount(cells, minlength=cells_of(pair, SIZES))
        expected = model.marginal(pair).ravel()
        # The expected L1 of fair sampling, twice over; `round` was off by 0.8.
        assert np.abs(counts / rows - expected).sum() < 2 * np.sqrt(2 / np.pi * expected / rows).sum()


def test_two_samples_differ() -> None:
    model = fitted()
    assert (model.sample(50) != model.sample(50)).any()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sets(st.integers(0, 6), min_size=1, max_size=3), min_size=1, max_size=8))
def test_junction_trees_hold_every_clique_and_run_through(groups: list[set[int]]) -> None:
    sizes = (2, 3, 4, 5, 2, 3, 4)
    cliques = [tuple(sorted(group)) for group in groups]
    tree = junction_tree(sizes, cliques)
    assert all(tree.home(clique) is not None for clique in cliques)
    assert {place for node in tree.nodes for place in node} == set(range(7))
    assert tree_cells(sizes, cliques) == sum(cells_of(node, sizes) for node in tree.nodes)
    for place in range(1, len(tree.nodes)):
        before = {column for node in tree.nodes[:place] for column in node}
        # Running intersection: what a node shares with all before it, it shares with its parent.
        assert set(tree.nodes[place]) & before == set(tree.separators[place])
        assert set(tree.separators[place]) <= set(tree.nodes[tree.parents[place]])
