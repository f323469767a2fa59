"""Perturbing the columns of one table, with what it cost beside each column: the way in for a person with a table.

Belongs here: columns to arrays and back, the order of steps, the figures before and after. The methods have files of their own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from anonymization.perturbation.arrays import Floats, Ints, refused
from anonymization.perturbation.information_loss import coded_loss, correlation_change, linked_share, numeric_loss
from anonymization.perturbation.randomness import Draws
from anonymization.perturbation.steps import CodeExtremes, Step, carry_out, codes_of, numbers_of, parameters_of
from policies.errors import DataError

DECIMALS = 6
"""Published numbers have at most so many decimals: a mean of 17 digits is a fingerprint of its group, and noise of itself."""


@dataclass(frozen=True, slots=True)
class PerturbedTable:
    """The table after all steps, its rows in the order of the source.

    Attributes:
        table: The perturbed columns and those that were kept, under their names.
        steps: What was asked, step by step, with what it says for itself (groups, the transition matrix,
            its categories in their order).
        loss: The information loss of each perturbed column.
        together: Over all perturbed columns of numbers: the greatest change of a correlation, and the share of rows that
            distance-based record linkage finds.
    """

    table: pa.Table = field(repr=False)
    steps: Sequence[Mapping[str, Any]]
    loss: Mapping[str, Mapping[str, Any]]
    together: Mapping[str, float | None]


def perturb_table(
    table: pa.Table,
    steps: Sequence[Step],
    *,
    person: str | None = None,
    keep: Sequence[str] = (),
    draws: Draws | None = None,
    decimals: int = DECIMALS,
) -> PerturbedTable:
    """Perturb columns of a table; limits are coded first, then each step in the order given.

    Args:
        table: N rows. Columns of numbers may be text. Not changed.
        steps: At least one; a column is in one step, and may be in `CodeExtremes` beside it.
        person: The column that names the person; groups then count people, and a person's equal values change alike.
        keep: Further columns that leave as they are.
        draws: Where chance is from; None: the system's generator, which cannot be repeated.
        decimals: How many decimals published numbers have at most.

    Returns:
        The columns of the steps and of `keep`, with what it cost. Rows keep their order: sort them before they leave.

    Raises:
        UsageError: No step, a column in two steps, the person column kept or perturbed, a parameter that makes no sense.
        DataError: A column is missing or holds no numbers; people without a name; as the methods.

    Guarantee: what the steps promise, each for its columns; see `steps.promise_of`.
    Not guaranteed: anything of columns in `keep`, or of columns of several steps taken together.
    """
    asked = sorted(steps, key=lambda step: not isinstance(step, CodeExtremes))
    columns = _columns(asked, person, keep)
    _all_there(table, [*columns, *keep, *([person] if person else [])])
    people = _people(table, person)
    numeric = [name for name in columns if any(name in numbers_of(step) for step in asked)]
    numbers = {name: as_numbers(table.column(name), name=name) for name in numeric}
    before = dict(numbers)
    categories, codes = {}, {}
    for name in columns:
        if name not in numbers:
            categories[name], codes[name] = _as_codes(table.column(name), name=name)
    coded = dict(codes)
    said = []
    for step in asked:
        done = carry_out(step, numbers, codes, people=people, draws=draws or Draws())
        numbers |= {name: np.round(values, decimals) + 0.0 for name, values in done.numbers.items()}
        codes |= done.codes
        said.append({**parameters_of(step), **done.measured})
    new = {name: _as_column(values) for name, values in numbers.items()}
    new |= {name: _from_codes(values, categories[name]) for name, values in codes.items()}
    kept = {name: table.column(name) for name in keep}
    loss = {name: numeric_loss(before[name], numbers[name]) for name in numbers}
    return PerturbedTable(
        table=pa.table({**{name: new[name] for name in columns}, **kept}),
        steps=said,
        loss={**loss, **{name: coded_loss(coded[name], codes[name]) for name in codes}},
        together=_together(before, numbers),
    )


def _columns(steps: Sequence[Step], person: str | None, keep: Sequence[str]) -> list[str]:
    """Return the columns of the steps, each once."""
    if not steps:
        raise refused("no step is asked", why="the table would leave as it is", fix="name a method and its column")
    used = [
        name for step in steps if not isinstance(step, CodeExtremes) for name in (*numbers_of(step), *codes_of(step))
    ]
    limited = [name for step in steps if isinstance(step, CodeExtremes) for name in numbers_of(step)]
    twice = sorted(
        {name for name in used if used.count(name) > 1} | {name for name in limited if limited.count(name) > 1}
    )
    twice += sorted({*used, *limited} & {*keep, *([person] if person else [])})
    if person is not None and person in keep:
        twice.append(person)
    if twice:
        raise refused(
            f"{', '.join(repr(name) for name in twice)} is asked for twice, or names the person",
            why="what a column promises must be what its one method promises, and the person's name never leaves",
            fix="name each column in one method, or in --keep, and the person's in neither",
        )
    return list(dict.fromkeys([*used, *limited]))


def _all_there(table: pa.Table, names: Sequence[str]) -> None:
    absent = [name for name in dict.fromkeys(names) if name not in table.column_names]
    if absent or not table.num_rows:
        raise DataError(
            "data.column-missing" if absent else "data.empty",
            what=f"the table has no column {', '.join(repr(name) for name in absent)}"
            if absent
            else "the table has no rows",
            why="every column that is named must be there, with rows in it",
            fix="check the spelling against the table's header",
        )


def _people(table: pa.Table, person: str | None) -> "np.ndarray[Any, Any] | None":
    if person is None:
        return None
    column = table.column(person)
    if column.null_count:
        raise DataError(
            "data.no-person",
            what=f"{column.null_count} rows have no person",
            why="groups count people, and who has no name is nobody or everybody",
            fix="fill the column, or take these rows out",
        )
    return np.asarray(column.combine_chunks().dictionary_encode().indices.to_numpy(zero_copy_only=False))


def as_numbers(column: pa.ChunkedArray, *, name: str) -> Floats:
    """Return a column as numbers, NaN where it is missing; text is read as numbers.

    Raises:
        DataError: It is not a column of numbers (`data.not-a-number`).
    """
    try:
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            column = pc.utf8_trim_whitespace(column)
        # A yes or no is a category, and must not become 1 or 0 unasked.
        values = pc.cast(
            column.cast(pa.string()) if pa.types.is_boolean(column.type) else column, pa.float64(), safe=False
        )
    except pa.ArrowException:
        raise DataError(
            "data.not-a-number",
            what=f"'{name}' holds values that are no numbers",
            why="the method is defined for numbers",
            fix="use pram, or name the column under --categories, if it holds categories; else correct the source",
        ) from None
    return np.array(values.to_numpy(), dtype=np.float64)


def _as_codes(column: pa.ChunkedArray, *, name: str) -> tuple[pa.Array, Ints]:
    """Return the categories in their order, and the code of each row, -1 missing."""
    if pa.types.is_nested(column.type):
        raise DataError(
            "data.not-a-category",
            what=f"'{name}' holds lists or records, not categories",
            why="a category is one value that can be exchanged for another",
            fix="make a column of single values of it first, or leave it out",
        )
    categories = pc.array_sort_indices(pc.unique(column).drop_null())
    ordered = pc.unique(column).drop_null().take(categories)
    codes = pc.index_in(column, value_set=ordered)
    return ordered, np.asarray(pc.fill_null(codes, -1).to_numpy(), dtype=np.int64)


def _from_codes(codes: Ints, categories: pa.Array) -> pa.Array:
    return categories.take(pa.array(codes, pa.int64(), mask=codes < 0))


def _as_column(values: Floats) -> pa.Array:
    """Return numbers as a column; whole ones are written as such."""
    missing = np.isnan(values)
    known = values[~missing]
    if known.size and (np.rint(known) == known).all() and np.abs(known).max() < 2**53:
        return pa.array(np.where(missing, 0, values).astype(np.int64), mask=missing)
    return pa.array(values, pa.float64(), mask=missing)


def _together(before: Mapping[str, Floats], after: Mapping[str, Floats]) -> dict[str, float | None]:
    if not before:
        return {"correlation_change": None, "linked_share": None}
    x, y = (np.stack(list(side.values()), axis=1) for side in (before, after))
    return {"correlation_change": correlation_change(x, y), "linked_share": linked_share(x, y)}
