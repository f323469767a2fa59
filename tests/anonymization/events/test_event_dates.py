"""Visit dates as trajectories: uniqueness by its definition, the finest granularity that does, and what a refusal says."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymization.events import trajectory
from anonymization.events.code_tree import build_code_tree
from anonymization.events.holdings import Holdings, view_of
from anonymization.events.trajectory import protect_dates, uniqueness
from anonymization.hierarchy import hierarchy_from_rows
from policies.errors import DataError
from tests.support.event_definitions import mean_uniqueness

DAYS = [f"202{year}-0{year}-{day:02d}" for year in (4, 5) for day in (1, 2, 3)]
DATES = hierarchy_from_rows("dates", [(day, day[:7], day[:4], "*") for day in DAYS])

visits = st.lists(st.sets(st.sampled_from(DAYS), max_size=4), min_size=1, max_size=10)


def gathered(records, people):
    tree = build_code_tree([(DATES, DAYS)])
    pairs = sorted({(at, tree.places[0, day]) for at, held in enumerate(records) for day in held})
    held = np.array(pairs, np.int64).reshape(-1, 2)
    nobody = np.full(len(records), -1, np.int64)
    return Holdings(held[:, 0], held[:, 1], np.array(people, np.int64), nobody), tree


def shown(holdings, labels):
    sets = [set() for _ in holdings.people]
    for record, label in zip(holdings.records.tolist(), labels, strict=True):
        if label is not None:
            sets[record].add(label)
    return sets


@settings(deadline=None, max_examples=60)
@given(visits, st.integers(1, 3), st.data())
def test_uniqueness_is_the_share_of_known_dates_that_only_one_person_has(records, points, data):
    people = data.draw(st.lists(st.integers(0, 6), min_size=len(records), max_size=len(records)))
    holdings, tree = gathered(records, people)
    found = uniqueness(view_of(holdings, tree.leaves), points)
    assert found.share == pytest.approx(mean_uniqueness(records, people, points))
    assert found.error == 0.0


def test_a_sample_is_as_near_as_it_says(monkeypatch):
    rng = np.random.default_rng(5)
    records = [set(rng.choice(DAYS, rng.integers(1, 5), replace=False).tolist()) for _ in range(60)]
    holdings, tree = gathered(records, range(60))
    view = view_of(holdings, tree.leaves)
    exact = uniqueness(view, 2)
    monkeypatch.setattr(trajectory, "EXACT_COMBINATIONS", 0)
    sampled = uniqueness(view, 2)
    assert 0 < sampled.error < 0.2
    assert abs(sampled.share - exact.share) <= sampled.error


@settings(deadline=None, max_examples=60)
@given(visits, st.integers(1, 3), st.sampled_from([0.0, 0.2, 0.5]), st.data())
def test_the_finest_granularity_that_does_is_published(records, points, most, data):
    people = data.draw(st.lists(st.integers(0, 6), min_size=len(records), max_size=len(records)))
    holdings, tree = gathered(records, people)
    done = protect_dates(holdings, tree, points=points, most=most, suppression_limit=1.0)
    sets = shown(holdings, done.labels)
    assert mean_uniqueness(sets, people, points) <= most + 1e-9
    if done.suppressed == 0 and records != [set()] * len(records):
        for level in [each for each in set(tree.level.tolist()) if each < done.level]:
            nodes = tree.climb(level)[holdings.codes]
            finer = shown(holdings, [tree.labels[node] for node in nodes.tolist()])
            assert mean_uniqueness(finer, people, points) > most


def test_what_cannot_be_reached_is_refused_and_the_nearest_share_is_named():
    holdings, tree = gathered([{DAYS[0]}, {DAYS[1], DAYS[3]}, {DAYS[0]}, set(DAYS)], [0, 1, 2, 1])
    with pytest.raises(DataError) as caught:
        protect_dates(holdings, tree, points=2, most=0.0, suppression_limit=0.0)
    assert caught.value.code == "data.trajectory-unique"
    nearest = float(re.search(r"max_uniqueness: ([0-9.]+)", caught.value.fix).group(1))
    limit = float(re.search(r"suppression_limit: ([0-9.]+)", caught.value.fix).group(1))
    assert protect_dates(holdings, tree, points=2, most=nearest, suppression_limit=0.0).after.share <= nearest
    assert protect_dates(holdings, tree, points=2, most=0.0, suppression_limit=limit).after.share == 0.0


def test_people_without_dates_are_not_counted():
    holdings, tree = gathered([set(), {DAYS[0]}], [0, 1])
    assert uniqueness(view_of(holdings, tree.leaves), 1).records == 1
    holdings, tree = gathered([set(), set()], [0, 1])
    assert uniqueness(view_of(holdings, tree.leaves), 2).share == 0.0
