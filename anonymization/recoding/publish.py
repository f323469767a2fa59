"""From classes to the published table: lazy joins of mapping tables, as in global recoding, but one label set a class."""

from typing import TYPE_CHECKING

import numpy as np

from anonymization.histogram import Histogram, as_text
from anonymization.quasi import IntArray
from anonymization.recoding.shares import Shares
from anonymization.recoding.trees import LabelTree

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa

CODE, CLASS, NUMBER = "__niji_code_{}", "__niji_class", "__niji_number"
FIRST, END = "__niji_first", "__niji_end"
SEPARATOR = "\x1f"
OWN = "__niji"
"""Columns of our own, such as row numbers, say nothing of the content; they decide only between rows of equal content."""


def publish(
    rows: "ibis.Table", histogram: Histogram, *, trees: tuple[LabelTree, ...], shares: Shares, labels: IntArray
) -> "ibis.Table":
    """Return the table with each row at the labels of its class; rows in no class are gone.

    Args:
        rows: The table that the histogram was made of. Not changed.
        histogram: Its tuples.
        trees: The labels of each quasi-identifier.
        shares: Which rows of which tuple are in which class.
        labels: `labels[j][c]` is the label of class c in quasi-identifier j.

    The rows of a tuple that is divided are told apart by their place in the order of a digest of all other columns, so
    which row goes where depends on the table's content alone, and follows no value.
    """
    coded = rows
    for j in range(len(trees)):
        coded = _with_code(coded, histogram, j)
    whole, divided = shares.apart()
    placed = _placed(coded, histogram, whole)
    if len(divided.tuples):
        placed = placed.union(_placed_by_number(coded, rows, histogram, divided))
    published = _with_labels(placed, histogram, trees=trees, labels=labels)
    return published.select(*rows.columns)


def _with_code(rows: "ibis.Table", histogram: Histogram, j: int) -> "ibis.Table":
    """Add the leaf code of a quasi-identifier; a row whose value the hierarchy does not know is dropped."""
    import ibis
    import pyarrow as pa

    attribute = histogram.attributes[j]
    value, leaf = f"__niji_value_{j}", f"__niji_leaf_{j}"
    leaves = pa.table({value: pa.array(attribute.leaves, pa.string()), leaf: np.arange(attribute.missing)})
    known = ibis.memtable(leaves)
    joined = rows.left_join(known, as_text(rows[attribute.column]) == known[value])
    code = joined[attribute.column].isnull().ifelse(ibis.literal(attribute.missing, "int64"), joined[leaf])
    coded = joined.mutate(**{CODE.format(j): code}).drop(value, leaf)
    return coded.filter(coded[CODE.format(j)].notnull())


def _tuple_table(histogram: Histogram, shares: Shares) -> "pa.Table":
    import pyarrow as pa

    columns = {f"__niji_of_{j}": codes[shares.tuples] for j, codes in enumerate(histogram.codes)}
    return pa.table({**columns, CLASS: shares.classes, FIRST: shares.first, END: shares.first + shares.rows})


def _placed(coded: "ibis.Table", histogram: Histogram, shares: Shares) -> "ibis.Table":
    import ibis

    tuples = ibis.memtable(_tuple_table(histogram, shares))
    same = [coded[CODE.format(j)] == tuples[f"__niji_of_{j}"] for j in range(len(histogram.codes))]
    return coded.inner_join(tuples, same).select(*coded.columns, CLASS)


def _placed_by_number(coded: "ibis.Table", rows: "ibis.Table", histogram: Histogram, shares: Shares) -> "ibis.Table":
    """Place the rows of divided tuples: numbered within their tuple, each class takes a range of numbers."""
    import ibis

    tuples = ibis.memtable(_tuple_table(histogram, shares))
    codes = [CODE.format(j) for j in range(len(histogram.codes))]
    same = [coded[name] == tuples[f"__niji_of_{j}"] for j, name in enumerate(codes)]
    some = coded.semi_join(tuples, same)
    content = [as_text(some[name]).fill_null("") for name in sorted(rows.columns) if not name.startswith(OWN)]
    digest = ibis.literal(SEPARATOR).join(content).hexdigest("sha256")
    number = ibis.row_number().over(
        ibis.window(group_by=codes, order_by=[digest, *(some[name] for name in rows.columns)])
    )
    numbered = some.mutate(**{NUMBER: number})
    same = [numbered[name] == tuples[f"__niji_of_{j}"] for j, name in enumerate(codes)]
    in_range = [numbered[NUMBER] >= tuples[FIRST], numbered[NUMBER] < tuples[END]]
    return numbered.inner_join(tuples, [*same, *in_range]).select(*coded.columns, CLASS)


def _with_labels(
    placed: "ibis.Table", histogram: Histogram, *, trees: tuple[LabelTree, ...], labels: IntArray
) -> "ibis.Table":
    import ibis
    import pyarrow as pa

    of_class = "__niji_of_class"
    columns = {of_class: pa.array(np.arange(labels.shape[1]))}
    for j, tree in enumerate(trees):
        texts = pa.array(tree.texts, pa.string())
        columns[f"__niji_label_{j}"] = texts.take(pa.array(labels[j]))
    classes = ibis.memtable(pa.table(columns))
    joined = placed.inner_join(classes, placed[CLASS] == classes[of_class])
    named = {
        attribute.column: joined[f"__niji_label_{j}"]
        for j, attribute in enumerate(histogram.attributes)
        if not attribute.is_plain
    }
    return joined.mutate(**named) if named else joined
