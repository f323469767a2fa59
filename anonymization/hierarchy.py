"""Generalization hierarchies: how a value becomes coarser, level by level, up to `*`.

Here: the type, its laws, the ARX layout, and the door that turns a hierarchy policy into one. The builders of each
policy kind are in `hierarchies`. No file is opened: text is given.

A hierarchy can be larger than the data: every leaf counts in the loss metric, also those no row holds, so the loss of
a release depends on the hierarchy as written (trap 2 of the reference). Rule-based hierarchies (`prefix`, and ICD-10
codes that WHO does not have) grow by the values they are shown, see `Hierarchy.for_values`.
"""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from policies.errors import PolicyError
from policies.model.hierarchy import HierarchyPolicy, OnUnseen

if TYPE_CHECKING:
    import pyarrow as pa

ROOT = "*"
"""The label of the last level, which says nothing any more."""

OTHER = "その他 Other"
"""The label of all values that a hierarchy does not know, where its policy says `on_unseen: other`."""

Rule = Callable[[str], tuple[str, ...] | None]
"""From a value to its labels at every level, level 0 first; None for a value the rule does not know."""


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """A value's labels at every level.

    `labels[level][i]` is the label of `leaves[i]`; level 0 is the value itself and the last level is `*` everywhere.
    Leaves differ. A level never splits a class of the level below. A leaf whose level-0 label is another leaf is a
    second spelling of it (ICD-10 `E119` for `E11.9`): it is understood, and not counted by the loss metric.

    `rule` gives labels for values that are not among the leaves yet. `on_unseen` says what happens to a value that
    neither the leaves nor the rule know: `refuse` the table, `suppress` its rows, or take it for a spelling of the one
    leaf `OTHER`, which then is that label up to the root.

    `domain` is how many values a label of each level stands for, where that is known without listing them (redacted
    texts of an alphabet); the loss metric then counts by it instead of by leaves.
    """

    name: str
    leaves: tuple[str, ...] = field(repr=False)
    labels: tuple[tuple[str, ...], ...] = field(repr=False)
    on_unseen: OnUnseen = "refuse"
    rule: Rule | None = field(default=None, repr=False, compare=False)
    domain: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        _check_shape(self)
        _check_coarsening(self)

    @property
    def height(self) -> int:
        """The number of levels, level 0 included."""
        return len(self.labels)

    def for_values(self, values: Iterable[str]) -> "Hierarchy":
        """Return the hierarchy with a leaf for each of `values` that its rule knows.

        Values that are unknown stay unknown, and the caller decides by `on_unseen`; `other` makes them spellings of
        one leaf. New leaves are added in sorted order,
        so the result depends on the set of values only. For a `prefix` hierarchy all leaves come from here, so its
        loss is measured against the values that the data hold.
        """
        if self.rule is None and self.on_unseen != "other":
            return self
        known = set(self.leaves)
        grown: dict[str, tuple[str, ...]] = {}
        unnamed = (*(OTHER,) * (self.height - 1), ROOT)
        if self.on_unseen == "other" and OTHER not in known:
            grown[OTHER] = unnamed  # always a leaf, so that the loss does not tell whether a value was unseen
        for value in sorted(set(values) - known):
            row = self.rule(value) if self.rule is not None else None
            if row is None and self.on_unseen == "other":
                row = unnamed
            if row is not None:
                grown[value] = row
                if row[0] not in known:
                    grown[row[0]] = row  # the usual spelling is the leaf; `value` is a second spelling of it
        if not grown:
            return self
        labels = tuple(self.labels[level] + tuple(row[level] for row in grown.values()) for level in range(self.height))
        return replace(self, leaves=self.leaves + tuple(grown), labels=labels)

    def mapping(self, level: int) -> "pa.Table":
        """Return the mapping of `level` as a table of `value` and `label`, both text, one row a leaf.

        Raises:
            PolicyError: `level` is not a level of this hierarchy.
        """
        import pyarrow as pa

        require_level(self, level)
        return pa.table(
            {"value": pa.array(self.leaves, pa.string()), "label": pa.array(self.labels[level], pa.string())}
        )


def require_level(hierarchy: Hierarchy, level: int) -> None:
    """Refuse a level that the hierarchy does not have.

    Raises:
        PolicyError: `level` is below 0 or not below the height.
    """
    if not 0 <= level < hierarchy.height:
        raise PolicyError(
            "policy.hierarchy-level",
            what=f"hierarchy '{hierarchy.name}' has no level {level}",
            why=f"its levels are 0 (the value itself) to {hierarchy.height - 1} ('{ROOT}')",
            fix="name one of these levels, or leave the level to the search",
        )


def hierarchy_from_rows(
    name: str,
    rows: Sequence[Sequence[str]],
    *,
    on_unseen: OnUnseen = "refuse",
) -> Hierarchy:
    """Build a hierarchy from one row a leaf: the value, then its label at each level, the last being `*`.

    Raises:
        PolicyError: No rows, rows of different length, a value twice, a last level that is not `*`, or a level that
            splits a class of the level below.
    """
    widths = {len(row) for row in rows}
    if not rows or widths == {0}:
        raise PolicyError(
            "policy.hierarchy-empty",
            what=f"hierarchy '{name}' has no rows",
            why="every value needs its labels",
            fix=f"write one row a value: the value, its labels, and '{ROOT}' last",
        )
    if len(widths) != 1:
        usual = max(widths, key=lambda width: sum(len(row) == width for row in rows))
        ragged = next(number for number, row in enumerate(rows, start=1) if len(row) != usual)
        raise PolicyError(
            "policy.hierarchy-ragged",
            what=f"row {ragged} of hierarchy '{name}' has another number of levels than the others ({usual})",
            why="every value needs a label at every level",
            fix="give the row as many fields as the others have",
        )
    leaves = tuple(row[0] for row in rows)
    labels = tuple(tuple(row[level] for row in rows) for level in range(widths.pop()))
    return Hierarchy(name, leaves, labels, on_unseen)


def read_arx_layout(
    name: str,
    text: str,
    *,
    on_unseen: OnUnseen = "refuse",
) -> Hierarchy:
    """Read a hierarchy in the layout that ARX uses: semicolons, no header, leaf first, then one field a level.

    Blank lines are skipped; a byte-order mark and either line end are accepted.

    Raises:
        PolicyError: As `hierarchy_from_rows`; row numbers count the rows that are not blank.
    """
    lines = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=";")
    return hierarchy_from_rows(name, [row for row in lines if row], on_unseen=on_unseen)


def build_hierarchy(policy: HierarchyPolicy, *, file_text: str | None = None) -> Hierarchy:
    """Build the hierarchy that a policy describes.

    Args:
        policy: The hierarchy policy.
        file_text: The text of the file that `levels: {kind: file}` names; the caller reads it.

    Raises:
        PolicyError: The levels contradict themselves, or the text of the file is missing.
    """
    # The builders make hierarchies, so they import this module; only this door imports them.
    from anonymization.hierarchies.builders import build_levels

    return build_levels(policy, file_text=file_text)


def _check_shape(hierarchy: Hierarchy) -> None:
    name = hierarchy.name
    if not hierarchy.labels or any(len(level) != len(hierarchy.leaves) for level in hierarchy.labels):
        raise PolicyError(
            "policy.hierarchy-ragged",
            what=f"hierarchy '{name}' has a level without one label for each value",
            why="every value needs a label at every level",
            fix="give every level one label a value",
        )
    if len(set(hierarchy.leaves)) != len(hierarchy.leaves):
        repeated = len(hierarchy.leaves) - len(set(hierarchy.leaves))
        raise PolicyError(
            "policy.hierarchy-duplicate-leaf",
            what=f"hierarchy '{name}' names {repeated} value(s) more than once",
            why="a value with two rows could be published under two labels",
            fix="keep one row for each value",
        )
    if set(hierarchy.labels[-1]) - {ROOT}:
        raise PolicyError(
            "policy.hierarchy-top",
            what=f"the last level of hierarchy '{name}' is not '{ROOT}' for every value",
            why="a missing value, and a value that must say nothing, are published as the root",
            fix=f"add a last level that is '{ROOT}' in every row",
        )
    sizes = hierarchy.domain
    if sizes is not None and (len(sizes) != hierarchy.height or sizes[0] != 1 or tuple(sorted(sizes)) != sizes):
        raise PolicyError(
            "policy.hierarchy-domain",
            what=f"hierarchy '{name}' does not say for each level how many values a label stands for",
            why="the loss counts by these numbers; a value stands for itself, and a coarser label for no fewer",
            fix="give one number a level, 1 first, never falling",
        )
    own = set(hierarchy.leaves)
    if any(label not in own for label in hierarchy.labels[0]):
        raise PolicyError(
            "policy.hierarchy-leaf",
            what=f"level 0 of hierarchy '{name}' has labels that are not its values",
            why="level 0 is the value itself",
            fix="write the value first in each row",
        )


def _check_coarsening(hierarchy: Hierarchy) -> None:
    for level in range(1, hierarchy.height):
        parent: dict[str, str] = {}
        for below, label in zip(hierarchy.labels[level - 1], hierarchy.labels[level], strict=True):
            if parent.setdefault(below, label) != label:
                raise PolicyError(
                    "policy.hierarchy-splits",
                    what=f"level {level} of hierarchy '{hierarchy.name}' splits a class of level {level - 1}",
                    why="a coarser level that tells apart what a finer one did not is no generalization",
                    fix="give all values that share a label at one level the same label at the next",
                )
