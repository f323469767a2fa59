"""The class-size spectrum: how many equivalence classes there are of each size; every risk figure follows from it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from anonymization.quasi import IntArray


@dataclass(frozen=True, slots=True)
class SpectrumOfClassSizes:
    """Entry i: `classes[i]` classes of `sizes[i]` people each, which together hold `records[i]` rows; sizes rise.

    Suppressed records are in no class (trap 4 of the reference).
    """

    sizes: tuple[int, ...]
    classes: tuple[int, ...]
    records: tuple[int, ...]

    @property
    def k(self) -> int:
        """The size of the smallest class in people; 0 when there is none."""
        return self.sizes[0] if self.sizes else 0

    @property
    def class_count(self) -> int:
        """The number of classes."""
        return sum(self.classes)

    @property
    def record_count(self) -> int:
        """The number of rows in classes."""
        return sum(self.records)

    def as_json(self) -> list[dict[str, int]]:
        """Return the spectrum as plain JSON values, smallest classes first."""
        return [
            {"size": size, "classes": classes, "records": records}
            for size, classes, records in zip(self.sizes, self.classes, self.records, strict=True)
        ]


def spectrum_of(people: IntArray, rows: IntArray) -> SpectrumOfClassSizes:
    """Return the spectrum of classes that hold `people` persons and `rows` rows, one entry a class."""
    sizes, index = np.unique(people, return_inverse=True)
    classes = np.bincount(index, minlength=len(sizes))
    records = np.bincount(index, weights=rows, minlength=len(sizes)).astype(np.int64)
    return SpectrumOfClassSizes(_whole(sizes), _whole(classes), _whole(records))


def _whole(values: Sequence[int] | IntArray) -> tuple[int, ...]:
    return tuple(int(value) for value in values)
