"""`niji hierarchy check`: every law that a hierarchy breaks, with its line."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from policies.errors import Place, PolicyError

if TYPE_CHECKING:
    from anonymization.hierarchies.laws import BrokenLaw

SHOWN = 50
"""Findings on a terminal; all of them with --json."""


def check(
    file: Annotated[Path, typer.Argument(help="Rows (.csv), an artifact (.json) or a policy (.yaml).")],
    language: Annotated[Literal["ja", "en"], typer.Option(help="ja or en.")] = "ja",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Name every law that a hierarchy breaks, with line and level; exit code 10 if it is none."""
    broken = _broken(file)
    if as_json:
        record = {"file": str(file), "is_hierarchy": _is_whole(broken), "findings": [_plain(each) for each in broken]}
        typer.echo(json.dumps(record, ensure_ascii=False, indent=2))
    else:
        for each in broken[:SHOWN]:
            typer.echo(_sentence(each, file, language))
        if len(broken) > SHOWN:
            more = len(broken) - SHOWN
            typer.echo(f"ほか {more:,} 件(--json ですべて)" if language == "ja" else f"{more:,} more; all with --json")
        if _is_whole(broken):
            typer.echo("階層として正しい" if language == "ja" else "it is a hierarchy")
    if not _is_whole(broken):
        raise PolicyError(
            "policy.hierarchy-laws",
            what=f"{sum(each.law.is_error for each in broken)} place(s) of '{file.name}' break the laws of a hierarchy",
            why="a value must become coarser from level to level, in one way",
            fix="correct the lines that are named",
            where=Place(str(file)),
        )


def _broken(file: Path) -> "tuple[BrokenLaw, ...]":
    from anonymization.hierarchies.laws import broken_laws, numbered_rows
    from pipelines.cli.hierarchy_files import read_hierarchy, read_text

    if file.suffix == ".csv" and file.is_file():
        return broken_laws(numbered_rows(read_text(file)))
    # An artifact or a policy that reads is a hierarchy; what keeps it from being one stops here, with its code.
    from anonymization.hierarchies.artifact import rows_of

    read = read_hierarchy(file)
    rows, _ = rows_of(read.hierarchy)
    return broken_laws([(0, row) for row in rows]) if rows else ()


def _is_whole(broken: "tuple[BrokenLaw, ...]") -> bool:
    return not any(each.law.is_error for each in broken)


def _plain(broken: "BrokenLaw") -> dict[str, object]:
    return {
        "law": broken.law.value,
        "is_error": broken.law.is_error,
        "line": broken.line or None,
        "level": broken.level,
        "other_line": broken.other_line or None,
    }


def _sentence(broken: "BrokenLaw", file: Path, language: str) -> str:
    place = f"{file}:{broken.line}" if broken.line else str(file)
    if language == "ja":
        kind = "誤り" if broken.law.is_error else "注意"
        level = "" if broken.level is None else f" 段{broken.level}"
        other = f"({broken.other_line}行目と食い違う)" if broken.other_line else ""
        return f"{place} {kind}{level}: {broken.law.ja}{other}"
    kind = "error" if broken.law.is_error else "note"
    level = "" if broken.level is None else f" level {broken.level}"
    other = f" (against line {broken.other_line})" if broken.other_line else ""
    return f"{place} {kind}{level}: {broken.law.en}{other}"
