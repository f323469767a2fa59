"""The hierarchy policy: how a value becomes coarser, level by level; level 0 is the value itself."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import Field

from policies.model.code_ladders import CODE_PARTS, CodeSystemLevels, PlaceLevels, PostalCodeLevels
from policies.model.ladders import (
    AgeLevels,
    CalendarLevels,
    FrequencyLevels,
    OrderLevels,
    RangeLevels,
    RedactionLevels,
)
from policies.model.strictness import Name, PolicyModel, Text


class IntervalLevels(PolicyModel):
    """Whole numbers `low` … `high` → intervals of each of `widths`, then `*`; from `top_from` on one open class.

    Labels are `20-24`; the open class is `90+`. Numbers outside `low` … `high` are unseen values.
    """

    kind: Literal["intervals"]
    low: Annotated[int, Field(ge=-100_000, le=100_000)]
    high: Annotated[int, Field(ge=-100_000, le=100_000)]
    widths: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)]
    top_from: int | None = None


class TableLevels(PolicyModel):
    """Every value written out with its label at each level; rows are the leaves."""

    kind: Literal["table"]
    rows: Annotated[tuple[tuple[str, ...], ...], Field(min_length=1)]


class FileLevels(PolicyModel):
    """A file in the layout that ARX uses: semicolons, no header, leaf first; `path` is beside the policy."""

    kind: Literal["file"]
    path: str


class PrefixLevels(PolicyModel):
    """Codes → their first `lengths` characters, longest first, then `*`."""

    kind: Literal["prefix"]
    lengths: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)]


class Icd10Levels(PolicyModel):
    """ICD-10 codes → category (E11) → block (E10-E14) → chapter (IV) → `*`."""

    kind: Literal["icd10"]


class DateLevels(PolicyModel):
    """Dates between `first_year` and `last_year` → month → quarter → year → `*`."""

    kind: Literal["date"]
    first_year: Annotated[int, Field(ge=1, le=9999)]
    last_year: Annotated[int, Field(ge=1, le=9999)]


Levels = Annotated[
    IntervalLevels
    | TableLevels
    | FileLevels
    | PrefixLevels
    | Icd10Levels
    | DateLevels
    | CalendarLevels
    | RangeLevels
    | OrderLevels
    | RedactionLevels
    | FrequencyLevels
    | AgeLevels
    | PostalCodeLevels
    | PlaceLevels
    | CodeSystemLevels,
    Field(discriminator="kind"),
]
OnUnseen = Literal["refuse", "suppress", "other"]
"""What happens to a value that a hierarchy does not know: the table is refused, its rows are suppressed, or it is
published as one label for all such values (その他 Other), whatever the level."""


class HierarchyPolicy(PolicyModel):
    """One generalization hierarchy, with its source and what happens to values it does not know."""

    schema_: Annotated[Literal["niji/hierarchy/v1"], Field(alias="schema")]
    id: Name
    version: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")]
    title: Text
    source: Annotated[str, Field(min_length=4)]
    license: Annotated[str | None, Field(min_length=2)] = None
    on_unseen: OnUnseen
    levels: Levels


def height_of_levels(levels: Levels) -> int | None:
    """Return the number of levels, level 0 and the root counted; None where only a file knows."""
    if isinstance(levels, FileLevels):
        return None
    if isinstance(levels, TableLevels):
        return len(levels.rows[0])
    return _BETWEEN[type(levels)](levels) + 2


_BETWEEN: Mapping[type, Callable[[Any], int]] = MappingProxyType(
    {
        IntervalLevels: lambda levels: len(levels.widths),
        PrefixLevels: lambda levels: len(levels.lengths),
        Icd10Levels: lambda _: 3,
        DateLevels: lambda _: 3,
        RangeLevels: lambda levels: 1 + len(levels.repeats),
        OrderLevels: lambda levels: len(levels.fan_outs),
        RedactionLevels: lambda levels: len(levels.hidden),
        FrequencyLevels: lambda levels: len(levels.keep),
        CodeSystemLevels: lambda levels: len(CODE_PARTS[levels.system]) + (levels.system == "icd9cm"),
        CalendarLevels: lambda levels: len(levels.steps),
        AgeLevels: lambda levels: len(levels.steps),
        PostalCodeLevels: lambda levels: len(levels.steps),
        PlaceLevels: lambda levels: len(levels.steps),
    }
)
"""The number of levels between the value and the root, by kind."""


def open_class_from(levels: Levels) -> int | None:
    """Return the number from which on all numbers are one open class at every level above 0; None without one."""
    if isinstance(levels, (IntervalLevels, AgeLevels)):
        return levels.top_from
    if isinstance(levels, RangeLevels) and levels.numbers == "whole" and levels.above == "code":
        return int(levels.cuts[-1])
    return None
