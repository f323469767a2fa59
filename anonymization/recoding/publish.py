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

KEY, OF, CLASS, NUMBER = "__niji_key_{}", "__niji_of_{}", "__niji_class", "__niji_number"
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
    keyed = rows.mutate(**{KEY.format(j): as_text(rows[one.column]) for j, one in enumerate(histogram.attributes)})
    whole, divided = shares.apart()
    placed = _placed(keyed, histogram, whole)
    if len(divided.tuples):
        placed = placed.union(_placed_by_number(keyed, rows, histogram, divided))
    published = _with_labels(placed, histogram, trees=trees, labels=labels)
    return published.select(*rows.columns)


def _tuple_table(histogram: Histogram, shares: Shares) -> "pa.Table":
    """Return the tuples by their values, not their codes: one join finds a row's tuple, however many columns there are."""
    import pyarrow as pa

    columns = {}
    for j, (attribute, codes) in enumerate(zip(histogram.attributes, histogram.codes, strict=True)):
        values = pa.array([*attribute.leaves, None], pa.string())  # the code of a missing value is the last
        columns[OF.format(j)] = values.take(pa.array(codes[shares.tuples]))
    return pa.table({**columns, CLASS: shares.classes, FIRST: shares.first, END: shares.first + shares.rows})


def _same(rows: "ibis.Table", tuples: "ibis.Table", histogram: Histogram) -> list["ibis.expr.types.BooleanValue"]:
    return [rows[KEY.format(j)].identical_to(tuples[OF.format(j)]) for j in range(len(histogram.codes))]


def _placed(keyed: "ibis.Table", histogram: Histogram, shares: Shares) -> "ibis.Table":
    """Give each row the class of its tuple; a row whose value the hierarchy does not know is in no tuple, and goes."""
    import ibis

    tuples = ibis.memtable(_tuple_table(histogram, shares))
    return keyed.inner_join(tuples, _same(keyed, tuples, histogram)).select(*keyed.columns, CLASS)


def _placed_by_number(keyed: "ibis.Table", rows: "ibis.Table", histogram: Histogram, shares: Shares) -> "ibis.Table":
    """Place the rows of divided tuples: numbered within their tuple, each class takes a range of numbers."""
    import ibis

    tuples = ibis.memtable(_tuple_table(histogram, shares))
    keys = [KEY.format(j) for j in range(len(histogram.codes))]
    some = keyed.semi_join(tuples, _same(keyed, tuples, histogram))
    content = [as_text(some[name]).fill_null("") for name in sorted(rows.columns) if not name.startswith(OWN)]
    digest = ibis.literal(SEPARATOR).join(content).hexdigest("sha256")
    number = ibis.row_number().over(
        ibis.window(group_by=keys, order_by=[digest, *(some[name] for name in rows.columns)])
    )
    numbered = some.mutate(**{NUMBER: number})
    in_range = [numbered[NUMBER] >= tuples[FIRST], numbered[NUMBER] < tuples[END]]
    return numbered.inner_join(tuples, [*_same(numbered, tuples, histogram), *in_range]).select(*keyed.columns, CLASS)


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
