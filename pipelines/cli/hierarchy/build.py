"""`niji hierarchy build`: from a policy to an artifact, or to rows that other tools read."""

import json
from pathlib import Path
from typing import Annotated

import typer

from policies.errors import Place, UsageError


def build(
    policy: Annotated[Path, typer.Argument(help="The hierarchy policy: .yaml.")],
    output: Annotated[Path, typer.Option(help=".json: an artifact with its digest. .csv: rows as ARX reads them.")],
) -> None:
    """Build the hierarchy of a policy and write it with its version, source and digest."""
    from anonymization.hierarchies.artifact import artifact_of, arx_text
    from pipelines.cli.hierarchy_files import read_policy
    from pipelines.cli.table_files import write_whole

    if policy.suffix != ".yaml" or output.suffix not in {".json", ".csv"}:
        raise UsageError(
            "usage.hierarchy-format",
            what="a hierarchy is built from a policy (.yaml) into .json or .csv",
            why="the endings say what is read and written",
            fix="write for example: niji hierarchy build policies/hierarchies/age.yaml --output age.json",
            where=Place(str(output)),
        )
    described, read = read_policy(policy)
    if output.suffix == ".csv":
        if not read.hierarchy.leaves:
            raise _nothing_to_list(output)
        text, digest = arx_text(read.hierarchy), read.digest
    else:
        record = artifact_of(described, read.hierarchy)
        text, digest = json.dumps(record, ensure_ascii=False, indent=1) + "\n", record["digest"]
    write_whole(output, lambda temporary: _write(temporary, text))
    typer.echo(
        f"{described.id} {described.version}: {len(read.hierarchy.leaves):,} values, {read.hierarchy.height} levels"
    )
    typer.echo(f"{output}  {digest}")


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _nothing_to_list(output: Path) -> UsageError:
    return UsageError(
        "usage.hierarchy-by-rule",
        what="this hierarchy knows its values by rule and lists none, so there are no rows to write",
        why="rows for values of a table would hold values of people",
        fix="write an artifact (--output …json): it carries the rule",
        where=Place(str(output)),
    )
