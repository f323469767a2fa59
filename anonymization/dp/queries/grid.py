"""The public grid as columns: every combination of the declared keys, the last key fastest, as `bounding` numbers cells."""

import numpy as np
import pyarrow as pa

from anonymization.dp.queries.kind import Columns
from policies.model.method import PublicKeys


def key_columns(by: tuple[PublicKeys, ...], *, each: int = 1) -> Columns:
    """Lay out every combination of `by`, each repeated `each` times in a row; string columns."""
    total = each
    for key in by:
        total *= len(key.values)
    places = np.arange(total)
    columns: Columns = {}
    step = total
    for key in by:
        step //= len(key.values)
        columns[key.column] = pa.array(key.values, pa.string()).take(pa.array(places // step % len(key.values)))
    return columns
