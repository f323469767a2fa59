"""`niji budget`: what each population has lost, and every decision about it. The chain is checked before it is shown."""

import json
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.catalog_home import open_keys
from policies.errors import UsageError

if TYPE_CHECKING:
    from catalog.ledger import Ledger
    from catalog.ledger_entries import LedgerEntry
    from catalog.ledger_views import BudgetView

app = typer.Typer(no_args_is_help=True, help="The privacy account of each population.")

Home = Annotated[Path, typer.Option(envvar="NIJI_HOME", help="The deployment's folder.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
HOME = Path(".niji")


@app.command()
def show(
    population: Annotated[str | None, typer.Argument(help="One population; all if left out.")] = None,
    home: Home = HOME,
    as_json: AsJson = False,
) -> None:
    """Show caps, what is spent and what is left."""
    ledger = _open(home)
    views: list[BudgetView] = []
    if ledger is not None:
        names = ledger.populations() if population is None else (population,)
        views = [ledger.show(name) for name in names]
    if as_json:
        typer.echo(json.dumps({"populations": [view.as_json() for view in views]}, ensure_ascii=False, indent=2))
    elif views:
        _show_views(views)
    else:
        typer.echo("Nothing was ever charged.")


@app.command()
def history(home: Home = HOME, as_json: AsJson = False) -> None:
    """Show every entry of the ledger in order."""
    ledger = _open(home)
    entries = ledger.history() if ledger is not None else ()
    if as_json:
        typer.echo(json.dumps({"entries": [entry.as_json() for entry in entries]}, ensure_ascii=False, indent=2))
    elif entries:
        _show_entries(entries)
    else:
        typer.echo("Nothing was ever charged.")


@app.command("set-cap")
def set_cap(
    population: Annotated[str, typer.Argument(help="The population.")],
    rho: Annotated[str, typer.Option(help="The new lifetime cap, as a decimal in rho, such as 0.5.")],
    by: Annotated[str, typer.Option(help="Who decided it.")],
    reason: Annotated[str, typer.Option(help="Why.")],
    home: Home = HOME,
) -> None:
    """Record a decision about a population's lifetime cap."""
    from catalog.ledger_scopes import rho_text

    cap = _micro(rho)
    ledger = _to_write(home)
    ledger.set_cap(population, cap_micro_rho=cap, by=by, reason=reason)
    typer.echo(f"{population}: cap rho={rho_text(cap)}")


def _open(home: Path) -> "Ledger | None":
    """Open the ledger and check its chain; a missing one is not made by looking at it."""
    from catalog.ledger_home import look_at_ledger
    from pipelines.settings import ledger_place

    return look_at_ledger(ledger_place(home))


def _to_write(home: Path, *, is_held: bool = True) -> "Ledger":
    """Open the ledger with the platform's key: a decision is signed as a charge is."""
    from catalog.ledger_home import open_ledger
    from pipelines.settings import ledger_place

    ledger = open_ledger(ledger_place(home), open_keys(home).signer(), is_held=is_held)
    ledger.verify()
    return ledger


def _micro(rho: str) -> int:
    try:
        micro = Decimal(rho) * 1_000_000
    except InvalidOperation:
        micro = Decimal("NaN")
    if not micro.is_finite() or micro != micro.to_integral_value():
        raise UsageError(
            "usage.rho",
            what="the cap is not a decimal with at most six places",
            why="losses are accounted in whole micro-rho",
            fix="write, for example, --rho 0.5",
        )
    return int(micro)


def _show_views(views: list["BudgetView"]) -> None:
    from rich.console import Console
    from rich.table import Table

    from catalog.ledger_entries import ChargeState
    from catalog.ledger_scopes import rho_text

    shown = Table(title="Privacy accounts (rho, lifetime)")
    shown.add_column("population")
    for name in ("cap", "spent", "left", "released", "reserved", "burned"):
        shown.add_column(name, justify="right")
    for view in views:
        states = (ChargeState.RELEASED, ChargeState.RESERVED, ChargeState.BURNED)
        amounts = (view.cap_micro, view.spent_micro, view.left_micro, *(view.by_state_micro.get(s, 0) for s in states))
        shown.add_row(view.population, *(rho_text(amount) for amount in amounts))
    Console().print(shown)


def _show_entries(entries: tuple["LedgerEntry", ...]) -> None:
    from rich.console import Console
    from rich.table import Table

    shown = Table(title="Ledger")
    for name in ("no.", "at", "what", "about"):
        shown.add_column(name)
    for entry in entries:
        about = ", ".join(f"{name}={value}" for name, value in entry.body.items())
        shown.add_row(str(entry.seq), entry.at, entry.kind.value, about)
    Console().print(shown)
