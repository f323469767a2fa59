"""`niji hierarchy show`: the levels of a hierarchy, and what becomes of one value."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer


def show(
    file: Annotated[Path, typer.Argument(help="Rows (.csv), an artifact (.json) or a policy (.yaml).")],
    value: Annotated[
        list[str] | None, typer.Option(help="A value whose labels are shown, level by level; repeatable.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show what a hierarchy is, how many labels each level has, and what becomes of given values."""
    from pipelines.cli.hierarchy_files import read_hierarchy

    read = read_hierarchy(file)
    record = _record(read, value or [])
    if as_json:
        typer.echo(json.dumps(record, ensure_ascii=False, indent=2))
        return
    typer.echo(f"{record['id']} {record['version'] or ''}  {record['digest']}".replace("  ", " "))
    if read.policy is not None:
        typer.echo(f"{read.policy.title.ja} / {read.policy.title.en}")
        typer.echo(f"source: {read.policy.source}")
    typer.echo(f"a value that it does not know: {read.hierarchy.on_unseen}")
    for level in record["levels"]:
        classes = f"{level['labels']:,} labels, the largest of {level['most_values']:,} values"
        typer.echo(f"level {level['level']}: {classes if level['labels'] else 'known by rule, no values are listed'}")
    for shown, labels in record["values"].items():
        typer.echo(f"{shown}: {' → '.join(labels) if labels else 'not known'}")


def _record(read: Any, values: list[str]) -> dict[str, Any]:
    from collections import Counter

    hierarchy = read.hierarchy
    grown = hierarchy.for_values(values)
    place = {leaf: number for number, leaf in enumerate(grown.leaves)}
    sizes = [Counter(labels) for labels in hierarchy.labels]
    return {
        "id": hierarchy.name,
        "version": read.policy.version if read.policy else None,
        "digest": read.digest,
        "on_unseen": hierarchy.on_unseen,
        "knows_by_rule": hierarchy.rule is not None,
        "levels": [
            {"level": level, "labels": len(counted), "most_values": max(counted.values(), default=0)}
            for level, counted in enumerate(sizes)
        ],
        "values": {
            value: [labels[place[value]] for labels in grown.labels] if value in place else None for value in values
        },
    }
