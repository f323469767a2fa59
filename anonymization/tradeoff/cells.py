"""Alternatives of a table of counts: the smallest cell shown. People are counted once."""

from collections.abc import Iterator, Mapping, Sequence

from anonymization.hierarchy import Hierarchy
from anonymization.small_cells import count_cells, hide_small_cells
from anonymization.tables import Pseudonymized
from anonymization.tradeoff.alternative import Alternative, Value, combinations
from policies.errors import DataError, PolicyError
from policies.model import ReleasePolicy
from policies.model.method import SmallCells


def current_cells(method: SmallCells) -> dict[str, Value]:
    """Return the parameters of a table of counts that a frontier may change, as the policy has them."""
    return {"min_cell": method.min_cell}


def default_cells(method: SmallCells) -> dict[str, tuple[Value, ...]]:
    """Return the grid that is tried where none is given: the thresholds that regimes ask for."""
    return {"min_cell": tuple(sorted({3, 5, 10, 11, 15, 20, 21, method.min_cell}))}


def cell_alternatives(
    release: ReleasePolicy,
    sources: Mapping[str, Pseudonymized],
    *,
    hierarchies: Mapping[str, Hierarchy],
    grid: Mapping[str, Sequence[Value]],
) -> Iterator[Alternative]:
    """Yield what each smallest cell would hide.

    Risk is one in the smallest number that is shown, cost the share of the counted people whose cell is hidden.
    """
    method = release.method
    if not isinstance(method, SmallCells):
        raise PolicyError(
            "policy.other-method", what="the release is no table of counts", why="cells are theirs", fix="use its own"
        )
    _, cells, _ = count_cells(release, sources, hierarchies=hierarchies)
    people = int(cells.sum())
    for number, parameters in enumerate(combinations(grid, current=current_cells(method))):
        least = int(parameters["min_cell"])
        try:
            table = hide_small_cells(cells, min_cell=least, zero_allowed=method.zero_allowed, margins=method.margins)
        except DataError as error:
            yield Alternative(parameters, None, None, why=error.code, is_current=number == 0)
            continue
        inner = table.hidden[:-1, :-1]
        shown = int((table.counts[:-1, :-1] * ~inner).sum())
        loss = 1 - shown / people if people else 1.0
        yield Alternative(
            parameters,
            risk=1 / least,
            cost=loss,
            figures={"loss": loss, "hidden_cells": int(inner.sum()), "cells": int(inner.size)},
            is_current=number == 0,
        )
