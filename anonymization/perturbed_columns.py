"""A release's operations that change values: microaggregation, random rounding and noise, on a column on its way out.

Belongs here: from the working table to arrays and back. The methods are in `anonymization.perturbation`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import ibis
import numpy as np
import pyarrow as pa

from anonymization.perturbation.arrays import Floats
from anonymization.perturbation.microaggregation import aggregated
from anonymization.perturbation.noise import add_bounded_noise
from anonymization.perturbation.randomness import Draws
from anonymization.perturbation.rounding import round_randomly
from anonymization.perturbation.table import as_numbers
from anonymization.perturbation.univariate import optimal_groups
from policies.model.treatment import AddNoise, Microaggregate, RoundRandomly


@dataclass(frozen=True, slots=True)
class Place:
    """Where the column stands: its table, its name there, the column of the person, and what messages call it."""

    rows: ibis.Table = field(repr=False)
    column: str
    person: str
    label: str


def microaggregated(place: Place, treatment: Microaggregate, *, beside: Sequence[str]) -> ibis.Table:
    """Replace numbers by means of the best groups of `min_persons` people, for each combination of the columns `beside`.

    Equal values of a combination stay equal. The values of a combination that fewer people have become null, as what is
    still rare under `roll_up_rare` does. The result does not hang on chance.

    Guarantee: every value that is left is the mean of values of at least `min_persons` people.
    """
    rows, values, people = _read(place)
    result = np.full(values.size, np.nan)
    for part in _parts(rows, beside):
        known = part[~np.isnan(values[part])]
        if np.unique(people[known]).size >= treatment.min_persons:
            groups = optimal_groups(values[known], k=treatment.min_persons, people=people[known])
            result[known] = np.round(aggregated(values[known], groups), treatment.decimals) + 0.0
    return _written(place, rows, result)


def randomly_rounded(place: Place, treatment: RoundRandomly) -> ibis.Table:
    """Round to a neighboring multiple by lot; a person's equal values are rounded alike."""
    rows, values, people = _read(place)
    found = round_randomly(values, base=float(treatment.to), draws=Draws(), people=people)
    # Multiplying leaves binary dust (3 × 0.1); rounding to the base's own decimals removes it.
    return _written(place, rows, np.round(found, _decimals(treatment.to)) + 0.0)


def with_noise(place: Place, treatment: AddNoise) -> ibis.Table:
    """Add noise between the bounds, with as many decimals as `sd` has; a person's equal values get the same noise.

    Raises:
        DataError: A value lies outside the bounds.
    """
    rows, values, people = _read(place)
    low, high = float(treatment.low), float(treatment.high)
    found = add_bounded_noise(values, sd=float(treatment.sd), low=low, high=high, draws=Draws(), people=people)
    return _written(place, rows, np.clip(np.round(found, _decimals(treatment.sd)), low, high) + 0.0)


def _decimals(figure: Decimal) -> int:
    return max(0, -int(figure.normalize().as_tuple().exponent))


def _read(place: Place) -> tuple[pa.Table, Floats, Any]:
    """Return the rows, the column as numbers, and the number of each row's person."""
    rows = place.rows.to_pyarrow()
    people = rows.column(place.person).combine_chunks().dictionary_encode().indices.fill_null(-1)
    numbers = as_numbers(rows.column(place.column), name=place.label)
    return rows, numbers, people.to_numpy(zero_copy_only=False).astype(np.int64)


def _parts(rows: pa.Table, beside: Sequence[str]) -> list[Any]:
    """Return the row numbers of each combination of values of the columns `beside`; a missing value is one of its own."""
    codes = np.zeros(rows.num_rows, dtype=np.int64)
    for name in beside:
        own = (
            rows.column(name).combine_chunks().dictionary_encode().indices.fill_null(-1).to_numpy(zero_copy_only=False)
        )
        codes = np.unique(np.stack([codes, own]), axis=1, return_inverse=True)[1].reshape(-1)
    order = np.argsort(codes, kind="stable")
    return [part for part in np.split(order, np.flatnonzero(np.diff(codes[order])) + 1) if part.size]


def _written(place: Place, rows: pa.Table, values: Floats) -> ibis.Table:
    column = pa.array(values, pa.float64(), mask=np.isnan(values))
    return ibis.memtable(rows.set_column(rows.column_names.index(place.column), place.column, column))
