"""`niji policy explain`: one page a policy, in plain words."""

import json
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.policy.place import policies_at, root_of
from policies.explain import explain as explain_policy
from policies.explain import sections
from policies.load import read_library
from policies.model import ReleasePolicy
from policies.sentences import Language


def explain(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A release or dataset policy, or a policies folder.")],
    language: Annotated[Language, typer.Option(help="The language of the page.")] = "ja",
    as_json: Annotated[bool, typer.Option("--json", help="Print the pages as JSON.")] = False,
) -> None:
    """Explain policies on one page each: what leaves, on which article, what happens to every column, to whom."""
    library = read_library(root_of(path))
    policies = policies_at(library, path)
    if as_json:
        pages = [
            {
                "id": policy.id,
                "kind": "release" if isinstance(policy, ReleasePolicy) else "dataset",
                "language": language,
                "sections": [
                    {"title": title, "lines": list(lines)}
                    for title, lines in sections(policy, library, language=language)
                ],
            }
            for policy in policies
        ]
        typer.echo(json.dumps({"pages": pages}, ensure_ascii=False, indent=2))
        return
    typer.echo("\n\n".join(explain_policy(policy, library, language=language) for policy in policies))
