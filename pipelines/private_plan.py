"""The plan of a release that is charged to a privacy account, whichever method it has; from the policy alone.

Not here: the accounts (`charging`), the charge (`catalog.ledger`), the draw (`stages.protected`).
"""

from typing import TypeAlias

from anonymization.dp.plan import DpPlan, plan
from anonymization.dp.synthetic.asked import plan_asked
from anonymization.dp.synthetic.plan import SyntheticPlan
from anonymization.dp.synthetic.tree import cells_of
from policies.canonical import digest
from policies.model import ReleasePolicy
from policies.model.method import DpStatistics, DpSynthetic

PrivatePlan: TypeAlias = DpPlan | SyntheticPlan


def plan_private(release: ReleasePolicy, *, snapshot: str) -> PrivatePlan | None:
    """Plan a release; None for methods that are not differentially private.

    Args:
        release: The release policy.
        snapshot: Digest of the data that it would be asked of.

    Raises:
        PolicyError: The method cannot be planned as it is written.
    """
    method = release.method
    if isinstance(method, DpStatistics):
        return plan(method, policy_digest=digest(release), snapshot_digest=snapshot)
    if isinstance(method, DpSynthetic):
        return plan_asked(method, policy_digest=digest(release), snapshot_digest=snapshot)
    return None


def errors_95(planned: PrivatePlan) -> dict[str, float]:
    """Return the 95 % error of the noise by query; of synthetic people by marginal, in people."""
    if isinstance(planned, DpPlan):
        return {query.name: query.error_95 for query in planned.queries}
    return planned.errors_95


def delta_units(planned: PrivatePlan) -> int:
    """Return the δ of thresholds that the account is charged, in units of 10⁻¹⁵; only private keys have any."""
    return planned.delta_units if isinstance(planned, DpPlan) else 0


def noisy_numbers(planned: PrivatePlan) -> int:
    """Return how many numbers are drawn with noise, at most; with `passes` it says how long the work may take."""
    if isinstance(planned, DpPlan):
        return sum((query.cells or query.most_cells) * len(query.parts) for query in planned.queries)
    sizes = planned.method.domain.sizes
    widest = sorted(sizes)[-(planned.method.selection.most_columns if planned.method.selection else 2) :]
    chosen = len(planned.rounds) * cells_of(range(len(widest)), widest)
    return sum(cells_of(one.clique, sizes) for one in planned.draws) + chosen


def passes(planned: PrivatePlan) -> int:
    """Return how often the rows are read: once a query; once for all synthetic people."""
    return len(planned.queries) if isinstance(planned, DpPlan) else 1
