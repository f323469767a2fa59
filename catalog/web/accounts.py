"""The portal's page of privacy accounts: what each population has spent of its cap, drawn over time.

Read from a checked ledger; names of researchers and of charges are not shown. Not here: HTML (`templates/budget.html`).
"""

from dataclasses import dataclass

from catalog.ledger_chart import burn_down, spending_of
from catalog.ledger_home import look_at_ledger
from catalog.ledger_place import LedgerPlace
from catalog.ledger_scopes import delta_text, rho_text
from catalog.ledger_total import Total, total_of
from catalog.ledger_views import BudgetView


@dataclass(frozen=True, slots=True)
class ShownAccount:
    """One population's account as the page shows it; `chart` is SVG of our own making, every text in it escaped."""

    view: BudgetView
    chart: str

    @property
    def cap(self) -> str:
        """The cap in ρ."""
        return rho_text(self.view.cap_micro)

    @property
    def spent(self) -> str:
        """What is spent, in ρ."""
        return rho_text(self.view.spent_micro)

    @property
    def left(self) -> str:
        """What is left, in ρ."""
        return rho_text(self.view.left_micro)

    @property
    def total(self) -> Total:
        """What is spent in all, as (ε, δ)."""
        return total_of(self.view.spent)

    @property
    def threshold_delta(self) -> str:
        """The δ of thresholds that is spent, and its cap where there is one."""
        cap = self.view.delta_cap_units
        return delta_text(self.view.delta_spent_units) + ("" if cap is None else f" / {delta_text(cap)}")


def shown_accounts(place: LedgerPlace | None, *, language: str) -> tuple[ShownAccount, ...]:
    """Return every population's account with its chart; none where nothing was ever charged.

    Raises:
        IntegrityError: The ledger was altered or restored: then no figure is shown.
    """
    ledger = look_at_ledger(place) if place is not None else None
    if ledger is None:
        return ()
    history = ledger.history()
    return tuple(
        ShownAccount(
            ledger.show(name), burn_down(spending_of(history, name), language=language, name=f"budget-{number}")
        )
        for number, name in enumerate(ledger.populations(), start=1)
    )
