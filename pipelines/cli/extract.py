"""`niji extract …`: build a permit's sealed extract; make keys, verify and open it on the recipient's side."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.catalog_home import (
    DEFAULT_HOME,
    Home,
    Json,
    PassphraseFile,
    PublicKeyFiles,
    key_passphrase,
    open_desk,
    open_keys,
    print_json,
    today,
    trusted_keys,
)
from policies.errors import UsageError

if TYPE_CHECKING:
    from catalog.extracts import Extract

app = typer.Typer(help="Build, verify and open sealed extracts.", no_args_is_help=True)


@app.command(epilog="Example: niji extract build permit-2026-1a2b3c4d")
def build(
    permit: Annotated[str, typer.Argument(help="The permit.")],
    policies: Annotated[Path | None, typer.Option(help="The folder of policy files (controlled releases).")] = None,
    as_json: Json = False,
    home: Home = DEFAULT_HOME,
) -> None:
    """Build a permit's extract into the outbox, sealed to the approved key. Exit 12 without a valid permit."""
    from catalog.desk import package_folder

    desk = open_desk(home)
    found = desk.permit(permit)
    record = desk.store.record(found.release, version=found.release_version)
    if record is None:
        raise UsageError(
            "extract.release-gone",
            what="the release version of the permit is not in the catalog",
            why="it was taken out of the catalog since",
            fix="publish it again, or let the applicant make a new request",
        )
    package = package_folder(record, home=home)
    if package is None:
        from pipelines.deployment import open_deployment
        from pipelines.settings import load_settings
        from pipelines.stages.extracted import build_permitted

        extract = build_permitted(open_deployment(load_settings(home, policies=policies)), permit)
    else:
        extract = desk.deliver(permit, package=package, keys=open_keys(home), outbox=home / "outbox", on=today())
    _show("built", extract, as_json=as_json)


@app.command(epilog="Example: niji extract verify permit-2026-1a2b3c4d --public-key niji.pem")
def verify(
    folder: Annotated[Path, typer.Argument(help="The extract's folder.")],
    public_key: PublicKeyFiles = None,
    as_json: Json = False,
    home: Home = DEFAULT_HOME,
) -> None:
    """Check that an extract is exactly what was signed; no secret is needed. Exit 14 if it was altered."""
    from catalog.extracts import verify_extract

    _show("verified", verify_extract(folder, trusted_keys(home, public_key)), as_json=as_json)


@app.command(
    name="open",
    epilog="Example: niji extract open permit-2026-1a2b3c4d --key my-key.sec --out data --public-key niji.pem",
)
def open_(
    folder: Annotated[Path, typer.Argument(help="The extract's folder.")],
    key: Annotated[Path, typer.Option(help="Your secret key, NAME.sec.")],
    out: Annotated[Path, typer.Option("--out", "--output", help="The folder to open into; it must not exist.")],
    public_key: PublicKeyFiles = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
    home: Home = DEFAULT_HOME,
) -> None:
    """Verify an extract, then open it with your secret key. Exit 12 with a wrong key, 14 if it was altered."""
    from catalog.extracts import open_extract
    from catalog.sealing import read_secret_key

    secret = read_secret_key(key, key_passphrase(passphrase_file))
    extract = open_extract(folder, secret, out=out, public_keys=trusted_keys(home, public_key))
    _show(f"opened into {out}", extract, as_json=as_json)


@app.command(epilog="Example: niji extract keygen --output my-key")
def keygen(
    output: Annotated[Path, typer.Option(help="NAME of the pair: NAME.sec stays with you, NAME.pub goes in the form.")],
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Make a key pair (Crypt4GH) to receive extracts with; locked if a passphrase is given."""
    from catalog.sealing import fingerprint, write_key_pair

    passphrase = key_passphrase(passphrase_file)
    mark = fingerprint(write_key_pair(output, passphrase))
    secret, public = f"{output}.sec", f"{output}.pub"
    if as_json:
        body = {"secret_key": secret, "public_key": public, "fingerprint": mark, "locked": passphrase is not None}
        print_json(body)
        return
    typer.echo(f"{secret}  (keep it; {'locked' if passphrase else 'not locked by a passphrase'})")
    typer.echo(f"{public}  (send it)\nfingerprint {mark}")


def _show(done: str, extract: "Extract", *, as_json: bool) -> None:
    body = extract.as_json()
    if as_json:
        print_json(body)
        return
    typer.echo(f"{extract.permit_id}: {done}; {body['sealed_files']} sealed files, signed by {body['signed_by']}")
    typer.echo(f"{extract.folder}\nmanifest {extract.manifest.digest}")
