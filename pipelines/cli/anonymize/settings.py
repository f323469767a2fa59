"""What was asked of `niji anonymize`, and the rows it is about."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.cli.anonymize.engine import EngineName
from pipelines.cli.anonymize.local import Recoding
from pipelines.cli.anonymize_models import AskedModels
from pipelines.cli.hierarchy_files import HierarchyFile
from pipelines.cli.risk_models import ReadRisk
from policies.errors import DataError, UsageError

if TYPE_CHECKING:
    import pyarrow as pa

    from pipelines.cli.table_files import TableFile

ROW = "__niji_row"


@dataclass(frozen=True, slots=True)
class Settings:
    """What was asked, for recount and evidence; `folder` is where the output goes."""

    read: "TableFile"
    hierarchies: Mapping[str, HierarchyFile]
    sensitive: AskedModels
    kept: tuple[str, ...]
    person: str | None
    k: int
    suppression_limit: float
    recoding: Recoding
    effort: int | None
    risk: ReadRisk = field(default_factory=ReadRisk)
    engine: EngineName = EngineName.DUCKDB
    folder: Path = Path()


def split_names(text: str) -> list[str]:
    """Return the column names in a comma-separated list; blanks around names are not part of them."""
    return [name.strip() for name in text.split(",") if name.strip()]


def source_rows(table: "pa.Table", kept: tuple[str, ...], person: str | None) -> "pa.Table":
    """Return the columns that the search needs, with a number for each row.

    Raises:
        DataError: A named column is not in the table.
        UsageError: The person column is also to be published.
    """
    wanted = list(dict.fromkeys([*kept, *([person] if person else [])]))
    absent = [name for name in wanted if name not in table.column_names]
    if absent:
        raise DataError(
            "data.column-missing",
            what=f"the table has no column {', '.join(repr(name) for name in absent)}",
            why="every column that is named must be there",
            fix="check the spelling against the table's header",
        )
    if person is not None and person in kept:
        raise UsageError(
            "usage.person-leaves",
            what=f"the person column '{person}' is also to be published",
            why="whoever names the person cannot leave",
            fix="name it only in --person",
        )
    return numbered(table, wanted)


def numbered(table: "pa.Table", columns: list[str]) -> "pa.Table":
    """Return the columns with the row's number beside them, in `ROW`."""
    import pyarrow as pa

    return table.select(columns).append_column(ROW, pa.array(range(table.num_rows), pa.int64()))
