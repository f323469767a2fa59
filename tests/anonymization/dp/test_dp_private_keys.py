"""Private keys: the split of δ, bounded counts over keys that nobody listed, and what is named of them."""

from decimal import Decimal

from anonymization.dp.conversion import rho_for
from anonymization.dp.threshold import plan_private, plan_threshold


def test_delta_is_split_where_the_threshold_is_lowest_and_the_whole_stays_within_epsilon() -> None:
    epsilon, delta = Decimal(1), Decimal("0.000001")
    best = plan_private(epsilon, delta, cells_per_person=20, cell_bound=1)
    others = [
        plan_threshold(
            cells_per_person=20,
            cell_bound=1,
            rho_micro=rho_for(epsilon, delta=delta - delta * part),
            delta=delta * part,
        )
        for part in (Decimal("0.05"), Decimal("0.5"), Decimal("0.95"))
    ]
    assert all((best.threshold, best.sigma) <= (other.threshold, other.sigma) for other in others)
    # The reference's problem: a threshold of 115 at a scale of 20.88 with halves.
    assert (best.threshold, round(best.sigma, 2)) == (115, 20.65)
    assert best.epsilon(delta=delta) <= 1
