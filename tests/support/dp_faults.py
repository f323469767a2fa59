"""Faults planted in the release path, one function each, and the checks that must turn red: the table of mutation tests.

A check looks at the path as it stands when it is called, so it sees what was planted. `FAULTS` says which checks find which
fault; `tests/attacks/test_dp_audit_faults.py` runs every pair, and every check without a fault.
"""

import contextlib
import json
import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import ibis
import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from anonymization.dp import query_plan, release, threshold
from anonymization.dp.plan import QueryPlan
from anonymization.dp.queries import kind
from policies.errors import PolicyError
from tests.support import dp_audit
from tests.support.dp_accountant import exact_loss
from tests.support.dp_audit import ALPHA, CROWD, RUNS, Cells, Floats, cells_of, neighbors, plan_of
from tests.support.dp_methods import BOUNDING_KEY, VISITS_TABLE, Rows, any_release, method, planned

LAW_DRAWS = 5 * RUNS
WHOLE_RUNS = 30
NAMED_DELTA = Decimal("0.01")
SHARP = "people, σ = 0.7"

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Result:
    """What a check found beside what was claimed, in words that fit a line."""

    claim: str
    found: str
    is_red: bool


# --- checks


def pair(statistic: str) -> Result:
    """Attack the worst-case neighbors of a statistic."""
    found = dp_audit.audited(statistic)
    distance, epsilon = found.distance, found.epsilon
    return Result(
        f"{distance.unit} ≤ {distance.claimed:.3f}, {epsilon.unit} ≤ {epsilon.claimed:.2f}",
        f"≥ {distance.found:.3f}, ≥ {epsilon.found:.2f}",
        found.is_red,
    )


def structure(statistic: str) -> Result:
    """Remove the canary: so many cells move, by so much, and by no more than the noise is scaled for."""
    plan = plan_of(statistic)
    claim = f"K = {plan.cells_per_person}, bound {max(part.cell_bound for part in plan.parts)}"
    without, having = neighbors(statistic, plan)
    moved = {part.quantity: np.abs(having[part.quantity] - without[part.quantity]) for part in plan.parts}
    is_red = any(
        np.count_nonzero(moved[part.quantity]) > plan.cells_per_person
        or moved[part.quantity].max() > part.cell_bound
        or (moved[part.quantity] ** 2).sum() > part.sensitivity**2
        for part in plan.parts
    )
    cells = max(np.count_nonzero(each) for each in moved.values())
    return Result(claim, f"{cells} cells, by {max(int(each.max()) for each in moved.values())}", is_red)


def accountant(statistic: str) -> Result:
    """Work the loss between worst-case neighbors out anew, exactly, from the cells and σ alone."""
    plan = plan_of(statistic)
    without, having = neighbors(statistic, plan)
    found = [exact_loss(having[p.quantity] - without[p.quantity], p.sigma) * 1_000_000 for p in plan.parts]
    is_red = any(each > part.rho_micro for each, part in zip(found, plan.parts, strict=True))
    claimed = sum(part.rho_micro for part in plan.parts) / 1e6
    return Result(f"ρ ≤ {claimed:g}", f"ρ = {float(sum(found)) / 1e6:.6f}", is_red)


def noise_of(plan: QueryPlan, cells: Cells, *, runs: int) -> Floats:
    """Return the noise alone, runs x cells of all vectors, in units of σ: what was released less what was bounded."""
    exact = np.concatenate([cells[part.quantity] / part.sigma for part in plan.parts])
    return dp_audit.drawn(plan, cells, runs=runs) - exact


def law_p_value(noise: Ints, sigma: float) -> float:
    """Return chi-square's p of whole-number noise under the discrete Gaussian law, in at most 40 nearly even bins."""
    # Above this scale the sum of the law and the integral of the normal one agree to more digits than a float has.
    upto = stats.norm(scale=sigma).cdf if sigma > 1_000 else _discrete_law(sigma)
    places = np.unique(np.floor(stats.norm.ppf(np.arange(1, 40) / 40) * sigma)) + 0.5
    expected = np.diff(np.concatenate([[0.0], upto(places), [1.0]])) * len(noise)
    seen = np.bincount(np.searchsorted(places, noise), minlength=len(expected))
    rare = expected < 20
    if rare.any():
        seen, expected = ([*each[~rare], each[rare].sum()] for each in (seen, expected))
    return float(stats.chisquare(seen, expected).pvalue)


def _discrete_law(sigma: float) -> Callable[[Floats], Floats]:
    reach = math.ceil(12 * sigma)
    law = np.exp(-(np.arange(-reach, reach + 1, dtype=np.float64) ** 2) / (2 * sigma**2))
    summed = np.concatenate([[0.0], np.cumsum(law) / law.sum()])
    return lambda places: summed[np.clip(np.ceil(places).astype(int) + reach, 0, len(law))]


def law(statistic: str) -> Result:
    """Hold released less bounded cells of a statistic against the law that its plan names."""
    # At a scale below one, rounded floats are farthest from the discrete law.
    one_row = {"cells_per_person": 1, "source": "protocol 4.2"}
    plan = plan_of("people", bounds=one_row) if statistic == SHARP else plan_of(statistic, rho="0.5")
    part = plan.parts[0]
    noise = noise_of(plan, cells_of(plan, CROWD), runs=LAW_DRAWS // plan.cells)[:, : plan.cells]
    found = law_p_value(np.rint(noise * part.sigma).astype(np.int64).ravel(), part.sigma)
    return Result(f"p > {ALPHA:g}", f"p = {found:.2g}", found < ALPHA)


def independence(_: str = "") -> Result:
    """Correlate the noise of the vectors and cells of a mean, of a second query, and of one run with the next."""
    plans = [plan_of("mean"), plan_of("people")]
    noise = np.hstack([noise_of(plan, cells_of(plan, CROWD), runs=RUNS) for plan in plans])
    noise = np.hstack([noise[1:], noise[:-1]])
    between = np.abs(np.corrcoef(noise, rowvar=False) - np.eye(noise.shape[1]))
    # Bonferroni over all pairs; the correlation of independent columns has a standard error of 1/√n.
    most = stats.norm.isf(ALPHA / noise.shape[1] ** 2) / math.sqrt(len(noise))
    return Result(f"|r| ≤ {most:.3f}", f"|r| = {between.max():.3f}", bool(between.max() > most))


def fresh(_: str = "") -> Result:
    """Draw the same cells twice, in one process and with the same global seeds."""
    plan = plan_of("people")
    cells = cells_of(plan, CROWD)
    draws = []
    for _again in range(2):
        np.random.seed(1)
        draws.append(noise_of(plan, cells, runs=100))
    same = float((draws[0] == draws[1]).mean())
    return Result("two draws differ", f"{same:.0%} of cells equal", same == 1.0)


def forked(_: str = "") -> Result:
    """Let two processes forked from one parent, which has drawn before, draw the same cells."""
    plan = plan_of("people")
    cells = cells_of(plan, CROWD)
    noise_of(plan, cells, runs=1)
    draws = [_in_child(lambda: noise_of(plan, cells, runs=50).ravel().tolist()) for _child in range(2)]
    same = float(np.mean(np.array(draws[0]) == np.array(draws[1])))
    return Result("two forked processes differ", f"{same:.0%} of cells equal", same == 1.0)


def _in_child(work: Callable[[], list[float]]) -> list[float]:
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        # Nothing of the parent may run on in the child, whatever happens: no fixtures, no exit handlers.
        with contextlib.suppress(BaseException), os.fdopen(write, "w") as pipe:
            json.dump(work(), pipe)
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        told = pipe.read()
    os.waitpid(child, 0)
    drawn: list[float] = json.loads(told)
    return drawn


def presence(_: str = "") -> Result:
    """Release 20,000 cells that one person holds, each a run of its own: how many are named?"""
    plan = threshold.plan_threshold(cells_per_person=1, cell_bound=1, rho_micro=500_000, delta=NAMED_DELTA)
    runs = 20_000
    named = len(threshold.draw_present(dict.fromkeys(range(runs), 1), plan))
    low = float(stats.beta.ppf(ALPHA, named, runs - named + 1)) if named else 0.0
    return Result(f"δ ≤ {plan.mapped_delta:.4f}", f"δ ≥ {low:.4f}", low > plan.mapped_delta)


def whole_runs(_: str = "") -> Result:
    """Run whole releases through `measure`, and hold the spread of what they publish against σ."""
    asked = [dp_audit.question("people")]
    made = any_release(method(asked, rho="0.5"), tables=[VISITS_TABLE])
    plan = planned(asked, rho="0.5")
    rows = {"visits": dp_audit.table(CROWD)}
    exact = cells_of(plan.queries[0], CROWD)["people"]
    runs = [
        release.measure(made, rows, plan=plan, bounding_key=BOUNDING_KEY).tables["people"] for _ in range(WHOLE_RUNS)
    ]
    noise = np.array([table.column("noisy").to_pylist() for table in runs]) - exact
    spread = float((noise**2).sum()) / plan.queries[0].parts[0].sigma ** 2
    low, high = stats.chi2.ppf([ALPHA / 2, 1 - ALPHA / 2], noise.size)
    return Result(f"Σz² in {low:.0f} … {high:.0f}", f"Σz² = {spread:.0f}", not low < spread < high)


CHECKS: Mapping[str, Callable[[str], Result]] = MappingProxyType(
    {
        "pair": pair,
        "structure": structure,
        "accountant": accountant,
        "law": law,
        "independence": independence,
        "fresh": fresh,
        "forked": forked,
        "presence": presence,
        "whole runs": whole_runs,
    }
)


def run_check(name: str, statistic: str) -> Result:
    """Run a check; a path that refuses to go on is red as well."""
    try:
        return CHECKS[name](statistic)
    except PolicyError as refused:
        return Result("a release", f"refused: {refused.code}", is_red=True)


# --- plants

Patch = pytest.MonkeyPatch
Draw = Callable[..., list[int]]


def _noise(patch: Patch, made: Callable[[Draw, Sequence[int], float, dict[str, Any]], list[int]]) -> None:
    real = kind.draw

    def faulty(cells: Sequence[int], *, sigma: float, **other: Any) -> list[int]:
        return made(real, cells, sigma, other)

    patch.setattr(kind, "draw", faulty)


def _scaled_noise(factor: float) -> Callable[[Patch], None]:
    def plant(patch: Patch) -> None:
        def drawn(real: Draw, cells: Sequence[int], sigma: float, other: dict[str, Any]) -> list[int]:
            # Scale and sensitivity shrink together: the mechanism's own map lets that pass.
            return real(
                cells,
                sigma=sigma * factor,
                sensitivity=other["sensitivity"] * factor,
                rho_micro=other["rho_micro"] + 1,
            )

        _noise(patch, drawn)

    return plant


def _seeded_noise(patch: Patch) -> None:
    def drawn(_: Draw, cells: Sequence[int], sigma: float, __: dict[str, Any]) -> list[int]:
        noise = np.random.default_rng(7).normal(0, sigma, len(cells))
        return [cell + int(each) for cell, each in zip(cells, np.rint(noise), strict=True)]

    _noise(patch, drawn)


def _noise_of_a_generator(patch: Patch) -> None:
    generator = np.random.default_rng()

    def drawn(_: Draw, cells: Sequence[int], sigma: float, __: dict[str, Any]) -> list[int]:
        noise = np.rint(generator.normal(0, sigma, len(cells)))
        return [cell + int(each) for cell, each in zip(cells, noise, strict=True)]

    _noise(patch, drawn)


def _noise_kept(patch: Patch) -> None:
    kept: dict[int, Floats] = {}

    def drawn(real: Draw, cells: Sequence[int], sigma: float, other: dict[str, Any]) -> list[int]:
        if len(cells) not in kept:
            kept[len(cells)] = (np.array(real(cells, sigma=sigma, **other)) - np.array(cells)) / sigma
        noise = np.rint(kept[len(cells)] * sigma)
        return [cell + int(each) for cell, each in zip(cells, noise, strict=True)]

    _noise(patch, drawn)


def _noise_on_every_other_vector(patch: Patch) -> None:
    turn = iter(range(1_000_000))

    def drawn(real: Draw, cells: Sequence[int], sigma: float, other: dict[str, Any]) -> list[int]:
        return list(cells) if next(turn) % 2 else real(cells, sigma=sigma, **other)

    _noise(patch, drawn)


def _bounding(patch: Patch, changed: Callable[[QueryPlan], QueryPlan]) -> None:
    real = release.query_cells

    def faulty(table: Any, query: QueryPlan, *, key: bytes) -> Cells:
        return real(table, changed(query), key=key)

    patch.setattr(release, "query_cells", faulty)


def _with_bounds(query: QueryPlan, **bounds: int) -> QueryPlan:
    asked = query.question
    looser = asked.model_copy(update={"bounds": asked.bounds.model_copy(update=bounds)})
    return replace(query, asked=looser, **bounds)  # type: ignore[arg-type]


def _no_cell_bound(patch: Patch) -> None:
    _bounding(patch, lambda query: _with_bounds(query, cells_per_person=1_000))


def _one_more_cell(patch: Patch) -> None:
    _bounding(patch, lambda query: _with_bounds(query, cells_per_person=query.cells_per_person + 1))


def _no_row_bound(patch: Patch) -> None:
    _bounding(patch, lambda query: _with_bounds(query, rows_per_person_per_cell=1_000))


def _no_clip(patch: Patch) -> None:
    def wider(query: QueryPlan) -> QueryPlan:
        units, clip = query.units, query.question.clip
        return replace(
            query,
            units=units and replace(units, low=units.low * 100, high=units.high * 100),
            asked=query.question.model_copy(
                update={"clip": clip and clip.model_copy(update={"low": clip.low * 100, "high": clip.high * 100})}
            ),
        )

    _bounding(patch, wider)


def _rows(patch: Patch, changed: Callable[[Any], Any]) -> None:
    real = release.query_cells

    def faulty(table: Any, query: QueryPlan, *, key: bytes) -> Cells:
        return real(Rows(changed(table.rows)), query, key=key)

    patch.setattr(release, "query_cells", faulty)


def _rows_for_people(patch: Patch) -> None:
    _rows(patch, lambda rows: rows.mutate(__person=ibis.row_number().cast("string")))


def _choice_by_all_rows(patch: Patch) -> None:
    def crowded(rows: Any) -> Any:
        # Everybody's contributions are moved once there are more rows than the crowd has.
        many = rows.count().to_pyarrow().as_py() > len(CROWD)
        return rows.mutate(region=ibis.literal("north")) if many else rows

    _rows(patch, crowded)


def _sensitivity_of_one_cell(patch: Patch) -> None:
    real = query_plan.noise_part

    def faulty(quantity: Any, frame: Any, **other: Any) -> Any:
        return real(quantity, replace(frame, cells_per_person=1), **other)

    patch.setattr(kind, "noise_part", faulty)


def _sensitivity_of_one_row(patch: Patch) -> None:
    real = query_plan.noise_part

    def faulty(quantity: Any, frame: Any, **other: Any) -> Any:
        return real(quantity, replace(frame, rows_per_person_per_cell=1), **other)

    patch.setattr(kind, "noise_part", faulty)


def _half_sigma(patch: Patch) -> None:
    real = query_plan.sigma_for
    patch.setattr(query_plan, "sigma_for", lambda *given, **other: real(*given, **other) / 2)


def _half_distance(patch: Patch) -> None:
    real = query_plan.distance_at_least
    patch.setattr(query_plan, "distance_at_least", lambda squared: real(squared) / 2)


def _thresholds(change: Callable[[int], int]) -> Callable[[Patch], None]:
    real = threshold.plan_threshold

    def plant(patch: Patch) -> None:
        def faulty(**asked: Any) -> threshold.ThresholdPlan:
            made = real(**asked)
            # What may be lost is raised with it, so that the draw's own guard lets it pass: only an audit can see it.
            return replace(made, threshold=change(made.threshold), delta=Decimal("0.999"))

        patch.setattr(threshold, "plan_threshold", faulty)

    return plant


def _nothing_drawn(patch: Patch) -> None:
    _noise(patch, lambda _, cells, __, ___: list(cells))


# --- the table


@dataclass(frozen=True)
class Fault:
    """One fault, how it is planted, and the checks (with their statistic) that must each find it."""

    name: str
    plant: Callable[[Patch], None]
    found_by: tuple[tuple[str, str], ...]


FAULTS: tuple[Fault, ...] = (
    Fault("half the noise", _scaled_noise(0.5), (("pair", "people"), ("pair", "mean"), ("law", "rows"))),
    Fault("no bound on cells", _no_cell_bound, (("pair", "people"), ("structure", "variance"), ("accountant", "sum"))),
    Fault("no bound on rows", _no_row_bound, (("pair", "rows"), ("structure", "regression"), ("accountant", "rows"))),
    Fault("no clip", _no_clip, (("pair", "sum"), ("structure", "mean"), ("accountant", "variance"))),
    Fault("noise on one part only", _noise_on_every_other_vector, (("pair", "mean"),)),
    Fault("a fixed seed", _seeded_noise, (("fresh", ""),)),
    Fault("a generator that is forked with the process", _noise_of_a_generator, (("forked", ""),)),
    Fault("the same noise for two vectors", _noise_kept, (("independence", ""), ("fresh", ""))),
    Fault("the threshold is off", _thresholds(lambda _: 2), (("presence", ""),)),
    Fault("the threshold is one too low", _thresholds(lambda at: at - 1), (("presence", ""),)),
    Fault("a row is taken for a person", _rows_for_people, (("pair", "rows"), ("structure", "people"))),
    Fault("one person's rows change the others' cells", _choice_by_all_rows, (("structure", "people"),)),
    Fault("scale for half the sensitivity", _half_distance, (("accountant", "sum"), ("pair", "histogram"))),
    Fault("half the scale", _half_sigma, (("pair", "people"),)),
    Fault("the plan bounds fewer cells than the engine", _sensitivity_of_one_cell, (("accountant", "people"),)),
    Fault("the plan bounds fewer rows than the engine", _sensitivity_of_one_row, (("accountant", "rows"),)),
    Fault("the engine lets one more cell through", _one_more_cell, (("structure", "people"), ("accountant", "rows"))),
    Fault("nothing is drawn", _nothing_drawn, (("whole runs", ""), ("pair", "sum"))),
    Fault("float noise, rounded", _noise_of_a_generator, (("law", SHARP),)),
)
