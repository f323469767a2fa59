"""Synthetic people through the public path: plan, bounded rows, draws, selection, acceptance, decoded rows."""

from collections import Counter
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from anonymization.dp.synthetic import release as release_module
from anonymization.dp.synthetic.domain import Category, Domain, Impossible, Number
from anonymization.dp.synthetic.people import count_cells, people_codes
from anonymization.dp.synthetic.plan import Acceptance, Selection
from anonymization.dp.synthetic.release import synthesize
from anonymization.dp.synthetic.selection import candidates, choice_loss, noisy_max, scale_for
from policies.errors import DataError, PolicyError
from policies.model.synthetic import MarginalError
from tests.support.synthetic_people import DOMAIN, KEY, budget, cohort, people, planned


def marginals(*group: str, at_most: str = "0.3") -> MarginalError:
    return MarginalError(criterion="marginals", groups=(group,), at_most=at_most, source="protocol 9")


ACCEPT = Acceptance(Decimal("0.2"), (marginals("sex", "age"),))


def test_rows_keep_the_measured_marginals_and_never_the_impossible() -> None:
    rows = synthesize(people(cohort()), planned(rows=4000), bounding_key=KEY).rows.to_pylist()
    assert len(rows) == 4000
    assert sum(row["sex"] == "female" for row in rows) / 4000 == pytest.approx(2 / 3, abs=0.06)
    young = [row for row in rows if row["sex"] == "female" and row["age"] is not None and 18 <= row["age"] < 50]
    assert len(young) / 4000 == pytest.approx(1 / 6, abs=0.05)
    assert not any(row["sex"] == "male" and row["pregnant"] == "yes" for row in rows)
    assert sum(row["age"] is None for row in rows) / 4000 == pytest.approx(1 / 4, abs=0.05)


def test_numbers_lie_on_the_public_grid_all_over_their_bins() -> None:
    rows = synthesize(people(cohort()), planned(rows=4000), bounding_key=KEY).rows.column("age").drop_null().to_pylist()
    assert all(float(age * 2).is_integer() and 0 <= age < 110 for age in rows)
    assert len({age for age in rows if 18 <= age < 50}) > 55
    binned = Number("lab", (Decimal("0.1"), Decimal("0.4")), Decimal("0.1"), "guideline")
    assert set(binned.decode(np.zeros(300, dtype=np.int64)).to_pylist()) == {0.1, 0.2, 0.3}


def test_as_many_people_as_the_noisy_counts_say() -> None:
    made = synthesize(people(cohort()), planned(), bounding_key=KEY)
    assert made.rows.num_rows == made.evidence.measured["people_noisy"] == pytest.approx(600, abs=40)


def test_an_empty_table_gives_rows_too() -> None:
    assert synthesize(people([]), planned(), bounding_key=KEY).rows.num_rows >= 1


def test_one_person_is_one_row_whatever_their_rows_are() -> None:
    before = cohort(60)
    greedy = [("greedy", sex, "no", age) for sex in ("female", "male", "other") for age in (1.0, 40.0, 200.0, None)]
    without = Counter(map(tuple, people_codes(people(before), DOMAIN, key=KEY).tolist()))
    mixed = Counter(map(tuple, people_codes(people([*greedy, *before]), DOMAIN, key=KEY).tolist()))
    assert sum((mixed - without).values()) == 1
    assert not without - mixed
    assert people_codes(people([*before, *greedy[::-1]]), DOMAIN, key=KEY).shape == (61, 3)


def test_null_undeclared_and_outside_are_one_category() -> None:
    rows = [("a", None, "no", None), ("b", "other", "no", -1.0), ("c", "?", "no", 110.0), ("d", "male", "no", 17.9)]
    codes = people_codes(people(rows), DOMAIN, key=KEY)
    assert Counter(map(tuple, codes.tolist())) == {(2, 0, 3): 3, (1, 0, 0): 1}
    assert count_cells(codes, (0, 2), DOMAIN) == [0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3]


def test_rows_of_nobody_and_weak_keys_are_refused() -> None:
    with pytest.raises(DataError) as nobody:
        people_codes(people([(None, "male", "no", 3.0)]), DOMAIN, key=KEY)
    assert nobody.value.code == "dp.row-without-person"
    with pytest.raises(PolicyError) as weak:
        people_codes(people(cohort(3)), DOMAIN, key=b"short")
    assert weak.value.code == "dp.weak-key"


def test_texts_cannot_be_binned_and_columns_must_be_there() -> None:
    texts = Domain((DOMAIN.columns[0], replace(DOMAIN.columns[2], column="pregnant")))
    with pytest.raises(PolicyError, match="pregnant"):
        people_codes(people(cohort(3)), texts, key=KEY)
    absent = Domain((DOMAIN.columns[0], Category("blood", ("A",), "codebook v7")))
    with pytest.raises(PolicyError, match="blood"):
        people_codes(people(cohort(3)), absent, key=KEY)


def test_the_maps_sum_to_at_most_the_charge_with_every_part() -> None:
    plan = planned(
        columns_share=Decimal("0.2"),
        cliques_share=Decimal("0.4"),
        selection=Selection(Decimal("0.2"), 3),
        acceptance=ACCEPT,
    )
    assert plan.charge_micro == 500_000
    assert 0.99 * plan.charge_micro < plan.loss_micro <= plan.charge_micro
    # Independent of OpenDP: a discrete Gaussian of scale σ loses Δ²/(2σ²).
    by_hand = sum(1 / (2 * draw.sigma**2) for draw in plan.draws) + 1 / (2 * plan.accept.sigma**2)
    by_hand += sum(1 / (2 * one.scale**2) + 1 / (2 * one.measure.sigma**2) for one in plan.rounds)
    assert by_hand * 1e6 <= plan.charge_micro


def test_what_is_drawn_is_what_was_planned(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[int] = []
    real_draw, real_choice = release_module.draw, release_module.noisy_max
    monkeypatch.setattr(release_module, "draw", lambda *a, **k: drawn.append(k["rho_micro"]) or real_draw(*a, **k))
    monkeypatch.setattr(
        release_module, "noisy_max", lambda *a, **k: drawn.append(k["rho_micro"]) or real_choice(*a, **k)
    )
    plan = planned(columns_share=Decimal("0.5"), cliques_share=Decimal("0.3"), acceptance=ACCEPT)
    synthesize(people(cohort()), plan, bounding_key=KEY)
    assert len(drawn) == 3 + 2 + 1
    assert sum(drawn) <= plan.charge_micro


def test_selection_finds_the_pair_that_was_not_named() -> None:
    plan = planned(cliques=(), cliques_share=Decimal(0), selection=Selection(Decimal("0.6"), 1))
    rows = [(name, sex, "yes" if sex == "female" else "no", age) for name, sex, _, age in cohort()]
    free = replace(DOMAIN, impossible=())
    plan = planned(domain=free, cliques=(), cliques_share=Decimal(0), selection=Selection(Decimal("0.6"), 1))
    made = synthesize(people(rows), plan, bounding_key=KEY)
    assert made.evidence.measured["chosen_marginals"] == [["sex", "pregnant"]]
    assert made.model.marginal((0, 1))[0, 1] == pytest.approx(2 / 3, abs=0.06)


def test_noisy_max_has_the_law_of_the_exponential_mechanism() -> None:
    scale = scale_for(125_000)
    assert float(choice_loss(scale)) <= 0.125
    draws = Counter(noisy_max([0, 2], scale=scale, rho_micro=125_000) for _ in range(1000))
    # ε²/8 = ρ gives ε = 1; scores that move by 1 either way weigh exp(score · ε / 2).
    assert draws[1] / 1000 == pytest.approx(np.e / (1 + np.e), abs=0.07)
    with pytest.raises(PolicyError) as caught:
        noisy_max([0, 2], scale=scale / 2, rho_micro=125_000)
    assert caught.value.code == "dp.loss-above-plan"


def test_candidates_are_new_and_fit_the_model() -> None:
    assert list(candidates(DOMAIN, [(0, 1)], most_columns=2, max_cells=1000)) == [(0, 2), (1, 2)]
    assert list(candidates(DOMAIN, [(0, 1)], most_columns=3, max_cells=1000))[-1] == (0, 1, 2)
    assert not list(candidates(DOMAIN, [(0, 1)], most_columns=3, max_cells=14))


def test_rows_that_keep_what_was_promised_are_given_out_with_the_noisy_error() -> None:
    plan = planned(columns_share=Decimal("0.3"), cliques_share=Decimal("0.5"), acceptance=ACCEPT)
    errors = synthesize(people(cohort()), plan, bounding_key=KEY).evidence.measured["accepted_errors_noisy"]
    assert set(errors) == {"marginals: sex x age"}


def test_rows_that_do_not_keep_it_are_not_given_out() -> None:
    asked = Acceptance(Decimal("0.2"), (marginals("pregnant", "age"),))
    free = replace(DOMAIN, impossible=())
    plan = planned(
        domain=free,
        cliques=(("sex", "age"),),
        columns_share=Decimal("0.3"),
        cliques_share=Decimal("0.5"),
        acceptance=asked,
    )
    with pytest.raises(DataError) as caught:
        synthesize(people(cohort()), plan, bounding_key=KEY)
    assert caught.value.code == "dp.synthetic-not-accepted"


@pytest.mark.parametrize(
    "changes",
    [
        {"columns_share": Decimal("0.5")},
        {"cliques": (), "cliques_source": "codebook v7"},
        {"cliques_source": ""},
        {"cliques": (("sex",),)},
        {"cliques": (("sex", "age"), ("age", "sex"))},
        {"rows": 0},
        {"cliques_share": Decimal("0.3"), "selection": Selection(Decimal("0.3"), 0)},
        {"cliques_share": Decimal("0.4"), "acceptance": replace(ACCEPT, criteria=())},
    ],
)
def test_plans_that_say_too_little_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(PolicyError) as caught:
        planned(**changes)
    assert caught.value.code == "dp.synthetic-plan"


def test_unknown_columns_large_models_and_tiny_shares_are_refused() -> None:
    for changes, code in (
        ({"cliques": (("sex", "blood"),)}, "dp.unknown-column"),
        ({"max_cells": 10}, "dp.too-many-cells"),
        ({"budget": budget("0.000002")}, "dp.share-too-small"),
    ):
        with pytest.raises(PolicyError) as caught:
            planned(**changes)
        assert caught.value.code == code


@pytest.mark.parametrize(
    "domain",
    [
        replace(DOMAIN, columns=DOMAIN.columns[:1]),
        replace(DOMAIN, columns=(*DOMAIN.columns, DOMAIN.columns[0])),
        replace(DOMAIN, columns=(Category("sex", ("a", "a"), "codebook"), *DOMAIN.columns[1:])),
        replace(DOMAIN, columns=(replace(DOMAIN.columns[2], edges=(Decimal(9), Decimal(3))), *DOMAIN.columns[:2])),
        replace(DOMAIN, columns=(replace(DOMAIN.columns[2], grid=Decimal(7)), *DOMAIN.columns[:2])),
        replace(DOMAIN, columns=(replace(DOMAIN.columns[2], source=""), *DOMAIN.columns[:2])),
        replace(DOMAIN, impossible=(Impossible(("sex", "pregnant"), (("male", "perhaps"),), "codebook v7"),)),
        replace(DOMAIN, impossible=(Impossible(("sex", "pregnant"), (("male", "yes"),), ""),)),
    ],
)
def test_domains_that_are_no_public_partition_are_refused(domain: Domain) -> None:
    with pytest.raises(PolicyError) as caught:
        planned(domain=domain)
    assert caught.value.code == "dp.synthetic-domain"


def test_the_question_is_named_by_everything_in_it_but_the_snapshot() -> None:
    assert planned().query_hash == planned().query_hash
    assert planned(rows=5).query_hash != planned().query_hash
    assert planned().as_json()["query_hash"] == planned().query_hash


def test_no_cell_count_of_the_data_is_in_the_evidence() -> None:
    made = synthesize(people(cohort()), planned(), bounding_key=KEY)
    assert made.evidence.people_in is made.evidence.records_in is None
    assert made.evidence.method == "dp_synthetic"
    assert all(check.passed for check in made.evidence.checks)
    assert "pyarrow" not in repr(made)
    assert "array(" not in repr(made)
