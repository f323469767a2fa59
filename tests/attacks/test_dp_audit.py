"""Audit: try to tell two neighbouring datasets apart from the output, and compare with the loss that was claimed.

Method of reference section 5 (worst-case pair; direction and threshold chosen on one half of the outputs, Clopper-
Pearson bounds on the other half), held against the curve that ρ-zCDP Gaussian noise really has: TPR ≤ Φ(Φ⁻¹(FPR) + √2ρ)
(Dong, Roth, Su 2022). An (ε, δ) pair at δ = 1e-8 is too loose to show halved noise in 4,000 runs; this curve is not.
The bounding runs once per dataset, the noise n times (`make audit`: ten times as often). The planted faults go through the public seams only.
"""

import math
import os
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from anonymization.dp.bounding import bounded_cells
from anonymization.dp.plan import QueryPlan
from anonymization.dp.release import noisy_table
from tests.support.dp_methods import BOUNDING_KEY, REGIONS, Row, planned, query, visits

RUNS = int(os.environ.get("NIJI_AUDIT_RUNS", "4000"))
ALPHA = 1e-4

Vectors = npt.NDArray[np.float64]

CROWD: list[Row] = [(f"p{n}", region, year, 6.0) for n in range(20) for region in REGIONS for year in (2023, 2024)]
# The canary has eight times more rows than the bounds allow, in all cells.
CANARY: list[Row] = [("canary", region, year, 15.0) for region in REGIONS for year in (2023, 2024)] * 8


def distance_lower_bound(without: Vectors, with_canary: Vectors) -> float:
    """Bound from below, with confidence 1 - ALPHA, how far apart two outputs (runs x cells) are, in √(2ρ)."""
    half = len(without) // 2
    direction = with_canary[:half].mean(axis=0) - without[:half].mean(axis=0)
    low, high = without @ direction, with_canary @ direction
    candidates = np.quantile(np.concatenate([low[:half], high[:half]]), np.linspace(0.05, 0.95, 61))
    threshold = max(candidates, key=lambda t: _distance(low[:half], high[:half], float(t)))
    return _distance(low[half:], high[half:], float(threshold))


def _distance(low: Vectors, high: Vectors, threshold: float) -> float:
    total, hits, misses = len(low), int((high > threshold).sum()), int((low > threshold).sum())
    if hits == 0 or misses == total:
        return -math.inf
    true_positives = stats.beta.ppf(ALPHA / 2, hits, total - hits + 1)
    false_positives = stats.beta.ppf(1 - ALPHA / 2, misses + 1, total - misses)
    return float(stats.norm.ppf(true_positives) - stats.norm.ppf(false_positives))


def outputs(plan: QueryPlan, rows: list[Row], *, bounded_by: QueryPlan | None = None) -> Vectors:
    """Run the noise of `plan` many times over cells bounded once, by the same plan or a faulty one."""
    cells = bounded_cells(visits(rows), bounded_by or plan, key=BOUNDING_KEY)
    # One wide table is RUNS tables side by side: every cell has its own draw.
    wide = replace(plan, cells=plan.cells * RUNS, by=())
    noisy = noisy_table(wide, {quantity: np.tile(vector, RUNS) for quantity, vector in cells.items()})
    name = "noisy_count" if plan.statistic == "mean" else "noisy"
    return np.asarray(noisy.column(name).to_numpy(), dtype=np.float64).reshape(RUNS, plan.cells)


def audited(plan: QueryPlan, *, bounded_by: QueryPlan | None = None) -> float:
    without = outputs(plan, CROWD, bounded_by=bounded_by)
    return distance_lower_bound(without, outputs(plan, CROWD + CANARY, bounded_by=bounded_by))


def plan_of(statistic: str, rho: str) -> QueryPlan:
    return planned([query(statistic, cells=3, rows=2)], rho=rho).queries[0]


def claimed(plan: QueryPlan) -> float:
    """Return √(2ρ) of the part that is audited."""
    part = plan.part("rows" if plan.statistic == "mean" else plan.parts[0].quantity)
    return math.sqrt(2 * part.rho_micro / 1_000_000)


CLAIMS = [("people", "0.5"), ("rows", "0.5"), ("sum", "0.5"), ("mean", "1")]


@pytest.mark.parametrize(("statistic", "rho"), CLAIMS)
def test_the_mechanism_is_as_private_as_claimed_and_not_much_more(statistic: str, rho: str) -> None:
    plan = plan_of(statistic, rho)
    found = audited(plan)
    assert found <= claimed(plan)
    # An audit that finds nothing proves nothing: it must come near the claim.
    assert found > 0.5 * claimed(plan)


@pytest.mark.parametrize(("statistic", "rho"), CLAIMS)
def test_the_audit_finds_halved_noise(statistic: str, rho: str) -> None:
    plan = plan_of(statistic, rho)
    # Halving scale and sensitivity together passes the mechanism's own map: only an audit can see it.
    halved = tuple(replace(part, sigma=part.sigma / 2, sensitivity=part.sensitivity / 2) for part in plan.parts)
    assert audited(replace(plan, parts=halved)) > claimed(plan)


@pytest.mark.parametrize("statistic", ["people", "rows", "sum"])
def test_the_audit_finds_missing_bounds(statistic: str) -> None:
    plan = plan_of(statistic, "0.5")
    unbounded = replace(plan, cells_per_person=plan.cells, rows_per_person_per_cell=1_000)
    assert audited(plan, bounded_by=unbounded) > claimed(plan)
