"""Open what the catalog's commands work on, below `NIJI_HOME`: store, audit log, key store, public keys.

Not here: the commands (`catalog.py`, `request.py`, `extract.py`, `audit.py`).
"""

import datetime
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from policies.errors import UsageError

if TYPE_CHECKING:
    from catalog.desk import Desk
    from catalog.keys import KeyStore, PublicKey
    from catalog.secret import Passphrase
    from catalog.store import CatalogStore

Home = Annotated[Path, typer.Option(envvar="NIJI_HOME", help="The deployment's folder.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
PublicKeyFiles = Annotated[
    list[Path] | None,
    typer.Option("--public-key", help="A trusted public key (PEM); repeatable. Default: those of NIJI_HOME."),
]
PassphraseFile = Annotated[
    Path | None,
    typer.Option(help="A file whose first line is the passphrase of the secret key; or set NIJI_KEY_PASSPHRASE."),
]
DEFAULT_HOME = Path(".niji")


def today() -> datetime.date:
    """Return the day in Japan."""
    return datetime.datetime.now(ZoneInfo("Asia/Tokyo")).date()


def open_store(home: Path) -> "CatalogStore":
    """Open the catalog's store.

    Raises:
        UsageError: There is none below `home`.
    """
    from catalog.store import CatalogStore

    path = home / "catalog.sqlite"
    if not path.exists():
        raise UsageError(
            "catalog.no-store",
            what=f"there is no catalog in {home}",
            why="nothing was published there yet, or the folder is another",
            fix="run `niji demo` or `niji run`, or name the folder with --home or NIJI_HOME",
        )
    return CatalogStore.open(path)


def open_desk(home: Path) -> "Desk":
    """Open the catalog's store together with the audit log."""
    from catalog.audit import AuditLog
    from catalog.desk import Desk

    return Desk(open_store(home), AuditLog.open(home / "audit.sqlite"))


def open_keys(home: Path) -> "KeyStore":
    """Open the key store with the passphrase of the settings."""
    from catalog.keys import KeyStore
    from catalog.secret import as_passphrase
    from pipelines.settings import load_settings

    return KeyStore.open(home / "keys", as_passphrase(load_settings(home).keys_passphrase))


def trusted_keys(home: Path, files: Sequence[Path] | None) -> "dict[str, PublicKey]":
    """Return the public keys given, or those of the home.

    Raises:
        UsageError: There is none.
    """
    from catalog.keys import read_public_key, read_signing_keys

    keys = [read_public_key(file) for file in files] if files else list(read_signing_keys(home / "keys").values())
    if not keys:
        raise UsageError(
            "keys.none-trusted",
            what="no public key was given, and there is none in the home",
            why="a signature is checked with the platform's public key",
            fix="give it with --public-key FILE",
        )
    return {key.key_id: key for key in keys}


def key_passphrase(file: Path | None) -> "Passphrase | None":
    """Return the passphrase of a recipient's key from a file or NIJI_KEY_PASSPHRASE; None where neither is given."""
    from catalog.secret import Passphrase

    if file is not None:
        try:
            lines = file.read_text("utf-8").splitlines()
        except (OSError, ValueError):
            raise UsageError(
                "keys.passphrase-file",
                what="the passphrase file cannot be read",
                why="it is missing, or not UTF-8 text",
                fix="write the passphrase on the first line of a file",
            ) from None
        return Passphrase(lines[0]) if lines else None
    value = os.environ.get("NIJI_KEY_PASSPHRASE")
    return Passphrase(value) if value else None


def print_json(body: object) -> None:
    """Print one JSON value for machines."""
    typer.echo(json.dumps(body, ensure_ascii=False, indent=2))
