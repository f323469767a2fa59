"""Quasi-identifiers as the search sees them: small integers at every level.

Here: the declaration of a quasi-identifier, and its coding. Codes are our own, made from the hierarchy's order and
the sorted values; the physical dictionary codes of a dataframe library are never used (trap 1 of the reference).
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from anonymization.hierarchy import ROOT, Hierarchy, require_level

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class QuasiIdentifier:
    """A column that identifies in combination.

    `hierarchy` None keeps the value as it is. `level` None leaves the level to the search; a number fixes it.
    """

    column: str
    hierarchy: Hierarchy | None = None
    level: int | None = None


@dataclass(frozen=True, slots=True)
class CodedAttribute:
    """A quasi-identifier as integers.

    A leaf's code is its place in `leaves`; `missing` is the code of a null, one past the last leaf. Levels here are
    the levels that the search may choose; `levels[i]` is the i-th's number in the hierarchy.
    `label_of[i][code]` is the code of the label at the i-th level, below `sizes[i]`; `covered[i][label]` is the number
    of hierarchy leaves under that label, out of `domain`.

    `is_plain` says that the column has no hierarchy and is published as it is.

    A null is its own category, generalized by nothing but the root: it has a label of its own, which covers one leaf's
    worth, until the level is `*` everywhere.
    """

    column: str
    leaves: tuple[str, ...]
    levels: tuple[int, ...]
    label_of: tuple[IntArray, ...]
    sizes: tuple[int, ...]
    covered: tuple[IntArray, ...]
    domain: int
    is_plain: bool

    @property
    def missing(self) -> int:
        """The code of a missing value."""
        return len(self.leaves)


def hierarchy_for(quasi_identifier: QuasiIdentifier, values: Iterable[str]) -> Hierarchy:
    """Return the hierarchy of a quasi-identifier, grown by the values seen; a flat one where it has none.

    The flat hierarchy has the values and the root; `code_attribute` offers only its level 0.
    """
    if quasi_identifier.hierarchy is not None:
        return quasi_identifier.hierarchy.for_values(values)
    leaves = tuple(sorted(set(values)))
    return Hierarchy(quasi_identifier.column, leaves, (leaves, (ROOT,) * len(leaves)))


def code_attribute(quasi_identifier: QuasiIdentifier, hierarchy: Hierarchy) -> CodedAttribute:
    """Code the levels of `hierarchy` that the search may choose for `quasi_identifier`.

    Raises:
        PolicyError: The fixed level is not a level of the hierarchy.
    """
    if quasi_identifier.hierarchy is None:
        levels: tuple[int, ...] = (0,)
    elif quasi_identifier.level is None:
        levels = tuple(range(hierarchy.height))
    else:
        require_level(hierarchy, quasi_identifier.level)
        levels = (quasi_identifier.level,)
    counted = np.array([leaf == label for leaf, label in zip(hierarchy.leaves, hierarchy.labels[0], strict=True)], bool)
    domain = max(int(counted.sum()), 1) if hierarchy.domain is None else hierarchy.domain[-1]
    label_of, sizes, covered = [], [], []
    for level in levels:
        codes, size = _code_labels(hierarchy.labels[level], is_root=level == hierarchy.height - 1)
        if hierarchy.domain is None:
            leaves_under = np.bincount(codes[:-1][counted], minlength=size).astype(np.int64)
        else:
            leaves_under = np.full(size, hierarchy.domain[level], np.int64)
        if level < hierarchy.height - 1:
            leaves_under[codes[-1]] = 1
        label_of.append(codes)
        sizes.append(size)
        covered.append(np.maximum(leaves_under, 1))
    return CodedAttribute(
        column=quasi_identifier.column,
        leaves=hierarchy.leaves,
        levels=levels,
        label_of=tuple(label_of),
        sizes=tuple(sizes),
        covered=tuple(covered),
        domain=domain,
        is_plain=quasi_identifier.hierarchy is None,
    )


def _code_labels(labels: tuple[str, ...], *, is_root: bool) -> tuple[IntArray, int]:
    """Return one code a leaf, and last the code of a missing value; and the number of codes."""
    code_of: dict[str, int] = {}
    codes = [code_of.setdefault(label, len(code_of)) for label in labels]
    if is_root:
        return np.zeros(len(labels) + 1, np.int64), 1
    return np.array([*codes, len(code_of)], np.int64), len(code_of) + 1
