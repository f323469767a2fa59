"""Which values of a table a hierarchy knows, counted in values, rows and people.

Counts only; the values that are unseen are asked for apart, and belong into a file that stays where the data are.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from anonymization.hierarchy import Hierarchy

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of a column a hierarchy knows.

    `people` are None without a person column: rows are then all there is to count. A person with a known and an unseen
    value counts among the `people_unseen`. `unseen` are the values themselves, with their rows and people, the most
    frequent first; never shown with the rest. `leaves_unused` counts values of the hierarchy that no row holds.
    """

    column: str
    hierarchy: str
    values: int
    rows: int
    people: int | None
    rows_missing: int
    values_unseen: int
    rows_unseen: int
    people_unseen: int | None
    leaves: int
    leaves_unused: int
    labels_by_level: tuple[int, ...]
    unseen: tuple[tuple[str, int, int | None], ...] = field(repr=False)

    @property
    def is_whole(self) -> bool:
        """Whether the hierarchy knows every value."""
        return self.values_unseen == 0


def coverage(table: "pa.Table", column: str, hierarchy: Hierarchy, *, person: str | None = None) -> Coverage:
    """Count what the hierarchy knows of a column; a missing value is neither known nor unseen.

    Args:
        table: The rows; not changed. `column` is compared as text.
        column: A column of `table`.
        hierarchy: The hierarchy; values that its rule knows are known. `on_unseen` does not matter here.
        person: The column that names the person, to count people besides.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    text = pc.cast(table.column(column), pa.string())
    names = text if person is None else table.column(person)
    narrow = pa.table({"value": text, "person": names})
    present = narrow.filter(pc.is_valid(narrow.column("value")))
    groups = present.group_by("value").aggregate([("value", "count"), ("person", "count_distinct")]).to_pylist()
    held = {group["value"]: (group["value_count"], group["person_count_distinct"]) for group in groups}
    strange = unseen_values(hierarchy, held)
    unseen = sorted(strange, key=lambda value: (-held[value][0], value))
    of_strange = present.filter(pc.is_in(present.column("value"), pa.array(unseen, pa.string())))
    known = set(held) - strange
    grown = hierarchy.for_values(known)
    place = {leaf: number for number, leaf in enumerate(grown.leaves)}
    return Coverage(
        column=column,
        hierarchy=hierarchy.name,
        values=len(held),
        rows=table.num_rows,
        people=None if person is None else _distinct(narrow),
        rows_missing=text.null_count,
        values_unseen=len(unseen),
        rows_unseen=of_strange.num_rows,
        people_unseen=None if person is None else _distinct(of_strange),
        leaves=len(hierarchy.leaves),
        leaves_unused=len(set(hierarchy.leaves) - known),
        labels_by_level=tuple(len({labels[place[value]] for value in known}) for labels in grown.labels),
        unseen=tuple((value, held[value][0], held[value][1] if person is not None else None) for value in unseen),
    )


def unseen_values(hierarchy: Hierarchy, values: Any) -> set[str]:
    """Return the values that neither the leaves nor the rule of a hierarchy know, whatever is to happen with them."""
    strange = set(values) - set(hierarchy.leaves)
    rule = hierarchy.rule
    return strange if rule is None else {value for value in strange if rule(value) is None}


def unseen_counts(rows: "ibis.Table", hierarchies: Mapping[str, Hierarchy]) -> dict[str, dict[str, int | str]]:
    """Return by column how many values and rows its hierarchy does not know, and what happens to them; only if any.

    Args:
        rows: The rows before anything is suppressed.
        hierarchies: By column of `rows`, compared as text.
    """
    from anonymization.histogram import as_text

    found: dict[str, dict[str, int | str]] = {}
    for column, hierarchy in hierarchies.items():
        narrow = rows.select(value=as_text(rows[column]))
        counted = narrow.group_by("value").aggregate(rows=narrow.count()).to_pyarrow().to_pylist()
        held = {count["value"]: int(count["rows"]) for count in counted if count["value"] is not None}
        strange = unseen_values(hierarchy, held)
        if strange:
            of_strange = sum(held[value] for value in strange)
            found[column] = {"on_unseen": hierarchy.on_unseen, "values": len(strange), "rows": of_strange}
    return found


def _distinct(rows: "pa.Table") -> int:
    import pyarrow.compute as pc

    return int(pc.count_distinct(rows.column("person"), mode="only_valid").as_py())
