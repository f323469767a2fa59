"""What a release made of each value, as an artifact of its own: to be read, and to be applied to another table.

A mapping says nothing about k: another table has other people. Whoever applies it has them counted anew.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, ValidationError

from anonymization.hierarchies.artifact import Digest
from anonymization.hierarchies.builders import build_levels
from anonymization.hierarchies.coverage import unseen_values
from anonymization.hierarchy import ROOT, Hierarchy, require_level
from policies.canonical import digest
from policies.errors import DataError, IntegrityError, PolicyError
from policies.model import HierarchyPolicy
from policies.model.hierarchy import FileLevels, OnUnseen
from policies.model.strictness import PolicyModel

if TYPE_CHECKING:
    import pyarrow as pa

SCHEMA = "niji/mapping/v1"


class MappedColumn(PolicyModel):
    """A column's hierarchy by name, version and digest, the level it was published at, and the label of each value.

    `labels` lists the values of the hierarchy, never values that only the data held: what a hierarchy knows by rule is
    asked of the rule, made again from `policy`. A missing value stays missing below the root (`height` - 1).
    """

    column: Annotated[str, Field(min_length=1)]
    hierarchy: str
    version: str | None = None
    digest: Digest
    level: Annotated[int, Field(ge=0)]
    height: Annotated[int, Field(ge=1)]
    on_unseen: OnUnseen
    labels: dict[str, str]
    policy: HierarchyPolicy | None = None


class MappingArtifact(PolicyModel):
    """The mapping of a release; `release` is the digest of the evidence of that release."""

    schema_: Annotated[Literal["niji/mapping/v1"], Field(alias="schema")]
    release: Digest
    columns: Annotated[tuple[MappedColumn, ...], Field(min_length=1)]
    digest: Digest


def mapped_column(
    column: str,
    hierarchy: Hierarchy,
    *,
    level: int,
    hierarchy_digest: str,
    version: str | None = None,
    policy: HierarchyPolicy | None = None,
) -> MappedColumn:
    """Return what a release made of a column.

    Args:
        column: Its name.
        hierarchy: Its hierarchy before it saw data, or values of the data would be listed.
        level: The level that was published.
        hierarchy_digest: The digest of the hierarchy's file or artifact.
        version: Its version, if it has one.
        policy: The policy it was made from; needed where it knows values by rule.

    Raises:
        PolicyError: There is no such level.
    """
    require_level(hierarchy, level)
    return MappedColumn(
        column=column,
        hierarchy=hierarchy.name,
        version=version,
        digest=hierarchy_digest,
        level=level,
        height=hierarchy.height,
        on_unseen=hierarchy.on_unseen,
        labels=dict(zip(hierarchy.leaves, hierarchy.labels[level], strict=True)),
        policy=policy if hierarchy.rule is not None else None,
    )


def mapping_record(columns: tuple[MappedColumn, ...], *, release: str) -> dict[str, Any]:
    """Return the artifact of a release's mapping."""
    record = {
        "schema": SCHEMA,
        "release": release,
        "columns": [column.model_dump(mode="json", by_alias=True, exclude_none=True) for column in columns],
    }
    return {**record, "digest": digest(record)}


def read_mapping(record: Mapping[str, Any]) -> MappingArtifact:
    """Read a mapping.

    Raises:
        PolicyError: It has not the form of a mapping (`policy.mapping`).
        IntegrityError: Its digest is not that of its content (`integrity.mapping-digest`).
    """
    try:
        read = MappingArtifact.model_validate(record)
    except ValidationError:
        raise PolicyError(
            "policy.mapping",
            what="the file is no mapping of a release",
            why=f"its schema is {SCHEMA}, with release, columns and digest",
            fix="export it with: niji anonymize … --export-mapping FILE.json",
        ) from None
    if digest({name: value for name, value in record.items() if name != "digest"}) != read.digest:
        raise IntegrityError(
            "integrity.mapping-digest",
            what="the mapping is not what its digest says",
            why="labels that were edited would go unnoticed into another table",
            fix="take the file as it was exported",
        )
    return read


@dataclass(frozen=True, slots=True)
class Applied:
    """A table with the labels of a mapping, and by column how many values and rows were unseen.

    `suppressed` counts the rows that are gone because a column suppresses what it does not know.
    """

    table: "pa.Table" = field(repr=False)
    unseen: Mapping[str, tuple[int, int]]
    suppressed: int


def apply_mapping(
    table: "pa.Table", mapping: MappingArtifact, *, on_unseen: OnUnseen | None = None, beside: Sequence[str] = ()
) -> Applied:
    """Return the mapped columns of a table under the labels of the mapping, without all other columns.

    Guarantee: each value has the label that it had in the release, or the label `OTHER`, or its row is gone.
    Not guaranteed: any k. Other rows are other people; count them.

    Args:
        table: Rows that hold every mapped column. Not changed.
        mapping: The mapping.
        on_unseen: What happens to values that it does not know; as each column's hierarchy says, if None.
        beside: Columns that stay as they are, to count by; the caller must not publish them.

    Raises:
        DataError: A mapped column is missing, or holds unseen values that are to be refused; messages only count.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    wanted = [*(column.column for column in mapping.columns), *beside]
    absent = [name for name in wanted if name not in table.column_names]
    if absent:
        raise DataError(
            "data.column-missing",
            what=f"the table has no column {', '.join(repr(name) for name in absent)}",
            why="a mapping is applied to every column that it was made for",
            fix="rename the columns as they were in the release",
        )
    made: dict[str, Any] = {name: table.column(name) for name in beside}
    unseen: dict[str, tuple[int, int]] = {}
    gone = pa.array([False] * table.num_rows, pa.bool_())
    for column in mapping.columns:
        policy = on_unseen or column.on_unseen
        text = pc.cast(table.column(column.column), pa.string()).combine_chunks()
        values = pc.unique(text).drop_null().to_pylist()
        known = _labels(column, values)
        strange = pc.is_in(text, pa.array([value for value in values if value not in known], pa.string()))
        rows = int(pc.sum(strange).as_py() or 0)
        unseen[column.column] = (len(values) - len(known), rows)
        if rows and policy == "refuse":
            raise _refused(column, *unseen[column.column])
        if policy == "suppress":
            gone = pc.or_(gone, strange)
        made[column.column] = _published(text, known, column)
    kept = pa.table(made).filter(pc.invert(gone))
    return Applied(kept, unseen, table.num_rows - kept.num_rows)


def _labels(column: MappedColumn, values: list[str]) -> dict[str, str]:
    """Return the label of each value that the mapping knows."""
    known = {value: column.labels[value] for value in values if value in column.labels}
    rest = set(values) - set(known)
    if not rest or column.policy is None or isinstance(column.policy.levels, FileLevels):
        return known
    built = build_levels(column.policy)
    by_rule = rest - unseen_values(built, rest)
    grown = built.for_values(by_rule)
    place = {leaf: number for number, leaf in enumerate(grown.leaves)}
    return known | {value: grown.labels[column.level][place[value]] for value in by_rule}


def _published(text: Any, known: Mapping[str, str], column: MappedColumn) -> "pa.Array":
    import pyarrow as pa
    import pyarrow.compute as pc

    from anonymization.hierarchy import OTHER

    if column.level == column.height - 1:
        return pa.array([ROOT] * len(text), pa.string())
    places = pc.index_in(text, pa.array(list(known), pa.string()))
    labels = pc.take(pa.array(list(known.values()), pa.string()), places)
    # A row whose value is unseen is either gone or under the one label for such values; a missing one stays missing.
    return pc.if_else(pc.and_(pc.is_valid(text), pc.is_null(labels)), pa.scalar(OTHER), labels)


def _refused(column: MappedColumn, values: int, rows: int) -> DataError:
    return DataError(
        "data.unseen-value",
        what=f"column '{column.column}' has {values} value(s) in {rows} row(s) that hierarchy '{column.hierarchy}' of "
        "the release does not know",
        why="a value without a place in the hierarchy has no label",
        fix="correct the values at the source, or apply it with --on-unseen suppress or --on-unseen other",
    )
