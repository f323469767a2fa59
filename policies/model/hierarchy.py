"""The hierarchy policy: how a value becomes coarser, level by level; level 0 is the value itself."""

from typing import Annotated, Literal

from pydantic import Field

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
    IntervalLevels | TableLevels | FileLevels | PrefixLevels | Icd10Levels | DateLevels,
    Field(discriminator="kind"),
]


class HierarchyPolicy(PolicyModel):
    """One generalization hierarchy, with its source and what happens to values it does not know."""

    schema_: Annotated[Literal["niji/hierarchy/v1"], Field(alias="schema")]
    id: Name
    version: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")]
    title: Text
    source: Annotated[str, Field(min_length=4)]
    on_unseen: Literal["refuse", "suppress"]
    levels: Levels
