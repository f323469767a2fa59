"""How often each sensitive value stands in each group of rows, when groups merge.

Rows are counted, not people: what an attacker sees in a class is its rows, and no two rows of a release can be known to
be one person's. (k counts people; see `criteria.k_anonymity`.) Counting rows also makes the counts add up under
merging, on which the bounds of `criteria.least_cut` rest.
"""

from dataclasses import dataclass, field

import numpy as np

from anonymization.coding import number_keys
from anonymization.quasi import IntArray


@dataclass(frozen=True, slots=True)
class SensitiveCounts:
    """Entry i: group `groups[i]` holds `rows[i]` rows of value `values[i]`; pairs are distinct and rows positive.

    `labels` are the known values, sorted; a value's code is its place there, and `missing` is the code of a null.
    `outside` counts, by code, the rows of the table that are in no group because they can never be published (a hierarchy
    does not know their value); they belong to the table that models compare a class with. None when there are none.
    """

    groups: IntArray
    values: IntArray
    rows: IntArray
    labels: tuple[str, ...] = field(repr=False)
    outside: IntArray | None = field(default=None, repr=False)

    @property
    def missing(self) -> int:
        """The code of a missing value, one past the last known one."""
        return len(self.labels)

    @property
    def size(self) -> int:
        """The number of codes."""
        return len(self.labels) + 1

    def merged(self, index: IntArray) -> "SensitiveCounts":
        """Return the counts after group g became group `index[g]`."""
        keys = index[self.groups] * self.size + self.values
        number, count = number_keys(keys, (int(index.max()) + 1) * self.size if len(index) else 1)
        distinct = np.empty(count, np.int64)
        distinct[number] = keys
        groups, values = np.divmod(distinct, self.size)
        # bincount adds in double precision: exact for counts below 2**53.
        rows = np.bincount(number, weights=self.rows, minlength=count).astype(np.int64)
        return SensitiveCounts(groups, values, rows, self.labels, self.outside)

    def known(self) -> "SensitiveCounts":
        """Return the counts without missing values."""
        seen = self.values != self.missing
        return SensitiveCounts(self.groups[seen], self.values[seen], self.rows[seen], self.labels, self.outside)

    def distinct(self, groups: int) -> IntArray:
        """Return for each of `groups` groups the number of distinct known values in it."""
        return np.bincount(self.groups[self.values != self.missing], minlength=groups).astype(np.int64)

    def totals(self, groups: int) -> IntArray:
        """Return for each of `groups` groups the rows counted in it."""
        return np.bincount(self.groups, weights=self.rows, minlength=groups).astype(np.int64)

    def overall(self) -> IntArray:
        """Return for each value code its rows in the whole table: in all groups together, and outside of them."""
        grouped = np.bincount(self.values, weights=self.rows, minlength=self.size).astype(np.int64)
        return grouped if self.outside is None else grouped + self.outside
