"""What every privacy model is to the search: a name, a predicate over class counts, a monotonicity flag, a bound.

To add a model: a file beside this one with a frozen dataclass that has these members and its paper in the docstring, its
parameters in `policies.model.sensitive`, a line in `from_policy` and `nearest`, a hand-written check in
`anonymization.recount_sensitive`, and a test against brute force.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from anonymization.loss import FloatArray
from anonymization.quasi import IntArray
from anonymization.sensitive import SensitiveCounts

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ClassCounts:
    """What models may look at, one entry an equivalence class.

    `people` counts distinct persons, `rows` rows; `sensitive[column]` says how many rows of each class hold which value.
    `lost` is the share of its information that a class has lost, by its labels; None where no model asks for it.
    """

    rows: IntArray
    people: IntArray
    sensitive: Mapping[str, SensitiveCounts]
    lost: FloatArray | None = None


class Criterion(Protocol):
    """A privacy model.

    `monotone` says that a class which passes still passes after merging with any other, so that the records that
    fail can only become fewer as the table is generalized. Of such a model, all rows of a failing class are lost at
    every finer node too. Of the others, which only promise that two passing classes merge into a passing one, the search
    prunes by `least_lost`.
    """

    @property
    def name(self) -> str:
        """How evidence calls the model, with its parameters."""

    @property
    def monotone(self) -> bool:
        """Whether merging classes keeps a passing class passing."""

    def failing(self, classes: ClassCounts) -> BoolArray:
        """Return True for each class that does not meet the model."""

    def least_lost(self, classes: ClassCounts) -> IntArray:
        """Return for each class how many of its rows, at least, no finer node can publish; 0 where nothing is known."""

    def reached(self, classes: ClassCounts) -> FloatArray:
        """Return for each class the strictest setting that it would meet; infinite or 0 where it would meet none."""


def whole_classes(failing: BoolArray, classes: ClassCounts) -> IntArray:
    """Return all rows of the classes that fail a monotone model, and none of the others."""
    return np.where(failing, classes.rows, 0)
