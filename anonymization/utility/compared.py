"""A table before and after: distinct pairs of source tuple and published tuple, with the rows of each.

Everything a measure needs, so the tables are read once, by the engine, in one join and one GROUP BY.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from anonymization.hierarchy import Hierarchy
from anonymization.histogram import as_text
from anonymization.quasi import IntArray, QuasiIdentifier, hierarchy_for
from anonymization.utility.coverage import ComparedAttribute, attribute_of, usual_spelling
from policies.errors import DataError

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa

BEFORE, AFTER, TARGET, ID, ROWS, KEPT = (f"__niji_{name}" for name in ("b{}", "a{}", "target", "id", "rows", "kept"))


@dataclass(frozen=True, slots=True)
class Compared:
    """Entry i: `rows[i]` rows of the source tuple `source[:, i]` were published as `published[:, i]`.

    Codes are places in an attribute's `points` and `labels`; `published` is -1 where the rows were suppressed.
    `classes[i]` numbers the published tuple, -1 where suppressed. `target[i]` is the code of the target's value in
    `target_values`, -1 where no target was asked for; it is the source's. `class_people` counts people by class, None where every
    row is another person.
    """

    attributes: tuple[ComparedAttribute, ...]
    source: tuple[IntArray, ...] = field(repr=False)
    published: tuple[IntArray, ...] = field(repr=False)
    rows: IntArray = field(repr=False)
    classes: IntArray = field(repr=False)
    target: IntArray = field(repr=False)
    target_values: tuple[str | None, ...] = field(repr=False)
    class_people: IntArray | None = field(repr=False)

    @property
    def kept(self) -> IntArray:
        """The places of the pairs that are published."""
        return np.flatnonzero(self.classes >= 0)

    @property
    def records(self) -> int:
        """The rows of the source."""
        return int(self.rows.sum())

    @property
    def suppressed(self) -> int:
        """The rows that are not published."""
        return int(self.rows[self.classes < 0].sum())

    @property
    def class_rows(self) -> IntArray:
        """The rows of each published class."""
        kept = self.kept
        return np.bincount(self.classes[kept], weights=self.rows[kept]).astype(np.int64)

    def class_labels(self, attribute: int) -> IntArray:
        """Return the label code of each published class."""
        kept = self.kept
        codes = np.zeros(int(self.classes.max()) + 1 if len(kept) else 0, np.int64)
        codes[self.classes[kept]] = self.published[attribute][kept]
        return codes


def compare_tables(
    before: "ibis.Table",
    after: "ibis.Table",
    *,
    row_id: str,
    quasi_identifiers: Sequence[QuasiIdentifier],
    levels: Mapping[str, int] | None = None,
    person: str | None = None,
    target: str | None = None,
) -> Compared:
    """Reduce a table and what was published of it to distinct pairs.

    Args:
        before: The source, one row a record. Missing values are a category of their own.
        after: The published rows, with labels in place of values. A row of `before` without one here was suppressed.
        row_id: A column of both, unique in each.
        quasi_identifiers: What was generalized, with the hierarchies that were used.
        levels: The level of each column; None where rows have their own (local recoding).
        person: The column of `after` that names the person; None when every row is another person.
        target: A column of `before` whose prediction is to be scored.

    Raises:
        DataError: The row id is not unique, or a published row is not in the source.
        IntegrityError: A label that no hierarchy has.
    """
    names = [quasi.column for quasi in quasi_identifiers]
    _require_rows(before, after, row_id)
    source = before.select(
        **{ID: before[row_id]},
        **{BEFORE.format(j): as_text(before[name]) for j, name in enumerate(names)},
        **({TARGET: as_text(before[target])} if target else {}),
    )
    published = after.select(
        **{KEPT: after[row_id]}, **{AFTER.format(j): as_text(after[name]) for j, name in enumerate(names)}
    )
    joined = source.left_join(published, source[ID] == published[KEPT])
    keys = [form.format(j) for form in (BEFORE, AFTER) for j in range(len(names))] + ([TARGET] if target else [])
    table = joined.group_by([joined[KEPT].notnull().name(KEPT), *keys]).aggregate(**{ROWS: joined.count()}).to_pyarrow()
    made = _coded(table.sort_by([(key, "ascending") for key in [KEPT, *keys]]), quasi_identifiers, levels, target)
    return made if person is None else _with_people(made, after, names, person)


def _require_rows(before: "ibis.Table", after: "ibis.Table", row_id: str) -> None:
    for rows in (before, after):
        count, distinct = rows.aggregate(n=rows.count(), d=rows[row_id].nunique()).to_pyarrow().to_pylist()[0].values()
        if count != distinct:
            raise DataError(
                "data.row-id",
                what=f"'{row_id}' is not different in every row",
                why="a row is compared with what was published of it",
                fix="number the rows, and carry the number through",
            )
    if int(after.anti_join(before, row_id).count().to_pyarrow().as_py()):
        raise DataError(
            "data.row-id",
            what=f"the published table has rows whose '{row_id}' is not in the source",
            why="a row is compared with what was published of it",
            fix="compare a table with what was made of it",
        )


def _coded(
    table: "pa.Table", quasi: Sequence[QuasiIdentifier], levels: Mapping[str, int] | None, target: str | None
) -> Compared:
    kept = table.column(KEPT).to_numpy()
    attributes, source, published = [], [], []
    for j, one in enumerate(quasi):
        values, labels = table.column(BEFORE.format(j)), table.column(AFTER.format(j))
        attribute, codes, to = _attribute(one, values, labels.filter(kept), levels)
        attributes.append(attribute)
        source.append(codes)
        label_codes = np.full(len(kept), -1, np.int64)
        label_codes[kept] = to
        published.append(label_codes)
    target_codes = np.full(len(kept), -1, np.int64)
    target_values: tuple[str | None, ...] = ()
    if target is not None:
        target_codes, target_values = _numbered(table.column(TARGET))
    return Compared(
        attributes=tuple(attributes),
        source=tuple(source),
        published=tuple(published),
        rows=table.column(ROWS).to_numpy().astype(np.int64),
        classes=_classes(published, kept),
        target=target_codes,
        target_values=target_values,
        class_people=None,
    )


def _attribute(
    quasi: QuasiIdentifier, values: Any, labels: Any, levels: Mapping[str, int] | None
) -> tuple[ComparedAttribute, IntArray, IntArray]:
    found, distinct = _numbered(values)
    hierarchy = hierarchy_for(quasi, [value for value in distinct if value is not None])
    if quasi.hierarchy is None:
        hierarchy = Hierarchy(hierarchy.name, hierarchy.leaves, hierarchy.labels)
    to, label_texts = _numbered(labels)
    level = None if levels is None else levels.get(quasi.column, 0)
    attribute = attribute_of(quasi.column, hierarchy, seen=distinct, labels=label_texts, level=level)
    spelling, place = usual_spelling(hierarchy), {point: i for i, point in enumerate(attribute.points)}
    points = [place[spelling.get(value, value) if value is not None else None] for value in distinct]
    return attribute, np.array(points, np.int64)[found] if points else found, to


def _numbered(column: Any) -> tuple[IntArray, tuple[str | None, ...]]:
    """Return a code for each row, by the sorted distinct values, a missing one last; and the values."""
    values = sorted(value for value in column.unique().to_pylist() if value is not None)
    import pyarrow as pa
    import pyarrow.compute as pc

    codes = pc.index_in(column, value_set=pa.array(values, pa.string())).fill_null(len(values))
    distinct = (*values, None) if column.null_count else tuple(values)
    return codes.to_numpy().astype(np.int64), distinct


def _classes(published: Sequence[IntArray], kept: Any) -> IntArray:
    classes = np.full(len(kept), -1, np.int64)
    if kept.any():
        stacked = np.stack([codes[kept] for codes in published], axis=1)
        _, number = np.unique(stacked, axis=0, return_inverse=True)
        classes[kept] = number.ravel()
    return classes


def _with_people(made: Compared, after: "ibis.Table", names: Sequence[str], person: str) -> Compared:
    keyed = after.select(
        **{AFTER.format(j): as_text(after[name]) for j, name in enumerate(names)}, **{ID: after[person]}
    )
    counted = keyed.group_by([AFTER.format(j) for j in range(len(names))]).aggregate(**{ROWS: keyed[ID].nunique()})
    table = counted.to_pyarrow()
    place = {label: {text: i for i, text in enumerate(one.labels)} for label, one in enumerate(made.attributes)}
    codes = [
        np.array([place[j][text] for text in table.column(AFTER.format(j)).to_pylist()], np.int64)
        for j in range(len(names))
    ]
    labels = [made.class_labels(j) for j in range(len(names))]
    number = {key: i for i, key in enumerate(zip(*(one.tolist() for one in labels), strict=True))}
    people = np.zeros(len(number), np.int64)
    where = [number[key] for key in zip(*(one.tolist() for one in codes), strict=True)]
    people[where] = table.column(ROWS).to_numpy()
    return replace(made, class_people=people)
