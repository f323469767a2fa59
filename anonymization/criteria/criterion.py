"""What every privacy model is to the search: a name, a predicate over class counts, a monotonicity flag.

To add a model: a file beside this one with a frozen dataclass that has these members and its paper in the docstring,
a hand-written check in `anonymization.recount`, and a test against brute force.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from anonymization.quasi import IntArray

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ClassCounts:
    """What models may look at, one entry an equivalence class.

    `people` counts distinct persons, `rows` rows; `distinct_values[column]` counts the distinct values of a sensitive
    column, missing values not among them.
    """

    rows: IntArray
    people: IntArray
    distinct_values: Mapping[str, IntArray]


class Criterion(Protocol):
    """A privacy model.

    `monotone` says that a class which passes still passes after merging with any other, so that the records that
    fail can only become fewer as the table is generalized. The search prunes by the monotone models only.
    """

    @property
    def name(self) -> str:
        """How evidence calls the model, with its parameters."""

    @property
    def monotone(self) -> bool:
        """Whether merging classes keeps a passing class passing."""

    def failing(self, classes: ClassCounts) -> BoolArray:
        """Return True for each class that does not meet the model."""
