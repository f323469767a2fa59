"""A question of every statistic: what it takes from the policy, what it may bring itself, how it is refused; cohorts row by row."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from anonymization.dp.plan import plan
from anonymization.dp.release import query_cells
from catalog.dp_offers import offers_of
from catalog.dp_questions import QUARTILES, Asked, Question, compile_question
from policies.errors import PolicyError
from policies.model import ReleasePolicy
from policies.model.dp_queries import ASKED_WITH, Statistic
from policies.model.method import DpQuery, DpStatistics
from tests.support.dp_methods import BOUNDING_KEY, REGIONS, VISITS_TABLE, any_release, method
from tests.support.dp_questions import DAYS, EDGES, HBA1C, KEYS, OUTCOMES, STATUS, TIMES, Row, question, table

PARTS: Mapping[str, dict[str, Any]] = {
    "people": {"by": ["region"]},
    "rows": {},
    "sum": {"value": "hba1c", "by": ["region"]},
    "mean": {"value": "days"},
    "variance": {"value": "hba1c"},
    "histogram": {"value": "hba1c", "by": ["region"]},
    "quantiles": {"value": "hba1c"},
    "marginals": {"marginals": [["region", "outcome"], ["region"]]},
    "survival": {"value": "days", "by": ["region"]},
    "top": {"by": ["region"], "top": 2},
    "most_frequent": {"by": ["region"], "top": 1},
    "regression": {"value": "hba1c", "predictors": ["days"]},
    "logistic_regression": {"value": "outcome", "predictors": ["days"]},
}
"""What each statistic is asked with."""


@pytest.fixture(scope="module")
def release() -> ReleasePolicy:
    """A release whose policy declares everything that the vocabulary can be asked with."""
    made = method(
        [
            question("survival", share="0.2", cells=2),
            question("histogram", name="bins", share="0.2", rows=3),
            question("marginals", share="0.2"),
            question("regression", share="0.2"),
            question("logistic_regression", share="0.2"),
        ]
    )
    budget = made.budget.model_copy(update={"researcher_rho_cap": Decimal("0.1")})
    return any_release(made.model_copy(update={"budget": budget}), tables=[VISITS_TABLE])


def asked(statistic: str, **changes: Any) -> Asked:
    body = {"release": "visits", "statistic": statistic, "table": "visits", "rho": "0.02", **PARTS[statistic]}
    return Asked.model_validate({**body, **changes})


def compiled(one: Asked, release: ReleasePolicy) -> DpQuery:
    made = compile_question(one, release).method
    assert isinstance(made, DpStatistics)
    (query,) = made.queries
    return query


def refusal(one: Asked, release: ReleasePolicy) -> PolicyError:
    with pytest.raises(PolicyError) as refused:
        compile_question(one, release)
    return refused.value


# --- every statistic, and everything public from the policy


def test_every_statistic_of_the_vocabulary_may_be_asked(release: ReleasePolicy) -> None:
    (offer,) = offers_of(release)
    assert set(offer.statistics) == set(get_args(Statistic)) == set(PARTS)


@pytest.mark.parametrize("statistic", sorted(PARTS))
def test_statistic_is_planned_with_what_the_policy_declares(statistic: str, release: ReleasePolicy) -> None:
    one = compile_question(asked(statistic), release)
    query = compiled(asked(statistic), release)
    assert isinstance(one.method, DpStatistics)
    planned = plan(one.method, policy_digest="sha256:00", snapshot_digest="sha256:11")
    assert planned.charge_micro == 20_000
    assert planned.queries[0].error_95 > 0
    assert query.bounds.cells_per_person == 2
    assert query.bounds.rows_per_person_per_cell == 3
    declared = {"hba1c": (HBA1C, EDGES), "days": (DAYS, TIMES)}.get(query.value or "", ({}, {}))
    assert query.clip is None or query.clip.model_dump(mode="json") == declared[0]
    assert query.edges is None or query.edges.model_dump(mode="json") == declared[1]
    assert query.status is None or query.status.model_dump(mode="json") == STATUS
    assert {key.column: list(key.values) for key in query.by}.items() <= {
        "region": KEYS["values"],
        "outcome": OUTCOMES["values"],
    }.items()


def test_question_brings_its_own_ranks_and_quantiles_and_nothing_else(release: ReleasePolicy) -> None:
    assert compiled(asked("top", top=3), release).top == 3
    assert compiled(asked("quantiles"), release).probabilities == QUARTILES
    tenth = compiled(asked("quantiles", probabilities=["0.9", "0.1"]), release)
    assert tenth.probabilities == (Decimal("0.1"), Decimal("0.9"))
    bring = set(Asked.model_fields) & {"clip", "edges", "bounds", "status", "sources"}
    assert bring == set()


def test_two_ways_of_writing_a_question_are_one(release: ReleasePolicy) -> None:
    one = asked("people", by=["region", "outcome"], where={"region": ["north", "south"]})
    other = asked("people", by=["outcome", "region"], where={"region": ["south", "north"]}, rho="0.020")
    assert compile_question(one, release) == compile_question(other, release)
    margins = asked("marginals", marginals=[["region"], ["outcome", "region"]])
    assert compiled(margins, release) == compiled(asked("marginals"), release)


# --- refused


@pytest.mark.parametrize(
    ("statistic", "changes", "code"),
    [
        ("people", {"by": ["ward"]}, "question.unknown-key"),
        ("people", {"by": ["region", "region"]}, "question.unknown-key"),
        ("people", {"where": {"ward": "A"}}, "question.unknown-key"),
        ("people", {"where": {"region": "west"}}, "question.unknown-key-value"),
        ("people", {"table": "stays"}, "question.unknown-table"),
        ("people", {"value": "hba1c"}, "question.unknown-value"),
        ("mean", {"value": None}, "question.unknown-value"),
        ("mean", {"value": "region"}, "question.unknown-value"),
        ("survival", {"value": "hba1c"}, "question.unknown-value"),
        ("people", {"top": 2}, "question.wrong-parts"),
        ("top", {"top": None}, "question.wrong-parts"),
        ("marginals", {"by": ["region"]}, "question.wrong-parts"),
        ("top", {"by": []}, "question.not-a-query"),
        ("regression", {"predictors": ["hba1c"]}, "question.not-a-query"),
        ("regression", {"predictors": ["region"]}, "question.unknown-value"),
        ("rows", {"rho": "0.000000"}, "question.no-loss"),
    ],
)
def test_question_outside_the_policy_is_refused_by_its_code(
    statistic: str, changes: dict[str, Any], code: str, release: ReleasePolicy
) -> None:
    assert refusal(asked(statistic, **changes), release).code == code


def test_statistic_without_declared_ranges_is_refused() -> None:
    made = method([question("top")])
    budget = made.budget.model_copy(update={"researcher_rho_cap": Decimal("0.1")})
    bare = any_release(made.model_copy(update={"budget": budget}), tables=[VISITS_TABLE])
    assert offers_of(bare)[0].statistics == ("people", "rows", "marginals", "top", "most_frequent")
    assert refusal(asked("mean"), bare).code == "question.unknown-statistic"


def test_refusal_never_repeats_what_was_asked(release: ReleasePolicy) -> None:
    told = str(refusal(asked("people", where={"region": "a-value-of-the-asker"}), release))
    assert "a-value-of-the-asker" not in told
    with pytest.raises(ValidationError) as unreadable:
        Question.model_validate({"request": "request-2026-00000000", "statistic": "a-value-of-the-asker"})
    assert "a-value-of-the-asker" not in str(unreadable.value)


# --- cohorts

PEOPLE: list[Row] = [
    ("a", "north", 5.0, 6.0, "died"),
    ("a", "south", 9.0, 7.0, "left"),
    ("b", "north", 50.0, 8.0, "left"),
    ("c", "east", 10.0, 9.0, "left"),
    ("d", "elsewhere", 10.0, 9.0, "died"),
]


@pytest.mark.parametrize(
    ("where", "people"),
    [
        ({}, 4),
        ({"region": "north"}, 2),
        ({"region": ["north", "south"]}, 2),
        ({"region": list(REGIONS)}, 3),
        ({"region": "north", "outcome": "left"}, 1),
        ({"region": "south", "outcome": "died"}, 0),
    ],
)
def test_cohort_counts_people_with_a_row_that_has_all_its_values(
    where: dict[str, Any], people: int, release: ReleasePolicy
) -> None:
    # Counted by hand from PEOPLE: the values must meet in one row; nobody is counted twice.
    one = compile_question(asked("people", by=[], where=where), release)
    assert isinstance(one.method, DpStatistics)
    planned = plan(one.method, policy_digest="sha256:00", snapshot_digest="sha256:11").queries[0]
    cells = query_cells(table(PEOPLE), planned, key=BOUNDING_KEY)
    assert cells["people"].tolist() == [people]


def test_cohort_of_a_grouping_key_is_fewer_cells(release: ReleasePolicy) -> None:
    query = compiled(asked("people", where={"region": ["east", "north"]}), release)
    assert query.where is None
    assert query.by[0].values == tuple(region for region in REGIONS if region in {"east", "north"})


def test_cohorts_are_different_questions(release: ReleasePolicy) -> None:
    hashes = set()
    for where in ({}, {"region": "north"}, {"region": "south"}, {"region": list(REGIONS)}):
        one = compile_question(asked("people", by=[], where=where), release).method
        assert isinstance(one, DpStatistics)
        hashes.add(plan(one, policy_digest="sha256:00", snapshot_digest="sha256:11").query_hash)
    assert len(hashes) == 4


def test_every_part_of_a_question_belongs_to_a_statistic() -> None:
    # A part that the vocabulary gains must be decided here: from the policy, or from the question.
    known = {"value", "clip", "edges", "probabilities", "marginals", "status", "top", "outcome", "predictors"}
    assert {part for parts in ASKED_WITH.values() for part in parts} <= known
