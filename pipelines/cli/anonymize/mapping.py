"""The mapping of a release, and which values its hierarchies did not know."""

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.cli.anonymize.local import Recoding
from pipelines.cli.anonymize.settings import Settings
from policies.errors import Place, UsageError

if TYPE_CHECKING:
    from anonymization.generalize import Generalized
    from anonymization.hierarchies.mapping import MappedColumn
    from anonymization.recoding.local import LocallyRecoded


def require_mappable(path: Path | None, recoding: Recoding) -> None:
    """Refuse a mapping of a local recoding, and a file of another kind.

    Raises:
        UsageError: A value may have other labels in other classes, so there is no mapping (`usage.no-mapping`); or the
            name ends neither in .json nor in .csv.
    """
    if path is not None and path.suffix not in {".json", ".csv"}:
        raise UsageError(
            "usage.mapping-format",
            what=f"'{path.name}' ends neither in .json nor in .csv",
            why="JSON can be applied elsewhere, CSV is for reading",
            fix="write for example --export-mapping mapping.json",
            where=Place(str(path)),
        )
    if path is not None and recoding is Recoding.LOCAL:
        raise UsageError(
            "usage.no-mapping",
            what="--export-mapping stands beside --recoding local",
            why="one value then has other labels in other classes, so no table maps values to labels",
            fix="leave one of the two out",
            where=Place(str(path)),
        )


def write_mapping(
    path: Path, result: "Generalized | LocallyRecoded", settings: Settings, record: dict[str, Any]
) -> None:
    """Write what became of each value of each quasi-identifier; `record` is the evidence, whose digest it carries.

    Values that only the data held are not in it: a hierarchy that knows values by rule leaves its rule.

    Raises:
        DataError: The file cannot be written.
    """
    from anonymization.generalize import Generalized
    from anonymization.hierarchies.mapping import mapped_column, mapping_record
    from pipelines.cli.table_files import write_whole
    from policies.canonical import digest

    levels = result.node if isinstance(result, Generalized) else {}
    columns = tuple(
        mapped_column(
            name,
            file.hierarchy,
            level=levels[name],
            hierarchy_digest=file.digest,
            version=file.policy.version if file.policy else None,
            policy=file.policy,
        )
        for name, file in settings.hierarchies.items()
    )
    if path.suffix == ".csv":
        write_whole(path, lambda temporary: _write_rows(temporary, columns))
        return
    text = json.dumps(mapping_record(columns, release=digest(record)), ensure_ascii=False, indent=1) + "\n"
    write_whole(path, lambda temporary: _write(temporary, text))


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _write_rows(path: Path, columns: "tuple[MappedColumn, ...]") -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        lines = csv.writer(stream)
        lines.writerow(["column", "hierarchy", "version", "level", "value", "label"])
        for column in columns:
            head = (column.column, column.digest, column.version or "", column.level)
            lines.writerows((*head, value, label) for value, label in column.labels.items())


def unseen_of(settings: Settings) -> dict[str, Any]:
    """Return by column how many values and rows its hierarchy did not know, and what became of them; counts only."""
    from anonymization.hierarchies.coverage import unseen_counts

    hierarchies = {name: file.hierarchy for name, file in settings.hierarchies.items()}
    return unseen_counts(settings.source.rows, hierarchies)
