"""The public domain of synthetic people: columns, their values or bins, and combinations that cannot be.

Belongs here: what is known without the data. Every column has one code more than it has values: the last one says missing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from anonymization.perturbation.randomness import Draws
from policies.errors import PolicyError

Codes = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

MISSING = None
"""How the last code of a column reads: null, or a value that was not declared."""


@dataclass(frozen=True, slots=True)
class Category:
    """A column with declared values; null and undeclared values are one category, missing."""

    column: str
    values: tuple[str, ...]
    source: str

    @property
    def labels(self) -> tuple[str | None, ...]:
        """The reading of each code, missing last."""
        return (*self.values, MISSING)

    def decode(self, codes: Codes) -> pa.Array:
        """Return the values of `codes` as strings, missing as null."""
        return pa.array(self.labels, pa.string()).take(pa.array(codes))


@dataclass(frozen=True, slots=True)
class Number:
    """A number in bins [edge, next edge) on public edges; null and numbers outside all bins are missing.

    A synthetic number is drawn uniformly among the multiples of `grid` in its bin. Where `is_clipped`, numbers outside all
    bins are counted in the outer ones instead.
    """

    column: str
    edges: tuple[Decimal, ...]
    grid: Decimal
    source: str
    is_clipped: bool = False

    @property
    def labels(self) -> tuple[str | None, ...]:
        """The reading of each code, such as `[0, 18)`, missing last."""
        return (*(f"[{low}, {high})" for low, high in zip(self.edges, self.edges[1:], strict=False)), MISSING)

    def decode(self, codes: Codes) -> pa.Array:
        """Return one number for each code (float64), missing as null."""
        steps = np.array([int(edge / self.grid) for edge in self.edges])
        inside = np.minimum(codes, len(self.edges) - 2)
        width = (steps[1:] - steps[:-1])[inside]
        units = steps[inside] + np.minimum((Draws().uniform(len(codes)) * width).astype(np.int64), width - 1)
        # One division of whole numbers: the nearest float to the multiple, also for a grid such as 0.1.
        numerator, denominator = self.grid.as_integer_ratio()
        return pa.array(units * numerator / denominator, pa.float64(), mask=codes >= len(self.edges) - 1)


Column = Category | Number


@dataclass(frozen=True, slots=True)
class Impossible:
    """Combinations of labels that cannot be, such as (male, pregnant): never sampled, whatever the noise says."""

    columns: tuple[str, ...]
    combinations: tuple[tuple[str | None, ...], ...]
    source: str


@dataclass(frozen=True, slots=True)
class Domain:
    """The columns of a synthetic person, and what cannot be; checked by `check_domain`."""

    columns: tuple[Column, ...]
    impossible: tuple[Impossible, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Column names, in order."""
        return tuple(column.column for column in self.columns)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Codes a column, missing included."""
        return tuple(len(column.labels) for column in self.columns)

    def places(self, names: Sequence[str]) -> tuple[int, ...]:
        """Return the places of `names`, ascending.

        Raises:
            PolicyError: A name is unknown or repeated.
        """
        if not set(names) <= set(self.names) or len(set(names)) != len(names) or not names:
            raise PolicyError(
                "dp.unknown-column",
                what="a group of columns names one that the synthetic table has not, or one twice, or none",
                why="marginals are measured over columns with a declared public domain",
                fix="name each column of the domain at most once",
            )
        return tuple(sorted(self.names.index(name) for name in names))

    def zeros(self) -> tuple[tuple[tuple[int, ...], Floats], ...]:
        """Return, for each declared impossibility, its columns' places and 0 where it holds, 1 elsewhere."""
        made = []
        for group in self.impossible:
            places = self.places(group.columns)
            allowed = np.ones([self.sizes[place] for place in places])
            for combination in group.combinations:
                named = dict(zip(group.columns, combination, strict=True))
                labels = [(self.columns[place].labels, named[self.names[place]]) for place in places]
                allowed[tuple(known.index(label) for known, label in labels)] = 0
            made.append((places, allowed))
        return tuple(made)

    def decode(self, codes: Codes) -> pa.Table:
        """Return the table of coded rows (N x columns): strings and float64."""
        return pa.table({column.column: column.decode(codes[:, i]) for i, column in enumerate(self.columns)})


def check_domain(domain: Domain) -> None:
    """Refuse a domain that is not public, not a partition, or contradicts itself.

    Raises:
        PolicyError: A name or value repeats, edges are not ascending multiples of the grid, a source is missing, or an
            impossible combination names what is not declared.
    """
    if len(set(domain.names)) != len(domain.names) or len(domain.columns) < 2:
        raise _wrong("fewer than two columns, or two of one name", "give two or more columns, each once")
    for column in domain.columns:
        if len(column.source) < 4:
            raise _wrong(f"column '{column.column}' has no source", "say where its public values or edges come from")
        if isinstance(column, Category):
            if not column.values or len(set(column.values)) != len(column.values):
                raise _wrong(f"column '{column.column}' has no values, or one twice", "write each value once")
        else:
            _check_number(column)
    for group in domain.impossible:
        _check_impossible(domain, group)


def _check_number(column: Number) -> None:
    ascending = all(low < high for low, high in zip(column.edges, column.edges[1:], strict=False))
    if len(column.edges) < 2 or not ascending or column.grid <= 0:
        raise _wrong(f"the edges of '{column.column}' are not ascending, or its grid not above 0", "order the edges")
    if any(edge % column.grid != 0 for edge in column.edges):
        raise _wrong(f"an edge of '{column.column}' is no multiple of its grid", "let edges be multiples of the grid")


def _check_impossible(domain: Domain, group: Impossible) -> None:
    domain.places(group.columns)
    labels = {column.column: column.labels for column in domain.columns}
    for combination in group.combinations:
        known = len(combination) == len(group.columns) and all(
            label in labels[name] for name, label in zip(group.columns, combination, strict=True)
        )
        if not known:
            raise _wrong("an impossible combination names a label that its column has not", "write declared labels")
    if len(group.source) < 4:
        raise _wrong("an impossible combination has no source", "say where it is known from; never from the data")


def _wrong(what: str, fix: str) -> PolicyError:
    return PolicyError(
        "dp.synthetic-domain",
        what=what,
        why="a domain that is not public, or not a partition, would tell of the data or count a person twice",
        fix=fix,
    )
