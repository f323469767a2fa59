"""`niji policy explain`: one page a policy, in plain words, as text, JSON or one HTML file."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from pipelines.cli.policy.page_output import deliver
from pipelines.cli.policy.place import day_of, policies_at, root_of
from policies.explain import page_of
from policies.library import PolicyKind, PolicyLibrary
from policies.load import read_library
from policies.model import DatasetPolicy, ReleasePolicy
from policies.pages import as_html, as_text
from policies.sentences import Language, say

if TYPE_CHECKING:
    from policies.lifecycle import PolicyState

Form = Literal["text", "html", "json"]


def explain(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A release or dataset policy, or a policies folder.")],
    language: Annotated[Language, typer.Option(help="The language of the page.")] = "ja",
    form: Annotated[Form, typer.Option("--format", help="text, json, or html: one file that prints on A4.")] = "text",
    output: Annotated[Path | None, typer.Option(help="Write to this file instead of the terminal.")] = None,
    home: Annotated[
        Path | None,
        typer.Option(envvar="NIJI_HOME", help="A deployment's folder: adds who signed and what is missing."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the pages as JSON; the same as --format json.")
    ] = False,
    on: Annotated[
        str | None, typer.Option(metavar="DATE", help="The day for the signatures (YYYY-MM-DD); today in Japan.")
    ] = None,
) -> None:
    """Explain policies on one page each: what leaves, on which article, what happens to every column, to whom."""
    library = read_library(root_of(path))
    policies = policies_at(library, path)
    pages = []
    for policy in policies:
        standing = _standing(policy, library, home=home, on=on, language=language) if home else ()
        pages.append(page_of(policy, library, language=language, standing=standing))
    if as_json or form == "json":
        body = {
            "pages": [
                {
                    "id": policy.id,
                    "kind": _kind(policy).value,
                    "language": language,
                    "sections": [{"title": part.title, "lines": list(part.lines)} for part in page.parts],
                }
                for policy, page in zip(policies, pages, strict=True)
            ]
        }
        deliver(json.dumps(body, ensure_ascii=False, indent=2), output)
    elif form == "html":
        title = pages[0].parts[0].title if len(pages) == 1 else say(("ポリシーの説明", "Policies explained"), language)
        deliver(as_html(pages, title=title, language=language), output)
    else:
        deliver("\n\n".join(as_text(page) for page in pages), output)


def _kind(policy: ReleasePolicy | DatasetPolicy) -> PolicyKind:
    return PolicyKind.RELEASE if isinstance(policy, ReleasePolicy) else PolicyKind.DATASET


def _standing(
    policy: ReleasePolicy | DatasetPolicy, library: PolicyLibrary, *, home: Path, on: str | None, language: Language
) -> Sequence[str]:
    """Say who signed and what is missing, from the approvals of a deployment; nothing where it has none."""
    if not (home / "approvals").is_dir():
        return ()
    from catalog.approvals import open_book, states_of

    states = states_of(library, approvals=open_book(home), on=day_of(on), only=((_kind(policy), policy.id),))
    return [line for state in states for line in _lines(state, language)]


def _lines(state: "PolicyState", language: Language) -> Sequence[str]:
    lines = [say((state.status.ja, state.status.en), language)]
    for one in state.signatures:
        role = say((one.role.ja, one.role.en), language)
        lines.append(f"{one.on.isoformat()}  {one.by} ({role})")
    lines += [say((reason.ja, reason.en), language) for reason in state.reasons]
    if state.next_step:
        lines.append(f"→ {say((state.next_step.ja, state.next_step.en), language)}")
    return lines
