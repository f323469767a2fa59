"""Who holds the synthetic rows tries to tell whether one person was in the data, and whose record a row is near to."""

import math
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import ibis
import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import beta

from anonymization.dp.synthetic import release
from anonymization.dp.synthetic.asked import measure_synthetic, plan_asked
from anonymization.dp.synthetic.domain import Category, Domain
from anonymization.dp.synthetic.plan import SyntheticPlan, plan_synthetic
from policies.model.synthetic import DpSynthetic
from tests.support.asked_synthetic import BUDGET, HAS, SEX, release_of, treated
from tests.support.dp_methods import Rows
from tests.support.synthetic_people import KEY, METHOD, budget

RUNS = 40
MISTAKE = 1e-3
PAIR = Domain((Category("site", ("a", "b"), "codebook v7"), Category("code", ("x", "y", "z"), "codebook v7")))
WIDE = Domain(tuple(Category(f"item{n}", tuple("abcdef"), "questionnaire 3") for n in range(9)))


def asked(domain: Domain, cliques: tuple[tuple[str, ...], ...], rho: str) -> SyntheticPlan:
    method = replace(METHOD, domain=domain, cliques=cliques, budget=budget(rho))
    method = replace(method, columns_share=Decimal("0.2"), cliques_share=Decimal("0.8"))
    return plan_synthetic(method, policy_digest="sha256:00", snapshot_digest="sha256:11")


def lower_bound(guesses: Callable[[bool], np.ndarray], delta: float) -> float:
    """Bound ε from below: threshold from half of the runs, Clopper-Pearson on the other half."""
    inside, outside = guesses(True), guesses(False)
    half = RUNS // 2
    cuts = np.unique(np.concatenate([inside[:half], outside[:half]]))
    cut = max(cuts, key=lambda c: (inside[:half] >= c).mean() - (outside[:half] >= c).mean())
    hits, alarms = int((inside[half:] >= cut).sum()), int((outside[half:] >= cut).sum())
    low = float(beta.ppf(MISTAKE, hits, half - hits + 1)) if hits else 0.0
    high = float(beta.ppf(1 - MISTAKE, alarms + 1, half - alarms)) if alarms < half else 1.0
    return math.log((low - delta) / high) if low > delta else 0.0


def membership(plan: SyntheticPlan) -> Callable[[bool], np.ndarray]:
    """The worst pair: forty people in other cells, and one who alone would fill the last."""
    others = np.tile([[0, 0], [1, 1]], (20, 1))
    target = np.array([[1, 2]])

    def guesses(is_in: bool) -> np.ndarray:
        codes = np.concatenate([others, target]) if is_in else others
        made = (release.synthesize_codes(codes, plan).model for _ in range(RUNS))
        return np.array([model.total * model.marginal((0, 1))[1, 2] for model in made])

    return guesses


def test_membership_cannot_be_told_better_than_the_guarantee_allows() -> None:
    plan = asked(PAIR, (("site", "code"),), "0.004")
    assert lower_bound(membership(plan), float(plan.delta)) <= plan.epsilon


def test_the_same_attack_finds_the_person_where_noise_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = asked(PAIR, (("site", "code"),), "0.004")
    monkeypatch.setattr(release, "draw", lambda cells, **_: list(cells))
    assert lower_bound(membership(plan), float(plan.delta)) > plan.epsilon


def near(rows: np.ndarray, people: np.ndarray) -> float:
    """Return the share of rows that differ from some person in at most two columns."""
    return float(np.mean([((people != row).sum(axis=1) <= 2).any() for row in rows]))


def test_rows_are_no_nearer_to_the_people_of_the_data_than_to_others() -> None:
    noise = np.random.default_rng(5)
    everyone = noise.integers(0, 6, (600, 9))
    everyone[:, 1] = (everyone[:, 0] + noise.integers(0, 2, 600)) % 6
    inside, outside = everyone[:300], everyone[300:]
    made = release.synthesize_codes(inside, asked(WIDE, (("item0", "item1"),), "0.5"))
    codes = np.array([["abcdef".find(value or "?") for value in row.values()] for row in made.rows.to_pylist()])
    advantage = near(codes, inside) - near(codes, outside)
    assert abs(advantage) < 0.12
    # The test can tell: rows copied from the data are all near to them, and not near to the others.
    assert near(inside, inside) - near(inside, outside) > 0.5


ROUNDS = 16


def published(
    people: list[tuple[str, str, float]], visits: list[tuple[str | None, str, str]]
) -> list[dict[str, object]]:
    """Release made-up people as the pipeline does, from treated tables to rows."""
    method = {
        "budget": {**BUDGET, "release_rho": "0.004"},
        "columns": [SEX, HAS],
        "cliques": [["sex", "has_x"]],
        "columns_share": "0.2",
        "cliques_share": "0.8",
        "acceptance": None,
        "acceptance_share": None,
        "rows": 2000,
    }
    asked_for = release_of(**method)
    assert isinstance(asked_for.method, DpSynthetic)
    plan = plan_asked(asked_for.method, policy_digest="sha256:00", snapshot_digest="sha256:11")
    found = measure_synthetic(asked_for, treated(people, visits), plan=plan, bounding_key=KEY)
    return list(found.tables["made-up"].to_pylist())


def bound_of_published_rows() -> float:
    """The worst pair, from the tables on: one person alone has the code, in forty events.

    The guess is fixed before any run: 1 of 41 people are 49 of 2,000 rows.
    """
    others = [(f"p{n}", "fm"[n % 2], 30.0) for n in range(40)]
    inside = ([*others, ("target", "m", 30.0)], [("target", "x", "2021")] * 40)
    found = [
        sum(sum(row["has_x"] == "yes" for row in published(*tables)) >= 20 for _ in range(ROUNDS))
        for tables in (inside, (others, []))
    ]
    hits, alarms = found
    low = float(beta.ppf(MISTAKE, hits, ROUNDS - hits + 1)) if hits else 0.0
    high = float(beta.ppf(1 - MISTAKE, alarms + 1, ROUNDS - alarms)) if alarms < ROUNDS else 1.0
    return math.log(low / high) if low > 0 else 0.0


def test_membership_cannot_be_told_from_published_rows() -> None:
    assert bound_of_published_rows() <= asked(PAIR, (("site", "code"),), "0.004").epsilon


def test_published_rows_tell_the_person_where_noise_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release, "draw", lambda cells, **_: list(cells))
    assert bound_of_published_rows() > asked(PAIR, (("site", "code"),), "0.004").epsilon


def nearest(rows: np.ndarray, people: np.ndarray) -> np.ndarray:
    """Return each row's distance to its closest record: in how many columns they differ."""
    return (rows[:, None, :] != people[None, :, :]).sum(axis=2).min(axis=1)


def nearer(rows: np.ndarray, inside: np.ndarray, outside: np.ndarray) -> float:
    """Return the share of rows whose closest record was in the data and not held out; a tie is half."""
    own, other = nearest(rows, inside), nearest(rows, outside)
    return float((own < other).mean() + (own == other).mean() / 2)


def test_the_closest_record_of_published_rows_is_no_oftener_in_the_data_than_held_out() -> None:
    noise = np.random.default_rng(11)
    everyone = noise.integers(0, 6, (600, 9))
    everyone[:, 1] = (everyone[:, 0] + noise.integers(0, 2, 600)) % 6
    inside, outside = everyone[:300], everyone[300:]
    names = [f"item{n}" for n in range(9)]
    columns = [
        {"kind": "labels", "column": name, "values": list("abcdef"), "source": "questionnaire 3"} for name in names
    ]
    asked_for = release_of(
        columns=columns,
        cliques=[["item0", "item1"]],
        cliques_share="0.6",
        acceptance=None,
        acceptance_share=None,
        rows=600,
    )
    texts = {name: ["abcdef"[code] for code in inside[:, n]] for n, name in enumerate(names)}
    table = Rows(ibis.memtable(pa.table({"__person": [f"p{n}" for n in range(300)], **texts})))
    assert isinstance(asked_for.method, DpSynthetic)
    plan = plan_asked(asked_for.method, policy_digest="sha256:00", snapshot_digest="sha256:11")
    made = measure_synthetic(asked_for, {"people": table}, plan=plan, bounding_key=KEY).tables["made-up"]
    codes = np.array([["abcdef".find(value or "?") for value in row.values()] for row in made.to_pylist()])
    # 600 rows whose nearest is in either half by chance: five standard deviations of a fair coin.
    assert abs(nearer(codes, inside, outside) - 0.5) < 5 * 0.5 / math.sqrt(600)
    assert nearer(inside, inside, outside) > 0.95
