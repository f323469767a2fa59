"""`niji audit …`: verify the audit log off-line, and sign checkpoints to keep elsewhere."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.catalog_home import DEFAULT_HOME, Home, Json, PublicKeyFiles, open_keys, print_json, trusted_keys
from policies.errors import DataError, Place, UsageError

if TYPE_CHECKING:
    from catalog.audit import AuditLog, Checkpoint

app = typer.Typer(help="Verify what was done, and by whom.", no_args_is_help=True)


@app.command(epilog="Examples: niji audit verify  ·  niji audit verify --checkpoint kept-elsewhere.json --json")
def verify(
    checkpoint: Annotated[
        list[Path] | None, typer.Option(help="A checkpoint that was kept elsewhere; repeatable.")
    ] = None,
    public_key: PublicKeyFiles = None,
    as_json: Json = False,
    home: Home = DEFAULT_HOME,
) -> None:
    """Recompute the log's chain and check its checkpoints. Exit 14 if anything was altered."""
    anchors = tuple(_read_checkpoint(path) for path in checkpoint or ())
    log = _open(home)
    has_keys = bool(public_key) or any((home / "keys").glob("signing.*.pub.pem"))
    # Without a signed checkpoint the chain alone is checked, and no key is needed.
    keys = trusted_keys(home, public_key) if has_keys or anchors else {}
    report = log.verify(keys, anchors=anchors)
    if as_json:
        print_json(
            {
                "ok": True,
                "events": report.events,
                "head": report.head,
                "checkpoints": report.checkpoints,
                "signed_up_to": report.signed_up_to,
            }
        )
        return
    typer.echo(f"{report.events} entries hold; signed up to entry {report.signed_up_to}\nhead {report.head}")


@app.command(epilog="Example: niji audit checkpoint --output checkpoint.json   (then keep it on another machine)")
def checkpoint(
    output: Annotated[Path | None, typer.Option(help="Write the checkpoint to this file as well.")] = None,
    as_json: Json = False,
    home: Home = DEFAULT_HOME,
) -> None:
    """Sign the log as it stands."""
    made = _open(home).checkpoint(open_keys(home).signer())
    if output is not None:
        output.write_text(json.dumps(made.as_json(), indent=2) + "\n", "utf-8")
    if as_json:
        print_json(made.as_json())
        return
    typer.echo(f"{made.count} entries, head {made.head}\nsigned by {made.key_id} at {made.at}")


def _open(home: Path) -> "AuditLog":
    from catalog.audit import AuditLog

    path = home / "audit.sqlite"
    if not path.exists():
        raise UsageError(
            "audit.none",
            what=f"there is no audit log in {home}",
            why="nothing was done there yet, or the folder is another",
            fix="name the folder with --home or NIJI_HOME",
        )
    return AuditLog.open(path)


def _read_checkpoint(path: Path) -> "Checkpoint":
    from catalog.audit import Checkpoint

    try:
        body = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        body = None
    if not isinstance(body, dict):
        raise DataError(
            "audit.checkpoint-unreadable",
            what="a file is not a checkpoint of the audit log",
            why="it is missing, or not a JSON object",
            fix="give the file that `niji audit checkpoint --output` wrote",
            where=Place(str(path)),
        )
    return Checkpoint.from_json(body)
