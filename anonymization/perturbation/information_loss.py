"""What a perturbation cost, and how many rows it left recognizable: figures beside every method, for its evidence.

Source: Domingo-Ferrer, Mateo-Sanz, Practical data-oriented microaggregation, IEEE TKDE 14(1):189–201, 2002 (SSE / SST);
    Yancey, Winkler, Creecy, Disclosure risk assessment in perturbative microdata protection, LNCS 2316:135–152, 2002 (IL1s).
"""

from collections.abc import Mapping

import numpy as np

from anonymization.perturbation.arrays import Floats, Ints

Measures = Mapping[str, float | int | None]


def sum_of_squares(values: Floats) -> float:
    """Return the sum of squared distances from the mean; missing values are left out."""
    known = values[~np.isnan(values)]
    return float(((known - known.mean()) ** 2).sum()) if known.size else 0.0


def numeric_loss(before: Floats, after: Floats) -> Measures:
    """Compare a column of numbers before and after, over the rows that have both.

    Returns:
        `sse` Σ (x - x')²; `sse_share` of it in Σ (x - mean)² (None if the column does not vary); `il1s` the mean of
        |x - x'| / (√2 · sd); the changes of mean and standard deviation; `changed_share` of the rows; `emptied` values.
    """
    both = ~np.isnan(before) & ~np.isnan(after)
    x, y = before[both], after[both]
    total = sum_of_squares(x)
    sse = float(((x - y) ** 2).sum())
    spread = float(x.std(ddof=1)) if x.size > 1 else 0.0
    return {
        "rows": int(x.size),
        "emptied": int((~np.isnan(before) & np.isnan(after)).sum()),
        "changed_share": float((x != y).mean()) if x.size else 0.0,
        "sse": sse,
        "sse_share": sse / total if total else None,
        "il1s": float(np.abs(x - y).mean() / (np.sqrt(2.0) * spread)) if spread else None,
        "mean_change": float(y.mean() - x.mean()) if x.size else None,
        "sd_ratio": float(y.std(ddof=1) / spread) if spread else None,
    }


def coded_loss(before: Ints, after: Ints) -> Measures:
    """Compare a column of codes: the share of rows that changed, and the total variation of the two distributions."""
    size = int(max(before.max(initial=-1), after.max(initial=-1))) + 2
    p, q = (np.bincount(codes + 1, minlength=size) / max(1, codes.size) for codes in (before, after))
    return {
        "rows": int(before.size),
        "changed_share": float((before != after).mean()) if before.size else 0.0,
        "marginal_distance": float(np.abs(p - q).sum() / 2),
    }


def correlation_change(before: Floats, after: Floats) -> float | None:
    """Return the greatest change of a correlation between two columns; None where one does not vary.

    Args:
        before: Rows times columns; rows with a missing value on either side are left out.
        after: The same rows and columns.
    """
    whole = ~(np.isnan(before).any(axis=1) | np.isnan(after).any(axis=1))
    x, y = before[whole], after[whole]
    if x.shape[1] < 2 or x.shape[0] < 2 or min(x.std(axis=0).min(), y.std(axis=0).min()) == 0:
        return None
    return float(np.abs(np.corrcoef(x, rowvar=False) - np.corrcoef(y, rowvar=False)).max())


def linked_share(before: Floats, after: Floats) -> float:
    """Return the share of rows whose published values are nearest to their own original: distance-based record linkage.

    Both sides are divided by the standard deviations of the originals. Where several originals are equally near, the row
    counts with one over their number. It tells the intruder who holds all originals, the strongest one; missing values are
    taken as the column's mean.

    Source: Pagliuca, Seri, Some results of individual ranking method on the system of enterprise accounts, 1999.
    """
    from scipy.spatial import cKDTree

    if not before.size:
        return 0.0
    with np.errstate(invalid="ignore"):
        center = np.nan_to_num(np.nanmean(before, axis=0))
        scale = np.nan_to_num(np.nanstd(before, axis=0))
    scale[scale == 0] = 1.0
    x, y = (np.where(np.isnan(side), center, side) / scale for side in (before, after))
    own = np.sqrt(((x - y) ** 2).sum(axis=1))
    distinct, inverse, counts = np.unique(x, axis=0, return_inverse=True, return_counts=True)
    nearest, _ = cKDTree(distinct).query(y)
    hit = own <= nearest * (1 + 1e-12) + 1e-12
    return float((hit / counts[inverse.reshape(-1)]).mean())
