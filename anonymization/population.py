"""The population that a table was taken from: how many of its people are in each class.

A population table gives people by the same quasi-identifiers; its tuples join the histogram with no rows of their own, and
merge with the others when labels merge. So models hold a class against what the population has of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from anonymization.coding import combine_codes
from anonymization.criteria.criterion import ClassCounts
from anonymization.histogram import Histogram, as_text, require_columns
from anonymization.quasi import IntArray, QuasiIdentifier
from anonymization.sensitive import SensitiveCounts
from policies.errors import DataError

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa

POPULATION = "__niji_population"
"""Under this name, which no column has, a class's people of the population stand among its counts."""


@dataclass(frozen=True, slots=True)
class Population:
    """A population table: `people` names the column that counts people; None when every row is one person."""

    rows: "ibis.Table" = field(repr=False)
    people: str | None = None


def people_of(classes: ClassCounts) -> IntArray:
    """Return how many people of the population each class has."""
    return classes.sensitive[POPULATION].totals(len(classes.rows))


def people_outside(classes: ClassCounts) -> int:
    """Return how many people of the population are in no class, because a hierarchy does not know a value of theirs."""
    outside = classes.sensitive[POPULATION].outside
    return 0 if outside is None else int(outside.sum())


def grown(quasi_identifiers: Sequence[QuasiIdentifier], population: Population) -> list[QuasiIdentifier]:
    """Return the quasi-identifiers with their hierarchies grown by the population's values, where a rule makes labels.

    Else a value that only the population holds would be missing from the coarser classes it belongs to. The loss is then
    measured against the values of both tables.

    Raises:
        DataError: `data.column-missing`: the population has not all quasi-identifiers.
    """
    require_columns(population.rows, [quasi.column for quasi in quasi_identifiers])
    return [
        quasi
        if quasi.hierarchy is None or quasi.hierarchy.rule is None
        else replace(quasi, hierarchy=quasi.hierarchy.for_values(_values(population, quasi.column)))
        for quasi in quasi_identifiers
    ]


def _values(population: Population, column: str) -> list[str]:
    text = as_text(population.rows[column])
    found = population.rows.select(value=text).distinct().to_pyarrow().column("value").to_pylist()
    return [value for value in found if value is not None]


def with_population(histogram: Histogram, population: Population) -> Histogram:
    """Return the histogram with the people of the population counted in every tuple, its own and the population's.

    A tuple that only the population holds has no rows. People with a value that a hierarchy does not know are in no class:
    that makes a class's population smaller, never larger.

    Raises:
        DataError: A missing column; a count that is missing, negative or no whole number; a population with nobody, or with
            fewer people than the table.
    """
    counted = _counted(histogram, population)
    people = _whole(counted, population.people)
    if int(people.sum()) < histogram.people:
        raise DataError(
            "data.population-small",
            what="the population table counts fewer people than the table",
            why="the people of the table are part of the population, which must hold them all",
            fix="give a table of the whole population, by the same quasi-identifiers",
        )
    codes = [_codes(counted.column(a.column), a.leaves) for a in histogram.attributes]
    is_known = np.logical_and.reduce([column >= 0 for column in codes])
    joined = _joined(histogram, [column[is_known] for column in codes], people[is_known])
    outside = np.array([int(people[~is_known].sum()), 0], np.int64)
    held = replace(joined.sensitive[POPULATION], outside=outside if outside[0] else None)
    return replace(joined, sensitive={**joined.sensitive, POPULATION: held})


def _counted(histogram: Histogram, population: Population) -> "pa.Table":
    columns = [attribute.column for attribute in histogram.attributes]
    extra = [population.people] if population.people is not None else []
    require_columns(population.rows, [*columns, *extra])
    keys = {name: as_text(population.rows[name]) for name in columns}
    if population.people is None:
        narrow = population.rows.select(**keys)
        return narrow.group_by(columns).aggregate(**{POPULATION: narrow.count()}).to_pyarrow()
    return population.rows.select(**keys, **{POPULATION: population.rows[population.people]}).to_pyarrow()


def _whole(counted: "pa.Table", column: str | None) -> IntArray:
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        numbers = pc.cast(counted.column(POPULATION), pa.int64())  # safe: refuses fractions and text that is no number
        wrong = numbers.null_count + (pc.sum(pc.less(numbers, 0)).as_py() or 0)
    except pa.ArrowException:
        numbers, wrong = None, counted.num_rows
    if numbers is None or wrong:
        raise DataError(
            "data.population-count",
            what=f"{wrong} row(s) of the population table have no number of people in column '{column}'",
            why="people are counted in whole numbers from 0 on",
            fix="correct the column",
        )
    return np.asarray(numbers.to_numpy(), np.int64)


def _codes(column: "pa.ChunkedArray", leaves: Sequence[str]) -> IntArray:
    """Return the leaf codes: one past the last for a missing value, -1 for one that is no leaf."""
    place: dict[Any, int] = {leaf: code for code, leaf in enumerate(leaves)}
    place[None] = len(leaves)
    return np.array([place.get(value, -1) for value in column.to_pylist()], np.int64)


def _joined(histogram: Histogram, codes: Sequence[IntArray], people: IntArray) -> Histogram:
    own = len(histogram.rows)
    every = [np.concatenate([mine, theirs]) for mine, theirs in zip(histogram.codes, codes, strict=True)]
    keys, _ = combine_codes(every, [attribute.missing + 1 for attribute in histogram.attributes])
    distinct, first, index = np.unique(keys, return_index=True, return_inverse=True)
    index = index.reshape(-1).astype(np.int64)
    rows = _sum(index[:own], histogram.rows, len(distinct))
    loyal = rows if histogram.loyal is histogram.rows else _sum(index[:own], histogram.loyal, len(distinct))
    shared = histogram.shared
    sensitive = {
        name: replace(counts, groups=index[:own][counts.groups]) for name, counts in histogram.sensitive.items()
    }
    held = _sum(index[own:], people, len(distinct))
    groups = np.flatnonzero(held)
    sensitive[POPULATION] = SensitiveCounts(groups, np.zeros(len(groups), np.int64), held[groups], ("people",))
    return replace(
        histogram,
        codes=tuple(column[first] for column in every),
        rows=rows,
        loyal=loyal,
        shared=None if shared is None else replace(shared, tuples=index[:own][shared.tuples]),
        sensitive=sensitive,
    )


def _sum(index: IntArray, weights: IntArray, size: int) -> IntArray:
    # bincount adds in double precision: exact for counts below 2**53.
    return np.bincount(index, weights=weights, minlength=size).astype(np.int64)
