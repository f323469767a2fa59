"""Whether the named columns of a table file can be used at all, said before its rows are read."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from anonymization.column_names import require_usable_names
from policies.errors import DataError, Place

if TYPE_CHECKING:
    import pyarrow as pa


def require_usable_columns(schema: "pa.Schema", named: Iterable[str], *, whole: Sequence[str], table: Path) -> None:
    """Refuse columns that stand twice, are called as ours are, or hold lists, records or bytes where one text is needed.

    Args:
        schema: The table's.
        named: The columns that are used; those that are not in the table are left to who looks for them.
        whole: Those of them that are only passed on, to a format that holds any type.
        table: Its file, for the message.

    Raises:
        DataError: `data.duplicate-column`, `data.column-reserved` or `data.column-type`.
    """
    named = list(named)
    for name in (name for name in named if name in schema.names):
        if schema.names.count(name) > 1:
            raise DataError(
                "data.duplicate-column",
                what=f"more than one column is called '{name}'",
                why="a column must be known by its name",
                fix="rename one of them",
                where=Place(str(table)),
            )
        if name not in whole and not _is_one_text(schema.field(name).type):
            raise DataError(
                "data.column-type",
                what=f"column '{name}' holds {schema.field(name).type}",
                why="values are compared, and written to delimited text, as one text each",
                fix="take the column apart, or write it as text; or, if it is only kept, write Parquet",
                where=Place(str(table)),
            )
    require_usable_names(named)


def _is_one_text(kind: "pa.DataType") -> bool:
    import pyarrow as pa

    kinds = pa.types
    is_bytes = kinds.is_binary(kind) or kinds.is_large_binary(kind) or kinds.is_fixed_size_binary(kind)
    return not (kinds.is_nested(kind) or is_bytes)
