"""What an account has lost in all, as (ε, δ): ρ converted once, the δ of thresholds added to that of the conversion.

For display: charges are decided on ρ and δ each (`ledger`). Nothing here depends on data.
"""

from dataclasses import dataclass
from decimal import Decimal

from anonymization.dp.conversion import epsilon_shown
from catalog.ledger_scopes import Loss, delta_of

SHOWN_DELTA = Decimal("0.00000001")
"""The δ of the conversion where no policy says one: the house's."""


@dataclass(frozen=True, slots=True)
class Total:
    """(ε, δ) of a loss; `delta_text` is exact, `epsilon` rounded up."""

    epsilon: float
    delta: Decimal

    @property
    def delta_text(self) -> str:
        """δ in scientific notation, such as `1.05e-8`."""
        return f"{self.delta.normalize():e}"


def total_of(loss: Loss, *, delta: Decimal = SHOWN_DELTA) -> Total:
    """Return (ε, δ) of a loss: ρ at `delta`, and the δ of thresholds added.

    Args:
        loss: What is spent, or is a cap.
        delta: The δ of the conversion; it is part of a figure and is not spent.

    Source: Bun & Steinke 2016, section 8: δ-approximate ρ-zCDP is (ε, δ + δ') for every (ε, δ') of ρ-zCDP.
    """
    return Total(epsilon_shown(loss.rho_micro, delta=delta), delta + delta_of(loss.delta_units))
