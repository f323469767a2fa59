"""`niji request …`: submit a request for data, see where it stands, decide on it.

Who acts is what the operator of the command line says (`--by`); in the portal it is who is logged in.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import ValidationError

from pipelines.cli.catalog_home import DEFAULT_HOME, Home, Json, open_desk, print_json, today
from policies.decision.page import reason_lines
from policies.errors import DataError, Place
from policies.sentences import Language

if TYPE_CHECKING:
    from catalog.access import Request, RequestForm
    from policies.decision.mondo import Diseases
    from policies.decision.verdict import Decision
    from policies.decision.view import Circumstances
    from policies.library import PolicyLibrary

Mondo = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Mondo as *.obo, *.json or *.csv, instead of the small table of Niji."),
]

app = typer.Typer(help="Ask for data under a permit, and decide on requests.", no_args_is_help=True)


@app.command(epilog="Example: niji request submit request-admissions.json   (the form is on the dataset's page)")
def submit(
    form: Annotated[Path, typer.Argument(help="The filled-in form (JSON).")],
    key: Annotated[
        Path | None, typer.Option(help="The recipient's public key file (NAME.pub), instead of its text in the form.")
    ] = None,
    returned: Annotated[str | None, typer.Option("--request", help="The returned request that this mends.")] = None,
    as_json: Json = False,
    home: Home = DEFAULT_HOME,
) -> None:
    """Submit a request."""
    request = open_desk(home).submit(_read_form(form, key), on=today(), returned=returned)
    _show([request], as_json=as_json)


@app.command(epilog="Examples: niji request show  ·  niji request show request-2026-1a2b3c4d --policies policies")
def show(
    request_id: Annotated[str | None, typer.Argument(metavar="[REQUEST]", help="One request; all if none.")] = None,
    policies: Annotated[
        Path | None, typer.Option(help="The policies folder: also measure the request against its release policy.")
    ] = None,
    language: Annotated[Language, typer.Option(help="The language of the reasons.")] = "en",
    mondo: Mondo = None,
    as_json: Json = False,
    home: Home = DEFAULT_HOME,
) -> None:
    """Show requests: state, history, permit; with --policies also what the policy says of one, with every reason."""
    desk = open_desk(home)
    if request_id is None:
        _show(list(desk.store.requests()), as_json=as_json)
        return
    request = desk.request(request_id)
    decision = None
    if policies is not None:
        from policies.load import load_library

        library = load_library(policies)
        standing = _standing(home, library, request.form.release)
        decision = desk.judge(request, library, on=today(), diseases=_diseases(mondo), circumstances=standing)
    _show([request], as_json=as_json, decision=decision, language=language)


@app.command(
    epilog="Example: niji request decide request-2026-1a2b3c4d approve --by c-abe --policies policies --comment '…'"
)
def decide(
    request_id: Annotated[str, typer.Argument(metavar="REQUEST", help="The request.")],
    decision: Annotated[str, typer.Argument(help="approve, reject, return, revoke, close or expire.")],
    by: Annotated[
        str,
        typer.Option(
            metavar="USER[:ROLE]",
            help="Who decides, never somebody named in the request; as compliance, steward, researcher or system.",
        ),
    ],
    comment: Annotated[str, typer.Option(help="The reason; owed to the applicant unless it is a plain approval.")] = "",
    policies: Annotated[Path, typer.Option(help="The policies folder; an approval is measured against it.")] = Path(
        "policies"
    ),
    as_json: Json = False,
    home: Home = DEFAULT_HOME,
) -> None:
    """Decide on a request, and print every reason; an approval makes the permit. Exit 12 if it is not allowed."""
    from catalog.access import Actor, Event, EventKind, Role
    from policies.load import load_library

    kind = EventKind(_known(decision, [each.value for each in EventKind if each is not EventKind.SUBMIT], "decision"))
    user, _, role = by.partition(":")
    actor = Actor(user, frozenset({Role(_known(role or "compliance", [each.value for each in Role], "role"))}))
    desk = open_desk(home)
    library, standing, judged = None, None, None
    if kind is EventKind.APPROVE:
        library, asked = load_library(policies), desk.request(request_id)
        standing = _standing(home, library, asked.form.release)
        judged = desk.judge(asked, library, on=today(), circumstances=standing)
    event = Event(kind, actor, today(), comment)
    request = desk.decide(request_id, event, library=library, circumstances=standing)
    _show([request], as_json=as_json, decision=judged)


def _known(value: str, allowed: list[str], what: str) -> str:
    if value not in allowed:
        raise typer.BadParameter(f"the {what} is one of: {', '.join(allowed)}")
    return value


def _read_form(path: Path, key: Path | None) -> "RequestForm":
    from catalog.access import RequestForm

    try:
        body = json.loads(path.read_text("utf-8"))
        if key is not None:
            body["recipient_public_key"] = key.read_text("ascii")
        return RequestForm.model_validate(body)
    except ValidationError as error:
        fields = sorted({".".join(str(part) for part in each["loc"]) for each in error.errors(include_input=False)})
        raise DataError(
            "request.form",
            what=f"{len(fields)} places of the form are empty or wrong: {', '.join(fields)}",
            why="a request is judged by what its form says",
            fix="fill in these places; the dataset's page has a fresh form",
            where=Place(str(path)),
        ) from None
    except (OSError, ValueError, TypeError):
        raise DataError(
            "request.unreadable",
            what="the form or the key file cannot be read",
            why="it is missing, or the form is not a JSON object in UTF-8",
            fix="save the form as JSON",
            where=Place(str(path)),
        ) from None


def _standing(home: Path, library: "PolicyLibrary", release: str) -> "Circumstances":
    """Ask the signatures whether the release is active; where a home keeps none, nobody is asked."""
    from catalog.approvals import open_book, states_of
    from policies.decision.view import Circumstances
    from policies.library import PolicyKind

    if not (home / "approvals").is_dir():
        return Circumstances()
    only = ((PolicyKind.RELEASE, release),)
    (state,) = states_of(library, approvals=open_book(home), on=today(), only=only)
    return Circumstances(policy_is_active=state.is_active)


def _diseases(path: Path | None) -> "Diseases | None":
    if path is None:
        return None
    from policies.decision.mondo_files import read_diseases

    return read_diseases(path)


def _show(
    requests: "list[Request]", *, as_json: bool, decision: "Decision | None" = None, language: Language = "en"
) -> None:
    if as_json:
        body = [_as_json(request) for request in requests]
        print_json({"requests": body, "assessment": decision.as_json() if decision else None})
        return
    for request in requests:
        form = request.form
        typer.echo(f"{request.id}  {request.state.value} ({request.state.ja})  {form.release} {form.release_version}")
        for step in request.history:
            reason = f": {step.comment}" if step.comment else ""
            typer.echo(f"  {step.on}  {step.kind.value} by {step.actor}{reason}")
        if request.permit is not None:
            permit = request.permit
            standing = "" if permit.is_active else "  (ended)"
            typer.echo(f"  permit {permit.id}, {permit.valid_from} to {permit.expires_on}{standing}")
            typer.echo(f"  key {permit.key_fingerprint}")
    if decision is not None:
        typer.echo(f"assessment: {decision.verdict.value} ({decision.verdict.ja})")
        for line in reason_lines(decision, language=language):
            typer.echo(f"  {line}")
    if not requests:
        typer.echo("no requests")


def _as_json(request: "Request") -> dict[str, object]:
    form = request.form
    return {
        "id": request.id,
        "state": request.state.value,
        "release": form.release,
        "release_version": form.release_version,
        "applicant": form.applicant,
        "recipient": form.recipient,
        "history": [
            {
                "event": step.kind.value,
                "actor": step.actor,
                "on": step.on.isoformat(),
                "before": step.before.value,
                "after": step.after.value,
                "comment": step.comment,
            }
            for step in request.history
        ],
        "permit": {**request.permit.as_json(), "is_active": request.permit.is_active} if request.permit else None,
    }
