"""Make synthetic people: draw noisy marginals, fit, choose and measure more, sample, and accept by a last noisy measure.

The caller charges the ledger with `plan.charge_micro` before it calls `synthesize`, and stores the answer; a second call
draws fresh noise. Whatever happens after the call began, the charge stays.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist

import numpy as np
import pyarrow as pa

from anonymization.dp.bounding import TreatedRows
from anonymization.dp.mechanism import draw
from anonymization.dp.synthetic.domain import Codes, Domain
from anonymization.dp.synthetic.model import ITERATIONS, Measured, Model, fit
from anonymization.dp.synthetic.people import count_cells, people_codes
from anonymization.dp.synthetic.plan import Draw, SyntheticPlan, rho_text
from anonymization.dp.synthetic.selection import candidates, noisy_max, score
from anonymization.dp.synthetic.tree import Clique
from anonymization.evidence import CheckKind, CheckResult, Evidence, Statement
from policies.errors import DataError

ROUND_ITERATIONS = 60
"""Steps of the fit between two rounds; the last fit takes `ITERATIONS`."""


_Z_95 = NormalDist().inv_cdf(0.975)


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
    errors = _accept(codes, rows, plan, model.total)
    evidence = _evidence(plan, model, chosen, errors)
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
    """Measure the L1 error a person of each declared group with noise, and refuse rows that may be above the limit."""
    asked, domain = plan.method.acceptance, plan.method.domain
    if asked is None or plan.accept is None:
        return {}
    distances = []
    for group in asked.groups:
        clique = domain.places(group)
        synthetic = np.rint(np.array(count_cells(rows, clique, domain)) * (total / len(rows))).astype(np.int64)
        distances.append(int(np.abs(np.array(count_cells(codes, clique, domain)) - synthetic).sum()))
    one = plan.accept
    noisy = draw(distances, sigma=one.sigma, sensitivity=one.sensitivity, rho_micro=one.rho_micro)
    errors = {" x ".join(group): max(0.0, value / total) for group, value in zip(asked.groups, noisy, strict=True)}
    if max(noisy) + _Z_95 * one.sigma > asked.largest_error_ratio * total:
        raise DataError(
            "dp.synthetic-not-accepted",
            what=f"in one of {len(noisy)} groups the noisy L1 error is {max(errors.values()):.3f} a person, and with its own "
            f"error it may be above the {asked.largest_error_ratio} that is allowed",
            why="rows that do not keep what was promised mislead their readers; the measure itself was drawn with noise",
            fix="measure cliques that hold the group, give them a larger share, or allow a larger error; what was charged stays",
        )
    return errors


def _evidence(plan: SyntheticPlan, model: Model, chosen: Sequence[Clique], errors: Mapping[str, float]) -> Evidence:
    names = plan.method.domain.names
    checks = (
        CheckResult(
            name="loss_within_charge",
            kind=CheckKind.RULE,
            passed=plan.loss_micro <= plan.charge_micro,
            blocking=True,
            what="the losses that the mechanism's own map reports sum to at most what the ledger was charged",
            rule="DP-01",
            measured={"mapped_micro_rho": plan.loss_micro, "charged_micro_rho": plan.charge_micro},
        ),
    )
    rho = rho_text(plan.charge_micro)
    return Evidence(
        method="dp_synthetic",
        people_in=None,
        people_out=None,
        records_in=None,
        records_out=None,
        guarantee=_guarantee(plan, rho),
        not_guaranteed=_not_guaranteed(),
        epsilon=plan.epsilon,
        delta=float(plan.delta),
        rho=rho,
        parameters={**plan.as_json(), "unit": "person", "neighbouring": "add_remove", "accountant": "zcdp"},
        measured={
            "people_noisy": round(model.total),
            "chosen_marginals": [[names[place] for place in clique] for clique in chosen],
            "accepted_errors_noisy": dict(errors),
        },
        checks=checks,
    )


def _guarantee(plan: SyntheticPlan, rho: str) -> Statement:
    return Statement(
        ja=(
            "実在する人の行は含まれません。ある一人が全記録ごとデータにいてもいなくても、この合成データの出方はほとんど変わりません"
            f"(ρ={rho} のzCDP、δ={plan.delta} で ε={plan.epsilon:g})。"
        ),
        en=(
            "No row is that of a real person. Whether any one person, with all their records, is in the data or not hardly "
            f"changes which synthetic rows come out (zCDP with rho={rho}; epsilon={plan.epsilon:g} at delta={plan.delta})."
        ),
    )


def _not_guaranteed() -> Statement:
    return Statement(
        ja=(
            "測定していない列の組み合わせの関係は再現されません。個々の行に意味はなく、偶然に実在の人と一致することがあります。"
            "診療上の判断には使えません。血縁者など k 人をまとめて見ると損失は k² 倍になります。"
        ),
        en=(
            "Relations between columns that were not measured together are not kept. A single row means nothing, and may equal "
            "a real person's by chance. Not for decisions of care. For k people taken together, such as relatives, the loss is "
            "k² times as large."
        ),
    )
