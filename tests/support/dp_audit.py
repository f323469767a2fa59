"""The auditor of differential privacy: worst-case neighbors, an attacker who sees the release, and what that proves.

Bounding runs once for each dataset, the noise `RUNS` times. The attacker knows both datasets, and looks at the released
vector along the direction that separates them best (Fisher's: the true difference of the cells, by the covariance of the
outputs). Direction and threshold come from one half of the outputs, Clopper-Pearson bounds from the other.

Two claims are held against what is found: the trade-off curve of Gaussian noise, TPR ≤ Φ(Φ⁻¹(FPR) + √2ρ) (Dong, Roth, Su
2022), which is exact for it and so shows small faults, and the (ε, δ) that OpenDP's conversion of ρ gives, at δ = 0.1,
where so few runs see most.
"""

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from anonymization.dp import release
from anonymization.dp.mechanism import MICRO, epsilon_of
from anonymization.dp.plan import QueryPlan
from anonymization.dp.queries.vocabulary import KINDS
from tests.support import dp_questions
from tests.support.dp_methods import BOUNDING_KEY, REGIONS, Rows, planned

FEW = 2_000
RUNS = int(os.environ.get("NIJI_AUDIT_RUNS", FEW))
DEEP = RUNS > FEW
ALPHA = 1e-6
"""Chance that a right mechanism turns red in one check."""
DELTA = Decimal("0.1")
POWER = 0.5
"""An audit that finds less than this part of the claim proves nothing."""

Floats = npt.NDArray[np.float64]
Cells = Mapping[Any, npt.NDArray[np.int64]]
Row = dp_questions.Row


@dataclass(frozen=True)
class Finding:
    """What an attack proves at confidence 1 - ALPHA, beside what was claimed; `unit` says of what."""

    unit: str
    claimed: float
    found: float

    @property
    def is_red(self) -> bool:
        """Whether more was found than was claimed."""
        return self.found > self.claimed

    @property
    def has_power(self) -> bool:
        """Whether the attack comes near the claim."""
        return self.found > POWER * self.claimed


@dataclass(frozen=True)
class Audit:
    """Both findings of one attack."""

    distance: Finding
    epsilon: Finding

    @property
    def is_red(self) -> bool:
        """Whether either claim is broken."""
        return self.distance.is_red or self.epsilon.is_red


# --- worst-case neighbors

BASIC: Mapping[str, Mapping[str, object]] = {
    "people": {"by": [dp_questions.KEYS, dp_questions.OUTCOMES]},
    "rows": {},
    "sum": {"value": "hba1c", "clip": dp_questions.HBA1C},
    "mean": {"value": "hba1c", "clip": dp_questions.HBA1C},
}
BINNED = frozenset({"histogram", "quantiles", "survival"})
SPREAD = BINNED | {"people", "marginals"}
"""Their canary is in many cells; elsewhere it is as far out as can be."""
UNGROUPED = BINNED | {"regression", "logistic"}
"""Their cells are many already; one group keeps the draws few."""

CROWD: list[Row] = [
    (f"p{n}", region, 30.0 * n, 4.0 + 3 * n, ("died", "left")[n % 2]) for n in range(3) for region in REGIONS
]
# Far more rows than the bounds allow, in every cell, each as far out as a row can be; beyond the clip where there is one.
_EXTREME: list[Row] = [("canary", region, 1e4, 1e4, "died") for region in REGIONS] * 8
_EVERYWHERE: list[Row] = [
    ("canary", region, days, value, outcome)
    for region in REGIONS
    for days, value, outcome in ((10.0, 3.5, "died"), (60.0, 6.0, "left"), (90.0, 14.0, "died"))
] * 8


def canary(statistic: str) -> list[Row]:
    """Return the rows of one person who contributes as much as a person can."""
    return _EVERYWHERE if statistic in SPREAD else _EXTREME


def question(statistic: str, **changed: object) -> dict[str, object]:
    """Write a question of the vocabulary with bounds of two cells and two rows."""
    base = {**dp_questions.question("top"), "name": statistic, "statistic": statistic}
    base.pop("top")
    bounds = {"cells_per_person": 2, "rows_per_person_per_cell": 2, "source": "protocol 4.2"}
    by: dict[str, object] = {"by": []} if statistic in UNGROUPED else {}
    asked = BASIC[statistic] if statistic in BASIC else dp_questions.SPECIAL[statistic]
    return {**base, "bounds": bounds, **by, **asked, **changed}


def plan_of(statistic: str, *, rho: str = "1", **changed: object) -> QueryPlan:
    """Plan one question that takes all of ρ."""
    return planned([question(statistic, **changed)], rho=rho).queries[0]


def cells_of(plan: QueryPlan, rows: list[Row]) -> Cells:
    """Prepare and bound rows as a release does."""
    return release.query_cells(table(rows), plan, key=BOUNDING_KEY)


def table(rows: list[Row]) -> Rows:
    """Make treated rows."""
    return dp_questions.table(rows)


def neighbors(statistic: str, plan: QueryPlan) -> tuple[Cells, Cells]:
    """Return the bounded cells without and with the canary."""
    return cells_of(plan, CROWD), cells_of(plan, CROWD + canary(statistic))


# --- the attack


def drawn(plan: QueryPlan, cells: Cells, *, runs: int = RUNS) -> Floats:
    """Draw the Gaussian vectors of a query many times: runs x cells of all of them, in units of their noise."""
    # One long vector is as many runs side by side: every cell has its own draw.
    noisy = KINDS[plan.statistic].draw(plan, {quantity: np.tile(vector, runs) for quantity, vector in cells.items()})
    return np.hstack([np.asarray(noisy[p.quantity], dtype=np.float64).reshape(runs, -1) / p.sigma for p in plan.parts])


def direction(low: Floats, high: Floats, difference: Floats) -> Floats:
    """Return Fisher's direction: it sees noise that is missing, or shared, in some cells."""
    spread = (np.cov(low, rowvar=False) + np.cov(high, rowvar=False)).reshape(len(difference), -1) / 2
    # What has no noise at all is as good as exact, and weighs as much.
    return np.linalg.solve(spread + 1e-6 * np.eye(len(difference)), difference)


def attack(plan: QueryPlan, without: Cells, having: Cells, *, runs: int = RUNS) -> Audit:
    """Try to tell two neighbors apart from `runs` releases of each."""
    low, high = drawn(plan, without, runs=runs), drawn(plan, having, runs=runs)
    difference = np.concatenate([(having[p.quantity] - without[p.quantity]) / p.sigma for p in plan.parts])
    along = direction(low[: runs // 2], high[: runs // 2], difference)
    return held_against(low @ along, high @ along, rho_micro=sum(part.rho_micro for part in plan.parts))


def held_against(low: Floats, high: Floats, *, rho_micro: int) -> Audit:
    """Hold one score a run, of both neighbors, against the two claims of ρ."""
    return Audit(
        Finding("√2ρ", math.sqrt(2 * rho_micro / MICRO), _proven(low, high, _distance)),
        Finding(f"ε at δ={DELTA}", epsilon_of(rho_micro, delta=DELTA), _proven(low, high, _epsilon)),
    )


Measure = Callable[[float, float], float]


def _proven(low: Floats, high: Floats, measure: Measure) -> float:
    half = len(low) // 2
    candidates = np.unique(np.quantile(np.concatenate([low[:half], high[:half]]), np.linspace(0.01, 0.99, 99)))
    threshold = max(candidates, key=lambda t: _bounded(low[:half], high[:half], t, measure))
    return _bounded(low[half:], high[half:], threshold, measure)


def _bounded(low: Floats, high: Floats, threshold: float, measure: Measure) -> float:
    total, hits, misses = len(low), int((high > threshold).sum()), int((low > threshold).sum())
    if hits == 0 or misses == total:
        return -math.inf
    true_positives = float(stats.beta.ppf(ALPHA / 2, hits, total - hits + 1))
    return measure(true_positives, float(stats.beta.ppf(1 - ALPHA / 2, misses + 1, total - misses)))


def _distance(true_positives: float, false_positives: float) -> float:
    return float(stats.norm.ppf(true_positives) - stats.norm.ppf(false_positives))


def _epsilon(true_positives: float, false_positives: float) -> float:
    left = true_positives - float(DELTA)
    return math.log(left / false_positives) if left > 0 else -math.inf


def audited(statistic: str, *, runs: int = RUNS) -> Audit:
    """Audit a statistic over the whole path: plan, preparation, bounding, noise."""
    plan = plan_of(statistic)
    return attack(plan, *neighbors(statistic, plan), runs=runs)


def with_noise(plan: QueryPlan, factor: float) -> QueryPlan:
    """Plant too little noise: scale and sensitivity shrink together, which the mechanism's own map lets pass."""
    parts = tuple(replace(p, sigma=p.sigma * factor, sensitivity=p.sensitivity * factor) for p in plan.parts)
    return replace(plan, parts=parts)
