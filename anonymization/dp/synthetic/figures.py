"""What a steward sees of synthetic people: each column's distribution as it was measured with noise, and in the rows.

Both are outputs of the mechanism, so no figure of a real person is drawn.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from anonymization.dp.synthetic.domain import Codes, Domain, Floats
from anonymization.dp.synthetic.model import Measured
from anonymization.utility.figures import MOST_BINS, Bars

_MISSING, _OTHERS = "missing", "…"


def column_bars(domain: Domain, measured: Sequence[Measured], rows: Codes) -> list[dict[str, Any]]:
    """Return, for each column, its noisy shares and those of the rows, as plain JSON values; at most twelve bars."""
    bars = []
    for place, column in enumerate(domain.columns):
        noisy = next(one.counts for one in measured if one.clique == (place,))
        names = [_MISSING if label is None else label for label in column.labels]
        held = np.bincount(rows[:, place], minlength=len(names)).astype(np.float64)
        before, after = _shares(np.maximum(noisy, 0.0)), _shares(held)
        if len(names) > MOST_BINS:
            names = [*names[: MOST_BINS - 1], _OTHERS]
            before, after = (np.append(one[: MOST_BINS - 1], one[MOST_BINS - 1 :].sum()) for one in (before, after))
        shown = [tuple(round(float(share), 4) for share in one) for one in (before, after)]
        bars.append(Bars(column.column, tuple(names), *shown).as_json())
    return bars


def _shares(counts: Floats) -> Floats:
    shares: Floats = counts / max(float(counts.sum()), 1.0)
    return shares
