"""Who shares a value: groups are counted in people, never in rows."""

from typing import Any

import numpy as np
import numpy.typing as npt

from anonymization.perturbation.arrays import Ints


def person_codes(people: "npt.NDArray[Any] | None", rows: int) -> Ints:
    """Number the people of `rows` rows from 0; without `people` every row is a person of its own."""
    if people is None:
        return np.arange(rows, dtype=np.int64)
    codes = np.unique(people, return_inverse=True)[1]
    return codes.reshape(rows).astype(np.int64)


def count_people(people: Ints) -> int:
    """Return how many distinct people there are."""
    return int(np.unique(people).size)


def people_by_label(labels: Ints, people: Ints) -> Ints:
    """Return, for each label 0 … L - 1, how many distinct people hold it; rows with the label -1 are in no group."""
    inside = labels >= 0
    pairs = np.unique(np.stack([labels[inside], people[inside]]), axis=1)
    return np.bincount(pairs[0], minlength=int(labels.max(initial=-1)) + 1).astype(np.int64)


def first_of_k_people(ordered: Ints, k: int) -> int:
    """Return how many leading entries of `ordered` hold k distinct people; all of them if there are fewer."""
    head = ordered[: 4 * k]
    firsts = np.sort(np.unique(head, return_index=True)[1])
    if firsts.size < k and head.size < ordered.size:
        firsts = np.sort(np.unique(ordered, return_index=True)[1])
    return int(firsts[k - 1]) + 1 if firsts.size >= k else int(ordered.size)


def once_per_person(people: Ints, values: Ints) -> tuple[Ints, int]:
    """Number the pairs of person and value, so that chance may be drawn once for each.

    A person whose equal values were changed independently could be averaged: the mean of many noisy copies is the value.

    Returns:
        The number of each row's pair, and how many pairs there are.
    """
    if not values.size:
        return np.zeros(0, dtype=np.int64), 0
    joint = people * (int(values.max()) + 2) + (values + 1)
    found, numbers = np.unique(joint, return_inverse=True)
    return numbers.reshape(values.size).astype(np.int64), int(found.size)
