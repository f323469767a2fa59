"""`niji budget`: what each population has lost, and every decision about it. The chain is checked before it is shown."""

import json
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.budget_plan import Spoken, plan
from pipelines.cli.catalog_home import open_keys
from policies.errors import UsageError
from policies.sentences import Language, say

if TYPE_CHECKING:
    from catalog.ledger import Ledger
    from catalog.ledger_entries import LedgerEntry
    from catalog.ledger_views import BudgetView

app = typer.Typer(no_args_is_help=True, help="The privacy account of each population.")
app.command(
    epilog="Examples: niji budget plan admissions-statistics  ·  niji budget plan --population aoba-patients --epsilon 0.5"
)(plan)

Home = Annotated[Path, typer.Option(envvar="NIJI_HOME", help="The deployment's folder.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
HOME = Path(".niji")
_NOTHING = ("まだ何も払っていません。", "Nothing was ever charged.")
MOST_CAP_MICRO = 10_000_000
"""No population may lose more than rho 10, as the policy's form says."""
DELTA_UNITS = 10**15
MOST_DELTA_UNITS = DELTA_UNITS // 1000


@app.command()
def show(
    population: Annotated[str | None, typer.Argument(help="One population; all if left out.")] = None,
    home: Home = HOME,
    language: Spoken = "ja",
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
        _show_views(views, language)
    else:
        typer.echo(say(_NOTHING, language))


@app.command()
def history(home: Home = HOME, language: Spoken = "ja", as_json: AsJson = False) -> None:
    """Show every entry of the ledger in order."""
    ledger = _open(home)
    entries = ledger.history() if ledger is not None else ()
    if as_json:
        typer.echo(json.dumps({"entries": [entry.as_json() for entry in entries]}, ensure_ascii=False, indent=2))
    elif entries:
        _show_entries(entries, language)
    else:
        typer.echo(say(_NOTHING, language))


@app.command("set-cap")
def set_cap(
    population: Annotated[str, typer.Argument(help="The population.")],
    by: Annotated[str, typer.Option(help="Who decided it.")],
    reason: Annotated[str, typer.Option(help="Why.")],
    rho: Annotated[str | None, typer.Option(help="The new cap, as a decimal in rho, such as 0.5.")] = None,
    delta: Annotated[
        str | None, typer.Option(help="The new cap of the delta of thresholds (private keys), such as 0.000000001.")
    ] = None,
    account: Annotated[
        str, typer.Option(help="lifetime, year/2027, release/NAME or researcher/NAME.", metavar="ACCOUNT")
    ] = "lifetime",
    home: Home = HOME,
) -> None:
    """Record a decision about a cap: of a population's lifetime, or of an account inside it."""
    from catalog.ledger_scopes import delta_text, rho_text

    if rho is None and delta is None:
        raise UsageError(
            "usage.cap",
            what="neither a cap of rho nor one of delta was given",
            why="a decision changes one of them, or both",
            fix="write, for example, --rho 0.5",
        )
    cap = None if rho is None else _micro(rho)
    units = None if delta is None else _delta_units(delta)
    scope = f"population/{population}/{account}"
    ledger = _to_write(home)
    ledger.set_cap(population, cap_micro_rho=cap, delta_cap_units=units, by=by, reason=reason, scope=scope)
    said = [f"rho={rho_text(cap)}"] if cap is not None else []
    said += [f"delta={delta_text(units)}"] if units is not None else []
    typer.echo(f"{population} {account}: cap {', '.join(said)}")


@app.command()
def reconcile(
    by: Annotated[str, typer.Option(help="Who decided it.")],
    reason: Annotated[str, typer.Option(help="What happened to the ledger.")],
    home: Home = HOME,
    language: Spoken = "ja",
    as_json: AsJson = False,
) -> None:
    """Count as spent what a restored ledger has forgotten and its anchors remember; no budget comes back."""
    from catalog.ledger_scopes import delta_text, rho_text

    missing = _to_write(home, is_held=False).reconcile(by=by, reason=reason)
    if as_json:
        counted = {scope: rho_text(loss.rho_micro) for scope, loss in missing.items()}
        deltas = {scope: delta_text(loss.delta_units) for scope, loss in missing.items()}
        body = {"counted_as_spent": counted, "threshold_delta_counted_as_spent": deltas}
        typer.echo(json.dumps(body, ensure_ascii=False, indent=2))
        return
    typer.echo(say(("台帳は錨に追いつきました。", "The ledger has caught up with its anchors."), language))
    for scope, loss in missing.items():
        delta = f", delta={delta_text(loss.delta_units)}" if loss.delta_units else ""
        counts = say(("を使用済みとしました", "now counts as spent"), language)
        typer.echo(f"{scope}: rho={rho_text(loss.rho_micro)}{delta} {counts}")


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
    if not micro.is_finite() or micro != micro.to_integral_value() or not 0 <= micro <= MOST_CAP_MICRO:
        raise UsageError(
            "usage.rho",
            what="the cap is not a decimal between 0 and 10 with at most six places",
            why="losses are accounted in whole micro-rho, and no population may lose more than rho 10",
            fix="write, for example, --rho 0.5",
        )
    return int(micro)


def _delta_units(delta: str) -> int:
    try:
        units = Decimal(delta) * DELTA_UNITS
    except InvalidOperation:
        units = Decimal("NaN")
    if not units.is_finite() or units != units.to_integral_value() or not 0 <= units < MOST_DELTA_UNITS:
        raise UsageError(
            "usage.delta",
            what="the cap of delta is not a decimal from 0 up to 0.001 with at most fifteen places",
            why="thresholds are accounted in whole units of 1e-15, and delta must stay far below 1/n",
            fix="write, for example, --delta 0.000000001",
        )
    return int(units)


def _show_views(views: list["BudgetView"], language: Language) -> None:
    from rich.console import Console
    from rich.table import Table

    from catalog.ledger_entries import ChargeState
    from catalog.ledger_scopes import delta_text, rho_text
    from catalog.ledger_total import total_of

    states = (ChargeState.RELEASED, ChargeState.RESERVED, ChargeState.BURNED)
    shown = Table(title=say(("プライバシー口座(ρ)", "Privacy accounts (rho)"), language))
    heads = (("口座", "account"), ("上限", "cap"), ("使用済み", "spent"), ("残り", "left"))
    ends = (("公表", "released"), ("予約", "reserved"), ("放棄", "burned"))
    for number, head in enumerate((*heads, *ends)):
        shown.add_column(say(head, language), justify="right" if number else "left", overflow="fold")
    for view in views:
        amounts = (view.cap_micro, view.spent_micro, view.left_micro, *(view.by_state_micro.get(s, 0) for s in states))
        shown.add_row(view.population, *(rho_text(amount) for amount in amounts))
        for one in view.accounts:
            name = one.scope.removeprefix(f"population/{view.population}/")
            shown.add_row(
                f"  {name}", *(rho_text(amount) for amount in (one.cap_micro, one.spent_micro, one.left_micro))
            )
    console = Console()
    console.print(shown)
    for view in views:
        total, cap = total_of(view.spent), view.delta_cap_units
        of_cap = "" if cap is None else f" / {delta_text(cap)}"
        line = (
            f"{view.population}: 合計 ε={total.epsilon:g}、δ={total.delta_text}(うち閾値の δ {delta_text(view.delta_spent_units)}{of_cap})",
            f"{view.population}: in all epsilon={total.epsilon:g}, delta={total.delta_text} "
            f"(of which thresholds {delta_text(view.delta_spent_units)}{of_cap})",
        )
        console.print(say(line, language), markup=False, soft_wrap=True)


_KINDS = {
    "cap": ("上限の決定", "cap"),
    "charge": ("支払い", "charge"),
    "release": ("公表", "release"),
    "burn": ("放棄", "burn"),
    "anchor": ("錨", "anchor"),
}


def _show_entries(entries: tuple["LedgerEntry", ...], language: Language) -> None:
    from rich.console import Console
    from rich.table import Table

    shown = Table(title=say(("台帳", "Ledger"), language))
    for head in (("番号", "no."), ("時刻", "at"), ("内容", "what"), ("対象", "about")):
        shown.add_column(say(head, language), overflow="fold")
    for entry in entries:
        about = ", ".join(f"{name}={value}" for name, value in entry.body.items())
        shown.add_row(str(entry.seq), entry.at, say(_KINDS[entry.kind.value], language), about)
    Console().print(shown)
