"""`niji policy signer …`: a person's own key, and the register of who may sign as what."""

import json
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.policy.place import day_of
from pipelines.cli.policy.sign import (
    DEFAULT_HOME,
    DEFAULT_KEYS,
    Home,
    Keys,
    PassphraseFile,
    desk_of,
    signing_passphrase,
)
from policies.errors import PolicyError, UsageError
from policies.roles import Role

app = typer.Typer(help="Who may sign policies as what, with which key.", no_args_is_help=True)

Person = Annotated[str, typer.Argument(metavar="ID", help="The person's id, for example u-0112; no name is kept.")]


@app.command(epilog="Example: niji policy signer keygen u-0112 --keys ~/.niji-signing")
def keygen(person: Person, keys: Keys = DEFAULT_KEYS, passphrase_file: PassphraseFile = None) -> None:
    """Make a person's own signing key, wrapped under the person's own passphrase; the person runs this."""
    from catalog.keys import KeyStore

    folder = keys.expanduser()
    _hold_id(person)
    signer = KeyStore.open(folder, signing_passphrase(passphrase_file)).signer(person)
    typer.echo(f"{signer.key_id}  {folder / f'signing.{person}.pub.pem'}")


@app.command(epilog="Example: niji policy signer add u-0112 --role data_steward --public-key u-0112.pub.pem")
def add(
    person: Person,
    role: Annotated[list[Role], typer.Option(help="A role the person holds; repeatable.")],
    public_key: Annotated[Path, typer.Option("--public-key", help="The person's public key (PEM).")],
    home: Home = DEFAULT_HOME,
    since: Annotated[str | None, typer.Option("--from", metavar="DATE", help="First day; today by default.")] = None,
    until: Annotated[str | None, typer.Option(metavar="DATE", help="Last day; none by default.")] = None,
) -> None:
    """Enrol a signer; needs the platform's passphrase, so nobody enrols themselves."""
    from catalog.keys import read_public_key
    from pipelines.settings import load_settings

    _hold_id(person)
    settings = load_settings(home)
    key = read_public_key(public_key)
    first = day_of(since) if since else settings.on
    if key.algorithm != "ed25519":
        raise UsageError(
            "policy.signer-key",
            what=f"{public_key} is not an Ed25519 key",
            why="policies are signed with Ed25519",
            fix="give the .pub.pem file that `niji policy signer keygen` wrote",
        )
    if first < settings.on:
        raise PolicyError(
            "policy.signer-backdated",
            what="the first day of an enrolment is past",
            why="nobody was entitled before the platform said so",
            fix="leave --from out, or name today or a later day",
        )
    last = day_of(until) if until else None
    desk_of(settings).enrol(person, roles=tuple(dict.fromkeys(role)), key=key, since=first, until=last)
    typer.echo(f"{person}: {', '.join(one.value for one in role)}, {key.key_id}")


@app.command(name="list", epilog="Example: niji policy signer list --json")
def list_signers(
    home: Home = DEFAULT_HOME, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False
) -> None:
    """List the register of signers, its signature verified."""
    from catalog.approvals import open_book

    entries = open_book(home).signers().register.signers
    if as_json:
        body = [entry.model_dump(mode="json", exclude={"public_key"}) for entry in entries]
        typer.echo(json.dumps({"signers": body}, ensure_ascii=False, indent=2))
        return
    for entry in entries:
        until = f" … {entry.valid_to}" if entry.valid_to else ""
        gone = f", revoked from {entry.revoked_from}" if entry.revoked_from else ""
        roles = ", ".join(role.value for role in entry.roles)
        typer.echo(f"{entry.person}  {roles}  {entry.key_id}  {entry.valid_from}{until}{gone}")
    if not entries:
        typer.echo("nobody is enrolled: `niji policy signer add`")


@app.command(epilog="Example: niji policy signer revoke u-0112 --from 2026-12-01")
def revoke(
    person: Person,
    home: Home = DEFAULT_HOME,
    since: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="Signatures from this day on do not count; today.")
    ] = None,
) -> None:
    """Revoke a signer's key; signatures made before that day keep counting."""
    from pipelines.settings import load_settings

    settings = load_settings(home)
    first = day_of(since) if since else settings.on
    desk_of(settings).revoke(person, revoked_from=first)
    typer.echo(f"{person}: signatures from {first.isoformat()} on do not count")


def _hold_id(person: str) -> None:
    from pydantic import TypeAdapter, ValidationError

    from policies.model.strictness import Name

    try:
        TypeAdapter(Name).validate_python(person)
    except ValidationError:
        raise UsageError(
            "policy.signer-id",
            what="the person's id is not one",
            why="it stands in records, file names and pages",
            fix="use lower-case letters, digits and single `-` or `_`, for example u-0112",
        ) from None
