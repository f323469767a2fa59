"""The histogram: the distinct quasi-identifier tuples of a table, with what the privacy models count in each.

One GROUP BY in the engine; everything after it depends on the number of distinct tuples, not of rows. The result does
not depend on the order of rows: tuples are sorted by their codes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from anonymization.coding import AnyInt, combine_codes, narrow, order_of
from anonymization.column_names import require_usable_names
from anonymization.hierarchy import Hierarchy
from anonymization.quasi import CodedAttribute, IntArray, QuasiIdentifier, code_attribute, hierarchy_for
from anonymization.sensitive import SensitiveCounts
from anonymization.tuple_counts import PERSON, ROWS, TupleCounts, count_tuples
from anonymization.tuple_counts import as_text as as_text
from policies.errors import DataError, PolicyError

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Pairs:
    """Distinct (tuple, thing) pairs, to count distinct things when tuples merge: `things` holds codes below `size`."""

    tuples: IntArray
    things: IntArray
    size: int


@dataclass(frozen=True, slots=True)
class Histogram:
    """Distinct tuples of quasi-identifier leaves, and what each holds.

    `codes[j][t]` is the leaf code of attribute j in tuple t, `rows[t]` its number of rows. With a person column,
    `loyal[t]` counts the people all of whose rows are in tuple t: they add up when tuples merge; `shared` holds the
    others, who must be counted distinct. Without one, every row is a person. `sensitive` has, by column, how many rows of
    each tuple hold which value.

    `records` and `people` count the whole table, `unseen_records` the rows that are suppressed from the start because
    a hierarchy does not know their value.
    """

    attributes: tuple[CodedAttribute, ...]
    hierarchies: tuple[Hierarchy, ...]
    codes: tuple[IntArray, ...]
    rows: IntArray
    loyal: IntArray
    shared: Pairs | None
    sensitive: dict[str, SensitiveCounts]
    records: int
    people: int
    unseen_records: int


def build_histogram(
    rows: "ibis.Table",
    *,
    quasi_identifiers: Sequence[QuasiIdentifier],
    sensitive: Sequence[str] = (),
    person: str | None = None,
) -> Histogram:
    """Reduce a table to its histogram with one GROUP BY (and, where it gives codes, a count of each column beside it).

    Args:
        rows: The table; not changed.
        quasi_identifiers: One or more.
        sensitive: Columns whose values the criteria count.
        person: The column that names the person; None when every row is another person.

    Raises:
        DataError: A column is missing (`data.column-missing`), the table is empty (`data.empty`), a row has no person
            (`data.person-missing`), or a value is in no hierarchy that refuses unseen values (`data.unseen-value`).
        PolicyError: No quasi-identifier, one twice, or a fixed level that its hierarchy does not have.
    """
    columns = [quasi.column for quasi in quasi_identifiers]
    _require_columns(rows, columns, sensitive=sensitive, person=person)
    counts = count_tuples(rows, quasi_identifiers, sensitive=sensitive, person=person)
    counted = counts.table
    if counted.num_rows == 0:
        raise DataError(
            "data.empty",
            what="the table has no rows",
            why="nothing can be protected, and an empty release would hide that",
            fix="check the source and the steps before this one",
        )
    weights = _integers(counted.column(ROWS))
    attributes, hierarchies, leaf_codes, unseen = _encode(counts, quasi_identifiers, weights)
    seen = ~unseen if unseen.any() else slice(None)
    people_codes, people = _person_codes(counted, person, weights)
    key_index, unique_codes = _tuples_of([codes[seen] for codes in leaf_codes], attributes)
    distinct = len(unique_codes[0]) if unique_codes else 0
    tuple_rows = _sum_by(key_index, weights[seen], distinct)
    if people_codes is None:
        loyal, shared = tuple_rows, None
    else:
        loyal, shared = _split_people(key_index, people_codes[seen], distinct, people)
    return Histogram(
        attributes=attributes,
        hierarchies=hierarchies,
        codes=unique_codes,
        rows=tuple_rows,
        loyal=loyal,
        shared=shared,
        sensitive={name: _sensitive_counts(counted.column(name), unseen, key_index, weights) for name in sensitive},
        records=int(weights.sum()),
        people=people,
        unseen_records=int(weights[unseen].sum()),
    )


def _require_columns(
    rows: "ibis.Table", columns: Sequence[str], *, sensitive: Sequence[str], person: str | None
) -> None:
    wanted = [*columns, *sensitive, *([person] if person else [])]
    if not columns or len(set(wanted)) != len(wanted):
        raise PolicyError(
            "policy.quasi-identifiers",
            what="no quasi-identifier is named, or a column is named twice",
            why="each column is a quasi-identifier, a sensitive column or the person, and only one of them",
            fix="name at least one quasi-identifier, and each column once",
        )
    require_columns(rows, wanted)
    require_usable_names(wanted, columns=rows.columns)


def require_columns(rows: "ibis.Table", wanted: Sequence[str]) -> None:
    """Refuse a table that lacks one of the columns `wanted`.

    Raises:
        DataError: `data.column-missing`, naming the columns.
    """
    absent = [name for name in wanted if name not in rows.columns]
    if absent:
        raise DataError(
            "data.column-missing",
            what=f"the table has no column {', '.join(repr(name) for name in absent)}",
            why="every quasi-identifier, sensitive column and person column must be there",
            fix="check the spelling against the table's header",
        )


def _encode(
    counts: TupleCounts, quasi_identifiers: Sequence[QuasiIdentifier], weights: IntArray
) -> tuple[tuple[CodedAttribute, ...], tuple[Hierarchy, ...], list[AnyInt], Any]:
    unseen = np.zeros(len(weights), bool)
    attributes, hierarchies, leaf_codes = [], [], []
    for quasi in quasi_identifiers:
        if quasi.column in counts.coded and quasi.hierarchy is not None:
            attributes.append(code_attribute(quasi, quasi.hierarchy))
            hierarchies.append(quasi.hierarchy)
            leaf_codes.append(counts.coded[quasi.column])
            continue
        # The library's codes are looked up in its own dictionary at once; nothing rests on their order or size.
        encoded = counts.table.column(quasi.column).combine_chunks().dictionary_encode()
        values = encoded.dictionary.to_pylist()
        hierarchy = hierarchy_for(quasi, values)
        attribute = code_attribute(quasi, hierarchy)
        place = {leaf: code for code, leaf in enumerate(hierarchy.leaves)}
        code_of = np.array([*(place.get(value, -1) for value in values), attribute.missing], np.int64)
        codes = narrow(code_of, attribute.missing + 1).take(_integers(encoded.indices.fill_null(len(values))))
        strange = codes < 0
        if strange.any():
            _refuse_unseen(hierarchy, quasi.column, strange, weights, known=set(hierarchy.leaves), values=values)
        unseen |= strange
        attributes.append(attribute)
        hierarchies.append(hierarchy)
        leaf_codes.append(codes)
    return tuple(attributes), tuple(hierarchies), leaf_codes, unseen


def _refuse_unseen(
    hierarchy: Hierarchy, column: str, strange: Any, weights: IntArray, *, known: set[str], values: Sequence[str]
) -> None:
    if hierarchy.on_unseen == "suppress":
        return
    number = sum(value not in known for value in values)
    raise DataError(
        "data.unseen-value",
        what=f"column '{column}' has {number} value(s) in {int(weights[strange].sum())} row(s) that hierarchy "
        f"'{hierarchy.name}' does not know",
        why="a value without a place in the hierarchy cannot be generalized",
        fix="add the values to the hierarchy, correct them at the source, or let the hierarchy suppress their rows",
    )


def _person_codes(counted: "pa.Table", person: str | None, weights: IntArray) -> tuple[IntArray | None, int]:
    if person is None:
        return None, int(weights.sum())
    import pyarrow.compute as pc

    column = counted.column(PERSON)
    if column.null_count:
        missing = int(weights[pc.is_null(column).to_numpy()].sum())
        raise DataError(
            "data.person-missing",
            what=f"{missing} row(s) have no value in the person column '{person}'",
            why="k counts people, so every row must say whose it is",
            fix="complete the column, or remove these rows before",
        )
    # Only equality of the codes is used, never their order, so a library's own dictionary is safe here.
    encoded = column.combine_chunks().dictionary_encode()
    return _integers(encoded.indices), len(encoded.dictionary)


def _tuples_of(
    leaf_codes: Sequence[AnyInt], attributes: Sequence[CodedAttribute]
) -> tuple[IntArray, tuple[IntArray, ...]]:
    """Number the distinct tuples in the order of their codes; return the number of each row, and the tuples."""
    keys, _ = combine_codes(leaf_codes, [attribute.missing + 1 for attribute in attributes])
    order = order_of(keys)
    ordered = keys.take(order)
    is_first = np.append(True, ordered[1:] != ordered[:-1])[: len(ordered)]
    index = np.empty(len(order), np.int64)
    index[order] = np.cumsum(is_first) - 1
    first = order[is_first]
    return index, tuple(codes.take(first).astype(np.int64) for codes in leaf_codes)


def _split_people(
    tuples: IntArray, people_codes: IntArray, distinct: int, people: int
) -> tuple[IntArray, Pairs | None]:
    """Separate the people of one tuple, who simply add up, from those of several, who must be counted distinct."""
    pairs = np.unique(tuples * people + people_codes)
    of_tuple, of_person = np.divmod(pairs, people)
    tuples_of_person = np.bincount(of_person, minlength=people)
    is_shared = tuples_of_person[of_person] > 1
    loyal = np.bincount(of_tuple[~is_shared], minlength=distinct).astype(np.int64)
    if not is_shared.any():
        return loyal, None
    _, renumbered = np.unique(of_person[is_shared], return_inverse=True)
    return loyal, Pairs(of_tuple[is_shared], renumbered.astype(np.int64), int(renumbered.max()) + 1)


def _sensitive_counts(column: "pa.ChunkedArray", unseen: Any, tuples: IntArray, weights: IntArray) -> SensitiveCounts:
    import pyarrow as pa
    import pyarrow.compute as pc

    text = column if pa.types.is_string(column.type) else pc.cast(column, pa.string())
    labels = sorted(pc.unique(text).drop_null().to_pylist())
    found = pc.fill_null(pc.index_in(text, value_set=pa.array(labels, pa.string()), skip_nulls=True), len(labels))
    seen = ~unseen
    values = _integers(found)[seen]
    outside = None
    if unseen.any():
        outside = _sum_by(_integers(found)[unseen], weights[unseen], len(labels) + 1)
    every = SensitiveCounts(tuples, values, weights[seen], tuple(labels), outside)
    return every.merged(np.arange(int(tuples.max()) + 1 if len(tuples) else 0))


def _sum_by(index: IntArray, weights: IntArray, size: int) -> IntArray:
    # bincount adds in double precision: exact for counts below 2**53.
    return np.bincount(index, weights=weights, minlength=size).astype(np.int64)


def _integers(column: Any) -> IntArray:
    return np.asarray(column.to_numpy(zero_copy_only=False), np.int64)
