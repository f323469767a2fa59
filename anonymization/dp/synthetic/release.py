"""Make synthetic people: draw noisy marginals, fit, choose and measure more, sample, and accept by a last noisy measure.

The caller charges the ledger with `plan.charge_micro` before it calls `synthesize`, and stores the answer; a second call
draws fresh noise. Whatever happens after the call began, the charge stays.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from anonymization.dp.bounding import TreatedRows
from anonymization.dp.mechanism import draw
from anonymization.dp.query_plan import Z_95
from anonymization.dp.synthetic.acceptance import distances, lonely_rows, paid_limits
from anonymization.dp.synthetic.domain import Codes, Domain
from anonymization.dp.synthetic.evidence import evidence_of
from anonymization.dp.synthetic.figures import column_bars
from anonymization.dp.synthetic.model import ITERATIONS, Measured, Model, fit
from anonymization.dp.synthetic.people import count_cells, people_codes
from anonymization.dp.synthetic.plan import Draw, SyntheticPlan
from anonymization.dp.synthetic.selection import candidates, noisy_max, score
from anonymization.dp.synthetic.tree import Clique
from anonymization.evidence import Evidence
from policies.errors import DataError

ROUND_ITERATIONS = 60
"""Steps of the fit between two rounds; the last fit takes `ITERATIONS`."""


@dataclass(frozen=True, slots=True)
class SyntheticPeople:
    """Rows of people who do not exist, one row each, and the evidence of what they may tell of those who do."""

    plan: SyntheticPlan
    rows: pa.Table = field(repr=False)
    model: Model = field(repr=False)
    evidence: Evidence


def synthesize(table: TreatedRows, plan: SyntheticPlan, *, bounding_key: bytes) -> SyntheticPeople:
    """Make a synthetic table with fresh noise; the charge must have been made before.

    Args:
        table: Treated rows with `__person`; of a person with several rows one counts, chosen by keyed hash.
        plan: The plan that was charged.
        bounding_key: Secret that chooses which row counts.

    Returns:
        Rows in the columns of the domain: strings, and float64 on the public grid; null where missing.

    Raises:
        PolicyError: A column is missing, the key is weak, or a mechanism would lose more than planned.
        DataError: A row names no person, the engine failed, or the rows were not accepted; nothing is given out, and
            what was charged stays charged.

    Guarantee: rows, model and evidence together are ρ-zCDP with ρ = `plan.charge_micro` / 1e6, for neighbors that differ by
        one person with all rows. Rows that are declared impossible do not occur.
    Not guaranteed: relations between columns that no measured marginal holds; anything about a single synthetic row, which
        may equal a real one by chance; that a second call under one charge keeps the guarantee.

    Source: McKenna et al. 2019 (Private-PGM) and 2022 (AIM); Bun & Steinke 2016; Hod & Canetti 2024 (acceptance).
    """
    return synthesize_codes(people_codes(table, plan.method.domain, key=bounding_key), plan)


def synthesize_codes(codes: Codes, plan: SyntheticPlan) -> SyntheticPeople:
    """Do what `synthesize` does with people that `people_codes` has coded and bounded; an audit runs this part many times.

    Raises:
        PolicyError: A mechanism would lose more than planned.
        DataError: The rows were not accepted.

    Guarantee: that of `synthesize`, for neighbors that differ by one row of `codes`.
    """
    domain = plan.method.domain
    measured = [_measure(codes, one, one.clique, domain) for one in plan.draws]
    model = fit(
        domain.sizes, measured, zeros=domain.zeros(), iterations=ROUND_ITERATIONS if plan.rounds else ITERATIONS
    )
    chosen: list[Clique] = []
    if plan.rounds:
        model, measured, chosen = _select(codes, plan, model, measured)
        model = fit(domain.sizes, measured, zeros=domain.zeros(), start=model)
    rows = model.sample(plan.method.rows or max(1, round(model.total)))
    shares = _accept(codes, rows, plan, model.total)
    names = domain.names
    evidence = evidence_of(
        plan,
        people=model.total,
        chosen=[[names[place] for place in clique] for clique in chosen],
        criteria=shares,
        bars=column_bars(domain, measured, rows),
    )
    return SyntheticPeople(plan=plan, rows=domain.decode(rows), model=model, evidence=evidence)


def _measure(codes: Codes, one: Draw, clique: Clique, domain: Domain) -> Measured:
    noisy = draw(
        count_cells(codes, clique, domain), sigma=one.sigma, sensitivity=one.sensitivity, rho_micro=one.rho_micro
    )
    shape = [domain.sizes[place] for place in clique]
    return Measured(clique, np.array(noisy, dtype=np.float64).reshape(shape), one.sigma)


def _select(
    codes: Codes, plan: SyntheticPlan, model: Model, measured: Sequence[Measured]
) -> tuple[Model, list[Measured], list[Clique]]:
    domain, known, chosen = plan.method.domain, list(measured), list[Clique]()
    most_columns = plan.method.selection.most_columns if plan.method.selection else 2
    held = [clique for clique, _ in domain.zeros()]
    for one in plan.rounds:
        # What may be chosen follows from the domain and from earlier choices, never from counts.
        cliques = [*(part.clique for part in known), *held]
        open_cliques = list(candidates(domain, cliques, most_columns=most_columns, max_cells=plan.method.max_cells))
        if not open_cliques:
            break
        sigma = one.measure.sigma
        scores = [score(codes, model, clique, domain=domain, sigma=sigma) for clique in open_cliques]
        clique = open_cliques[noisy_max(scores, scale=one.scale, rho_micro=one.rho_micro)]
        known.append(_measure(codes, one.measure, clique, domain))
        chosen.append(clique)
        model = fit(domain.sizes, known, zeros=domain.zeros(), start=model, iterations=ROUND_ITERATIONS)
    return model, known, chosen


def _accept(codes: Codes, rows: Codes, plan: SyntheticPlan, total: float) -> Mapping[str, float]:
    """Draw each criterion's number with noise, and refuse rows that may miss one; return the noisy numbers as shares."""
    domain, missed = plan.method.domain, list[str]()
    shares = {label: share for label, (share, _) in lonely_rows(rows, plan.criteria, domain).items()}
    missed += [label for label, (share, limit) in lonely_rows(rows, plan.criteria, domain).items() if share > limit]
    if plan.accept is not None:
        one, limits = plan.accept, paid_limits(plan.criteria)
        raw = distances(codes, rows, plan.criteria, domain=domain, total=total)
        noisy = draw(raw, sigma=one.sigma, sensitivity=one.sensitivity, rho_micro=one.rho_micro)
        for limit, value in zip(limits, noisy, strict=True):
            shares[limit.label] = max(0.0, value / total)
            if value + Z_95 * one.sigma > float(limit.at_most) * total:
                missed.append(limit.label)
    if missed:
        raise DataError(
            "dp.synthetic-not-accepted",
            what=f"the synthetic rows may miss {len(missed)} of their criteria: {', '.join(missed)}",
            why="rows that do not keep what was promised mislead their readers; all was measured with noise, and its error "
            "counts against them",
            fix="measure cliques that hold the criterion's columns, give them a larger share, or allow more; what was charged stays",
        )
    return shares
