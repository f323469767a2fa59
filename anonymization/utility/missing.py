"""Cells that say nothing: missing in the source, missing in what is published, at the root, suppressed."""

from dataclasses import dataclass

import numpy as np

from anonymization.hierarchy import ROOT
from anonymization.utility.compared import Compared


@dataclass(frozen=True, slots=True)
class Missing:
    """Shares of the source's rows: without a value at first, published without one, published as the root.

    A suppressed row is in neither of the published two: the release's suppressed share counts it.
    """

    before: float
    after: float
    at_root: float


def missing(compared: Compared) -> dict[str, Missing]:
    """Return by attribute how many of its cells say nothing."""
    found = {}
    kept, rows = compared.kept, compared.rows
    for attribute, source, codes in zip(compared.attributes, compared.source, compared.published, strict=True):
        empty = np.array([label is None for label in attribute.labels], bool)
        root = np.array([label == ROOT for label in attribute.labels], bool)
        found[attribute.column] = Missing(
            before=float(rows[source == len(attribute.points) - 1].sum() / compared.records),
            after=float(rows[kept][empty[codes[kept]]].sum() / compared.records) if len(kept) else 0.0,
            at_root=float(rows[kept][root[codes[kept]]].sum() / compared.records) if len(kept) else 0.0,
        )
    return found
