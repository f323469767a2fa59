"""`niji policy sign`, `suspend`, `resume`, `retire`: show what is signed, ask, sign, take the record in."""

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.policy.place import policies_at, root_of
from policies.approvals import SIGNING
from policies.check import check
from policies.errors import UsageError
from policies.explain import explain
from policies.library import PolicyKind, PolicyLibrary
from policies.lifecycle import findings_of
from policies.load import load_library
from policies.model import ReleasePolicy
from policies.roles import Act, Role
from policies.sentences import Language, say
from policies.signing import Intent

if TYPE_CHECKING:
    from catalog.approvals import ApprovalDesk
    from catalog.keys import Signer
    from catalog.secret import Passphrase
    from pipelines.settings import Settings
    from policies.approvals import Statement

DEFAULT_HOME = Path(".niji")
DEFAULT_KEYS = Path("~/.niji-signing")

PolicyFile = Annotated[Path, typer.Argument(metavar="PATH", help="One release or dataset policy file.")]
By = Annotated[str, typer.Option(metavar="ID", help="Who signs: the person's id in the register of signers.")]
Home = Annotated[Path, typer.Option(envvar="NIJI_HOME", help="The deployment's folder.")]
Keys = Annotated[Path, typer.Option(envvar="NIJI_SIGNING_KEYS", help="The folder of the person's own key.")]
PassphraseFile = Annotated[
    Path | None,
    typer.Option(help="A file whose first line opens the person's key; or set NIJI_SIGNING_PASSPHRASE; else asked."),
]
Yes = Annotated[bool, typer.Option("--yes", help="Sign without being asked; the page is shown all the same.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the signed statement as JSON.")]
Why = Annotated[str, typer.Option(help="Why; kept in the record and shown to everybody.")]
In = Annotated[Language, typer.Option(help="The language of the page.")]


def sign(  # noqa: PLR0913 - one option each
    path: PolicyFile,
    *,
    role: Annotated[Role, typer.Option(help="In which role.")],
    by: By,
    home: Home = DEFAULT_HOME,
    keys: Keys = DEFAULT_KEYS,
    passphrase_file: PassphraseFile = None,
    accept: Annotated[
        list[str] | None,
        typer.Option(metavar="RULE=REASON", help="Accept the HOLD findings of a rule, and say why; repeatable."),
    ] = None,
    digest: Annotated[str | None, typer.Option(help="Sign only if the policy still has this digest.")] = None,
    language: In = "ja",
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Sign a policy: its page, its findings and its digest are shown first. Four people, four roles, one digest."""
    intent = Intent(SIGNING[role], role, by, accepted=_accepted(accept or []), digest=digest)
    statement = _sign(path, intent, (home, keys, passphrase_file), language=language, is_sure=yes, is_quiet=as_json)
    _tell(statement, language, as_json=as_json)


def suspend(  # noqa: PLR0913 - one option each
    path: PolicyFile,
    *,
    role: Annotated[Role, typer.Option(help="In which role; any but the author may suspend.")],
    by: By,
    reason: Why,
    home: Home = DEFAULT_HOME,
    keys: Keys = DEFAULT_KEYS,
    passphrase_file: PassphraseFile = None,
    language: In = "ja",
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Stop a policy from the next stage on, until a compliance officer lets it go on."""
    places = (home, keys, passphrase_file)
    intent = Intent(Act.SUSPEND, role, by, reason=reason)
    _tell(_sign(path, intent, places, language=language, is_sure=yes, is_quiet=True), language, as_json=as_json)


def resume(  # noqa: PLR0913 - one option each
    path: PolicyFile,
    *,
    by: By,
    reason: Why,
    home: Home = DEFAULT_HOME,
    keys: Keys = DEFAULT_KEYS,
    passphrase_file: PassphraseFile = None,
    language: In = "ja",
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Let a suspended policy go on; a compliance officer signs."""
    places = (home, keys, passphrase_file)
    intent = Intent(Act.RESUME, Role.COMPLIANCE_OFFICER, by, reason=reason)
    _tell(_sign(path, intent, places, language=language, is_sure=yes, is_quiet=True), language, as_json=as_json)


def retire(  # noqa: PLR0913 - one option each
    path: PolicyFile,
    *,
    by: By,
    reason: Why,
    home: Home = DEFAULT_HOME,
    keys: Keys = DEFAULT_KEYS,
    passphrase_file: PassphraseFile = None,
    language: In = "ja",
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """End a policy for good; a compliance officer signs, and nothing brings it back."""
    places = (home, keys, passphrase_file)
    intent = Intent(Act.RETIRE, Role.COMPLIANCE_OFFICER, by, reason=reason)
    _tell(_sign(path, intent, places, language=language, is_sure=yes, is_quiet=True), language, as_json=as_json)


def _sign(
    path: Path,
    intent: Intent,
    places: tuple[Path, Path, Path | None],
    *,
    language: Language,
    is_sure: bool,
    is_quiet: bool,
) -> "Statement":
    from pipelines.settings import load_settings

    home, keys, passphrase_file = places
    root = root_of(path)
    settings = load_settings(home, policies=root)
    library = load_library(root)
    kind, name = _one(library, path)
    signer = signer_of(keys, intent.by, passphrase_file=passphrase_file)
    desk = desk_of(settings)
    draft = desk.draft(library, kind, name, intent=intent, key_id=signer.key_id, on=settings.on)
    if not is_quiet:
        _show(library, kind, name, draft, settings=settings, language=language)
    if not is_sure:
        _ask(draft, language)
    # Read again: what was shown is signed, or nothing.
    same = Intent(
        intent.act, intent.role, intent.by, accepted=intent.accepted, reason=intent.reason, digest=draft.digest
    )
    record = desk.sign(load_library(root), kind, name, intent=same, signer=signer, on=settings.on)
    return record.statement


def desk_of(settings: "Settings") -> "ApprovalDesk":
    """Open the approvals of a home to be written, in the name of the platform."""
    from catalog.approvals import ApprovalBook, ApprovalDesk
    from catalog.audit import AuditLog
    from catalog.keys import KeyStore

    store = KeyStore.open(settings.home / "keys", settings.keys_passphrase)
    audit = AuditLog.open(settings.home / "audit.sqlite")
    return ApprovalDesk(ApprovalBook(settings.home, store.signing_keys(), audit), store.signer())


def signer_of(keys: Path, person: str, *, passphrase_file: Path | None) -> "Signer":
    """Open a person's own key.

    Raises:
        UsageError: `policy.no-key`: there is no key of that person in the folder.
        NotPermittedError: The passphrase is wrong.
    """
    from catalog.keys import KeyKind, KeyStore

    folder = keys.expanduser()
    if not (folder / f"{KeyKind.SIGNING.value}.{person}.key.json").is_file():
        raise UsageError(
            "policy.no-key",
            what=f"there is no key of '{person[:64]}' in {folder}",
            why="people sign with a key of their own, which only they can open",
            fix="make one (`niji policy signer keygen`) and let the platform enrol it, or name its folder with --keys",
        )
    return KeyStore.open(folder, signing_passphrase(passphrase_file)).signer(person)


def signing_passphrase(file: Path | None) -> "Passphrase":
    """Return the passphrase of a person's key: from a file, from NIJI_SIGNING_PASSPHRASE, or asked at the terminal.

    Raises:
        UsageError: It is nowhere, and there is no terminal to ask at.
    """
    from catalog.secret import Passphrase

    if file is not None:
        try:
            text = file.read_text("utf-8").splitlines()[0]
        except (OSError, ValueError, IndexError):
            text = ""
    else:
        text = os.environ.get("NIJI_SIGNING_PASSPHRASE", "")
        if not text and sys.stdin.isatty():
            text = typer.prompt("passphrase of the signing key / 署名鍵のパスフレーズ", hide_input=True, err=True)
    if not text:
        raise UsageError(
            "policy.no-passphrase",
            what="the passphrase of the signing key is not given",
            why="a person's key opens only with the person's own passphrase",
            fix="give it at the terminal, in NIJI_SIGNING_PASSPHRASE, or with --passphrase-file",
        )
    return Passphrase(text)


def _one(library: PolicyLibrary, path: Path) -> tuple[PolicyKind, str]:
    found = policies_at(library, path)
    if len(found) != 1:
        raise UsageError(
            "policy.sign-one",
            what=f"{path} holds {len(found)} policies",
            why="people sign what they read, one policy at a time; a release's signature covers all it rests on",
            fix="name one file below releases/ or datasets/",
        )
    kind = PolicyKind.RELEASE if isinstance(found[0], ReleasePolicy) else PolicyKind.DATASET
    return kind, found[0].id


def _accepted(pairs: list[str]) -> dict[str, str]:
    accepted = {}
    for pair in pairs:
        rule, separator, reason = pair.partition("=")
        if not separator or len(reason.strip()) < 8:
            raise UsageError(
                "policy.accept-without-reason",
                what="--accept names a rule without a reason of at least eight characters",
                why="whoever reads the record later wants to know why a HOLD was acceptable",
                fix='write --accept "RULE=reason"',
            )
        accepted[rule.strip()] = reason.strip()
    return accepted


def _show(
    library: PolicyLibrary,
    kind: PolicyKind,
    name: str,
    draft: "Statement",
    *,
    settings: "Settings",
    language: Language,
) -> None:
    policy = library.release(name) if kind is PolicyKind.RELEASE else library.dataset(name)
    typer.echo(explain(policy, library, language=language))
    mine = findings_of(library, kind, name, findings=check(library, on=settings.on))
    typer.echo(say(("検査の指摘", "What the check says"), language))
    for finding in mine:
        typer.echo(f"  {finding.severity.value} {finding.rule}: {finding.what}")
    if not mine:
        typer.echo(say(("  指摘なし", "  nothing"), language))
    typer.echo(say(("署名の対象", "What is signed"), language))
    for part, value in sorted(draft.parts.items()):
        typer.echo(f"  {part}  {value[:23]}…")
    typer.echo(say((f"  全体 {draft.digest}", f"  all of it: {draft.digest}"), language))


def _ask(draft: "Statement", language: Language) -> None:
    if not sys.stdin.isatty():
        raise UsageError(
            "policy.not-confirmed",
            what="nobody is there to be asked whether to sign",
            why="a signature is a person's act",
            fix="run it at a terminal, or add --yes after reading what is signed",
        )
    question = (
        f"{draft.by} が{draft.role.ja}として{draft.act.ja}の署名をする。よいか",
        f"{draft.by} {draft.act.en} this as {draft.role.en}. Sign",
    )
    typer.confirm(say(question, language), abort=True, err=True)


def _tell(statement: "Statement", language: Language, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(statement.model_dump(mode="json", exclude_none=True), ensure_ascii=False, indent=2))
        return
    words = (
        f"{statement.kind}/{statement.id} {statement.version}: {statement.by} が{statement.role.ja}として"
        f"{statement.act.ja}の署名をした({statement.on.isoformat()})",
        f"{statement.kind}/{statement.id} {statement.version}: {statement.by} {statement.act.en} it as "
        f"{statement.role.en} ({statement.on.isoformat()})",
    )
    typer.echo(say(words, language))
