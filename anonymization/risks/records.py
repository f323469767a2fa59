"""A table as small integers, one column of codes an attribute, for questions about many sets of attributes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from anonymization.coding import AnyInt, combine_codes, number_keys
from anonymization.criteria.criterion import BoolArray
from anonymization.histogram import as_text, require_columns
from anonymization.quasi import IntArray
from policies.errors import DataError, PolicyError

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa

ROWS, OWNER = "__niji_rows", "__niji_owner"


@dataclass(frozen=True, slots=True)
class Records:
    """Distinct records: `codes[j]` is attribute j of each, below `sizes[j]`, where the last code is a missing value.

    Without a person column each row is a person, and equal rows are one entry that counts `weight` times. With one, an
    entry is what one person has of equal rows, `owner` is the person and `weight` is 1: a person is counted once.
    """

    columns: tuple[str, ...]
    codes: tuple[IntArray, ...] = field(repr=False)
    sizes: tuple[int, ...]
    weight: IntArray = field(repr=False)
    owner: IntArray | None = field(repr=False)

    @property
    def total(self) -> int:
        """How many records there are, an entry counted as often as it stands."""
        return int(self.weight.sum())

    def numbered(self, attributes: Sequence[int]) -> tuple[IntArray, int]:
        """Number the classes by some attributes: the class of each entry, and how many classes there are."""
        keys, space = combine_codes([self.codes[j] for j in attributes], [self.sizes[j] for j in attributes])
        return number_keys(keys, space)

    def alone(self, attributes: Sequence[int]) -> BoolArray:
        """Return which entries are of a person who is the only one with their values of some attributes."""
        number, count = self.numbered(attributes)
        if self.owner is None:
            held = np.bincount(number, weights=self.weight, minlength=count)
            return np.asarray(held[number] == 1)
        someone: AnyInt = np.empty(count, np.int64)
        someone[number] = self.owner  # any one of the class's people
        others = np.bincount(number, weights=self.owner != someone[number], minlength=count)
        return np.asarray(others[number] == 0)


def read_records(rows: "ibis.Table", columns: Sequence[str], *, person: str | None = None) -> Records:
    """Reduce a table to its distinct records.

    Args:
        rows: The table; not changed.
        columns: One or more columns, each once.
        person: The column that names the person; None when every row is another person.

    Raises:
        PolicyError: `policy.quasi-identifiers`: no column, or one twice.
        DataError: A missing column, an empty table, a row without a person.
    """
    named = [*columns, *([person] if person else [])]
    if not columns or len(set(named)) != len(named):
        raise PolicyError(
            "policy.quasi-identifiers",
            what="no column is named, or one is named twice",
            why="each column is an attribute or the person, and only one of them",
            fix="name at least one column, and each once",
        )
    require_columns(rows, named)
    keys = {name: as_text(rows[name]) for name in columns}
    if person is not None:
        keys[OWNER] = as_text(rows[person])
    narrow = rows.select(**keys)
    counted = narrow.group_by(list(keys)).aggregate(**{ROWS: narrow.count()}).to_pyarrow()
    if counted.num_rows == 0:
        raise DataError(
            "data.empty",
            what="the table has no rows",
            why="an empty table has no risk to measure",
            fix="check the source and the steps before this one",
        )
    coded = [_coded(counted.column(name)) for name in columns]
    weight = np.asarray(counted.column(ROWS).to_numpy(), np.int64)
    owner = None
    if person is not None:
        owner, people = _coded(counted.column(OWNER))
        if (owner == people - 1).any():
            raise DataError(
                "data.person-missing",
                what=f"{int(weight[owner == people - 1].sum())} row(s) have no value in the person column '{person}'",
                why="people are counted, so every row must say whose it is",
                fix="complete the column, or remove these rows before",
            )
        weight = np.ones(len(weight), np.int64)
    return Records(tuple(columns), tuple(codes for codes, _ in coded), tuple(size for _, size in coded), weight, owner)


def _coded(column: "pa.ChunkedArray") -> tuple[IntArray, int]:
    # Only equality of the codes is used, never their order, so a library's own dictionary is safe here.
    encoded = column.combine_chunks().dictionary_encode()
    missing = len(encoded.dictionary)
    codes = encoded.indices.fill_null(missing).to_numpy(zero_copy_only=False)
    return np.asarray(codes, np.int64), missing + 1
