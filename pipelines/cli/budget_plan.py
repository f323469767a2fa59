"""`niji budget plan`: what a release, or a loss, would cost and what would remain. Nothing is charged, nothing is drawn."""

import json
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from policies.errors import ExitCode, UsageError
from policies.sentences import Language, say

if TYPE_CHECKING:
    from anonymization.dp.threshold import ThresholdPlan
    from catalog.ledger_views import Forecast

HOME = Path(".niji")
Home = Annotated[Path, typer.Option(envvar="NIJI_HOME", help="The deployment's folder.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Spoken = Annotated[Language, typer.Option(help="The language of the words.")]


def plan(  # noqa: PLR0913, PLR0917 - each is an option of the command
    release: Annotated[
        str | None, typer.Argument(metavar="RELEASE", help="A release's id, or a release policy file; or name a loss.")
    ] = None,
    population: Annotated[str | None, typer.Option(help="The population that a loss would be charged to.")] = None,
    epsilon: Annotated[str | None, typer.Option(help="The loss as epsilon at --delta; or give --rho.")] = None,
    delta: Annotated[str, typer.Option(help="The delta of --epsilon; below 1/n.")] = "0.00000001",
    rho: Annotated[str | None, typer.Option(help="The loss in rho, a decimal.")] = None,
    private_cells: Annotated[
        int | None,
        typer.Option(
            min=1, help="Counts by keys that nobody listed, a person in at most so many cells; delta is shared for it."
        ),
    ] = None,
    people: Annotated[
        int | None, typer.Option(min=1, help="A public number of people n; delta is held below 1/n.")
    ] = None,
    policies: Annotated[Path | None, typer.Option(help="The folder of policy files.")] = None,
    home: Home = HOME,
    language: Spoken = "ja",
    as_json: AsJson = False,
) -> None:
    """Say what a release (or a loss) would cost and what would remain. Exit 13 if an account does not cover it."""
    if (release is None) == (population is None):
        raise UsageError(
            "usage.plan",
            what="neither a release nor a population was named, or both were",
            why="a plan is made for a release, or for a loss of a population",
            fix="write niji budget plan RELEASE, or --population NAME with --epsilon or --rho",
        )
    if release is not None:
        body, foreseen = _of_release(release, home, policies)
    else:
        loss = _loss(epsilon, delta, rho, people) if private_cells is None else None
        asked = loss or _private(epsilon, delta, people, private_cells or 1)
        body, foreseen = _of_loss(str(population), asked, home, Decimal(delta))
    if as_json:
        typer.echo(json.dumps({**body, **foreseen.as_json()}, ensure_ascii=False, indent=2))
    else:
        show(body, foreseen, language)
    if foreseen.short:
        raise typer.Exit(int(ExitCode.BUDGET))


def _of_release(target: str, home: Path, policies: Path | None) -> "tuple[dict[str, object], Forecast]":
    from catalog.ledger_home import ledger_for_looking
    from pipelines.charging import scopes_of
    from pipelines.cli.policy.dry_run import open_for_reading
    from pipelines.deployment import snapshot_of
    from pipelines.private_plan import delta_units, errors_95, plan_private
    from policies.model.method import PrivateMethod

    deployment, name = open_for_reading(target, home=home, policies=policies, landing=None, on=None)
    policy = deployment.library.release(name)
    planned = plan_private(policy, snapshot=snapshot_of(deployment, policy.datasets))
    if planned is None or not isinstance(policy.method, PrivateMethod):
        raise UsageError(
            "usage.plan-method",
            what=f"release '{name}' is not differentially private",
            why="only noisy numbers are charged to a privacy account",
            fix="name a release whose method is dp_statistics or dp_synthetic",
        )
    scopes = scopes_of(policy.method.budget, release=name)
    with ledger_for_looking(deployment.settings.ledger) as ledger:
        foreseen = ledger.forecast(
            scopes,
            planned.charge_micro,
            query_hash=planned.query_hash,
            snapshot=planned.snapshot_digest,
            delta_units=delta_units(planned),
        )
    body: dict[str, object] = {"release": name, "population": planned.population, "epsilon": planned.epsilon}
    return {**body, "delta": str(planned.delta), "errors_95": errors_95(planned)}, foreseen


def _of_loss(
    population: str, asked: "int | ThresholdPlan", home: Path, delta: Decimal
) -> "tuple[dict[str, object], Forecast]":
    from anonymization.dp.mechanism import epsilon_of
    from catalog.ledger_errors import unknown_population
    from catalog.ledger_home import ledger_for_looking
    from catalog.ledger_scopes import Scopes
    from pipelines.settings import ledger_place

    with ledger_for_looking(ledger_place(home)) as ledger:
        if population not in ledger.populations():
            raise unknown_population(population)
        scopes = Scopes(population, ledger.show(population).cap_micro, "plan")
        micro, units = (asked, 0) if isinstance(asked, int) else (asked.rho_micro, asked.delta_units)
        foreseen = ledger.forecast(scopes, micro, query_hash="plan", snapshot="plan", delta_units=units)
    body: dict[str, object] = {"release": None, "population": population, "delta": str(delta), "errors_95": {}}
    if isinstance(asked, int):
        return {**body, "epsilon": epsilon_of(asked, delta=delta)}, foreseen
    shared = {"delta_of_threshold": f"{asked.delta:e}", "delta_of_conversion": f"{delta - asked.delta:e}"}
    named = {"cells_per_person": asked.cells_per_person, "named_above": asked.threshold, "sigma": asked.sigma}
    return {**body, "epsilon": asked.epsilon(delta=delta), "private_keys": {**named, **shared}}, foreseen


def _private(epsilon: str | None, delta: str, people: int | None, cells: int) -> "ThresholdPlan":
    from anonymization.dp.threshold import plan_private

    if epsilon is None:
        raise UsageError(
            "usage.plan-private",
            what="private keys are planned by an epsilon, and none was given",
            why="delta is shared between the threshold and the conversion of rho to epsilon",
            fix="write --epsilon 0.5 --delta 0.00000001 --private-cells 20, without --rho",
        )
    return plan_private(_decimal(epsilon), _decimal(delta), cells_per_person=cells, cell_bound=1, people=people)


def _loss(epsilon: str | None, delta: str, rho: str | None, people: int | None) -> int:
    from anonymization.dp.conversion import MOST_MICRO, rho_for
    from catalog.ledger_scopes import micro_of

    if (epsilon is None) == (rho is None):
        raise UsageError(
            "usage.plan-loss",
            what="neither an epsilon nor a rho was given, or both were",
            why="the loss is planned in one of them",
            fix="write --epsilon 0.5 --delta 0.00000001, or --rho 0.01",
        )
    if epsilon is not None:
        return rho_for(_decimal(epsilon), delta=_decimal(delta), people=people)
    loss = _decimal(str(rho))
    if not loss.is_finite() or not 0 < loss * 1_000_000 <= MOST_MICRO:
        raise UsageError(
            "usage.rho",
            what="a loss that is not above 0 and at most 1",
            why="one release may lose at most rho 1",
            fix="write, for example, --rho 0.01",
        )
    return micro_of(loss)


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        return Decimal("NaN")


def show(body: dict[str, object], foreseen: "Forecast", language: Language) -> None:
    """Print the plan as a table, an account a line."""
    from rich.console import Console
    from rich.table import Table

    from catalog.ledger_scopes import rho_text

    cost = foreseen.charged_micro
    epsilon = f"rho={rho_text(cost)}"
    if cost:
        epsilon += f", epsilon={body['epsilon']} (delta={body['delta']})"
    table = Table(title=f"{say(('計画(何も払っていません)', 'Plan (nothing was charged)'), language)}: {epsilon}")
    heads = (("口座", "account"), ("上限", "cap"), ("使用済み", "spent"), ("残り", "left"), ("払った後", "left after"))
    for number, head in enumerate(heads):
        table.add_column(say(head, language), justify="right" if number else "left", overflow="fold")
    for one in foreseen.accounts:
        amounts = (one.cap_micro, one.spent_micro, one.left_micro, one.left_micro - cost)
        short = say(("不足", "short"), language)
        table.add_row(one.scope, *(rho_text(amount) if amount >= 0 else short for amount in amounts))
    console = Console()
    console.print(table)
    if foreseen.answer_digest is not None:
        answered = (
            "同じデータへの同じ質問には答えがあります。費用はかかりません。",
            "This question of these data was answered: it costs nothing.",
        )
        console.print(say(answered, language))
    _show_private(body, foreseen, language)
    errors = body["errors_95"]
    for name, error in errors.items() if isinstance(errors, dict) else ():
        said = say(("95%の場合の誤差", "error in 95 of 100 cases"), language)
        console.print(f"{name}: {said} ±{error:,.4g}", markup=False)


def _show_private(body: dict[str, object], foreseen: "Forecast", language: Language) -> None:
    """Print what thresholds of keys that nobody listed cost, and from which count on a key is named."""
    from rich.console import Console

    from catalog.ledger_scopes import delta_text

    units, named, console = foreseen.charged_delta_units, body.get("private_keys"), Console()
    if units:
        lefts = [
            one.delta_cap_units - one.delta_spent_units for one in foreseen.accounts if one.delta_cap_units is not None
        ]
        left = delta_text(max(0, min(lefts))) if lefts else "-"
        paid = (
            f"一覧のないキーの閾値の δ={delta_text(units)} を払います(残り {left})。",
            f"Thresholds of keys that nobody listed pay delta={delta_text(units)} (left: {left}).",
        )
        console.print(say(paid, language), markup=False, soft_wrap=True)
    if isinstance(named, dict):
        from_count = (
            f"雑音を加えた数が {named['named_above']:,} を超えるキーだけを名指しします"
            f"(σ={named['sigma']:.4g}、δ は閾値に {named['delta_of_threshold']}、換算に {named['delta_of_conversion']})。",
            f"Only keys whose noisy count is above {named['named_above']:,} are named (sigma={named['sigma']:.4g}; of delta, "
            f"{named['delta_of_threshold']} is the threshold's, {named['delta_of_conversion']} the conversion's).",
        )
        console.print(say(from_count, language), markup=False, soft_wrap=True)
