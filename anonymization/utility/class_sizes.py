"""What the sizes of the classes cost: average class size, and discernibility."""

from dataclasses import dataclass

import numpy as np

from anonymization.utility.compared import Compared


@dataclass(frozen=True, slots=True)
class AverageClassSize:
    """The mean size of a published class, in rows and in people, suppressed rows in none.

    `normalized` is C_avg: how many times the size that k asks for (1 is the best that k-anonymity allows).
    """

    rows: float
    people: float
    normalized: float | None


def average_class_size(compared: Compared, *, k: int | None = None) -> AverageClassSize:
    """Return the average size of an equivalence class.

    Args:
        compared: Before and after.
        k: What the release promises; C_avg is not known without it.

    Source: LeFevre, DeWitt, Ramakrishnan, Mondrian multidimensional k-anonymity, ICDE 2006: C_avg = (records / classes)
    / k. The records here are those that are published, as ARX's statistics call and pycanon count them; k counts
    people, so C_avg is of people.
    """
    rows = compared.class_rows
    people = rows if compared.class_people is None else compared.class_people
    classes = max(len(rows), 1)
    mean = float(people.sum() / classes)
    return AverageClassSize(float(rows.sum() / classes), mean, mean / k if k else None)


def discernibility(compared: Compared) -> int:
    """Return the discernibility metric: each row costs as many rows as it cannot be told from; a suppressed one costs all.

    Source: Bayardo, Agrawal, Data privacy through optimal k-anonymization, ICDE 2005: the sum of |E|² over the classes,
    plus |D| for each suppressed record.
    """
    sizes = compared.class_rows.astype(object)  # whole numbers without an upper end: squares of many rows pass 2**63
    return int(np.sum(sizes * sizes) if len(sizes) else 0) + compared.suppressed * compared.records


def normalized_discernibility(compared: Compared) -> float:
    """Return discernibility between what the source itself has (0) and all rows in one class or suppressed (1)."""
    _, number = np.unique(np.stack(compared.source, axis=1), axis=0, return_inverse=True)
    sizes = np.bincount(number.ravel(), weights=compared.rows)
    least, most = float((sizes * sizes).sum()), float(compared.records) ** 2
    return (discernibility(compared) - least) / (most - least) if most > least else 0.0
