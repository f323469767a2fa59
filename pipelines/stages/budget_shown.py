"""What Dagster shows of the privacy account beside a differentially private asset: figures over time, and the chart.

Dagster draws the two numbers over all materializations by itself. None of them depends on data.
"""

import base64
from typing import Any

import dagster as dg

from catalog.ledger_chart import burn_down, spending_of
from catalog.ledger_scopes import MICRO, delta_of, delta_text, rho_text
from catalog.ledger_total import total_of
from catalog.ledger_views import AccountView, BudgetView
from pipelines.deployment import Deployment
from policies.model import ReleasePolicy
from policies.model.method import PrivateMethod


def budget_metadata(deployment: Deployment, release: ReleasePolicy) -> dict[str, Any]:
    """Return what the release's population has spent and has left, its accounts, and both charts; {} for other methods."""
    if not isinstance(release.method, PrivateMethod):
        return {}
    population = release.method.budget.population
    view = deployment.ledger.show(population)
    spending = spending_of(deployment.ledger.history(), population)
    total = total_of(view.spent, delta=release.method.budget.delta)
    rows = [
        f"| {population} | {rho_text(view.cap_micro)} | {rho_text(view.spent_micro)} | {rho_text(view.left_micro)} "
        f"| {_delta(view)} |"
    ]
    for one in view.accounts:
        name = one.scope.removeprefix(f"population/{population}/")
        amounts = (one.cap_micro, one.spent_micro, one.left_micro)
        rows.append(f"| {name} | {' | '.join(rho_text(amount) for amount in amounts)} | {_delta(one)} |")
    head = (
        "| 口座 / account | 上限 / cap ρ | 使用済み / spent ρ | 残り / left ρ | 閾値の δ / δ of thresholds |\n"
        "|---|---|---|---|---|\n"
    )
    charts = [
        f"![{population}]({_data_url(burn_down(spending, language=language, name='budget'))})"
        for language in ("ja", "en")
    ]
    return {
        "privacy_rho_spent": dg.MetadataValue.float(view.spent_micro / MICRO),
        "privacy_rho_left": dg.MetadataValue.float(view.left_micro / MICRO),
        "privacy_epsilon_spent": dg.MetadataValue.float(total.epsilon),
        "privacy_delta_spent": dg.MetadataValue.float(float(total.delta)),
        "privacy_threshold_delta_spent": dg.MetadataValue.float(float(delta_of(view.delta_spent_units))),
        "privacy_accounts": dg.MetadataValue.md(head + "\n".join(rows)),
        "privacy_burn_down": dg.MetadataValue.md("\n\n".join(charts)),
    }


def _delta(account: AccountView | BudgetView) -> str:
    cap = account.delta_cap_units
    return delta_text(account.delta_spent_units) + ("" if cap is None else f" / {delta_text(cap)}")


def _data_url(svg: str) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode("utf-8")).decode("ascii")
