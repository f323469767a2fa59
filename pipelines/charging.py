"""From a release's plan to the accounts that it is charged to: the same for a run, a dry run and `niji budget plan`.

Not here: the loss (`anonymization.dp.plan`), the charge (`catalog.ledger`).
"""

from decimal import ROUND_FLOOR, Decimal

from catalog.ledger_scopes import DELTA_UNITS, MICRO, Scopes
from policies.model.method import DpBudget


def scopes_of(budget: DpBudget, *, release: str) -> Scopes:
    """Return the accounts of a release, with the caps that its policy declares; a cap is rounded down.

    A release is nobody's question, so no researcher is charged.
    """
    return Scopes(
        population=budget.population,
        cap_micro=_down(budget.population_rho_cap),
        release=release,
        year_cap_micro=None if budget.year_rho_cap is None else _down(budget.year_rho_cap),
        release_cap_micro=None if budget.all_versions_rho_cap is None else _down(budget.all_versions_rho_cap),
        delta_cap_units=_delta_down(budget.population_delta_cap),
        year_delta_cap_units=_delta_down(budget.year_delta_cap),
        release_delta_cap_units=_delta_down(budget.all_versions_delta_cap),
    )


def _delta_down(delta: Decimal | None) -> int | None:
    return None if delta is None else int((delta * DELTA_UNITS).to_integral_value(rounding=ROUND_FLOOR))


def _down(rho: Decimal) -> int:
    return int((rho * MICRO).to_integral_value(rounding=ROUND_FLOOR))
