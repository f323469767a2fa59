"""Which values of the source a published label stands for."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from anonymization.hierarchy import ROOT, Hierarchy
from anonymization.loss import FloatArray
from anonymization.quasi import IntArray
from policies.errors import IntegrityError


@dataclass(frozen=True, slots=True)
class ComparedAttribute:
    """A quasi-identifier before and after.

    A point is a value that a row of the source may have: the `domain` leaves of the hierarchy, then values that the
    hierarchy does not know, then a missing value (null in `points`, always there; `is_missing_seen` says whether a row
    has it). `ladder[level]` codes the points' labels at that level, `steps[level]` are their texts. `labels` are the published texts, null for a missing
    value. `under` is a sparse matrix, labels by points, 1 where the label stands for the point. `leaves` is the number of leaves under each label, a missing value taken for one; `heights` is
    the lowest level at which each label stands, and `height` the last level of the hierarchy (0 where there is none).
    """

    column: str
    points: tuple[str | None, ...] = field(repr=False)
    ladder: tuple[IntArray, ...] = field(repr=False)
    steps: tuple[tuple[str, ...], ...] = field(repr=False)
    labels: tuple[str | None, ...] = field(repr=False)
    under: Any = field(repr=False)
    leaves: IntArray = field(repr=False)
    heights: IntArray = field(repr=False)
    domain: int
    height: int
    is_missing_seen: bool

    @property
    def size(self) -> int:
        """The number of points that a row can have: leaves, and a missing value where one was seen."""
        return self.domain + int(self.is_missing_seen)

    def shares(self) -> Any:
        """Return `under` with rows that sum to 1: how a label's rows are spread over its points, knowing no better."""
        from scipy.sparse import diags_array

        counts = np.asarray(self.under.sum(axis=1)).ravel()
        return diags_array(1.0 / np.maximum(counts, 1)) @ self.under

    def numbers(self) -> FloatArray | None:
        """Return the points as numbers, a missing value as NaN; None when any is no finite number."""
        try:
            known = [float(point) for point in self.points if point is not None]
        except ValueError:
            return None
        if not known or not np.isfinite(known).all():
            return None
        return np.array([np.nan if point is None else float(point) for point in self.points])


def attribute_of(
    column: str, hierarchy: Hierarchy, *, seen: Sequence[str | None], labels: Sequence[str | None], level: int | None
) -> ComparedAttribute:
    """Return a quasi-identifier before and after.

    Args:
        column: Its name.
        hierarchy: Its hierarchy, grown by the values of the source.
        seen: The distinct values of the source.
        labels: The distinct published labels.
        level: The level of all labels; None where each row has its own (local recoding).

    Raises:
        IntegrityError: A label that is not the hierarchy's, at that level.
    """
    leaves = [leaf for leaf, label in zip(hierarchy.leaves, hierarchy.labels[0], strict=True) if leaf == label]
    known = set(hierarchy.leaves)
    strange = sorted({value for value in seen if value is not None and value not in known})
    points = (*leaves, *strange, None)
    place = {leaf: i for i, leaf in enumerate(hierarchy.leaves)}
    kept = [place[leaf] for leaf in leaves]
    is_missing_seen = any(value is None for value in seen)
    standing = _standing(hierarchy, kept)
    everything = np.array([*range(len(leaves)), *([len(points) - 1] if is_missing_seen else [])], np.int64)
    rows = []
    for label in labels:
        if label is None:
            rows.append((np.array([len(points) - 1], np.int64), 0))
        elif label == ROOT:
            rows.append((everything, hierarchy.height - 1))
        else:
            rows.append(_points_under(column, label, standing, level))
    return ComparedAttribute(
        column=column,
        points=points,
        ladder=_ladder(hierarchy, kept, strange=len(strange)),
        steps=tuple(tuple(dict.fromkeys(one[place] for place in kept)) for one in hierarchy.labels),
        labels=tuple(labels),
        under=_matrix([found for found, _ in rows], len(points)),
        leaves=np.array([max(int((found < len(leaves)).sum()), 1) for found, _ in rows], np.int64),
        heights=np.array([height for _, height in rows], np.int64),
        domain=max(len(leaves), 1),
        height=hierarchy.height - 1,
        is_missing_seen=is_missing_seen,
    )


def usual_spelling(hierarchy: Hierarchy) -> dict[str, str]:
    """Return for each value that the hierarchy understands the leaf it is: itself, or what it is a second spelling of."""
    return dict(zip(hierarchy.leaves, hierarchy.labels[0], strict=True))


def _standing(hierarchy: Hierarchy, kept: Sequence[int]) -> list[dict[str, IntArray]]:
    """Return for each level the places of the leaves under each of its labels."""
    found: list[dict[str, list[int]]] = [{} for _ in range(hierarchy.height)]
    for level, labels in enumerate(hierarchy.labels):
        for point, place in enumerate(kept):
            found[level].setdefault(labels[place], []).append(point)
    return [{label: np.array(points, np.int64) for label, points in one.items()} for one in found]


def _points_under(
    column: str, label: str, standing: list[dict[str, IntArray]], level: int | None
) -> tuple[IntArray, int]:
    """Return the points under a label and the lowest level at which it stands for just these.

    A text that is a value and a category above it stands for the category, as in `recoding`.
    """
    levels = [level] if level is not None else range(len(standing) - 1, -1, -1)
    points = next((standing[at][label] for at in levels if label in standing[at]), None)
    if points is None:
        raise IntegrityError(
            "integrity.label-unknown",
            what=f"column '{column}' holds a label that its hierarchy does not have",
            why="what a label stands for is known from the hierarchy alone",
            fix="compare the table with the hierarchies it was made with",
        )
    lowest = next(at for at in range(len(standing)) if len(standing[at].get(label, ())) == len(points))
    return points, lowest


def _ladder(hierarchy: Hierarchy, kept: Sequence[int], *, strange: int) -> tuple[IntArray, ...]:
    """Return the code of each point's label at each level; what is missing or unknown is a label of its own below the root."""
    found = []
    for labels in hierarchy.labels[:-1]:
        code_of: dict[str, int] = {}
        codes = [code_of.setdefault(labels[place], len(code_of)) for place in kept]
        found.append(np.array([*codes, *(len(code_of) + i for i in range(strange + 1))], np.int64))
    return (*found, np.zeros(len(kept) + strange + 1, np.int64))


def _matrix(rows: Sequence[IntArray], width: int) -> Any:
    from scipy.sparse import csr_array

    starts = np.cumsum([0, *(len(found) for found in rows)])
    columns = np.concatenate(rows) if rows else np.zeros(0, np.int64)
    return csr_array((np.ones(len(columns)), columns, starts), shape=(len(rows), width))
