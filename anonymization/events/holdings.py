"""Who holds which codes: the entries of a set-valued attribute, and how they look under the labels of the moment.

A record is a row that will be published with its set of codes; a person may have several. Codes are a set: twice is once.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from anonymization.events.code_tree import TOP, IntArray

BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Holdings:
    """Entry i says that record `records[i]` holds code `codes[i]`; entries differ and are sorted by record.

    `people[r]` is the person of record r, as a number; records without entries count, too. `sensitive[r]` is the number of the
    record's sensitive value, -1 for none that matters. `outside` counts entries whose code no hierarchy knows: they are never published.
    """

    records: IntArray = field(repr=False)
    codes: IntArray = field(repr=False)
    people: IntArray = field(repr=False)
    sensitive: IntArray = field(repr=False)
    outside: int = 0

    @property
    def entries(self) -> int:
        """All entries, those outside included."""
        return len(self.codes) + self.outside

    def of_codes(self, size: int) -> IntArray:
        """Return the entries of each of `size` codes."""
        return np.bincount(self.codes, minlength=size).astype(np.int64)


@dataclass(frozen=True, slots=True)
class View:
    """Holdings under labels: `labels` of record r, sorted, are those from `record_start[r]` to `record_start[r + 1]`.

    Labels are numbered 0 … n - 1; `nodes[label]` is the node of the tree. `label_records` are the records of each label, likewise.
    `entry` maps each entry of the holdings to its place in `labels`, -1 for those that are not published.
    """

    record_start: IntArray = field(repr=False)
    labels: IntArray = field(repr=False)
    owners: IntArray = field(repr=False)
    label_start: IntArray = field(repr=False)
    label_records: IntArray = field(repr=False)
    nodes: IntArray = field(repr=False)
    entry: IntArray = field(repr=False)
    people: IntArray = field(repr=False)
    sensitive: IntArray = field(repr=False)
    one_record_each: bool

    @property
    def size(self) -> int:
        """The number of labels."""
        return len(self.nodes)

    def records_of(self, label: int) -> IntArray:
        """Return the records that hold a label, in order."""
        return self.label_records[self.label_start[label] : self.label_start[label + 1]]


def view_of(holdings: Holdings, published: IntArray, removed: BoolArray | None = None) -> View:
    """Look at holdings through labels.

    Args:
        holdings: Who holds what.
        published: The node that each code is published as; `TOP` for not at all.
        removed: Entries that are not published although their code is.
    """
    nodes_of_entries = published[holdings.codes]
    seen = nodes_of_entries != TOP
    if removed is not None:
        seen &= ~removed
    nodes, labels = np.unique(nodes_of_entries[seen], return_inverse=True)
    count, records = max(len(nodes), 1), len(holdings.people)
    keys, place = np.unique(holdings.records[seen] * count + labels, return_inverse=True)
    owners, held = np.divmod(keys, count)
    entry = np.full(len(holdings.codes), -1, np.int64)
    entry[seen] = place
    by_label = np.argsort(held, kind="stable")
    return View(
        record_start=np.searchsorted(owners, np.arange(records + 1)).astype(np.int64),
        labels=held,
        owners=owners,
        label_start=np.searchsorted(held[by_label], np.arange(len(nodes) + 1)).astype(np.int64),
        label_records=owners[by_label],
        nodes=nodes,
        entry=entry,
        people=holdings.people,
        sensitive=holdings.sensitive,
        one_record_each=len(np.unique(holdings.people)) == records,
    )
