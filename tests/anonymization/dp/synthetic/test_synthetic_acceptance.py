"""Criteria of synthetic rows: what one person moves, an oracle for each number, and what is refused."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymization.dp.synthetic.acceptance import distances, lonely_rows, paid_limits
from anonymization.dp.synthetic.domain import Category, Domain, Number
from anonymization.dp.synthetic.plan import Acceptance
from anonymization.dp.synthetic.release import synthesize_codes
from policies.errors import DataError, PolicyError
from policies.model.synthetic import ConditionalMeans, FacePrivacy, Faithfulness, MarginalError, RegressionError
from tests.support.synthetic_people import planned

EDGES = (Decimal(0), Decimal(10), Decimal(30), Decimal(100))
DOMAIN = Domain(
    (
        Category("sex", ("f", "m"), "codebook v7"),
        Number("stay", EDGES, Decimal(1), "bed reports"),
        Category("ward", ("a", "b", "c"), "list of wards"),
        Number("age", EDGES, Decimal(1), "bed reports"),
    )
)
SAID = {"at_most": "0.1", "source": "protocol 9"}
MARGINALS = MarginalError(criterion="marginals", groups=(("sex", "ward"), ("stay",)), **SAID)
MEANS = ConditionalMeans(criterion="conditional_means", of="stay", by=("sex", "ward"), **SAID)
LINE = RegressionError(criterion="regression", of="stay", on=("age", "ward"), **SAID)
NEAR = Faithfulness(criterion="faithfulness", columns=("sex", "stay", "ward"), differing_at_most=1, **SAID)
FACES = FacePrivacy(criterion="face_privacy", columns=("sex", "ward"), rows_at_least=2, **SAID)
ALL = (MARGINALS, MEANS, FACES, LINE, NEAR)

person = st.tuples(*(st.integers(0, size - 1) for size in DOMAIN.sizes))
rows = st.lists(person, min_size=1, max_size=12)


def coded(found: Sequence[Sequence[int]]) -> np.ndarray:
    return np.array(found, dtype=np.int64).reshape(-1, 4)


@given(people=st.lists(person, max_size=14), one=person, drawn=rows, total=st.floats(1, 40))
def test_one_person_moves_every_number_by_at_most_one(
    people: list[tuple[int, ...]], one: tuple[int, ...], drawn: list[tuple[int, ...]], total: float
) -> None:
    before = distances(coded(people), coded(drawn), ALL, domain=DOMAIN, total=total)
    after = distances(coded([*people, one]), coded(drawn), ALL, domain=DOMAIN, total=total)
    assert len(before) == len(paid_limits(ALL)) == 5
    assert max(abs(new - old) for new, old in zip(after, before, strict=True)) <= 1


@given(people=rows, drawn=rows)
def test_numbers_are_those_of_a_count_by_hand(people: list[tuple[int, ...]], drawn: list[tuple[int, ...]]) -> None:
    off, _, means, _, unlike = distances(coded(people), coded(drawn), ALL, domain=DOMAIN, total=float(len(drawn)))
    real, synthetic = (Counter((p[0], p[2]) for p in part) for part in (people, drawn))
    assert off == sum(((real - synthetic) + (synthetic - real)).values())
    assert unlike == sum(all(sum(p[i] != r[i] for i in (0, 1, 2)) > 1 for r in drawn) for p in people)
    middles = [0.05, 0.2, 0.65]
    known = [r for r in drawn if r[1] < 3]
    overall = np.mean([middles[r[1]] for r in known]) if known else 0.5
    moved = 0.0
    for group in {(p[0], p[2]) for p in people}:
        told = [middles[r[1]] for r in known if (r[0], r[2]) == group]
        mean = np.mean(told) if told else overall
        moved += abs(sum(middles[p[1]] - mean for p in people if (p[0], p[2]) == group and p[1] < 3))
    assert means == pytest.approx(int(moved), abs=1)


def test_people_do_not_lean_off_their_own_line_but_off_one_of_others() -> None:
    noise = np.random.default_rng(3)
    people = noise.integers(0, 3, (400, 4))
    people[:, 1] = people[:, 3]
    turned = people.copy()
    turned[:, 1] = 2 - turned[:, 3]
    same, other = (distances(people, drawn, (LINE,), domain=DOMAIN, total=400.0)[0] for drawn in (people, turned))
    assert same <= 1
    # By hand: residuals of the turned line, times the share of the range that a bin's middle is at.
    middles = np.array([0.05, 0.2, 0.65])
    lean = (middles[people[:, 3]] * (middles[people[:, 1]] - middles[turned[:, 1]])).sum()
    assert other == pytest.approx(lean, rel=0.25)


def test_rows_that_nobody_else_is_like_are_counted_in_the_rows_alone() -> None:
    drawn = coded([(0, 0, 0, 0), (0, 1, 0, 2), (1, 0, 1, 0), (1, 0, 2, 0)])
    assert lonely_rows(drawn, ALL, DOMAIN) == {"face_privacy: sex x ward": (0.5, Decimal("0.1"))}
    assert distances(drawn, drawn, (FACES,), domain=DOMAIN, total=4.0) == []


@pytest.mark.parametrize(
    "criterion",
    [
        MARGINALS.model_copy(update={"groups": (("sex", "ward"),)}),
        MEANS.model_copy(update={"by": ("sex",)}),
        LINE.model_copy(update={"on": ("sex",)}),
    ],
    ids=lambda one: one.criterion,
)
def test_rows_of_independent_columns_miss_what_depends(criterion: MarginalError) -> None:
    codes = np.repeat([[0, 0, 0, 0], [1, 2, 2, 0]], 3000, axis=0)
    asked = {"domain": DOMAIN, "cliques": (), "cliques_share": Decimal(0), "columns_share": Decimal("0.5")}
    loose = Acceptance(Decimal("0.5"), (criterion.model_copy(update={"at_most": Decimal("1.9")}),))
    made = synthesize_codes(codes, planned(**asked, acceptance=loose))
    assert next(iter(made.evidence.measured["accepted_errors_noisy"].values())) > 0.1
    with pytest.raises(DataError) as caught:
        synthesize_codes(codes, planned(**asked, acceptance=Acceptance(Decimal("0.5"), (criterion,))))
    assert caught.value.code == "dp.synthetic-not-accepted"
    assert "6000" not in str(caught.value)


def test_rows_that_nobody_shares_are_refused_without_a_charge() -> None:
    codes = np.stack([np.arange(400) % size for size in (2, 3, 3, 3)], axis=1)
    faces = FACES.model_copy(update={"columns": DOMAIN.names, "rows_at_least": 200})
    plan = planned(
        domain=DOMAIN,
        cliques=(),
        cliques_share=Decimal(0),
        columns_share=Decimal(1),
        acceptance=Acceptance(Decimal(0), (faces,)),
    )
    assert plan.accept is None
    with pytest.raises(DataError) as caught:
        synthesize_codes(codes, plan)
    assert caught.value.code == "dp.synthetic-not-accepted"


def test_what_reads_people_is_paid_and_nothing_is_paid_for_what_does_not() -> None:
    for acceptance in (Acceptance(Decimal(0), (MARGINALS,)), Acceptance(Decimal("0.5"), (FACES,))):
        with pytest.raises(PolicyError) as caught:
            planned(
                domain=DOMAIN,
                cliques=(),
                cliques_share=Decimal(0),
                columns_share=1 - acceptance.share,
                acceptance=acceptance,
            )
        assert caught.value.code == "dp.synthetic-plan"


def test_the_criteria_are_part_of_the_question() -> None:
    share = {"domain": DOMAIN, "cliques": (), "cliques_share": Decimal(0), "columns_share": Decimal("0.5")}
    asked = [planned(**share, acceptance=Acceptance(Decimal("0.5"), (one,))) for one in (MARGINALS, NEAR)]
    again = planned(**share, acceptance=replace(asked[0].method.acceptance))  # type: ignore[type-var]
    assert asked[0].query_hash == again.query_hash != asked[1].query_hash
