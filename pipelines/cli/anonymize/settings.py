"""What was asked of `niji anonymize`, and the rows it is about."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipelines.cli.anonymize.engine import EngineName
from pipelines.cli.anonymize.local import Recoding
from pipelines.cli.anonymize.spend import Spend
from pipelines.cli.anonymize_models import AskedModels
from pipelines.cli.hierarchy_files import HierarchyFile
from pipelines.cli.risk_models import ReadRisk
from policies.errors import DataError, UsageError

if TYPE_CHECKING:
    from pipelines.cli.anonymize.source import SourceTable
    from pipelines.cli.anonymize.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Settings:
    """What was asked, for recount and evidence, the rows it is about, and where rows are kept meanwhile."""

    source: "SourceTable"
    space: "Workspace"
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
    spend: Spend = field(default_factory=Spend)
    free_cuts: tuple[str, ...] = ()


def split_names(text: str) -> list[str]:
    """Return the column names in a comma-separated list; blanks around names are not part of them."""
    return [name.strip() for name in text.split(",") if name.strip()]


def columns_needed(columns: list[str], kept: tuple[str, ...], *, person: str | None, target: str | None) -> list[str]:
    """Return the columns of a table that are read: what leaves, the person, and the target of a prediction.

    Raises:
        DataError: A named column is not in the table.
        UsageError: The person column is also to be published.
    """
    wanted = list(dict.fromkeys([*kept, *([person] if person else [])]))
    absent = [name for name in wanted if name not in columns]
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
    if target is not None and target not in columns:
        raise DataError(
            "data.column-missing",
            what=f"the table has no column '{target}'",
            why="its prediction is to be scored",
            fix="check the spelling against the table's header",
        )
    return list(dict.fromkeys([*wanted, *([target] if target else [])]))
