"""Audit of every statistic: try to tell worst-case neighbors apart from what is released, and compare with the claim.

Bounding runs once for each dataset, the noise some thousand times (`make audit`: many more). Planted faults, which each
check must find, are in `test_dp_audit_faults.py`; the laws of the two mechanisms in `test_dp_audit_laws.py`.
"""

from collections.abc import Callable
from typing import Any

import pytest

from anonymization.dp.queries.kind import gaussian_vectors
from anonymization.dp.queries.vocabulary import KINDS
from tests.support.audit_report import line
from tests.support.dp_accountant import exact_loss
from tests.support.dp_audit import DEEP, Audit, attack, neighbors, plan_of, with_noise

STATISTICS = sorted(name for name, kind in KINDS.items() if kind.draw is gaussian_vectors)
# A tenth less noise shows only in many runs.
LESS_NOISE = [(name, factor) for name in STATISTICS for factor in (0.9, 0.5)] if DEEP else [("survival", 0.5)]

Note = Callable[[str, Any], None]


def note_both(note: Note, statistic: str, found: Audit, *, fault: str = "") -> None:
    distance, epsilon = found.distance, found.epsilon
    note(
        "audit",
        line(
            f"pair: {statistic}",
            fault=fault,
            claim=f"{distance.unit} ≤ {distance.claimed:.3f}, {epsilon.unit} ≤ {epsilon.claimed:.2f}",
            found=f"≥ {distance.found:.3f}, ≥ {epsilon.found:.2f}",
            is_red=found.is_red,
        ),
    )


@pytest.mark.parametrize("statistic", STATISTICS)
def test_a_statistic_is_as_private_as_claimed_and_not_much_more(statistic: str, record_property: Note) -> None:
    plan = plan_of(statistic)
    without, having = neighbors(statistic, plan)
    lost = 0.0
    for part in plan.parts:
        moved = having[part.quantity] - without[part.quantity]
        assert (moved != 0).sum() <= plan.cells_per_person
        assert abs(moved).max() <= part.cell_bound
        exact = exact_loss(moved, part.sigma) * 1_000_000
        assert exact <= part.rho_micro
        lost += float(exact)
    # The pair is a worst case: it loses all that is charged.
    assert lost > 0.999 * sum(part.rho_micro for part in plan.parts)

    found = attack(plan, without, having)
    note_both(record_property, statistic, found)
    assert not found.is_red
    # An audit that finds nothing proves nothing: it must come near the claim.
    assert found.distance.has_power


@pytest.mark.parametrize(("statistic", "factor"), LESS_NOISE)
def test_the_audit_finds_less_noise_in_every_statistic(statistic: str, factor: float, record_property: Note) -> None:
    plan = plan_of(statistic)
    found = attack(with_noise(plan, factor), *neighbors(statistic, plan))
    note_both(record_property, statistic, found, fault=f"noise × {factor}")
    assert found.is_red
