"""Noisy moments: sums of all products of a row's numbers, each scaled to one public range, in one noisy vector.

A variance and a linear regression are read off the same vector. Numbers are whole steps from -R to R around the middle
of their clip, the constant is R, so that every product lies within ±R² and all moments get the same noise.

Source: "sufficient statistics perturbation", Vu & Slavkovic 2009; Foulds et al., UAI 2016.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations_with_replacement
from typing import Any

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from anonymization.dp.queries.prepare import (
    PERSON,
    RECORD,
    among_keys,
    first_contributions,
    subkey_of,
    whole_units,
    with_columns,
)
from anonymization.dp.query_plan import Frame, QueryPlan, Units, units_of
from policies.errors import PolicyError
from policies.model.method import DpQuery, PublicKeys

MOMENT = "__moment"
PRODUCT = "__product"
STEPS = 4_096
"""Whole steps from the middle of a clip to its end where several columns share a scale; a rounding of 1/8192."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Variable:
    """One column of a moment query and its public range."""

    column: str
    units: Units

    @property
    def center(self) -> float:
        """The middle of the range, in natural units."""
        return self.units.natural(self.units.center)

    @property
    def half(self) -> float:
        """The farthest a value lies from the center, in natural units."""
        return self.units.natural(self.units.half)


def variables_of(query: DpQuery) -> tuple[Variable, ...]:
    """Return the predictors and, last, the outcome; for a variance its one column."""
    columns = [(predictor.column, predictor.clip) for predictor in query.predictors or ()]
    if query.value is not None and query.clip is not None:
        columns.append((query.value, query.clip))
    return tuple(Variable(column, units_of(clip, query.name, centered=True)) for column, clip in columns)


def pairs_of(variables: int) -> tuple[tuple[int, int], ...]:
    """Return the moments of so many variables: pairs of places, 0 being the constant."""
    return tuple(combinations_with_replacement(range(variables + 1), 2))


def scale_of(variables: Sequence[Variable]) -> int:
    """Return R: the grid's own steps for one column, `STEPS` for several."""
    return variables[0].units.half if len(variables) == 1 else STEPS


def moment_frame(query: DpQuery) -> Frame:
    """Lay a question on its keys and moments; each cell of a person has as many cells of the engine's grid as moments."""
    variables = variables_of(query)
    pairs = pairs_of(len(variables))
    largest = scale_of(variables) ** 2
    moments = PublicKeys(
        column=MOMENT, values=tuple(f"{low},{high}" for low, high in pairs), source="products of the clipped columns"
    )
    own = min(query.bounds.cells_per_person, Frame(query.by, 1).cells)
    return Frame(
        by=(*query.by, moments),
        cells_per_person=own * len(pairs),
        rows_per_person_per_cell=query.bounds.rows_per_person_per_cell,
        value=PRODUCT,
        units=Units(Decimal(1), -largest, largest, 0),
        split=("sum",),
    )


def prepare_moments(rows: Any, query: QueryPlan, key: bytes) -> Any:
    """Give each contribution of a person one row a moment, with the product of its scaled numbers.

    Rows without a value in any of the columns do not count. A person's rows and cells are chosen here, the same for
    all moments; `bounded_cells` then has nothing left to cut.
    """
    asked = query.question
    variables = variables_of(asked)
    rows = with_columns(rows, query, [*(each.column for each in variables), *(each.column for each in asked.by)])
    kept = among_keys(rows, asked.by)
    scale = scale_of(variables)
    names = [f"__z{place}" for place in range(1, len(variables) + 1)]
    kept = kept.mutate(
        **{name: _scaled(kept[each.column], each.units, scale) for name, each in zip(names, variables, strict=True)}
    )
    for name in names:
        kept = kept.filter(kept[name].notnull())
    contents = [*([RECORD] if RECORD in kept.columns else []), *names]
    kept = first_contributions(
        kept,
        asked.by,
        contents,
        cells=asked.bounds.cells_per_person,
        per_cell=asked.bounds.rows_per_person_per_cell,
        subkey=subkey_of(key, query),
    )
    return _products(kept, asked, names, scale)


def _scaled(value: Any, units: Units, scale: int) -> Any:
    whole = whole_units(value, units)
    if scale == units.half:
        return whole
    # A float product of whole numbers below 2^53 is exact; only the division rounds, the same on every engine.
    return (whole.cast("float64") * float(scale) / float(units.half)).round().cast("int64")


def _products(kept: Any, asked: DpQuery, names: Sequence[str], scale: int) -> Any:
    pairs = pairs_of(len(names))
    moments = ibis.memtable(
        pa.table(
            {
                MOMENT: pa.array([f"{low},{high}" for low, high in pairs], pa.string()),
                "__low": pa.array([low for low, _ in pairs], pa.int64()),
                "__high": pa.array([high for _, high in pairs], pa.int64()),
            }
        )
    )
    each = kept.select(PERSON, *(key.column for key in asked.by), *names).cross_join(moments)

    def number(which: Any) -> Any:
        choices = [(which == place, each[name]) for place, name in enumerate(names, 1)]
        return ibis.cases((which == 0, ibis.literal(scale, "int64")), *choices)

    product = number(each["__low"]) * number(each["__high"])
    return each.mutate(**{PRODUCT: product.cast("float64")}).drop("__low", "__high", *names)


def moment_matrices(query: QueryPlan, noisy: Sequence[int]) -> tuple[list[Floats], float]:
    """Return for each cell of the question the symmetric matrix of moments, its numbers scaled to ±1, and its noise scale.

    The first row and column belong to the constant: the first entry is the noisy number of rows.
    """
    variables = variables_of(query.question)
    pairs = pairs_of(len(variables))
    largest = scale_of(variables) ** 2
    places = len(variables) + 1
    matrices = []
    for start in range(0, len(noisy), len(pairs)):
        matrix = np.zeros((places, places))
        for (low, high), total in zip(pairs, noisy[start : start + len(pairs)], strict=True):
            matrix[low, high] = matrix[high, low] = total / largest
        matrices.append(matrix)
    if not matrices:
        raise PolicyError(
            "dp.no-moments", what="there are no moments", why="the grid has no cell", fix="make the plan anew"
        )
    return matrices, query.part("sum").sigma / largest
