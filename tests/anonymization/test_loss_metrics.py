"""The search makes the asked metric least: either mean, any weights."""

import itertools
import math
from fractions import Fraction

import ibis
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymization.criteria.k_anonymity import KAnonymity
from anonymization.generalize import HowToSearch, generalize_table
from anonymization.hierarchy import Hierarchy, hierarchy_from_rows
from anonymization.histogram import build_histogram
from anonymization.loss import METRIC, Mean, Metric
from anonymization.quasi import QuasiIdentifier
from anonymization.search.certificate import replay
from anonymization.search.effort import Effort
from anonymization.search.optimal import search_all
from anonymization.search.problem import make_problem
from anonymization.search.wide import search_wide
from policies.errors import PolicyError
from tests.support.lattice_oracle import publish

LETTERS = hierarchy_from_rows("letters", [["a", "ab", "*"], ["b", "ab", "*"], ["c", "cd", "*"], ["d", "cd", "*"]])
DIGITS = hierarchy_from_rows("digits", [["1", "low", "*"], ["2", "low", "*"], ["3", "high", "*"]])
ONE = hierarchy_from_rows("one", [["x", "*"]])
HIERARCHIES: dict[str, Hierarchy] = {"letter": LETTERS, "digit": DIGITS, "one": ONE}
Rows = list[tuple[str, str | None, str]]

ROWS = st.lists(
    st.tuples(st.sampled_from("abcd"), st.sampled_from(["1", "2", "3", None]), st.just("x")), min_size=2, max_size=14
)
METRICS = st.builds(
    Metric,
    mean=st.sampled_from(list(Mean)),
    weights=st.dictionaries(st.sampled_from(["letter", "digit"]), st.sampled_from([0.0, 0.5, 1.0, 3.0])),
)


def table_of(rows: Rows) -> ibis.Table:
    return ibis.memtable(pa.table({name: pa.array([row[j] for row in rows]) for j, name in enumerate(HIERARCHIES)}))


def quasi() -> list[QuasiIdentifier]:
    return [QuasiIdentifier(name, hierarchy) for name, hierarchy in HIERARCHIES.items()]


def loss_of(rows: Rows, node: tuple[int, ...], metric: Metric, *, k: int, limit: float) -> float | None:
    """Return the loss by its definition, with fractions; None where the node is no release."""
    hierarchies = list(HIERARCHIES.values())
    labels = [tuple(publish(v, h, n) for v, h, n in zip(row, hierarchies, node, strict=True)) for row in rows]
    kept = {i for i, label in enumerate(labels) if labels.count(label) >= k}
    if not kept or len(rows) - len(kept) > int(limit * len(rows)):
        return None
    weights = [Fraction(metric.weights.get(name, 1.0)) for name in HIERARCHIES]
    lost, product = Fraction(0), 1.0
    for j, (hierarchy, weight) in enumerate(zip(hierarchies, weights, strict=True)):
        leaves = len(hierarchy.leaves)
        if leaves == 1:
            continue
        total = Fraction(0)
        for i, row in enumerate(rows):
            if i not in kept or node[j] == hierarchy.height - 1:
                total += 1
            elif row[j] is None:
                total += Fraction(1, leaves)
            else:
                total += Fraction(hierarchy.labels[node[j]].count(labels[i][j] or ""), leaves)
        share = (total - Fraction(len(rows), leaves)) / (len(rows) - Fraction(len(rows), leaves))
        cut = Fraction(math.floor(max(share, Fraction(0)) * 10**10), 10**10)
        lost += cut * weight / sum(weights)
        product *= float(1 + cut) ** float(weight / sum(weights))
    return float(lost) if metric.mean is Mean.ARITHMETIC else product - 1.0


@given(rows=ROWS, metric=METRICS, limit=st.sampled_from([0.0, 0.25, 1.0]))
def test_the_optimum_of_every_metric_is_that_of_brute_force(rows: Rows, metric: Metric, limit: float) -> None:
    histogram = build_histogram(table_of(rows), quasi_identifiers=quasi())
    problem = make_problem(histogram, criteria=(KAnonymity(2),), suppression_limit=limit, metric=metric)
    found = search_all(problem)
    every = [loss_of(rows, node, metric, k=2, limit=limit) for node in itertools.product(range(3), range(3), range(2))]
    losses = [loss for loss in every if loss is not None]
    assert (found is None) == (not losses)
    if found is None:
        return
    assert found.loss == pytest.approx(min(losses), abs=1e-9)
    assert replay(problem, found).proves_optimum
    wide = search_wide(problem, effort=Effort(most_checks=3), part_nodes=3)
    assert wide is not None
    assert wide.loss - wide.gap <= min(losses) + 1e-9
    assert replay(problem, wide).holds


def test_a_weight_keeps_what_matters_and_evidence_says_so() -> None:
    rows = table_of([(letter, digit, "x") for letter in "abcd" for digit in "123"])
    asked = {"quasi_identifiers": quasi(), "k": 3, "sensitive": [], "suppression_limit": 0.0, "person": None}
    nodes, names = [], []
    for weights in ({}, {"letter": 9.0}, {"digit": 9.0}):
        found = generalize_table(rows, **asked, how=HowToSearch(metric=Metric(Mean.ARITHMETIC, weights)))
        nodes.append((found.node["letter"], found.node["digit"]))
        names.append(found.metric)
    assert nodes[1][0] < nodes[2][0]
    assert nodes[1][1] > nodes[2][1]
    assert names[0] == "loss: arithmetic mean, suppression counts 1, cut to 10 decimals"
    assert "weights: letter 9, else 1" in names[1]
    assert generalize_table(rows, **asked).metric == METRIC


@pytest.mark.parametrize(
    "weights",
    [{"letter": -1.0}, {"letter": math.nan}, {"letter": math.inf}, {"other": 1.0}, dict.fromkeys(HIERARCHIES, 0.0)],
    ids=["negative", "not_a_number", "infinite", "another_column", "all_zero"],
)
def test_weights_that_mean_nothing_are_refused(weights: dict[str, float]) -> None:
    with pytest.raises(PolicyError) as caught:
        generalize_table(
            table_of([("a", "1", "x"), ("a", "1", "x")]),
            quasi_identifiers=quasi(),
            k=2,
            sensitive=[],
            suppression_limit=0.0,
            person=None,
            how=HowToSearch(metric=Metric(weights=weights)),
        )
    assert caught.value.code == "policy.weights"
